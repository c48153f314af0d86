import { createClient as createSse } from 'graphql-sse'
import { createClient as createWs } from 'graphql-ws'
import { WebSocket } from 'ws'
import type { Scope } from '../../connectors/ports/scope.ts'
import type { Supergraph } from '../../gateway/federation/supergraph.ts'
import { eventsOf, heldBooks, merged, type Piece, type Said } from '../support/deferred.ts'
import { testFront, type TestFront } from '../support/front.ts'
import type { HeldSubgraph } from '../support/held-subgraph.ts'
import { WsClient } from '../support/ws-client.ts'

const text = '{ books { title ... @defer(label: "stock") { inStock } } }'
const titles = { data: { books: [{ title: 'One' }, { title: 'Two' }] }, hasNext: true }
const counted = { incremental: [{ data: { inStock: 10 }, path: ['books', 0], label: 'stock' }, { data: { inStock: 20 }, path: ['books', 1], label: 'stock' }], hasNext: false }
const both = { _entities: [{ inStock: 10 }, { inStock: 20 }] }

/** One operation on a transport: what came, one at a time, up to the end of the operation; and the client's way to leave. */
interface Asking {
  readonly said: AsyncGenerator<Said, void, void>
  leave(): void
}

/** Events of one stream. */
function bySse({ url }: TestFront, query: string): Asking {
  const leaving = new AbortController()
  const asked = fetch(`${url}/graphql`, { method: 'POST', signal: leaving.signal, headers: { 'content-type': 'application/json', accept: 'text/event-stream' }, body: JSON.stringify({ query }) })
  return { said: eventsOf(asked), leave: () => leaving.abort() }
}

/** Messages of one operation. */
function byWs({ url }: TestFront, query: string): Asking {
  const client = new WsClient(url)
  const said = async function* () {
    await client.init()
    client.subscribe('1', query)
    for (;;) {
      const { type, payload } = (await client.next()) as Said
      yield { type, ...(payload !== undefined && { payload }) }
      if (type !== 'next') break
    }
    client.socket.terminate()
  }
  return { said: said(), leave: () => client.socket.terminate() }
}

let stock: HeldSubgraph
let graph: Supergraph
const fronts: TestFront[] = []
const open = async (supergraph = graph, settings: object = {}) => {
  const front = await testFront({ settings: settings as never, more: { hub: { supergraph, onSupergraph: () => () => {}, health: async () => [] } } })
  fronts.push(front)
  return front
}
beforeAll(async () => {
  ({ stock, graph } = await heldBooks())
})
afterEach(async () => {
  // What nobody waits for any more.
  stock.release(null)
  await Promise.all(fronts.splice(0).map(front => front.drain()))
})
afterAll(() => stock.close())

const next = (payload: unknown) => ({ type: 'next', payload })
const take = async ({ said }: Asking) => (await said.next()).value
/** What is still to come. */
const rest = async ({ said }: Asking) => {
  const all: unknown[] = []
  for await (const one of said) all.push(one)
  return all
}
/** The graph, and the scope of the operation it delivers. */
function watched() {
  const began = Promise.withResolvers<Scope>()
  const supergraph: Supergraph = { ...graph, deliver: operation => {
    began.resolve(operation.scope)
    return graph.deliver!(operation)
  } }
  return { supergraph, began: began.promise }
}
const warnings = ({ entries }: TestFront) => entries.flatMap(({ level, message }) => (level === 'warn' ? [message] : []))
const late = 'The hub stops with work under way.'
const aborted = ({ signal }: Scope) => new Promise<unknown>(resolve => {
  if (signal.aborted) resolve(signal.reason)
  signal.addEventListener('abort', () => resolve(signal.reason))
})

describe.each([['an event stream', bySse], ['a WebSocket', byWs]])('over %s an answer in parts', (what, ask) => {
  test('comes without what is deferred before that has been fetched, then with it, then ends', async () => {
    const asking = ask(await open(), text)
    expect(await take(asking)).toEqual(next(titles))
    // The subgraph has not answered yet.
    await stock.asked()
    stock.release(both)
    expect(await rest(asking)).toEqual([next(counted), { type: 'complete' }])
  })

  test('tells an error with the part it belongs to', async () => {
    const asking = ask(await open(), text)
    expect(await take(asking)).toEqual(next(titles))
    await stock.asked()
    stock.release({ _entities: [{ inStock: 10 }] })
    const errors = (index: number) => [{ path: ['books', index, 'inStock'], extensions: { code: 'UPSTREAM_REJECTED', requestId: expect.any(String) } }]
    expect(await rest(asking)).toMatchObject([next({ incremental: [0, 1].map(index => ({ data: { inStock: null }, path: ['books', index], errors: errors(index) })), hasNext: false }), { type: 'complete' }])
  })

  test('tells what is not there by the deadline as missing, and ends', async () => {
    const asking = ask(await open(graph, { requestTimeoutMs: 1_000 }), text)
    expect(await take(asking)).toEqual(next(titles))
    expect(await rest(asking)).toMatchObject([next({ incremental: [{ data: { inStock: null }, errors: [{ extensions: { code: 'TIMEOUT' } }] }, { data: { inStock: null } }], hasNext: false }), { type: 'complete' }])
  })

  test('ends with the error, where it fails in between', async () => {
    const failing: Supergraph = { ...graph, deliver: async () => (async function* () {
      yield { data: { books: [] }, hasNext: true }
      throw new TypeError('secret-detail')
    })() }
    const asking = ask(await open(failing), text)
    expect(await take(asking)).toEqual(next({ data: { books: [] }, hasNext: true }))
    const error = { extensions: { code: 'INTERNAL', requestId: expect.any(String) } }
    const end = await rest(asking)
    expect(end).toMatchObject(ask === bySse ? [next({ errors: [error], hasNext: false }), { type: 'complete' }] : [{ type: 'error', payload: [error] }])
    expect(JSON.stringify(end)).not.toContain('secret-detail')
  })

  test('ends the work behind it when the client leaves', async () => {
    const { supergraph, began } = watched()
    const front = await open(supergraph)
    const asking = ask(front, text)
    await take(asking)
    await stock.asked()
    asking.leave()
    expect(await aborted(await began)).toMatchObject({ code: 'CANCELLED' })
    await front.drain()
    expect(warnings(front)).not.toContain(late)
  })

  test('is brought to its end by a hub that stops', async () => {
    const front = await open()
    const asking = ask(front, text)
    await take(asking)
    await stock.asked()
    const stopped = front.drain()
    stock.release(both)
    expect(await rest(asking)).toEqual([next(counted), { type: 'complete' }])
    await stopped
    expect(warnings(front)).not.toContain(late)
  })

  test('is there of a mutation too, done before the first part', async () => {
    const asking = ask(await open(), 'mutation { add { title ... @defer { inStock } } }')
    expect(await take(asking)).toEqual(next({ data: { add: { title: 'Three' } }, hasNext: true }))
    await stock.asked()
    stock.release({ _entities: [{ inStock: 30 }] })
    expect(await rest(asking)).toEqual([next({ incremental: [{ data: { inStock: 30 }, path: ['add'] }], hasNext: false }), { type: 'complete' }])
  })

  test('is whole where nothing is deferred after all, of several mutations, and of one that would be deferred itself', async () => {
    const front = await open()
    expect(await rest(ask(front, '{ books { isbn ... @defer(if: false) { title } } }'))).toEqual([next({ data: { books: [{ isbn: '1', title: 'One' }, { isbn: '2', title: 'Two' }] } }), { type: 'complete' }])
    expect(await rest(ask(front, 'mutation { add { ... @defer { title } } other: add { isbn } }'))).toEqual([next({ data: { add: { title: 'Three' }, other: { isbn: '3' } } }), { type: 'complete' }])
    expect(await rest(ask(front, 'mutation { ... @defer { add { title } } }'))).toEqual([next({ data: { add: { title: 'Three' } } }), { type: 'complete' }])
  })

  // The directive says that the answer may come without the fragment, and events are told to many: each is whole.
  test('is none of a subscription, whose events are whole', async () => {
    const asking = ask(await open(), 'subscription { added { isbn ... @defer { title } } }')
    expect(await rest(asking)).toEqual([next({ data: { added: { isbn: '1', title: 'One' } } }), next({ data: { added: { isbn: '2', title: 'Two' } } }), { type: 'complete' }])
  })

  test('is refused where two parts have one label', async () => {
    const [refused] = await rest(ask(await open(), '{ books { ... @defer(label: "a") { title } ... @defer(label: "a") { isbn } } }'))
    const error = { extensions: { code: 'BAD_USER_INPUT' } }
    expect([what, refused]).toMatchObject([what, ask === bySse ? next({ errors: [error] }) : { type: 'error', payload: [error] }])
  })
})

test('a WebSocket that completes an operation in parts ends the work behind it, is told no more of it, and goes on', async () => {
  const { supergraph, began } = watched()
  const client = await new WsClient((await open(supergraph)).url).init()
  client.subscribe('1', text)
  expect(await client.next()).toMatchObject({ id: '1', payload: titles })
  await stock.asked()
  client.send({ id: '1', type: 'complete' })
  expect(await aborted(await began)).toMatchObject({ code: 'CANCELLED' })
  client.subscribe('2', '{ books { isbn } }')
  expect(await client.next()).toMatchObject({ id: '2', type: 'next' })
  expect(await client.next()).toEqual({ id: '2', type: 'complete' })
  client.socket.terminate()
})

test('an answer that is to be explained comes whole', async () => {
  const { url } = await open()
  const explained = { data: { books: [{ title: 'One', inStock: 10 }, { title: 'Two', inStock: 20 }] }, extensions: { hub: { plan: expect.any(Object) } } }
  for (const accept of ['text/event-stream', 'multipart/mixed, application/json']) {
    const answer = fetch(`${url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', accept, 'x-hub-explain': '1' }, body: JSON.stringify({ query: text }) })
    await stock.asked()
    stock.release(both)
    expect(JSON.parse(/\{.+/.exec(await (await answer).text())?.[0] ?? '')).toMatchObject(explained)
  }
})

test('the clients of graphql-sse and graphql-ws are given every part', async () => {
  const { url } = await open()
  const sse = createSse({ url: `${url}/graphql`, retryAttempts: 0 })
  const ws = createWs({ url: `${url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket, retryAttempts: 0 })
  for (const client of [sse, ws]) {
    const pieces: Piece[] = []
    const answered = (async () => {
      for await (const piece of client.iterate({ query: text })) pieces.push(piece as Piece)
    })()
    await stock.asked()
    stock.release(both)
    await answered
    expect(pieces).toEqual([titles, counted])
    expect(merged(pieces as never[])).toEqual({ books: [{ title: 'One', inStock: 10 }, { title: 'Two', inStock: 20 }] })
    await client.dispose()
  }
})
