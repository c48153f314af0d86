/**
 * Messages of the output plugin `pgoutput`, protocol version 1 (PostgreSQL manual, "Logical Replication Message Formats"); integers are big endian, texts end with a zero:
 *   Begin     'B'  finalLsn int64, committedAt int64 (µs since 2000-01-01), xid int32
 *   Commit    'C'  flags int8, commitLsn int64, endLsn int64, committedAt int64
 *   Relation  'R'  oid int32, schema text, name text, replicaIdentity int8, count int16, columns × count: flags int8 (1 = of the identity), name text, type int32, modifier int32
 *   Insert    'I'  relation int32, 'N', tuple
 *   Update    'U'  relation int32, optional 'K' or 'O' with the old tuple, 'N', tuple
 *   Delete    'D'  relation int32, 'K' or 'O', tuple
 *   Truncate  'T'  count int32, options int8, relation int32 × count
 *   tuple          count int16, cells × count: 'n' null, 'u' unchanged and stored elsewhere, 't' length int32 and the type's text
 * 'K' carries the columns of the identity alone, the others as null; 'O' the whole row. Origin 'O', Type 'Y' and Message 'M' say nothing of rows.
 */
export type Message =
  | { readonly kind: 'begin'; readonly committedAtMs: number }
  | { readonly kind: 'commit'; readonly endLsn: bigint }
  | { readonly kind: 'relation'; readonly relation: Relation }
  | { readonly kind: 'insert'; readonly oid: number; readonly after: Tuple }
  | { readonly kind: 'update'; readonly oid: number; readonly before?: OldTuple; readonly after: Tuple }
  | { readonly kind: 'delete'; readonly oid: number; readonly before: OldTuple }
  | { readonly kind: 'truncate'; readonly oids: readonly number[] }
  | { readonly kind: 'other' }

export interface Relation {
  readonly oid: number
  readonly schema: string
  readonly name: string
  readonly columns: readonly { readonly name: string; readonly type: number; readonly identity: boolean }[]
}

/** Texts by column, in the relation's order; undefined: the column is as it was, and its value was not sent. */
export type Tuple = readonly (string | null | undefined)[]

export interface OldTuple {
  readonly whole: boolean
  readonly cells: Tuple
}

/** Milliseconds from 1970 to 2000. */
const epochMs = 946_684_800_000

/** One message. What is not of the protocol → RangeError: the stream cannot be read on. */
export function parseMessage(bytes: Buffer): Message {
  const reader = new Reader(bytes)
  const tag = reader.letter()
  switch (tag) {
    case 'B':
      reader.int64()
      return { kind: 'begin', committedAtMs: epochMs + Number(reader.int64() / 1000n) }
    case 'C':
      reader.skip(1 + 8)
      return { kind: 'commit', endLsn: reader.int64() }
    case 'R':
      return { kind: 'relation', relation: readRelation(reader) }
    case 'I':
      return { kind: 'insert', oid: reader.uint32(), after: readNew(reader, reader.letter()) }
    case 'U': {
      const oid = reader.uint32()
      const mark = reader.letter()
      if (mark === 'N') return { kind: 'update', oid, after: readTuple(reader) }
      return { kind: 'update', oid, before: readOld(reader, mark), after: readNew(reader, reader.letter()) }
    }
    case 'D':
      return { kind: 'delete', oid: reader.uint32(), before: readOld(reader, reader.letter()) }
    case 'T': {
      const count = reader.uint32()
      reader.skip(1)
      return { kind: 'truncate', oids: Array.from({ length: count }, () => reader.uint32()) }
    }
    case 'O':
    case 'Y':
    case 'M':
      return { kind: 'other' }
    default:
      throw unexpected(tag)
  }
}

function readRelation(reader: Reader): Relation {
  const oid = reader.uint32()
  const schema = reader.text()
  const name = reader.text()
  reader.skip(1)
  const count = reader.int16()
  const columns = Array.from({ length: count }, () => {
    const identity = (reader.uint8() & 1) === 1
    const column = { name: reader.text(), type: reader.uint32(), identity }
    reader.skip(4)
    return column
  })
  return { oid, schema, name, columns }
}

function readOld(reader: Reader, mark: string): OldTuple {
  if (mark !== 'K' && mark !== 'O') throw unexpected(mark)
  return { whole: mark === 'O', cells: readTuple(reader) }
}

function readNew(reader: Reader, mark: string): Tuple {
  if (mark !== 'N') throw unexpected(mark)
  return readTuple(reader)
}

function readTuple(reader: Reader): Tuple {
  return Array.from({ length: reader.int16() }, () => {
    const mark = reader.letter()
    if (mark === 'n') return null
    if (mark === 'u') return undefined
    if (mark !== 't') throw unexpected(mark)
    return reader.sized()
  })
}

function unexpected(mark: string): RangeError {
  return new RangeError(`pgoutput wrote ${JSON.stringify(mark)} where protocol version 1 has no such mark.`)
}

class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  skip(count: number): void {
    this.#at += count
  }

  uint8(): number {
    return this.#bytes.readUInt8(this.#moved(1))
  }

  letter(): string {
    return String.fromCharCode(this.uint8())
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#moved(2))
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#moved(4))
  }

  int64(): bigint {
    return this.#bytes.readBigInt64BE(this.#moved(8))
  }

  text(): string {
    const end = this.#bytes.indexOf(0, this.#at)
    const text = this.#bytes.toString('utf8', this.#at, end)
    this.#at = end + 1
    return text
  }

  sized(): string {
    const length = this.uint32()
    const from = this.#moved(length)
    return this.#bytes.toString('utf8', from, from + length)
  }

  #moved(count: number): number {
    const from = this.#at
    this.#at += count
    return from
  }
}
