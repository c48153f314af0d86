import { performance } from 'node:perf_hooks'
import { HubError } from '../../../schema/errors.ts'
import type { Filter } from '../../../schema/filter.ts'
import type { Row } from '../../../schema/values.ts'
import { keyOf, type Criteria, type Entry, type Region, type RegionDefinition, type RegionStats, type ReplaceResult, type Snapshot } from '../../ports/region-store.ts'
import type { RegionVersions } from '../../ports/footprint.ts'
import type { Scope } from '../../ports/scope.ts'
import { Counters } from '../../regions/counters.ts'
import type { Followed } from '../../regions/feed-log.ts'
import { fewPer, ofAnyValue } from '../../regions/per.ts'
import type { StoredChange } from '../../regions/record.ts'
import { Shape } from '../../regions/shape.ts'
import { refuseClashes } from '../../regions/unique.ts'
import { evict } from './evict.ts'
import type { FeedEvents } from './feed.ts'
import { fill } from './fill.ts'
import { Heard } from './heard.ts'
import type { Home } from './home.ts'
import { entryOf, identity, type Kept } from '../../regions/kept.ts'
import type { Place } from './layout.ts'
import { Marks } from '../../regions/marks.ts'
import { NearCache } from '../../regions/near.ts'
import { readKept } from './read.ts'
import { replaceOwn, replaceTable } from './replace.ts'
import { snapshot } from './snapshot.ts'
import { countStatement, selectStatement, stateStatement, totalStatement } from './statement.ts'
import { destroyPlace, openTable, type Table } from './table.ts'
import type { Event } from './told.ts'
import { dropped, leftMs, write, type Writing, type Written } from './write.ts'

/** A region whose entries are on the nodes of a cluster. */
export class IgniteRegion implements Region {
  readonly engine = 'ignite'
  readonly id: string
  readonly home: Home
  readonly counters = new Counters()
  readonly marks = new Marks()
  /** When entries were last read by key here; the oldest first. */
  readonly recent = new Map<string, number>()
  /** Ends when it is known who tells the log of its changes. */
  followed: Promise<void> = Promise.resolve()
  /** How many entries there are, about. */
  size = 0
  definition: RegionDefinition
  shape: Shape
  #table!: Table
  #dropped = false
  #bytes = { sum: 0, count: 0 }
  readonly #near = new NearCache(nearLimits)
  readonly #lastHeard = new Heard()
  readonly #versions: RegionVersions = {
    isBehind: (tenant, key, version) => this.#lastHeard.isBehind({ tenant: this.owner(tenant), key }, version),
    entry: (tenant, key) => {
      const entry = { tenant: this.owner(tenant), key }
      this.#used(identity(entry), this.home.clock.now())
      return this.#hears ? this.#lastHeard.entry(entry) : undefined
    },
    // A statement over a REPLICATED region is answered by whichever node is asked, and that may be behind what was heard; else by those that tell.
    rows: tenant => (this.#hears && this.definition.placement?.mode !== 'REPLICATED' ? this.#lastHeard.rows(this.owner(tenant)) : undefined),
  }
  readonly #writes = new Set<Promise<unknown>>()

  constructor(id: string, definition: RegionDefinition, home: Home) {
    this.id = id
    this.definition = definition
    this.shape = new Shape(definition)
    this.home = home
  }

  get table(): Table {
    return this.#table
  }

  /** Absent where the time of entries ends: the cluster tells of it when it sweeps. */
  get versions(): RegionVersions | undefined {
    const { createMs, updateMs, accessMs } = this.definition.expiry
    return createMs === undefined && updateMs === undefined && accessMs === undefined ? this.#versions : undefined
  }

  async getMany(scope: Scope, keys: readonly string[], { near = false }: { readonly near?: boolean } = {}): Promise<readonly (Entry | undefined)[]> {
    const began = performance.now()
    this.#enter(scope)
    const tenant = this.owner(scope.tenant)
    const now = this.home.clock.now()
    const found = new Map<string, Kept>()
    const asked = new Set(keys)
    if (near) for (const key of asked) {
      const kept = this.#near.get(identity({ tenant, key }), now)
      if (!kept) continue
      found.set(key, kept)
      asked.delete(key)
    }
    const mark = this.#near.mark()
    for (const kept of asked.size === 0 ? [] : await this.read(scope, table => readKept(scope, table, tenant, [...asked], now))) {
      found.set(kept.key, kept)
      if (near) this.#keepNear(kept, mark, now)
    }
    let hits = 0
    for (const key of keys) {
      const kept = found.get(key)
      if (!kept) continue
      hits += 1
      this.#used(identity(kept), now)
    }
    this.counters.hits += hits
    this.counters.misses += keys.length - hits
    this.counters.tookGet((performance.now() - began) * 1000)
    return keys.map(key => {
      const kept = found.get(key)
      return kept && (asked.has(key) ? entryOf(kept) : { ...entryOf(kept), near: true })
    })
  }

  async putMany(scope: Scope, given: readonly Row[]): Promise<readonly Entry[]> {
    const began = performance.now()
    this.#enter(scope)
    const accepted = this.shape.accept(given)
    if (accepted.length === 0) return []
    const latest = new Map(accepted.map(shaped => [shaped.key, shaped]))
    const { clashes, decision } = await this.write(scope, {
      tenant: this.owner(scope.tenant), keys: [...latest.keys()],
      decide: found => {
        const now = this.home.clock.now()
        const version = this.home.versions.next(Math.max(0, ...found.map(kept => kept?.version ?? 0)))
        return { removals: [], puts: [...latest.values()].map(({ key, row }, index) => ({ key, row, version, writtenAtMs: now, createdAtMs: found[index]?.createdAtMs ?? now, filled: false })) }
      },
    })
    refuseClashes(this.definition.name, clashes, key => `rows[${accepted.findLastIndex(shaped => shaped.key === key)}]`)
    for (const { bytes } of accepted) this.#weighed(bytes)
    const stored = new Map(decision.puts.map(({ key, row, version, writtenAtMs }) => [key, { key, row, version, writtenAtMs }]))
    await evict(scope, this)
    this.counters.puts += accepted.length
    this.counters.tookPut((performance.now() - began) * 1000)
    return accepted.map(({ key }) => stored.get(key) as Entry)
  }

  async removeMany(scope: Scope, keys: readonly string[]): Promise<readonly boolean[]> {
    this.#enter(scope)
    const tenant = this.owner(scope.tenant)
    const noted = () => {
      for (const key of keys) this.marks.gone(identity({ tenant, key }))
    }
    const { decision } = await this.write(scope, {
      tenant, keys: [...new Set(keys)],
      decide: found => {
        noted()
        return { puts: [], removals: found.flatMap(kept => kept ?? []) }
      },
    })
    noted()
    const removed = new Set(decision.removals.map(({ key }) => key))
    this.counters.removals += removed.size
    return keys.map(key => removed.has(key))
  }

  async clear(scope: Scope): Promise<number> {
    this.#enter(scope)
    this.marks.allGone()
    const keys = await this.keys(scope)
    let count = 0
    for (let from = 0; from < keys.length; from += clearedAtOnce) {
      count += (await this.removeMany(scope, keys.slice(from, from + clearedAtOnce))).filter(Boolean).length
    }
    this.marks.allGone()
    return count
  }

  mark(): number {
    return this.marks.position
  }

  async fill(scope: Scope, given: readonly Row[], mark: number): Promise<number> {
    this.#enter(scope)
    const shaped = new Map(this.shape.accept(given).map(one => [one.key, one]))
    if (shaped.size === 0) return 0
    const stored = await fill(scope, this, shaped, mark)
    for (const { bytes } of shaped.values()) this.#weighed(bytes)
    await evict(scope, this)
    return stored
  }

  async replaceAll(scope: Scope, rows: AsyncIterable<readonly Row[]>, options: { silent?: boolean } = {}): Promise<ReplaceResult> {
    this.#enter(scope)
    const result = this.definition.tenancy === 'TENANT' ? await replaceOwn(scope, this, rows, options) : await replaceTable(scope, this, rows, options)
    await evict(scope, this)
    return result
  }

  async select(scope: Scope, criteria: Criteria): Promise<readonly Row[]> {
    const { per } = criteria
    if (per) {
      const type = this.definition.columns.find(({ name }) => name === per.column)?.type ?? 'String'
      return fewPer(await this.select(scope, ofAnyValue(criteria, per)), per, type, criteria)
    }
    const { limit = Number.POSITIVE_INFINITY, backwards = false } = criteria
    const rows = await this.read(scope, async table => {
      const statement = selectStatement(table.layout, this.owner(scope.tenant), limit > Number.MAX_SAFE_INTEGER ? { ...criteria, limit: undefined } : criteria)
      return limit <= 0 ? [] : table.query(scope, statement)
    })
    return backwards ? rows.reverse() : rows
  }

  async count(scope: Scope, filter?: Filter): Promise<number> {
    const [count = 0] = await this.read(scope, table => table.query(scope, countStatement(table.layout, this.owner(scope.tenant), filter)))
    return count
  }

  async snapshot(scope: Scope, filter?: Filter): Promise<Snapshot> {
    this.#enter(scope)
    return snapshot(scope, this, filter)
  }

  async stats(scope: Scope): Promise<RegionStats> {
    const entries = await this.total(scope)
    if (entries > 0 && this.#bytes.count === 0) {
      const { sql, args, read } = selectStatement(this.#table.layout, '', { limit: 100 })
      const sample = this.#table.layout.tenanted ? [] : await this.read(scope, table => table.query(scope, { sql, args, read }))
      for (const row of sample) this.#weighed(this.shape.restore('', { ...row }).bytes)
    }
    const { sum, count } = this.#bytes
    return this.counters.stats(entries, count === 0 ? 0 : Math.round((sum / count) * entries))
  }

  /** Entries of all tenants, expired ones left out. */
  async total(scope: Scope): Promise<number> {
    const [[total = 0] = []] = await this.read(scope, table => table.query(scope, { sql: totalStatement(table.layout), args: [], read: values => values }))
    return Number(total)
  }

  async #state(): Promise<string> {
    const scope = this.home.scope()
    return JSON.stringify(await this.read(scope, table => table.query(scope, { sql: stateStatement(table.layout), args: [], read: values => values.map(String) })))
  }

  /** Keys of all entries the scope's tenant has. */
  async keys(scope: Scope): Promise<readonly string[]> {
    const rows = await this.read(scope, table => table.query(scope, selectStatement(table.layout, this.owner(scope.tenant), {}, this.definition.key)))
    return rows.map(row => keyOf(this.definition.key, row))
  }

  /** Ends when what is being written now is written or failed. */
  async written(): Promise<void> {
    await Promise.allSettled([...this.#writes])
  }

  /** One commit; done again where the entries moved meanwhile. */
  async write(scope: Scope, writing: Writing): Promise<Written> {
    const work = this.#write(scope, writing)
    this.#writes.add(work)
    try {
      return await work
    } finally {
      this.#writes.delete(work)
    }
  }

  async #write(scope: Scope, writing: Writing): Promise<Written> {
    return this.read(scope, async table => {
      const written = await write(scope, this.home, table, writing)
      if (written.clashes.length === 0 && this.definition.tenancy === 'SHARED' && (await this.home.follow(this))) return undefined
      return written
    })
  }

  /** Runs the work where the entries are; again, where they have moved meanwhile and it answers so, or finds them gone. */
  async read<T>(scope: Scope, work: (table: Table) => Promise<T | undefined>): Promise<T> {
    for (;;) {
      const table = this.#enter(scope)
      try {
        const result = await table.using(() => work(table))
        if (result !== undefined) return result
      } catch (error) {
        const isGone = error instanceof HubError && (error.code === 'NOT_FOUND' || error.code === 'SQL_ERROR' || error.code === 'UPSTREAM_REJECTED')
        if (!isGone || (table === this.#table && !(await this.home.follow(this)))) throw error
      }
    }
  }

  /** What the feed of a table of this region does, for as long as it is the one. */
  feedEvents(): FeedEvents & { of?: Table } {
    const events: FeedEvents & { of?: Table } = {
      heard: event => {
        if (events.of === this.#table) this.#heard(event)
      },
      change: event => (events.of === this.#table && isTold(event) ? this.#change(event) : undefined),
      lost: () => {
        if (events.of !== this.#table) return
        this.#listen(false)
        this.home.log.lost(events.of.place.cache)
      },
      restored: () => {
        if (events.of !== this.#table) return
        this.#listen(true)
        this.marks.allGone()
        this.home.log.restored(events.of.place.cache)
      },
    }
    return events
  }

  /** The table, whose changes are followed, is where the entries are from now on; answers the one before. */
  switchTo(table: Table, begins: Followed['begins'], definition = this.definition): Table | undefined {
    const before = this.#table as Table | undefined
    const { cache } = table.place
    if (before?.place.cache !== cache) {
      this.followed = this.home.log.follow({ feed: cache, region: this.id, name: definition.name, begins, state: () => this.#state() })
      if (before) this.home.log.leave(before.place.cache, begins === 'REPLACES')
    }
    this.definition = definition
    this.shape = new Shape(definition)
    this.#table = table
    this.#listen(false)
    this.#listen(table.feed.live)
    return before
  }

  /** What readers hold of the region is void. Ends when they were told. */
  async reset(): Promise<void> {
    this.marks.allGone()
    await this.home.log.commit(this.id, { changes: [], resets: [this.definition.name] })
  }

  async drop(): Promise<void> {
    this.#dropped = true
    this.#listen(false)
    this.home.log.leave(this.#table.place.cache, false)
    await this.#table.feed.close()
  }

  /** Opens a table of this region with its changes followed. */
  async open(scope: Scope, definition: RegionDefinition, place: Place): Promise<Table> {
    const events = this.feedEvents()
    const table = await openTable(scope, this.home, definition, place, events)
    events.of = table
    return table
  }

  async discard(scope: Scope, table: Table): Promise<void> {
    await table.feed.close()
    await destroyPlace(scope, this.home.client, table.place)
  }

  /** Sends away what there is no room for. */
  shrink(scope: Scope): Promise<void> {
    return evict(scope, this)
  }

  owner(tenant: string): string {
    return this.definition.tenancy === 'SHARED' ? '' : tenant
  }

  #enter(scope: Scope): Table {
    scope.signal.throwIfAborted()
    if (this.#dropped) throw dropped(this.definition.name)
    this.home.log.check()
    return this.#table
  }

  #heard({ type, before, after }: Event): void {
    const entry = (after ?? before) as Kept
    this.home.versions.seen(entry.version)
    this.#near.changed(identity(entry))
    this.#lastHeard.changed(entry, after === undefined)
    if (type === 'CREATED') this.size += 1
    if (type === 'EXPIRED') this.counters.expiries += 1
    if (type !== 'REMOVED' && type !== 'EXPIRED') return
    this.size -= 1
    if (type === 'REMOVED' && before) this.marks.gone(identity(before))
  }

  /** Whether all changes are heard of, and in time for whoever wrote. */
  get #hears(): boolean {
    return this.home.hears() && !this.home.log.behind
  }

  #listen(isLive: boolean): void {
    for (const kept of [this.#near, this.#lastHeard]) kept[isLive ? 'on' : 'off']()
  }

  #change({ type, before, after }: Event): StoredChange {
    const { tenant, key, version, createdAtMs } = (after ?? before) as Kept
    return { region: this.definition.name, tenant, key, type, before: before?.row ?? null, after: after?.row ?? null, version: after ? version : this.home.versions.next(version), createdAtMs }
  }

  #keepNear(kept: Kept, mark: number, now: number): void {
    const { expiry } = this.definition
    // A read is to move its end; and what was heard of it already is heard of no more.
    if (expiry.accessMs !== undefined || this.#lastHeard.isBehind(kept, kept.version)) return
    const left = leftMs(expiry, kept, now) ?? Number.POSITIVE_INFINITY
    this.#near.keep(kept, this.shape.restore(kept.key, { ...kept.row }).bytes, now + left, mark)
  }

  #used(id: string, now: number): void {
    this.recent.delete(id)
    this.recent.set(id, now)
    if (this.recent.size > recentKept) for (const oldest of this.recent.keys()) {
      this.recent.delete(oldest)
      break
    }
  }

  #weighed(bytes: number): void {
    this.#bytes.sum += bytes
    this.#bytes.count += 1
  }
}

const clearedAtOnce = 5_000
const recentKept = 10_000
const nearLimits = { maxEntries: 10_000, maxBytes: 16 * 1024 * 1024 }

/** What came by `fill` came untold, and leaves so where its time ran out. */
function isTold({ type, before, after }: Event): boolean {
  if (after) return !after.filled
  return type !== 'EXPIRED' || !before?.filled
}
