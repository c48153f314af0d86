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

/** `target` and `waiting` are quoted, with their schemas. */
export function mergeSql(target: string, waiting: string, columns: readonly string[], keys: readonly string[]): MergeSql {
  const list = (names: readonly string[], of = '') => names.map(name => of + identifier(name)).join(', ')
  const rest = columns.filter(name => !keys.includes(name))
  const same = keys.map(key => `t.${identifier(key)} = s.${identifier(key)}`).join(' AND ')
  const nth = identifier(orderColumn)
  const [first = ''] = keys
  return {
    duplicate: `SELECT ${texts(keys)} FROM (SELECT ${list([...keys, orderColumn])}, row_number() OVER (PARTITION BY ${list(keys)} ORDER BY ${nth}) AS "tributary copy" FROM ${waiting}) AS s WHERE "tributary copy" > 1 ORDER BY ${nth} LIMIT 1`,
    ...(rest.length > 0 && { update: `UPDATE ${target} AS t SET ${rest.map(name => `${identifier(name)} = s.${identifier(name)}`).join(', ')} FROM ${waiting} AS s WHERE ${same}` }),
    insert: `INSERT INTO ${target} (${list(columns)}) SELECT ${list(columns, 's.')} FROM ${waiting} AS s LEFT JOIN ${target} AS t ON ${same} WHERE t.${identifier(first)} IS NULL ORDER BY s.${nth}`,
  }
}

/** The key columns of `s`, as texts. */
export function texts(keys: readonly string[]): string {
  return keys.map(key => `CAST(s.${identifier(key)} AS text)`).join(', ')
}

export function duplicateKey(table: string, keys: readonly string[], values: readonly unknown[]): HubError {
  const key = Object.fromEntries(keys.map((name, index) => [name, String(values[index])]))
  const found = Object.entries(key).map(([name, value]) => `${name} = ${value}`).join(', ')
  return new HubError('VALIDATION_ERROR', `Two rows for table "${table}" have one key: ${found}. Deduplicate the rows, or name more key columns.`, { table, key })
}
