import { createServer, type Server, type Socket } from 'node:net'
import type { LogEntry } from '../../schema/change.ts'
import { asHubError, HubError } from '../../schema/errors.ts'
import type { Region, RegionStore } from '../ports/region-store.ts'
import type { Clock, Log, Scope } from '../ports/scope.ts'
import { Frames } from './frames.ts'
import { type Asked, askedIn, type Told, writtenEntry } from './messages.ts'

export interface OwnerOptions {
  /** Path of the socket; in a folder that is its user's alone. */
  readonly at: string
  readonly store: RegionStore
  readonly clock: Clock
  readonly log: Log
}

export interface Owner {
  /**
   * Makes this the graph whose regions workers may read, and tells them; reads under any other fail from this step on. Ends when no worker answers from an older one: who does not say so
   * within a second is cut off, and reads nothing before it is back.
   */
  publish(description: unknown): Promise<void>
  close(): Promise<void>
}

const wordLimitMs = 1_000
/** Entries told of by name in one message; of the others, all of their region are. */
const mostChanges = 10_000

/** Lets workers of this hub read entries by key, and tells them what changes of those they keep. */
export async function openOwner({ at, store, clock, log }: OwnerOptions): Promise<Owner> {
  const workers = new Set<Peer>()
  const published = { graph: 0, description: undefined as unknown }
  const server = createServer(socket => {
    const peer = new Peer(socket, { store, clock, log, graph: () => published.graph })
    workers.add(peer)
    socket.on('error', error => log.warn('The connection of a worker that reads regions failed.', { error }))
    socket.once('close', () => {
      workers.delete(peer)
      peer.left()
    })
    if (published.graph > 0) peer.tell(['graph', published.graph, published.description])
  })
  const forget = store.changes.onCommit(entry => {
    for (const peer of workers) peer.heard(entry)
  })
  await listening(server, at)
  return {
    async publish(description) {
      published.graph += 1
      published.description = description
      await Promise.all([...workers].map(peer => peer.take(published.graph, description, wordLimitMs)))
    },
    async close() {
      forget()
      const closed = new Promise<void>(done => server.close(() => done()))
      for (const peer of workers) peer.cut()
      await closed
    },
  }
}

interface PeerParts extends Pick<OwnerOptions, 'store' | 'clock' | 'log'> {
  readonly graph: () => number
}

/** One worker, as the owner sees it. */
class Peer {
  readonly #socket: Socket
  readonly #parts: PeerParts
  readonly #frames: Frames
  readonly #reads = new Map<number, AbortController>()
  /** Regions of which it may keep entries. */
  readonly #kept = new Set<string>()
  #took: { readonly graph: number; readonly done: () => void } | undefined
  #changed: [region: string, tenant: string, key: string][] = []
  #resets = new Set<string>()

  constructor(socket: Socket, parts: PeerParts) {
    this.#socket = socket
    this.#parts = parts
    this.#frames = new Frames(socket, message => this.#take(askedIn(message)))
  }

  tell(message: Told): void {
    this.#frames.send(message)
  }

  /** Ends when it took the graph, or was cut off. */
  take(graph: number, description: unknown, limitMs: number): Promise<void> {
    return new Promise(done => {
      const cancel = this.#parts.clock.after(limitMs, () => this.#socket.destroy(new HubError('TIMEOUT', `A worker did not take the new graph within ${limitMs} ms.`)))
      const end = () => {
        cancel()
        this.#socket.off('close', end)
        done()
      }
      this.#took?.done()
      this.#took = { graph, done: end }
      this.#socket.once('close', end)
      this.tell(['graph', graph, description])
    })
  }

  heard({ changes, resets }: LogEntry): void {
    if (this.#kept.size === 0) return
    const isFirst = this.#changed.length === 0 && this.#resets.size === 0
    for (const { region, tenant, key } of changes) {
      if (!this.#kept.has(region)) continue
      if (this.#changed.length < mostChanges) this.#changed.push([region, tenant, key])
      else this.#resets.add(region)
    }
    for (const region of resets) if (this.#kept.has(region)) this.#resets.add(region)
    if (isFirst && (this.#changed.length > 0 || this.#resets.size > 0)) setImmediate(() => this.#tellChanges())
  }

  left(): void {
    for (const read of this.#reads.values()) read.abort(new HubError('CANCELLED', 'The worker left; the work was cancelled.'))
    this.#reads.clear()
  }

  cut(): void {
    this.#socket.destroy()
  }

  #tellChanges(): void {
    this.tell(['changed', this.#changed, [...this.#resets]])
    this.#changed = []
    this.#resets = new Set()
  }

  #take(asked: Asked): void {
    switch (asked[0]) {
      case 'get': {
        const [, id, graph, name, tenant, isNear, timeoutMs, keys] = asked
        void this.#read(id, graph, name, timeoutMs, async (region, signal, deadlineMs) => {
          // From here on it is told: what it keeps was read afterwards.
          if (isNear) this.#kept.add(name)
          return ['got', id, (await region.getMany(this.#scope(tenant, signal, deadlineMs), keys)).map(writtenEntry)]
        })
        break
      }
      case 'json': {
        const [, id, graph, name, tenant, timeoutMs, keys, members] = asked
        void this.#read(id, graph, name, timeoutMs, async (region, signal, deadlineMs) => ['text', id, (await region.getJson?.(this.#scope(tenant, signal, deadlineMs), keys, members))?.toString() ?? null])
        break
      }
      case 'leave':
        this.#reads.get(asked[1])?.abort(new HubError('CANCELLED', 'The client left; the work was cancelled.'))
        break
      case 'took':
        if (this.#took?.graph === asked[1]) this.#took.done()
        break
    }
  }

  async #read(id: number, graph: number, name: string, timeoutMs: number, read: (region: Region, signal: AbortSignal, deadlineMs: number) => Promise<Told>): Promise<void> {
    const { clock, store } = this.#parts
    const ending = new AbortController()
    const cancel = clock.after(timeoutMs, () => ending.abort(new HubError('TIMEOUT', `There was no answer within ${timeoutMs} ms; the work was cancelled.`)))
    this.#reads.set(id, ending)
    try {
      if (graph !== this.#parts.graph()) throw new HubError('CONFLICT', 'The graph is another one by now.')
      this.tell(await read(store.region(name), ending.signal, clock.now() + timeoutMs))
    } catch (error) {
      const { code, message } = asHubError(error)
      if (code === 'INTERNAL') this.#parts.log.error('A read for a worker failed.', { error })
      this.tell(['failed', id, code, message])
    } finally {
      cancel()
      this.#reads.delete(id)
    }
  }

  /** Whose request it is, and what it may, was decided where it is executed. */
  #scope(tenant: string, signal: AbortSignal, deadlineMs: number): Scope {
    const { clock, log } = this.#parts
    return { requestId: 'worker', tenant, caller: { subject: 'worker', scopes: new Set() }, signal, deadlineMs, clock, log, later: work => void work() }
  }
}

function listening(server: Server, at: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(new HubError('IN_USE', `The hub cannot listen at "${at}" for its workers: ${cause.code ?? cause.message}.`, { at }, { cause })))
    server.listen(at, resolve)
  })
}
