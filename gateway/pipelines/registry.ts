import { stat } from 'node:fs/promises'
import { basename, join, relative, sep } from 'node:path'
import { type DocumentFiles, documentFiles, documentsBelow, statOf } from './files.ts'
import { readDocumentText } from './validate.ts'
import { type Definition, type DocumentRead, folderFindings, type Registry, type RunParts } from './wiring.ts'

interface Read {
  /** Another for every other content. */
  readonly as: string
  readonly text: string
  readonly read: DocumentRead
}

/** The pipelines below a folder, none without one. Its files are looked at each time, and read where they are others than before. */
export function folderRegistry(folder: string | undefined, partsOver: (files: DocumentFiles) => Promise<RunParts>): Registry {
  let known: ReadonlyMap<string, Read> = new Map()
  return {
    async pipelines() {
      if (folder === undefined || !(await statOf(join(folder, 'applications')))?.isDirectory()) return []
      const files = await documentsBelow(join(folder, 'applications'))
      known = new Map(await Promise.all(files.map(async file => [file, await readAgain(file, known.get(file))] as const)))
      return definitionsOf(folder, known).sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1))
    },
    partsOf: ({ file }) => partsOver(documentFiles(join(folder ?? '', file))),
  }
}

async function readAgain(file: string, known: Read | undefined): Promise<Read> {
  const { size, mtimeNs, ino } = await stat(file, { bigint: true })
  const as = `${ino} ${size} ${mtimeNs}`
  if (known?.as === as) return known
  return { as, ...(await readDocumentText(file)) }
}

/** Of every document that is a pipeline, with what they have against each other. Of two of one id the first by its file is the pipeline. */
function definitionsOf(folder: string, reads: ReadonlyMap<string, Read>): Definition[] {
  const named = new Map([...reads].map(([file, { text, read }]) => [relative(folder, file).split(sep).join('/'), { path: file, text, read }]))
  const together = folderFindings([...named].map(([file, { read }]) => ({ file, read })))
  return [...named].flatMap(([file, { path, text, read }]) => {
    if (read.kind !== 'pipeline') return []
    const findings = [...read.findings, ...(together.get(file) ?? [])]
    const runs = read.document && !findings.some(({ severity }) => severity === 'ERROR')
    return [{ application: documentFiles(path).application, id: read.root.values.id ?? basename(file, '.xml'), file, xml: text, findings, ...(runs && { document: read.document }) }]
  })
}

function placeOf({ application, id }: Definition): string {
  return `${application}/${id}`
}
