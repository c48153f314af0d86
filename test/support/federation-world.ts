import { GraphQLScalarType, Kind } from 'graphql'
import type { Subgraph } from '../../resolvers/subgraph.ts'
import { subgraph } from './federation.ts'

/** A number from 0 up to 1 that follows from its words alone. */
export function chance(...words: readonly (string | number)[]): number {
  let hash = 2166136261
  for (const char of words.join('|')) hash = Math.imul(hash ^ char.charCodeAt(0), 16777619)
  hash = Math.imul(hash ^ (hash >>> 15), 2246822507)
  hash = Math.imul(hash ^ (hash >>> 13), 3266489909)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}

/** Chances of one world: what a field answers follows from its name, its parent and its arguments. */
export function diceOf(seed: number) {
  return {
    of: (...words: (string | number)[]) => chance(seed, ...words),
    /** The resolver, which now and then answers null or fails instead. */
    maybe: <Parent extends { readonly id: string }, Args extends object>(make: (parent: Parent, args: Args) => unknown, name: string, nulls = 0.12, throws = 0.08) => (parent: Parent, args: Args): unknown => {
      const roll = chance(seed, name, parent?.id ?? '', JSON.stringify(args))
      if (roll < throws) throw new Error(`${name} of ${parent?.id} fails`)
      return roll < throws + nulls ? null : make(parent, args)
    },
    /** Up to `count` items, some of them null. */
    list: (count: number, make: (index: number) => unknown, ...words: (string | number)[]) =>
      Array.from({ length: Math.floor(chance(seed, ...words, 'length') * (count + 1)) }, (_, index) => (chance(seed, ...words, index, 'hole') < 0.1 ? null : make(index))),
  }
}

export interface Thing {
  readonly __typename: 'User' | 'Item' | 'Note' | 'Parcel'
  readonly id: string
  /** Of a parcel: what another subgraph requires. */
  readonly price?: number | null
}

type Resolve = (thing: Thing, args: Readonly<Record<string, unknown>>) => unknown
type Resolvers = Readonly<Record<string, Readonly<Record<string, Resolve>>>>

export const bigNumber = new GraphQLScalarType({ name: 'Big', serialize: value => `${String(value)}n`, parseValue: value => value, parseLiteral: node => (node.kind === Kind.INT ? node.value : null) })

/**
 * Data that follows from a seed: nulls, failing fields, references that lead nowhere. Every field has one resolver, used by the subgraph that owns it and by the
 * monolith alike, so that the two differ in nothing but the way there.
 */
export function worldOf(seed: number): { readonly resolvers: Resolvers; find(type: string, id: unknown): Thing | null } {
  const thing = (type: Thing['__typename'], id: string): Thing => (type === 'Parcel' ? { __typename: type, id, price: chance(seed, 'price', id) < 0.2 ? null : Math.floor(chance(seed, id) * 90) } : { __typename: type, id })
  const pick = (type: Thing['__typename'], ...words: (string | number)[]) => thing(type, String(Math.floor(chance(seed, ...words, 'id') * 5)))
  const any = (...words: (string | number)[]) => pick((['User', 'Item', 'Note'] as const)[Math.floor(chance(seed, ...words, 'type') * 3)]!, ...words)
  const node = (...words: (string | number)[]) => pick(chance(seed, ...words, 'type') < 0.5 ? 'User' : 'Item', ...words)
  const { maybe, list } = diceOf(seed)

  const resolvers: Resolvers = {
    Query: {
      users: maybe(() => list(3, index => pick('User', 'users', index), 'users'), 'users', 0.05, 0.05),
      user: maybe((_root, { id }) => thing('User', String(id)), 'user'),
      nodes: maybe(() => list(4, index => node('nodes', index), 'nodes'), 'nodes', 0.05, 0.05),
      grid: () => list(3, row => list(3, column => pick('Item', 'grid', row, column), 'grid', row), 'grid'),
      item: maybe((_root, { id }) => thing('Item', String(id)), 'item', 0.05, 0.05),
      search: maybe((_root, { limit }) => list(5, index => any('search', index), 'search').slice(0, Number(limit)), 'search', 0.05, 0.05),
      color: (_root, { is }) => is,
    },
    User: {
      owner: maybe(user => pick('User', 'owner', user.id), 'owner'),
      name: maybe(user => `user ${user.id}`, 'name', 0, 0.05),
      color: maybe(user => (chance(seed, 'color', user.id) < 0.5 ? 'RED' : 'BLUE'), 'color'),
      items: maybe((user, { first }) => list(4, index => pick('Item', 'items', user.id, index), 'items', user.id).slice(0, Number(first)), 'items'),
      parcels: maybe(user => list(3, index => pick('Parcel', 'parcels', user.id, index), 'parcels', user.id), 'parcels'),
      favourite: maybe(user => pick('Item', 'favourite', user.id), 'favourite', 0.05, 0.03),
      mood: maybe((user, { at }) => `mood ${user.id} ${JSON.stringify(at ?? null)}`, 'mood'),
      score: maybe(user => Number(user.id) * 1000, 'score'),
      best: maybe(user => any('best', user.id), 'best'),
    },
    Item: {
      owner: maybe(item => pick('User', 'itemOwner', item.id), 'itemOwner'),
      label: maybe(item => `item ${item.id}`, 'label'),
      maker: maybe(item => pick('User', 'maker', item.id), 'maker', 0.03, 0.03),
      parts: maybe(item => list(2, row => list(2, column => pick('Item', 'parts', item.id, row, column), 'parts', item.id, row), 'parts', item.id), 'parts'),
      price: maybe(item => Number(item.id) + 7, 'price'),
      weight: maybe((item, { unit }) => (unit === 'G' ? 1000.5 : 1.25) * (Number(item.id) + 1), 'weight'),
      related: maybe(item => list(3, index => any('related', item.id, index), 'related', item.id), 'related'),
    },
    Parcel: {
      holder: maybe(parcel => pick('User', 'holder', parcel.id), 'holder'),
      ship: parcel => (parcel.price === null || parcel.price === undefined ? null : parcel.price * 2),
    },
    Note: {
      text: maybe(note => `note ${note.id}`, 'text', 0.03, 0.03),
      about: maybe(note => node('about', note.id), 'about'),
      by: maybe(note => pick('User', 'by', note.id), 'by', 0.04, 0.04),
    },
  }
  return { resolvers, find: (type, id) => (type === 'User' || type === 'Item' || type === 'Parcel' ? thing(type, String(id)) : null) }
}

const types = {
  people: `scalar Big enum Color { RED BLUE }
    type Query { users: [User] user(id: ID!): User nodes: [Node] color(is: Color! = RED): Color }
    interface Node { id: ID! owner: User }
    type User implements Node @key(fields: "id") { id: ID! owner: User name: String! color: Color }
    type Item implements Node @key(fields: "id") { id: ID! owner: User }`,
  goods: `type Query { grid: [[Item]] item(id: ID = "3"): Item! }
    type User @key(fields: "id") { id: ID! items(first: Int = 2): [Item!] favourite: Item! parcels: [Parcel] }
    type Parcel @key(fields: "id") { id: ID! price: Int holder: User }
    type Item @key(fields: "id") { id: ID! label: String price: Int maker: User! parts: [[Item!]] }`,
  talk: `scalar Big enum Unit { KG G } input When { day: Int! = 1 hours: [Int!] } union Result = User | Item | Note
    type Query { search(limit: Int! = 3): [Result] }
    interface Node { id: ID! }
    type User implements Node @key(fields: "id") { id: ID! mood(at: When): String score: Big best: Result }
    type Item implements Node @key(fields: "id") { id: ID! weight(unit: Unit! = KG): Float related: [Result] }
    type Parcel @key(fields: "id") { id: ID! price: Int @external ship: Int @requires(fields: "price") }
    type Note { text: String! about: Node by: User! }`,
} as const

/** The world, cut into three subgraphs. */
export function worldSubgraphs(seed: number): Subgraph[] {
  const { resolvers, find } = worldOf(seed)
  return Object.entries(types).map(([name, sdl]) => {
    const fields = Object.fromEntries(Object.entries(resolvers).map(([type, own]) => [type, Object.fromEntries(Object.entries(own).filter(([field]) => owns(sdl, type, field)))]))
    const present = Object.fromEntries(Object.entries(fields).filter(([, own]) => Object.keys(own).length > 0))
    const entity = ({ __typename, id, ...required }: { __typename: string; id?: unknown }) => ({ ...find(__typename, id), ...required })
    return subgraph(name, sdl, { fields: present as Subgraph['fields'], find: Object.fromEntries(['User', 'Item', 'Parcel'].filter(type => owns(sdl, type, 'id')).map(type => [type, entity])), scalars: [bigNumber] })
  })
}

function owns(sdl: string, type: string, field: string): boolean {
  const body = new RegExp(`type ${type} [^{]*\\{(.*)\\}`).exec(sdl)?.[1] ?? ''
  return new RegExp(`\\b${field}(\\(|:)`).test(body)
}
