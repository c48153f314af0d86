import { comparator } from '../../schema/filter.ts'
import type { ColumnType, Row } from '../../schema/values.ts'
import type { Entry, RegionDefinition } from '../ports/region-store.ts'
import type { Shaped } from '../regions/shape.ts'
import { Chain } from './chain.ts'
import { ColumnIndex } from './column-index.ts'
import type { Lifetime } from './expiry.ts'
import { KeyTable } from './key-table.ts'
import { integers } from './lines.ts'
import { Postings } from './postings.ts'
import type { Records } from './records.ts'
import { Scales } from './scales.ts'
import { SortedList } from './sorted-list.ts'

/** Keys a tenant removed lately and how many of them are remembered: a fill that began before the oldest of them is refused. */
const removalsKept = 65_536

/** What the tenants of a region share. */
export interface Shared {
  readonly records: Records
  readonly lifetime: Lifetime
  /** Lists of ids for each index, by its place. */
  readonly postings: Postings[]
  readonly hash: (key: string) => number
  /** Whether an entry that is read leaves its place in the order in which they go. */
  readonly isMovedByUse: () => boolean
  /** Told of a key for which so many slots of a table had to be looked at. */
  readonly flooded: (probes: number) => void
}

/** One tenant's rows in one region, with their indexes, all by id. Knows nothing of logs. */
export class Rows {
  readonly tenant: string
  /** The tenant's, in the lines of its entries. */
  readonly number: number
  /** The log must be durable up to here before absence, or a list of rows, is shown. */
  commitEnd = 0
  /** Grows with whatever is put or taken out. */
  changes = 0
  readonly #records: Records
  readonly #lifetime: Lifetime
  readonly #keys: KeyTable
  /** In the order in which they came. */
  readonly #all: Chain
  #definition: RegionDefinition
  #indexes: ColumnIndex[]
  #uniqueIndexes: ColumnIndex[]
  #byKey: SortedList<number> | undefined
  #order: (a: number, b: number) => number
  #scales: Scales
  readonly #shared: Shared
  readonly #removals = new Map<string, number>()
  #horizon = 0

  constructor(tenant: string, number: number, definition: RegionDefinition, shared: Shared) {
    const { records, lifetime, hash, flooded } = shared
    this.tenant = tenant
    this.number = number
    this.#records = records
    this.#lifetime = lifetime
    this.#keys = new KeyTable(hash, (id, key) => records.holds(id, key), flooded)
    this.#all = new Chain(records.lines, integers.next, integers.previous)
    this.#shared = shared
    this.#definition = definition
    this.#indexes = indexesOf(definition, shared)
    this.#uniqueIndexes = uniqueOf(definition, this.#indexes)
    this.#order = orderOf(definition, records)
    this.#scales = new Scales(definition.columns)
  }

  get definition(): RegionDefinition { return this.#definition }
  get size(): number { return this.#keys.size }
  get indexes(): readonly ColumnIndex[] { return this.#indexes }
  get uniqueIndexes(): readonly ColumnIndex[] { return this.#uniqueIndexes }

  /** All ids in the order of their key's values. Built when first asked for, kept in step from then on. */
  get byKey(): SortedList<number> {
    if (!this.#byKey) {
      const { key, columns } = this.#definition
      const compare = comparator(key.map(column => ({ column, descending: false, nullsFirst: false })), columns)
      const pairs = [...this.ids()].map(id => ({ id, key: this.key(id), row: this.#keyOf(id) }))
      pairs.sort((a, b) => compare(a.row, b.row) || inOrder(a.key, b.key))
      const order = this.#order
      this.#byKey = new SortedList((a, b) => order(a, b) || (a === b ? 0 : inOrder(this.key(a), this.key(b))), pairs.map(({ id }) => id))
    }
    return this.#byKey
  }

  /** In the order in which their keys came. */
  ids(): Iterable<number> { return this.#all.ids() }

  /** The id of a key, expired or not. */
  find(key: string): number | undefined {
    const id = this.#keys.find(key)
    return id < 0 ? undefined : id
  }

  /** As `find` of each, and sooner; −1: there is none. */
  findMany(keys: readonly string[]): number[] {
    if (keys.length === 1) return [this.#keys.find(keys[0] as string)]
    return this.#keys.findMany(keys, ids => {
      this.#records.approach(ids)
      if (this.#shared.isMovedByUse()) this.#records.approachNeighbours(ids)
    })
  }

  /** Before what is written down of each of these is looked at, in whatever order: the waits for memory overlap. */
  approach(ids: readonly number[]): void { this.#records.approach(ids) }

  /** The same before their rows are. */
  approachRows(ids: readonly number[]): void { this.#records.approachRows(ids) }

  isLive(id: number, nowMs: number): boolean { return this.#lifetime.endMs(id) > nowMs }

  key(id: number): string { return this.#records.key(id) }
  entry(id: number, key?: string): Entry { return this.#records.entry(id, key) }
  entryOnce(id: number): Entry { return this.#records.entryOnce(id) }
  row(id: number): Row { return this.#records.entry(id).row }

  /** As `row`, for who will not ask again. */
  rowOnce(id: number): Row { return this.#records.row(id) }

  /** As `row`, without making one: its columns are read when they are asked for, until the next glance. */
  glance(id: number): Row { return this.#records.glance(id) }

  /** The first of these in the order of their keys' values. */
  firstByKey(ids: readonly number[], limit: number): readonly number[] {
    if (ids.length < 2) return limit > 0 ? ids : []
    return ids.toSorted(this.#order).slice(0, limit)
  }

  /** The most digits behind the point in a Decimal column, of rows expired and not yet swept too. */
  scale(column: string): number { return this.#scales.largest(column) }

  /** Entries not expired at `nowMs`. */
  *entriesAt(nowMs: number): Generator<Entry> {
    for (const id of this.ids()) if (this.isLive(id, nowMs)) yield this.entryOnce(id)
  }

  /** The key's id if it has not expired; one that has is added to `lapsed`. */
  present(key: string, nowMs: number, lapsed: number[]): number | undefined {
    const id = this.find(key)
    if (id === undefined || this.isLive(id, nowMs)) return id
    lapsed.push(id)
    return undefined
  }

  /** An id for a row whose key has none. */
  add({ key, row }: Shaped): number {
    this.changes += 1
    const id = this.#records.create(key, row)
    this.#keys.insert(key, id)
    this.#all.add(id)
    for (const index of this.#indexes) index.add(id, row)
    this.#scales.add(row)
    this.#byKey?.insert(id)
    return id
  }

  /** Another row of the same key. */
  replace(id: number, { key, row }: Shaped): void {
    this.changes += 1
    const before = this.glance(id)
    const moved = this.#indexes.filter(index => !index.same(before, row))
    for (const index of moved) index.remove(id, before)
    this.#scales.remove(before)
    this.#records.replace(id, key, row)
    for (const index of moved) index.add(id, row)
    this.#scales.add(row)
  }

  /** Takes an id out of everything that leads to it; the record stays the caller's to remove. Answers its key. */
  leave(id: number): string {
    this.changes += 1
    const key = this.key(id)
    const row = this.glance(id)
    for (const index of this.#indexes) index.remove(id, row)
    this.#scales.remove(row)
    this.#byKey?.remove(id)
    this.#keys.remove(key, id)
    this.#all.remove(id)
    return key
  }

  /** Notes that a key was written or removed at this position of the region and is no longer here. */
  gone(key: string, position: number): void {
    this.#removals.delete(key)
    this.#removals.set(key, position)
    if (this.#removals.size <= removalsKept) return
    for (const [oldest, at] of this.#removals) {
      this.#removals.delete(oldest)
      this.#horizon = Math.max(this.#horizon, at)
      break
    }
  }

  /** Notes that every key, here or not, was replaced at this position. */
  allGone(position: number): void {
    this.#removals.clear()
    this.#horizon = position
  }

  /** Whether a reader who took its mark at this position may still fill the key. */
  mayFill(key: string, mark: number): boolean {
    return this.find(key) === undefined && mark >= this.#horizon && mark >= (this.#removals.get(key) ?? 0)
  }

  /** Takes over a definition; the records must have its columns already. */
  redefine(definition: RegionDefinition): void {
    this.#definition = definition
    this.#indexes = indexesOf(definition, this.#shared)
    this.#uniqueIndexes = uniqueOf(definition, this.#indexes)
    this.#order = orderOf(definition, this.#records)
    this.#byKey = undefined
    this.#scales = new Scales(definition.columns)
    for (const id of this.ids()) {
      const row = this.glance(id)
      for (const index of this.#indexes) index.add(id, row)
      this.#scales.add(row)
    }
  }

  /** The values of a key's columns. */
  #keyOf(id: number): Row {
    const row = this.glance(id)
    return Object.fromEntries(this.#definition.key.map(column => [column, row[column] ?? null]))
  }
}

/** By the values of the key's columns. */
function orderOf({ key, columns }: RegionDefinition, records: Records): (a: number, b: number) => number {
  const parts = key.map(name => columns.findIndex(column => column.name === name)).map(index => ({ index, type: columns[index]?.type as ColumnType }))
  return (a, b) => {
    for (const { index, type } of parts) {
      const order = records.compare(a, b, index, type)
      if (order !== 0) return order
    }
    return 0
  }
}

function inOrder(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function indexesOf({ indexes, columns }: RegionDefinition, { postings, ...parts }: Shared): ColumnIndex[] {
  while (postings.length < indexes.length) postings.push(new Postings())
  return indexes.map((index, place) => new ColumnIndex(index, columns, { ...parts, postings: postings[place] as Postings }))
}

function uniqueOf({ unique = [] }: RegionDefinition, indexes: readonly ColumnIndex[]): ColumnIndex[] {
  return indexes.filter(index => unique.some(columns => columns.join('\u0000') === index.columns.join('\u0000')))
}
