import { createHash } from 'node:crypto'
import type { ExecuteValues } from 'mysql2'
import { HubError } from '../../schema/errors.ts'
import type { ColumnType, Row } from '../../schema/values.ts'
import type { TableWrite, WriteMode } from '../ports/database.ts'
import type { Scope } from '../ports/scope.ts'
import { identifier } from '../sql-text/filter.ts'
import { duplicateKey, type MergeDialect, mergeSql, orderColumn } from '../sql-text/merge.ts'
import { marksTable, pickTargets } from '../sql-text/table-write.ts'
import type { Ask } from './sessions.ts'
import { stored } from './stored.ts'
import type { Target, TargetColumn } from './target.ts'

/** Placeholders a statement may have, and characters it should. */
const mostValues = 65_535
const mostCharacters = 1 << 20

const waitingTable = 'tributary_rows'

/** What is done before the transaction, since MySQL commits what is open when a table is made: the table of marks beside the target, made if there is none, and one for rows that are merged. */
export async function makeTables(ask: Ask, target: Target, into: TableWrite): Promise<void> {
  const there = await ask('SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?', [target.schema, marksTable])
  if (there.length === 0) await ask(`CREATE TABLE IF NOT EXISTS ${marksOf(target)} (mark VARCHAR(700) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY, written_at TIMESTAMP(6) NOT NULL, "rows" BIGINT NOT NULL) ENGINE = InnoDB`, [])
  if (into.mode !== 'merge') return
  const names = pickTargets(into, target.columns).map(({ name }) => identifier(name))
  await ask(`CREATE TEMPORARY TABLE ${waitingOf(target)} ENGINE = InnoDB AS SELECT CAST(0 AS SIGNED) AS ${identifier(orderColumn)}, ${names.join(', ')} FROM ${target.relation} LIMIT 0`, [])
}

/** Modes of which two may not write one table at the same time. */
const takesTurns: Record<WriteMode, boolean> = { append: false, merge: true, overwrite: true, truncateInsert: true }

/**
 * Waits until no other such write is at this table: a lock of the server by name, which the hub's writers ask for, since MySQL's own on a table ends the transaction. The connection's end frees
 * it. Not within the deadline → UPSTREAM_UNAVAILABLE.
 */
export async function takeTurn(scope: Scope, ask: Ask, called: string, { relation }: Target, { table, mode }: TableWrite): Promise<void> {
  if (!takesTurns[mode]) return
  const name = `tributary ${createHash('sha256').update(relation).digest('hex').slice(0, 32)}`
  const seconds = Math.min(Math.max(1, Math.ceil((scope.deadlineMs - scope.clock.now()) / 1000)), 86_400)
  const [[taken] = []] = await ask('SELECT GET_LOCK(?, ?)', [name, seconds])
  if (Number(taken) !== 1) throw new HubError('UPSTREAM_UNAVAILABLE', `Table "${table}" in ${called} did not come free in time: another write replaces its rows, or merges into them. Ask again later.`, { table })
}

/** Leaves the mark. Answers how many rows an earlier write left it for; undefined: this one is the first. Waits for another transaction that has it. */
export async function leaveMark(ask: Ask, target: Target, mark: string): Promise<number | undefined> {
  try {
    await ask(`INSERT INTO ${marksOf(target)} (mark, written_at, "rows") VALUES (?, CURRENT_TIMESTAMP(6), 0)`, [mark])
    return undefined
  } catch (error) {
    if (!(error instanceof HubError) || error.details['mysqlCode'] !== 'ER_DUP_ENTRY') throw error
    // As it is now, whatever this transaction has seen before.
    const [[rows] = []] = await ask(`SELECT "rows" FROM ${marksOf(target)} WHERE mark = ? FOR UPDATE`, [mark])
    return Number(rows ?? 0)
  }
}

/** Writes the batches as the mode asks, inside of the transaction, and answers how many rows they had. */
export async function writeBatches(ask: Ask, target: Target, into: TableWrite, batches: AsyncIterable<readonly Row[]>): Promise<number> {
  const columns = pickTargets(into, target.columns)
  // TRUNCATE commits what is open.
  if (into.mode === 'overwrite' || into.mode === 'truncateInsert') await ask(`DELETE FROM ${target.relation}`, [])
  const rows = await (into.mode === 'merge' ? merge(ask, target, into, columns, batches) : insertAll(ask, into.table, target.relation, columns, into.columns.map(({ type }) => type), batches))
  await ask(`UPDATE ${marksOf(target)} SET "rows" = ? WHERE mark = ?`, [String(rows), into.mark])
  return rows
}

const dialect: MergeDialect = {
  text: 'char',
  update: (target, waiting, rest, same) => `UPDATE ${target} AS t JOIN ${waiting} AS s ON ${same} SET ${rest.map(name => `t.${name} = s.${name}`).join(', ')}`,
}

/**
 * The rows wait in a table of this session's own until all are there and no two have one key. ON DUPLICATE KEY UPDATE is not asked: it takes whichever unique index is hit, of the keys
 * that are meant or of others.
 */
async function merge(ask: Ask, target: Target, into: TableWrite, columns: readonly TargetColumn[], batches: AsyncIterable<readonly Row[]>): Promise<number> {
  const { keys = [], table } = into
  const waiting = waitingOf(target)
  const nth: TargetColumn = { name: orderColumn, type: 'bigint' }
  const rows = await insertAll(ask, table, waiting, [nth, ...columns], ['Long', ...into.columns.map(({ type }) => type)], numbered(batches))
  const sql = mergeSql(target.relation, waiting, columns.map(({ name }) => name), keys, dialect)
  const [twice] = await ask(sql.duplicate, [])
  if (twice) throw duplicateKey(table, keys, twice)
  if (sql.update) await ask(sql.update, [])
  await ask(sql.insert, [])
  return rows
}

async function* numbered(batches: AsyncIterable<readonly Row[]>): AsyncGenerator<readonly Row[], void, void> {
  let nth = 0
  for await (const batch of batches) yield batch.map(row => ({ ...row, [orderColumn]: nth++ }))
}

/** A statement per batch, or more where it would have too many values, or be too long for one packet. */
async function insertAll(ask: Ask, table: string, relation: string, targets: readonly TargetColumn[], types: readonly ColumnType[], batches: AsyncIterable<readonly Row[]>): Promise<number> {
  const insert = `INSERT INTO ${relation} (${targets.map(({ name }) => identifier(name)).join(', ')}) VALUES `
  const places = `(${targets.map(() => '?').join(', ')})`
  const mostRows = Math.max(1, Math.floor(mostValues / targets.length))
  let rows = 0
  for await (const batch of batches) {
    let values: ExecuteValues[] = []
    let [held, characters] = [0, 0]
    const send = async () => {
      if (held > 0) await ask(insert + Array.from({ length: held }, () => places).join(', '), values)
      values = []
      held = characters = 0
    }
    for (const row of batch) {
      const cells = targets.map((target, index) => stored(table, target, types[index] ?? 'String', row[target.name] ?? null))
      values.push(...cells)
      characters += cells.reduce<number>((sum, cell) => sum + lengthOf(cell), 0)
      held += 1
      if (held === mostRows || characters >= mostCharacters) await send()
    }
    await send()
    rows += batch.length
  }
  return rows
}

function lengthOf(cell: ExecuteValues): number {
  return typeof cell === 'string' || Buffer.isBuffer(cell) ? cell.length : 8
}

function marksOf({ schema }: Target): string {
  return `${identifier(schema)}.${identifier(marksTable)}`
}

function waitingOf({ schema }: Target): string {
  return `${identifier(schema)}.${identifier(waitingTable)}`
}

