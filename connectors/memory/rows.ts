import { comparator } from '../../schema/filter.ts'
import type { Row } from '../../schema/values.ts'
import type { Entry, RegionDefinition } from '../ports/region-store.ts'
import { ColumnIndex } from './column-index.ts'
import { Scales } from './scales.ts'
import type { Slot } from './slot.ts'
import { SortedList } from './sorted-list.ts'

/** Keys a tenant removed lately and how many of them are remembered: a fill that began before the oldest of them is refused. */
const removalsKept = 65_536

/** One tenant's rows in one region, with their indexes. Knows nothing of logs and time. */
export class Rows {
  readonly tenant: string
  readonly slots = new Map<string, Slot>()
  /** The log must be durable up to here before absence, or a list of rows, is shown. */
  commitEnd = 0
  /** Grows with whatever is put or taken out. */
  changes = 0
  #definition: RegionDefinition
  #indexes: ColumnIndex[]
  #uniqueIndexes: ColumnIndex[]
  #byKey: SortedList<Slot> | undefined
  #scales: Scales
  readonly #removals = new Map<string, number>()
  #horizon = 0

  constructor(tenant: string, definition: RegionDefinition) {
    this.tenant = tenant
    this.#definition = definition
    this.#indexes = indexesOf(definition)
    this.#uniqueIndexes = uniqueOf(definition, this.#indexes)
    this.#scales = new Scales(definition.columns)
  }

  get definition(): RegionDefinition { return this.#definition }
  get indexes(): readonly ColumnIndex[] { return this.#indexes }
  get uniqueIndexes(): readonly ColumnIndex[] { return this.#uniqueIndexes }

  /** All slots in the order of their key's values. Built when first asked for, kept in step from then on. */
  get byKey(): SortedList<Slot> {
    if (!this.#byKey) {
      const compare = comparator(this.#definition.key.map(column => ({ column, descending: false, nullsFirst: false })), this.#definition.columns)
      this.#byKey = new SortedList((a, b) => compare(a.entry.row, b.entry.row) || (a.entry.key < b.entry.key ? -1 : a.entry.key > b.entry.key ? 1 : 0), this.slots.values())
    }
    return this.#byKey
  }

  /** The most digits behind the point in a Decimal column, of rows expired and not yet swept too. */
  scale(column: string): number { return this.#scales.largest(column) }

  /** Entries not expired at `nowMs`. */
  *entriesAt(nowMs: number): Generator<Entry> {
    for (const slot of this.slots.values()) if (slot.expiresAtMs > nowMs) yield slot.entry
  }

  /** The key's slot if it has not expired; one that has is added to `lapsed`. */
  present(key: string, nowMs: number, lapsed: Slot[]): Slot | undefined {
    const slot = this.slots.get(key)
    if (!slot || slot.expiresAtMs > nowMs) return slot
    lapsed.push(slot)
    return undefined
  }

  add(slot: Slot): void {
    this.changes += 1
    this.slots.set(slot.entry.key, slot)
    for (const index of this.#indexes) index.add(slot, slot.entry.row)
    this.#scales.add(slot.entry.row)
    this.#byKey?.insert(slot)
  }

  /** Moves a slot to where its new row belongs; the slot already holds it. */
  moved(slot: Slot, before: Row): void {
    this.changes += 1
    const after = slot.entry.row
    for (const index of this.#indexes) {
      if (index.same(before, after)) continue
      index.remove(slot, before)
      index.add(slot, after)
    }
    this.#scales.remove(before)
    this.#scales.add(after)
  }

  remove(slot: Slot): void {
    this.changes += 1
    this.slots.delete(slot.entry.key)
    for (const index of this.#indexes) index.remove(slot, slot.entry.row)
    this.#scales.remove(slot.entry.row)
    this.#byKey?.remove(slot)
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
    return !this.slots.has(key) && mark >= this.#horizon && mark >= (this.#removals.get(key) ?? 0)
  }

  /** Takes over a definition; its rows must have the new columns already. */
  redefine(definition: RegionDefinition): void {
    this.#definition = definition
    this.#indexes = indexesOf(definition)
    this.#uniqueIndexes = uniqueOf(definition, this.#indexes)
    this.#byKey = undefined
    this.#scales = new Scales(definition.columns)
    for (const slot of this.slots.values()) {
      for (const index of this.#indexes) index.add(slot, slot.entry.row)
      this.#scales.add(slot.entry.row)
    }
  }
}

function indexesOf(definition: RegionDefinition): ColumnIndex[] {
  return definition.indexes.map(columns => new ColumnIndex(columns, definition.columns))
}

function uniqueOf({ unique = [] }: RegionDefinition, indexes: readonly ColumnIndex[]): ColumnIndex[] {
  return indexes.filter(index => unique.some(columns => columns.join('\u0000') === index.columns.join('\u0000')))
}
