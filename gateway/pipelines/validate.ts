import { readFile, stat } from 'node:fs/promises'
import { relative, sep } from 'node:path'
import { systemClock } from '../../connectors/ports/scope.ts'
import { HubError } from '../../schema/errors.ts'
import { hubScope } from '../assembly/scope.ts'
import type { ValidatedFile } from '../commands/commands.ts'
import { openLog } from '../telemetry/log.ts'
import { documentFiles, documentsBelow, largest, statOf } from './files.ts'
import { type DocumentRead, folderFindings, openPipelineChecks, type PipelineChecks, readDocument } from './wiring.ts'

const limitMs = 600_000

/**
 * What can be said against documents of pipelines, and what the schemas they name say of columns: of a file, or of every `.xml` file below a folder, in the order of their names. A schema is looked for
 * below the folder of the document's layer, then below `common`. NOT_FOUND where there is no document.
 */
export async function validateFiles(path: string): Promise<readonly ValidatedFile[]> {
  const found = await statOf(path)
  if (!found) throw new HubError('NOT_FOUND', `There is no file or folder "${path}".`)
  const files = found.isDirectory() ? await documentsBelow(path) : [path]
  if (files.length === 0) throw new HubError('NOT_FOUND', `There is no .xml file below "${path}".`)
  const checks = await openPipelineChecks(hubScope({ clock: systemClock, log: openLog({ level: 'silent' }), signal: new AbortController().signal, later: work => void work() }, 'validate', limitMs))
  try {
    const all: (ValidatedFile & { readonly read: DocumentRead })[] = []
    for (const file of files) all.push({ file, ...(await readOne(file, checks)) })
    const named = (file: string) => relative(path, file).split(sep).join('/')
    const together = found.isDirectory() ? folderFindings(all.map(({ file, read }) => ({ file: named(file), read }))) : undefined
    return all.map(({ file, kind, findings }) => ({ file, ...(kind && { kind }), findings: [...findings, ...(together?.get(named(file)) ?? [])].toSorted((a, b) => a.line - b.line || a.column - b.column) }))
  } finally {
    await checks.close()
  }
}

async function readOne(file: string, checks: PipelineChecks): Promise<Omit<ValidatedFile, 'file'> & { readonly read: DocumentRead }> {
  const read = await readDocumentFile(file)
  const deeper = read.kind === 'pipeline' && read.document ? await checks.check(read.document, documentFiles(file).schemaText) : []
  return { read, findings: [...read.findings, ...deeper], ...(read.kind && { kind: read.kind }) }
}

/** Reads a document from its file; what cannot be read as one is a finding. */
export async function readDocumentFile(file: string): Promise<DocumentRead> {
  return (await readDocumentText(file)).read
}

/** The same, with its text; none where it is no text. */
export async function readDocumentText(file: string): Promise<{ readonly text: string; readonly read: DocumentRead }> {
  if ((await stat(file)).size > largest) return { text: '', read: refused('REFUSED_XML', `The file has more than ${largest} bytes, which no document has.`) }
  const bytes = await readFile(file)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return { text: '', read: refused('NOT_WELL_FORMED', 'The document is not text in UTF-8.') }
  }
  return { text, read: readDocument(text) }
}

/** Why a document may not run as it is written. */
export function refusalOf(file: string, findings: ValidatedFile['findings']): HubError {
  const problems = findings.filter(({ severity }) => severity === 'ERROR').map(({ path, message, line, column }) => ({ path, message, file, line, column }))
  return new HubError('CATALOG_INVALID', problems.map(({ message }) => message).join(' '), { problems })
}

function refused(code: 'REFUSED_XML' | 'NOT_WELL_FORMED', message: string): DocumentRead {
  return { findings: [{ severity: 'ERROR', code, line: 1, column: 1, path: '/', message }] }
}
