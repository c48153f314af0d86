import pg, { type ClientConfig } from 'pg'
import { HubError } from '../../schema/errors.ts'
import { pause, type Scope } from '../ports/scope.ts'
import type { FollowRequest, Reset, SourceFeed, Told } from '../ports/source-feed.ts'
import { pickColumns } from '../sql-text/columns.ts'
import { Decoder, followed } from './decoder.ts'
import { asSourceError } from './errors.ts'
import { feedTroubles } from './feed-check.ts'
import { introspect, type Ask, type PostgresTable } from './introspect.ts'
import { parseMessage } from './pgoutput.ts'
import { fetched, selectList, session, textForms, untouched } from './rows.ts'
import { beginSlot, continuation, dropSlot, otherReader, publish, type Run } from './slot.ts'
import { lsnOf, lsnText, WalStream } from './wal-stream.ts'

export interface FeedParts {
  readonly source: string
  readonly schema: string
  readonly config: ClientConfig
  readonly secrets: readonly string[]
  /** One look, on a connection of the pool. */
  readonly once: <T>(scope: Scope, work: (ask: Ask) => Promise<T>) => Promise<T>
}

/** Time between two questions of how far the server is. */
const askEveryMs = 1_000
/** A server that is asked and says nothing for so long is gone. */
const silenceMs = 30_000
/** Changes of one transaction that are held; a larger one is taken over by reading the tables again. */
const mostChanges = 1_000_000

/**
 * Commits by logical replication: a slot and a publication of the consumer's name, a connection that streams, and one beside it that reads. A new slot comes with a snapshot of
 * the moment it begins at: the reset. Commits that do not wait for the disk (synchronous_commit = off) count from when they reached it.
 */
export function postgresFeed(parts: FeedParts): SourceFeed {
  const { source, schema, secrets } = parts
  return {
    check: (scope, request) => parts.once(scope, ask => feedTroubles(ask, schema, request)),
    async *follow(scope, request) {
      let { from } = request
      for (;;) {
        try {
          const isTooLarge = yield* followOnce(parts, scope, { ...request, from })
          if (!isTooLarge) return
          scope.log.warn(`Source "${source}" made a transaction of more than ${mostChanges} changes; its tables are read again.`, { source })
          from = undefined
        } catch (error) {
          if (scope.signal.aborted) return
          throw asSourceError(source, error, secrets)
        }
      }
    },
    async isFollowed(scope, consumer) {
      return (await parts.once(scope, ask => ask('SELECT slot_name FROM pg_replication_slots WHERE slot_name = $1 AND active', [consumer]))).length > 0
    },
    async forget(scope, consumer) {
      // Most have nothing, and a role that may not replicate.
      const kept = await parts.once(scope, ask => ask('SELECT slot_name FROM pg_replication_slots WHERE slot_name = $1 UNION ALL SELECT pubname FROM pg_publication WHERE pubname = $1', [consumer]))
      if (kept.length === 0) return
      const stream = new WalStream(parts.config, scope.clock, scope.signal)
      try {
        await stream.connect()
        const run: Run = command => stream.run(command)
        await dropSlot(run, consumer)
        await run(`DROP PUBLICATION IF EXISTS ${consumer}`)
      } catch (error) {
        throw asSourceError(source, error, secrets)
      } finally {
        await stream.close()
      }
    },
  }
}

/** Follows on one connection, until the signal is aborted, or a transaction is too large to be held (true). */
async function* followOnce({ source, schema, config }: FeedParts, scope: Scope, request: FollowRequest): AsyncGenerator<Told, boolean, void> {
  const stream = new WalStream(config, scope.clock, scope.signal)
  const side = new pg.Client({ ...config, keepAlive: true })
  side.on('error', error => stream.fail(error))
  const ask: Ask = async (sql, values) => (await side.query<(string | null)[]>({ text: sql, values: [...values], rowMode: 'array', types: untouched })).rows
  const run: Run = command => stream.run(command)
  try {
    await Promise.all([stream.connect(), side.connect()])
    await side.query(`${session}; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0`)
    await run(textForms)
    const troubles = await feedTroubles(ask, schema, request)
    if (troubles.length > 0) throw new HubError('UPSTREAM_REJECTED', `Source "${source}" cannot be followed. ${troubles.map(({ message }) => message).join(' ')}`, { source, problems: troubles })
    const waited = yield* watched(run, scope, source, request.consumer)
    const tables = await followed(ask, source, schema, await introspect(ask, schema), request.tables)
    const changed = await publish(run, request.consumer, schema, tables.map(({ table, columns }) => ({ table: table.name, relation: table.relation, columns: [...columns.keys()] })))
    const from = await continuation(run, waited ? { ...request, from: undefined } : request)
    const reason = typeof from === 'string' ? from : changed ? `Publication "${request.consumer}" did not hold all of it.` : undefined
    let lsn = typeof from === 'string' ? 0n : from
    if (reason !== undefined) {
      const asOfMs = scope.clock.now()
      const begun = await whileWanted(scope, side, stream, () => beginSlot(run, request))
      await side.query(`BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '${begun.snapshot}'`)
      yield { kind: 'reset', reason, asOfMs, rows: rowsOf(ask, tables.map(({ table }) => table)), position: lsnText(begun.lsn) }
      await side.query('COMMIT')
      lsn = begun.lsn
    }
    if (request.lasting) await warnUnbounded(ask, scope, source, request.consumer)
    await stream.start(request.consumer, request.consumer, lsn)
    return yield* streamed(stream, ask, new Decoder(source, schema, tables), scope, lsn)
  } finally {
    await Promise.all([stream.close(), side.end()])
  }
}

/** How far somebody else is who follows by the name, until nobody does. Answers whether there was one. */
async function* watched(run: Run, scope: Scope, source: string, consumer: string): AsyncGenerator<Told, boolean, void> {
  let asked: { readonly atMs: number; readonly lsn: bigint } | undefined
  for (let waited = false; ; waited = true) {
    const reached = await otherReader(run, consumer)
    if (reached === undefined || scope.signal.aborted) return waited
    if (!waited) scope.log.info(`Source "${source}" is followed by another hub for these regions; this one waits until it is gone.`, { source, consumer })
    if (asked && reached >= asked.lsn) {
      yield { kind: 'current', asOfMs: asked.atMs }
      asked = undefined
    }
    const atMs = scope.clock.now()
    const [flushed] = await run('SELECT pg_current_wal_flush_lsn() AS lsn')
    asked ??= { atMs, lsn: lsnOf(flushed?.['lsn'] ?? '0/0') }
    await pause(scope, askEveryMs)
  }
}

/** What the server streams behind the position. */
async function* streamed(stream: WalStream, ask: Ask, decoder: Decoder, scope: Scope, from: bigint): AsyncGenerator<Told, boolean, void> {
  let position = from
  let committedAtMs = 0
  let asked: { readonly atMs: number; readonly lsn: bigint } | undefined
  const stop = everySecond(scope, async () => {
    if (!stream.isBehind && scope.clock.now() - stream.heardAtMs > silenceMs) throw new Error(`Connection terminated: the server said nothing for ${silenceMs / 1000} s.`)
    const atMs = scope.clock.now()
    const [[lsn] = []] = await ask('SELECT pg_current_wal_flush_lsn()::text', [])
    asked = { atMs, lsn: lsnOf(lsn ?? '0/0') }
    stream.status(true)
  }, error => stream.fail(error))
  try {
    for (;;) {
      const received = await stream.next()
      if (!received) return false
      if (received.kind === 'alive') {
        if (received.walEnd > position) position = received.walEnd
        stream.applied(position)
        if (!asked || position < asked.lsn) continue
        const { atMs } = asked
        asked = undefined
        yield { kind: 'current', asOfMs: atMs, position: lsnText(position) }
        continue
      }
      const message = parseMessage(received.bytes)
      if (message.kind === 'begin') {
        committedAtMs = message.committedAtMs
      } else if (message.kind === 'commit') {
        const changes = await decoder.end(ask)
        if (message.endLsn <= position) continue
        position = message.endLsn
        if (changes.length > 0) yield { kind: 'commit', committedAtMs, changes, position: lsnText(position) }
        stream.applied(position)
      } else {
        decoder.take(message)
        if (decoder.size > mostChanges) return true
      }
    }
  } finally {
    stop()
  }
}

function rowsOf(ask: Ask, tables: readonly PostgresTable[]): Reset['rows'] {
  return async function* (name, wanted) {
    const table = tables.find(one => one.name === name)
    if (!table) throw new HubError('NOT_FOUND', `Table "${name}" is not followed.`, { table: name })
    const columns = pickColumns(name, table.columns, wanted)
    try {
      yield* fetched(ask, columns, `SELECT ${selectList(columns)} FROM ${table.relation}`)
    } finally {
      await ask('CLOSE scan', [])
    }
  }
}

/** Runs a command that may wait for others' transactions; when the signal aborts, the server is asked to stop it. */
async function whileWanted<T>(scope: Scope, side: pg.Client, stream: WalStream, work: () => Promise<T>): Promise<T> {
  const [{ pg_backend_pid: pid } = {}] = await stream.run('SELECT pg_backend_pid()')
  const cancel = () => {
    side.query('SELECT pg_cancel_backend($1)', [pid]).catch(error => stream.fail(error as Error))
  }
  scope.signal.addEventListener('abort', cancel, { once: true })
  try {
    scope.signal.throwIfAborted()
    return await work()
  } finally {
    scope.signal.removeEventListener('abort', cancel)
  }
}

async function warnUnbounded(ask: Ask, scope: Scope, source: string, slot: string): Promise<void> {
  const [[bound] = []] = await ask(`SELECT setting FROM pg_settings WHERE name = 'max_slot_wal_keep_size'`, [])
  if (bound !== '-1') return
  scope.log.warn(`While the hub is away, the server of source "${source}" keeps its log for replication slot "${slot}" without a bound. Set one: ALTER SYSTEM SET max_slot_wal_keep_size = '10GB'; SELECT pg_reload_conf();`, { source, slot })
}

/** Does the work now and a second after each end of it. The answer ends that. */
function everySecond({ clock }: Scope, work: () => Promise<void>, failed: (error: Error) => void): () => void {
  let stopped = false
  let cancel = () => {}
  const again = () => {
    work().then(
      () => {
        if (!stopped) cancel = clock.after(askEveryMs, again)
      },
      (error: unknown) => {
        if (!stopped) failed(error instanceof Error ? error : new Error(String(error)))
      },
    )
  }
  again()
  return () => {
    stopped = true
    cancel()
  }
}
