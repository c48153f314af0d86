import type { Writable } from 'node:stream'
import type { Clock } from '../../connectors/ports/scope.ts'

/** How messages stand in what is written to a connection. */
export interface Framing {
  /** Bytes a message takes. */
  size(head: Buffer, body: Buffer): number
  /** Puts it there; answers the place behind it. */
  put(into: Buffer, at: number, head: Buffer, body: Buffer): number
}

/** What a connection is to an outlet. Bytes are looked at no more once its `writableLength` is 0: sockets have handed them to the kernel by then. */
export type Target = Pick<Writable, 'write' | 'writableLength' | 'writableNeedDrain' | 'on'>

export interface OutletOptions {
  readonly framing: Framing
  readonly target: Target
  /** Whether it may still be written to. */
  readonly isOpen: () => boolean
  /** Bytes waiting in the connection above which no event should come. */
  readonly maxBufferedBytes: number
  /** Called when the connection took all there was. */
  readonly taken?: () => void
}

/** Messages of one connection that wait for their window; as many bytes of them do not wait any longer. */
const mostWaitingBytes = 64 * 1024
/** How long one flush may keep the process from its other work. */
const sliceMs = 8

/** Room for what is being written. Nearly always the connection takes it at once, and the next write may have the same room. */
class Arena {
  #room = Buffer.allocUnsafeSlow(mostWaitingBytes * 4)
  #used = 0

  take(size: number): Buffer {
    if (size > this.#room.length / 4) return Buffer.allocUnsafeSlow(size)
    if (this.#used + size > this.#room.length) {
      this.#room = Buffer.allocUnsafeSlow(this.#room.length)
      this.#used = 0
    }
    this.#used += size
    return this.#room.subarray(this.#used - size, this.#used)
  }

  /** Of the last `take`: nobody looks at it any more. */
  giveBack(size: number): void {
    if (size <= this.#room.length / 4) this.#used -= size
  }
}
const arena = new Arena()

/** Messages to one connection, in order. Those of one window leave in one write. */
export class Outlet {
  readonly #windows: Windows
  readonly #options: OutletOptions
  #messages: Buffer[] = []
  #bytes = 0
  #isFull = false
  #waiters = new Set<() => void>()

  constructor(windows: Windows, options: OutletOptions) {
    this.#windows = windows
    this.#options = options
    options.target.on('drain', () => {
      this.#isFull = false
      options.taken?.()
      const waiters = this.#waiters
      this.#waiters = new Set()
      for (const call of waiters) call()
    })
  }

  /** Whether the connection holds less than its limit. */
  get hasRoom(): boolean {
    return !this.#isFull
  }

  /** Whether nothing waits, here and in the connection. */
  get isEmpty(): boolean {
    return this.#bytes === 0 && this.#options.target.writableLength === 0
  }

  /** Calls when the connection has taken all there was, once for each function. */
  whenRoom(call: () => void): void {
    this.#waiters.add(call)
  }

  /** Puts a message, if there is room or it has to; answers whether it did. */
  put(head: Buffer, body: Buffer, hasTo: boolean): boolean {
    if (this.#isFull && !hasTo) return false
    const isFirst = this.#bytes === 0
    this.#messages.push(head, body)
    this.#bytes += this.#options.framing.size(head, body)
    if (this.#windows.widthMs === 0 || this.#bytes >= mostWaitingBytes) this.flush()
    else if (isFirst) this.#windows.add(this)
    return true
  }

  /** Writes what waits. Call it before anything else is written to the connection, and before it is closed. */
  flush(): void {
    if (this.#bytes === 0) return
    const { framing, target, isOpen, maxBufferedBytes, taken } = this.#options
    const messages = this.#messages
    const size = this.#bytes
    this.#messages = []
    this.#bytes = 0
    if (!isOpen()) return
    const bytes = arena.take(size)
    let at = 0
    for (let index = 0; index < messages.length; index += 2) at = framing.put(bytes, at, messages[index]!, messages[index + 1]!)
    const needsDrain = !target.write(bytes)
    const { writableLength } = target
    this.#isFull = needsDrain && writableLength >= maxBufferedBytes
    if (writableLength > 0) return
    arena.giveBack(size)
    taken?.()
  }
}

/**
 * When outlets write: the first message after a rest at the end of the turn in which it came, and what comes within the window behind that, once the window is over. So who waits for one message
 * has it at once, and a burst costs each connection one write or two.
 */
export class Windows {
  /** 0: each message is written as it comes. */
  readonly widthMs: number
  readonly #clock: Clock
  #waiting: Outlet[] = []
  #isOpen = false

  constructor(widthMs: number, clock: Clock) {
    this.widthMs = widthMs
    this.#clock = clock
  }

  add(outlet: Outlet): void {
    this.#waiting.push(outlet)
    if (this.#isOpen) return
    this.#isOpen = true
    setImmediate(() => this.#flush())
  }

  #flush(): void {
    const outlets = this.#waiting
    this.#waiting = []
    this.#write(outlets, 0)
  }

  /** Writes those from `from` on, in slices between which other work has its turn; then the next window begins. */
  #write(outlets: readonly Outlet[], from: number): void {
    const endMs = performance.now() + sliceMs
    let index = from
    while (index < outlets.length) {
      outlets[index]?.flush()
      index += 1
      if (index % 32 === 0 && performance.now() > endMs) return void setImmediate(() => this.#write(outlets, index))
    }
    this.#clock.after(this.widthMs, () => {
      if (this.#waiting.length > 0) this.#flush()
      else this.#isOpen = false
    })
  }
}
