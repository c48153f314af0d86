import { Client, policies, type token } from 'cassandra-driver'
import { HubError } from '../../schema/errors.ts'
import type { Row, Value } from '../../schema/values.ts'
import type { Scope } from '../ports/scope.ts'
import type { SourceConnector } from '../ports/source-connector.ts'
import { merged, type Part, unlessAborted } from '../scan/merge.ts'
import { lookupReading, type Reading, scanReading } from '../scan/reading.ts'
import { noSuchTable, pickColumns } from '../sql-text/columns.ts'
import { isPossible } from '../sql-text/filter.ts'
import { readsFor, readsForKeys, type Restriction } from './access.ts'
import { asSourceError } from './errors.ts'
import { type CassandraTable, introspect, quoted } from './introspect.ts'
import { type CassandraOptions, cassandraOptions } from './options.ts'
import { spansOf } from './ring.ts'
import type { CqlColumn } from './types.ts'

const { DefaultLoadBalancingPolicy, RoundRobinPolicy, TokenAwarePolicy } = policies.loadBalancing

const pageRows = 1000
/** Pages asked for at the same time: of one scan, of one look-up. */
const scanWidth = 4
const lookupWidth = 32

/**
 * A keyspace of Cassandra, read only. Connections are made at the first call: a cluster that is down fails the call, not the opening. A filter on the whole partition key
 * reads these partitions; every other one reads the table, in parts of the ring, and its rows are compared here: nothing is ever asked with ALLOW FILTERING. So does
 * a look-up that does not name the partition key. A static row of a partition without rows is none: its key is not whole. The driver has no way to stop a page that was
 * asked for: after an abort none is asked any more.
 */
export async function openCassandra(given: CassandraOptions & { name: string }): Promise<SourceConnector> {
  const { name, ...rest } = given
  const options = cassandraOptions.parse(rest)
  const secrets = [options.password].filter(secret => secret !== undefined && secret !== '') as string[]
  let connecting: Promise<Client> | undefined
  let known: readonly CassandraTable[] | undefined
  let closed = false

  async function connect(): Promise<Client> {
    const client = new Client({
      contactPoints: [...options.hosts],
      // As an option of the client an unknown datacenter would leave a connection open behind it.
      policies: { loadBalancing: options.datacenter === undefined ? new TokenAwarePolicy(new RoundRobinPolicy()) : new DefaultLoadBalancingPolicy({ localDc: options.datacenter }) },
      ...(options.user === undefined ? {} : { credentials: { username: options.user, password: options.password ?? '' } }),
      encoding: { map: Map, set: Set, useBigIntAsLong: true, useBigIntAsVarint: true },
      socketOptions: { connectTimeout: options.connectTimeoutMs, readTimeout: options.readTimeoutMs },
      queryOptions: { prepare: true, isIdempotent: true, fetchSize: pageRows },
    })
    try {
      await client.connect()
      return client
    } catch (error) {
      await client.shutdown()
      throw error
    }
  }

  /** What the work of one call answers, unless its signal aborts first. */
  async function asked<T>({ signal }: Scope, work: (client: Client) => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    if (closed) throw new HubError('UPSTREAM_UNAVAILABLE', `Source "${name}" is closed.`, { source: name })
    connecting ??= connect().catch((error: unknown) => {
      connecting = undefined
      throw error
    })
    try {
      return await unlessAborted(signal, connecting.then(work))
    } catch (error) {
      signal.throwIfAborted()
      throw closed ? new HubError('UPSTREAM_UNAVAILABLE', `Source "${name}" was closed.`, { source: name }, { cause: error }) : asSourceError(name, error, secrets)
    }
  }

  /** One statement's rows, page by page, the next when it is asked for. */
  async function* pages(scope: Scope, signal: AbortSignal, cql: string, values: readonly unknown[], columns: readonly CqlColumn[]): AsyncGenerator<Row[], void, void> {
    for (let pageState: string | undefined, first = true; first || pageState !== undefined; first = false) {
      const readTimeout = Math.max(1, Math.min(options.readTimeoutMs, scope.deadlineMs - scope.clock.now()))
      const page = await asked({ ...scope, signal }, client => client.execute(cql, [...values], { prepare: true, readTimeout, pageState }))
      pageState = page.pageState ?? undefined
      yield page.rows.map(row => rowOf(columns, row as Readonly<Record<string, unknown>>))
    }
  }

  function statements(scope: Scope, { relation }: CassandraTable, columns: readonly CqlColumn[], reads: readonly (readonly Restriction[])[]): Part<Row[]>[] {
    const select = `SELECT ${columns.map(column => quoted(column.name)).join(', ')} FROM ${relation}`
    return reads.map(read => signal => pages(scope, signal, `${select} WHERE ${read.map(({ column, sign }) => `${quoted(column)} ${sign} ?`).join(' AND ')}`, read.map(({ value }) => value), columns))
  }

  async function wholeTable(scope: Scope, { relation, partition }: CassandraTable, columns: readonly CqlColumn[]): Promise<Part<Row[]>[]> {
    // The ring is in the driver's JavaScript and not in its types.
    const ring = await asked(scope, async client => (client.metadata as typeof client.metadata & { getTokenRanges(): ReadonlySet<token.TokenRange> }).getTokenRanges())
    const place = `token(${partition.map(column => quoted(column.name)).join(', ')})`
    const select = `SELECT ${columns.map(column => quoted(column.name)).join(', ')} FROM ${relation} WHERE ${place} > ?`
    return spansOf(ring).map(({ after, upTo }) => signal => (upTo === undefined ? pages(scope, signal, select, [after], columns) : pages(scope, signal, `${select} AND ${place} <= ?`, [after, upTo], columns)))
  }

  /** Rows the reading answers, of statements or of the whole table. */
  async function* rowsOf(scope: Scope, table: CassandraTable, reading: Reading<CqlColumn>, reads: readonly (readonly Restriction[])[] | undefined, width: number): AsyncGenerator<readonly Row[], void, void> {
    const key = [...table.partition, ...table.clustering]
    const columns = [...new Set([...reading.columns, ...(table.clustering.length > 0 ? key : table.partition.slice(0, 1))])]
    const parts = reads ? statements(scope, table, columns, reads) : await wholeTable(scope, table, columns)
    for await (const rows of merged(scope.signal, parts, width)) {
      const answer = reading.answer(trimmed(rows.filter(row => table.clustering.every(column => row[column.name] !== null)), columns, reading.columns))
      if (answer.length > 0) yield answer
      scope.signal.throwIfAborted()
      if (reading.done) return
    }
  }

  async function look(scope: Scope): Promise<readonly CassandraTable[]> {
    return introspect((cql, values) => asked(scope, async client => (await client.execute(cql, [...values], { prepare: true, fetchSize: 0 })).rows as unknown as readonly Readonly<Record<string, unknown>>[]), name, options.keyspace)
  }

  async function tableFor(scope: Scope, table: string): Promise<CassandraTable> {
    known ??= await look(scope)
    const found = known.find(one => one.name === table)
    if (!found) throw noSuchTable(name, table, known.map(one => one.name))
    return found
  }

  return {
    name,
    type: 'cassandra',

    async tables(scope) {
      known = await look(scope)
      return known.map(({ name: table, columns, partition, clustering, description }) => ({
        name: table,
        columns: columns.map(({ name: column, type, nullable }) => ({ name: column, type, nullable })),
        key: [...partition, ...clustering].map(column => column.name),
        partition: partition.map(column => column.name),
        foreignKeys: [], quarantine: { count: 0, samples: [] }, ...(description ? { description } : {}),
      }))
    },

    async *scan(scope, request) {
      scope.signal.throwIfAborted()
      const table = await tableFor(scope, request.table)
      const reading = scanReading(table.name, table.columns, request)
      if (!reading.done) yield* rowsOf(scope, table, reading, readsFor(reading.filter, table), scanWidth)
    },

    async lookup(scope, request) {
      scope.signal.throwIfAborted()
      const table = await tableFor(scope, request.table)
      const keyColumns = pickColumns(table.name, table.columns, request.keyColumns)
      pickColumns(table.name, table.columns, request.columns)
      const keys = request.keys.filter(key => keyColumns.every(({ type }, index) => isPossible(type, key[index] ?? null)))
      if (keys.length === 0) return []
      const found: Row[] = []
      const reading = lookupReading(table.name, table.columns, { ...request, keys })
      for await (const rows of rowsOf(scope, table, reading, readsForKeys(keyColumns, keys, table), lookupWidth)) found.push(...rows)
      return found
    },

    /** Reads that are not at their end fail with UPSTREAM_UNAVAILABLE. */
    async close() {
      closed = true
      const client = await connecting?.catch(() => undefined) // whoever asked for it was told
      await client?.shutdown()
    },
  }
}

function rowOf(columns: readonly CqlColumn[], decoded: Readonly<Record<string, unknown>>): Row {
  const row: Record<string, Value> = {}
  for (const { name, cql } of columns) {
    const cell = decoded[name]
    row[name] = cell === null || cell === undefined ? null : cql.read(cell)
  }
  return row
}

/** Rows of the columns the reading knows. */
function trimmed(rows: readonly Row[], read: readonly CqlColumn[], wanted: readonly CqlColumn[]): readonly Row[] {
  if (read.length === wanted.length) return rows
  return rows.map(row => Object.fromEntries(wanted.map(({ name }) => [name, row[name] ?? null])))
}
