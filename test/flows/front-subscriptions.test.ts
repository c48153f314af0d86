import { createClient as createSse } from 'graphql-sse'
import { createClient as createWs } from 'graphql-ws'
import { WebSocket } from 'ws'
import { HubError } from '../../schema/errors.ts'
import { counting, testFront, type TestFront } from '../support/front.ts'
import { MovedClock } from '../support/scope.ts'
import { WsClient } from '../support/ws-client.ts'

const watch = 'subscription Watch { counted { number cursor } }'
let front: TestFront
const clients: WsClient[] = []
const connect = (options: ConstructorParameters<typeof WsClient>[1] = {}, to = front) => {
  const client = new WsClient(to.url, options)
  clients.push(client)
  return client
}
const open = async (settings: object = {}, more: Partial<Parameters<typeof testFront>[0]> = {}) => {
  front = await testFront({ settings: settings as never, ...more })
  return front
}
afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.terminate()
  await front.drain()
})

describe('graphql-transport-ws', () => {
  test('serves the client of graphql-ws: events in order, then the end', async () => {
    await open()
    const client = createWs({ url: `${front.url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket })
    const events: unknown[] = []
    for await (const event of client.iterate({ query: 'subscription { counted(to: 3) { number } }' })) events.push(event.data)
    expect(events).toEqual([1, 2, 3].map(number => ({ counted: { number } })))
    await client.dispose()
  })

  test('answers queries and mutations too, with the errors of their fields worded', async () => {
    await open()
    const client = await connect().init()
    client.subscribe('q', '{ hello fails }')
    expect(await client.next()).toMatchObject({ id: 'q', type: 'next', payload: { data: { hello: 'hello world' }, errors: [{ extensions: { code: 'NOT_FOUND', http: { status: 404 }, requestId: expect.any(String) } }] } })
    expect(await client.next()).toEqual({ id: 'q', type: 'complete' })
  })

  test.each([
    ['a document that does not parse', '{', 'GRAPHQL_PARSE_FAILED'],
    ['a document that does not validate', 'subscription { nothing }', 'GRAPHQL_VALIDATION_FAILED'],
    ['too many fields at the root', `{ ${Array.from({ length: 40 }, (_, index) => `a${index}: hello`).join(' ')} }`, 'QUERY_TOO_COMPLEX'],
  ])('refuses %s with an error message that has the code', async (_what, query, code) => {
    await open()
    const client = await connect().init()
    client.subscribe('1', query)
    expect(await client.next()).toMatchObject({ id: '1', type: 'error', payload: [{ extensions: { code } }] })
  })

  test('tells the source when the client completes, although it waits for its next event', async () => {
    await open()
    const ended = new Promise(resolve => {
      front.graph.events = async function* (scope) {
        try {
          yield* counting(scope, undefined)
        } finally {
          resolve((scope.signal.reason as HubError).code)
        }
      }
    })
    const client = await connect().init()
    client.subscribe('1', watch)
    await client.next()
    client.send({ id: '1', type: 'complete' })
    expect(await ended).toBe('CANCELLED')
  })

  test('tells the source when the connection is lost', async () => {
    await open()
    const ended = new Promise(resolve => {
      front.graph.events = async function* (scope) {
        scope.signal.addEventListener('abort', () => resolve((scope.signal.reason as HubError).code))
        yield* counting(scope, undefined)
      }
    })
    const client = await connect().init()
    client.subscribe('1', watch)
    await client.next()
    client.socket.terminate()
    expect(await ended).toBe('CANCELLED')
  })

  test('ends one operation with an error message that has code, hint and request id', async () => {
    await open()
    front.graph.events = async function* () {
      yield { number: 1, cursor: 'c1' }
      throw new HubError('GONE', 'The place in the log is no longer held.', { hint: 'Subscribe again without a cursor.' })
    }
    const client = await connect().init()
    client.subscribe('1', watch)
    await client.next()
    expect(await client.next()).toMatchObject({ id: '1', type: 'error', payload: [{ extensions: { code: 'GONE', http: { status: 410 }, hint: 'Subscribe again without a cursor.', requestId: expect.any(String) } }] })
    client.subscribe('2', '{ hello }')
    expect(await client.next()).toMatchObject({ id: '2', type: 'next' })
  })

  test('closes with 4429 and the cursor when the reader fell behind', async () => {
    await open()
    front.graph.events = async function* () {
      yield { number: 1, cursor: 'c1' }
      throw new HubError('SLOW_CONSUMER', 'The reader fell behind.', { cursor: 'c1' })
    }
    const client = await connect().init()
    client.subscribe('1', watch)
    const { code, reason } = await client.closed
    expect([code, JSON.parse(reason)]).toEqual([4429, { code: 'SLOW_CONSUMER', id: '1', cursor: 'c1' }])
  })

  test('hides what nobody expected', async () => {
    await open()
    front.graph.events = async function* () {
      yield { number: 1, cursor: 'c1' }
      throw new TypeError('secret-detail')
    }
    const client = await connect().init()
    client.subscribe('1', watch)
    await client.next()
    const message = await client.next()
    expect(message).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'INTERNAL' } }] })
    expect(JSON.stringify(message)).not.toContain('secret-detail')
  })

  test('keeps the protocol: its close codes', async () => {
    const hasty = await open({ subscriptions: { initTimeoutMs: 50 } })
    const silent = await (await connect().opened()).closed
    await hasty.drain()
    await open({ subscriptions: { maxMessageBytes: 2_000 } })
    const other = await connect({ protocol: 'graphql-ws' }).closed
    const eager = await connect().opened()
    eager.subscribe('1', '{ hello }')
    const twice = await connect().init()
    twice.send({ type: 'connection_init' })
    const garbage = await connect().init()
    garbage.send('{')
    const same = await connect().init()
    same.subscribe('1', watch)
    same.subscribe('1', watch)
    const large = await connect().init()
    large.subscribe('1', `{ hello(name: "${'x'.repeat(3_000)}") }`)
    const wrong = await connect().init()
    wrong.send({ id: '1', type: 'next', payload: {} })
    const codes = [silent, ...(await Promise.all([eager, twice, garbage, same, large, wrong].map(each => each.closed)))].map(({ code }) => code)
    expect([[1006, 1002, 4406].includes(other.code), ...codes]).toEqual([true, 4408, 4401, 4429, 4400, 4409, 1009, 4400])
  })

  test('refuses other paths and pages of other sites before it speaks', async () => {
    await open({ corsOrigins: ['https://app.example'] })
    expect(await connect({ headers: { origin: 'https://evil.example' } }).refused).toBe(403)
    await connect({ headers: { origin: 'https://app.example' } }).init()
    await connect({ headers: { origin: front.url } }).init()
    expect(await connect({ headers: { host: 'rebound.example' } }).refused).toBe(403)
  })

  test('limits the operations of a connection and the subscriptions of a caller', async () => {
    await open({ subscriptions: { maxPerConnection: 2, maxPerCaller: 3 } })
    const one = await connect().init()
    for (const id of ['1', '2', '3']) one.subscribe(id, watch)
    const answers = [await one.next(), await one.next(), await one.next()]
    expect(answers.find(({ type }) => type === 'error')).toMatchObject({ id: '3', payload: [{ extensions: { code: 'RATE_LIMITED', http: { status: 429 } } }] })
    const two = await connect().init()
    two.subscribe('1', watch)
    expect(await two.next()).toMatchObject({ type: 'next' })
    two.subscribe('2', watch)
    expect(await two.next()).toMatchObject({ id: '2', type: 'error', payload: [{ message: expect.stringContaining('3 subscriptions'), extensions: { code: 'RATE_LIMITED' } }] })
    one.send({ id: '1', type: 'complete' })
    one.send({ type: 'ping' })
    await one.next()
    two.subscribe('3', watch)
    expect(await two.next()).toMatchObject({ id: '3', type: 'next' })
  })

  test('cuts a connection that shows no life in two intervals, and no other', async () => {
    const clock = new MovedClock()
    await open({ subscriptions: { pingIntervalMs: 1_000 } }, { clock })
    const dead = await connect().init()
    const live = await connect().init()
    dead.socket.pong = () => {}
    dead.socket.removeAllListeners('ping')
    // ws answers pings by itself: a client that is stopped does not.
    dead.socket.pause()
    const pinged = new Promise(resolve => live.socket.once('ping', resolve))
    clock.advance(1_000)
    await pinged
    live.send({ type: 'ping' })
    expect(await live.next()).toEqual({ type: 'pong' })
    clock.advance(1_000)
    dead.socket.resume()
    expect((await dead.closed).code).toBe(1006)
    live.subscribe('1', '{ hello }')
    expect(await live.next()).toMatchObject({ type: 'next' })
  })
})

describe('server-sent events', () => {
  test('serve the client of graphql-sse', async () => {
    await open()
    const client = createSse({ url: `${front.url}/graphql`, retryAttempts: 0 })
    const events: unknown[] = []
    for await (const event of client.iterate({ query: 'subscription { counted(to: 2) { number } }' })) events.push(event.data)
    expect(events).toEqual([{ counted: { number: 1 } }, { counted: { number: 2 } }])
    client.dispose()
  })

  test('carry the cursor of each event as its id, by POST and by GET', async () => {
    await open()
    const query = 'subscription { counted(to: 2) { number cursor } }'
    const body = ':\n\nevent: next\nid: c1\ndata: {"data":{"counted":{"number":1,"cursor":"c1"}}}\n\nevent: next\nid: c2\ndata: {"data":{"counted":{"number":2,"cursor":"c2"}}}\n\nevent: complete\ndata:\n\n'
    const posted = await fetch(`${front.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', accept: 'text/event-stream' }, body: JSON.stringify({ query }) })
    expect([posted.headers.get('content-type'), await posted.text()]).toEqual(['text/event-stream; charset=utf-8', body])
    const got = await fetch(`${front.url}/graphql?${new URLSearchParams({ query })}`, { headers: { accept: 'text/event-stream' } })
    expect(await got.text()).toBe(body)
  })

  test('answer a query and a refusal as one event', async () => {
    await open()
    const ask = async (query: string) => (await fetch(`${front.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', accept: 'text/event-stream' }, body: JSON.stringify({ query }) })).text()
    expect(await ask('{ hello }')).toBe(':\n\nevent: next\ndata: {"data":{"hello":"hello world"}}\n\nevent: complete\ndata:\n\n')
    expect(await ask('subscription { nothing }')).toMatch(/event: next\ndata: \{"errors":\[.*"GRAPHQL_VALIDATION_FAILED".*\n\nevent: complete/)
  })

  test('are refused to pages of other sites', async () => {
    await open()
    const got = await fetch(`${front.url}/graphql?${new URLSearchParams({ query: watch })}`, { headers: { accept: 'text/event-stream', origin: 'https://evil.example' } })
    expect(got.status).toBe(403)
  })

  test('tell the source when the client leaves', async () => {
    await open()
    const ended = new Promise(resolve => {
      front.graph.events = async function* (scope) {
        scope.signal.addEventListener('abort', () => resolve((scope.signal.reason as HubError).code))
        yield* counting(scope, undefined)
      }
    })
    const leaving = new AbortController()
    const response = await fetch(`${front.url}/graphql?${new URLSearchParams({ query: watch })}`, { headers: { accept: 'text/event-stream' }, signal: leaving.signal })
    await response.body?.getReader().read()
    leaving.abort()
    expect(await ended).toBe('CANCELLED')
  })
})

describe('a new graph', () => {
  test('ends the subscriptions it has no room for, with their cursor, and leaves the others alone', async () => {
    await open()
    const client = await connect().init()
    client.subscribe('gone', 'subscription { other { number cursor } }')
    expect(await client.next()).toMatchObject({ id: 'gone', type: 'next' })
    const held: { next?: () => void } = {}
    front.graph.events = async function* (scope) {
      yield { number: 1, cursor: 'c1' }
      await new Promise<void>(resolve => {
        held.next = resolve
      })
      yield { number: 2, cursor: 'c2' }
      yield* counting(scope, undefined)
    }
    client.subscribe('stays', watch)
    expect(await client.next()).toMatchObject({ id: 'stays', type: 'next' })
    front.hub.replace(front.graph.schema(['other: Count']))
    expect(await client.next()).toMatchObject({ id: 'gone', type: 'error', payload: [{ extensions: { code: 'SCHEMA_CHANGED', cursor: 'c1', http: { status: 410 } } }] })
    held.next?.()
    expect(await client.next()).toMatchObject({ id: 'stays', type: 'next', payload: { data: { counted: { number: 2 } } } })
  })

  test('serves the next request, while one under way ends on the old graph', async () => {
    await open()
    const underWay = front.ask('{ slow }')
    await front.graph.asked.promise
    front.hub.replace(front.graph.schema(['slow: String']))
    expect((await front.ask('{ slow }')).body.errors?.[0]?.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED')
    front.graph.slow.resolve('old')
    expect((await underWay).body).toEqual({ data: { slow: 'old' } })
  })
})

test('a subscription ends with TIMEOUT and its cursor after its longest life', async () => {
  const clock = new MovedClock()
  await open({ subscriptions: { maxLifetimeMs: 60_000, pingIntervalMs: 600_000 } }, { clock })
  const client = await connect().init()
  client.subscribe('1', watch)
  await client.next()
  clock.advance(60_000)
  expect(await client.next()).toMatchObject({ id: '1', type: 'error', payload: [{ extensions: { code: 'TIMEOUT', cursor: 'c1', retryable: true } }] })
})
