import { subgraph } from '../support/federation.ts'
import type { Case } from './case.ts'

/** The side of a request follows from its id: this one is at 10 of 100, the other one at 88. */
const [low, high] = ['request-1', 'request-9']

const moved = (label: string) => [
  subgraph('old', 'type Query { post: Post } type Post @key(fields: "id") { id: ID! likes: Int views: Int }', { fields: { Query: { post: () => ({ id: 'p', likes: 1, views: 10 }) } }, find: { Post: ({ id }) => ({ id, likes: 1, views: 10 }) } }),
  subgraph('new', `type Query { newest: Post } type Post @key(fields: "id") { id: ID! likes: Int @override(from: "old"${label}) }`, { fields: { Query: { newest: () => ({ id: 'q', likes: 2 }) } }, find: { Post: ({ id }) => ({ id, likes: 2 }) } }),
]

/** @override: a field moves to another subgraph, at once or for a share of the requests. */
export const override: readonly Case[] = [
  {
    title: '@override moves a field',
    subgraphs: [
      subgraph('a', 'type Query { bill: Bill } type Bill @key(fields: "id") { id: ID! amount: Int }', { fields: { Query: { bill: () => ({ id: '1', amount: 1 }) } } }),
      subgraph('b', 'type Bill @key(fields: "id") { id: ID! amount: Int @override(from: "a") }', { find: { Bill: () => ({ amount: 2 }) } }),
    ],
    asks: [{ query: '{ bill { amount } }', data: { bill: { amount: 2 } } }],
  },
  {
    title: 'an overridden field is never asked of the subgraph it left, which keeps the others',
    subgraphs: moved(''),
    asks: [
      { query: '{ post { likes views } }', data: { post: { likes: 2, views: 10 } }, calls: { old: [0], new: [1] } },
      { query: '{ newest { likes views } }', data: { newest: { likes: 2, views: 10 } }, calls: { new: [0], old: [1] } },
      { query: '{ post { views } }', data: { post: { views: 10 } }, calls: { old: [0] } },
    ],
  },
  {
    title: 'a progressive override moves the field for its share of the requests alone',
    subgraphs: moved(', label: "percent(50)"'),
    asks: [
      { query: '{ post { likes } }', requestId: low, data: { post: { likes: 2 } }, calls: { old: [0], new: [1] } },
      { query: '{ post { likes } }', requestId: high, data: { post: { likes: 1 } }, calls: { old: [0] } },
      { query: '{ newest { likes } }', requestId: low, data: { newest: { likes: 2 } }, calls: { new: [0] } },
      { query: '{ newest { likes } }', requestId: high, data: { newest: { likes: 1 } }, calls: { new: [0], old: [1] } },
    ],
  },
  {
    title: 'of a progressive override at 0 nothing has moved yet',
    subgraphs: moved(', label: "percent(0)"'),
    asks: [low, high].map(requestId => ({ query: '{ post { likes } }', requestId, data: { post: { likes: 1 } } })),
  },
  {
    title: 'of a progressive override at 100 everything has moved',
    subgraphs: moved(', label: "percent(100)"'),
    asks: [low, high].map(requestId => ({ query: '{ post { likes } }', requestId, data: { post: { likes: 2 } } })),
  },
  {
    title: 'root fields are overridden like any other, by percentage too',
    subgraphs: [
      subgraph('old', 'type Query { one: Int two: Int three: Int } type Mutation { bump: Int @shareable move: Int }', { fields: { Query: { one: () => 1, two: () => 1, three: () => 1 }, Mutation: { bump: () => 1, move: () => 1 } } }),
      subgraph('new', 'type Query { two: Int @override(from: "old") three: Int @override(from: "old", label: "percent(50)") } type Mutation { bump: Int @shareable move: Int @override(from: "old", label: "percent(50)") }', { fields: { Query: { two: () => 2, three: () => 2 }, Mutation: { bump: () => 2, move: () => 2 } } }),
    ],
    asks: [
      { query: '{ one two }', data: { one: 1, two: 2 } },
      { query: '{ three }', requestId: low, data: { three: 2 }, calls: { new: [0] } },
      { query: '{ three }', requestId: high, data: { three: 1 }, calls: { old: [0] } },
      { query: '{ two three }', requestId: high, data: { two: 2, three: 1 } },
      { query: 'mutation { move bump }', requestId: low, data: { move: 2, bump: 2 }, calls: { new: [0, 0] } },
      { query: 'mutation { move }', requestId: high, data: { move: 1 }, calls: { old: [0] } },
    ],
  },
  {
    title: 'a field that others require is still theirs to require after it has moved',
    subgraphs: [
      subgraph('old', 'type Query { job: Job } type Job @key(fields: "id") { id: ID! hours: Int pay: Int @requires(fields: "rate") rate: Int @external }', { fields: { Query: { job: () => ({ id: 'j', hours: 1 }) } }, find: { Job: ({ id, rate }) => ({ id, hours: 1, pay: Number(rate) * 100 }) } }),
      subgraph('new', 'type Job @key(fields: "id") { id: ID! hours: Int @override(from: "old") rate: Int }', { find: { Job: ({ id }) => ({ id, hours: 8, rate: 5 }) } }),
      subgraph('sums', 'type Job @key(fields: "id") { id: ID! hours: Int @external days: Int @requires(fields: "hours") }', { find: { Job: ({ id, hours }) => ({ id, days: Number(hours) * 2 }) } }),
    ],
    asks: [
      { query: '{ job { days } }', data: { job: { days: 16 } }, calls: { old: [0], new: [1], sums: [1] } },
      { query: '{ job { days pay hours rate } }', data: { job: { days: 16, pay: 500, hours: 8, rate: 5 } } },
    ],
  },
  {
    title: 'an object that has moved is asked of its new home, with all below it',
    subgraphs: [
      subgraph('old', 'type Query { shop: Shop } type Shop @key(fields: "id") { id: ID! chief: Chief } type Chief @key(fields: "id") { id: ID! age: Int }', { fields: { Query: { shop: () => ({ id: 's', chief: { id: 'old', age: 70 } }) } }, find: { Chief: ({ id }) => ({ id, age: id === 'new' ? 30 : 70 }) } }),
      subgraph('new', 'type Shop @key(fields: "id") { id: ID! chief: Chief @override(from: "old") } type Chief @key(fields: "id") { id: ID! name: String }', { find: { Shop: ({ id }) => ({ id, chief: { id: 'new', name: 'Nia' } }) } }),
    ],
    asks: [{ query: '{ shop { chief { name age } } }', data: { shop: { chief: { name: 'Nia', age: 30 } } }, calls: { old: [0, 1], new: [1] } }],
  },
]
