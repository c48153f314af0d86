import { subgraph } from '../support/federation.ts'
import type { Case } from './case.ts'

/** Operations that one subgraph can answer alone: it may be handed them as they are only where its answer is what clients may see. */
export const alone: readonly Case[] = [
  {
    title: 'a subgraph that answers alone answers by its own types, in the order and under the names of the client',
    subgraphs: [
      subgraph('shop', 'type Query { wares(first: Int = 2): [Ware!]! } union Ware = Tea | Cup type Tea { name: String! hot: Boolean } type Cup { name: String! ml: Int }', {
        fields: { Query: { wares: (_root: never, { first }) => [{ __typename: 'Tea', name: 't', hot: true }, { __typename: 'Cup', name: 'c', ml: 200 }, { __typename: 'Tea', name: 'u' }].slice(0, first) } },
      }),
      subgraph('other', 'type Query { other: Int }', { fields: { Query: { other: () => 1 } } }),
    ],
    asks: [
      { query: 'query A($n: Int) { w: wares(first: $n) { ...T ... on Cup { ml n: name } k: __typename } x: wares(first: 1) { __typename } } fragment T on Tea { hot n: name }', data: { w: [{ hot: true, n: 't', k: 'Tea' }, { ml: 200, n: 'c', k: 'Cup' }], x: [{ __typename: 'Tea' }] }, calls: { shop: [0] } },
      { query: 'query($n: Int!) { wares(first: $n) { ... on Tea { name hot } } }', variables: { n: 3 }, data: { wares: [{ name: 't', hot: true }, {}, { name: 'u', hot: null }] }, calls: { shop: [0] } },
    ],
  },
  {
    title: 'types, values and fields that the other subgraph hides are hidden in the answers of this one',
    subgraphs: [
      subgraph('mine', 'type Query { box: Box things: [Thing] mood: Mood moods: [Mood!] } type Box { id: ID! code: String @shareable } union Thing = Box | Trap type Trap @shareable { id: ID! } enum Mood { GOOD BAD }', {
        fields: { Query: { box: () => ({ id: 'b', code: 'x' }), things: () => [{ __typename: 'Trap', id: 't' }, { __typename: 'Box', id: 'b' }], mood: () => 'BAD', moods: () => ['GOOD', 'BAD'] } },
      }),
      subgraph('theirs', 'type Query { theirs: Mood } type Box { code: String @shareable @inaccessible } type Trap @shareable @inaccessible { id: ID! } enum Mood { GOOD BAD @inaccessible }', { fields: { Query: { theirs: () => 'GOOD' } } }),
    ],
    asks: [
      { query: '{ things { ... on Box { id } } }', data: { things: [null, { id: 'b' }] }, errors: [['things.0', 'UPSTREAM_REJECTED']] },
      { query: '{ things { __typename } }', data: { things: [null, { __typename: 'Box' }] }, errors: [['things.0', 'UPSTREAM_REJECTED']] },
      { query: '{ mood }', data: { mood: null }, errors: [['mood', 'UPSTREAM_REJECTED']] },
      { query: '{ moods }', data: { moods: null }, errors: [['moods.1', 'UPSTREAM_REJECTED']] },
      { query: '{ box { code: id } }', data: { box: { code: 'b' } } },
    ],
  },
  {
    title: 'what is null in an answer goes up as the types of the graph say, and of the subgraph',
    subgraphs: [
      subgraph('strict', 'type Query { row: Row rows: [Row] } type Row @key(fields: "id") { id: ID! cell: Cell! @shareable } type Cell @shareable { value: Int! }', { fields: { Query: { row: () => ({ id: '1', cell: { value: null } }), rows: () => [{ id: '1', cell: { value: 1 } }, { id: '2', cell: { value: null } }] } } }),
      subgraph('loose', 'type Query { loose: Row } type Row @key(fields: "id") { id: ID! cell: Cell @shareable } type Cell @shareable { value: Int }', { fields: { Query: { loose: () => ({ id: '3', cell: { value: null } }) } } }),
    ],
    asks: [
      { query: '{ row { id cell { value } } }', data: { row: null }, errors: [['row.cell.value', 'FAILED']] },
      { query: '{ rows { cell { v: value } } }', data: { rows: [{ cell: { v: 1 } }, null] }, errors: [['rows.1.cell.v', 'FAILED']] },
      { query: '{ loose { cell { value } } }', data: { loose: { cell: { value: null } } } },
    ],
  },
  {
    title: 'an interface object is never answered alone where its type is asked for',
    subgraphs: [
      subgraph('marks', 'type Query { marks: [Asset!]! } type Asset @key(fields: "id") @interfaceObject { id: ID! mark: Int kin: Asset }', { fields: { Query: { marks: () => [{ id: 'c', mark: 1, kin: { id: 'b' } }] } }, find: { Asset: ({ id }) => ({ id, mark: 1, kin: { id: 'b' } }) } }),
      subgraph('assets', 'type Query { asset: Asset } interface Asset @key(fields: "id") { id: ID! } type Car implements Asset @key(fields: "id") { id: ID! doors: Int } type Boat implements Asset @key(fields: "id") { id: ID! sails: Int }', {
        fields: { Query: { asset: () => ({ __typename: 'Boat', id: 'b', sails: 2 }) } }, find: { Asset: ({ id }) => (id === 'c' ? { __typename: 'Car', id, doors: 4 } : { __typename: 'Boat', id, sails: 2 }), Car: ({ id }) => ({ id, doors: 4 }), Boat: ({ id }) => ({ id, sails: 2 }) },
      }),
    ],
    asks: [
      { query: '{ marks { id mark } }', data: { marks: [{ id: 'c', mark: 1 }] }, calls: { marks: [0] } },
      { query: '{ marks { id t: __typename } }', data: { marks: [{ id: 'c', t: 'Car' }] }, calls: { marks: [0], assets: [1] } },
      { query: '{ marks { kin { __typename ... on Boat { sails } } ... on Car { mark } } }', data: { marks: [{ kin: { __typename: 'Boat', sails: 2 }, mark: 1 }] } },
      { query: '{ asset { __typename id ... on Asset { id } } }', data: { asset: { __typename: 'Boat', id: 'b' } }, calls: { assets: [0] } },
    ],
  },
  {
    title: 'a field that moved away, or is only provided elsewhere, is not answered by the subgraph that still has it',
    subgraphs: [
      subgraph('before', 'type Query { page: Page toc: Page } type Page @key(fields: "id") { id: ID! text: String lines: Int }', { fields: { Query: { page: () => ({ id: 'p', text: 'old', lines: 1 }), toc: () => ({ id: 'p', text: 'old', lines: 1 }) } } }),
      subgraph('after', 'type Page @key(fields: "id") { id: ID! text: String @override(from: "before") }', { find: { Page: ({ id }) => ({ id, text: 'new' }) } }),
    ],
    asks: [
      { query: '{ page { text } }', data: { page: { text: 'new' } } },
      { query: 'query($b: Boolean!) { page { lines text @include(if: $b) } }', variables: { b: false }, data: { page: { lines: 1 } }, calls: { before: [0] } },
      { query: 'query($b: Boolean!) { page { lines text @include(if: $b) } }', variables: { b: true }, data: { page: { lines: 1, text: 'new' } } },
      { query: '{ page { id: lines } toc { lines: id } }', data: { page: { id: 1 }, toc: { lines: 'p' } }, calls: { before: [0] } },
    ],
  },
]
