import { openMemoryRegions } from '../../../connectors/memory/index.ts'
import { airport, airports } from '../../conformance/region-store.ts'
import { testScope } from '../../support/scope.ts'

test('rows that are read while the region gets a column more have it where they came later, and null where they came before', async () => {
  const scope = testScope()
  const store = await openMemoryRegions({ clock: scope.clock, log: scope.log })
  const region = await store.define(airports)
  const wider = { ...airports, columns: [...airports.columns, { name: 'runways', type: 'Int' as const, nullable: true }] }
  async function* rows() {
    yield [airport('CDG'), airport('ORY')]
    await store.define(wider)
    yield [{ ...airport('KEF'), runways: 2 }, { ...airport('ORY'), runways: 3 }]
  }
  expect(await region.replaceAll(scope, rows())).toEqual({ entries: 3, created: 3, updated: 0, removed: 0 })
  expect((await region.select(scope, {})).map(({ iata, runways }) => [iata, runways])).toEqual([['CDG', null], ['KEF', 2], ['ORY', 3]])
  await store.close()
})

test.each([true, false])('of several rows with one key the last counts, and rows that stay equal keep their version, silent %p', async silent => {
  const scope = testScope()
  const store = await openMemoryRegions({ clock: scope.clock, log: scope.log })
  const region = await store.define({ ...airports, durable: false })
  await region.putMany(scope, [airport('CDG', 'France', 1), airport('ORY', 'France', 2), airport('KEF', 'Iceland', 3)])
  const versions = async () => new Map((await region.getMany(scope, ['CDG', 'ORY', 'KEF', 'LYS'])).flatMap(entry => (entry ? [[entry.key, entry.version]] : [])))
  const before = await versions()
  async function* rows() {
    yield [airport('CDG', 'Francia', 9), airport('LYS', 'France', 4)]
    yield [airport('CDG', 'France', 1), airport('ORY', 'France', 5)]
  }
  expect(await region.replaceAll(scope, rows(), { silent })).toEqual({ entries: 3, created: 1, updated: 1, removed: 1 })
  const after = await versions()
  expect(after.get('CDG')).toBe(before.get('CDG'))
  expect(after.get('ORY')).toBeGreaterThan(Math.max(...before.values()))
  expect(new Set(after.values()).size).toBe(3)
  expect((await region.select(scope, {})).map(({ iata, altitude_ft: altitude }) => [iata, altitude])).toEqual([['CDG', 1], ['LYS', 4], ['ORY', 5]])
  await store.close()
})
