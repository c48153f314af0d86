import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { codeOf, EngineError, type User } from './engine.ts'

export interface ProgramOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly user?: User
  readonly signal: AbortSignal
  /** Called with each line of standard error as it comes. */
  readonly onLine?: (line: string) => void
}

/** Runs a program to its end and answers its standard output. One that is missing or fails is an error with its last words. */
export async function run(command: string, args: readonly string[], { cwd, env, user, signal, onLine }: ProgramOptions): Promise<string> {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], signal, ...(user && { uid: user.uid, gid: user.gid }) })
  let out = ''
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { out += text })
  createInterface({ input: child.stderr }).on('line', line => {
    said = `${said}${line}\n`.slice(-4_000)
    if (line.trim() !== '') onLine?.(line.trim())
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve)
    child.once('error', error => reject(codeOf(error) === 'ENOENT' ? new EngineError(`There is no program "${command}" on the PATH.`, { cause: error }) : error))
  })
  if (code !== 0) throw new EngineError(`"${[command, ...args.slice(0, 3)].join(' ')} …" ended with ${code}: ${lastLines(`${out}\n${said}`, 15)}`)
  return out
}

export function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n')
}
