import { AwsClient } from 'aws4fetch'

/** A bucket of a test's own, gone with its objects when it is closed. */
export interface S3Bucket {
  readonly name: string
  /** How a source reaches it. */
  readonly reach: { readonly endpoint: string; readonly region: string; readonly accessKeyId: string; readonly secretAccessKey: string; readonly bucket: string }
  put(key: string, body: string | Uint8Array<ArrayBuffer>): Promise<void>
  remove(key: string): Promise<void>
  close(): Promise<void>
}

export async function openBucket(endpoint: string): Promise<S3Bucket> {
  const name = `test-${process.pid}-${Date.now().toString(36)}`
  const keys = { accessKeyId: process.env['S3_ACCESS_KEY_ID'] ?? '', secretAccessKey: process.env['S3_SECRET_ACCESS_KEY'] ?? '' }
  const region = process.env['S3_REGION'] ?? 'us-east-1'
  const client = new AwsClient({ ...keys, region, service: 's3' })
  const stored = new Set<string>()
  const ask = async (method: string, key: string, body?: string | Uint8Array<ArrayBuffer>) => {
    const answer = await client.fetch(`${endpoint}/${name}${key === '' ? '' : `/${key.split('/').map(encodeURIComponent).join('/')}`}`, { method, body })
    if (!answer.ok) throw new Error(`${method} ${key}: ${answer.status} ${await answer.text()}`)
  }
  await ask('PUT', '')
  const remove = async (key: string) => {
    await ask('DELETE', key)
    stored.delete(key)
  }
  return {
    name,
    reach: { endpoint, region, ...keys, bucket: name },
    async put(key, body) {
      await ask('PUT', key, body)
      stored.add(key)
    },
    remove,
    async close() {
      for (const key of stored) await remove(key)
      await ask('DELETE', '')
    },
  }
}
