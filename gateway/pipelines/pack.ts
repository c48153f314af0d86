import { hash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative, sep } from 'node:path'
import { unzipSync, zipSync } from 'fflate'
import { z } from 'zod'
import { HubError } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'
import { pipelinesBeside } from './application.ts'
import { commonFolders, documentFiles, filesBelow, statOf } from './files.ts'
import { readDocumentFile, refusalOf } from './validate.ts'
import { versionText } from './wiring/index.ts'

/** Of all files of a pack, unpacked. */
export const mostBytes = 64 * 1024 * 1024
const mostFiles = 10_000
/** The oldest moment a zip can say, as a local time: what is packed again is the same, byte for byte. */
const noMoment = new Date(1980, 0, 1)
const nothing = new Uint8Array()
const manifestName = 'job.json'
const manifestShape = z.strictObject({ application: z.string().min(1), job: z.string().min(1), version: z.string().min(1), document: z.string().min(1), files: z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/)) })

export interface Pack {
  /** `APP-JOB-VERSION.zip`. */
  readonly name: string
  readonly bytes: Uint8Array
  /** Paths below the folder with the applications, in their order. */
  readonly files: readonly string[]
}

/**
 * A job as one file that runs elsewhere and unpacks into a hub's folder: its document, those of the pipelines it names, what lies in `schemas` and `resources` of their layers and in `common`, as they lie, and `job.json` with the SHA-256 of each. The same files are
 * the same bytes. A document with mistakes → CATALOG_INVALID with all of them; no job, or a pipeline that is not there → VALIDATION_ERROR; more than 64 MiB → PAYLOAD_TOO_LARGE.
 */
export async function packJob(file: string): Promise<Pack> {
  if (!(await statOf(file))?.isFile()) throw new HubError('NOT_FOUND', `There is no file "${file}".`)
  const read = await readDocumentFile(file)
  if (!read.document) throw refusalOf(file, read.findings)
  if (read.kind !== 'job') throw new HubError('VALIDATION_ERROR', `${file} is a pipeline, and jobs are packed. Name a document <jobPipeline>, which may have it alone.`)
  const { document } = read
  const { application, documents } = documentFiles(file)
  const needed = new Set(document.refs.flatMap(({ id, fallback }) => (fallback === undefined ? [id] : [id, fallback])))
  const pipelines = await pipelinesBeside(file, needed)
  const missing = [...needed].filter(id => !pipelines.has(id))
  if (missing.length > 0) throw new HubError('VALIDATION_ERROR', `There is no pipeline ${missing.map(id => `"${id}"`).join(', ')} in "${application}", which the job "${document.id}" runs.${didYouMean(missing[0] ?? '', pipelines.keys())}`)

  const filed = [file, ...[...pipelines].filter(([id]) => needed.has(id)).map(([, pipeline]) => pipeline.file)]
  const layers = [...new Set(filed.map(layerOf))]
  const commons = [...new Set((await Promise.all(layers.map(commonFolders))).flat())]
  // Each is above the documents, so that the shortest is above all others.
  const [root = documents] = [basename(dirname(documents)) === 'applications' ? dirname(dirname(documents)) : documents, ...commons.map(common => dirname(common))].sort((one, other) => one.length - other.length)
  const beside = [...layers.flatMap(layer => ['schemas', 'resources'].map(part => [layer, part] as const)), ...commons.flatMap(common => ['schemas', 'lookups'].map(part => [common, part] as const))]
  const found = await Promise.all(beside.map(async ([folder, part]) => (await filesBelow(folder, part, () => true)).map(name => join(folder, name))))
  const paths = [...new Set([...filed, ...found.flat()])].sort()
  const packed: Record<string, Uint8Array> = {}
  let bytes = 0
  for (const path of paths) {
    bytes += (await statOf(path))?.size ?? 0
    if (bytes > mostBytes) throw new HubError('PAYLOAD_TOO_LARGE', `What the job "${document.id}" needs has more than ${mostBytes} bytes, at "${relative(root, path)}". Keep large tables in the lake or in a database, not among schemas and lookups.`)
    packed[relative(root, path).split(sep).join('/')] = await readFile(path)
  }
  const version = versionText(document)
  const files = Object.keys(packed).sort()
  const manifest = { application, job: document.id, version, document: relative(root, file).split(sep).join('/'), files: Object.fromEntries(files.map(name => [name, hash('sha256', packed[name] ?? nothing)])) } satisfies z.infer<typeof manifestShape>
  const content = { [manifestName]: Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`), ...Object.fromEntries(files.map(name => [name, packed[name] ?? nothing])) }
  return { name: `${application}-${document.id}-${version}.zip`, bytes: zipSync(content, { mtime: noMoment, level: 9 }), files }
}

function layerOf(document: string): string {
  const folder = dirname(document)
  return ['pipelines', 'jobs'].includes(basename(folder)) ? dirname(folder) : folder
}

export interface Unpacked {
  /** Where the job's document is now, in a fresh temporary folder. */
  readonly document: string
  remove(): Promise<void>
}

/** Unpacks into a fresh folder. Anything that is not as `job.json` says, a file that is none of its, a name that leads out of the folder, or more than 64 MiB → VALIDATION_ERROR, and nothing is written. */
export async function unpackJob(file: string): Promise<Unpacked> {
  const size = (await statOf(file))?.size
  if (size === undefined) throw new HubError('NOT_FOUND', `There is no file "${file}".`)
  const wrong = (what: string) => new HubError('VALIDATION_ERROR', `"${basename(file)}" is no packed job: ${what} Pack the job again with: tributary pack JOB.xml`)
  if (size > mostBytes) throw wrong(`it has ${size} bytes, and ${mostBytes} are the limit.`)
  const content = contentOf(await readFile(file), wrong)
  const { [manifestName]: given, ...files } = content
  if (!given) throw wrong(`it has no ${manifestName}.`)
  const manifest = manifestOf(given)
  if (!manifest) throw wrong(`its ${manifestName} does not say application, job, version, document and files.`)
  const names = new Set([...Object.keys(files), ...Object.keys(manifest.files)])
  const odd = [...names].filter(name => !files[name] || hash('sha256', files[name]) !== manifest.files[name]).sort()
  if (odd.length > 0) throw wrong(`${odd.slice(0, 10).map(name => `"${name}"`).join(', ')}${odd.length > 10 ? ` and ${odd.length - 10} more` : ''} ${odd.length === 1 ? 'is' : 'are'} not what ${manifestName} says.`)
  if (!files[manifest.document]) throw wrong(`its document "${manifest.document}" is not in it.`)
  const folder = await mkdtemp(join(tmpdir(), 'tributary-job-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    for (const [name, bytes] of Object.entries(files)) {
      const path = join(folder, 'config', ...name.split('/'))
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, bytes)
    }
  } catch (error) {
    await remove()
    throw error
  }
  return { document: join(folder, 'config', ...manifest.document.split('/')), remove }
}

function contentOf(zip: Uint8Array, wrong: (what: string) => HubError): Readonly<Record<string, Uint8Array>> {
  let bytes = 0
  let files = 0
  try {
    return unzipSync(zip, {
      filter({ name, originalSize }) {
        bytes += originalSize
        files += 1
        if (bytes > mostBytes || files > mostFiles) throw wrong(`unpacked it has more than ${mostBytes} bytes, or more than ${mostFiles} files.`)
        if (name.includes('\0') || name.includes('\\') || /^([A-Za-z]:|\/)/.test(name) || name.split('/').some(part => part === '..' || part === '.' || part === '')) throw wrong(`"${name}" is no name of a file in it.`)
        return true
      },
    })
  } catch (error) {
    if (error instanceof HubError) throw error
    throw wrong(`it cannot be read as a zip${error instanceof Error ? ` (${error.message})` : ''}.`)
  }
}

function manifestOf(bytes: Uint8Array): z.infer<typeof manifestShape> | undefined {
  try {
    return manifestShape.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)))
  } catch {
    return undefined
  }
}
