import { HubError } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'
import type { ChangeLog } from '../ports/change-log.ts'
import type { ClusterNode, ClusterState, Region, RegionDefinition, RegionStore } from '../ports/region-store.ts'
import type { RegionTransaction, Transacted, TransactionOutcome, TransactOptions } from '../ports/region-transaction.ts'
import type { Clock, Log, Scope } from '../ports/scope.ts'
import type { TableOrigin } from '../ports/sql-engine.ts'
import { type CommitLog, openVolatileLog } from '../regions/commit-log.ts'
import { checkDefinition, checkSuccession, equalDefinitions } from '../regions/definition.ts'
import { floodWarning, type Home } from './commits.ts'
import { openDirectory, type StoreDirectory } from './recovery.ts'
import { type MemoryRegion, OpenRegion } from './region.ts'
import { Transactions } from './transactions.ts'

export interface MemoryRegionsOptions {
  /** Where the commit log and the checkpoints are; absent: nothing outlives the process, and the change log is held in memory. */
  readonly directory?: string
  readonly clock: Clock
  readonly log: Log
  /** Size of one segment of the log; its space is taken when it is made. */
  readonly segmentBytes?: number
  /** How much of the log stays for readers who come back; more where recovery needs it. */
  readonly retainBytes?: number
  /** Called once when the log cannot be written. Memory is ahead of the log from then on: the process must stop. */
  readonly onFatal?: (error: HubError) => void
}

/** A region store whose regions can also be read synchronously. */
export interface MemoryRegionStore extends RegionStore {
  define(definition: RegionDefinition): Promise<MemoryRegion>
  region(name: string): MemoryRegion
}

/**
 * Opens the regions of a directory, or empty ones in memory. All commits, of regions that are not durable too, go into one log, so that a reader of `changes` sees
 * them in one order and can come back to its place. Durable regions are there again after a start, with their definitions; of the others only the definitions'
 * names are remembered, and the log then says once that what a reader held of them is void. A directory another process has open → CONFLICT naming that process.
 */
export async function openMemoryRegions(options: MemoryRegionsOptions): Promise<MemoryRegionStore> {
  const { directory, clock, log, segmentBytes = 16 * 1024 * 1024, retainBytes = 64 * 1024 * 1024, onFatal } = options
  if (directory === undefined) return new MemoryRegions(clock, openVolatileLog(retainBytes), floodWarning(log))
  const opened = await openDirectory({ directory, clock, log, segmentBytes, retainBytes, onFatal })
  return new MemoryRegions(clock, opened.log, floodWarning(log), opened)
}

class MemoryRegions implements MemoryRegionStore {
  readonly #clock: Clock
  readonly #log: CommitLog
  readonly #directory: StoreDirectory | undefined
  readonly #regions: Map<string, OpenRegion>
  readonly #home: Home
  readonly #transactions: Transactions
  #version = 0

  constructor(clock: Clock, log: CommitLog, flooded: Home['flooded'], directory?: StoreDirectory) {
    this.#clock = clock
    this.#log = log
    this.#directory = directory
    this.#regions = directory?.regions ?? new Map()
    this.#home = directory?.home ?? { clock, log, nextVersion: () => ++this.#version, flooded }
    this.#transactions = new Transactions(this.#home, name => this.#region(name))
    for (const region of this.#regions.values()) region.entries.queue.start()
  }

  get changes(): ChangeLog { return this.#log }
  get names(): readonly string[] { return [...this.#regions.keys()] }

  async define(definition: RegionDefinition): Promise<MemoryRegion> {
    this.#check(definition)
    const existing = this.#regions.get(definition.name)
    if (existing && equalDefinitions(existing.definition, definition)) return existing

    // Entries that live longer from now on are those that live.
    existing?.sweep()
    let region = existing
    this.#log.commit({ committedAtMs: this.#clock.now(), changes: [], define: [definition] }, () => {
      if (region) {
        region.redefine(definition)
        return
      }
      region = new OpenRegion(definition, this.#home)
      region.entries.queue.start()
      this.#regions.set(definition.name, region)
    })
    existing?.shrink()
    await this.#log.whenDurable(this.#log.end)
    return region ?? this.region(definition.name)
  }

  async check(definition: RegionDefinition): Promise<void> {
    this.#check(definition)
  }

  #check(definition: RegionDefinition): void {
    checkDefinition(definition)
    const existing = this.#regions.get(definition.name)
    if (!existing || equalDefinitions(existing.definition, definition)) return
    checkSuccession(existing.definition, definition)
    existing.checkUnique(definition)
  }

  region(name: string): MemoryRegion {
    return this.#region(name)
  }

  #region(name: string): OpenRegion {
    const region = this.#regions.get(name)
    if (!region) throw new HubError('NOT_FOUND', `There is no region "${name}".${didYouMean(name, this.#regions.keys())}`, { region: name })
    return region
  }

  async retire(name: string): Promise<boolean> {
    if (!this.#regions.has(name)) return false
    this.#log.commit({ committedAtMs: this.#clock.now(), changes: [], resets: [name] }, () => undefined)
    await this.#log.whenDurable(this.#log.end)
    return true
  }

  async drop(name: string): Promise<boolean> {
    const region = this.#regions.get(name)
    if (!region) return false
    this.#log.commit({ committedAtMs: this.#clock.now(), changes: [], resets: [name], drop: [name] }, () => {
      region.drop()
      this.#regions.delete(name)
    })
    await this.#log.whenDurable(this.#log.end)
    return true
  }

  transact<T>(scope: Scope, options: TransactOptions, work: (tx: RegionTransaction) => Promise<T>): Promise<Transacted<T>> {
    return this.#transactions.run(scope, options, work)
  }

  async transaction(scope: Scope, id: string): Promise<TransactionOutcome | undefined> {
    scope.signal.throwIfAborted()
    return this.#transactions.outcomes.find(scope.tenant, id)
  }

  origin(region: () => Region | undefined): TableOrigin {
    const now = () => {
      const found = region()
      return found && this.#region(found.definition.name)
    }
    return {
      kind: 'live', rows: tenant => now()?.rowsNow(tenant) ?? [], versions: () => now()?.versions,
      indexes: { among: (tenant, filter) => now()?.indexes.among(tenant, filter), scale: (tenant, column) => now()?.indexes.scale(tenant, column) ?? 0 },
    }
  }

  async cluster(scope: Scope): Promise<ClusterState> {
    scope.signal.throwIfAborted()
    return { nodes: [{ id: this.#log.id, address: null, state: this.#state(), partitionsPrimary: null, partitionsBackup: null }], topologyVersion: null, pool: null }
  }

  #state(): ClusterNode['state'] {
    try {
      this.#log.check()
      return 'UP'
    } catch {
      // Whoever writes is told why.
      return 'DOWN'
    }
  }

  async close(): Promise<void> {
    for (const region of this.#regions.values()) region.entries.queue.stop()
    await (this.#directory ? this.#directory.close() : this.#log.close())
  }
}

