import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeDemo } from '../../gateway/demo/write.ts'
import { ask, bodyOf, type Driven, drive, setReady } from './load.ts'
import { startServer } from './processes.ts'
import { requestScenarios, type RequestScenario } from './scenarios.ts'

/**
 * CPU of a hub with two workers per request, and how much of it is the owner's, beside a hub without workers and the bare server; all in turns, in one run.
 * Run by hand: `node ops/bench/workers.ts [rounds]`.
 */
const rounds = Number(process.argv[2] ?? 5)
const root = join(import.meta.dirname, '../..')

const named = (name: string): RequestScenario => requestScenarios.find(one => one.name === name)!
const eventual = { 'x-consistency': 'EVENTUAL' }
const [get, batch, filter] = [named('get'), named('batch of 100'), named('indexed filter')]
const scenarios: readonly RequestScenario[] = [
  { ...get, name: 'get, asked of the owner' },
  { ...get, name: 'get, kept near', headers: eventual, variables: (n: number) => get.variables(n % 200) },
  { ...batch, name: 'batch of 100, asked of the owner' },
  { ...batch, name: 'batch of 100, kept near', headers: eventual, variables: (n: number) => batch.variables(n % 3) },
  { ...filter, name: 'indexed filter, handed to the owner' },
].map(scenario => ({ ...scenario, requests: 2_000, warmUp: 300 }))

const folder = await mkdtemp(join(tmpdir(), 'tributary-bench-'))
const { catalog } = await writeDemo(join(folder, 'demo'))
const start = (workers: number) => startServer(join(root, 'gateway/cli.ts'), ['start', '--catalog', catalog, '--port', '0', '--workers', String(workers), '--data', join(folder, `data-${workers}`)])
const bare = await startServer(join(import.meta.dirname, 'bare.ts'), [])
const hubs = { alone: await start(1), workers: await start(2) }
try {
  const found = new Map<string, Driven[]>()
  const options = { connections: 32, scale: 1, progress: () => {} }
  for (let round = -2; round < rounds; round++) {
    for (const scenario of scenarios) {
      await setReady(bare, await ask(hubs.alone.url, bodyOf(scenario.document, scenario.variables(0))))
      for (const [who, server] of Object.entries({ bare, ...hubs })) {
        const figures = await drive(server, scenario, options, [server.ownCpuMicros])
        if (figures.errors > 0) throw new Error(`${scenario.name}: ${figures.errors} answers were errors.`)
        if (round < 0) continue // until everything is compiled
        const name = `${scenario.name.padEnd(36)} ${who.padEnd(8)}`
        found.set(name, [...(found.get(name) ?? []), figures])
      }
    }
  }
  for (const [name, all] of found) {
    const line = (values: readonly number[]) => {
      const sorted = values.toSorted((a, b) => a - b)
      return `${sorted[0]?.toFixed(0).padStart(5)} / ${sorted[Math.floor(sorted.length / 2)]?.toFixed(0).padStart(5)}`
    }
    console.log(name, `all ${line(all.map(({ cpuMicros }) => cpuMicros))}   of it in the first process ${line(all.map(({ grown: [own = 0] }) => own))}   requests/s ${line(all.map(({ requestsPerSecond }) => requestsPerSecond))}`)
  }
} finally {
  await Promise.all([bare.stop(), hubs.alone.stop(), hubs.workers.stop()])
  await rm(folder, { recursive: true, force: true })
}
