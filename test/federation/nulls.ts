import { subgraph } from '../support/federation.ts'
import { byId, fails, type Case } from './case.ts'

const users = [{ id: '1', name: 'Ada', nickname: null }, { id: '2', name: 'Grace', nickname: 'Amazing' }]

/** Nulls, and what fails. */
export const nulls: readonly Case[] = [
  {
    title: 'a failing field is null where it stands, and its null goes up as far as the types demand',
    subgraphs: [
      subgraph('a', 'type Query { users: [User!] first: User! } type User @key(fields: "id") { id: ID! name: String! }', { fields: { Query: { users: () => users, first: () => users[0] }, User: { name: ({ id, name }: { id: string; name: string }) => (id === '2' ? fails() : name) } } }),
      subgraph('b', 'type User @key(fields: "id") { id: ID! mood: String wish: String! }', { find: { User: byId(users) }, fields: { User: { mood: fails, wish: ({ id }: { id: string }) => (id === '2' ? fails() : 'tea') } } }),
    ],
    asks: [
      { query: '{ users { id m: mood } }', data: { users: [{ id: '1', m: null }, { id: '2', m: null }] }, errors: [['users.0.m', 'FAILED'], ['users.1.m', 'FAILED']] },
      { query: '{ users { wish } }', data: { users: null }, errors: [['users.1.wish', 'FAILED']] },
      { query: '{ users { id name } first { name } }', data: { users: null, first: { name: 'Ada' } }, errors: [['users.1.name', 'FAILED']] },
      { query: '{ first { a: mood b: mood } }', data: { first: { a: null, b: null } }, errors: [['first.a', 'FAILED'], ['first.b', 'FAILED']] },
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
    title: 'a null goes up through objects of other subgraphs to the first that may be null',
    subgraphs: [
      subgraph('outer', 'type Query { firm: Firm safe: Int firms: [Firm] must: Firm! } type Firm @key(fields: "id") { id: ID! boss: Person! staff: [Person!] helper: Person } type Person @key(fields: "id") { id: ID! }', {
        fields: { Query: { firm: () => ({ id: 'f', boss: { id: '0' }, staff: [{ id: '1' }], helper: { id: '0' } }), safe: () => 1, firms: () => [{ id: 'f', boss: { id: '1' }, staff: [{ id: '1' }, { id: '0' }] }, { id: 'g', boss: { id: '0' }, staff: null }], must: () => ({ id: 'f', boss: { id: '0' } }) } },
      }),
      subgraph('inner', 'type Person @key(fields: "id") { id: ID! pass: Pass! } type Pass { no: String! }', { find: { Person: ({ id }) => (id === '0' ? { id, pass: { no: null } } : { id, pass: { no: `p${id}` } }) } }),
    ],
    asks: [
      { query: '{ firm { boss { pass { no } } } safe }', data: { firm: null, safe: 1 }, errors: [['firm.boss.pass.no', 'FAILED']] },
      { query: '{ firm { helper { pass { no } } staff { pass { no } } } }', data: { firm: { helper: null, staff: [{ pass: { no: 'p1' } }] } }, errors: [['firm.helper.pass.no', 'FAILED']] },
      { query: '{ firms { staff { pass { n: no } } } }', data: { firms: [{ staff: null }, { staff: null }] }, errors: [['firms.0.staff.1.pass.n', 'FAILED']] },
      { query: '{ firms { boss { pass { no } } } safe }', data: { firms: [{ boss: { pass: { no: 'p1' } } }, null], safe: 1 }, errors: [['firms.1.boss.pass.no', 'FAILED']] },
      { query: '{ safe must { boss { pass { no } } } }', data: null, errors: [['must.boss.pass.no', 'FAILED']] },
    ],
  },
  {
    title: 'what one subgraph fails at is told at its places, and the rest is answered',
    subgraphs: [
      subgraph('base', 'type Query { rows: [Row] odd: Int even: Int! } type Row @key(fields: "id") { id: ID! text: String }', { fields: { Query: { rows: () => [{ id: '1', text: 'a' }, { id: '2', text: 'b' }], odd: fails, even: () => 2 } } }),
      subgraph('down', 'type Query { down: Int } type Row @key(fields: "id") { id: ID! sum: Int }', { fields: { Query: { down: fails } }, entities: { Row: fails } }),
      subgraph('partly', 'type Row @key(fields: "id") { id: ID! part: Int list: [Item] } type Item { no: Int! name: String }', {
        find: { Row: ({ id }) => (id === '1' ? fails() : { id, part: 2, list: [{ no: 1 }, { no: null }, { no: 3 }] }) }, fields: { Item: { name: ({ no }: { no: number }) => (no === 3 ? fails() : 'n') } },
      }),
    ],
    asks: [
      { query: '{ rows { text sum } even odd down }', data: { rows: [{ text: 'a', sum: null }, { text: 'b', sum: null }], even: 2, odd: null, down: null }, errors: [['rows.0.sum', 'FAILED'], ['rows.1.sum', 'FAILED'], ['odd', 'FAILED'], ['down', 'FAILED']] },
      { query: '{ rows { text p: part } }', data: { rows: [{ text: 'a', p: null }, { text: 'b', p: 2 }] }, errors: [['rows.0.p', 'FAILED']] },
      { query: '{ rows { l: list { no n: name } } }', data: { rows: [{ l: null }, { l: [{ no: 1, n: 'n' }, null, { no: 3, n: null }] }] }, errors: [['rows.0.l', 'FAILED'], ['rows.1.l.1.no', 'FAILED'], ['rows.1.l.2.n', 'FAILED']] },
    ],
  },
  {
    title: 'entities that are not there, in lists and in what cannot be null',
    subgraphs: [
      subgraph('refs', 'type Query { opt: [Doc] req: [Doc!] one: Doc two: Doc! } type Doc @key(fields: "id") { id: ID! }', { fields: { Query: { opt: () => [{ id: '1' }, { id: 'gone' }, null], req: () => [{ id: 'gone' }], one: () => ({ id: 'gone' }), two: () => ({ id: 'gone' }) } } }),
      subgraph('docs', 'type Doc @key(fields: "id") { id: ID! title: String! size: Int tags: [String!] }', { find: { Doc: ({ id }) => (id === '1' ? { id, title: 't', size: 1, tags: ['x'] } : null) } }),
    ],
    asks: [
      { query: '{ opt { size tags } }', data: { opt: [{ size: 1, tags: ['x'] }, { size: null, tags: null }, null] } },
      { query: '{ opt { title } req { title } one { title } }', data: { opt: [{ title: 't' }, null, null], req: null, one: null }, errors: [['opt.1.title', 'INTERNAL'], ['req.0.title', 'INTERNAL'], ['one.title', 'INTERNAL']] },
      { query: '{ one { id size } req { id } }', data: { one: { id: 'gone', size: null }, req: [{ id: 'gone' }] } },
      { query: '{ two { title } }', data: null, errors: [['two.title', 'INTERNAL']] },
    ],
  },
  {
    title: 'lists of lists of entities, with holes at each depth, keep their places',
    subgraphs: [
      subgraph('board', 'type Query { cube: [[[Cell]!]] } type Cell @key(fields: "id") { id: ID! near: [[Cell!]!]! }', { fields: { Query: { cube: () => [[[{ id: '1' }, null], []], null, [[{ id: '2' }, { id: '1' }]]] }, Cell: { near: ({ id }: { id: string }) => (id === '1' ? [[{ id: '2' }], [{ id: '3' }, { id: '1' }]] : []) } } }),
      subgraph('cells', 'type Cell @key(fields: "id") { id: ID! value: Int strict: Int! }', { find: { Cell: ({ id }) => (id === '3' ? null : { id, value: Number(id), strict: Number(id) }) } }),
    ],
    asks: [
      { query: '{ cube { value } }', data: { cube: [[[{ value: 1 }, null], []], null, [[{ value: 2 }, { value: 1 }]]] }, calls: { board: [0], cells: [2] } },
      { query: '{ cube { near { value } } }', data: { cube: [[[{ near: [[{ value: 2 }], [{ value: null }, { value: 1 }]] }, null], []], null, [[{ near: [] }, { near: [[{ value: 2 }], [{ value: null }, { value: 1 }]] }]]] } },
      { query: '{ cube { near { strict } } }', data: { cube: [[[null, null], []], null, [[{ near: [] }, null]]] }, errors: [['cube.0.0.0.near.1.0.strict', 'INTERNAL'], ['cube.2.0.1.near.1.0.strict', 'INTERNAL']] },
    ],
  },
  {
    title: 'what fails under a renamed key or in a fragment is told under the client\'s name',
    subgraphs: [
      subgraph('list', 'type Query { mix: [Mix] } union Mix = Left | Right type Left @key(fields: "id") { id: ID! } type Right @key(fields: "id") { id: ID! }', { fields: { Query: { mix: () => [{ __typename: 'Left', id: '1' }, { __typename: 'Right', id: '1' }] } } }),
      subgraph('vals', 'type Left @key(fields: "id") { id: ID! val(at: Int): Int! } type Right @key(fields: "id") { id: ID! val(at: Int): String deep: Deep } type Deep { val: Int }', {
        find: { Left: ({ id }) => ({ id }), Right: ({ id }) => ({ id, deep: {} }) }, fields: { Left: { val: (_left: never, { at }) => (at === 2 ? fails() : 1) }, Right: { val: fails }, Deep: { val: fails } },
      }),
    ],
    asks: [
      { query: '{ mix { ... on Left { v: val w: val(at: 2) } ... on Right { x: val d: deep { y: val } } } }', data: { mix: [null, { x: null, d: { y: null } }] }, errors: [['mix.0.w', 'FAILED'], ['mix.1.x', 'FAILED'], ['mix.1.d.y', 'FAILED']] },
      { query: 'fragment R on Right { a: val b: val(at: 1) } { mix { ... on Left { val } ...R } }', data: { mix: [{ val: 1 }, { a: null, b: null }] }, errors: [['mix.1.a', 'FAILED'], ['mix.1.b', 'FAILED']] },
    ],
  },
]
