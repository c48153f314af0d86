import { type Bound, type FilterDialect, numberKind, type Present, type SqlColumn } from '../sql-text/filter.ts'
import type { Value } from '../../schema/values.ts'

/** SQLite takes this many parameters in one statement; longer lists travel as JSON. */
const listLimit = 500

export const sqliteDialect: FilterDialect = {
  operand: (column, value, bind) => bind(bound(column, value)),
  ordered: column => column.expression,
  among(column, values, bind) {
    if (values.length <= listLimit || column.type === 'Bytes') return `${column.expression} IN (${values.map(value => (value === null ? 'NULL' : bind(bound(column, value)))).join(', ')})`
    return `${column.expression} IN (SELECT value FROM json_each(${bind(jsonList(column, values))}))`
  },
  like: (text, pattern, bind) => `${text} GLOB ${bind(globOf(pattern))}`,
  startsWith: (text, prefix, bind) => `substr(${text}, 1, ${[...prefix].length}) = ${bind(prefix)}`,
  text: column => column.expression,
}

/** The value as SQLite stores it. */
export function bound({ type }: SqlColumn, value: Present): Bound {
  switch (type) {
    case 'Int':
    case 'Long':
      return numberKind(value) === 'integer' ? BigInt(String(value)) : Number(value)
    case 'Float':
      return Number(value)
    case 'Boolean':
      return String(value) === 'true' ? 1n : 0n
    case 'Bytes':
      return Buffer.from(String(value), 'base64')
    case 'UUID':
      return String(value).toLowerCase()
    default:
      return String(value)
  }
}

/** The values as one JSON array, integers with all their digits. */
function jsonList(column: SqlColumn, values: readonly Value[]): string {
  const texts = values.map(value => {
    const one = value === null ? null : bound(column, value)
    return typeof one === 'bigint' ? String(one) : JSON.stringify(one)
  })
  return `[${texts.join(',')}]`
}

/** SQLite's LIKE forgets letter case, GLOB does not. */
function globOf(like: string): string {
  const signs: Record<string, string> = { '%': '*', _: '?', '*': '[*]', '?': '[?]', '[': '[[]' }
  return [...like].map(char => signs[char] ?? char).join('')
}
