/** Rooms are of these sizes; what is larger is memory of its own. */
const smallest = 4 * 1024
const largest = 1024 * 1024
/** Bytes of the rooms that wait to be used again. */
const mostKeptBytes = 32 * 1024 * 1024

const kept = new Map<number, Buffer[]>()
let keptBytes = 0

/**
 * Bytes that come one piece after the other. Their memory is used again by others once it was given back: memory outside of the heap makes the engine collect all of it where most is young, and that cost a quarter of a
 * request to subgraphs (ops/decisions/0025).
 */
export class Room {
  length = 0
  #bytes: Buffer | undefined

  /** For `expected` bytes at first. */
  constructor(expected: number) {
    this.#bytes = taken(Math.min(expected, largest))
  }

  add(piece: Buffer, from: number, to: number): void {
    const end = this.length + to - from
    if (end > this.#held.length) this.#move(end)
    piece.copy(this.#held, this.length, from, to)
    this.length = end
  }

  copyTo(target: Buffer, at: number): void {
    this.#held.copy(target, at, 0, this.length)
  }

  get text(): string {
    return this.#held.toString('utf8', 0, this.length)
  }

  /** Whoever reads it from now on fails. */
  release(): void {
    const bytes = this.#held
    this.#bytes = undefined
    give(bytes)
  }

  get #held(): Buffer {
    if (!this.#bytes) throw new Error('The bytes of an answer were given back and are read again.')
    return this.#bytes
  }

  #move(end: number): void {
    const before = this.#held
    this.#bytes = taken(Math.max(end, Math.min(2 * before.length, largest)))
    before.copy(this.#bytes, 0, 0, this.length)
    give(before)
  }
}

function taken(bytes: number): Buffer {
  if (bytes > largest) return Buffer.allocUnsafeSlow(2 * bytes)
  const size = Math.max(smallest, 2 ** Math.ceil(Math.log2(bytes)))
  const one = kept.get(size)?.pop()
  if (!one) return Buffer.allocUnsafeSlow(size)
  keptBytes -= size
  return one
}

function give(bytes: Buffer): void {
  if (bytes.length > largest || keptBytes + bytes.length > mostKeptBytes) return
  keptBytes += bytes.length
  const alike = kept.get(bytes.length)
  if (alike) alike.push(bytes)
  else kept.set(bytes.length, [bytes])
}
