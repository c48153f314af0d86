import { openKafkaEvents } from '../../connectors/kafka/index.ts'
import type { EventLog } from '../../connectors/ports/event-log.ts'
import { systemClock, type Scope } from '../../connectors/ports/scope.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { ownEngines, type OwnEngine, type OwnEngines } from '../support/own-engines.ts'
import { testScope } from '../support/scope.ts'

const partitions = 3
const writers = 6

withEngine('KAFKA_BROKER', 'a Kafka broker that is killed and comes back', () => {
  let engines: OwnEngines
  let broker: OwnEngine
  let events: EventLog
  beforeAll(async () => {
    engines = await ownEngines(21_000)
    broker = await engines.up('kafka')
    events = openKafkaEvents({ brokers: [broker.reach['KAFKA_BROKER'] ?? ''], clock: systemClock, log: testScope().log })
  }, 300_000)
  afterAll(async () => {
    await events?.close()
    await engines?.close()
  }, 120_000)

  /** A scope with the machine's clock: nobody moves it. */
  const scope = (signal = new AbortController().signal): Scope => ({ ...testScope({ tenant: 'restart' }), signal, clock: systemClock, deadlineMs: Number.POSITIVE_INFINITY })

  test('nothing acknowledged is lost, and readers are told every event once, in order', async () => {
    await events.createTopic(scope(), { name: 'orders', partitions })
    const acknowledged: string[] = []
    const uncertain = new Set<string>()
    let sent = 0
    let writing = true
    const write = async () => {
      while (writing) {
        const id = String(sent++)
        try {
          const [place] = await events.append(scope(), 'orders', [{ key: id, value: Buffer.from(id) }])
          acknowledged.push(`${place?.partition}/${place?.offset}/${id}`)
        } catch {
          // Told that it may have taken place.
          uncertain.add(id)
        }
      }
    }
    const told: string[][] = Array.from({ length: partitions }, () => [])
    const leaving = new AbortController()
    const read = async (partition: number) => {
      const seen = told[partition] ?? []
      while (!leaving.signal.aborted) {
        try {
          await events.wait(scope(leaving.signal), 'orders', partition, seen.length)
          for (const { offset, value } of await events.read(scope(leaving.signal), 'orders', partition, seen.length, 100)) seen.push(`${partition}/${offset}/${Buffer.from(value)}`)
        } catch {
          // As a client would: the same place again.
        }
      }
    }
    const readers = told.map((_, partition) => read(partition))
    const writes = Array.from({ length: writers }, write)

    await eventually('there are events', async () => acknowledged.length > 200, 60_000)
    await engines.kill(broker)
    broker = await engines.up('kafka')
    const before = acknowledged.length
    await eventually('appends are acknowledged again', async () => acknowledged.length > before + 200, 120_000)
    writing = false
    await Promise.all(writes)
    const count = async () => (await events.topic(scope(), 'orders'))?.places.reduce((sum, { end }) => sum + end, 0)
    const stored = await count()
    await eventually('readers have read all', async () => told.flat().length === stored, 60_000)
    leaving.abort(new Error('the test is over'))
    await Promise.all(readers)

    const all = told.flat()
    const ids = all.map(line => line.split('/')[2] ?? '')
    expect(acknowledged.filter(line => !new Set(all).has(line))).toEqual([])
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.filter(id => !uncertain.has(id)).length).toBe(acknowledged.length)
    for (const [partition, lines] of told.entries()) expect(lines.map(line => line.split('/')[1])).toEqual(lines.map((_, offset) => String(offset)).slice(0, told[partition]?.length))
  }, 300_000)
})
