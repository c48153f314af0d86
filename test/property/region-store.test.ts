import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { openMemoryRegions } from '../../connectors/memory/index.ts'
import type { Criteria, RegionDefinition } from '../../connectors/ports/region-store.ts'
import { comparator, type Filter, matcher, type Order } from '../../schema/filter.ts'
import type { Row, Value } from '../../schema/values.ts'
import { MovedClock, testScope } from '../support/scope.ts'

const definition: RegionDefinition = {
  name: 'things',
  columns: [
    { name: 'id', type: 'Int', nullable: false },
    { name: 'part', type: 'String', nullable: false },
    { name: 'name', type: 'String', nullable: true },
    { name: 'price', type: 'Decimal', nullable: true },
    { name: 'seen', type: 'DateTime', nullable: true },
    { name: 'count', type: 'Long', nullable: true },
    { name: 'extra', type: 'JSON', nullable: true },
  ],
  key: ['id', 'part'],
  indexes: [['name'], ['price'], ['name', 'seen'], ['count'], ['extra'], ['part', 'count']],
  atomicity: 'ATOMIC',
  expiry: { createMs: 40_000, accessMs: 15_000 },
  maxEntries: 1_000,
  durable: true,
  tenancy: 'TENANT',
}

const values: Record<string, fc.Arbitrary<Value>> = {
  id: fc.integer({ min: 0, max: 12 }),
  part: fc.constantFrom('a', 'b', '","'),
  name: fc.constantFrom(null, '', 'a', 'ab', 'b', '%', '\ud800', 'é'),
  price: fc.constantFrom(null, '1', '1.0', '-1', '10', '9.99', '0', '-0.0'),
  seen: fc.constantFrom(null, '2024-01-31T23:59:59Z', '2024-01-31T23:59:59.5Z', '2024-02-01T00:00:00Z'),
  count: fc.constantFrom<Value>(null, 0, -5, 7, 9_007_199_254_740_993n, -9_223_372_036_854_775_808n),
  extra: fc.constantFrom<Value>(null, 'x', 1, [1, 2], { a: { b: null } }),
}
const columns = Object.keys(values)
const row = fc.record(values) as fc.Arbitrary<Row>

/** A condition about one column with values it may have. */
const leaf: fc.Arbitrary<Filter> = fc.constantFrom(...columns).chain(column => {
  const value = values[column] ?? fc.constant(null)
  const ordered = fc.record({ column: fc.constant(column), op: fc.constantFrom('eq', 'ne', 'lt', 'lte', 'gt', 'gte'), value })
  const listed = fc.record({ column: fc.constant(column), op: fc.constant('in'), value: fc.array(value, { maxLength: 4 }) })
  const absent = fc.record({ column: fc.constant(column), op: fc.constant('isNull'), value: fc.boolean() })
  return fc.oneof(ordered, listed, absent) as fc.Arbitrary<Filter>
})
const { filter } = fc.letrec<{ filter: Filter }>(tie => ({
  filter: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    fc.record({ and: fc.array(tie('filter'), { maxLength: 3 }) }),
    fc.record({ or: fc.array(tie('filter'), { maxLength: 3 }) }),
    fc.record({ not: tie('filter') }),
  ),
}))
const order: fc.Arbitrary<Order[]> = fc.uniqueArray(
  fc.record({ column: fc.constantFrom(...columns), descending: fc.boolean(), nullsFirst: fc.boolean() }),
  { maxLength: 3, selector: term => term.column },
)
const option = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const criteria: fc.Arbitrary<Criteria> = fc.record({ filter: option(filter), order: option(order), after: option(row), backwards: option(fc.boolean()), limit: option(fc.integer({ min: 0, max: 6 })) })
const tenant = fc.constantFrom('red', 'blue')

type Step =
  | { readonly do: 'put'; readonly tenant: string; readonly rows: readonly Row[] }
  | { readonly do: 'fill'; readonly tenant: string; readonly rows: readonly Row[] }
  | { readonly do: 'remove' | 'get'; readonly tenant: string; readonly rows: readonly Row[] }
  | { readonly do: 'replace'; readonly tenant: string; readonly rows: readonly Row[]; readonly silent: boolean }
  | { readonly do: 'select'; readonly tenant: string; readonly criteria: Criteria }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'restart' }

const rows = fc.array(row, { minLength: 1, maxLength: 8 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('put' as const), tenant, rows }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fill' as const), tenant, rows }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('remove' as const, 'get' as const), tenant, rows }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('replace' as const), tenant, rows, silent: fc.boolean() }) },
  { weight: 9, arbitrary: fc.record({ do: fc.constant('select' as const), tenant, criteria }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 9_000 }) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
)

const keyOf = (given: Row) => JSON.stringify([String(given['id']), String(given['part'])])

/** The same promises kept by looking at everything each time. */
class Oracle {
  readonly #clock: MovedClock
  readonly #entries: { tenant: string; key: string; row: Row; created: number; used: number; filled: boolean }[] = []

  constructor(clock: MovedClock) {
    this.#clock = clock
  }

  #live(tenant: string) {
    const now = this.#clock.now()
    return this.#entries.filter(entry => entry.tenant === tenant && now < entry.created + 40_000 && now < entry.used + 15_000)
  }

  #find(tenant: string, given: Row) {
    return this.#live(tenant).find(entry => entry.key === keyOf(given))
  }

  #store(tenant: string, given: Row, filled: boolean, created = this.#clock.now()) {
    this.remove(tenant, given)
    this.#entries.push({ tenant, key: keyOf(given), row: given, created, used: this.#clock.now(), filled })
  }

  put(tenant: string, given: Row) {
    this.#store(tenant, given, false, this.#find(tenant, given)?.created)
  }

  fill(tenant: string, given: Row) {
    if (!this.#find(tenant, given)) this.#store(tenant, given, true)
  }

  remove(tenant: string, given: Row): boolean {
    const found = this.#find(tenant, given) !== undefined
    const at = this.#entries.findIndex(entry => entry.tenant === tenant && entry.key === keyOf(given))
    if (at >= 0) this.#entries.splice(at, 1)
    return found
  }

  replace(tenant: string, given: readonly Row[]) {
    for (const { row } of this.#entries.filter(entry => entry.tenant === tenant)) this.remove(tenant, row)
    for (const one of given) this.#store(tenant, one, false)
  }

  get(tenant: string, given: Row): Row | undefined {
    const found = this.#find(tenant, given)
    if (found) found.used = this.#clock.now()
    return found?.row
  }

  select(tenant: string, { filter, order = [], after, backwards, limit }: Criteria): Row[] {
    const total = [...order, ...['id', 'part'].filter(column => !order.some(term => term.column === column)).map(column => ({ column, descending: false, nullsFirst: false }))]
    const compare = comparator(total, definition.columns)
    const passes = filter ? matcher(filter, definition.columns) : () => true
    const place = (row: Row) => (after ? (backwards ? compare(row, after) < 0 : compare(row, after) > 0) : true)
    const all = this.#live(tenant).map(entry => entry.row).filter(passes).filter(place).sort(compare)
    if (limit === undefined) return all
    return backwards ? all.slice(Math.max(0, all.length - limit)) : all.slice(0, limit)
  }

  /** What a restart forgets: entries that came by fill, and reads, which no log knows. */
  restart() {
    for (const entry of this.#entries.filter(other => other.filled)) this.#entries.splice(this.#entries.indexOf(entry), 1)
  }
}

async function* oneBatch(given: readonly Row[]): AsyncGenerator<readonly Row[]> {
  yield given
}

async function agrees(steps: readonly Step[]): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'regions-'))
  const clock = new MovedClock()
  const open = () => openMemoryRegions({ directory, clock, log: testScope().log, segmentBytes: 8 * 1024, retainBytes: 8 * 1024 })
  let store = await open()
  let region = await store.define(definition)
  const oracle = new Oracle(clock)
  const scopes = { red: testScope({ clock, tenant: 'red' }), blue: testScope({ clock, tenant: 'blue' }) }
  const scopeOf = (name: string) => (name === 'red' ? scopes.red : scopes.blue)
  try {
    for (const one of steps) {
      switch (one.do) {
        case 'put':
          await region.putMany(scopeOf(one.tenant), one.rows)
          for (const given of one.rows) oracle.put(one.tenant, given)
          break
        case 'fill':
          await region.fill(scopeOf(one.tenant), one.rows, region.mark())
          for (const given of one.rows) oracle.fill(one.tenant, given)
          break
        case 'remove': {
          const distinct = [...new Map(one.rows.map(given => [keyOf(given), given])).values()]
          expect(await region.removeMany(scopeOf(one.tenant), distinct.map(keyOf))).toEqual(distinct.map(given => oracle.remove(one.tenant, given)))
          break
        }
        case 'get':
          expect((await region.getMany(scopeOf(one.tenant), one.rows.map(keyOf))).map(entry => entry?.row)).toEqual(one.rows.map(given => oracle.get(one.tenant, given)))
          break
        case 'replace':
          await region.replaceAll(scopeOf(one.tenant), oneBatch(one.rows), { silent: one.silent })
          oracle.replace(one.tenant, one.rows)
          break
        case 'select': {
          const expected = oracle.select(one.tenant, one.criteria)
          expect(await region.select(scopeOf(one.tenant), one.criteria)).toEqual(expected)
          expect(await region.count(scopeOf(one.tenant), one.criteria.filter)).toBe(oracle.select(one.tenant, { filter: one.criteria.filter }).length)
          break
        }
        case 'pass':
          clock.advance(one.ms)
          break
        case 'restart':
          await store.close()
          // Long enough that what was read lately, and what was only written, have both expired: reads are in no log.
          clock.advance(15_000)
          store = await open()
          region = await store.define(definition)
          oracle.restart()
          break
      }
    }
  } finally {
    await store.close()
    await rm(directory, { recursive: true })
  }
}

test('a region answers what looking at every row would answer, over writes, expiry and restarts', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), agrees), { numRuns: 100 })
})

test('without limits of age a restart gives back every row that was written', async () => {
  const puts = fc.array(fc.array(row, { minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 12 })
  await fc.assert(fc.asyncProperty(puts, async batches => {
    const directory = await mkdtemp(join(tmpdir(), 'regions-'))
    const options = { directory, clock: new MovedClock(), log: testScope().log, segmentBytes: 4096, retainBytes: 4096 }
    const lasting = { ...definition, expiry: {} }
    const scope = testScope({ tenant: 'red' })
    let store = await openMemoryRegions(options)
    try {
      const region = await store.define(lasting)
      for (const batch of batches) await region.putMany(scope, batch)
      const keys = [...new Set(batches.flat().map(keyOf))]
      const before = await region.getMany(scope, keys)
      await store.close()
      store = await openMemoryRegions(options)
      expect(await (await store.define(lasting)).getMany(scope, keys)).toEqual(before)
    } finally {
      await store.close()
      await rm(directory, { recursive: true })
    }
  }), { numRuns: 40 })
})

test('a short page of many rows is the head or tail of the whole list, whichever index serves it', async () => {
  const scope = testScope({ tenant: 'red' })
  const lasting = { ...definition, expiry: {} }
  const many = fc.array(fc.record({ ...values, id: fc.integer({ min: 0, max: 400 }) }) as fc.Arbitrary<Row>, { minLength: 300, maxLength: 500 })
  await fc.assert(fc.asyncProperty(many, fc.array(criteria, { minLength: 40, maxLength: 40 }), async (given, questions) => {
    const store = await openMemoryRegions({ clock: scope.clock, log: scope.log })
    const region = await store.define(lasting)
    const oracle = new Oracle(scope.clock)
    await region.putMany(scope, given)
    for (const one of given) oracle.put('red', one)
    const gone = given.filter((_, index) => index % 9 === 0)
    await region.select(scope, { limit: 1 })
    await region.removeMany(scope, gone.map(keyOf))
    for (const one of gone) oracle.remove('red', one)
    for (const question of questions) expect(await region.select(scope, question)).toEqual(oracle.select('red', question))
    await store.close()
  }), { numRuns: 10, endOnFailure: true })
})
