import { randomBytes } from 'node:crypto'
import { HubError } from '../../../schema/errors.ts'
import { didYouMean } from '../../../schema/names.ts'
import type { ChangeLog } from '../../ports/change-log.ts'
import type { ClusterState, Region, RegionDefinition, RegionStore } from '../../ports/region-store.ts'
import type { RegionTransaction, Transacted, TransactionOutcome, TransactOptions } from '../../ports/region-transaction.ts'
import type { Clock, Log, Scope } from '../../ports/scope.ts'
import type { TableOrigin } from '../../ports/sql-engine.ts'
import { type CommitLog, openVolatileLog } from '../../memory/commit-log.ts'
import { equalDefinitions } from '../../memory/definition.ts'
import type { IgniteClient } from '../client.ts'
import { clusterState } from './cluster.ts'
import { checkAlone, checkSuccessor, succeed } from './define.ts'
import type { Told } from './feed.ts'
import type { Place } from './layout.ts'
import type { Home } from './home.ts'
import { IgniteRegion } from './region.ts'
import { idOf, openRegistry, type Registered, type Registry } from './registry.ts'
import { entriesOf } from './replace.ts'
import { RegionSource } from './source.ts'
import { destroyPlace } from './table.ts'
import { openTenures, type Tenures } from './tenures.ts'
import { Telling } from './told.ts'
import { IgniteTransactions } from './transactions.ts'
import { Versions } from './versions.ts'

export interface IgniteRegionsOptions {
  /** Closed with the store. */
  readonly client: IgniteClient
  readonly clock: Clock
  readonly log: Log
  /** In front of the names of caches and tables, so that several hubs can use one cluster without meeting. Default: none in front of tables, `tributary` of caches. */
  readonly namespace?: string
  /** How much of the change log stays for readers who come back. */
  readonly retainBytes?: number
  /** Work that outlives what asked for it. */
  readonly later: (work: () => Promise<void>) => void
}

const defaultNamespace = 'tributary'
/** How long what nobody asked for may take. */
const ownLimitMs = 120_000

/**
 * The regions of an Ignite cluster: what one process writes every other sees. Entries, durable or not, live as long as the cluster does, with the definitions of the
 * durable ones. The change log is this process's own, in memory, and begins anew with each start.
 */
export async function openIgniteRegions(options: IgniteRegionsOptions): Promise<RegionStore> {
  const closing = new AbortController()
  const store = new IgniteRegions(options, closing)
  try {
    await store.open()
    return store
  } catch (error) {
    closing.abort(error)
    throw error
  }
}

class IgniteRegions implements RegionStore {
  readonly #options: IgniteRegionsOptions
  readonly #log: CommitLog
  readonly #closing: AbortController
  readonly #home: Home
  readonly #regions = new Map<string, IgniteRegion>()
  /** Places this process takes a region to; the cluster's word of it is no news. */
  readonly #moving = new Set<string>()
  readonly #transactions: IgniteTransactions
  #registry!: Registry
  #tenures!: Tenures
  #pending: Promise<unknown> = Promise.resolve()
  /** What outlives the call that asked for it, and not the store. */
  readonly #works = new Set<Promise<void>>()

  constructor(options: IgniteRegionsOptions, closing: AbortController) {
    this.#options = options
    this.#closing = closing
    this.#log = openVolatileLog(options.retainBytes ?? 64 * 1024 * 1024)
    const { client, clock } = options
    this.#home = {
      client, clock, log: this.#log, versions: new Versions(clock), telling: new Telling((events, untold) => this.#tell(events, untold)), scope: { ...this.#scope(), later: work => this.#later(work) },
      freshPlace: definition => this.#freshPlace(definition),
      move: (region, to) => this.#move(region, to),
      follow: region => this.#follow(region),
    }
    this.#transactions = new IgniteTransactions(this.#home, name => this.#region(name))
  }

  get changes(): ChangeLog { return this.#log }
  get names(): readonly string[] { return [...this.#regions.keys()] }

  async open(): Promise<void> {
    const scope = this.#scope()
    this.#registry = await openRegistry(scope, this.#options.client, `${this.#options.namespace ?? defaultNamespace}_regions`)
    await this.#registry.follow({
      changed: (id, registered) => this.#inTurn(() => this.#changed(id, registered)),
      restored: () => this.#inTurn(() => this.#restored()),
    })
    this.#tenures = await openTenures(scope, this.#options.client, `${this.#options.namespace ?? defaultNamespace}_tenures`)
    this.#tenures.renew(() => this.#scope())
    const used = await this.#tenures.all(scope)
    for (const [id, { definition, place }] of await this.#registry.all(scope)) {
      if (definition.durable) await this.#openRegion(id, definition, place)
      else if (!used.has(id)) await this.#remove(scope, id, place)
    }
  }

  define(definition: RegionDefinition): Promise<Region> {
    return this.#inTurn(() => this.#define(definition))
  }

  async check(definition: RegionDefinition): Promise<void> {
    checkAlone(definition)
    const existing = this.#regions.get(definition.name)
    if (existing && !equalDefinitions(existing.definition, definition)) await checkSuccessor(this.#scope(), existing, definition)
  }

  region(name: string): Region {
    return this.#region(name)
  }

  async retire(name: string): Promise<boolean> {
    const region = this.#regions.get(name)
    region?.reset()
    return region !== undefined
  }

  drop(name: string): Promise<boolean> {
    return this.#inTurn(async () => {
      const region = this.#regions.get(name)
      if (!region) return false
      const scope = this.#scope()
      await this.#forget(region)
      // What others have loaded as well is theirs too.
      if (region.definition.durable || (await this.#tenures.leave(scope, region.id))) await this.#remove(scope, region.id, region.table.place)
      return true
    })
  }

  transact<T>(scope: Scope, options: TransactOptions, work: (tx: RegionTransaction) => Promise<T>): Promise<Transacted<T>> {
    return this.#transactions.run(scope, options, work)
  }

  async transaction(scope: Scope, id: string): Promise<TransactionOutcome | undefined> {
    return this.#transactions.find(scope.tenant, id)
  }

  origin(region: () => Region | undefined): TableOrigin {
    return { kind: 'source', source: new RegionSource(() => region() as IgniteRegion | undefined), table: 'region' }
  }

  cluster(scope: Scope): Promise<ClusterState> {
    return clusterState(scope, this.#options.client, [...this.#regions.values()].map(({ table }) => table.entries))
  }

  async close(): Promise<void> {
    await this.#pending
    await Promise.allSettled([...this.#works])
    await Promise.allSettled([this.#tenures.close(this.#scope()), this.#registry.close(), ...[...this.#regions.values()].map(({ table }) => table.feed.close())])
    this.#closing.abort(new HubError('SHUTTING_DOWN', 'The region store is closed.'))
    await this.#log.close()
    this.#options.client.close()
  }

  async #define(definition: RegionDefinition): Promise<Region> {
    await this.check(definition)
    const scope = this.#scope()
    const existing = this.#regions.get(definition.name)
    if (existing) {
      if (!equalDefinitions(existing.definition, definition)) await this.#redefine(scope, existing, definition)
      return existing
    }
    const id = idOf(definition)
    if (!definition.durable) await this.#tenures.take(scope, id)
    const known = await this.#registry.get(scope, id)
    if (known) return this.#adopt(scope, id, known, definition)

    const place = this.#freshPlace(definition)
    const region = await this.#openRegion(id, definition, place)
    const other = await this.#registry.add(scope, id, { definition, place })
    if (!other) return region
    // Another process was first.
    this.#regions.delete(definition.name)
    await region.discard(scope, region.table)
    return this.#adopt(scope, id, other, definition)
  }

  async #adopt(scope: Scope, id: string, { definition: there, place }: Registered, definition: RegionDefinition): Promise<Region> {
    const region = await this.#openRegion(id, there, place)
    if (equalDefinitions(there, definition)) return region
    try {
      await checkSuccessor(scope, region, definition)
      await this.#redefine(scope, region, definition)
    } catch (error) {
      this.#regions.delete(definition.name)
      await region.drop()
      throw error
    }
    return region
  }

  async #redefine(scope: Scope, region: IgniteRegion, wanted: RegionDefinition): Promise<void> {
    const { client } = this.#options
    const { definition: before, table: { place: from } } = region
    const definition = { ...wanted, ...(before.placement && { placement: before.placement }) }
    const isSame = JSON.stringify(before.unique ?? []) === JSON.stringify(definition.unique ?? [])
    const { holders: _, ...bare } = from
    const fresh = (definition.unique ?? []).length > 0 ? { ...bare, holders: this.#freshPlace(definition).holders ?? '' } : bare
    const place: Place = isSame ? from : fresh
    const table = await region.open(scope, definition, place)
    if (!isSame && table.holders) {
      for await (const kept of entriesOf(scope, region, region.table)) await table.holders.fill(scope, [kept])
    }
    this.#moving.add(JSON.stringify([place, definition]))
    if (!(await this.#registry.replace(scope, region.id, { definition: before, place: from }, { definition, place }))) {
      throw new HubError('CONFLICT', `Region "${definition.name}" was defined otherwise or dropped by somebody else at the same time. Define it again.`, { region: definition.name, differences: ['it changed meanwhile'] })
    }
    await succeed(scope, region, table)
    if (!isSame && from.holders !== undefined) await destroyPlace(scope, client, { cache: from.holders, table: '' })
  }

  async #openRegion(id: string, definition: RegionDefinition, place: Place): Promise<IgniteRegion> {
    const scope = this.#scope()
    const region = new IgniteRegion(id, definition, this.#home)
    const table = await region.open(scope, definition, place)
    await table.feed.open(table.entries)
    region.switchTo(table)
    region.size = await table.entries.size(scope)
    this.#regions.set(definition.name, region)
    return region
  }

  async #remove(scope: Scope, id: string, place: Place): Promise<void> {
    const removed = await this.#registry.remove(scope, id)
    await destroyPlace(scope, this.#options.client, removed?.place ?? place)
  }

  async #forget(region: IgniteRegion): Promise<void> {
    this.#regions.delete(region.definition.name)
    region.reset()
    await region.drop()
  }

  /** The cluster's word of a region that is open here: somebody else replaced its entries, defined it otherwise, or dropped it. */
  async #changed(id: string, registered: Registered | undefined): Promise<void> {
    const region = [...this.#regions.values()].find(one => one.id === id)
    if (!region) return
    if (!registered) return this.#forget(region)
    const { definition, place } = registered
    if (this.#moving.delete(JSON.stringify([place, definition]))) return
    if (place.cache === region.table.place.cache && equalDefinitions(definition, region.definition)) return
    await this.#go(region, registered)
  }

  async #go(region: IgniteRegion, { definition, place }: Registered): Promise<void> {
    const scope = this.#scope()
    const table = await region.open(scope, definition, place)
    await table.feed.open(table.entries)
    region.size = await table.entries.size(scope)
    const old = region.switchTo(table, definition)
    region.reset()
    await old?.feed.close()
  }

  async #move(region: IgniteRegion, to: Place): Promise<boolean> {
    const { definition, table } = region
    const word = JSON.stringify([to, definition])
    this.#moving.add(word)
    const moved = await this.#registry.replace(this.#scope(), region.id, { definition, place: table.place }, { definition, place: to })
    if (!moved) this.#moving.delete(word)
    return moved
  }

  async #follow(region: IgniteRegion): Promise<boolean> {
    const { table } = region
    const registered = await this.#registry.get(this.#scope(), region.id)
    if (!registered || registered.place.cache === table.place.cache) return false
    if (this.#moving.has(JSON.stringify([registered.place, registered.definition]))) return region.table !== table
    await this.#inTurn(async () => {
      if (region.table === table) await this.#go(region, registered)
    })
    return true
  }

  /** Changes of the registry may have gone by, or the cluster began anew and knows nothing: then it is told what there is here, empty. */
  async #restored(): Promise<void> {
    const scope = this.#scope()
    for (const region of [...this.#regions.values()]) {
      const { definition, table: { place } } = region
      const registered = (await this.#registry.add(scope, region.id, { definition, place })) ?? { definition, place }
      await this.#changed(region.id, registered)
    }
  }

  #region(name: string): IgniteRegion {
    const region = this.#regions.get(name)
    if (!region) throw new HubError('NOT_FOUND', `There is no region "${name}".${didYouMean(name, this.#regions.keys())}`, { region: name })
    return region
  }

  /** Caches are never made twice under one name, for their types outlive them. */
  #freshPlace(definition: RegionDefinition): Place {
    const { namespace = defaultNamespace } = this.#options
    const stem = `${namespace}_${definition.name}_${Date.now().toString(36)}${randomBytes(4).toString('hex')}`.toLowerCase()
    return { cache: stem, table: stem.toUpperCase(), ...((definition.unique ?? []).length > 0 && { holders: `${stem}_holders` }) }
  }

  /** One after the other: what makes, changes and removes regions. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#pending.then(work)
    this.#pending = done.catch(error => this.#options.log.debug('Ignite: a region was not changed.', { reason: String(error) }))
    return done
  }

  #tell(events: readonly Told[], untold: ReadonlySet<string>): void {
    const changes = events.flatMap(event => {
      const change = event.to.told(event)
      return change && !untold.has(event.id) ? [change] : []
    })
    if (changes.length > 0) this.#log.commit({ committedAtMs: this.#options.clock.now(), changes }, () => {})
  }

  #later(work: () => Promise<void>): void {
    const { log, later } = this.#options
    later(() => {
      const done = work().catch(error => log.warn('Ignite: what a region left behind was not removed.', { reason: String(error) })).finally(() => this.#works.delete(done))
      this.#works.add(done)
      return done
    })
  }

  #scope(): Scope {
    const { clock, log, later } = this.#options
    return {
      requestId: 'regions', tenant: '', caller: { subject: 'hub', scopes: new Set() }, signal: this.#closing.signal, deadlineMs: clock.now() + ownLimitMs, clock, log, later,
    }
  }
}
