import { HubError } from '../../../schema/errors.ts'
import { didYouMean } from '../../../schema/names.ts'
import type { ChangeLog } from '../../ports/change-log.ts'
import { Gate } from '../../ports/gate.ts'
import type { ClusterState, Region, RegionDefinition, RegionStore } from '../../ports/region-store.ts'
import type { RegionTransaction, Transacted, TransactionOutcome, TransactOptions } from '../../ports/region-transaction.ts'
import type { Clock, Log, Scope } from '../../ports/scope.ts'
import type { TableOrigin } from '../../ports/sql-engine.ts'
import { type FeedLog, markOf, openLocalLog } from '../../regions/feed-log.ts'
import type { IgniteClient } from '../client.ts'
import { clusterState } from './cluster.ts'
import { checkAlone, checkSuccessor, sameDefinition } from './define.ts'
import { Directory } from './directory.ts'
import type { Told } from './feed.ts'
import type { Home } from './home.ts'
import type { IgniteRegion } from './region.ts'
import { RegionSource } from './source.ts'
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
  /** The change log, of this process and others. Closed with the store. Default: one of its own, in memory, that begins anew with each start. */
  readonly changes?: FeedLog
  /** How much of a change log of its own stays for readers who come back. */
  readonly retainBytes?: number
  /** Work that outlives what asked for it. */
  readonly later: Scope['later']
}

const defaultNamespace = 'tributary'
/** How long what nobody asked for may take. */
const ownLimitMs = 120_000

/**
 * The regions of an Ignite cluster: what one process writes every other sees. Entries, durable or not, live as long as the cluster does, with the definitions of the
 * durable ones.
 */
export async function openIgniteRegions(options: IgniteRegionsOptions): Promise<RegionStore> {
  const closing = new AbortController()
  const store = new IgniteRegions(options, closing)
  try {
    await store.open()
    return store
  } catch (error) {
    closing.abort(error)
    options.client.close()
    await options.changes?.close()
    throw error
  }
}

class IgniteRegions implements RegionStore {
  readonly #options: IgniteRegionsOptions
  readonly #log: FeedLog
  readonly #closing: AbortController
  /** Ignite takes 100 transactions over one connection. */
  readonly #gate = new Gate(90, 'transactions run on the cluster')
  readonly #directory: Directory
  readonly #transactions: IgniteTransactions

  constructor(options: IgniteRegionsOptions, closing: AbortController) {
    this.#options = options
    this.#closing = closing
    const { client, clock, namespace = defaultNamespace } = options
    this.#log = options.changes ?? openLocalLog(options.retainBytes ?? 64 * 1024 * 1024, clock)
    const home: Home = {
      client, clock, log: this.#log, versions: new Versions(clock), telling: new Telling((events, untold, done) => this.#tell(events, untold, done)),
      gate: this.#gate, scope: () => this.#scope(),
      hears: () => this.#directory.hears,
      freshPlace: definition => this.#directory.freshPlace(definition),
      move: (region, to) => this.#directory.move(region, to),
      follow: region => this.#directory.follow(region),
    }
    this.#directory = new Directory(home, namespace, options.log)
    this.#transactions = new IgniteTransactions(home, name => this.#region(name))
  }

  get changes(): ChangeLog { return this.#log }
  get names(): readonly string[] { return [...this.#directory.regions.keys()] }

  open(): Promise<void> {
    return this.#directory.open()
  }

  async define(definition: RegionDefinition): Promise<Region> {
    return this.#directory.inTurn(async () => {
      await this.check(definition)
      return this.#directory.define(definition)
    })
  }

  async check(definition: RegionDefinition): Promise<void> {
    checkAlone(definition)
    const existing = this.#directory.regions.get(definition.name)
    if (existing && !sameDefinition(existing.definition, definition)) await checkSuccessor(this.#scope(), existing, definition)
  }

  region(name: string): Region {
    return this.#region(name)
  }

  async retire(name: string): Promise<boolean> {
    const region = this.#directory.regions.get(name)
    await region?.reset()
    return region !== undefined
  }

  drop(name: string): Promise<boolean> {
    return this.#directory.inTurn(() => this.#directory.drop(name))
  }

  transact<T>(scope: Scope, options: TransactOptions, work: (tx: RegionTransaction) => Promise<T>): Promise<Transacted<T>> {
    return this.#transactions.run(scope, options, work)
  }

  async transaction(scope: Scope, id: string): Promise<TransactionOutcome | undefined> {
    return this.#transactions.find(scope.tenant, id)
  }

  origin(region: () => Region | undefined): TableOrigin {
    const now = () => {
      const found = region()
      return found && this.#region(found.definition.name)
    }
    return { kind: 'source', source: new RegionSource(now), table: 'region' }
  }

  cluster(scope: Scope): Promise<ClusterState> {
    return clusterState(scope, this.#options.client, [...this.#directory.regions.values()].map(({ table }) => table.entries), this.#gate.waiting)
  }

  async close(): Promise<void> {
    await this.#log.close()
    await this.#directory.close()
    this.#closing.abort(new HubError('SHUTTING_DOWN', 'The region store is closed.'))
    this.#options.client.close()
  }

  #region(name: string): IgniteRegion {
    const region = this.#directory.regions.get(name)
    if (!region) throw new HubError('NOT_FOUND', `There is no region "${name}".${didYouMean(name, this.#directory.regions.keys())}`, { region: name })
    return region
  }

  #tell(events: readonly Told[], untold: ReadonlySet<string>, done: () => void): void {
    const heard = events.flatMap(event => {
      const { to, id, type, before, after } = event
      const change = to.change(event)
      const told = () => to.told(event)
      if (change) return [{ feed: to.feed, mark: markOf(type, (after ?? before)?.version ?? 0), change, quiet: untold.has(id), told }]
      told()
      return []
    })
    if (heard.length > 0) this.#log.tell(heard, done)
    else done()
  }

  #scope(): Scope {
    const { clock, log, later } = this.#options
    return {
      requestId: 'regions', tenant: '', caller: { subject: 'hub', scopes: new Set() }, signal: this.#closing.signal, deadlineMs: clock.now() + ownLimitMs, clock, log, later,
    }
  }
}
