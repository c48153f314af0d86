import { catalogFolder } from '../support/catalog-folder.ts'
import { serveForeign, type Foreign } from '../support/foreign.ts'
import { startHub, type RunningHub } from '../support/hub.ts'
import { messagesOf, settledAt } from '../support/subscribers.ts'
import { WsClient } from '../support/ws-client.ts'

const catalog = (url: string) => `
regions: { notes: { type: Note, key: id, fields: { id: ID!, body: String, n: Int } } }
subgraphs: { ratings: { url: "${url}" } }
`
const watched = 'subscription Watch($of: ID = "a") { noteChanged(initial: false, where: { id: { eq: $of } }) { type after { body rating } cursor } }'
const body = (message: { payload?: { data: { noteChanged: { after: { body: string } } } } }) => message.payload?.data.noteChanged.after.body

/** `data` of the events of a stream, one by one. */
async function* eventsOf(url: string, signal: AbortSignal, query = watched): AsyncGenerator<unknown, undefined> {
  const response = await fetch(`${url}/graphql?${new URLSearchParams({ query })}`, { headers: { accept: 'text/event-stream' }, signal })
  let text = ''
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + chunk).split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const [data] = block.split('\n').flatMap(line => (line.startsWith('data: ') ? [line.slice(6)] : []))
      if (data !== undefined) yield JSON.parse(data)
    }
  }
}

describe('equal subscriptions', () => {
  const clients: WsClient[] = []
  let foreign: Foreign
  let folder: ReturnType<typeof catalogFolder>
  let hub: RunningHub
  beforeAll(async () => {
    foreign = await serveForeign('type Query { rated: Int } type Note @key(fields: "id") { id: ID! rating: Float }', { Note: { __resolveReference: (note: object) => ({ ...note, rating: 4.5 }) } } as never)
    folder = catalogFolder({ 'hub.yaml': catalog(foreign.url) })
    hub = await startHub({ catalog: folder.catalog })
  }, 120_000)
  afterEach(async () => {
    for (const { socket } of clients.splice(0)) socket.terminate()
    await settledAt(hub.url, 0, 0)
  })
  afterAll(async () => {
    await hub.close()
    await foreign.close()
    folder.remove()
  })

  const put = (text: string, id = 'a') => hub.query('mutation ($id: ID!, $text: String) { putNote(input: { id: $id, body: $text }) { id } }', { id, text })
  const watch = async (id: string, variables: object = {}, query = watched) => {
    const client = await new WsClient(hub.url).init()
    clients.push(client)
    client.subscribe(id, query, { variables })
    return client
  }

  test('are executed once: what is related to an event is read once, and each subscriber gets it under an id of its own, over WebSocket and SSE', async () => {
    const leaving = new AbortController()
    const ids = Array.from({ length: 20 }, (_, index) => `subscription ${'"ä'.repeat(index)}`)
    const sockets = await Promise.all(ids.map((id, index) => watch(id, index % 2 ? { of: 'a' } : {})))
    const streams = Array.from({ length: 5 }, () => eventsOf(hub.url, leaving.signal))
    const streamed = streams.map(events => events.next())
    await settledAt(hub.url, 25, 1)
    const before = foreign.requests.length

    await put('first')
    const messages = await Promise.all(sockets.map(async client => (await messagesOf(client, 1))[0]!))
    expect(messages.map(({ id }) => id)).toEqual(ids)
    const [first] = messages
    expect(first?.payload).toEqual({ data: { noteChanged: { type: 'CREATED', after: { body: 'first', rating: 4.5 }, cursor: expect.any(String) } } })
    for (const { payload } of messages) expect(payload).toEqual(first?.payload)
    for (const event of streamed) expect((await event).value).toEqual(first?.payload)
    expect(foreign.requests.length - before).toBe(1)
    expect(await (await fetch(`${hub.url}/metrics`)).text()).toMatch(/graphql_subscription_events_total\{transport="websocket"\} 20\n.*sse"\} 5\n|sse"\} 5\n.*websocket"\} 20\n/s)
    leaving.abort()
  })

  test('get a burst in order, and go on when some leave, until the last one does', async () => {
    const sockets = await Promise.all(Array.from({ length: 10 }, (_, index) => watch(`s${index}`)))
    await settledAt(hub.url, 10, 1)
    const texts = Array.from({ length: 40 }, (_, index) => `change ${index}`)
    for (const text of texts) await put(text)
    for (const client of sockets) expect((await messagesOf(client, 40)).map(body)).toEqual(texts)

    // The one whose execution it was is among those who leave.
    sockets[0]!.send({ id: 's0', type: 'complete' })
    sockets[1]!.socket.terminate()
    await settledAt(hub.url, 8, 1)
    await put('afterwards')
    for (const client of sockets.slice(2)) expect((await messagesOf(client, 1)).map(body)).toEqual(['afterwards'])
    sockets[0]!.send({ type: 'ping' })
    expect(await sockets[0]!.next()).toEqual({ type: 'pong' })
    for (const [index, client] of sockets.entries()) if (index > 1) client.send({ id: `s${index}`, type: 'complete' })
    await settledAt(hub.url, 0, 0)
  })

  test('share although one begins with the rows there are and one with a cursor, each behind what it was told already', async () => {
    const all = 'subscription ($initial: Boolean!, $after: String) { noteChanged(initial: $initial, after: $after) { type key cursor after { body } } }'
    await put('there')
    const first = await watch('1', { initial: true }, all)
    await put('before', 'b')
    const last = (await messagesOf(first, 2)).at(-1)!
    await put('meanwhile', 'b')
    const resumed = await watch('2', { initial: true, after: last.payload.data.noteChanged.cursor }, all)
    const late = await watch('3', { initial: true }, all)
    expect((await messagesOf(resumed, 1)).map(body)).toEqual(['meanwhile'])
    expect((await messagesOf(late, 2)).map(({ payload }) => payload.data.noteChanged.type)).toEqual(['SNAPSHOT', 'SNAPSHOT'])
    expect((await messagesOf(first, 1)).map(body)).toEqual(['meanwhile'])
    const same = await watch('4', { initial: true }, all)
    await messagesOf(same, 2)
    // Variables differ with the cursor.
    await settledAt(hub.url, 4, 2)
    await put('for all', 'b')
    const told = await Promise.all([first, resumed, late, same].map(async client => (await messagesOf(client, 1))[0]!.payload))
    for (const payload of told) expect(payload).toEqual(told[0])
  })

  test('end together with SCHEMA_CHANGED or SHUTTING_DOWN, each with its cursor', async () => {
    const both = await Promise.all([watch('1'), watch('2')])
    await settledAt(hub.url, 2, 1)
    await put('told')
    const cursors = await Promise.all(both.map(async client => (await messagesOf(client, 1))[0]!.payload.data.noteChanged.cursor as string))
    const swapped = new Promise<void>(resolve => {
      const forget = hub.hub.onSupergraph(() => {
        forget()
        resolve()
      })
    })
    folder.write({ 'hub.yaml': catalog(foreign.url).replace(', body: String', ', text: String') })
    await swapped
    for (const client of both) {
      const [ended] = await messagesOf(client, 1, 'error')
      expect(ended?.payload[0].extensions).toMatchObject({ code: 'SCHEMA_CHANGED', cursor: expect.any(String), requestId: expect.any(String) })
    }
    expect(new Set(cursors).size).toBe(1)

    const other = 'subscription { noteChanged(initial: false) { key } }'
    const rest = await Promise.all([watch('1', {}, other), watch('2', {}, other)])
    await settledAt(hub.url, 2, 1)
    const restarted = hub.restart()
    for (const client of rest) {
      const [ended] = await messagesOf(client, 1, 'error')
      expect(ended?.payload[0].extensions).toMatchObject({ code: 'SHUTTING_DOWN', cursor: expect.any(String) })
    }
    hub = await restarted
  })
})
