import { HubError } from '../../../schema/errors.ts'
import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

/*
 * A DATE column holds java.sql.Date, for which the protocol has no code: the server serialises the object. Behind type byte 254: size int32 = 15,
 * seven bytes that name the class, then int64 milliseconds of midnight in the *server's* zone. Only a server whose JVM runs in UTC means the day that this client means.
 */
const sqlDateHead = Buffer.from([0x0f, 0, 0, 0, 0x66, 0x3a, 0xde, 0xd5, 0x40, 0x97, 0x66])
const dayMs = 86_400_000

/** Takes `2024-01-31`. */
export function writeSqlDate(writer: Writer, text: string): void {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  if (Number.isNaN(ms)) throw new HubError('VALIDATION_ERROR', `"${text}" is not a date such as "2024-01-31".`)
  writer.raw(sqlDateHead)
  writer.i64(ms)
}

/** The day in UTC, whatever the server's zone. */
export function readSqlDate(reader: Reader): string {
  const head = reader.bytes(sqlDateHead.length)
  if (!head.equals(sqlDateHead)) throw new HubError('UPSTREAM_REJECTED', 'Ignite answered a Java object that only Java can read. Store its fields as columns.')
  return isoDay(Number(reader.long()))
}

function isoDay(ms: number): string {
  return new Date(Math.floor(ms / dayMs) * dayMs).toISOString().slice(0, 10)
}

/** TIMESTAMP: int64 milliseconds since 1970, int32 nanoseconds within the millisecond. Reads as `2024-01-31T23:59:59.123456`, in UTC. */
export function readTimestamp(reader: Reader): string {
  const ms = Number(reader.long())
  return localDateTime(ms, reader.i32())
}

/** java.util.Date: int64 milliseconds since 1970. */
export function readJavaDate(reader: Reader): string {
  return localDateTime(Number(reader.long()), 0)
}

function localDateTime(ms: number, nanos: number): string {
  const whole = new Date(ms).toISOString().slice(0, 23)
  return (whole + String(nanos).padStart(6, '0')).replace(/\.?0*$/, '')
}

/** Takes `2024-01-31T23:59:59.123456`, in UTC, with at most nine digits of fraction. */
export function writeTimestamp(writer: Writer, text: string): void {
  const match = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?$/.exec(text)
  const seconds = match ? Date.parse(`${match[1]}Z`) : Number.NaN
  if (Number.isNaN(seconds)) throw new HubError('VALIDATION_ERROR', `"${text}" is not a time such as "2024-01-31T23:59:59.123".`)
  const fraction = (match?.[2] ?? '').padEnd(9, '0')
  writer.i64(seconds + Number(fraction.slice(0, 3)))
  writer.i32(Number(fraction.slice(3)))
}

/** TIME: int64 milliseconds of the day. Reads as `23:59:59.123`. */
export function readTime(reader: Reader): string {
  const ms = Number(reader.long())
  return localDateTime(((ms % dayMs) + dayMs) % dayMs, 0).slice(11)
}

export function writeTime(writer: Writer, text: string): void {
  const ms = /^\d{2}:\d{2}:\d{2}(\.\d{1,3})?$/.test(text) ? Date.parse(`1970-01-01T${text}Z`) : Number.NaN
  if (Number.isNaN(ms)) throw new HubError('VALIDATION_ERROR', `"${text}" is not a time of day such as "23:59:59.123".`)
  writer.i64(ms)
}
