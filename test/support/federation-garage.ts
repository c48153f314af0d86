import type { Representation, Subgraph } from '../../resolvers/subgraph.ts'
import { subgraph } from './federation.ts'
import { diceOf } from './federation-world.ts'

interface Asset {
  readonly __typename: 'Car' | 'Boat'
  readonly id: string
  /** What another subgraph requires. */
  readonly weight: number | null
}

interface Owner {
  readonly id: string
  readonly no: number
  readonly town: { readonly code: string }
}

type Resolve = (parent: never, args: never) => unknown
type Resolvers = Readonly<Record<string, Readonly<Record<string, Resolve>>>>

/** Like the other world, of what federation allows beyond plain entities: interface objects, composite keys, fields shared, moved, hidden and narrowed. */
export function garageOf(seed: number): { readonly resolvers: Resolvers; asset(id: unknown): Asset; owner(no: unknown): Owner } {
  const { maybe, list, of } = diceOf(seed)
  const asset = (id: unknown): Asset => ({ __typename: Number(id) % 2 === 0 ? 'Car' : 'Boat', id: String(id), weight: of('weight', String(id)) < 0.2 ? null : Number(id) * 100 })
  const owner = (no: unknown): Owner => ({ id: `o${String(no)}`, no: Number(no), town: { code: `T${Number(no) % 2}` } })
  const anyAsset = (...words: (string | number)[]) => asset(Math.floor(of(...words, 'id') * 6))
  const car = (...words: (string | number)[]) => asset(Math.floor(of(...words, 'id') * 3) * 2)
  const anyOwner = (...words: (string | number)[]) => owner(Math.floor(of(...words, 'no') * 3))
  const pet = (...words: (string | number)[]) => (of(...words, 'kind') < 0.5 ? { __typename: 'Dog', id: words.join('-'), barks: true } : { __typename: 'Cat', id: words.join('-'), lives: 9 })
  const mood = (id: string) => (['GOOD', 'BAD', 'UGLY'] as const)[Math.floor(of('moodOf', id) * 3)]

  const assets = {
    mood: maybe((one: Asset) => mood(one.id), 'mood', 0.1, 0.05),
    twin: maybe((one: Asset) => anyAsset('twin', one.id), 'twin'),
    rating: maybe((one: Asset) => Number(one.id) * 3, 'rating'),
    score: ({ weight }: Asset, { times }: { times: number }) => (typeof weight === 'number' ? weight * times : null),
    owner: maybe((one: Asset) => anyOwner('assetOwner', one.id), 'assetOwner'),
    note: maybe((one: Asset, args: { at?: string | null }) => `note ${one.id} ${args.at ?? ''}`, 'note', 0.05, 0.05),
  }
  const resolvers: Resolvers = {
    Query: {
      assets: maybe(() => list(4, index => anyAsset('assets', index), 'assets'), 'assets', 0.05, 0.05),
      asset: maybe((_root: Asset, { id }: { id: string }) => asset(Number(id) % 6), 'asset'),
      any: maybe(() => list(4, index => (of('any', index, 'ghost') < 0.15 ? { __typename: 'Ghost', id: 'g' } : anyAsset('any', index)), 'any'), 'any', 0.05, 0.05),
      rated: maybe(() => list(3, index => anyAsset('rated', index), 'rated').filter(Boolean), 'rated', 0.05, 0.05),
      owners: maybe(() => list(3, index => anyOwner('owners', index), 'owners'), 'owners', 0.05, 0.05),
      pets: maybe(() => list(3, index => pet('pets', index), 'pets'), 'pets', 0.05, 0.05),
    },
    Car: { ...assets, doors: maybe((one: Asset) => Number(one.id) + 2, 'doors', 0.04, 0.04) },
    Boat: { ...assets, sails: maybe((one: Asset) => Number(one.id), 'sails') },
    Owner: {
      name: maybe((one: Owner) => `owner ${one.no}`, 'name', 0.03, 0.05),
      best: maybe((one: Owner) => car('best', one.id), 'best'),
      pets: maybe((one: Owner) => list(3, index => pet('pets', one.id, index), 'pets', one.id), 'ownerPets'),
      age: maybe((one: Owner) => one.no * 10, 'age'),
      fleet: maybe((one: Owner) => list(2, row => list(2, index => anyAsset('fleet', one.id, row, index), 'fleet', one.id, row), 'fleet', one.id), 'fleet'),
    },
    Dog: { nick: maybe((one: Owner) => `dog ${one.id}`, 'nick') },
    Cat: { nick: maybe((one: Owner) => `cat ${one.id}`, 'nick', 0.03, 0.03) },
  }
  return { resolvers, asset, owner }
}

const pets = 'interface Pet { nick: String } type Dog implements Pet @shareable { nick: String barks: Boolean } type Cat implements Pet @shareable { nick: String lives: Int }'
const types = {
  assets: `enum Mood { GOOD BAD UGLY @inaccessible }
    type Query { assets: [Asset] asset(id: ID!): Asset any: [Any] }
    union Any = Car | Boat | Ghost type Ghost @inaccessible { id: ID! }
    interface Asset @key(fields: "id") { id: ID! weight: Int mood: Mood twin: Asset }
    type Car implements Asset @key(fields: "id") { id: ID! weight: Int mood: Mood twin: Asset doors: Int! }
    type Boat implements Asset @key(fields: "id") { id: ID! weight: Int mood: Mood twin: Asset sails: Int }`,
  ratings: `type Query { rated: [Asset!] }
    type Asset @key(fields: "id") @interfaceObject { id: ID! rating: Int owner: Owner note(at: String): String weight: Int @external score(times: Int! = 2): Int @requires(fields: "weight") }
    type Owner @key(fields: "no town { code }", resolvable: false) { no: Int! town: Town! } type Town @shareable { code: String! }`,
  owners: `type Query { owners: [Owner] pets: [Pet] @shareable }
    type Owner @key(fields: "no town { code }") { no: Int! town: Town! name: String! best: Car pets: [Pet] @shareable age: Int }
    type Town @shareable { code: String! } type Car @key(fields: "id", resolvable: false) { id: ID! } ${pets}`,
  ages: `type Query { pets: [Pet] @shareable }
    type Owner @key(fields: "no town { code }") { no: Int! town: Town! age: Int @override(from: "owners", label: "percent(50)") fleet: [[Car]] @inaccessible pets: [Pet] @shareable }
    type Town @shareable { code: String! } type Car @key(fields: "id", resolvable: false) { id: ID! } ${pets}`,
} as const

/** The garage, cut into four subgraphs. */
export function garageSubgraphs(seed: number): Subgraph[] {
  const { resolvers, asset, owner } = garageOf(seed)
  return Object.entries(types).map(([name, sdl]) => {
    const own = name === 'ratings' ? { Query: resolvers['Query']!, Asset: resolvers['Car']! } : resolvers
    const fields = Object.entries(own).map(([type, all]) => [type, Object.fromEntries(Object.entries(all).filter(([field]) => has(sdl, type, field)))] as const).filter(([, some]) => Object.keys(some).length > 0)
    const find = { Asset: ({ id, __typename, ...required }: Representation) => ({ ...asset(id), ...required }), Owner: ({ no }: Representation) => owner(no) }
    const assetTypes = name === 'assets' ? ['Asset', 'Car', 'Boat'] : name === 'ratings' ? ['Asset'] : []
    const found = [...assetTypes.map(type => [type, find.Asset] as const), ...(name === 'owners' || name === 'ages' ? [['Owner', find.Owner] as const] : [])]
    return subgraph(name, sdl, { fields: Object.fromEntries(fields) as unknown as Subgraph['fields'], find: Object.fromEntries(found) })
  })
}

function has(sdl: string, type: string, field: string): boolean {
  const body = new RegExp(`type ${type} [^{]*?(?:"[^"]*"[^{]*?)*\\{((?:"[^"]*"|[^}"])*)\\}`).exec(sdl)?.[1] ?? ''
  return new RegExp(`\\b${field}(\\(|:)`).test(body.replace(/"[^"]*"/g, ''))
}
