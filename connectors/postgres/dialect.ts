import { HubError } from '../../schema/errors.ts'
import type { Value } from '../../schema/values.ts'
import { type FilterDialect, numberKind, type Present, type SqlColumn } from '../sql-text/filter.ts'
import type { PostgresColumn } from './types.ts'

const numbers = { integer: 'int8', huge: 'numeric', fraction: 'numeric' } as const

export const postgresDialect: FilterDialect = {
  operand: (column, value, bind) => `${bind(textFor(column, value))}::${boundType(column, [value])}`,
  ordered: column => (column.type === 'String' ? `${column.expression} COLLATE "C"` : column.expression),
  among: (column, values, bind) => `${column.expression} = ANY(${bind(values.map(value => (value === null ? null : textFor(column, value))))}::${boundType(column, values)}[])`,
  like: (text, pattern, bind) => `${text} COLLATE "C" LIKE ${bind(storable(pattern))} ESCAPE ''`,
  startsWith: (text, prefix, bind) => `starts_with(${text}, ${bind(storable(prefix))})`,
  text: column => (column.type === 'String' ? column.expression : `(${column.expression})::text`),
}

/** The type that holds all of the values, so that one out of the column's range compares rather than fails. */
export function boundType(column: SqlColumn, values: readonly Value[]): string {
  const { type } = column
  if (type !== 'Int' && type !== 'Long') return (column as PostgresColumn).bound
  return values.some(value => value !== null && numberKind(value) !== 'integer') ? numbers.huge : numbers.integer
}

/** The value as PostgreSQL reads it. */
export function textFor({ type }: SqlColumn, value: Present): string {
  return type === 'Bytes' ? `\\x${Buffer.from(String(value), 'base64').toString('hex')}` : storable(String(value))
}

/** The text as it is. What PostgreSQL has no place for → BAD_USER_INPUT. */
export function storable(text: string): string {
  if (!text.includes('\0')) return text
  throw new HubError('BAD_USER_INPUT', 'A text holds the character U+0000, which PostgreSQL does not store. Leave it out.')
}
