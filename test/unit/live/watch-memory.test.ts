import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { openMemoryRegions, type MemoryRegionStore } from '../../../connectors/memory/index.ts'
import type { Region, RegionDefinition } from '../../../connectors/ports/region-store.ts'
import { sealer } from '../../../resolvers/cursor.ts'
import { Dispatcher } from '../../../resolvers/live/dispatcher.ts'
import { watch, type WatchEvent, type WatchOptions } from '../../../resolvers/watch.ts'
import { HubError } from '../../../schema/errors.ts'
import type { Filter } from '../../../schema/filter.ts'
import type { Row } from '../../../schema/values.ts'
import { MovedClock, testScope } from '../../support/scope.ts'

const cursors = sealer([{ kid: 'k', secret: 'the secret of this test' }])

const sessions: RegionDefinition = {
  name: 'sessions',
  columns: [{ name: 'id', type: 'Int', nullable: false }, { name: 'state', type: 'String', nullable: true }, { name: 'score', type: 'Int', nullable: true }],
  key: ['id'], indexes: [], atomicity: 'ATOMIC', expiry: {}, maxEntries: 10_000, durable: true, tenancy: 'TENANT',
}

let directory: string
let clock: MovedClock
let store: MemoryRegionStore

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'watch-'))
  clock = new MovedClock()
  store = await reopened()
})

afterEach(async () => {
  await store.close()
  await rm(directory, { recursive: true })
})

function reopened(): Promise<MemoryRegionStore> {
  return openMemoryRegions({ directory, clock, log: testScope().log, segmentBytes: 64 * 1024 })
}

function options(region: Region, dispatcher: Dispatcher, more: Partial<WatchOptions> = {}): WatchOptions {
  return { region, changes: store.changes, dispatcher, initial: true, cursors, ...more }
}

async function pull(events: AsyncGenerator<WatchEvent, void>, count: number): Promise<WatchEvent[]> {
  const pulled: WatchEvent[] = []
  for (; pulled.length < count; ) {
    const { value } = await events.next()
    if (!value) throw new Error(`The events ended after ${pulled.length} of ${count}.`)
    pulled.push(value)
  }
  return pulled
}

const brief = (events: readonly WatchEvent[]) => events.map(({ type, key }) => `${type} ${key}`)

test('H-58 subscribers that read at their own pace, leave and come back with their cursor hold at the end what the region holds', async () => {
  const write = fc.record({ id: fc.nat({ max: 8 }), state: fc.constantFrom('open', 'done', null), score: fc.nat({ max: 3 }), remove: fc.boolean(), tenant: fc.constantFrom('red', 'blue') })
  const filters: (Filter | undefined)[] = [undefined, { column: 'state', op: 'eq', value: 'open' }, { not: { column: 'score', op: 'lt', value: 2 } }]

  await fc.assert(
    fc.asyncProperty(fc.array(write, { minLength: 20, maxLength: 80 }), fc.constantFrom(...filters), fc.constantFrom('every' as const, 'latest' as const), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 9 }), async (writes, filter, mode, maxQueue, patience) => {
      const region = await store.define(sessions)
      const dispatcher = new Dispatcher(store.changes)
      const reader = follow()

      for (const { tenant, remove, id, state, score } of writes) {
        const scope = testScope({ tenant, clock })
        await (remove ? region.removeMany(scope, [String(id)]) : region.putMany(scope, [{ id, state, score }, { id: id + 1, state, score }]))
      }
      await region.putMany(testScope({ tenant: 'red', clock }), [{ id: 1_000, state: 'open', score: 3 }])
      const held = await reader
      expect(held).toEqual(new Map((await region.select(testScope({ tenant: 'red', clock }), { filter })).map(row => [String(row['id']), row])))
      await region.clear(testScope({ tenant: 'red', clock }))
      await region.clear(testScope({ tenant: 'blue', clock }))
      dispatcher.close()

      async function follow(): Promise<Map<string, Row>> {
        const rows = new Map<string, Row>()
        let after: string | undefined
        // Leaves after more and more events: who always left inside the snapshot would never see its end.
        for (let limit = patience; ; limit++) {
          const events = watch(testScope({ tenant: 'red', clock }), options(region, dispatcher, { filter, mode, maxQueue, after }))
          let count = 0
          try {
            for await (const { type, key, before, after: row, cursor } of events) {
              if (type === 'SNAPSHOT' && count === 0) rows.clear()
              else if (type !== 'SNAPSHOT') expect(rows.get(key) ?? null).toEqual(before)
              if (row) rows.set(key, row)
              else rows.delete(key)
              after = cursor
              count += 1
              if (rows.has('1000')) return rows
              if (count >= limit) break
            }
          } catch (error) {
            // A place inside of a snapshot that has no rows any more: what is held is void, and there is nothing to say so with.
            if (!(error instanceof HubError) || error.code !== 'GONE') throw error
            rows.clear()
            after = undefined
          }
        }
      }
    }),
    { numRuns: 25 },
  )
}, 120_000)

test('H-58 a cursor is good after a restart: the changes made meanwhile follow it', async () => {
  const scope = testScope({ tenant: 'red', clock })
  let region = await store.define(sessions)
  await region.putMany(scope, [{ id: 1, state: 'open', score: 1 }])
  const [snapshot] = await pull(watch(scope, options(region, new Dispatcher(store.changes))), 1)
  await region.putMany(scope, [{ id: 2, state: 'open', score: 1 }])
  await region.removeMany(scope, ['1'])

  await store.close()
  store = await reopened()
  region = await store.define(sessions)
  const resumed = watch(scope, options(region, new Dispatcher(store.changes), { after: snapshot!.cursor }))
  expect(brief(await pull(resumed, 2))).toEqual(['CREATED 2', 'REMOVED 1'])
  const next = resumed.next()
  await region.putMany(scope, [{ id: 3, state: 'open', score: 1 }])
  expect((await next).value).toMatchObject({ type: 'CREATED', key: '3' })
})

test('after a restart the cursors of a region that is loaded anew are GONE, and a fresh subscription gets its rows', async () => {
  const scope = testScope({ tenant: 'red', clock })
  const loaded = { ...sessions, durable: false, tenancy: 'SHARED' as const }
  let region = await store.define(loaded)
  await region.putMany(scope, [{ id: 1, state: 'open', score: 1 }])
  const [snapshot] = await pull(watch(scope, options(region, new Dispatcher(store.changes))), 1)

  await store.close()
  store = await reopened()
  region = await store.define(loaded)
  const rows = async function* () { yield [{ id: 7, state: 'open', score: 1 }] }
  await region.replaceAll(scope, rows(), { silent: true })
  const dispatcher = new Dispatcher(store.changes)
  await expect(watch(scope, options(region, dispatcher, { after: snapshot!.cursor })).next()).rejects.toEqual(expect.objectContaining({ code: 'GONE' }))
  expect(brief(await pull(watch(scope, options(region, dispatcher)), 1))).toEqual(['SNAPSHOT 7'])
})

test('H-76 an entry whose time ran out is told as EXPIRED', async () => {
  const scope = testScope({ tenant: 'red', clock })
  const region = await store.define({ ...sessions, expiry: { createMs: 300_000 } })
  const events = watch(scope, options(region, new Dispatcher(store.changes)))
  const next = events.next()
  await region.putMany(scope, [{ id: 1, state: 'open', score: 1 }])
  expect((await next).value).toMatchObject({ type: 'CREATED' })
  const expired = events.next()
  clock.advance(300_001)
  expect((await expired).value).toMatchObject({ type: 'EXPIRED', key: '1', before: { id: 1, state: 'open', score: 1 }, after: null })
})

test('a region that gained a column serves the subscriptions it had and new ones that filter by it', async () => {
  const scope = testScope({ tenant: 'red', clock })
  const dispatcher = new Dispatcher(store.changes)
  let region = await store.define(sessions)
  const old = watch(scope, options(region, dispatcher)).next()
  region = await store.define({ ...sessions, columns: [...sessions.columns, { name: 'device', type: 'String', nullable: true }] })
  const fresh = watch(scope, options(region, dispatcher, { filter: { column: 'device', op: 'eq', value: 'phone' } })).next()
  await region.putMany(scope, [{ id: 1, state: 'open', score: 1, device: 'desk' }, { id: 2, state: 'open', score: 1, device: 'phone' }])
  expect([(await old).value!.key, (await fresh).value!.key]).toEqual(['1', '2'])
})

test('a region that is dropped ends its subscriptions with GONE', async () => {
  const scope = testScope({ tenant: 'red', clock })
  const region = await store.define(sessions)
  const next = watch(scope, options(region, new Dispatcher(store.changes))).next()
  await store.drop('sessions')
  const error: unknown = await next.catch((error: unknown) => error)
  expect(error).toBeInstanceOf(HubError)
  expect(error).toMatchObject({ code: 'GONE' })
})
