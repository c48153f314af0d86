import fc from 'fast-check'
import { openMemoryRegions } from '../../connectors/memory/index.ts'
import type { RegionDefinition } from '../../connectors/ports/region-store.ts'
import type { Column, Row, Value } from '../../schema/values.ts'
import { testScope } from '../support/scope.ts'

/** Values of each type, those among them that are written in several ways. */
const held = {
  name: ['', 'a', 'A', 'null', 'é', '\ud800', '\ufffd', '😀', '"', '\\', '\u0000', 'x'.repeat(300)],
  size: [-0, 0, 1, -1, 2_147_483_647], large: [0, 5, 9_007_199_254_740_991, 9_007_199_254_740_993n, -9_223_372_036_854_775_808n, 5n], ratio: [0, -0, 0.1, 1e300, -1e-300, 1e21],
  price: ['0', '-0.00', '1', '1.0', '01.50', '1.5', '-5'], open: [true, false], day: ['2024-01-31', '1969-12-31'], at: ['2024-01-31T00:00:00Z', '2024-01-31T00:00:00.5Z'], code: ['0f8fad5b-d9cb-469f-a165-70867728950e'],
  extra: ['a', 5, -0, true, { b: 1, a: [null, 1e21] }, { a: [null, 1e21], b: 1 }, [], [-0], {}],
} as const satisfies Readonly<Record<string, readonly Value[]>>
type Name = keyof typeof held
const names = Object.keys(held) as Name[]
const types: Readonly<Record<Name, Column['type']>> = { name: 'String', size: 'Int', large: 'Long', ratio: 'Float', price: 'Decimal', open: 'Boolean', day: 'Date', at: 'DateTime', code: 'UUID', extra: 'JSON' }

const definition = (indexes: RegionDefinition['indexes']): RegionDefinition => ({
  name: 'things', key: ['id'], columns: [{ name: 'id', type: 'Int', nullable: false }, ...names.map(name => ({ name, type: types[name], nullable: true }))], indexes, atomicity: 'ATOMIC', expiry: {}, maxEntries: 10_000, durable: false, tenancy: 'SHARED',
})
const indexed = [...names.map(name => [name]), ['name', 'size'], ['extra', 'price'], ['open', 'large', 'name']]

const row = fc.record({ id: fc.nat(12), ...Object.fromEntries(names.map(name => [name, fc.constantFrom<Value>(null, ...held[name])])) }) as fc.Arbitrary<Row>
const step = fc.oneof({ weight: 4, arbitrary: row.map(put => ({ put })) }, { weight: 1, arbitrary: fc.nat(12).map(remove => ({ remove })) })

test('with indexes on every column rows are found as they are without any, by each value, whatever came, changed and went', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async steps => {
      const scope = testScope()
      const [store, plain] = [await openMemoryRegions({ clock: scope.clock, log: scope.log }), await openMemoryRegions({ clock: scope.clock, log: scope.log })]
      const regions = [await store.define(definition(indexed)), await plain.define(definition([]))]
      for (const one of steps) for (const region of regions) await ('put' in one ? region.putMany(scope, [one.put]) : region.removeMany(scope, [String(one.remove)]))
      const [fast, slow] = regions as [(typeof regions)[number], (typeof regions)[number]]
      for (const column of names) {
        for (const value of held[column]) {
          const filter = { column, op: 'eq', value } as const
          expect(await fast.select(scope, { filter })).toEqual(await slow.select(scope, { filter }))
          expect(await fast.count(scope, filter)).toBe(await slow.count(scope, filter))
        }
        const range = { column, op: 'gte', value: held[column][0] } as const
        expect(await fast.select(scope, { filter: range })).toEqual(await slow.select(scope, { filter: range }))
        const order = [{ column, descending: false, nullsFirst: true }]
        expect(await fast.select(scope, { order, limit: 5 })).toEqual(await slow.select(scope, { order, limit: 5 }))
      }
      const both = { and: [{ column: 'name', op: 'eq', value: 'a' }, { column: 'size', op: 'in', value: [0, 1, null] }] } as const
      expect(await fast.select(scope, { filter: both })).toEqual(await slow.select(scope, { filter: both }))
      // All go again, each out of every index.
      for (const region of regions) await region.removeMany(scope, Array.from({ length: 13 }, (_, id) => String(id)))
      expect(await fast.select(scope, { filter: { column: 'open', op: 'in', value: [true, false] } })).toEqual([])
      await store.close()
      await plain.close()
    }),
    { numRuns: 150 },
  )
})
