import { WebSocket } from 'ws'

export interface Message {
  readonly type: string
  readonly id?: string
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what came
  readonly payload?: any
}

/** A client that speaks graphql-transport-ws by hand, so that a test sees each message and the close. */
export class WsClient {
  readonly socket: WebSocket
  readonly closed: Promise<{ code: number; reason: string }>
  /** Status of an upgrade that was refused; never resolves when it was not. */
  readonly refused: Promise<number>
  readonly #messages: Message[] = []
  #waiting: ((message: Message) => void)[] = []

  constructor(url: string, options: { headers?: Record<string, string>; protocol?: string } = {}) {
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, options.protocol ?? 'graphql-transport-ws', { headers: options.headers ?? {} })
    this.closed = new Promise(resolve => this.socket.once('close', (code, reason) => resolve({ code, reason: String(reason) })))
    this.refused = new Promise(resolve => this.socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0)))
    this.socket.on('error', () => {
      // A refused upgrade is an error too; `refused` and `closed` tell of it.
    })
    this.socket.on('message', data => {
      const message = JSON.parse(String(data)) as Message
      const next = this.#waiting.shift()
      if (next) next(message)
      else this.#messages.push(message)
    })
  }

  /** Messages that came and were not asked for. */
  get unread(): number {
    return this.#messages.length
  }

  send(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message))
  }

  next(): Promise<Message> {
    const message = this.#messages.shift()
    return message ? Promise.resolve(message) : new Promise(resolve => this.#waiting.push(resolve))
  }

  async opened(): Promise<this> {
    if (this.socket.readyState !== WebSocket.OPEN) await new Promise(resolve => this.socket.once('open', resolve))
    return this
  }

  /** Connects and is acknowledged. */
  async init(payload?: unknown): Promise<this> {
    await this.opened()
    this.send({ type: 'connection_init', payload })
    const { type } = await this.next()
    if (type !== 'connection_ack') throw new Error(`"${type}" came instead of connection_ack.`)
    return this
  }

  subscribe(id: string, query: string, payload: object = {}): void {
    this.send({ id, type: 'subscribe', payload: { query, ...payload } })
  }
}
