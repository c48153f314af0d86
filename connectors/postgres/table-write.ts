import type { Column, Row, Value } from '../../schema/values.ts'
import type { Isolation, TableWrite, WriteMode } from '../ports/database.ts'
import { type Bound, identifier } from '../sql-text/filter.ts'
import { duplicateKey, mergeSql, orderColumn } from '../sql-text/merge.ts'
import { marksTable, pickTargets } from '../sql-text/table-write.ts'
import { storable } from './dialect.ts'
import type { Ask } from './introspect.ts'
import type { Target, TargetColumn } from './target.ts'

const levels: Record<Isolation, string> = { READ_COMMITTED: 'READ COMMITTED', READ_UNCOMMITTED: 'READ UNCOMMITTED', REPEATABLE_READ: 'REPEATABLE READ', SERIALIZABLE: 'SERIALIZABLE' }

export function beginSql(isolation: Isolation | undefined, access: 'READ ONLY' | 'READ WRITE'): string {
  return `BEGIN TRANSACTION${isolation ? ` ISOLATION LEVEL ${levels[isolation]}` : ''} ${access}`
}

/** The table of marks beside the target, made if there is none: in a transaction of its own, so that no write waits for another one's end because both were the first. */
export async function makeMarks(ask: Ask, { schema }: Target): Promise<void> {
  const there = () => ask('SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2', [schema, marksTable])
  if ((await there()).length > 0) return
  await ask('BEGIN', [])
  // Two who make it at the same time would fail each other, in spite of IF NOT EXISTS.
  await ask('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`${schema}.${marksTable}`])
  await ask(`CREATE TABLE IF NOT EXISTS ${marksOf(schema)} (mark text PRIMARY KEY, written_at timestamptz NOT NULL, "rows" bigint NOT NULL)`, [])
  await ask('COMMIT', [])
}

/** Leaves the mark. Answers how many rows an earlier write left it for; undefined: this one is the first. Waits for another transaction that has it. */
export async function leaveMark(ask: Ask, { schema }: Target, mark: string): Promise<number | undefined> {
  const left = await ask(`INSERT INTO ${marksOf(schema)} (mark, written_at, "rows") VALUES ($1, now(), 0) ON CONFLICT (mark) DO NOTHING RETURNING mark`, [storable(mark)])
  if (left.length > 0) return undefined
  const [[rows] = []] = await ask(`SELECT "rows"::text FROM ${marksOf(schema)} WHERE mark = $1`, [mark])
  return Number(rows ?? 0)
}

/**
 * What is locked before anything is looked at, so that every writer takes the table before the mark. Of two who empty the table, or who merge where no index keeps
 * keys apart, the second waits; readers go on, except beside TRUNCATE.
 */
const locks: Record<WriteMode, string> = { append: 'ROW EXCLUSIVE', merge: 'SHARE ROW EXCLUSIVE', overwrite: 'SHARE ROW EXCLUSIVE', truncateInsert: 'ACCESS EXCLUSIVE' }

/** Begins the transaction that writes. */
export async function begin(ask: Ask, target: Target, into: TableWrite): Promise<void> {
  await ask(beginSql(into.isolation, 'READ WRITE'), [])
  const lock = uniqueOf(target, into) ? locks.append : locks[into.mode]
  if (target.isTable) await ask(`LOCK TABLE ${target.relation} IN ${lock} MODE`, [])
}

const emptied: Record<WriteMode, ((relation: string) => string) | undefined> = {
  append: undefined, merge: undefined, overwrite: relation => `DELETE FROM ${relation}`, truncateInsert: relation => `TRUNCATE ${relation}`,
}

/** Writes the batches as the mode asks, inside of the transaction, and answers how many rows they had. Constraints that wait for the commit are checked at the end. */
export async function writeBatches(ask: Ask, target: Target, into: TableWrite, batches: AsyncIterable<readonly Row[]>): Promise<number> {
  const columns = pickTargets(into, target.columns)
  const empty = emptied[into.mode]?.(target.relation)
  if (empty) await ask(empty, [])
  const rows = await (into.mode === 'merge' ? merge(ask, target, into, columns, batches) : insertAll(ask, target.relation, columns, into.columns, batches))
  await ask(`UPDATE ${marksOf(target.schema)} SET "rows" = $1 WHERE mark = $2`, [String(rows), into.mark])
  await ask('SET CONSTRAINTS ALL IMMEDIATE', [])
  return rows
}

/** The rows wait in a table of this transaction's own until all are there and no two have one key. */
async function merge(ask: Ask, target: Target, into: TableWrite, columns: readonly TargetColumn[], batches: AsyncIterable<readonly Row[]>): Promise<number> {
  const { keys = [], table } = into
  const names = columns.map(({ name }) => name)
  const list = names.map(identifier).join(', ')
  const nth: TargetColumn = { name: orderColumn, declared: 'bigint', bound: 'int8' }
  await ask(`CREATE TEMP TABLE tributary_rows ON COMMIT DROP AS SELECT 0::bigint AS ${identifier(orderColumn)}, ${list} FROM ${target.relation} WITH NO DATA`, [])
  const waiting = 'pg_temp.tributary_rows'
  const rows = await insertAll(ask, waiting, [nth, ...columns], [{ name: orderColumn, type: 'Long', nullable: false }, ...into.columns], numbered(batches))
  const sql = mergeSql(target.relation, waiting, names, keys)
  await ask('ANALYZE pg_temp.tributary_rows', [])
  const [twice] = await ask(sql.duplicate, [])
  if (twice) throw duplicateKey(table, keys, twice)
  if (uniqueOf(target, into)) {
    const rest = names.filter(name => !keys.includes(name)).map(name => `${identifier(name)} = EXCLUDED.${identifier(name)}`)
    await ask(`INSERT INTO ${target.relation} (${list}) SELECT ${list} FROM ${waiting} ORDER BY ${identifier(orderColumn)} ON CONFLICT (${keys.map(identifier).join(', ')}) DO ${rest.length > 0 ? `UPDATE SET ${rest.join(', ')}` : 'NOTHING'}`, [])
  } else {
    if (sql.update) await ask(sql.update, [])
    await ask(sql.insert, [])
  }
  return rows
}

function uniqueOf({ uniques }: Target, { mode, keys = [] }: TableWrite): readonly string[] | undefined {
  return mode === 'merge' ? uniques.find(names => names.length === keys.length && keys.every(key => names.includes(key))) : undefined
}

async function* numbered(batches: AsyncIterable<readonly Row[]>): AsyncGenerator<readonly Row[], void, void> {
  let nth = 0
  for await (const batch of batches) yield batch.map(row => ({ ...row, [orderColumn]: nth++ }))
}

/** One statement per batch. The rows travel as one JSON document, which the server reads into the columns' own types: as strict as their input is, without a cast that cuts off. */
async function insertAll(ask: Ask, relation: string, targets: readonly TargetColumn[], columns: readonly Column[], batches: AsyncIterable<readonly Row[]>): Promise<number> {
  const cells = targets.map((target, index): Cell => cellOf(target, columns[index]?.type ?? 'String', `c${index}`))
  const statement = `INSERT INTO ${relation} (${targets.map(({ name }) => identifier(name)).join(', ')}) SELECT ${cells.map(({ read }) => read).join(', ')} FROM json_to_recordset($1::json) AS v(${cells.map(({ declared }) => declared).join(', ')})`
  let rows = 0
  for await (const batch of batches) {
    const document = batch.map(row => Object.fromEntries(targets.map(({ name }, index) => [`c${index}`, cells[index]?.write(row[name] ?? null)])))
    await ask(statement, [JSON.stringify(document)])
    rows += batch.length
  }
  return rows
}

/** How a value gets into its column: as what it stands in the document, what that is read as, and what is stored. */
interface Cell {
  readonly write: (value: Value) => Value
  readonly declared: string
  readonly read: string
}

function cellOf({ declared, bound }: TargetColumn, type: Column['type'], name: string): Cell {
  const cell: Cell = { write: value => (value === null || type === 'JSON' ? value : String(value)), declared: `${name} ${declared}`, read: `v.${name}` }
  if (type === 'Bytes' && bound === 'bytea') return { ...cell, write: value => (value === null ? null : `\\x${Buffer.from(String(value), 'base64').toString('hex')}`) }
  // A text is the document's own text here, not a document that is a text.
  if (type !== 'JSON' && bound === 'jsonb') return { ...cell, declared: `${name} text`, read: `v.${name}::${declared}` }
  return cell
}

function marksOf(schema: string): string {
  return `${identifier(schema)}.${identifier(marksTable)}`
}

/** The value as PostgreSQL reads a parameter whose type it finds itself. */
export function parameterOf(value: Value): Bound {
  if (value === null) return null
  return storable(typeof value === 'object' ? JSON.stringify(value) : String(value))
}
