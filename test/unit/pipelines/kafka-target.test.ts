import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEventLog } from '../../../connectors/events/index.ts'
import type { EventLog, StoredEvent } from '../../../connectors/ports/event-log.ts'
import { HubError } from '../../../schema/errors.ts'
import { RunWorld } from '../../support/pipeline-runs.ts'
import { MovedClock, testScope } from '../../support/scope.ts'

const clock = new MovedClock(Date.UTC(2026, 0, 31))
const scope = (tenant?: string) => testScope({ clock, ...(tenant !== undefined && { tenant }) })

let folder: string
let log: EventLog
/** What stands between runs and the log. */
let append: EventLog['append']
let world: RunWorld
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kafka-target-'))
  log = await openEventLog({ directory: folder, clock, log: scope().log, segmentBytes: 4_096 })
  append = (...given) => log.append(...given)
  const events = new Proxy(log, { get: (target, name) => {
    if (name === 'append') return (...given: Parameters<EventLog['append']>) => append(...given)
    const member: unknown = Reflect.get(target, name, target)
    return typeof member === 'function' ? member.bind(target) : member
  } })
  world = await RunWorld.open(undefined, { topics: { events } })
  await log.createTopic(scope(), { name: 'orders', partitions: 3 })
})
afterEach(async () => {
  await world.close()
  await log.close()
  await rm(folder, { recursive: true })
})

const stored = async (topic = 'orders', tenant?: string): Promise<readonly StoredEvent[]> => {
  const detail = await log.topic(scope(tenant), topic)
  const found: StoredEvent[] = []
  for (const [partition, { start, end }] of (detail?.places ?? []).entries()) {
    for (let next = start; next < end;) {
      const batch = await log.read(scope(tenant), topic, partition, next, 1_000)
      found.push(...batch)
      next = (batch.at(-1)?.offset ?? end) + 1
    }
  }
  return found
}
const textOf = ({ value }: StoredEvent) => Buffer.from(value).toString()
const values = async (topic?: string) => (await stored(topic)).map(textOf)
interface Order { readonly beforeCommit?: () => Promise<void>; readonly runId?: string; readonly writeId?: string; readonly tenant?: string; readonly transformations?: string }
const write = async (csv: string, target = '<kafka topic="orders" keys="id"/>', { tenant, transformations, ...order }: Order = {}) => {
  await world.file('in/orders.csv', csv)
  return world.run({ sources: '<csv id="orders" path="in/orders.csv" inferSchema="true"/>', ...(transformations !== undefined && { transformations }), targets: target }, { scope: scope(tenant), ...order })
}
const numbered = (count: number) => `id,n\n${Array.from({ length: count }, (_, n) => `k${n % 7},${n}`).join('\n')}\n`
const lost = () => new HubError('UPSTREAM_UNAVAILABLE', 'The log gave no answer.')

test('D-71 a row is a message: JSON as the graph has it, the key of its columns', async () => {
  await log.createTopic(scope(), { name: 'one', partitions: 1 })
  expect(await write('id,n,total,day,none\na,9007199254740993,1.50,2026-01-31,\nb,2,10.25,2026-02-01,\n', '<kafka topic="one" keys="id"/>')).toMatchObject({ state: 'SUCCEEDED', rowsWritten: 2, steps: [{}, { type: 'kafka', into: 'topic one', rows: 2, state: 'SUCCEEDED' }] })
  expect((await stored('one')).map(event => [event.key, JSON.parse(textOf(event))])).toEqual([
    ['a', { id: 'a', n: '9007199254740993', total: 1.5, day: '2026-01-31', none: null }], ['b', { id: 'b', n: 2, total: 10.25, day: '2026-02-01', none: null }],
  ])
  await write('id,n\na,1\n', '<kafka topic="one" keys="id,n"/>')
  await write('id,n\na,1\n', '<kafka topic="one"/>')
  expect((await stored('one')).slice(2).map(({ key }) => key)).toEqual(['["a","1"]', undefined])
})

test('D-108 headers say which pipeline and which run a message is from', async () => {
  await write('id\na\n', undefined, { runId: 'r-1', writeId: 'w-1' })
  expect((await stored())[0]?.headers).toEqual({ 'tributary-pipeline': 'shop/p', 'tributary-run': 'r-1', 'tributary-write': 'w-1/target-1-kafka' })
})

test('D-71 messages of one key are in the order of the rows, and those of a sorted dataset in its order', async () => {
  await write(numbered(5_000), undefined, { transformations: '<sort source="orders" orderBy="n" direction="desc"/>' })
  const numbers = Map.groupBy((await stored()).map(event => ({ key: event.key, n: JSON.parse(textOf(event)).n as number })), ({ key }) => key)
  expect([...numbers.keys()].sort()).toEqual(['k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'k6'])
  for (const [, found] of numbers) expect(found.map(({ n }) => n)).toEqual(found.map(({ n }) => n).sort((a, b) => b - a))
  expect((await stored()).length).toBe(5_000)
})

test('D-71 masked columns arrive masked, also in keys', async () => {
  await write('id,mail\na,ann@example.org\n', '<kafka topic="orders" keys="mail"/>', { transformations: '<mask source="orders" columns="mail" strategy="hash" secretRef="mask"/>' })
  const [event] = await stored()
  expect([JSON.stringify(event?.key), event && textOf(event)].filter(text => text?.includes('ann@'))).toEqual([])
  expect(event?.key).toBe(JSON.parse(event ? textOf(event) : '{}').mail)
})

test('D-71 an attempt that follows one whose append was lost appends what is missing alone, each in its place', async () => {
  for (const [runId, isAppended] of [['appended', true], ['not', false]] as const) {
    await log.createTopic(scope(), { name: runId, partitions: 3 })
    await log.append(scope(), runId, [{ key: 'k1', value: Buffer.from('of another program') }])
    let appends = 0
    append = async (own, topic, events) => {
      appends += 1
      if (appends !== 3) return log.append(own, topic, events)
      if (isAppended) await log.append(own, topic, events)
      throw lost()
    }
    const run = () => write(numbered(4_500), `<kafka topic="${runId}" keys="id"/>`, { runId })
    expect(await run()).toMatchObject({ state: 'FAILED', error: { category: 'TARGET', message: `2000 of 4500 messages are in topic "${runId}"; of 1000 more that is not known: The log gave no answer. A further attempt of the run appends those that are missing; a new run appends all.` } })
    expect(await run()).toMatchObject({ state: 'SUCCEEDED', rowsWritten: 4_500 })
    expect(appends).toBe(isAppended ? 5 : 6)
    const [, ...own] = (await stored(runId)).filter(({ key }) => key === 'k1').map(event => (event.headers ? JSON.parse(textOf(event)).n as number : textOf(event)))
    expect(own).toEqual(Array.from({ length: 643 }, (_, nth) => 1 + 7 * nth))
    expect((await stored(runId)).length).toBe(4_501)
  }
})

test('D-71 an attempt of which some partitions took a part is completed, equal rows as often as they are there', async () => {
  const csv = `id,n\n${Array.from({ length: 300 }, (_, n) => `k${n % 5},${n % 10}`).join('\n')}\n`
  append = async (own, topic, events) => {
    const places = await log.append(own, topic, events.filter(({ key }) => key === 'k0' || key === 'k3'))
    if (places.length > 0) throw lost()
    return places
  }
  expect(await write(csv, undefined, { runId: 'partly' })).toMatchObject({ state: 'FAILED', error: { message: expect.stringContaining('0 of 300 messages are in topic "orders"; of 300 more that is not known') } })
  expect((await stored()).length).toBe(120)
  append = (...given) => log.append(...given)
  // Rows in another order are the same rows.
  const [head = '', ...lines] = csv.trimEnd().split('\n')
  expect(await write([head, ...lines.reverse(), ''].join('\n'), undefined, { runId: 'partly' })).toMatchObject({ state: 'SUCCEEDED' })
  expect((await values()).sort()).toEqual(Array.from({ length: 300 }, (_, n) => JSON.stringify({ id: `k${n % 5}`, n: n % 10 })).sort())
})

test('D-71 an append that arrives when its attempt is over counts until the next one begins to append', async () => {
  let late: Parameters<EventLog['append']> | undefined
  append = async (...given) => {
    late = given
    throw lost()
  }
  expect(await write(numbered(100), undefined, { runId: 'late' })).toMatchObject({ state: 'FAILED' })
  append = (...given) => log.append(...given)
  const beforeCommit = async () => void (late && (await log.append(...late)))
  expect(await write(numbered(100), undefined, { runId: 'late', beforeCommit })).toMatchObject({ state: 'SUCCEEDED' })
  expect((await stored()).length).toBe(100)
})

test('D-71 what all of an attempt has written is not looked through again, and a new run appends its own', async () => {
  await write(numbered(10), undefined, { runId: 'a', writeId: 'step' })
  const own = countReads()
  expect(await write(numbered(10), undefined, { runId: 'b', writeId: 'step' })).toMatchObject({ state: 'SUCCEEDED', rowsWritten: 0, steps: [{}, { state: 'SKIPPED' }] })
  own.restore()
  expect(own.reads).toBe(0)
  expect((await stored()).length).toBe(10)
  await write(numbered(10), undefined, { runId: 'c' })
  expect((await stored()).length).toBe(20)
})

/** Counts reads of the log. */
function countReads() {
  const read = log.read.bind(log)
  const counting = { reads: 0, restore: () => { log.read = read } }
  log.read = (...given) => {
    counting.reads += 1
    return read(...given)
  }
  return counting
}

test('D-71 an attempt that finds other rows, or the log without what was appended, appends nothing', async () => {
  let appends = 0
  append = async (own, topic, events) => {
    appends += 1
    if (appends === 2) throw lost()
    return log.append(own, topic, events)
  }
  expect(await write(numbered(1_500), undefined, { runId: 'a' })).toMatchObject({ state: 'FAILED' })
  expect((await write(numbered(990), undefined, { runId: 'a' })).error?.message).toBe('Of the messages that an attempt before has appended to topic "orders" 10 are not among the rows of this one: what the pipeline reads has changed since. Nothing more is appended. A new run appends all messages.')
  await log.alterTopic(scope(), 'orders', { retentionBytes: 1 })
  await log.append(scope(), 'orders', Array.from({ length: 30 }, (_, n) => ({ key: `k${n}`, value: Buffer.alloc(5_000) })))
  await log.append(scope(), 'orders', Array.from({ length: 30 }, (_, n) => ({ key: `k${n}`, value: Buffer.alloc(5_000) })))
  const before = (await stored()).length
  expect((await write(numbered(1_500), undefined, { runId: 'a' })).error?.message).toMatch(/^An attempt before has appended to topic "orders", which does not hold all since then any more: partition \d begins at \d+\. So what is missing cannot be told, and nothing is appended\. A new run appends all messages\.$/)
  expect((await stored()).length).toBe(before)
  expect(appends).toBe(2)
})

test('D-71 no rows are no messages', async () => {
  expect(await write('id,n\n')).toMatchObject({ state: 'SUCCEEDED', rowsWritten: 0 })
  expect(await stored()).toEqual([])
})

test('D-71 what cannot be is told before anything is written, in other targets neither', async () => {
  await world.file('out/before.csv', 'x\n')
  const message = async (csv: string, target: string) => (await write(csv, `<csv path="out" mode="append"/>${target}`)).error?.message
  expect(await message('id\na\n', '<kafka topic="order"/>')).toBe('There is no topic "order". Did you mean "orders"?')
  expect(await message('id\na\n', '<kafka topic="no topic"/>')).toBe('There is no topic "no topic".')
  expect(await message('id\na\n', '<kafka topic="orders" keys="idd"/>')).toBe('Rows for topic "orders" have no column "idd", of which keys of messages are to be made. Did you mean "id"?')
  expect(await message('id,n\na,1\n,2\n,3\n', '<kafka topic="orders" keys="id"/>')).toBe('Keys of messages for topic "orders" are made of id: 2 of the rows to write have no value there.')
  expect([await stored(), await world.paths('out/*')]).toEqual([[], ['out/before.csv']])
  await world.file('there/x.csv', 'x\n')
  expect(await write('id\na\n', '<kafka topic="orders"/><csv path="there" mode="error"/>')).toMatchObject({ state: 'FAILED' })
  expect(await stored()).toEqual([])
})

test('D-71 topics that are internal to the log are not written', async () => {
  const events = new Proxy(log, { get: (target, name) => (name === 'topic' ? async () => ({ name: '__consumer_offsets', internal: true, partitions: 1, places: [], brokers: [], config: [] }) : Reflect.get(target, name, target)) })
  const own = await RunWorld.open(undefined, { topics: { events } })
  try {
    await own.file('in/orders.csv', 'id\na\n')
    expect((await own.run({ sources: '<csv id="orders" path="in/orders.csv"/>', targets: '<kafka topic="__consumer_offsets"/>' })).error?.message).toBe('Topic "__consumer_offsets" is internal to the log; pipelines do not write it.')
  } finally {
    await own.close()
  }
})

test('D-71 a topic is that of the tenant whose run it is, and where there are none that is said', async () => {
  await log.createTopic(scope('other'), { name: 'orders', partitions: 1 })
  await log.createTopic(scope('other'), { name: 'theirs', partitions: 1 })
  await write('id\na\n')
  expect([(await stored()).length, (await stored('orders', 'other')).length]).toEqual([1, 0])
  expect((await write('id\na\n', '<kafka topic="theirs"/>')).error?.message).toBe('There is no topic "theirs".')
  await write('id\nb\n', undefined, { tenant: 'other' })
  expect([await values(), (await stored('orders', 'other')).map(textOf)]).toEqual([['{"id":"a"}'], ['{"id":"b"}']])
  const alone = await RunWorld.open()
  try {
    await alone.file('in/orders.csv', 'id\na\n')
    const { error } = await alone.run({ sources: '<csv id="orders" path="in/orders.csv"/>', targets: '<kafka topic="orders"/>' })
    expect(error?.message).toBe('Topic "orders" cannot be written from here: topics are the hub\'s. Put the pipeline into the hub\'s folder and run it there.')
  } finally {
    await alone.close()
  }
})

test('D-108 lineage leads column by column into the topic, which is called as who keeps it calls it', async () => {
  const outputs = async () => (await write('id,n\na,1\n')).lineage?.outputs
  const from = (column: string) => ({ output: column, inputs: [{ table: 'file shop/in/orders.csv', column, transformation: 'IDENTITY' }] })
  expect(await outputs()).toEqual([{ kind: 'TOPIC', namespace: 'topic', name: 'orders', columns: [{ name: 'id', type: 'String' }, { name: 'n', type: 'Int' }], origins: [from('id'), from('n')], influences: [], unresolved: [] }])
  const own = await RunWorld.open(undefined, { topics: { events: log, datasetOf: (tenant, topic) => ({ namespace: 'kafka://k:9092', name: `tenant.${tenant}.${topic}` }) } })
  try {
    await own.file('in/orders.csv', 'id\na\n')
    const { lineage } = await own.run({ sources: '<csv id="orders" path="in/orders.csv"/>', targets: '<kafka topic="orders"/>' }, { scope: scope(), runId: 'own' })
    expect(lineage?.outputs).toMatchObject([{ namespace: 'kafka://k:9092', name: 'tenant.test.orders' }])
  } finally {
    await own.close()
  }
})
