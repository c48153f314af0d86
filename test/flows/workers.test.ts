import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { jest } from '@jest/globals'
import { eventually } from '../support/eventually.ts'
import { catalogFolder } from '../support/catalog-folder.ts'
import { runProgram } from '../support/program.ts'
import { startWorkers, type Workers } from '../support/workers.ts'
import { WsClient } from '../support/ws-client.ts'

jest.setTimeout(120_000)

const catalog = `
regions:
  notes: { key: id, fields: { id: ID, text: String } }
`
const put = 'mutation ($id: ID!, $text: String) { putNote(input: { id: $id, text: $text }) { id text } }'
const get = 'query ($id: ID!) { note(id: $id) { id text } }'

describe('a hub with two workers', () => {
  let hub: Workers
  beforeAll(async () => { hub = await startWorkers(catalog) })
  afterAll(() => hub.close())

  test('is ready with all of them, and says so', async () => {
    await hub.complete()
    const { status, body } = await hub.client().send('/readyz?verbose')
    expect([status, body.components.find((one: { name: string }) => one.name === 'workers')]).toEqual([200, { name: 'workers', required: true, state: 'up' }])
    expect(new Set(hub.pids()).size).toBe(2)
  })

  test('what was written through one is read through any other, at each level that promises it', async () => {
    const clients = Array.from({ length: 12 }, () => hub.client())
    for (const level of ['STRONG', 'SESSION']) {
      for (const [round, writer] of clients.entries()) {
        const text = `${level} ${round}`
        expect((await writer.ask(put, { variables: { id: 'shared', text } })).body).toEqual({ data: { putNote: { id: 'shared', text } } })
        for (const reader of clients) {
          expect((await reader.ask(get, { variables: { id: 'shared' }, headers: { 'x-consistency': level } })).body).toEqual({ data: { note: { id: 'shared', text } } })
        }
      }
    }
    for (const client of clients) client.leave()
  })

  test('a subscription through one is told of writes through the other, over a WebSocket and as an event stream', async () => {
    const socket = await new WsClient(hub.url).opened()
    socket.send({ type: 'connection_init' })
    expect((await socket.next()).type).toBe('connection_ack')
    socket.send({ type: 'subscribe', id: '1', payload: { query: 'subscription { noteChanged(initial: false) { type key after { text } } }' } })
    const left = new AbortController()
    const stream = await fetch(`${hub.url}/graphql`, { method: 'POST', signal: left.signal, headers: { 'content-type': 'application/json', accept: 'text/event-stream' }, body: JSON.stringify({ query: 'subscription { noteChanged(initial: false) { key after { text } } }' }) })
    const events = stream.body?.pipeThrough(new TextDecoderStream()).getReader()
    const clients = [hub.client(), hub.client()]
    const subscribed = () => clients[0]!.send('/metrics').then(({ text }) => /^graphql_subscriptions_open\{transport="sse"\} 1$/m.test(text) && /^graphql_subscriptions_open\{transport="websocket"\} 1$/m.test(text))
    await eventually('both subscriptions are open', subscribed)
    for (const [index, client] of clients.entries()) await client.ask(put, { variables: { id: `told ${index}`, text: 'new' } })
    const told = [await socket.next(), await socket.next()]
    expect(told.map(({ payload }) => payload.data.noteChanged.key)).toEqual(['told 0', 'told 1'])
    let text = ''
    while (!text.includes('told 1')) text += (await events?.read())?.value ?? ''
    expect(text).toContain('told 0')
    left.abort()
    socket.socket.close()
    await socket.closed
    await eventually('both subscriptions are over', async () => !(await subscribed()))
    for (const client of clients) client.leave()
  })

  test('a request is answered with the status, the headers and the words of a hub without workers', async () => {
    const client = hub.client()
    const refused = await client.ask('{ nothing }')
    expect([refused.status, refused.body.errors[0].extensions.code, refused.headers['x-content-type-options']]).toEqual([200, 'GRAPHQL_VALIDATION_FAILED', 'nosniff'])
    const own = await client.send('/livez', { headers: { 'x-request-id': 'mine' } })
    expect([own.status, own.headers['x-request-id'], own.body]).toEqual([200, 'mine', { status: 'live' }])
    const large = await client.send('/graphql', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query: get, variables: { id: 'x'.repeat(2_000_000) } }) })
    expect([large.status, large.body.errors[0].extensions.code]).toEqual([413, 'PAYLOAD_TOO_LARGE'])
    const head = await client.send('/livez', { method: 'HEAD' })
    expect([head.status, head.text]).toEqual([200, ''])
    client.leave()
  })

  test('as many at once as come, each with a connection of its own, are all answered', async () => {
    const clients = Array.from({ length: 1_500 }, () => hub.client())
    const answers = await Promise.all(clients.map((client, index) => client.ask(put, { variables: { id: `crowd ${index}` } })))
    expect(answers.filter(({ status, body }) => status !== 200 || body.errors)).toEqual([])
    for (const client of clients) client.leave()
  })

  test('figures are those of all processes together', async () => {
    const clients = [hub.client(), hub.client(), hub.client(), hub.client()]
    const counted = async () => {
      const { text } = await clients[0]!.send('/metrics')
      const sum = (pattern: RegExp) => [...text.matchAll(pattern)].reduce((total, [, value]) => total + Number(value), 0)
      return { answers: sum(/^http_responses_total\{route="\/graphql",status="200"\} (\d+)$/gm), queries: sum(/^graphql_request_duration_seconds_count\{(?=.*"query")(?=.*"http").*\} (\d+)$/gm), restarts: sum(/^hub_worker_restarts_total (\d+)$/gm) }
    }
    const before = await counted()
    for (let round = 0; round < 25; round++) for (const client of clients) await client.ask(get, { variables: { id: 'shared' } })
    const after = await counted()
    expect([after.answers - before.answers, after.queries - before.queries, after.restarts]).toEqual([100, 100, 0])
    for (const client of clients) client.leave()
  })

  test('a body that a client hides behind hop-by-hop headers is not taken for a request of its own', async () => {
    const inner = 'GET /livez HTTP/1.1\r\nhost: localhost\r\nx-request-id: smuggled\r\n\r\n'
    const { port, hostname } = new URL(hub.url)
    const socket = connect(Number(port), hostname)
    socket.write(`GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: content-length, close\r\ncontent-length: ${inner.length}\r\n\r\n${inner}`)
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(1)
    const next = await hub.client().send('/livez')
    expect(next.headers['x-request-id']).not.toBe('smuggled')
  })
})

test('a worker killed in the middle of writes loses none that was answered, and another takes its place', async () => {
  const hub = await startWorkers(catalog)
  try {
    const written = new Set<string>()
    const stop = new AbortController()
    const failures: unknown[] = []
    const write = async (name: string) => {
      let client = hub.client()
      for (let count = 0; !stop.signal.aborted; count++) {
        const id = `${name}-${count}`
        try {
          const { body } = await client.ask(put, { variables: { id, text: id } })
          if (body?.data?.putNote?.id === id) written.add(id)
        } catch (error) {
          // The connection ended with its worker: whether the write was done is not known, and nobody said so.
          failures.push(error)
          client.leave()
          client = hub.client()
        }
      }
      client.leave()
    }
    // So many that the worker killed first has some of their connections.
    const writers = Array.from({ length: 16 }, (_, index) => write(`w${index}`))
    for (let kill = 0; kill < 3; kill++) {
      const before = written.size
      await eventually('writes go on', async () => written.size > before + 50, 30_000)
      const [victim = 0] = hub.pids()
      process.kill(victim, 'SIGKILL')
      await eventually('another one serves in its place', async () => !hub.pids().includes(victim), 30_000)
    }
    stop.abort()
    await Promise.all(writers)
    await hub.complete()
    expect(failures.length).toBeGreaterThan(0)
    const client = hub.client()
    const lost: string[] = []
    for (const id of written) if ((await client.ask(get, { variables: { id } })).body.data.note?.text !== id) lost.push(id)
    expect(lost).toEqual([])
    expect((await client.send('/metrics')).text).toMatch(/^hub_worker_restarts_total 3$/m)
    client.leave()
  } finally {
    await hub.close()
  }
})

test('a hub asked to stop ends subscriptions with their reason, lets what is under way end, and leaves no process', async () => {
  const hub = await startWorkers(catalog)
  try {
    const socket = await new WsClient(hub.url).opened()
    socket.send({ type: 'connection_init' })
    await socket.next()
    socket.send({ type: 'subscribe', id: '1', payload: { query: 'subscription { noteChanged(initial: false) { key } }' } })
    const client = hub.client()
    await eventually('it is subscribed', async () => /^graphql_subscriptions_open\{transport="websocket"\} 1$/m.test((await client.send('/metrics')).text))
    const pids = hub.pids()
    // Two requests whose heads have arrived: one that is announced with its length, one that is not.
    const body = '{"query":"{ note(id: 1) { id } }"}'
    const late = [{ 'content-length': String(body.length) }, { 'transfer-encoding': 'chunked' }].map(length => request(`${hub.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', expect: '100-continue', ...length } }))
    await Promise.all(late.map(one => {
      one.flushHeaders()
      return once(one, 'continue')
    }))
    const stopped = hub.program.stop()
    await eventually('nobody is let in any more', () => isRefused(hub.url))
    expect((await socket.next()).payload[0].extensions.code).toBe('SHUTTING_DOWN')
    for (const one of late) one.end(body)
    for (const [answer] of await Promise.all(late.map(one => once(one, 'response')))) {
      expect(answer.statusCode).toBe(200)
      answer.resume()
    }
    const { code, err } = await stopped
    expect([code, err]).toEqual([0, ''])
    expect((await socket.closed).code).toBe(1001)
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  } finally {
    await hub.close()
  }
})

test('workers end with the process that owns the hub, and say why', async () => {
  const hub = await startWorkers(catalog)
  const pids = hub.pids()
  const { err } = await hub.program.stop('SIGKILL')
  expect(err).toContain('The process that owns the hub has ended')
  await eventually('no worker is left', async () => pids.every(pid => isGone(pid)))
  await hub.close()
})

test('a port another program has is said before anything is served', async () => {
  const other = createServer()
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
  const folder = catalogFolder({ 'hub.yaml': catalog })
  const { port } = other.address() as AddressInfo
  const { code, err } = await runProgram(['start', 'hub.yaml', `--port=${port}`, '--workers=2'], { cwd: folder.folder })
  expect([code, err.trim()]).toEqual([2, `Port ${port} on "127.0.0.1" is taken by another program. Stop it, or set another port.`])
  other.close()
  folder.remove()
})

/** Whether nobody listens there. */
function isRefused(url: string): Promise<boolean> {
  const { port, hostname } = new URL(url)
  return new Promise(done => {
    const socket = connect(Number(port), hostname)
    socket.once('connect', () => done(false)).once('error', () => done(true))
    socket.once('connect', () => socket.destroy())
  })
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
