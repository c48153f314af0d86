import { openMemoryRegions } from '../../connectors/memory/index.ts'
import type { Row } from '../../schema/values.ts'
import { airport, airports } from '../conformance/region-store.ts'
import { testScope } from '../support/scope.ts'

/** A source that answers what it held when it was asked, when the test lets it. */
function slowSource() {
  let held: Row[] = []
  return {
    write(...rows: Row[]) {
      held = rows
    },
    ask() {
      const seen = [...held]
      const { promise, resolve } = Promise.withResolvers<Row[]>()
      return { answer: promise, letGo: () => resolve(seen) }
    },
  }
}

async function setting(maxEntries = 100) {
  const scope = testScope()
  const store = await openMemoryRegions({ clock: scope.clock, log: scope.log })
  const region = await store.define({ ...airports, durable: false, maxEntries })
  const source = slowSource()
  source.write(airport('CDG', 'old'))
  /** The way every reader goes: mark, ask, fill. */
  const read = () => {
    const mark = region.mark()
    const asked = source.ask()
    return { letGo: asked.letGo, filled: asked.answer.then(rows => region.fill(scope, rows, mark)) }
  }
  const stored = async () => (await region.getMany(scope, ['CDG']))[0]?.row['country']
  return { scope, store, region, source, read, stored }
}

test('H-24 a slow read of the source does not bring back what was removed meanwhile', async () => {
  const { scope, region, source, read, stored } = await setting()
  const reading = read()
  source.write()
  await region.removeMany(scope, ['CDG'])
  reading.letGo()
  expect(await reading.filled).toBe(0)
  expect(await stored()).toBeUndefined()
})

test('H-24 a slow read of the source does not cover what was written and removed, or written and evicted, meanwhile', async () => {
  const { scope, region, read, stored } = await setting(1)
  const reading = [read(), read()] as const
  await region.putMany(scope, [airport('CDG', 'new')])
  reading[0].letGo()
  expect(await reading[0].filled).toBe(0)
  expect(await stored()).toBe('new')
  await region.putMany(scope, [airport('LYS')])
  expect(await stored()).toBeUndefined()
  reading[1].letGo()
  expect(await reading[1].filled).toBe(0)
})

test('H-24 a read that began after the write fills again', async () => {
  const { scope, region, source, read, stored } = await setting()
  await region.putMany(scope, [airport('CDG', 'new')])
  source.write(airport('CDG', 'new'))
  await region.removeMany(scope, ['CDG'])
  const reading = read()
  reading.letGo()
  expect(await reading.filled).toBe(1)
  expect(await stored()).toBe('new')
})

test('H-24 of many slow reads of one key the first fills and the others change nothing', async () => {
  const { read, stored, source } = await setting()
  const early = read()
  source.write(airport('CDG', 'later'))
  const late = read()
  late.letGo()
  expect(await late.filled).toBe(1)
  early.letGo()
  expect(await early.filled).toBe(0)
  expect(await stored()).toBe('later')
})

test('H-24 more removals than are remembered make old reads give way, never win', async () => {
  const { scope, region, source, read, stored } = await setting()
  const reading = read()
  source.write()
  await region.removeMany(scope, ['CDG'])
  await region.removeMany(scope, Array.from({ length: 70_000 }, (_, index) => `X${index}`))
  reading.letGo()
  expect(await reading.filled).toBe(0)
  expect(await stored()).toBeUndefined()
  const fresh = read()
  fresh.letGo()
  expect(await fresh.filled).toBe(0)
  source.write(airport('CDG', 'again'))
  const last = read()
  last.letGo()
  expect(await last.filled).toBe(1)
})
