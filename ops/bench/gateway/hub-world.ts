import type { World } from './world.ts'

/** Users, their sessions, assets in folders of twenty, and a score of each asset: what the hub keeps in regions, by the number of users. The same on every machine. */
export interface User {
  readonly id: string
  readonly name: string
  readonly email: string
}

export interface Session {
  readonly token: string
  readonly userId: string
}

export interface Asset {
  readonly id: string
  readonly name: string
  readonly folder: string
  readonly ownerId: string
}

export interface Quality {
  readonly assetId: string
  readonly score: number
}

export const sessions = 100_000
export const assets = 10_000
export const folders = assets / 20
/** Users that have sessions and assets: the first ones, two sessions each. */
const active = sessions / 2

const numbered = (prefix: string, n: number): string => `${prefix}${String(n).padStart(7, '0')}`
export const userId = (n: number): string => numbered('u', n)
export const folderId = (n: number): string => numbered('f', n)

export const user = (n: number): User => ({ id: userId(n), name: `User number ${n}`, email: `user.${n}@example.org` })
export const session = (n: number, users: number): Session => ({ token: numbered('s', n), userId: userId(n % Math.min(active, users)) })
export const asset = (n: number, users: number): Asset => ({ id: numbered('a', n), name: `Asset number ${n}`, folder: folderId(n % folders), ownerId: userId((n * 37) % Math.min(active, users)) })
export const quality = (n: number): Quality => ({ assetId: numbered('a', n), score: ((n * 7) % 100) / 100 })

const times = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n))

type Key = { readonly id: string }
interface AssetsArguments {
  readonly where: { readonly folder: { readonly eq: string } }
  readonly first: number
}

const userType = 'id: String! name: String email: String'
const sessionTypes = 'type SessionConnection { nodes: [Session!]! } type Session { token: String! userId: String }'
const assetTypes = 'type AssetConnection { nodes: [Asset!]! } input AssetFilter { folder: StringFilter } input StringFilter { eq: String }'
const queries = { users: 'user(id: ID!): User usersByKey(keys: [ID!]!): [User]!', assets: 'assets(where: AssetFilter, first: Int): AssetConnection!' }

/** Loads all of it into maps. With 1,000,000 users about 300 MB. */
export function hubWorld(users: number): World {
  const usersById = new Map(times(users, user).map(row => [row.id, row]))
  const sessionsByUser = Map.groupBy(times(sessions, n => session(n, users)), row => row.userId)
  const allAssets = times(assets, n => asset(n, users))
  const assetsByFolder = Map.groupBy(allAssets, row => row.folder)
  const assetsById = new Map(allAssets.map(row => [row.id, row]))
  const qualities = new Map(times(assets, quality).map(row => [row.assetId, row]))

  const Query = {
    user: (_: never, { id }: Key) => usersById.get(id),
    usersByKey: (_: never, { keys }: { keys: readonly string[] }) => keys.map(key => usersById.get(key)),
    assets: (_: never, { where, first }: AssetsArguments) => ({ nodes: assetsByFolder.get(where.folder.eq)?.slice(0, first) ?? [] }),
  }
  const sessionsOf = ({ id }: Key, { first }: { first: number }) => ({ nodes: sessionsByUser.get(id)?.slice(0, first) ?? [] })
  const qualityOf = ({ id }: Key) => qualities.get(id)
  const itself = (row: unknown) => row

  return {
    subgraphs: [
      {
        name: 'users',
        sdl: `type Query { ${queries.users} } type User @key(fields: "id") { ${userType} }`,
        resolvers: { Query: { user: Query.user, usersByKey: Query.usersByKey }, User: { __resolveReference: ({ id }: Key) => usersById.get(id) } },
      },
      {
        name: 'sessions',
        sdl: `type Query { sessionCount: Int! } ${sessionTypes} type User @key(fields: "id") { id: String! sessions(first: Int): SessionConnection! }`,
        resolvers: { Query: { sessionCount: () => sessions }, User: { __resolveReference: itself, sessions: sessionsOf } },
      },
      {
        name: 'assets',
        sdl: `type Query { ${queries.assets} } ${assetTypes}
          type Asset @key(fields: "id") { id: String! name: String folder: String ownerId: String owner: User } type User @key(fields: "id", resolvable: false) { id: String! }`,
        resolvers: { Query: { assets: Query.assets }, Asset: { __resolveReference: ({ id }: Key) => assetsById.get(id), owner: ({ ownerId }: Asset) => ({ id: ownerId }) } },
      },
      {
        name: 'qualities',
        sdl: 'type Query { qualityCount: Int! } type Quality { assetId: String! score: Float } type Asset @key(fields: "id") { id: String! quality: Quality }',
        resolvers: { Query: { qualityCount: () => assets }, Asset: { __resolveReference: itself, quality: qualityOf } },
      },
    ],
    whole: {
      sdl: `type Query { ${queries.users} ${queries.assets} } ${sessionTypes} ${assetTypes}
        type User { ${userType} sessions(first: Int): SessionConnection! }
        type Asset { id: String! name: String folder: String ownerId: String owner: User quality: Quality } type Quality { assetId: String! score: Float }`,
      resolvers: { Query, User: { sessions: sessionsOf }, Asset: { owner: ({ ownerId }: Asset) => usersById.get(ownerId), quality: qualityOf } },
    },
  }
}
