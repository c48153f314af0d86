import { createHash } from 'node:crypto'
import type { Row, Value } from '../../../schema/values.ts'
import type { RegionDefinition } from '../../ports/region-store.ts'
import type { Scope } from '../../ports/scope.ts'
import { rowsOf, valuesOf } from '../binary/codec.ts'
import { BinaryType } from '../binary/type.ts'
import { type Cache, openCache } from '../cache.ts'
import { ensureCache } from '../caches.ts'
import type { IgniteClient } from '../client.ts'
import { continuous, type ContinuousQuery } from '../continuous.ts'
import { scan } from '../sql.ts'
import type { CacheConfiguration } from '../configuration.ts'
import type { Place } from './layout.ts'

/** A region as the cluster knows it. */
export interface Registered {
  readonly definition: RegionDefinition
  readonly place: Place
}

export interface RegistryEvents {
  /** Another definition or place, by whomever; undefined: the region is gone. */
  changed(id: string, registered: Registered | undefined): void
  /** From now on changes may go by unseen. */
  lost(): void
  /** What changed meanwhile is unknown, and the cluster may have begun anew, empty. */
  restored(): void
}

/**
 * The regions of a cluster by their ids, in a cache of their own: each with its definition and where its entries are. A region that outlives this process is known by
 * its name. One that is loaded again after a start is known by name and shape, so that hubs of one catalog share it and those of another have their own.
 */
export class Registry {
  readonly #client: IgniteClient
  readonly #cache: Cache<Value, Row>
  #query: ContinuousQuery | undefined

  constructor(client: IgniteClient, cache: Cache<Value, Row>) {
    this.#client = client
    this.#cache = cache
  }

  async all(scope: Scope): Promise<ReadonlyMap<string, Registered>> {
    const found = new Map<string, Registered>()
    for await (const page of await scan(scope, this.#client, this.#cache)) for (const { key, value } of page) if (value) found.set(String(key), parse(value))
    return found
  }

  async get(scope: Scope, id: string): Promise<Registered | undefined> {
    const found = await this.#cache.get(scope, id)
    return found && parse(found)
  }

  /** The one that is there already; undefined: there was none, and now it is this one. */
  async add(scope: Scope, id: string, registered: Registered): Promise<Registered | undefined> {
    const found = await this.#cache.getAndPutIfAbsent(scope, id, written(registered))
    return found && parse(found)
  }

  /** False: it is not what it was any more, and stays as it is. */
  replace(scope: Scope, id: string, before: Registered, after: Registered): Promise<boolean> {
    return this.#cache.replaceIfEquals(scope, id, written(before), written(after))
  }

  async remove(scope: Scope, id: string): Promise<Registered | undefined> {
    const found = await this.#cache.getAndRemove(scope, id)
    return found && parse(found)
  }

  async follow(to: RegistryEvents): Promise<void> {
    this.#query = await continuous(this.#client, this.#cache, {
      changed: events => {
        for (const { key, after } of events) to.changed(String(key), after && parse(after))
      },
      lost: () => to.lost(),
      restored: () => to.restored(),
    })
  }

  async close(): Promise<void> {
    await this.#query?.close()
  }
}

export async function openRegistry(scope: Scope, client: IgniteClient, name: string): Promise<Registry> {
  const configuration: CacheConfiguration = {
    name, table: name.toUpperCase(), mode: 'REPLICATED', atomicity: 'TRANSACTIONAL', backups: 0,
    key: [{ name: 'ID', property: 'id', type: 'string' }], valueType: `${name}_row`, fields: [{ name: 'REGION', property: 'region', type: 'string' }], indexes: [],
  }
  await ensureCache(scope, client, configuration)
  return new Registry(client, await openCache(scope, client, name, valuesOf('string'), rowsOf(new BinaryType(configuration.valueType, configuration.fields))))
}

export function idOf(definition: RegionDefinition): string {
  if (definition.durable) return definition.name
  const { columns, key, indexes, unique = [], atomicity, expiry, maxEntries, tenancy, placement } = definition
  const shape = JSON.stringify([columns.map(({ name, type, nullable }) => [name, type, nullable]), key, indexes, unique, atomicity, expiry, maxEntries, tenancy, placement])
  return `${definition.name}#${createHash('sha256').update(shape).digest('hex').slice(0, 16)}`
}

function written(registered: Registered): Row {
  return { region: JSON.stringify(registered) }
}

function parse(row: Row): Registered {
  return JSON.parse(String(row['region'])) as Registered
}
