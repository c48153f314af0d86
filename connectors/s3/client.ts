import { XMLParser } from 'fast-xml-parser'
import { z } from 'zod'
import { HubError } from '../../schema/errors.ts'
import { refusal } from './errors.ts'
import { type S3Access, s3Requests } from './requests.ts'

export interface ObjectHead {
  readonly sizeBytes: number
  /** With its quotes. */
  readonly etag: string
  /** On the store's clock, to the second. */
  readonly modifiedAtMs: number
}

export interface ListedObject {
  readonly key: string
  readonly sizeBytes: number
  readonly modifiedAtMs: number
}

export interface ObjectPart extends Pick<ObjectHead, 'sizeBytes' | 'etag'> {
  readonly bytes: Uint8Array
}

/** What is read of one bucket. Every call ends with the signal or after a time. */
export interface S3Client {
  /** Undefined: there is no such object. */
  head(signal: AbortSignal, key: string): Promise<ObjectHead | undefined>
  /** Bytes `from` up to and with `to` of the object of this etag; another one by now → UPSTREAM_UNAVAILABLE. */
  range(signal: AbortSignal, key: string, etag: string, from: number, to: number): Promise<Uint8Array>
  /** Bytes from `offset` on, `length` of them at most, of the object as it is now. Undefined: there is no such object. */
  part(signal: AbortSignal, key: string, offset: number, length: number): Promise<ObjectPart | undefined>
  /** Objects below the prefix by their keys, a thousand at a time; with `isFlat` those alone whose keys have no `/` behind it. */
  pages(signal: AbortSignal, prefix: string, isFlat?: boolean): AsyncGenerator<readonly ListedObject[], void, void>
}

const listing = z.object({
  ListBucketResult: z.object({
    Contents: z.array(z.object({ Key: z.string(), Size: z.coerce.number(), LastModified: z.string() })).default([]),
    EncodingType: z.string().optional(),
    NextContinuationToken: z.string().optional(),
  }),
})
const xml = new XMLParser({ ignoreAttributes: true, parseTagValue: false, htmlEntities: true, trimValues: false, isArray: name => name === 'Contents' })

export function s3Client(access: S3Access): S3Client {
  const { source, bucket } = access
  const requests = s3Requests(access)

  async function head(signal: AbortSignal, key: string): Promise<ObjectHead | undefined> {
    const { answer } = await requests.ask(signal, { method: 'HEAD', key })
    if (answer.status === 404) return undefined
    if (!answer.ok) throw await refusal(source, answer)
    return { sizeBytes: Number(answer.headers.get('content-length') ?? 0), etag: answer.headers.get('etag') ?? '', modifiedAtMs: Date.parse(answer.headers.get('last-modified') ?? '') }
  }

  return {
    head,

    async range(signal, key, etag, from, to) {
      const { answer } = await requests.ask(signal, { method: 'GET', key, headers: { range: `bytes=${from}-${to}`, 'if-match': etag } })
      if (answer.status === 412) {
        await answer.body?.cancel()
        throw new HubError('UPSTREAM_UNAVAILABLE', `Source "${source}": object "${key}" changed while it was read. Ask again.`, { source, key })
      }
      if (!answer.ok) throw await refusal(source, answer)
      const bytes = await requests.bytes(signal, answer)
      const whole = answer.status === 200 ? bytes.subarray(from, to + 1) : bytes
      if (whole.length !== to - from + 1) throw new HubError('UPSTREAM_UNAVAILABLE', `Source "${source}" sent ${whole.length} of ${to - from + 1} bytes of object "${key}". Ask again.`, { source, key })
      return whole
    },

    async part(signal, key, offset, length) {
      const { answer } = await requests.ask(signal, { method: 'GET', key, headers: { range: `bytes=${offset}-${offset + length - 1}` } })
      if (answer.status === 404 || answer.status === 416) {
        await answer.body?.cancel()
        // Behind the end of an object there is no part, and the answer does not say which object it is.
        const found = answer.status === 404 ? undefined : await head(signal, key)
        if (found && found.sizeBytes > offset) throw new HubError('UPSTREAM_UNAVAILABLE', `Source "${source}": object "${key}" changed while it was read. Ask again.`, { source, key })
        return found && { ...found, bytes: new Uint8Array() }
      }
      if (!answer.ok) throw await refusal(source, answer)
      const bytes = await requests.bytes(signal, answer)
      const etag = answer.headers.get('etag') ?? ''
      if (answer.status === 200) return { bytes: bytes.subarray(offset, offset + length), sizeBytes: bytes.length, etag }
      return { bytes, sizeBytes: Number(answer.headers.get('content-range')?.split('/').at(-1)), etag }
    },

    async *pages(signal, prefix, isFlat = false) {
      for (let token: string | undefined, first = true; first || token !== undefined; first = false) {
        // Where a store knows that encoding, characters that XML cannot have arrive as well.
        const query = { 'list-type': '2', 'max-keys': '1000', 'encoding-type': 'url', prefix, ...(isFlat && { delimiter: '/' }), ...(token !== undefined && { 'continuation-token': token }) }
        const answer = await requests.need(signal, { method: 'GET', query })
        const { data, error } = listing.safeParse(xml.parse(Buffer.from(await requests.bytes(signal, answer)).toString()))
        if (!data) throw new HubError('UPSTREAM_REJECTED', `Source "${source}" answered no list of the bucket "${bucket}": ${error.message}`, { source })
        const { Contents: found, EncodingType: encoding, NextContinuationToken: next } = data.ListBucketResult
        yield found.map(({ Key: key, Size: sizeBytes, LastModified: modified }) => ({ key: encoding === 'url' ? decodeURIComponent(key.replaceAll('+', ' ')) : key, sizeBytes, modifiedAtMs: Date.parse(modified) }))
        token = next
      }
    },
  }
}
