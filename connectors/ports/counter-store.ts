import type { Scope } from './scope.ts'

/**
 * Buffers of events that wait until enough have come or time is up. A buffer is its tenant's and begins with its first event. Every method is atomic, whoever calls at the same
 * time on any node, and durable when answered as far as the store is.
 *
 * Events come in again after a crash, since their place in the log is committed only when the buffer has them: each counts once by its partition and offset. For this the
 * buffer remembers the highest offset it had of each partition; a partition's events are added in order.
 */
export interface CounterStore {
  /** Adds what the buffer has not had yet; `nowMs` opens the window where it was empty. Answers the buffer as it then is. */
  add(scope: Scope, buffer: string, events: readonly BufferedEvent[], nowMs: number): Promise<BufferState>
  state(scope: Scope, buffer: string): Promise<BufferState>
  /**
   * The events of a buffer that is due, as one batch, to one of all callers; undefined for the others and where nothing is due. The batch is the caller's for `leaseMs`; then, where nobody
   * finished it, the next caller is given the same batch. While there is one no other begins; what is added meanwhile waits for the next.
   */
  claim(scope: Scope, buffer: string, due: Due, nowMs: number, leaseMs: number): Promise<Batch | undefined>
  /** The batch is where it belongs and is forgotten. False: it was finished already, or there never was one. */
  finish(scope: Scope, buffer: string, batch: string): Promise<boolean>
  /** Removes the buffer with everything it remembers. */
  drop(scope: Scope, buffer: string): Promise<void>
  /** Ends when the store answers. */
  check(scope: Scope): Promise<void>
  close(): Promise<void>
}

export interface BufferedEvent {
  readonly partition: number
  readonly offset: number
  readonly value: Uint8Array
}

export interface BufferState {
  /** Events that wait, those of a batch under way not counted. */
  readonly count: number
  readonly bytes: number
  /** When the first of them came; absent for an empty buffer. */
  readonly firstAtMs?: number
}

/** What makes a buffer due: either is enough; neither given, any event is. */
export interface Due {
  /** So many events or more. */
  readonly count?: number
  /** So long since the first came, or longer. */
  readonly ageMs?: number
}

export interface Batch {
  /** Never used again for this buffer: numbers that grow, as text. */
  readonly id: string
  readonly reason: 'COUNT' | 'TIME' | 'MANUAL'
  /** In the order they were added. */
  readonly events: readonly BufferedEvent[]
}
