import { HubError } from '../../schema/errors.ts'
import type { Row } from '../../schema/values.ts'
import type { Entry } from '../ports/region-store.ts'
import type { Counters } from '../regions/counters.ts'
import type { Shape, Shaped } from '../regions/shape.ts'
import type { Commits, Plan } from './commits.ts'
import type { Entries } from './entries.ts'
import type { Rows } from './rows.ts'

export interface ParticipantParts {
  readonly entries: Entries
  readonly commits: Commits
  readonly counters: Counters
  readonly rows: Rows
  /** How the region takes rows now; fails where it takes none any more. */
  readonly shape: () => Shape
}

/** Where no entry was: versions begin above. */
const absent = 0

/** What one attempt of a transaction has read and means to write in one region. Everything here is synchronous; nothing changes the region but `plan`'s `apply`. */
export class Participant {
  readonly #parts: ParticipantParts
  readonly #shape: Shape
  readonly #read = new Map<string, number>()
  readonly #written = new Map<string, Shaped | undefined>()
  #position: number

  constructor(parts: ParticipantParts) {
    if (parts.entries.definition.atomicity === 'ATOMIC') throw notTransactional(parts.entries.definition.name)
    this.#parts = parts
    this.#shape = parts.shape()
    this.#position = parts.entries.position
  }

  get name(): string { return this.#parts.entries.definition.name }
  get tenant(): string { return this.#parts.rows.tenant }
  get readKeys(): Iterable<string> { return this.#read.keys() }
  get writtenKeys(): Iterable<string> { return this.#written.keys() }

  /** One per key, in order, and up to where the log must be durable before they are shown. */
  read(keys: readonly string[], now: number): { readonly found: readonly (Pick<Entry, 'key' | 'row'> | undefined)[]; readonly shownAt: number } {
    const { entries, counters, rows } = this.#parts
    let shownAt = 0
    const found = keys.map(key => {
      if (this.#written.has(key)) return this.#written.get(key)
      const id = rows.present(key, now, [])
      if (!this.#read.has(key)) this.#read.set(key, this.#version(id))
      shownAt = Math.max(shownAt, id === undefined ? rows.commitEnd : entries.commitEnd(id))
      if (id === undefined) {
        counters.misses += 1
        return undefined
      }
      counters.hits += 1
      entries.use(id, now)
      return rows.entry(id, key)
    })
    return { found, shownAt }
  }

  put(given: readonly Row[]): void {
    for (const shaped of this.#shape.accept(given)) this.#written.set(shaped.key, shaped)
  }

  remove(keys: Iterable<string>): void {
    for (const key of keys) this.#written.set(key, undefined)
  }

  /** A key that was read and is not any more as it was; undefined: all are. Looks at them only if something was written since they were last looked at, unless told to. */
  changed(now: number, thoroughly: boolean): string | undefined {
    const { entries, rows } = this.#parts
    if (!thoroughly && entries.position === this.#position) return undefined
    for (const [key, version] of this.#read) if (this.#version(rows.present(key, now, [])) !== version) return key
    this.#position = entries.position
    return undefined
  }

  /** What the commit does here. */
  plan(now: number): Plan {
    const { commits, rows, shape } = this.#parts
    if (shape() !== this.#shape) throw new HubError('TX_CONFLICT', `Region "${this.name}" was defined anew meanwhile; nothing was changed. Run the transaction again.`, { region: this.name })
    const written = [...this.#written.values()].filter(shaped => shaped !== undefined)
    const removed = [...this.#written.keys()].filter(key => !this.#written.get(key))
    return commits.plan(rows, written, removed, now, key => `${this.name}[${JSON.stringify(key)}]`)
  }

  /** The commit was made, with so many of the entries removed. */
  committed(removals: number, now: number): void {
    const { commits, counters } = this.#parts
    counters.txCommits += 1
    counters.removals += removals
    counters.puts += [...this.#written.values()].filter(Boolean).length
    commits.evict(now)
  }

  rolledBack(): void {
    this.#parts.counters.txRollbacks += 1
  }

  #version(id: number | undefined): number {
    return id === undefined ? absent : this.#parts.entries.version(id)
  }
}

function notTransactional(region: string): HubError {
  return new HubError('REGION_NOT_TRANSACTIONAL', `Region "${region}" is ATOMIC and takes no part in transactions. Declare it with atomicity TRANSACTIONAL, or write to it outside.`, { region })
}
