import { randomBytes } from 'node:crypto'
import { Kafka, logLevel, Partitioners, type Admin, type Producer } from 'kafkajs'
import { openKafkaEvents } from '../../connectors/kafka/index.ts'
import type { EventLog } from '../../connectors/ports/event-log.ts'
import { systemClock } from '../../connectors/ports/scope.ts'
import { withEngine } from '../support/engines.ts'
import { testScope } from '../support/scope.ts'

withEngine('KAFKA_BROKER', 'the event log among other programs of a Kafka cluster', place => {
  const run = `log-${randomBytes(5).toString('hex')}`
  const kafka = new Kafka({ brokers: place.split(','), logLevel: logLevel.NOTHING })
  // Of the open tenant, whose topics others may write.
  const scope = () => testScope({ tenant: 'public' })
  let events: EventLog
  let admin: Admin
  let producer: Producer
  beforeAll(async () => {
    events = openKafkaEvents({ brokers: place.split(','), clock: systemClock, log: testScope().log })
    admin = kafka.admin()
    producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
    await Promise.all([admin.connect(), producer.connect()])
  })
  afterAll(async () => {
    for (const { name } of await events.topics(scope())) if (name.startsWith(run)) await events.deleteTopic(scope(), name)
    await Promise.all([events.close(), admin.disconnect(), producer.disconnect()])
  })

  const make = async (name: string, partitions = 1) => {
    await events.createTopic(scope(), { name: `${run}.${name}`, partitions })
    return `${run}.${name}`
  }

  test('a topic that another program deletes is NOT_FOUND to whoever knew it', async () => {
    const name = await make('deleted')
    await events.append(scope(), name, [{ value: Buffer.from('a') }])
    const waiting = events.wait(scope(), name, 0, 1)
    const ended = expect(waiting).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await admin.deleteTopics({ topics: [name] })
    await ended
    await expect(events.append(scope(), name, [{ value: Buffer.from('b') }])).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(events.read(scope(), name, 0, 0, 1)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('partitions that another program adds are there at once', async () => {
    const name = await make('grown')
    await events.append(scope(), name, [{ value: Buffer.from('a') }])
    await admin.createPartitions({ topicPartitions: [{ topic: name, count: 3 }] })
    expect((await events.topic(scope(), name))?.places.map(({ end }) => end)).toEqual([1, 0, 0])
    expect((await events.topics(scope())).find(one => one.name === name)?.partitions).toBe(3)
    expect(await events.read(scope(), name, 2, 0, 1)).toEqual([])
    expect(await events.committed(scope(), 'group', name)).toEqual([0, 0, 0])
  })

  test('events of one key meet those another program wrote under it', async () => {
    const name = await make('keys', 7)
    for (const key of ['a', 'order-17', 'Zoë', '']) {
      const [theirs] = await producer.send({ topic: name, messages: [{ key, value: 'theirs' }] })
      const [ours] = await events.append(scope(), name, [{ key, value: Buffer.from('ours') }])
      expect([key, ours?.partition]).toEqual([key, theirs?.partition])
    }
  })

  test('a key that is no text comes as its bytes, and as base64', async () => {
    const name = await make('bytes')
    await producer.send({ topic: name, messages: [{ key: Buffer.from([0, 255]), value: 'x', headers: { twice: ['a', 'b'] } }] })
    const [event] = await events.read(scope(), name, 0, 0, 1)
    expect(event).toMatchObject({ key: 'AP8=', headers: { twice: 'b' } })
    expect([...(event?.keyBytes ?? [])]).toEqual([0, 255])
  })

  test('an event too large for the topic is refused by that, and takes none of its neighbours with it', async () => {
    const name = await make('large')
    const big = events.append(scope(), name, [{ value: Buffer.alloc(2_000_000) }])
    const small = Promise.all(Array.from({ length: 5 }, (_, nth) => events.append(scope(), name, [{ value: Buffer.from(String(nth)) }])))
    await expect(big).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
    expect((await small).map(([at]) => at?.offset)).toEqual([0, 1, 2, 3, 4])
  })

  test('a reader passes over what compaction and transactions left out', async () => {
    const name = await make('gaps')
    const transactional = kafka.producer({ transactionalId: `${run}-gaps`, maxInFlightRequests: 1, idempotent: true })
    await transactional.connect()
    for (let round = 0; round < 3; round++) {
      const transaction = await transactional.transaction()
      await transaction.send({ topic: name, messages: [{ value: String(round) }] })
      await (round === 1 ? transaction.abort() : transaction.commit())
    }
    await transactional.disconnect()
    // Its last marker stands at offset 5: there is nothing behind it to wait for.
    await events.append(scope(), name, [{ value: Buffer.from('after') }])
    const read = await events.read(scope(), name, 0, 0, 10)
    expect(read.map(({ offset, value }) => [offset, Buffer.from(value).toString()])).toEqual([[0, '0'], [4, '2'], [6, 'after']])
    expect((await events.read(scope(), name, 0, 1, 1)).map(({ offset }) => offset)).toEqual([4])
    await events.wait(scope(), name, 0, 1)
  })
})
