import { Kind, parse, type OperationDefinitionNode } from 'graphql'
import { composeSupergraph } from '../../../gateway/federation/compose.ts'
import { openPlanner } from '../../../gateway/federation/plan.ts'
import { plannerNames } from '../../../gateway/federation/planner-order.ts'
import { themes } from '../../federation/themes.ts'
import { ask, graphOf, subgraph } from '../../support/federation.ts'

const owner = (name: string, more = '') => subgraph(name, `interface Media @key(fields: "id") { id: ID! } type Book implements Media @key(fields: "id") { id: ID! pages: Int! } ${more}`)
const object = (name: string, more = '') => subgraph(name, `type Query { top: Media } type Media @key(fields: "id") @interfaceObject { id: ID! likes: Int! } ${more}`)
const names = (sdl: string) => [...sdl.matchAll(/(\w+) @join__graph\(name: "([^"]*)"/g)].map(([, graph, name]) => [graph, name])

test('subgraphs keep their names where no interface is an object', () => {
  const { sdl } = composeSupergraph([subgraph('b', 'type Query { b: Int }'), subgraph('a', 'type Query { a: Int }')])
  expect(plannerNames(sdl).sdl).toBe(sdl)
})

test('those that define an interface stand before those that have it as an object, through chains; overrides follow their subgraph', () => {
  const { sdl } = composeSupergraph([
    object('a', 'type Extra @key(fields: "id") { id: ID! worth: Int @override(from: "z") }'),
    owner('m', 'type Tag @key(fields: "id") @interfaceObject { id: ID! n: Int! }'),
    subgraph('z', 'interface Tag @key(fields: "id") { id: ID! } type Word implements Tag @key(fields: "id") { id: ID! } type Extra @key(fields: "id") { id: ID! worth: Int }'),
  ])
  expect(names(plannerNames(sdl).sdl)).toEqual([['A', 's0002'], ['M', 's0001'], ['Z', 's0000']])
  expect(plannerNames(sdl).sdl).toContain('override: "s0000"')
})

test('two subgraphs that are each other\'s keep the order of their names', () => {
  const other = (one: string, two: string) => [`interface ${one} @key(fields: "id") { id: ID! } type My${one} implements ${one} @key(fields: "id") { id: ID! }`, `type ${two} @key(fields: "id") @interfaceObject { id: ID! of${two}: Int }`].join(' ')
  const { sdl } = composeSupergraph([subgraph('b', `type Query { x: Int } ${other('X', 'Y')}`), subgraph('a', other('Y', 'X'))])
  expect(names(plannerNames(sdl).sdl)).toEqual([['A', 's0000'], ['B', 's0001']])
})

test('a plan names the subgraphs as they are called', () => {
  const composed = composeSupergraph([object('a name'), owner('m')])
  const text = '{ top { ... on Book { pages } } }'
  const operation = parse(text).definitions.find((one): one is OperationDefinitionNode => one.kind === Kind.OPERATION_DEFINITION)
  if (!operation) throw new Error('There is no operation.')
  const { step } = openPlanner(composed.sdl, composed.publicSchema).plan({ text, operation, fragments: [], variables: {}, requestId: '1' })
  if (step?.kind !== 'sequence') throw new Error(`The plan is no sequence: ${step?.kind}`)
  expect(step.steps.map(one => 'call' in one && one.call.service)).toEqual(['a name', 'm'])
})

test('what the planner cannot do is refused with the field or the path it names', async () => {
  const refused = async (title: string) => {
    const { subgraphs, asks } = Object.values(themes).flat().find(one => one.title.startsWith(title)) ?? { subgraphs: [], asks: [] }
    const { errors } = await ask(graphOf(...subgraphs), asks.find(one => one.errors)?.query ?? '')
    return errors?.map(({ message, extensions }) => [message.split('.')[0], extensions['selection']])
  }
  expect(await refused('what the planner finds no way to')).toEqual([['The planner finds no way through the subgraphs to "pages" where this operation asks for it', 'pages']])
  expect(await refused('@requires behind a type condition')).toEqual([[expect.any(String), 'far.more.one on Parcel']])
})
