import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { z } from 'zod'
import { HubError } from '../../schema/errors.ts'
import type { Row } from '../../schema/values.ts'
import type { Scope } from '../ports/scope.ts'
import type { SourceConnector } from '../ports/source-connector.ts'
import { limitClause, noSuchTable, pickColumns } from '../sql-text/columns.ts'
import { type Bind, filterSql, identifier, type SqlColumn } from '../sql-text/filter.ts'
import { bound, sqliteDialect } from './dialect.ts'
import { asSqliteFailure, type SqliteFile } from './errors.ts'
import { introspect, type SqliteTable } from './introspect.ts'
import { rowOf, selectList } from './rows.ts'

/** The options of a source of type `sqlite` in the catalog, beside its type. */
export const sqliteOptions = z.strictObject({
  /** The database file. It is opened for reading only. */
  file: z.string().min(1),
})

const batchRows = 1000
/** Values bound in one look-up statement at most. */
const lookupValues = 10_000

/**
 * A SQLite file, read only; what others commit to it is seen by the next read. `tables()` reads every table once, since SQLite's columns hold what they like.
 * A file that is missing → NOT_FOUND, one that is no database → UPSTREAM_REJECTED.
 */
export async function openSqlite(options: { name: string; file: string }): Promise<SourceConnector> {
  const { name, file } = options
  if (!existsSync(file)) throw new HubError('NOT_FOUND', `Source "${name}" has the file "${file}", which does not exist.`, { source: name })
  const of: SqliteFile = { called: `source "${name}" (${basename(file)})`, details: { source: name } }
  const guard = <T>(work: () => T): T => {
    try {
      return work()
    } catch (error) {
      throw asSqliteFailure(of, error)
    }
  }
  const connect = () => new DatabaseSync(file, { readOnly: true, timeout: 5000, allowExtension: false })
  const database = guard(() => {
    const opened = connect()
    opened.prepare('SELECT count(*) FROM sqlite_schema').get()
    return opened
  })
  let found: readonly SqliteTable[] | undefined

  function tableFor(table: string): SqliteTable {
    found ??= guard(() => introspect(database))
    const known = found.find(one => one.name === table)
    if (!known) throw noSuchTable(name, table, found.map(one => one.name))
    return known
  }

  /** Rows of one statement on a connection of their own: an open read must not hold back the others' view of the file. */
  function* read(table: SqliteTable, columns: readonly SqlColumn[], tail: string, values: readonly SQLInputValue[], signal: AbortSignal): Generator<Row[], void, void> {
    signal.throwIfAborted()
    const connection = guard(connect)
    try {
      const statement = guard(() => connection.prepare(`SELECT ${selectList(columns)} FROM ${identifier(table.name)} ${tail}`))
      statement.setReadBigInts(true)
      const rows = statement.iterate(...values)
      for (;;) {
        const batch: Row[] = []
        while (batch.length < batchRows) {
          const next = guard(() => rows.next())
          if (next.done) break
          batch.push(rowOf(columns, next.value))
        }
        if (batch.length > 0) yield batch
        signal.throwIfAborted()
        if (batch.length < batchRows) return
      }
    } finally {
      connection.close()
    }
  }

  return {
    name,
    type: 'sqlite',

    async tables(scope) {
      scope.signal.throwIfAborted()
      found = guard(() => introspect(database))
      return found.map(table => ({
        ...table,
        columns: table.columns.map(({ name: column, type, nullable }) => ({ name: column, type, nullable })),
        quarantine: { count: 0, samples: [] },
      }))
    },

    async *scan(scope, request) {
      const table = tableFor(request.table)
      const { values, bind } = parameters()
      const where = request.filter ? `WHERE ${filterSql(request.filter, table.columns, sqliteDialect, bind)}` : ''
      yield* read(table, pickColumns(table.name, table.columns, request.columns), `${where}${limitClause(request.limit)}`, values, scope.signal)
    },

    async lookup(scope: Scope, request) {
      scope.signal.throwIfAborted()
      const table = tableFor(request.table)
      const keyColumns = pickColumns(table.name, table.columns, request.keyColumns)
      const columns = pickColumns(table.name, table.columns, request.columns)
      const distinct = [...new Map(request.keys.map(key => [key.map(String).join('\0'), key])).values()]
      const perStatement = Math.max(1, Math.floor(lookupValues / Math.max(1, keyColumns.length)))
      const rows: Row[] = []
      for (let at = 0; at < distinct.length; at += perStatement) {
        const { values, bind } = parameters()
        const keys = distinct.slice(at, at + perStatement).map(key => `(${keyColumns.map((column, index) => bind(bound(column, key[index] ?? ''))).join(', ')})`)
        const left = keyColumns.map(({ expression }) => expression).join(', ')
        for (const batch of read(table, columns, `WHERE (${left}) IN (VALUES ${keys.join(', ')})`, values, scope.signal)) rows.push(...batch)
      }
      return rows
    },

    async close() {
      database.close()
    },
  }
}

function parameters(): { values: SQLInputValue[]; bind: Bind } {
  const values: SQLInputValue[] = []
  const bind: Bind = value => {
    if (typeof value === 'boolean' || Array.isArray(value)) throw new TypeError('SQLite binds neither booleans nor lists.')
    values.push(value as SQLInputValue)
    return '?'
  }
  return { values, bind }
}
