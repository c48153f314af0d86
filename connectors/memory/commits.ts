import type { ChangeType } from '../../schema/change.ts'
import type { Row } from '../../schema/values.ts'
import type { Clock } from '../ports/scope.ts'
import type { CommitLog } from '../regions/commit-log.ts'
import type { Counters } from '../regions/counters.ts'
import type { StoredChange } from '../regions/record.ts'
import type { Shaped } from '../regions/shape.ts'
import { refuseClashes } from '../regions/unique.ts'
import type { Entries } from './entries.ts'
import type { Rows } from './rows.ts'
import type { Slot } from './slot.ts'
import { clashesOf } from './clashes.ts'

/** What the regions of one store share. */
export interface Home {
  readonly clock: Clock
  readonly log: CommitLog
  nextVersion(): number
}

/** What a commit does to one tenant's rows of a region: what the log is told of it, and how memory follows once it was. */
export interface Plan {
  readonly changes: StoredChange[]
  readonly apply: (end: number) => void
}

/** A Map holds a little more; the oldest go before it is full. */
const mostEntries = 16_000_000

/** How a region's entries change: what the log is told, then what memory does, in one step. */
export class Commits {
  readonly #entries: Entries
  readonly #home: Home
  readonly #counters: Counters

  constructor(entries: Entries, home: Home, counters: Counters) {
    this.#entries = entries
    this.#home = home
    this.#counters = counters
  }

  /** A change of one key, with a version of its own. */
  change(type: ChangeType, rows: Rows, key: string, slot: Slot | undefined, after: Row | null, createdAtMs: number): StoredChange {
    return { region: this.#entries.definition.name, tenant: rows.tenant, key, type, before: slot?.entry.row ?? null, after, version: this.#home.nextVersion(), createdAtMs }
  }

  /** An entry that stays as it is, as recovery needs it. */
  restated(rows: Rows, { entry }: Slot, now: number): StoredChange {
    return { region: this.#entries.definition.name, tenant: rows.tenant, key: entry.key, type: 'UPDATED', before: null, after: entry.row, version: entry.version, createdAtMs: now }
  }

  /** The changes that say goodbye to expired entries; what came by `fill` goes as it came, untold. */
  expiries(slots: readonly Slot[]): StoredChange[] {
    return slots.filter(slot => !slot.filled).map(slot => this.change('EXPIRED', slot.rows, slot.entry.key, slot, null, slot.createdAtMs))
  }

  /** Takes an expired entry out of memory. */
  lapse(slot: Slot, end: number): void {
    this.#entries.remove(slot, slot.filled ? 0 : end, true)
    this.#counters.expiries += 1
  }

  /**
   * Writing these rows, of which no two have one key, and removing those keys. CONFLICT as of `refuseClashes`, with each row's `place`, where the unique indexes are
   * against it. Good for this moment only.
   */
  plan(rows: Rows, written: readonly Shaped[], removed: readonly string[], now: number, place: (key: string) => string): Plan {
    const lapsed: Slot[] = []
    const present = written.map(({ key }) => rows.present(key, now, lapsed))
    const leaving = removed.map(key => ({ key, slot: rows.present(key, now, lapsed) }))
    refuseClashes(this.#entries.definition.name, clashesOf(rows, written, removed, now, lapsed), place)
    const changes = this.expiries(lapsed)
    for (const { key, slot } of leaving) if (slot) changes.push(this.change('REMOVED', rows, key, slot, null, slot.createdAtMs))
    const puts = written.map((shaped, index) => {
      const slot = present[index]
      const change = this.change(slot ? 'UPDATED' : 'CREATED', rows, shaped.key, slot, shaped.row, slot?.createdAtMs ?? now)
      changes.push(change)
      return { shaped, change }
    })
    const apply = (end: number) => {
      for (const slot of lapsed) this.lapse(slot, end)
      for (const { key, slot } of leaving) {
        if (slot) this.#entries.remove(slot, end)
        else this.#entries.removed(rows, key)
      }
      for (const { shaped, change } of puts) {
        this.#entries.put(rows, shaped, { version: change.version, writtenAtMs: now, createdAtMs: change.createdAtMs, commitEnd: end })
      }
    }
    return { changes, apply }
  }

  /** Removes these entries in one commit, and those that have expired with them. */
  remove(slots: readonly Slot[], lapsed: readonly Slot[], now: number): void {
    const changes = slots.map(slot => this.change('REMOVED', slot.rows, slot.entry.key, slot, null, slot.createdAtMs))
    this.commit([...this.expiries(lapsed), ...changes], end => {
      for (const slot of lapsed) this.lapse(slot, end)
      for (const slot of slots) this.#entries.remove(slot, end)
    }, now)
    this.#counters.removals += slots.length
  }

  /** One commit: logged, then applied. With nothing to log it is only applied. */
  commit(changes: readonly StoredChange[], apply: (end: number) => void, now: number, unsaid: readonly StoredChange[] = [], reset = false): void {
    const silent = this.#entries.definition.durable ? unsaid : []
    if (changes.length === 0 && silent.length === 0 && !reset) {
      apply(0)
      return
    }
    const record = { committedAtMs: now, changes, silent, ...(reset && { resets: [this.#entries.definition.name] }) }
    this.#home.log.commit(record, () => apply(this.#home.log.end))
  }

  /** Sends away entries, those whose turn it is, until the limit is met. */
  evict(now: number): void {
    const limit = Math.min(this.#entries.definition.maxEntries, mostEntries)
    if (this.#entries.size <= limit) return
    const slots: Slot[] = []
    let slot = this.#entries.recency.oldest
    for (let left = this.#entries.size - limit; left > 0 && slot; left--) {
      slots.push(slot)
      slot = slot.newer
    }
    const changes = slots.filter(old => !old.filled).map(old => this.change('REMOVED', old.rows, old.entry.key, old, null, old.createdAtMs))
    this.commit(changes, end => {
      for (const old of slots) this.#entries.remove(old, old.filled ? 0 : end, true)
    }, now)
    this.#counters.evictions += slots.length
  }

  /** Takes expired entries out, in one commit. */
  expire(slots: readonly Slot[], now: number): void {
    this.commit(this.expiries(slots), end => {
      for (const slot of slots) this.lapse(slot, end)
    }, now)
  }

  /** As `expire`; false once the log takes no more. */
  sweep(slots: readonly Slot[]): boolean {
    try {
      this.#home.log.check()
    } catch {
      // The store has told of its failure, or is closed; entries stay invisible without being swept.
      return false
    }
    this.expire(slots, this.#home.clock.now())
    return true
  }
}
