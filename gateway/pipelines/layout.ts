import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { documentFiles, documentsBelow, filesBelow, isFolder } from './files.ts'
import { readDocumentText } from './validate.ts'
import { type ApplicationLayout, type Layer, type LayerLayout, type Layout, layers } from './wiring/index.ts'

/** What lies in a folder of pipelines, nothing without one. It is looked at each time. */
export function folderLayout(folder: string | undefined): Layout {
  const applications = folder === undefined ? undefined : join(folder, 'applications')
  return {
    async applications() {
      if (applications === undefined || !(await isFolder(applications))) return []
      const names = (await readdir(applications, { withFileTypes: true })).filter(one => one.isDirectory()).map(({ name }) => name).sort()
      return Promise.all(names.map(async (name): Promise<ApplicationLayout> => ({ name, layers: await Promise.all(layers.map(layer => layerLayout(join(applications, name, layer), layer))) })))
    },
    commonSchemas: async () => (folder === undefined ? [] : filesBelow(join(folder, 'common'), 'schemas', isSchema)),
    // Lookups are found from where a document of an application would be.
    commonLookups: async () => (applications === undefined ? [] : [...(await documentFiles(join(applications, 'any', 'staging', 'pipelines', 'any.xml')).lookups.names())].sort()),
  }
}

async function layerLayout(folder: string, layer: Layer): Promise<LayerLayout> {
  const [pipelines, jobs, schemas, resources] = await Promise.all([
    idsBelow(join(folder, 'pipelines'), 'pipeline'), idsBelow(join(folder, 'jobs'), 'job'), filesBelow(folder, 'schemas', isSchema), filesBelow(join(folder, 'resources'), '', () => true),
  ])
  return { layer, pipelines, jobs, schemas, resources }
}

/** Of documents of one kind; one that says no id goes by the name of its file. */
async function idsBelow(folder: string, kind: 'pipeline' | 'job'): Promise<string[]> {
  if (!(await isFolder(folder))) return []
  const documents = await Promise.all((await documentsBelow(folder)).map(async file => ({ file, read: (await readDocumentText(file)).read })))
  return documents.flatMap(({ file, read }) => (read.kind === kind ? [read.root.values.id ?? relative(folder, file).slice(0, -'.xml'.length)] : [])).sort()
}

function isSchema(name: string): boolean {
  return /\.(avsc|json)$/.test(name)
}
