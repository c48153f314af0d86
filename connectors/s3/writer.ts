import { open } from 'node:fs/promises'
import { XMLParser } from 'fast-xml-parser'
import { z } from 'zod'
import { asHubError, HubError } from '../../schema/errors.ts'
import type { Scope } from '../ports/scope.ts'
import { merged, type Part } from '../scan/merge.ts'
import { refusal } from './errors.ts'
import { type S3Access, s3Requests } from './requests.ts'

/** What is written to one bucket. Each object is whole for who reads it, or as it was; durable when answered. */
export interface S3Writer {
  /** A file of this machine. Above 8 MiB it goes in parts, four at a time; parts for the key that somebody else left are removed before. */
  put(scope: Scope, key: string, file: string): Promise<void>
  /** False where there is an object. */
  create(scope: Scope, key: string, content: string): Promise<boolean>
  /** Nothing there is nothing to do. */
  remove(scope: Scope, key: string): Promise<void>
}

const partBytes = 8 << 20
/** Of one upload, as S3 has it. */
const mostParts = 10_000
/** Parts on their way at the same time. */
const width = 4
/** What removing the parts of an upload that failed may take. */
const abortMs = 10_000

const begun = z.object({ InitiateMultipartUploadResult: z.object({ UploadId: z.string().min(1) }) })
const uploads = z.object({ ListMultipartUploadsResult: z.object({ Upload: z.array(z.object({ Key: z.string(), UploadId: z.string() })).default([]) }) })
const xml = new XMLParser({ ignoreAttributes: true, parseTagValue: false, htmlEntities: true, trimValues: false, isArray: name => name === 'Upload' })

export function s3Writer(access: S3Access): S3Writer {
  const { source } = access
  const requests = s3Requests(access)
  /** Uploads that go on here. */
  const own = new Set<string>()

  async function parsed<T>(signal: AbortSignal, answer: Response, shape: z.ZodType<T>): Promise<T> {
    const { data, error } = shape.safeParse(xml.parse(Buffer.from(await requests.bytes(signal, answer)).toString()))
    if (data === undefined) throw new HubError('UPSTREAM_REJECTED', `Source "${source}" answered something else about an upload than S3 has: ${error?.message}`, { source })
    return data
  }

  async function abort(signal: AbortSignal, key: string, uploadId: string): Promise<void> {
    const { answer } = await requests.ask(signal, { method: 'DELETE', key, query: { uploadId } })
    if (!answer.ok && answer.status !== 404) throw await refusal(source, answer)
    await answer.body?.cancel()
  }

  /** What a process that was killed left of this key. Who may write and not list uploads still writes. */
  async function clear({ signal, log }: Scope, key: string): Promise<void> {
    try {
      const { ListMultipartUploadsResult: { Upload: found } } = await parsed(signal, await requests.need(signal, { method: 'GET', query: { uploads: '', prefix: key } }), uploads)
      for (const left of found) if (left.Key === key && !own.has(left.UploadId)) await abort(signal, key, left.UploadId)
    } catch (error) {
      signal.throwIfAborted()
      log.warn('Whether a bucket has parts of an earlier upload could not be found out.', { source, key, reason: asHubError(error).message })
    }
  }

  async function putParts(scope: Scope, key: string, bytes: number, read: (from: number, length: number) => Promise<Uint8Array<ArrayBuffer>>): Promise<void> {
    const { signal, log } = scope
    await clear(scope, key)
    const { InitiateMultipartUploadResult: { UploadId: uploadId } } = await parsed(signal, await requests.need(signal, { method: 'POST', key, query: { uploads: '' } }), begun)
    own.add(uploadId)
    try {
      const length = Math.max(partBytes, Math.ceil(bytes / mostParts))
      const etags: string[] = Array.from({ length: Math.ceil(bytes / length) })
      const parts = etags.map((_, index): Part<number> => async function* (left) {
        const answer = await requests.need(left, { method: 'PUT', key, query: { partNumber: String(index + 1), uploadId }, body: await read(index * length, length) })
        etags[index] = answer.headers.get('etag') ?? ''
        await answer.body?.cancel()
        yield index
      })
      for await (const _ of merged(signal, parts, width));
      const list = etags.map((etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</ETag></Part>`).join('')
      const answer = await requests.need(signal, { method: 'POST', key, query: { uploadId }, body: new Uint8Array(Buffer.from(`<CompleteMultipartUpload>${list}</CompleteMultipartUpload>`)) })
      // It may say that it failed when it has already said that it is well.
      const text = Buffer.from(await requests.bytes(signal, answer)).toString()
      if (/<Error>/.test(text)) throw await refusal(source, new Response(text, { status: 500 }))
    } catch (error) {
      // The reason to end does not end this.
      await abort(AbortSignal.timeout(abortMs), key, uploadId).catch((failure: unknown) => log.warn('Parts of an upload that failed are left in a bucket.', { source, key, reason: asHubError(failure).message }))
      throw error
    } finally {
      own.delete(uploadId)
    }
  }

  return {
    async put(scope, key, file) {
      const handle = await open(file, 'r')
      try {
        const { size } = await handle.stat()
        const read = async (from: number, most: number) => {
          const content = new Uint8Array(Math.min(most, size - from))
          const { bytesRead } = content.length === 0 ? { bytesRead: 0 } : await handle.read(content, 0, content.length, from)
          if (bytesRead < content.length) throw new RangeError(`The file for "${key}" became shorter while it was read.`)
          return content
        }
        if (size > partBytes) return await putParts(scope, key, size, read)
        const answer = await requests.need(scope.signal, { method: 'PUT', key, body: await read(0, size) })
        await answer.body?.cancel()
      } finally {
        await handle.close()
      }
    },

    async create({ signal }, key, content) {
      const body = new Uint8Array(Buffer.from(content))
      const { answer, tries } = await requests.ask(signal, { method: 'PUT', key, headers: { 'if-none-match': '*' }, body })
      if (answer.ok || answer.status === 412) await answer.body?.cancel()
      else throw await refusal(source, answer)
      if (answer.ok || tries === 1) return answer.ok
      // The first try may have made it, and its answer been lost.
      const there = await requests.bytes(signal, await requests.need(signal, { method: 'GET', key }))
      return Buffer.from(there).equals(body)
    },

    async remove({ signal }, key) {
      const { answer } = await requests.ask(signal, { method: 'DELETE', key })
      if (!answer.ok && answer.status !== 404) throw await refusal(source, answer)
      await answer.body?.cancel()
    },
  }
}
