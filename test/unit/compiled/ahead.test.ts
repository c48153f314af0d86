import { buildSchema, execute, parse, type GraphQLObjectType } from 'graphql'
import { compile } from '../../../resolvers/compiled/operation.ts'
import type { Context } from '../../../resolvers/context.ts'
import { batchResolver, type ResolveAll } from '../../../resolvers/loader.ts'

interface Node {
  readonly id: number
}

const schema = buildSchema(`
  type Query { nodes: [Node] page: Page groups: [Grouped] one: Node nested: [[Node!]] }
  type Page { nodes: [Node!] edges: [Edge] }
  type Edge { node: Node }
  union Grouped = Page
  type Node { id: Int next: Node strict: Node! many(first: Int): Page self: Node shaky: Int }
`)

/** Every read of a batched field: its name, and the ids of the parents it was asked for. */
let reads: [string, ...number[]][] = []
const many = (name: string, answer: (node: Node, args: { first?: number }) => unknown): ResolveAll<Node, { first?: number }> => async (parents, args) => {
  reads.push([name, ...parents.map(({ id }) => id)])
  return parents.map(parent => answer(parent, args))
}
const fieldsOf = (type: string) => (schema.getType(type) as GraphQLObjectType).getFields()
const wire = (field: string, resolveAll: ResolveAll<Node, { first?: number }>) => {
  fieldsOf('Node')[field]!.resolve = batchResolver(resolveAll) as never
}
wire('next', many('next', ({ id }) => (id % 5 === 0 ? null : { id: id + 1 })))
wire('strict', many('strict', ({ id }) => (id === 2 ? new Error('There is no second.') : { id: id * 10 })))
wire('many', many('many', ({ id }, { first = 2 }) => ({ nodes: Array.from({ length: first }, (_, index) => ({ id: id * 100 + index })) })))
wire('shaky', async () => {
  throw new Error('All of it fails.')
})

const node = (id: number) => ({ id, self: { id } })
const rootValue = {
  nodes: [node(1), null, node(2), node(4)],
  page: { nodes: [node(1), node(2)], edges: [{ node: node(3) }, null, { node: null }] },
  groups: [{ __typename: 'Page', nodes: [node(1)] }, { __typename: 'Page', nodes: [node(2), node(3)] }],
  one: node(1),
  nested: [[node(1), node(2)], null, [node(3)]],
}

/** The answer as text, which is the same as that in objects and that of graphql-js; the reads are those of the text. */
async function answer(document: string): Promise<unknown> {
  const request = () => ({ rootValue, context: { perFetch: new Map() } as Partial<Context> })
  const operation = compile(schema, parse(document))
  const byOracle = await execute({ schema, document: parse(document), rootValue, contextValue: request().context })
  const byData = await operation?.run(request())
  reads = []
  const text = await operation?.text(request())
  const byText = { ...(text?.errors && { errors: text.errors }), data: JSON.parse(text?.json ?? '') as unknown }
  const sorted = (result: object | undefined) => JSON.stringify(result, (name, value: unknown) => (name === 'errors' ? (value as { path: string[] }[]).toSorted((a, b) => String(a.path).localeCompare(String(b.path))) : value))
  expect(sorted(byData)).toBe(sorted(byOracle))
  expect(sorted(byText)).toBe(sorted({ ...byOracle }))
  return byText.data
}

test('a list costs one read for each such field of each level, however many objects there are', async () => {
  expect(await answer('{ nodes { id next { id next { id } many(first: 1) { nodes { id } } } } }')).toEqual({
    nodes: [
      { id: 1, next: { id: 2, next: { id: 3 }, many: { nodes: [{ id: 200 }] } } }, null,
      { id: 2, next: { id: 3, next: { id: 4 }, many: { nodes: [{ id: 300 }] } } },
      { id: 4, next: { id: 5, next: null, many: { nodes: [{ id: 500 }] } } },
    ],
  })
  expect(reads).toEqual([['next', 1, 2, 4], ['next', 2, 3, 5], ['many', 2, 3, 5]])
})

test('what stands below properties is found with it: objects, and the items of lists', async () => {
  await answer('{ nodes { self { next { id } } many { nodes { next { id } } edges { node { next { id } } } } } page { edges { node { next { id } } } } }')
  expect(reads.toSorted()).toEqual([['many', 1, 2, 4], ['next', 1, 2, 4], ['next', 100, 101, 200, 201, 400, 401], ['next', 3]])
})

test('aliases of one field are answered each with its own arguments', async () => {
  expect(await answer('{ page { nodes { few: many(first: 1) { nodes { id } } none: many(first: 0) { nodes { id } } } } }')).toEqual({
    page: { nodes: [{ few: { nodes: [{ id: 100 }] }, none: { nodes: [] } }, { few: { nodes: [{ id: 200 }] }, none: { nodes: [] } }] },
  })
})

test('one object\'s failure is its own; that of the read is told of each', async () => {
  expect(await answer('{ nodes { id strict { id } } }')).toEqual({ nodes: [{ id: 1, strict: { id: 10 } }, null, null, { id: 4, strict: { id: 40 } }] })
  expect(await answer('{ nodes { id shaky } }')).toEqual({ nodes: [{ id: 1, shaky: null }, null, { id: 2, shaky: null }, { id: 4, shaky: null }] })
})

test('small lists that stand in a list whose types nobody knows beforehand, and lists of lists, share their reads', async () => {
  await answer('{ groups { ... on Page { nodes { next { id } } } } }')
  expect(reads).toEqual([['next', 1, 2, 3]])
  await answer('{ nested { next { id } } }')
  expect(reads).toEqual([['next', 1, 2, 3]])
})

test('a fragment on an interface asks each type\'s own resolver', async () => {
  const own = buildSchema('type Query { list: [Named] } interface Named { of: String } type A implements Named { of: String } type B implements Named { of: String }')
  for (const name of ['A', 'B']) (own.getType(name) as GraphQLObjectType).getFields()['of']!.resolve = batchResolver<object, object>(async parents => parents.map(() => name)) as never
  const document = parse('{ list { of } }')
  const given = () => ({ rootValue: { list: [{ __typename: 'A' }, { __typename: 'B' }] }, context: { perFetch: new Map() } })
  const expected = { data: { list: [{ of: 'A' }, { of: 'B' }] } }
  expect(JSON.stringify(await execute({ schema: own, document, rootValue: given().rootValue, contextValue: given().context }))).toBe(JSON.stringify(expected))
  expect(JSON.stringify(await compile(own, document)?.run(given()))).toBe(JSON.stringify(expected))
})

test('very many objects are read in parts', async () => {
  reads = []
  const text = await compile(schema, parse('{ nodes { next { id } } }'))?.text({ rootValue: { nodes: Array.from({ length: 25_000 }, (_, index) => ({ id: index * 5 + 1 })) }, context: { perFetch: new Map() } })
  expect(reads.splice(0).map(([name, ...ids]) => [name, ids.length, ids[0]])).toEqual([['next', 10_000, 1], ['next', 10_000, 50_001], ['next', 5_000, 100_001]])
  expect((JSON.parse(text?.json ?? '') as { nodes: { next: Node }[] }).nodes.every(({ next }, index) => next.id === index * 5 + 2)).toBe(true)
})

test('an answer of another length than was asked for is a failure of the field, not a shift of values', async () => {
  const before = fieldsOf('Node')['next']!.resolve
  fieldsOf('Node')['next']!.resolve = batchResolver<Node, object>(async () => [{ id: 1 }]) as never
  const { errors } = (await compile(schema, parse('{ nodes { next { id } } }'))?.text({ rootValue, context: { perFetch: new Map() } })) ?? {}
  expect(errors?.map(({ message, path }) => [message, path])).toEqual([0, 2, 3].map(index => ['Field "Node.next" was asked for 3 objects and answered 1.', ['nodes', index, 'next']]))
  fieldsOf('Node')['next']!.resolve = before
})
