import { types } from 'cassandra-driver'
import { type Column, type ColumnType, type Json, toLong, type Value } from '../../schema/values.ts'

type Present = Exclude<Value, null>

/** A type of CQL in the product's terms. */
interface CqlType {
  readonly type: ColumnType
  /** From what the driver decoded; null for what has no canonical form. */
  readonly read: (decoded: unknown) => Value
  /** To what the driver encodes; undefined for a value the type does not have. Absent: equal values may be stored in several ways, so that Cassandra cannot look for them. */
  readonly bind?: (value: Present) => unknown
  /** Cassandra orders values as the product does. */
  readonly ordered?: true
}

export interface CqlColumn extends Column {
  readonly cql: CqlType
}

const asText = (decoded: unknown): string => String(decoded)

const text: CqlType = { type: 'String', read: asText, bind: value => (String(value).isWellFormed() && Buffer.byteLength(String(value)) <= longestKey ? String(value) : undefined) }
const integer = (type: 'Int' | 'Long', bits: number): CqlType => ({
  type, ordered: true,
  read: decoded => toLong(decoded as number | bigint),
  bind: value => {
    const exact = wholeNumber(value)
    if (exact === undefined || BigInt.asIntN(bits, exact) !== exact) return undefined
    return bits === 64 ? exact : Number(exact)
  },
})
const finite = (decoded: unknown): Value => (Number.isFinite(decoded) ? (decoded as number) : null)

/** By the name in system_schema. Floats have two zeros, decimals a scale: neither is looked for. */
const scalars: Readonly<Record<string, CqlType>> = {
  ascii: text, text, varchar: text, inet: { type: 'String', read: asText, bind: value => parsed(() => types.InetAddress.fromString(String(value))) }, duration: { type: 'String', read: asText },
  tinyint: integer('Int', 8), smallint: integer('Int', 16), int: integer('Int', 32), bigint: integer('Long', 64), counter: integer('Long', 64),
  varint: { type: 'Decimal', read: asText, bind: value => wholeNumber(value), ordered: true },
  decimal: { type: 'Decimal', read: decoded => plainDecimal(decoded as types.BigDecimal) },
  double: { type: 'Float', read: finite },
  float: { type: 'Float', read: decoded => (Number.isFinite(decoded) ? asWritten(decoded as number) : null) },
  boolean: { type: 'Boolean', read: decoded => decoded === true, bind: value => (String(value) === 'true' ? true : String(value) === 'false' ? false : undefined) },
  uuid: { type: 'UUID', read: asText, bind: value => parsed(() => types.Uuid.fromString(String(value))) },
  timeuuid: { type: 'UUID', read: asText, bind: value => parsed(() => types.TimeUuid.fromString(String(value))) },
  blob: { type: 'Bytes', read: decoded => (decoded as Buffer).toString('base64'), bind: value => { const bytes = Buffer.from(String(value), 'base64'); return bytes.length <= longestKey ? bytes : undefined } },
  timestamp: { type: 'DateTime', ordered: true, read: decoded => instantText(decoded as Date), bind: instantOf },
  date: { type: 'Date', ordered: true, read: decoded => dateText(decoded as types.LocalDate), bind: value => (isDay(String(value)) ? types.LocalDate.fromString(String(value)) : undefined) },
  time: { type: 'Time', ordered: true, read: decoded => withoutZeros(String(decoded)), bind: value => parsed(() => (/\.\d{10,}/.test(String(value)) ? undefined : types.LocalTime.fromString(String(value)))) },
}

/** Collections, tuples, vectors and user-defined types. */
const nested: CqlType = { type: 'JSON', read: jsonOf }

/** Digits a scale may ask for; a few bytes can ask for two thousand million. */
const longestScale = 10_000

/** Bytes of a partition key, at most. */
const longestKey = 65_535

/** Of a type's name as system_schema writes it: `frozen<map<text, int>>`. */
export function cqlType(name: string): CqlType {
  return scalars[name] ?? nested
}

function wholeNumber(value: Present): bigint | undefined {
  const written = String(value)
  if (/^-?\d+(\.0*)?$/.test(written)) return BigInt(written.replace(/\..*/, ''))
  return Number.isSafeInteger(Number(written)) ? BigInt(Number(written)) : undefined
}

function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch {
    return undefined // no value of the type, so that no row has it
  }
}

/** Digits as they are stored, exponents written out. Of the encoded form, int32 scale and integer: as text the driver loses the zeros of a scale below 0. */
function plainDecimal(decoded: types.BigDecimal): string | null {
  const encoded = types.BigDecimal.toBuffer(decoded)
  const scale = encoded.readInt32BE(0)
  if (Math.abs(scale) > longestScale) return null
  const unscaled = BigInt.asIntN(8 * (encoded.length - 4), BigInt(`0x${encoded.toString('hex', 4)}`))
  if (scale <= 0) return String(unscaled * 10n ** BigInt(-scale))
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/** The shortest number of which this one is the nearest float of 32 bits: 0.1, not 0.10000000149011612. */
function asWritten(single: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(single.toPrecision(digits))
    if (Math.fround(short) === single) return short
  }
  return Number(single.toPrecision(9))
}

function instantText(instant: Date): string | null {
  const year = instant.getUTCFullYear()
  return year >= 0 && year <= 9999 ? `${withoutZeros(instant.toISOString().slice(0, -1))}Z` : null
}

/** To the millisecond; an instant between two is of no row. */
function instantOf(value: Present): Date | undefined {
  const match = /^(.*?)(?:\.(\d+))?Z$/.exec(String(value))
  if (!match || /[1-9]/.test((match[2] ?? '').slice(3))) return undefined
  const instant = new Date(`${match[1]}.${(match[2] ?? '').padEnd(3, '0').slice(0, 3)}Z`)
  return Number.isNaN(instant.getTime()) ? undefined : instant
}

function dateText(decoded: types.LocalDate): string | null {
  const written = decoded.toString()
  return isDay(written) ? written : null
}

function isDay(written: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(written) && !Number.isNaN(Date.parse(`${written}T00:00:00Z`)) && new Date(`${written}T00:00:00Z`).toISOString().startsWith(written)
}

function withoutZeros(time: string): string {
  return time.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '')
}

/** What the driver decoded, whatever it is, as JSON: values inside as columns of their types show them, integers beyond 2^53 as text. */
function jsonOf(decoded: unknown): Json {
  if (decoded === null || decoded === undefined) return null
  if (typeof decoded === 'string' || typeof decoded === 'boolean') return decoded
  if (typeof decoded === 'number') return Number.isFinite(decoded) ? decoded : null
  if (typeof decoded === 'bigint') return Number.isSafeInteger(Number(decoded)) ? Number(decoded) : String(decoded)
  if (Array.isArray(decoded)) return decoded.map(jsonOf)
  if (decoded instanceof Set) return [...decoded].map(jsonOf)
  if (decoded instanceof Map) return Object.fromEntries([...decoded].map(([key, value]) => [keyOf(key), jsonOf(value)]))
  if (Buffer.isBuffer(decoded)) return decoded.toString('base64')
  if (decoded instanceof Date) return instantText(decoded)
  if (decoded instanceof types.LocalDate) return dateText(decoded)
  if (decoded instanceof types.LocalTime) return withoutZeros(decoded.toString())
  if (decoded instanceof types.BigDecimal) return plainDecimal(decoded)
  if (decoded instanceof types.Tuple) return decoded.values().map(jsonOf)
  if (decoded instanceof types.Vector) return [...decoded].map(jsonOf)
  if (decoded instanceof types.Uuid || decoded instanceof types.InetAddress || decoded instanceof types.Duration) return decoded.toString()
  return Object.fromEntries(Object.entries(decoded).map(([name, value]) => [name, jsonOf(value)]))
}

function keyOf(key: unknown): string {
  const json = jsonOf(key)
  return typeof json === 'string' ? json : JSON.stringify(json)
}
