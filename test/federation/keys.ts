import { subgraph } from '../support/federation.ts'
import { byId, type Case } from './case.ts'

const users = [{ id: '1', name: 'Ada', nickname: null }, { id: '2', name: 'Grace', nickname: 'Amazing' }]

/** @key: what names an entity, and how a plan gets from one subgraph to the next. */
export const keys: readonly Case[] = [
  {
    title: 'an entity takes its fields from the subgraphs that have them',
    subgraphs: [
      subgraph('accounts', 'type Query { me: User users: [User!]! } type User @key(fields: "id") { id: ID! name: String! nickname: String }', {
        fields: { Query: { me: () => users[0], users: () => users } }, find: { User: byId(users) },
      }),
      subgraph('reviews', 'type User @key(fields: "id") { id: ID! reviews(first: Int = 2): [Review!]! } type Review { text: String! author: User! }', {
        fields: { User: { reviews: (user: { id: string }, { first }) => [1, 2, 3].slice(0, first).map(n => ({ text: `r${n}`, author: { id: user.id } })) } },
        find: { User: ({ id }) => ({ id }) },
      }),
    ],
    asks: [
      { query: '{ me { name reviews(first: 1) { text } } }', data: { me: { name: 'Ada', reviews: [{ text: 'r1' }] } } },
      { query: '{ users { nickname reviews { author { name } } } }', data: { users: [
        { nickname: null, reviews: [{ author: { name: 'Ada' } }, { author: { name: 'Ada' } }] },
        { nickname: 'Amazing', reviews: [{ author: { name: 'Grace' } }, { author: { name: 'Grace' } }] },
      ] } },
      { query: '{ me { reviews(first: 1) { text } more: reviews(first: 3) { text } again: name name } }', data: { me: { reviews: [{ text: 'r1' }], more: [{ text: 'r1' }, { text: 'r2' }, { text: 'r3' }], again: 'Ada', name: 'Ada' } } },
      { query: 'query($n: Int) { me { reviews(first: $n) { text } } }', variables: {}, data: { me: { reviews: [{ text: 'r1' }, { text: 'r2' }] } } },
      { query: 'query($n: Int) { me { reviews(first: $n) { text } } }', variables: { n: 1 }, data: { me: { reviews: [{ text: 'r1' }] } } },
    ],
  },
  {
    title: 'keys may be nested',
    subgraphs: [
      subgraph('a', 'type Query { order: Order } type Order @key(fields: "id customer { id region { code } }") { id: ID! customer: Customer! } type Customer { id: ID! region: Region! } type Region { code: String! }', {
        fields: { Query: { order: () => ({ id: 'o', customer: { id: 'c', region: { code: 'EU' } } }) } },
      }),
      subgraph('b', `type Order @key(fields: "id customer { id region { code } }") { id: ID! @external customer: Customer! @external total: String! }
        type Customer { id: ID! @external region: Region! @external } type Region { code: String! @external }`, {
        find: { Order: ({ id, customer }) => ({ total: `${id}-${(customer as { id: string }).id}-${(customer as { region: { code: string } }).region.code}` }) },
      }),
    ],
    asks: [{ query: '{ order { total } }', data: { order: { total: 'o-c-EU' } } }],
  },
  {
    title: 'keys may have several fields, and an entity several keys',
    subgraphs: [
      subgraph('a', 'type Query { product: Product } type Product @key(fields: "id") { id: ID! }', { fields: { Query: { product: () => ({ id: 'p' }) } } }),
      subgraph('b', 'type Product @key(fields: "id") @key(fields: "sku brand") { id: ID! sku: String! brand: String! }', { find: { Product: ({ id }) => ({ id, sku: `sku-${id}`, brand: 'acme' }) } }),
      subgraph('c', 'type Product @key(fields: "sku brand") { sku: String! brand: String! price: Int }', { find: { Product: ({ sku, brand }) => (sku === 'sku-p' && brand === 'acme' ? { price: 5 } : null) } }),
    ],
    asks: [{ query: '{ product { price } }', data: { product: { price: 5 } } }],
  },
  {
    title: 'a key field may itself be found through another key, subgraph after subgraph',
    subgraphs: [
      subgraph('crates', 'type Query { crate: Crate } type Crate @key(fields: "serial") { serial: ID! }', { fields: { Query: { crate: () => ({ serial: 's7' }) } } }),
      subgraph('ledger', 'type Crate @key(fields: "serial") @key(fields: "lot { no } year") { serial: ID! lot: Lot! year: Int! } type Lot { no: Int! }', { find: { Crate: ({ serial }) => ({ serial, lot: { no: 4 }, year: 1999 }) } }),
      subgraph('depot', 'type Crate @key(fields: "lot { no } year") @key(fields: "shelf") { lot: Lot! @external year: Int! @external shelf: String! } type Lot { no: Int! @external }', {
        find: { Crate: ({ lot, year }) => ({ lot, year, shelf: `${(lot as { no: number }).no}/${String(year)}` }) },
      }),
      subgraph('lamps', 'type Crate @key(fields: "shelf") { shelf: String! lit: Boolean }', { find: { Crate: ({ shelf }) => ({ shelf, lit: shelf === '4/1999' }) } }),
    ],
    asks: [
      { query: '{ crate { lit } }', data: { crate: { lit: true } }, calls: { crates: [0], ledger: [1], depot: [1], lamps: [1] } },
      { query: '{ crate { lit year: serial shelf: lot { no } } }', data: { crate: { lit: true, year: 's7', shelf: { no: 4 } } } },
    ],
  },
  {
    title: 'a key that cannot be resolved only refers: what the type has elsewhere comes from there',
    subgraphs: [
      subgraph('notes', 'type Query { note: Note } type Note { text: String by: Person! } type Person @key(fields: "id", resolvable: false) { id: ID! }', { fields: { Query: { note: () => ({ text: 'hi', by: { id: '2' } }) } } }),
      subgraph('people', 'type Query { person(id: ID!): Person } type Person @key(fields: "id") { id: ID! name: String badge: Badge } type Badge @key(fields: "no", resolvable: false) { no: Int! }', {
        fields: { Query: { person: (_root: never, { id }) => ({ id, name: 'Grace', badge: { no: 5 } }) } }, find: { Person: ({ id }) => ({ id, name: 'Grace', badge: { no: 5 } }) },
      }),
      subgraph('badges', 'type Badge @key(fields: "no") { no: Int! colour: String }', { find: { Badge: ({ no }) => ({ no, colour: `colour ${String(no)}` }) } }),
    ],
    asks: [
      { query: '{ note { text by { id } } }', data: { note: { text: 'hi', by: { id: '2' } } }, calls: { notes: [0] } },
      { query: '{ note { by { name badge { colour } } } }', data: { note: { by: { name: 'Grace', badge: { colour: 'colour 5' } } } }, calls: { notes: [0], people: [1], badges: [1] } },
      { query: '{ person(id: "2") { badge { no } } }', data: { person: { badge: { no: 5 } } }, calls: { people: [0] } },
    ],
  },
  {
    title: 'one entity is reached from two parents, by a simple key here and a composite one there',
    subgraphs: [
      subgraph('flights', 'type Query { flight: Flight } type Flight { seat: Seat } type Seat @key(fields: "code") { code: ID! }', { fields: { Query: { flight: () => ({ seat: { code: '12A' } }) } } }),
      subgraph('trains', 'type Query { train: Train } type Train { seat: Seat } type Seat @key(fields: "row letter") { row: Int! letter: String! }', { fields: { Query: { train: () => ({ seat: { row: 12, letter: 'A' } }) } } }),
      subgraph('comfort', 'type Seat @key(fields: "code") @key(fields: "row letter") { code: ID! row: Int! letter: String! legroom: Int }', {
        find: { Seat: ({ code, row, letter }) => ({ code: code ?? `${String(row)}${String(letter)}`, row: row ?? 12, letter: letter ?? 'A', legroom: code === undefined ? 80 : 90 }) },
      }),
    ],
    asks: [
      { query: '{ flight { seat { legroom } } train { seat { legroom } } }', data: { flight: { seat: { legroom: 90 } }, train: { seat: { legroom: 80 } } } },
      { query: '{ flight { seat { row letter } } train { seat { code } } }', data: { flight: { seat: { row: 12, letter: 'A' } }, train: { seat: { code: '12A' } } } },
    ],
  },
  {
    title: 'the same key value in several types names different entities',
    subgraphs: [
      subgraph('index', 'type Query { hits: [Hit!]! } union Hit = Street | Town type Street @key(fields: "id") { id: ID! } type Town @key(fields: "id") { id: ID! }', {
        fields: { Query: { hits: () => [{ __typename: 'Town', id: '1' }, { __typename: 'Street', id: '1' }, { __typename: 'Town', id: '1' }] } },
      }),
      subgraph('atlas', 'type Street @key(fields: "id") { id: ID! label: String } type Town @key(fields: "id") { id: ID! label: String }', { find: { Street: ({ id }) => ({ id, label: `street ${id}` }), Town: ({ id }) => ({ id, label: `town ${id}` }) } }),
    ],
    asks: [{ query: '{ hits { ... on Street { label } ... on Town { label } } }', data: { hits: [{ label: 'town 1' }, { label: 'street 1' }, { label: 'town 1' }] }, calls: { index: [0], atlas: [2] } }],
  },
  {
    title: 'a key on an interface finds the concrete type with the fields',
    subgraphs: [
      subgraph('tickets', 'type Query { tickets: [Ticket!]! } type Ticket { of: Vehicle! } interface Vehicle @key(fields: "plate") { plate: ID! } type Car implements Vehicle @key(fields: "plate") { plate: ID! } type Tram implements Vehicle @key(fields: "plate") { plate: ID! }', {
        fields: { Query: { tickets: () => [{ of: { __typename: 'Tram', plate: 't' } }, { of: { __typename: 'Car', plate: 'c' } }] } },
      }),
      subgraph('register', `interface Vehicle @key(fields: "plate") { plate: ID! wheels: Int }
        type Car implements Vehicle @key(fields: "plate") { plate: ID! wheels: Int doors: Int } type Tram implements Vehicle @key(fields: "plate") { plate: ID! wheels: Int line: String }`, {
        find: { Vehicle: ({ plate }) => (plate === 'c' ? { __typename: 'Car', plate, wheels: 4, doors: 5 } : { __typename: 'Tram', plate, wheels: 16, line: '9' }), Car: ({ plate }) => ({ plate, wheels: 4, doors: 5 }), Tram: ({ plate }) => ({ plate, wheels: 16, line: '9' }) },
      }),
    ],
    asks: [
      { query: '{ tickets { of { wheels __typename } } }', data: { tickets: [{ of: { wheels: 16, __typename: 'Tram' } }, { of: { wheels: 4, __typename: 'Car' } }] }, calls: { tickets: [0], register: [2] } },
      { query: '{ tickets { of { plate ... on Car { doors } ... on Tram { line w: wheels } } } }', data: { tickets: [{ of: { plate: 't', line: '9', w: 16 } }, { of: { plate: 'c', doors: 5 } }] } },
    ],
  },
  {
    title: 'a key may hold a list, an enum and a custom scalar',
    subgraphs: [
      subgraph('shop', 'scalar Stamp enum Size { S L } type Query { shirt: Shirt } type Shirt @key(fields: "size made tags") { size: Size! made: Stamp! tags: [String!]! }', { fields: { Query: { shirt: () => ({ size: 'L', made: { y: 2020 }, tags: ['a', 'b'] }) } } }),
      subgraph('mill', 'scalar Stamp enum Size { S L } type Shirt @key(fields: "size made tags") { size: Size! made: Stamp! tags: [String!]! cloth: String }', {
        find: { Shirt: ({ size, made, tags }) => ({ size, made, tags, cloth: `${String(size)} ${JSON.stringify(made)} ${String(tags)}` }) },
      }),
    ],
    asks: [{ query: '{ shirt { cloth } }', data: { shirt: { cloth: 'L {"y":2020} a,b' } } }],
  },
  {
    title: 'entities refer to each other in circles',
    subgraphs: [
      subgraph('a', 'type Query { user: User } type User @key(fields: "id") { id: ID! boss: User name: String }', { fields: { Query: { user: () => ({ id: '1', name: 'u1', boss: { id: '2', name: 'u2', boss: { id: '1', name: 'u1' } } }) } }, find: { User: ({ id }) => ({ id, name: `u${id}` }) } }),
      subgraph('b', 'type User @key(fields: "id") { id: ID! team: Team } type Team @key(fields: "id") { id: ID! members: [User!]! }', {
        fields: { User: { team: () => ({ id: 't' }) }, Team: { members: () => [{ id: '1' }, { id: '2' }] } }, find: { User: ({ id }) => ({ id }), Team: ({ id }) => ({ id }) },
      }),
    ],
    asks: [{ query: '{ user { team { members { name team { members { id name } } } } boss { boss { name team { id } } } } }', data: { user: {
      team: { members: [{ name: 'u1', team: { members: [{ id: '1', name: 'u1' }, { id: '2', name: 'u2' }] } }, { name: 'u2', team: { members: [{ id: '1', name: 'u1' }, { id: '2', name: 'u2' }] } }] },
      boss: { boss: { name: 'u1', team: { id: 't' } } },
    } } }],
  },
  {
    title: 'a null key names nothing, and an entity a subgraph does not have leaves its fields empty',
    subgraphs: [
      subgraph('a', 'type Query { items: [Item]! } type Item @key(fields: "id") { id: ID label: String }', { fields: { Query: { items: () => [{ id: '1', label: 'one' }, { id: null, label: 'none' }, null, { id: '9', label: 'unknown' }] } } }),
      subgraph('b', 'type Item @key(fields: "id") { id: ID note: String strict: Int! }', { find: { Item: ({ id }) => (id === '1' ? { id, note: 'first', strict: 1 } : null) } }),
    ],
    asks: [
      { query: '{ items { label note } }', data: { items: [{ label: 'one', note: 'first' }, { label: 'none', note: null }, null, { label: 'unknown', note: null }] } },
      { query: '{ items { strict } }', data: { items: [{ strict: 1 }, null, null, null] }, errors: [['items.1.strict', 'INTERNAL'], ['items.3.strict', 'INTERNAL']] },
    ],
  },
  {
    title: 'directives may be imported under other names, or be used with their prefix; types may be extended',
    subgraphs: [
      { ...subgraph('stems', '', { fields: { Query: { flower: () => ({ id: 'f' }) } } }), sdl: `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: [{ name: "@key", as: "@named" }])
        type Query { flower: Flower } type Flower @named(fields: "id") { id: ID! colour: String @federation__external scent: String @federation__requires(fields: "colour") }`,
        entities: { Flower: async list => list.map(({ id, colour }) => ({ id, scent: `scent of ${String(colour)}` })) } },
      { ...subgraph('petals', '', { find: { Flower: ({ id }) => ({ id, colour: 'red' }) } }), sdl: `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", as: "fed")
        extend type Flower @fed__key(fields: "id") { id: ID! colour: String }` },
    ],
    asks: [{ query: '{ flower { scent colour } }', data: { flower: { scent: 'scent of red', colour: 'red' } } }],
  },
  {
    title: 'a key may reach into the objects of a list; the order of its fields says nothing',
    subgraphs: [
      subgraph('kits', 'type Query { kit: Kit } type Kit @key(fields: "parts { no maker { id } } name") { name: String! parts: [Part!]! } type Part { no: Int! @shareable maker: Maker! @shareable weight: Int } type Maker @shareable { id: ID! }', { fields: { Query: { kit: () => ({ name: 'k', parts: [{ no: 1, maker: { id: 'a' }, weight: 9 }, { no: 2, maker: { id: 'b' } }] }) } } }),
      subgraph('sheets', 'type Kit @key(fields: "name parts { maker { id } no }") { name: String! parts: [Part!]! sheet: String } type Part @shareable { no: Int! maker: Maker! } type Maker @shareable { id: ID! }', { find: { Kit: ({ name, parts }) => ({ name, parts, sheet: JSON.stringify([name, (parts as { no: number; maker: object }[]).map(({ no, maker }) => [no, maker])]) }) } }),
    ],
    asks: [
      { query: '{ kit { sheet } }', data: { kit: { sheet: '["k",[[1,{"id":"a"}],[2,{"id":"b"}]]]' } } },
      { query: '{ kit { parts { no: weight } sheet } }', data: { kit: { parts: [{ no: 9 }, { no: null }], sheet: '["k",[[1,{"id":"a"}],[2,{"id":"b"}]]]' } } },
    ],
  },
  {
    title: 'a subgraph may call its root types as it likes',
    subgraphs: [
      subgraph('own', 'schema { query: Reads mutation: Writes } type Reads { page: Page } type Writes { set(n: Int!): Page } type Page @key(fields: "id") { id: ID! }', { fields: { Reads: { page: () => ({ id: 'p' }) }, Writes: { set: (_root: never, { n }) => ({ id: `p${n}` }) } } }),
      subgraph('usual', 'type Query { none: Int } type Mutation { unset: Int } type Page @key(fields: "id") { id: ID! text: String }', { fields: { Mutation: { unset: () => 0 } }, find: { Page: ({ id }) => ({ id, text: `text ${id}` }) } }),
    ],
    asks: [
      { query: '{ page { text } __typename }', data: { page: { text: 'text p' }, __typename: 'Query' } },
      { query: 'mutation { set(n: 3) { text } unset __typename }', data: { set: { text: 'text p3' }, unset: 0, __typename: 'Mutation' } },
    ],
  },
]
