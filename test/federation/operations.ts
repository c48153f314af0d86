import { subgraph } from '../support/federation.ts'
import { byId, fails, type Case } from './case.ts'

const users = [{ id: '1', name: 'Ada', nickname: null }, { id: '2', name: 'Grace', nickname: 'Amazing' }]

/** Eight subgraphs, each of which knows the next link alone; the last one leads back to the first. */
const chain = Array.from({ length: 8 }, (_, index) => {
  const next = (index + 1) % 8
  const start = index === 0 ? 'type Query { start: L0 } ' : ''
  return subgraph(`s${index}`, `${start}type L${index} @key(fields: "id") { id: ID! note: String @shareable next: L${next} } type L${next} @key(fields: "id", resolvable: false) { id: ID! }`, {
    ...(index === 0 && { fields: { Query: { start: () => ({ id: '0', note: 'n0', next: { id: '1' } }) } } }),
    find: { [`L${index}`]: ({ id }) => ({ id, note: `n${String(id)}`, next: { id: String(Number(id) + 1) } }) },
  })
})
const deep = (levels: number): object => (levels === 0 ? { note: 'n8', id: '8' } : { next: deep(levels - 1) })

/** Whatever an operation may do, over several subgraphs. */
export const operations: readonly Case[] = [
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
  {
    title: '@skip and @include hold at every level, together, in fragments, and with defaults of variables',
    subgraphs: [
      subgraph('a', 'type Query { user: User last: User } type User @key(fields: "id") { id: ID! name: String friend: User }', { fields: { Query: { user: () => ({ ...users[0], friend: users[1] }), last: () => users[1] } }, find: { User: byId(users) } }),
      subgraph('b', 'type User @key(fields: "id") { id: ID! points(of: Int = 1): Int badge: Badge } type Badge { title: String owner: User }', {
        find: { User: ({ id }) => ({ id, badge: { title: `badge ${id}`, owner: { id } } }) }, fields: { User: { points: ({ id }: { id: string }, { of }) => Number(id) * 10 * of } },
      }),
    ],
    asks: [
      {
        query: 'query($yes: Boolean = true, $no: Boolean! = false) { user @include(if: $yes) { name @skip(if: $no) @include(if: $yes) friend @skip(if: $yes) { name } badge { owner @include(if: $no) { name } title @skip(if: $no) } } last @include(if: $no) { name } }',
        data: { user: { name: 'Ada', badge: { title: 'badge 1' } } }, calls: { a: [0], b: [1] },
      },
      {
        query: 'query($yes: Boolean = true, $no: Boolean! = false) { user @include(if: $yes) { name @skip(if: $no) @include(if: $yes) friend @skip(if: $yes) { name } badge { owner @include(if: $no) { name } title @skip(if: $no) } } last @include(if: $no) { name } }',
        variables: { yes: false, no: true }, data: { last: { name: 'Grace' } }, calls: { a: [0] },
      },
      { query: 'query($b: Boolean!) { ...Q @include(if: $b) __typename } fragment Q on Query { user { ... @skip(if: $b) { points } ...U } } fragment U on User { ... on User @include(if: $b) { friend { points(of: 2) } } }', variables: { b: true }, data: { user: { friend: { points: 40 } }, __typename: 'Query' } },
      { query: 'query($b: Boolean!) { user { badge @include(if: $b) { title } points @skip(if: $b) } }', variables: { b: false }, data: { user: { points: 10 } }, calls: { a: [0], b: [1] } },
      { query: 'query($b: Boolean!) { user @skip(if: $b) { name } last @skip(if: $b) { points } }', variables: { b: true }, data: {}, calls: {} },
      { query: '{ user { points @skip(if: true) badge @include(if: false) { title } name } }', data: { user: { name: 'Ada' } }, calls: { a: [0] } },
      { query: 'query($b: Boolean!) { user { points points @include(if: $b) p: points(of: 3) @include(if: $b) } }', variables: { b: false }, data: { user: { points: 10 } } },
    ],
  },
  {
    title: 'one field on two ways, with arguments and aliases of its own on each, is asked for apart and answered in its place',
    subgraphs: [
      subgraph('a', 'type Query { left: Node right: Node both: [Node!] } type Node @key(fields: "id") { id: ID! peer: Node size(times: Int = 1): Int }', {
        fields: { Query: { left: () => ({ id: '1' }), right: () => ({ id: '1' }), both: () => [{ id: '1' }, { id: '2' }] }, Node: { peer: ({ id }: { id: string }) => ({ id: String(3 - Number(id)) }), size: ({ id }: { id: string }, { times }) => Number(id) * times } }, find: { Node: ({ id }) => ({ id }) },
      }),
      subgraph('b', 'type Node @key(fields: "id") { id: ID! text(lang: String, upper: Boolean = false): String twin: Node }', {
        find: { Node: ({ id }) => ({ id, twin: { id } }) }, fields: { Node: { text: ({ id }: { id: string }, { lang, upper }) => (upper ? 'TEXT' : 'text') + id + String(lang ?? '') } },
      }),
    ],
    asks: [
      { query: '{ left { text(lang: "fr") peer { text } } right { text(lang: "de") peer { text(upper: true) } } }', data: { left: { text: 'text1fr', peer: { text: 'text2' } }, right: { text: 'text1de', peer: { text: 'TEXT2' } } } },
      { query: 'query($l: String) { left { a: text(lang: $l) b: text(lang: "x", upper: true) size twin { size(times: 3) id: text } } }', variables: { l: 'y' }, data: { left: { a: 'text1y', b: 'TEXT1x', size: 1, twin: { size: 3, id: 'text1' } } } },
      { query: '{ both { text peer: twin { text: id peer { text size } } twin: peer { text(lang: "p") } } }', data: { both: [{ text: 'text1', peer: { text: '1', peer: { text: 'text2', size: 2 } }, twin: { text: 'text2p' } }, { text: 'text2', peer: { text: '2', peer: { text: 'text1', size: 1 } }, twin: { text: 'text1p' } }] } },
      { query: '{ left { text } also: left { text size(times: 2) } left { size } }', data: { left: { text: 'text1', size: 1 }, also: { text: 'text1', size: 2 } } },
    ],
  },
  {
    title: 'a chain goes through eight subgraphs, one request each, and back to the first',
    subgraphs: chain,
    asks: [
      { query: '{ start { note } }', data: { start: { note: 'n0' } }, calls: { s0: [0] } },
      { query: '{ start { next { next { next { next { next { next { next { next { note id } } } } } } } } } }', data: { start: deep(8) }, calls: { s0: [0, 1], s1: [1], s2: [1], s3: [1], s4: [1], s5: [1], s6: [1], s7: [1] } },
      { query: '{ start { next { note next { note next { note } } } } }', data: { start: { next: { note: 'n1', next: { note: 'n2', next: { note: 'n3' } } } } } },
    ],
  },
  {
    title: 'one level takes one request per subgraph, and equal entities are sent once',
    subgraphs: [
      subgraph('feed', 'type Query { posts: [Post!]! pinned: Post } type Post @key(fields: "id") { id: ID! by: Author! likers: [Author!]! } type Author @key(fields: "id") { id: ID! }', {
        fields: { Query: { posts: () => ['1', '2', '3', '1'].map(id => ({ id, by: { id: `a${Number(id) % 2}` }, likers: [{ id: 'a0' }, { id: 'a9' }] })), pinned: () => ({ id: '3', by: { id: 'a1' }, likers: [] }) } },
      }),
      subgraph('people', 'type Author @key(fields: "id") { id: ID! name: String country: Country } type Country @key(fields: "code", resolvable: false) { code: ID! }', { find: { Author: ({ id }) => ({ id, name: `name ${id}`, country: { code: 'X' } }) } }),
      subgraph('stats', 'type Post @key(fields: "id") { id: ID! views: Int } type Country @key(fields: "code") { code: ID! title: String }', { find: { Post: ({ id }) => ({ id, views: Number(id) }), Country: ({ code }) => ({ code, title: 'Xland' }) } }),
    ],
    asks: [
      { query: '{ posts { views } }', data: { posts: [{ views: 1 }, { views: 2 }, { views: 3 }, { views: 1 }] }, calls: { feed: [0], stats: [3] } },
      { query: '{ posts { by { name } } }', data: { posts: [{ by: { name: 'name a1' } }, { by: { name: 'name a0' } }, { by: { name: 'name a1' } }, { by: { name: 'name a1' } }] }, calls: { feed: [0], people: [2] } },
      { query: '{ posts { by { name } likers { country { title } } } }', data: { posts: ['a1', 'a0', 'a1', 'a1'].map(id => ({ by: { name: `name ${id}` }, likers: [{ country: { title: 'Xland' } }, { country: { title: 'Xland' } }] })) }, calls: { feed: [0], people: [4], stats: [1] } },
      { query: '{ pinned { views by { name } } posts { views } }', data: { pinned: { views: 3, by: { name: 'name a1' } }, posts: [{ views: 1 }, { views: 2 }, { views: 3 }, { views: 1 }] } },
    ],
  },
  {
    title: 'fields and aliases may have names that mean something elsewhere',
    subgraphs: [
      subgraph('a', 'type Query { constructor: Thing toString(valueOf: Int): String } type Thing @key(fields: "id") { id: ID! hasOwnProperty: String }', { fields: { Query: { constructor: () => ({ id: '1', hasOwnProperty: 'own' }), toString: (_root: never, args: { valueOf: number }) => `s${args.valueOf}` } } }),
      subgraph('b', 'type Thing @key(fields: "id") { id: ID! constructor: String valueOf: Inner } type Inner { toString: Int isPrototypeOf: String }', { find: { Thing: ({ id }) => ({ id, constructor: `c${id}`, valueOf: { toString: 4, isPrototypeOf: null } }) } }),
      subgraph('c', 'type Thing @key(fields: "id") { id: ID! toLocaleString: String }', { find: { Thing: fails } }),
    ],
    asks: [
      { query: 'query($constructor: Int) { constructor { hasOwnProperty constructor valueOf { toString isPrototypeOf } } toString(valueOf: $constructor) }', variables: { constructor: 5 }, data: { constructor: { hasOwnProperty: 'own', constructor: 'c1', valueOf: { toString: 4, isPrototypeOf: null } }, toString: 's5' } },
      { query: '{ _entities: constructor { _e0: constructor k1_id: id representations: valueOf { id: toString } } }', data: { _entities: { _e0: 'c1', k1_id: '1', representations: { id: 4 } } } },
      { query: '{ constructor { toLocaleString constructor } }', data: { constructor: { toLocaleString: null, constructor: 'c1' } }, errors: [['constructor.toLocaleString', 'FAILED']] },
      { query: '{ __proto__: constructor { __proto__: constructor x: hasOwnProperty } }', data: JSON.parse('{"__proto__":{"__proto__":"c1","x":"own"}}') },
    ],
  },
]
