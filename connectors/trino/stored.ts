import type { ColumnType } from '../../schema/values.ts'

/** Types of Trino for those of columns; of a Decimal with these digits behind the point. */
export function trinoType(type: ColumnType, precision = 38, scale = 0): string {
  return type === 'Decimal' ? `decimal(${precision}, ${scale})` : types[type]
}

const types: Readonly<Record<Exclude<ColumnType, 'Decimal'>, string>> = {
  String: 'varchar', Int: 'integer', Long: 'bigint', Float: 'double', Boolean: 'boolean', Date: 'date', Time: 'time(6)', DateTime: 'timestamp(6) with time zone', LocalDateTime: 'timestamp(6)', UUID: 'uuid', Bytes: 'varbinary', JSON: 'json',
}

/** How values of a type are kept in a table of any catalog that can be written, and how they travel there as text. Each takes an expression and answers one. */
export interface Stored {
  /** Of the table's column. */
  readonly type: string
  /** A value as the column keeps it. */
  readonly keep: (value: string) => string
  /** A value of the type, of what the column keeps. */
  readonly read: (column: string) => string
  /** A value as a text that `ofText` makes what the column keeps. */
  readonly text: (value: string) => string
  readonly ofText: (text: string) => string
}

/** Kept as they are by the connectors of memory, Hive and Iceberg alike, in all their values. */
const native = new Set(['boolean', 'integer', 'bigint', 'real', 'double', 'decimal', 'date'])
const nested = new Set(['array', 'map', 'row'])

/** By the type as Trino names it, `decimal(10, 2)`. What some catalogs do not keep, or not to the last digit, is kept as text. */
export function storedAs(type: string): Stored {
  const kind = type.replace(/\(.*\)/s, '')
  const cast = (as: string) => (value: string) => `CAST(${value} AS ${as})`
  const same = (value: string) => value
  const varchar = cast('varchar')
  if (native.has(kind)) return { type, keep: same, read: same, text: varchar, ofText: cast(type) }
  if (nested.has(kind)) return { type, keep: same, read: same, text: value => `json_format(CAST(${value} AS json))`, ofText: text => `CAST(json_parse(${text}) AS ${type})` }
  if (kind === 'varchar' || kind === 'unknown') return { type: 'varchar', keep: kind === 'unknown' ? varchar : same, read: same, text: kind === 'unknown' ? varchar : same, ofText: same }
  if (kind === 'varbinary') return { type, keep: same, read: same, text: value => `to_base64(${value})`, ofText: text => `from_base64(${text})` }
  if (kind === 'json') return { type: 'varchar', keep: value => `json_format(${value})`, read: column => `json_parse(${column})`, text: value => `json_format(${value})`, ofText: same }
  return { type: 'varchar', keep: varchar, read: cast(type), text: varchar, ofText: same }
}
