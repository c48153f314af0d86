import pg, { type ClientConfig, type PoolClient, type QueryArrayConfig, type QueryArrayResult } from 'pg'
import { HubError } from '../../schema/errors.ts'
import { upperFirst } from '../../schema/names.ts'
import type { Log, Scope } from '../ports/scope.ts'
import type { Bound } from '../sql-text/filter.ts'
import type { Upstream } from '../sql-text/upstream.ts'
import { asFailure } from './errors.ts'
import type { Ask } from './introspect.ts'
import { untouched } from './rows.ts'

export interface ConnectionParts {
  readonly of: Upstream
  readonly config: ClientConfig
  readonly maxConnections: number
  readonly connectTimeoutMs: number
  /** What every connection begins with. */
  readonly session: string
  readonly log: Log
}

/** Connections to one PostgreSQL server, made when needed and kept for the next who asks. */
export interface Connections {
  /** A connection of one's own. When the signal aborts, the server stops what runs on it, until the lease is done. */
  take(scope: Scope): Promise<Lease>
  /** Runs the work on a connection of its own. When the signal aborts, the server stops the statement, and the connection is given up rather than reused. */
  stream<T>(scope: Scope, work: (client: PoolClient) => AsyncGenerator<T, void, void>): AsyncGenerator<T, void, void>
  once<T>(scope: Scope, work: (client: PoolClient) => Promise<T>): Promise<T>
  /** Leases that are not done fail with UPSTREAM_UNAVAILABLE. Twice is once. */
  close(): Promise<void>
}

export interface Lease {
  readonly client: PoolClient
  /** Gives the connection back; one that is broken, or whose statement was stopped, is ended instead. */
  done(broken: boolean): Promise<void>
}

export function openConnections({ of, config, maxConnections, connectTimeoutMs, session, log }: ConnectionParts): Connections {
  const pool = new pg.Pool({
    ...config, max: maxConnections, connectionTimeoutMillis: connectTimeoutMs, idleTimeoutMillis: 30_000, allowExitOnIdle: true,
    onConnect: async client => { await client.query(session) },
  })
  // It is out of the pool by then; the next call makes another or reports why it cannot.
  pool.on('error', error => warn(`An idle connection to ${of.called} broke.`, error))
  const held = new Set<(end: boolean) => void>()
  let ended: Promise<void> | undefined

  function warn(message: string, error: unknown): void {
    const { code, message: reason } = asFailure(of, error)
    log.warn(message, { ...of.details, code, reason })
  }

  async function take(scope: Scope): Promise<Lease> {
    scope.signal.throwIfAborted()
    let cancelled: Promise<void> | undefined
    const client = await connect(scope)
    const release = hold(client)
    const cancel = () => {
      cancelled = cancelStatement(client, release)
    }
    scope.signal.addEventListener('abort', cancel, { once: true })
    return {
      client,
      async done(broken) {
        scope.signal.removeEventListener('abort', cancel)
        await cancelled
        release(broken || cancelled !== undefined)
      },
    }
  }

  async function* stream<T>(scope: Scope, work: (client: PoolClient) => AsyncGenerator<T, void, void>): AsyncGenerator<T, void, void> {
    const { client, done } = await take(scope)
    let broken = false
    try {
      scope.signal.throwIfAborted()
      yield* work(client)
      scope.signal.throwIfAborted()
    } catch (error) {
      broken = !(error instanceof HubError)
      scope.signal.throwIfAborted()
      throw asFailure(of, error)
    } finally {
      await done(broken)
    }
  }

  /** Marks the connection as in use. The answer gives it back, once; `true` ends it instead. */
  function hold(client: PoolClient): (end: boolean) => void {
    // What breaks between two statements is told by the next one.
    const heard = () => {}
    const release = (end: boolean) => {
      if (!held.delete(release)) return
      client.release(end)
      if (!end) client.off('error', heard)
    }
    client.on('error', heard)
    held.add(release)
    return release
  }

  async function connect({ signal }: Scope): Promise<PoolClient> {
    const connecting = pool.connect()
    const left = Promise.withResolvers<never>()
    const leave = () => left.reject(signal.reason)
    signal.addEventListener('abort', leave, { once: true })
    try {
      return await Promise.race([connecting, left.promise])
    } catch (error) {
      // Whoever left does not wait; the connection that still comes goes back unused.
      connecting.then(client => client.release(), failed => {
        if (signal.aborted) warn(`A connection to ${of.called} that nobody waits for any more was not made.`, failed)
      })
      signal.throwIfAborted()
      throw asFailure(of, error)
    } finally {
      signal.removeEventListener('abort', leave)
    }
  }

  /** Asks the server, over a second connection, to stop what the first one runs. The caller has left: that it cannot be asked is told to the log. */
  async function cancelStatement(client: PoolClient, release: (end: boolean) => void): Promise<void> {
    const pid = processIdOf(client)
    const other = new pg.Client({ ...config, connectionTimeoutMillis: connectTimeoutMs })
    const failed = (error: unknown) => warn(`${upperFirst(of.called)} could not be asked to stop a statement; the connection is ended instead.`, error)
    other.on('error', failed)
    try {
      await other.connect()
      await other.query('SELECT pg_cancel_backend($1)', [pid])
    } catch (error) {
      failed(error)
      release(true)
    } finally {
      await other.end().catch(failed)
    }
  }

  return {
    take,
    stream,
    async once(scope, work) {
      for await (const result of stream(scope, async function* (client) { yield await work(client) })) return result
      throw new HubError('INTERNAL', `${upperFirst(of.called)} answered nothing.`)
    },
    async close() {
      for (const release of held) release(true)
      ended ??= pool.end()
      await ended
    },
  }
}

/** Asks over this connection. */
export function asking(client: PoolClient): Ask {
  return async (sql, values) => (await asked(client, sql, values)).rows
}

/** What the server answers to this text, which is one statement: it refuses a second one in it. */
export function asked(client: PoolClient, sql: string, values: readonly Bound[]): Promise<QueryArrayResult<(string | null)[]>> {
  const statement: QueryArrayConfig & { queryMode: 'extended' } = { text: sql, values: [...values], rowMode: 'array', types: untouched, queryMode: 'extended' }
  return client.query<(string | null)[]>(statement)
}

function processIdOf(client: PoolClient): number {
  const { processID } = client as PoolClient & { processID?: number | null }
  return processID ?? 0
}
