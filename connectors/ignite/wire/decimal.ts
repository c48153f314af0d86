import { HubError } from '../../../schema/errors.ts'
import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

/*
 * A decimal behind its type byte: scale int32, size int32, then the unscaled value in `size` bytes, the most significant first: magnitude with the sign
 * in the top bit of the first byte (java.math.BigDecimal writes no two's complement here).
 */

const negative = 0x80

/** Takes plain decimal text such as `-12.50`; the digits behind the point become the scale, so that zeros at the end survive. */
export function writeDecimal(writer: Writer, text: string): void {
  const match = /^([+-]?)(\d+)(?:\.(\d*))?$/.exec(text)
  if (!match) throw new HubError('VALIDATION_ERROR', `"${text}" is not a decimal number such as "12.50".`)
  const fraction = match[3] ?? ''
  const bytes = magnitude((match[2] ?? '') + fraction)
  if (match[1] === '-' && bytes.some(byte => byte !== 0)) bytes[0]! |= negative
  writer.i32(fraction.length)
  writer.i32(bytes.length)
  writer.raw(bytes)
}

/** Big-endian, with the top bit of the first byte free. */
function magnitude(digits: string): Buffer {
  let hex = digits.length <= 15 ? Number(digits).toString(16) : BigInt(digits).toString(16)
  if (hex.length % 2 === 1) hex = `0${hex}`
  else if (hex.charCodeAt(0) > 0x37) hex = `00${hex}`
  return Buffer.from(hex, 'hex')
}

/** Reads a decimal of up to 6 bytes and 20 digits behind the point as a whole number and its scale. False: it is a larger one, and nothing was read. */
export function smallDecimal(reader: Reader, into: { unscaled: number; scale: number }): boolean {
  const { buffer, at } = reader
  const scale = buffer.readInt32LE(at)
  const size = buffer.readInt32LE(at + 4)
  if (size > 6 || scale < 0 || scale > 20) return false
  const first = buffer[at + 8] ?? 0
  let value = first & ~negative
  for (let index = 1; index < size; index++) value = value * 256 + (buffer[at + 8 + index] ?? 0)
  into.unscaled = (first & negative) === 0 ? value : -value
  into.scale = scale
  reader.at = at + 8 + size
  return true
}

/** As plain text with as many digits behind the point as the scale says. */
export function readDecimal(reader: Reader): string {
  const scale = reader.i32()
  const size = reader.i32()
  const { buffer, at } = reader
  reader.at += size
  const first = buffer[at] ?? 0
  const digits = size <= 6 ? small(buffer, at, size) : large(buffer, at, size)
  const sign = (first & negative) !== 0 ? '-' : ''
  if (scale <= 0) return sign + digits + (digits === '0' ? '' : '0'.repeat(-scale))
  const padded = digits.length > scale ? digits : digits.padStart(scale + 1, '0')
  return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`
}

function small(buffer: Buffer, at: number, size: number): string {
  let value = (buffer[at] ?? 0) & ~negative
  for (let index = 1; index < size; index++) value = value * 256 + (buffer[at + index] ?? 0)
  return String(value)
}

function large(buffer: Buffer, at: number, size: number): string {
  const bits = BigInt(`0x${buffer.toString('hex', at, at + size)}`)
  return (bits & ~(0x80n << BigInt(8 * (size - 1)))).toString()
}
