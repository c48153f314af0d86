import type { ServerResponse } from 'node:http'
import type { ExecutionResult } from 'graphql'
import { openSupergraph } from '../../gateway/federation/execute.ts'
import { localService } from '../../gateway/federation/local.ts'
import { remoteService } from '../../gateway/federation/remote.ts'
import { SessionToken } from '../../gateway/http/session.ts'
import { HubError } from '../../schema/errors.ts'
import { eventually } from '../support/eventually.ts'
import { ask, inJson, operation, plain, serve, subgraph, type Interference, type Served } from '../support/federation.ts'
import { testScope } from '../support/scope.ts'

const users = subgraph('users', 'type Query { users: [User!] } type User @key(fields: "id") { id: ID! name: String }', { fields: { Query: { users: () => [{ id: '1', name: 'Ada' }, { id: '2', name: 'Grace' }] } } })
const points = subgraph('points', 'type Query { top: Int } type Mutation { reset: Int } type Subscription { ticks: User } type User @key(fields: "id") { id: ID! points: Int strict: Int! }', {
  fields: {
    Query: { top: () => 1 }, Mutation: { reset: () => 0 },
    Subscription: { ticks: { async* subscribe() { yield { ticks: { id: '1' } }; yield { ticks: { id: '2' } } } } },
    User: { points: ({ id }: { id: string }) => { if (id === '2') throw new Error('no points'); return 10 }, strict: () => 1 },
  },
  find: { User: ({ id }) => ({ id }) },
})

const named = subgraph('users', 'type Query { q: Int } type User @key(fields: "id") { id: ID! name: String }', { find: { User: ({ id }) => ({ name: `n${String(id)}` }) } })

const opened: { close?(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close?.()
})

async function graphWith(interfere?: Interference, options: { headers?: Record<string, string>; maxBytes?: number } = {}): Promise<{ graph: ReturnType<typeof openSupergraph>; served: Served }> {
  const served = await serve(points, interfere)
  opened.push(served)
  const remote = await remoteService({ name: 'points', url: served.url, sdl: points.sdl, ...options }, testScope())
  opened.push(remote)
  return { graph: openSupergraph({ services: [localService(users), remote] }), served }
}

const codes = (result: ExecutionResult) => result.errors?.map(error => [error.path?.join('.'), error.extensions['code'], error.extensions['service']])
const send = (status: number, body: string) => (_request: unknown, response: ServerResponse) => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  return true
}
const text = '{ users { name points } }'
const halves = { users: [{ name: 'Ada', points: null }, { name: 'Grace', points: null }] }

test('a subgraph behind HTTP says its SDL and answers entities, with its own errors where they belong', async () => {
  const served = await serve(points)
  opened.push(served)
  const remote = await remoteService({ name: 'points', url: served.url }, testScope())
  opened.push(remote)
  expect(remote.sdl).toBe(points.sdl)
  const result = await ask(openSupergraph({ services: [localService(users), remote] }), '{ u: users { points p: points name } top }')
  expect(plain(result.data)).toEqual({ u: [{ points: 10, p: 10, name: 'Ada' }, { points: null, p: null, name: 'Grace' }], top: 1 })
  expect(codes(result)).toEqual([['u.1.points', 'UPSTREAM_REJECTED', 'points'], ['u.1.p', 'UPSTREAM_REJECTED', 'points']])
})

describe('what goes wrong behind HTTP leaves the rest of the answer', () => {
  test.each([
    ['a status of 500', send(500, '{}'), 'UPSTREAM_UNAVAILABLE'],
    ['a status of 404', send(404, 'no such page'), 'UPSTREAM_REJECTED'],
    ['what is no JSON', send(200, '<html>'), 'UPSTREAM_REJECTED'],
    ['JSON that is no answer', send(200, '{"hello":1}'), 'UPSTREAM_REJECTED'],
    ['entities of another number', send(200, '{"data":{"_entities":[{"points":1}]}}'), 'UPSTREAM_REJECTED'],
    ['a connection cut off', (_request: unknown, response: ServerResponse) => { response.destroy(); return true }, 'UPSTREAM_UNAVAILABLE'],
    ['an error of the whole', send(200, '{"errors":[{"message":"busy","extensions":{"code":"BUSY","stacktrace":["secret"]}}]}'), 'BUSY'],
    ['too much', send(200, `{"data":{"x":"${'x'.repeat(5_000)}"}}`), 'RESULT_TOO_LARGE'],
  ])('%s', async (_title, interfere, code) => {
    const { graph } = await graphWith(interfere, { headers: { authorization: 'Bearer secret' }, maxBytes: 4_000 })
    const result = await ask(graph, text)
    expect(plain(result.data)).toEqual(halves)
    expect(codes(result)).toEqual([['users.0.points', code, 'points'], ['users.1.points', code, 'points']])
    expect(JSON.stringify(result)).not.toContain('secret')
  })

  test('nobody there', async () => {
    const { graph, served } = await graphWith()
    await served.close()
    expect(codes(await ask(graph, text))?.[0]).toEqual(['users.0.points', 'UPSTREAM_UNAVAILABLE', 'points'])
  })

  test('no answer before the deadline', async () => {
    const scope = testScope()
    const { graph } = await graphWith(() => {
      scope.abort(new HubError('TIMEOUT', 'There was no answer within 30000 ms; the work was cancelled.'))
      return true
    })
    const result = await ask(graph, text, { scope })
    expect(plain(result.data)).toEqual(halves)
    expect(codes(result)?.[0]).toEqual(['users.0.points', 'TIMEOUT', 'points'])
  })

  test('a client that leaves', async () => {
    const scope = testScope()
    const { graph } = await graphWith(() => {
      scope.abort(new HubError('CANCELLED', 'The client left.'))
      return true
    })
    expect(codes(await ask(graph, text, { scope }))?.[0]?.[1]).toBe('CANCELLED')
  })

  test('a null that may not be, without an error', async () => {
    const { graph } = await graphWith(send(200, '{"data":{"_entities":[{"strict":1},{"strict":null}]}}'))
    const result = await ask(graph, '{ users { strict } }')
    expect(result.data).toEqual({ users: null })
    expect(codes(result)).toEqual([['users.1.strict', 'INTERNAL', undefined]])
  })
})

test('equal queries of one caller in flight are sent once; another caller\'s and mutations are not joined', async () => {
  const waiting: ServerResponse[] = []
  const { promise: all, resolve } = Promise.withResolvers<void>()
  const { graph, served } = await graphWith(({ query }, response) => {
    waiting.push(response)
    if (waiting.length === 4) resolve()
    return query.length > 0
  })
  const by = (subject: string, tenant = 'test') => testScope({ caller: { subject }, tenant })
  const asked = [ask(graph, '{ top }', { scope: by('ada') }), ask(graph, '{ top }', { scope: by('ada') }), ask(graph, '{ top }', { scope: by('grace') }), ask(graph, 'mutation { reset }', { scope: by('ada') }), ask(graph, 'mutation { reset }', { scope: by('ada') })]
  await all
  for (const response of waiting) response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":{"top":7,"reset":0}}')
  expect((await Promise.all(asked)).map(plain)).toEqual([{ data: { top: 7 } }, { data: { top: 7 } }, { data: { top: 7 } }, { data: { reset: 0 } }, { data: { reset: 0 } }])
  expect(served.requests.map(({ query }) => query).sort()).toEqual(['mutation{reset}', 'mutation{reset}', '{top}', '{top}'])
})

test('equal operations of one caller in flight are executed once; one who leaves takes nobody with him, and none that began before a mutation answers one that was asked after it', async () => {
  const waiting: (() => void)[] = []
  const { graph, served } = await graphWith(({ query }, response) => {
    if (query.startsWith('mutation')) return false
    waiting.push(() => response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":{"top":7}}'))
    return true
  })
  const by = (subject: string) => testScope({ caller: { subject } })
  const asked = async (scope = by('ada')) => inJson(await graph.write(operation(graph, '{ top again: top }', { scope })))
  const answered = async (requests: number) => {
    await eventually(`${requests} requests wait`, async () => waiting.length === requests)
    for (const answer of waiting.splice(0)) answer()
  }
  // The plan is known from the second time on.
  const first = asked()
  await answered(1)
  await first
  expect(served.requests).toHaveLength(1)

  const leaving = by('ada')
  const together = [asked(leaving), asked(), asked()]
  leaving.abort(new HubError('CANCELLED', 'The client left.'))
  await ask(graph, 'mutation { reset }', { scope: by('ada') })
  const after = asked()
  await answered(2)
  await expect(together[0]).resolves.toMatchObject({ errors: [{ extensions: { code: 'CANCELLED' } }] })
  await expect(Promise.all([...together.slice(1), after])).resolves.toEqual(Array(3).fill({ json: '{"top":7,"again":7}' }))
  expect(served.requests.map(({ query }) => query)).toEqual(['{top}', '{top}', 'mutation{reset}', '{top}'])

  const others = [asked(), asked(by('grace'))]
  await answered(2)
  await Promise.all(others)
  expect(served.requests).toHaveLength(6)
})

test('H-26 a read that must show what is written by now is sent on its own, with its words; what was written there is added to the caller\'s session', async () => {
  const waiting: ServerResponse[] = []
  const { promise: all, resolve } = Promise.withResolvers<void>()
  const theirs = new SessionToken('theirs')
  theirs.wrote('points', 7)
  const { graph, served } = await graphWith((_request, response) => {
    waiting.push(response)
    if (waiting.length === 3) resolve()
    return true
  })
  const session = new SessionToken('ours')
  session.wrote('users', 3)
  const written = new SessionToken('ours', session.token)
  const strong = () => ({ ...testScope({ caller: { subject: 'ada' } }), consistency: { level: 'STRONG', from: 'header' } as const })
  const asked = [ask(graph, '{ top }', { scope: strong() }), ask(graph, '{ top }', { scope: strong() }), ask(graph, 'mutation { reset }', { scope: { ...testScope(), session: written } })]
  await all
  for (const response of waiting) response.writeHead(200, { 'content-type': 'application/json', 'x-session-token': theirs.token }).end('{"data":{"top":7,"reset":0}}')
  await Promise.all(asked)
  expect(served.requests.map(({ query, headers }) => [query, headers['x-consistency'], headers['x-session-token']]).toSorted()).toEqual([['mutation{reset}', undefined, session.token], ['{top}', 'STRONG', undefined], ['{top}', 'STRONG', undefined]])
  const told = new SessionToken('third', written.added)
  expect([told.since('users'), told.since('points')]).toEqual([3, 7])
})

test('an address that is no http URL is refused', async () => {
  await expect(remoteService({ name: 'x', url: 'file:///etc/passwd' }, testScope())).rejects.toMatchObject({ code: 'CATALOG_INVALID' })
  await expect(remoteService({ name: 'x', url: 'not a url' }, testScope())).rejects.toMatchObject({ code: 'CATALOG_INVALID' })
})

test('a subscription comes over a socket of the same address, with the headers, and is completed by the other subgraphs', async () => {
  const served = await serve(points)
  opened.push(served)
  const remote = await remoteService({ name: 'points', url: served.url, headers: { 'x-key': 'k' } }, testScope())
  opened.push(remote)
  const graph = openSupergraph({ services: [localService(named), remote] })
  const events = await graph.subscribe(operation(graph, 'subscription { t: ticks { name } }'))
  if (!(Symbol.asyncIterator in events)) throw new Error(JSON.stringify(events))
  const seen = []
  for await (const event of events) seen.push(plain(event))
  expect(seen).toEqual([{ data: { t: { name: 'n1' } } }, { data: { t: { name: 'n2' } } }])
  expect(served.sockets.map(headers => headers['x-key'])).toEqual(['k'])
})
