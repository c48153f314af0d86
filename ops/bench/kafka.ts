import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { openEventLog } from '../../connectors/events/index.ts'
import { openKafkaEvents } from '../../connectors/kafka/index.ts'
import type { EventLog, NewEvent } from '../../connectors/ports/event-log.ts'
import { systemClock, type Log, type Scope } from '../../connectors/ports/scope.ts'

/** `KAFKA_BROKER=host:port node ops/bench/kafka.ts`: the event log on Kafka, kafkajs' own producer and consumer, and the embedded log, one after the other in one process. */
const brokers = (process.env['KAFKA_BROKER'] ?? '').split(',').filter(Boolean)
if (brokers.length === 0) throw new Error('Set KAFKA_BROKER to host:port of a broker.')

const events = 50_000
const perCall = 500
const singles = 1_000
const value = Buffer.alloc(200, 'x')
const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }
const scope = (): Scope => ({ requestId: 'bench', tenant: 'bench', caller: { subject: 'bench', scopes: new Set() }, signal: new AbortController().signal, deadlineMs: Number.POSITIVE_INFINITY, clock: systemClock, log: silent, later: work => void work() })
const calls: readonly (readonly NewEvent[])[] = Array.from({ length: events / perCall }, (_, call) => Array.from({ length: perCall }, (_, nth) => ({ key: `${call}-${nth}`, value })))

interface Figures {
  readonly what: string
  readonly perSecond: number
  readonly cpuMicros: number
}

const figures: Figures[] = []
const latencies: { readonly what: string; readonly p50: number; readonly p99: number }[] = []

/** CPU of this process, brokers not counted. */
async function measure(what: string, count: number, work: () => Promise<unknown>): Promise<void> {
  const [cpu, began] = [process.cpuUsage(), performance.now()]
  await work()
  const { user, system } = process.cpuUsage(cpu)
  figures.push({ what, perSecond: Math.round(count / ((performance.now() - began) / 1_000)), cpuMicros: Number(((user + system) / count).toFixed(2)) })
}

async function each(what: string, count: number, work: () => Promise<unknown>): Promise<void> {
  const taken: number[] = []
  for (let nth = 0; nth < count; nth++) {
    const began = performance.now()
    await work()
    taken.push(performance.now() - began)
  }
  taken.sort((a, b) => a - b)
  const at = (share: number) => Number((taken[Math.floor(taken.length * share)] ?? 0).toFixed(2))
  latencies.push({ what, p50: at(0.5), p99: at(0.99) })
}

async function log(name: string, open: EventLog, topic: string): Promise<void> {
  await open.deleteTopic(scope(), topic)
  await open.createTopic(scope(), { name: topic, partitions: 1 })
  await open.append(scope(), topic, [{ value }])
  await measure(`${name}: append, ${perCall} a call`, events, async () => {
    for (const call of calls) await open.append(scope(), topic, call)
  })
  await measure(`${name}: append, 1 a call, 64 at a time`, 20_000, async () => {
    let left = 20_000
    await Promise.all(Array.from({ length: 64 }, async () => {
      while (left-- > 0) await open.append(scope(), topic, [{ value }])
    }))
  })
  await measure(`${name}: read, 1,000 a call`, events, async () => {
    for (let next = 0; next < events;) next = ((await open.read(scope(), topic, 0, next, 1_000)).at(-1)?.offset ?? events) + 1
  })
  await each(`${name}: one append`, singles, () => open.append(scope(), topic, [{ value }]))
  let next = (await open.topic(scope(), topic))?.places[0]?.end ?? 0
  await each(`${name}: append until a waiter has read it`, singles, async () => {
    const told = open.wait(scope(), topic, 0, next).then(() => open.read(scope(), topic, 0, next, 10))
    await open.append(scope(), topic, [{ value }])
    next += (await told).length
  })
  await open.deleteTopic(scope(), topic)
}

const directory = await mkdtemp(join(tmpdir(), 'bench-events-'))
const embedded = await openEventLog({ directory, clock: systemClock, log: silent })
const onKafka = openKafkaEvents({ brokers, clock: systemClock, log: silent })
try {
  for (let round = 0; round < 2; round++) {
    figures.length = 0
    latencies.length = 0
    await log('embedded', embedded, 'bench')
    await log('kafka', onKafka, 'bench')
    await kafkajs()
  }
} finally {
  await Promise.all([embedded.close(), onKafka.close()])
  await rm(directory, { recursive: true })
}
console.table(figures)
console.table(latencies)

/** The client as its own documentation uses it. */
async function kafkajs(): Promise<void> {
  const topic = 'bench.kafkajs'
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING })
  const [admin, producer] = [kafka.admin(), kafka.producer({ idempotent: true, maxInFlightRequests: 1 })]
  await Promise.all([admin.connect(), producer.connect()])
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true })
  const consumer = kafka.consumer({ groupId: `bench-${process.pid}-${Date.now()}`, maxWaitTimeInMs: 50 })
  try {
    await measure(`kafkajs producer: send, ${perCall} a call`, events, async () => {
      for (const call of calls) await producer.send({ topic, acks: -1, messages: call.map(({ key, value: bytes }) => ({ key, value: Buffer.from(bytes) })) })
    })
    await each('kafkajs producer: one send', singles, () => producer.send({ topic, acks: -1, messages: [{ value }] }))
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await measure('kafkajs consumer: eachBatch, from joining on', events, () => new Promise<void>(resolve => {
      let seen = 0
      void consumer.run({
        async eachBatch({ batch }) {
          seen += batch.messages.length
          if (seen >= events) resolve()
        },
      })
    }))
  } finally {
    await consumer.disconnect()
    await admin.deleteTopics({ topics: [topic] })
    await Promise.all([admin.disconnect(), producer.disconnect()])
  }
}
