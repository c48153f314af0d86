import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { openTrino, type TrinoClient } from '../../../connectors/trino/client.ts'
import type { TrinoOptions } from '../../../connectors/trino/options.ts'

/** A server that answers what no Trino can be made to answer on request. */
let server: Server
let base: string
let answers: (request: IncomingMessage, response: ServerResponse) => void
let seen: IncomingMessage[]
const clients: TrinoClient[] = []

beforeEach(async () => {
  seen = []
  server = createServer((request, response) => {
    seen.push(request)
    request.resume().on('end', () => answers(request, response))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  base = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : ''
})
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

const open = (options: Partial<TrinoOptions> = {}) => {
  const client = openTrino({ url: base, user: 'hub', ...options })
  clients.push(client)
  return client
}
const run = (client: TrinoClient) => client.run({ sql: 'SELECT 1', signal: AbortSignal.timeout(10_000), later: async work => work() })
const send = (response: ServerResponse, status: number, body: object = {}) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
const last = { id: 'q', columns: [{ name: 'a', type: 'integer', typeSignature: { rawType: 'integer', arguments: [] } }], data: [[1]] }

test('an answer 502, 503 or 504 is asked for again', async () => {
  answers = (request, response) => {
    const failed = [502, 503, 504][seen.length - 1]
    if (failed !== undefined) send(response, failed)
    else if (request.method === 'POST') send(response, 200, { id: 'q', nextUri: `${base}/v1/statement/executing/q/1` })
    else send(response, 200, last)
  }
  const result = await run(open())
  expect(await result.next()).toEqual([[1]])
  expect(seen.map(({ method }) => method)).toEqual(['POST', 'POST', 'POST', 'POST', 'GET'])
})

test('one that stays away is told when its time is over', async () => {
  answers = (_request, response) => send(response, 503)
  await expect(run(open({ retryMs: 200 }))).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: expect.stringContaining('503') })
  expect(seen.length).toBeGreaterThan(1)
})

test('credentials go with every request, to the configured host alone, and into no message', async () => {
  answers = (request, response) => (request.method === 'POST' ? send(response, 200, { id: 'q', nextUri: 'http://elsewhere.invalid:1/v1/statement/queued/q/1?x=2' }) : send(response, 401, { message: 's3cret' }))
  for (const auth of [{ kind: 'basic', password: 's3cret' }, { kind: 'jwt', token: () => 's3cret' }] as const) {
    const error: unknown = await run(open({ auth, clientTags: ['a', 'b'] })).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('credentials') })
    expect(JSON.stringify(error) + String(error)).not.toContain('s3cret')
  }
  expect(seen.map(({ url, headers }) => [url, headers.authorization, headers['x-trino-user'], headers['x-trino-source'], headers['x-trino-client-tags']])).toEqual(
    [['Basic aHViOnMzY3JldA==', '/v1/statement'], ['Basic aHViOnMzY3JldA==', '/v1/statement/queued/q/1?x=2'], ['Bearer s3cret', '/v1/statement'], ['Bearer s3cret', '/v1/statement/queued/q/1?x=2']]
      .map(([authorization, url]) => [url, authorization, 'hub', 'tributary', 'a,b']))
})

test('a statement Trino forgot is told as such', async () => {
  answers = (request, response) => (request.method === 'POST' ? send(response, 200, { id: 'q', nextUri: `${base}/v1/statement/executing/q/1` }) : send(response, 404))
  await expect(run(open())).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: expect.stringContaining('restarted') })
})

test('an abort while the statement waits ends it there', async () => {
  const controller = new AbortController()
  const reason = new Error('left')
  answers = (request, response) => {
    if (request.method === 'POST') send(response, 200, { id: 'q', nextUri: `${base}/v1/statement/queued/q/1` })
    else if (request.method === 'DELETE') send(response, 204)
    else controller.abort(reason)
  }
  const ended: Promise<void>[] = []
  await expect(open().run({ sql: 'SELECT 1', signal: controller.signal, later: work => void ended.push(work()) })).rejects.toBe(reason)
  await Promise.all(ended)
  expect(seen.map(({ method, url }) => `${method} ${url}`)).toEqual(['POST /v1/statement', 'GET /v1/statement/queued/q/1', 'DELETE /v1/statement/queued/q/1'])
})
