import type { ExecuteValues } from 'mysql2'
import { HubError } from '../../schema/errors.ts'
import type { ColumnType, Value } from '../../schema/values.ts'
import type { TargetColumn } from './target.ts'

type Kind = 'whole' | 'number' | 'bits' | 'time' | 'bytes'

/** What is not here is kept as text. */
const kinds: Readonly<Record<string, Kind>> = {
  tinyint: 'whole', smallint: 'whole', mediumint: 'whole', int: 'whole', bigint: 'whole', year: 'whole',
  decimal: 'number', float: 'number', double: 'number', bit: 'bits',
  date: 'time', datetime: 'time', timestamp: 'time',
  binary: 'bytes', varbinary: 'bytes', tinyblob: 'bytes', blob: 'bytes', mediumblob: 'bytes', longblob: 'bytes', geometry: 'bytes', point: 'bytes', linestring: 'bytes', polygon: 'bytes',
}

/** The value as its column takes it; a text column has the canonical text of whatever it is. A number that a column of whole ones would round, which MySQL does in every mode → UPSTREAM_REJECTED. */
export function stored(table: string, { name, type: column }: TargetColumn, type: ColumnType, value: Value): ExecuteValues {
  if (value === null) return null
  if (type === 'JSON') return JSON.stringify(value)
  switch (kinds[column]) {
    case 'whole':
      if (hasFraction(value)) throw new HubError('UPSTREAM_REJECTED', `Column "${name}" of table "${table}" is ${column}, which holds whole numbers and no ${String(value)}: it is no integer. Round the values, or declare the column DECIMAL.`, { table, column: name })
      return typeof value === 'boolean' ? value : String(value)
    case 'number':
    case 'bits':
      return typeof value === 'bigint' ? String(value) : (value as string | number | boolean)
    case 'time':
      // In the session's zone, which is UTC: MySQL knows no `Z`.
      return type === 'DateTime' || type === 'LocalDateTime' ? String(value).replace('T', ' ').replace(/Z$/, '') : String(value)
    case 'bytes':
      return type === 'Bytes' ? Buffer.from(String(value), 'base64') : String(value)
    default:
      return String(value)
  }
}

function hasFraction(value: Value): boolean {
  return typeof value === 'number' ? !Number.isInteger(value) : /\.\d*[1-9]/.test(String(value))
}
