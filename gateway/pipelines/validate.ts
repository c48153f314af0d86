import { readFile, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { systemClock } from '../../connectors/ports/scope.ts'
import { HubError } from '../../schema/errors.ts'
import { hubScope } from '../assembly/scope.ts'
import type { ValidatedFile } from '../commands/commands.ts'
import { openLog } from '../telemetry/log.ts'
import { environmentFiles } from './environments.ts'
import { documentFiles, documentsBelow, largest, statOf } from './files.ts'
import { type DocumentRead, entriesOf, environments, folderFindings, openPipelineChecks, overlaid, overlayFile, type OverlayProblem, type PipelineChecks, readDocument, unknownPlaces } from './wiring/index.ts'

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
    const documents = all.map(({ file, kind, findings }) => ({ file, ...(kind && { kind }), findings: [...findings, ...(together?.get(named(file)) ?? [])].toSorted((a, b) => a.line - b.line || a.column - b.column) }))
    return [...documents, ...(found.isDirectory() ? await overlaysOf(path, all) : [])]
  } finally {
    await checks.close()
  }
}

/** Overlays of environments, where the folder is one of pipelines, and what documents have against what these say. */
async function overlaysOf(folder: string, documents: readonly { readonly file: string; readonly read: DocumentRead }[]): Promise<readonly ValidatedFile[]> {
  const files = environmentFiles(folder)
  const pipelines = documents.flatMap(({ file, read }) => (read.kind === 'pipeline' && read.root.values.id !== undefined ? [{ application: documentFiles(file).application, id: read.root.values.id, file }] : []))
  const all = await Promise.all(environments.map(async (environment): Promise<readonly ValidatedFile[]> => {
    const file = join(folder, overlayFile(environment))
    if (!(await statOf(file))) return []
    const overlay = await files.overlay(environment)
    const wrong = [...overlay.problems, ...unknownPlaces(overlay, pipelines)]
    const findings: ValidatedFile['findings'][number][] = wrong.map(problem => findingOf(problem))
    for (const one of pipelines) {
      const entries = entriesOf(overlay, one.application, one.id)
      const { text } = await readDocumentText(one.file)
      const { read, problems, before } = overlaid(text, entries)
      findings.push(...problems.map(problem => findingOf(problem)))
      const [first] = entries
      if (first && problems.length === 0) findings.push(...read.findings.filter(({ message }) => !before.some(own => own.message === message)).map(finding => ({ ...finding, line: first.line, column: first.column, path: overlayFile(environment), message: `As ${environment} has "${one.id}": ${finding.message}` })))
    }
    return [{ file, findings: findings.toSorted((a, b) => a.line - b.line || a.column - b.column) }]
  }))
  return all.flat()
}

function findingOf({ file, line, column, message }: OverlayProblem): ValidatedFile['findings'][number] {
  return { severity: 'ERROR', code: 'UNKNOWN_REFERENCE', line, column, path: file, message }
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
