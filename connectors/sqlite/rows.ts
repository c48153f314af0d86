import type { SQLOutputValue } from 'node:sqlite'
import { HubError } from '../../schema/errors.ts'
import { type ColumnType, type Json, type Row, toLong, type Value } from '../../schema/values.ts'
import type { SqlColumn } from '../sql-text/filter.ts'

export function selectList(columns: readonly SqlColumn[]): string {
  return columns.map(({ expression }, index) => `${expression} AS c${index}`).join(', ') || '1'
}

/** The row from a statement that reads each column as `c0`, `c1` …, integers as bigint. */
export function rowOf(columns: readonly SqlColumn[], read: Record<string, SQLOutputValue>): Row {
  const row: Record<string, Value> = {}
  columns.forEach(({ name, type }, index) => {
    const value = read[`c${index}`] ?? null
    row[name] = value === null ? null : converters[type](value)
  })
  return row
}

type Converter = (value: Exclude<SQLOutputValue, null>) => Value
const text: Converter = value => String(value)
const converters: Record<ColumnType, Converter> = {
  String: text, Decimal: text, Date: text, Time: text, DateTime: text, LocalDateTime: text, UUID: text,
  Int: value => toLong(integral(value)),
  Long: value => toLong(integral(value)),
  Float: value => (typeof value === 'number' ? value : Number(integral(value))),
  Boolean: value => integral(value) !== 0n,
  Bytes: value => Buffer.from(typeof value === 'object' ? value : String(value)).toString('base64'),
  JSON: value => JSON.parse(String(value)) as Json,
}

/** The tables were looked at before: a value of another kind came since. */
function integral(value: Exclude<SQLOutputValue, null>): bigint {
  if (typeof value === 'bigint') return value
  throw new HubError('UPSTREAM_REJECTED', `A column that held numbers only now holds ${typeof value === 'object' ? 'bytes' : `"${String(value).slice(0, 100)}"`}. Look at it again.`)
}
