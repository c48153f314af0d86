import {
  BIGINT, BLOB, BOOLEAN, DATE, DECIMAL, DOUBLE, type DuckDBBlobValue, type DuckDBDateValue, DuckDBDecimalValue, type DuckDBIntervalValue, DuckDBListValue, DuckDBMapValue, DuckDBStructValue,
  type DuckDBType, DuckDBTypeId, type DuckDBValue, DuckDBVarCharType, INTEGER, TIME, TIMESTAMP, TIMESTAMPTZ, UUID, VARCHAR, blobValue, dateValue, timeValue, timestampTZValue,
  timestampValue, uuidValue,
} from '@duckdb/node-api'
import { type ColumnType, type Json, toLong, type Value } from '../../schema/values.ts'
import { parseWithTexts } from '../../schema/exact-json.ts'

/** Digits a Decimal may have. */
export const decimalWidth = 38
export const jsonType = DuckDBVarCharType.create('JSON')

/** DuckDB's type of a column; a Decimal's scale is that of its values. */
export function duckType(type: ColumnType, scale = 0): DuckDBType {
  return type === 'Decimal' ? DECIMAL(decimalWidth, scale) : duckTypes[type]
}

const duckTypes: Record<Exclude<ColumnType, 'Decimal'>, DuckDBType> = {
  String: VARCHAR, Int: INTEGER, Long: BIGINT, Float: DOUBLE, Boolean: BOOLEAN, Date: DATE, Time: TIME, DateTime: TIMESTAMPTZ, LocalDateTime: TIMESTAMP, UUID: UUID, Bytes: BLOB, JSON: jsonType,
}

/** From a canonical value, never null, to DuckDB's; a Decimal to `scale` digits behind the point. */
export function toDuck(type: ColumnType, scale = 0): (value: Value) => DuckDBValue {
  return type === 'Decimal' ? value => new DuckDBDecimalValue(unscaled(String(value), scale), decimalWidth, scale) : writers[type]
}

const writers: Record<Exclude<ColumnType, 'Decimal'>, (value: Value) => DuckDBValue> = {
  String: value => String(value),
  Int: value => Number(value),
  Long: value => BigInt(value as bigint),
  Float: value => Number(value),
  Boolean: value => value === true,
  Date: value => dateValue(Date.parse(`${String(value)}T00:00:00Z`) / 86_400_000),
  Time: value => timeValue(toMicros(`1970-01-01T${String(value)}`)),
  DateTime: value => timestampTZValue(toMicros(String(value).replace(/Z$/, ''))),
  LocalDateTime: value => timestampValue(toMicros(String(value))),
  UUID: value => uuidValue(BigInt(`0x${String(value).replaceAll('-', '')}`)),
  Bytes: value => blobValue(Buffer.from(String(value), 'base64')),
  JSON: value => JSON.stringify(value),
}

function unscaled(decimal: string, scale: number): bigint {
  const [whole = '0', fraction = ''] = decimal.split('.')
  return BigInt(whole + fraction.padEnd(scale, '0'))
}

function toMicros(text: string): bigint {
  const [seconds = '', fraction = ''] = text.split('.')
  return BigInt(Date.parse(`${seconds}Z`)) * 1000n + BigInt(fraction.padEnd(6, '0').slice(0, 6) || '0')
}

/** Column type of a result and how its values become canonical. */
export interface Reader {
  readonly type: ColumnType
  readonly read: (value: DuckDBValue) => Value
}

export function readerOf(type: DuckDBType): Reader {
  if (type.typeId === DuckDBTypeId.VARCHAR && type.alias === 'JSON') return { type: 'JSON', read: value => parseWithTexts(String(value)) as Json & Value }
  return readers[type.typeId] ?? { type: 'String', read: String }
}

const whole: Reader = { type: 'Int', read: value => value as number }
const long: Reader = { type: 'Long', read: value => toLong(value as bigint | number) }
const json: Reader = { type: 'JSON', read: value => toJson(value) as Value }
const stamp = (unitsPerSecond: bigint, member: string): Reader => ({
  type: 'LocalDateTime',
  read: value => fromMicros(((value as unknown as Record<string, bigint>)[member] ?? 0n) * 1_000_000n / unitsPerSecond),
})

const readers: Readonly<Partial<Record<DuckDBTypeId, Reader>>> = {
  [DuckDBTypeId.BOOLEAN]: { type: 'Boolean', read: value => value as boolean },
  [DuckDBTypeId.TINYINT]: whole,
  [DuckDBTypeId.SMALLINT]: whole,
  [DuckDBTypeId.INTEGER]: whole,
  [DuckDBTypeId.UTINYINT]: whole,
  [DuckDBTypeId.USMALLINT]: whole,
  [DuckDBTypeId.UINTEGER]: long,
  [DuckDBTypeId.BIGINT]: long,
  [DuckDBTypeId.UBIGINT]: long,
  [DuckDBTypeId.HUGEINT]: long,
  [DuckDBTypeId.UHUGEINT]: long,
  [DuckDBTypeId.FLOAT]: { type: 'Float', read: value => shortest(value as number) },
  [DuckDBTypeId.DOUBLE]: { type: 'Float', read: value => (Number.isFinite(value) ? (value as number) : null) },
  [DuckDBTypeId.DECIMAL]: { type: 'Decimal', read: String },
  [DuckDBTypeId.DATE]: { type: 'Date', read: value => (value as DuckDBDateValue).toString() },
  [DuckDBTypeId.TIME]: { type: 'Time', read: value => fromMicros((value as { micros: bigint }).micros).slice(11) },
  [DuckDBTypeId.TIMESTAMP]: stamp(1_000_000n, 'micros'),
  [DuckDBTypeId.TIMESTAMP_S]: stamp(1n, 'seconds'),
  [DuckDBTypeId.TIMESTAMP_MS]: stamp(1000n, 'millis'),
  [DuckDBTypeId.TIMESTAMP_NS]: stamp(1_000_000_000n, 'nanos'),
  [DuckDBTypeId.TIMESTAMP_TZ]: { type: 'DateTime', read: value => `${fromMicros((value as { micros: bigint }).micros)}Z` },
  [DuckDBTypeId.UUID]: { type: 'UUID', read: String },
  [DuckDBTypeId.BLOB]: { type: 'Bytes', read: value => Buffer.from((value as DuckDBBlobValue).bytes).toString('base64') },
  [DuckDBTypeId.INTERVAL]: { type: 'String', read: value => intervalText(value as DuckDBIntervalValue) },
  [DuckDBTypeId.LIST]: json,
  [DuckDBTypeId.ARRAY]: json,
  [DuckDBTypeId.MAP]: json,
  [DuckDBTypeId.STRUCT]: json,
  [DuckDBTypeId.UNION]: json,
}

/** The fewest digits that name the single-precision number. */
function shortest(value: number): number | null {
  if (!Number.isFinite(value)) return null
  for (let digits = 6; digits < 9; digits++) {
    const rounded = Number(value.toPrecision(digits))
    if (Math.fround(rounded) === value) return rounded
  }
  return value
}

/** `2024-01-31T23:59:59.123456`, without trailing zeros in the fraction. */
function fromMicros(micros: bigint): string {
  const below = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n
  const seconds = new Date(Number((micros - below) / 1000n)).toISOString().slice(0, -5)
  return below === 0n ? seconds : `${seconds}.${String(below).padStart(6, '0').replace(/0+$/, '')}`
}

/** As Trino writes intervals: `1-2` for years and months, `3 04:05:06.000` for days and below. */
function intervalText({ months, days, micros }: DuckDBIntervalValue): string {
  if (months !== 0) return `${months < 0 ? '-' : ''}${Math.trunc(Math.abs(months) / 12)}-${Math.abs(months) % 12}`
  const total = BigInt(days) * 86_400_000n + micros / 1000n
  const size = total < 0n ? -total : total
  const two = (value: bigint) => String(value).padStart(2, '0')
  const clock = [size / 3_600_000n % 24n, size / 60_000n % 60n, size / 1000n % 60n].map(two).join(':')
  return `${total < 0n ? '-' : ''}${size / 86_400_000n} ${clock}.${String(size % 1000n).padStart(3, '0')}`
}

/** Lists become arrays, structs and maps objects, numbers beyond 2^53 and other types their text. */
function toJson(value: DuckDBValue): Json {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  if (typeof value === 'bigint') {
    const number = toLong(value)
    return typeof number === 'number' ? number : String(number)
  }
  if (value instanceof DuckDBListValue) return value.items.map(toJson)
  if (value instanceof DuckDBStructValue) return Object.fromEntries(Object.entries(value.entries).map(([name, member]) => [name, toJson(member)]))
  if (value instanceof DuckDBMapValue) return Object.fromEntries(value.entries.map(entry => [String(entry.key), toJson(entry.value)]))
  return nestedText(value)
}

function nestedText(value: object): string {
  if ('bytes' in value) return Buffer.from(value.bytes as Uint8Array).toString('base64')
  if ('micros' in value && value.constructor.name === 'DuckDBTimestampTZValue') return `${fromMicros(value.micros as bigint)}Z`
  if ('micros' in value && value.constructor.name === 'DuckDBTimestampValue') return fromMicros(value.micros as bigint)
  return String(value)
}
