import { createConnection } from 'node:net'
import { once } from 'node:events'
import { openMemoryRegions } from '../../connectors/memory/index.ts'
import type { Entry, Region, RegionStore } from '../../connectors/ports/region-store.ts'
import { type Scope, systemClock } from '../../connectors/ports/scope.ts'
import type { ConsistencyLevel } from '../../schema/consistency.ts'
import { airport, airports } from '../conformance/region-store.ts'
import { ownedRegion, type OwnerWorld, ownerWorld } from '../support/owner.ts'
import { MovedClock, testScope } from '../support/scope.ts'

const keys = Array.from({ length: 12 }, (_, index) => `A${index}`)

/** A scope whose reads may be answered from what is kept near. */
function eventual(tenant?: string, level: ConsistencyLevel = 'EVENTUAL'): Scope {
  return { ...testScope({ tenant }), consistency: { level, from: 'header' } }
}

interface World {
  readonly store: RegionStore
  readonly region: Region
  readonly worker: OwnerWorld
  near(wanted: readonly string[], scope?: Scope): Promise<readonly (Entry | undefined)[]>
  /** Ends when all that was committed before was told to the worker: it is told in order, and answered behind that. */
  told(): Promise<void>
  close(): Promise<void>
}

async function world({ slow = (read: Promise<readonly (Entry | undefined)[]>) => read, definition = airports } = {}): Promise<World> {
  const store = await openMemoryRegions({ clock: systemClock, log: testScope().log })
  const region = await store.define(definition)
  const slowed = new Proxy(store, {
    get(target, name) {
      if (name === 'region') return (of: string) => ({ getMany: (...args: Parameters<Region['getMany']>) => slow(target.region(of).getMany(...args)) })
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
  const worker = await ownerWorld(slowed)
  const read = () => worker.reader.region(ownedRegion(region, worker.graph() ?? 0))
  return {
    store, region, worker,
    near: (wanted, scope = eventual()) => read().getMany(scope, wanted, { near: true }),
    told: async () => void (await read().getMany(testScope(), ['none'])),
    async close() {
      await worker.close()
      await store.close()
    },
  }
}

test('whatever is written, and however: once it was told to a worker, nothing it kept before is given out', async () => {
  const { store, region, near, told, close } = await world()
  const scope = testScope()
  const pick = () => keys[Math.floor(Math.random() * keys.length)] ?? ''
  let count = 0
  const row = (key: string) => airport(key, null, null, count++)
  const writes: (() => Promise<unknown>)[] = [
    () => region.putMany(scope, [row(pick())]),
    () => region.putMany(scope, keys.map(row)),
    () => region.removeMany(scope, [pick()]),
    () => region.clear(scope),
    () => region.replaceAll(scope, batches([keys.slice(0, 6).map(row)])),
    () => region.replaceAll(scope, batches([keys.map(row)]), { silent: true }),
    () => region.fill(scope, keys.map(row), region.mark()),
    () => store.transact(scope, { isolation: 'SERIALIZABLE', timeoutMs: 5_000, maxAttempts: 20 }, async tx => { await tx.putMany('airports', [row('A0'), row('A1')]) }),
  ]
  let kept = 0
  for (let round = 0; round < 400; round++) {
    const work: Promise<unknown>[] = []
    for (let step = 0; step < 6; step++) {
      const write = writes[Math.floor(Math.random() * (Math.random() < 0.5 ? 1 : writes.length))]
      work.push(Math.random() < 0.5 && write ? write() : near([pick(), pick()]))
      if (Math.random() < 0.3) await new Promise(resolve => setImmediate(resolve))
    }
    await Promise.all(work)
    await told()
    for (let again = 0; again < 2; again++) {
      const [found, truth] = [await near(keys), await region.getMany(scope, keys)]
      expect(found.map(entry => [entry?.version, entry?.row['visits']])).toEqual(truth.map(entry => [entry?.version, entry?.row['visits']]))
      kept += found.filter(entry => entry?.near).length
    }
  }
  expect(kept).toBeGreaterThan(1_000)
  await close()
})

test('what was read before a change is not kept behind it, however late its answer comes', async () => {
  let hold: Promise<void> | undefined
  const { region, near, told, close } = await world({ slow: async read => {
    const waits = hold
    hold = undefined
    const found = await read
    await waits
    return found
  } })
  await region.putMany(testScope(), [airport('A0', 'old')])
  await near(['A1'])
  const gate = Promise.withResolvers<void>()
  hold = gate.promise
  const late = near(['A0'])
  await told()
  await region.putMany(testScope(), [airport('A0', 'new')])
  await told()
  gate.resolve()
  expect((await late)[0]?.row['country']).toBe('old')
  const [after] = await near(['A0'])
  expect([after?.row['country'], after?.near]).toEqual(['new', undefined])
  await close()
})

test('a worker that lost its owner keeps nothing of before, and reads what was written meanwhile', async () => {
  const store = await openMemoryRegions({ clock: systemClock, log: testScope().log })
  const region = await store.define(airports)
  await region.putMany(testScope(), [airport('A0', 'old')])
  const worker = await ownerWorld(store)
  const near = async () => (await worker.reader.region(ownedRegion(region, worker.graph() ?? 0)).getMany(eventual(), ['A0'], { near: true }))[0]
  await near()
  expect(await near()).toMatchObject({ near: true, row: { country: 'old' } })
  const giveBack = await worker.lose()
  await worker.knows(graph => graph === undefined)
  await expect(near()).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
  await region.putMany(testScope(), [airport('A0', 'new')])
  await giveBack()
  await worker.knows(graph => graph !== undefined)
  expect((await near())?.row['country']).toBe('new')
  await worker.close()
  await store.close()
})

test('once another graph is published, nothing is read under the one before and nothing of it is kept', async () => {
  const { region, worker, near, close } = await world()
  await region.putMany(testScope(), [airport('A0')])
  await near(['A0'])
  const before = worker.reader.region(ownedRegion(region, worker.graph() ?? 0))
  expect((await before.getMany(eventual(), ['A0'], { near: true }))[0]?.near).toBe(true)
  const graph = worker.graph()
  await worker.owner.publish({})
  expect(worker.graph()).toBe((graph ?? 0) + 1)
  await expect(before.getMany(eventual(), ['A0'], { near: true })).rejects.toMatchObject({ code: 'CONFLICT' })
  expect((await near(['A0']))[0]?.near).toBeUndefined()
  await close()
})

test('reads that promise more, and entries that end by themselves, are asked of the owner each time', async () => {
  const { region, near, close } = await world()
  await region.putMany(testScope(), [airport('A0')])
  await near(['A0'])
  expect((await near(['A0']))[0]?.near).toBe(true)
  for (const level of ['SESSION', 'STRONG'] as const) expect((await near(['A0'], eventual(undefined, level)))[0]?.near).toBeUndefined()
  await close()
  const passing = await world({ definition: { ...airports, expiry: { createMs: 60_000 } } })
  await passing.region.putMany(testScope(), [airport('A0')])
  await passing.near(['A0'])
  expect((await passing.near(['A0']))[0]?.near).toBeUndefined()
  await passing.close()
})

test('what is kept near is asked for again after five seconds, so that the owner knows what is used', async () => {
  const { region, near, close } = await world()
  await region.putMany(testScope(), [airport('A0')])
  const clock = new MovedClock()
  const read = async () => (await near(['A0'], { ...eventual(), clock }))[0]?.near
  expect([await read(), await read()]).toEqual([undefined, true])
  clock.advance(4_999)
  expect(await read()).toBe(true)
  clock.advance(1)
  expect([await read(), await read()]).toEqual([undefined, true])
  await close()
})

test('what is kept of one tenant is never another one\'s', async () => {
  const { region, near, close } = await world({ definition: { ...airports, tenancy: 'TENANT' } })
  for (const tenant of ['a', 'b']) await region.putMany(testScope({ tenant }), [airport('A0', tenant)])
  for (let round = 0; round < 2; round++) {
    for (const tenant of ['a', 'b']) expect((await near(['A0'], eventual(tenant)))[0]?.row['country']).toBe(tenant)
    expect(await near(['A0'], eventual('c'))).toEqual([undefined])
  }
  await close()
})

test('a worker that does not say that it took a graph is cut off, and the owner waits no longer', async () => {
  const clock = new MovedClock()
  const store = await openMemoryRegions({ clock, log: testScope().log })
  const worker = await ownerWorld(store, clock)
  const silent = createConnection(worker.at)
  await once(silent.resume(), 'connect')
  await once(silent, 'data')
  const published = worker.owner.publish({})
  let isOver = false
  void published.then(() => { isOver = true })
  await worker.knows(graph => graph === 2)
  expect(isOver).toBe(false)
  clock.advance(1_000)
  await published
  await once(silent, 'close')
  await worker.close()
  await store.close()
})

test('bytes that are no message end the connection they came over, and no other', async () => {
  const { region, worker, near, close } = await world()
  await region.putMany(testScope(), [airport('A0')])
  const frame = (text: string) => Buffer.concat([Buffer.from(Uint32Array.of(text.length).buffer).swap32(), Buffer.from(text)])
  for (const bytes of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.from([255, 255, 255, 255]), frame('{'), frame('["get",1,1,"airports","",false,1000,[7]]'), frame('["put",1,[]]'), frame('null')]) {
    const socket = createConnection(worker.at)
    socket.on('error', () => undefined)
    socket.resume().write(bytes)
    await once(socket, 'close')
  }
  expect((await near(['A0']))[0]?.key).toBe('A0')
  await close()
})

async function* batches<T>(rows: readonly T[]): AsyncGenerator<T> {
  yield* rows
}
