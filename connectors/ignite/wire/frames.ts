import { HubError } from '../../../schema/errors.ts'

/** Java's arrays end here. */
const maxMessageBytes = 2 ** 31 - 1
/** The answer to a handshake is much shorter. What announces more is no Ignite, and gets no memory. */
const maxWelcomeBytes = 64 * 1024

/**
 * Cuts a stream of `int32 length, body` into bodies. A body that arrives in pieces is copied once, into a buffer of its own length,
 * so that the work is proportional to the bytes however the network splits them.
 */
export class Frames {
  readonly #onFrame: (body: Buffer) => void
  readonly #head = Buffer.alloc(4)
  #headBytes = 0
  #body: Buffer | undefined
  #bodyBytes = 0
  #maxBytes = maxWelcomeBytes

  constructor(onFrame: (body: Buffer) => void) {
    this.#onFrame = onFrame
  }

  /** The handshake is done: from now on a message may have any length. */
  welcomed(): void {
    this.#maxBytes = maxMessageBytes
  }

  /** Bodies may be views of `chunk`, which the caller does not touch afterwards. */
  push(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#body) at = this.#continue(this.#body, chunk, at)
      else if (this.#headBytes === 0 && chunk.length - at >= 4) {
        const size = this.#checked(chunk.readInt32LE(at))
        at += 4
        if (chunk.length - at >= size) {
          this.#onFrame(chunk.subarray(at, at + size))
          at += size
        } else this.#begin(size)
      } else {
        const taken = chunk.copy(this.#head, this.#headBytes, at, at + 4 - this.#headBytes)
        at += taken
        this.#headBytes += taken
        if (this.#headBytes === 4) this.#begin(this.#checked(this.#head.readInt32LE(0)))
      }
    }
  }

  #begin(size: number): void {
    this.#headBytes = 0
    this.#body = Buffer.allocUnsafeSlow(size)
    this.#bodyBytes = 0
    if (size === 0) this.#finish(this.#body)
  }

  #continue(body: Buffer, chunk: Buffer, at: number): number {
    const taken = chunk.copy(body, this.#bodyBytes, at)
    this.#bodyBytes += taken
    if (this.#bodyBytes === body.length) this.#finish(body)
    return at + taken
  }

  #finish(body: Buffer): void {
    this.#body = undefined
    this.#onFrame(body)
  }

  #checked(size: number): number {
    if (size >= 0 && size <= this.#maxBytes) return size
    throw new HubError('UPSTREAM_REJECTED', `A message announces ${size} bytes: this does not look like an Ignite server's client port.`)
  }
}
