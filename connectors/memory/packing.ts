import type { Json, Row, Value } from '../../schema/values.ts'
import { frozen } from '../regions/shape.ts'
import { Chunk } from './pages.ts'
import { copyWords } from './slab.ts'

/**
 * A record in a slot:
 *   owner    int32                   the slab's
 *   key      uint32                  its length << 2, + 2 where its characters have two bytes, + 1 where the record is wide
 *   count    uint16                  of the fields; the columns behind them came later, and are null
 *   fields   uint16 × count          end << 3 | kind; in a wide record, behind a uint16 of nothing, uint32 × count
 *   key      length × 1 or 2 bytes   Latin-1, or UTF-16 low byte first
 *   texts                            each field's JSON text, UTF-8, one behind the other; `end` counts from the first of them
 * A record is wide where its texts have more bytes than `end` can say in 13 bits.
 */
export const kinds = { null: 0, false: 1, true: 2, number: 3, plain: 4, string: 5, long: 6, json: 7 } as const

const headBytes = 10
const wideHeadBytes = 12
const longestNarrow = 0x1fff
/** Kept from one record to the next, unless it had to grow beyond this. */
const scratchBytes = 64 * 1024
/** Texts up to here are made into one string to be cut into values; of longer ones a value would keep all the others alive. */
const cutBelow = 1024

let scratch = new Chunk(scratchBytes)

/** Where the parts of a record are, in bytes of its chunk. */
interface Parts {
  readonly wide: boolean
  readonly count: number
  /** Of the first field's word. */
  readonly fields: number
  readonly texts: number
}

/**
 * How a region's rows are written down. A value is read back as it was: `null`, booleans, strings with whatever is in them, bigints as bigints, numbers with −0, NaN and the
 * infinities; JSON values as JSON has them, frozen. Readers take a chunk and where in it the record begins, and keep neither.
 */
export class Packing {
  readonly #names: readonly string[]
  readonly #ends: Uint32Array
  /** Copied to begin a row with, which is faster than giving an object one column after the other. */
  readonly #blank: Row

  /** Columns in the definition's order; more may follow later, at the end. */
  constructor(columns: readonly { readonly name: string }[]) {
    this.#names = columns.map(column => column.name)
    this.#ends = new Uint32Array(columns.length)
    this.#blank = Object.fromEntries(this.#names.map(name => [name, null]))
  }

  /** Writes a record down for `store`, and answers how many bytes it takes. */
  pack(key: string, row: Row): number {
    let end = 0
    for (let index = 0; index < this.#names.length; index++) {
      const value = row[this.#names[index] as string] ?? null
      const from = end
      let kind: number = kinds.null
      if (typeof value === 'string') {
        end = writePlain(value, from)
        kind = kinds.plain
        if (end < 0) {
          end = writeText(JSON.stringify(value), from)
          kind = kinds.string
        }
      } else if (typeof value === 'number') {
        end = writeDigits(Object.is(value, -0) ? '-0' : String(value), from)
        kind = kinds.number
      } else if (typeof value === 'bigint') {
        end = writeDigits(String(value), from)
        kind = kinds.long
      } else if (typeof value === 'boolean') {
        kind = value ? kinds.true : kinds.false
      } else if (value !== null) {
        end = writeText(JSON.stringify(value), from)
        kind = kinds.json
      }
      this.#ends[index] = (end << 3) | kind
    }
    return this.#textsAt(key, end > longestNarrow) + end
  }

  /** Puts what was packed last into a slot. */
  store(key: string, { bytes, halves, words }: Chunk, at: number): void {
    const count = this.#names.length
    const end = count === 0 ? 0 : (this.#ends[count - 1] as number) >>> 3
    const wide = end > longestNarrow
    const twoBytes = !isLatin1(key)
    words[(at >>> 2) + 1] = (key.length << 2) | (twoBytes ? 2 : 0) | (wide ? 1 : 0)
    halves[(at >>> 1) + 4] = count
    const first = wide ? (at + wideHeadBytes) >>> 2 : (at + headBytes) >>> 1
    const fields = wide ? words : halves
    for (let index = 0; index < count; index++) fields[first + index] = this.#ends[index] as number
    let to = at + (wide ? wideHeadBytes + count * 4 : headBytes + count * 2)
    for (let index = 0; index < key.length; index++) {
      const code = key.charCodeAt(index)
      bytes[to++] = code
      if (twoBytes) bytes[to++] = code >>> 8
    }
    scratch.bytes.copy(bytes, to, 0, end)
    if (scratch.bytes.length > scratchBytes) scratch = new Chunk(scratchBytes)
  }

  /** Whether the record's key is this one. */
  hasKey({ bytes, halves, words }: Chunk, at: number, key: string): boolean {
    const head = words[(at >>> 2) + 1] as number
    if (head >>> 2 !== key.length) return false
    const count = halves[(at >>> 1) + 4] as number
    let from = at + ((head & 1) !== 0 ? wideHeadBytes + count * 4 : headBytes + count * 2)
    if ((head & 2) === 0) {
      for (let index = 0; index < key.length; index++) if (bytes[from + index] !== key.charCodeAt(index)) return false
      return true
    }
    for (let index = 0; index < key.length; index++, from += 2) {
      if (((bytes[from] as number) | ((bytes[from + 1] as number) << 8)) !== key.charCodeAt(index)) return false
    }
    return true
  }

  key(chunk: Chunk, at: number): string {
    const head = chunk.words[(at >>> 2) + 1] as number
    const { texts } = partsOf(chunk, at)
    const length = head >>> 2
    return (head & 2) === 0 ? chunk.bytes.toString('latin1', texts - length, texts) : chunk.bytes.toString('utf16le', texts - length * 2, texts)
  }

  /** The row, every column in order, frozen. */
  row(chunk: Chunk, at: number): Row {
    const { wide, count, fields, texts } = partsOf(chunk, at)
    const row: Record<string, Value> = { ...this.#blank }
    const total = count === 0 ? 0 : wordAt(chunk, wide, fields, count - 1) >>> 3
    const all = total <= cutBelow ? chunk.bytes.toString('latin1', texts, texts + total) : undefined
    let from = 0
    for (let index = 0; index < this.#names.length; index++) {
      const word = index < count ? wordAt(chunk, wide, fields, index) : from << 3
      const end = word >>> 3
      const kind = word & 7
      row[this.#names[index] as string] =
        kind === kinds.plain && all !== undefined ? all.substring(from + 1, end - 1)
        : kind === kinds.number && all !== undefined ? (wholeNumber(chunk.bytes, texts + from, texts + end) ?? Number(all.substring(from, end)))
        : readValue(chunk.bytes, kind, texts + from, texts + end)
      from = end
    }
    return Object.freeze(row)
  }

  /** The value of the column at this index. */
  field(chunk: Chunk, at: number, index: number): Value {
    const { wide, count, fields, texts } = partsOf(chunk, at)
    if (index >= count) return null
    const word = wordAt(chunk, wide, fields, index)
    const from = index === 0 ? 0 : wordAt(chunk, wide, fields, index - 1) >>> 3
    return readValue(chunk.bytes, word & 7, texts + from, texts + (word >>> 3))
  }

  /** Whether the column at this index has this text, where it is a string that is its own JSON text; undefined where it is anything else. */
  isPlain(chunk: Chunk, at: number, index: number, text: string): boolean | undefined {
    const { wide, count, fields, texts } = partsOf(chunk, at)
    if (index >= count) return undefined
    const word = wordAt(chunk, wide, fields, index)
    if ((word & 7) !== kinds.plain) return undefined
    const from = texts + (index === 0 ? 0 : wordAt(chunk, wide, fields, index - 1) >>> 3) + 1
    const { length } = text
    if (texts + (word >>> 3) - 1 - from !== length) return false
    for (let place = 0; place < length; place++) if (chunk.bytes[from + place] !== text.charCodeAt(place)) return false
    return true
  }

  /** The order of two records by the strings in the column at this index, by code unit, where both are their own JSON text; undefined where one is anything else. */
  comparePlain(chunkA: Chunk, atA: number, chunkB: Chunk, atB: number, index: number): number | undefined {
    const a = partsOf(chunkA, atA)
    const b = partsOf(chunkB, atB)
    if (index >= a.count || index >= b.count) return undefined
    const wordA = wordAt(chunkA, a.wide, a.fields, index)
    const wordB = wordAt(chunkB, b.wide, b.fields, index)
    if ((wordA & 7) !== kinds.plain || (wordB & 7) !== kinds.plain) return undefined
    const fromA = a.texts + (index === 0 ? 0 : wordAt(chunkA, a.wide, a.fields, index - 1) >>> 3)
    const fromB = b.texts + (index === 0 ? 0 : wordAt(chunkB, b.wide, b.fields, index - 1) >>> 3)
    const lengthA = a.texts + (wordA >>> 3) - fromA - 1
    const lengthB = b.texts + (wordB >>> 3) - fromB - 1
    const shared = Math.min(lengthA, lengthB)
    for (let place = 1; place < shared; place++) {
      const difference = (chunkA.bytes[fromA + place] as number) - (chunkB.bytes[fromB + place] as number)
      if (difference !== 0) return difference
    }
    return lengthA - lengthB
  }

  #textsAt(key: string, wide: boolean): number {
    const count = this.#names.length
    return (wide ? wideHeadBytes + count * 4 : headBytes + count * 2) + (isLatin1(key) ? key.length : key.length * 2)
  }
}

export function partsOf({ halves, words }: Chunk, at: number): Parts {
  const head = words[(at >>> 2) + 1] as number
  const wide = (head & 1) !== 0
  const count = halves[(at >>> 1) + 4] as number
  const fields = at + (wide ? wideHeadBytes : headBytes)
  return { wide, count, fields, texts: fields + count * (wide ? 4 : 2) + (head >>> 2) * ((head & 2) === 0 ? 1 : 2) }
}

export function wordAt({ halves, words }: Chunk, wide: boolean, fields: number, index: number): number {
  return (wide ? words[(fields >>> 2) + index] : halves[(fields >>> 1) + index]) as number
}

function readValue(bytes: Buffer, kind: number, from: number, end: number): Value {
  switch (kind) {
    case kinds.null: return null
    case kinds.false: return false
    case kinds.true: return true
    case kinds.plain: return bytes.toString('latin1', from + 1, end - 1)
    case kinds.number: return wholeNumber(bytes, from, end) ?? Number(bytes.toString('latin1', from, end))
    case kinds.long: return BigInt(bytes.toString('latin1', from, end))
    case kinds.string: return JSON.parse(bytes.toString('utf8', from, end)) as string
    default: return frozen(JSON.parse(bytes.toString('utf8', from, end)) as Exclude<Json, null | boolean | number | string>)
  }
}

/** The number of up to nine digits and nothing else, which is what most are; undefined: it is another. */
function wholeNumber(bytes: Buffer, from: number, end: number): number | undefined {
  const negative = bytes[from] === 45
  let index = negative ? from + 1 : from
  if (end - index > 9) return undefined
  let value = 0
  for (; index < end; index++) {
    const digit = (bytes[index] as number) - 48
    if (digit < 0 || digit > 9) return undefined
    value = value * 10 + digit
  }
  return negative ? -value : value
}

/** Writes a string that is its own JSON text between quotes, and one byte a character; −1: it is not. */
function writePlain(value: string, at: number): number {
  reserve(at, value.length + 2)
  const { bytes } = scratch
  let to = at
  bytes[to++] = 34
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index)
    if (code < 32 || code > 126 || code === 34 || code === 92) return -1
    bytes[to++] = code
  }
  bytes[to++] = 34
  return to
}

/** Writes the text of a number, which takes one byte a character. */
function writeDigits(text: string, at: number): number {
  reserve(at, text.length)
  for (let index = 0; index < text.length; index++) scratch.bytes[at + index] = text.charCodeAt(index)
  return at + text.length
}

function writeText(text: string, at: number): number {
  reserve(at, text.length * 3)
  return at + scratch.bytes.write(text, at, 'utf8')
}

/** Room in the scratch behind what it holds. */
function reserve(at: number, bytes: number): void {
  if (at + bytes <= scratch.bytes.length) return
  const larger = new Chunk(Math.ceil((at + bytes) / 4) * 8)
  copyWords(scratch.words, 0, larger.words, 0, Math.ceil(at / 4))
  scratch = larger
}

function isLatin1(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0xff) return false
  return true
}
