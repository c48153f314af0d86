import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** A server under measurement, in a process of its own. */
export interface Server {
  /** `http://127.0.0.1:8080` */
  readonly url: string
  /** CPU time all its threads, and those of the processes it started, had, in microseconds. */
  cpuMicros(): Promise<number>
  /** The same of the process itself alone. */
  ownCpuMicros(): Promise<number>
  /** Most memory it held at a time, in MB; of several processes the sum of each one's most. */
  peakMb(): Promise<number>
  /** CPU time of the process alone, that of its threads which have ended among it, in microseconds, to a hundredth of a second. */
  lifetimeCpuMicros(): Promise<number>
  /** Asks it to end, and ends it after ten seconds. */
  stop(): Promise<void>
  /** Ends it now, without asking. */
  kill(): Promise<void>
  /** Stops all of it where it is, until it is to go on. */
  freeze(): void
  thaw(): void
}

/** How to start a server, and how to know that it is up. */
export interface Program {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** Working directory. */
  readonly cwd?: string
  /** Where it is told to listen: it is up when GraphQL is answered there. Absent: it prints its URL. */
  readonly url?: string
  /** How long it may take; a minute unless told. */
  readonly patienceMs?: number
  /** Hears what it writes. */
  readonly heard?: (text: string) => void
}

/** Starts a Node program and waits until it prints its URL. What it printed until then is in the error when it ends or stays silent for too long. */
export function startServer(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env, patienceMs?: number): Promise<Server> {
  return startProgram({ command: process.execPath, args: [program, ...args], env, patienceMs })
}

export async function startProgram({ command, args, env = process.env, cwd, url: expected, patienceMs = 60_000, heard }: Program): Promise<Server> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env, cwd })
  if (heard) for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => heard(part.toString()))
  const url = await upAt(child, [command, ...args].join(' '), expected, patienceMs)
  const { pid } = child
  if (pid === undefined) throw new Error(`${command} has no process id.`)
  return {
    url, cpuMicros: async () => cpuMicros(await family(pid)), ownCpuMicros: () => cpuMicros([pid]), lifetimeCpuMicros: () => lifetimeCpuMicros(pid), peakMb: () => peakMb(pid), stop: () => stop(child),
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
  }
}

function upAt(child: ChildProcess, name: string, expected: string | undefined, patienceMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = ''
    const given = new AbortController()
    const end = () => {
      clearTimeout(timer)
      given.abort()
      child.removeAllListeners('exit')
      child.stdout?.off('data', look).resume()
      child.stderr?.off('data', look).resume()
    }
    const fail = (what: string) => {
      end()
      child.kill('SIGKILL')
      reject(new Error(`${name} ${what}. It printed:\n${printed.slice(-4_000)}`))
    }
    const up = (url: string) => {
      end()
      resolve(url)
    }
    const timer = setTimeout(() => fail(`was not up within ${patienceMs / 1_000} seconds`), patienceMs)
    const look = (part: Buffer) => {
      printed += part
      const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(printed) ?? []
      if (url !== undefined && expected === undefined) up(url)
    }
    child.stdout?.on('data', look)
    child.stderr?.on('data', look)
    child.once('error', error => fail(`did not start: ${error.message}`))
    child.once('exit', code => fail(`ended with ${code} before it was up`))
    if (expected !== undefined) answering(expected, given.signal).then(up, (error: unknown) => fail(`was not reached: ${String(error)}`))
  })
}

/** Asks until GraphQL is answered there. */
async function answering(url: string, signal: AbortSignal): Promise<string> {
  const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"query":"{ __typename }"}', signal }
  for (;;) {
    const isUp = await fetch(`${url}/graphql`, request).then(response => response.arrayBuffer().then(() => response.ok), () => false)
    if (isUp || signal.aborted) return url
    await pause(50, undefined, { signal }).catch(() => undefined)
  }
}

/** A port nobody listens on now, for a program that cannot choose one itself. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || address === null) throw new Error('There is no free port.')
  return address.port
}

/**
 * /proc/PID/task/TID/schedstat: time on the CPU in ns, time waiting for one in ns, time slices. A thread or process that ended takes its time with it, so a server should
 * keep those it has while it is measured.
 */
async function cpuMicros(pids: readonly number[]): Promise<number> {
  const threads = (await Promise.all(pids.map(threadsOf))).flat()
  const times = await Promise.all(threads.map(thread => readFile(`${thread}/schedstat`, 'utf8').catch(() => '0')))
  return times.reduce((sum, line) => sum + Number(line.split(' ')[0]) / 1_000, 0)
}

/** utime and stime of /proc/PID/stat, in hundredths of a second; they stand behind its name, which is in brackets. */
async function lifetimeCpuMicros(pid: number): Promise<number> {
  const [, behind = ''] = /^.*\) (.*)$/s.exec(await readFile(`/proc/${pid}/stat`, 'utf8')) ?? []
  const fields = behind.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

/** VmHWM of /proc/PID/status, in kB. */
async function peakMb(pid: number): Promise<number> {
  const peaks = (await family(pid)).map(async member => Number(/^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${member}/status`, 'utf8'))?.[1]) / 1_024)
  return (await Promise.all(peaks)).reduce((sum, peak) => sum + peak, 0)
}

/** The process and all it started, however deep: workers count. */
async function family(pid: number): Promise<readonly number[]> {
  const told = await Promise.all((await threadsOf(pid)).map(thread => readFile(`${thread}/children`, 'utf8').catch(() => '')))
  const children = told.flatMap(line => line.split(' ').filter(Boolean).map(Number))
  return [pid, ...(await Promise.all(children.map(family))).flat()]
}

async function threadsOf(pid: number): Promise<readonly string[]> {
  const folder = `/proc/${pid}/task`
  const threads = await readdir(folder).catch((error: unknown) => {
    throw new Error(`CPU time is read from ${folder}, which this system does not have.`, { cause: error })
  })
  return threads.map(thread => `${folder}/${thread}`)
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await ended
  clearTimeout(timer)
}
