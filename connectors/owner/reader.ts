import { connect, type Socket } from 'node:net'
import { HubError } from '../../schema/errors.ts'
import { identity } from '../regions/kept.ts'
import { NearCache } from '../regions/near.ts'
import type { Entry, Member, Region } from '../ports/region-store.ts'
import type { Clock, Log, Scope } from '../ports/scope.ts'
import { Frames } from './frames.ts'
import { type Asked, readEntry, type Told, type WrittenEntry } from './messages.ts'

export interface ReaderOptions {
  /** Path of the owner's socket. */
  readonly at: string
  readonly clock: Clock
  readonly log: Log
  /** Called when there is another graph, and with undefined when there is none any more: from that step on nothing may be answered from the one before, which is what the owner hears next. */
  readonly onGraph: (graph: { readonly number: number; readonly description: unknown } | undefined) => void
}

/** A region of the owner, as far as a worker reads it. */
export interface OwnedRegion {
  /** The graph it is read under; under another one reads fail with CONFLICT. */
  readonly graph: number
  /** Its name in the store. */
  readonly name: string
  readonly tenancy: 'SHARED' | 'TENANT'
  /** Whether entries may be kept: not where they end by themselves. */
  readonly isKept: boolean
  /** Whether it writes JSON itself. */
  readonly writesJson: boolean
}

/** What of a region is read. `getJson` answers a text. */
export interface ReadRegion extends Pick<Region, 'getMany'> {
  getJson?(scope: Scope, keys: readonly string[], members: readonly Member[]): Promise<string | undefined>
}

export interface Reader {
  region(of: OwnedRegion): ReadRegion
  close(): void
}

/** Of each region. */
const nearLimits = { maxEntries: 10_000, maxBytes: 16 * 1024 * 1024 }
/** An entry is asked for again after so long, so that the owner knows what is used, and keeps that when it has to let others go. */
const longestMs = 5_000
/** Between two attempts to reach the owner. */
const pauseMs = 50
/** What an entry takes beside its text. */
const entryBytes = 128

/** Reads entries by key from the owner of this hub. What was read lately is kept near, for reads that allow it, until its change is told; nothing is while the owner is not reached. */
export function openReader(options: ReaderOptions): Reader {
  return new OwnerReader(options)
}

interface Waiting {
  readonly resolve: (answer: readonly WrittenEntry[] | string | null) => void
  readonly reject: (error: Error) => void
}

class OwnerReader implements Reader {
  readonly #options: ReaderOptions
  readonly #near = new Map<string, NearCache>()
  readonly #waiting = new Map<number, Waiting>()
  #frames: Frames | undefined
  #socket: Socket | undefined
  #isClosed = false
  #asked = 0

  constructor(options: ReaderOptions) {
    this.#options = options
    this.#connect()
  }

  region(of: OwnedRegion): ReadRegion {
    return {
      getMany: (scope, keys, options) => this.#getMany(of, scope, keys, options?.near === true && of.isKept && mayBeNear(scope)),
      ...(of.writesJson && { getJson: (scope: Scope, keys: readonly string[], members: readonly Member[]) => this.#getJson(of, scope, keys, members) }),
    }
  }

  close(): void {
    this.#isClosed = true
    this.#socket?.destroy()
  }

  async #getMany(of: OwnedRegion, scope: Scope, keys: readonly string[], isNear: boolean): Promise<readonly (Entry | undefined)[]> {
    if (!isNear) return (await this.#entries(of, scope, keys, false)).map(readEntry)
    scope.signal.throwIfAborted()
    const tenant = of.tenancy === 'TENANT' ? scope.tenant : ''
    const near = this.#nearOf(of.name)
    const now = scope.clock.now()
    const found = keys.map(key => near.get(identity({ tenant, key }), now))
    const missing = keys.filter((_, index) => !found[index])
    const mark = near.mark()
    const read = missing.length > 0 ? await this.#entries(of, scope, missing, true) : []
    let next = 0
    return found.map(kept => {
      if (kept) return { key: kept.key, row: kept.row, version: kept.version, writtenAtMs: kept.writtenAtMs, near: true }
      const written = read[next++] ?? 0
      const entry = readEntry(written)
      if (entry) near.keep({ ...entry, tenant, createdAtMs: entry.writtenAtMs, filled: false }, entryBytes + 2 * JSON.stringify(written).length, now + longestMs, mark)
      return entry
    })
  }

  #nearOf(region: string): NearCache {
    let near = this.#near.get(region)
    if (!near) {
      near = new NearCache(nearLimits)
      near.on()
      this.#near.set(region, near)
    }
    return near
  }

  async #entries({ graph, name }: OwnedRegion, scope: Scope, keys: readonly string[], isNear: boolean): Promise<readonly WrittenEntry[]> {
    return (await this.#ask(scope, (id, timeoutMs) => ['get', id, graph, name, scope.tenant, isNear, timeoutMs, keys])) as readonly WrittenEntry[]
  }

  async #getJson({ graph, name }: OwnedRegion, scope: Scope, keys: readonly string[], members: readonly Member[]): Promise<string | undefined> {
    return ((await this.#ask(scope, (id, timeoutMs) => ['json', id, graph, name, scope.tenant, timeoutMs, keys, members])) as string | null) ?? undefined
  }

  #ask({ signal, deadlineMs, clock }: Scope, question: (id: number, timeoutMs: number) => Asked): Promise<readonly WrittenEntry[] | string | null> {
    signal.throwIfAborted()
    if (!this.#frames) return Promise.reject(new HubError('UPSTREAM_UNAVAILABLE', 'The owner of the regions is not reached just now.'))
    const id = ++this.#asked
    const { promise, resolve, reject } = Promise.withResolvers<readonly WrittenEntry[] | string | null>()
    const leave = () => {
      reject(signal.reason as Error)
      this.#say(['leave', id])
    }
    this.#waiting.set(id, { resolve, reject })
    signal.addEventListener('abort', leave)
    this.#say(question(id, Math.max(1, Math.min(2_000_000_000, Math.ceil(deadlineMs - clock.now())))))
    return promise.finally(() => {
      signal.removeEventListener('abort', leave)
      this.#waiting.delete(id)
    })
  }

  #say(message: Asked): void {
    this.#frames?.send(message)
  }

  #connect(): void {
    const socket = connect(this.#options.at)
    const frames = new Frames(socket, message => this.#take(message as Told))
    this.#socket = socket
    socket.once('connect', () => {
      this.#frames = frames
    })
    socket.on('error', error => {
      if (!this.#isClosed) this.#options.log.warn('The regions of the owner cannot be read; their reads are handed to it whole.', { error })
    })
    socket.once('close', () => this.#lost())
  }

  /** Changes go by unseen from now on. */
  #lost(): void {
    this.#frames = undefined
    this.#near.clear()
    this.#options.onGraph(undefined)
    for (const { reject } of this.#waiting.values()) reject(new HubError('UPSTREAM_UNAVAILABLE', 'The owner of the regions was lost before it answered.'))
    if (!this.#isClosed) this.#options.clock.after(pauseMs, () => this.#isClosed || this.#connect())
  }

  #take(told: Told): void {
    switch (told[0]) {
      case 'graph':
        this.#near.clear()
        // It leaves behind this step.
        this.#say(['took', told[1]])
        this.#options.onGraph({ number: told[1], description: told[2] })
        break
      case 'got':
      case 'text':
        this.#waiting.get(told[1])?.resolve(told[2])
        break
      case 'failed':
        this.#waiting.get(told[1])?.reject(new HubError(told[2], told[3]))
        break
      case 'changed':
        for (const [region, tenant, key] of told[1]) this.#near.get(region)?.changed(identity({ tenant, key }))
        for (const region of told[2]) this.#near.get(region)?.clear()
        break
    }
  }
}

/** Whether what is kept may answer at all: at SESSION only a caller who says what he wrote can be shown it, as this worker wrote nothing itself. */
function mayBeNear({ consistency, session }: Scope): boolean {
  return consistency?.level === 'EVENTUAL' || session?.token !== undefined
}
