import { openMemoryRegions } from '../../../connectors/memory/index.ts'
import type { RegionDefinition } from '../../../connectors/ports/region-store.ts'
import { Filled } from '../../../resolvers/filled.ts'
import { readThrough, type ReadThrough } from '../../../resolvers/read-through.ts'
import type { Row } from '../../../schema/values.ts'
import { MovedClock, testScope } from '../../support/scope.ts'

const definition: RegionDefinition = {
  name: 'orders', columns: [{ name: 'id', type: 'String', nullable: false }, { name: 'total', type: 'Int', nullable: true }], key: ['id'], indexes: [], atomicity: 'ATOMIC',
  expiry: {}, maxEntries: 1_000_000, durable: false, tenancy: 'SHARED',
}

async function open(source: (keys: readonly string[]) => Promise<readonly Row[]>) {
  const clock = new MovedClock()
  const store = await openMemoryRegions({ clock, log: testScope().log })
  const reads: (readonly string[])[] = []
  const from: ReadThrough = {
    name: 'orders',
    region: await store.define(definition),
    flights: new Map(),
    filled: new Filled(),
    loader: 'test',
    load: async (_scope, keys) => {
      reads.push(keys)
      return source(keys)
    },
  }
  return { clock, store, from, reads }
}

const orders = (keys: readonly string[]) => Promise.resolve(keys.filter(key => key !== 'none').map(id => ({ id, total: id.length })))

test('H-24 a thousand reads of one missing key at once make one read of the source', async () => {
  const gate = Promise.withResolvers<void>()
  const { clock, store, from, reads } = await open(async keys => {
    await gate.promise
    return orders(keys)
  })
  const scopes = Array.from({ length: 1_000 }, () => testScope({ clock }))
  const answers = scopes.map(scope => readThrough(scope, from, ['7']))
  gate.resolve()
  for (const { rows } of await Promise.all(answers)) expect(rows).toEqual([{ id: '7', total: 1 }])
  expect(reads).toEqual([['7']])
  await Promise.all(scopes.map(scope => scope.settled()))
  await store.close()
})

test('all keys that miss are read together, and what was found fills the region', async () => {
  const { clock, store, from, reads } = await open(orders)
  const scope = testScope({ clock })
  const first = await readThrough(scope, from, ['a', 'none', 'bb', 'a'])
  expect(first).toMatchObject({ rows: [{ id: 'a', total: 1 }, undefined, { id: 'bb', total: 2 }, { id: 'a', total: 1 }], hits: [], loaded: 2 })
  await scope.settled()
  const second = await readThrough(scope, from, ['bb', 'a'])
  expect(second.rows).toEqual([{ id: 'bb', total: 2 }, { id: 'a', total: 1 }])
  expect(second.loaded).toBe(0)
  expect(reads).toEqual([['a', 'none', 'bb']])
  await store.close()
})

test('until the region is filled, later requests join the read that found the row', async () => {
  const { clock, store, from, reads } = await open(orders)
  const fill = Promise.withResolvers<void>()
  let filled: Promise<void> = Promise.resolve()
  const held = {
    ...testScope({ clock }),
    later(work: () => Promise<void>) {
      filled = fill.promise.then(work)
    },
  }
  await readThrough(held, from, ['7'])
  expect((await readThrough(testScope({ clock }), from, ['7'])).rows).toEqual([{ id: '7', total: 1 }])
  expect(reads.length).toBe(1)
  fill.resolve()
  await filled
  await store.close()
})

test('a caller who leaves does not take the read away from those who wait for it', async () => {
  const gate = Promise.withResolvers<void>()
  const { clock, store, from, reads } = await open(async keys => {
    await gate.promise
    return orders(keys)
  })
  const leaver = testScope({ clock })
  const stayer = testScope({ clock })
  const left = readThrough(leaver, from, ['7'])
  const stayed = readThrough(stayer, from, ['7'])
  leaver.abort(new Error('gone'))
  await expect(left).rejects.toThrow('gone')
  gate.resolve()
  expect((await stayed).rows).toEqual([{ id: '7', total: 1 }])
  expect(reads.length).toBe(1)
  await Promise.all([leaver.settled(), stayer.settled()])
  await store.close()
})

test('a read that fails fails for all who wait, and the next one asks again', async () => {
  let broken = true
  const { clock, store, from, reads } = await open(keys => (broken ? Promise.reject(new Error('source is down')) : orders(keys)))
  const scope = testScope({ clock })
  await expect(readThrough(scope, from, ['7'])).rejects.toThrow('source is down')
  await expect(scope.settled()).rejects.toThrow('source is down')
  broken = false
  expect((await readThrough(testScope({ clock }), from, ['7'])).rows).toEqual([{ id: '7', total: 1 }])
  expect(reads.length).toBe(2)
  await store.close()
})

test('a source that does not answer is given up at the deadline of whoever asked', async () => {
  const { clock, store, from } = await open(() => Promise.resolve([]))
  const silent: ReadThrough = { ...from, load: ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))) }
  const scope = testScope({ clock, deadlineMs: clock.now() + 1_000 })
  const asked = readThrough(scope, silent, ['7'])
  while (silent.flights.size === 0) await Promise.resolve()
  clock.advance(1_001)
  await expect(asked).rejects.toMatchObject({ code: 'TIMEOUT' })
  await expect(scope.settled()).rejects.toMatchObject({ code: 'TIMEOUT' })
  await store.close()
})

test('a row filled from what was read earlier is as old as that reading, whatever is read later', async () => {
  const { clock, store, from } = await open(orders)
  let asOfMs = clock.now()
  const staged: ReadThrough = { ...from, asOfMs: () => asOfMs }
  const read = async (key: string) => {
    const scope = testScope({ clock })
    const { hitsAsOfMs, loadedAsOfMs, loaded } = await readThrough(scope, staged, [key])
    await scope.settled()
    return clock.now() - ((loaded > 0 ? loadedAsOfMs : hitsAsOfMs) ?? Number.NaN)
  }
  clock.advance(7_000)
  expect(await read('a')).toBe(7_000)
  clock.advance(1_000)
  expect(await read('a')).toBe(8_000)
  asOfMs = clock.now()
  expect([await read('a'), await read('bb')]).toEqual([8_000, 0])
  await store.close()
})
