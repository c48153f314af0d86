import fc from 'fast-check'
import { openMemoryRegions } from '../../../connectors/memory/index.ts'
import type { Entry, Region, RegionDefinition } from '../../../connectors/ports/region-store.ts'
import { SessionToken } from '../../../gateway/http/session.ts'
import { entriesOf } from '../../../resolvers/consistency.ts'
import { Filled } from '../../../resolvers/filled.ts'
import { readThrough, type ReadThrough } from '../../../resolvers/read-through.ts'
import type { Consistency } from '../../../schema/consistency.ts'
import { MovedClock, testScope, type TestScope } from '../../support/scope.ts'

const definition: RegionDefinition = {
  name: 'orders', columns: [{ name: 'id', type: 'String', nullable: false }, { name: 'total', type: 'Int', nullable: true }], key: ['id'], indexes: [], atomicity: 'ATOMIC',
  expiry: {}, maxEntries: 1_000_000, durable: false, tenancy: 'SHARED',
}
const within = (scope: TestScope, maxStalenessMs: number): TestScope => ({ ...scope, consistency: { level: 'BOUNDED_STALENESS', maxStalenessMs, from: 'header' } satisfies Consistency })

/** A source whose rows carry the moment they were read at, so that an answer tells how old it is. */
async function timedSource(tookMs: () => number = () => 0) {
  const clock = new MovedClock()
  const scope = testScope({ clock })
  const store = await openMemoryRegions({ clock, log: scope.log })
  const region = await store.define(definition)
  const began = clock.now()
  const from: ReadThrough = {
    name: 'orders', region, flights: new Map(), filled: new Filled(), loader: 'test',
    load: async (_scope, keys) => {
      const total = clock.now() - began
      clock.advance(tookMs())
      return keys.map(id => ({ id, total }))
    },
  }
  const read = async (key: string, maxStalenessMs?: number) => {
    const own = testScope({ clock })
    const nowMs = clock.now()
    const { rows, loaded } = await readThrough(maxStalenessMs === undefined ? own : within(own, maxStalenessMs), from, [key])
    await own.settled()
    return { ageMs: nowMs - began - Number(rows[0]?.['total']), loaded }
  }
  return { clock, store, from, read }
}

test('H-26 an answer is never older than its window, however long the reads before it took, and whoever read in between', async () => {
  const step = fc.oneof(fc.record({ waitMs: fc.nat(5_000) }), fc.record({ key: fc.constantFrom('a', 'b', 'c'), windowMs: fc.option(fc.integer({ min: 1, max: 4_000 }), { nil: undefined }), tookMs: fc.nat(2_000) }))
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60 }), async steps => {
    let took = 0
    const { clock, store, read } = await timedSource(() => took)
    for (const one of steps) {
      if ('waitMs' in one) clock.advance(one.waitMs)
      else {
        took = one.tookMs
        const { ageMs } = await read(one.key, one.windowMs)
        if (one.windowMs !== undefined && ageMs > one.windowMs) throw new Error(`${one.key} is ${ageMs} ms old, and ${one.windowMs} were allowed.`)
      }
    }
    await store.close()
  }), { numRuns: 200 })
})

test('an entry that was written down after a slow read is not young for it', async () => {
  let took = 3_000
  const { read, store } = await timedSource(() => took)
  await read('a')
  took = 0
  expect(await read('a', 2_000)).toEqual({ ageMs: 0, loaded: 1 })
  expect(await read('a', 2_000)).toEqual({ ageMs: 0, loaded: 0 })
  await store.close()
})

test('of two reads of one entry, the one that began first does not put its older row over the other\'s', async () => {
  const { clock, store, from } = await timedSource()
  await from.region.putMany(testScope({ clock }), [{ id: 'a', total: -1 }])
  clock.advance(60_000)
  const gates = [Promise.withResolvers<number>(), Promise.withResolvers<number>()]
  let asked = 0
  const gated: ReadThrough = { ...from, load: async () => [{ id: 'a', total: await gates[asked++]!.promise }] }
  const [early, late] = [testScope({ clock }), testScope({ clock })]
  const first = readThrough(within(early, 1_000), gated, ['a'])
  while (asked < 1) await Promise.resolve()
  clock.advance(2_000)
  const second = readThrough(within(late, 1_000), gated, ['a'])
  while (asked < 2) await Promise.resolve()
  gates[1]!.resolve(2)
  expect((await second).rows).toEqual([{ id: 'a', total: 2 }])
  await late.settled()
  gates[0]!.resolve(1)
  expect((await first).rows).toEqual([{ id: 'a', total: 1 }])
  await early.settled()
  expect((await from.region.getMany(late, ['a']))[0]?.row).toEqual({ id: 'a', total: 2 })
  await store.close()
})

test('where the region is told of its source\'s commits, a read of the source writes nothing into it', async () => {
  const { clock, store, from } = await timedSource()
  const scope = testScope({ clock })
  await from.region.putMany(scope, [{ id: 'a', total: -1 }])
  clock.advance(60_000)
  expect((await readThrough(within(scope, 1_000), { ...from, isFollowed: true }, ['a'])).rows).toEqual([{ id: 'a', total: 60_000 }])
  await scope.settled()
  expect((await from.region.getMany(scope, ['a']))[0]?.row).toEqual({ id: 'a', total: -1 })
  await store.close()
})

/** A region that keeps everything near, as it was at version 1; the store has version 2. */
function nearRegion() {
  const asked: (readonly [boolean, readonly string[]])[] = []
  const entry = (key: string, version: number): Entry => ({ key, row: { id: key }, version, writtenAtMs: 0 })
  const region = {
    getMany: (_scope: unknown, keys: readonly string[], { near = false } = {}) => {
      asked.push([near, keys])
      return Promise.resolve(keys.map((key): Entry => (near ? { ...entry(key, 1), near: true } : entry(key, 2))))
    },
  } as unknown as Region
  const versions = async (level: Consistency['level'], session?: SessionToken) => {
    asked.length = 0
    const entries = await entriesOf({ ...testScope(), consistency: { level, from: 'header' }, session }, 'orders', region, ['a', 'b'])
    return [entries.map(found => found?.version), asked.map(([near, keys]) => `${near ? 'near' : 'store'} ${keys.join()}`)]
  }
  return versions
}

test('H-26 what is kept near answers at EVENTUAL and SESSION alone', async () => {
  const versions = nearRegion()
  expect(await versions('EVENTUAL')).toEqual([[1, 1], ['near a,b']])
  expect(await versions('SESSION')).toEqual([[1, 1], ['near a,b']])
  expect(await versions('STRONG')).toEqual([[2, 2], ['store a,b']])
  expect(await versions('BOUNDED_STALENESS')).toEqual([[2, 2], ['store a,b']])
})

test('H-26 at SESSION nothing kept near answers that another hub\'s write for the caller is newer than', async () => {
  const versions = nearRegion()
  const token = (write: (other: SessionToken) => void) => {
    const other = new SessionToken('other')
    write(other)
    return new SessionToken('here', other.token)
  }
  expect(await versions('SESSION', token(other => other.wrote('orders', 1)))).toEqual([[1, 1], ['near a,b']])
  expect(await versions('SESSION', token(other => other.wrote('orders', 2)))).toEqual([[2, 2], ['near a,b', 'store a,b']])
  expect(await versions('SESSION', token(other => other.wrote('orders')))).toEqual([[2, 2], ['near a,b', 'store a,b']])
  expect(await versions('SESSION', token(other => other.wrote('notes', 9)))).toEqual([[1, 1], ['near a,b']])
  const own = new SessionToken('here')
  own.wrote('orders', 9)
  expect(await versions('SESSION', new SessionToken('here', own.token))).toEqual([[1, 1], ['near a,b']])
})

test('a session token adds up what several hubs answered, and says less the more there is, never nothing', () => {
  const carried = new SessionToken('a')
  carried.wrote('orders', 5)
  carried.wrote('orders', 3)
  expect(carried.added).toBe(carried.token)
  const next = new SessionToken('b', carried.token)
  expect([next.since('orders'), next.since('notes'), next.added]).toEqual([5, undefined, undefined])
  next.wrote('orders', 4)
  const both = [new SessionToken('a', next.token), new SessionToken('b', next.token), new SessionToken('c', next.token)]
  expect(both.map(one => one.since('orders'))).toEqual([5, 5, 5])
  for (let region = 0; region < 40; region++) next.wrote(`r${region}`, region)
  const all = new SessionToken('c', next.token)
  expect([all.since('orders'), all.since('r39'), all.since('never_written')]).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY])
})

test.each(['', 'e30', Buffer.from('[["a b","x",1]]').toString('base64url'), Buffer.from('[["a","x",1.5]]').toString('base64url'), Buffer.from('[["a","x","1"]]').toString('base64url'), 'a'.repeat(9_000)])('a text that is no session token is refused: %.40s', text => {
  expect(() => new SessionToken('here', text)).toThrow(expect.objectContaining({ code: 'VALIDATION_ERROR' }))
})
