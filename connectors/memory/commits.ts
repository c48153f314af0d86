import type { ChangeType } from '../../schema/change.ts'
import type { Row } from '../../schema/values.ts'
import type { Clock, Log } from '../ports/scope.ts'
import type { CommitLog } from '../regions/commit-log.ts'
import type { Counters } from '../regions/counters.ts'
import type { StoredChange } from '../regions/record.ts'
import type { Shaped } from '../regions/shape.ts'
import { refuseClashes } from '../regions/unique.ts'
import type { Entries } from './entries.ts'
import type { Rows } from './rows.ts'
import { clashesOf } from './clashes.ts'

/** What the regions of one store share. */
export interface Home {
  readonly clock: Clock
  readonly log: CommitLog
  nextVersion(): number
  /** A key of the region was found only after so many others: its keys were chosen to collide, or the hash is none. */
  flooded(region: string, probes: number): void
}

export function floodWarning(log: Log): Home['flooded'] {
  return (region, probes) => log.warn('Keys of a region collide as keys do not by chance; writes and reads of them take as long as there are such keys.', { region, probes })
}

/** What a commit does to one tenant's rows of a region: what the log is told of it, and how memory follows once it was. */
export interface Plan {
  readonly changes: StoredChange[]
  readonly apply: (end: number) => void
}

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
  change(type: ChangeType, rows: Rows, key: string, id: number | undefined, after: Row | null, createdAtMs: number): StoredChange {
    return { region: this.#entries.definition.name, tenant: rows.tenant, key, type, before: id === undefined ? null : rows.rowOnce(id), after, version: this.#home.nextVersion(), createdAtMs }
  }

  /** An entry that stays as it is, as recovery needs it. */
  restated(rows: Rows, id: number, now: number): StoredChange {
    return { region: this.#entries.definition.name, tenant: rows.tenant, key: rows.key(id), type: 'UPDATED', before: null, after: rows.rowOnce(id), version: this.#entries.version(id), createdAtMs: now }
  }

  /** The changes that say goodbye to expired entries; what came by `fill` goes as it came, untold. */
  expiries(ids: readonly number[]): StoredChange[] {
    return ids.filter(id => !this.#entries.isFilled(id)).map(id => this.gone('EXPIRED', id))
  }

  /** Takes an expired entry out of memory. */
  lapse(id: number, end: number): void {
    this.#entries.remove(id, this.#entries.isFilled(id) ? 0 : end, true)
    this.#counters.expiries += 1
  }

  /**
   * Writing these rows, of which no two have one key, and removing those keys. CONFLICT as of `refuseClashes`, with each row's `place`, where the unique indexes are
   * against it. Good for this moment only.
   */
  plan(rows: Rows, written: readonly Shaped[], removed: readonly string[], now: number, place: (key: string) => string): Plan {
    const lapsed: number[] = []
    const present = written.map(({ key }) => rows.present(key, now, lapsed))
    const leaving = removed.map(key => ({ key, id: rows.present(key, now, lapsed) }))
    refuseClashes(this.#entries.definition.name, clashesOf(rows, written, removed, now, lapsed), place)
    const changes = this.expiries(lapsed)
    for (const { id } of leaving) if (id !== undefined) changes.push(this.gone('REMOVED', id))
    const puts = written.map((shaped, index) => {
      const id = present[index]
      const change = this.change(id === undefined ? 'CREATED' : 'UPDATED', rows, shaped.key, id, shaped.row, id === undefined ? now : this.#entries.createdAtMs(id))
      changes.push(change)
      return { shaped, change }
    })
    const apply = (end: number) => {
      for (const id of lapsed) this.lapse(id, end)
      for (const { key, id } of leaving) {
        if (id !== undefined) this.#entries.remove(id, end)
        else this.#entries.removed(rows, key)
      }
      for (const { shaped, change } of puts) {
        this.#entries.put(rows, shaped, { version: change.version, writtenAtMs: now, createdAtMs: change.createdAtMs, commitEnd: end })
      }
    }
    return { changes, apply }
  }

  /** Removes these entries in one commit, and those that have expired with them. */
  remove(ids: readonly number[], lapsed: readonly number[], now: number): void {
    const changes = ids.map(id => this.gone('REMOVED', id))
    this.commit([...this.expiries(lapsed), ...changes], end => {
      for (const id of lapsed) this.lapse(id, end)
      for (const id of ids) this.#entries.remove(id, end)
    }, now)
    this.#counters.removals += ids.length
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
    const { limit } = this.#entries
    if (this.#entries.size <= limit) return
    const ids: number[] = []
    for (const id of this.#entries.recency.ids()) {
      if (ids.length >= this.#entries.size - limit) break
      ids.push(id)
    }
    const changes = ids.filter(id => !this.#entries.isFilled(id)).map(id => this.gone('REMOVED', id))
    this.commit(changes, end => {
      for (const id of ids) this.#entries.remove(id, this.#entries.isFilled(id) ? 0 : end, true)
    }, now)
    this.#counters.evictions += ids.length
  }

  /** Takes expired entries out, in one commit. */
  expire(ids: readonly number[], now: number): void {
    this.commit(this.expiries(ids), end => {
      for (const id of ids) this.lapse(id, end)
    }, now)
  }

  /** As `expire`; false once the log takes no more. */
  sweep(ids: readonly number[]): boolean {
    try {
      this.#home.log.check()
    } catch {
      // The store has told of its failure, or is closed; entries stay invisible without being swept.
      return false
    }
    this.expire(ids, this.#home.clock.now())
    return true
  }

  /** The change of an entry that goes. */
  gone(type: ChangeType, id: number): StoredChange {
    const rows = this.#entries.owner(id) as Rows
    return this.change(type, rows, rows.key(id), id, null, this.#entries.createdAtMs(id))
  }
}
