import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { apiKey } from '../gateway/api-key.ts'
import { limit, ours, plainEnv } from '../gateway/contender.ts'
import { hub, oneUser } from '../gateway/hub.ts'
import { user } from '../gateway/hub-world.ts'
import { median, micros } from '../gateway/summary.ts'
import { ask, bodyOf, drive, setReady, type Driven } from '../load.ts'
import { startServer, type Server } from '../processes.ts'
import type { Findings } from '../report.ts'
import type { RequestScenario } from '../scenarios.ts'
import { spread } from '../scenarios.ts'
import type { GrowthOptions } from './index.ts'

/** One user by id with so many in the region, beside the plain server, in one run. */
export interface EntriesFigures {
  readonly users: number
  readonly plain: readonly Driven[]
  readonly hub: readonly Driven[]
  readonly peakMb: number
}

const sizes = [10_000, 1_000_000, 10_000_000]

/** Of the sizes those that are not above `users`; if none is, `users` itself. */
export const sizesWithin = (users: number): readonly number[] => (sizes.some(size => size <= users) ? sizes.filter(size => size <= users) : [users])

export async function growthOfEntries(options: GrowthOptions): Promise<readonly EntriesFigures[]> {
  const figures: EntriesFigures[] = []
  for (const users of sizesWithin(options.users)) figures.push(await measureOne(users, options))
  return figures
}

async function measureOne(users: number, options: GrowthOptions): Promise<EntriesFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-bench-'))
  const servers: Server[] = []
  const started = async (starting: Promise<Server>) => {
    const server = await starting
    servers.push(server)
    return server
  }
  try {
    const key = apiKey(['cache:read'])
    const scenario = oneUser(users, key.headers)
    const bare = await started(startServer(join(import.meta.dirname, '../bare.ts'), [], plainEnv))
    const server = await started(hub(users, key, folder, options.progress).start())
    for (const n of [0, 1, 2]) await compare(server, scenario, n, users)
    await setReady(bare, await ask(server.url, bodyOf(scenario.document, scenario.variables(0)), key.headers))

    const figures: { readonly plain: Driven[]; readonly hub: Driven[] } = { plain: [], hub: [] }
    for (let round = 0; round < options.rounds; round++) {
      const progress = (text: string) => options.progress(`${users} users, round ${round + 1} of ${options.rounds}: ${text}`)
      const warmUp = round === 0 ? scenario.warmUp : Math.ceil(scenario.warmUp / 20)
      figures.plain.push(await drive(bare, { ...scenario, warmUp }, { ...options, progress }))
      figures.hub.push(await drive(server, { ...scenario, warmUp }, { ...options, progress }))
    }
    return { users, ...figures, peakMb: await server.peakMb() }
  } finally {
    await Promise.all(servers.map(server => server.stop()))
    await rm(folder, { recursive: true, force: true })
  }
}

async function compare(server: Server, { document, variables, headers }: RequestScenario, n: number, users: number): Promise<void> {
  const { data } = (await ask(server.url, bodyOf(document, variables(n)), headers)) as { readonly data: unknown }
  const expected = { user: user(spread(n, users)) }
  if (!isDeepStrictEqual(data, expected)) throw new Error(`With ${users} users the answer is ${JSON.stringify(data)} where ${JSON.stringify(expected)} was expected.`)
}

const header = ['entries', '× limit', 'CPU lowest', 'median', 'limit lowest', 'req/s', 'p50 ms', 'p95 ms', 'p99 ms', 'longest ms', 'peak MB', 'bytes', 'errors']

export function entriesTable(figures: readonly EntriesFigures[]): Findings['tables'][number] {
  const lowest = (rounds: readonly Driven[]) => Math.min(...rounds.map(({ cpuMicros }) => cpuMicros))
  const rows = figures.map(({ users, plain, hub: rounds, peakMb }) => {
    const middle = (of: (driven: Driven) => number) => median(rounds.map(of)).toFixed(1)
    return [
      users.toLocaleString('en'), (lowest(rounds) / lowest(plain)).toFixed(2), micros(lowest(rounds)), micros(median(rounds.map(({ cpuMicros }) => cpuMicros))), micros(lowest(plain)),
      Math.max(...rounds.map(({ requestsPerSecond }) => requestsPerSecond)).toFixed(0), middle(({ p50Ms }) => p50Ms), middle(({ p95Ms }) => p95Ms), middle(({ p99Ms }) => p99Ms), middle(({ longestMs }) => longestMs),
      peakMb.toFixed(0), String(rounds[0]?.bytes), String([...plain, ...rounds].reduce((sum, { errors }) => sum + errors, 0)),
    ]
  })
  return { title: `One user by id, ${ours} over "${limit}" in the same run`, header, rows }
}
