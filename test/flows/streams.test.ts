import { readConfig } from '../../gateway/config.ts'
import { catalogFolder } from '../support/catalog-folder.ts'
import { startHub, type RunningHub } from '../support/hub.ts'
import { topicAdministration } from './streams.ts'

const files = { 'hub.yaml': 'regions:\n  notes: { type: Note, key: code, fields: { code: ID!, text: String } }\n' }

describe('topics on the embedded log', () => {
  const folder = catalogFolder(files)
  let hub: RunningHub
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog })
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  topicAdministration(() => hub, name => name)

  test('topics are there after a restart', async () => {
    hub = await hub.restart()
    expect(await hub.query('{ topics { nodes { name } } }')).toEqual({ data: { topics: { nodes: [{ name: 'my-topic' }, { name: 'placeholder' }] } } })
  })

  test('the subgraph is served alone', async () => {
    const alone = await startHub({ catalog: folder.catalog, subgraph: 'streams' })
    try {
      expect(await alone.query('{ topics { totalCount } _service { sdl } }')).toMatchObject({ data: { topics: { totalCount: 0 }, _service: { sdl: expect.stringContaining('topicMessages') } } })
    } finally {
      await alone.close()
    }
  })
})

describe('a broker that is not there', () => {
  const folder = catalogFolder(files)
  afterAll(() => folder.remove())

  test('E-62 /readyz is 503 with the reason, the rest serves, and asking for topics is refused in time', async () => {
    // Nothing listens on port 1.
    const hub = await startHub({ catalog: folder.catalog, flags: ['--engines-kafka-brokers=127.0.0.1:1', '--request-timeout-ms=3000', '--health-timeout-ms=10000'], log: { debug() {}, info() {}, warn() {}, error() {} } })
    try {
      const ready = await fetch(`${hub.url}/readyz?verbose`)
      expect(ready.status).toBe(503)
      const { components } = (await ready.json()) as { components: { name: string; state: string; message?: string }[] }
      expect(components.find(one => one.name === 'event-log')).toMatchObject({ state: 'down', message: expect.stringMatching(/^Kafka gave no answer/) })
      expect(components.filter(one => one.state !== 'up').map(one => one.name)).toEqual(['event-log'])
      expect(await hub.query('mutation { putNote(input: { code: "1", text: "served" }) { text } }')).toEqual({ data: { putNote: { text: 'served' } } })
      const begun = performance.now()
      const { errors } = await hub.query('{ topics { totalCount } }')
      expect(['UPSTREAM_UNAVAILABLE', 'TIMEOUT']).toContain(errors?.[0]?.extensions?.['code'])
      expect(performance.now() - begun).toBeLessThan(6_000)
    } finally {
      await hub.close()
    }
  }, 120_000)

  test('E-62 KAFKA_BROKER takes a list; a malformed one is refused by its name', () => {
    expect(readConfig([], { KAFKA_BROKER: 'kafka:9092' }).engines.kafkaBrokers).toEqual(['kafka:9092'])
    expect(readConfig([], { KAFKA_BROKER: 'a:1, b.example:9093' }).engines.kafkaBrokers).toEqual(['a:1', 'b.example:9093'])
    expect(readConfig([], {}).engines.kafkaBrokers).toBeUndefined()
    for (const text of ['kafka', 'kafka:', 'kafka:99999', 'http://kafka:9092', ',', 'a:1,b']) {
      expect(() => readConfig([], { KAFKA_BROKER: text })).toThrow(expect.objectContaining({ code: 'VALIDATION_ERROR', message: expect.stringContaining('KAFKA_BROKER') }))
    }
    expect(() => readConfig([], { SCHEMA_REGISTRY_URL: 'registry' })).toThrow('SCHEMA_REGISTRY_URL')
  })
})
