import { HubError } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'
import type { Log, Scope } from '../ports/scope.ts'
import type { SourceConnector } from '../ports/source-connector.ts'
import { limitClause, noSuchTable, pickColumns } from '../sql-text/columns.ts'
import { type Bind, type Bound, filterSql, isPossible } from '../sql-text/filter.ts'
import { asking, openConnections } from './connections.ts'
import { boundType, postgresDialect, textFor } from './dialect.ts'
import { postgresFeed } from './feed.ts'
import { introspect, type PostgresTable } from './introspect.ts'
import { clientConfig, type PostgresOptions, postgresOptions, secretsOf } from './options.ts'
import { fetched, rowOf, selectList, session } from './rows.ts'

/**
 * A schema of a PostgreSQL database, read only. Connections are made when needed: a database that is down fails the call, not the opening. An aborted signal
 * cancels the statement at the server. What breaks while nobody waits for it is told to the log. `infinity` in dates and `NaN` in numbers are read as null.
 */
export async function openPostgres(given: PostgresOptions & { name: string; log: Log }): Promise<SourceConnector> {
  const { name, log, ...rest } = given
  const options = postgresOptions.parse(rest)
  const config = clientConfig(name, options)
  const secrets = secretsOf(options)
  const connections = openConnections({
    of: { called: `source "${name}"`, details: { source: name }, secrets }, maxConnections: options.maxConnections, connectTimeoutMs: options.connectTimeoutMs, config, session, log,
  })
  let known: readonly PostgresTable[] | undefined

  async function look(scope: Scope): Promise<readonly PostgresTable[]> {
    return connections.once(scope, async client => {
      const ask = asking(client)
      const tables = await introspect(ask, options.schema)
      if (tables.length === 0) {
        const schemas = (await ask('SELECT nspname FROM pg_namespace', [])).map(([schema]) => schema ?? '')
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
      yield* connections.stream(scope, async function* (client) {
        await client.query('BEGIN TRANSACTION READ ONLY')
        try {
          for await (const batch of fetched(asking(client), columns, select, values)) {
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
      const rows = await connections.once(scope, client => asking(client)(`SELECT ${selectList(columns)} FROM ${table.relation} WHERE ${where}`, values))
      return rows.map(cells => rowOf(columns, cells))
    },

    feed: postgresFeed({
      source: name, schema: options.schema, config: { ...config, connectionTimeoutMillis: options.connectTimeoutMs }, secrets,
      once: (scope, work) => connections.once(scope, client => work(asking(client))),
    }),

    /** Reads that are not at their end fail with UPSTREAM_UNAVAILABLE. */
    close: () => connections.close(),
  }
}

function parameters(): { values: Bound[]; bind: Bind } {
  const values: Bound[] = []
  return { values, bind: value => `$${values.push(value)}` }
}
