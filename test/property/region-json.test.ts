import fc from 'fast-check'
import { openMemoryRegions } from '../../connectors/memory/index.ts'
import type { ColumnMember, RegionDefinition } from '../../connectors/ports/region-store.ts'
import type { Column, Row, Value } from '../../schema/values.ts'
import { testScope } from '../support/scope.ts'

const columns: Column[] = [
  { name: 'id', type: 'String', nullable: false },
  { name: 'name', type: 'String', nullable: true },
  { name: 'price', type: 'Decimal', nullable: true },
  { name: 'count', type: 'Long', nullable: true },
  { name: 'share', type: 'Float', nullable: true },
  { name: 'open', type: 'Boolean', nullable: true },
  { name: 'extra', type: 'JSON', nullable: true },
]
const later: Column = { name: 'later', type: 'String', nullable: true }
const definition: RegionDefinition = { name: 'things', columns, key: ['id'], indexes: [], atomicity: 'ATOMIC', expiry: { createMs: 1_000 }, maxEntries: 1_000, durable: false, tenancy: 'TENANT' }

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.constantFrom('', '"', '\\', '\ud800', 'é', '語', 'x'.repeat(9_000), '語'.repeat(70_000)))
const values: Record<string, fc.Arbitrary<Value>> = {
  id: fc.oneof(fc.constantFrom('a', 'b', 'c', 'é', '\ud800'), text),
  name: fc.option(text),
  price: fc.constantFrom(null, '1.10', '-0.0'),
  count: fc.constantFrom<Value>(null, 0, -5, 9_007_199_254_740_991, 9_007_199_254_740_993n, -9_223_372_036_854_775_808n),
  share: fc.oneof<fc.Arbitrary<Value>[]>(fc.constantFrom<Value>(null, -0, 0, -1, 1e21, -5e-324, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY), fc.double()),
  open: fc.constantFrom<Value>(null, true, false),
  extra: fc.oneof<fc.Arbitrary<Value>[]>(fc.constant(null), fc.json().map(json => JSON.parse(json) as Value)),
}
const rows = fc.uniqueArray(fc.record(values) as fc.Arbitrary<Row>, { maxLength: 12, selector: row => row['id'] })
const kinds: Readonly<Record<string, ColumnMember['as']>> = { id: 'String', name: 'String', price: 'String', later: 'String', count: 'Int', share: 'Float', open: 'Boolean' }
const member = fc.record({ column: fc.constantFrom(...columns, later), asked: fc.integer({ min: 0, max: 5 }) })
const members: fc.Arbitrary<ColumnMember[]> = fc.array(member, { minLength: 1, maxLength: 9 }).map(chosen => chosen.map(({ column: { name }, asked }, index) => ({
  name: `member "${index}" ${name}`, column: name, ...(asked === 1 && { as: kinds[name] }), ...(asked === 2 && { as: 'Int' as const }), ...(asked === 3 && { required: true as const }),
})))

/** What GraphQL takes for a value of the member's type. */
function isFit(value: Value, { as, required }: ColumnMember): boolean {
  if (value === null) return !required
  switch (as) {
    case undefined: return true
    case 'Int': return typeof value === 'number' && value === (value | 0)
    case 'Float': return typeof value === 'number' && Number.isFinite(value)
    default: return typeof value === as.toLowerCase()
  }
}

/** What a client reads of a row. */
function answered(row: Row, chosen: readonly ColumnMember[]): string {
  return JSON.stringify(Object.fromEntries(chosen.map(({ name, column }) => {
    const value = row[column] ?? null
    return [name, typeof value === 'bigint' ? String(value) : value]
  })))
}

test('members of rows as JSON are what JSON.stringify makes of the rows themselves', async () => {
  await fc.assert(fc.asyncProperty(rows, rows, fc.array(members, { minLength: 1, maxLength: 4 }), fc.array(values['id'] as fc.Arbitrary<string>, { maxLength: 3 }), async (expired, given, lists, others) => {
    const scope = testScope()
    const store = await openMemoryRegions({ clock: scope.clock, log: scope.log })
    let region = await store.define(definition)
    await region.putMany(scope, expired)
    scope.clock.advance(1_000)
    await region.putMany(scope, given)
    region = await store.define({ ...definition, columns: [...columns, later] })
    const keys = [...expired, ...given].map(row => String(row['id'])).concat(others)
    const entries = await region.getMany(scope, keys)
    for (const list of lists) {
      const fits = entries.every(entry => !entry || list.every(member => isFit(entry.row[member.column] ?? null, member)))
      const expected = entries.map(entry => (entry ? answered(entry.row, list) : 'null'))
      expect((await region.getJson(scope, keys, list))?.toString()).toBe(fits ? `[${expected.join(',')}]` : undefined)
    }
    const { hits, misses } = await region.stats(scope)
    expect(hits + misses).toBe(keys.length * (1 + lists.length))
    await store.close()
  }), { numRuns: 150 })
})

test('a member of a column that is not there is refused, and the next answer is whole', async () => {
  const scope = testScope()
  const store = await openMemoryRegions({ clock: scope.clock, log: scope.log })
  const region = await store.define(definition)
  await region.putMany(scope, [{ id: 'a', name: 'A' }])
  await expect(region.getJson(scope, ['a'], [{ name: 'name', column: 'nam' }])).rejects.toEqual(expect.objectContaining({ code: 'BAD_USER_INPUT' }))
  await expect(region.getJson(scope, ['a'], [])).rejects.toEqual(expect.objectContaining({ code: 'BAD_USER_INPUT' }))
  expect(String(await region.getJson(scope, ['b', 'a'], [{ name: 'title', column: 'name' }]))).toBe('[null,{"title":"A"}]')
  expect(await region.getJson(scope, ['b', 'a'], [{ name: 'title', column: 'name' }, { name: 'price', column: 'price', required: true }])).toBeUndefined()
  expect(String(await region.getJson(scope, [], [{ name: 'title', column: 'name' }]))).toBe('[]')
  await store.close()
})
