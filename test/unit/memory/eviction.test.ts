import { openMemoryRegions } from '../../../connectors/memory/index.ts'
import { airport, airports } from '../../conformance/region-store.ts'
import { testScope } from '../../support/scope.ts'

const limit = 70_000
const key = (index: number): string => `K${index}`
const keys = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, index) => key(from + index))

async function opened(maxEntries = limit) {
  const scope = testScope()
  const store = await openMemoryRegions({ clock: scope.clock, log: scope.log })
  const region = await store.define({ ...airports, indexes: [], maxEntries })
  const put = (from: number, to: number) => region.putMany(scope, keys(from, to).map(each => airport(each)))
  const gone = async (from: number, to: number) => (await region.getMany(scope, keys(from, to))).flatMap((entry, index) => (entry ? [] : [from + index]))
  return { scope, store, region, put, gone }
}

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index)

test('in a large region that is more than half full what was read lately stays', async () => {
  const { scope, store, region, put, gone } = await opened()
  await put(0, limit / 2 + 1)
  await region.getMany(scope, keys(0, 100))
  await put(limit / 2 + 1, limit + 50)
  expect(await gone(0, 200)).toEqual(numbers(100, 150))
  await store.close()
})

test('while less than half of a large region is full, reads do not change who goes first: those that were written first', async () => {
  const { scope, store, region, put, gone } = await opened()
  await put(0, limit / 2)
  await region.getMany(scope, keys(0, 100))
  await put(limit / 2, limit + 50)
  expect(await gone(0, 200)).toEqual(numbers(0, 50))
  await store.close()
})

test('a lower limit sends away what was not used for longest, whatever room there was when it was used', async () => {
  const { scope, store, region, put, gone } = await opened(4 * limit)
  await put(0, limit)
  scope.clock.advance(1_000)
  await region.getMany(scope, keys(0, 100))
  await store.define({ ...airports, indexes: [], maxEntries: limit - 50 })
  expect(await gone(0, 200)).toEqual(numbers(100, 150))
  await store.close()
})

test('a region of few entries is in the order of use whatever room it has', async () => {
  const { scope, store, region, put, gone } = await opened(10)
  await put(0, 3)
  await region.getMany(scope, [key(0)])
  await put(3, 11)
  expect(await gone(0, 11)).toEqual([1])
  await store.close()
})
