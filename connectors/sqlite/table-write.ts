import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { HubError } from '../../schema/errors.ts'
import { type Column, compareValues, type Row, type Value } from '../../schema/values.ts'
import type { TableWrite } from '../ports/database.ts'
import { identifier } from '../sql-text/filter.ts'
import { duplicateKey, mergeSql, orderColumn, texts } from '../sql-text/merge.ts'
import { marksTable, pickTargets } from '../sql-text/table-write.ts'
import { bound } from './dialect.ts'
import type { Target, TargetColumn } from './target.ts'

const marks = `main.${identifier(marksTable)}`

/** Leaves the mark, in a table that is made if there is none. Answers how many rows an earlier write left it for; undefined: this one is the first. */
export function leaveMark(database: DatabaseSync, mark: string, atMs: number): number | undefined {
  database.exec(`CREATE TABLE IF NOT EXISTS ${marks} (mark TEXT PRIMARY KEY, written_at TEXT NOT NULL, "rows" INTEGER NOT NULL)`)
  const { changes } = database.prepare(`INSERT INTO ${marks} (mark, written_at, "rows") VALUES (?, ?, 0) ON CONFLICT (mark) DO NOTHING`).run(mark, new Date(atMs).toISOString())
  if (changes !== 0) return undefined
  return Number(database.prepare(`SELECT "rows" FROM ${marks} WHERE mark = ?`).get(mark)?.['rows'])
}

/**
 * Writes the batches as the mode asks, inside of the transaction, and answers how many rows they had. The rows wait in a strict table, where SQLite refuses what their column would
 * take as it is: a batch at a time, or all of them when they are merged.
 */
export async function writeBatches(database: DatabaseSync, target: Target, into: TableWrite, batches: AsyncIterable<readonly Row[]>): Promise<number> {
  const columns = pickTargets(into, target.columns)
  const names = columns.map(({ name }) => name)
  const list = names.map(identifier).join(', ')
  const nth = identifier(orderColumn)
  // Called as the target, since SQLite names the table in what it refuses.
  const waiting = `temp.${identifier(target.name)}`
  database.exec(`CREATE TEMP TABLE ${identifier(target.name)} (${nth} INTEGER PRIMARY KEY, ${columns.map(({ name, affinity }) => `${identifier(name)} ${affinity}`).join(', ')}) STRICT`)
  if (into.mode === 'overwrite' || into.mode === 'truncateInsert') database.exec(`DELETE FROM ${target.relation}`)

  const wait = database.prepare(`INSERT INTO ${waiting} (${list}) VALUES (${names.map(() => '?').join(', ')})`)
  const move = database.prepare(`INSERT INTO ${target.relation} (${list}) SELECT ${list} FROM ${waiting} ORDER BY ${nth}`)
  const forget = database.prepare(`DELETE FROM ${waiting}`)
  let rows = 0
  for await (const batch of batches) {
    for (const row of batch) wait.run(...columns.map((column, index) => stored(into.table, column, into.columns[index]?.type ?? 'String', row[column.name] ?? null)))
    rows += batch.length
    if (into.mode !== 'merge') {
      move.run()
      forget.run()
    }
    // Between two batches it is the others' turn.
    await setImmediate()
  }
  if (into.mode === 'merge') merge(database, target, into, names, waiting)
  database.prepare(`UPDATE ${marks} SET "rows" = ? WHERE mark = ?`).run(rows, into.mark)
  return rows
}

function merge(database: DatabaseSync, { relation }: Target, { table, keys = [] }: TableWrite, names: readonly string[], waiting: string): void {
  const sql = mergeSql(relation, waiting, names, keys)
  refuse(sql.duplicate)
  // Keys that are one by the rules of their columns, as those of NOCASE are, meet at the rows they change.
  if (sql.update) database.exec(sql.update)
  database.exec(sql.insert)
  const same = keys.map(key => `t.${identifier(key)} = s.${identifier(key)}`).join(' AND ')
  const nth = `s.${identifier(orderColumn)}`
  refuse(`SELECT ${texts(keys)} FROM ${relation} AS t JOIN ${waiting} AS s ON ${same} GROUP BY ${keys.map(key => `t.${identifier(key)}`).join(', ')} HAVING count(DISTINCT ${nth}) > 1 ORDER BY min(${nth}) LIMIT 1`)

  function refuse(duplicate: string): void {
    const statement = database.prepare(duplicate)
    statement.setReturnArrays(true)
    const [twice] = statement.all() as unknown as readonly (readonly unknown[])[]
    if (twice) throw duplicateKey(table, keys, twice)
  }
}

/** The value as the column stores it: a text column has the canonical text of whatever it is. A decimal that the column would round → UPSTREAM_REJECTED. */
function stored(table: string, { name, affinity, isNumeric }: TargetColumn, type: Column['type'], value: Value): SQLInputValue {
  if (value === null) return null
  if (type === 'JSON') return JSON.stringify(value)
  if (affinity === 'TEXT') return String(value)
  if (type === 'Decimal' && isNumeric && !isExact(String(value))) throw new HubError('UPSTREAM_REJECTED', `Column "${name}" of table "${table}" would round ${String(value)}: SQLite keeps its numbers in 64 bits. Declare the column TEXT.`, { table, column: name })
  return bound({ name, type, nullable: true, expression: '' }, value) as SQLInputValue
}

function isExact(decimal: string): boolean {
  const nearest = Number(decimal)
  const text = Number.isInteger(nearest) ? String(BigInt(nearest)) : String(nearest)
  return /^-?\d+(\.\d+)?$/.test(text) ? compareValues('Decimal', text, decimal) === 0 : false
}

/** The value as SQLite takes a parameter; a whole number stays one. */
export function parameterOf(value: Value): SQLInputValue {
  if (value === null || typeof value === 'string' || typeof value === 'bigint') return value
  if (typeof value === 'object') return JSON.stringify(value)
  return Number.isSafeInteger(Number(value)) ? BigInt(value) : Number(value)
}
