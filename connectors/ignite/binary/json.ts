import { code } from '../wire/codes.ts'
import { readDecimal, smallDecimal } from '../wire/decimal.ts'
import type { Reader } from '../wire/reader.ts'
import { uuidOrder } from '../wire/uuid.ts'
import { readValue, type ValueTypeName } from '../wire/values.ts'
import type { Writer } from '../wire/writer.ts'
import type { BinaryType } from './type.ts'

const hex = Buffer.from('0123456789abcdef')
const [nullWord, trueWord, falseWord] = [Buffer.from('null'), Buffer.from('true'), Buffer.from('false')]
const quote = 0x22
const comma = 0x2c
/** What `smallDecimal` read last. */
const small = { unscaled: 0, scale: 0 }

/**
 * Reads objects of a type straight into JSON text, the text that JSON.stringify of the row would give (whole numbers beyond ±2^53 as text): no row is made,
 * and texts are copied from bytes to bytes. Members stand in the order of the object's schema. False: null came, and nothing was written.
 */
export function jsonReader(type: BinaryType): (reader: Reader, into: Writer) => boolean {
  const names = type.fields.map(field => Buffer.from(`${JSON.stringify(field.property)}:`))
  const kinds = type.fields.map(field => field.type)
  const all = type.fields.length

  return (reader, into) => {
    const object = type.enter(reader)
    if (!object) return false
    const { order, end } = object
    into.u8(0x7b)
    let written = 0
    for (let at = 0; at < order.length; at++) {
      const index = order[at]!
      if (index < 0) {
        readValue(reader)
        continue
      }
      member(into, names[index]!, written > 0)
      written += 1
      writeJson(reader, into, kinds[index]!)
    }
    if (written < all) {
      for (const [index, name] of names.entries()) {
        if (order.includes(index)) continue
        member(into, name, written > 0)
        written += 1
        into.at = word(into.buffer, into.at, nullWord)
      }
    }
    into.u8(0x7d)
    reader.at = end
    return true
  }
}

/** A comma if one is due, the name, and room for any value of fixed size. */
function member(into: Writer, name: Buffer, behind: boolean): void {
  into.room(name.length + 48)
  const { buffer } = into
  let at = into.at
  if (behind) buffer[at++] = comma
  into.at = word(buffer, at, name)
}

/** Copies a few bytes; for so few a loop is faster than a call. Answers the place behind them. */
function word(out: Buffer, at: number, bytes: Buffer): number {
  for (let index = 0; index < bytes.length; index++) out[at + index] = bytes[index]!
  return at + bytes.length
}

function writeJson(reader: Reader, into: Writer, kind: ValueTypeName): void {
  const { buffer, at } = reader
  const out = into.buffer
  switch (buffer[at]) {
    case code.null:
      reader.at = at + 1
      into.at = word(out, into.at, nullWord)
      return
    case code.int:
      reader.at = at + 5
      into.at = fixed(out, into.at, buffer.readInt32LE(at + 1), 0)
      return
    case code.long: {
      reader.at = at + 1
      const value = reader.long()
      if (typeof value === 'number') into.at = fixed(out, into.at, value, 0)
      else into.at += out.write(`"${value}"`, into.at, 'latin1')
      return
    }
    case code.double: {
      reader.at = at + 9
      const value = buffer.readDoubleLE(at + 1)
      // `0 +` makes nothing of minus nothing, as JSON does.
      into.at = ascii(out, into.at, Number.isFinite(value) ? String(0 + value) : 'null')
      return
    }
    case code.boolean:
      reader.at = at + 2
      into.at = word(out, into.at, buffer[at + 1] === 0 ? falseWord : trueWord)
      return
    case code.uuid:
      reader.at = at + 17
      into.at = uuid(out, into.at, buffer, at + 1)
      return
    case code.string:
      reader.at = at + 1
      string(reader, into, kind)
      return
    case code.decimal: {
      reader.at = at + 1
      if (smallDecimal(reader, small)) {
        const start = into.at
        out[start] = quote
        const end = fixed(out, start + 1, small.unscaled, small.scale)
        out[end] = quote
        into.at = end + 1
        return
      }
      const text = readDecimal(reader)
      into.room(text.length + 2)
      into.buffer[into.at++] = quote
      into.at = ascii(into.buffer, into.at, text)
      into.buffer[into.at++] = quote
      return
    }
    default: {
      const value = readValue(reader)
      const text = JSON.stringify(typeof value === 'bigint' ? String(value) : value)
      into.room(text.length * 3)
      into.at += into.buffer.write(text, into.at, 'utf8')
    }
  }
}

/** The digits of a number, for which a loop is faster than a call. Answers the place behind them. */
function ascii(out: Buffer, at: number, text: string): number {
  for (let index = 0; index < text.length; index++) out[at + index] = text.charCodeAt(index)
  return at + text.length
}

function string(reader: Reader, into: Writer, kind: ValueTypeName): void {
  const size = reader.i32()
  const from = reader.at
  reader.at = from + size
  into.room(size + 3)
  if (kind === 'json') {
    into.at += reader.buffer.copy(into.buffer, into.at, from, reader.at)
    return
  }
  const start = into.at + 1
  into.buffer[into.at++] = quote
  escapeInto(reader.buffer, from, reader.at, into)
  if (kind === 'instant' || kind === 'dateTime') into.buffer[start + 10] = 0x54
  into.room(2)
  if (kind === 'instant') into.buffer[into.at++] = 0x5a
  into.buffer[into.at++] = quote
}

/** Copies UTF-8, with `"`, `\` and control characters escaped as JSON.stringify does. There is room for as many bytes as come. */
function escapeInto(from: Buffer, start: number, end: number, into: Writer): void {
  let out = into.buffer
  let place = into.at
  for (let at = start; at < end; at++) {
    const byte = from[at]!
    if (isPlain(byte)) out[place++] = byte
    else {
      into.at = place
      const text = JSON.stringify(String.fromCharCode(byte)).slice(1, -1)
      into.room(text.length + end - at)
      out = into.buffer
      place += out.write(text, place, 'latin1')
    }
  }
  into.at = place
}

function isPlain(byte: number): boolean {
  return byte >= 0x20 && byte !== quote && byte !== 0x5c
}

/** A whole number within ±2^53, with a point in front of its last `scale` digits if there are any; answers the place behind it. */
function fixed(out: Buffer, start: number, unscaled: number, scale: number): number {
  let at = start
  let left = unscaled
  if (left < 0) {
    out[at++] = 0x2d
    left = -left
  }
  let count = 1
  for (let bound = 10; bound <= left; bound *= 10) count += 1
  if (count <= scale) count = scale + 1
  const end = at + count + (scale > 0 ? 1 : 0)
  const point = end - 1 - scale
  for (let place = end - 1; place >= at; place--) {
    if (place === point && scale > 0) {
      out[place] = 0x2e
      continue
    }
    const rest = left <= 0x7fffffff ? (left / 10) | 0 : Math.floor(left / 10)
    out[place] = 0x30 + (left - rest * 10)
    left = rest
  }
  return end
}

function uuid(out: Buffer, start: number, from: Buffer, first: number): number {
  let at = start
  out[at++] = quote
  for (let index = 0; index < uuidOrder.length; index++) {
    const place = uuidOrder[index]!
    if (place < 0) out[at++] = 0x2d
    else {
      const byte = from[first + place]!
      out[at++] = hex[byte >> 4]!
      out[at++] = hex[byte & 15]!
    }
  }
  out[at++] = quote
  return at
}
