import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, readFile, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { EngineError, type Address, type Engine, type EngineNode, type Launch, type Ports, type Site } from './engine.ts'
import { identityOf, isAlive, isTaken, listenerOn, stop } from './process.ts'
import { lastLines } from './program.ts'
import { alone, forget, read, write, type Running } from './state.ts'

/** A loaded machine with two cores needs its time. */
const startMs = 240_000
const questionMs = 10_000

/** Has nodes 1 to `nodes` of the engine running and answering. What runs already stays as it is. */
export async function up(site: Site, engine: Engine, nodes: number): Promise<readonly Running[]> {
  return alone(site, engine.name, async () => {
    const names = Array.from({ length: nodes }, (_, index) => nodeName(engine, index + 1))
    const found = await Promise.all(names.map(name => stillRunning(site, engine, name)))
    if (found.some(record => record === undefined)) await engine.fetch(site)
    const running: Running[] = []
    // One after the other: the second node of a cluster is to find the first.
    for (const [index, record] of found.entries()) running.push(record ?? await start(site, engine, await nodeOf(site, engine, index + 1)))
    return running
  })
}

export function nodeName(engine: Engine, number: number): string {
  return engine.mostNodes === undefined ? engine.name : `${engine.name}-${number}`
}

async function nodeOf(site: Site, engine: Engine, number: number): Promise<EngineNode> {
  const name = nodeName(engine, number)
  const ports = engine.ports(number)
  const shifted = Object.fromEntries(Object.entries(ports).map(([purpose, port]) => [purpose, port + site.portOffset]))
  const data = join(site.home, 'data', name)
  await mkdir(data, { recursive: true })
  return { name, number, ports: { ...shifted, client: ports.client + site.portOffset }, data }
}

async function stillRunning(site: Site, engine: Engine, name: string): Promise<Running | undefined> {
  const record = await read(site, name)
  if (!record) return undefined
  if (!isAlive(record)) {
    site.say(engine.name, `${name}, process ${record.pid}, has ended by itself; its log is ${record.log}`)
    await forget(site, name)
    return undefined
  }
  await untilAnswers(site, engine, record, () => (isAlive(record) ? undefined : 'it ended'))
    .catch(error => { throw new EngineError(`${name}, process ${record.pid}, runs but does not answer. Stop it with "down ${engine.name}"; its log is ${record.log}.`, { cause: error }) })
  site.say(engine.name, `${name} is running already: process ${record.pid}, port ${record.ports.client}`)
  return record
}

async function start(site: Site, engine: Engine, node: EngineNode): Promise<Running> {
  await refuseTaken(node.name, node.ports)
  const launch = await engine.launch(site, node)
  await mkdir(join(site.home, 'log'), { recursive: true })
  const log = join(site.home, 'log', `${node.name}.log`)
  const output = await open(log, 'a')
  const before = (await output.stat()).size
  const began = performance.now()
  const child = await spawned(launch, node, output).finally(() => output.close())
  const pid = child.pid ?? 0
  const identity = identityOf(pid)
  const ended = () => (child.exitCode ?? child.signalCode) ?? undefined
  try {
    if (!identity) {
      // It is gone, and will be told of.
      child.ref()
      if (ended() === undefined) await once(child, 'exit')
      throw new EngineError(`it ended with ${ended()}`)
    }
    const record: Running = { ...identity, node: node.name, number: node.number, engine: engine.name, version: launch.version, ports: node.ports, startedAtMs: Date.now(), log, data: launch.folder ?? node.data, reach: launch.reach }
    await write(site, record)
    site.say(engine.name, `${node.name} ${launch.version} is starting: process ${pid}`)
    await untilAnswers(site, engine, record, () => (ended() === undefined ? undefined : `it ended with ${ended()}`))
    site.say(engine.name, `${node.name} answers on port ${node.ports.client}, ${((performance.now() - began) / 1000).toFixed(1)} s after its start`)
    return record
  } catch (error) {
    if (identity) await stop(identity, 10_000)
    await forget(site, node.name)
    site.signal.throwIfAborted()
    const reason = error instanceof Error ? error.message : String(error)
    throw new EngineError(`${node.name} ${launch.version} did not start: ${reason}. The end of ${log}:\n${lastLines((await readFile(log)).subarray(before).toString(), 25)}`, { cause: error })
  }
}

/** In a session of its own, so that it outlives this command. */
async function spawned(launch: Launch, node: EngineNode, output: FileHandle): Promise<ChildProcess> {
  const { user } = launch
  const child = spawn(launch.command, launch.args, {
    cwd: launch.folder ?? node.data, env: { ...process.env, TZ: 'UTC', ...launch.env }, detached: true, stdio: ['ignore', output.fd, output.fd], ...(user && { uid: user.uid, gid: user.gid }),
  })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve).once('error', error => reject(new EngineError(`${launch.command} cannot be run: ${error.message}`, { cause: error })))
  })
  child.unref()
  return child
}

async function refuseTaken(name: string, ports: Ports): Promise<void> {
  const taken = await Promise.all(Object.entries(ports).map(async ([purpose, port]) => {
    if (!(await isTaken(port))) return []
    const holder = listenerOn(port)
    return [`port ${port} (${purpose}) is held by ${holder ? `process ${holder.pid} (${holder.name})` : 'a process that is not ours to see'}`]
  }))
  if (taken.flat().length > 0) throw new EngineError(`${name} cannot start: ${taken.flat().join('; ')}, which was not started from here. Stop it, or start elsewhere with --port-offset.`)
}

/** Asks again and again. Rejects when the process has ended, or with the last reason when its time is over. */
async function untilAnswers(site: Site, engine: Engine, address: Address, ended: () => string | undefined): Promise<void> {
  for (const until = performance.now() + startMs; ;) {
    const reason = await question(engine, address, site.signal)
    if (reason === undefined) return
    const end = ended()
    if (end !== undefined) throw new EngineError(end)
    if (performance.now() > until) throw new EngineError(`no answer within ${startMs / 1000} s (${reason})`)
    await pause(150, undefined, { signal: site.signal })
  }
}

/** Why the node does not answer; undefined: it does. */
export async function question(engine: Engine, address: Address, signal: AbortSignal): Promise<string | undefined> {
  const late = AbortSignal.timeout(questionMs)
  try {
    await engine.answers(address, AbortSignal.any([signal, late]))
    return undefined
  } catch (error) {
    signal.throwIfAborted()
    if (late.aborted) return `nothing came within ${questionMs / 1000} s`
    return error instanceof Error ? error.message : String(error)
  }
}
