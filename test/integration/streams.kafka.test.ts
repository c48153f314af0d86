import { randomBytes } from 'node:crypto'
import { CompressionTypes, Kafka, logLevel, type Producer } from 'kafkajs'
import { catalogFolder } from '../support/catalog-folder.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { startHub, type RunningHub } from '../support/hub.ts'
import { topicAdministration } from '../flows/streams.ts'

interface Message {
  readonly partition: number
  readonly offset: number
  readonly key: string | null
  readonly headers: Record<string, string>
  readonly value: unknown
  readonly cursor: string
}

const fields = 'partition offset key headers value cursor'

withEngine('KAFKA_BROKER', 'topics on Kafka', place => {
  const run = `hub-${randomBytes(5).toString('hex')}`
  const ownName = (name: string) => `${run}.${name}`
  const folder = catalogFolder({ 'hub.yaml': 'regions:\n  notes: { type: Note, key: code, fields: { code: ID!, text: String } }\n' })
  const flags = [`--engines-kafka-brokers=${place}`]
  const kafka = new Kafka({ brokers: place.split(','), logLevel: logLevel.NOTHING })
  let hub: RunningHub
  let producer: Producer
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog, flags })
    producer = kafka.producer({ idempotent: true, transactionalId: run, maxInFlightRequests: 1 })
    await producer.connect()
  }, 120_000)
  afterAll(async () => {
    const { data } = await hub.query<{ topics: { nodes: { name: string }[] } }>('{ topics(first: 1000) { nodes { name } } }')
    for (const { name } of data?.topics.nodes ?? []) if (name.startsWith(run)) await hub.query('mutation ($name: String!) { deleteTopic(name: $name) }', { name })
    await producer.disconnect()
    await hub.close()
    folder.remove()
  }, 120_000)

  topicAdministration(() => hub, ownName)

  const make = async (name: string, numPartitions: number) => {
    const { errors } = await hub.query('mutation ($input: CreateTopicInput!) { createTopic(input: $input) { name } }', { input: { name: ownName(name), numPartitions } })
    expect(errors).toBeUndefined()
    return ownName(name)
  }
  const messages = async (topic: string): Promise<Message[]> => {
    const { data, errors } = await hub.query<{ topicMessages: { nodes: Message[] } }>(`query ($topic: String!) { topicMessages(topic: $topic, first: 1000) { nodes { ${fields} } } }`, { topic })
    expect(errors).toBeUndefined()
    return data?.topicMessages.nodes ?? []
  }
  /** The messages of a subscription, as many as asked for. */
  const take = async (stream: ReturnType<typeof follow>, count: number) => {
    const taken: Message[] = []
    while (taken.length < count) {
      const { value } = await stream.next()
      expect(value?.errors).toBeUndefined()
      taken.push(value?.data?.topicMessages as Message)
    }
    return taken
  }
  const follow = (topic: string, variables: Record<string, unknown> = {}) =>
    hub.subscribe<{ topicMessages: Message }>(`subscription ($topic: String!, $from: TopicStart, $after: String) { topicMessages(topic: $topic, from: $from, after: $after) { ${fields} } }`, { topic, ...variables })

  test('E-34 what Kafka keeps for itself is listed only when asked for', async () => {
    await (await producer.transaction()).abort()
    const list = async (includeInternal: boolean) => {
      const { data } = await hub.query<{ topics: { nodes: { name: string; internal: boolean }[] } }>('query ($all: Boolean!) { topics(first: 1000, includeInternal: $all) { nodes { name internal } } }', { all: includeInternal })
      return (data?.topics.nodes ?? []).filter(({ internal }) => internal).map(({ name }) => name)
    }
    expect(await list(false)).toEqual([])
    expect(await list(true)).toContain('__transaction_state')
  })

  test('E-43 what other programs wrote is read: keys, headers, gzip, zstd, tombstones, and of transactions only what was committed', async () => {
    const topic = await make('foreign', 1)
    await producer.send({ topic, compression: CompressionTypes.GZIP, messages: [{ key: 'a', value: '{"n":1}', headers: { source: 'other' } }] })
    await producer.send({ topic, compression: CompressionTypes.ZSTD, messages: [{ key: 'a', value: null }] })
    const aborted = await producer.transaction()
    await aborted.send({ topic, messages: [{ value: '"aborted"' }] })
    await aborted.abort()
    const committed = await producer.transaction()
    await committed.send({ topic, messages: [{ value: '"committed"' }] })
    await committed.commit()
    await eventually('the markers of the transaction are written', async () => (await messages(topic)).length >= 3)
    const found = await messages(topic)
    expect(found.map(({ key, headers, value }) => [key, headers, value])).toEqual([['a', { source: 'other' }, { n: 1 }], ['a', {}, null], [null, {}, 'committed']])
    // The transaction's markers stand in the log, too.
    expect(found.map(({ offset }) => offset)).toEqual([0, 1, 4])
  })

  test('E-43 a subscription goes on over markers at the end of the log, and tells every message once', async () => {
    const topic = await make('live', 3)
    const stream = follow(topic, { from: 'EARLIEST' })
    const told = take(stream, 40)
    for (let round = 0; round < 4; round++) {
      const transaction = await producer.transaction()
      await transaction.send({ topic, messages: Array.from({ length: 10 }, (_, nth) => ({ key: String(nth), value: String(round * 10 + nth) })) })
      await transaction.commit()
    }
    const values = (await told).map(({ value }) => value as number)
    expect(values.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, n) => n))
    await stream.return()
  })

  test('E-43 another node of the hub goes on behind a cursor', async () => {
    const topic = await make('resumed', 2)
    await producer.send({ topic, messages: Array.from({ length: 20 }, (_, n) => ({ key: String(n), value: String(n) })) })
    const stream = follow(topic, { from: 'EARLIEST' })
    const first = await take(stream, 7)
    await stream.return()
    hub = await hub.restart()
    await producer.send({ topic, messages: [{ key: 'last', value: '20' }] })
    const rest = follow(topic, { from: 'CURSOR', after: first.at(-1)?.cursor })
    const values = [...first, ...(await take(rest, 14))].map(({ value }) => value as number)
    expect(values.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 21 }, (_, n) => n))
    await rest.return()
  })
})
