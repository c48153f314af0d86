import type { ColumnType, Json, Value } from '../../schema/values.ts'
import { toLong } from '../../schema/values.ts'
import { parseWithTexts } from '../../schema/exact-json.ts'
import { instantOf, localOf, timeOf } from './times.ts'

/** A type as Trino's protocol tells it with every column. */
export interface TypeSignature {
  readonly rawType: string
  readonly arguments?: readonly TypeArgument[]
}

export type TypeArgument =
  | { readonly kind: 'TYPE'; readonly value: TypeSignature }
  | { readonly kind: 'NAMED_TYPE'; readonly value: { readonly fieldName?: { readonly name: string } | null; readonly typeSignature: TypeSignature } }
  | { readonly kind: 'LONG'; readonly value: number }

/** Column type of a result and how its values, never null, become canonical. */
export interface Reader {
  readonly type: ColumnType
  readonly read: (value: Json) => Value
}

export function readerOf(type: TypeSignature): Reader {
  if (Object.hasOwn(nested, type.rawType)) {
    const read = jsonReader(type)
    return { type: 'JSON', read: value => read(value) as Value }
  }
  return (Object.hasOwn(readers, type.rawType) ? readers[type.rawType] : undefined) ?? text
}

const text: Reader = { type: 'String', read: String }
const whole: Reader = { type: 'Int', read: value => value as number }
const double: Reader = { type: 'Float', read: value => (typeof value === 'number' ? value : null) }
const bytes: Reader = { type: 'Bytes', read: value => value as string }

/** Readers by Trino's name of the type; the names that are missing (varchar, char, intervals, addresses, times with a zone, geometries …) are read as Trino's text. */
const readers: Readonly<Record<string, Reader>> = {
  boolean: { type: 'Boolean', read: value => value as boolean },
  tinyint: whole,
  smallint: whole,
  integer: whole,
  bigint: { type: 'Long', read: value => (typeof value === 'number' ? value : toLong(BigInt(value as string))) },
  real: double,
  // NaN and the infinities come as texts.
  double,
  decimal: { type: 'Decimal', read: value => value as string },
  date: { type: 'Date', read: value => value as string },
  time: { type: 'Time', read: value => timeOf(value as string) },
  timestamp: { type: 'LocalDateTime', read: value => localOf(value as string) },
  'timestamp with time zone': { type: 'DateTime', read: value => instantOf(value as string) },
  uuid: { type: 'UUID', read: value => value as string },
  json: { type: 'JSON', read: value => parseWithTexts(value as string) as Value },
  varbinary: bytes,
  HyperLogLog: bytes,
  P4HyperLogLog: bytes,
  SetDigest: bytes,
  qdigest: bytes,
  tdigest: bytes,
}

const nested: Readonly<Record<string, (type: TypeSignature) => (value: Json) => Json>> = {
  array: type => {
    const item = jsonReader(argument(type, 0))
    return value => (value as readonly Json[]).map(item)
  },
  map: type => {
    const item = jsonReader(argument(type, 1))
    return value => Object.fromEntries(Object.entries(value as { readonly [name: string]: Json }).map(([key, member]) => [key, item(member)]))
  },
  row: type => {
    const fields = (type.arguments ?? []).map((field, index) => ({ name: (field.kind === 'NAMED_TYPE' ? field.value.fieldName?.name : undefined) ?? `field${index}`, read: jsonReader(argument(type, index)) }))
    return value => Object.fromEntries(fields.map(({ name, read }, index) => [name, read((value as readonly Json[])[index] ?? null)]))
  },
}

/** How a value inside an array, map or row becomes JSON: a bigint beyond 2^53 its text, null itself. */
function jsonReader(type: TypeSignature): (value: Json) => Json {
  const inner = Object.hasOwn(nested, type.rawType) ? nested[type.rawType]?.(type) : undefined
  const { read } = inner ? { read: inner } : readerOf(type)
  return value => {
    if (value === null) return null
    const canonical = read(value)
    return typeof canonical === 'bigint' ? String(canonical) : canonical
  }
}

function argument(type: TypeSignature, index: number): TypeSignature {
  const found = type.arguments?.[index]
  if (found?.kind === 'TYPE') return found.value
  if (found?.kind === 'NAMED_TYPE') return found.value.typeSignature
  throw new RangeError(`The type ${type.rawType} has no type argument ${index}.`)
}
