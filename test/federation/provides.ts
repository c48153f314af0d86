import { subgraph } from '../support/federation.ts'
import type { Case } from './case.ts'

const films = subgraph('films', 'type Film @key(fields: "id") { id: ID! title: String @shareable minutes: Int @shareable maker: Maker @shareable } type Maker @key(fields: "id") { id: ID! name: String @shareable born: Int }', {
  find: { Film: ({ id }) => ({ id, title: 'Alien', minutes: 117, maker: { id: 'm', name: 'Scott', born: 1937 } }), Maker: ({ id }) => ({ id, name: 'Scott', born: 1937 }) },
})

/** @external and @provides: what a subgraph has on some paths only. */
export const provides: readonly Case[] = [
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
    title: '@provides may reach into objects and lists; where it does not hold, the owner is asked',
    subgraphs: [
      films,
      subgraph('charts', `type Query { weekly: [Place!]! daily: [Place!]! @provides(fields: "film { title }") }
        type Place @shareable { film: Film @provides(fields: "title maker { name }") rank: Int }
        type Film @key(fields: "id") { id: ID! title: String @external maker: Maker @external } type Maker @key(fields: "id") { id: ID! name: String @external }`, {
        fields: { Query: { weekly: () => [{ rank: 1, film: { id: 'f', title: 'Alien (chart)', maker: { id: 'm', name: 'Scott (chart)' } } }], daily: () => [] } },
      }),
    ],
    asks: [
      { query: '{ weekly { film { title maker { name } } } daily { rank } }', data: { weekly: [{ film: { title: 'Alien (chart)', maker: { name: 'Scott (chart)' } } }], daily: [] }, calls: { charts: [0] } },
      { query: '{ weekly { film { title minutes } } }', data: { weekly: [{ film: { title: 'Alien (chart)', minutes: 117 } }] }, calls: { charts: [0], films: [1] } },
      { query: '{ weekly { film { maker { name born } } } }', data: { weekly: [{ film: { maker: { name: 'Scott (chart)', born: 1937 } } }] } },
    ],
  },
  {
    title: 'one field provides what another field of the same type does not',
    subgraphs: [
      films,
      subgraph('cinema', 'type Query { tonight: Film @provides(fields: "title") soon: Film } type Film @key(fields: "id") { id: ID! title: String @external hall: Int }', {
        fields: { Query: { tonight: () => ({ id: 'f', title: 'Alien (tonight)', hall: 1 }), soon: () => ({ id: 'f', title: 'never read', hall: 2 }) } },
      }),
    ],
    asks: [{ query: '{ tonight { title hall } soon { title hall } }', data: { tonight: { title: 'Alien (tonight)', hall: 1 }, soon: { title: 'Alien', hall: 2 } }, calls: { cinema: [0], films: [1] } }],
  },
  {
    title: '@provides of a union or an interface names fields of its types',
    subgraphs: [
      subgraph('press', 'type Book @key(fields: "id") { id: ID! title: String @shareable pages: Int } type Tape @key(fields: "id") { id: ID! title: String @shareable }', {
        find: { Book: ({ id }) => ({ id, title: 'Emma', pages: 400 }), Tape: ({ id }) => ({ id, title: 'Hiss' }) },
      }),
      subgraph('desk', `type Query { top: Item @provides(fields: "... on Book { title }") last: Media @provides(fields: "... on Book { title }") } union Item = Book | Tape interface Media { id: ID! }
        type Book implements Media @key(fields: "id") { id: ID! title: String @external } type Tape implements Media @key(fields: "id") { id: ID! }`, {
        fields: { Query: { top: () => ({ __typename: 'Book', id: 'b', title: 'Emma (desk)' }), last: () => ({ __typename: 'Tape', id: 't' }) } },
      }),
    ],
    asks: [
      { query: '{ top { ... on Book { title } } }', data: { top: { title: 'Emma (desk)' } }, calls: { desk: [0] } },
      { query: '{ top { ... on Book { title pages } } last { id ... on Tape { title } } }', data: { top: { title: 'Emma (desk)', pages: 400 }, last: { id: 't', title: 'Hiss' } } },
      { query: '{ last { ... on Book { title } } }', data: { last: {} }, calls: { desk: [0] } },
    ],
  },
  {
    title: 'a type may be external as a whole',
    subgraphs: [
      subgraph('maps', 'type Query { here: Spot } type Spot @key(fields: "id") { id: ID! at: Point } type Point @shareable { x: Int y: Int }', { fields: { Query: { here: () => ({ id: 's', at: { x: 1, y: 2 } }) } }, find: { Spot: ({ id }) => ({ id, at: { x: 1, y: 2 } }) } }),
      subgraph('walks', 'type Query { start: Spot @provides(fields: "at { x }") } type Spot @key(fields: "id") { id: ID! at: Point @external steps: Int @requires(fields: "at { y }") } type Point @external { x: Int y: Int }', {
        fields: { Query: { start: () => ({ id: 's', at: { x: 7, y: 8 } }) } }, find: { Spot: ({ id, at }) => ({ id, steps: (at as { y: number }).y * 1000 }) },
      }),
    ],
    asks: [
      { query: '{ start { at { x } } }', data: { start: { at: { x: 7 } } }, calls: { walks: [0] } },
      { query: '{ here { at { x y } steps } }', data: { here: { at: { x: 1, y: 2 }, steps: 2000 } } },
    ],
  },
]
