import { GraphQLScalarType } from 'graphql'
import { Collector } from '../../gateway/federation/collect.ts'
import { composeSupergraph } from '../../gateway/federation/compose.ts'
import { type Program, programOf } from '../../gateway/federation/core/program.ts'
import { openPlanner } from '../../gateway/federation/plan.ts'
import { Preparer } from '../../gateway/federation/prepare.ts'
import { operation, subgraph } from './federation.ts'
import type { Dice } from './raw-subgraph.ts'

const texts = ['', 'plain', 'a "quoted" word', 'back\\slash', 'line\nbreak\ttab', 'Grüße, 世界 🌍', '\u0001\u001f\u2028', 'x'.repeat(100), '{"data":null}', ']}', '\ud800 alone']
const anything = new GraphQLScalarType({ name: 'Anything' })

const pick = <T>(list: readonly T[], at: number): T => list[at % list.length]!
const shelf = (id: number) => ({
  __typename: 'Shelf', id: String(id), text: pick(texts, id), number: pick([0, -1.5, 1e21, 1e-7, 0.1, 123456789.125], id), whole: pick([0, -1, 2147483647, -2147483648], id), yes: id % 2 === 0,
  kind: pick(['WOOD', 'STEEL', null], id), any: pick([1, 'text', [1, { b: null, a: [' '] }], { z: 1, 7: 2 }, null, true], id), tags: pick([[], ['a', null, 'b"c'], ['ü']], id),
  marks: pick([[[1, 2.5], []], null, [[0]]], id), things: Array.from({ length: id % 4 }, (_, at) => (at === 2 ? null : thing(id + at))), rows: [[book(id), null], null, []], best: id % 3 === 0 ? null : thing(id),
})
const book = (id: number) => ({ __typename: 'Book', id: String(id % 5), title: pick(texts, id) })
const disc = (id: number) => ({ __typename: 'Disc', id: id % 5, title: pick(texts, id + 1) })
const thing = (id: number) => (id % 2 === 0 ? book(id) : disc(id))

/** Subgraphs with every kind of leaf and wrapping, types behind interfaces and unions, and entities asked for in steps. */
export const coreSubgraphs = [
  subgraph('shelves', `
    type Query { shelves(first: Int! = 4): [Shelf]! shelf(id: ID!): Shelf search: [Thing!] titled: [Titled] }
    scalar Anything
    enum Kind { WOOD STEEL }
    union Thing = Book | Disc
    interface Titled { id: ID! title: String }
    type Shelf @key(fields: "id") { id: ID! text: String number: Float whole: Int yes: Boolean! kind: Kind any: Anything tags: [String] marks: [[Float!]!] things: [Thing] rows: [[Book]] best: Thing }
    type Book implements Titled @key(fields: "id") { id: ID! title: String }
    type Disc implements Titled @key(fields: "id") { id: ID! title: String }`, {
    scalars: [anything],
    fields: { Query: { shelves: (_root, { first }: { first: number }) => Array.from({ length: first }, (_, at) => (at === 3 ? null : shelf(at))), shelf: (_root, { id }: { id: string }) => shelf(Number(id)), search: () => [0, 1, 2, 3].map(thing), titled: () => [thing(4), null, thing(5)] } },
    find: { Shelf: ({ id }) => shelf(Number(id)), Book: ({ id }) => book(Number(id)), Disc: ({ id }) => disc(Number(id)) },
  }),
  subgraph('prices', `
    scalar Anything
    type Book @key(fields: "id") { id: ID! price: Float maker: Maker weight: Int! }
    type Disc @key(fields: "id") { id: ID! price: Float tracks: [String!]! extra: Anything }
    type Maker @key(fields: "code land") { code: String land: Int }`, {
    scalars: [anything],
    find: {
      Book: ({ id }) => (id === '4' ? null : { price: Number(id) * 1.25, weight: Number(id), maker: id === '3' ? null : { code: pick(texts, Number(id)), land: Number(id) % 2 } }),
      Disc: ({ id }) => ({ price: null, tracks: ['one', String(id)], extra: { of: [id] } }),
    },
  }),
  subgraph('makers', 'type Maker @key(fields: "code land") { code: String land: Int name: String books: [Book] } type Book @key(fields: "id") { id: ID! }', {
    find: { Maker: ({ code, land }) => ({ name: `${String(code)} of ${String(land)}`, books: [{ id: '1' }, null, { id: '2' }] }) },
  }),
]

export const composed = composeSupergraph(coreSubgraphs)

const schema = composed.publicSchema
const planner = openPlanner(composed.sdl, schema)
const preparer = new Preparer(schema)

/** Operations with every kind of field among them. */
export const everyKind: readonly string[] = [
  '{ shelves { id text number whole yes kind any tags marks } }',
  '{ shelves { __typename t: text things { __typename ... on Book { id title price weight maker { name code books { id price } } } ... on Disc { title tracks extra price } } rows { title weight } best { __typename ... on Disc { id } } } }',
  '{ search { ... on Book { a: title b: title price maker { land name } } ... on Disc { id price } } titled { id title } }',
  '{ shelf(id: "7") { id text rows { id maker { code } } things { ... on Book { weight } } } search { __typename } }',
]

/** What the core runs for an operation; undefined where that is for the general way. */
export function coreProgram(text: string): Program | undefined {
  const prepared = preparer.prepare(operation({ schema } as never, text))
  if ('errors' in prepared) return undefined
  const { node, fragments, variables, rootType, fields } = prepared
  if ([...fields.values()].every(([first]) => first?.name.value.startsWith('__'))) return undefined
  const plan = planner.plan({ text, operation: node, fragments, variables, requestId: '' })
  const collector = new Collector(schema, plan.fragments, variables)
  return plan.isFixed ? programOf(schema, plan, collector, rootType, collector.root(rootType, plan.operation.selectionSet)) : undefined
}

/** The bytes as a sick program, a hostile one or a broken wire might leave them. */
export function mutated(json: string, dice: Dice): Buffer {
  const at = (length: number) => Math.floor(dice() * length)
  const one = <T>(list: readonly T[]): T => list[at(list.length)]!
  const roll = dice()
  if (roll < 0.4) return Buffer.from(changed(json, dice, one))
  let bytes = Buffer.from(json)
  for (let times = 1 + at(3); times > 0; times--) {
    const [from, to] = [at(bytes.length), at(bytes.length)].sort((a, b) => a - b) as [number, number]
    const [head, middle, tail] = [bytes.subarray(0, from), bytes.subarray(from, to), bytes.subarray(to)]
    const put = dice() < 0.5 ? Buffer.from(one(pieces)) : Buffer.from([at(256)])
    bytes = Buffer.concat(one([[head, put, middle, tail], [head, tail], [head, put, bytes.subarray(from + 1)], [head], [head, middle, middle, tail], [head, middle.subarray(0, 5), tail]]))
  }
  return bytes
}

const pieces = ['"', '\\', '{', '}', '[', ']', ',', ':', 'null', 'true', '-', '0', '1e999', '1E-7', '"\\u0041"', '"__typename":"Book",', '\u0000', ' ', '\n', '\ufeff', '"errors":[],', '"errors":[{"message":"no"}],', '"extensions":{"a":[1]},', '9'.repeat(400), '['.repeat(2_000)]
const others: readonly unknown[] = [null, 0, -0, 1.5, 1e300, 'text', '', true, [], {}, [null], { __typename: 'Book' }, 'Book', 'WOOD', [[]], 1e15 + 0.5]

/** One value of the tree, one key or one item is another, gone or there twice. */
function changed(json: string, dice: Dice, one: <T>(list: readonly T[]) => T): string {
  const tree = JSON.parse(json) as unknown
  const holders: (Record<string, unknown> | unknown[])[] = []
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    if (Object.keys(value).length > 0) holders.push(value as Record<string, unknown>)
    for (const item of Object.values(value)) visit(item)
  }
  visit(tree)
  for (let times = 1 + Math.floor(dice() * 2); times > 0; times--) {
    const holder = one(holders)
    const key = one(Object.keys(holder))
    const found = (holder as Record<string, unknown>)[key]
    const roll = dice()
    if (roll < 0.5) (holder as Record<string, unknown>)[key] = one(others)
    else if (Array.isArray(holder)) holder.splice(Number(key), 1, ...(roll < 0.75 ? [] : [found, found]))
    else if (roll < 0.75) delete holder[key]
    else holder[one(['__proto__x', 'id', '__typename', 'more', 'errors'])] = found
  }
  return JSON.stringify(tree)
}
