import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from 'graphql'
import { decimalDigits, digitsOf } from './decimal.ts'
import { HubError } from './errors.ts'
import { toLong, type ColumnType, type Json, type Value } from './values.ts'

/** A JSON value of a client (or of another subgraph) in the column type's canonical form. Throws BAD_USER_INPUT quoting the value and what the type takes. */
export function parseValue(type: ColumnType, input: unknown): Value {
  if (input === null || input === undefined) return null
  const value = parsers[type](input)
  if (value === undefined) throw new HubError('BAD_USER_INPUT', `${quote(input)} is not ${takes[type]}.`, { found: printable(input), expected: type })
  return value
}

/** A key's text, as an `ID` argument or an entry's name, in the canonical form of the key column. */
export function parseKeyText(type: ColumnType, text: unknown): Value {
  if (typeof text !== 'string') return parseValue(type, text)
  switch (type) {
    case 'Int':
    case 'Float': {
      const value = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text) ? Number(text) : text
      return parseValue(type, parsers[type](value) === undefined ? text : value)
    }
    case 'Boolean':
      return parseValue(type, text === 'true' ? true : text === 'false' ? false : text)
    default:
      return parseValue(type, text)
  }
}

const takes: Record<ColumnType, string> = {
  String: 'a text',
  Int: 'a whole number of 32 bits',
  Long: 'a whole number of 64 bits, as a number or a text of digits',
  Float: 'a finite number',
  Decimal: 'a decimal number of at most 38 digits, as a number or a text such as "12.50"',
  Boolean: 'true or false',
  Date: 'a date such as "2024-01-31"',
  Time: 'a time of day such as "23:59:59.5"',
  DateTime: 'a time with its zone such as "2024-01-31T23:59:59Z" (RFC 3339)',
  LocalDateTime: 'a date with a time and no zone such as "2024-01-31T23:59:59"',
  UUID: 'a UUID such as "123e4567-e89b-12d3-a456-426614174000"',
  Bytes: 'base64 text',
  JSON: 'a JSON value',
}

/** Per type: the canonical value, or undefined for what the type does not take. */
const parsers: Record<ColumnType, (input: unknown) => Value | undefined> = {
  String: input => (typeof input === 'string' ? input : undefined),
  Int: input => (typeof input === 'number' && Number.isInteger(input) && input >= -(2 ** 31) && input < 2 ** 31 ? input : undefined),
  Long: parseLong,
  Float: input => (typeof input === 'number' && Number.isFinite(input) ? input : undefined),
  Decimal: input => {
    const text = typeof input === 'number' || typeof input === 'bigint' ? plain(input) : input
    return typeof text === 'string' && /^-?\d+(\.\d+)?$/.test(text) && digitsOf(text) <= decimalDigits ? text : undefined
  },
  Boolean: input => (typeof input === 'boolean' ? input : undefined),
  Date: input => (typeof input === 'string' && isDate(input) ? input : undefined),
  Time: input => (typeof input === 'string' ? canonicalTime(input) : undefined),
  DateTime: input => (typeof input === 'string' ? canonicalInstant(input) : undefined),
  LocalDateTime: input => {
    const match = typeof input === 'string' ? /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)$/.exec(input) : null
    if (!match || !isDate(match[1] ?? '')) return undefined
    const time = canonicalTime(match[2] ?? '')
    return time === undefined ? undefined : `${match[1]}T${time}`
  },
  UUID: input => (typeof input === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(input) ? input.toLowerCase() : undefined),
  Bytes: input => (typeof input === 'string' && /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(input) ? input : undefined),
  JSON: input => input as Json,
}

function parseLong(input: unknown): Value | undefined {
  if (typeof input === 'number') return Number.isSafeInteger(input) ? input : undefined
  if (typeof input === 'bigint') return inLong(input)
  return typeof input === 'string' && /^-?\d{1,19}$/.test(input) ? inLong(BigInt(input)) : undefined
}

function inLong(value: bigint): Value | undefined {
  return value >= -(2n ** 63n) && value < 2n ** 63n ? toLong(value) : undefined
}

function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false
  const parsed = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(text)
}

function canonicalTime(text: string): string | undefined {
  const match = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,9}))?)?$/.exec(text)
  if (!match) return undefined
  const fraction = (match[4] ?? '').replace(/0+$/, '')
  return `${match[1]}:${match[2]}:${match[3] ?? '00'}${fraction ? `.${fraction}` : ''}`
}

function canonicalInstant(text: string): string | undefined {
  const match = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)([Zz]|[+-]\d{2}:\d{2})$/.exec(text)
  if (!match || !isDate(match[1] ?? '')) return undefined
  const time = canonicalTime(match[2] ?? '')
  if (time === undefined) return undefined
  const [seconds = '', fraction] = time.split('.')
  const instant = new Date(`${match[1]}T${seconds}${(match[3] ?? 'Z').toUpperCase()}`)
  // A zone beyond ±23:59, or an instant that in UTC is of another year than RFC 3339 can write.
  if (Number.isNaN(instant.getTime()) || instant.getUTCFullYear() < 0 || instant.getUTCFullYear() > 9999) return undefined
  return `${instant.toISOString().slice(0, 19)}${fraction ? `.${fraction}` : ''}Z`
}

/** A number without an exponent, or undefined where that would lose digits. */
function plain(value: number | bigint): string | undefined {
  const text = String(value)
  return text.includes('e') ? undefined : text
}

function printable(input: unknown): unknown {
  return typeof input === 'bigint' ? String(input) : input
}

function quote(input: unknown): string {
  const text = typeof input === 'bigint' ? String(input) : JSON.stringify(input) ?? String(input)
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}

const described: Partial<Record<ColumnType, string>> = {
  Long: 'A whole number of 64 bits. In answers a JSON number while it is safe in every client (below 2^53), else a text of digits; both are taken as input.',
  Decimal: 'An exact decimal number, as text: `"12.50"`.',
  Date: 'A calendar date: `2024-01-31`.',
  Time: 'A time of day without zone: `23:59:59.5`.',
  DateTime: 'An instant in UTC as RFC 3339 writes it: `2024-01-31T23:59:59Z`. Other zones are taken as input.',
  LocalDateTime: 'A date with a time of day and no zone: `2024-01-31T23:59:59`.',
  UUID: 'A UUID in lower case.',
  Bytes: 'Bytes as base64 text.',
  JSON: 'Any JSON value.',
}

/** Scalars beyond GraphQL's own five. Their values in rows are canonical already, so that answering one costs nothing; only a Long, or one inside of JSON, may be a bigint. */
export const scalars: readonly GraphQLScalarType[] = (Object.keys(described) as ColumnType[]).map(
  type =>
    new GraphQLScalarType({
      name: type,
      description: described[type],
      serialize: type === 'JSON' ? withoutBigints : withoutBigint,
      parseValue: value => take(type, value),
      parseLiteral: (node, variables) => take(type, type === 'Decimal' && (node.kind === Kind.INT || node.kind === Kind.FLOAT) ? node.value : literal(node, variables ?? {}), node),
    }),
)

/** Whether the scalar that serialises so answers the values of rows as they are, but a bigint as text. */
export function isVerbatim(serialize: unknown): boolean {
  return serialize === withoutBigint || serialize === withoutBigints
}

function withoutBigint(value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}

/** A JSON value as clients read it: integers beyond 2^53 as text, as the scalar Long writes them. What has none is answered as it is. */
export function withoutBigints(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  const members = Array.isArray(value) ? value : Object.values(value)
  if (!members.some(member => typeof member === 'bigint' || (typeof member === 'object' && member !== null))) return value
  return Array.isArray(value) ? value.map(withoutBigints) : Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withoutBigints(member)]))
}

function take(type: ColumnType, value: unknown, node?: ValueNode): Value {
  try {
    return parseValue(type, value)
  } catch (error) {
    if (error instanceof HubError) throw new GraphQLError(error.message, { nodes: node, extensions: { code: error.code } })
    throw error
  }
}

function literal(node: ValueNode, variables: Readonly<Record<string, unknown>>): unknown {
  switch (node.kind) {
    case Kind.INT:
      return Number.isSafeInteger(Number(node.value)) ? Number(node.value) : BigInt(node.value)
    case Kind.FLOAT:
      return Number(node.value)
    case Kind.STRING:
    case Kind.BOOLEAN:
    case Kind.ENUM:
      return node.value
    case Kind.NULL:
      return null
    case Kind.LIST:
      return node.values.map(value => literal(value, variables))
    case Kind.OBJECT:
      return Object.fromEntries(node.fields.map(field => [field.name.value, literal(field.value, variables)]))
    case Kind.VARIABLE:
      return variables[node.name.value] ?? null
  }
}
