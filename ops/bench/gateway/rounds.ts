import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { composeSupergraph } from '../../../gateway/federation/compose.ts'
import { ask, bodyOf, drive, scaled, setReady, type Driven, type LoadOptions } from '../load.ts'
import { startServer, type Server } from '../processes.ts'
import type { RequestScenario } from '../scenarios.ts'
import { limit, plainEnv, type Contender, type Stage } from './contender.ts'
import { federationLink, reference, type World } from './world.ts'

/** One contender in one case: a figure of each round, and the most memory it held over all cases of its stage. */
export interface Entry {
  readonly contender: string
  readonly version: string
  /** `grown` has the subgraphs' CPU in microseconds and their requests, each per request. */
  readonly rounds: readonly Driven[]
  readonly peakMb: number
}

export interface CaseResult {
  readonly name: string
  /** Requests of one round, and those before the first. */
  readonly requests: number
  readonly warmUp: number
  readonly entries: readonly Entry[]
}

export interface Absent {
  readonly name: string
  readonly why: string
}

export interface StageResult {
  readonly name: string
  readonly about: string
  readonly cases: readonly CaseResult[]
  readonly absent: readonly Absent[]
}

export interface RoundOptions extends LoadOptions {
  readonly rounds: number
  /** Which contenders run, by their names. */
  readonly wanted: (contender: string) => boolean
}

interface Running {
  readonly contender: Contender
  readonly server: Server
}

/** Answers compared with the reference before a contender is driven. */
const compared = [0, 1, 2]

/** Starts all, compares their first answers with the reference, and drives them in turns, case by case. A contender that cannot be started or answers something else is told as absent. */
export async function runStage(stage: Stage, cases: readonly RequestScenario[], options: RoundOptions): Promise<StageResult> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-bench-'))
  const servers: Server[] = []
  const started = async (starting: Promise<Server>) => {
    const server = await starting
    servers.push(server)
    return server
  }
  try {
    options.progress('starting the subgraphs')
    const subgraphs = await started(startServer(join(import.meta.dirname, 'subgraphs.ts'), stage.subgraphs, plainEnv))
    const { expected, supergraph } = await prepared(stage.world(), subgraphs.url, cases, folder)
    const bare = await started(startServer(join(import.meta.dirname, '../bare.ts'), [], plainEnv))

    const running: Running[] = [{ contender: { name: limit, version: process.version, start: async () => bare }, server: bare }]
    const absent: Absent[] = []
    for (const contender of stage.contenders(supergraph, folder).filter(({ name }) => options.wanted(name))) {
      try {
        options.progress(`starting ${contender.name}`)
        const server = await started(contender.start())
        for (const scenario of cases) await compare(server, scenario, expected.get(scenario) ?? [])
        running.push({ contender, server })
      } catch (error) {
        absent.push({ name: contender.name, why: error instanceof Error ? error.message : String(error) })
      }
    }

    const measured = new Map<RequestScenario, ReadonlyMap<Running, readonly Driven[]>>()
    for (const scenario of cases) {
      await setReady(bare, expected.get(scenario)?.[0])
      measured.set(scenario, await interleaved(running, scenario, subgraphs, options))
    }
    const peaks = new Map(await Promise.all(running.map(async one => [one, await one.server.peakMb()] as const)))
    const entryOf = (one: Running, rounds: readonly Driven[]): Entry => ({ contender: one.contender.name, version: one.contender.version, rounds, peakMb: peaks.get(one) ?? Number.NaN })
    return { name: stage.name, about: stage.about, absent, cases: [...measured].map(([{ name, requests, warmUp }, figures]) => ({ name, requests: scaled(requests, options.scale), warmUp: scaled(warmUp, options.scale), entries: [...figures].map(([one, rounds]) => entryOf(one, rounds)) })) }
  } finally {
    await Promise.all(servers.map(server => server.stop()))
    await rm(folder, { recursive: true, force: true })
  }
}

/** The supergraph's file, and what has to be answered. The world may be let go afterwards. */
async function prepared(world: World, url: string, cases: readonly RequestScenario[], folder: string) {
  const { sdl } = composeSupergraph(world.subgraphs.map(({ name, sdl }) => ({ name, url: `${url}/${name}`, sdl: `${federationLink}\n${sdl}` })))
  const supergraph = join(folder, 'supergraph.graphql')
  await writeFile(supergraph, sdl)
  const expected = new Map<RequestScenario, readonly unknown[]>()
  for (const scenario of cases) expected.set(scenario, await Promise.all(compared.map(n => reference(world.whole, scenario.document, scenario.variables(n)))))
  return { expected, supergraph }
}

async function compare(server: Server, { name, document, variables, headers }: RequestScenario, expected: readonly unknown[]): Promise<void> {
  for (const n of compared) {
    const { data } = (await ask(server.url, bodyOf(document, variables(n)), headers)) as { readonly data: unknown }
    if (isDeepStrictEqual({ data }, expected[n])) continue
    throw new Error(`${name}: answers other data than graphql-js does: ${JSON.stringify(data).slice(0, 300)} … where ${JSON.stringify(expected[n]).slice(0, 300)} … was expected.`)
  }
}

/** One contender under load at a time, each once per round; the first round warms up in full. */
async function interleaved(running: readonly Running[], scenario: RequestScenario, subgraphs: Server, options: RoundOptions): Promise<ReadonlyMap<Running, readonly Driven[]>> {
  const figures = new Map<Running, Driven[]>(running.map(one => [one, []]))
  const counters = [subgraphs.cpuMicros, () => served(subgraphs)]
  for (let round = 0; round < options.rounds; round++) {
    for (const [one, rounds] of figures) {
      const progress = (text: string) => options.progress(`round ${round + 1} of ${options.rounds}, ${one.contender.name}: ${text}`)
      const warmUp = round === 0 ? scenario.warmUp : Math.ceil(scenario.warmUp / 20)
      rounds.push(await drive(one.server, { ...scenario, warmUp }, { ...options, progress }, counters))
    }
  }
  return figures
}

async function served(subgraphs: Server): Promise<number> {
  return Number(await (await fetch(`${subgraphs.url}/served`)).text())
}
