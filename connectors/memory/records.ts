import { type Column, type ColumnType, compareValues, type Row, type Value } from '../../schema/values.ts'
import type { Entry, Member } from '../ports/region-store.ts'
import { Kept } from './kept.ts'
import { doubles, integers, Lines } from './lines.ts'
import { JsonWriter } from './json-writer.ts'
import { Packing } from './packing.ts'
import { Slab } from './slab.ts'

/** Types whose strings are in the order of their texts. */
const inBytes: ReadonlySet<ColumnType> = new Set<ColumnType>(['String', 'UUID', 'Date', 'Time', 'Bytes', 'LocalDateTime'])

/**
 * A region's records by id: where their bytes are, and their lines. An id stands for an entry from `create` to `remove`, wherever its record lies meanwhile; nobody but this
 * class has addresses, and it has them only in `lines`.
 */
export class Records {
  readonly lines = new Lines()
  readonly #slab = new Slab((id, address) => this.lines.setInteger(id, integers.address, address))
  readonly #kept = new Kept(this.lines)
  #packing: Packing
  #json: JsonWriter
  #glanced = 0
  #glance: Row

  constructor(columns: readonly Column[]) {
    this.#packing = new Packing(columns)
    this.#json = new JsonWriter(columns)
    this.#glance = this.#view(columns)
  }

  /** Bytes of the records. */
  get bytes(): number { return this.#slab.live }
  /** Bytes taken from the system for them. */
  get allocated(): number { return this.#slab.allocated }

  /** An id for a record; the rest of its line is the caller's to write. */
  create(key: string, row: Row): number {
    const id = this.lines.take()
    this.lines.setInteger(id, integers.kept, -1)
    this.#store(id, this.#packing.pack(key, row), key)
    return id
  }

  /** Another row of the same key. */
  replace(id: number, key: string, row: Row): void {
    const bytes = this.#packing.pack(key, row)
    const address = this.lines.integer(id, integers.address)
    this.#kept.forget(id)
    if (this.#slab.fits(address, bytes)) {
      this.#packing.store(key, this.#slab.chunk(address), this.#slab.offset(address))
      return
    }
    this.#slab.free(address)
    this.#store(id, bytes, key)
    this.#slab.compact()
  }

  /** The id's line is written: the entry may be kept as it is. */
  stored(id: number, entry: Entry): void {
    this.#kept.stored(id, entry, this.#slab.room(this.lines.integer(id, integers.address)))
  }

  remove(id: number): void {
    this.#kept.forget(id)
    this.#slab.free(this.lines.integer(id, integers.address))
    this.lines.giveBack(id)
    this.#slab.compact()
  }

  /** Reads a little of what is written down of these ids (−1: of none), with one wait for memory for all of them, so that what follows finds it near. */
  approach(ids: readonly number[]): void {
    let sum = 0
    for (const id of ids) if (id >= 0) sum += this.lines.integer(id, integers.kept)
    for (const id of ids) {
      if (id < 0) continue
      const address = this.lines.integer(id, integers.address)
      const { words } = this.#slab.chunk(address)
      const word = this.#slab.offset(address) >>> 2
      sum += (words[word + 2] as number) + (words[word + 16] ?? 0)
    }
    used(sum)
  }

  /** The same for whoever is about to read their rows. */
  approachRows(ids: readonly number[]): void {
    let sum = 0
    for (const id of ids) sum += this.lines.integer(id, integers.kept)
    for (const id of ids) {
      const place = this.lines.integer(id, integers.kept)
      if (place >= 0) sum += this.#kept.at(place).version
      else {
        const address = this.lines.integer(id, integers.address)
        const { words } = this.#slab.chunk(address)
        sum += words[(this.#slab.offset(address) >>> 2) + 2] as number
      }
    }
    used(sum)
  }

  /** The same for whoever is about to have them leave their neighbours in the order of use. */
  approachNeighbours(ids: readonly number[]): void {
    let sum = 0
    for (const id of ids) {
      if (id < 0) continue
      sum += this.lines.integer(Math.max(0, this.lines.integer(id, integers.newer)), integers.older) + this.lines.integer(Math.max(0, this.lines.integer(id, integers.older)), integers.newer)
    }
    used(sum)
  }

  holds(id: number, key: string): boolean {
    const address = this.lines.integer(id, integers.address)
    return this.#packing.hasKey(this.#slab.chunk(address), this.#slab.offset(address), key)
  }

  key(id: number): string {
    const address = this.lines.integer(id, integers.address)
    return this.#packing.key(this.#slab.chunk(address), this.#slab.offset(address))
  }

  /** A row whose columns may be read only when they are asked for: it is this record's until the next call, or the next change of any record. */
  glance(id: number): Row {
    // Where only some are kept, telling which costs more than it saves.
    const place = this.#kept.isPartial ? -1 : this.lines.integer(id, integers.kept)
    if (place >= 0) return this.#kept.at(place).row
    this.#glanced = id
    return this.#glance
  }

  row(id: number): Row {
    const place = this.lines.integer(id, integers.kept)
    if (place >= 0) return this.#kept.at(place).row
    const address = this.lines.integer(id, integers.address)
    return this.#packing.row(this.#slab.chunk(address), this.#slab.offset(address))
  }

  /** The value of the column at this index of the definition. */
  field(id: number, index: number): Value {
    const address = this.lines.integer(id, integers.address)
    return this.#packing.field(this.#slab.chunk(address), this.#slab.offset(address), index)
  }

  /** As of `Packing`. */
  isPlain(id: number, index: number, text: string): boolean | undefined {
    const address = this.lines.integer(id, integers.address)
    return this.#packing.isPlain(this.#slab.chunk(address), this.#slab.offset(address), index, text)
  }

  /** The order of two by the values of the column at this index, neither null, as of `compareValues`. */
  compare(a: number, b: number, index: number, type: ColumnType): number {
    const addressA = this.lines.integer(a, integers.address)
    const addressB = this.lines.integer(b, integers.address)
    const byBytes = inBytes.has(type) ? this.#packing.comparePlain(this.#slab.chunk(addressA), this.#slab.offset(addressA), this.#slab.chunk(addressB), this.#slab.offset(addressB), index) : undefined
    return byBytes ?? compareValues(type, this.field(a, index), this.field(b, index))
  }

  /** `key`: of the record, where the caller has it. Who asks once more soon is answered with the same one. */
  entry(id: number, key?: string): Entry {
    const place = this.lines.integer(id, integers.kept)
    if (place >= 0) return this.#kept.at(place)
    const entry = this.#make(id, key)
    this.#kept.made(id, entry, this.#slab.room(this.lines.integer(id, integers.address)))
    return entry
  }

  /** As `entry`, for who will not ask again. */
  entryOnce(id: number): Entry {
    const place = this.lines.integer(id, integers.kept)
    return place >= 0 ? this.#kept.at(place) : this.#make(id)
  }

  /** Writes members of a record as a JSON object; see `JsonWriter.row`. */
  writeJson(id: number, members: readonly Member[], link?: (place: number) => boolean): boolean {
    const address = this.lines.integer(id, integers.address)
    return this.#json.row(this.#slab.chunk(address), this.#slab.offset(address), members, link)
  }

  /** Refuses members of columns there are not. */
  checkMembers(members: readonly Member[]): void {
    this.#json.parts(members)
  }

  /** Takes over columns that may have become more, at the end. */
  redefine(columns: readonly Column[]): void {
    this.#packing = new Packing(columns)
    this.#json = new JsonWriter(columns)
    this.#glance = this.#view(columns)
    this.#kept.clear()
  }

  #view(columns: readonly Column[]): Row {
    const view = {}
    for (const [index, { name }] of columns.entries()) Object.defineProperty(view, name, { get: () => this.field(this.#glanced, index), enumerable: true })
    return view
  }

  #make(id: number, key?: string): Entry {
    const address = this.lines.integer(id, integers.address)
    const chunk = this.#slab.chunk(address)
    const at = this.#slab.offset(address)
    const row = this.#packing.row(chunk, at)
    return Object.freeze({ key: key ?? this.#packing.key(chunk, at), row, version: this.lines.double(id, doubles.version), writtenAtMs: this.lines.double(id, doubles.writtenAtMs) })
  }

  #store(id: number, bytes: number, key: string): void {
    const address = this.#slab.allocate(bytes, id)
    this.lines.setInteger(id, integers.address, address)
    this.#packing.store(key, this.#slab.chunk(address), this.#slab.offset(address))
  }
}

/** Reading what nobody uses, one need not read. */
function used(sum: number): void {
  if (Number.isNaN(sum)) throw new RangeError('One of the ids has no record.')
}
