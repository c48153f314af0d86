import { createClient, ErrorReply, RESP_TYPES } from '@redis/client'
import { HubError } from '../../schema/errors.ts'
import type { Batch, BufferedEvent, BufferState, CounterStore } from '../ports/counter-store.ts'
import type { Log, Scope } from '../ports/scope.ts'
import { untilLeft } from '../signals/until-left.ts'
import { scripts } from './scripts.ts'

export interface RedisOptions {
  /** `redis://…` or `rediss://…`. */
  readonly url: string
  readonly log: Log
}

/** How long a call waits for a connection and for its answer, at most. */
const patienceMs = 5_000

type Reply = readonly unknown[] | null

/**
 * Buffers in Redis. Every method is one script there, so that it is atomic. Nothing is connected before it is needed, and what breaks is connected again; a call meanwhile is
 * UPSTREAM_UNAVAILABLE after five seconds or at its deadline. An answer is as durable as Redis is set up to be.
 */
export function openRedisCounters({ url, log }: RedisOptions): CounterStore {
  const client = createClient({
    url,
    disableOfflineQueue: true,
    socket: { connectTimeout: 3_000, reconnectStrategy: retries => Math.min(25 * 2 ** retries, 1_000) },
  })
  const bytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
  client.on('error', (error: Error) => log.warn('Redis does not answer; it is connected again.', { reason: error.message }))
  let connecting: Promise<unknown> | undefined
  let closed = false

  /** Ends when there is a connection. The client makes it anew by itself once it was begun. */
  function ready(): Promise<unknown> {
    if (client.isReady) return Promise.resolve()
    connecting ??= (client.isOpen ? new Promise(resolve => client.once('ready', resolve)) : client.connect()).finally(() => { connecting = undefined })
    return connecting
  }

  async function run(scope: Scope, script: keyof typeof scripts, buffer: string, args: readonly (string | Buffer)[]): Promise<Reply> {
    scope.signal.throwIfAborted()
    if (closed) throw new HubError('SHUTTING_DOWN', 'The counter store is closed.')
    const remainingMs = Math.max(1, Math.min(patienceMs, (scope.deadlineMs - scope.clock.now()) * 0.8))
    const patience = AbortSignal.any([scope.signal, AbortSignal.timeout(remainingMs)])
    const keys = keysOf(scope, buffer)
    try {
      await untilLeft(patience, ready())
      return await untilLeft(patience, bytes.sendCommand<Reply>(['EVAL', scripts[script], String(keys.length), ...keys, ...args]))
    } catch (error) {
      scope.signal.throwIfAborted()
      if (error instanceof ErrorReply) throw new HubError('UPSTREAM_REJECTED', `Redis refused: ${error.message}`, {}, { cause: error })
      throw new HubError('UPSTREAM_UNAVAILABLE', 'Redis gave no answer. It is safe to ask again.', {}, { cause: error })
    }
  }

  return {
    async add(scope, buffer, events, nowMs) {
      const args = events.flatMap(({ partition, offset, value }) => [String(partition), String(offset), Buffer.from(value.buffer, value.byteOffset, value.byteLength)])
      return stateIn(await run(scope, 'add', buffer, [String(nowMs), ...args]))
    },
    async state(scope, buffer) {
      return stateIn(await run(scope, 'add', buffer, ['0']))
    },
    async claim(scope, buffer, { count, ageMs }, nowMs, leaseMs) {
      const claimed = await run(scope, 'claim', buffer, [String(nowMs), String(leaseMs), count === undefined ? '' : String(count), ageMs === undefined ? '' : String(ageMs)])
      return claimed ? batchIn(claimed) : undefined
    },
    async finish(scope, buffer, batch) {
      return (await run(scope, 'finish', buffer, [batch])) !== null
    },
    async drop(scope, buffer) {
      await run(scope, 'drop', buffer, [])
    },
    async check(scope) {
      await run(scope, 'add', '', ['0'])
    },
    async close() {
      if (closed) return
      closed = true
      if (client.isReady) await client.close()
      else client.destroy()
    },
  }
}

/** Waiting events, what is known of the buffer, events of the batch under way. The braces keep a buffer's keys on one node of a cluster. */
function keysOf({ tenant }: Scope, buffer: string): string[] {
  const place = `tributary:{${encodeURIComponent(tenant)}/${encodeURIComponent(buffer)}}`
  return [`${place}:waiting`, `${place}:about`, `${place}:batch`]
}

function stateIn(reply: Reply): BufferState {
  const [count, bytes, firstAtMs] = (reply ?? []).map(value => (value === null ? undefined : Number(String(value))))
  return { count: count ?? 0, bytes: bytes ?? 0, ...(firstAtMs !== undefined && { firstAtMs }) }
}

function batchIn([id, reason, events]: readonly unknown[]): Batch {
  return { id: String(id), reason: String(reason) as Batch['reason'], events: (events as readonly Buffer[]).map(eventIn) }
}

/** `partition:offset:` before the value, as the script wrote it. */
function eventIn(bytes: Buffer): BufferedEvent {
  const first = bytes.indexOf(':')
  const second = bytes.indexOf(':', first + 1)
  return { partition: Number(bytes.toString('latin1', 0, first)), offset: Number(bytes.toString('latin1', first + 1, second)), value: bytes.subarray(second + 1) }
}
