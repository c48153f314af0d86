import type { IncomingMessage } from 'node:http'
import { HeaderMap } from '@apollo/server'
import { OperationTypeNode } from 'graphql'
import { HubError } from '../../schema/errors.ts'
import type { Identity } from '../auth/identity.ts'
import { saysDefer } from '../federation/deferred/directive.ts'
import { type MediaType, type Seen, statusOf, type Written } from './apollo.ts'
import { parseJson, readBody, requireJson } from './body.ts'
import { clientAddress } from './client-address.ts'
import { type Exchange, send } from './exchange.ts'
import { takesParts, writeParts } from './multipart.ts'
import { negotiate } from './negotiate.ts'
import { batchOf, type Params, paramsOf, paramsOfSearch } from './params.ts'
import { type GraphQLParts, observed } from './parts.ts'
import { sessionHeaders } from './reading.ts'
import { type OpenScope, openScope } from './scope.ts'
import type { FrontSettings } from './settings.ts'
import { streamEvents } from './streaming.ts'
import { callerKey } from './subscriptions.ts'

export const eventStream = 'text/event-stream'
export const mediaTypes = ['application/json', 'application/graphql-response+json'] as const satisfies readonly MediaType[]

/** The representation of an answer the client likes best, or undefined when it takes none. */
export function representation(accept = ''): MediaType | typeof eventStream | undefined {
  if (representations.has(accept)) return representations.get(accept)
  const found = negotiate(accept, [...mediaTypes, eventStream])
  if (representations.size < 1_000 && accept.length < 200) representations.set(accept, found)
  return found
}

/** Of headers seen before: clients send few. */
const representations = new Map<string, MediaType | typeof eventStream | undefined>()

/** Whether the client would rather have a page than an answer. */
export function prefersPage(accept: string | undefined): boolean {
  return negotiate(accept, [...mediaTypes, eventStream, 'text/html']) === 'text/html'
}

/** One operation over HTTP for a caller who is known: as one answer, or as an event stream. */
export async function answerGraphQL(parts: GraphQLParts, exchange: Exchange, identity: Identity): Promise<void> {
  const { request } = exchange
  parts.rate.take(rateKey(identity, request))
  const accepted = representation(request.headers.accept)
  if (accepted === undefined) {
    throw new HubError('BAD_USER_INPUT', `The request accepts "${(request.headers.accept ?? '').slice(0, 100)}"; ${[...mediaTypes, eventStream].join(', ')} are what there is.`, { status: 406 })
  }
  const { limits } = parts.settings
  const body = await readParams(exchange, parts.settings)
  const batch = accepted === eventStream ? undefined : batchOf(body, limits.maxBatch)
  if (batch && accepted !== eventStream) {
    for (const _further of batch.slice(1)) parts.rate.take(rateKey(identity, request))
    return answering(parts, exchange, identity, accepted, (open, seen) => answerBatch(parts, exchange, batch, open, accepted, seen))
  }
  const params = paramsOf(body, limits.maxVariableDepth)
  if (accepted === eventStream) return streamEvents(parts, exchange, identity, params)
  const isDeferred = takesParts(request.headers.accept) && saysDefer.test(parts.operations.admit(params))
  return answering(parts, exchange, identity, accepted, (open, seen) => (isDeferred ? deliver : answerOne)(parts, exchange, params, open, accepted, seen))
}

type Answering = (open: OpenScope, seen: Seen) => Promise<void>

/** Answers under a scope of its own, which ends with the answer or the client. What it throws is the answer. */
async function answering(parts: GraphQLParts, exchange: Exchange, identity: Identity, mediaType: MediaType, answer: Answering): Promise<void> {
  const { request, response } = exchange
  const { clock, lifecycle, settings } = parts
  const open = openScope({ requestId: exchange.requestId, identity, timeoutMs: settings.requestTimeoutMs, clock, log: exchange.log, lifecycle, reading: parts.reading(request.headers) })
  const leave = () => open.abort(new HubError('CANCELLED', 'The client left; the work was cancelled.'))
  response.once('close', leave)
  const seen: Seen = { codes: [] }
  const observe = observed(parts, 'http', seen)
  try {
    await answer(open, seen)
  } catch (error) {
    const answered = parts.operations.failure(error, open.scope)
    seen.codes.push(...answered.errors.map(({ extensions }) => extensions.code))
    const status = error instanceof HubError && typeof error.details['status'] === 'number' ? error.details['status'] : statusOf(answered, mediaType)
    send(exchange, status, { 'content-type': `${mediaType}; charset=utf-8` }, JSON.stringify(answered))
  } finally {
    response.off('close', leave)
    open.close()
    observe()
    Object.assign(exchange.seen, seen)
  }
}

async function answerOne(parts: GraphQLParts, exchange: Exchange, params: Params, open: OpenScope, mediaType: MediaType, seen: Seen): Promise<void> {
  const { status, headers, body } = await written(parts, exchange, params, open, mediaType, seen)
  send(exchange, status, { ...Object.fromEntries(headers), ...sessionHeaders(open.scope), ...(seen.cache && { 'x-cache': seen.cache }) }, body)
}

/** Side by side; what is wrong with one is its answer and no other's. */
async function answerBatch(parts: GraphQLParts, exchange: Exchange, batch: readonly unknown[], open: OpenScope, mediaType: MediaType, seen: Seen): Promise<void> {
  const answers = await Promise.all(batch.map(async each => {
    try {
      return (await written(parts, exchange, paramsOf(each, parts.settings.limits.maxVariableDepth), open, mediaType, seen)).body
    } catch (error) {
      const answered = parts.operations.failure(error, open.scope)
      seen.codes.push(...answered.errors.map(({ extensions }) => extensions.code))
      return JSON.stringify(answered)
    }
  }))
  send(exchange, 200, { 'content-type': `${mediaType}; charset=utf-8`, ...sessionHeaders(open.scope) }, `[${answers.join()}]`)
}

function written(parts: GraphQLParts, exchange: Exchange, params: Params, open: OpenScope, mediaType: MediaType, seen: Seen): Promise<Written> {
  const { request, url } = exchange
  parts.operations.admit(params)
  const explain = request.headers['x-hub-explain'] === '1'
  const method = request.method === 'GET' ? 'GET' : 'POST'
  return parts.apollo.handle(parts.hub.supergraph, { method, headers: () => headersOf(request, mediaType), search: url.search, params, open, explain, mediaType, seen })
}

/** An operation in parts, where anything of it is deferred. The pipeline does not see it, as it sees nothing that is streamed; but it refuses what is no query in a link. */
async function deliver(parts: GraphQLParts, exchange: Exchange, params: Params, open: OpenScope, mediaType: MediaType, seen: Seen): Promise<void> {
  const { operations, hub } = parts
  const { request } = exchange
  const { scope } = open
  const prepared = operations.prepare(hub.supergraph, params)
  const { operation } = prepared.node
  if (operation === OperationTypeNode.SUBSCRIPTION || (operation === OperationTypeNode.MUTATION && request.method === 'GET')) return answerOne(parts, exchange, params, open, mediaType, seen)
  seen.operationType = operation
  if (prepared.node.name) seen.operationName = prepared.node.name.value
  const result = await operations.deliver(prepared, scope, { explain: request.headers['x-hub-explain'] === '1' })
  if (Symbol.asyncIterator in result) return writeParts(exchange, result, sessionHeaders(scope))
  for (const error of result.errors ?? []) seen.codes.push(error.extensions.code)
  send(exchange, statusOf(result, mediaType), { 'content-type': `${mediaType}; charset=utf-8`, ...sessionHeaders(scope) }, JSON.stringify(result))
}

/** Accept is what was negotiated, so that the pipeline comes to the same answer. */
function headersOf(request: IncomingMessage, mediaType: MediaType): HeaderMap {
  const headers = new HeaderMap()
  for (const [name, value] of Object.entries(request.headers)) if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value)
  headers.set('accept', mediaType)
  return headers
}

/** What the body or the link says, not yet looked at but for a link, which is one operation. */
async function readParams(exchange: Exchange, settings: FrontSettings): Promise<unknown> {
  const { request, url } = exchange
  if (request.method === 'GET') return paramsOfSearch(url.searchParams, settings.limits.maxVariableDepth)
  requireJson(request)
  return parseJson(await readBody(request, settings.maxBodyBytes))
}

/** Callers nobody knows are told apart by their address. */
export function rateKey(identity: Identity, request: IncomingMessage): string {
  return identity.caller.subject === 'anonymous' ? `${callerKey(identity)}\n${clientAddress(request)}` : callerKey(identity)
}
