import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readTrustedDocuments } from '../../gateway/limits/persisted.ts'
import { HubError } from '../../schema/errors.ts'
import { counting, testFront, type TestFront } from '../support/front.ts'
import { type Issuer, openIssuer } from '../support/oidc-issuer.ts'
import { MovedClock } from '../support/scope.ts'
import { WsClient } from '../support/ws-client.ts'

let front: TestFront
const open = async (options: Parameters<typeof testFront>[0] = {}) => {
  front = await testFront(options)
  return front
}
afterEach(() => front.drain())

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const persisted = (text: string) => ({ persistedQuery: { version: 1, sha256Hash: sha256(text) } })
const codeOf = (answer: { body: { errors?: readonly { extensions: { code: string } }[] } }) => answer.body.errors?.[0]?.extensions.code
const askByHash = async (text: string) => {
  const response = await fetch(`${front.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ extensions: persisted(text) }) })
  return { status: response.status, body: (await response.json()) as { data?: unknown; errors?: { message: string; extensions: { code: string } }[] } }
}

describe('limits', () => {
  test('refuse an operation for its shape and its cost, with the figure and the limit', async () => {
    await open({ settings: { limits: { maxDepth: 3, maxCost: 100 } } })
    const deep = await front.ask('{ airports(first: 1) { nodes { near(first: 1) { nodes { id } } } } }', { headers: { accept: 'application/graphql-response+json' } })
    expect([deep.status, codeOf(deep), deep.body.errors?.[0]?.extensions['found'], deep.body.errors?.[0]?.extensions['limits']]).toEqual([400, 'QUERY_TOO_COMPLEX', { depth: 5 }, { depth: 3 }])
    const dear = await front.ask('query($n: Int) { airports(first: $n) { totalCount } }', { variables: { n: 101 } })
    expect([codeOf(dear), dear.body.errors?.[0]?.extensions['found']]).toEqual(['QUERY_TOO_COMPLEX', { cost: 101 }])
    expect((await front.ask('query($n: Int) { airports(first: $n) { totalCount } }', { variables: { n: 100 } })).body.data).toEqual({ airports: { totalCount: 0 } })
  })

  test('refuse who asks too often, and say when to come back', async () => {
    const clock = new MovedClock()
    await open({ settings: { limits: { requestsPerMinute: 2 } }, clock })
    const statuses = [await front.ask('{ hello }'), await front.ask('{ hello }'), await front.ask('{ hello }')]
    expect(statuses.map(({ status }) => status)).toEqual([200, 200, 429])
    expect([codeOf(statuses[2]!), statuses[2]?.headers.get('retry-after')]).toEqual(['RATE_LIMITED', '30'])
    clock.advance(30_000)
    expect((await front.ask('{ hello }')).status).toBe(200)
  })

  test('end a request at its deadline: 504, and the work is told', async () => {
    const clock = new MovedClock()
    await open({ settings: { requestTimeoutMs: 5_000 }, clock })
    const answer = front.ask('{ slow }')
    const scope = await front.graph.asked.promise
    expect(scope.deadlineMs).toBe(clock.now() + 5_000)
    clock.advance(5_000)
    expect([(await answer).status, codeOf(await answer), (scope.signal.reason as HubError).code]).toEqual([504, 'TIMEOUT', 'TIMEOUT'])
  })

  test('tell the work when the client leaves', async () => {
    await open()
    const leaving = new AbortController()
    const left = fetch(`${front.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"query":"{ slow }"}', signal: leaving.signal }).catch((error: Error) => error.name)
    const { signal } = await front.graph.asked.promise
    const aborted = new Promise(resolve => signal.addEventListener('abort', resolve))
    leaving.abort()
    await aborted
    expect([await left, (signal.reason as HubError).code]).toEqual(['AbortError', 'CANCELLED'])
  })

  test('keep the schema from being read where introspection is off', async () => {
    await open({ settings: { introspection: false } })
    expect(codeOf(await front.ask('{ __schema { types { name } } }'))).toBe('GRAPHQL_VALIDATION_FAILED')
    const client = await new WsClient(front.url).init()
    client.subscribe('1', '{ __schema { types { name } } }')
    expect(await client.next()).toMatchObject({ type: 'error' })
    client.socket.terminate()
  })

  test('cut a client that sends its head too slowly', async () => {
    await open({ settings: { headersTimeoutMs: 50 } })
    const socket = connect(front.port, '127.0.0.1')
    socket.write('POST /graphql HTTP/1.1\r\nhost: localhost\r\n')
    const answer = await new Promise<string>(resolve => {
      let text = ''
      socket.on('data', data => {
        text += data
      })
      socket.on('close', () => resolve(text))
    })
    expect(answer).toMatch(/^HTTP\/1\.1 408 /)
  })
})

describe('persisted documents', () => {
  test('are registered with their text and then run by their hash', async () => {
    await open()
    const unknown = await askByHash('{ hello }')
    expect([unknown.body.errors?.[0]?.message, codeOf(unknown)]).toEqual(['PersistedQueryNotFound', 'PERSISTED_QUERY_NOT_FOUND'])
    await front.ask('{ hello }', { extensions: persisted('{ hello }') })
    expect((await askByHash('{ hello }')).body).toEqual({ data: { hello: 'hello world' } })
  })

  test('of the trusted list are the only ones taken where it says so, on every transport', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'trusted-'))
    const file = join(folder, 'documents.json')
    await writeFile(file, JSON.stringify({ [sha256('{ hello }')]: '{ hello }' }))
    await open({ settings: { persisted: { mode: 'only', trusted: await readTrustedDocuments(file) } } })
    await rm(folder, { recursive: true })
    expect((await askByHash('{ hello }')).body).toEqual({ data: { hello: 'hello world' } })
    const other = await front.ask('{ whoami { tenant } }')
    expect([other.status, codeOf(other)]).toEqual([403, 'UNTRUSTED_DOCUMENT'])
    const client = await new WsClient(front.url).init()
    client.subscribe('1', '{ whoami { tenant } }')
    expect(await client.next()).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'UNTRUSTED_DOCUMENT' } }] })
    client.subscribe('2', '', { extensions: persisted('{ hello }') })
    expect(await client.next()).toMatchObject({ id: '2', payload: { data: { hello: 'hello world' } } })
    client.socket.terminate()
  })
})

describe('callers', () => {
  const clock = new MovedClock()
  let issuer: Issuer
  beforeAll(async () => {
    issuer = await openIssuer(() => clock.now())
  })
  afterAll(() => issuer.close())
  const closed = () => open({ clock, settings: { subscriptions: { pingIntervalMs: 1_000_000 } }, auth: { oidc: { issuer: issuer.url, audience: 'tributary' }, apiKeys: [{ id: 'loader', sha256: sha256('key'), tenant: 'umbrella' }] } })
  const who = '{ whoami { tenant subject } }'

  test('are asked who they are: 401 with the ways to say so', async () => {
    await closed()
    const none = await front.ask(who)
    expect([none.status, codeOf(none), none.headers.get('www-authenticate')]).toEqual([401, 'UNAUTHENTICATED', 'Bearer realm="tributary", ApiKey realm="tributary"'])
    const bad = await front.ask(who, { headers: { authorization: 'Bearer abc' } })
    expect([bad.status, bad.headers.get('www-authenticate')]).toEqual([401, expect.stringContaining('error="invalid_token"')])
    expect((await front.ask(who, { headers: { authorization: `Bearer ${await issuer.sign({ tenant: undefined })}` } })).status).toBe(403)
  })

  test('get their own tenant, over HTTP and over a WebSocket', async () => {
    await closed()
    expect((await front.ask(who, { headers: { authorization: `Bearer ${await issuer.sign({})}` } })).body.data).toEqual({ whoami: { tenant: 'acme', subject: 'ann' } })
    expect((await front.ask(who, { headers: { 'x-api-key': 'key' } })).body.data).toEqual({ whoami: { tenant: 'umbrella', subject: 'loader' } })
    const client = await new WsClient(front.url).init({ token: await issuer.sign({}) })
    client.subscribe('1', who)
    expect(await client.next()).toMatchObject({ payload: { data: { whoami: { tenant: 'acme' } } } })
    client.socket.terminate()
  })

  test('without proof are closed at connection_init with 4401', async () => {
    await closed()
    const client = await new WsClient(front.url).opened()
    client.send({ type: 'connection_init' })
    expect((await client.closed).code).toBe(4401)
  })

  test('are closed with 4403 when their token expires', async () => {
    await closed()
    const client = await new WsClient(front.url).init({ token: await issuer.sign({}) })
    clock.advance(305_000)
    expect(await client.closed).toEqual({ code: 4403, reason: expect.stringContaining('expired') })
  })

  test('lose their event stream when their token expires', async () => {
    await closed()
    const response = await fetch(`${front.url}/graphql?${new URLSearchParams({ query: 'subscription { counted { number cursor } }' })}`, {
      headers: { accept: 'text/event-stream', authorization: `Bearer ${await issuer.sign({})}` },
    })
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    while (!text.includes('id: c1')) text += (await reader.read()).value ?? ''
    clock.advance(305_000)
    for (let step = await reader.read(); !step.done; step = await reader.read()) text += step.value
    expect(text).toMatch(/"UNAUTHENTICATED".*\n\nevent: complete/)
  })
})

describe('pages of other origins', () => {
  const preflight = (origin: string) => fetch(`${front.url}/graphql`, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } })

  test('may not read an answer unless their origin is allowed', async () => {
    await open({ settings: { corsOrigins: ['https://app.example'] } })
    const [good, bad] = [await preflight('https://app.example'), await preflight('https://evil.example')]
    expect([good.status, good.headers.get('access-control-allow-origin'), good.headers.get('access-control-allow-methods')]).toEqual([204, 'https://app.example', expect.stringContaining('POST')])
    expect([bad.headers.get('access-control-allow-origin'), bad.headers.get('access-control-allow-methods')]).toEqual([null, null])
  })

  test('that make their own name lead to an open hub are refused', async () => {
    await open()
    const socket = connect(front.port, '127.0.0.1')
    socket.end('GET /console HTTP/1.1\r\nhost: rebound.example\r\nconnection: close\r\n\r\n')
    let text = ''
    for await (const data of socket) text += data
    expect(text).toMatch(/^HTTP\/1\.1 403 /)
  })
})

describe('health', () => {
  test('is ready unless a required part is down, and lists the parts when asked', async () => {
    await open()
    const ready = async (search = '') => {
      const response = await fetch(`${front.url}/readyz${search}`)
      return [response.status, await response.json()]
    }
    expect(await ready()).toEqual([200, { status: 'ready' }])
    front.hub.components = [{ name: 'sql-engine', state: 'down', required: false, message: 'It does not answer.' }]
    expect(await ready('?verbose')).toEqual([200, { status: 'degraded', components: front.hub.components }])
    front.hub.components = [{ name: 'region-store', state: 'down', required: true }]
    expect(await ready()).toEqual([503, { status: 'unready' }])
    expect((await fetch(`${front.url}/livez`)).status).toBe(200)
  })

  test('is counted: metrics in Prometheus\' format, one line of log a request, without variables', async () => {
    await open()
    await front.ask('query Hi($n: String) { hello(name: $n) fails }', { variables: { n: 'secret-value' }, headers: { 'x-request-id': 'm1' } })
    const text = await (await fetch(`${front.url}/metrics`)).text()
    expect(text).toMatch(/^graphql_request_duration_seconds_count\{transport="http",operation_type="query"\} 1$/m)
    expect(text).toMatch(/^graphql_errors_total\{code="NOT_FOUND"\} 1$/m)
    expect(text).toMatch(/^graphql_requests_in_flight 0$/m)
    const line = front.entries.find(({ message, fields }) => message === 'request' && fields?.['requestId'] === 'm1')
    expect(line?.fields).toMatchObject({ method: 'POST', route: '/graphql', status: 200, tenant: 'public', operationName: 'Hi', operationType: 'query', codes: ['NOT_FOUND'], durationMs: expect.any(Number) })
    expect(JSON.stringify(front.entries)).not.toContain('secret-value')
  })
})

describe('a drain', () => {
  test('lets requests under way end, refuses new ones, ends subscriptions with their cursor, and closes', async () => {
    await open({ settings: { drainTimeoutMs: 60_000 } })
    const client = await new WsClient(front.url).init()
    client.subscribe('1', 'subscription { counted { number cursor } }')
    await client.next()
    const underWay = front.ask('{ slow }')
    await front.graph.asked.promise
    const drained = front.drain()
    expect(await client.next()).toMatchObject({ id: '1', type: 'error', payload: [{ extensions: { code: 'SHUTTING_DOWN', cursor: 'c1', retryable: true } }] })
    await expect(fetch(`${front.url}/livez`)).rejects.toThrow()
    front.graph.slow.resolve('done')
    expect((await underWay).body).toEqual({ data: { slow: 'done' } })
    expect(await client.closed).toMatchObject({ code: 1001 })
    await drained
  })

  test('gives up at its limit', async () => {
    const clock = new MovedClock()
    await open({ settings: { drainTimeoutMs: 1_000, requestTimeoutMs: 60_000 }, clock })
    const underWay = front.ask('{ slow }').catch((error: Error) => error.name)
    await front.graph.asked.promise
    const drained = front.drain()
    clock.advance(1_000)
    await drained
    expect(await underWay).toBe('TypeError')
  })

  test('waits for work behind an answer', async () => {
    await open()
    let finish = () => {}
    const order: string[] = []
    front.graph.events = async function* (scope) {
      scope.later(() => new Promise<void>(resolve => { finish = () => { order.push('work'); resolve() } }))
      yield* counting(scope, 1)
    }
    await (await fetch(`${front.url}/graphql?${new URLSearchParams({ query: 'subscription { counted { number } }' })}`, { headers: { accept: 'text/event-stream' } })).text()
    const drained = front.drain().then(() => order.push('drained'))
    finish()
    await drained
    expect(order).toEqual(['work', 'drained'])
  })
})

describe('a browser', () => {
  test('gets the explorer\'s files by name, with a policy, and nothing beside them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'console-'))
    await writeFile(join(folder, 'index.html'), '<p>explorer</p>')
    await open({ more: { consoleFolder: folder } })
    const page = await fetch(`${front.url}/graphql`, { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } })
    expect([page.status, await page.text(), page.headers.get('content-type'), page.headers.get('content-security-policy')]).toEqual([200, '<p>explorer</p>', 'text/html; charset=utf-8', expect.stringContaining('script-src \'self\'')])
    const link = await fetch(`${front.url}/graphql?query=${encodeURIComponent('{ __typename }')}`, { headers: { accept: 'text/html' } })
    expect([link.status, await link.text()]).toEqual([200, '<p>explorer</p>'])
    const again = await fetch(`${front.url}/console`, { headers: { 'if-none-match': page.headers.get('etag') ?? '' } })
    expect(again.status).toBe(304)
    for (const path of ['..%2f..%2fpackage.json', '%2e%2e/package.json', 'assets/../../package.json']) expect((await fetch(`${front.url}/console/${path}`)).status).toBe(404)
    await rm(folder, { recursive: true })
  })

  test('is told how to build the explorer where it is missing', async () => {
    await open({ more: { consoleFolder: join(tmpdir(), 'no-such-folder') } })
    const page = await fetch(`${front.url}/graphql`, { headers: { accept: 'text/html' } })
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('node gateway/console/build.ts')])
  })
})

test('routes of others get a scope, parameters and a body, and their failures are problems', async () => {
  await open({
    more: {
      routes: [
        { method: 'POST', path: '/api/things/{name}', answer: async ({ params, scope, json }) => ({ status: 201, body: { ...params, tenant: scope.tenant, body: await json() } }) },
        { method: 'GET', path: '/api/things/{name}', answer: async ({ params }) => { throw new HubError('NOT_FOUND', `There is no thing "${params['name']}".`) } },
      ],
    },
  })
  const made = await fetch(`${front.url}/api/things/a%2Fb`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"x":1}' })
  expect([made.status, await made.json()]).toEqual([201, { name: 'a/b', tenant: 'public', body: { x: 1 } }])
  const missing = await fetch(`${front.url}/api/things/c`)
  expect([missing.status, missing.headers.get('content-type'), await missing.json()]).toEqual([404, 'application/problem+json; charset=utf-8', expect.objectContaining({ code: 'NOT_FOUND', detail: 'There is no thing "c".' })])
  expect((await fetch(`${front.url}/api/things/c`, { method: 'PUT' })).headers.get('allow')).toBe('GET, POST')
})
