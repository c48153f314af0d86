import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type MemoryRegionStore, openMemoryRegions } from '../../../connectors/memory/index.ts'
import type { HubError } from '../../../schema/errors.ts'
import { airport, airports } from '../../conformance/region-store.ts'
import { type TestScope, testScope } from '../../support/scope.ts'

let directory: string
let scope: TestScope
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'durable-'))
  scope = testScope()
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const opened = (onFatal?: (error: HubError) => void) => openMemoryRegions({ directory, clock: scope.clock, log: scope.log, segmentBytes: 8 * 1024, retainBytes: 16 * 1024, onFatal })

/** Writes one row again and again until the log has forgotten its beginning. */
async function untilTrimmed(store: MemoryRegionStore): Promise<void> {
  const region = store.region('airports')
  for (let index = 0; store.changes.start === 0; index++) await region.putMany(scope, [airport('CDG', `version ${index}`, index), airport(`A${index % 50}`, 'x'.repeat(200))])
}

test('a log that grows is shortened behind a checkpoint, and a restart still finds every row', async () => {
  let store = await opened()
  const region = await store.define(airports)
  await region.putMany(scope, [airport('KEF', 'Iceland', 171, 9_007_199_254_740_993n), airport('ORY')])
  await region.removeMany(scope, ['ORY'])
  await region.fill(scope, [airport('ZZZ')], region.mark())
  await untilTrimmed(store)
  const before = await region.select(scope, { filter: { column: 'iata', op: 'ne', value: 'ZZZ' } })
  const versions = (await region.getMany(scope, ['KEF', 'CDG'])).map(entry => entry?.version)
  const { id, end } = store.changes
  await expect(store.changes.read(0, 1)).rejects.toEqual(expect.objectContaining({ code: 'GONE' }))
  await store.close()
  const { start } = store.changes
  expect((await readdir(directory)).filter(name => name.startsWith('checkpoint'))).toHaveLength(1)

  store = await opened()
  const again = store.region('airports')
  expect(await again.select(scope, {})).toEqual(before)
  expect((await again.getMany(scope, ['KEF', 'CDG'])).map(entry => entry?.version)).toEqual(versions)
  expect(store.changes.id).toBe(id)
  expect(store.changes.start).toBe(start)
  expect(store.changes.end).toBeGreaterThanOrEqual(end)
  expect((await store.changes.read(start, 1))[0]?.offset).toBe(start)
  await store.close()
})

test('a store without its log behind the checkpoint does not open as if nothing were missing', async () => {
  const store = await opened()
  await store.define(airports)
  await untilTrimmed(store)
  await store.close()
  const [checkpoint = ''] = (await readdir(directory)).filter(name => name.startsWith('checkpoint'))
  await rm(join(directory, checkpoint))
  await expect(opened()).rejects.toThrow('The regions cannot be brought back')
})

test('two stores cannot open one directory', async () => {
  const store = await opened()
  await expect(opened()).rejects.toEqual(expect.objectContaining({ code: 'CONFLICT', details: { holder: `this process (${process.pid})` } }))
  await store.close()
})

test('after a log write fails every later write is refused, and the owner is told once', async () => {
  const told: HubError[] = []
  const store = await opened(error => told.push(error))
  const region = await store.define(airports)
  await region.putMany(scope, [airport('CDG')])
  await rm(directory, { recursive: true })
  await expect(region.putMany(scope, [airport('LYS', 'x'.repeat(20_000))])).rejects.toEqual(expect.objectContaining({ code: 'UPSTREAM_UNAVAILABLE' }))
  for (const write of [() => region.putMany(scope, [airport('NCE')]), () => region.removeMany(scope, ['CDG']), () => region.clear(scope), () => region.fill(scope, [airport('NCE')], region.mark())]) {
    await expect(write()).rejects.toEqual(expect.objectContaining({ code: 'UPSTREAM_UNAVAILABLE' }))
  }
  await expect(store.define({ ...airports, name: 'others' })).rejects.toEqual(expect.objectContaining({ code: 'UPSTREAM_UNAVAILABLE' }))
  expect(told).toHaveLength(1)
  await store.close()
})

test('a log that fails while expired entries are told of stops the telling, and they stay invisible', async () => {
  const { promise: fatal, resolve } = Promise.withResolvers<HubError>()
  const store = await opened(resolve)
  const region = await store.define({ ...airports, expiry: { createMs: 1000 } })
  await region.putMany(scope, [airport('CDG', 'x'.repeat(6_000))])
  const later = await store.define({ ...airports, name: 'later', expiry: { createMs: 5000 } })
  await later.putMany(scope, [airport('KEF')])
  await rm(directory, { recursive: true })
  scope.clock.advance(1000)
  expect((await fatal).code).toBe('UPSTREAM_UNAVAILABLE')
  scope.clock.advance(10_000)
  expect([...region.rowsNow('test'), ...later.rowsNow('test')]).toEqual([])
  await store.close()
})

test('columns may be called as what every object has', async () => {
  const store = await opened()
  const columns = [...airports.columns, { name: 'constructor', type: 'String', nullable: true } as const, { name: 'toString', type: 'String', nullable: true } as const]
  const region = await store.define({ ...airports, columns })
  const [entry] = await region.putMany(scope, [airport('CDG')])
  expect(Object.entries(entry?.row ?? {}).slice(-2)).toEqual([['constructor', null], ['toString', null]])
  await store.close()
})

test('an answer does not leave before what it shows is durable', async () => {
  const store = await opened()
  const region = await store.define(airports)
  const order: string[] = []
  store.changes.onDurable(() => order.push('durable'))
  const writing = region.putMany(scope, [airport('CDG')])
  const reads = [region.getMany(scope, ['CDG']), region.getMany(scope, ['XXX']), region.select(scope, {}), region.count(scope)].map(read => read.then(() => order.push('read')))
  expect([...region.rowsNow('test')]).toEqual([airport('CDG')])
  await Promise.all([writing, ...reads])
  expect(order).toEqual(['durable', 'read', 'read', 'read', 'read'])
  await store.close()
})

test('H-16 thousands that expire together are swept in commits of bounded size', async () => {
  const store = await opened()
  const region = await store.define({ ...airports, expiry: { createMs: 1000 } })
  await region.putMany(scope, Array.from({ length: 2500 }, (_, index) => airport(`A${index}`)))
  const sizes: number[] = []
  store.changes.onCommit(entry => sizes.push(entry.changes.length))
  scope.clock.advance(1999)
  expect(sizes).toEqual([1000, 1000, 500])
  expect([...region.rowsNow('test')]).toEqual([])
  expect(await region.stats(scope)).toMatchObject({ entries: 0, expiries: 2500, sizeBytes: 0 })
  await store.close()
})

test('H-16 an entry is gone at the very millisecond it expires, and not before', async () => {
  const store = await opened()
  const region = await store.define({ ...airports, expiry: { createMs: 1500 } })
  await region.putMany(scope, [airport('CDG')])
  scope.clock.advance(1499)
  expect(await region.count(scope)).toBe(1)
  scope.clock.advance(1)
  expect(await region.count(scope)).toBe(0)
  expect([...region.rowsNow('test')]).toEqual([])
  await store.close()
})

test('a log in memory forgets its oldest entries and says so', async () => {
  const store = await openMemoryRegions({ clock: scope.clock, log: scope.log, retainBytes: 50_000 })
  const region = await store.define(airports)
  for (let index = 0; index < 1000; index++) await region.putMany(scope, [airport('CDG', 'France', index)])
  const { start, end } = store.changes
  expect(start).toBeGreaterThan(0)
  await expect(store.changes.read(start - 1, 1)).rejects.toEqual(expect.objectContaining({ code: 'GONE', details: { start } }))
  expect((await store.changes.read(start, 10_000)).map(entry => entry.offset)).toEqual(Array.from({ length: end - start }, (_, index) => start + index))
  await store.close()
})

test('H-04 a store that takes no more writes says that its node is down', async () => {
  const store = await opened()
  expect((await store.cluster(scope)).nodes).toEqual([{ id: store.changes.id, address: null, state: 'UP', partitionsPrimary: null, partitionsBackup: null }])
  await store.close()
  expect((await store.cluster(scope)).nodes).toMatchObject([{ id: store.changes.id, state: 'DOWN' }])
})

test('H-15 under FIFO a restart behind a checkpoint lets go the entry of whichever tenant was created first', async () => {
  let store = await opened()
  const of = (tenant: string) => testScope({ clock: scope.clock, tenant })
  const fifo = { ...airports, name: 'queue', tenancy: 'TENANT', maxEntries: 3, evictionPolicy: 'FIFO' } as const
  const region = await store.define(fifo)
  await store.define(airports)
  for (const [tenant, iata] of [['b', 'KEF'], ['a', 'LYS'], ['b', 'NCE']] as const) {
    await region.putMany(of(tenant), [airport(iata)])
    scope.clock.advance(1000)
  }
  await region.putMany(of('b'), [airport('KEF', 'written again')])
  await untilTrimmed(store)
  await store.close()

  store = await opened()
  const again = store.region('queue')
  const left = async () => Promise.all(['a', 'b'].map(async tenant => (await again.select(of(tenant), {})).map(row => row['iata'])))
  expect(await left()).toEqual([['LYS'], ['KEF', 'NCE']])
  await again.putMany(of('a'), [airport('ORY')])
  expect(await left()).toEqual([['LYS', 'ORY'], ['NCE']])
  await again.putMany(of('b'), [airport('CDG')])
  expect(await left()).toEqual([['ORY'], ['CDG', 'NCE']])
  await store.close()
})
