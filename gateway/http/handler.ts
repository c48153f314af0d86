import { Readable } from 'node:stream'
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Log } from '../../connectors/ports/scope.ts'
import { HubError } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'
import type { Authenticator } from '../auth/authenticator.ts'
import type { Credentials, Identity } from '../auth/identity.ts'
import { withFields } from '../telemetry/log.ts'
import { parseJson, readBody, requireJson } from './body.ts'
import type { Console } from './console.ts'
import { answeredError, problemOf } from './errors.ts'
import { type Exchange, headersFor, send, sendJson, sendProblem, sendStream } from './exchange.ts'
import { answerGraphQL, prefersPage, rateKey, representation } from './graphql.ts'
import { readiness } from './health.ts'
import type { Answer } from './operations.ts'
import type { Origins } from './origins.ts'
import type { GraphQLParts } from './parts.ts'
import { sessionHeaders } from './reading.ts'
import type { Route, RouteAnswer, RouteEvents, Routes } from './routes.ts'
import { openScope, requestIdOf } from './scope.ts'
import { streamEvents } from './streaming.ts'
import { atTurnEnd } from './turn-end.ts'

export interface HandlerParts extends GraphQLParts {
  readonly log: Log
  readonly auth: Authenticator
  readonly origins: Origins
  readonly console: Console
  readonly routes: Routes
}

/** Who calls where a route is open to anyone. */
const nobody: Identity = { tenant: 'public', caller: { subject: 'anonymous', scopes: new Set() } }

/** Answers every request of the listener. Never fails. */
export async function handle(parts: HandlerParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const exchange = exchangeOf(parts, request, response)
  const finish = parts.lifecycle.begin()
  observe(parts, exchange)
  try {
    await dispatch(parts, exchange)
  } catch (error) {
    answerFailure(parts, exchange, error)
  } finally {
    // Behind its answer, so that nobody who waits for it cuts the connection before.
    atTurnEnd(finish)
  }
}

export function exchangeOf({ log, origins }: Pick<HandlerParts, 'log' | 'origins'>, request: IncomingMessage, response: ServerResponse): Exchange {
  const requestId = requestIdOf(request.headers['x-request-id'])
  return { request, response, url: urlOf(request.url), requestId, headers: origins.headers(request), log: withFields(log, { requestId }), seen: { route: 'none' } }
}

const base = 'http://localhost'
/** What nearly every request asks for. */
const graphqlUrl = new URL(`${base}/graphql`)

function urlOf(target = '/'): URL {
  if (target === '/graphql') return graphqlUrl
  // `//host/path` would be read as a name of a host.
  return target.startsWith('/') && URL.canParse(base + target) ? new URL(base + target) : new URL(base)
}

/** One line and one count for each answer, when it is over. */
export function observe({ log, metrics }: Pick<HandlerParts, 'log' | 'metrics'>, { request, response, url, requestId, seen }: Exchange, startedMs = performance.now()): void {
  response.once('close', () => {
    const status = response.headersSent ? response.statusCode : 499
    metrics.responded(seen.route, status)
    const { route, codes, answered: _answered, unexpected: _unexpected, ...fields } = seen
    const quiet = route === '/livez' || route === '/readyz' || route === '/metrics' || route === '/console/{file*}'
    log[quiet ? 'debug' : 'info']('request', {
      requestId, method: request.method, path: url.pathname.slice(0, 200), route, status, durationMs: Math.round((performance.now() - startedMs) * 1000) / 1000, ...fields,
      ...(Array.isArray(codes) && codes.length > 0 ? { codes } : {}),
    })
  })
}

async function dispatch(parts: HandlerParts, exchange: Exchange): Promise<void> {
  const { request, url, seen } = exchange
  const path = url.pathname
  const at = own[path] ?? (path.startsWith('/console/') ? own['/console/{file*}'] : undefined)
  const found = at ? undefined : parts.routes.find(request.method ?? 'GET', writtenPath(request))
  seen.route = at?.route ?? (found && 'route' in found ? found.route.path : 'none')
  if (!at?.probe) {
    if (parts.lifecycle.draining) throw new HubError('SHUTTING_DOWN', 'The hub is stopping and takes no new requests. Ask again; another one answers.')
    parts.origins.checkHost(request)
  }
  if (request.method === 'OPTIONS') return send(exchange, 204, { allow: methodsAt(at, found), ...parts.origins.preflight(request) }, '')
  if (at) {
    if (!at.methods.includes(request.method ?? '')) return notAllowed(parts, exchange, at.methods)
    return at.answer(parts, exchange)
  }
  if (found && 'route' in found) return answerRoute(parts, exchange, found.route, found.params)
  if (found && found.methods.length > 0) return notAllowed(parts, exchange, found.methods)
  const known = [...Object.values(own).map(each => each.route), ...parts.routes.paths]
  throw new HubError('NOT_FOUND', `There is nothing at "${path.slice(0, 200)}".${didYouMean(path, known)}`)
}

/** The path as it was sent: in `/tables/%2e%2e` a URL would go a folder up where a route means a name. */
function writtenPath({ url = '/' }: IncomingMessage): string {
  return url.replace(/[?#].*$/s, '')
}

interface Own {
  readonly route: string
  readonly methods: readonly string[]
  /** Asked by machines while the hub stops, and under any name. */
  readonly probe?: true
  readonly answer: (parts: HandlerParts, exchange: Exchange) => Promise<void>
}

const reading = ['GET', 'HEAD']

const own: Readonly<Record<string, Own>> = {
  '/graphql': { route: '/graphql', methods: ['GET', 'POST'], answer: graphql },
  '/console': { route: '/console', methods: reading, answer: explorer },
  '/console/{file*}': { route: '/console/{file*}', methods: reading, answer: explorer },
  '/livez': { route: '/livez', methods: reading, probe: true, answer: async (_parts, exchange) => sendJson(exchange, 200, { status: 'live' }) },
  '/readyz': { route: '/readyz', methods: reading, probe: true, answer: ready },
  '/metrics': {
    route: '/metrics', methods: reading, probe: true,
    answer: async ({ metrics }, exchange) => send(exchange, 200, { 'content-type': metrics.registry.contentType }, await metrics.shown()),
  },
}

async function graphql(parts: HandlerParts, exchange: Exchange): Promise<void> {
  const { request, url, seen } = exchange
  // A link with `?query=` opened by a person shows the query in the explorer, which runs it when told to.
  if (request.method === 'GET' && parts.settings.explorer && !url.searchParams.has('extensions') && prefersPage(request.headers.accept)) {
    return parts.console.page(exchange)
  }
  // An event stream needs no permission of the browser to be opened across origins.
  if (representation(request.headers.accept) === 'text/event-stream') parts.origins.checkOrigin(request)
  const identity = await parts.auth.authenticate(credentialsOf(request))
  seen.tenant = identity.tenant
  await answerGraphQL(parts, exchange, identity)
}

async function explorer(parts: HandlerParts, exchange: Exchange): Promise<void> {
  const name = exchange.url.pathname.replace(/^\/console\/?/, '')
  if (parts.settings.explorer && name === '') return parts.console.page(exchange)
  if (parts.settings.explorer && (await parts.console.file(exchange, name))) return
  throw new HubError('NOT_FOUND', `There is no file "${name.slice(0, 200)}" here.`)
}

async function ready({ hub, lifecycle, settings, clock }: HandlerParts, exchange: Exchange): Promise<void> {
  const { status, components } = await readiness(hub, { draining: lifecycle.draining, timeoutMs: settings.healthTimeoutMs, clock })
  sendJson(exchange, status === 'ready' || status === 'degraded' ? 200 : 503, exchange.url.searchParams.has('verbose') ? { status, components } : { status })
}

async function answerRoute(parts: HandlerParts, exchange: Exchange, route: Route, params: Readonly<Record<string, string>>): Promise<void> {
  const { request, response, url, requestId, log, seen } = exchange
  const { clock, lifecycle, settings } = parts
  const write = ({ status, headers = {}, body }: RouteAnswer) => {
    if (body instanceof Readable) return sendStream(exchange, status, headers, body)
    if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) return send(exchange, status, headers, body ?? '')
    sendJson(exchange, status, body, headers)
  }
  try {
    const identity = route.open ? nobody : await parts.auth.authenticate(credentialsOf(request))
    seen.tenant = identity.tenant
    parts.rate.take(rateKey(identity, request))
    const open = openScope({ requestId, identity, timeoutMs: settings.requestTimeoutMs, clock, log, lifecycle, reading: parts.reading(request.headers) })
    const leave = () => open.abort(new HubError('CANCELLED', 'The client left; the work was cancelled.'))
    response.once('close', leave)
    let body: Promise<Buffer> | undefined
    const bytes = () => {
      body ??= readBody(request, settings.maxBodyBytes)
      return body
    }
    const json = async () => {
      const whole = await bytes()
      if (whole.length === 0) return undefined
      requireJson(request)
      return parseJson(whole)
    }
    let answer: RouteAnswer | RouteEvents
    try {
      answer = await route.answer({ url, params, headers: request.headers, scope: open.scope, bytes, json })
    } finally {
      response.off('close', leave)
      open.close()
    }
    if (!('subscription' in answer)) return write({ ...answer, headers: { ...answer.headers, ...sessionHeaders(open.scope) } })
    const { subscription, shown } = answer
    parts.origins.checkOrigin(request)
    const worded = ({ data, errors: [first] = [] }: Answer) => (first ? { event: 'error', data: problemOf(first) } : shown(data))
    await streamEvents(parts, exchange, identity, subscription, { text: subscription.query, worded })
  } catch (error) {
    if (!route.failure) throw error
    const { headers, ...answer } = route.failure(answeredError(error, exchange))
    write({ ...answer, headers: { ...headersFor(error, parts.auth.challenge), ...headers } })
  }
}

function notAllowed(parts: HandlerParts, exchange: Exchange, methods: readonly string[]): void {
  const refused = new HubError('BAD_USER_INPUT', `"${exchange.request.method}" is not for "${exchange.url.pathname.slice(0, 200)}"; ${methods.join(' and ')} ${methods.length === 1 ? 'is' : 'are'}.`, { status: 405 })
  answerFailure(parts, exchange, refused, { allow: methods.join(', ') })
}

function methodsAt(at: Own | undefined, found: ReturnType<Routes['find']> | undefined): string {
  return [...(at?.methods ?? (found && 'methods' in found ? found.methods : [])), 'OPTIONS'].join(', ')
}

/** As GraphQL at /graphql, as a problem elsewhere. A status in the details (405, 406, 415) is closer than that of the code. */
function answerFailure(parts: HandlerParts, exchange: Exchange, error: unknown, own: OutgoingHttpHeaders = {}): void {
  const { operations, auth } = parts
  const answered = operations.error(error, exchange)
  const { status: closer, ...extensions } = answered.extensions
  const status = typeof closer === 'number' ? closer : answered.extensions.http.status
  const headers = { ...headersFor(error, auth.challenge), ...own }
  const worded = { ...answered, extensions: { ...extensions, code: answered.extensions.code, http: { status }, requestId: exchange.requestId } }
  exchange.seen['codes'] = [worded.extensions.code]
  if (exchange.seen.route !== '/graphql') {
    sendProblem(exchange, worded, headers)
    return
  }
  const accepted = representation(exchange.request.headers.accept)
  const mediaType = accepted === 'application/graphql-response+json' ? accepted : 'application/json'
  sendJson(exchange, status, { errors: [worded] }, { 'content-type': `${mediaType}; charset=utf-8`, ...headers })
}

export function credentialsOf({ headers }: IncomingMessage): Credentials {
  const apiKey = headers['x-api-key']
  return { authorization: headers.authorization, apiKey: Array.isArray(apiKey) ? apiKey[0] : apiKey }
}
