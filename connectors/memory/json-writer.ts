import { HubError } from '../../schema/errors.ts'
import type { ColumnMember, Member } from '../ports/region-store.ts'
import { kinds, partsOf, wordAt } from './packing.ts'
import type { Chunk } from './pages.ts'

/** Up to here a loop is faster than the copying the runtime has. */
const loopBelow = 200
/** Kept from one answer to the next, unless it had to grow beyond this. */
const outputBytes = 256 * 1024

const nothing = Buffer.from('null')
const no = Buffer.from('false')
const yes = Buffer.from('true')
const zero = Buffer.from('0')
const quote = 34
const comma = 44
const minus = 45
const closing = 125
const [listBegin, listEnd] = [91, 93]

/** Where a member stands in the definition, what is written before its value (`{"code":`, `,"name":`), and what the value may be. */
interface Part extends Pick<ColumnMember, 'as' | 'required'> {
  readonly column: number
  readonly label: Buffer
  readonly isLink: boolean
}

/** The answer under way: one at a time, from `beginJson` to `endJson`, of whatever regions its rows are. */
let output = Buffer.allocUnsafeSlow(outputBytes)
let length = 0

export function beginJson(): void {
  if (output.length > outputBytes) output = Buffer.allocUnsafeSlow(outputBytes)
  length = 0
}

/** What was written, the caller's own. */
export function endJson(): Buffer {
  return Buffer.from(output.subarray(0, length))
}

/** Writes a list of so many items, as long as each can be written. */
export function writeJsonList(from: number, end: number, item: (index: number) => boolean): boolean {
  byte(listBegin)
  for (let index = from; index < end; index++) {
    if (index > from) byte(comma)
    if (!item(index)) return false
  }
  byte(listEnd)
  return true
}

export function writeJson(text: Buffer): void {
  copy(text, 0, text.length)
}

export const jsonNull = nothing

/** Members of a region's records as JSON objects, copied from where they lie. */
export class JsonWriter {
  readonly #names: readonly string[]
  readonly #parts = new WeakMap<readonly Member[], readonly Part[]>()

  constructor(columns: readonly { readonly name: string }[]) {
    this.#names = columns.map(column => column.name)
  }

  /** Writes an object; `link` what a member leads to, by its place. False: a value is not what its member asks for, and the answer is of no use. */
  row(chunk: Chunk, at: number, members: readonly Member[], link?: (place: number) => boolean): boolean {
    const { wide, count, fields, texts } = partsOf(chunk, at)
    const parts = this.parts(members)
    for (let place = 0; place < parts.length; place++) {
      const { column, label, as, required, isLink } = parts[place] as Part
      copy(label, 0, label.length)
      if (isLink) {
        if (!link?.(place)) return false
        continue
      }
      const word = column < count ? wordAt(chunk, wide, fields, column) : kinds.null
      const kind = word & 7
      if (kind === kinds.null) {
        if (required) return false
        copy(nothing, 0, nothing.length)
        continue
      }
      const from = texts + (column === 0 ? 0 : wordAt(chunk, wide, fields, column - 1) >>> 3)
      const end = texts + (word >>> 3)
      if (as && !isA(as, kind, chunk.bytes, from, end)) return false
      writeValue(chunk.bytes, kind, from, end)
    }
    byte(closing)
    return true
  }

  /** Prepared once for each list, by its identity. A member of no column → BAD_USER_INPUT. */
  parts(members: readonly Member[]): readonly Part[] {
    const known = this.#parts.get(members)
    if (known) return known
    if (members.length === 0) throw new HubError('BAD_USER_INPUT', 'An object needs one member at least.')
    const parts = members.map((member, index): Part => {
      const { name, column } = member
      const place = this.#names.indexOf(column)
      if (place < 0) throw new HubError('BAD_USER_INPUT', `There is no column "${column}" to answer.`, { column })
      const { as, required } = 'link' in member ? {} : member
      return { column: place, label: Buffer.from(`${index === 0 ? '{' : ','}${JSON.stringify(name)}:`), as, required, isLink: 'link' in member }
    })
    this.#parts.set(members, parts)
    return parts
  }
}

function writeValue(bytes: Buffer, kind: number, from: number, end: number): void {
  if (kind >= kinds.plain && kind !== kinds.long) copy(bytes, from, end)
  else if (kind === kinds.number) writeNumber(bytes, from, end)
  else if (kind === kinds.long) {
    byte(quote)
    copy(bytes, from, end)
    byte(quote)
  } else {
    const text = kind === kinds.true ? yes : no
    copy(text, 0, text.length)
  }
}

/** JSON has no −0, and no numbers that are not finite, which are written down with letters. */
function writeNumber(bytes: Buffer, from: number, end: number): void {
  const first = bytes[from] === minus ? from + 1 : from
  const code = bytes[first] as number
  if (code > 57) copy(nothing, 0, nothing.length)
  else if (code === 48 && first > from && end === first + 1) copy(zero, 0, 1)
  else copy(bytes, from, end)
}

function byte(code: number): void {
  if (length === output.length) grow(1)
  output[length++] = code
}

function copy(bytes: Buffer, from: number, end: number): void {
  const count = end - from
  if (length + count > output.length) grow(count)
  if (count > loopBelow) bytes.copy(output, length, from, end)
  else for (let index = 0; index < count; index++) output[length + index] = bytes[from + index] as number
  length += count
}

function grow(bytes: number): void {
  const larger = Buffer.allocUnsafeSlow(2 * (length + bytes))
  output.copy(larger, 0, 0, length)
  output = larger
}

/** Whether a value that is not null is of the kind, by how it is written down. */
function isA(as: NonNullable<ColumnMember['as']>, kind: number, bytes: Buffer, from: number, end: number): boolean {
  switch (as) {
    case 'String': return kind === kinds.plain || kind === kinds.string
    case 'Boolean': return kind === kinds.true || kind === kinds.false
    // The texts of NaN and the infinities end with a letter, all others with a digit.
    case 'Float': return kind === kinds.number && (bytes[end - 1] as number) <= 57
    case 'Int': return kind === kinds.number && isWhole(bytes, from, end)
  }
}

/** Whether the text of a number is a whole one of 32 bits. */
function isWhole(bytes: Buffer, from: number, end: number): boolean {
  const first = bytes[from] === minus ? from + 1 : from
  for (let at = first; at < end; at++) if ((bytes[at] as number) < 48 || (bytes[at] as number) > 57) return false
  if (end - first < 10) return true
  const value = end - first === 10 ? Number(bytes.toString('latin1', from, end)) : Number.NaN
  return value === (value | 0)
}
