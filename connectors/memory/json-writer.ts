import { HubError } from '../../schema/errors.ts'
import type { Member } from '../ports/region-store.ts'
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
interface Part extends Pick<Member, 'as' | 'required'> {
  readonly column: number
  readonly label: Buffer
}

let output = Buffer.allocUnsafeSlow(outputBytes)

/** Members of records as a JSON list, copied from where they lie. One list at a time: from `begin` to `end`. */
export class JsonWriter {
  readonly #names: readonly string[]
  readonly #parts = new WeakMap<readonly Member[], readonly Part[]>()
  #length = 0

  constructor(columns: readonly { readonly name: string }[]) {
    this.#names = columns.map(column => column.name)
  }

  begin(): void {
    if (output.length > outputBytes) output = Buffer.allocUnsafeSlow(outputBytes)
    this.#length = 0
    this.#byte(listBegin)
  }

  absent(): void {
    this.#separate()
    this.#copy(nothing, 0, nothing.length)
  }

  /** False: a value is not what its member asks for, and the list is of no use. */
  row(chunk: Chunk, at: number, members: readonly Member[]): boolean {
    const { wide, count, fields, texts } = partsOf(chunk, at)
    this.#separate()
    for (const { column, label, as, required } of this.parts(members)) {
      this.#copy(label, 0, label.length)
      const word = column < count ? wordAt(chunk, wide, fields, column) : kinds.null
      const kind = word & 7
      if (kind === kinds.null) {
        if (required) return false
        this.#copy(nothing, 0, nothing.length)
        continue
      }
      const from = texts + (column === 0 ? 0 : wordAt(chunk, wide, fields, column - 1) >>> 3)
      const end = texts + (word >>> 3)
      if (as && !isA(as, kind, chunk.bytes, from, end)) return false
      this.#value(chunk.bytes, kind, from, end)
    }
    this.#byte(closing)
    return true
  }

  /** The list, the caller's own. */
  end(): Buffer {
    this.#byte(listEnd)
    return Buffer.from(output.subarray(0, this.#length))
  }

  /** Prepared once for each list, by its identity. A member of no column → BAD_USER_INPUT. */
  parts(members: readonly Member[]): readonly Part[] {
    const known = this.#parts.get(members)
    if (known) return known
    if (members.length === 0) throw new HubError('BAD_USER_INPUT', 'An object needs one member at least.')
    const parts = members.map(({ name, column, as, required }, index) => {
      const place = this.#names.indexOf(column)
      if (place < 0) throw new HubError('BAD_USER_INPUT', `There is no column "${column}" to answer.`, { column })
      return { column: place, label: Buffer.from(`${index === 0 ? '{' : ','}${JSON.stringify(name)}:`), as, required }
    })
    this.#parts.set(members, parts)
    return parts
  }

  #value(bytes: Buffer, kind: number, from: number, end: number): void {
    if (kind >= kinds.plain && kind !== kinds.long) this.#copy(bytes, from, end)
    else if (kind === kinds.number) this.#number(bytes, from, end)
    else if (kind === kinds.long) {
      this.#byte(quote)
      this.#copy(bytes, from, end)
      this.#byte(quote)
    } else {
      const text = kind === kinds.true ? yes : no
      this.#copy(text, 0, text.length)
    }
  }

  /** JSON has no −0, and no numbers that are not finite, which are written down with letters. */
  #number(bytes: Buffer, from: number, end: number): void {
    const first = bytes[from] === minus ? from + 1 : from
    const code = bytes[first] as number
    if (code > 57) this.#copy(nothing, 0, nothing.length)
    else if (code === 48 && first > from && end === first + 1) this.#copy(zero, 0, 1)
    else this.#copy(bytes, from, end)
  }

  #separate(): void {
    if (this.#length > 1) this.#byte(comma)
  }

  #byte(byte: number): void {
    if (this.#length === output.length) this.#grow(1)
    output[this.#length++] = byte
  }

  #copy(bytes: Buffer, from: number, end: number): void {
    const count = end - from
    if (this.#length + count > output.length) this.#grow(count)
    if (count > loopBelow) bytes.copy(output, this.#length, from, end)
    else for (let index = 0; index < count; index++) output[this.#length + index] = bytes[from + index] as number
    this.#length += count
  }

  #grow(bytes: number): void {
    const larger = Buffer.allocUnsafeSlow(2 * (this.#length + bytes))
    output.copy(larger, 0, 0, this.#length)
    output = larger
  }
}

/** Whether a value that is not null is of the kind, by how it is written down. */
function isA(as: NonNullable<Member['as']>, kind: number, bytes: Buffer, from: number, end: number): boolean {
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
