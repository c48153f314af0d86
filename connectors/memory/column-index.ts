import { type ColumnType, compareValues, type Column, type Row, type Value } from '../../schema/values.ts'
import { indexed, IndexValues } from '../regions/index-values.ts'
import { PostingTable, type Postings } from './postings.ts'
import type { Records } from './records.ts'
import { SortedList } from './sorted-list.ts'

/** Ids of entries that share the values of an index's leading columns, by the value of its last column. */
export class Group {
  /** The different values, none of them null. */
  readonly order: SortedList<Value>
  readonly absent = new Set<number>()
  size = 0
  distinct = 0
  readonly #table: PostingTable
  readonly #leading: string

  constructor(type: ColumnType, table: PostingTable, leading: string) {
    this.order = new SortedList<Value>((a, b) => compareValues(type, a, b))
    this.#table = table
    this.#leading = leading
  }

  /** The entries with this value in the last column. */
  at(value: Value): readonly number[] { return this.#table.ids(this.#leading + String(value)) }

  countAt(value: Value): number { return this.#table.count(this.#leading + String(value)) }

  add(id: number, value: Value): void {
    this.size += 1
    if (value === null) this.absent.add(id)
    else if (this.#table.add(this.#leading + String(value), id)) {
      this.distinct += 1
      this.order.insert(value)
    }
  }

  remove(id: number, value: Value): void {
    this.size -= 1
    if (value === null) this.absent.delete(id)
    else if (this.#table.remove(this.#leading + String(value), id)) {
      this.distinct -= 1
      this.order.remove(value)
    }
  }
}

/** What an index has of the region: its records, where lists of their ids are kept for this index, and how texts are hashed. */
export interface IndexParts {
  readonly records: Records
  readonly postings: Postings
  readonly hash: (text: string) => number
  readonly flooded: (probes: number) => void
}

/** A secondary index: equality on all its columns, range and order on the last. Rows with a null before the last column are not in it. */
export class ColumnIndex extends IndexValues {
  readonly last: string
  readonly lastType: ColumnType
  readonly #groups = new Map<string, Group>()
  readonly #records: Records
  readonly #places: readonly number[]
  /** Whether a value is found by its text as it is written down. */
  readonly #isExact: boolean
  readonly #table: PostingTable

  constructor(columns: readonly string[], definitions: readonly Column[], { records, postings, hash, flooded }: IndexParts) {
    super(columns, definitions)
    this.last = columns[columns.length - 1] as string
    this.lastType = this.types[this.types.length - 1] as ColumnType
    this.#records = records
    this.#isExact = columns.length === 1 && this.lastType !== 'Decimal' && this.lastType !== 'JSON'
    this.#places = columns.map(name => definitions.findIndex(column => column.name === name))
    this.#table = new PostingTable(postings, hash, (id, text) => this.#holds(id, text), flooded)
  }

  /** The group of these values of the leading columns; undefined: no row has them. */
  group(leading: readonly Value[]): Group | undefined {
    return this.#groups.get(this.#name(leading))
  }

  /** Of an index of one column: the ids of each value's entries, one value behind the other, and where each value's end. A value null has none. The waits for memory overlap. */
  collect(values: readonly Value[]): { readonly ids: number[]; readonly ends: readonly number[] } {
    const ids: number[] = []
    const present = values.filter(value => value !== null)
    const ends = this.#table.collect(present.map(value => String(indexed(this.lastType, value))), ids, found => this.#records.approach(found))
    if (present.length === values.length) return { ids, ends }
    let next = 0
    return { ids, ends: values.map(value => (value === null ? (ends[next - 1] ?? 0) : (ends[next++] as number))) }
  }

  add(id: number, row: Row): void {
    const leading = this.#leading(row)
    if (!leading) return
    const name = this.#name(leading)
    let group = this.#groups.get(name)
    if (!group) {
      group = new Group(this.lastType === 'JSON' ? 'String' : this.lastType, this.#table, name)
      this.#groups.set(name, group)
    }
    group.add(id, indexed(this.lastType, row[this.last] ?? null))
  }

  remove(id: number, row: Row): void {
    const leading = this.#leading(row)
    if (!leading) return
    const name = this.#name(leading)
    const group = this.#groups.get(name)
    if (!group) return
    group.remove(id, indexed(this.lastType, row[this.last] ?? null))
    if (group.size === 0) this.#groups.delete(name)
  }

  /** The entries with a row's values in all columns; none where one of the values is null. */
  *holders(row: Row): Generator<number> {
    const leading = this.#leading(row)
    const value = indexed(this.lastType, row[this.last] ?? null)
    const group = leading && value !== null ? this.group(leading) : undefined
    if (group) yield* group.at(value)
  }

  /** Whether a row changed from one to the other stays where it is. */
  same(before: Row, after: Row): boolean {
    return this.columns.every(column => before[column] === after[column])
  }

  #leading(row: Row): Value[] | undefined {
    const values: Value[] = []
    for (let index = 0; index < this.columns.length - 1; index++) {
      const value = row[this.columns[index] as string] ?? null
      if (value === null) return undefined
      values.push(value)
    }
    return values
  }

  /** Whether the entry's values, the leading ones' name and the last one's text, are these. */
  #holds(id: number, text: string): boolean {
    const plain = this.#isExact ? this.#records.isPlain(id, this.#places[0] as number, text) : undefined
    if (plain !== undefined) return plain
    const last = this.#places.length - 1
    const values = this.#places.map(place => this.#records.field(id, place))
    return this.#name(values.slice(0, last)) + String(indexed(this.lastType, values[last] ?? null)) === text
  }

  /** Ends where it ends, whatever follows: it is a JSON list, or nothing where nothing leads. */
  #name(leading: readonly Value[]): string {
    if (leading.length === 0) return ''
    return JSON.stringify(leading.map((value, index) => String(indexed(this.types[index] as ColumnType, value))))
  }
}
