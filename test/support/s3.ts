import { AwsClient } from 'aws4fetch'
import { XMLParser } from 'fast-xml-parser'
import { z } from 'zod'

const listing = z.object({ ListBucketResult: z.object({ Contents: z.array(z.object({ Key: z.string() })).default([]) }) })
const uploads = z.object({ ListMultipartUploadsResult: z.object({ Upload: z.array(z.object({ Key: z.string() })).default([]) }) })
const xml = new XMLParser({ parseTagValue: false, htmlEntities: true, trimValues: false, isArray: name => name === 'Contents' || name === 'Upload' })

/** A bucket of a test's own, gone with its objects when it is closed. */
export interface S3Bucket {
  readonly name: string
  /** How a source reaches it. */
  readonly reach: { readonly endpoint: string; readonly region: string; readonly accessKeyId: string; readonly secretAccessKey: string; readonly bucket: string }
  put(key: string, body: string | Uint8Array<ArrayBuffer>): Promise<void>
  get(key: string): Promise<Buffer>
  /** All that there are, a thousand at most, in their order. */
  keys(): Promise<readonly string[]>
  /** Keys of uploads that are not at their end. */
  uploads(): Promise<readonly string[]>
  remove(key: string): Promise<void>
  close(): Promise<void>
}

let opened = 0

export async function openBucket(endpoint: string): Promise<S3Bucket> {
  const name = `test-${process.pid}-${Date.now().toString(36)}-${++opened}`
  const access = { accessKeyId: process.env['S3_ACCESS_KEY_ID'] ?? '', secretAccessKey: process.env['S3_SECRET_ACCESS_KEY'] ?? '' }
  const region = process.env['S3_REGION'] ?? 'us-east-1'
  const client = new AwsClient({ ...access, region, service: 's3' })
  const ask = async (method: string, key: string, body?: string | Uint8Array<ArrayBuffer>) => {
    const answer = await client.fetch(`${endpoint}/${name}${key === '' ? '' : `/${key.split('/').map(encodeURIComponent).join('/')}`}`, { method, body })
    if (!answer.ok) throw new Error(`${method} ${key}: ${answer.status} ${await answer.text()}`)
    return Buffer.from(await answer.bytes())
  }
  const told = async (query: string) => {
    const answer = await client.fetch(`${endpoint}/${name}?${query}`)
    if (!answer.ok) throw new Error(`${query}: ${answer.status} ${await answer.text()}`)
    return xml.parse(await answer.text()) as unknown
  }
  await ask('PUT', '')
  const keys = async () => listing.parse(await told('list-type=2')).ListBucketResult.Contents.map(({ Key: key }) => key)
  const remove = async (key: string) => void (await ask('DELETE', key))
  return {
    name,
    reach: { endpoint, region, ...access, bucket: name },
    put: async (key, body) => void (await ask('PUT', key, body)),
    get: key => ask('GET', key),
    keys,
    uploads: async () => uploads.parse(await told('uploads=')).ListMultipartUploadsResult.Upload.map(({ Key: key }) => key),
    remove,
    async close() {
      for (let left = await keys(); left.length > 0; left = await keys()) for (const key of left) await remove(key)
      await ask('DELETE', '')
    },
  }
}
