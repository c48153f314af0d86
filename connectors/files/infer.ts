import type { ColumnType } from '../../schema/values.ts'

/** What one value can be, as bits that are or-ed over a column. */
const kind = { integer: 1, fraction: 2, boolean: 4, date: 8, localDateTime: 16, dateTime: 32, text: 64, nested: 128 } as const

const fractionPattern = String.raw`-?(0|[1-9][0-9]*)?\.[0-9]+([eE][+-]?[0-9]{1,3})?|-?(0|[1-9][0-9]*)(\.[0-9]*)?[eE][+-]?[0-9]{1,3}`
const timePattern = String.raw`[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?`

/** One raw column: `text` is SQL for its value as text; `jsonType`, for values that come from JSON, SQL for their json_type. */
export interface RawColumn {
  readonly text: string
  readonly jsonType?: string
}

/**
 * SQL for the kinds met in a column, 0 where it holds nothing but nulls. A number is one only in the way it would be written back: `007`, `+5` and numbers with
 * blanks around them are text. Dates and times are ISO 8601. In csv an empty text says nothing about the type.
 */
export function kindsSql(column: RawColumn): string {
  const { text } = column
  const timeKinds = `WHEN regexp_full_match(${text}, '[0-9]{4}-[0-9]{2}-[0-9]{2}') AND TRY_CAST(${text} AS DATE) IS NOT NULL THEN ${kind.date}
    WHEN regexp_full_match(${text}, '${timePattern}') AND TRY_CAST(${text} AS TIMESTAMP) IS NOT NULL THEN ${kind.localDateTime}
    WHEN regexp_full_match(${text}, '${timePattern}(Z|[+-][0-9]{2}:[0-9]{2})') AND TRY_CAST(${text} AS TIMESTAMPTZ) IS NOT NULL THEN ${kind.dateTime}`
  if (column.jsonType) {
    return `bit_or(CASE WHEN ${text} IS NULL THEN 0
    WHEN ${column.jsonType} IN ('BIGINT', 'UBIGINT', 'HUGEINT', 'UHUGEINT') THEN ${kind.integer}
    WHEN ${column.jsonType} = 'DOUBLE' THEN ${kind.fraction}
    WHEN ${column.jsonType} = 'BOOLEAN' THEN ${kind.boolean}
    WHEN ${column.jsonType} IN ('OBJECT', 'ARRAY') THEN ${kind.nested}
    ${timeKinds}
    ELSE ${kind.text} END)`
  }
  return `bit_or(CASE WHEN ${text} IS NULL OR ${text} = '' THEN 0
    WHEN regexp_full_match(${text}, '-?(0|[1-9][0-9]{0,37})') THEN ${kind.integer}
    WHEN regexp_full_match(${text}, '${fractionPattern}') AND isfinite(TRY_CAST(${text} AS DOUBLE)) THEN ${kind.fraction}
    WHEN lower(${text}) IN ('true', 'false') THEN ${kind.boolean}
    ${timeKinds}
    ELSE ${kind.text} END)`
}

/** Whether further values cannot change the type any more. */
export function isSettled(kinds: number, column: RawColumn): boolean {
  return column.jsonType ? typeOfKinds(kinds) === 'JSON' : kinds !== 0 && typeOfKinds(kinds) === 'String'
}

/** The one type that holds every value of these kinds; integers may still turn out to need Long or Decimal. */
export function typeOfKinds(kinds: number): ColumnType {
  if ((kinds & kind.nested) !== 0) return 'JSON'
  switch (kinds) {
    case kind.integer:
      return 'Int'
    case kind.fraction:
    case kind.integer | kind.fraction:
      return 'Float'
    case kind.boolean:
      return 'Boolean'
    case kind.date:
      return 'Date'
    case kind.localDateTime:
      return 'LocalDateTime'
    case kind.dateTime:
      return 'DateTime'
    default:
      return 'String'
  }
}

/** The narrowest integral type between two bounds. */
export function integerType(least: bigint, most: bigint): ColumnType {
  if (BigInt.asIntN(32, least) === least && BigInt.asIntN(32, most) === most) return 'Int'
  if (BigInt.asIntN(64, least) === least && BigInt.asIntN(64, most) === most) return 'Long'
  return 'Decimal'
}
