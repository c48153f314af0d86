import { stat } from 'node:fs/promises'
import { basename, join, relative, sep } from 'node:path'
import { type DocumentFiles, documentFiles, documentsBelow, statOf } from './files.ts'
import { readDocumentText } from './validate.ts'
import type { Definition, Registry, RunParts } from './wiring.ts'

interface Read {
  /** Another for every other content. */
  readonly as: string
  readonly definition: Definition | undefined
}

/** The pipelines below a folder, none without one. Its files are looked at each time, and read where they are others than before. */
export function folderRegistry(folder: string | undefined, partsOver: (files: DocumentFiles) => Promise<RunParts>): Registry {
  let known: ReadonlyMap<string, Read> = new Map()
  return {
    async pipelines() {
      if (folder === undefined || !(await statOf(join(folder, 'applications')))?.isDirectory()) return []
      const reads = await Promise.all((await documentsBelow(join(folder, 'applications'))).map(async file => [file, await readAgain(folder, file, known.get(file))] as const))
      known = new Map(reads)
      return reads.flatMap(([, { definition }]) => definition ?? []).sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1))
    },
    partsOf: ({ file }) => partsOver(documentFiles(join(folder ?? '', file))),
  }
}

async function readAgain(folder: string, file: string, known: Read | undefined): Promise<Read> {
  const { size, mtimeNs, ino } = await stat(file, { bigint: true })
  const as = `${ino} ${size} ${mtimeNs}`
  if (known?.as === as) return known
  const { text, read } = await readDocumentText(file)
  if (read.kind !== 'pipeline') return { as, definition: undefined }
  const { document, findings, root } = read
  return { as, definition: { application: documentFiles(file).application, id: root.values.id ?? basename(file, '.xml'), file: relative(folder, file).split(sep).join('/'), xml: text, findings, ...(document && { document }) } }
}

function placeOf({ application, id }: Definition): string {
  return `${application}/${id}`
}
