import { HubError } from '../../schema/errors.ts'
import { identifier } from './filter.ts'

/** Orders the rows that wait in a table of their own as they came. No column of anybody's is called so. */
export const orderColumn = 'tributary nth'

/** Statements that put rows which wait in a table of their own, with the same columns, in the place of those with the same key. */
export interface MergeSql {
  /** The keys, as texts, of the first row whose key another had before. */
  readonly duplicate: string
  /** Absent where the keys are all there is. */
  readonly update?: string
  readonly insert: string
}

/** Where databases differ. */
export interface MergeDialect {
  /** The type that values are cast to to be said. */
  readonly text: 'text' | 'char'
  /** Sets the columns named, which are quoted, of `t` to those of `s`. */
  update(target: string, waiting: string, rest: readonly string[], same: string): string
}

const common: MergeDialect = {
  text: 'text',
  update: (target, waiting, rest, same) => `UPDATE ${target} AS t SET ${rest.map(name => `${name} = s.${name}`).join(', ')} FROM ${waiting} AS s WHERE ${same}`,
}

/** `target` and `waiting` are quoted, with their schemas. */
export function mergeSql(target: string, waiting: string, columns: readonly string[], keys: readonly string[], dialect = common): MergeSql {
  const list = (names: readonly string[], of = '') => names.map(name => of + identifier(name)).join(', ')
  const rest = columns.filter(name => !keys.includes(name))
  const same = keys.map(key => `t.${identifier(key)} = s.${identifier(key)}`).join(' AND ')
  const nth = identifier(orderColumn)
  const [first = ''] = keys
  return {
    duplicate: `SELECT ${texts(keys, dialect.text)} FROM (SELECT ${list([...keys, orderColumn])}, row_number() OVER (PARTITION BY ${list(keys)} ORDER BY ${nth}) AS "tributary copy" FROM ${waiting}) AS s WHERE "tributary copy" > 1 ORDER BY ${nth} LIMIT 1`,
    ...(rest.length > 0 && { update: dialect.update(target, waiting, rest.map(identifier), same) }),
    insert: `INSERT INTO ${target} (${list(columns)}) SELECT ${list(columns, 's.')} FROM ${waiting} AS s LEFT JOIN ${target} AS t ON ${same} WHERE t.${identifier(first)} IS NULL ORDER BY s.${nth}`,
  }
}

/** The key columns of `s`, as texts. */
export function texts(keys: readonly string[], type = common.text): string {
  return keys.map(key => `CAST(s.${identifier(key)} AS ${type})`).join(', ')
}

export function duplicateKey(table: string, keys: readonly string[], values: readonly unknown[]): HubError {
  const key = Object.fromEntries(keys.map((name, index) => [name, String(values[index])]))
  const found = Object.entries(key).map(([name, value]) => `${name} = ${value}`).join(', ')
  return new HubError('VALIDATION_ERROR', `Two rows for table "${table}" have one key: ${found}. Deduplicate the rows, or name more key columns.`, { table, key })
}
