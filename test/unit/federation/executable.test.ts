import { buildSubgraphSchema } from '@apollo/subgraph'
import { graphql, lexicographicSortSchema, parse, printSchema, type GraphQLSchema } from 'graphql'
import { executable } from '../../../resolvers/executable.ts'
import type { Context } from '../../../resolvers/context.ts'
import type { Representation, Subgraph } from '../../../resolvers/subgraph.ts'
import { HubError } from '../../../schema/errors.ts'
import { plain } from '../../support/federation.ts'
import { testScope } from '../../support/scope.ts'

const link = (imports: string, version = '2.5') => `extend schema @link(url: "https://specs.apollo.dev/federation/v${version}", import: [${imports}])\n`
const context = (): Context => ({ scope: testScope(), at: '', perFetch: new Map() })
const of = (sdl: string, parts: Partial<Subgraph> = {}): Subgraph => ({ name: 'test', sdl, fields: {}, scalars: [], entities: {}, ...parts })

/** What clients of a subgraph can ask: types and fields, without directives and their own types. */
function asked(schema: GraphQLSchema): string {
  const printed = printSchema(lexicographicSortSchema(schema)).replace(/ *""".*?"""\n/gs, '').replace(/\n+(?=\n)/g, '\n')
  return printed.split('\n\n').filter(part => !/^(directive |scalar (link__|federation__|FieldSet)|enum link__| +EXECUTION| +SECURITY)/.test(part)).join('\n\n')
}

const sdls = {
  'types extended without a definition': `${link('"@key", "@shareable"')} extend type Query { a: P } extend type P @key(fields: "id") { id: ID! } "a doc" type Q { x: Int @shareable }`,
  'directives renamed, or under their own prefix': `${link('{ name: "@key", as: "@primary" }, "FieldSet"')} type Query { a: P } type P @primary(fields: "id") { id: ID! @federation__shareable }`,
  'entity interfaces and interface objects': `${link('"@key", "@interfaceObject"')} type Query { n: N } interface N @key(fields: "id") { id: ID! } type X implements N @key(fields: "id") { id: ID! } type Y @key(fields: "id") @interfaceObject { id: ID! r: Int }`,
  'keys that are not resolvable': `${link('"@key"')} type Query { p: P } type P @key(fields: "id", resolvable: false) { id: ID! }`,
  'no entities': `${link('')} type Query { a: Int }`,
  'no query of its own': `${link('"@key"')} type P @key(fields: "id") { id: ID! a(x: In): E } input In { y: Int = 3 } enum E { A B } union U = P`,
}

describe('a subgraph has the schema @apollo/subgraph gives the same SDL', () => {
  test.each(Object.entries(sdls))('%s', (_title, sdl) => {
    expect(asked(executable(of(sdl)))).toBe(asked(buildSubgraphSchema({ typeDefs: parse(sdl) })))
  })
})

const things = `${link('"@key"')} type Query { count: Int } interface Thing @key(fields: "id") { id: ID! }
  type Book implements Thing @key(fields: "id") { id: ID! title: String } type Film implements Thing @key(fields: "id") { id: ID! title: String }`
const query = 'query($r: [_Any!]!) { _entities(representations: $r) { __typename ... on Book { id title } ... on Film { id title } } }'
const representations = [{ __typename: 'Film', id: '1' }, { __typename: 'Book', id: '2' }, { __typename: 'Film', id: '3' }, { __typename: 'Thing', id: '4' }]

const found = async (list: readonly Representation[]) => list.map(({ id }) => ({ __typename: 'Book', id, title: 'found' }))
const away = async () => {
  throw new HubError('UPSTREAM_UNAVAILABLE', 'The films are away.')
}

test('entities are asked for once per type, and answered in the order of their representations, as @apollo/subgraph answers them', async () => {
  const calls: (readonly Representation[])[] = []
  const find = (type: string) => async (list: readonly Representation[]) => {
    calls.push(list)
    return list.map(({ id }) => (id === '3' ? null : { id, title: `${type} ${String(id)}` }))
  }
  const schema = executable(of(things, { entities: { Book: find('Book'), Film: find('Film'), Thing: found } }))
  const one = (type: string) => ({ __resolveReference: ({ id }: { id: string }) => (id === '3' ? null : { __typename: type, id, title: `${type} ${id}` }) })
  const theirs = buildSubgraphSchema({ typeDefs: parse(things), resolvers: { Book: one('Book'), Film: one('Film'), Thing: { __resolveReference: ({ id }: { id: string }) => ({ __typename: 'Book', id, title: 'found' }) } } })

  const ours = await graphql({ schema, source: query, variableValues: { r: representations }, contextValue: context() })
  expect(plain(ours)).toEqual(plain(await graphql({ schema: theirs, source: query, variableValues: { r: representations } })))
  expect(calls).toHaveLength(2)
})

test('a type that fails leaves the others answered, with an error at each of its places', async () => {
  const schema = executable(of(things, { entities: { Book: found, Film: away } }))
  const { data, errors } = await graphql({ schema, source: query, variableValues: { r: representations }, contextValue: context() })
  expect(plain(data)).toEqual({ _entities: [null, { __typename: 'Book', id: '2', title: 'found' }, null, null] })
  expect(errors?.map(error => [error.path?.join('.'), error.message])).toEqual([
    ['_entities.0', 'The films are away.'], ['_entities.2', 'The films are away.'],
    ['_entities.3', 'Subgraph "test" has no entities of type "Thing".'],
  ])
})

test('one object answered as two types keeps both', async () => {
  const shared = { id: '1', title: 'same' }
  const same = async () => [shared]
  const schema = executable(of(things, { entities: { Book: same, Film: same } }))
  const r = [{ __typename: 'Book', id: '1' }, { __typename: 'Film', id: '1' }]
  const { data: answer } = await graphql({ schema, source: query, variableValues: { r }, contextValue: context() })
  expect(plain(answer)).toEqual({ _entities: [{ __typename: 'Book', ...shared }, { __typename: 'Film', ...shared }] })
})

test('what is no representation is the request\'s fault', async () => {
  const schema = executable(of(things))
  const { errors } = await graphql({ schema, source: '{ _entities(representations: [{ id: 1 }]) { __typename } }', contextValue: context() })
  expect(errors?.[0]?.message).toContain('A representation is an object with "__typename"')
})

test('the service answers the SDL as it was written', async () => {
  const { data } = await graphql({ schema: executable(of(things)), source: '{ _service { sdl } }', contextValue: context() })
  expect(plain(data)).toEqual({ _service: { sdl: things } })
})

test('mistakes of a subgraph are refused together, by name', () => {
  expect(() => executable(of('type Query { a: Int }'))).toThrow('does not say which version of Federation')
  expect(() => executable(of(`${link('')} type Query { a: Nowhere b: Nothing }`))).toThrow(expect.objectContaining({ code: 'CATALOG_INVALID', details: { problems: [
    expect.objectContaining({ message: expect.stringContaining('Unknown type "Nowhere"') }), expect.objectContaining({ message: expect.stringContaining('Unknown type "Nothing"') }),
  ] } }))
  const resolvers = { Query: { cuont: () => 1 }, Qeury: { count: () => 1 } }
  expect(() => executable(of(things, { fields: resolvers, entities: { Bok: found } }))).toThrow(expect.objectContaining({ details: { problems: [
    { path: 'test.Query.cuont', message: 'Type "Query" has no field "cuont" to resolve. Did you mean "count"?' },
    { path: 'test.Qeury', message: 'There is no object type "Qeury" to resolve. Did you mean "Query"?' },
    { path: 'test.Bok', message: expect.stringContaining('Did you mean "Book"?') },
  ] } }))
})
