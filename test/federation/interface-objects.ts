import { subgraph } from '../support/federation.ts'
import { fails, type Case } from './case.ts'

const shapes = `interface Shape @key(fields: "id") { id: ID! area: Int } type Disc implements Shape @key(fields: "id") { id: ID! area: Int radius: Int } type Tile implements Shape @key(fields: "id") { id: ID! area: Int side: Int }`
const shapeOf = (id: unknown) => (String(id).startsWith('d') ? { __typename: 'Disc', id, area: 3, radius: 1 } : { __typename: 'Tile', id, area: 4, side: 2 })
const geometry = subgraph('geometry', `type Query { shapes: [Shape!]! disc: Disc } ${shapes}`, {
  fields: { Query: { shapes: () => [shapeOf('d1'), shapeOf('t1')], disc: () => shapeOf('d1') } },
  find: { Shape: ({ id }) => (String(id).startsWith('x') ? null : shapeOf(id)), Disc: ({ id }) => shapeOf(id), Tile: ({ id }) => shapeOf(id) },
})

/** @interfaceObject: a subgraph that has an interface's fields without knowing its types. */
export const interfaceObjects: readonly Case[] = [
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
    title: 'fields of an interface object are asked of a concrete type too, in fragments on either',
    subgraphs: [
      geometry,
      subgraph('paints', 'type Query { painted: [Shape!]! } type Shape @key(fields: "id") @interfaceObject { id: ID! colour(deep: Boolean = false): String }', {
        fields: { Query: { painted: () => [{ id: 't9' }, { id: 'd9' }] }, Shape: { colour: ({ id }: { id: string }, { deep }) => `${deep ? 'deep ' : ''}colour of ${id}` } }, find: { Shape: ({ id }) => ({ id }) },
      }),
    ],
    asks: [
      { query: '{ disc { radius colour } }', data: { disc: { radius: 1, colour: 'colour of d1' } }, calls: { geometry: [0], paints: [1] } },
      { query: '{ shapes { ... on Disc { colour } ... on Tile { c: colour(deep: true) side } } }', data: { shapes: [{ colour: 'colour of d1' }, { c: 'deep colour of t1', side: 2 }] } },
      { query: '{ shapes { ... on Shape { colour __typename } id } }', data: { shapes: [{ colour: 'colour of d1', __typename: 'Disc', id: 'd1' }, { colour: 'colour of t1', __typename: 'Tile', id: 't1' }] } },
      { query: 'fragment F on Tile { side colour } { painted { ...F ... on Disc { d: colour radius } } }', data: { painted: [{ side: 2, colour: 'colour of t9' }, { d: 'colour of d9', radius: 1 }] } },
    ],
  },
  {
    title: 'of which type an interface object is has to be asked, and is asked once',
    subgraphs: [geometry, subgraph('tags', 'type Query { tagged: [Shape] } type Shape @key(fields: "id") @interfaceObject { id: ID! tag: String }', { fields: { Query: { tagged: () => [{ id: 'd2', tag: 'a' }, null, { id: 't2', tag: 'b' }, { id: 'd2', tag: 'a' }] } }, find: { Shape: ({ id }) => ({ id, tag: id === 'd2' ? 'a' : 'b' }) } })],
    asks: [
      { query: '{ tagged { id tag } }', data: { tagged: [{ id: 'd2', tag: 'a' }, null, { id: 't2', tag: 'b' }, { id: 'd2', tag: 'a' }] }, calls: { tags: [0] } },
      { query: '{ tagged { tag kind: __typename } }', data: { tagged: [{ tag: 'a', kind: 'Disc' }, null, { tag: 'b', kind: 'Tile' }, { tag: 'a', kind: 'Disc' }] }, calls: { tags: [0], geometry: [2] } },
      { query: '{ tagged { area ... on Tile { side t: tag } } }', data: { tagged: [{ area: 3 }, null, { area: 4, side: 2, t: 'b' }, { area: 3 }] } },
    ],
  },
  {
    title: 'an interface object that nobody knows is null where its type or fields are asked for',
    subgraphs: [geometry, subgraph('lost', 'type Query { lost: [Shape] must: Shape! } type Shape @key(fields: "id") @interfaceObject { id: ID! where: String }', { fields: { Query: { lost: () => [{ id: 'x1', where: 'sea' }, { id: 'd1', where: 'land' }], must: () => ({ id: 'x2', where: 'air' }) } }, find: { Shape: ({ id }) => ({ id, where: '?' }) } })],
    asks: [
      { query: '{ lost { where } must { id } }', data: { lost: [{ where: 'sea' }, { where: 'land' }], must: { id: 'x2' } } },
      { query: '{ lost { area } }', data: { lost: [{ area: null }, { area: 3 }] } },
      { query: '{ lost { where __typename } }', data: { lost: [null, { where: 'land', __typename: 'Disc' }] }, errors: [['lost.0.__typename', 'INTERNAL']] },
    ],
  },
  {
    title: 'an interface object whose type cannot be asked is null, and so is what it may not leave null',
    subgraphs: [
      subgraph('kinds', 'type Query { kinds: [Kind] } interface Kind @key(fields: "id") { id: ID! } type Sour implements Kind @key(fields: "id") { id: ID! ph: Int! } type Sweet implements Kind @key(fields: "id") { id: ID! }', {
        fields: { Query: { kinds: () => [] }, Sour: { ph: fails } }, find: { Kind: ({ id }) => ({ __typename: id === '1' ? 'Sour' : 'Sweet', id }) },
      }),
      subgraph('shelf', 'type Query { shelf: [Kind] first: [Kind!] } type Kind @key(fields: "id") @interfaceObject { id: ID! place: Int }', { fields: { Query: { shelf: () => [{ id: '1', place: 1 }, { id: '2', place: 2 }], first: () => [{ id: '1', place: 1 }] } }, find: { Kind: ({ id }) => ({ id, place: Number(id) }) } }),
    ],
    asks: [
      { query: '{ shelf { place ... on Sour { ph } } }', data: { shelf: [null, { place: 2 }] }, errors: [['shelf.0', 'FAILED']] },
      { query: '{ first { place ... on Sour { ph } } shelf { place } }', data: { first: null, shelf: [{ place: 1 }, { place: 2 }] }, errors: [['first.0', 'FAILED']] },
    ],
  },
  {
    title: '@requires of an interface object, then a further interface object',
    subgraphs: [
      geometry,
      subgraph('prices', 'type Shape @key(fields: "id") @interfaceObject { id: ID! area: Int @external price: Int @requires(fields: "area") }', { find: { Shape: ({ id, area }) => ({ id, price: Number(area) * 10 }) } }),
      subgraph('offers', 'type Query { offer: Shape } type Shape @key(fields: "id") @interfaceObject { id: ID! price: Int @external offer: String @requires(fields: "price") }', { fields: { Query: { offer: () => ({ id: 'd1' }) } }, find: { Shape: ({ id, price }) => ({ id, offer: `only ${String(price)}` }) } }),
    ],
    asks: [
      { query: '{ shapes { price } }', data: { shapes: [{ price: 30 }, { price: 40 }] } },
      { query: '{ shapes { offer } }', data: { shapes: [{ offer: 'only 30' }, { offer: 'only 40' }] } },
      { query: '{ offer { offer ... on Disc { radius } } }', data: { offer: { offer: 'only 30', radius: 1 } } },
    ],
  },
  {
    title: 'what an interface object requires, beside a field of the type itself that is only referred to, is refused by its name; each alone is answered',
    subgraphs: [
      geometry,
      subgraph('walls', 'type Query { wall: Wall } type Wall { tile: Tile } type Tile @key(fields: "id", resolvable: false) { id: ID! }', { fields: { Query: { wall: () => ({ tile: { id: 't1' } }) } } }),
      subgraph('paste', 'type Shape @key(fields: "id") @interfaceObject { id: ID! area: Int @external paste: Int @requires(fields: "area") stock: Int }', { find: { Shape: ({ id, area }) => ({ id, stock: 3, paste: Number(area) / 2 }) } }),
    ],
    asks: [
      { query: '{ wall { tile { side stock } } }', data: { wall: { tile: { side: 2, stock: 3 } } } },
      { query: '{ wall { tile { paste } } }', data: { wall: { tile: { paste: 2 } } } },
      { query: '{ wall { tile { side paste } } }', data: undefined, errors: [['', 'UPSTREAM_REJECTED']] },
    ],
  },
]
