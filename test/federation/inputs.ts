import { GraphQLScalarType, Kind } from 'graphql'
import { subgraph } from '../support/federation.ts'
import type { Case } from './case.ts'

/** Seconds since midnight in answers and requests, minutes within. */
const minutes = new GraphQLScalarType({ name: 'Time', serialize: value => Number(value) * 60, parseValue: value => Number(value) / 60, parseLiteral: node => (node.kind === Kind.INT ? Number(node.value) / 60 : null) })

/** Arguments, variables, inputs, enums and scalars. */
export const inputs: readonly Case[] = [
  {
    title: 'an enum of inputs has the values all subgraphs know, one of outputs the values any has',
    subgraphs: [
      subgraph('a', 'type Query { a(level: Level): String worst: Level } enum Level { LOW HIGH }', { fields: { Query: { a: (_root: never, { level }) => level, worst: () => 'EXTREME' } } }),
      subgraph('b', 'type Query { b(level: Level): String }  enum Level { LOW HIGH }', { fields: { Query: { b: (_root: never, { level }) => level ?? 'none' } } }),
    ],
    asks: [
      { query: '{ a(level: LOW) b }', data: { a: 'LOW', b: 'none' } },
      { query: 'query($l: Level) { b(level: $l) }', variables: { l: 'HIGH' }, data: { b: 'HIGH' } },
      { query: '{ worst }', data: { worst: null }, errors: [['worst', 'FAILED']] },
    ],
  },
  {
    title: 'input objects are coerced once, with the defaults of the graph',
    subgraphs: [
      subgraph('a', 'type Query { search(input: Search!): String } input Search { text: String! limit: Int = 10 tags: [String!] nested: Search }', { fields: { Query: { search: (_root: never, { input }) => JSON.stringify(input) } } }),
      subgraph('b', 'type Query { other: Int }', { fields: { Query: { other: () => 1 } } }),
    ],
    asks: [
      { query: 'query($s: Search!) { search(input: $s) other }', variables: { s: { text: 'x', tags: 'one', nested: { text: 'y' } } }, data: { search: '{"text":"x","limit":10,"tags":["one"],"nested":{"text":"y","limit":10}}', other: 1 } },
      { query: 'query($s: Search!) { search(input: $s) }', variables: { s: { limit: 'many' } }, data: undefined, errors: [['', 'BAD_USER_INPUT'], ['', 'BAD_USER_INPUT']] },
    ],
  },
  {
    title: 'an enum of arguments alone has the values that all subgraphs know, an enum of answers those that any knows',
    subgraphs: [
      subgraph('a', 'type Query { a(by: Order = UP): String tint: Tint } enum Order { UP DOWN MIXED } enum Tint { RED BLUE }', { fields: { Query: { a: (_root: never, { by }) => by, tint: () => 'BLUE' } } }),
      subgraph('b', 'type Query { b(by: Order! = DOWN): String hue: Tint } enum Order { DOWN UP } enum Tint { RED GREEN }', { fields: { Query: { b: (_root: never, { by }) => by, hue: () => 'GREEN' } } }),
    ],
    asks: [
      { query: 'query($o: Order) { a(by: $o) x: a y: a(by: DOWN) b tint hue }', data: { a: 'UP', x: 'UP', y: 'DOWN', b: 'DOWN', tint: 'BLUE', hue: 'GREEN' } },
      { query: 'query($o: Order! = UP) { a(by: $o) b(by: $o) }', data: { a: 'UP', b: 'UP' } },
      { query: 'query($o: Order) { a(by: $o) }', variables: { o: 'MIXED' }, data: undefined, errors: [['', 'BAD_USER_INPUT']] },
      { query: '{ o: __type(name: "Order") { enumValues { name } } t: __type(name: "Tint") { enumValues { name } } }', data: { o: { enumValues: [{ name: 'UP' }, { name: 'DOWN' }] }, t: { enumValues: [{ name: 'RED' }, { name: 'BLUE' }, { name: 'GREEN' }] } } },
    ],
  },
  {
    title: 'an input type has the fields that all subgraphs know; what one alone has keeps its default there',
    subgraphs: [
      subgraph('a', 'type Query { a(by: By): String } input By { text: String deep: Deep only: Int = 4 } input Deep { n: Int! = 2 m: Int }', { fields: { Query: { a: (_root: never, args) => JSON.stringify(args) } } }),
      subgraph('b', 'type Query { b(by: By!): String } input By { text: String deep: Deep } input Deep { n: Int! = 2 }', { fields: { Query: { b: (_root: never, args) => JSON.stringify(args) } } }),
    ],
    asks: [
      { query: '{ a(by: { text: "x", deep: {} }) b(by: { deep: { n: 5 } }) }', data: { a: '{"by":{"text":"x","deep":{"n":2},"only":4}}', b: '{"by":{"deep":{"n":5}}}' } },
      { query: 'query($by: By!, $n: Int!) { a(by: $by) b(by: { deep: { n: $n } }) }', variables: { by: { text: null, deep: { n: 1 } }, n: 9 }, data: { a: '{"by":{"text":null,"deep":{"n":1},"only":4}}', b: '{"by":{"deep":{"n":9}}}' } },
      { query: 'query($by: By) { a(by: $by) }', variables: { by: { only: 1 } }, data: undefined, errors: [['', 'BAD_USER_INPUT']] },
    ],
  },
  {
    title: 'an argument of a shared field that one subgraph alone has is no argument of the graph',
    subgraphs: [
      subgraph('a', 'type Query { one(x: Int, y: Int = 7): String @shareable solo: Int }', { fields: { Query: { one: (_root: never, args) => JSON.stringify(args), solo: () => 1 } } }),
      subgraph('b', 'type Query { one(x: Int): String @shareable other: Int }', { fields: { Query: { one: (_root: never, args) => JSON.stringify({ ...args, y: 7 }), other: () => 2 } } }),
    ],
    asks: [
      { query: '{ one(x: 3) solo }', data: { one: '{"x":3,"y":7}', solo: 1 }, calls: { a: [0] } },
      { query: '{ one(x: 3) other }', data: { one: '{"x":3,"y":7}', other: 2 }, calls: { b: [0] } },
      { query: '{ __type(name: "Query") { fields { name args { name defaultValue } } } }', data: { __type: { fields: [{ name: 'one', args: [{ name: 'x', defaultValue: null }] }, { name: 'solo', args: [] }, { name: 'other', args: [] }] } } },
    ],
  },
  {
    title: 'a variable is sent to the subgraphs that use it, absent where the client left it out, null where it said null',
    subgraphs: [
      subgraph('a', 'type Query { a(x: Int = 1): String thing(id: ID! = "t"): Thing } type Thing @key(fields: "id") { id: ID! size(in: Unit = CM): String } enum Unit { CM INCH }', {
        fields: { Query: { a: (_root: never, args) => JSON.stringify(args), thing: (_root: never, { id }) => ({ id }) }, Thing: { size: (_thing: never, args) => JSON.stringify(args) } },
      }),
      subgraph('b', 'type Query { b(y: [Int!] = [1], z: String): String } type Thing @key(fields: "id") { id: ID! note(in: [String] = ["x", null]): String }', {
        fields: { Query: { b: (_root: never, args) => JSON.stringify(args) }, Thing: { note: (_thing: never, args) => JSON.stringify(args) } }, find: { Thing: ({ id }) => ({ id }) },
      }),
    ],
    asks: [
      { query: 'query($x: Int, $y: [Int!]) { a(x: $x) b(y: $y) }', data: { a: '{"x":1}', b: '{"y":[1]}' } },
      { query: 'query($x: Int, $y: [Int!]) { a(x: $x) b(y: $y) }', variables: { x: null, y: null }, data: { a: '{"x":null}', b: '{"y":null}' } },
      { query: 'query($x: Int = 5, $y: [Int!] = [6, 7], $z: String) { a(x: $x) b(y: $y, z: $z) }', variables: { z: 'z' }, data: { a: '{"x":5}', b: '{"y":[6,7],"z":"z"}' } },
      { query: 'query($y: [Int!]) { b(y: $y) }', variables: { y: 3 }, data: { b: '{"y":[3]}' } },
      { query: 'query($id: ID!, $in: Unit, $n: [String]) { thing(id: $id) { size(in: $in) note(in: $n) plain: note inch: size(in: INCH) } }', variables: { id: 7, n: 'one' }, data: { thing: { size: '{"in":"CM"}', note: '{"in":["one"]}', plain: '{"in":["x",null]}', inch: '{"in":"INCH"}' } } },
    ],
  },
  {
    title: 'a custom scalar is the subgraph\'s to read and to write',
    subgraphs: [
      subgraph('a', 'scalar Time type Query { alarm(at: Time, all: [Time!], in: At): Time shift: Shift } input At { time: Time } type Shift @key(fields: "from") { from: Time! }', {
        fields: { Query: { alarm: (_root: never, args) => { const { at, all = [], in: box } = args as { at?: number; all?: number[]; in?: { time: number } }; return (at ?? 0) + all.reduce((sum, one) => sum + one, 0) + (box?.time ?? 0) }, shift: () => ({ from: 3 }) } }, scalars: [minutes],
      }),
      subgraph('b', 'scalar Time type Shift @key(fields: "from") { from: Time! until(more: Time): Time }', { scalars: [minutes], find: { Shift: ({ from }) => ({ from: Number(from) / 60 }) }, fields: { Shift: { until: ({ from }: { from: number }, { more }) => from + Number(more ?? 1) } } }),
    ],
    asks: [
      { query: '{ alarm(at: 120) }', data: { alarm: 120 } },
      { query: 'query($t: Time, $l: [Time!]) { alarm(at: $t, all: $l, in: { time: $t }) }', variables: { t: 60, l: [60, 120] }, data: { alarm: 300 } },
      { query: 'query($m: Time) { shift { from until(more: $m) plain: until } }', variables: { m: 180 }, data: { shift: { from: 180, until: 360, plain: 240 } } },
    ],
  },
  {
    title: 'one argument may be required here and optional there: clients must give it',
    subgraphs: [
      subgraph('a', 'type Query { find(id: ID!): String @shareable a: Int }', { fields: { Query: { find: (_root: never, { id }) => `found ${id}` } } }),
      subgraph('b', 'type Query { find(id: ID): String @shareable b: Int }', { fields: { Query: { find: (_root: never, { id }) => `found ${id}` } } }),
    ],
    asks: [
      { query: 'query($id: ID!) { find(id: $id) b }', variables: { id: 4 }, data: { find: 'found 4', b: null } },
      { query: '{ __type(name: "Query") { fields { args { type { kind } } } } }', data: { __type: { fields: [{ args: [{ type: { kind: 'NON_NULL' } }] }, { args: [] }, { args: [] }] } } },
    ],
  },
]
