import { op, type OpName } from './wire/codes.ts'
import { Writer } from './wire/writer.ts'

const slabBytes = 64 * 1024
/** A slab with less room than this is given up. */
const restBytes = 4 * 1024

/** Messages on their way out: those of one turn of the event loop leave in one write. */
export class Outbox {
  readonly #send: (bytes: Buffer) => void
  #slab = new Writer(slabBytes)
  #sent = 0
  #leaving = false

  constructor(send: (bytes: Buffer) => void) {
    this.#send = send
  }

  /** Message: length int32, operation int16, request id int64, body. A body that cannot be written leaves nothing behind. */
  append(operation: OpName, id: number, write: ((writer: Writer) => void) | undefined): void {
    const slab = this.#slab
    const start = slab.at
    slab.room(14)
    slab.at = start + 4
    slab.i16(op[operation])
    slab.i64(id)
    try {
      write?.(slab)
    } catch (error) {
      slab.at = start
      throw error
    }
    slab.buffer.writeInt32LE(slab.at - start - 4, start)
    if (this.#leaving) return
    this.#leaving = true
    setImmediate(() => this.#leave())
  }

  #leave(): void {
    this.#leaving = false
    const { buffer, at } = this.#slab
    this.#send(buffer.subarray(this.#sent, at))
    this.#sent = at
    // The socket may hold on to what it was given: a slab is filled once and never rewritten.
    if (at < slabBytes - restBytes) return
    this.#slab = new Writer(slabBytes)
    this.#sent = 0
  }
}
