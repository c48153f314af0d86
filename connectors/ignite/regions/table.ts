import type { Row, Value } from '../../../schema/values.ts'
import type { RegionDefinition } from '../../ports/region-store.ts'
import type { Scope } from '../../ports/scope.ts'
import { type Cache, openCache } from '../cache.ts'
import { destroyCache, ensureCache } from '../caches.ts'
import type { IgniteClient } from '../client.ts'
import { sqlRows } from '../sql.ts'
import { Feed, type FeedEvents, type Told } from './feed.ts'
import { type Holders, openHolders } from './holders.ts'
import type { Kept } from '../../regions/kept.ts'
import { checkColumns, Layout, type Place } from './layout.ts'
import type { Reading } from './statement.ts'
import type { Telling } from './told.ts'

export type Entries = Cache<Row | Value, Row>

/** One cache with the entries of a region, under one definition. */
export class Table {
  readonly place: Place
  readonly layout: Layout
  readonly entries: Entries
  readonly feed: Feed
  readonly holders: Holders | undefined
  readonly #client: IgniteClient
  #readers = 0
  #unused: (() => void) | undefined

  constructor(client: IgniteClient, place: Place, layout: Layout, entries: Entries, feed: Feed, holders: Holders | undefined) {
    this.#client = client
    this.place = place
    this.layout = layout
    this.entries = entries
    this.feed = feed
    this.holders = holders
  }

  async query<T>(scope: Scope, { sql, args, read }: Reading<T>): Promise<T[]> {
    const rows = await sqlRows(scope, this.#client, sql, args)
    return rows.map(read)
  }

  /** Per key of a tenant the entry; a key no row can have has none. */
  async keptOf(scope: Scope, tenant: string, keys: readonly string[], entries = this.entries): Promise<(Kept | undefined)[]> {
    const wires = keys.map(key => this.layout.wireKey(tenant, key))
    const found = await this.keptAll(scope, wires.filter(wire => wire !== undefined), entries)
    let next = 0
    return wires.map(wire => (wire === undefined ? undefined : found[next++]))
  }

  async keptAll(scope: Scope, wires: readonly (Row | Value)[], entries = this.entries): Promise<(Kept | undefined)[]> {
    if (wires.length === 0) return []
    const found = await entries.getAll(scope, wires)
    return found.map((value, index) => value && this.layout.kept(wires[index] as Row | Value, value))
  }

  /** Keeps the entries from being destroyed while the work runs. */
  async using<T>(work: () => Promise<T>): Promise<T> {
    this.#readers += 1
    try {
      return await work()
    } finally {
      this.#readers -= 1
      if (this.#readers === 0) this.#unused?.()
    }
  }

  /** Removes the entries, once nobody here uses them any more. */
  async destroy(scope: Scope): Promise<void> {
    if (this.#readers > 0) {
      const unused = Promise.withResolvers<void>()
      this.#unused = unused.resolve
      await unused.promise
    }
    await this.feed.close()
    await destroyPlace(scope, this.#client, this.place)
  }
}

/** Makes the cache as the definition wants it, or adds what it lacks. Its changes are not followed yet. */
export async function openTable(scope: Scope, { client, telling }: { readonly client: IgniteClient; readonly telling: Telling<Told> }, definition: RegionDefinition, place: Place, events: FeedEvents): Promise<Table> {
  checkColumns(definition)
  const layout = new Layout(definition, place)
  await ensureCache(scope, client, layout.configuration)
  const entries = await openCache<Row | Value, Row>(scope, client, place.cache, layout.keys as Layout['keys'] & { readonly types: readonly [] }, layout.values)
  const holders = await openHolders(scope, client, definition, place)
  return new Table(client, place, layout, entries, new Feed(client, layout, events, telling), holders)
}

export async function destroyPlace(scope: Scope, client: IgniteClient, { cache, holders }: Pick<Place, 'cache' | 'holders'>): Promise<void> {
  await destroyCache(scope, client, cache)
  if (holders !== undefined) await destroyCache(scope, client, holders)
}
