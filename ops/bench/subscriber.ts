import { randomUUID } from 'node:crypto'
import { connect, type Socket } from 'node:net'

/** Frames a client may send without a body of its own (RFC 6455, section 5.2), masked with nothing. */
const pong = Buffer.from([0x8a, 0x80, 0, 0, 0, 0])
const textFrame = 0x81
const pingFrame = 0x89

/**
 * One WebSocket with one subscription of graphql-transport-ws under an id of its own. It looks at as much of a message as tells its kind: thousands of them, and the
 * server they measure, fit on one machine.
 */
export class Subscriber {
  /** Events that came. */
  had = 0
  /** Bytes of the last one's message. */
  lastBytes = 0
  readonly #socket: Socket
  readonly #id = randomUUID()
  readonly #onEvent: (had: number) => void
  readonly #refused: (error: Error) => void
  #rest = Buffer.alloc(0)
  #isUpgraded = false
  #acknowledged = () => {}

  /** `onEvent` is given how many it had before; `refused` is called when the server turns it away, at the start or later. */
  constructor(url: string, onEvent: (had: number) => void, refused: (error: Error) => void) {
    const { hostname, port, host } = new URL(url)
    this.#onEvent = onEvent
    this.#refused = refused
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true })
    this.#socket.on('error', refused)
    this.#socket.on('close', () => refused(new Error('The server closed a subscriber\'s connection.')))
    this.#socket.on('data', chunk => this.#read(chunk))
    this.#socket.write(`GET /graphql HTTP/1.1\r\nhost: ${host}\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-key: ${Buffer.from(this.#id.slice(0, 16)).toString('base64')}\r\nsec-websocket-version: 13\r\nsec-websocket-protocol: graphql-transport-ws\r\n\r\n`)
  }

  /** Ends when the subscription was sent; the protocol has no answer to it. */
  async subscribe(query: string): Promise<void> {
    await new Promise<void>(resolve => {
      this.#acknowledged = resolve
    })
    this.#send({ id: this.#id, type: 'subscribe', payload: { query } })
  }

  leave(): void {
    this.#socket.removeAllListeners('close').removeAllListeners('error').on('error', () => {}).destroy()
  }

  #read(chunk: Buffer): void {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    let at = this.#isUpgraded ? 0 : this.#upgrade(bytes)
    while (this.#isUpgraded && at + 2 <= bytes.length) {
      const short = bytes[at + 1] ?? 0
      const from = at + (short < 126 ? 2 : short === 126 ? 4 : 10)
      if (from > bytes.length) break
      const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2))
      if (from + length > bytes.length) break
      this.#take(bytes, bytes[at] ?? 0, from, length)
      at = from + length
    }
    this.#rest = at === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(at))
  }

  /** The place behind the answer to the upgrade; 0 while it is not all there. */
  #upgrade(bytes: Buffer): number {
    const end = bytes.indexOf('\r\n\r\n')
    if (end < 0) return 0
    if (!bytes.toString('latin1', 0, 12).startsWith('HTTP/1.1 101')) this.#refused(new Error(`A subscriber was turned away: ${bytes.toString('latin1', 0, 500)}`))
    this.#isUpgraded = true
    this.#send({ type: 'connection_init' })
    return end + 4
  }

  #take(bytes: Buffer, kind: number, from: number, length: number): void {
    if (kind === pingFrame) return void this.#socket.write(pong)
    const start = bytes.toString('latin1', from, from + Math.min(length, 80))
    if (kind === textFrame && start.includes('"type":"next"')) {
      this.lastBytes = length
      this.#onEvent(this.had++)
    } else if (kind === textFrame && start.includes('"type":"connection_ack"')) this.#acknowledged()
    else if (kind === textFrame && start.includes('"type":"ping"')) this.#send({ type: 'pong' })
    else this.#refused(new Error(`A subscriber was told: ${bytes.toString('utf8', from, from + Math.min(length, 1_000))}`))
  }

  #send(message: object): void {
    const body = Buffer.from(JSON.stringify(message))
    const head = body.length < 126 ? Buffer.from([textFrame, 0x80 | body.length, 0, 0, 0, 0]) : Buffer.from([textFrame, 0x80 | 126, body.length >> 8, body.length & 255, 0, 0, 0, 0])
    this.#socket.write(Buffer.concat([head, body]))
  }
}
