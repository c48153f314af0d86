import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const child = resolve(import.meta.dirname, 'killed-run.ts')

/** What a run that came to its end says of itself, and how many boundaries it passed. */
export interface EndedRun {
  readonly state: string
  readonly error?: unknown
  readonly passed: number
}

/** Runs a pipeline over a folder in a process of its own, which is killed at the boundary; without one it comes to its end. Undefined: it was killed. */
export async function untilKilled(folder: string, xml: string, boundary?: number, env: Readonly<Record<string, string>> = {}): Promise<EndedRun | undefined> {
  const started = spawn(process.execPath, [child, folder, xml, ...(boundary === undefined ? [] : [String(boundary)])], { env: { ...process.env, ...env, NODE_COMPILE_CACHE: join(tmpdir(), 'tributary-killed-cache') } })
  let out = ''
  let err = ''
  started.stdout.setEncoding('utf8').on('data', (text: string) => { out += text })
  started.stderr.setEncoding('utf8').on('data', (text: string) => { err += text })
  const [code, signal] = await new Promise<[number | null, string | null]>(done => started.on('close', (ending, by) => done([ending, by])))
  if (signal === 'SIGKILL') return undefined
  if (code !== 0) throw new Error(err)
  return JSON.parse(out) as EndedRun
}
