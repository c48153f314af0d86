import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import avro from 'avsc'
import { createSourceEventStream, execute, parse, subscribe, type ExecutionResult } from 'graphql'
import { openEventLog } from '../../../connectors/events/index.ts'
import type { EventLog } from '../../../connectors/ports/event-log.ts'
import { openSchemaRegistry } from '../../../connectors/schema-registry/index.ts'
import { sealer } from '../../../resolvers/cursor.ts'
import { executable } from '../../../resolvers/executable.ts'
import { streamsSubgraph } from '../../../subgraphs/streams/index.ts'
import { MovedClock, testScope, type TestScope } from '../../support/scope.ts'

const clock = new MovedClock()
const cursors = sealer([{ kid: '1', secret: 'a secret long enough' }])
const everything = { scopes: new Set(['*']) }
let directory: string
let events: EventLog
let registry: Server
let asked: string[] = []

const personSchema = JSON.stringify({
  type: 'record', name: 'Person', fields: [{ name: 'id', type: 'long' }, { name: 'name', type: ['null', 'string'] }, { name: 'photo', type: 'bytes' }, { name: 'tags', type: { type: 'map', values: 'int' } }],
})

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'streams-'))
  events = await openEventLog({ directory, clock, log: testScope().log })
  registry = createServer((request, response) => {
    asked.push(request.url ?? '')
    const known = { '/schemas/ids/7': { schema: personSchema }, '/schemas/ids/8': { schema: '{"type":"object"}', schemaType: 'JSON' } }[request.url ?? '']
    response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(known ?? { error_code: 40403, message: 'Schema not found' }))
  })
  await new Promise<void>(resolve => registry.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  await events.close()
  await new Promise(resolve => registry.close(resolve))
  await rm(directory, { recursive: true })
})

const registryUrl = () => `http://127.0.0.1:${(registry.address() as AddressInfo).port}`
const scopeOf = (tenant = 'test') => testScope({ tenant, clock, caller: everything })
const context = (scope: TestScope) => ({ scope, at: '', perFetch: new Map() })
const schema = (schemas?: string) => executable(streamsSubgraph({ events, cursors, ...(schemas && { schemas: openSchemaRegistry({ url: schemas }) }) }))

interface Message {
  readonly partition: number
  readonly offset: number
  readonly value: unknown
  readonly schemaId: number | null
  readonly decodeError: string | null
  readonly cursor: string
}

interface Answer {
  readonly topicMessages: { readonly nodes: readonly Message[]; readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string } }
}

async function ask(document: string, variables: Record<string, unknown> = {}, { scope = scopeOf(), schemas }: { scope?: TestScope; schemas?: string } = {}): Promise<Answer> {
  const { data, errors } = (await execute({ schema: schema(schemas), document: parse(document), variableValues: variables, contextValue: context(scope) })) as ExecutionResult
  if (errors?.[0]) throw errors[0].originalError ?? errors[0]
  return JSON.parse(JSON.stringify(data)) as Answer
}

let count = 0
async function topic(partitions = 1): Promise<string> {
  count += 1
  await events.createTopic(scopeOf(), { name: `topic-${count}`, partitions })
  return `topic-${count}`
}

const n = (value: unknown) => (value as { n: number }).n
const json = (value: unknown) => ({ value: Buffer.from(JSON.stringify(value)) })
const list = 'query ($topic: String!, $partition: Int, $from: Long, $where: TopicMessageFilter, $first: Int = 50, $after: String) { topicMessages(topic: $topic, partition: $partition, from: $from, where: $where, first: $first, after: $after) { nodes { partition offset timestamp key headers value schemaId decodeError } pageInfo { hasNextPage endCursor } } }'

test('E-43 messages come partition by partition in their order, with key, headers, time and place', async () => {
  const name = await topic(2)
  await events.append(scopeOf(), name, [{ ...json({ n: 1 }), key: 'k', headers: { source: 'test' } }, { ...json({ n: 2 }), key: 'k' }, { ...json({ n: 3 }), key: 'other key' }])
  const { topicMessages: { nodes } } = await ask(list, { topic: name })
  expect(nodes).toHaveLength(3)
  expect(nodes.find(({ value }) => n(value) === 1)).toEqual({ partition: expect.any(Number), offset: 0, timestamp: '2026-01-01T00:00:00.000Z', key: 'k', headers: { source: 'test' }, value: { n: 1 }, schemaId: null, decodeError: null })
  expect(nodes.map(node => node.partition)).toEqual(nodes.map(node => node.partition).toSorted())
  const partition = nodes.find(({ value }) => n(value) === 2)?.partition
  expect((await ask(list, { topic: name, partition, from: 1 })).topicMessages.nodes).toEqual([expect.objectContaining({ offset: 1, value: { n: 2 } })])
})

test('E-43 paging with the cursor shows every message once, also past those that do not pass', async () => {
  const name = await topic(3)
  await events.append(scopeOf(), name, Array.from({ length: 100 }, (_, nth) => ({ ...json({ n: nth, even: nth % 2 === 0 }), key: String(nth) })))
  for (const where of [undefined, { value: { even: true } }]) {
    const seen: number[] = []
    let after: string | undefined
    do {
      const { topicMessages: { nodes, pageInfo } }: Answer = await ask(list, { topic: name, first: 7, where, after })
      seen.push(...nodes.map(({ value }) => n(value)))
      after = pageInfo.hasNextPage ? pageInfo.endCursor : undefined
    } while (after)
    expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, n) => n).filter(n => !where || n % 2 === 0))
  }
})

test('E-43 a cursor is good for its topic, tenant and filter alone', async () => {
  const name = await topic()
  await events.append(scopeOf(), name, [json(1), json(2)])
  const { topicMessages: { pageInfo } } = await ask(list, { topic: name, first: 1 })
  await expect(ask(list, { topic: name, after: pageInfo.endCursor, where: { key: 'x' } })).rejects.toMatchObject({ code: 'BAD_CURSOR' })
  const other = await topic()
  await expect(ask(list, { topic: other, after: pageInfo.endCursor })).rejects.toMatchObject({ code: 'BAD_CURSOR' })
  await expect(ask(list, { topic: name, after: pageInfo.endCursor }, { scope: scopeOf('another') })).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('E-43 filters by key, its beginning, headers, time and members of the value', async () => {
  const name = await topic()
  await events.append(scopeOf(), name, [{ ...json({ after: { id: 7 } }), key: 'order-1', headers: { source: 'a' } }])
  clock.advance(60_000)
  const later = new Date(clock.now()).toISOString()
  await events.append(scopeOf(), name, [{ ...json({ after: { id: 8 } }), key: 'order-2', headers: { source: 'b' } }, { ...json([1]), key: 'other' }])
  const offsets = async (where: Record<string, unknown>) => (await ask(list, { topic: name, where })).topicMessages.nodes.map(node => node.offset)
  expect(await offsets({ key: 'order-2' })).toEqual([1])
  expect(await offsets({ keyStartsWith: 'order-' })).toEqual([0, 1])
  expect(await offsets({ headers: { source: 'a' } })).toEqual([0])
  expect(await offsets({ value: { 'after.id': 8 } })).toEqual([1])
  expect(await offsets({ since: later })).toEqual([1, 2])
  expect(await offsets({ until: later, keyStartsWith: 'order-' })).toEqual([0])
  await expect(offsets({ value: 7 })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
})

test('E-43 values: JSON with every digit, text as a text, bytes as base64 with the reason, Avro by the schema whose id they carry', async () => {
  const name = await topic()
  const type = avro.Type.forSchema(JSON.parse(personSchema), { wrapUnions: false })
  const framed = (id: number, payload: Buffer) => ({ value: Buffer.concat([Buffer.from([0, 0, 0, 0, id]), payload]) })
  const person = framed(7, type.toBuffer({ id: 12, name: 'Ada', photo: Buffer.from([1, 2]), tags: { a: 1 } }))
  await events.append(scopeOf(), name, [{ value: Buffer.from('{"id":9007199254740993}') }, { value: Buffer.from('plain Zoë') }, { value: Buffer.from([0xff, 0xfe]) }, person, framed(8, Buffer.from('{"a":1}')), framed(9, Buffer.from('x')), framed(7, Buffer.from([1]))])
  asked = []
  const values = async (schemas?: string) => {
    const { topicMessages: { nodes } } = await ask(list, { topic: name }, schemas === undefined ? {} : { schemas })
    return nodes.map(({ value, schemaId, decodeError }) => [value, schemaId, decodeError])
  }
  const found = await values(registryUrl())
  expect(found.slice(0, 5)).toEqual([
    [{ id: '9007199254740993' }, null, null],
    ['plain Zoë', null, null],
    ['//4=', null, 'The bytes are neither JSON nor text, and carry no schema.'],
    [{ id: 12, name: 'Ada', photo: 'AQI=', tags: { a: 1 } }, 7, null],
    [{ a: 1 }, 8, null],
  ])
  expect(found[5]).toEqual([expect.any(String), 9, 'The schema registry has no schema 9.'])
  expect(found[6]).toEqual([expect.any(String), 7, expect.stringContaining('The value is not what schema 7 says')])
  expect(asked.filter(url => url === '/schemas/ids/7')).toHaveLength(1)
  expect((await values())[3]).toEqual([person.value.toString('base64'), 7, 'The value was written with schema 7 of a registry, and none is configured: set SCHEMA_REGISTRY_URL.'])
})

describe('subscriptions', () => {
  const live = parse('subscription ($topic: String!, $from: TopicStart, $after: String, $where: TopicMessageFilter) { topicMessages(topic: $topic, from: $from, after: $after, where: $where) { partition offset value cursor } }')
  const follow = async (variables: Record<string, unknown>, scope = scopeOf()) => {
    const result = await subscribe({ schema: schema(), document: live, variableValues: variables, contextValue: context(scope) })
    if (!(Symbol.asyncIterator in result)) throw result.errors?.[0]?.originalError ?? new Error(JSON.stringify(result))
    return result as AsyncGenerator<ExecutionResult<{ topicMessages: Message }>, void, void>
  }
  const take = async (stream: AsyncGenerator<ExecutionResult<{ topicMessages: Message }>, void, void>, count: number) => {
    const taken: Message[] = []
    while (taken.length < count) {
      const { value } = await stream.next()
      if (!value?.data) throw new Error(`There is no message: ${JSON.stringify(value)}`)
      taken.push(value.data.topicMessages)
    }
    return taken
  }

  test('E-43 a burst is delivered whole and in each partition\'s order', async () => {
    const name = await topic(3)
    const stream = await follow({ topic: name, from: 'LATEST' })
    const first = take(stream, 300)
    await events.append(scopeOf(), name, Array.from({ length: 300 }, (_, n) => ({ ...json(n), key: String(n) })))
    const got = await first
    expect(new Set(got.map(({ value }) => value)).size).toBe(300)
    for (const partition of [0, 1, 2]) {
      const offsets = got.filter(message => message.partition === partition).map(({ offset }) => offset)
      expect(offsets).toEqual(offsets.map((_, index) => index))
    }
    await stream.return()
  })

  test('E-43 EARLIEST begins with what is held, LATEST behind it, a cursor behind its message', async () => {
    const name = await topic()
    await events.append(scopeOf(), name, [json('a'), json('b')])
    const early = await follow({ topic: name, from: 'EARLIEST' })
    const late = await follow({ topic: name, from: 'LATEST' })
    const held = await take(early, 2)
    expect(held.map(({ value }) => value)).toEqual(['a', 'b'])
    const resumed = await follow({ topic: name, from: 'CURSOR', after: held[0]?.cursor })
    await events.append(scopeOf(), name, [json('c')])
    expect((await take(resumed, 2)).map(({ value }) => value)).toEqual(['b', 'c'])
    expect((await take(late, 1)).map(({ value }) => value)).toEqual(['c'])
    expect((await take(early, 1)).map(({ value }) => value)).toEqual(['c'])
    await Promise.all([early.return(), late.return(), resumed.return()])
  })

  test('a client that leaves ends the subscription at once, waiting or not; a topic that goes ends it with NOT_FOUND', async () => {
    const name = await topic()
    const left = await follow({ topic: name })
    const next = left.next()
    await left.return()
    expect(await next).toEqual({ done: true, value: undefined })
    const stays = await follow({ topic: name })
    const told = stays.next()
    const failed = expect(told).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await events.deleteTopic(scopeOf(), name)
    await failed
  })

  test('a cursor from before the topic was made anew is GONE; CURSOR without one, and one without CURSOR, are refused', async () => {
    const name = await topic()
    await events.append(scopeOf(), name, [json('a'), json('b')])
    const stream = await follow({ topic: name, from: 'EARLIEST' })
    const cursor = (await take(stream, 2)).at(-1)?.cursor
    await stream.return()
    await events.deleteTopic(scopeOf(), name)
    await events.createTopic(scopeOf(), { name, partitions: 1 })
    await expect(follow({ topic: name, from: 'CURSOR', after: cursor })).rejects.toMatchObject({ code: 'GONE' })
    await expect(follow({ topic: name, from: 'CURSOR' })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
    await expect(follow({ topic: name, from: 'LATEST', after: cursor })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
  })
})

test('reading takes topic:read, changing topic:write', async () => {
  const name = await topic()
  const reader = testScope({ clock, caller: { scopes: new Set(['topic:read']) } })
  const nobody = testScope({ clock, caller: { scopes: new Set(['cache:read']) } })
  await ask(list, { topic: name }, { scope: reader })
  for (const document of ['{ topics { totalCount } }', `{ topic(name: "${name}") { name } }`, `{ topicMessages(topic: "${name}") { nodes { offset } } }`]) {
    await expect(ask(document, {}, { scope: nobody })).rejects.toMatchObject({ code: 'FORBIDDEN' })
  }
  for (const document of ['mutation { createTopic(input: { name: "x" }) { name } }', `mutation { updateTopic(input: { name: "${name}", retentionMs: 5 }) { name } }`, `mutation { deleteTopic(name: "${name}") }`]) {
    await expect(ask(document, {}, { scope: reader })).rejects.toMatchObject({ code: 'FORBIDDEN' })
  }
  const refused = await createSourceEventStream({ schema: schema(), document: parse(`subscription { topicMessages(topic: "${name}") { offset } }`), contextValue: context(nobody) })
  expect(refused).toMatchObject({ errors: [{ message: expect.stringContaining('topic:read') }] })
})
