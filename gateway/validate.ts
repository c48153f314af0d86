import type { Stats } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, relative, sep } from 'node:path'
import { systemClock } from '../connectors/ports/scope.ts'
import { HubError } from '../schema/errors.ts'
import { hubScope } from './assembly/scope.ts'
import type { ValidatedFile } from './commands/commands.ts'
import { openLog } from './telemetry/log.ts'
import { type DocumentRead, folderFindings, openPipelineChecks, type PipelineChecks, readDocument } from './wiring.ts'

/** In UTF-8 no document of the length that is read has more bytes. */
const largest = 4 * 1024 * 1024
/** Folders above a document in which `common` is looked for. */
const mostAbove = 6
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

async function documentsBelow(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  return found.filter(one => one.isFile() && one.name.endsWith('.xml')).map(one => join(one.parentPath, one.name)).sort()
}

async function readOne(file: string, checks: PipelineChecks): Promise<Omit<ValidatedFile, 'file'> & { readonly read: DocumentRead }> {
  if ((await stat(file)).size > largest) return refused('REFUSED_XML', `The file has more than ${largest} bytes, which no document has.`)
  const bytes = await readFile(file)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return refused('NOT_WELL_FORMED', 'The document is not text in UTF-8.')
  }
  const read = readDocument(text)
  const deeper = read.kind === 'pipeline' && read.document ? await checks.check(read.document, schemaFiles(file)) : []
  return { read, findings: [...read.findings, ...deeper], ...(read.kind && { kind: read.kind }) }
}

function refused(code: 'REFUSED_XML' | 'NOT_WELL_FORMED', message: string): Omit<ValidatedFile, 'file'> & { readonly read: DocumentRead } {
  const read: DocumentRead = { findings: [{ severity: 'ERROR', code, line: 1, column: 1, path: '/', message }] }
  return { read, findings: read.findings }
}

/** Where the schemas of a document are: beside its folder, if that is `pipelines`, else in it; then below the nearest `common` above. */
function schemaFiles(document: string): Parameters<PipelineChecks['check']>[1] {
  const folder = dirname(document)
  const layer = basename(folder) === 'pipelines' ? dirname(folder) : folder
  return async path => {
    const candidates = [join(layer, path), ...(await commonFolders(layer)).map(common => join(common, path))]
    const texts = await Promise.all(candidates.map(schemaIn))
    const [first, ...others] = candidates.filter((_, place) => texts[place] !== undefined)
    const other = others[0]
    return { searched: candidates.map(each => shown(each, folder)), ...(first !== undefined && { text: texts[candidates.indexOf(first)] }), ...(other !== undefined && { hides: shown(other, folder) }) }
  }
}

async function commonFolders(from: string): Promise<string[]> {
  let folder = from
  for (let above = 0; above < mostAbove; above++) {
    folder = dirname(folder)
    const common = join(folder, 'common')
    if ((await statOf(common))?.isDirectory()) return [common]
  }
  return []
}

/** A text, or undefined where there is no such file, or none that a schema could be. */
async function schemaIn(file: string): Promise<string | undefined> {
  const found = await statOf(file)
  return found?.isFile() && found.size <= largest ? readFile(file, 'utf8') : undefined
}

/** Undefined where there is nothing; any other failure is one. */
async function statOf(path: string): Promise<Stats | undefined> {
  return stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw error
  })
}

/** As seen from the document's folder. */
function shown(file: string, folder: string): string {
  return relative(folder, file)
}
