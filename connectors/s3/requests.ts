import { createHash } from 'node:crypto'
import { AwsClient } from 'aws4fetch'
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

export interface Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  /** Absent: the bucket is asked. */
  readonly key?: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array<ArrayBuffer>
}

/** Requests to one bucket. Each ends with the signal or after a time. */
export interface S3Requests {
  /** The answer, whatever its status but those that mean: not now; and at which try it came. A store that does not answer → UPSTREAM_UNAVAILABLE. */
  ask(signal: AbortSignal, request: Request): Promise<{ readonly answer: Response; readonly tries: number }>
  /** The same, where nothing but what was asked for is an answer. */
  need(signal: AbortSignal, request: Request): Promise<Response>
  /** What its body says. A connection that ends in it → UPSTREAM_UNAVAILABLE. */
  bytes(signal: AbortSignal, answer: Response): Promise<Uint8Array>
}

const requestTimeoutMs = 30_000
/** Tries of one request that was answered with "not now" or not at all. */
const mostTries = 3

export function s3Requests(access: S3Access): S3Requests {
  const { source, region, accessKeyId, secretAccessKey = '', sessionToken } = access
  const signer = accessKeyId === undefined ? undefined : new AwsClient({ accessKeyId, secretAccessKey, sessionToken, region, service: 's3', retries: 0 })
  const base = baseUrl(access)

  const ask: S3Requests['ask'] = async (signal, { method, key = '', query, headers, body }) => {
    const url = `${base}${pathOf(key)}${query ? `?${new URLSearchParams(query).toString().replaceAll('+', '%20')}` : ''}`
    // The store takes no other bytes than those that were signed.
    const sum = body && { 'x-amz-content-sha256': createHash('sha256').update(body).digest('hex') }
    for (let tries = 1; ; tries++) {
      signal.throwIfAborted()
      try {
        const limited: RequestInit = { method, headers: { ...headers, ...sum }, redirect: 'manual', signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]), ...(body && { body }) }
        const answer = await fetch(signer ? await signer.sign(url, limited) : new Request(url, limited))
        if (answer.status < 500 && answer.status !== 429) return { answer, tries }
        throw await refusal(source, answer)
      } catch (error) {
        signal.throwIfAborted()
        const failure = asSourceError(source, error, [secretAccessKey, sessionToken])
        if (tries === mostTries || !failure.info.retry) throw failure
      }
    }
  }

  return {
    ask,
    async need(signal, request) {
      const { answer } = await ask(signal, request)
      if (!answer.ok) throw await refusal(source, answer)
      return answer
    },
    async bytes(signal, answer) {
      try {
        return await answer.bytes()
      } catch (error) {
        signal.throwIfAborted()
        throw asSourceError(source, error, [secretAccessKey, sessionToken])
      }
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
