import type { IncomingMessage, ServerResponse } from 'node:http'
import { PassThrough, pipeline, type Duplex } from 'node:stream'
import { type Dispatcher, Pool } from 'undici'
import type { Log } from '../../connectors/ports/scope.ts'
import { codes } from '../../schema/errors.ts'
import { clientHeader } from '../http/client-address.ts'
import { discard } from '../http/exchange.ts'
import { refuse } from '../http/front.ts'
import { reachOwner } from './reach.ts'

/** Headers of one connection, not of the message (RFC 9110, 7.6.1), and those that are said anew: how long the body is, whose it is, and the wait for 100, which is over by now. */
const ownHeaders = ['connection', 'keep-alive', 'proxy-connection', 'te', 'transfer-encoding', 'upgrade', 'content-length', 'expect', clientHeader]

/** An owner closes no connection that rests, and a worker not before this. */
const restMs = 600_000

/** Hands requests to the owner as they came, and his answers back, both as they arrive. */
export class Forward {
  readonly #owner: string
  readonly #log: Log
  readonly #pool: Pool

  /** `owner`: path of his socket. */
  constructor(owner: string, log: Log) {
    this.#owner = owner
    this.#log = log
    // How long an answer may take is the owner's to say.
    this.#pool = new Pool('http://owner', { connect: (_options, done) => reachOwner(owner, done), connections: null, pipelining: 1, keepAliveTimeout: restMs, keepAliveMaxTimeout: restMs, headersTimeout: 0, bodyTimeout: 0 })
  }

  /** `begun` is called when the answer has. `body`: what was read of the request, all of it; absent: nothing was. A client that leaves ends the request; an owner that does not answer is a 503, or, where the answer had begun, its end. */
  request(request: IncomingMessage, response: ServerResponse, begun: () => void, body?: Buffer): void {
    const { method = 'GET', url = '/', headers: { host, 'content-length': length, 'transfer-encoding': coding } } = request
    const headers = [...endToEnd(request.rawHeaders), clientHeader, request.socket.remoteAddress ?? '']
    if (host === undefined) headers.push('host', '')
    // Who announces no body has none: what follows is the next request of somebody else. What is announced is framed anew.
    const isStreamed = body === undefined && (coding !== undefined || Number(length ?? 0) > 0)
    if (isStreamed && coding === undefined) headers.push('content-length', String(length))
    const onward = body ?? (isStreamed ? request.pipe(new PassThrough()) : null)
    const path = url.startsWith('/') ? url : '/'
    this.#pool.dispatch({ path, method: method as Dispatcher.HttpMethod, headers, body: onward }, new Relay(request, response, begun, this.#log))
  }

  /** A connection that is to speak another protocol: from here on bytes go to and fro as they are. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const lines = pairs(request.rawHeaders).filter(([name]) => name.toLowerCase() !== clientHeader).map(([name, value]) => `${name}: ${value}\r\n`)
    const start = `${request.method} ${request.url} HTTP/1.1\r\n${lines.join('')}${clientHeader}: ${request.socket.remoteAddress ?? ''}\r\n\r\n`
    reachOwner(this.#owner, (error, owner) => {
      if (error) {
        this.#log.error('The owner of the hub was not reached.', { error })
        return refuse(socket, codes.UPSTREAM_UNAVAILABLE.http)
      }
      owner.write(start, 'latin1')
      owner.write(head)
      // Either end that is lost takes the other with it; both sides say why in their own words before.
      pipeline(owner, socket, failure => failure && this.#log.debug('A connection to the owner ended.', { error: failure }))
      pipeline(socket, owner, failure => failure && this.#log.debug('The connection of a client ended.', { error: failure }))
    })
  }
}

/** Gives the owner's answer to the client. */
class Relay implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse
  readonly #begun: () => void
  readonly #log: Log
  #controller: Dispatcher.DispatchController | undefined
  #length: number | undefined

  constructor(request: IncomingMessage, response: ServerResponse, begun: () => void, log: Log) {
    this.#response = response
    this.#begun = begun
    this.#log = log
    response.once('close', () => {
      if (!response.writableFinished) this.#controller?.abort(new Error('The client left.'))
      if (request.complete) return
      // Answered before all of it had come.
      request.unpipe()
      discard(request)
    })
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#response.destroyed) controller.abort(new Error('The client left.'))
  }

  onResponseStart({ rawHeaders }: Dispatcher.DispatchController, status: number, { 'content-length': length }: Record<string, string | string[] | undefined>, message?: string): void {
    if (status < 200) return
    const headers = endToEnd((rawHeaders as Buffer[]).map(part => part.toString('latin1')))
    if (length !== undefined) {
      this.#length = Number(length)
      headers.push('content-length', String(length))
    }
    this.#response.writeHead(status, message, headers)
    this.#begun()
    // Of an answer that goes on, nobody knows when more of it comes.
    if (length === undefined) this.#response.flushHeaders()
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    // A whole answer leaves together with its head.
    if (chunk.length === this.#length) this.#response.end(chunk)
    else if (!this.#response.write(chunk)) {
      controller.pause()
      this.#response.once('drain', () => controller.resume())
    }
  }

  onResponseEnd(): void {
    if (!this.#response.writableEnded) this.#response.end()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const response = this.#response
    if (response.destroyed || response.writableEnded) return
    this.#log.error('The owner of the hub did not answer.', { error })
    if (response.headersSent) response.destroy()
    else unanswered(response)
  }
}

/** Names and values as they came, without those of the connection. */
function endToEnd(raw: readonly string[]): string[] {
  const all = pairs(raw)
  const named = all.flatMap(([name, value]) => (name.toLowerCase() === 'connection' ? value.split(',').map(one => one.trim().toLowerCase()) : []))
  const dropped = new Set([...ownHeaders, ...named])
  return all.flatMap(([name, value]) => (dropped.has(name.toLowerCase()) ? [] : [name, value]))
}

function pairs(raw: readonly string[]): (readonly [name: string, value: string])[] {
  return Array.from({ length: raw.length / 2 }, (_, index) => [raw[2 * index] ?? '', raw[2 * index + 1] ?? ''] as const)
}

function unanswered(response: ServerResponse): void {
  const code = 'UPSTREAM_UNAVAILABLE'
  response.writeHead(codes[code].http, { 'content-type': 'application/json; charset=utf-8', 'retry-after': '1', connection: 'close' })
  response.end(JSON.stringify({ errors: [{ message: 'The hub did not answer within itself. Ask again.', extensions: { code } }] }))
}
