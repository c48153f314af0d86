import type { IncomingHttpHeaders } from 'node:http'
import { type Dispatcher, Pool } from 'undici'
import { type AnswerHeaders, checkHeaders, type Post, Posted, type Sender, type SenderOptions } from './sender.ts'
import type { Work } from '../flights.ts'
import { Room } from './room.ts'

/** Requests to one origin over undici, which knows TLS. */
export class Pooled implements Sender {
  readonly #pool: Pool
  readonly #headers: Readonly<Record<string, string>>

  constructor({ origin, connections, headers }: SenderOptions) {
    checkHeaders(headers)
    this.#pool = new Pool(origin.origin, { connections })
    this.#headers = headers
  }

  close(): Promise<void> {
    return this.#pool.destroy()
  }

  post({ path, headers, body, maxBytes, tooLong }: Post): Work<Posted> {
    let controller: Dispatcher.DispatchController | undefined
    let stopped: { readonly reason: unknown } | undefined
    const { promise, resolve, reject } = Promise.withResolvers<Posted>()
    const stop = (reason: unknown) => {
      stopped = { reason }
      reject(reason)
      controller?.abort(reason as Error)
    }
    const send = () => {
      // undici refuses what is no header, too, but a pool that did takes no further requests.
      checkHeaders(headers)
      let status = 0
      let answered: IncomingHttpHeaders = {}
      const room = new Room(0)
      this.#pool.dispatch({ path, method: 'POST', headers: { ...this.#headers, ...headers }, body, headersTimeout: 0, bodyTimeout: 0 }, {
        onRequestStart(started) {
          controller = started
          if (stopped) started.abort(stopped.reason as Error)
        },
        onResponseStart(_controller, statusCode, given) {
          status = statusCode
          answered = given
        },
        onResponseData(_controller, chunk) {
          if (room.length + chunk.length > maxBytes) stop(tooLong())
          else room.add(chunk, 0, chunk.length)
        },
        onResponseEnd: () => resolve(new Posted(status, joined(answered), room)),
        onResponseError: (_controller, error) => reject(error),
      })
    }
    try {
      send()
    } catch (error) {
      reject(error)
    }
    return { result: promise, cancel: stop }
  }
}

function joined(headers: IncomingHttpHeaders): AnswerHeaders {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value?.trimEnd()]))
}
