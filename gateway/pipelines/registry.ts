import { stat } from 'node:fs/promises'
import { basename, join, relative, sep } from 'node:path'
import { type DocumentFiles, documentFiles, documentsBelow, statOf } from './files.ts'
import { readDocumentText } from './validate.ts'
import { type Definition, type DocumentRead, folderFindings, type JobDefinition, type Registry, type RunParts } from './wiring/index.ts'

interface Read {
  /** Another for every other content. */
  readonly as: string
  readonly text: string
  readonly read: DocumentRead
}

/** The pipelines and jobs below a folder, none without one. Its files are looked at each time, and read where they are others than before. */
export function folderRegistry(folder: string | undefined, partsOver: (files: DocumentFiles) => Promise<RunParts>): Registry {
  let known: ReadonlyMap<string, Read> = new Map()
  const all = async () => {
    if (folder === undefined || !(await statOf(join(folder, 'applications')))?.isDirectory()) return { pipelines: [], jobs: [] }
    const files = await documentsBelow(join(folder, 'applications'))
    known = new Map(await Promise.all(files.map(async file => [file, await readAgain(file, known.get(file))] as const)))
    return definitionsOf(folder, known)
  }
  return {
    pipelines: async () => (await all()).pipelines,
    jobs: async () => (await all()).jobs,
    partsOf: ({ file }) => partsOver(documentFiles(join(folder ?? '', file))),
  }
}

async function readAgain(file: string, known: Read | undefined): Promise<Read> {
  const { size, mtimeNs, ino } = await stat(file, { bigint: true })
  const as = `${ino} ${size} ${mtimeNs}`
  if (known?.as === as) return known
  return { as, ...(await readDocumentText(file)) }
}

/** Of every document that is a pipeline or a job, with what they have against each other. Of two of one id the first by its file is the one. */
function definitionsOf(folder: string, reads: ReadonlyMap<string, Read>): { readonly pipelines: readonly Definition[]; readonly jobs: readonly JobDefinition[] } {
  const named = new Map([...reads].map(([file, { text, read }]) => [relative(folder, file).split(sep).join('/'), { path: file, text, read }]))
  const together = folderFindings([...named].map(([file, { read }]) => ({ file, read })))
  const pipelines: Definition[] = []
  const jobs: JobDefinition[] = []
  for (const [file, { path, text, read }] of named) {
    if (read.kind === undefined) continue
    const findings = [...read.findings, ...(together.get(file) ?? [])]
    const runs = !findings.some(({ severity }) => severity === 'ERROR')
    const common = { application: documentFiles(path).application, id: read.root.values.id ?? basename(file, '.xml'), file, xml: text, findings }
    if (read.kind === 'pipeline') pipelines.push({ ...common, ...(runs && read.document && { document: read.document }) })
    else jobs.push({ ...common, ...(runs && read.document && { document: read.document }) })
  }
  return { pipelines: pipelines.sort(byPlace), jobs: jobs.sort(byPlace) }
}

function byPlace(one: Omit<Definition, 'document'>, other: Omit<Definition, 'document'>): number {
  return placeOf(one) < placeOf(other) ? -1 : 1
}

function placeOf({ application, id }: Omit<Definition, 'document'>): string {
  return `${application}/${id}`
}
