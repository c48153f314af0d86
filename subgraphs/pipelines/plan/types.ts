import type { ColumnType } from '../../../schema/values.ts'

/** Types of Trino's dialect. */
export const sqlType: Readonly<Record<ColumnType, string>> = {
  String: 'varchar', Int: 'integer', Long: 'bigint', Float: 'double', Decimal: 'decimal(38, 9)', Boolean: 'boolean', Date: 'date', Time: 'time(6)', DateTime: 'timestamp(6) with time zone', LocalDateTime: 'timestamp(6)',
  UUID: 'uuid', Bytes: 'varbinary', JSON: 'json',
}
