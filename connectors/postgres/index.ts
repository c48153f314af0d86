import pg, { type PoolClient } from 'pg'
import { HubError } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'
import type { Log, Scope } from '../ports/scope.ts'
import type { SourceConnector } from '../ports/source-connector.ts'
import { limitClause, noSuchTable, pickColumns } from '../sql-text/columns.ts'
import { type Bind, type Bound, filterSql, isPossible } from '../sql-text/filter.ts'
import { boundType, postgresDialect, textFor } from './dialect.ts'
import { asSourceError } from './errors.ts'
import { postgresFeed } from './feed.ts'
import { type Ask, introspect, type PostgresTable } from './introspect.ts'
import { clientConfig, type PostgresOptions, postgresOptions, secretsOf } from './options.ts'
import { type Cells, fetched, rowOf, selectList, session, untouched } from './rows.ts'

/**
 * A schema of a PostgreSQL database, read only. Connections are made when needed: a database that is down fails the call, not the opening. An aborted signal
 * cancels the statement at the server. What breaks while nobody waits for it is told to the log. `infinity` in dates and `NaN` in numbers are read as null.
 */
export async function openPostgres(given: PostgresOptions & { name: string; log: Log }): Promise<SourceConnector> {
  const { name, log, ...rest } = given
  const options = postgresOptions.parse(rest)
  const config = clientConfig(name, options)
  const secrets = secretsOf(options)
  const pool = new pg.Pool({
    ...config, max: options.maxConnections, connectionTimeoutMillis: options.connectTimeoutMs, idleTimeoutMillis: 30_000, allowExitOnIdle: true,
    onConnect: async client => { await client.query(session) },
  })
  // It is out of the pool by then; the next call makes another or reports why it cannot.
  pool.on('error', error => warn(`An idle connection to source "${name}" broke.`, error))
  const held = new Set<(end: boolean) => void>()
  let known: readonly PostgresTable[] | undefined

  function warn(message: string, error: unknown): void {
    const { code, message: reason } = asSourceError(name, error, secrets)
    log.warn(message, { source: name, code, reason })
  }

  /** Runs the work on a connection of its own. When the signal aborts, the server stops the statement, and the connection is given up rather than reused. */
  async function* onConnection<T>(scope: Scope, work: (client: PoolClient) => AsyncGenerator<T, void, void>): AsyncGenerator<T, void, void> {
    scope.signal.throwIfAborted()
    let cancelled: Promise<void> | undefined
    let broken = false
    const client = await connect(scope)
    const release = hold(client)
    const cancel = () => {
      cancelled = cancelStatement(client, release)
    }
    scope.signal.addEventListener('abort', cancel, { once: true })
    try {
      scope.signal.throwIfAborted()
      yield* work(client)
      scope.signal.throwIfAborted()
    } catch (error) {
      broken = !(error instanceof HubError)
      scope.signal.throwIfAborted()
      throw asSourceError(name, error, secrets)
    } finally {
      scope.signal.removeEventListener('abort', cancel)
      await cancelled
      release(broken || cancelled !== undefined)
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
        if (signal.aborted) warn(`A connection to source "${name}" that nobody waits for any more was not made.`, failed)
      })
      signal.throwIfAborted()
      throw asSourceError(name, error, secrets)
    } finally {
      signal.removeEventListener('abort', leave)
    }
  }

  /** Asks the server, over a second connection, to stop what the first one runs. The caller has left: that it cannot be asked is told to the log. */
  async function cancelStatement(client: PoolClient, release: (end: boolean) => void): Promise<void> {
    const pid = processIdOf(client)
    const other = new pg.Client({ ...config, connectionTimeoutMillis: options.connectTimeoutMs })
    const failed = (error: unknown) => warn(`Source "${name}" could not be asked to stop a statement; the connection is ended instead.`, error)
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

  async function ask(client: PoolClient, sql: string, values: readonly Bound[]): Promise<readonly Cells[]> {
    const result = await client.query<(string | null)[]>({ text: sql, values: [...values], rowMode: 'array', types: untouched })
    return result.rows
  }

  async function once<T>(scope: Scope, work: (client: PoolClient) => Promise<T>): Promise<T> {
    for await (const result of onConnection(scope, async function* (client) { yield await work(client) })) return result
    throw new HubError('INTERNAL', `Source "${name}" answered nothing.`)
  }

  async function look(scope: Scope): Promise<readonly PostgresTable[]> {
    return once(scope, async client => {
      const asking: Ask = (sql, values) => ask(client, sql, values)
      const tables = await introspect(asking, options.schema)
      if (tables.length === 0) {
        const schemas = (await asking('SELECT nspname FROM pg_namespace', [])).map(([schema]) => schema ?? '')
        if (!schemas.includes(options.schema)) throw new HubError('NOT_FOUND', `Source "${name}" has no schema "${options.schema}".${didYouMean(options.schema, schemas)}`, { source: name })
      }
      return tables
    })
  }

  async function tableFor(scope: Scope, table: string): Promise<PostgresTable> {
    known ??= await look(scope)
    const found = known.find(one => one.name === table)
    if (!found) throw noSuchTable(name, table, known.map(one => one.name))
    return found
  }

  return {
    name,
    type: 'postgresql',

    async tables(scope) {
      known = await look(scope)
      return known.map(({ relation: _, columns, ...table }) => ({
        ...table,
        columns: columns.map(({ name: column, type, nullable, description }) => ({ name: column, type, nullable, ...(description ? { description } : {}) })),
        quarantine: { count: 0, samples: [] },
      }))
    },

    async *scan(scope, request) {
      const table = await tableFor(scope, request.table)
      const columns = pickColumns(table.name, table.columns, request.columns)
      const { values, bind } = parameters()
      const where = request.filter ? ` WHERE ${filterSql(request.filter, table.columns, postgresDialect, bind)}` : ''
      const select = `SELECT ${selectList(columns)} FROM ${table.relation}${where}${limitClause(request.limit)}`
      yield* onConnection(scope, async function* (client) {
        await client.query('BEGIN TRANSACTION READ ONLY')
        try {
          for await (const batch of fetched((sql, bound) => ask(client, sql, bound), columns, select, values)) {
            yield batch
            scope.signal.throwIfAborted()
          }
        } finally {
          // After an abort the connection is given up, and with it the transaction.
          if (!scope.signal.aborted) await client.query('ROLLBACK')
        }
      })
    },

    async lookup(scope, request) {
      scope.signal.throwIfAborted()
      const table = await tableFor(scope, request.table)
      const keyColumns = pickColumns(table.name, table.columns, request.keyColumns)
      const columns = pickColumns(table.name, table.columns, request.columns)
      const keys = request.keys.filter(key => keyColumns.every((column, index) => isPossible(column.type, key[index] ?? null)))
      if (keys.length === 0) return []
      const { values, bind } = parameters()
      const lists = keyColumns.map((column, index) => {
        const list = keys.map(key => key[index] ?? null)
        return `${bind(list.map(value => (value === null ? null : textFor(column, value))))}::${boundType(column, list)}[]`
      })
      const [first] = keyColumns
      const where = lists.length === 1 && first ? `${first.expression} = ANY(${lists[0]})` : `(${keyColumns.map(({ expression }) => expression).join(', ')}) IN (SELECT * FROM unnest(${lists.join(', ')}))`
      const rows = await once(scope, client => ask(client, `SELECT ${selectList(columns)} FROM ${table.relation} WHERE ${where}`, values))
      return rows.map(cells => rowOf(columns, cells))
    },

    feed: postgresFeed({
      source: name, schema: options.schema, config: { ...config, connectionTimeoutMillis: options.connectTimeoutMs }, secrets,
      once: (scope, work) => once(scope, client => work((sql, values) => ask(client, sql, values))),
    }),

    /** Reads that are not at their end fail with UPSTREAM_UNAVAILABLE. */
    async close() {
      for (const release of held) release(true)
      await pool.end()
    },
  }
}

function processIdOf(client: PoolClient): number {
  const { processID } = client as PoolClient & { processID?: number | null }
  return processID ?? 0
}

function parameters(): { values: Bound[]; bind: Bind } {
  const values: Bound[] = []
  return { values, bind: value => `$${values.push(value)}` }
}
