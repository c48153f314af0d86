import { jest } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { openIgnite } from '../../connectors/ignite/index.ts'
import { openIgniteRegions } from '../../connectors/ignite/regions/index.ts'
import type { RegionDefinition, RegionStore } from '../../connectors/ports/region-store.ts'
import { systemClock, type Scope } from '../../connectors/ports/scope.ts'
import { comparator, type Filter, matcher, type Order } from '../../schema/filter.ts'
import type { Column, ColumnType, Row, Value } from '../../schema/values.ts'
import { withEngine } from '../support/engines.ts'
import { dropNamespace, igniteHosts } from '../support/ignite.ts'
import { testScope } from '../support/scope.ts'

jest.setTimeout(180_000)

const scope = (): Scope => ({ ...testScope(), clock: systemClock, deadlineMs: Date.now() + 60_000 })

/** Few values of each type, so that they meet; all in canonical form. */
const values: Partial<Record<ColumnType, readonly Value[]>> = {
  String: ['', 'a', 'A', 'ab', 'a%', 'a_', 'é', '😀', '\\', "'", '日本'],
  Int: [-2_147_483_648, -1, 0, 1, 7, 2_147_483_647],
  Long: [-9_223_372_036_854_775_808n, -1, 0, 9_007_199_254_740_993n],
  Float: [-1.5, 0, 5e-324, 1e300, 3],
  Decimal: ['-12.50', '0', '1.5', '99999999999999999999.5'],
  Boolean: [true, false],
  Date: ['1969-12-31', '2024-02-29', '2024-03-01'],
  Time: ['00:00:00', '23:59:59.123456', '23:59:59'],
  DateTime: ['2024-01-31T23:59:59Z', '2024-01-31T23:59:59.5Z', '1970-01-01T00:00:00Z'],
  LocalDateTime: ['2024-01-31T23:59:59', '2024-01-31T23:59:59.123456'],
  UUID: ['123e4567-e89b-12d3-a456-426614174000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
}
const types = Object.keys(values) as ColumnType[]
const columns: readonly Column[] = [{ name: 'id', type: 'Int', nullable: false }, ...types.map(type => ({ name: `a_${type.toLowerCase()}`, type, nullable: true }))]
const things: RegionDefinition = {
  name: 'things', columns, key: ['id'], indexes: [['a_string'], ['a_int'], ['a_date', 'a_decimal']], atomicity: 'TRANSACTIONAL', expiry: {}, maxEntries: 10_000, durable: true, tenancy: 'TENANT',
}

const valued = fc.constantFrom(...types).chain(type => fc.record({ type: fc.constant(type), value: fc.option(fc.constantFrom(...(values[type] ?? [])), { nil: null, freq: 6 }) }))
const leaf: fc.Arbitrary<Filter> = fc.oneof(
  fc.tuple(valued, fc.constantFrom('eq', 'ne', 'lt', 'lte', 'gt', 'gte')).map(([{ type, value }, op]): Filter => ({ column: `a_${type.toLowerCase()}`, op: op as 'eq', value })),
  fc.tuple(fc.constantFrom(...types), fc.boolean()).map(([type, value]): Filter => ({ column: `a_${type.toLowerCase()}`, op: 'isNull', value })),
  fc.constantFrom(...types).chain(type => fc.array(fc.option(fc.constantFrom(...(values[type] ?? [])), { nil: null, freq: 8 }), { maxLength: 4 }).map((value): Filter => ({ column: `a_${type.toLowerCase()}`, op: 'in', value }))),
  fc.tuple(fc.constantFrom('like', 'startsWith'), fc.constantFrom('a', '%', 'a%', '_', 'a_', '%a%', '\\', '', '__', '%_', '日%', '%a%b%', '%%a%_%', 'a%a%a%')).map(([op, value]): Filter => ({ column: 'a_string', op: op as 'like', value })),
)
const { filter } = fc.letrec<{ filter: Filter }>(tie => ({
  filter: fc.oneof({ maxDepth: 3 }, leaf, fc.array(tie('filter'), { maxLength: 3 }).map(and => ({ and })), fc.array(tie('filter'), { maxLength: 3 }).map(or => ({ or })), tie('filter').map(not => ({ not }))),
}))
const order: fc.Arbitrary<Order[]> = fc.uniqueArray(fc.record({ column: fc.constantFrom(...types.map(type => `a_${type.toLowerCase()}`)), descending: fc.boolean(), nullsFirst: fc.boolean() }), { selector: ({ column }) => column, maxLength: 3 })

withEngine('IGNITE_HOST_1', 'lists of a region on a cluster', () => {
  const namespace = `t${randomBytes(4).toString('hex')}`
  let store: RegionStore
  beforeAll(async () => {
    store = await openIgniteRegions({ client: openIgnite({ hosts: igniteHosts(), requestTimeoutMs: 30_000, connectTimeoutMs: 20_000 }), clock: systemClock, log: testScope().log, namespace, later: work => void work() })
  })
  afterAll(async () => {
    await store.close()
    await dropNamespace(igniteHosts(), namespace)
  })

  test('whatever is filtered, ordered and paged, the answer is what the product says it is', async () => {
    const region = await store.define(things)
    const rows = fc.sample(fc.tuple(...types.map(type => fc.option(fc.constantFrom(...(values[type] ?? [])), { nil: null, freq: 4 }))), 80)
      .map((given, id): Row => ({ id, ...Object.fromEntries(types.map((type, at) => [`a_${type.toLowerCase()}`, given[at] ?? null])) }))
    await region.putMany(scope(), rows)
    await region.putMany({ ...scope(), tenant: 'other' }, rows)
    expect(await region.getMany(scope(), rows.map(row => String(row['id']))).then(found => found.map(entry => entry?.row))).toEqual(rows)

    await fc.assert(fc.asyncProperty(filter, order, fc.nat(79), fc.boolean(), fc.integer({ min: 1, max: 30 }), async (wanted, terms, at, backwards, limit) => {
      const passes = matcher(wanted, columns)
      const compare = comparator([...terms, { column: 'id', descending: false, nullsFirst: false }], columns)
      const all = rows.filter(passes).toSorted(compare)
      expect(await region.select(scope(), { filter: wanted, order: terms })).toEqual(all)
      expect(await region.count(scope(), wanted)).toBe(all.length)
      const after = rows[at] as Row
      const page = backwards ? all.filter(row => compare(row, after) < 0).slice(-limit) : all.filter(row => compare(row, after) > 0).slice(0, limit)
      expect(await region.select(scope(), { filter: wanted, order: terms, after, backwards, limit })).toEqual(page)
    }), { numRuns: 300 })
  })
})
