import { randomBytes } from 'node:crypto'
import { HubError } from '../../../schema/errors.ts'
import type { RegionDefinition } from '../../ports/region-store.ts'
import type { Log, Scope } from '../../ports/scope.ts'
import type { Followed } from '../../regions/feed-log.ts'
import { checkSuccessor, sameDefinition, succeed } from './define.ts'
import type { Home } from './home.ts'
import type { Place } from './layout.ts'
import { IgniteRegion } from './region.ts'
import { idOf, openRegistry, type Registered, type Registry } from './registry.ts'
import { entriesOf } from './replace.ts'
import { destroyPlace } from './table.ts'
import { openTenures, type Tenures } from './tenures.ts'

/** The regions open in this process, kept in step with what the cluster says of them. */
export class Directory {
  readonly regions = new Map<string, IgniteRegion>()
  readonly #home: Home
  readonly #namespace: string
  readonly #log: Log
  /** What this process tells the registry; the cluster's word of it is no news. */
  readonly #own = new Set<string>()
  /** Regions on their way to where the cluster says they are. */
  readonly #going = new Map<IgniteRegion, Promise<void>>()
  /** How often changes of the registry may have gone by, and how often it was then read again. */
  #losses = 0
  #mended = 0
  #registry!: Registry
  #tenures!: Tenures
  #pending: Promise<unknown> = Promise.resolve()

  constructor(home: Home, namespace: string, log: Log) {
    this.#home = home
    this.#namespace = namespace
    this.#log = log
  }

  /** Whether all that the registry tells is known here. */
  get hears(): boolean {
    return this.#mended === this.#losses
  }

  async open(): Promise<void> {
    const { client } = this.#home
    const scope = this.#home.scope()
    this.#registry = await openRegistry(scope, client, `${this.#namespace}_regions`)
    await this.#registry.follow({
      changed: (id, registered) => this.#quietly(() => this.#changed(id, registered)),
      lost: () => {
        this.#losses += 1
      },
      restored: () => {
        const losses = this.#losses
        this.#quietly(async () => {
          await this.#restored()
          this.#mended = losses
        })
      },
    })
    this.#tenures = await openTenures(scope, client, `${this.#namespace}_tenures`)
    this.#tenures.renew(() => this.#home.scope())
    const used = await this.#tenures.all(scope)
    for (const [id, { definition, place }] of await this.#registry.all(scope)) {
      if (definition.durable) await this.#open(scope, id, definition, place)
      else if (!used.has(id)) await this.#remove(scope, id, place)
    }
  }

  async define(definition: RegionDefinition): Promise<IgniteRegion> {
    const scope = this.#home.scope()
    const existing = this.regions.get(definition.name)
    if (existing) {
      if (!sameDefinition(existing.definition, definition)) await this.#redefine(scope, existing, definition)
      return existing
    }
    const id = idOf(definition)
    if (!definition.durable) await this.#tenures.take(scope, id)
    const known = await this.#registry.get(scope, id)
    if (known) return this.#adopt(scope, id, known, definition)

    const place = this.freshPlace(definition)
    const region = await this.#open(scope, id, definition, place, 'EMPTY')
    const other = await this.#registry.add(scope, id, { definition, place })
    await region.followed
    if (!other) return region
    // Another process was first.
    this.regions.delete(definition.name)
    this.#home.log.leave(region.table.place.cache, true)
    await region.discard(scope, region.table)
    return this.#adopt(scope, id, other, definition)
  }

  async drop(name: string): Promise<boolean> {
    const region = this.regions.get(name)
    if (!region) return false
    const scope = this.#home.scope()
    const { cache } = region.table.place
    await this.#forget(region)
    // What others have loaded as well is theirs too.
    if (region.definition.durable || (await this.#tenures.leave(scope, region.id))) {
      await this.#remove(scope, region.id, region.table.place)
      this.#home.log.leave(cache, true)
    }
    return true
  }

  /** Takes the region from one place to another; false: it has gone elsewhere meanwhile. */
  async move(region: IgniteRegion, to: Place): Promise<boolean> {
    const { definition, table } = region
    return this.#say(region, { definition, place: table.place }, { definition, place: to })
  }

  /** Goes where the region is, as the cluster says; false: it is where it was. */
  async follow(region: IgniteRegion): Promise<boolean> {
    const { table } = region
    const registered = await this.#registry.get(this.#home.scope(), region.id)
    if (!registered || registered.place.cache === table.place.cache) return false
    // This process is taking it there, and switches as soon as the registry has answered.
    if (this.#own.has(wordOf(registered))) return region.table !== table
    if (region.table === table) await this.#go(region, registered)
    return true
  }

  /** Caches are never made twice under one name, for their types outlive them. */
  freshPlace(definition: RegionDefinition): Place {
    const stem = `${this.#namespace}_${definition.name}_${Date.now().toString(36)}${randomBytes(4).toString('hex')}`.toLowerCase()
    const isUnique = (definition.unique ?? []).length > 0
    return { cache: stem, table: stem.toUpperCase(), atomicity: isUnique ? 'TRANSACTIONAL' : definition.atomicity, ...(isUnique && { holders: `${stem}_holders` }) }
  }

  /** One after the other: what makes, changes and removes regions. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#pending.then(work, work)
    this.#pending = done.catch(() => undefined)
    return done
  }

  async close(): Promise<void> {
    await this.#pending
    await Promise.allSettled(this.#going.values())
    await Promise.allSettled([this.#tenures.close(this.#home.scope()), this.#registry.close(), ...[...this.regions.values()].map(({ table }) => table.feed.close())])
  }

  /** What the cluster told is done in turn; where that fails, the next who uses the region finds out. */
  #quietly(work: () => Promise<void>): void {
    this.inTurn(work).catch(error => this.#log.warn('Ignite: what the cluster told of a region could not be followed.', { reason: String(error) }))
  }

  async #adopt(scope: Scope, id: string, { definition: there, place }: Registered, definition: RegionDefinition): Promise<IgniteRegion> {
    const region = await this.#open(scope, id, there, place)
    if (sameDefinition(there, definition)) return region
    try {
      await checkSuccessor(scope, region, definition)
      await this.#redefine(scope, region, definition)
    } catch (error) {
      this.regions.delete(definition.name)
      await region.drop()
      throw error
    }
    return region
  }

  async #redefine(scope: Scope, region: IgniteRegion, wanted: RegionDefinition): Promise<void> {
    const { definition: before, table: { place: from } } = region
    const definition = { ...wanted, ...(before.placement && { placement: before.placement }) }
    const isSame = JSON.stringify(before.unique ?? []) === JSON.stringify(definition.unique ?? [])
    const { holders: old, ...bare } = from
    const { holders } = this.freshPlace(definition)
    const place: Place = isSame ? from : { ...bare, ...(holders !== undefined && { holders }) }
    const table = await region.open(scope, definition, place)
    if (!isSame && table.holders) {
      for await (const kept of entriesOf(scope, region, region.table)) await table.holders.fill(scope, [kept])
    }
    if (!(await this.#say(region, { definition: before, place: from }, { definition, place }))) {
      throw new HubError('CONFLICT', `Region "${definition.name}" was defined otherwise or dropped by somebody else at the same time. Define it again.`, { region: definition.name, differences: ['it changed meanwhile'] })
    }
    await succeed(scope, region, table)
    if (!isSame && old !== undefined) await destroyPlace(scope, this.#home.client, { cache: old })
  }

  async #open(scope: Scope, id: string, definition: RegionDefinition, place: Place, begins: Followed['begins'] = 'FOUND'): Promise<IgniteRegion> {
    const region = new IgniteRegion(id, definition, this.#home)
    const table = await region.open(scope, definition, place)
    await table.feed.open(table.entries)
    region.switchTo(table, begins)
    region.size = await table.entries.size(scope)
    this.regions.set(definition.name, region)
    return region
  }

  async #remove(scope: Scope, id: string, place: Place): Promise<void> {
    const removed = await this.#registry.remove(scope, id)
    await destroyPlace(scope, this.#home.client, removed?.place ?? place)
  }

  async #forget(region: IgniteRegion): Promise<void> {
    this.regions.delete(region.definition.name)
    await region.reset()
    await region.drop()
  }

  async #say(region: IgniteRegion, before: Registered, after: Registered): Promise<boolean> {
    const word = wordOf(after)
    this.#own.add(word)
    const said = await this.#registry.replace(this.#home.scope(), region.id, before, after)
    if (!said) this.#own.delete(word)
    return said
  }

  /** The cluster's word of a region that is open here: somebody else replaced its entries, defined it otherwise, or dropped it. */
  async #changed(id: string, registered: Registered | undefined): Promise<void> {
    const region = [...this.regions.values()].find(one => one.id === id)
    if (!region) return
    if (!registered) return this.#forget(region)
    if (this.#own.delete(wordOf(registered))) return
    if (registered.place.cache === region.table.place.cache && sameDefinition(registered.definition, region.definition)) return
    await this.#go(region, registered)
  }

  /** Once, however many ask for it. */
  async #go(region: IgniteRegion, { definition, place }: Registered): Promise<void> {
    const going = this.#going.get(region) ?? (async () => {
      const scope = this.#home.scope()
      const table = await region.open(scope, definition, place)
      await table.feed.open(table.entries)
      region.size = await table.entries.size(scope)
      const old = region.switchTo(table, 'FOUND', definition)
      region.marks.allGone()
      await old?.feed.close()
    })().finally(() => this.#going.delete(region))
    this.#going.set(region, going)
    await going
  }

  /** Changes of the registry may have gone by, or the cluster began anew and knows nothing: then it is told what there is here, empty. */
  async #restored(): Promise<void> {
    const scope = this.#home.scope()
    await this.#tenures.again(scope)
    for (const region of [...this.regions.values()]) {
      const { definition, table: { place } } = region
      const registered = (await this.#registry.add(scope, region.id, { definition, place })) ?? { definition, place }
      await this.#changed(region.id, registered)
    }
  }
}

function wordOf({ definition, place }: Registered): string {
  return JSON.stringify([place, definition])
}
