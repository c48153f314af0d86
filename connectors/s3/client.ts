import { AwsClient } from 'aws4fetch'
import { XMLParser } from 'fast-xml-parser'
import { z } from 'zod'
import { HubError } from '../../schema/errors.ts'
import { asSourceError, refusal } from './errors.ts'

export interface S3Access {
  readonly source: string
  readonly bucket: string
  readonly endpoint?: string
  readonly region: string
  /** Absent: requests are not signed. */
  readonly accessKeyId?: string
  readonly secretAccessKey?: string
  readonly sessionToken?: string
}

export interface ObjectHead {
  readonly sizeBytes: number
  /** With its quotes. */
  readonly etag: string
}

/** What is asked of one bucket. Every call ends with the signal or after a time. */
export interface S3Client {
  /** Undefined: there is no such object. */
  head(signal: AbortSignal, key: string): Promise<ObjectHead | undefined>
  /** Bytes `from` up to and with `to` of the object of this etag; another one by now → UPSTREAM_UNAVAILABLE. */
  range(signal: AbortSignal, key: string, etag: string, from: number, to: number): Promise<Uint8Array>
  /** Keys below the prefix, at most as many as asked for. */
  list(signal: AbortSignal, prefix: string, limit: number): Promise<string[]>
}

const requestTimeoutMs = 30_000
/** Tries of one request that was answered with "not now" or not at all. */
const tries = 3

const listing = z.object({
  ListBucketResult: z.object({
    Contents: z.array(z.object({ Key: z.string() })).default([]),
    NextContinuationToken: z.string().optional(),
  }),
})
const xml = new XMLParser({ ignoreAttributes: true, parseTagValue: false, htmlEntities: true, trimValues: false, isArray: name => name === 'Contents' })

export function s3Client(access: S3Access): S3Client {
  const { source, bucket, region, accessKeyId, secretAccessKey = '', sessionToken } = access
  const signer = accessKeyId === undefined ? undefined : new AwsClient({ accessKeyId, secretAccessKey, sessionToken, region, service: 's3', retries: 0 })
  const base = baseUrl(access)

  /** The answer, whatever its status but those that mean: not now. */
  async function ask(signal: AbortSignal, url: string, init: { method: string; headers?: Record<string, string> }): Promise<Response> {
    for (let round = 1; ; round++) {
      signal.throwIfAborted()
      try {
        const limited: RequestInit = { ...init, redirect: 'manual', signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]) }
        const answer = await fetch(signer ? await signer.sign(url, limited) : new Request(url, limited))
        if (answer.status < 500 && answer.status !== 429) return answer
        throw await refusal(source, answer)
      } catch (error) {
        signal.throwIfAborted()
        const failure = asSourceError(source, error, [secretAccessKey, sessionToken])
        if (round === tries || !failure.info.retry) throw failure
      }
    }
  }

  return {
    async head(signal, key) {
      const answer = await ask(signal, base + pathOf(key), { method: 'HEAD' })
      if (answer.status === 404) return undefined
      if (!answer.ok) throw await refusal(source, answer)
      return { sizeBytes: Number(answer.headers.get('content-length') ?? 0), etag: answer.headers.get('etag') ?? '' }
    },

    async range(signal, key, etag, from, to) {
      const answer = await ask(signal, base + pathOf(key), { method: 'GET', headers: { range: `bytes=${from}-${to}`, 'if-match': etag } })
      if (answer.status === 412) throw new HubError('UPSTREAM_UNAVAILABLE', `Source "${source}": object "${key}" changed while it was read. Ask again.`, { source, key })
      if (!answer.ok) throw await refusal(source, answer)
      const bytes = await answer.bytes().catch((error: unknown) => {
        signal.throwIfAborted()
        throw asSourceError(source, error, [secretAccessKey, sessionToken])
      })
      const whole = answer.status === 200 ? bytes.subarray(from, to + 1) : bytes
      if (whole.length !== to - from + 1) throw new HubError('UPSTREAM_UNAVAILABLE', `Source "${source}" sent ${whole.length} of ${to - from + 1} bytes of object "${key}". Ask again.`, { source, key })
      return whole
    },

    async list(signal, prefix, limit) {
      const keys: string[] = []
      for (let token: string | undefined, first = true; (first || token !== undefined) && keys.length < limit; first = false) {
        const query = new URLSearchParams({ 'list-type': '2', 'max-keys': '1000', prefix, ...(token === undefined ? {} : { 'continuation-token': token }) })
        const answer = await ask(signal, `${base}?${query.toString().replaceAll('+', '%20')}`, { method: 'GET' })
        if (!answer.ok) throw await refusal(source, answer)
        const { data, error } = listing.safeParse(xml.parse(await answer.text()))
        if (!data) throw new HubError('UPSTREAM_REJECTED', `Source "${source}" answered no list of the bucket "${bucket}": ${error.message}`, { source })
        keys.push(...data.ListBucketResult.Contents.map(({ Key: key }) => key))
        token = data.ListBucketResult.NextContinuationToken
      }
      return keys.slice(0, limit)
    },
  }
}

/** With an endpoint the bucket is the first part of the path; at AWS it is part of the host, unless a certificate could not name it. */
function baseUrl({ endpoint, bucket, region }: S3Access): string {
  if (endpoint !== undefined) return `${endpoint.replace(/\/+$/, '')}/${encodeURIComponent(bucket)}/`
  return bucket.includes('.') ? `https://s3.${region}.amazonaws.com/${bucket}/` : `https://${bucket}.s3.${region}.amazonaws.com/`
}

function pathOf(key: string): string {
  return key.split('/').map(encodeURIComponent).join('/')
}
