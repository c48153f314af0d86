import { HubError } from '../../../schema/errors.ts'
import type { Row, Value } from '../../../schema/values.ts'
import type { RegionDefinition } from '../../ports/region-store.ts'
import type { Scope } from '../../ports/scope.ts'
import { IndexValues } from '../../regions/index-values.ts'
import { type Clash, within } from '../../regions/unique.ts'
import { rowsOf, valuesOf } from '../binary/codec.ts'
import { BinaryType } from '../binary/type.ts'
import { type Cache, openCache } from '../cache.ts'
import { ensureCache } from '../caches.ts'
import type { IgniteClient } from '../client.ts'
import type { CacheConfiguration } from '../configuration.ts'
import type { Transaction } from '../transaction.ts'
import type { Kept } from '../../regions/kept.ts'
import type { Layout, Place } from './layout.ts'

interface Claiming {
  readonly key: string
  readonly row: Row
  readonly before: Kept | undefined
  readonly writtenAtMs: number
  readonly untilMs: number | undefined
}

interface Held {
  readonly entries: Cache<Row | Value, Row>
  readonly layout: Layout
}

/** How long after its end an entry may still be unswept. */
const latelyMs = 5_000

/** Which entry holds which value of a unique index; the two change in one transaction. An entry that expired leaves its value behind: who holds it no longer, does not hold it. */
export class Holders {
  readonly #cache: Cache<Value, Row>
  readonly #indexes: readonly IndexValues[]
  readonly #definition: RegionDefinition

  constructor(cache: Cache<Value, Row>, definition: RegionDefinition) {
    this.#cache = cache
    this.#definition = definition
    this.#indexes = (definition.unique ?? []).map(columns => new IndexValues(columns, definition.columns))
  }

  /**
   * What speaks against writing these rows, of which no two have one key, and removing those entries; else makes the rows holders of their values, in the transaction. With the
   * keys of entries that lately held one of the values, and expired.
   */
  async claim(scope: Scope, transaction: Transaction, tenant: string, { entries, layout }: Held, written: readonly Claiming[], removed: readonly Kept[]): Promise<{ readonly clashes: Clash[]; readonly expired: readonly string[] }> {
    const clashes = within(this.#indexes, written)
    const cache = this.#cache.within(transaction)
    const claims = written.flatMap(one => this.#names(tenant, one.row).map(claim => ({ ...claim, ...one })))
    const held = await cache.getAll(scope, claims.map(({ name }) => name))
    const changing = new Set([...written, ...removed].map(({ key }) => key))
    const doubtful = claims.flatMap((claim, index) => {
      const holder = held[index]?.['holder']
      return typeof holder === 'string' && !changing.has(holder) ? [{ ...claim, holder, endedAtMs: Number(held[index]?.['until'] ?? 0) }] : []
    })
    const wires = doubtful.map(({ holder }) => layout.wireKey(tenant, holder) ?? '')
    // Outside of the transaction: whoever takes a holder's value away waits for the lock on its name.
    const found = wires.length === 0 ? [] : await entries.getAll(scope, wires)
    const expired: string[] = []
    for (const [index, { name, key, row, columns, holder, writtenAtMs, endedAtMs }] of doubtful.entries()) {
      const value = found[index]
      const now = value && layout.kept(wires[index] as Row | Value, value)
      if (now && this.#names(tenant, now.row).some(one => one.name === name)) clashes.push({ key, row, columns, holder })
      else if (!now && Math.abs(writtenAtMs - endedAtMs) < latelyMs) expired.push(holder)
    }
    if (clashes.length > 0) return { clashes, expired }

    const kept = new Set(claims.map(({ name }) => name))
    const gone = [...removed, ...written.flatMap(({ before }) => before ?? [])].flatMap(({ row }) => this.#names(tenant, row).map(({ name }) => name))
    const free = gone.filter(name => !kept.has(name))
    if (free.length > 0) await cache.removeAll(scope, free)
    if (claims.length > 0) await cache.putAll(scope, claims.map(({ name, key, untilMs }) => [name, { holder: key, until: untilMs ?? null }] as const))
    return { clashes, expired }
  }

  /** Writes down who holds what, of entries that share nothing. */
  async fill(scope: Scope, entries: readonly Pick<Kept, 'tenant' | 'key' | 'row'>[]): Promise<void> {
    const claims = entries.flatMap(({ tenant, key, row }) => this.#names(tenant, row).map(({ name }) => [name, { holder: key, until: null }] as const))
    for (let from = 0; from < claims.length; from += 1_000) await this.#cache.putAll(scope, claims.slice(from, from + 1_000))
  }

  #names(tenant: string, row: Row): { readonly name: string; readonly columns: readonly string[] }[] {
    return this.#indexes.flatMap((index, at) => {
      const name = index.nameOf(row)
      return name === undefined ? [] : [{ name: JSON.stringify([tenant, this.#definition.unique?.[at], name]), columns: index.columns }]
    })
  }
}

/** The holders of a region with unique indexes; undefined where it has none. A place that does not keep them yet keeps none. */
export async function openHolders(scope: Scope, client: IgniteClient, definition: RegionDefinition, { holders, atomicity }: Place): Promise<Holders | undefined> {
  if ((definition.unique ?? []).length === 0) return undefined
  if (atomicity !== 'TRANSACTIONAL') {
    const difference = 'it has no unique indexes and is ATOMIC'
    throw new HubError('CONFLICT', `Region "${definition.name}" exists with another definition: ${difference}, and on a cluster its entries cannot become unique. Drop it first, or define it as it is.`, { region: definition.name, differences: [difference] })
  }
  if (holders === undefined) throw new HubError('INTERNAL', `Region "${definition.name}" has unique indexes and no place for their holders.`)
  const { placement = { mode: 'PARTITIONED', backups: 1 } } = definition
  const configuration: CacheConfiguration = {
    name: holders, table: holders.toUpperCase(), mode: placement.mode, atomicity: 'TRANSACTIONAL', backups: placement.mode === 'REPLICATED' ? 0 : placement.backups,
    key: [{ name: 'NAME', property: 'name', type: 'string' }], valueType: `${holders}_row`, fields: [{ name: 'HOLDER', property: 'holder', type: 'string' }, { name: 'UNTIL', property: 'until', type: 'long' }], indexes: [],
  }
  await ensureCache(scope, client, configuration)
  const type = new BinaryType(configuration.valueType, configuration.fields)
  return new Holders(await openCache(scope, client, holders, valuesOf('string'), rowsOf(type)), definition)
}
