import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { HubError } from '../../schema/errors.ts'
import { mostFiles, partsOf, tooLarge, tooMany } from '../objects/path.ts'
import { matching } from '../objects/pattern.ts'
import type { RunObjects, StoredObject } from '../ports/object-store.ts'
import type { Scope } from '../ports/scope.ts'
import { s3Client } from './client.ts'
import { download } from './download.ts'
import type { S3Access } from './requests.ts'
import { s3Writer } from './writer.ts'

export interface S3ObjectsOptions extends Omit<S3Access, 'region'> {
  readonly region?: string
  /** What the keys begin with: ends with `/`, or is empty. Paths are what follows. */
  readonly prefix: string
  /** Where a folder is made for what lies on this machine. */
  readonly folder: string
  /** Bytes of objects that may lie there, all together. */
  readonly mostBytes: number
}

/** Objects that are fetched at the same time, and ranges of each. */
const lanes = 4
const width = 2
/** Of the name of a file or a folder, at most. */
const mostNameBytes = 255

/**
 * Objects of a bucket, below a prefix. `create` needs a store that knows `If-None-Match`, as S3 does. An object that is asked for by `local` is fetched once for each content. Nothing is asked of the store at the opening.
 */
export function openS3Objects({ prefix, folder, mostBytes, region = 'us-east-1', ...reach }: S3ObjectsOptions): RunObjects {
  const { source } = reach
  const client = s3Client({ ...reach, region })
  const writer = s3Writer({ ...reach, region })
  const home = join(folder, `objects-${randomUUID()}`)
  const closing = new AbortController()
  const working: Promise<unknown>[] = Array.from({ length: lanes }, () => Promise.resolve())
  const held = new Map<string, { readonly etag: string; readonly file: string }>()
  let heldBytes = 0
  let turns = 0

  const keyOf = (path: string) => prefix + partsOf(path).join('/')

  /** One after the other in each lane. */
  function inLane<T>(work: () => Promise<T>): Promise<T> {
    const lane = turns++ % lanes
    const result = (working[lane] ?? Promise.resolve()).then(work)
    working[lane] = result.catch(() => undefined) // told to who asked for it
    return result
  }

  async function fetched({ signal }: Scope, path: string): Promise<string> {
    const either = AbortSignal.any([signal, closing.signal])
    const key = keyOf(path)
    const head = await client.head(either, key)
    if (!head) throw new HubError('NOT_FOUND', `There is no object "${key}" in the bucket of source "${source}".`)
    const known = held.get(path)
    if (known?.etag === head.etag) return known.file
    heldBytes += head.sizeBytes
    if (heldBytes > mostBytes) throw new HubError('PAYLOAD_TOO_LARGE', `With "${key}" the objects of source "${source}" that a run reads have ${heldBytes} bytes, which have to lie on this machine; ${mostBytes} are the limit. Read fewer at a time, or raise pipelines.tempLimit.`)
    // Partitions are folders of the path, and messages name files by its end.
    const file = join(home, String(turns++), ...path.split('/').map(short))
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await download(either, client, key, head, file, width)
    held.set(path, { etag: head.etag, file })
    return file
  }

  /** What may match, with what else begins as it does. */
  async function* candidates(signal: AbortSignal, pattern: string): AsyncGenerator<readonly StoredObject[], void, void> {
    const wild = pattern.search(/[*?]/)
    if (wild < 0) {
      const found = await client.head(signal, prefix + pattern)
      return yield found ? [{ path: pattern, bytes: found.sizeBytes, modifiedAtMs: found.modifiedAtMs }] : []
    }
    const last = pattern.split('/').at(-1)
    const isFlat = last !== '**' && !pattern.slice(wild).includes('/')
    for await (const page of client.pages(signal, prefix + pattern.slice(0, wild), isFlat)) yield page.map(({ key, sizeBytes: bytes, modifiedAtMs }) => ({ path: key.slice(prefix.length), bytes, modifiedAtMs }))
  }

  return {
    async find({ signal }, pattern) {
      const { folder: fixed, matches } = matching(pattern)
      if (fixed !== '') partsOf(fixed)
      const found: StoredObject[] = []
      let passed = 0
      for await (const page of candidates(signal, pattern)) {
        passed += page.length
        if (passed > mostFiles) throw tooMany(pattern)
        for (const one of page) {
          // What ends with a slash stands for a folder, as does the prefix itself.
          if (one.path === '' || one.path.endsWith('/') || !matches(one.path)) continue
          partsOf(one.path)
          found.push(one)
        }
      }
      return found.sort((a, b) => (a.path < b.path ? -1 : 1))
    },

    async read({ signal }, path, mostBytes) {
      // One byte more shows that there are more.
      const part = await client.part(signal, keyOf(path), 0, mostBytes + 1)
      if (part && part.sizeBytes > mostBytes) throw tooLarge(path, part.sizeBytes, mostBytes)
      return part?.bytes
    },

    async slice({ signal }, path, offset, length) {
      const key = keyOf(path)
      const part = length > 0 ? await client.part(signal, key, offset, length) : await client.head(signal, key)
      return part && { content: Buffer.from('bytes' in part ? part.bytes : []), bytes: part.sizeBytes, version: part.etag }
    },

    async local(scope, path) {
      partsOf(path)
      return inLane(() => fetched(scope, path))
    },

    async scratch() {
      const own = join(home, randomUUID())
      await mkdir(own, { recursive: true, mode: 0o700 })
      return { folder: own, close: () => rm(own, { recursive: true, force: true }) }
    },

    async put(scope, path, from) {
      await writer.put(scope, keyOf(path), from)
    },

    create: async (scope, path, content) => writer.create(scope, keyOf(path), content),

    async remove(scope, path) {
      await writer.remove(scope, keyOf(path))
    },

    async close() {
      closing.abort(new HubError('CANCELLED', `The run that reads source "${source}" has ended.`))
      await Promise.all(working)
      await rm(home, { recursive: true, force: true })
    },
  }
}

/** A part of a key may be longer than a name; the ending stays. */
function short(part: string): string {
  return Buffer.byteLength(part) <= mostNameBytes ? part : Buffer.from(part).subarray(-200).toString()
}
