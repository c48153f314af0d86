import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type ExecutionArgs, GraphQLError } from 'graphql'
import { type Context, type FormattedExecutionResult, handleProtocols, makeServer, MessageType, type OperationResult, type ServerOptions, stringifyMessage } from 'graphql-ws'
import { type RawData, WebSocket, WebSocketServer } from 'ws'
import type { Clock, Log } from '../../connectors/ports/scope.ts'
import { HubError } from '../../schema/errors.ts'
import type { Credentials, Identity } from '../auth/identity.ts'
import { type AnsweredError, hubErrorIn } from './errors.ts'
import { every } from './every.ts'
import { Member, type Sink } from './member.ts'
import type { Answer, Prepared } from './operations.ts'
import { Outlet, type Windows } from './outlet.ts'
import type { Pieces } from './pieces.ts'
import type { FrontSettings } from './settings.ts'
import { textFrames } from './text-frames.ts'

/** One operation under way: its events, the parts of its answer or its one answer, and how what fails is worded. */
export interface Running {
  readonly prepared: Prepared
  readonly result: Member | Pieces | Answer
  readonly failure: (error: unknown) => AnsweredError
}

export interface WebSocketOptions {
  readonly settings: FrontSettings['subscriptions']
  readonly clock: Clock
  readonly windows: Windows
  readonly log: Log
  readonly authenticate: (credentials: Credentials) => Promise<Identity>
  /** Checks and begins one operation, or answers why not. Never fails. `gone` aborts when the connection is closed. */
  readonly start: (request: IncomingMessage, identity: Identity, payload: unknown, gone: AbortSignal) => Promise<Running | { readonly errors: readonly AnsweredError[] }>
}

type ConnectionParams = Record<string, unknown>

interface Extra {
  readonly socket: WebSocket
  /** What is written to the socket as it stands: the events. Everything else goes through the protocol, after what waits here. */
  readonly outlet: Outlet
  readonly request: IncomingMessage
  readonly gone: AbortController
  readonly running: Map<string, Running>
  identity?: Identity
  stopExpiry?: () => void
}

export interface WebSockets {
  readonly size: number
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Asks every client to go; ends when all have, and cuts those that have not within the limit. */
  close(limitMs: number): Promise<void>
}

/** The protocol's close codes, and ours for a reader that fell behind. */
const close = { goingAway: 1001, tryLater: 1013, badRequest: 4400, unauthenticated: 4401, forbidden: 4403, slowConsumer: 4429, internal: 4500 } as const

/** An error that is worded already. */
class Worded extends GraphQLError {
  readonly answered: AnsweredError

  constructor(answered: AnsweredError) {
    super(answered.message)
    this.answered = answered
  }
}

/** graphql-transport-ws over connections that were upgraded. */
export function createWebSockets(options: WebSocketOptions): WebSockets {
  const { settings, clock, windows, log } = options
  const server = new WebSocketServer({ noServer: true, maxPayload: settings.maxMessageBytes, perMessageDeflate: false, handleProtocols: protocols => handleProtocols(protocols) })
  const protocol = makeServer<ConnectionParams, Extra>(protocolOptions(options))

  const outlets = new Map<WebSocket, Outlet>()

  const open = (socket: WebSocket, request: IncomingMessage, target: Duplex) => {
    let lively = true
    const outlet = new Outlet(windows, {
      framing: textFrames, target, isOpen: () => socket.readyState === WebSocket.OPEN, maxBufferedBytes: settings.maxBufferedBytes,
      taken: () => {
        lively = true
      },
    })
    outlets.set(socket, outlet)
    const extra: Extra = { socket, outlet, request, gone: new AbortController(), running: new Map() }
    const stopPings = every(clock, settings.pingIntervalMs, () => {
      if (!lively) return socket.terminate()
      lively = false
      socket.ping()
    })
    const closed = protocol.opened(
      {
        protocol: socket.protocol,
        send: async data => {
          outlet.flush()
          await written(socket, data, settings.maxBufferedBytes)
          lively = true
        },
        close: (code, reason) => hangUp(extra, code, reason),
        onMessage: receive => {
          socket.on('message', (data: RawData) => {
            lively = true
            receive(String(data)).catch((error: unknown) => closeAfter(error, extra, log))
          })
        },
      },
      extra,
    )
    socket.on('pong', () => {
      lively = true
    })
    // A frame that breaks the protocol or its limits; ws closes the connection with the code that says which.
    socket.on('error', error => log.debug('A WebSocket broke the protocol.', { error }))
    socket.once('close', (code, reason) => {
      outlets.delete(socket)
      stopPings()
      extra.stopExpiry?.()
      extra.gone.abort(new HubError('CANCELLED', 'The client left; the work was cancelled.'))
      closed(code, String(reason)).catch((error: unknown) => log.error('A WebSocket was not closed cleanly.', { error }))
    })
  }

  return {
    get size() {
      return server.clients.size
    },
    accept(request, socket, head) {
      server.handleUpgrade(request, socket, head, upgraded => open(upgraded, request, socket))
    },
    async close(limitMs) {
      const gone = [...server.clients].map(socket => new Promise(resolve => socket.once('close', resolve)))
      const cancel = clock.after(limitMs, () => {
        for (const socket of server.clients) socket.terminate()
      })
      for (const [socket, outlet] of outlets) hangUp({ socket, outlet }, close.goingAway, 'The hub is stopping.')
      await Promise.all(gone)
      cancel()
    },
  }
}

function protocolOptions({ settings, clock, authenticate, start }: WebSocketOptions): ServerOptions<ConnectionParams, Extra> {
  return {
    connectionInitWaitTimeout: settings.initTimeoutMs,
    async onConnect({ extra, connectionParams }) {
      const identity = await authenticate(credentialsIn(extra.request, connectionParams ?? {}))
      extra.identity = identity
      if (identity.expiresAtMs === undefined) return
      const waitMs = Math.max(0, identity.expiresAtMs - clock.now())
      extra.stopExpiry = clock.after(waitMs, () => hangUp(extra, close.forbidden, 'The token has expired. Connect again with a new one.'))
    },
    async onSubscribe({ extra, subscriptions }: Context<ConnectionParams, Extra>, id, payload) {
      if (!extra.identity) throw new HubError('UNAUTHENTICATED', 'The connection was not acknowledged.')
      const began = Object.keys(subscriptions).length > settings.maxPerConnection
        ? { errors: [tooMany(settings.maxPerConnection)] }
        : await start(extra.request, extra.identity, payload, extra.gone.signal)
      if ('errors' in began) return began.errors.map(error => new Worded(error))
      extra.running.set(id, began)
      if (began.result instanceof Member) began.result.attach(sinkOf(extra, id))
      const { supergraph, document, params } = began.prepared
      return { schema: supergraph.schema, document, operationName: params.operationName, contextValue: began }
    },
    execute: begun,
    subscribe: begun,
    onNext: (_context, _id, _payload, _args, result) => result as FormattedExecutionResult,
    onError({ extra }, id, _payload, errors) {
      const slow = errors.map(hubErrorIn).find(error => error?.code === 'SLOW_CONSUMER')
      if (slow) hangUp(extra, close.slowConsumer, slowReason(id, slow.details['cursor']))
      return errors.map(error => (error instanceof Worded ? error.answered : extra.running.get(id)?.failure(error) ?? error.toJSON()))
    },
    onComplete({ extra }, id) {
      extra.running.delete(id)
    },
  }
}

function begun({ contextValue }: ExecutionArgs): OperationResult {
  return (contextValue as Running).result as OperationResult
}

/** The events of one operation, each written as the message the protocol has for it. */
function sinkOf({ socket, outlet }: Extra, id: string): Sink {
  const head = Buffer.from(`{"id":${JSON.stringify(id)},"type":"${MessageType.Next}","payload":`)
  return {
    get hasRoom() { return outlet.hasRoom },
    whenRoom: call => outlet.whenRoom(call),
    take: (event, hasTo) => outlet.put(head, event.json, hasTo),
    // A ping, as either side may send at any time: a client that wants the cursor of operation `id` finds it in the payload, every other answers pong. One that has something to take is told later.
    progress: cursor => {
      if (socket.readyState === WebSocket.OPEN && outlet.isEmpty) socket.send(stringifyMessage({ type: MessageType.Ping, payload: { id, cursor } }))
    },
  }
}

/** Closes the connection behind what was to be sent. */
function hangUp({ socket, outlet }: Pick<Extra, 'socket' | 'outlet'>, code?: number, reason?: string): void {
  outlet.flush()
  socket.close(code, reason)
}

/** Ends when the socket has taken the message, or is gone. A client that does not read is not read from either. */
function written(socket: WebSocket, data: string, maxBufferedBytes: number): Promise<void> {
  return new Promise(resolve => {
    if (socket.readyState !== WebSocket.OPEN) return resolve()
    // A failure to write closes the socket, which ends everything on it.
    socket.send(data, () => {
      if (socket.isPaused && socket.bufferedAmount <= maxBufferedBytes) socket.resume()
      resolve()
    })
    if (socket.bufferedAmount > maxBufferedBytes) socket.pause()
  })
}

/** Proof from the first message wins over that of the upgrade: browsers cannot set headers there. */
function credentialsIn({ headers }: IncomingMessage, params: ConnectionParams): Credentials {
  const nested = typeof params['headers'] === 'object' && params['headers'] !== null ? (params['headers'] as ConnectionParams) : {}
  const text = (...names: readonly string[]) => [params, nested].flatMap(each => names.map(name => each[name])).find(value => typeof value === 'string' && value !== '') as string | undefined
  const authorization = text('authorization', 'Authorization')
  const token = text('token')
  const apiKey = text('x-api-key', 'X-API-Key', 'apiKey')
  if (authorization || token || apiKey) return { authorization: authorization ?? (token && `Bearer ${token}`), apiKey }
  const header = headers['x-api-key']
  return { authorization: headers.authorization, apiKey: Array.isArray(header) ? header[0] : header }
}

function closeAfter(error: unknown, extra: Extra, log: Log): void {
  const [code, reason] = closing(error)
  if (code === close.internal) log.error('A message of a WebSocket could not be handled.', { error })
  hangUp(extra, code, reason)
}

function closing(error: unknown): [code: number, reason: string] {
  if (error instanceof HubError) {
    const codes: Partial<Record<string, number>> = { UNAUTHENTICATED: close.unauthenticated, FORBIDDEN: close.forbidden, SHUTTING_DOWN: close.goingAway, UPSTREAM_UNAVAILABLE: close.tryLater }
    return [codes[error.code] ?? close.internal, fits(error.message) ? error.message : error.code]
  }
  // What graphql-ws says about a message that only a server may send.
  if (error instanceof Error && error.message.startsWith('Unexpected message of type')) return [close.badRequest, 'Unexpected message']
  return [close.internal, 'The hub failed to answer.']
}

/** A close frame has room for 123 bytes: all of it, or without the id, or the bare cursor. */
export function slowReason(id: string, cursor: unknown): string {
  const code = 'SLOW_CONSUMER'
  return [JSON.stringify({ code, id, cursor }), JSON.stringify({ code, cursor }), typeof cursor === 'string' ? cursor : code].find(fits) ?? code
}

function fits(text: string): boolean {
  return Buffer.byteLength(text) <= 123
}

function tooMany(limit: number): AnsweredError {
  return {
    message: `This connection has ${limit} operations open, which is the limit. End one first, or open another connection.`,
    extensions: { code: 'RATE_LIMITED', http: { status: 429 }, requestId: '', retryable: true, limits: { operationsPerConnection: limit } },
  }
}
