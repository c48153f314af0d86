import type { Column, ColumnType } from '../../schema/values.ts'
import type { CacheField } from './configuration.ts'
import type { ValueTypeName } from './wire/values.ts'

interface Mapping {
  readonly type: ValueTypeName
  readonly precision?: number
  readonly scale?: number
}

/**
 * How a column of each type lies in Ignite. The reasons are in ops/decisions/0007-ignite-columns.md: Trino does not show UUID, TIMESTAMP and TIME columns,
 * and DATE means another day where the server's zone is not UTC; text of fixed form sorts as time does and is cast by both engines.
 */
export const columnMappings: Record<ColumnType, Mapping> = {
  String: { type: 'string' },
  Int: { type: 'int' },
  Long: { type: 'long' },
  Float: { type: 'double' },
  Decimal: { type: 'decimal', precision: 38, scale: 10 },
  Boolean: { type: 'boolean' },
  Date: { type: 'string', precision: 10 },
  Time: { type: 'string', precision: 18 },
  DateTime: { type: 'instant', precision: 32 },
  LocalDateTime: { type: 'dateTime', precision: 32 },
  UUID: { type: 'string', precision: 36 },
  Bytes: { type: 'bytes' },
  JSON: { type: 'json' },
}

/** The field of a column: its name in upper case, as SQL spells it without quotes. */
export function fieldOf(column: Column): CacheField {
  return { name: column.name.toUpperCase(), property: column.name, ...columnMappings[column.type], ...(column.nullable ? {} : { notNull: true }) }
}
