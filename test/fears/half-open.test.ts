import { randomBytes } from 'node:crypto'
import { catalogFolder } from '../support/catalog-folder.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { startHub, type RunningHub } from '../support/hub.ts'
import { ownEngines, type OwnEngine, type OwnEngines } from '../support/own-engines.ts'
import { Wire } from '../support/wire.ts'

/** How long one request of these hubs may take, and what is allowed beyond it on a machine that is busy. */
const limitMs = 2_000
const graceMs = 1_500
const folder = catalogFolder({
  'hub.yaml': `
sources:
  shop: { type: files, root: ./shop }
regions:
  notes: { type: Note, key: id, fields: { id: ID!, text: String } }
views:
  all_planes: { type: OfPlane, key: id, sql: "SELECT id, name FROM shop.planes" }
`,
  'shop/planes.csv': 'id,name\n7,Ada\n',
})
afterAll(() => folder.remove())

const start = (env: Readonly<Record<string, string>>) => startHub({ catalog: folder.catalog, env, flags: [`--request-timeout-ms=${limitMs}`] })
const elsewhere = async (hub: RunningHub) => {
  expect((await fetch(`${hub.url}/livez`)).status).toBe(200)
  expect(await hub.query('{ allPlanes { nodes { name } } }')).toEqual({ data: { allPlanes: { nodes: [{ name: 'Ada' }] } } })
}

/** Each is refused in time with a code that says to ask again. */
async function refusedInTime(hub: RunningHub, ...operations: readonly string[]): Promise<void> {
  await Promise.all(operations.map(async operation => {
    const began = performance.now()
    const { errors } = await hub.query(operation)
    const tookMs = performance.now() - began
    expect([operation, errors?.[0]?.extensions]).toEqual([operation, expect.objectContaining({ code: expect.stringMatching(/^(TIMEOUT|UPSTREAM_UNAVAILABLE|TX_TIMEOUT)$/) })])
    expect(tookMs).toBeLessThan(limitMs + graceMs)
  }))
}

const works = (hub: RunningHub, operation: string) => eventually(`${operation} works again`, async () => (await hub.query(operation)).errors === undefined, 60_000)

withEngine('IGNITE_HOST_1', 'an Ignite whose connections stay open and say nothing', place => {
  test('H-67 reads and writes of regions end with the request\'s deadline, the rest is served, and goes on as soon as the node speaks', async () => {
    const wire = await Wire.open(`tcp://${place}`)
    const hub = await start({ IGNITE_HOST_1: wire.url.replace('tcp://', ''), IGNITE_NAMESPACE: `t${randomBytes(6).toString('hex')}` })
    const put = 'mutation { cachePut(region: "notes", key: "1", value: { id: "1", text: "kept" }) { key } }'
    const read = '{ note(id: "1") { text } notes { totalCount } }'
    try {
      expect((await hub.query(put)).errors).toBeUndefined()
      wire.stall()
      await refusedInTime(hub, '{ note(id: "1") { text } }', '{ notes { nodes { text } } }', put, '{ sqlQuery(query: "SELECT count(*) FROM notes") { rows } }',
        'mutation { executeTransaction(input: { operations: [{ region: "notes", op: PUT, key: "2", value: { id: "2" } }], timeoutMs: 60000 }) { state } }')
      await elsewhere(hub)
      wire.mend()
      await works(hub, read)
      expect(await hub.query(read)).toEqual({ data: { note: { text: 'kept' }, notes: { totalCount: 1 } } })
    } finally {
      wire.mend()
      await hub.close()
      await wire.close()
    }
  }, 120_000)
})

withEngine('POSTGRES_URL', 'a PostgreSQL whose connections stay open and say nothing', url => {
  test('what is to be declared ends with the request\'s deadline, rows are served, and declaring goes on as soon as it speaks', async () => {
    const wire = await Wire.open(url)
    const through = new URL(url)
    through.port = new URL(wire.url).port
    const hub = await start({ POSTGRES_URL: through.href })
    const declare = (name: string) => `mutation { createCacheRegion(input: { name: "${name}" }) { changed } }`
    const drop = (name: string) => `mutation { deleteCacheRegion(name: "${name}") }`
    const names = [0, 1, 2].map(number => `t${randomBytes(4).toString('hex')}_${number}`)
    const [first = '', second = '', third = ''] = names
    try {
      expect((await hub.query(declare(first))).errors).toBeUndefined()
      wire.stall()
      await refusedInTime(hub, declare(second))
      await elsewhere(hub)
      expect((await hub.query('mutation { cachePut(region: "notes", key: "1", value: { id: "1" }) { key } }')).errors).toBeUndefined()
      wire.mend()
      await works(hub, declare(third))
    } finally {
      wire.mend()
      for (const name of names) await hub.query(drop(name))
      await hub.close()
      await wire.close()
    }
  }, 120_000)
})

withEngine('KAFKA_BROKER', 'a Kafka broker that stands still with its connections open', () => {
  let engines: OwnEngines
  let broker: OwnEngine
  beforeAll(async () => {
    engines = await ownEngines(17_000)
    broker = await engines.up('kafka')
  }, 300_000)
  afterAll(async () => {
    process.kill(broker.pid, 'SIGCONT')
    await engines.close()
  }, 120_000)

  test('E-34 what asks it ends with the request\'s deadline, the rest is served, and goes on when it does', async () => {
    const hub = await start({ KAFKA_BROKER: broker.reach['KAFKA_BROKER'] ?? '' })
    const create = (name: string) => `mutation { createTopic(input: { name: "${name}" }) { name } }`
    const read = '{ topicMessages(topic: "orders", first: 1) { nodes { offset } } }'
    try {
      expect((await hub.query(create('orders'))).errors).toBeUndefined()
      expect((await hub.query(read)).errors).toBeUndefined()
      process.kill(broker.pid, 'SIGSTOP')
      await refusedInTime(hub, read, '{ topics { nodes { name } } }', create('others'))
      await elsewhere(hub)
      process.kill(broker.pid, 'SIGCONT')
      await works(hub, read)
      await works(hub, create('more'))
    } finally {
      process.kill(broker.pid, 'SIGCONT')
      await hub.close()
    }
  }, 180_000)
})
