import { performance } from 'node:perf_hooks'
import type { ChangeType } from '../../schema/change.ts'
import { HubError } from '../../schema/errors.ts'
import type { Filter } from '../../schema/filter.ts'
import type { Row } from '../../schema/values.ts'
import type { Criteria, Entry, Region, RegionDefinition, RegionStats, ReplaceResult } from '../ports/region-store.ts'
import type { Clock, Scope } from '../ports/scope.ts'
import type { CommitLog } from './commit-log.ts'
import { Counters } from './counters.ts'
import { Entries } from './entries.ts'
import type { StoredChange } from './record.ts'
import type { Rows } from './rows.ts'
import { count, select } from './select.ts'
import { sameRow, Shape, type Shaped } from './shape.ts'
import type { Slot } from './slot.ts'

/** A region whose rows are in this process. */
export interface MemoryRegion extends Region {
  /** Rows not expired of a tenant (whoever asks, in a SHARED region), read synchronously as the iteration goes; none once the region is dropped. */
  rowsNow(tenant: string): Iterable<Row>
}

/** What the regions of one store share. */
export interface Home {
  readonly clock: Clock
  readonly log: CommitLog
  nextVersion(): number
}

/** A Map holds a little more; the oldest go before it is full. */
const mostEntries = 16_000_000

export class OpenRegion implements MemoryRegion {
  readonly entries: Entries
  readonly #home: Home
  readonly #counters = new Counters()
  #shape: Shape
  #dropped = false

  constructor(definition: RegionDefinition, home: Home) {
    this.#home = home
    this.#shape = new Shape(definition)
    this.entries = new Entries(definition, home.clock, slots => this.#sweep(slots))
  }

  get definition(): RegionDefinition { return this.entries.definition }

  async getMany(scope: Scope, keys: readonly string[]): Promise<readonly (Entry | undefined)[]> {
    const began = performance.now()
    this.#enter(scope)
    const rows = this.#rows(scope)
    const now = this.#home.clock.now()
    let end = 0
    let hits = 0
    const found: (Entry | undefined)[] = []
    for (const key of keys) {
      const slot = rows?.slots.get(key)
      if (slot && slot.expiresAtMs > now) {
        hits += 1
        if (slot.commitEnd > end) end = slot.commitEnd
        this.entries.use(slot, now)
        found.push(slot.entry)
      } else {
        if (rows && rows.commitEnd > end) end = rows.commitEnd
        found.push(undefined)
      }
    }
    this.#counters.hits += hits
    this.#counters.misses += keys.length - hits
    this.#counters.tookGet((performance.now() - began) * 1000)
    if (end > this.#home.log.durable) await this.#home.log.whenDurable(end)
    return found
  }

  async putMany(scope: Scope, given: readonly Row[]): Promise<readonly Entry[]> {
    const began = performance.now()
    this.#enter(scope, 'write')
    const accepted = this.#shape.accept(given)
    if (accepted.length === 0) return []
    const rows = this.entries.rowsOf(this.#tenant(scope))
    const latest = accepted.length === 1 ? accepted : [...new Map(accepted.map(shaped => [shaped.key, shaped])).values()]
    const now = this.#home.clock.now()
    const lapsed: Slot[] = []
    const present = latest.map(({ key }) => this.#present(rows, key, now, lapsed))
    const changes = this.#expiries(lapsed)
    const written = latest.map((shaped, index) => {
      const slot = present[index]
      const change = this.#change(slot ? 'UPDATED' : 'CREATED', rows, shaped.key, slot, shaped.row, slot?.createdAtMs ?? now)
      changes.push(change)
      return { shaped, change }
    })
    this.#commit(changes, end => {
      for (const slot of lapsed) this.#lapse(slot, end)
      for (const { shaped, change } of written) {
        this.entries.put(rows, shaped, { version: change.version, writtenAtMs: now, createdAtMs: change.createdAtMs, commitEnd: end })
      }
    }, now)
    const stored = accepted.map(({ key }) => rows.slots.get(key)?.entry as Entry)
    this.#evict(now)
    this.#counters.puts += accepted.length
    await this.#home.log.whenDurable(this.#home.log.end)
    this.#counters.tookPut((performance.now() - began) * 1000)
    return stored
  }

  async removeMany(scope: Scope, keys: readonly string[]): Promise<readonly boolean[]> {
    this.#enter(scope, 'write')
    const rows = this.entries.rowsOf(this.#tenant(scope))
    const now = this.#home.clock.now()
    const lapsed: Slot[] = []
    const found = new Map([...new Set(keys)].map(key => [key, this.#present(rows, key, now, lapsed)]))
    const slots = [...found.values()].filter(slot => slot !== undefined)
    this.#remove(rows, slots, lapsed, now)
    for (const [key, slot] of found) if (!slot) this.entries.removed(rows, key)
    await this.#home.log.whenDurable(Math.min(rows.commitEnd, this.#home.log.end))
    return keys.map(key => found.get(key) !== undefined)
  }

  async clear(scope: Scope): Promise<number> {
    this.#enter(scope, 'write')
    const rows = this.entries.rowsOf(this.#tenant(scope))
    const now = this.#home.clock.now()
    const all = [...rows.slots.values()]
    const slots = all.filter(slot => slot.expiresAtMs > now)
    this.#remove(rows, slots, all.filter(slot => slot.expiresAtMs <= now), now)
    this.entries.position += 1
    rows.allGone(this.entries.position)
    await this.#home.log.whenDurable(rows.commitEnd)
    return slots.length
  }

  mark(): number {
    return this.entries.position
  }

  async fill(scope: Scope, given: readonly Row[], mark: number): Promise<number> {
    this.#enter(scope, 'write')
    const rows = this.entries.rowsOf(this.#tenant(scope))
    const now = this.#home.clock.now()
    let stored = 0
    for (const shaped of this.#shape.accept(given)) {
      const lapsed: Slot[] = []
      this.#present(rows, shaped.key, now, lapsed)
      this.#expire(lapsed, now)
      if (!rows.mayFill(shaped.key, mark)) continue
      const slot = this.entries.put(rows, shaped, { version: this.#home.nextVersion(), writtenAtMs: now, createdAtMs: now, filled: true, commitEnd: 0 })
      // What a source had is no write: other readers of the source may fill what they saw.
      slot.position = 0
      stored += 1
    }
    this.#evict(now)
    return stored
  }

  async replaceAll(scope: Scope, batches: AsyncIterable<readonly Row[]>, options: { silent?: boolean } = {}): Promise<ReplaceResult> {
    this.#enter(scope, 'write')
    const wanted = new Map<string, Shaped>()
    for await (const batch of batches) for (const shaped of this.#shape.accept(batch)) wanted.set(shaped.key, shaped)
    this.#enter(scope, 'write')

    const rows = this.entries.rowsOf(this.#tenant(scope))
    const now = this.#home.clock.now()
    const all = [...rows.slots.values()]
    const lapsed = all.filter(slot => slot.expiresAtMs <= now)
    const removed = all.filter(slot => slot.expiresAtMs > now && !wanted.has(slot.entry.key))
    const changes = this.#expiries(lapsed)
    const unsaid: StoredChange[] = []
    const versions = new Map<string, number>()
    const result = { entries: wanted.size, created: 0, updated: 0, removed: removed.length }
    for (const [key, shaped] of wanted) {
      const slot = this.#present(rows, key, now, [])
      const equal = slot !== undefined && sameRow(slot.entry.row, shaped.row)
      const change = equal ? this.#restated(rows, slot, now) : this.#change(slot ? 'UPDATED' : 'CREATED', rows, key, slot, shaped.row, now)
      versions.set(key, change.version)
      if (equal && slot.filled) unsaid.push(change)
      if (equal) continue
      changes.push(change)
      if (slot) result.updated += 1
      else result.created += 1
    }
    for (const slot of removed) changes.push(this.#change('REMOVED', rows, slot.entry.key, slot, null, slot.createdAtMs))

    this.#commit(options.silent ? [] : changes, end => {
      for (const slot of lapsed) this.#lapse(slot, end)
      for (const slot of removed) this.entries.remove(slot, end)
      for (const [key, shaped] of wanted) this.entries.put(rows, shaped, { version: versions.get(key) ?? 0, writtenAtMs: now, createdAtMs: now, commitEnd: end })
      rows.allGone(this.entries.position)
      rows.commitEnd = Math.max(rows.commitEnd, end)
    }, now, options.silent ? [...changes, ...unsaid] : unsaid, options.silent)
    this.#evict(now)
    await this.#home.log.whenDurable(rows.commitEnd)
    return result
  }

  async select(scope: Scope, criteria: Criteria): Promise<readonly Row[]> {
    this.#enter(scope)
    const rows = this.#rows(scope) ?? this.entries.rowsOf(this.#tenant(scope))
    const found = select(rows, criteria, this.#home.clock.now())
    await this.#shown(rows)
    return found
  }

  async count(scope: Scope, filter?: Filter): Promise<number> {
    this.#enter(scope)
    const rows = this.#rows(scope) ?? this.entries.rowsOf(this.#tenant(scope))
    const now = this.#home.clock.now()
    const found = filter ? count(rows, { filter }, now) : rows.slots.size - this.entries.expired(now, rows)
    await this.#shown(rows)
    return found
  }

  snapshot(scope: Scope, filter?: Filter): { readonly entries: readonly Entry[]; readonly offset: number } {
    this.#enter(scope)
    const rows = this.#rows(scope) ?? this.entries.rowsOf(this.#tenant(scope))
    const now = this.#home.clock.now()
    const chosen = new Set(filter ? select(rows, { filter }, now) : [])
    const entries: Entry[] = []
    for (const { entry, expiresAtMs } of rows.slots.values()) if (expiresAtMs > now && (!filter || chosen.has(entry.row))) entries.push(entry)
    return { entries, offset: this.#home.log.end }
  }

  stats(): RegionStats {
    return this.#counters.stats(this.entries.size - this.entries.expired(this.#home.clock.now()), this.entries.bytes)
  }

  rowsNow(tenant: string): Iterable<Row> {
    return this.#dropped ? [] : this.entries.rowsNow(this.definition.tenancy === 'SHARED' ? '' : tenant, this.#home.clock.now())
  }

  /** Takes over a definition that may succeed its own. */
  redefine(definition: RegionDefinition): void {
    this.#shape = new Shape(definition)
    this.entries.redefine(definition, this.#shape)
  }

  /** Sends away what a lower limit leaves no room for. */
  shrink(): void {
    this.#evict(this.#home.clock.now())
  }

  drop(): void {
    this.#dropped = true
    this.entries.queue.stop()
  }

  #enter(scope: Scope, intent: 'read' | 'write' = 'read'): void {
    scope.signal.throwIfAborted()
    if (this.#dropped) throw new HubError('NOT_FOUND', `Region "${this.definition.name}" was dropped.`, { region: this.definition.name })
    if (intent === 'write') this.#home.log.check()
  }

  #tenant(scope: Scope): string {
    return this.definition.tenancy === 'SHARED' ? '' : scope.tenant
  }

  #rows(scope: Scope): Rows | undefined {
    return this.entries.tenants.get(this.#tenant(scope))
  }

  /** A list may leave only when the log is durable up to the last change it may show. */
  async #shown(rows: Rows): Promise<void> {
    if (rows.commitEnd > this.#home.log.durable) await this.#home.log.whenDurable(rows.commitEnd)
  }

  /** The key's slot if it has not expired; one that has is added to `lapsed`. */
  #present(rows: Rows, key: string, now: number, lapsed: Slot[]): Slot | undefined {
    const slot = rows.slots.get(key)
    if (!slot || slot.expiresAtMs > now) return slot
    lapsed.push(slot)
    return undefined
  }

  #change(type: ChangeType, rows: Rows, key: string, slot: Slot | undefined, after: Row | null, createdAtMs: number): StoredChange {
    return { region: this.definition.name, tenant: rows.tenant, key, type, before: slot?.entry.row ?? null, after, version: this.#home.nextVersion(), createdAtMs }
  }

  /** An entry that stays as it is, as recovery needs it. */
  #restated(rows: Rows, { entry }: Slot, now: number): StoredChange {
    return { region: this.definition.name, tenant: rows.tenant, key: entry.key, type: 'UPDATED', before: null, after: entry.row, version: entry.version, createdAtMs: now }
  }

  /** The changes that say goodbye to expired entries; what came by `fill` goes as it came, untold. */
  #expiries(slots: readonly Slot[]): StoredChange[] {
    return slots.filter(slot => !slot.filled).map(slot => this.#change('EXPIRED', slot.rows, slot.entry.key, slot, null, slot.createdAtMs))
  }

  #lapse(slot: Slot, end: number): void {
    this.entries.remove(slot, slot.filled ? 0 : end, true)
    this.#counters.expiries += 1
  }

  #remove(rows: Rows, slots: readonly Slot[], lapsed: readonly Slot[], now: number): void {
    const changes = slots.map(slot => this.#change('REMOVED', rows, slot.entry.key, slot, null, slot.createdAtMs))
    this.#commit([...this.#expiries(lapsed), ...changes], end => {
      for (const slot of lapsed) this.#lapse(slot, end)
      for (const slot of slots) this.entries.remove(slot, end)
    }, now)
    this.#counters.removals += slots.length
  }

  /** One commit: logged, then applied. With nothing to log it is only applied. */
  #commit(changes: readonly StoredChange[], apply: (end: number) => void, now: number, unsaid: readonly StoredChange[] = [], reset = false): void {
    const silent = this.definition.durable ? unsaid : []
    if (changes.length === 0 && silent.length === 0 && !reset) {
      apply(0)
      return
    }
    const record = { committedAtMs: now, changes, silent, ...(reset && { resets: [this.definition.name] }) }
    this.#home.log.commit(record, () => apply(this.#home.log.end))
  }

  #evict(now: number): void {
    const limit = Math.min(this.definition.maxEntries, mostEntries)
    if (this.entries.size <= limit) return
    const slots: Slot[] = []
    let slot = this.entries.recency.oldest
    for (let left = this.entries.size - limit; left > 0 && slot; left--) {
      slots.push(slot)
      slot = slot.newer
    }
    const changes = slots.filter(old => !old.filled).map(old => this.#change('REMOVED', old.rows, old.entry.key, old, null, old.createdAtMs))
    this.#commit(changes, end => {
      for (const old of slots) this.entries.remove(old, old.filled ? 0 : end, true)
    }, now)
    this.#counters.evictions += slots.length
  }

  #expire(slots: readonly Slot[], now: number): void {
    this.#commit(this.#expiries(slots), end => {
      for (const slot of slots) this.#lapse(slot, end)
    }, now)
  }

  #sweep(slots: readonly Slot[]): boolean {
    try {
      this.#home.log.check()
    } catch {
      // The store has told of its failure, or is closed; entries stay invisible without being swept.
      return false
    }
    this.#expire(slots, this.#home.clock.now())
    return true
  }
}
