import type { Site } from './engine.ts'
import { engines } from './index.ts'
import { isAlive, rssBytes, stop } from './process.ts'
import { alone, forget, read, readAll, type Running } from './state.ts'
import { question } from './up.ts'

/** A process as it is now. */
export interface Status extends Running {
  /** False: it ended by itself. */
  readonly alive: boolean
  /** Undefined: it answers. */
  readonly silentBecause: string | undefined
  readonly uptimeSeconds: number
  /** Of the process and its descendants. */
  readonly rssBytes: number
}

/** Everything on record, or what of it belongs to the named engines and nodes. */
export async function status(site: Site, names: readonly string[]): Promise<readonly Status[]> {
  const records = (await readAll(site)).filter(record => isNamed(record, names))
  return Promise.all(records.map(async record => {
    const alive = isAlive(record)
    const silentBecause = alive ? await whySilent(site, record) : 'it ended'
    return { ...record, alive, silentBecause, uptimeSeconds: Math.round((Date.now() - record.startedAtMs) / 1000), rssBytes: alive ? rssBytes(record.pid) : 0 }
  }))
}

function isNamed({ engine, node }: Running, names: readonly string[]): boolean {
  return names.length === 0 || names.includes(engine) || names.includes(node)
}

async function whySilent(site: Site, record: Running): Promise<string | undefined> {
  const engine = engines.find(({ name }) => name === record.engine)
  return engine ? question(engine, record, site.signal) : `there is no engine "${record.engine}" any more`
}

/** Stops what was started here, all of it or the named engines and nodes; answers who was on record. Their data stays. */
export async function down(site: Site, names: readonly string[]): Promise<readonly Running[]> {
  const records = (await readAll(site)).filter(record => isNamed(record, names))
  const nodes = Map.groupBy(records, ({ engine }) => engine)
  await Promise.all([...nodes].map(([engine, its]) => alone(site, engine, async () => { await Promise.all(its.map(({ node }) => end(site, node))) })))
  return records
}

async function end(site: Site, node: string): Promise<void> {
  const record = await read(site, node)
  if (!record) return
  if (!isAlive(record)) site.say(record.engine, `${node}, process ${record.pid}, had ended by itself; its log is ${record.log}`)
  else site.say(record.engine, `${node}, process ${record.pid}, ${(await stop(record, 30_000)) ? 'has ended' : 'did not end within 30 s and was killed'}`)
  await forget(site, node)
}
