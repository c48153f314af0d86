import type { DatabaseSync } from 'node:sqlite'
import { identifier } from '../sql-text/filter.ts'
import { noSuchTarget } from '../sql-text/table-write.ts'
import { declaredColumns } from './introspect.ts'

/** A table that is written. */
export interface Target {
  readonly name: string
  /** Quoted, with its schema. */
  readonly relation: string
  readonly columns: readonly TargetColumn[]
}

export interface TargetColumn {
  readonly name: string
  /** What the column turns values into, in the words of strict tables; ANY where it takes each as it is, or as a number if it can be one. */
  readonly affinity: 'INTEGER' | 'REAL' | 'TEXT' | 'BLOB' | 'ANY'
  /** It makes a number of every text that looks like one. */
  readonly isNumeric: boolean
}

/** The table by its name, alone or behind `main.`. None → NOT_FOUND with the nearest names. */
export function findTarget(database: DatabaseSync, called: string, table: string): Target {
  const names = database.prepare(`SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'`).all().map(row => String(row['name']))
  const name = names.find(one => one === table) ?? names.find(one => `main.${one}` === table)
  if (name === undefined) throw noSuchTarget(called, table, names)
  return { name, relation: `main.${identifier(name)}`, columns: declaredColumns(database, name).map(({ name: column, type }) => ({ name: column, ...affinityOf(type) })) }
}

/** Datatypes In SQLite, 3.1: the first that matches. */
const affinities: readonly (readonly [RegExp, TargetColumn['affinity'], isNumeric: boolean])[] = [
  [/INT/i, 'INTEGER', true], [/CHAR|CLOB|TEXT/i, 'TEXT', false], [/BLOB/i, 'BLOB', false], [/^$/, 'ANY', false], [/REAL|FLOA|DOUB/i, 'REAL', true], [/^/, 'ANY', true],
]

function affinityOf(declared: string): Pick<TargetColumn, 'affinity' | 'isNumeric'> {
  const [, affinity, isNumeric] = affinities.find(([pattern]) => pattern.test(declared)) ?? [/^/, 'ANY', false]
  return { affinity, isNumeric }
}
