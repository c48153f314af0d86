import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Log } from '../../connectors/ports/scope.ts'
import { HubError } from '../../schema/errors.ts'
import type { AnsweredError } from './errors.ts'
import { problemOf } from './errors.ts'
import { atTurnEnd } from './turn-end.ts'

/** One HTTP request on its way to its answer. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly url: URL
  readonly requestId: string
  /** Of every answer to this request. */
  readonly headers: OutgoingHttpHeaders
  readonly log: Log
  /** Fields for the line of the log and labels for the metrics, filled on the way. */
  readonly seen: { route: string; tenant?: string; [field: string]: unknown }
}

const securityHeaders: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'content-security-policy': 'default-src \'none\'; frame-ancestors \'none\'',
  'cache-control': 'no-store',
}

/** Bytes of an unread body that are thrown away so that the client may read its answer; a client that sends more is cut. */
const maxDiscardedBytes = 16 * 1024 * 1024

/** Writes the whole answer, at the end of the turn. Headers given here win over the defaults. Nothing happens when the client has left or was answered. */
export function send(exchange: Exchange, status: number, headers: OutgoingHttpHeaders, body: string | Buffer): void {
  const { response, request } = exchange
  if (response.headersSent || response.destroyed) return
  const bytes = typeof body === 'string' ? Buffer.byteLength(body) : body.length
  response.writeHead(status, { ...headersOf(exchange), ...headers, ...(status !== 204 && status !== 304 && { 'content-length': bytes }) })
  // A text leaves together with its head, in one write. As many bytes as characters: it is ASCII, which is copied as it is.
  atTurnEnd(() => response.end(request.method === 'HEAD' ? undefined : body, bytes === body.length ? 'latin1' : 'utf8'))
  if (!request.complete) discard(request)
}

/** Writes an answer as it comes, no faster than the client takes it. Where it fails the connection ends before the answer does. */
export function sendStream(exchange: Exchange, status: number, headers: OutgoingHttpHeaders, body: Readable): void {
  const { response, request, log } = exchange
  if (response.headersSent || response.destroyed || request.method === 'HEAD') {
    body.destroy()
    if (!response.headersSent && !response.destroyed) response.writeHead(status, { ...headersOf(exchange), ...headers }).end()
    return
  }
  response.writeHead(status, { ...headersOf(exchange), ...headers })
  pipeline(body, response).catch((error: unknown) => log.warn('An answer could not be written to its end.', { reason: error instanceof Error ? error.message : String(error) }))
  if (!request.complete) discard(request)
}

/** Ends when the socket has taken what was written to it, or is gone. */
export function drained({ response }: Exchange): Promise<void> {
  if (!response.writableNeedDrain) return Promise.resolve()
  return new Promise(resolve => {
    const done = () => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
  })
}

/** Headers of an answer that goes on, as an event stream does. */
export function streamHeaders(exchange: Exchange, headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return { ...headersOf(exchange), ...headers }
}

function headersOf({ headers, requestId }: Exchange): OutgoingHttpHeaders {
  return { ...securityHeaders, ...headers, 'x-request-id': requestId }
}

export function sendJson(exchange: Exchange, status: number, value: unknown, headers: OutgoingHttpHeaders = {}): void {
  send(exchange, status, { 'content-type': 'application/json; charset=utf-8', ...headers }, JSON.stringify(value))
}

/** RFC 9457. */
export function sendProblem(exchange: Exchange, error: AnsweredError, headers: OutgoingHttpHeaders = {}): void {
  send(exchange, error.extensions.http.status, { 'content-type': 'application/problem+json; charset=utf-8', ...headers }, JSON.stringify(problemOf(error)))
}

/** The status of an answer made of this error, and the headers that go with it. */
export function headersFor(error: unknown, challenge: (reason?: string) => string): OutgoingHttpHeaders {
  if (!(error instanceof HubError)) return {}
  const wait = error.details['retryAfterSeconds']
  const proof = error.details['proof'] === true || error.message.startsWith('The token ')
  return {
    ...(typeof wait === 'number' ? { 'retry-after': String(wait) } : {}),
    ...(error.code === 'UNAUTHENTICATED' ? { 'www-authenticate': challenge(proof ? error.message : undefined) } : {}),
    ...(error.code === 'SHUTTING_DOWN' ? { connection: 'close' } : {}),
  }
}

/** Reads what is left of a request nobody needs, so that the client may read its answer. */
export function discard(request: IncomingMessage): void {
  let bytes = 0
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > maxDiscardedBytes) request.destroy()
  })
  request.resume()
}
