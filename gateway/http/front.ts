import { createServer, type IncomingMessage, type RequestListener, type Server, STATUS_CODES } from 'node:http'
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import type { Duplex } from 'node:stream'
import { systemClock, type Clock, type Log } from '../../connectors/ports/scope.ts'
import type { ConsistencyLevel } from '../../schema/consistency.ts'
import { asHubError, HubError } from '../../schema/errors.ts'
import type { Authenticator } from '../auth/authenticator.ts'
import type { Hub } from '../hub.ts'
import { Lifecycle } from '../lifecycle.ts'
import { PersistedDocuments } from '../limits/persisted.ts'
import { RateLimit } from '../limits/rate.ts'
import { ShapeCheck } from '../limits/shape.ts'
import { withFields } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { Apollo, type FrontPlugin, type Seen } from './apollo.ts'
import { isOfWorker } from './client-address.ts'
import { openConsole } from './console.ts'
import { rateKey } from './graphql.ts'
import { Groups } from './group.ts'
import { handle, type HandlerParts } from './handler.ts'
import { Operations } from './operations.ts'
import { Origins } from './origins.ts'
import { Windows } from './outlet.ts'
import { paramsOf } from './params.ts'
import { readingOf } from './reading.ts'
import { ResponseCache } from './response-cache/response-cache.ts'
import { type Route, Routes } from './routes.ts'
import { requestIdOf } from './scope.ts'
import type { FrontSettings } from './settings.ts'
import { begin } from './streaming.ts'
import { Subscriptions } from './subscriptions.ts'
import { createWebSockets, type WebSockets } from './websocket.ts'

export interface FrontOptions {
  readonly hub: Hub
  readonly settings: FrontSettings
  readonly clock: Clock
  readonly log: Log
  readonly auth: Authenticator
  readonly metrics: Metrics
  /** Routes beside the front's own: REST, OpenAPI. */
  readonly routes?: readonly Route[]
  /** Plugins for Apollo Server, before ours. */
  readonly plugins?: readonly FrontPlugin[]
  /** Consistency of reads that ask for none; absent: STRONG. */
  readonly consistency?: ConsistencyLevel
  /** Folder of the built explorer; the product's own by default. */
  readonly consoleFolder?: string
  /** Path of a socket to listen at instead of the port: for workers of this hub, who have the port and say whose request each is. */
  readonly at?: string
}

export interface Front {
  /** `http://127.0.0.1:8080` */
  readonly url: string
  readonly port: number
  /**
   * Stops: takes no new connection or request, ends subscriptions with SHUTTING_DOWN and their cursor, lets what is under way end within the limit,
   * cuts what has not, and closes. Calling it again waits for the same end. `taken`: until that ends, requests are taken still, as workers hand on what they took before.
   */
  drain(taken?: Promise<void>): Promise<void>
}

/** The door of the hub: /graphql, health, metrics, the explorer and the routes given. Fails with IN_USE when another program has the port. */
export async function openFront(options: FrontOptions): Promise<Front> {
  const { hub, settings, clock, log, auth, metrics } = options
  const persisted = new PersistedDocuments(settings.persisted)
  const responses = new ResponseCache(settings.responseCache, metrics)
  const operations = new Operations({ settings, persisted, shape: new ShapeCheck(settings.limits), metrics, responses })
  const apollo = new Apollo({ operations, persisted, introspection: settings.introspection, maxTokens: settings.limits.maxTokens, fastPath: settings.fastPath, log, plugins: options.plugins ?? [] })
  const subscriptions = new Subscriptions(settings.subscriptions.maxPerCaller, metrics)
  const parts: HandlerParts = {
    hub, settings, clock, log, auth, metrics, operations, apollo, subscriptions,
    groups: new Groups(settings.subscriptions, metrics),
    // Writes keep the machine's time, whatever clock the rest goes by.
    windows: new Windows(settings.subscriptions.coalesceMs, systemClock),
    lifecycle: new Lifecycle(clock),
    reading: readingOf(options.consistency ?? 'STRONG'),
    rate: new RateLimit(settings.limits.requestsPerMinute, clock),
    origins: new Origins({ corsOrigins: settings.corsOrigins, hosts: auth.open ? settings.allowedHosts : undefined }),
    console: await openConsole(options.consoleFolder ?? resolve(import.meta.dirname, '../console/dist')),
    routes: new Routes(options.routes ?? []),
  }
  await apollo.prepare(hub.supergraph)
  const forget = hub.onSupergraph(next => {
    subscriptions.onSupergraph(next)
    responses.clear()
    apollo.prepare(next).catch((error: unknown) => log.error('Apollo Server does not take the new graph.', { error }))
  })

  const sockets = webSockets(parts)
  const { at } = options
  // A worker adds a header to a head that had its full size.
  const server = listenerOf(at === undefined ? settings : { ...settings, maxHeaderBytes: settings.maxHeaderBytes + 1_024 }, (request, response) => void handle(parts, request, response))
  if (at === undefined) server.maxConnections = settings.maxConnections
  else {
    server.on('connection', isOfWorker)
    // A worker may take up a connection again at any time.
    server.keepAliveTimeout = 0
  }
  server.on('upgrade', (request, socket, head) => upgrade(parts, sockets, request, socket, head))
  await listen(server, settings, { at })
  const port = at === undefined ? (server.address() as AddressInfo).port : settings.port
  let drained: Promise<void> | undefined
  return {
    port,
    url: urlOf(settings, port),
    drain: taken => (drained ??= drain(parts, server, sockets, taken).finally(forget)),
  }
}

const clientErrors: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }

export function urlOf({ host }: FrontSettings, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** A server within the settings' limits of time and size, not yet listening. */
export function listenerOf(settings: FrontSettings, take: RequestListener): Server {
  const server = createServer(
    {
      maxHeaderSize: settings.maxHeaderBytes,
      headersTimeout: settings.headersTimeoutMs,
      requestTimeout: Math.max(settings.headersTimeoutMs, settings.bodyTimeoutMs),
      keepAliveTimeout: settings.keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.min(settings.headersTimeoutMs, 5_000),
    },
    take,
  )
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => refuse(socket, clientErrors[error.code ?? ''] ?? 400))
  return server
}

/** Listens at the settings' address, or at the path given. `shared`: beside other processes of this user that say so, too. Fails with IN_USE where that cannot be. */
export function listen(server: Server, { host, port }: Pick<FrontSettings, 'host' | 'port'>, { at, shared = false }: { readonly at?: string; readonly shared?: boolean } = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const said: Readonly<Record<string, string>> = {
        EADDRINUSE: `Port ${port} on "${host}" is taken by another program. Stop it, or set another port.`,
        EACCES: `Port ${port} may not be used by this user. Set one above 1023.`,
        EADDRNOTAVAIL: `"${host}" is no address of this machine. Set one that is, as 127.0.0.1.`,
      }
      if (at !== undefined) reject(new HubError('IN_USE', `The hub cannot listen at "${at}" for its workers: ${cause.code ?? cause.message}. Set TMPDIR to a folder of its user with a short path.`, { at }, { cause }))
      else reject(new HubError('IN_USE', said[cause.code ?? ''] ?? `The hub cannot listen on port ${port} of "${host}": ${cause.code ?? cause.message}.`, { host, port }, { cause }))
    })
    server.listen(at === undefined ? { host, port, reusePort: shared } : { path: at, backlog: 4_096 }, resolve)
  })
}

async function drain({ lifecycle, subscriptions, settings, clock, log }: HandlerParts, server: Server, sockets: WebSockets, taken?: Promise<void>): Promise<void> {
  const stopping = new HubError('SHUTTING_DOWN', 'The hub is stopping. Subscribe again, with the cursor; another one answers.')
  if (taken) {
    subscriptions.end(stopping)
    await taken
  }
  lifecycle.drain()
  const closed = new Promise<void>(done => server.close(() => done()))
  server.closeIdleConnections()
  subscriptions.end(stopping)
  const ended = await Promise.race([
    Promise.all([subscriptions.empty(), lifecycle.idle(settings.drainTimeoutMs)]).then(([, idle]) => idle),
    new Promise<false>(late => {
      clock.after(settings.drainTimeoutMs, () => late(false))
    }),
  ])
  if (!ended) log.warn('The hub stops with work under way.', { pending: lifecycle.pending, subscriptions: subscriptions.size, limitMs: settings.drainTimeoutMs })
  await sockets.close(1_000)
  server.closeAllConnections()
  await closed
}

function webSockets(parts: HandlerParts): WebSockets {
  const { operations, settings, clock, auth, windows } = parts
  return createWebSockets({
    settings: settings.subscriptions,
    clock,
    windows,
    log: parts.log,
    authenticate: credentials => auth.authenticate(credentials),
    async start(request, identity, payload, gone) {
      const requestId = requestIdOf(undefined)
      const log = withFields(parts.log, { requestId })
      const context = { requestId, log }
      const seen: Seen = { codes: [] }
      try {
        if (parts.lifecycle.draining) throw new HubError('SHUTTING_DOWN', 'The hub is stopping. Connect again; another one answers.')
        parts.rate.take(rateKey(identity, request))
        const params = paramsOf(payload, settings.limits.maxVariableDepth)
        const { prepared, result } = await begin(parts, { requestId, identity, params, transport: 'websocket', gone, reading: parts.reading(request.headers), log, explain: params.extensions?.['explain'] === true, seen })
        const { operationName, operationType, codes } = seen
        log.info('request', { transport: 'websocket', route: '/graphql', tenant: identity.tenant, operationName, operationType, ...(codes.length > 0 ? { codes } : {}) })
        if (!prepared || (!(Symbol.asyncIterator in result) && result.data === undefined)) return { errors: 'errors' in result ? (result.errors ?? []) : [] }
        return { prepared, result, failure: error => operations.error(error, context) }
      } catch (error) {
        return { errors: operations.failure(error, context).errors }
      }
    },
  })
}

/** A connection that wants to speak another protocol: WebSockets at /graphql, from pages that may. */
function upgrade({ lifecycle, origins, log }: HandlerParts, sockets: WebSockets, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  // The other side may be gone before it was answered.
  socket.on('error', error => log.debug('A connection failed before it was upgraded.', { error }))
  try {
    if (!/^\/graphql(\?|$)/.test(request.url ?? '')) throw new HubError('NOT_FOUND', 'There is no WebSocket here. Did you mean "/graphql"?')
    if (lifecycle.draining) throw new HubError('SHUTTING_DOWN', 'The hub is stopping.')
    origins.checkHost(request)
    origins.checkOrigin(request)
    sockets.accept(request, socket, head)
  } catch (error) {
    const { message, info } = asHubError(error)
    refuse(socket, info.http, message)
  }
}

/** Answers a connection that no answer of HTTP can be written for any more, and ends it. */
export function refuse(socket: Duplex, status: number, message = STATUS_CODES[status] ?? ''): void {
  if (!socket.writable) return void socket.destroy()
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(message)}\r\n\r\n${message}`)
}
