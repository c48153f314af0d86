import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'

export interface Post {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Longest answer taken, and what is thrown for a longer one. */
  readonly maxBytes: number
  readonly tooLong: () => Error
  readonly signal: AbortSignal
}

export class Posted {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly chunks: readonly Buffer[]
  readonly bytes: number
  #text: string | undefined

  constructor(status: number, headers: IncomingHttpHeaders, chunks: readonly Buffer[], bytes: number) {
    this.status = status
    this.headers = headers
    this.chunks = chunks
    this.bytes = bytes
  }

  /** Made once. */
  get text(): string {
    this.#text ??= (this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks, this.bytes)).toString()
    return this.#text
  }
}

/** Sends one request and reads the whole answer. Fails with the signal's reason as soon as it aborts, wherever the request then is; the connection is given up when it was on its way. */
export function post(dispatcher: Dispatcher, { path, headers, body, maxBytes, tooLong, signal }: Post): Promise<Posted> {
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | undefined
    let status = 0
    let answered: IncomingHttpHeaders = {}
    let bytes = 0
    const chunks: Buffer[] = []
    const end = () => signal.removeEventListener('abort', leave)
    const stop = (error: Error) => {
      reject(error)
      controller?.abort(error)
    }
    const leave = () => stop(signal.reason)
    if (signal.aborted) return leave()
    signal.addEventListener('abort', leave, { once: true })

    dispatcher.dispatch({ path, method: 'POST', headers, body, headersTimeout: 0, bodyTimeout: 0 }, {
      onRequestStart(started) {
        controller = started
        if (signal.aborted) started.abort(signal.reason)
      },
      onResponseStart(_controller, statusCode, given) {
        status = statusCode
        answered = given
      },
      onResponseData(_controller, chunk) {
        bytes += chunk.length
        if (bytes > maxBytes) stop(tooLong())
        else chunks.push(chunk)
      },
      onResponseEnd() {
        end()
        resolve(new Posted(status, answered, chunks, bytes))
      },
      onResponseError(_controller, error) {
        end()
        reject(error)
      },
    })
  })
}
