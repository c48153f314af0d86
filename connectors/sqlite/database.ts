import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { HubError } from '../../schema/errors.ts'
import { upperFirst } from '../../schema/names.ts'
import type { Column, Row } from '../../schema/values.ts'
import type { Database, Query, Rows } from '../ports/database.ts'
import type { Scope } from '../ports/scope.ts'
import { checkNames } from '../sql-text/columns.ts'
import { identifier, type SqlColumn } from '../sql-text/filter.ts'
import { prepared, writtenBefore } from '../sql-text/prepared.ts'
import { batchesOf, pickTargets } from '../sql-text/table-write.ts'
import { asSqliteFailure, isSqliteError, type SqliteFile } from './errors.ts'
import { type Declared, typed } from './introspect.ts'
import { rowOf, selectList } from './rows.ts'
import { leaveMark, parameterOf, writeBatches } from './table-write.ts'
import { findTarget } from './target.ts'
import { untilFree } from './wait.ts'

/**
 * A SQLite file; one that is missing → NOT_FOUND. SQLite types values, not columns: a read goes through the rows of its query twice. A column that comes from a declared one has the declared
 * type if all of its values have, any other the type that its values have in common. A statement runs in this process and is not stopped halfway: an abort is heard between two batches.
 * All isolation levels are SERIALIZABLE. One write at a time: the next waits until the one before is committed or undone, as a commit waits for who still reads.
 */
export function openSqliteDatabase({ file }: { readonly file: string }): Database {
  const of: SqliteFile = { called: `database "${basename(file)}"`, details: { database: basename(file) } }
  const held = new Set<DatabaseSync>()

  function connect(readOnly: boolean): DatabaseSync {
    if (!existsSync(file)) throw new HubError('NOT_FOUND', `There is no file of ${of.called}. Databases are not made by reading or writing them.`, of.details)
    const connection = guard(() => new DatabaseSync(file, { readOnly, timeout: 0, allowExtension: false }))
    held.add(connection)
    return connection
  }

  /** Gives the connection up; what it did not commit is undone. */
  function release(connection: DatabaseSync): void {
    held.delete(connection)
    if (connection.isOpen) connection.close()
  }

  function guard<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw failureOf(error)
    }
  }

  function failureOf(error: unknown): HubError {
    return asSqliteFailure(of, error)
  }

  function closed(during: 'read' | 'written'): HubError {
    return new HubError('UPSTREAM_UNAVAILABLE', `${upperFirst(of.called)} was closed while it was ${during}.`, of.details)
  }

  /** As the query's rows come; the first batch is empty, and the columns are known by then. */
  async function* read(scope: Scope, query: Query, know: (columns: readonly Column[]) => void): AsyncGenerator<readonly Row[], void, void> {
    const connection = connect(true)
    try {
      const { columns, from, values } = await untilFree(scope, of, () => describe(connection, query))
      know(columns.map(({ name, type, nullable }) => ({ name, type, nullable })))
      yield []
      const statement = connection.prepare(`${from} SELECT ${selectList(columns)} FROM q`)
      statement.setReadBigInts(true)
      const rows = statement.iterate(...values)
      for (;;) {
        scope.signal.throwIfAborted()
        const batch: Row[] = []
        while (batch.length < query.fetchSize) {
          const next = rows.next()
          if (next.done) break
          batch.push(rowOf(columns, next.value))
        }
        if (batch.length > 0) yield batch
        if (batch.length < query.fetchSize) return
        await setImmediate()
      }
    } catch (error) {
      scope.signal.throwIfAborted()
      if (!connection.isOpen) throw closed('read')
      throw failureOf(error)
    } finally {
      release(connection)
    }
  }

  return {
    driver: 'sqlite',

    async read(scope, query): Promise<Rows> {
      scope.signal.throwIfAborted()
      let columns: readonly Column[] = []
      const batches = read(scope, query, found => { columns = found })
      await batches.next()
      return { columns, batches }
    },

    async write(scope, into, rows) {
      scope.signal.throwIfAborted()
      const connection = connect(false)
      const rollback = async () => release(connection)
      try {
        await untilFree(scope, of, () => connection.exec('BEGIN IMMEDIATE'))
        const target = findTarget(connection, of.called, into.table)
        pickTargets(into, target.columns)
        const before = leaveMark(connection, into.mark, scope.clock.now())
        if (before !== undefined) {
          await rollback()
          return writtenBefore(before)
        }
        const written = await writeBatches(connection, target, into, batchesOf(scope, into, rows))
        scope.signal.throwIfAborted()
        const commit = async () => {
          try {
            if (!connection.isOpen) throw closed('written')
            await untilFree(scope, of, () => connection.exec('COMMIT'))
          } catch (error) {
            scope.signal.throwIfAborted()
            throw failureOf(error)
          } finally {
            release(connection)
          }
        }
        return prepared(scope, into.table, written, { commit, rollback })
      } catch (error) {
        const wasClosed = !connection.isOpen
        release(connection)
        scope.signal.throwIfAborted()
        if (wasClosed) throw closed('written')
        // What the rows' source failed with is its own.
        throw isSqliteError(error) ? failureOf(error) : error
      }
    },

    /** Reads and writes that are not at their end fail with UPSTREAM_UNAVAILABLE; nothing of the latter is written. */
    async close() {
      for (const connection of held) release(connection)
    },
  }
}

/** The query as the table `q`, and its columns, each read from its place in that. One pass over its rows; until the connection ends, what it reads stays as it is. */
function describe(connection: DatabaseSync, { texts, values: given }: Query): { readonly columns: readonly SqlColumn[]; readonly from: string; readonly values: readonly SQLInputValue[] } {
  const text = texts.join(' ? ').replace(/[;\s]+$/, '')
  const values = given.map(parameterOf)
  // Some PRAGMA change the whole process while they are compiled. Between brackets only what reads can be compiled.
  connection.prepare(`SELECT 1 FROM (\n${text}\n)`)
  const found = connection.prepare(text).columns()
  checkNames(found.map(({ name }) => name))
  const places = found.map((column, index): Declared & { place: string } => ({ name: column.name, type: column.type ?? '', required: false, pk: 0, place: identifier(`c${index}`) }))
  const from = `WITH q(${places.map(({ place }) => place).join(', ')}) AS (\n${text}\n)`
  if (!connection.isTransaction) connection.exec('BEGIN')
  return { columns: typed(connection, from, 'q', places, values).columns, from, values }
}
