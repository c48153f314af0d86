import fc from 'fast-check'
import type { RegionDefinition } from '../../connectors/ports/region-store.ts'
import { openMemoryRegions, type MemoryRegionStore } from '../../connectors/memory/store.ts'
import { MovedClock, testScope } from '../support/scope.ts'

const definition: RegionDefinition = {
  name: 'visits', columns: [{ name: 'id', type: 'String', nullable: false }, { name: 'n', type: 'Int', nullable: true }], key: ['id'], indexes: [['n']], atomicity: 'TRANSACTIONAL',
  expiry: { createMs: 5_000, accessMs: 2_500 }, maxEntries: 6, durable: false, tenancy: 'TENANT',
}
const names = ['a', 'b', 'c', 'd', 'e']
const tenants = ['acme', 'globex']

type Step =
  | { readonly kind: 'put' | 'fill' | 'replace' | 'transact'; readonly tenant: string; readonly keys: readonly string[]; readonly n: number }
  | { readonly kind: 'remove' | 'read'; readonly tenant: string; readonly keys: readonly string[] }
  | { readonly kind: 'clear'; readonly tenant: string }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'redefine'; readonly createMs: number }

const tenant = fc.constantFrom(...tenants)
const keys = fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 3 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('put' as const, 'fill' as const, 'replace' as const, 'transact' as const), tenant, keys, n: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('remove' as const, 'read' as const), tenant, keys }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear' as const), tenant }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1, 300, 999, 1_000, 2_499, 2_500, 5_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('redefine' as const), createMs: fc.constantFrom(1_000, 5_000, 9_000) }) },
)

async function* one<T>(value: T): AsyncGenerator<T> {
  yield value
}

class World {
  readonly #clock: MovedClock
  readonly #store: MemoryRegionStore
  /** By tenant and number: what stood there when the region said that number. */
  readonly #lists = new Map<string, string>()
  readonly #entries = new Map<string, string>()

  constructor(clock: MovedClock, store: MemoryRegionStore) {
    this.#clock = clock
    this.#store = store
  }

  scope(name: string) {
    return testScope({ clock: this.#clock, tenant: name })
  }

  async run(given: Step): Promise<void> {
    const region = this.#store.region('visits')
    const rows = 'n' in given ? given.keys.map(id => ({ id, n: given.n })) : []
    switch (given.kind) {
      case 'put':
        return void (await region.putMany(this.scope(given.tenant), rows))
      case 'fill':
        return void (await region.fill(this.scope(given.tenant), rows, region.mark()))
      case 'replace':
        return void (await region.replaceAll(this.scope(given.tenant), one(rows)))
      case 'transact':
        return void (await this.#store.transact(this.scope(given.tenant), { isolation: 'SERIALIZABLE', timeoutMs: 1_000 }, async tx => {
          await tx.getMany('visits', given.keys)
          await tx.putMany('visits', rows.slice(1))
          await tx.removeMany('visits', given.keys.slice(0, 1))
        }))
      case 'remove':
        return void (await region.removeMany(this.scope(given.tenant), given.keys))
      case 'read':
        return void (await region.getMany(this.scope(given.tenant), given.keys))
      case 'clear':
        return void (await region.clear(this.scope(given.tenant)))
      case 'wait':
        return this.#clock.advance(given.ms)
      case 'redefine':
        return void (await this.#store.define({ ...definition, expiry: { ...definition.expiry, createMs: given.createMs } }))
    }
  }

  /** What the region says of itself now, beside what is there. */
  async check(): Promise<number> {
    const region = this.#store.region('visits')
    let again = 0
    for (const name of tenants) {
      const version = region.versions?.rows(name)
      const list = JSON.stringify([await region.select(this.scope(name), {}), await region.count(this.scope(name))])
      if (version !== undefined) again += this.#same(this.#lists, `${name} ${version}`, list)
      for (const key of names) {
        // Without reading it, which would keep it alive.
        const rows = await region.select(this.scope(name), { filter: { column: 'id', op: 'eq', value: key } })
        const found = region.versions?.entry(name, key)
        expect([key, found === 0]).toEqual([key, rows.length === 0])
        again += this.#same(this.#entries, `${name} ${key} ${found}`, JSON.stringify(rows))
      }
    }
    return again
  }

  #same(known: Map<string, string>, name: string, now: string): number {
    const before = known.get(name)
    known.set(name, now)
    if (before === undefined) return 0
    expect([name, now]).toEqual([name, before])
    return 1
  }
}

test('where a region says the number it said before, its rows are those it had then, whatever was written, expired, evicted or defined between', async () => {
  let again = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async steps => {
      const clock = new MovedClock()
      const store = await openMemoryRegions({ clock, log: testScope().log })
      await store.define(definition)
      const world = new World(clock, store)
      for (const one of steps) {
        await world.run(one)
        again += await world.check()
      }
      await store.close()
    }),
    { numRuns: 300, seed: 20261121 },
  )
  expect(again).toBeGreaterThan(10_000)
})
