import type { Stats } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import type { FoundSchema, LookupFile, Lookups } from './wiring/index.ts'

/** In UTF-8 no document of the length that is read has more bytes. */
export const largest = 4 * 1024 * 1024
/** Folders above a document in which `common` is looked for. */
const mostAbove = 6

/** What a document names, where it lies: schemas, queries, lookups, and the data of its application. */
export interface DocumentFiles {
  /** The folder below `applications`; without such a folder `default`. */
  readonly application: string
  /** Where the application's documents are, in folders of their own: its folder below `applications`; else the document's own. */
  readonly documents: string
  /** Where the application's data is: `data/applications/APP` beside the folder that has `applications`; else the document's own folder. */
  readonly data: string
  schemaText(path: string): Promise<FoundSchema>
  queryText(path: string): Promise<string | undefined>
  readonly lookups: Lookups
}

/** Schemas are looked for below the folder of the document's layer, then below the nearest `common` above; queries below `resources` of the layer; lookups below `lookups` of `common`. */
export function documentFiles(document: string): DocumentFiles {
  const folder = dirname(document)
  const layer = basename(folder) === 'pipelines' ? dirname(folder) : folder
  const placed = /^(.*)[\\/]([^\\/]+)[\\/]applications[\\/]([^\\/]+)[\\/]/.exec(document)
  return {
    application: placed?.[3] ?? 'default',
    documents: placed ? join(placed[1] ?? '', placed[2] ?? '', 'applications', placed[3] ?? '') : folder,
    data: placed ? dataFolder(join(placed[1] ?? '', placed[2] ?? ''), placed[3] ?? '') : folder,
    async schemaText(path) {
      const candidates = [join(layer, path), ...(await commonFolders(layer)).map(common => join(common, path))]
      const texts = await Promise.all(candidates.map(textIn))
      const [first, ...others] = candidates.filter((_, place) => texts[place] !== undefined)
      const other = others[0]
      return { searched: candidates.map(each => relative(folder, each)), ...(first !== undefined && { text: texts[candidates.indexOf(first)] }), ...(other !== undefined && { hides: relative(folder, other) }) }
    },
    async queryText(path) {
      const resources = join(layer, 'resources')
      const file = resolve(resources, path)
      return file.startsWith(resources + sep) ? textIn(file) : undefined
    },
    lookups: lookupsOf(async () => (await commonFolders(layer)).map(common => join(common, 'lookups'))),
  }
}

/** Of the application's data, where its documents are below a folder that has `applications`. */
export function dataFolder(folder: string, application: string): string {
  return join(dirname(resolve(folder)), 'data', 'applications', application)
}

const formats: Readonly<Record<string, LookupFile['format']>> = { csv: 'csv', json: 'json', ndjson: 'json', parquet: 'parquet' }

function lookupsOf(folders: () => Promise<readonly string[]>): Lookups {
  async function files(): Promise<ReadonlyMap<string, { readonly path: string; readonly format: LookupFile['format']; readonly folder: string }>> {
    const found = new Map<string, { readonly path: string; readonly format: LookupFile['format']; readonly folder: string }>()
    for (const folder of await folders()) {
      if (!(await statOf(folder))?.isDirectory()) continue
      for (const name of (await readdir(folder)).sort()) {
        const [, own = '', ending = ''] = /^(.+)\.([^.]+)$/.exec(name) ?? []
        const format = formats[ending]
        // A JSON file beside a table of its name is the schema of that.
        if (format && !(ending === 'json' && found.has(own))) found.set(own, { path: join(folder, name), format, folder })
      }
    }
    return found
  }
  return {
    names: async () => [...(await files()).keys()],
    async find(name) {
      const found = (await files()).get(name)
      if (!found) return undefined
      for (const ending of ['avsc', 'json']) {
        const file = join(found.folder, `${name}.${ending}`)
        const text = file === found.path ? undefined : await textIn(file)
        if (text !== undefined) return { format: found.format, path: found.path, schema: { text, file: basename(file) } }
      }
      return { format: found.format, path: found.path }
    },
  }
}

/** Every `.xml` file below a folder, in the order of their names. */
export async function documentsBelow(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  return found.filter(one => one.isFile() && one.name.endsWith('.xml')).map(one => join(one.parentPath, one.name)).sort()
}

/** Files below a part of a folder, named from the folder on; links are left out. */
export async function filesBelow(folder: string, part: string, isOne: (name: string) => boolean): Promise<string[]> {
  if (!(await isFolder(join(folder, part)))) return []
  const found = await readdir(join(folder, part), { recursive: true, withFileTypes: true })
  return found.filter(one => one.isFile() && isOne(one.name)).map(one => relative(folder, join(one.parentPath, one.name)).split(sep).join('/')).sort()
}

/** Whether there is one. */
export async function isFolder(path: string): Promise<boolean> {
  return (await statOf(path))?.isDirectory() ?? false
}

/** The nearest `common` above a folder; none, or one. */
export async function commonFolders(from: string): Promise<string[]> {
  let folder = from
  for (let above = 0; above < mostAbove; above++) {
    folder = dirname(folder)
    const common = join(folder, 'common')
    if ((await statOf(common))?.isDirectory()) return [common]
  }
  return []
}

/** A text, or undefined where there is no such file, or none that a schema could be. */
async function textIn(file: string): Promise<string | undefined> {
  const found = await statOf(file)
  return found?.isFile() && found.size <= largest ? readFile(file, 'utf8') : undefined
}

/** Undefined where there is nothing; any other failure is one. */
export async function statOf(path: string): Promise<Stats | undefined> {
  return stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw error
  })
}
