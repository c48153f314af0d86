import type { IncomingHttpHeaders } from 'node:http'
import { type Dispatcher, Pool } from 'undici'
import { type AnswerHeaders, checkHeaders, type Post, Posted, type Sender } from './posted.ts'
import { Room } from './room.ts'

/** Requests to one origin over undici, which knows TLS. */
export class Pooled implements Sender {
  readonly #pool: Pool

  constructor(origin: URL, connections: number) {
    this.#pool = new Pool(origin.origin, { connections })
  }

  close(): Promise<void> {
    return this.#pool.destroy()
  }

  post({ path, headers, body, maxBytes, tooLong, signal }: Post): Promise<Posted> {
    return new Promise((resolve, reject) => {
      let controller: Dispatcher.DispatchController | undefined
      let status = 0
      let answered: IncomingHttpHeaders = {}
      const room = new Room(0)
      const end = () => signal.removeEventListener('abort', leave)
      const stop = (error: Error) => {
        reject(error)
        controller?.abort(error)
      }
      const leave = () => stop(signal.reason)
      if (signal.aborted) return leave()
      // undici refuses what is none, too, but a pool that did takes no further requests.
      checkHeaders(headers)
      signal.addEventListener('abort', leave, { once: true })

      this.#pool.dispatch({ path, method: 'POST', headers, body, headersTimeout: 0, bodyTimeout: 0 }, {
        onRequestStart(started) {
          controller = started
          if (signal.aborted) started.abort(signal.reason)
        },
        onResponseStart(_controller, statusCode, given) {
          status = statusCode
          answered = given
        },
        onResponseData(_controller, chunk) {
          if (room.length + chunk.length > maxBytes) stop(tooLong())
          else room.add(chunk, 0, chunk.length)
        },
        onResponseEnd() {
          end()
          resolve(new Posted(status, joined(answered), room))
        },
        onResponseError(_controller, error) {
          end()
          reject(error)
        },
      })
    })
  }
}

function joined(headers: IncomingHttpHeaders): AnswerHeaders {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value?.trimEnd()]))
}
