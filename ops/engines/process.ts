import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { codeOf } from './engine.ts'

/** A process that is this one and no later one of the same number. */
export interface Identity {
  readonly pid: number
  /** Ticks of the clock between boot and the process's start: field 22 of `/proc/<pid>/stat`. */
  readonly startTicks: string
}

/** Undefined: there is no such process, or it has ended and only its entry is left. */
export function identityOf(pid: number): Identity | undefined {
  const stat = readProc(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  // The name in brackets may hold spaces and brackets: fields are counted behind the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, startTicks] = [fields[0], fields[19]]
  return startTicks === undefined || state === 'Z' || state === 'X' ? undefined : { pid, startTicks }
}

export function isAlive(identity: Identity): boolean {
  return identityOf(identity.pid)?.startTicks === identity.startTicks
}

/** Resident memory of the process and its descendants; pages they share count once for each. */
export function rssBytes(pid: number): number {
  const children = readdirSync('/proc').filter(name => /^\d+$/.test(name)).flatMap(name => {
    const status = readProc(`/proc/${name}/status`)
    const parent = status && /^PPid:\s+(\d+)$/m.exec(status)?.[1]
    return parent === String(pid) ? [Number(name)] : []
  })
  const own = Number(/^VmRSS:\s+(\d+) kB$/m.exec(readProc(`/proc/${pid}/status`) ?? '')?.[1] ?? 0) * 1024
  return children.reduce((sum, child) => sum + rssBytes(child), own)
}

/** Asks the process to end, and ends it after `graceMs`. Answers when it is gone; false: it had to be killed. */
export async function stop(identity: Identity, graceMs: number): Promise<boolean> {
  if (!isAlive(identity)) return true
  process.kill(identity.pid, 'SIGTERM')
  if (await isGoneWithin(identity, graceMs)) return true
  process.kill(identity.pid, 'SIGKILL')
  if (await isGoneWithin(identity, 10_000)) return false
  throw new Error(`Process ${identity.pid} is still there ten seconds after SIGKILL.`)
}

async function isGoneWithin(identity: Identity, ms: number): Promise<boolean> {
  for (const until = performance.now() + ms; performance.now() < until;) {
    if (!isAlive(identity)) return true
    await pause(50)
  }
  return !isAlive(identity)
}

/** Whether somebody listens on this port of the loopback. */
export function isTaken(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port, timeout: 2_000 })
    const done = (taken: boolean) => {
      socket.destroy()
      resolve(taken)
    }
    socket.once('connect', () => done(true)).once('timeout', () => done(true)).once('error', () => done(false))
  })
}

/** The process that listens on the port, as far as we may see it. */
export function listenerOn(port: number): { readonly pid: number; readonly name: string } | undefined {
  const sockets = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap(table => listeningSockets(readProc(table) ?? '', port)))
  if (sockets.size === 0) return undefined
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    if (openFiles(pid).some(target => sockets.has(target))) return { pid: Number(pid), name: (readProc(`/proc/${pid}/comm`) ?? '').trim() }
  }
  return undefined
}

/** Rows of `/proc/net/tcp`: `sl local_address rem_address st … inode`; the port in hexadecimal, state 0A = listening. */
export function listeningSockets(table: string, port: number): string[] {
  const ending = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return table.split('\n').slice(1).map(line => line.trim().split(/\s+/)).filter(fields => fields[1]?.endsWith(ending) && fields[3] === '0A').map(fields => `socket:[${fields[9]}]`)
}

function openFiles(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap(name => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${name}`)]
      } catch (error) {
        if (isOutOfReach(error)) return []
        throw error
      }
    })
  } catch (error) {
    if (isOutOfReach(error)) return []
    throw error
  }
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (isOutOfReach(error)) return undefined
    throw error
  }
}

/** The process ended while we looked, or is another user's. */
function isOutOfReach(error: unknown): boolean {
  return ['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(codeOf(error) ?? '')
}
