import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { encode } from './encode.ts'
import { demoTables } from './tables.ts'

/** Grows when the data or the catalog of the same seed changes. */
const version = 1
const seed = 20_260_101
const manifestFile = 'manifest.json'
const catalogFile = 'hub.yaml'

/**
 * Writes the demo's data and catalog below the folder, made if there is none, and answers the catalog's path. The same on every machine; about 6 MB, under two
 * seconds. What an earlier call wrote whole is left as it is; a file that is missing or has another size makes it written again. A call that fails half-way leaves no
 * manifest, so the next one writes anew.
 */
export async function writeDemo(directory: string, progress: (text: string) => void = onTerminal): Promise<{ catalog: string }> {
  const catalog = join(directory, catalogFile)
  const template = await readFile(join(import.meta.dirname, catalogFile), 'utf8')
  if (await isWritten(directory, template)) return { catalog }

  const sizes: Record<string, number> = {}
  for (const [index, { file, rows }] of demoTables.entries()) {
    progress(`\rwriting the demo's data: ${file} (${index + 1} of ${demoTables.length})\x1b[K`)
    sizes[file] = await replaceFile(join(directory, file), encode(file, rows(seed)))
  }
  sizes[catalogFile] = await replaceFile(catalog, template)
  await replaceFile(join(directory, manifestFile), `${JSON.stringify({ ...stamp(template), sizes }, null, 2)}\n`)
  progress('\r\x1b[K')
  return { catalog }
}

function stamp(template: string): { version: number; seed: number; catalog: string } {
  return { version, seed, catalog: createHash('sha256').update(template).digest('hex') }
}

async function isWritten(directory: string, template: string): Promise<boolean> {
  const text = await readFile(join(directory, manifestFile), 'utf8').catch(absent)
  if (text === undefined) return false
  const { sizes, ...written } = parseManifest(text)
  if (JSON.stringify(written) !== JSON.stringify(stamp(template))) return false
  const files = [...demoTables.map(({ file }) => file), catalogFile]
  const found = await Promise.all(files.map(async file => (await stat(join(directory, file)).catch(absent))?.size === sizes[file]))
  return found.every(Boolean)
}

/** A manifest that cannot be read says nothing is written. */
function parseManifest(text: string): { readonly sizes: Readonly<Record<string, number>> } {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && 'sizes' in value && typeof value.sizes === 'object' && value.sizes !== null) return value as { sizes: Record<string, number> }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  return { sizes: {} }
}

/** Readers find the old file or the new one, never a part. */
async function replaceFile(path: string, text: string): Promise<number> {
  await mkdir(dirname(path), { recursive: true })
  const beside = `${path}.${process.pid}.part`
  await writeFile(beside, text)
  await rename(beside, path)
  return Buffer.byteLength(text)
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

function onTerminal(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(text)
}
