import type { Row } from '../../schema/values.ts'
import type { RegionDefinition } from '../ports/region-store.ts'
import type { Clock } from '../ports/scope.ts'
import type { Shaped } from '../regions/shape.ts'
import { Chain } from './chain.ts'
import { ExpiryQueue, Lifetime } from './expiry.ts'
import { keyedHash } from './keyed-hash.ts'
import { doubles, integers, type Lines } from './lines.ts'
import type { Postings } from './postings.ts'
import { Records } from './records.ts'
import { Rows } from './rows.ts'

/** What a line, and a place in a key's table, take of each entry beside its record. */
const bytesPerEntry = 88 + 17

/** Of a region, whatever its limit is. */
const mostEntries = 16_000_000

/** Regions of so many entries at most are in the order of use whatever room they have. */
const orderedAlways = 65_536

/** What a row brings beside itself when it is stored. */
export interface Stored {
  readonly version: number
  readonly writtenAtMs: number
  readonly createdAtMs: number
  /** When it was last read, where that is known to be later than the write. */
  readonly usedAtMs?: number
  /** Came by `fill`: the log never heard of it, so it leaves without a word. */
  readonly filled?: boolean
  /** The log must be durable up to here before the entry is shown; 0 for what is durable already or never will be. */
  readonly commitEnd: number
}

/**
 * All tenants' entries of a region in memory, by id, with who is to go first and who expires next. Every change here is synchronous and cannot fail. An id is good until its
 * entry is removed, and may be another's then: nobody keeps one across an await.
 */
export class Entries {
  readonly records: Records
  /** In the order in which they are to go: by their last use, or by their creation. */
  readonly recency: Chain
  readonly queue: ExpiryQueue
  readonly tenants = new Map<string, Rows>()
  definition: RegionDefinition
  size = 0
  /** Counts writes and removals: what a mark for `fill` is. */
  position = 0
  readonly #lines: Lines
  readonly #lifetime: Lifetime
  readonly #owners: Rows[] = []
  readonly #postings: Postings[] = []
  readonly #hash = keyedHash()
  readonly #flooded: (probes: number) => void

  constructor(definition: RegionDefinition, clock: Clock, sweep: (ids: readonly number[]) => boolean, flooded: (probes: number) => void) {
    this.definition = definition
    this.records = new Records(definition.columns)
    this.#lines = this.records.lines
    this.#lifetime = new Lifetime(definition.expiry, this.#lines)
    this.recency = new Chain(this.#lines, integers.newer, integers.older)
    this.queue = new ExpiryQueue(clock, this.#lines, this.#lifetime, sweep)
    this.#flooded = flooded
  }

  /** How many entries there may be. */
  get limit(): number { return Math.min(this.definition.maxEntries, mostEntries) }

  get bytes(): number { return this.records.bytes + this.size * bytesPerEntry }

  rowsOf(tenant: string): Rows {
    let rows = this.tenants.get(tenant)
    if (!rows) {
      rows = new Rows(tenant, this.#owners.length, this.definition, { records: this.records, lifetime: this.#lifetime, postings: this.#postings, hash: this.#hash, isMovedByUse: () => this.#isMovedByUse, flooded: this.#flooded })
      this.tenants.set(tenant, rows)
      this.#owners.push(rows)
    }
    return rows
  }

  /** Whose an entry is; undefined: the id is nobody's now. */
  owner(id: number): Rows | undefined {
    const number = this.#lines.integer(id, integers.owner)
    return number < 0 ? undefined : this.#owners[number >>> 1]
  }

  isFilled(id: number): boolean { return (this.#lines.integer(id, integers.owner) & 1) === 1 }
  isLive(id: number, nowMs: number): boolean { return this.#lifetime.endMs(id) > nowMs }
  version(id: number): number { return this.#lines.double(id, doubles.version) }
  createdAtMs(id: number): number { return this.#lines.double(id, doubles.createdAtMs) }
  writtenAtMs(id: number): number { return this.#lines.double(id, doubles.writtenAtMs) }
  /** When it was last read, written or filled. */
  usedAtMs(id: number): number { return this.#lines.double(id, doubles.usedAtMs) }
  /** The log must be durable up to here before the entry is shown. */
  commitEnd(id: number): number { return this.#lines.double(id, doubles.commitEnd) }

  /** Creates or overwrites. */
  put(rows: Rows, shaped: Shaped, stored: Stored): void {
    this.position += 1
    rows.commitEnd = Math.max(rows.commitEnd, stored.commitEnd)
    const found = rows.find(shaped.key)
    if (found !== undefined) {
      rows.replace(found, shaped)
      this.#note(found, rows, stored)
      this.#used(found)
      this.queue.put(found)
      this.#stored(found, shaped, stored)
      return
    }
    const id = rows.add(shaped)
    this.#note(id, rows, stored)
    this.size += 1
    this.recency.add(id)
    this.queue.add(id)
    this.#stored(id, shaped, stored)
  }

  /** Takes an entry out. `lapsed`: it expired or was evicted, which is no news to who reads the source meanwhile. */
  remove(id: number, commitEnd: number, lapsed = false): void {
    const rows = this.owner(id) as Rows
    const key = rows.leave(id)
    this.size -= 1
    this.recency.remove(id)
    this.queue.remove(id)
    rows.commitEnd = Math.max(rows.commitEnd, commitEnd)
    if (!lapsed) this.removed(rows, key)
    else if (!this.isFilled(id)) rows.gone(key, this.#lines.double(id, doubles.position))
    this.#lines.setInteger(id, integers.owner, -1)
    this.records.remove(id)
  }

  /** Notes the removal of a key, whether or not it was there. */
  removed(rows: Rows, key: string): void {
    this.position += 1
    rows.gone(key, this.position)
  }

  use(id: number, nowMs: number): void {
    this.#lines.setDouble(id, doubles.usedAtMs, nowMs)
    this.#used(id)
  }

  /** A large region keeps the order of use only where it may soon be asked for: until half of it is full, who was not written since is who goes first. Each read costs two entries more otherwise, of somewhere else. */
  get #isMovedByUse(): boolean {
    const { limit } = this
    return this.definition.evictionPolicy !== 'FIFO' && (limit <= orderedAlways || this.size > limit / 2)
  }

  /** Who is to go first is found out anew, from the entries' own times. */
  reorder(): void {
    this.recency.reorder(id => (this.definition.evictionPolicy === 'FIFO' ? this.createdAtMs(id) : this.usedAtMs(id)))
  }

  /** Entries expired and not yet swept, of one tenant or all. */
  expired(nowMs: number, rows?: Rows): number {
    let count = 0
    for (const id of this.queue.expired(nowMs)) if (!rows || this.owner(id) === rows) count += 1
    return count
  }

  /** Takes over a definition; rows have null in the columns that are new. */
  redefine(definition: RegionDefinition): void {
    const before = this.definition.evictionPolicy ?? 'LRU'
    const { limit } = this
    this.definition = definition
    this.#lifetime.limit(definition.expiry)
    this.records.redefine(definition.columns)
    this.#postings.length = 0
    if ((definition.evictionPolicy ?? 'LRU') !== before || this.limit < limit) this.reorder()
    for (const id of this.recency.ids()) this.queue.put(id)
    for (const rows of this.tenants.values()) rows.redefine(definition)
  }

  /** Live rows of a tenant, as they are now. */
  *rowsNow(tenant: string, nowMs: number): Generator<Row> {
    const rows = this.tenants.get(tenant)
    for (const id of rows?.ids() ?? []) if (rows?.isLive(id, nowMs)) yield rows.rowOnce(id)
  }

  #note(id: number, rows: Rows, { version, writtenAtMs, createdAtMs, usedAtMs = writtenAtMs, filled = false, commitEnd }: Stored): void {
    const lines = this.#lines
    lines.setDouble(id, doubles.version, version)
    lines.setDouble(id, doubles.writtenAtMs, writtenAtMs)
    lines.setDouble(id, doubles.createdAtMs, createdAtMs)
    lines.setDouble(id, doubles.usedAtMs, usedAtMs)
    lines.setDouble(id, doubles.commitEnd, commitEnd)
    lines.setDouble(id, doubles.position, this.position)
    lines.setInteger(id, integers.owner, (rows.number << 1) | (filled ? 1 : 0))
  }

  #stored(id: number, { key, row }: Shaped, { version, writtenAtMs }: Stored): void {
    this.records.stored(id, Object.freeze({ key, row, version, writtenAtMs }))
  }

  #used(id: number): void {
    if (this.#isMovedByUse) this.recency.toEnd(id)
  }
}
