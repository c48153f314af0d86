import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'

/** A server under measurement, in a process of its own. */
export interface Server {
  /** `http://127.0.0.1:8080` */
  readonly url: string
  /** CPU time all its threads had, in microseconds. */
  cpuMicros(): Promise<number>
  /** Asks it to end, and ends it after ten seconds. */
  stop(): Promise<void>
}

/** Starts a Node program and waits until it prints its URL. What it printed until then is in the error when it ends or stays silent for a minute. */
export async function startServer(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Server> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env })
  const url = await printedUrl(child, program)
  const { pid } = child
  if (pid === undefined) throw new Error(`${program} has no process id.`)
  return { url, cpuMicros: () => cpuMicros(pid), stop: () => stop(child) }
}

function printedUrl(child: ChildProcess, program: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = ''
    const fail = (what: string) => {
      clearTimeout(timer)
      child.kill('SIGKILL')
      reject(new Error(`${program} ${what}. It printed:\n${printed.slice(-4_000)}`))
    }
    const timer = setTimeout(() => fail('printed no URL within a minute'), 60_000)
    const look = (part: Buffer) => {
      printed += part
      const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(printed) ?? []
      if (url === undefined) return
      clearTimeout(timer)
      child.removeAllListeners('exit')
      child.stdout?.off('data', look).resume()
      child.stderr?.off('data', look).resume()
      resolve(url)
    }
    child.stdout?.on('data', look)
    child.stderr?.on('data', look)
    child.once('error', error => fail(`did not start: ${error.message}`))
    child.once('exit', code => fail(`ended with ${code} before it printed a URL`))
  })
}

/**
 * /proc/PID/task/TID/schedstat: time on the CPU in ns, time waiting for one in ns, time slices. A thread that ended takes its time with it, so a server should
 * keep its threads while it is measured.
 */
async function cpuMicros(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`).catch((error: unknown) => {
    throw new Error(`CPU time is read from /proc/${pid}/task, which this system does not have.`, { cause: error })
  })
  const times = await Promise.all(threads.map(thread => readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').catch(() => '0')))
  return times.reduce((sum, line) => sum + Number(line.split(' ')[0]) / 1_000, 0)
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await ended
  clearTimeout(timer)
}
