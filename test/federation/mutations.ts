import { subgraph } from '../support/federation.ts'
import { fails, type Case } from './case.ts'

/** A journal that both subgraphs write and read, so that the order of what they did shows. */
function journal() {
  const notes: string[] = []
  const write = (note: string) => {
    notes.push(note)
    return notes.length
  }
  return { write, take: () => notes.splice(0).join(' ') }
}

const [order, shared] = [journal(), journal()]
const steps = (...values: readonly string[]) => ({ async* subscribe() { for (const id of values) yield { moved: id === '' ? null : { id } } } })

/** Mutations and subscriptions. */
export const mutations: readonly Case[] = [
  {
    title: 'root fields of a mutation run one after the other, whichever subgraph has them, each with all below it',
    subgraphs: [
      subgraph('carts', 'type Query { cart: Cart } type Mutation { add(item: String!): Cart drop: Int empty: Int! journal: String } type Cart @key(fields: "id") { id: ID! count: Int }', {
        fields: {
          Query: { cart: () => ({ id: 'c', count: 1 }) },
          Mutation: { add: (_root: never, { item }) => ({ id: 'c', count: order.write(`add ${item}`) }), drop: () => order.write('drop'), empty: fails, journal: () => order.take() },
        }, find: { Cart: ({ id }) => ({ id, count: 0 }) },
      }),
      subgraph('bills', 'type Mutation { pay(sum: Int = 5): Cart stamp: Int } type Cart @key(fields: "id") { id: ID! due: String }', {
        fields: { Mutation: { pay: (_root: never, { sum }) => ({ id: `c${order.write(`pay ${sum}`)}`, due: 'none' }), stamp: () => order.write('stamp') } }, find: { Cart: ({ id }) => { order.write(`due ${id}`); return { id, due: `due of ${id}` } } },
      }),
    ],
    asks: [
      { query: 'mutation { a: add(item: "x") { count due } pay { due } b: add(item: "y") { count } stamp drop }', data: { a: { count: 1, due: 'due of c' }, pay: { due: 'none' }, b: { count: 4 }, stamp: 5, drop: 6 } },
      { query: 'mutation { journal }', data: { journal: 'add x due c pay 5 add y stamp drop' } },
      { query: 'mutation($n: Int, $no: Boolean!) { pay(sum: $n) { id count } ...M drop @include(if: $no) } fragment M on Mutation { stamp ... on Mutation { x: stamp } }', variables: { n: 7, no: false }, data: { pay: { id: 'c1', count: 0 }, stamp: 2, x: 3 } },
      { query: 'mutation { j: journal }', data: { j: 'pay 7 stamp stamp' } },
      { query: 'mutation { stamp empty drop }', data: null, errors: [['empty', 'FAILED']] },
      { query: 'mutation { k: journal }', data: { k: 'stamp' } },
    ],
  },
  {
    title: 'a mutation that several subgraphs share is done by one of them, once',
    subgraphs: [
      subgraph('one', 'type Query { a: Int } type Mutation { touch: Touch @shareable solo: Int } type Touch @key(fields: "id") { id: ID! one: Int }', { fields: { Mutation: { touch: () => ({ id: `t${shared.write('one')}`, one: 1 }), solo: () => shared.write('solo') } }, find: { Touch: ({ id }) => ({ id, one: 1 }) } }),
      subgraph('two', 'type Query { b: Int } type Mutation { touch: Touch @shareable done: String } type Touch @key(fields: "id") { id: ID! two: Int }', { fields: { Mutation: { touch: () => ({ id: `t${shared.write('one')}`, two: 2 }), done: () => shared.take() } }, find: { Touch: ({ id }) => ({ id, two: 2 }) } }),
    ],
    asks: [
      { query: 'mutation { touch { id one two } }', data: { touch: { id: 't1', one: 1, two: 2 } } },
      { query: 'mutation { solo touch { two } again: touch { one } }', data: { solo: 2, touch: { two: 2 }, again: { one: 1 } } },
      { query: 'mutation { done }', data: { done: 'one solo one one' } },
    ],
  },
  {
    title: 'one mutation, answered by an entity that other subgraphs complete',
    subgraphs: [
      subgraph('make', 'type Mutation { make(in: Make!): Made! } input Make { name: String! tags: [String!] = ["new"] } type Made @key(fields: "id") { id: ID! tags: [String!] } type Query { none: Int }', { fields: { Mutation: { make: (_root: never, { in: given }) => ({ id: given.name, tags: given.tags }) } } }),
      subgraph('read', 'type Made @key(fields: "id") { id: ID! size: Int! owner: Owner } type Owner @key(fields: "id") { id: ID! }', { find: { Made: ({ id }) => ({ id, size: String(id).length, owner: { id: 'o' } }) } }),
      subgraph('own', 'type Owner @key(fields: "id") { id: ID! name: String }', { find: { Owner: ({ id }) => ({ id, name: `owner ${id}` }) } }),
    ],
    asks: [
      { query: 'mutation($m: Make!) { make(in: $m) { tags size owner { name } } }', variables: { m: { name: 'abc' } }, data: { make: { tags: ['new'], size: 3, owner: { name: 'owner o' } } }, calls: { make: [0], read: [1], own: [1] } },
      { query: 'mutation { make(in: { name: "z", tags: [] }) { id: size tags } }', data: { make: { id: 1, tags: [] } } },
    ],
  },
  {
    title: 'a field may answer the root of queries, after a mutation too',
    subgraphs: [
      subgraph('own', 'type Query { self: Query! page: Page } type Mutation { set: Done } type Done { query: Query } type Page @key(fields: "id") { id: ID! }', { fields: { Query: { self: () => ({}), page: () => ({ id: 'p' }) }, Mutation: { set: () => ({ query: {} }) } } }),
      subgraph('usual', 'type Page @key(fields: "id") { id: ID! text: String }', { find: { Page: ({ id }) => ({ id, text: `text ${id}` }) } }),
    ],
    asks: [
      { query: '{ self { __typename page { text } self { page { id } } } }', data: { self: { __typename: 'Query', page: { text: 'text p' }, self: { page: { id: 'p' } } } } },
      { query: 'mutation { set { query { page { text } } } }', data: { set: { query: { page: { text: 'text p' } } } }, calls: { own: [0], usual: [1] } },
    ],
  },
  {
    title: 'events of a subscription are completed by other subgraphs, each on its own',
    subgraphs: [
      subgraph('trucks', 'type Query { none: Int } type Subscription { moved(from: Int = 0): Truck tick: Int! } type Truck @key(fields: "id") { id: ID! }', {
        fields: { Subscription: { moved: steps('1', '2', '9', ''), tick: { async* subscribe() { yield { tick: 1 }; yield { tick: null }; yield { tick: 3 } } } } },
      }),
      subgraph('cargo', 'type Truck @key(fields: "id") { id: ID! load: Int strict: Int! driver: Driver } type Driver { name: String }', { find: { Truck: ({ id }) => (id === '9' ? null : { id, load: Number(id) * 100, strict: 1, driver: { name: `driver ${id}` } }) } }),
      subgraph('names', 'type Truck @key(fields: "id") { id: ID! load: Int @external sign: String @requires(fields: "load") }', { find: { Truck: ({ id, load }) => ({ id, sign: `${String(id)}: ${String(load)}` }) } }),
    ],
    asks: [
      { query: 'subscription { moved { id } }', data: [{ moved: { id: '1' } }, { moved: { id: '2' } }, { moved: { id: '9' } }, { moved: null }] },
      { query: 'subscription($no: Boolean = false) { m: moved(from: 3) { load driver { n: name } t: __typename sign @include(if: $no) } }', data: [{ m: { load: 100, driver: { n: 'driver 1' }, t: 'Truck' } }, { m: { load: 200, driver: { n: 'driver 2' }, t: 'Truck' } }, { m: { load: null, driver: null, t: 'Truck' } }, { m: null }] },
      { query: 'subscription { moved { ...T } } fragment T on Truck { sign }', data: [{ moved: { sign: '1: 100' } }, { moved: { sign: '2: 200' } }, { moved: { sign: null } }, { moved: null }] },
      { query: 'subscription { moved { strict } }', data: [{ moved: { strict: 1 } }, { moved: { strict: 1 } }, { moved: null }, { moved: null }], errors: [['moved.strict', 'INTERNAL']] },
      { query: 'subscription { t: tick }', data: [{ t: 1 }, null, { t: 3 }], errors: [['t', 'FAILED']] },
    ],
  },
]
