import { randomUUID } from 'node:crypto'
import type { Row, Value } from '../../../schema/values.ts'
import type { Scope } from '../../ports/scope.ts'
import { rowsOf, valuesOf } from '../binary/codec.ts'
import { BinaryType } from '../binary/type.ts'
import { type Cache, openCache } from '../cache.ts'
import { ensureCache } from '../caches.ts'
import type { IgniteClient } from '../client.ts'
import type { CacheConfiguration } from '../configuration.ts'
import { scan } from '../sql.ts'

/** How long a process that says nothing any more is taken to be there. */
const lifeMs = 60_000

/** Which processes use a region whose rows they load: it goes with the last of them. One that ended without a word is forgotten after a minute. */
export class Tenures {
  readonly #client: IgniteClient
  readonly #cache: Cache<Value, Row>
  readonly #own = randomUUID()
  readonly #held = new Set<string>()
  #stop = () => {}

  constructor(client: IgniteClient, cache: Cache<Value, Row>) {
    this.#client = client
    this.#cache = cache.withExpiry({ createMs: lifeMs, updateMs: lifeMs })
  }

  /** Says, from now on again and again, that this process uses the region. */
  async take(scope: Scope, id: string): Promise<void> {
    this.#held.add(id)
    await this.#cache.put(scope, this.#name(id), { region: id })
  }

  /** This process does without the region; answers whether nobody uses it any more. */
  async leave(scope: Scope, id: string): Promise<boolean> {
    this.#held.delete(id)
    await this.#cache.remove(scope, this.#name(id))
    return !(await this.all(scope)).has(id)
  }

  /** Ids of the regions that somebody uses. */
  async all(scope: Scope): Promise<ReadonlySet<string>> {
    const ids = new Set<string>()
    for await (const page of await scan(scope, this.#client, this.#cache)) for (const { value } of page) if (value) ids.add(String(value['region']))
    return ids
  }

  /** Says once more what this process uses. */
  async again(scope: Scope): Promise<void> {
    if (this.#held.size > 0) await this.#cache.putAll(scope, [...this.#held].map(id => [this.#name(id), { region: id }] as const))
  }

  renew(scope: () => Scope): void {
    const { clock, log } = this.#client.settings
    this.#stop = clock.after(lifeMs / 3, () => {
      this.again(scope()).catch(error => log?.warn('Ignite: the cluster could not be told which regions are in use.', { reason: String(error) }))
      this.renew(scope)
    })
  }

  async close(scope: Scope): Promise<void> {
    this.#stop()
    if (this.#held.size > 0) await this.#cache.removeAll(scope, [...this.#held].map(id => this.#name(id)))
  }

  #name(id: string): string {
    return `${id} ${this.#own}`
  }
}

export async function openTenures(scope: Scope, client: IgniteClient, name: string): Promise<Tenures> {
  const configuration: CacheConfiguration = {
    name, table: name.toUpperCase(), mode: 'REPLICATED', atomicity: 'ATOMIC', backups: 0,
    key: [{ name: 'ID', property: 'id', type: 'string' }], valueType: `${name}_row`, fields: [{ name: 'REGION', property: 'region', type: 'string' }], indexes: [],
  }
  await ensureCache(scope, client, configuration)
  return new Tenures(client, await openCache(scope, client, name, valuesOf('string'), rowsOf(new BinaryType(configuration.valueType, configuration.fields))))
}
