import { buildSchema, execute, parse, validate } from 'graphql'
import { compile } from '../../../resolvers/compiled/operation.ts'

const schema = buildSchema(`
  input Filter { eq: String in: [String!] and: [Filter!] not: Filter size: Int = 7 must: Must }
  input Must { have: Int! }
  input One @oneOf { a: String b: Int }
  enum Color { RED GREEN }
  type Query { list(where: Filter, first: Int = 10, order: [Color!], tags: [String], one: One, text: String!, nothing: Int): String }
`)
let told: unknown
schema.getQueryType()!.getFields()['list']!.resolve = (_source, args: unknown) => {
  told = args
  return 'answered'
}

const cases: readonly (readonly [arguments: string, definitions: string, variables: Record<string, unknown>])[] = [
  ['text: $a', '$a: String!', { a: 'x' }],
  ['text: "t", where: { eq: $a }', '$a: String', { a: 'x' }],
  ['text: "t", where: { eq: $a }', '$a: String', { a: null }],
  ['text: "t", where: { eq: $a }', '$a: String', {}],
  ['text: "t", where: { eq: $a }', '$a: String = "d"', {}],
  ['text: "t", where: { and: [{ eq: $a }, { not: { in: ["b", $b] } }, { in: $c, size: 3 }] }', '$a: String, $b: String!, $c: [String!]', { a: 'x', b: 'y', c: ['z'] }],
  ['text: "t", where: { and: { eq: $a } }', '$a: String', { a: 'x' }],
  ['text: "t", where: { must: { have: $n } }, first: 3, nothing: null', '$n: Int!', { n: 1 }],
  ['text: "t", where: { must: { have: $n } }', '$n: Int = 4', { n: null }],
  ['text: $a, where: { eq: null, in: [], size: null }, order: [GREEN, $c]', '$a: String!, $c: Color!', { a: 'x', c: 'RED' }],
  ['text: $a, order: GREEN, tags: [null, $t]', '$a: String!, $t: String', { a: 'x', t: 'y' }],
  ['text: $a, tags: [$t]', '$a: String!, $t: String', { a: 'x' }],
  ['text: $a, one: { a: $t }', '$a: String!, $t: String!', { a: 'x', t: 'y' }],
  ['text: $a, where: $w', '$a: String!, $w: Filter', { a: 'x', w: { eq: 'e' } }],
]

test.each(cases)('(%s) with (%s) and %j are what graphql-js makes of them, in each of many runs', async (given, definitions, variables) => {
  const document = parse(`query (${definitions}) { list(${given}) }`)
  expect(validate(schema, document)).toEqual([])
  told = undefined
  const expected = await execute({ schema, document, variableValues: variables })
  const byOracle = told
  const operation = compile(schema, document)
  const seen = new Set<unknown>()
  for (let turn = 0; turn < 3; turn++) {
    told = undefined
    expect(JSON.stringify(await operation?.run({ variables }))).toBe(JSON.stringify(expected))
    expect(told).toEqual(byOracle)
    expect(JSON.stringify(told)).toBe(JSON.stringify(byOracle))
    if (told) expect(seen.has(told)).toBe(false)
    seen.add(told)
    const where = (told as { where?: object } | undefined)?.where
    // What one run is told is not what the next is told, unless the caller's own variable is.
    if (where && given.includes('where: {')) expect(seen.has(where)).toBe(false)
    seen.add(where)
  }
})
