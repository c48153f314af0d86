import { connect, type Socket } from 'node:net'
import type { Context } from '../../resolvers/context.ts'
import type { Delivery } from '../../gateway/federation/deferred/deliver.ts'
import { HubError } from '../../schema/errors.ts'
import { heldBooks } from '../support/deferred.ts'
import { testFront, type TestFront } from '../support/front.ts'
import { WsClient } from '../support/ws-client.ts'

/**
 * A client that stops reading must cost the hub what its sockets hold and not more: the next event is pulled when the one before was taken.
 * Each event here is 1 MiB, so buffers of the kernel are full after a few, and a front that pulled ahead would pull all of them.
 */
const events = 200
const large = 'x'.repeat(1024 * 1024)
const document = 'subscription { counted { number cursor text } }'

let front: TestFront
afterEach(() => front.drain())

/** Counts what was pulled, and tells when the front has asked for nothing more for a hundred turns of the event loop with a full socket. */
function endless() {
  const seen = { pulled: 0, reason: undefined as unknown }
  const source = async function* (scope: Context['scope']) {
    scope.signal.addEventListener('abort', () => {
      seen.reason = scope.signal.reason
    })
    for (let number = 1; number <= events; number++) {
      seen.pulled = number
      yield { number, cursor: `c${number}`, text: large }
    }
  }
  return { seen, source }
}

async function still(count: () => number): Promise<void> {
  let quiet = 0
  for (let last = count(); quiet < 100; quiet++) {
    // A turn of the loop in which sockets were served.
    await new Promise(resolve => setImmediate(resolve))
    if (count() !== last || last === 0) quiet = 0
    last = count()
  }
}

test('a WebSocket that is not read holds a few events, and gets every one, in order, when it is read again', async () => {
  front = await testFront()
  const { seen, source } = endless()
  front.graph.events = source
  const client = await new WsClient(front.url).init()
  client.socket.pause()
  client.subscribe('1', document)
  await still(() => seen.pulled)
  expect(seen.pulled).toBeGreaterThan(0)
  expect(seen.pulled).toBeLessThan(events / 4)
  client.socket.resume()
  for (let number = 1; number <= events; number++) {
    const { payload } = await client.next()
    if (payload.data.counted.number !== number) expect(payload.data.counted.number).toBe(number)
  }
  expect(await client.next()).toEqual({ id: '1', type: 'complete' })
  client.socket.terminate()
  // 200 MiB go through JSON twice, beside whatever else the machine does.
}, 120_000)

test('an event stream that is not read holds a few events, and its source is told when the client is cut', async () => {
  front = await testFront()
  const { seen, source } = endless()
  front.graph.events = source
  const socket: Socket = connect(front.port, '127.0.0.1')
  socket.pause()
  socket.write(`GET /graphql?query=${encodeURIComponent(document)} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n`)
  await still(() => seen.pulled)
  expect(seen.pulled).toBeLessThan(events / 4)
  socket.destroy()
  while (seen.reason === undefined) await new Promise(resolve => setImmediate(resolve))
  expect(seen.reason).toMatchObject({ code: 'CANCELLED' })
})

describe('an answer in parts is made as far as it is read', () => {
  const text = '{ books { isbn ... @defer { title } } }'
  const seen = { pulled: 0 }
  async function* parts(): AsyncGenerator<Delivery, void, void> {
    yield { data: {}, hasNext: true }
    for (let number = 1; number <= events; number++) {
      seen.pulled = number
      yield { incremental: [{ data: { title: large }, path: [] }], hasNext: number < events }
    }
  }
  beforeEach(async () => {
    seen.pulled = 0
    const { stock, graph } = await heldBooks()
    await stock.close()
    front = await testFront({ more: { hub: { supergraph: { ...graph, deliver: async () => parts() }, onSupergraph: () => () => {}, health: async () => [] } } })
  })

  test('over a WebSocket, and comes whole when it is read again', async () => {
    const client = await new WsClient(front.url).init()
    client.socket.pause()
    client.subscribe('1', text)
    await still(() => seen.pulled)
    expect(seen.pulled).toBeLessThan(events / 4)
    client.socket.resume()
    for (let number = 0; number <= events; number++) expect((await client.next()).payload.hasNext).toBe(number < events)
    expect(await client.next()).toEqual({ id: '1', type: 'complete' })
    client.socket.terminate()
  }, 120_000)

  test('over an event stream, and ends with its client', async () => {
    const socket = connect(front.port, '127.0.0.1')
    socket.pause()
    socket.write(`GET /graphql?query=${encodeURIComponent(text)} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n`)
    await still(() => seen.pulled)
    expect(seen.pulled).toBeLessThan(events / 4)
    socket.destroy()
    await front.drain()
    expect([seen.pulled < events / 4, front.entries.some(({ message }) => message === 'The hub stops with work under way.')]).toEqual([true, false])
  })
})

test('a reader the source gave up on is closed with 4429 and the place to come back to', async () => {
  front = await testFront()
  front.graph.events = async function* () {
    yield { number: 1, cursor: 'c1' }
    throw new HubError('SLOW_CONSUMER', 'The reader fell behind by more than the limit.', { cursor: 'x'.repeat(80) })
  }
  const client = await new WsClient(front.url).init()
  client.subscribe('a-rather-long-id-of-an-operation', document)
  const { code, reason } = await client.closed
  expect([code, JSON.parse(reason)]).toEqual([4429, { code: 'SLOW_CONSUMER', cursor: 'x'.repeat(80) }])
})

test('a client that floods the hub with pings and reads no answer is not read either', async () => {
  front = await testFront({ settings: { subscriptions: { maxBufferedBytes: 64 * 1024 } } })
  const client = await new WsClient(front.url).init()
  client.socket.pause()
  const ping = JSON.stringify({ type: 'ping', payload: { text: 'x'.repeat(16 * 1024) } })
  for (let sent = 0; sent < 4_000; sent++) client.send(ping)
  let last = -1
  // 64 MB of pings: what the hub does not read stays with the client.
  for (let quiet = 0; quiet < 200; quiet++) {
    await new Promise(resolve => setImmediate(resolve))
    if (client.socket.bufferedAmount !== last) quiet = 0
    last = client.socket.bufferedAmount
  }
  expect(last).toBeGreaterThan(10 * 1024 * 1024)
  client.socket.terminate()
})
