import type { Socket } from 'node:net'
import type { HubError } from '../../schema/errors.ts'
import { refusal, timedOut, unavailable } from './failures.ts'
import type { IgniteSettings } from './options.ts'
import { Outbox } from './outbox.ts'
import { Signals } from './signals.ts'
import { answerFlag, type OpName } from './wire/codes.ts'
import type { Welcome } from './wire/handshake.ts'
import { Reader } from './wire/reader.ts'
import type { Writer } from './wire/writer.ts'

/** What one request asks for beside its message. */
export interface Call {
  readonly signal?: AbortSignal
  /** Shorter or longer than the settings' requestTimeoutMs. */
  readonly timeoutMs?: number
  /** Reads an answer that came after nobody waited any more, to give back at the server what it opened. */
  readonly discard?: (reader: Reader) => void
}

export interface ConnectionEvents {
  /** The cluster's nodes changed: partitions may have moved. */
  topologyChanged(version: bigint): void
  closed(reason: HubError): void
}

/** Messages the server sends of its own accord under one id. */
export type Listener = (reader: Reader) => void

interface Pending {
  readonly operation: OpName
  readonly startedMs: number
  readonly deadlineMs: number
  readonly call: Call
  /** False once the caller was told; the entry stays until its answer comes, which `discard` may have to read. */
  waiting: boolean
  /** Reads the answer. */
  resolve(reader: Reader): void
  reject(error: unknown): void
}

const nothing = () => {}

/**
 * One socket to one node with any number of requests in flight. Answers come in any order.
 * After `closed` was told, every request fails with UPSTREAM_UNAVAILABLE.
 */
export class Connection {
  readonly server: string
  readonly nodeId: string
  readonly features: ReadonlySet<number>
  readonly #socket: Socket
  readonly #outbox: Outbox
  readonly #settings: IgniteSettings
  readonly #events: ConnectionEvents
  readonly #pending = new Map<number, Pending>()
  readonly #signals = new Signals((id, reason) => this.#abandon(id, reason))
  readonly #listeners = new Map<string, Listener>()
  /** Notifications that overtook the answer which names their id. Kept only while such an answer is awaited. */
  readonly #early = new Map<string, Reader[]>()
  #opening = 0
  #nextId = 1
  #closed: HubError | undefined
  readonly #closeListeners = new Set<(reason: HubError) => void>()
  #heardMs: number
  #sweep: { readonly atMs: number; cancel(): void } | undefined
  #stopHeartbeat = nothing

  constructor(socket: Socket, server: string, welcome: Welcome, settings: IgniteSettings, events: ConnectionEvents) {
    this.#socket = socket
    this.#outbox = new Outbox(bytes => socket.write(bytes))
    this.server = server
    this.nodeId = welcome.nodeId
    this.features = welcome.features
    this.#settings = settings
    this.#events = events
    this.#heardMs = settings.clock.now()
    this.#beat()
  }

  get inFlight(): number {
    return this.#pending.size
  }

  get closed(): boolean {
    return this.#closed !== undefined
  }

  /**
   * Sends one message and reads its answer: `write` appends the body, `read` runs when the answer is here. A signal that aborts, or the time limit,
   * fails the call at once; the server is not told and may still do what was asked for.
   */
  request<T>(operation: OpName, write: ((writer: Writer) => void) | undefined, read: (reader: Reader) => T | Promise<T>, call: Call = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#closed) throw this.#closed
      call.signal?.throwIfAborted()
      const id = this.#nextId++
      this.#outbox.append(operation, id, write)
      const startedMs = this.#settings.clock.now()
      const pending: Pending = {
        operation, startedMs, call, reject,
        deadlineMs: startedMs + (call.timeoutMs ?? this.#settings.requestTimeoutMs),
        waiting: true,
        resolve: reader => {
          try {
            resolve(read(reader))
          } catch (error) {
            reject(error)
          }
        },
      }
      if (call.signal) this.#signals.watch(call.signal, id)
      this.#pending.set(id, pending)
      this.#sweepBy(pending.deadlineMs)
    })
  }

  /** Runs `open`, whose answer names the id of notifications to come; those that arrive before `listen` is called for the id are kept until then. */
  async opening<T>(open: () => Promise<T>): Promise<T> {
    this.#opening += 1
    try {
      return await open()
    } finally {
      this.#opening -= 1
      if (this.#opening === 0) this.#early.clear()
    }
  }

  /** Hands over every notification under the id, those that came early first. The answer stops it. */
  listen(id: bigint, listener: Listener): () => void {
    const key = String(id)
    this.#listeners.set(key, listener)
    const early = this.#early.get(key) ?? []
    this.#early.delete(key)
    for (const reader of early) listener(reader)
    return () => {
      this.#listeners.delete(key)
    }
  }

  /** Calls the listener, once, when the connection is gone. The answer stops it. */
  onClose(listener: (reason: HubError) => void): () => void {
    this.#closeListeners.add(listener)
    return () => {
      this.#closeListeners.delete(listener)
    }
  }

  /** Lets go of the socket. Requests in flight fail. */
  close(reason: HubError = unavailable(this.server, 'was left: the client is closed.')): void {
    if (this.#closed) return
    this.#closed = reason
    this.#stopHeartbeat()
    this.#sweep?.cancel()
    this.#socket.destroy()
    for (const id of [...this.#pending.keys()]) this.#abandon(id, reason)
    this.#pending.clear()
    this.#events.closed(reason)
    for (const listener of this.#closeListeners) listener(reason)
  }

  /** The caller is told now. */
  #abandon(id: number, reason: unknown): void {
    const pending = this.#pending.get(id)
    if (!pending?.waiting) return
    pending.waiting = false
    this.#release(id, pending)
    pending.reject(reason)
  }

  #release(id: number, { call }: Pending): void {
    if (call.signal) this.#signals.forget(call.signal, id)
  }

  /** One timer for all deadlines: at the earliest there is. */
  #sweepBy(atMs: number): void {
    if (this.#sweep && this.#sweep.atMs <= atMs) return
    this.#sweep?.cancel()
    const { clock } = this.#settings
    this.#sweep = { atMs, cancel: clock.after(Math.max(0, atMs - clock.now()), () => this.#expire()) }
  }

  #expire(): void {
    this.#sweep = undefined
    const now = this.#settings.clock.now()
    let next = Number.POSITIVE_INFINITY
    for (const [id, { waiting, deadlineMs, startedMs, operation }] of this.#pending) {
      if (!waiting) continue
      if (deadlineMs <= now) this.#abandon(id, timedOut(operation, this.server, deadlineMs - startedMs))
      else next = Math.min(next, deadlineMs)
    }
    if (next !== Number.POSITIVE_INFINITY) this.#sweepBy(next)
  }

  #beat(): void {
    const { clock, heartbeatMs } = this.#settings
    this.#stopHeartbeat = clock.after(heartbeatMs, () => {
      const silentMs = clock.now() - this.#heardMs
      if (silentMs >= 2 * heartbeatMs) {
        this.close(unavailable(this.server, `has been silent for ${silentMs} ms.`))
        return
      }
      this.request('heartbeat', undefined, nothing, { timeoutMs: 2 * heartbeatMs }).catch(nothing)
      this.#beat()
    })
  }

  /** The network gave signs of life. */
  heard(): void {
    this.#heardMs = this.#settings.clock.now()
  }

  /**
   * Answer:       request id int64, flags int16, [topology version int64 + int32], [status int32, message string], body
   * Notification: listener id int64, flags int16, [topology version], operation int16, [status, message], body
   */
  receive(body: Buffer): void {
    const reader = new Reader(body)
    const idAt = reader.at
    const id = Number(reader.long())
    const flags = reader.i16()
    if ((flags & answerFlag.topologyChanged) !== 0) {
      const version = reader.i64()
      reader.i32()
      this.#events.topologyChanged(version)
    }
    if ((flags & answerFlag.notification) !== 0) {
      reader.i16()
      this.#notify(String(body.readBigInt64LE(idAt)), reader, flags)
      return
    }
    const pending = this.#pending.get(id)
    if (!pending) return
    this.#pending.delete(id)
    this.#release(id, pending)
    if ((flags & answerFlag.error) !== 0) {
      const status = reader.i32()
      pending.reject(refusal(pending.operation, status, reader.string(), this.server))
    } else if (pending.waiting) pending.resolve(reader)
    else pending.call.discard?.(reader)
  }

  #notify(id: string, reader: Reader, flags: number): void {
    if ((flags & answerFlag.error) !== 0) {
      const status = reader.i32()
      this.close(refusal('continuousEvent', status, reader.string(), this.server))
      return
    }
    const listener = this.#listeners.get(id)
    if (listener) {
      listener(reader)
      return
    }
    if (this.#opening === 0) return
    const early = this.#early.get(id)
    if (early) early.push(reader)
    else this.#early.set(id, [reader])
  }
}
