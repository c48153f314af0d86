import type { FrontPlugin } from '../../gateway/http/apollo.ts'
import { testFront, type TestFront } from '../support/front.ts'

const fronts: TestFront[] = []
const open = async (options: Parameters<typeof testFront>[0] = {}) => {
  const front = await testFront({ ...options, settings: { fastPath: true, ...(options.settings as object | undefined) } })
  fronts.push(front)
  return front
}
afterEach(() => Promise.all(fronts.splice(0).map(front => front.drain())))

interface Request {
  readonly query: string
  readonly variables?: unknown
  readonly operationName?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Everything of the answer but what differs from one request to the next. */
async function answered(front: TestFront, { headers, ...body }: Request) {
  const response = await fetch(`${front.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', 'x-request-id': 'the-same', ...headers }, body: JSON.stringify(body) })
  const { date: _, ...kept } = Object.fromEntries(response.headers)
  return { status: response.status, headers: kept, text: await response.text() }
}

const modern = { accept: 'application/graphql-response+json' }
const requests: readonly Request[] = [
  { query: '{ hello }' },
  { query: '{ b: hello(name: "b") a: hello }', headers: modern },
  { query: 'query Greet($name: String) { hello(name: $name) }', variables: { name: 'Ada' }, operationName: 'Greet' },
  { query: 'query Greet($name: String) { hello(name: $name) }', variables: { name: 7 } },
  { query: 'query Greet($name: String) { hello(name: $name) }', variables: { name: 7 }, headers: modern },
  { query: 'query A { hello } query B { whoami { tenant requestId } }', operationName: 'B' },
  { query: 'query A { hello } query B { whoami { tenant requestId } }', operationName: 'C' },
  { query: 'query A { hello } query B { whoami { tenant requestId } }', headers: modern },
  { query: '{ hello fails }' },
  { query: '{ hello breaks }', headers: modern },
  { query: '{ hello }', headers: { 'x-hub-explain': '1' } },
  { query: 'query ($n: Int) { airports(first: $n) { totalCount } }', variables: { n: 1_000_000_000 } },
  { query: 'query ($n: Int) { airports(first: $n) { totalCount } }', variables: { n: 1 } },
  { query: 'mutation { put(name: "x") }' },
  { query: 'subscription { counted(to: 1) { number } }' },
  { query: '{ nothing }' },
  { query: '{ hello' },
  { query: '{ __schema { queryType { name } } }' },
]

test('a document that passed the pipeline is answered the same when it comes again, and with the fast path off', async () => {
  const [on, off] = [await open(), await open({ settings: { fastPath: false } })]
  for (const request of requests) {
    const first = await answered(off, request)
    for (const front of [off, on, on, on]) expect(await answered(front, request)).toEqual(first)
  }
})

/** A plugin that counts the requests it is shown. */
function counting(sees?: 'first'): { readonly plugin: FrontPlugin; count: number } {
  const seen = { count: 0, plugin: { ...(sees ? { sees } : {}), requestDidStart: async () => void seen.count++ } }
  return seen
}

test('the pipeline sees every document once, and every request where a plugin asks for that or the fast path is off', async () => {
  const [first, every, off] = [counting('first'), counting(), counting('first')]
  const cases = [[first, {}, 2], [every, {}, 6], [off, { fastPath: false }, 6]] as const
  for (const [seen, settings, expected] of cases) {
    const front = await open({ settings, more: { plugins: [seen.plugin] } })
    for (const query of ['{ hello }', '{ hello }', '{ hello }', '{ again: hello }', '{ again: hello }', '{ hello }']) await front.ask(query)
    expect(seen.count).toBe(expected)
  }
})

test('a new graph proves its documents anew', async () => {
  const front = await open()
  const ask = () => front.ask('{ hello near { id } }', { headers: modern })
  expect([(await ask()).status, (await ask()).status]).toEqual([200, 200])
  front.hub.replace(front.graph.schema(['hello(name: String): String']))
  expect((await ask()).body.errors?.[0]?.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED')
})

test('limits of cost and rate, and who calls, are looked at each time', async () => {
  const front = await open({ settings: { limits: { requestsPerMinute: 4, maxCost: 10 } } })
  const ask = async (first: number) => (await front.ask('query ($first: Int) { airports(first: $first) { totalCount } }', { variables: { first } })).body.errors?.[0]?.extensions.code
  expect([await ask(10), await ask(11), await ask(10), await ask(11), await ask(10)]).toEqual([undefined, 'QUERY_TOO_COMPLEX', undefined, 'QUERY_TOO_COMPLEX', 'RATE_LIMITED'])
})
