import { GraphQLScalarType, type ExecutionResult } from 'graphql'
import { composeSupergraph } from '../../../gateway/federation/compose.ts'
import { openSupergraph } from '../../../gateway/federation/execute.ts'
import { localService } from '../../../gateway/federation/local.ts'
import type { SubgraphRequest, SubgraphService } from '../../../gateway/federation/supergraph.ts'
import type { Context, Read } from '../../../resolvers/context.ts'
import type { Subgraph } from '../../../resolvers/subgraph.ts'
import { HubError } from '../../../schema/errors.ts'
import { ask, graphOf, operation, plain, subgraph } from '../../support/federation.ts'
import { testScope } from '../../support/scope.ts'

const accounts = subgraph('accounts', 'type Query { users: [User!]! } type User @key(fields: "id") { id: ID! name: String }', { fields: { Query: { users: () => [{ id: '1', name: 'Ada' }, { id: '2', name: 'Grace' }, { id: '1', name: 'Ada' }] } } })
const points = subgraph('points', 'type Query { top: Int } type User @key(fields: "id") { id: ID! points: Int total: Int!  badge: Badge } type Badge { title: String }', {
  fields: { Query: { top: () => 1 } }, find: { User: ({ id }) => ({ id, points: Number(id) * 10, total: 1, badge: { title: `badge ${id}` } }) },
})

/** The service with its requests noted, or answered by someone else. */
function watched(of: Subgraph, answer?: (request: SubgraphRequest) => Promise<ExecutionResult>): SubgraphService & { readonly requests: SubgraphRequest[] } {
  const service = localService(of)
  const requests: SubgraphRequest[] = []
  return { ...service, ...(answer && { schema: undefined }), requests, execute: request => {
    requests.push(request)
    return answer ? answer(request) : service.execute(request)
  } }
}

const codes = (result: ExecutionResult) => result.errors?.map(error => [error.path?.join('.'), error.extensions['code']])

test('each entity is asked for once, however many places want it', async () => {
  const service = watched(points)
  const graph = openSupergraph({ services: [localService(accounts), service] })
  expect(plain(await ask(graph, '{ users { points } }'))).toEqual({ data: { users: [{ points: 10 }, { points: 20 }, { points: 10 }] } })
  expect(service.requests.map(({ variables }) => variables)).toEqual([{ representations: [{ __typename: 'User', id: '1' }, { __typename: 'User', id: '2' }] }])
})

describe('an operation that one subgraph answers alone', () => {
  const book = 'type Query { best: Media books: [Media!]! } interface Media { id: ID! } type Book implements Media @key(fields: "id") { id: ID! title: String mood: Mood } enum Mood { GOOD BAD }'
  const best = { __typename: 'Book', id: '1', title: 'One', mood: 'BAD' }
  const parts = { fields: { Query: { best: () => best, books: () => [best] } } }
  const asked = async (sdl: string, text: string, variables = {}) => {
    const service = watched(subgraph('shop', sdl, parts))
    const result = await ask(openSupergraph({ services: [service, localService(points)] }), text, { variables })
    return [service.requests[0]?.document === text, plain(result)]
  }

  test('goes to it as the client wrote it, with its aliases, conditions and order', async () => {
    expect(await asked(book, '{ z: best { id ... on Book { title } } a: best { a: id, a2: id @skip(if: true) } }')).toEqual([true, { data: { z: { id: '1', title: 'One' }, a: { a: '1' } } }])
    expect(await asked(book, 'query ($no: Boolean!) { best { id ... on Book @include(if: $no) { title } } }', { no: false })).toEqual([true, { data: { best: { id: '1' } } }])
  })

  test('is planned where others have a part in it, or the schema is asked about', async () => {
    expect(await asked(book, '{ best { id } top }')).toEqual([false, { data: { best: { id: '1' }, top: 1 } }])
    expect(await asked(book, '{ best { id } __type(name: "Book") { name } }')).toEqual([false, { data: { best: { id: '1' }, __type: { name: 'Book' } } }])
  })

  test('takes no input that clients may not give', async () => {
    const shop = subgraph('shop', 'type Query { find(by: By!): String } input By { name: String, secret: String @inaccessible }', { fields: { Query: { find: (_: never, { by }) => JSON.stringify(by) } } })
    const graph = openSupergraph({ services: [localService(shop)] })
    const text = 'query ($by: By!) { find(by: $by) }'
    const again = operation(graph, text, { variables: { by: { name: 'x' } } })
    expect([plain(await graph.execute(again)), plain(await graph.execute(again))]).toEqual([{ data: { find: '{"name":"x"}' } }, { data: { find: '{"name":"x"}' } }])
    expect(codes(await graph.execute({ ...again, variables: { by: { name: 'x', secret: 'y' } } }))).toEqual([[undefined, 'BAD_USER_INPUT']])
  })

  test('is asked of it again without a plan, with other variables, and planned where a variable decides what is asked', async () => {
    const service = watched(subgraph('shop', 'type Query { pair(of: Int!): [Int!] one: Int }', { fields: { Query: { pair: (_: never, { of }) => [of, of], one: () => 1 } } }))
    const graph = openSupergraph({ services: [service] })
    const again = operation(graph, 'query ($n: Int!) { pair(of: $n) }')
    for (const n of [1, 2, 3]) expect(plain(await graph.execute({ ...again, variables: { n } }))).toEqual({ data: { pair: [n, n] } })
    expect(codes(await graph.execute({ ...again, variables: { n: 'x' } }))).toEqual([[undefined, 'BAD_USER_INPUT']])
    const decided = operation(graph, 'query ($with: Boolean!) { pair(of: 1) one @include(if: $with) }')
    for (const wanted of [true, false, true]) expect(plain(await graph.execute({ ...decided, variables: { with: wanted } }))).toEqual({ data: wanted ? { pair: [1, 1], one: 1 } : { pair: [1, 1] } })
    expect(service.requests.every(({ document }) => document === again.text || document === decided.text)).toBe(true)
  })

  test('is planned where its answer could hold what clients may not see', async () => {
    expect(await asked(book.replace('GOOD BAD', 'GOOD BAD @inaccessible'), '{ books { id ... on Book { mood } } }')).toMatchObject([false, { data: { books: [{ id: '1', mood: null }] } }])
    expect(await asked(book.replace('type Book implements Media', 'type Film implements Media @inaccessible { id: ID! } type Book implements Media'), '{ best { id } }')).toEqual([false, { data: { best: { id: '1' } } }])
  })
})

test('a subgraph that fails takes only its own fields along, with one error each, and its details', async () => {
  const service = watched(points, async () => { throw new HubError('UPSTREAM_UNAVAILABLE', 'The points are away.', { service: 'points' }) })
  const graph = openSupergraph({ services: [localService(accounts), service] })
  const result = await ask(graph, '{ users { name points badge { title } } top }')
  expect(plain(result.data)).toEqual({ users: ['Ada', 'Grace', 'Ada'].map(name => ({ name, points: null, badge: null })), top: null })
  expect(codes(result)).toEqual(['users.0.points', 'users.0.badge', 'users.1.points', 'users.1.badge', 'users.2.points', 'users.2.badge', 'top'].map(path => [path, 'UPSTREAM_UNAVAILABLE']))
  expect(result.errors?.[0]?.extensions).toEqual({ code: 'UPSTREAM_UNAVAILABLE', http: { status: 503 }, retryable: true, service: 'points' })
  expect(result.errors?.[0]?.locations).toEqual([{ line: 1, column: 16 }])
})

test('what nobody expected is told as INTERNAL, and kept for the log', async () => {
  const graph = graphOf(subgraph('a', 'type Query { a: Int }', { fields: { Query: { a: () => { throw new TypeError('password is hunter2') } } } }))
  const result = await ask(graph, '{ a }')
  expect(JSON.stringify(result)).not.toContain('hunter2')
  expect(result.errors?.[0]?.originalError?.message).toBe('password is hunter2')
  expect(codes(result)).toEqual([['a', 'INTERNAL']])
})

test('a value that only the subgraph can judge is the request\'s fault, as a literal and as a variable', async () => {
  const even = new GraphQLScalarType({ name: 'Even', parseValue: value => {
    if (Number(value) % 2 === 0) return Number(value)
    throw new HubError('BAD_USER_INPUT', `${String(value)} is not even.`)
  } })
  const graph = graphOf(subgraph('a', 'type Query { half(of: Even!): Int } scalar Even', { fields: { Query: { half: (_root: never, args) => args.of / 2 } }, scalars: [even] }))
  expect(plain(await ask(graph, '{ half(of: 8) }'))).toEqual({ data: { half: 4 } })
  expect(codes(await ask(graph, '{ h: half(of: 7) }'))).toEqual([['h', 'BAD_USER_INPUT']])
  expect(codes(await ask(graph, 'query($n: Even!) { half(of: $n) }', { variables: { n: 7 } }))).toEqual([['half', 'BAD_USER_INPUT']])
})

test('the errors of an answer are bounded, its nulls are not', async () => {
  const service = watched(points, async () => { throw new HubError('UPSTREAM_UNAVAILABLE', 'The points are away.') })
  const graph = openSupergraph({ services: [localService(accounts), service], maxErrors: 2 })
  const result = await ask(graph, '{ users { total } }')
  expect(result.data).toBeNull()
  expect((await ask(graph, '{ users { points } }')).errors).toHaveLength(2)
})

test('values of another type than the graph says are null, with an error', async () => {
  const wrong: ExecutionResult = { data: { int: 'x', float: 'y', text: 5, flag: 'true', id: { a: 1 }, kind: 'C', list: 3, items: [1, 'b'], thing: 'none', any: { free: [1] }, must: [null] } }
  const sdl = 'type Query { int: Int float: Float text: String flag: Boolean id: ID kind: Kind list: [Int] items: [Int] thing: Thing any: Any must: [Int!] } enum Kind { A B } type Thing { x: Int } scalar Any'
  const graph = openSupergraph({ services: [watched(subgraph('a', sdl), async () => wrong)] })
  const result = await ask(graph, '{ int float text flag id kind list items thing { x } any must }')
  expect(plain(result.data)).toEqual({ int: null, float: null, text: null, flag: null, id: null, kind: null, list: null, items: [1, null], thing: null, any: { free: [1] }, must: null })
  expect(codes(result)?.map(([path]) => path)).toEqual(['int', 'float', 'text', 'flag', 'id', 'kind', 'list', 'items.1', 'thing', 'must.0'])
})

test('root fields of a mutation run in order, each to its end, and none after one that may not fail did', async () => {
  const log: string[] = []
  const note = (name: string, value: unknown) => () => {
    log.push(name)
    if (value instanceof Error) throw value
    return value
  }
  const a = subgraph('a', 'type Query { q: Int } type Mutation { one: User two: User! fail: Int! } type User @key(fields: "id") { id: ID! }', { fields: { Mutation: { one: note('one', { id: '1' }), two: note('two', { id: '2' }), fail: note('fail', new Error('no')) } } })
  const named: Subgraph['entities'][string] = async users => users.map(({ id }) => {
    log.push(`user ${String(id)}`)
    return { name: `n${String(id)}` }
  })
  const b = subgraph('b', 'type Mutation { three: Int } type User @key(fields: "id") { id: ID! name: String }', {
    fields: { Mutation: { three: note('three', 3) } },
    entities: { User: named },
  })
  const graph = graphOf(a, b)
  expect(plain(await ask(graph, 'mutation { x: one { name } three y: two { name } again: one { id name } }'))).toEqual({ data: { x: { name: 'n1' }, three: 3, y: { name: 'n2' }, again: { id: '1', name: 'n1' } } })
  expect(log).toEqual(['one', 'user 1', 'three', 'two', 'user 2', 'one', 'user 1'])

  log.length = 0
  const failed = await ask(graph, 'mutation { three fail two { id } }')
  expect(failed.data).toBeNull()
  expect([log, codes(failed)]).toEqual([['three', 'fail'], [['fail', 'INTERNAL']]])
})

test('reads are noted under the paths of the client\'s answer', async () => {
  const read = (path: string): Read => ({ path, from: 'region', name: 'r', engine: 'memory', rows: 1, ageMs: 0 })
  const a = subgraph('a', 'type Query { list(first: Int): Page } type Page { nodes: [User] } type User @key(fields: "id") { id: ID! friend: User }', {
    fields: { Query: { list: (_root: never, _args, context: Context) => { context.explain?.(read('list')); return { nodes: [{ id: '1', friend: { id: '2' } }] } } } },
  })
  const ats: string[] = []
  const b = subgraph('b', 'type User @key(fields: "id") { id: ID! pets(first: Int): [Pet] } type Pet { name: String }', {
    entities: { User: async (found, context) => { ats.push(context.at); context.explain?.(read(context.at)); return found } },
    fields: { User: { pets: (_user: never, _args, context: Context, info) => { context.explain?.(read(`${String(info.path.prev?.prev?.key)}.pets`)); return [] } } },
  })
  const reads: string[] = []
  const explain = ({ path }: Read) => reads.push(path)
  await ask(graphOf(a, b), '{ page: list(first: 1) { nodes { pets { name } } } }', { explain })
  expect(ats).toEqual(['page.nodes'])
  expect(reads).toEqual(['page', 'page.nodes', 'page.nodes.pets'])

  reads.length = 0
  await ask(graphOf(a, b), '{ list { nodes { pets { name } friend { p: pets(first: 1) { name } } } } }', { explain })
  expect([...reads].sort()).toEqual(['list', 'list.nodes', 'list.nodes.friend', 'list.nodes.friend.p', 'list.nodes.pets'].sort())
})

test('a request that is aborted is answered with the reason, whether its subgraphs listen or not', async () => {
  const scope = testScope()
  const service = watched(points, () => new Promise<ExecutionResult>(() => scope.abort(new HubError('TIMEOUT', 'The time ran out.'))))
  const result = await ask(openSupergraph({ services: [localService(accounts), service] }), '{ users { name points } }', { scope })
  expect(plain(result.data)).toEqual({ users: ['Ada', 'Grace', 'Ada'].map(name => ({ name, points: null })) })
  expect(codes(result)?.[0]).toEqual(['users.0.points', 'TIMEOUT'])
})

test('all findings of a composition are told together', () => {
  const services = [subgraph('a', 'type Query { a: Int b: String }'), subgraph('b', 'type Query { a: Int b: String }')]
  expect(() => composeSupergraph(services)).toThrow(expect.objectContaining({ code: 'CATALOG_INVALID', details: { problems: [expect.objectContaining({ message: expect.stringContaining('Query.a') }), expect.objectContaining({ message: expect.stringContaining('Query.b') })] } }))
  expect(() => composeSupergraph([{ name: 'broken', sdl: 'type Query {' }])).toThrow(expect.objectContaining({ details: { problems: [expect.objectContaining({ path: 'broken', line: 1 })] } }))
})

test('a graph composed elsewhere is executed as one composed here', async () => {
  const { sdl, version } = graphOf(accounts, points)
  const graph = openSupergraph({ services: [accounts, points].map(localService), composed: sdl })
  expect(graph.version).toBe(version)
  expect(plain(await ask(graph, '{ users { points } }'))).toEqual({ data: { users: [{ points: 10 }, { points: 20 }, { points: 10 }] } })
  expect(() => openSupergraph({ services: [], composed: 'type Query {' })).toThrow('The supergraph is not one')
})

describe('a subscription', () => {
  const source = (events: readonly unknown[], failure?: Error) => {
    const state = { closed: 0 }
    async function* generate() {
      try {
        for (const event of events) yield event
        if (failure) throw failure
      } finally {
        state.closed += 1
      }
    }
    const news = subgraph('news', 'type Query { q: Int } type Subscription { changed: User } type User @key(fields: "id") { id: ID! }', { fields: { Subscription: { changed: { subscribe: generate, resolve: (event: unknown) => event } } } })
    return { state, graph: graphOf(news, points) }
  }
  const text = 'subscription { user: changed { id points } }'
  async function started(graph: ReturnType<typeof graphOf>) {
    const events = await graph.subscribe(operation(graph, text))
    if (!(Symbol.asyncIterator in events)) throw new Error(JSON.stringify(events))
    return events
  }

  test('completes each event from the other subgraphs', async () => {
    const events = await started(source([{ id: '1' }, null, { id: '2' }]).graph)
    const seen = []
    for await (const event of events) seen.push(plain(event))
    expect(seen).toEqual([{ data: { user: { id: '1', points: 10 } } }, { data: { user: null } }, { data: { user: { id: '2', points: 20 } } }])
  })

  test('closes its source when the reader closes', async () => {
    const { state, graph } = source([{ id: '1' }, { id: '2' }])
    const events = await started(graph)
    await events.next()
    await events.return()
    expect(state.closed).toBe(1)
    expect(await events.next()).toEqual({ done: true, value: undefined })
  })

  test('ends a wait when the reader closes, even over a source that never speaks again', async () => {
    let closed = 0
    const silent = subgraph('a', 'type Query { q: Int } type Subscription { tick: Int }', { fields: { Subscription: { tick: { subscribe: () => ({
      [Symbol.asyncIterator]() { return this }, next: () => new Promise(() => {}), async return() { closed += 1; return { done: true, value: undefined } },
    }) } } } })
    const graph = graphOf(silent)
    const events = await graph.subscribe(operation(graph, 'subscription { tick }')) as AsyncGenerator<ExecutionResult, void, void>
    const waiting = events.next()
    await events.return()
    expect(await waiting).toEqual({ done: true, value: undefined })
    expect(closed).toBe(1)
  })

  test('throws what its source throws after it began', async () => {
    const events = await started(source([{ id: '1' }], new HubError('SLOW_CONSUMER', 'Too slow.', { cursor: 'c1' })).graph)
    await events.next()
    await expect(events.next()).rejects.toMatchObject({ code: 'SLOW_CONSUMER', details: { cursor: 'c1' } })
  })

  test('that is refused answers the errors', async () => {
    const refused = subgraph('a', 'type Query { q: Int } type Subscription { tick: Int }', { fields: { Subscription: { tick: { subscribe: () => { throw new HubError('RESULT_TOO_LARGE', 'Add an equality.') } } } } })
    const graph = graphOf(refused)
    const result = await graph.subscribe(operation(graph, 'subscription { tick }')) as ExecutionResult
    expect(result.data).toBeUndefined()
    expect(result.errors?.[0]?.extensions['code']).toBe('RESULT_TOO_LARGE')
  })
})
