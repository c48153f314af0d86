import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { EngineError, type Engine, type Site } from './engine.ts'
import { engines } from './index.ts'
import { pin } from './pin.ts'
import { down, status, type Status } from './status.ts'
import type { Running } from './state.ts'
import { nodeName, up } from './up.ts'

const usage = `npm run engines -- COMMAND [ENGINE …] [options]
  up ENGINE …          fetches, starts and waits until it answers; ignite:2 is a cluster of two nodes
  down [ENGINE …]      stops what was started, or all of it; data stays
  status [ENGINE …]    what was started, and whether it answers
  env                  where everything that runs is found, as lines for a shell
  fetch ENGINE …       brings what is missing, and starts nothing
  pin NAME …           resolves the roots in versions.json anew

  --port-offset N      added to every port (default 0)
  --json               answers as JSON

Engines: ${engines.map(({ name }) => name).join(', ')}.
Files are kept in TRIBUTARY_ENGINES, by default ~/.cache/tributary/engines.`

class Misuse extends Error {}

interface Wanted {
  readonly engine: Engine
  readonly nodes: number
}

const interrupted = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort(new EngineError(`Interrupted by ${name}.`)))

try {
  await main()
} catch (error) {
  if (error instanceof Misuse) {
    console.error(`${error.message}\n\n${usage}`)
    process.exitCode = 2
  } else {
    const problems = interrupted.signal.aborted ? [interrupted.signal.reason] : error instanceof AggregateError ? error.errors : [error]
    for (const problem of problems) console.error(problem instanceof EngineError ? problem.message : problem)
    process.exitCode = 1
  }
}

async function main(): Promise<void> {
  const { positionals: [command, ...names], values } = parsed()
  if (values.help) return console.log(usage)
  const site: Site = {
    home: resolve(process.env['TRIBUTARY_ENGINES'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tributary', 'engines')),
    portOffset: portOffset(values['port-offset']),
    signal: interrupted.signal,
    say: (engine, line) => console.error(`${engine.padEnd(14)} ${line}`),
  }
  const answer = (result: unknown, text: string) => console.log(values.json ? JSON.stringify(result, null, 2) : text)

  switch (command) {
    case 'up': {
      const running = (await allOf(wanted(names).map(({ engine, nodes }) => named(engine, up(site, engine, nodes))))).flat()
      return answer(running, reachLines(running))
    }
    case 'down':
      return answer(await down(site, known(names)), '')
    case 'status': {
      const found = await status(site, known(names))
      answer(found, found.map(line).join('\n'))
      const absent = names.filter(name => !found.some(({ engine, node }) => engine === name || node === name))
      for (const name of absent) console.error(`${name.padEnd(14)} is not started`)
      if (absent.length > 0 || found.some(({ silentBecause }) => silentBecause !== undefined)) process.exitCode = 1
      return
    }
    case 'env': {
      const found = (await status(site, known(names))).filter(({ alive }) => alive)
      return answer(Object.assign({}, ...found.map(({ reach }) => reach)), reachLines(found))
    }
    case 'fetch':
      return void await allOf(wanted(names).map(({ engine }) => named(engine, engine.fetch(site))))
    case 'pin':
      for (const name of names) console.error(`${name.padEnd(14)} ${await pin(name, site.signal)} files`)
      return
    default:
      throw new Misuse(command === undefined ? 'A command is missing.' : `There is no command "${command}".`)
  }
}

function parsed() {
  try {
    return parseArgs({ allowPositionals: true, options: { 'port-offset': { type: 'string', default: '0' }, json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } } })
  } catch (error) {
    throw new Misuse(error instanceof Error ? error.message : String(error))
  }
}

function portOffset(text: string): number {
  const offset = Number(text)
  if (!Number.isInteger(offset) || offset < 0 || offset > 47_000) throw new Misuse(`--port-offset is a whole number from 0 to 47000, not "${text}".`)
  return offset
}

/** `ignite`, `ignite:2`. All that is wrong with them at once. */
function wanted(names: readonly string[]): readonly Wanted[] {
  if (names.length === 0) throw new Misuse('No engine is named.')
  const found = names.map(text => {
    const [name = '', count = '1'] = text.split(':')
    const engine = engines.find(candidate => candidate.name === name)
    const most = engine?.mostNodes ?? 1
    if (!engine) return `There is no engine "${name}".`
    return Number.isInteger(Number(count)) && Number(count) >= 1 && Number(count) <= most ? { engine, nodes: Number(count) } : `"${text}": ${name} has 1 ${most === 1 ? 'node' : `to ${most} nodes`}.`
  })
  const wrong = found.filter(result => typeof result === 'string')
  if (wrong.length > 0) throw new Misuse(wrong.join('\n'))
  return found.filter(result => typeof result !== 'string')
}

/** Names of engines or of their nodes. */
function known(names: readonly string[]): readonly string[] {
  const all = new Set(engines.flatMap(engine => [engine.name, ...Array.from({ length: engine.mostNodes ?? 1 }, (_, index) => nodeName(engine, index + 1))]))
  const unknown = names.filter(name => !all.has(name))
  if (unknown.length > 0) throw new Misuse(unknown.map(name => `There is no engine "${name}".`).join('\n'))
  return names
}

async function named<T>({ name }: Engine, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw error instanceof EngineError ? new EngineError(`${name.padEnd(14)} ${error.message}`, { cause: error }) : error
  }
}

/** Waits for every one, so that a failure of one leaves no other half done. */
async function allOf<T>(work: readonly Promise<T>[]): Promise<readonly T[]> {
  const ended = await Promise.allSettled(work)
  const failures = ended.flatMap(result => (result.status === 'rejected' ? [result.reason] : []))
  if (failures.length > 0) throw new AggregateError(failures)
  return ended.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
}

function reachLines(running: readonly Running[]): string {
  return running.flatMap(({ reach }) => Object.entries(reach)).map(([name, value]) => `export ${name}='${value}'`).join('\n')
}

function line({ node, version, pid, ports, uptimeSeconds, rssBytes, silentBecause }: Status): string {
  return [node.padEnd(14), version.padEnd(9), `process ${pid}`.padEnd(16), `port ${ports.client}`.padEnd(11), `up ${uptimeSeconds} s`.padEnd(12), `${Math.round(rssBytes / (1 << 20))} MiB`.padEnd(10), silentBecause === undefined ? 'answers' : `does not answer: ${silentBecause}`].join(' ')
}
