import { mkdir, rm } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { HubError } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'
import type { FilePlace } from '../files/place.ts'
import type { ObjectHead, S3Client } from './client.ts'
import { download } from './download.ts'

export interface S3PlaceOptions {
  readonly source: string
  readonly bucket: string
  /** Ends with `/`, or is empty. */
  readonly prefix: string
  readonly client: S3Client
  /** Folder for the object that is being read; made when one is. */
  readonly folder: string
  readonly maxObjectBytes: number
  /** Ends what still runs. */
  readonly signal: AbortSignal
}

/** Ranges of an object that are read at the same time. */
const width = 4
/** Objects listed below a prefix, at most. */
const mostListed = 10_000

/** Objects below a prefix as files. One is on the disk at a time, and only while it is read. */
export function s3Place({ source, bucket, prefix, client, folder, maxObjectBytes, signal }: S3PlaceOptions): FilePlace {
  const name = `The prefix "${prefix}" of bucket "${bucket}"`
  let before: Promise<void> = Promise.resolve()
  let fetched = 0

  async function list(): Promise<readonly string[]> {
    const keys: string[] = []
    for await (const page of client.pages(signal, prefix)) {
      keys.push(...page.map(({ key }) => key))
      if (keys.length >= mostListed) break
    }
    return keys.slice(0, mostListed).map(key => key.slice(prefix.length)).filter(file => file !== '' && !file.endsWith('/') && !leadsElsewhere(file)).sort()
  }

  async function find(table: string, file: string): Promise<ObjectHead> {
    if (leadsElsewhere(file) || leadsElsewhere(prefix)) throw new HubError('CATALOG_INVALID', `Table "${table}" has the file "${file}"; a key with a part "." or ".." cannot be asked for. Name an object below the prefix.`, { source, table, file })
    const head = await client.head(signal, prefix + file)
    if (head) return head
    const known = await list()
    const near = didYouMean(file, known) || (known.length > 0 ? ` There are ${known.slice(0, 5).join(', ')}${known.length > 5 ? ' and more' : ''}.` : ' There is no object.')
    throw new HubError('NOT_FOUND', `Table "${table}" has the file "${file}", which is not below the prefix "${prefix}" of bucket "${bucket}".${near}`, { source, table, file })
  }

  return {
    name,
    list,
    async find(table, file) {
      const head = await find(table, file)
      return {
        as: `${file} ${head.etag} ${head.sizeBytes}`,
        async open() {
          if (head.sizeBytes > maxObjectBytes) throw new HubError('UPSTREAM_REJECTED', `Table "${table}" cannot be read from "${file}": the object has ${head.sizeBytes} bytes, more than the limit of ${maxObjectBytes}. Raise maxObjectBytes, or write it as several.`, { source, table, file })
          const turn = Promise.withResolvers<void>()
          const earlier = before
          before = turn.promise
          await earlier
          const path = join(folder, `object-${++fetched}${extname(file)}`)
          const done = async () => {
            await rm(path, { force: true })
            turn.resolve()
          }
          try {
            await mkdir(folder, { recursive: true, mode: 0o700 })
            await download(signal, client, prefix + file, head, path, width)
            return { path, done }
          } catch (error) {
            await done()
            throw error
          }
        },
      }
    },
  }
}

/** Whether a URL would take a part of the key for a step. */
function leadsElsewhere(key: string): boolean {
  return key.split('/').some(part => part === '.' || part === '..')
}
