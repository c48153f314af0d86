import { subgraph } from '../support/federation.ts'
import type { Case } from './case.ts'

/** Interfaces, unions and fragments on them, whose parts lie in several subgraphs. */
export const abstract: readonly Case[] = [
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
    title: 'a union has members in one subgraph that another does not know',
    subgraphs: [
      subgraph('left', 'type Query { left: [Thing] } union Thing = Key | Coin type Key @key(fields: "id") { id: ID! } type Coin @shareable { worth: Int }', { fields: { Query: { left: () => [{ __typename: 'Key', id: 'k' }, { __typename: 'Coin', worth: 5 }] } } }),
      subgraph('right', 'type Query { right: [Thing] } union Thing = Key | Map type Key @key(fields: "id") { id: ID! teeth: Int } type Map @shareable { scale: Int }', {
        fields: { Query: { right: () => [{ __typename: 'Map', scale: 100 }, { __typename: 'Key', id: 'k', teeth: 8 }] } }, find: { Key: ({ id }) => ({ id, teeth: 8 }) },
      }),
    ],
    asks: [
      { query: '{ left { __typename ... on Key { teeth } ... on Coin { worth } ... on Map { scale } } right { ... on Coin { worth } ... on Map { scale } } }', data: { left: [{ __typename: 'Key', teeth: 8 }, { __typename: 'Coin', worth: 5 }], right: [{ scale: 100 }, {}] } },
      { query: '{ right { __typename ... on Coin { worth } } left { ... on Map { scale } } }', data: { right: [{ __typename: 'Map' }, { __typename: 'Key' }], left: [{}, {}] } },
      { query: 'fragment T on Thing { ... on Map { s: scale } ... on Coin { s: worth } } { left { ...T } right { ...T ... on Key { id } } }', data: { left: [{}, { s: 5 }], right: [{ s: 100 }, { id: 'k' }] } },
    ],
  },
  {
    title: 'an interface has other fields, and other types, in each subgraph',
    subgraphs: [
      subgraph('pets', 'type Query { pets: [Pet!]! } interface Pet { id: ID! name: String } type Dog implements Pet @key(fields: "id") { id: ID! name: String @shareable } type Cat implements Pet @key(fields: "id") { id: ID! name: String lives: Int }', {
        fields: { Query: { pets: () => [{ __typename: 'Dog', id: 'd', name: 'Rex' }, { __typename: 'Cat', id: 'c', name: 'Tom', lives: 9 }] } },
      }),
      subgraph('vets', 'type Query { patients: [Pet!]! } interface Pet { id: ID! age: Int } type Dog implements Pet @key(fields: "id") { id: ID! age: Int tags: [Tag!] } type Cat implements Pet @key(fields: "id") { id: ID! age: Int } type Fish implements Pet @key(fields: "id") { id: ID! age: Int name: String } type Tag { no: Int }', {
        fields: { Query: { patients: () => [{ __typename: 'Fish', id: 'f', age: 1, name: 'Wanda' }, { __typename: 'Dog', id: 'd', age: 3, tags: [{ no: 1 }] }] } }, find: { Dog: ({ id }) => ({ id, age: 3, tags: [{ no: 1 }] }), Cat: ({ id }) => ({ id, age: 4 }) },
      }),
      subgraph('names', 'type Dog @key(fields: "id") { id: ID! name: String @shareable } type Query { none: Int }', { find: { Dog: ({ id }) => ({ id, name: 'Rex' }) } }),
    ],
    asks: [
      { query: '{ pets { name ... on Dog { age tags { no } } ... on Cat { age lives } } }', data: { pets: [{ name: 'Rex', age: 3, tags: [{ no: 1 }] }, { name: 'Tom', age: 4, lives: 9 }] } },
      { query: '{ patients { __typename age ... on Dog { name } ... on Fish { name } } }', data: { patients: [{ __typename: 'Fish', age: 1, name: 'Wanda' }, { __typename: 'Dog', age: 3, name: 'Rex' }] } },
      { query: '{ pets { id ... on Fish { age } } }', data: { pets: [{ id: 'd' }, { id: 'c' }] }, calls: { pets: [0] } },
    ],
  },
  {
    title: 'a type is of an interface in one subgraph, and not in the one that answers it',
    subgraphs: [
      subgraph('catalogue', 'type Query { all: [Item] first: Item deep: Shelf } type Shelf { items: [Item] } union Item = Song | Play interface Timed { seconds: Int } type Song implements Timed @key(fields: "id") { id: ID! seconds: Int @shareable } type Play @key(fields: "id") { id: ID! seconds: Int @shareable }', {
        fields: { Query: { all: () => [{ __typename: 'Song', id: 's', seconds: 180 }, { __typename: 'Play', id: 'p', seconds: 7200 }], first: () => ({ __typename: 'Play', id: 'p', seconds: 7200 }), deep: () => ({ items: [{ __typename: 'Play', id: 'p', seconds: 7200 }] }) } },
      }),
      subgraph('clocks', 'type Query { timed: Timed } interface Timed { seconds: Int } type Song implements Timed @key(fields: "id") { id: ID! seconds: Int @shareable } type Play implements Timed @key(fields: "id") { id: ID! seconds: Int @shareable }', {
        fields: { Query: { timed: () => ({ __typename: 'Play', id: 'p', seconds: 7200 }) } }, find: { Song: ({ id }) => ({ id, seconds: 180 }), Play: ({ id }) => ({ id, seconds: 7200 }) },
      }),
    ],
    asks: [
      { query: '{ all { ... on Timed { seconds } } }', data: { all: [{ seconds: 180 }, { seconds: 7200 }] } },
      { query: '{ all { __typename ... on Timed { s: seconds __typename } ... on Play { id } } first { ... on Timed { seconds } } }', data: { all: [{ __typename: 'Song', s: 180 }, { __typename: 'Play', s: 7200, id: 'p' }], first: { seconds: 7200 } } },
      { query: 'fragment T on Timed { ... on Play { id } ... on Song { id } } { deep { items { ...T } } timed { ...T seconds } }', data: { deep: { items: [{ id: 'p' }] }, timed: { id: 'p', seconds: 7200 } } },
    ],
  },
  {
    title: 'fragments stand within fragments: interfaces in unions in interfaces, named and inline',
    subgraphs: [
      subgraph('tree', `type Query { nodes: [Node!]! } interface Node { id: ID! } interface Named implements Node { id: ID! name: String } union Any = File | Folder | Link
        type File implements Named & Node @key(fields: "id") { id: ID! name: String } type Folder implements Named & Node @key(fields: "id") { id: ID! name: String content: [Any!] } type Link implements Node @key(fields: "id") { id: ID! to: Node }`, {
        fields: { Query: { nodes: () => [{ __typename: 'Folder', id: '1', name: 'root', content: [{ __typename: 'File', id: '2', name: 'a.txt' }, { __typename: 'Link', id: '3', to: { __typename: 'File', id: '2', name: 'a.txt' } }] }, { __typename: 'Link', id: '4', to: null }] } },
      }),
      subgraph('disk', 'type File @key(fields: "id") { id: ID! bytes: Int } type Folder @key(fields: "id") { id: ID! files: Int } type Link @key(fields: "id") { id: ID! broken: Boolean }', {
        find: { File: ({ id }) => ({ id, bytes: 12 }), Folder: ({ id }) => ({ id, files: 1 }), Link: ({ id }) => ({ id, broken: id === '4' }) },
      }),
    ],
    asks: [
      {
        query: `query { nodes { ...N ... on Node { ... on Named { ... on Folder { content { ... on Node { id ...N ... on Link { to { ...N } } } } } } } } }
          fragment N on Node { ... on Named { n: name ...F } ... on Link { broken } ... on Folder { files } } fragment F on File { bytes }`,
        data: { nodes: [{ n: 'root', files: 1, content: [{ id: '2', n: 'a.txt', bytes: 12 }, { id: '3', broken: false, to: { n: 'a.txt', bytes: 12 } }] }, { broken: true }] },
      },
      { query: '{ nodes { ... { ... on Named { ... { name } } } ... @include(if: true) { t: __typename } } }', data: { nodes: [{ name: 'root', t: 'Folder' }, { t: 'Link' }] }, calls: { tree: [0] } },
    ],
  },
  {
    title: 'entities behind a union are fetched from where each has its field, with the same key of a field for different types',
    subgraphs: [
      subgraph('inbox', 'type Query { inbox: [Message] } union Message = Mail | Chat type Mail @key(fields: "id") { id: ID! from: Person } type Chat @key(fields: "room no") { room: ID! no: Int! from: Bot } type Person @key(fields: "id") { id: ID! } type Bot @key(fields: "id") { id: ID! }', {
        fields: { Query: { inbox: () => [{ __typename: 'Mail', id: 'm', from: { id: '1' } }, { __typename: 'Chat', room: 'r', no: 2, from: { id: '1' } }, null] } },
      }),
      subgraph('names', 'type Person @key(fields: "id") { id: ID! name: String! } type Bot @key(fields: "id") { id: ID! name: String }', { find: { Person: ({ id }) => ({ id, name: `person ${id}` }), Bot: ({ id }) => ({ id, name: `bot ${id}` }) } }),
      subgraph('bodies', 'type Mail @key(fields: "id") { id: ID! body: String } type Chat @key(fields: "room no") { room: ID! no: Int! body: [String] }', { find: { Mail: ({ id }) => ({ id, body: 'text' }), Chat: ({ room, no }) => ({ room, no, body: ['a', 'b'] }) } }),
    ],
    asks: [
      { query: '{ inbox { ... on Mail { from { name } text: body } ... on Chat { from { n: name } lines: body } } }', data: { inbox: [{ from: { name: 'person 1' }, text: 'text' }, { from: { n: 'bot 1' }, lines: ['a', 'b'] }, null] } },
      { query: '{ inbox { ... on Mail { a: body } ... on Chat { b: body no } } }', data: { inbox: [{ a: 'text' }, { b: ['a', 'b'], no: 2 }, null] } },
    ],
  },
  {
    title: '__typename is told everywhere, under any alias',
    subgraphs: [
      subgraph('one', 'type Query { shop: Shop! } type Mutation { open: Shop } type Shop @key(fields: "id") { id: ID! at: Spot! } type Spot { street: String } ', { fields: { Query: { shop: () => ({ id: 's', at: { street: 'x' } }) }, Mutation: { open: () => ({ id: 's', at: {} }) } } }),
      subgraph('two', 'type Query { shops: [Shop] } type Shop @key(fields: "id") { id: ID! best: Ware } union Ware = Tea | Nut type Tea { hot: Boolean } type Nut { g: Int }', { fields: { Query: { shops: () => [{ id: 's', best: { __typename: 'Nut' } }] } }, find: { Shop: ({ id }) => ({ id, best: { __typename: 'Tea', hot: true } }) } }),
    ],
    asks: [
      { query: '{ q: __typename shop { __typename t: __typename at { t: __typename } best { id: __typename ... on Tea { __typename hot } } } __typename }', data: { q: 'Query', shop: { __typename: 'Shop', t: 'Shop', at: { t: 'Spot' }, best: { id: 'Tea', __typename: 'Tea', hot: true } }, __typename: 'Query' } },
      { query: 'mutation { __typename open { id: __typename best { __typename } } }', data: { __typename: 'Mutation', open: { id: 'Shop', best: { __typename: 'Tea' } } } },
      { query: '{ shop { best { __typename } } shops { best { __typename } } }', data: { shop: { best: { __typename: 'Tea' } }, shops: [{ best: { __typename: 'Nut' } }] } },
      { query: '{ shop { ...S } } fragment S on Shop { ... on Shop { __typename @include(if: false) x: __typename } }', data: { shop: { x: 'Shop' } }, calls: { one: [0] } },
    ],
  },
]
