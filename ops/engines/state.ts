import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { codeOf, EngineError, type Site } from './engine.ts'

const recordSchema = z.object({
  pid: z.int().positive(),
  startTicks: z.string(),
  node: z.string(),
  number: z.int().positive(),
  engine: z.string(),
  version: z.string(),
  ports: z.object({ client: z.int() }).catchall(z.int()),
  startedAtMs: z.int(),
  log: z.string(),
  data: z.string(),
  reach: z.record(z.string(), z.string()),
})

/** What is known of a process that was started here. It may have ended since. */
export type Running = z.infer<typeof recordSchema>

const folderOf = (site: Site) => join(site.home, 'state')
const fileOf = (site: Site, node: string) => join(folderOf(site), `${node}.json`)

/** Every process on record, by name. */
export async function readAll(site: Site): Promise<readonly Running[]> {
  const names = await orAbsent(readdir(folderOf(site)))
  const records = await Promise.all((names ?? []).filter(name => name.endsWith('.json')).map(name => read(site, name.slice(0, -'.json'.length))))
  return records.filter(record => record !== undefined).sort((a, b) => (a.node < b.node ? -1 : 1))
}

/** Undefined: nothing of this name was started, or it was stopped. */
export async function read(site: Site, node: string): Promise<Running | undefined> {
  const text = await orAbsent(readFile(fileOf(site, node), 'utf8'))
  if (text === undefined) return undefined
  const parsed = recordSchema.safeParse(JSON.parse(text))
  if (!parsed.success) throw new EngineError(`${fileOf(site, node)} is no record of an engine: ${z.prettifyError(parsed.error)}\nRemove the file; a process it was about has to be stopped by hand.`)
  return parsed.data
}

/** Readable by its owner only: `reach` may hold a password. */
export async function write(site: Site, record: Running): Promise<void> {
  await mkdir(folderOf(site), { recursive: true })
  const file = fileOf(site, record.node)
  await writeFile(`${file}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 })
  await rename(`${file}.new`, file)
}

export async function forget(site: Site, node: string): Promise<void> {
  await rm(fileOf(site, node), { force: true })
}

/** Does the work while no other command works on the engine: waits for one that does. Whatever ends a command ends its hold. */
export async function alone<T>(site: Site, engine: string, work: () => Promise<T>): Promise<T> {
  // A name without a file, that one process of the machine can listen on and that vanishes with it.
  const name = `\0tributary-engines-${createHash('sha256').update(site.home).digest('hex').slice(0, 32)}-${engine}`
  let held = await hold(name)
  if (!held) site.say(engine, 'another command is at work on it; waiting')
  while (!held) {
    await pause(200, undefined, { signal: site.signal })
    held = await hold(name)
  }
  try {
    return await work()
  } finally {
    held.close()
  }
}

/** Undefined: somebody holds it. */
function hold(name: string): Promise<Server | undefined> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', error => (codeOf(error) === 'EADDRINUSE' ? resolve(undefined) : reject(error)))
    server.listen({ path: name }, () => resolve(server))
  })
}

async function orAbsent<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
