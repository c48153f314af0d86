import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { HubError } from '../schema/errors.ts'
import type { ValidatedFile } from './commands/commands.ts'
import { readDocument } from './wiring.ts'

/** What can be said against documents of pipelines: of a file, or of every `.xml` file below a folder, in the order of their names. NOT_FOUND where there is none. */
export async function validateFiles(path: string): Promise<readonly ValidatedFile[]> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new HubError('NOT_FOUND', `There is no file or folder "${path}".`, {}, { cause })
  })
  const files = found.isDirectory() ? await documentsBelow(path) : [path]
  if (files.length === 0) throw new HubError('NOT_FOUND', `There is no .xml file below "${path}".`)
  const read: ValidatedFile[] = []
  for (const file of files) read.push({ file, ...((await stat(file)).size > largest ? tooLarge : readOne(await readFile(file))) })
  return read
}

async function documentsBelow(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  return found.filter(one => one.isFile() && one.name.endsWith('.xml')).map(one => join(one.parentPath, one.name)).sort()
}

/** In UTF-8 no document of the length that is read has more bytes. */
const largest = 4 * 1024 * 1024
const tooLarge: Omit<ValidatedFile, 'file'> = { findings: [{ severity: 'ERROR', code: 'REFUSED_XML', line: 1, column: 1, path: '/', message: `The file has more than ${largest} bytes, which no document has.` }] }

function readOne(bytes: Buffer): Omit<ValidatedFile, 'file'> {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return { findings: [{ severity: 'ERROR', code: 'NOT_WELL_FORMED', line: 1, column: 1, path: '/', message: 'The document is not text in UTF-8.' }] }
  }
  const { kind, findings } = readDocument(text)
  return { findings, ...(kind && { kind }) }
}
