import { createClient as createSse } from 'graphql-sse'
import type { Row } from '../../schema/values.ts'
import { catalogFolder } from '../support/catalog-folder.ts'
import { startHub, type RunningHub } from '../support/hub.ts'
import { keptLog } from '../support/kept-log.ts'
import { testScope } from '../support/scope.ts'
import { WsClient, type Message } from '../support/ws-client.ts'

const catalog = `regions: { things: { type: Thing, key: id, fields: { id: ID!, name: String } } }
`
const watched = 'subscription ($after: String) { thingChanged(where: { id: { eq: "watched" } }, after: $after) { type after { name } cursor } }'

/** Fields of one block of an event stream, comments left out. */
type Block = Readonly<Record<string, string>>

/** An event stream read by hand, block by block. */
async function* blocksOf(url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): AsyncGenerator<Block, undefined> {
  const response = await fetch(`${url}/graphql?${new URLSearchParams({ query: watched })}`, { headers: { accept: 'text/event-stream', ...headers }, signal })
  let text = ''
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + chunk).split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) yield Object.fromEntries(block.split('\n').filter(line => !line.startsWith(':')).map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]))
  }
}

/** All up to the first that passes, which is the last. */
async function until<T>(next: () => Promise<T | undefined>, passes: (one: T) => boolean): Promise<readonly T[]> {
  for (const seen: T[] = []; ; ) {
    const one = await next()
    if (one === undefined) throw new Error(`It ended after ${JSON.stringify(seen)}.`)
    seen.push(one)
    if (passes(one)) return seen
  }
}

describe('idle subscribers on a busy log', () => {
  const folder = catalogFolder({ 'hub.yaml': catalog })
  const log = keptLog()
  const clients: WsClient[] = []
  const leaving = new AbortController()
  let hub: RunningHub
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog, log })
    await put('watched', 'at first')
  }, 120_000)
  afterAll(async () => {
    leaving.abort()
    for (const { socket } of clients) socket.terminate()
    await hub.close()
    folder.remove()
  })

  const put = (id: string, name: string) => hub.query('mutation ($id: ID!, $name: String) { putThing(input: { id: $id, name: $name }) { id } }', { id, name })
  async function connected(after?: string): Promise<WsClient> {
    const client = await new WsClient(hub.url).init()
    clients.push(client)
    client.subscribe('1', watched, { variables: { after } })
    return client
  }
  const stream = (lastEventId?: string) => blocksOf(hub.url, lastEventId === undefined ? {} : { 'last-event-id': lastEventId }, leaving.signal)
  const event = (client: WsClient) => until(() => client.next(), ({ type }) => type === 'next' || type === 'error')
  const block = (events: AsyncIterator<Block, undefined>) => until(async () => (await events.next()).value, one => one['event'] !== undefined)
  /** Writes to other keys until the log has let go of its beginning. */
  async function overflow(): Promise<void> {
    const region = hub.hub.assembly.held.get('things')!.region
    const rows = Array.from({ length: 16 }, (_, index): Row => ({ id: `other-${index}`, name: 'x'.repeat(500_000) }))
    while (!log.lines.some(line => line.message === 'Wrote a checkpoint.' && Number(line.fields['start']) > 10)) await region.putMany({ ...testScope({ tenant: 'public' }), deadlineMs: Number.POSITIVE_INFINITY }, rows)
    await put('other', 'behind the checkpoint')
  }
  const told = (messages: readonly Message[]) => messages.at(-1)!.payload.data.thingChanged
  const toldIn = (blocks: readonly Block[]): unknown => JSON.parse(blocks.at(-1)!['data'] ?? '').data.thingChanged

  test('H-58 are told their place over WebSocket and SSE, and go on from there when the log holds their last event no more', async () => {
    const socket = await connected()
    const first: string = told(await event(socket)).cursor
    const events = stream()
    expect(toldIn(await block(events))).toMatchObject({ type: 'SNAPSHOT', after: { name: 'at first' } })
    // Clients as others write them.
    const ordinary = hub.subscribe<{ thingChanged: { type: string } }>(watched)
    const sse = createSse({ url: `${hub.url}/graphql`, retryAttempts: 0 })
    const streamed = sse.iterate({ query: watched })
    const snapshot = { data: { thingChanged: { type: 'SNAPSHOT' } } }
    expect([(await ordinary.next()).value, (await streamed.next()).value]).toMatchObject([snapshot, snapshot])

    await overflow()
    await put('watched', 'at last')
    const ping = (await event(socket)).findLast(({ type }) => type === 'ping')
    expect(ping?.payload).toEqual({ id: '1', cursor: expect.any(String) })
    const idle = (await block(events)).findLast(one => one['id'] !== undefined && one['event'] === undefined)
    expect(Object.keys(idle ?? {})).toEqual(['id'])
    socket.socket.terminate()
    await events.return(undefined)

    const late = await event(await connected(first))
    expect(late).toMatchObject([{ type: 'error', payload: [{ extensions: { code: 'GONE' } }] }])
    const update = { type: 'UPDATED', after: { name: 'at last' } }
    expect(told(await event(await connected(ping?.payload.cursor)))).toMatchObject(update)
    expect(toldIn(await block(stream(idle?.['id'])))).toMatchObject(update)
    expect([(await ordinary.next()).value, (await streamed.next()).value]).toMatchObject([{ data: { thingChanged: update } }, { data: { thingChanged: update } }])
    await ordinary.return()
    sse.dispose()
  }, 120_000)
})
