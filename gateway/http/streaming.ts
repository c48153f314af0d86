import { OperationTypeNode } from 'graphql'
import type { Log } from '../../connectors/ports/scope.ts'
import { HubError } from '../../schema/errors.ts'
import type { Identity } from '../auth/identity.ts'
import { saysDefer } from '../federation/deferred/directive.ts'
import type { Seen } from './apollo.ts'
import type { Exchange } from './exchange.ts'
import { groupKey } from './group-key.ts'
import { Member } from './member.ts'
import type { Answer, Prepared } from './operations.ts'
import type { Params } from './params.ts'
import { type GraphQLParts, observed } from './parts.ts'
import { Pieces } from './pieces.ts'
import type { Reading } from './reading.ts'
import { type OpenScope, openScope } from './scope.ts'
import { type EventStream, writeEventStream } from './sse.ts'
import type { Transport } from './subscriptions.ts'

/** One operation asked for on a transport that streams. */
export interface Asked {
  readonly requestId: string
  readonly identity: Identity
  readonly params: Params
  readonly transport: Transport
  /** By GET, which is to change nothing (RFC 9110, 9.2.1). */
  readonly isLink?: boolean
  /** Aborts when nobody listens any more, or nobody may; its reason is a HubError. */
  readonly gone: AbortSignal
  readonly log: Log
  readonly explain: boolean
  readonly seen: Seen
  readonly reading: ReturnType<Reading>
  /** Cursor the client came back with beside the operation. */
  readonly after?: string
  /** The document is the hub's own. */
  readonly own?: string
}

/** What it became. `prepared` is absent when it was refused before that. */
export interface Begun {
  readonly prepared?: Prepared
  readonly result: Member | Pieces | Answer
}

/** Checks an operation and begins it. Never fails: what goes wrong is its answer. */
export async function begin(parts: GraphQLParts, asked: Asked): Promise<Begun> {
  const { operations, hub, lifecycle } = parts
  const { seen } = asked
  const finish = lifecycle.begin()
  const observe = observed(parts, asked.transport, seen)
  let prepared: Prepared | undefined
  try {
    prepared = operations.prepare(hub.supergraph, asked.params, asked.own)
    seen.operationType = prepared.node.operation
    if (prepared.node.name) seen.operationName = prepared.node.name.value
    if (asked.isLink && prepared.node.operation === OperationTypeNode.MUTATION) throw new HubError('BAD_USER_INPUT', 'A link runs queries and subscriptions, and this is a mutation. Send it by POST.', { status: 405 })
    const result = prepared.node.operation === OperationTypeNode.SUBSCRIPTION ? await subscribe(parts, asked, prepared, observe) : await answer(parts, asked, prepared, observe)
    return { prepared, result }
  } catch (error) {
    observe()
    const result = operations.failure(error, asked)
    seen.codes.push(...result.errors.map(({ extensions }) => extensions.code))
    return { result, ...(prepared ? { prepared } : {}) }
  } finally {
    finish()
  }
}

/** Under way until the answer is there, or the last part of it. */
async function answer(parts: GraphQLParts, asked: Asked, prepared: Prepared, observe: () => void): Promise<Pieces | Answer> {
  const { operations, lifecycle, settings } = parts
  const { open, leave } = listened(parts, asked, settings.requestTimeoutMs)
  const finish = lifecycle.begin()
  const ended = () => {
    leave()
    observe()
    finish()
  }
  try {
    const wanted = { explain: asked.explain }
    const result = await (saysDefer.test(prepared.text) ? operations.deliver(prepared, open.scope, wanted) : operations.execute(prepared, open.scope, wanted))
    if (Symbol.asyncIterator in result) {
      return new Pieces(result, isWhole => {
        if (!isWhole) open.abort(new HubError('CANCELLED', 'The client left; the work was cancelled.'))
        ended()
      })
    }
    ended()
    return result
  } catch (error) {
    ended()
    throw error
  }
}

async function subscribe(parts: GraphQLParts, asked: Asked, prepared: Prepared, observe: () => void): Promise<Member | Answer> {
  const { operations } = parts
  const { open, leave } = listened(parts, asked, parts.settings.subscriptions.maxLifetimeMs)
  const { scope } = open
  const ending = [leave, observe]
  const ended = () => {
    for (const end of ending.splice(0)) end()
  }
  try {
    ending.push(parts.subscriptions.add({ document: prepared.document, identity: asked.identity, transport: asked.transport, abort: open.abort }))
    const result = await parts.groups.begin({
      key: groupKey(prepared, scope), supergraph: prepared.supergraph, transport: asked.transport, scope, after: asked.after,
      subscribe: (lasting, live) => operations.subscribe(prepared, lasting, live),
      answer: event => operations.answer(event, scope),
    }, ended)
    if (result instanceof Member) return result
    ended()
    return operations.answer(result, asked)
  } catch (error) {
    ended()
    throw error
  }
}

/** A scope that ends with its listener. */
function listened({ clock, lifecycle }: GraphQLParts, { requestId, identity, log, gone, reading }: Asked, timeoutMs: number): { open: OpenScope; leave: () => void } {
  const open = openScope({ requestId, identity, timeoutMs, clock, log, lifecycle, reading })
  const end = () => open.abort(gone.reason)
  if (gone.aborted) end()
  else gone.addEventListener('abort', end, { once: true })
  const leave = () => {
    gone.removeEventListener('abort', end)
    open.close()
  }
  return { open, leave }
}

/** A subscription of the hub's own, as a route answers it. */
export interface OwnStream {
  /** Its document. */
  readonly text: string
  readonly worded: NonNullable<EventStream['worded']>
}

/** One operation as an event stream, for a caller who is known. Ends with the stream. Of the hub's own, one that does not begin is thrown, as it would have been answered, and nothing is written. */
export async function streamEvents(parts: GraphQLParts, exchange: Exchange, identity: Identity, params: Params, own?: OwnStream): Promise<void> {
  const { operations, settings, clock, windows } = parts
  const { requestId, log, request, response } = exchange
  const seen: Seen = { codes: [] }
  const gone = new AbortController()
  const end = (code: 'CANCELLED' | 'UNAUTHENTICATED', sentence: string) => gone.abort(new HubError(code, sentence))
  response.once('close', () => end('CANCELLED', 'The client left; the work was cancelled.'))
  const waitMs = Math.max(0, (identity.expiresAtMs ?? Number.POSITIVE_INFINITY) - clock.now())
  const stopExpiry = clock.after(waitMs, () => end('UNAUTHENTICATED', 'The token has expired. Subscribe again with a new one.'))
  const context = { requestId, log }
  const lastEventId = request.headers['last-event-id']
  const after = typeof lastEventId === 'string' && lastEventId !== '' ? lastEventId : undefined
  try {
    const { result } = await begin(parts, { requestId, identity, params, transport: 'sse', isLink: request.method === 'GET', gone: gone.signal, reading: parts.reading(request.headers), log, explain: request.headers['x-hub-explain'] === '1', seen, after, own: own?.text })
    Object.assign(exchange.seen, seen)
    if (own && 'errors' in result && result.errors?.[0]) throw result.errors[0]
    await writeEventStream(
      exchange,
      { events: result, failure: error => operations.failure(error, context), worded: own?.worded },
      { settings: settings.subscriptions, clock, windows },
    )
  } finally {
    stopExpiry()
  }
}
