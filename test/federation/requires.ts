import { subgraph } from '../support/federation.ts'
import { fails, type Case } from './case.ts'

interface Size {
  readonly w: number
  readonly h: number
}

/** @requires: fields of one subgraph that another computes from. */
export const requires: readonly Case[] = [
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
    title: '@requires of the same field with other arguments keeps each of them apart, and from the client\'s own',
    subgraphs: [
      subgraph('rates', 'type Query { coin: Coin } type Coin @key(fields: "id") { id: ID! worth(in: String! = "EUR"): Int }', { fields: { Query: { coin: () => ({ id: 'c' }) }, Coin: { worth: (_coin: never, { in: unit }) => ({ EUR: 1, USD: 2, GBP: 3 })[String(unit)] ?? 0 } } }),
      subgraph('tills', `type Coin @key(fields: "id") { id: ID! worth(in: String! = "EUR"): Int @external
        dollars: String @requires(fields: "worth(in: \\"USD\\")") pounds: String @requires(fields: "worth(in: \\"GBP\\")") }`, {
        find: { Coin: ({ id, worth }) => ({ id, worth }) }, fields: { Coin: { dollars: ({ worth }: { worth: number }) => `$${worth}`, pounds: ({ worth }: { worth: number }) => `£${worth}` } },
      }),
    ],
    asks: [
      { query: '{ coin { dollars } }', data: { coin: { dollars: '$2' } }, calls: { rates: [0], tills: [1] } },
      { query: '{ coin { pounds worth w: worth(in: "USD") } }', data: { coin: { pounds: '£3', worth: 1, w: 2 } } },
      { query: '{ coin { dollars pounds worth } }', data: { coin: { dollars: '$2', pounds: '£3', worth: 1 } } },
    ],
  },
  {
    title: '@requires reaches into objects and over lists of lists, nulls among them',
    subgraphs: [
      subgraph('yard', 'type Query { yards: [Yard] } type Yard @key(fields: "id") { id: ID! rows: [[Box]] plan: Plan } type Box { size: Size! } type Size { w: Int! h: Int! } type Plan { main: Box }', {
        fields: { Query: { yards: () => [{ id: 'y', rows: [[{ size: { w: 2, h: 3 } }, null], null, []], plan: { main: { size: { w: 5, h: 5 } } } }, null, { id: 'z', rows: null, plan: null }] } },
      }),
      subgraph('sums', `type Yard @key(fields: "id") { id: ID! rows: [[Box]] @external plan: Plan @external area: Int @requires(fields: "rows { size { w h } } plan { main { size { w } } }") }
        type Box { size: Size! @external } type Size { w: Int! @external h: Int! @external } type Plan { main: Box @external }`, {
        find: { Yard: ({ id, rows, plan }) => ({ id, area: ((rows ?? []) as ({ size: Size } | null)[][]).flat().reduce((sum, box) => sum + (box ? box.size.w * box.size.h : 0), 0) + ((plan as { main: { size: Size } } | null)?.main.size.w ?? 0) }) },
      }),
    ],
    asks: [
      { query: '{ yards { area } }', data: { yards: [{ area: 11 }, null, { area: 0 }] }, calls: { yard: [0], sums: [2] } },
      { query: '{ yards { area rows { size { h } } main: plan { rows: main { size { w } } } } }', data: { yards: [{ area: 11, rows: [[{ size: { h: 3 } }, null], null, []], main: { rows: { size: { w: 5 } } } }, null, { area: 0, rows: null, main: null }] } },
    ],
  },
  {
    title: '@requires chains over three subgraphs, and back to the first',
    subgraphs: [
      subgraph('parts', 'type Query { lot: Lot } type Lot @key(fields: "id") { id: ID! net: Int total: Int @external label: String @requires(fields: "total") }', { fields: { Query: { lot: () => ({ id: 'l', net: 100 }) } }, find: { Lot: ({ id, total }) => ({ id, net: 100, label: `= ${String(total)}` }) } }),
      subgraph('taxes', 'type Lot @key(fields: "id") { id: ID! net: Int @external tax: Int @requires(fields: "net") }', { find: { Lot: ({ id, net }) => ({ id, tax: Number(net) / 5 }) } }),
      subgraph('bills', 'type Lot @key(fields: "id") { id: ID! net: Int @external tax: Int @external total: Int @requires(fields: "net tax") }', { find: { Lot: ({ id, net, tax }) => ({ id, total: Number(net) + Number(tax) }) } }),
    ],
    asks: [
      { query: '{ lot { label } }', data: { lot: { label: '= 120' } }, calls: { parts: [0, 1], taxes: [1], bills: [1] } },
      { query: '{ lot { net: tax tax: net a: label b: label total } }', data: { lot: { net: 20, tax: 100, a: '= 120', b: '= 120', total: 120 } } },
    ],
  },
  {
    title: '@requires of an entity\'s field that a further subgraph has',
    subgraphs: [
      subgraph('orders', 'type Query { order: Order } type Order @key(fields: "id") { id: ID! buyer: Buyer } type Buyer @key(fields: "id") { id: ID! }', { fields: { Query: { order: () => ({ id: 'o', buyer: { id: 'b' } }) } }, find: { Order: ({ id }) => ({ id, buyer: { id: 'b' } }) } }),
      subgraph('buyers', 'type Buyer @key(fields: "id") { id: ID! town: Town } type Town @key(fields: "code") { code: ID! }', { find: { Buyer: ({ id }) => ({ id, town: { code: 'T' } }) } }),
      subgraph('towns', 'type Town @key(fields: "code") { code: ID! zone: Int }', { find: { Town: ({ code }) => ({ code, zone: 3 }) } }),
      subgraph('freight', `type Order @key(fields: "id") { id: ID! buyer: Buyer @external fee: Int @requires(fields: "buyer { town { zone } }") }
        type Buyer @key(fields: "id") { id: ID! town: Town @external } type Town @key(fields: "code") { code: ID! zone: Int @external }`, {
        find: { Order: ({ id, buyer }) => ({ id, fee: (buyer as { town: { zone: number } }).town.zone * 10 }) },
      }),
    ],
    asks: [{ query: '{ order { fee } }', data: { order: { fee: 30 } }, calls: { orders: [0], buyers: [1], towns: [1], freight: [1] } }],
  },
  {
    title: '@requires with fragments gives each type its own fields',
    subgraphs: [
      subgraph('stock', `type Query { racks: [Rack!]! } type Rack @key(fields: "id") { id: ID! top: Ware side: Good } union Ware = Cup | Pot interface Good { price: Int }
        type Cup implements Good { price: Int ml: Int } type Pot implements Good { price: Int litres: Int }`, {
        fields: { Query: { racks: () => [{ id: '1', top: { __typename: 'Cup', ml: 250, price: 3 }, side: { __typename: 'Pot', litres: 2, price: 9 } }, { id: '2', top: { __typename: 'Pot', litres: 5, price: 12 }, side: null }] } },
      }),
      subgraph('signs', `type Rack @key(fields: "id") { id: ID! top: Ware @external side: Good @external
          sign: String @requires(fields: "top { __typename ... on Cup { ml } ... on Pot { litres } } side { price ... on Pot { litres } }") }
        union Ware = Cup | Pot interface Good { price: Int @external } type Cup implements Good { price: Int @external ml: Int @external } type Pot implements Good { price: Int @external litres: Int @external }`, {
        find: { Rack: ({ id, top, side }) => ({ id, sign: JSON.stringify([top, side]) }) },
      }),
    ],
    asks: [
      { query: '{ racks { sign } }', data: { racks: [{ sign: '[{"__typename":"Cup","ml":250},{"__typename":"Pot","price":9,"litres":2}]' }, { sign: '[{"__typename":"Pot","litres":5},null]' }] } },
      { query: '{ racks { sign: id top { ... on Cup { litres: ml } ... on Pot { litres } } } }', data: { racks: [{ sign: '1', top: { litres: 250 } }, { sign: '2', top: { litres: 5 } }] }, calls: { stock: [0] } },
    ],
  },
  {
    title: 'what is required and missing, or failed, leaves what needs it empty; a null is handed on',
    subgraphs: [
      subgraph('meters', 'type Query { meters: [Meter!]! } type Meter @key(fields: "id") { id: ID! reading: Int unit: String }', {
        fields: { Query: { meters: () => [{ id: '1' }, { id: '2' }, { id: '3' }] }, Meter: { reading: ({ id }: { id: string }) => (id === '2' ? fails() : id === '3' ? null : 5), unit: () => 'kWh' } },
      }),
      subgraph('costs', 'type Meter @key(fields: "id") { id: ID! reading: Int @external unit: String @external cost: String @requires(fields: "reading unit") }', { find: { Meter: ({ id, reading, unit }) => ({ id, cost: `${String(reading)} ${String(unit)}` }) } }),
    ],
    asks: [{ query: '{ meters { cost } }', data: { meters: [{ cost: '5 kWh' }, { cost: 'null kWh' }, { cost: 'null kWh' }] }, errors: [['meters.1', 'FAILED']] }],
  },
  {
    title: '@requires of different types behind a union, with one name and other types of the field required',
    subgraphs: [
      subgraph('pile', 'type Query { pile: [Paper] } union Paper = Bill | Note type Bill @key(fields: "id") { id: ID! value: Int } type Note @key(fields: "id") { id: ID! value: String }', { fields: { Query: { pile: () => [{ __typename: 'Bill', id: '1', value: 20 }, { __typename: 'Note', id: '1', value: 'x' }] } } }),
      subgraph('read', 'type Bill @key(fields: "id") { id: ID! value: Int @external said: Int @requires(fields: "value") } type Note @key(fields: "id") { id: ID! value: String @external said: String @requires(fields: "value") }', {
        find: { Bill: ({ id, value }) => ({ id, said: value }), Note: ({ id, value }) => ({ id, said: value }) },
      }),
    ],
    asks: [
      { query: '{ pile { ... on Bill { said } ... on Note { n: said } } }', data: { pile: [{ said: 20 }, { n: 'x' }] } },
      { query: '{ pile { ... on Bill { value: said said: value } ... on Note { a: said b: value } } }', data: { pile: [{ value: 20, said: 20 }, { a: 'x', b: 'x' }] } },
    ],
  },
  {
    title: 'two fields that require different things of one entity take one request together where nothing stands between',
    subgraphs: [
      subgraph('soil', 'type Query { field: Field } type Field @key(fields: "id") { id: ID! wet: Int acid: Int }', { fields: { Query: { field: () => ({ id: 'f', wet: 1, acid: 2 }) } } }),
      subgraph('crops', 'type Field @key(fields: "id") { id: ID! wet: Int @external acid: Int @external rice: Boolean @requires(fields: "wet") rye: Boolean @requires(fields: "acid") owner: String }', {
        find: { Field: ({ id, wet, acid }) => ({ id, rice: wet === 1, rye: acid === 2, owner: 'o' }) },
      }),
    ],
    asks: [{ query: '{ field { rice rye owner } }', data: { field: { rice: true, rye: true, owner: 'o' } } }],
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
]
