import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import type { Environment } from '../../gateway/config.ts'
import { fastPath } from './fast-path.ts'

const cli = resolve(import.meta.dirname, '../../gateway/cli.ts')

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface Running {
  /** The first match in what it wrote, once it is there. A program that ends before that fails the wait, with all it wrote. */
  written(pattern: RegExp): Promise<RegExpExecArray>
  /** Calls with all it wrote to its output, and with what it writes from then on. */
  heard(call: (text: string) => void): void
  /** Asks it to end, and waits for it. */
  stop(signal?: NodeJS.Signals): Promise<Ran>
  readonly ended: Promise<Ran>
}

/** The program itself with these arguments, in a process and a folder of its own. */
export function startProgram(argv: readonly string[], { cwd, env = {} }: { cwd: string; env?: Environment }): Running {
  return startCommand(process.execPath, [cli, ...argv], { cwd, env: { ...(!fastPath && { HUB_FAST_PATH: 'false' }), ...env } })
}

/** Any command, in an environment that has nothing else but the PATH. */
export function startCommand(command: string, argv: readonly string[], { cwd, env = {} }: { cwd: string; env?: Environment }): Running {
  const child = spawn(command, argv, { cwd, env: { PATH: process.env['PATH'], ...env } })
  let out = ''
  let err = ''
  let code: number | null | undefined
  let waiting: (() => void)[] = []
  const heard = () => {
    for (const wake of waiting.splice(0)) wake()
  }
  const listeners: ((text: string) => void)[] = []
  child.stdout.setEncoding('utf8').on('data', text => {
    out += text
    for (const call of listeners) call(text)
    heard()
  })
  child.stderr.setEncoding('utf8').on('data', text => { err += text; heard() })
  const ended = new Promise<Ran>((done, failed) => {
    child.on('error', failed)
    child.on('close', ending => { code = ending; heard(); done({ code: ending, out, err }) })
  })
  return {
    ended,
    async written(pattern) {
      for (;;) {
        const found = pattern.exec(out)
        if (found) return found
        if (code !== undefined) throw new Error(`The program ended with ${code} before it wrote ${pattern}.\n${out}${err}`)
        await new Promise<void>(wake => { waiting = [...waiting, wake] })
      }
    },
    heard(call) {
      call(out)
      listeners.push(call)
    },
    stop(signal = 'SIGTERM') {
      child.kill(signal)
      return ended
    },
  }
}

/** Runs it to its end. */
export function runProgram(argv: readonly string[], options: { cwd: string; env?: Environment }): Promise<Ran> {
  return startProgram(argv, options).ended
}
