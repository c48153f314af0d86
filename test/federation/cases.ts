import { subgraph, type SubgraphParts } from '../support/federation.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'

export interface Case {
  /** A sentence about the graph. */
  readonly title: string
  readonly subgraphs: readonly Subgraph[]
  readonly asks: readonly Ask[]
}

export interface Ask {
  readonly query: string
  readonly variables?: Readonly<Record<string, unknown>>
  readonly data: unknown
  /** Path and code of each error, in any order. */
  readonly errors?: readonly (readonly [path: string, code: string])[]
}

const fail = (message: string) => () => {
  throw new Error(message)
}

const users = [{ id: '1', name: 'Ada', nickname: null }, { id: '2', name: 'Grace', nickname: 'Amazing' }]
const byId = <T extends { readonly id: string }>(list: readonly T[]) => (representation: Readonly<Record<string, unknown>>) => list.find(({ id }) => id === representation['id']) ?? null

const unionSide: [sdl: string, parts: SubgraphParts] = [
  `type Query { media: [Media!]! @shareable } union Media = Book | Film type Book @key(fields: "id") { id: ID! } type Film @key(fields: "id") { id: ID! minutes: Int! }
    type Shelf @key(fields: "id") { id: ID! best: Media @shareable }`, {
    fields: { Query: { media: () => [{ __typename: 'Book', id: 'b' }] } },
    find: { Shelf: ({ id }) => ({ id, best: { __typename: 'Book', id: 'b' } }), Book: book => book, Film: ({ id }) => ({ id, minutes: 117 }) },
  },
]
const memberSide: [sdl: string, parts: SubgraphParts] = [
  'type Query { media: [Book!]! @shareable shelf: Shelf } type Book @key(fields: "id") { id: ID! pages: Int! } type Shelf @key(fields: "id") { id: ID! best: Book! @shareable }', {
    fields: { Query: { media: () => [{ id: 'b', pages: 400 }], shelf: () => ({ id: 's', best: { id: 'b', pages: 400 } }) } },
    find: { Book: ({ id }) => ({ id, pages: 400 }), Shelf: ({ id }) => ({ id, best: { id: 'b', pages: 400 } }) },
  },
]

export const cases: readonly Case[] = [
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
    title: 'aliases that hide key fields, or mean different things of different types, do not disturb the plan',
    subgraphs: [
      subgraph('a', `type Query { things: [Thing!]! } union Thing = Book | Film
        type Book @key(fields: "id") { id: ID! title: String! pages: Int } type Film @key(fields: "id") { id: ID! title: String! minutes: Int! }`, {
        fields: { Query: { things: () => [{ __typename: 'Book', id: 'b', title: 'Emma', pages: 400 }, { __typename: 'Film', id: 'f', title: 'Alien', minutes: 117 }] } },
      }),
      subgraph('b', 'type Book @key(fields: "id") { id: ID! stock(at: String): Int } type Film @key(fields: "id") { id: ID! stock(at: String): Int }', {
        fields: { Book: { stock: (_book: never, { at }) => (at ? at.length : 7) }, Film: { stock: (_film: never, { at }) => (at ? at.length : 9) } }, find: { Book: ({ id }) => ({ id }), Film: ({ id }) => ({ id }) },
      }),
    ],
    asks: [
      { query: '{ things { ... on Book { id: title title: id stock } } }', data: { things: [{ id: 'Emma', title: 'b', stock: 7 }, {}] } },
      { query: '{ things { __typename ... on Book { x: pages n: title stock(at: "here") s: stock } ... on Film { n: title stock: stock(at: "there") } } }',
        data: { things: [{ __typename: 'Book', x: 400, n: 'Emma', stock: 4, s: 7 }, { __typename: 'Film', n: 'Alien', stock: 5 }] } },
      { query: 'query($representations: String, $__batch_reps_0: String) { things { ... on Book { a: stock(at: $representations) b: stock(at: $__batch_reps_0) } } }',
        variables: { representations: 'abc', __batch_reps_0: 'x' }, data: { things: [{ a: 3, b: 1 }, {}] } },
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
    title: '@requires hands a field of one subgraph to another, with its arguments',
    subgraphs: [
      subgraph('a', 'type Query { parcels: [Parcel!]! } type Parcel @key(fields: "id") { id: ID! weight(unit: String = "kg"): Int size: Size } type Size { w: Int h: Int }', {
        fields: { Query: { parcels: () => [{ id: '1' }, { id: '2' }] }, Parcel: { weight: ({ id }: { id: string }, { unit }) => (id === '2' ? null : unit === 'g' ? 3000 : 3), size: () => ({ w: 2, h: 5 }) } },
      }),
      subgraph('b', `type Parcel @key(fields: "id") { id: ID! weight(unit: String = "kg"): Int @external size: Size @external
        postage: Int @requires(fields: "weight(unit: \\"g\\")") label: String @requires(fields: "size { w h }") } type Size { w: Int @external h: Int @external }`, {
        find: { Parcel: found => found },
        fields: { Parcel: { postage: ({ weight }: { weight: number | null }) => (weight === null ? -1 : weight * 2), label: ({ size }: { size: { w: number; h: number } }) => `${size.w}x${size.h}` } },
      }),
    ],
    asks: [
      { query: '{ parcels { postage } }', data: { parcels: [{ postage: 6000 }, { postage: -1 }] } },
      { query: '{ parcels { label weight size: id } }', data: { parcels: [{ label: '2x5', weight: 3, size: '1' }, { label: '2x5', weight: null, size: '2' }] } },
    ],
  },
  {
    title: '@provides saves a fetch, @shareable fields come from wherever the plan passes',
    subgraphs: [
      subgraph('a', 'type Query { review: Review } type Review { author: User @provides(fields: "name") } type User @key(fields: "id") { id: ID! name: String @external country: String @shareable }', {
        fields: { Query: { review: () => ({ author: { id: '1', name: 'Ada (provided)', country: 'UK' } }) } },
      }),
      subgraph('b', 'type User @key(fields: "id") { id: ID! name: String @shareable country: String @shareable age: Int }', { find: { User: ({ id }) => ({ id, name: 'Ada', country: 'UK', age: 36 }) } }),
    ],
    asks: [
      { query: '{ review { author { name country } } }', data: { review: { author: { name: 'Ada (provided)', country: 'UK' } } } },
      { query: '{ review { author { age country } } }', data: { review: { author: { age: 36, country: 'UK' } } } },
    ],
  },
  {
    title: '@override moves a field',
    subgraphs: [
      subgraph('a', 'type Query { bill: Bill } type Bill @key(fields: "id") { id: ID! amount: Int }', { fields: { Query: { bill: () => ({ id: '1', amount: 1 }) } } }),
      subgraph('b', 'type Bill @key(fields: "id") { id: ID! amount: Int @override(from: "a") }', { find: { Bill: () => ({ amount: 2 }) } }),
    ],
    asks: [{ query: '{ bill { amount } }', data: { bill: { amount: 2 } } }],
  },
  {
    title: 'an interface object adds a field to every type of an entity interface',
    subgraphs: [
      subgraph('media', `type Query { media: [Media!]! } interface Media @key(fields: "id") { id: ID! title: String! }
        type Book implements Media @key(fields: "id") { id: ID! title: String! pages: Int! } type Film implements Media @key(fields: "id") { id: ID! title: String! minutes: Int! }`, {
        fields: { Query: { media: () => [{ __typename: 'Book', id: 'b', title: 'Emma', pages: 400 }, { __typename: 'Film', id: 'f', title: 'Alien', minutes: 117 }] } },
        find: { Media: ({ id }) => (id === 'b' ? { __typename: 'Book', id, title: 'Emma', pages: 400 } : id === 'f' ? { __typename: 'Film', id, title: 'Alien', minutes: 117 } : null) },
      }),
      subgraph('likes', 'type Query { top: [Media!]! } type Media @key(fields: "id") @interfaceObject { id: ID! likes: Int! }', {
        fields: { Query: { top: () => [{ id: 'f', likes: 9 }, { id: 'b', likes: 3 }] } }, find: { Media: ({ id }) => ({ id, likes: id === 'b' ? 3 : 9 }) },
      }),
    ],
    asks: [
      { query: '{ media { likes ... on Book { pages } } }', data: { media: [{ likes: 3, pages: 400 }, { likes: 9 }] } },
      { query: '{ top { likes } }', data: { top: [{ likes: 9 }, { likes: 3 }] } },
      { query: '{ top { __typename title ... on Film { likes } } }', data: { top: [{ __typename: 'Film', title: 'Alien', likes: 9 }, { __typename: 'Book', title: 'Emma' }] } },
    ],
  },
  {
    title: 'from an interface object the fields of the concrete types are found, whatever the subgraphs are called',
    subgraphs: [
      subgraph('a_likes', 'type Query { top: [Media!]! } type Media @key(fields: "id") @interfaceObject { id: ID! likes: Int! }', {
        fields: { Query: { top: () => [{ id: 'f', likes: 9 }, { id: 'b', likes: 3 }] } }, find: { Media: ({ id }) => ({ id, likes: id === 'b' ? 3 : 9 }) },
      }),
      subgraph('media', `interface Media @key(fields: "id") { id: ID! }
        type Book implements Media @key(fields: "id") { id: ID! pages: Int! } type Film implements Media @key(fields: "id") { id: ID! minutes: Int! }`, {
        find: { Media: ({ id }) => (id === 'b' ? { __typename: 'Book', id, pages: 400 } : { __typename: 'Film', id, minutes: 117 }) },
      }),
    ],
    asks: [
      { query: '{ top { ... on Film { minutes } } }', data: { top: [{ minutes: 117 }, {}] } },
      { query: '{ top { id likes ... on Book { pages likes } __typename } }', data: { top: [{ id: 'f', likes: 9, __typename: 'Film' }, { id: 'b', likes: 3, pages: 400, __typename: 'Book' }] } },
    ],
  },
  {
    title: 'what the planner finds no way to is refused by its name',
    subgraphs: [
      subgraph('a', `type Query { media: [Media!]! } type Media @key(fields: "id") @interfaceObject { id: ID! likes: Int! }
        interface Place @key(fields: "id") { id: ID! } type Town implements Place @key(fields: "id") { id: ID! people: Int! }`, {
        fields: { Query: { media: () => [{ id: 'b', likes: 3 }] } }, find: { Media: ({ id }) => ({ id, likes: 3 }), Place: ({ id }) => ({ __typename: 'Town', id, people: 5 }) },
      }),
      subgraph('b', `type Query { places: [Place!]! } type Place @key(fields: "id") @interfaceObject { id: ID! rank: Int! }
        interface Media @key(fields: "id") { id: ID! } type Book implements Media @key(fields: "id") { id: ID! pages: Int! }`, {
        fields: { Query: { places: () => [{ id: 't', rank: 1 }] } }, find: { Place: ({ id }) => ({ id, rank: 1 }), Media: ({ id }) => ({ __typename: 'Book', id, pages: 400 }) },
      }),
    ],
    asks: [
      { query: '{ places { ... on Town { people } rank } }', data: { places: [{ people: 5, rank: 1 }] } },
      { query: '{ media { ... on Book { pages } } }', data: undefined, errors: [['', 'UPSTREAM_REJECTED']] },
    ],
  },
  {
    title: '@requires behind a type condition, two entities away, is refused by its path; nearer to the root it is answered',
    subgraphs: [
      subgraph('a', 'type Query { boxes: [Box!]! } type Box @key(fields: "id") { id: ID! } type Parcel @key(fields: "id") { id: ID! price: Int }', {
        fields: { Query: { boxes: () => [{ id: 'x' }] } }, find: { Parcel: ({ id }) => ({ id, price: 4 }) },
      }),
      subgraph('b', `type Box @key(fields: "id") { id: ID! one: Thing } union Thing = Parcel | Box
        type Parcel @key(fields: "id") { id: ID! price: Int @external ship: Int @requires(fields: "price") more: Box }`, {
        find: { Box: ({ id }) => ({ id, one: { __typename: 'Parcel', id: 'p' } }), Parcel: ({ id, price }) => ({ id, ship: Number(price) * 2, more: { id: 'y', one: { __typename: 'Parcel', id: 'q' } } }) },
      }),
      subgraph('c', 'type Box @key(fields: "id") { id: ID! far: Parcel } type Parcel @key(fields: "id", resolvable: false) { id: ID! }', { find: { Box: ({ id }) => ({ id, far: { id: 'p' } }) } }),
    ],
    asks: [
      { query: '{ boxes { one { ... on Parcel { ship } } } }', data: { boxes: [{ one: { ship: 8 } }] } },
      { query: '{ boxes { far { more { one { ... on Parcel { ship } } } } } }', data: undefined, errors: [['', 'UPSTREAM_REJECTED']] },
    ],
  },
  ...[['a', 'b'], ['b', 'a']].map(([one = '', other = '']): Case => ({
    title: `a field that is a union in one subgraph and a member of it in another is the union (${one} has the union)`,
    subgraphs: [subgraph(one, ...unionSide), subgraph(other, ...memberSide)],
    asks: [
      { query: '{ media { __typename ... on Book { id pages } ... on Film { minutes } } }', data: { media: [{ __typename: 'Book', id: 'b', pages: 400 }] } },
      { query: '{ shelf { id best { ... on Book { pages } ... on Film { minutes } } } }', data: { shelf: { id: 's', best: { pages: 400 } } } },
      { query: '{ __type(name: "Shelf") { fields { name type { name } } } }', data: { __type: { fields: [{ name: 'id', type: { name: null } }, { name: 'best', type: { name: 'Media' } }] } } },
    ],
  })),
  {
    title: '@requires of an interface object asks the owners of the interface for what it needs',
    subgraphs: [
      subgraph('media', `type Query { media: [Media!]! } interface Media @key(fields: "id") { id: ID! title: String! } type Book implements Media @key(fields: "id") { id: ID! title: String! }`, {
        fields: { Query: { media: () => [{ __typename: 'Book', id: 'b', title: 'Emma' }] } }, find: { Media: ({ id }) => ({ __typename: 'Book', id, title: 'Emma' }), Book: ({ id }) => ({ id, title: 'Emma' }) },
      }),
      subgraph('shouts', 'type Query { loud: [Media!]! } type Media @key(fields: "id") @interfaceObject { id: ID! title: String! @external shout: String! @requires(fields: "title") }', {
        fields: { Query: { loud: () => [{ id: 'b' }] } }, find: { Media: ({ id, title }) => ({ id, shout: String(title).toUpperCase() }) },
      }),
    ],
    asks: [
      { query: '{ media { shout } }', data: { media: [{ shout: 'EMMA' }] } },
      { query: '{ loud { shout } }', data: { loud: [{ shout: 'EMMA' }] } },
      { query: '{ loud { title id } }', data: { loud: [{ title: 'Emma', id: 'b' }] } },
    ],
  },
  {
    title: 'interfaces and unions reach across subgraphs',
    subgraphs: [
      subgraph('a', `type Query { found: [Result] named: [Named!]! } union Result = User | Team interface Named { name: String! }
        type User implements Named @key(fields: "id") { id: ID! name: String! } type Team implements Named @key(fields: "id") { id: ID! name: String! lead: User }`, {
        fields: { Query: { found: () => [{ __typename: 'User', id: '1', name: 'Ada' }, null, { __typename: 'Team', id: 't', name: 'Core', lead: { id: '2', name: 'Grace' } }], named: () => [{ __typename: 'Team', id: 't', name: 'Core' }] } },
      }),
      subgraph('b', 'type User @key(fields: "id") { id: ID! points: Int! } type Team @key(fields: "id") { id: ID! size: Int! }', { find: { User: ({ id }) => ({ id, points: Number(id) * 10 }), Team: () => ({ size: 4 }) } }),
    ],
    asks: [
      { query: '{ found { ... on User { points } ... on Team { size lead { points name } } } }', data: { found: [{ points: 10 }, null, { size: 4, lead: { points: 20, name: 'Grace' } }] } },
      { query: 'fragment T on Team { size } { named { n: name ...T ... on User { points } ... { name } __typename } }', data: { named: [{ n: 'Core', size: 4, name: 'Core', __typename: 'Team' }] } },
    ],
  },
  {
    title: 'an enum of inputs has the values all subgraphs know, one of outputs the values any has',
    subgraphs: [
      subgraph('a', 'type Query { a(level: Level): String worst: Level } enum Level { LOW HIGH }', { fields: { Query: { a: (_root: never, { level }) => level, worst: () => 'EXTREME' } } }),
      subgraph('b', 'type Query { b(level: Level): String }  enum Level { LOW HIGH }', { fields: { Query: { b: (_root: never, { level }) => level ?? 'none' } } }),
    ],
    asks: [
      { query: '{ a(level: LOW) b }', data: { a: 'LOW', b: 'none' } },
      { query: 'query($l: Level) { b(level: $l) }', variables: { l: 'HIGH' }, data: { b: 'HIGH' } },
      { query: '{ worst }', data: { worst: null }, errors: [['worst', 'INTERNAL']] },
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
    title: 'a failing field is null where it stands, and its null goes up as far as the types demand',
    subgraphs: [
      subgraph('a', 'type Query { users: [User!] first: User! } type User @key(fields: "id") { id: ID! name: String! }', { fields: { Query: { users: () => users, first: () => users[0] }, User: { name: ({ id, name }: { id: string; name: string }) => (id === '2' ? fail('secret detail')() : name) } } }),
      subgraph('b', 'type User @key(fields: "id") { id: ID! mood: String wish: String! }', { find: { User: byId(users) }, fields: { User: { mood: fail('secret detail'), wish: ({ id }: { id: string }) => (id === '2' ? fail('secret detail')() : 'tea') } } }),
    ],
    asks: [
      { query: '{ users { id m: mood } }', data: { users: [{ id: '1', m: null }, { id: '2', m: null }] }, errors: [['users.0.m', 'INTERNAL'], ['users.1.m', 'INTERNAL']] },
      { query: '{ users { wish } }', data: { users: null }, errors: [['users.1.wish', 'INTERNAL']] },
      { query: '{ users { id name } first { name } }', data: { users: null, first: { name: 'Ada' } }, errors: [['users.1.name', 'INTERNAL']] },
      { query: '{ first { a: mood b: mood } }', data: { first: { a: null, b: null } }, errors: [['first.a', 'INTERNAL'], ['first.b', 'INTERNAL']] },
    ],
  },
  {
    title: 'introspection is answered from the graph clients see, beside data',
    subgraphs: [
      subgraph('a', 'type Query { a: Int } type Hidden @inaccessible { x: Int }', { fields: { Query: { a: () => 1 } } }),
      subgraph('b', 'type Query { b: Int }', { fields: { Query: { b: () => 2 } } }),
    ],
    asks: [
      { query: '{ __typename }', data: { __typename: 'Query' } },
      { query: 'query($n: String = "Query") { t: __typename __schema { q: queryType { name } } b ...T } fragment T on Query { __type(name: $n) { ...N fields { name } } hidden: __type(name: "Hidden") { name } a } fragment N on __Type { kind }',
        data: { t: 'Query', __schema: { q: { name: 'Query' } }, b: 2, __type: { kind: 'OBJECT', fields: [{ name: 'a' }, { name: 'b' }] }, hidden: null, a: 1 } },
    ],
  },
  {
    title: 'lists of lists keep their form',
    subgraphs: [
      subgraph('a', 'type Query { grid: [[Cell!]]! } type Cell @key(fields: "id") { id: ID! }', { fields: { Query: { grid: () => [[{ id: '1' }, { id: '2' }], null, [], [{ id: '1' }]] } } }),
      subgraph('b', 'type Cell @key(fields: "id") { id: ID! tags: [[String]] }', { find: { Cell: ({ id }) => ({ id, tags: [[String(id)], null] }) } }),
    ],
    asks: [{ query: '{ grid { tags } }', data: { grid: [[{ tags: [['1'], null] }, { tags: [['2'], null] }], null, [], [{ tags: [['1'], null] }]] } }],
  },
  {
    title: '@skip and @include decide what is fetched and what is answered',
    subgraphs: [
      subgraph('a', 'type Query { user: User } type User @key(fields: "id") { id: ID! name: String }', { fields: { Query: { user: () => users[1] } } }),
      subgraph('b', 'type User @key(fields: "id") { id: ID! points: Int }', { find: { User: () => ({ points: 3 }) } }),
    ],
    asks: [false, true].map(yes => ({
      query: 'query($yes: Boolean!) { user { name @skip(if: $yes) points @include(if: $yes) ...P @skip(if: $yes) } } fragment P on User { p: points }', variables: { yes },
      data: { user: yes ? { points: 3 } : { name: 'Grace', p: 3 } },
    })),
  },
]
