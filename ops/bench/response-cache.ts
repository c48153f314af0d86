import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeDemo } from '../../gateway/demo/write.ts'
import { ask, bodyOf, drive, type Figures } from './load.ts'
import { startServer } from './processes.ts'
import { requestScenarios, type RequestScenario } from './scenarios.ts'

/**
 * CPU of the hub's process per request: a read as it is, one that is answered from what is kept, and one that is kept for the first time, beside the bare server; all in turns, in one run.
 * Run by hand: `node ops/bench/response-cache.ts [rounds]`.
 */
const rounds = Number(process.argv[2] ?? 7)
const requests = 500
const root = join(import.meta.dirname, '../..')

/** The scenario, asked so that its answers are kept; the nth round asks for `offset(n)` onwards. */
function kept(scenario: RequestScenario, how: string, variables: (n: number, round: number) => Readonly<Record<string, unknown>>) {
  const document = scenario.document.replace(') {', `) @cached {`).replace('query ', `query ${how} `)
  return (round: number): RequestScenario => ({ ...scenario, document, variables: n => variables(n, round), requests, warmUp: 100 })
}

const contenders = ['get', 'relation walk'].flatMap(name => {
  const scenario = requestScenarios.find(one => one.name === name)!
  return [
    { name, at: (): RequestScenario => ({ ...scenario, requests, warmUp: 100 }) },
    { name: `${name}, kept`, at: kept(scenario, 'Kept', n => scenario.variables(n % 200)) },
    { name: `${name}, kept for the first time`, at: kept(scenario, 'First', (n, round) => scenario.variables(round * (requests + 100) + n)) },
  ]
})

const folder = await mkdtemp(join(tmpdir(), 'tributary-bench-'))
const { catalog } = await writeDemo(join(folder, 'demo'))
const bare = await startServer(join(import.meta.dirname, 'bare.ts'), [])
const hub = await startServer(join(root, 'gateway/cli.ts'), ['start', '--catalog', catalog, '--port', '0', '--data', join(folder, 'data'), '--response-cache-max-entries', '1000000'])
try {
  const found = new Map<string, Figures[]>()
  const note = (name: string, figures: Figures) => void found.set(name, [...(found.get(name) ?? []), figures])
  const options = { connections: 32, scale: 1, progress: () => {} }
  for (let round = -1; round < rounds; round++) {
    for (const { name, at } of contenders) {
      const scenario = at(round + 1)
      const sample = await ask(hub.url, bodyOf(scenario.document, scenario.variables(0)))
      const figures = await drive(hub, scenario, options)
      await (await fetch(`${bare.url}/ready`, { method: 'PUT', body: JSON.stringify(sample) })).arrayBuffer()
      const beside = await drive(bare, scenario, options)
      if (figures.errors + beside.errors > 0) throw new Error(`${name}: ${figures.errors} answers were errors.`)
      if (round < 0) continue // until everything is compiled
      note(name, figures)
      note(`${name} (bare)`, beside)
    }
  }
  for (const [name, all] of found) {
    const micros = all.map(({ cpuMicros }) => cpuMicros).sort((a, b) => a - b)
    console.log(name.padEnd(40), `lowest ${micros[0]?.toFixed(0).padStart(4)}  median ${micros[Math.floor(micros.length / 2)]?.toFixed(0).padStart(4)}  µs   ${all[0]?.bytes} bytes`)
  }
} finally {
  await Promise.all([bare.stop(), hub.stop()])
  await rm(folder, { recursive: true, force: true })
}
