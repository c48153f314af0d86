import { performance } from 'node:perf_hooks'
import { HubError } from '../../schema/errors.ts'
import type { Filter } from '../../schema/filter.ts'
import type { Row, Value } from '../../schema/values.ts'
import type { RegionVersions } from '../ports/footprint.ts'
import type { Criteria, Entry, Member, Region, RegionDefinition, RegionStats, ReplaceResult, Snapshot } from '../ports/region-store.ts'
import type { Scope } from '../ports/scope.ts'
import type { RowIndexes } from '../ports/sql-engine.ts'
import { Counters } from '../regions/counters.ts'
import type { StoredChange } from '../regions/record.ts'
import { sameRow, Shape } from '../regions/shape.ts'
import { refuseClashes, refuseShared, within } from '../regions/unique.ts'
import { Commits, type Home } from './commits.ts'
import { Entries } from './entries.ts'
import { Answer, type Found, type FoundPer, type Readable } from './frames.ts'
import { Participant } from './participant.ts'
import { rowIndexes } from './row-indexes.ts'
import type { Records } from './records.ts'
import { Replacement } from './replacement.ts'
import type { Rows } from './rows.ts'
import { count, entriesOf, idsOf, idsPer, select } from './select.ts'
import { clashesOf } from './clashes.ts'
import { versionsOf } from './versions.ts'

/** A region whose rows are in this process. */
export interface MemoryRegion extends Region {
  /** Rows not expired of a tenant (whoever asks, in a SHARED region), read synchronously as the iteration goes; none once the region is dropped. */
  rowsNow(tenant: string): Iterable<Row>
  getJson: NonNullable<Region['getJson']>
  selectJson: NonNullable<Region['selectJson']>
  /** Ways to some of those rows. */
  readonly indexes: RowIndexes
}

export class OpenRegion implements MemoryRegion, Readable {
  readonly engine = 'memory'
  readonly entries: Entries
  readonly indexes: RowIndexes
  readonly versions: RegionVersions
  readonly #home: Home
  readonly #counters = new Counters()
  readonly #commits: Commits
  #shape: Shape
  #dropped = false

  constructor(definition: RegionDefinition, home: Home) {
    this.#home = home
    this.#shape = new Shape(definition)
    this.entries = new Entries(definition, home.clock, ids => this.#commits.sweep(ids), probes => home.flooded(definition.name, probes))
    this.#commits = new Commits(this.entries, home, this.#counters)
    this.indexes = rowIndexes(tenant => (this.#dropped ? undefined : this.entries.tenants.get(this.#owner(tenant))), home.clock)
    this.versions = versionsOf({ entries: this.entries, counters: this.#counters, clock: home.clock, log: home.log, owner: tenant => (this.#dropped ? undefined : this.#owner(tenant)) })
  }

  get definition(): RegionDefinition { return this.entries.definition }

  get records(): Records { return this.entries.records }

  async getMany(scope: Scope, keys: readonly string[]): Promise<readonly (Entry | undefined)[]> {
    const began = performance.now()
    const { ids, end } = this.#read(scope, keys)
    const found: (Entry | undefined)[] = []
    for (let index = 0; index < keys.length; index++) {
      const id = ids[index] as number
      found.push(id < 0 ? undefined : this.entries.records.entry(id, keys[index]))
    }
    this.#counters.tookGet((performance.now() - began) * 1000)
    if (end > this.#home.log.durable) await this.#home.log.whenDurable(end)
    return found
  }

  async getJson(scope: Scope, keys: readonly string[], members: readonly Member[]): Promise<Buffer | undefined> {
    const began = performance.now()
    const answer = new Answer(scope, region => this.#beside(region))
    const json = answer.write(this, this.#read(scope, keys), members)
    this.#counters.tookGet((performance.now() - began) * 1000)
    if (answer.end > this.#home.log.durable) await this.#home.log.whenDurable(answer.end)
    return json
  }

  async selectJson(scope: Scope, { filter, limit = Number.POSITIVE_INFINITY }: Pick<Criteria, 'filter' | 'limit'>, members: readonly Member[]): Promise<Buffer | undefined> {
    this.#enter(scope)
    const rows = this.#rows(scope) ?? this.entries.rowsOf(this.#tenant(scope))
    const ids = idsOf(rows, filter, limit, this.#home.clock.now())
    const answer = new Answer(scope, region => this.#beside(region))
    const json = ids && answer.write(this, { ids, end: rows.commitEnd }, members)
    if (answer.end > this.#home.log.durable) await this.#home.log.whenDurable(answer.end)
    return json
  }

  byKeys(scope: Scope, keys: readonly (string | null)[]): Found {
    const wanted = keys.filter(key => key !== null)
    const { ids, end } = this.#read(scope, wanted)
    if (wanted.length === keys.length) return { ids, end }
    let next = 0
    return { ids: keys.map(key => (key === null ? -1 : ids[next++] as number)), end }
  }

  withValues(scope: Scope, column: string, values: readonly Value[], limit: number): FoundPer | undefined {
    this.#enter(scope)
    const rows = this.#rows(scope) ?? this.entries.rowsOf(this.#tenant(scope))
    const found = idsPer(rows, column, values, limit, this.#home.clock.now())
    return found && { ...found, end: rows.commitEnd }
  }

  async putMany(scope: Scope, given: readonly Row[]): Promise<readonly Entry[]> {
    const began = performance.now()
    this.#enter(scope, 'write')
    const accepted = this.#shape.accept(given)
    if (accepted.length === 0) return []
    const rows = this.entries.rowsOf(this.#tenant(scope))
    const latest = accepted.length === 1 ? accepted : [...new Map(accepted.map(shaped => [shaped.key, shaped])).values()]
    const now = this.#home.clock.now()
    const plan = this.#commits.plan(rows, latest, [], now, key => `rows[${accepted.findLastIndex(shaped => shaped.key === key)}]`)
    this.#commits.commit(plan.changes, plan.apply, now)
    const versions = plan.changes.slice(-latest.length)
    const stored = latest.map(({ key, row }, index) => Object.freeze({ key, row, version: versions[index]?.version ?? 0, writtenAtMs: now }))
    this.#commits.evict(now)
    this.#counters.puts += accepted.length
    await this.#home.log.whenDurable(this.#home.log.end)
    this.#counters.tookPut((performance.now() - began) * 1000)
    if (latest.length === accepted.length) return stored
    const byKey = new Map(stored.map(entry => [entry.key, entry]))
    return accepted.map(({ key }) => byKey.get(key) as Entry)
  }

  async removeMany(scope: Scope, keys: readonly string[]): Promise<readonly boolean[]> {
    this.#enter(scope, 'write')
    const rows = this.entries.rowsOf(this.#tenant(scope))
    const now = this.#home.clock.now()
    const lapsed: number[] = []
    const found = new Map([...new Set(keys)].map(key => [key, rows.present(key, now, lapsed)]))
    this.#commits.remove([...found.values()].filter(id => id !== undefined), lapsed, now)
    for (const [key, id] of found) if (id === undefined) this.entries.removed(rows, key)
    await this.#home.log.whenDurable(Math.min(rows.commitEnd, this.#home.log.end))
    return keys.map(key => found.get(key) !== undefined)
  }

  async clear(scope: Scope): Promise<number> {
    this.#enter(scope, 'write')
    const rows = this.entries.rowsOf(this.#tenant(scope))
    const now = this.#home.clock.now()
    const all = [...rows.ids()]
    const live = all.filter(id => this.entries.isLive(id, now))
    this.#commits.remove(live, all.filter(id => !this.entries.isLive(id, now)), now)
    this.entries.position += 1
    rows.allGone(this.entries.position)
    await this.#home.log.whenDurable(rows.commitEnd)
    return live.length
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
      const lapsed: number[] = []
      rows.present(shaped.key, now, lapsed)
      const clashes = clashesOf(rows, [shaped], [], now, lapsed)
      this.#commits.expire(lapsed, now)
      if (clashes.length > 0 || !rows.mayFill(shaped.key, mark)) continue
      this.entries.put(rows, shaped, { version: this.#home.nextVersion(), writtenAtMs: now, createdAtMs: now, filled: true, commitEnd: 0 })
      stored += 1
    }
    this.#commits.evict(now)
    return stored
  }

  async replaceAll(scope: Scope, batches: AsyncIterable<readonly Row[]>, { silent = false }: { silent?: boolean } = {}): Promise<ReplaceResult> {
    this.#enter(scope, 'write')
    const wanted = new Replacement(this.#shape, this.definition.columns, probes => this.#home.flooded(this.definition.name, probes))
    for await (const batch of batches) {
      wanted.redefine(this.#shape, this.definition.columns)
      for (const shaped of this.#shape.accept(batch)) wanted.put(shaped)
    }
    wanted.redefine(this.#shape, this.definition.columns)
    this.#enter(scope, 'write')

    const rows = this.entries.rowsOf(this.#tenant(scope))
    refuseClashes(this.definition.name, within(rows.uniqueIndexes, wanted), key => `rows[${JSON.stringify(key)}]`)
    const now = this.#home.clock.now()
    const all = [...rows.ids()]
    const lapsed = all.filter(id => !this.entries.isLive(id, now))
    const removed = all.filter(id => this.entries.isLive(id, now) && !wanted.has(rows.key(id)))
    const changes = this.#commits.expiries(lapsed)
    const unsaid: StoredChange[] = []
    const result = { entries: wanted.size, created: 0, updated: 0, removed: removed.length }
    // Of a load that nobody is told of, and that the log is not to know either, nothing but the versions is needed.
    const isNoted = !silent || this.definition.durable
    for (let place = 0; place < wanted.size; place++) {
      const { key, row } = wanted.at(place)
      const id = rows.present(key, now, [])
      const equal = id !== undefined && sameRow(rows.glance(id), row)
      if (!isNoted) wanted.setVersion(place, equal ? this.entries.version(id) : this.#home.nextVersion())
      else {
        const change = equal ? this.#commits.restated(rows, id, now) : this.#commits.change(id === undefined ? 'CREATED' : 'UPDATED', rows, key, id, row, now)
        wanted.setVersion(place, change.version)
        if (!equal) changes.push(change)
        else if (this.entries.isFilled(id)) unsaid.push(change)
      }
      if (id === undefined) result.created += 1
      else if (!equal) result.updated += 1
    }
    for (const id of removed) changes.push(this.#commits.gone('REMOVED', id))

    this.#commits.commit(silent ? [] : changes, end => {
      for (const id of lapsed) this.#commits.lapse(id, end)
      for (const id of removed) this.entries.remove(id, end)
      for (let place = 0; place < wanted.size; place++) this.entries.put(rows, wanted.at(place), { version: wanted.version(place), writtenAtMs: now, createdAtMs: now, commitEnd: end })
      rows.allGone(this.entries.position)
      rows.commitEnd = Math.max(rows.commitEnd, end)
    }, now, silent ? [...changes, ...unsaid] : unsaid, silent)
    this.#commits.evict(now)
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
    const found = filter ? count(rows, { filter }, now) : rows.size - this.entries.expired(now, rows)
    await this.#shown(rows)
    return found
  }

  async snapshot(scope: Scope, filter?: Filter): Promise<Snapshot> {
    this.#enter(scope)
    const now = this.#home.clock.now()
    // Their ends belong in front of this place: behind it they would be told to somebody who never saw them.
    this.sweep(now)
    const rows = this.#rows(scope) ?? this.entries.rowsOf(this.#tenant(scope))
    return { entries: [...entriesOf(rows, filter, now)], offset: this.#home.log.end }
  }

  async stats(): Promise<RegionStats> {
    return this.#counters.stats(this.entries.size - this.entries.expired(this.#home.clock.now()), this.entries.bytes)
  }

  rowsNow(tenant: string): Iterable<Row> {
    return this.#dropped ? [] : this.entries.rowsNow(this.#owner(tenant), this.#home.clock.now())
  }

  /** A transaction's part in this region. */
  participant(scope: Scope): Participant {
    const shape = () => {
      this.#enter(scope, 'write')
      return this.#shape
    }
    return new Participant({ entries: this.entries, commits: this.#commits, counters: this.#counters, rows: this.entries.rowsOf(this.#tenant(scope)), shape })
  }

  /** Fails with CONFLICT where entries share what the definition wants unique. */
  checkUnique(definition: RegionDefinition): void {
    refuseShared(this.entries, definition, this.#home.clock.now())
  }

  /** Takes out what has expired. */
  sweep(now = this.#home.clock.now()): void {
    const lapsed = [...this.entries.queue.expired(now)]
    if (lapsed.length > 0) this.#commits.sweep(lapsed)
  }

  /** Takes over a definition that may succeed its own. */
  redefine(definition: RegionDefinition): void {
    this.#shape = new Shape(definition)
    this.entries.redefine(definition)
  }

  /** Sends away what a lower limit leaves no room for. */
  shrink(): void {
    this.#commits.evict(this.#home.clock.now())
  }

  drop(): void {
    this.#dropped = true
    this.entries.queue.stop()
  }

  /** A region of the same store. */
  #beside(region: Region): OpenRegion | undefined {
    return region instanceof OpenRegion && region.#home === this.#home ? region : undefined
  }

  /** The ids of keys, −1 where there is no entry, read now; and up to where the log must be durable before they are shown. */
  #read(scope: Scope, keys: readonly string[]): Found {
    this.#enter(scope)
    const rows = this.#rows(scope)
    if (!rows) {
      this.#counters.misses += keys.length
      return { ids: keys.map(() => -1), end: 0 }
    }
    const now = this.#home.clock.now()
    const ids = rows.findMany(keys)
    let end = 0
    let misses = 0
    for (let index = 0; index < ids.length; index++) {
      const id = ids[index] as number
      if (id >= 0 && this.entries.isLive(id, now)) {
        end = Math.max(end, this.entries.commitEnd(id))
        this.entries.use(id, now)
      } else {
        end = Math.max(end, rows.commitEnd)
        misses += 1
        ids[index] = -1
      }
    }
    this.#counters.hits += ids.length - misses
    this.#counters.misses += misses
    return { ids, end }
  }

  #enter(scope: Scope, intent: 'read' | 'write' = 'read'): void {
    scope.signal.throwIfAborted()
    if (this.#dropped) throw new HubError('NOT_FOUND', `Region "${this.definition.name}" was dropped.`, { region: this.definition.name })
    if (intent === 'write') this.#home.log.check()
  }

  #tenant(scope: Scope): string {
    return this.#owner(scope.tenant)
  }

  /** Under which name the rows stand that a tenant sees. */
  #owner(tenant: string): string {
    return this.definition.tenancy === 'SHARED' ? '' : tenant
  }

  #rows(scope: Scope): Rows | undefined {
    return this.entries.tenants.get(this.#tenant(scope))
  }

  /** A list may leave only when the log is durable up to the last change it may show. */
  async #shown(rows: Rows): Promise<void> {
    if (rows.commitEnd > this.#home.log.durable) await this.#home.log.whenDurable(rows.commitEnd)
  }
}
