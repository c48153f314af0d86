import { HubError } from '../../../schema/errors.ts'
import type { Json, Value } from '../../../schema/values.ts'
import { code } from './codes.ts'
import { readDecimal, writeDecimal } from './decimal.ts'
import type { Reader } from './reader.ts'
import { readJavaDate, readSqlDate, readTime, readTimestamp, writeSqlDate, writeTime, writeTimestamp } from './times.ts'
import { readUuid, writeUuid } from './uuid.ts'
import type { Writer } from './writer.ts'

/**
 * Types a field, a key or an SQL argument can be declared with. The declared type picks the code on the wire, never the JavaScript type:
 * a value with another code than its column's is accepted by a put and breaks every later SELECT.
 *   json, instant, dateTime   texts of ours in VARCHAR: JSON text; `2024-01-31 23:59:59.123`, in UTC for an instant, without zone for a dateTime
 */
export interface ValueType {
  readonly code: number
  /** In the field list of a type's registration; differs from the code only for DATE. */
  readonly metadataCode: number
  /** The class in a query entity, which makes the SQL column. */
  readonly java: string
  /** The bare value, not null, behind its type byte. */
  write(writer: Writer, value: Value): void
  /** From what `readValue` gave; absent: as it is. */
  fromText?(text: string): Value
}

const text = (value: Value) => {
  if (typeof value === 'string') return value
  throw new HubError('VALIDATION_ERROR', `${printable(value)} is not a text.`)
}

const number = (value: Value, low: number, high: number) => {
  if (typeof value === 'number' && value >= low && value <= high && Number.isInteger(value)) return value
  throw new HubError('VALIDATION_ERROR', `${printable(value)} is not a whole number from ${low} to ${high}.`)
}

const float = (value: Value) => {
  if (typeof value === 'number') return value
  throw new HubError('VALIDATION_ERROR', `${printable(value)} is not a number.`)
}

const long = (value: Value) => {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) return value
  throw new HubError('VALIDATION_ERROR', `${printable(value)} is not a whole number of 64 bits.`)
}

function writeText(writer: Writer, value: string): void {
  writer.room(4 + value.length * 3)
  const size = writer.buffer.write(value, writer.at + 4, 'utf8')
  writer.at = writer.buffer.writeInt32LE(size, writer.at) + size
}

function writeBytes(writer: Writer, base64: string): void {
  const bytes = Buffer.from(base64, 'base64')
  writer.i32(bytes.length)
  writer.raw(bytes)
}

function define(wire: number, java: string, write: ValueType['write'], more: Partial<ValueType> = {}): ValueType {
  return { code: wire, metadataCode: wire, java, write, ...more }
}

const string = 'java.lang.String'

export const valueTypes = {
  byte: define(code.byte, 'java.lang.Byte', (writer, value) => writer.u8(number(value, -128, 127) & 0xff)),
  short: define(code.short, 'java.lang.Short', (writer, value) => writer.i16(number(value, -(2 ** 15), 2 ** 15 - 1))),
  int: define(code.int, 'java.lang.Integer', (writer, value) => writer.i32(number(value, -(2 ** 31), 2 ** 31 - 1))),
  long: define(code.long, 'java.lang.Long', (writer, value) => writer.i64(long(value))),
  float: define(code.float, 'java.lang.Float', (writer, value) => writer.f32(float(value))),
  double: define(code.double, 'java.lang.Double', (writer, value) => writer.f64(float(value))),
  boolean: define(code.boolean, 'java.lang.Boolean', (writer, value) => writer.bool(value === true)),
  string: define(code.string, string, (writer, value) => writeText(writer, text(value))),
  uuid: define(code.uuid, 'java.util.UUID', (writer, value) => writeUuid(writer, text(value))),
  bytes: define(code.bytes, '[B', (writer, value) => writeBytes(writer, text(value))),
  decimal: define(code.decimal, 'java.math.BigDecimal', (writer, value) => writeDecimal(writer, text(value))),
  date: define(code.optimizedObject, 'java.sql.Date', (writer, value) => writeSqlDate(writer, text(value)), { metadataCode: code.binaryObject }),
  timestamp: define(code.timestamp, 'java.sql.Timestamp', (writer, value) => writeTimestamp(writer, text(value))),
  time: define(code.time, 'java.sql.Time', (writer, value) => writeTime(writer, text(value))),
  json: define(code.string, string, (writer, value) => writeText(writer, JSON.stringify(value)), { fromText: value => JSON.parse(value) as Json }),
  instant: define(code.string, string, (writer, value) => writeText(writer, text(value).slice(0, -1).replace('T', ' ')), { fromText: value => `${value.replace(' ', 'T')}Z` }),
  dateTime: define(code.string, string, (writer, value) => writeText(writer, text(value).replace('T', ' ')), { fromText: value => value.replace(' ', 'T') }),
} as const satisfies Record<string, ValueType>

export type ValueTypeName = keyof typeof valueTypes

/** A value with its type byte. */
export function writeValue(writer: Writer, type: ValueType, value: Value | undefined): void {
  if (value === null || value === undefined) {
    writer.u8(code.null)
    return
  }
  writer.u8(type.code)
  type.write(writer, value)
}

const readers: Partial<Record<number, (reader: Reader) => Value>> = {
  [code.null]: () => null,
  [code.byte]: reader => (reader.u8() << 24) >> 24,
  [code.short]: reader => reader.i16(),
  [code.int]: reader => reader.i32(),
  [code.long]: reader => reader.long(),
  [code.float]: reader => reader.f32(),
  [code.double]: reader => reader.f64(),
  [code.char]: reader => String.fromCharCode(reader.i16() & 0xffff),
  [code.boolean]: reader => reader.bool(),
  [code.string]: reader => reader.utf8(reader.i32()),
  [code.uuid]: readUuid,
  [code.javaDate]: readJavaDate,
  [code.bytes]: reader => reader.bytes(reader.i32()).toString('base64'),
  [code.decimal]: readDecimal,
  [code.timestamp]: readTimestamp,
  [code.time]: readTime,
  [code.optimizedObject]: readSqlDate,
}

/** Whatever value comes next, by its type byte, in the canonical form of the nearest column type; bytes as base64. */
export function readValue(reader: Reader): Value {
  const type = reader.u8()
  // The commonest first: a look-up in a table costs more than the value.
  if (type === code.string) return reader.utf8(reader.i32())
  if (type === code.int) return reader.i32()
  if (type === code.double) return reader.f64()
  const read = readers[type]
  if (read) return read(reader)
  if (type === code.binaryObject || type === code.binaryObjectWrapped) throw new HubError('UPSTREAM_REJECTED', 'Ignite answered a whole binary object where a column was expected. Name the columns instead of _KEY and _VAL.')
  throw new HubError('UPSTREAM_REJECTED', `Ignite answered a value of type code ${type}, which no column type of ours has.`)
}

function printable(value: Value): string {
  return typeof value === 'bigint' ? `${value}` : JSON.stringify(value)
}
