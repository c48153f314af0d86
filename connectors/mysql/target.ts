import { HubError } from '../../schema/errors.ts'
import { identifier } from '../sql-text/filter.ts'
import { noSuchTarget } from '../sql-text/table-write.ts'
import type { Ask } from './sessions.ts'

/** A table that is written. */
export interface Target {
  readonly schema: string
  readonly name: string
  /** Quoted, with its schema. */
  readonly relation: string
  readonly columns: readonly TargetColumn[]
}

export interface TargetColumn {
  readonly name: string
  /** As information_schema calls it: `bigint`, `varchar`. */
  readonly type: string
}

/**
 * The table by its name: with its schema, or alone where it is the database's own. None → NOT_FOUND with the nearest names. A view, or a table of an engine without transactions, whose rows no
 * rollback takes back → UPSTREAM_REJECTED. Two statements.
 */
export async function findTarget(ask: Ask, called: string, database: string, table: string): Promise<Target> {
  const dot = table.indexOf('.')
  const places = [[database, table], ...(dot < 0 ? [] : [[table.slice(0, dot), table.slice(dot + 1)]])]
  const likely = await ask(`SELECT t.TABLE_SCHEMA, t.TABLE_NAME, t.TABLE_TYPE, t.ENGINE, e.TRANSACTIONS FROM information_schema.TABLES AS t LEFT JOIN information_schema.ENGINES AS e ON e.ENGINE = t.ENGINE
    WHERE ${places.map(() => 't.TABLE_SCHEMA = ? AND t.TABLE_NAME = ?').join(' OR ')}`, places.flat())
  // What it compares without regard to case may be two tables.
  const found = places.flatMap(([schema, name]) => likely.filter(row => row[0] === schema && row[1] === name))[0]
  if (!found) throw noSuchTarget(called, table, await knownTables(ask, database, table))
  const [schema, name, kind, engine, transactions] = found.map(cell => (cell === null ? '' : String(cell))) as [string, string, string, string, string]
  if (kind.includes('VIEW')) throw new HubError('UPSTREAM_REJECTED', `"${table}" in ${called} is a view, and nothing tells whether what is written through it can be taken back. Name the table behind it.`, { table })
  if (transactions !== 'YES') throw new HubError('UPSTREAM_REJECTED', `Table "${table}" in ${called} is kept by the engine ${engine || 'of another server'}, which has no transactions: what is written into it could not be taken back. Keep it in InnoDB, as in: ALTER TABLE ${table} ENGINE = InnoDB.`, { table, engine })
  const columns = await ask('SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION', [schema, name])
  return { schema, name, relation: `${identifier(schema)}.${identifier(name)}`, columns: columns.map(([column, type]) => ({ name: String(column), type: String(type).toLowerCase() })) }
}

/** Called as the one that is missing is: with their schemas, or alone. */
async function knownTables(ask: Ask, database: string, missing: string): Promise<string[]> {
  const hidden = `TABLE_SCHEMA NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')`
  const tables = missing.includes('.')
    ? await ask(`SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) FROM information_schema.TABLES WHERE ${hidden} LIMIT 5000`, [])
    : await ask('SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? LIMIT 5000', [database])
  return tables.map(([table]) => String(table))
}
