import { jest } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { openIgnite } from '../../connectors/ignite/index.ts'
import { openIgniteRegions } from '../../connectors/ignite/regions/index.ts'
import type { RegionDefinition, RegionStore } from '../../connectors/ports/region-store.ts'
import { systemClock, type Scope } from '../../connectors/ports/scope.ts'
import { HubError } from '../../schema/errors.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { type IgniteNodes, startIgnite } from '../support/ignite.ts'
import { testScope } from '../support/scope.ts'

jest.setTimeout(400_000)

/** Away from the ports of the engines that other tests share. */
const portOffset = 14_000

const items: RegionDefinition = {
  name: 'items', columns: [{ name: 'id', type: 'String', nullable: false }, { name: 'n', type: 'Int', nullable: true }], key: ['id'], indexes: [], atomicity: 'TRANSACTIONAL', expiry: {},
  maxEntries: 1_000_000, durable: true, tenancy: 'SHARED', placement: { mode: 'PARTITIONED', backups: 1 },
}

/** As a request of a client: with a deadline. */
function scope(limitMs = 30_000): Scope {
  const controller = new AbortController()
  systemClock.after(limitMs, () => controller.abort(new HubError('TIMEOUT', `Not within ${limitMs} ms.`)))
  return { ...testScope(), clock: systemClock, deadlineMs: Date.now() + limitMs, signal: controller.signal }
}

withEngine('IGNITE_HOST_1', 'faults of a cluster that keeps regions', () => {
  let nodes: IgniteNodes
  let store: RegionStore
  beforeAll(async () => {
    nodes = await startIgnite(2, portOffset)
    const client = openIgnite({ hosts: nodes.hosts })
    store = await openIgniteRegions({ client, clock: systemClock, log: testScope().log, namespace: `t${randomBytes(4).toString('hex')}`, later: work => void work() })
    await bothUp()
  }, 300_000)
  afterAll(async () => {
    await store?.close()
    await nodes?.stop()
  }, 120_000)

  const bothUp = () => eventually('both nodes are up', async () => (await store.cluster(scope())).nodes.filter(({ state, partitionsPrimary }) => state === 'UP' && partitionsPrimary !== null).length === 2, 120_000)

  test('a node killed under load: readers of a region with a copy see no error, what a write answered is there, and the log tells of it or resets', async () => {
    const region = await store.define(items)
    await region.putMany(scope(), Array.from({ length: 500 }, (_, n) => ({ id: `fixed${n}`, n })))
    let running = true
    const answered: string[] = []
    const refused: HubError[] = []
    const readErrors: unknown[] = []
    let reads = 0
    const reader = async () => {
      for (let n = 0; running; n = (n + 1) % 500) {
        try {
          const [entry] = await region.getMany(scope(), [`fixed${n}`])
          if (entry?.row['n'] !== n) readErrors.push(`fixed${n} reads ${JSON.stringify(entry)}`)
          reads += 1
        } catch (error) {
          readErrors.push(error)
        }
      }
    }
    const writer = async (name: string) => {
      for (let n = 0; running; n++) {
        try {
          await region.putMany(scope(), [{ id: `${name}-${n}`, n }])
          answered.push(`${name}-${n}`)
        } catch (error) {
          refused.push(error as HubError)
        }
      }
    }
    const working = [reader(), reader(), writer('a'), writer('b')]
    await eventually('load runs', async () => answered.length > 50 && reads > 200, 60_000)
    await nodes.kill(1)
    const before = answered.length
    await eventually('load goes on', async () => answered.length > before + 50, 120_000)
    running = false
    await Promise.all(working)
    expect(readErrors).toEqual([])
    const expected = ['UPSTREAM_UNAVAILABLE', 'TX_CONFLICT', 'TX_TIMEOUT', 'TIMEOUT']
    expect(refused.filter(({ code }) => !expected.includes(code)).map(({ message }) => message)).toEqual([])
    for (let from = 0; from < answered.length; from += 500) {
      const part = answered.slice(from, from + 500)
      const found = await region.getMany(scope(), part)
      expect(part.filter((_, index) => found[index] === undefined)).toEqual([])
    }
    const [one] = await region.snapshot(scope()).then(({ entries }) => [entries.length])
    expect(one).toBeGreaterThanOrEqual(answered.length + 500)
    await nodes.start(1)
    await bothUp()
  })

  test('both nodes gone: a clear refusal; both back and empty: the region is there again, empty, its readers are told by a reset, and it takes writes', async () => {
    const region = store.region('items')
    await nodes.kill(0)
    await nodes.kill(1)
    await eventually('the loss is noticed', async () => (await store.cluster(scope())).nodes.every(({ state }) => state === 'DOWN'), 60_000)
    await expect(region.getMany(scope(), ['fixed1'])).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: expect.stringContaining('gives no answer') })
    await expect(region.putMany(scope(), [{ id: 'x', n: 1 }])).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
    const from = store.changes.end
    await nodes.start(0)
    await nodes.start(1)
    await bothUp()
    await eventually('readers are told', async () => (await store.changes.read(from, 1000)).some(({ resets }) => resets.includes('items')), 60_000)
    expect(await region.getMany(scope(), ['fixed1'])).toEqual([undefined])
    await region.putMany(scope(), [{ id: 'x', n: 1 }])
    expect(await region.select(scope(), {})).toEqual([{ id: 'x', n: 1 }])
    expect((await store.changes.read(from, 1000)).flatMap(({ changes }) => changes.map(({ type, key }) => `${type} ${key}`))).toEqual(['CREATED x'])
  })
})
