import { subgraph, type SubgraphParts } from '../support/federation.ts'
import type { Case } from './case.ts'

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

/** @shareable: what several subgraphs answer alike. */
export const shareable: readonly Case[] = [
  {
    title: 'a shareable value type holds what each subgraph has of it, and is asked where the plan is',
    subgraphs: [
      subgraph('house', 'type Query { house: House } type House @key(fields: "id") { id: ID! at: Place } type Place @shareable { lat: Int! lon: Int! }', { fields: { Query: { house: () => ({ id: 'h', at: { lat: 1, lon: 2 } }) } } }),
      subgraph('garden', 'type House @key(fields: "id") { id: ID! pond: Place } type Place @shareable { lat: Int! lon: Int! }', { find: { House: ({ id }) => ({ id, pond: { lat: 3, lon: 4 } }) } }),
    ],
    asks: [
      { query: '{ house { at { lat lon } } }', data: { house: { at: { lat: 1, lon: 2 } } }, calls: { house: [0] } },
      { query: '{ house { at { lon } pond { lat } } }', data: { house: { at: { lon: 2 }, pond: { lat: 3 } } }, calls: { house: [0], garden: [1] } },
    ],
  },
  {
    title: 'root fields shared by subgraphs are asked of one, chosen so that one request does',
    subgraphs: [
      subgraph('left', 'type Query { clock: Clock @shareable left: Int } type Clock @shareable { hour: Int }', { fields: { Query: { clock: () => ({ hour: 3 }), left: () => 1 } } }),
      subgraph('right', 'type Query { clock: Clock @shareable right: Int } type Clock @shareable { hour: Int }', { fields: { Query: { clock: () => ({ hour: 3 }), right: () => 2 } } }),
    ],
    asks: [
      { query: '{ left clock { hour } }', data: { left: 1, clock: { hour: 3 } }, calls: { left: [0] } },
      { query: '{ clock { hour } right }', data: { clock: { hour: 3 }, right: 2 }, calls: { right: [0] } },
      { query: '{ right clock { hour } left }', data: { right: 2, clock: { hour: 3 }, left: 1 } },
    ],
  },
  {
    title: 'a shared root field whose entity has more fields elsewhere',
    subgraphs: [
      subgraph('name', 'type Query { pets: [Pet] @shareable } type Pet @key(fields: "id") { id: ID! name: String }', { fields: { Query: { pets: () => [{ id: '1', name: 'Tom' }, { id: '2', name: 'Kit' }] } }, find: { Pet: ({ id }) => ({ id, name: id === '1' ? 'Tom' : 'Kit' }) } }),
      subgraph('age', 'type Query { pets: [Pet] @shareable } type Pet @key(fields: "id") { id: ID! age: Int }', { fields: { Query: { pets: () => [{ id: '1', age: 3 }, { id: '2', age: 5 }] } }, find: { Pet: ({ id }) => ({ id, age: id === '1' ? 3 : 5 }) } }),
    ],
    asks: [
      { query: '{ pets { name } }', data: { pets: [{ name: 'Tom' }, { name: 'Kit' }] }, calls: { name: [0] } },
      { query: '{ pets { age } }', data: { pets: [{ age: 3 }, { age: 5 }] }, calls: { age: [0] } },
      { query: '{ pets { name age } more: pets { age } }', data: { pets: [{ name: 'Tom', age: 3 }, { name: 'Kit', age: 5 }], more: [{ age: 3 }, { age: 5 }] } },
    ],
  },
  {
    title: 'an object without a key is joined of what two subgraphs answer at one shared path',
    subgraphs: [
      subgraph('rooms', 'type Query { info: Info @shareable } type Info { rooms: Int inner: Inner @shareable } type Inner { walls: Int }', { fields: { Query: { info: () => ({ rooms: 4, inner: { walls: 16 } }) } } }),
      subgraph('doors', 'type Query { info: Info @shareable } type Info { doors: Int inner: Inner @shareable } type Inner { hinges: Int }', { fields: { Query: { info: () => ({ doors: 5, inner: { hinges: 15 } }) } } }),
    ],
    asks: [
      { query: '{ info { rooms doors } }', data: { info: { rooms: 4, doors: 5 } }, calls: { rooms: [0], doors: [0] } },
      { query: '{ a: info { doors inner { hinges walls } r: rooms } }', data: { a: { doors: 5, inner: { hinges: 15, walls: 16 }, r: 4 } } },
    ],
  },
  {
    title: 'a shared field may be nullable here and not there, and narrower here than there: clients see the wider type',
    subgraphs: [
      subgraph('plain', 'type Query { work: Work } type Work @key(fields: "id") { id: ID! title: String @shareable about: Topic @shareable } interface Topic { label: String } type Science implements Topic @shareable { label: String } type Art implements Topic @shareable { label: String }', {
        fields: { Query: { work: () => ({ id: 'w', title: null, about: { __typename: 'Art', label: 'art' } }) } }, find: { Work: ({ id }) => ({ id, title: null, about: { __typename: 'Art', label: 'art' } }) },
      }),
      subgraph('strict', 'type Query { strict: Work } type Work @key(fields: "id") { id: ID! title: String! @shareable about: Science! @shareable pages: Int } interface Topic { label: String } type Science implements Topic @shareable { label: String } type Art implements Topic @shareable { label: String }', {
        fields: { Query: { strict: () => ({ id: 'w', title: 'Opus', about: { label: 'science' }, pages: 7 }) } }, find: { Work: ({ id }) => ({ id, pages: 7 }) },
      }),
    ],
    asks: [
      { query: '{ work { title about { __typename label } pages } strict { title about { __typename label ... on Art { label } } } }', data: { work: { title: null, about: { __typename: 'Art', label: 'art' }, pages: 7 }, strict: { title: 'Opus', about: { __typename: 'Science', label: 'science' } } } },
      { query: '{ __type(name: "Work") { fields { name type { kind name } } } }', data: { __type: { fields: [{ name: 'id', type: { kind: 'NON_NULL', name: null } }, { name: 'title', type: { kind: 'SCALAR', name: 'String' } }, { name: 'about', type: { kind: 'INTERFACE', name: 'Topic' } }, { name: 'pages', type: { kind: 'SCALAR', name: 'Int' } }] } } },
    ],
  },
  {
    title: 'a list may be non-null in one subgraph and full of holes in another',
    subgraphs: [
      subgraph('full', 'type Query { row: Row full: Int } type Row @key(fields: "id") { id: ID! cells: [Int!]! @shareable }', { fields: { Query: { row: () => ({ id: 'r', cells: [1, 2] }), full: () => 1 } } }),
      subgraph('holed', 'type Query { other: Row } type Row @key(fields: "id") { id: ID! cells: [Int] @shareable }', { fields: { Query: { other: () => ({ id: 's', cells: [1, null] }) } } }),
    ],
    asks: [{ query: '{ row { cells } other { cells } full }', data: { row: { cells: [1, 2] }, other: { cells: [1, null] }, full: 1 } }],
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
]
