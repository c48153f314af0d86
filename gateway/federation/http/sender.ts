import { validateHeaderName, validateHeaderValue } from 'node:http'
import type { Work } from '../flights.ts'
import type { Room } from './room.ts'

export interface Post {
  readonly path: string
  /** Beside those of the sender. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Longest answer taken, and what is thrown for a longer one. */
  readonly maxBytes: number
  readonly tooLong: () => Error
}

/** What every request of a sender has. */
export interface SenderOptions {
  /** Its host and port are what counts. */
  readonly origin: URL
  /** At a time, at most. */
  readonly connections: number
  readonly headers: Readonly<Record<string, string>>
}

/** Sends requests to one origin over connections it keeps. */
export interface Sender {
  /** Sends one request and reads the whole answer. Fails with the reason as soon as it is cancelled, wherever the request then is; the connection is given up when it was on its way. */
  post(request: Post): Work<Posted>
  /** Ends all connections; what is under way fails. */
  close(): Promise<void>
}

/** Throws where a name is no token or a value would end its line. */
export function checkHeaders(headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    validateHeaderName(name)
    validateHeaderValue(name, value)
  }
}

/** Names in lower case; the values of one that came several times are joined by commas. */
export type AnswerHeaders = Readonly<Record<string, string | undefined>>

/** A whole answer over HTTP. */
export class Posted {
  readonly status: number
  readonly headers: AnswerHeaders
  readonly #room: Room
  #holders = 1
  #text: string | undefined

  constructor(status: number, headers: AnswerHeaders, room: Room) {
    this.status = status
    this.headers = headers
    this.#room = room
  }

  get length(): number {
    return this.#room.length
  }

  /** Made once. */
  get text(): string {
    this.#text ??= this.#room.text
    return this.#text
  }

  copyTo(target: Buffer, at: number): void {
    this.#room.copyTo(target, at)
  }

  /** So many share it, each of whom may release it once. */
  shareBy(holders: number): void {
    this.#holders = holders
  }

  release(): void {
    this.#holders -= 1
    if (this.#holders === 0) this.#room.release()
  }
}
