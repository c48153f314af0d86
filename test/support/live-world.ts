import type { Snapshot } from '../../connectors/ports/region-store.ts'
import type { Change, LogEntry } from '../../schema/change.ts'
import type { Filter } from '../../schema/filter.ts'
import type { Column, Row } from '../../schema/values.ts'
import type { Told } from '../../resolvers/live/told.ts'
import type { Place } from '../../resolvers/live/place.ts'
import { SimulatedLog } from './live-log.ts'

/** A seeded source of choices: the same seed, the same choices. */
export class Choices {
  #state: number

  constructor(seed: number) {
    this.#state = Math.imul(seed, 2654435761) + 1
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }

  chance(share: number): boolean {
    return this.next() < share
  }
}

export const columns: readonly Column[] = [
  { name: 'a', type: 'Int', nullable: true },
  { name: 'b', type: 'Int', nullable: false },
  { name: 'c', type: 'String', nullable: false },
  { name: 'd', type: 'Boolean', nullable: false },
]

export function randomFilter(choices: Choices): Filter {
  const leaf = (): Filter =>
    choices.pick<() => Filter>([
      () => ({ column: 'a', op: 'eq', value: choices.below(5) }),
      () => ({ column: 'b', op: 'gte', value: choices.below(10) }),
      () => ({ column: 'c', op: 'startsWith', value: choices.pick(['x', 'xy', 'q']) }),
      () => ({ column: 'a', op: 'isNull', value: choices.chance(0.6) }),
      () => ({ column: 'b', op: 'in', value: [choices.below(10), choices.below(10), choices.below(10)] }),
      () => ({ not: { column: 'c', op: 'eq', value: 'x' } }),
      () => ({ column: 'd', op: 'eq', value: choices.chance(0.5) }),
    ])()
  const kind = choices.next()
  if (kind < 0.35) return leaf()
  if (kind < 0.6) return { and: [leaf(), leaf()] }
  if (kind < 0.85) return { or: [leaf(), leaf()] }
  return { not: { or: [leaf(), { and: [leaf(), leaf()] }] } }
}

/** Whose rows: one region all tenants share, one in which each has its own. */
export interface Realm {
  readonly region: string
  readonly owner: string
}

export const realms: readonly Realm[] = [{ region: 'shared', owner: '' }, { region: 'private', owner: 'red' }, { region: 'private', owner: 'blue' }]

interface Stored extends Realm {
  readonly key: string
  readonly row: Row
  readonly version: number
}

type Passes = (row: Row) => boolean
type Rows = ReadonlyMap<string, Stored>

const idOf = ({ region, owner }: Realm, key: string) => `${region}/${owner}/${key}`

/** Regions over a log that remember every state they were in: what a subscriber must have been told can be worked out by brute force. */
export class World {
  readonly log = new SimulatedLog()
  readonly #choices: Choices
  /** The rows before each entry of the log. */
  readonly #states: Rows[] = [new Map()]
  #version = 0
  counts = { commits: 0, changes: 0, resets: 0, trims: 0, crashes: 0, lostEntries: 0 }

  constructor(choices: Choices) {
    this.#choices = choices
  }

  get #rows(): Rows {
    return this.#states[this.log.end]!
  }

  /** One transaction of one to three changes, perhaps over both regions. */
  write(): void {
    const rows = new Map(this.#rows)
    const changes: Change[] = []
    const touched = new Set<string>()
    for (let count = 1 + this.#choices.below(3); count > 0; count--) {
      const realm = this.#choices.pick(realms)
      const key = `k${this.#choices.below(6)}`
      const id = idOf(realm, key)
      if (touched.has(id)) continue
      touched.add(id)
      const before = rows.get(id)?.row ?? null
      const after = this.#choices.chance(0.25) ? null : this.#row(before)
      if (!before && !after) continue
      this.#version += 1
      if (after) rows.set(id, { ...realm, key, row: after, version: this.#version })
      else rows.delete(id)
      const gone = this.#choices.chance(0.3) ? 'EXPIRED' : 'REMOVED'
      changes.push({ region: realm.region, tenant: realm.owner, key, type: after ? (before ? 'UPDATED' : 'CREATED') : gone, before, after, version: this.#version })
    }
    if (changes.length === 0) return
    this.counts.commits += 1
    this.counts.changes += changes.length
    this.#commit(rows, changes, [])
  }

  /** Replaces the rows of a region without naming a change. */
  replace(): void {
    const { region } = this.#choices.pick(realms)
    const rows = new Map(this.#rows)
    for (const [id, stored] of this.#rows) if (stored.region === region) rows.delete(id)
    for (const realm of realms.filter(realm => realm.region === region)) {
      for (let index = 0; index < 6; index++) {
        if (this.#choices.chance(0.5)) continue
        this.#version += 1
        const key = `k${index}`
        rows.set(idOf(realm, key), { ...realm, key, row: this.#row(null), version: this.#version })
      }
    }
    this.counts.resets += 1
    this.#commit(rows, [], [region])
  }

  trim(): void {
    const start = this.log.durable - 20 - this.#choices.below(100)
    if (start <= this.log.start) return
    this.counts.trims += 1
    this.log.trim(start)
  }

  crash(): void {
    this.counts.crashes += 1
    this.counts.lostEntries += this.log.end - this.log.durable
    this.log.crash()
    this.#states.length = this.log.end + 1
  }

  snapshot(realm: Realm, test: Passes): Snapshot {
    const entries = this.rowsAt(this.log.end, realm, test).map(({ key, row, version }) => ({ key, row, version, writtenAtMs: version }))
    return { entries, offset: this.log.end }
  }

  /** The passing rows before the entry at this offset. */
  rowsAt(offset: number, realm: Realm, test: Passes): readonly Stored[] {
    return [...this.#states[offset]!.values()].filter(stored => stored.region === realm.region && stored.owner === realm.owner && test(stored.row))
  }

  /** Every matching change from one place up to another, in order, by brute force; `replaced` is the first entry on the way that replaced the region. */
  changesBetween(from: Place, to: Place, realm: Realm, test: Passes): { changes: Told[]; replaced: number | undefined } {
    const changes: Told[] = []
    for (let offset = from.next; offset <= to.next && offset < this.log.end; offset++) {
      const entry = this.log.entries[offset]!
      if (entry.resets.includes(realm.region) && offset < to.next) return { changes, replaced: offset }
      for (const [index, change] of entry.changes.entries()) {
        if ((offset === from.next && index < from.skip) || (offset === to.next && index >= to.skip)) continue
        const seen = seenBy(change, entry, realm, test)
        if (seen) changes.push(seen)
      }
    }
    return { changes, replaced: undefined }
  }

  #row(before: Row | null): Row {
    const row: Row = {
      a: this.#choices.chance(0.15) ? null : this.#choices.below(5),
      b: this.#choices.below(10),
      c: this.#choices.pick(['x', 'xy', 'xyz', 'q', 'p']),
      d: this.#choices.chance(0.5),
    }
    if (!before || this.#choices.chance(0.3)) return row
    const column = this.#choices.pick(['a', 'b', 'c', 'd'])
    return { ...before, [column]: row[column]! }
  }

  #commit(rows: Rows, changes: readonly Change[], resets: readonly string[]): void {
    this.#states.push(rows)
    this.log.commit(changes, resets)
  }
}

function seenBy(change: Change, entry: LogEntry, realm: Realm, test: Passes): Told | undefined {
  if (change.region !== realm.region || change.tenant !== realm.owner) return undefined
  const before = change.before && test(change.before) ? change.before : null
  const after = change.after && test(change.after) ? change.after : null
  const { key, version } = change
  const common = { key, version, committedAtMs: entry.committedAtMs }
  if (before && after) return { ...common, type: 'UPDATED', before, after }
  if (after) return { ...common, type: 'CREATED', before, after }
  if (before) return { ...common, type: change.type === 'EXPIRED' ? 'EXPIRED' : 'REMOVED', before, after }
  return undefined
}
