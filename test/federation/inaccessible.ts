import { subgraph } from '../support/federation.ts'
import type { Case } from './case.ts'

/** @inaccessible: what plans may use and clients never see. */
export const inaccessible: readonly Case[] = [
  {
    title: 'a hidden field may be a key, and be required',
    subgraphs: [
      subgraph('staff', 'type Query { clerk: Clerk } type Clerk @key(fields: "no") { no: Int! @inaccessible name: String salary: Int @inaccessible }', { fields: { Query: { clerk: () => ({ no: 7, name: 'Ida', salary: 100 }) } } }),
      subgraph('tax', 'type Clerk @key(fields: "no") { no: Int! salary: Int @external bracket: String @requires(fields: "salary") }', { find: { Clerk: ({ no, salary }) => ({ no, bracket: Number(salary) > 50 ? 'A' : 'B' }) } }),
    ],
    asks: [
      { query: '{ clerk { name bracket } }', data: { clerk: { name: 'Ida', bracket: 'A' } }, calls: { staff: [0], tax: [1] } },
      { query: '{ clerk { no: name salary: bracket } }', data: { clerk: { no: 'Ida', salary: 'A' } } },
      { query: '{ __type(name: "Clerk") { fields { name } } }', data: { __type: { fields: [{ name: 'name' }, { name: 'bracket' }] } }, calls: {} },
    ],
  },
  {
    title: 'a hidden type goes with the fields that answer it',
    subgraphs: [
      subgraph('open', 'type Query { box: Box } type Box @key(fields: "id") { id: ID! inner: Vault @inaccessible label: String } type Vault @inaccessible { code: String }', { fields: { Query: { box: () => ({ id: 'b', label: 'box', inner: { code: 'x' } }) } } }),
      subgraph('side', 'type Box @key(fields: "id") { id: ID! inner: Vault @external hint: String @requires(fields: "inner { code }") } type Vault @inaccessible { code: String @external }', { find: { Box: ({ id, inner }) => ({ id, hint: `${(inner as { code: string }).code}…` }) } }),
    ],
    asks: [
      { query: '{ box { label hint } }', data: { box: { label: 'box', hint: 'x…' } } },
      { query: '{ __type(name: "Vault") { name } b: __type(name: "Box") { fields { name } } }', data: { __type: null, b: { fields: [{ name: 'id' }, { name: 'label' }, { name: 'hint' }] } } },
    ],
  },
  {
    title: 'an object of a hidden member of a union, or a hidden type of an interface, is told as what clients cannot be shown',
    subgraphs: [
      subgraph('news', `type Query { feed: [Entry] pinned: Entry! shown: [Shown] } union Entry = Post | Draft interface Shown { id: ID! }
        type Post implements Shown @key(fields: "id") { id: ID! text: String } type Draft implements Shown @key(fields: "id") @inaccessible { id: ID! }`, {
        fields: { Query: { feed: () => [{ __typename: 'Post', id: '1', text: 'a' }, { __typename: 'Draft', id: '2' }], pinned: () => ({ __typename: 'Post', id: '1', text: 'a' }), shown: () => [{ __typename: 'Draft', id: '2' }, { __typename: 'Post', id: '1' }] } },
      }),
      subgraph('marks', 'type Post @key(fields: "id") { id: ID! stars: Int } type Draft @key(fields: "id") @inaccessible { id: ID! stars: Int }', { find: { Post: ({ id }) => ({ id, stars: 5 }), Draft: ({ id }) => ({ id, stars: 0 }) } }),
    ],
    asks: [
      { query: '{ pinned { __typename ... on Post { text stars } } }', data: { pinned: { __typename: 'Post', text: 'a', stars: 5 } } },
      { query: '{ feed { ... on Post { text } } }', data: { feed: [{ text: 'a' }, null] }, errors: [['feed.1', 'UPSTREAM_REJECTED']] },
      { query: '{ shown { id } }', data: { shown: [null, { id: '1' }] }, errors: [['shown.0', 'UPSTREAM_REJECTED']] },
      { query: '{ __type(name: "Entry") { possibleTypes { name } } i: __type(name: "Shown") { possibleTypes { name } } }', data: { __type: { possibleTypes: [{ name: 'Post' }] }, i: { possibleTypes: [{ name: 'Post' }] } } },
    ],
  },
  {
    title: 'a hidden value of an enum is no answer, and none that is taken',
    subgraphs: [
      subgraph('lights', 'type Query { lights: [Light] is(light: Light): Boolean } enum Light { RED GREEN UV @inaccessible }', { fields: { Query: { lights: () => ['RED', 'UV', 'GREEN'], is: (_root: never, { light }) => light === 'RED' } } }),
      subgraph('lamps', 'type Query { lamp: Light! } enum Light { RED GREEN UV }', { fields: { Query: { lamp: () => 'UV' } } }),
    ],
    asks: [
      { query: '{ lights }', data: { lights: ['RED', null, 'GREEN'] }, errors: [['lights.1', 'UPSTREAM_REJECTED']] },
      { query: '{ lamp }', data: null, errors: [['lamp', 'UPSTREAM_REJECTED']] },
      { query: 'query($l: Light) { is(light: $l) }', variables: { l: 'RED' }, data: { is: true } },
      { query: 'query($l: Light) { is(light: $l) }', variables: { l: 'UV' }, data: undefined, errors: [['', 'BAD_USER_INPUT']] },
    ],
  },
  {
    title: 'a hidden argument, and a hidden field of an input, have the subgraph\'s defaults',
    subgraphs: [
      subgraph('find', 'type Query { find(text: String, mode: String = "fast" @inaccessible, by: By): String } input By { name: String depth: Int = 3 @inaccessible }', { fields: { Query: { find: (_root: never, args) => JSON.stringify(args) } } }),
      subgraph('other', 'type Query { other: Int }', { fields: { Query: { other: () => 1 } } }),
    ],
    asks: [
      { query: '{ find(text: "x", by: { name: "n" }) other }', data: { find: '{"text":"x","mode":"fast","by":{"name":"n","depth":3}}', other: 1 } },
      { query: 'query($by: By) { find(by: $by) }', variables: { by: { name: 'n' } }, data: { find: '{"mode":"fast","by":{"name":"n","depth":3}}' } },
      { query: 'query($by: By) { find(by: $by) }', variables: { by: { depth: 4 } }, data: undefined, errors: [['', 'BAD_USER_INPUT']] },
      { query: '{ __type(name: "By") { inputFields { name } } q: __type(name: "Query") { fields { args { name } } } }', data: { __type: { inputFields: [{ name: 'name' }] }, q: { fields: [{ args: [{ name: 'text' }, { name: 'by' }] }, { args: [] }] } } },
    ],
  },
  {
    title: 'a hidden interface leaves its types and their fields',
    subgraphs: [
      subgraph('things', 'type Query { thing: Thing } interface Any @inaccessible { id: ID! } type Thing implements Any @key(fields: "id") { id: ID! a: Int }', { fields: { Query: { thing: () => ({ id: 't', a: 1 }) } } }),
      subgraph('more', 'interface Any @inaccessible { id: ID! b: Int } type Thing implements Any @key(fields: "id") { id: ID! b: Int }', { find: { Thing: ({ id }) => ({ id, b: 2 }) } }),
    ],
    asks: [{ query: '{ thing { id a b } __type(name: "Thing") { interfaces { name } } }', data: { thing: { id: 't', a: 1, b: 2 }, __type: { interfaces: [] } } }],
  },
  {
    title: '@tag changes nothing for clients',
    subgraphs: [
      subgraph('a', 'type Query { day: Day @tag(name: "x") } type Day @key(fields: "id") @tag(name: "x") @tag(name: "y") { id: ID! @tag(name: "k") sun(at: Hour @tag(name: "h")): Boolean } enum Hour @tag(name: "e") { NOON @tag(name: "v") DUSK }', {
        fields: { Query: { day: () => ({ id: 'd' }) }, Day: { sun: (_day: never, { at }) => at === 'NOON' } },
      }),
      subgraph('b', 'type Day @key(fields: "id") { id: ID! rain: Float @tag(name: "internal") }', { find: { Day: ({ id }) => ({ id, rain: 0.5 }) } }),
    ],
    asks: [
      { query: '{ day { sun(at: NOON) dusk: sun(at: DUSK) rain } }', data: { day: { sun: true, dusk: false, rain: 0.5 } } },
      { query: '{ __schema { directives { name } } }', data: { __schema: { directives: [{ name: 'defer' }, { name: 'include' }, { name: 'skip' }, { name: 'deprecated' }, { name: 'specifiedBy' }, { name: 'oneOf' }] } } },
    ],
  },
]
