import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { Kafka, logLevel } from 'kafkajs'
import type { EventLog, StoredEvent } from '../../connectors/ports/event-log.ts'
import { systemClock } from '../../connectors/ports/scope.ts'
import { storedName } from '../../connectors/topics/names.ts'
import { HubError } from '../../schema/errors.ts'
import { catalogFolder } from '../support/catalog-folder.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { startHub } from '../support/hub.ts'
import { openEvents } from '../support/kafka.ts'
import { RunWorld } from '../support/pipeline-runs.ts'
import { testScope } from '../support/scope.ts'
import { untilKilled } from '../support/until-killed.ts'

jest.setTimeout(300_000)

withEngine('KAFKA_BROKER', 'topics that runs write', brokers => {
  const prefix = `t${process.pid}-${Date.now().toString(36)}`
  const scope = () => ({ ...testScope(), clock: systemClock, deadlineMs: Date.now() + 60_000 })
  let log: EventLog
  beforeAll(() => { log = openEvents(brokers) })
  afterAll(async () => {
    for (const { name } of await log.topics(scope())) if (name.startsWith(prefix)) await log.deleteTopic(scope(), name)
    await log.close()
  })

  const make = async (name: string, partitions = 3) => {
    await log.createTopic(scope(), { name: `${prefix}.${name}`, partitions })
    return `${prefix}.${name}`
  }
  const stored = async (topic: string): Promise<readonly StoredEvent[]> => {
    const found: StoredEvent[] = []
    for (const [partition, { start, end }] of ((await log.topic(scope(), topic))?.places ?? []).entries()) {
      for (let next = start; next < end;) {
        const batch = await log.read(scope(), topic, partition, next, 1_000)
        found.push(...batch)
        next = (batch.at(-1)?.offset ?? end) + 1
      }
    }
    return found
  }
  const csvOf = (count: number) => `id,n\n${Array.from({ length: count }, (_, n) => `k${n % 7},${n}`).join('\n')}\n`
  /** Numbers of the rows by their keys, in the order of messages. */
  const numbersOf = async (topic: string) => Object.fromEntries([...Map.groupBy(await stored(topic), ({ key }) => key)].map(([key, events]) => [String(key), events.map(({ value }) => (JSON.parse(Buffer.from(value).toString()) as { n: number }).n)]))
  const expected = (count: number) => Object.fromEntries(Array.from({ length: 7 }, (_, key) => [`k${key}`, Array.from({ length: count }, (_, n) => n).filter(n => n % 7 === key)]))

  test('D-71 an attempt after one whose append was lost appends what is missing alone; a third appends nothing', async () => {
    const topic = await make('lost')
    let appends = 0
    const events = new Proxy(log, { get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target)
      if (name !== 'append') return typeof member === 'function' ? member.bind(target) : member
      return async (...given: Parameters<EventLog['append']>) => {
        const places = await log.append(...given)
        appends += 1
        if (appends === 2) throw new HubError('UPSTREAM_UNAVAILABLE', 'Kafka gave no answer.')
        return places
      }
    } })
    const world = await RunWorld.open(undefined, { topics: { events } })
    try {
      await world.file('in.csv', csvOf(3_500))
      const run = () => world.run({ sources: '<csv id="c" path="in.csv" inferSchema="true"/>', targets: `<kafka topic="${topic}" keys="id"/>` }, { runId: 'lost' })
      expect(await run()).toMatchObject({ state: 'FAILED', error: { message: `1000 of 3500 messages are in topic "${topic}"; of 1000 more that is not known: Kafka gave no answer. A further attempt of the run appends those that are missing; a new run appends all.` } })
      expect(await run()).toMatchObject({ state: 'SUCCEEDED', rowsWritten: 3_500 })
      expect(await run()).toMatchObject({ state: 'SUCCEEDED', rowsWritten: 0, steps: [{}, { state: 'SKIPPED' }] })
      expect([appends, await numbersOf(topic)]).toEqual([4, expected(3_500)])
    } finally {
      await world.close()
    }
  })

  test('D-71 partitions that the topic got between two attempts are looked through as well', async () => {
    const topic = await make('grown', 1)
    const admin = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    const grow = (count: number) => admin.createPartitions({ topicPartitions: [{ topic: storedName('test', topic), count }] })
    let appends = 0
    const through = (inner: EventLog): EventLog => new Proxy(inner, { get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target)
      if (name !== 'append') return typeof member === 'function' ? member.bind(target) : member
      return async (...given: Parameters<EventLog['append']>) => {
        appends += 1
        // Another connection has seen the new partitions.
        if (appends === 2) {
          await grow(4)
          const fresh = openEvents(brokers)
          await fresh.append(...given)
          await fresh.close()
          throw new HubError('UPSTREAM_UNAVAILABLE', 'Kafka gave no answer.')
        }
        return inner.append(...given)
      }
    } })
    const world = await RunWorld.open(undefined, { topics: { events: through(log) } })
    try {
      await world.file('in.csv', csvOf(2_500))
      const run = () => world.run({ sources: '<csv id="c" path="in.csv" inferSchema="true"/>', targets: `<kafka topic="${topic}" keys="id"/>` }, { runId: 'grown' })
      expect(await run()).toMatchObject({ state: 'FAILED' })
      expect(new Set((await stored(topic)).map(({ partition }) => partition)).size).toBeGreaterThan(1)
      expect(await run()).toMatchObject({ state: 'SUCCEEDED', rowsWritten: 2_500 })
      expect((await stored(topic)).map(({ value }) => (JSON.parse(Buffer.from(value).toString()) as { n: number }).n).sort((a, b) => a - b)).toEqual(Array.from({ length: 2_500 }, (_, n) => n))
    } finally {
      await admin.disconnect()
      await world.close()
    }
  })

  test('D-71 a run that is killed at any boundary of its appends leaves a part, and the same run again completes it without doubling', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'topic-target-'))
    await writeFile(join(folder, 'in.csv'), csvOf(2_500))
    const run = (topic: string, boundary?: number) => {
      const xml = `<pipeline id="p" version="1.0" layer="service"><metadata><owner>o</owner></metadata><sources><csv id="c" path="in.csv" inferSchema="true"/></sources><targets><kafka topic="${topic}" keys="id"/></targets></pipeline>`
      return untilKilled(folder, xml, boundary, { TOPICS_IN: brokers })
    }
    try {
      const whole = await make('whole')
      const { passed } = (await run(whole)) ?? { passed: 0 }
      expect(await numbersOf(whole)).toEqual(expected(2_500))
      let partly = 0
      // Notes of three partitions, three appends and the note of the end have two boundaries each.
      for (let boundary = passed - 15; boundary <= passed; boundary++) {
        const topic = await make(`killed-${boundary}`)
        expect([boundary, await run(topic, boundary)]).toEqual([boundary, undefined])
        const there = (await stored(topic)).length
        if (there > 0 && there < 2_500) partly += 1
        expect([boundary, (await run(topic))?.state, await numbersOf(topic)]).toEqual([boundary, 'SUCCEEDED', expected(2_500)])
      }
      expect(partly).toBeGreaterThan(2)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('D-71 D-108 in a hub they are those of its brokers, and lineage calls them as every program does', async () => {
    const topic = `${prefix}.hub`
    const folder = catalogFolder({
      'hub.yaml': 'regions:\n  prices: { type: Price, key: id, fields: { id: ID! } }\n',
      'config/applications/shop/service/pipelines/items.xml': `<pipeline id="items" version="1.0" layer="service"><metadata><owner>o</owner></metadata><sources><csv id="items" path="items.csv" inferSchema="true"/></sources><targets><kafka topic="${topic}" keys="id"/></targets></pipeline>`,
      'data/applications/shop/items.csv': 'id,total\na,1\n',
    })
    await log.createTopic({ ...scope(), tenant: 'public' }, { name: topic, partitions: 1 })
    const told = join(folder.folder, 'lineage.ndjson')
    const hub = await startHub({ catalog: folder.catalog, flags: [`--pipelines-folder=${folder.folder}/config`, `--pipelines-open-lineage-file=${told}`, `--engines-kafka-brokers=${brokers}`] })
    try {
      const begun = await hub.query<{ runPipeline: { runId: string } }>('mutation { runPipeline(app: "shop", id: "items") { runId } }')
      const look = async () => (await hub.query<{ run: { state: string; error: unknown } }>('query ($runId: ID!) { run(runId: $runId) { state error { message } } }', { runId: begun.data?.runPipeline.runId })).data?.run
      await eventually('the run ends', async () => !['QUEUED', 'RUNNING', undefined].includes((await look())?.state))
      expect(await look()).toEqual({ state: 'SUCCEEDED', error: null })
      const [message] = await log.read({ ...scope(), tenant: 'public' }, topic, 0, 0, 10)
      expect(message).toMatchObject({ key: 'a', headers: { 'tributary-pipeline': 'shop/items', 'tributary-run': begun.data?.runPipeline.runId } })
      expect(Buffer.from(message?.value ?? []).toString()).toBe('{"id":"a","total":1}')
      const ended = () => readFileSync(told, 'utf8').trimEnd().split('\n').map(line => JSON.parse(line) as { eventType: string }).find(({ eventType }) => eventType === 'COMPLETE')
      await eventually('the end is told', async () => ended() !== undefined)
      expect(ended()).toMatchObject({ outputs: [{ namespace: `kafka://${brokers.split(',')[0]}`, name: topic }] })
      const { data } = await hub.query<{ lineage: { edges: unknown[] } }>(`{ lineage(of: "kafka://${brokers.split(',')[0]}/${topic}.total", depth: 1) { edges { from to kind } } }`)
      expect(data?.lineage.edges).toContainEqual({ from: 'file:shop/items.csv.total', to: `kafka://${brokers.split(',')[0]}/${topic}.total`, kind: 'RUN' })
    } finally {
      await hub.close()
      folder.remove()
      await log.deleteTopic({ ...scope(), tenant: 'public' }, topic)
    }
  })
})
