import { HubError } from '../../schema/errors.ts'
import { type DocumentFiles, documentFiles, documentsBelow } from './files.ts'
import { readDocumentFile, refusalOf } from './validate.ts'
import type { PipelineDocument } from './wiring/index.ts'

/** A pipeline, and where it and what it names lie. */
export interface FiledPipeline {
  readonly file: string
  readonly document: PipelineDocument
  readonly files: DocumentFiles
}

/**
 * The pipelines of the application that a job's file is of, by their ids; of those with mistakes none that the job does not need. Two of one id → VALIDATION_ERROR with both files; one that the job needs and that
 * may not run as it is written → CATALOG_INVALID with what is wrong.
 */
export async function pipelinesBeside(job: string, needed: ReadonlySet<string>): Promise<ReadonlyMap<string, FiledPipeline>> {
  const files = new Map<string, string>()
  const found = new Map<string, FiledPipeline>()
  for (const file of await documentsBelow(documentFiles(job).documents)) {
    const read = await readDocumentFile(file)
    const id = read.kind === 'pipeline' ? read.root.values.id : undefined
    if (read.kind !== 'pipeline' || id === undefined) continue
    const other = files.get(id)
    if (other !== undefined) throw new HubError('VALIDATION_ERROR', `There are two pipelines "${id}" in one application, in ${other} and in ${file}. Give one of them another id.`, { pipeline: id, files: [other, file] })
    files.set(id, file)
    if (read.document) found.set(id, { file, document: read.document, files: documentFiles(file) })
    else if (needed.has(id)) throw refusalOf(file, read.findings)
  }
  return found
}
