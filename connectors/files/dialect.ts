import type { ColumnType, Value } from '../../schema/values.ts'
import { type FilterDialect, numberKind, type Present } from '../sql-text/filter.ts'

/** The type each column is staged as; Decimal columns of a parquet file keep their own precision. */
export const duckTypes: Record<ColumnType, string> = {
  String: 'VARCHAR', Int: 'INTEGER', Long: 'BIGINT', Float: 'DOUBLE', Decimal: 'DECIMAL(38,0)', Boolean: 'BOOLEAN', Date: 'DATE', Time: 'TIME',
  DateTime: 'TIMESTAMPTZ', LocalDateTime: 'TIMESTAMP', UUID: 'UUID', Bytes: 'BLOB', JSON: 'JSON',
}

const numbers = { integer: 'BIGINT', huge: 'HUGEINT', fraction: 'DOUBLE' } as const

/** Values travel to DuckDB as text and are cast there, so that none passes through a JavaScript number on the way. */
export const duckDialect: FilterDialect = {
  operand: (column, value, bind) => fromText(column.type, value, bind(textOf(value))),
  ordered: column => column.expression,
  among(column, values, bind) {
    if (values.length <= 32) return `${column.expression} IN (${values.map(value => (value === null ? 'NULL' : fromText(column.type, value, bind(textOf(value))))).join(', ')})`
    return `${column.expression} IN (SELECT ${castColumn(column.type, values, 'v')} FROM (SELECT unnest(from_json(${bind(JSON.stringify(values.map(textOf)))}, '["VARCHAR"]')) AS v))`
  },
  like: (text, pattern, bind) => `${text} LIKE ${bind(pattern)}`,
  startsWith: (text, prefix, bind) => `starts_with(${text}, ${bind(prefix)})`,
  text: column => (column.type === 'String' ? column.expression : `CAST(${column.expression} AS VARCHAR)`),
}

/** `text` read as a value of the column's type: for one value its own narrowest type, so that an out-of-range number compares rather than fails. */
function fromText(type: ColumnType, value: Present, text: string): string {
  switch (type) {
    case 'String':
      return `CAST(${text} AS VARCHAR)`
    case 'Bytes':
      return `from_base64(${text})`
    case 'Int':
    case 'Long':
      return `CAST(${text} AS ${numbers[numberKind(value)]})`
    case 'Decimal':
      return `CAST(${text} AS ${decimalType([value])})`
    default:
      return `TRY_CAST(${text} AS ${duckTypes[type]})`
  }
}

/** A column of texts read as values of the type, wide enough for every one of them. */
export function castColumn(type: ColumnType, values: readonly Value[], text: string): string {
  if (type === 'String') return text
  if (type === 'Bytes') return `from_base64(${text})`
  if (type === 'Decimal') return `TRY_CAST(${text} AS ${decimalType(values)})`
  if (type !== 'Int' && type !== 'Long') return `TRY_CAST(${text} AS ${duckTypes[type]})`
  const kinds = new Set(values.map(value => (value === null ? 'integer' : numberKind(value))))
  return `TRY_CAST(${text} AS ${kinds.has('fraction') ? 'DOUBLE' : kinds.has('huge') ? 'HUGEINT' : 'BIGINT'})`
}

export function textOf(value: Value): string | null {
  return value === null ? null : String(value)
}

function decimalType(values: readonly Value[]): string {
  const parts = values.map(value => /^[+-]?(\d+)(?:\.(\d*))?$/.exec(String(value ?? '0')))
  const scale = Math.min(37, Math.max(0, ...parts.map(part => part?.[2]?.length ?? 0)))
  const whole = Math.max(1, ...parts.map(part => part?.[1]?.length ?? 1))
  return `DECIMAL(${Math.min(38, whole + scale)},${scale})`
}
