import { mkdir, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { spread, type RequestScenario } from '../scenarios.ts'
import { apiKey, type ApiKey } from './api-key.ts'
import { plainEnv, type Contender, type Stage } from './contender.ts'
import { hiveGateway, mercurius, tributary } from './gateways.ts'
import { asset, assets, folderId, folders, hubWorld, quality, session, sessions, user, userId } from './hub-world.ts'

export function hubStage(users: number, progress: (text: string) => void): Stage {
  const key = apiKey(['cache:read'])
  const { headers } = key
  return {
    name: 'hub',
    about: `The whole product, its regions in the process and authentication by API key on: ${users} users, ${sessions} sessions, ${assets} assets; other variables in every request. Beside it the same data in maps: behind a gateway and subgraphs (the gateway's process alone is counted), and behind one schema.`,
    cases: [
      oneUser(users, headers),
      {
        name: 'hub Q2, 100 users by id', document: 'query ($keys: [ID!]!) { usersByKey(keys: $keys) { id name email } }', headers, requests: 1_200, warmUp: 4_000,
        variables: n => ({ keys: Array.from({ length: 100 }, (_, index) => userId(spread(n * 100 + index, users))) }),
      },
      {
        name: 'hub Q3, 20 assets, three hops', headers, requests: 1_600, warmUp: 6_000, variables: n => ({ folder: folderId(spread(n, folders)) }),
        document: 'query ($folder: String!) { assets(where: { folder: { eq: $folder } }, first: 20) { nodes { id name owner { name sessions(first: 2) { nodes { token } } } quality { score } } } }',
      },
    ],
    subgraphs: ['hub', String(users)],
    world: () => hubWorld(users),
    contenders: (supergraph, folder) => [hub(users, key, folder, progress), hiveGateway(supergraph), mercurius(users)],
  }
}

export const oneUser = (users: number, headers: RequestScenario['headers']): RequestScenario => ({
  name: 'hub Q1, one user', document: 'query ($id: ID!) { user(id: $id) { id name email } }', variables: n => ({ id: userId(spread(n, users)) }), headers, requests: 4_000, warmUp: 20_000,
})

/** The product over this data, which it writes below the folder when it is started. */
export function hub(users: number, key: ApiKey, folder: string, progress: (text: string) => void, env = plainEnv): Contender {
  const keys = join(folder, 'keys.json')
  const catalog = join(folder, 'hub.yaml')
  const contender = tributary(['start', '--catalog', catalog, '--data', join(folder, 'data'), '--auth-api-keys-file', keys], env)
  return {
    ...contender,
    async start() {
      await key.write(keys)
      await writeFile(catalog, catalogText)
      for (const table of tables(users)) await writeTable(folder, table, progress)
      progress(`loading ${users} users`)
      return contender.start()
    },
  }
}

const catalogText = `
sources:
  platform:
    type: files
    root: ./platform
    tables:
      users:     { file: users.csv, key: id }
      sessions:  { file: sessions.csv, key: token }
      assets:    { file: assets.csv, key: id }
      qualities: { file: qualities.csv, key: asset_id }
regions:
  users:     { type: User, key: id, load: { source: platform, table: users, eager: true } }
  sessions:  { type: Session, key: token, load: { source: platform, table: sessions, eager: true }, indexes: [user_id] }
  assets:    { type: Asset, key: id, load: { source: platform, table: assets, eager: true }, indexes: [folder] }
  qualities: { type: Quality, key: asset_id, load: { source: platform, table: qualities, eager: true } }
relations:
  - { from: Asset.owner_id, to: User.id, as: owner, inverse: assets }
  - { from: Session.user_id, to: User.id, as: user, inverse: sessions }
  - { from: Quality.asset_id, to: Asset.id, as: asset, inverse: quality }
`

interface Table {
  readonly name: string
  readonly header: string
  readonly rows: number
  readonly line: (n: number) => string
}

const joined = (row: object): string => Object.values(row).join(',')

function tables(users: number): readonly Table[] {
  return [
    { name: 'users', header: 'id,name,email', rows: users, line: n => joined(user(n)) },
    { name: 'sessions', header: 'token,user_id', rows: sessions, line: n => joined(session(n, users)) },
    { name: 'assets', header: 'id,name,folder,owner_id', rows: assets, line: n => joined(asset(n, users)) },
    { name: 'qualities', header: 'asset_id,score', rows: assets, line: n => joined(quality(n)) },
  ]
}

async function writeTable(folder: string, { name, header, rows, line }: Table, progress: (text: string) => void): Promise<void> {
  const directory = join(folder, 'platform')
  await mkdir(directory, { recursive: true })
  await using file = await open(join(directory, `${name}.csv`), 'w')
  await file.write(`${header}\n`)
  const step = 50_000
  for (let from = 0; from < rows; from += step) {
    progress(`writing ${name}: ${from} of ${rows} rows`)
    await file.write(`${Array.from({ length: Math.min(step, rows - from) }, (_, n) => line(from + n)).join('\n')}\n`)
  }
}
