/**
 * Types a column can have, the same in the catalog, in SDL and in every engine's mapping.
 * How a value of each type stands in a row (the canonical form, one text per value, so that `===` is equality):
 *   String, UUID, JSON*   string as is; UUID in lower case
 *   Int                   number, 32 bit signed
 *   Long                  number while it is a safe integer, else bigint
 *   Float                 finite number; NaN and infinities become null
 *   Decimal               string as the engine prints it: `-12.50`
 *   Boolean               boolean
 *   Date                  `2024-01-31`
 *   Time                  `23:59:59.123`, no trailing zeros in the fraction
 *   DateTime              an instant in UTC: `2024-01-31T23:59:59.123456Z`, no trailing zeros in the fraction
 *   LocalDateTime         the same without zone: `2024-01-31T23:59:59`
 *   Bytes                 base64
 *   JSON                  any JSON value: objects, arrays, maps and structs of the engines
 * A missing value is null, never undefined.
 */
export const columnTypes = ['String', 'Int', 'Long', 'Float', 'Decimal', 'Boolean', 'Date', 'Time', 'DateTime', 'LocalDateTime', 'UUID', 'Bytes', 'JSON'] as const
export type ColumnType = (typeof columnTypes)[number]

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }
export type Value = null | boolean | number | bigint | string | readonly Json[] | { readonly [name: string]: Json }

/** One record: canonical values by column name, as the source spells the column. Rows are never changed after they were handed over. */
export type Row = Readonly<Record<string, Value>>

export interface Column {
  /** As the source or the SQL spells it: `mean_delay_minutes`. */
  readonly name: string
  readonly type: ColumnType
  readonly nullable: boolean
  readonly description?: string
}

/** A moment of a clock as a DateTime in its canonical form. */
export function instant(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.?0+Z$/, 'Z')
}

/** A Long in its canonical form. */
export function toLong(value: bigint | number): number | bigint {
  if (typeof value === 'number') return value
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value
}

/**
 * Order of two canonical values of one type, neither null: negative, 0, positive. Strings, as everywhere in the product, by UTF-16 code unit;
 * numbers by value (a Decimal exactly); JSON by its text.
 */
export function compareValues(type: ColumnType, a: Value, b: Value): number {
  if (a === b) return 0
  switch (type) {
    case 'Decimal':
      return compareDecimals(String(a), String(b))
    case 'DateTime':
      return order(String(a).slice(0, -1), String(b).slice(0, -1))
    case 'JSON':
      return order(JSON.stringify(a), JSON.stringify(b))
    default:
      return order(a as string, b as string)
  }
}

function order<T extends string | number | bigint | boolean>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Digits behind the point of a decimal's text. */
export function scaleOf(decimal: string): number {
  const point = decimal.indexOf('.')
  return point < 0 ? 0 : decimal.length - point - 1
}

/** Exact order of two decimal texts, whatever their scales. */
function compareDecimals(a: string, b: string): number {
  const [, signA, wholeA, fractionA] = decimalParts(a)
  const [, signB, wholeB, fractionB] = decimalParts(b)
  const scale = Math.max(fractionA.length, fractionB.length)
  const scaledA = BigInt(signA + wholeA + fractionA.padEnd(scale, '0'))
  const scaledB = BigInt(signB + wholeB + fractionB.padEnd(scale, '0'))
  return order(scaledA, scaledB)
}

function decimalParts(text: string): [string, string, string, string] {
  const match = /^([+-]?)(\d+)(?:\.(\d*))?$/.exec(text)
  if (!match) throw new RangeError(`"${text}" is not a decimal.`)
  return [text, match[1] === '-' ? '-' : '', match[2] ?? '0', match[3] ?? '']
}
