import { Answering } from '../../../gateway/federation/compiled/programs.ts'
import { composeSupergraph } from '../../../gateway/federation/compose.ts'
import { openPlanner } from '../../../gateway/federation/plan.ts'
import { Preparer } from '../../../gateway/federation/prepare.ts'
import type { Subgraph } from '../../../resolvers/subgraph.ts'
import { coreSubgraphs } from '../../support/core-world.ts'
import { operation, subgraph } from '../../support/federation.ts'

/** Whether the core runs the plan of the operation, once it is asked for again. */
function isCovered(subgraphs: readonly Subgraph[], text: string, variables: Readonly<Record<string, unknown>> = {}): boolean {
  const { sdl, publicSchema: schema } = composeSupergraph(subgraphs)
  const prepared = new Preparer(schema).prepare(operation({ schema } as never, text, { variables }))
  if ('errors' in prepared) throw prepared.errors[0]
  const { node, fragments, rootType } = prepared
  const plan = openPlanner(sdl, schema).plan({ text, operation: node, fragments, variables: prepared.variables, requestId: '' })
  const answering = new Answering(schema, plan, rootType, prepared.variables, true)
  expect(answering.core).toBeUndefined()
  return answering.core !== undefined
}

const boxes = [
  subgraph('boxes', 'type Query { box: Box boxes: [Box] } type Box @key(fields: "id") { id: ID! size: Size } type Size { x: Int y: Int }'),
  subgraph('prices', 'type Box @key(fields: "id") { id: ID! size: Size @external price: Int @requires(fields: "size { x }") } type Size @shareable { x: Int @external }'),
]

describe('plans the core runs', () => {
  test.each([
    ['leaves of every kind', '{ shelves { id text number whole yes kind any tags marks } }'],
    ['aliases, and one field under several', '{ a: shelf(id: "1") { b: text c: text text } shelf(id: "2") { id } }'],
    ['fragments, on types too', 'query Q { search { ...T } } fragment T on Thing { __typename ... on Book { title } ... on Disc { id title } }'],
    ['an interface whose objects need no types', '{ titled { id title } }'],
    ['an interface with the types of its objects', '{ titled { __typename id title } }'],
    ['entities of one type', '{ shelves { rows { title weight } } }'],
    ['entities of several types in one call', '{ search { ... on Book { price } ... on Disc { price tracks } } }'],
    ['entities of entities', '{ search { ... on Book { maker { name books { title price } } } } }'],
    ['entities at several places in one call', '{ shelves { things { ... on Book { price } } rows { price } best { ... on Book { price } } } }'],
    ['variables that decide nothing', 'query ($id: ID!, $first: Int) { shelf(id: $id) { id } shelves(first: $first) { id } }', { id: '1', first: 2 }],
    ['conditions, one plan for what they decide', 'query ($all: Boolean!) { shelves { id text @include(if: $all) rows @skip(if: $all) { title } } }', { all: false }],
  ] as [string, string, Record<string, unknown>?][])('%s', (_title, text, variables = {}) => {
    expect(isCovered(coreSubgraphs, text, variables)).toBe(true)
  })
})

describe('plans that are run in the general way', () => {
  test.each([
    ['introspection beside data', '{ shelves { id } __schema { description } }', coreSubgraphs],
    ['a key or a requirement that is an object', '{ boxes { price } }', boxes],
  ] as const)('%s', (_title, text, subgraphs) => {
    expect(isCovered(subgraphs, text)).toBe(false)
  })
})
