import { serverAudits } from 'graphql-http'
import { HubError } from '../../schema/errors.ts'
import { testFront, type TestFront } from '../support/front.ts'

let front: TestFront
beforeAll(async () => {
  front = await testFront({ settings: { maxBodyBytes: 4096, headersTimeoutMs: 60_000 } })
})
afterAll(() => front.drain())

const post = (body: string | Buffer, headers: Record<string, string> = { 'content-type': 'application/json' }) => fetch(`${front.url}/graphql`, { method: 'POST', headers, body })

describe('GraphQL over HTTP, the audit of graphql-http', () => {
  for (const audit of serverAudits({ url: () => `${front.url}/graphql` })) {
    // Its MAY about GET without any preflighted header is what the guard against forged requests refuses.
    test(`${audit.id} ${audit.name}`, async () => {
      const result = await audit.fn()
      if (audit.name.startsWith('MAY ')) expect(['ok', 'notice']).toContain(result.status)
      else expect({ status: result.status, reason: 'reason' in result ? result.reason : '' }).toEqual({ status: 'ok', reason: '' })
    })
  }
})

describe('an answer', () => {
  test('carries data in the type that was asked for', async () => {
    const { status, headers, body } = await front.ask('{ hello }', { headers: { accept: 'application/graphql-response+json' } })
    expect([status, headers.get('content-type'), body]).toEqual([200, 'application/graphql-response+json; charset=utf-8', { data: { hello: 'hello world' } }])
  })

  test('names the request: the client\'s id if it is well formed, else a new one', async () => {
    const own = await front.ask('{ whoami { requestId } }', { headers: { 'x-request-id': 'abc-1' } })
    expect([own.headers.get('x-request-id'), own.body.data]).toEqual(['abc-1', { whoami: { requestId: 'abc-1' } }])
    const other = await front.ask('{ hello }', { headers: { 'x-request-id': 'a b"c' } })
    expect(other.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('says what was read when the client asks, and only then', async () => {
    const { body } = await front.ask('{ hello }', { headers: { 'x-hub-explain': '1' } })
    expect(body.extensions).toEqual({ hub: { reads: [{ path: 'hello', from: 'region', name: 'greetings', engine: 'memory', rows: 1, ageMs: 0 }], plan: { steps: [{ engine: 'memory', table: 'greetings', reason: 'Region "greetings" holds the rows and is asked first.', reads: 1, rows: 1 }] }, consistency: { level: 'STRONG', from: 'default' } } })
    expect((await front.ask('{ hello }')).body.extensions).toBeUndefined()
  })

  test('has the headers that keep browsers from misusing it', async () => {
    const { headers } = await front.ask('{ hello }')
    expect([headers.get('x-content-type-options'), headers.get('x-frame-options'), headers.get('cache-control'), headers.get('access-control-allow-origin')]).toEqual(['nosniff', 'DENY', 'no-store', null])
  })
})

describe('an error', () => {
  test('of the hub carries its code, status, request id and hint, with the rest of the data', async () => {
    const { status, body } = await front.ask('{ hello fails }', { headers: { 'x-request-id': 'r1' } })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      data: { hello: 'hello world', fails: null },
      errors: [{ message: 'Region "airprots" is not declared. Did you mean "airports"?', path: ['fails'], extensions: { code: 'NOT_FOUND', http: { status: 404 }, requestId: 'r1', hint: 'Declare it.' } }],
    })
  })

  test('nobody expected hides its detail from the client and keeps it in the log', async () => {
    const { body } = await front.ask('{ breaks }', { headers: { 'x-request-id': 'r2' } })
    expect(body.errors?.[0]).toMatchObject({ extensions: { code: 'INTERNAL', http: { status: 500 }, requestId: 'r2' } })
    expect(JSON.stringify(body)).not.toContain('secret-detail')
    const logged = front.entries.find(({ level, fields }) => level === 'error' && fields?.['requestId'] === 'r2')
    expect(String(logged?.fields?.['error'])).toContain('secret-detail')
  })

  test.each([
    ['{', 'GRAPHQL_PARSE_FAILED', 400],
    ['{ nothing }', 'GRAPHQL_VALIDATION_FAILED', 400],
    ['query A { hello } query B { hello }', 'BAD_USER_INPUT', 400],
    ['subscription { counted { number } }', 'BAD_USER_INPUT', 400],
  ])('of the document %s is %s', async (query, code, status) => {
    const strict = await front.ask(query, { headers: { accept: 'application/graphql-response+json' } })
    expect([strict.status, strict.body.errors?.[0]?.extensions.code, 'data' in strict.body]).toEqual([status, code, false])
    expect((await front.ask(query)).status).toBe(200)
  })
})

describe('a body', () => {
  test('above the limit is refused with 413, by its head and while it streams', async () => {
    const told = await post(JSON.stringify({ query: `{ hello(name: "${'x'.repeat(5000)}") }` }))
    expect([told.status, ((await told.json()) as { errors: { extensions: { code: string } }[] }).errors[0]?.extensions.code]).toEqual([413, 'PAYLOAD_TOO_LARGE'])
    const chunk = new TextEncoder().encode('x'.repeat(64 * 1024))
    let left = 160
    const endless = new ReadableStream({
      pull(controller) {
        if (left-- > 0) controller.enqueue(chunk)
        else controller.close()
      },
    })
    const streamed = await fetch(`${front.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: endless, duplex: 'half' } as RequestInit)
    expect(streamed.status).toBe(413)
    expect((await front.ask('{ hello }')).status).toBe(200)
  })

  test.each([
    ['{"query":"{ hello }",}', 400, /line 1, column 22/],
    ['{"query":\n  nope}', 400, /line 2, column 3/],
    ['{"query":"{ hello }"', 400, /ends too early, at line 1, column 21/],
    ['[{"query":"{ hello }"}]', 400, /list/],
    ['{"query":7,"variables":[]}', 400, /"query" is a number.*"variables" is a list/],
    ['{"query":"{ hello }","variables":"{}"}', 400, /"variables" is a string/],
  ])('%s is refused with %d and the place', async (body, status, sentence) => {
    const response = await post(body)
    const [error] = ((await response.json()) as { errors: { message: string; extensions: { code: string; requestId: string } }[] }).errors
    expect([response.status, error?.extensions.code]).toEqual([status, 'BAD_USER_INPUT'])
    expect(error?.message).toMatch(sentence)
    expect(error?.extensions.requestId).toBe(response.headers.get('x-request-id'))
  })

  test('that is not UTF-8 is refused', async () => {
    const response = await post(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]))
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('UTF-8')])
  })

  test.each([{ 'content-type': 'text/plain' }, { 'content-type': 'application/json; charset=latin1' }, { 'content-type': 'application/json', 'content-encoding': 'gzip' }])('with the head %j is refused with 415', async headers => {
    expect((await post('{"query":"{ hello }"}', headers as Record<string, string>)).status).toBe(415)
  })
})

describe('GET', () => {
  const get = (search: Record<string, string>, headers: Record<string, string> = {}) => fetch(`${front.url}/graphql?${new URLSearchParams(search)}`, { headers })

  test('runs a query, with variables as JSON', async () => {
    const response = await get({ query: 'query($n: String) { hello(name: $n) }', variables: '{"n":"you"}' }, { 'apollo-require-preflight': '1' })
    expect(await response.json()).toEqual({ data: { hello: 'hello you' } })
  })

  test('refuses a mutation with 405 and names the method that may', async () => {
    const response = await get({ query: 'mutation { put(name: "x") }' }, { 'apollo-require-preflight': '1' })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
  })

  test('runs no mutation as an event stream either, which a page could open without asking', async () => {
    const opened = await get({ query: 'mutation { put(name: "x") }' }, { accept: 'text/event-stream' })
    expect(await opened.text()).toMatch(/event: next\ndata: {"errors":\[{"message":"A link runs queries and subscriptions, and this is a mutation[\s\S]*"code":"BAD_USER_INPUT"[\s\S]*event: complete/)
    const posted = await fetch(`${front.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', accept: 'text/event-stream' }, body: JSON.stringify({ query: 'mutation { put(name: "x") }' }) })
    expect(await posted.text()).toContain('data: {"data":{"put":"x"}}')
  })

  test('that a page of another site could have made is refused', async () => {
    const response = await get({ query: '{ hello }' })
    expect([response.status, ((await response.json()) as { errors: { extensions: { code: string } }[] }).errors[0]?.extensions.code]).toEqual([403, 'FORBIDDEN'])
  })
})

test('other methods are refused with 405', async () => {
  const response = await fetch(`${front.url}/graphql`, { method: 'DELETE' })
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, POST'])
})

test('what nobody can represent is refused with 406', async () => {
  expect((await front.ask('{ hello }', { headers: { accept: 'image/png' } })).status).toBe(406)
})

test('an unknown path is a problem that names the nearest route', async () => {
  const response = await fetch(`${front.url}/graphq`)
  expect([response.status, response.headers.get('content-type')]).toEqual([404, 'application/problem+json; charset=utf-8'])
  expect(await response.json()).toMatchObject({ status: 404, code: 'NOT_FOUND', detail: 'There is nothing at "/graphq". Did you mean "/graphql"?', request_id: expect.any(String) })
})

test('the port of another program is refused by name', async () => {
  const { openFront } = await import('../../gateway/http/front.ts')
  const { frontSettings } = await import('../../gateway/http/settings.ts')
  const { systemClock } = await import('../../connectors/ports/scope.ts')
  const { anonymous } = await import('../../gateway/auth/identity.ts')
  const { testScope } = await import('../support/scope.ts')
  const auth = { open: true, challenge: () => '', authenticate: async () => anonymous }
  const failed = await openFront({ hub: front.hub, settings: frontSettings.parse({ port: front.port }), clock: systemClock, log: testScope().log, auth, metrics: front.metrics }).catch((error: unknown) => error)
  expect(failed).toBeInstanceOf(HubError)
  expect(failed).toMatchObject({ code: 'IN_USE', message: expect.stringContaining(`Port ${front.port}`) })
})
