import type { Row } from '../../schema/values.ts'
import type { RegionDefinition } from '../ports/region-store.ts'
import type { Clock } from '../ports/scope.ts'
import type { Shape, Shaped } from '../regions/shape.ts'
import { ExpiryQueue, expiresAtMs } from './expiry.ts'
import { Recency } from './recency.ts'
import { Rows } from './rows.ts'
import type { Slot } from './slot.ts'

/** What a row brings beside itself when it is stored. */
export interface Stored {
  readonly version: number
  readonly writtenAtMs: number
  readonly createdAtMs: number
  /** When it was last read, where that is known to be later than the write. */
  readonly usedAtMs?: number
  readonly filled?: boolean
  /** The log must be durable up to here before the entry is shown; 0 for what is durable already or never will be. */
  readonly commitEnd: number
}

/** All tenants' entries of a region in memory, with who is to go first and who expires next. Every change here is synchronous and cannot fail. */
export class Entries {
  readonly recency = new Recency()
  readonly queue: ExpiryQueue
  readonly tenants = new Map<string, Rows>()
  definition: RegionDefinition
  size = 0
  bytes = 0
  /** Counts writes and removals: what a mark for `fill` is. */
  position = 0

  constructor(definition: RegionDefinition, clock: Clock, sweep: (slots: readonly Slot[]) => boolean) {
    this.definition = definition
    this.queue = new ExpiryQueue(clock, sweep)
  }

  rowsOf(tenant: string): Rows {
    let rows = this.tenants.get(tenant)
    if (!rows) {
      rows = new Rows(tenant, this.definition)
      this.tenants.set(tenant, rows)
    }
    return rows
  }

  /** Creates or overwrites. */
  put(rows: Rows, { key, row, bytes }: Shaped, stored: Stored): Slot {
    const { version, writtenAtMs, createdAtMs, usedAtMs = writtenAtMs, filled = false, commitEnd } = stored
    const entry = Object.freeze({ key, row, version, writtenAtMs })
    this.position += 1
    rows.commitEnd = Math.max(rows.commitEnd, commitEnd)
    const found = rows.slots.get(key)
    if (found) {
      const before = found.entry.row
      this.bytes += bytes - found.bytes
      Object.assign(found, { entry, bytes, createdAtMs, usedAtMs, filled, commitEnd, position: this.position })
      found.expiresAtMs = expiresAtMs(this.definition.expiry, found)
      rows.moved(found, before)
      this.#used(found)
      this.queue.put(found)
      return found
    }
    const slot: Slot = {
      entry, rows, bytes, createdAtMs, usedAtMs, filled, commitEnd, position: this.position,
      expiresAtMs: Number.POSITIVE_INFINITY, bucket: -1, newer: undefined, older: undefined,
    }
    slot.expiresAtMs = expiresAtMs(this.definition.expiry, slot)
    this.size += 1
    this.bytes += bytes
    rows.add(slot)
    this.recency.add(slot)
    this.queue.put(slot)
    return slot
  }

  /** Takes an entry out. `lapsed`: it expired or was evicted, which is no news to who reads the source meanwhile. */
  remove(slot: Slot, commitEnd: number, lapsed = false): void {
    const { rows, entry } = slot
    this.size -= 1
    this.bytes -= slot.bytes
    rows.remove(slot)
    this.recency.remove(slot)
    this.queue.remove(slot)
    rows.commitEnd = Math.max(rows.commitEnd, commitEnd)
    if (!lapsed) this.removed(rows, entry.key)
    else if (!slot.filled) rows.gone(entry.key, slot.position)
  }

  /** Notes the removal of a key, whether or not it was there. */
  removed(rows: Rows, key: string): void {
    this.position += 1
    rows.gone(key, this.position)
  }

  use(slot: Slot, nowMs: number): void {
    slot.usedAtMs = nowMs
    this.#used(slot)
    if (this.definition.expiry.accessMs !== undefined) slot.expiresAtMs = expiresAtMs(this.definition.expiry, slot)
  }

  /** Who is to go first is found out anew, from the entries' own times. */
  reorder(): void {
    this.recency.reorder(slot => (this.definition.evictionPolicy === 'FIFO' ? slot.createdAtMs : slot.usedAtMs))
  }

  #used(slot: Slot): void {
    if (this.definition.evictionPolicy !== 'FIFO') this.recency.use(slot)
  }

  /** Entries expired and not yet swept, of one tenant or all. */
  expired(nowMs: number, rows?: Rows): number {
    let count = 0
    for (const slot of this.queue.expired(nowMs)) if (!rows || slot.rows === rows) count += 1
    return count
  }

  /** Takes over a definition, giving rows the columns that are new. */
  redefine(definition: RegionDefinition, shape: Shape): void {
    const grown = definition.columns.length !== this.definition.columns.length
    const before = this.definition.evictionPolicy ?? 'LRU'
    this.definition = definition
    if ((definition.evictionPolicy ?? 'LRU') !== before) this.reorder()
    for (const rows of this.tenants.values()) {
      for (const slot of rows.slots.values()) {
        if (grown) slot.entry = Object.freeze({ ...slot.entry, row: shape.extend(slot.entry.row) })
        slot.expiresAtMs = expiresAtMs(definition.expiry, slot)
        this.queue.put(slot)
      }
      rows.redefine(definition)
    }
  }

  /** Live rows of a tenant, as they are now. */
  *rowsNow(tenant: string, nowMs: number): Generator<Row> {
    for (const slot of this.tenants.get(tenant)?.slots.values() ?? []) if (slot.expiresAtMs > nowMs) yield slot.entry.row
  }
}
