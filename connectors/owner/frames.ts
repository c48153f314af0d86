import type { Socket } from 'node:net'
import { HubError } from '../../schema/errors.ts'

/** Bytes one message may have. */
const maxMessageBytes = 64 * 1024 * 1024
/** Bytes that may wait for a peer that does not read. */
const maxWaitingBytes = 2 * maxMessageBytes

/**
 * Messages between an owner and a worker, each
 *   length : uint32, big-endian
 *   JSON, in UTF-8, of so many bytes
 * Those of one turn of the event loop leave in one write. What is no message, one too large, or a peer that does not read ends the connection.
 */
export class Frames {
  readonly #socket: Socket
  readonly #take: (message: unknown) => void
  #waiting: Buffer[] = []
  #received: Buffer[] = []
  #receivedBytes = 0

  /** `take` throws where a message is not what it should be. */
  constructor(socket: Socket, take: (message: unknown) => void) {
    this.#socket = socket
    this.#take = take
    socket.on('data', chunk => this.#receive(chunk))
  }

  /** RESULT_TOO_LARGE for what is larger than a message may be. */
  send(message: unknown): void {
    const body = Buffer.from(JSON.stringify(message))
    if (body.length > maxMessageBytes) throw new HubError('RESULT_TOO_LARGE', `A message of ${body.length} bytes is larger than ${maxMessageBytes}, which is the limit.`)
    const length = Buffer.allocUnsafe(4)
    length.writeUInt32BE(body.length)
    if (this.#waiting.length === 0) setImmediate(() => this.#flush())
    this.#waiting.push(length, body)
  }

  #flush(): void {
    const all = Buffer.concat(this.#waiting)
    this.#waiting = []
    if (!this.#socket.writable) return
    this.#socket.write(all)
    if (this.#socket.writableLength > maxWaitingBytes) this.#socket.destroy(new HubError('SLOW_CONSUMER', `${this.#socket.writableLength} bytes wait for the other process, which does not read.`))
  }

  #receive(chunk: Buffer): void {
    this.#received.push(chunk)
    this.#receivedBytes += chunk.length
    if (this.#receivedBytes < 4) return
    let bytes = this.#joined()
    try {
      while (bytes.length >= 4) {
        const length = bytes.readUInt32BE(0)
        if (length > maxMessageBytes) throw new HubError('PAYLOAD_TOO_LARGE', `A message of ${length} bytes is larger than ${maxMessageBytes}, which is the limit.`)
        // Not looked at again before all of it may be there.
        if (bytes.length < 4 + length) break
        this.#take(JSON.parse(bytes.toString('utf8', 4, 4 + length)))
        bytes = bytes.subarray(4 + length)
      }
    } catch (error) {
      this.#socket.destroy(error instanceof Error ? error : new Error(String(error)))
      return
    }
    this.#received = bytes.length > 0 ? [bytes] : []
    this.#receivedBytes = bytes.length
  }

  #joined(): Buffer {
    const [first, ...rest] = this.#received
    return first && rest.length === 0 ? first : Buffer.concat(this.#received, this.#receivedBytes)
  }
}
