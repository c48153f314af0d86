import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { eventually } from './eventually.ts'

const program = resolve(import.meta.dirname, '..', '..', 'ops', 'engines', 'main.ts')
const written = new Set(['data', 'log', 'state'])

/** Engines of a test's own, on other ports and with data of their own, for what must not happen to those others use: to be killed. */
export interface OwnEngines {
  /** Starts the engine, or starts it again on its data; ends when it answers. */
  up(engine: string): Promise<OwnEngine>
  /** Ends its process at once, as a power cut would; ends when it is gone. */
  kill(engine: OwnEngine): Promise<void>
  close(): Promise<void>
}

export interface OwnEngine {
  readonly pid: number
  readonly reach: Readonly<Record<string, string>>
}

export async function ownEngines(portOffset: number): Promise<OwnEngines> {
  const fetched = resolve(process.env['TRIBUTARY_ENGINES'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tributary', 'engines'))
  const home = await mkdtemp(join(tmpdir(), 'own-engines-'))
  await mkdir(fetched, { recursive: true })
  // What was fetched is not fetched again.
  for (const name of await readdir(fetched)) if (!written.has(name)) await symlink(join(fetched, name), join(home, name))
  const run = (...args: string[]) => output(['--port-offset', String(portOffset), '--json', ...args], home)
  return {
    async up(engine) {
      const [running] = JSON.parse(await run('up', engine)) as OwnEngine[]
      if (!running) throw new Error(`No ${engine} was started.`)
      return running
    },
    async kill({ pid }) {
      process.kill(pid, 'SIGKILL')
      await gone(pid)
    },
    async close() {
      await run('down')
      await rm(home, { recursive: true, force: true })
    },
  }
}

function output(args: readonly string[], home: string): Promise<string> {
  const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, TRIBUTARY_ENGINES: home }, stdio: ['ignore', 'pipe', 'pipe'] })
  let [said, complaints] = ['', '']
  child.stdout.on('data', chunk => { said += String(chunk) })
  child.stderr.on('data', chunk => { complaints += String(chunk) })
  return new Promise((fulfil, reject) => {
    child.once('error', reject)
    child.once('close', code => (code === 0 ? fulfil(said) : reject(new Error(`engines ${args.join(' ')} ended with ${code}: ${complaints}`))))
  })
}

async function gone(pid: number): Promise<void> {
  await eventually(`process ${pid} is gone`, async () => {
    try {
      process.kill(pid, 0)
      return false
    } catch {
      return true
    }
  })
}
