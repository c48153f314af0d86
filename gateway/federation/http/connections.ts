import { connect, type Socket } from 'node:net'
import { AnswerReader } from './answer-reader.ts'
import type { Work } from '../flights.ts'
import { checkHeaders, type Post, type Posted, type Sender, type SenderOptions } from './sender.ts'

/** Of a connection on its way. */
const connectTimeoutMs = 10_000
/** An idle connection is used again for so long, unless the server says less: it ends one when it likes, and a request on its way then is lost. */
const idleMs = 4_000
/** What is left of the time the server says it keeps an idle connection. */
const marginMs = 1_000

/** All sockets read into it: what came is taken before another one reads. */
const arrivals = Buffer.allocUnsafeSlow(64 * 1024)

/**
 * Requests to one origin over plain TCP, one at a time on a connection, with as little in between as there can be (ops/decisions/0025). They wait in order while all connections are taken; none is sent twice.
 */
export class Connections implements Sender {
  readonly #origin: URL
  readonly #most: number
  /** Lines of the head of every request. */
  readonly #headers: string
  readonly #open = new Set<Connection>()
  /** The one used last is used first. */
  readonly #idle: Connection[] = []
  readonly #waiting: Errand[] = []
  #isClosed = false

  constructor({ origin, connections, headers }: SenderOptions) {
    this.#origin = origin
    this.#most = connections
    this.#headers = `host: ${origin.host}\r\nconnection: keep-alive\r\n${linesOf(headers)}`
  }

  post(request: Post): Work<Posted> {
    const errand = new Errand(request)
    try {
      if (this.#isClosed) throw closed()
      errand.head = `POST ${request.path} HTTP/1.1\r\n${this.#headers}${linesOf(request.headers)}content-length: ${errand.bytes}\r\n\r\n`
      const connection = this.#free()
      if (connection) connection.take(errand)
      else this.#waiting.push(errand)
    } catch (error) {
      errand.fail(error)
    }
    return errand
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const errand of this.#waiting.splice(0)) errand.fail(closed())
    for (const connection of this.#open) connection.end(closed())
  }

  #free(): Connection | undefined {
    for (let connection = this.#idle.pop(); connection; connection = this.#idle.pop()) {
      if (performance.now() < connection.usableUntilMs) return connection
      connection.end()
    }
    if (this.#open.size >= this.#most) return undefined
    const connection = new Connection(this.#origin, () => this.#next(connection), () => this.#lost(connection))
    this.#open.add(connection)
    return connection
  }

  #next(connection: Connection): void {
    const errand = this.#waits()
    if (errand) connection.take(errand)
    else this.#idle.push(connection)
  }

  #lost(connection: Connection): void {
    this.#open.delete(connection)
    const at = this.#idle.indexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
    const errand = this.#isClosed ? undefined : this.#waits()
    if (errand) this.#free()?.take(errand)
  }

  /** The first that has not left. */
  #waits(): Errand | undefined {
    let errand = this.#waiting.shift()
    while (errand?.isOver) errand = this.#waiting.shift()
    return errand
  }
}

function closed(): Error {
  return new Error('The connections are closed.')
}

/** A request and who waits for its answer. */
class Errand implements Work<Posted> {
  readonly request: Post
  /** Of its body. */
  readonly bytes: number
  /** With the empty line that ends it. */
  head = ''
  readonly result: Promise<Posted>
  /** That it was given to. */
  connection: Connection | undefined
  isOver = false
  #resolve: (answer: Posted) => void = () => {}
  #reject: (error: unknown) => void = () => {}

  constructor(request: Post) {
    this.request = request
    this.bytes = Buffer.byteLength(request.body)
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  cancel(reason: unknown): void {
    if (this.isOver) return
    this.fail(reason)
    this.connection?.end()
  }

  succeed(answer: Posted): void {
    this.isOver = true
    this.#resolve(answer)
  }

  fail(error: unknown): void {
    this.isOver = true
    this.#reject(error)
  }
}

class Connection {
  /** By performance.now(), while it is idle. */
  usableUntilMs = 0
  readonly #socket: Socket
  readonly #freed: () => void
  readonly #lost: () => void
  #errand: Errand | undefined
  #reader: AnswerReader | undefined
  #isLost = false

  /** `freed`: its answer has come and it takes another request; `lost`: it is gone, called once. */
  constructor({ hostname, port }: URL, freed: () => void, lost: () => void) {
    this.#freed = freed
    this.#lost = lost
    const callback = (length: number) => {
      this.#read(arrivals.subarray(0, length))
      return true
    }
    this.#socket = connect({ host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port || 80), noDelay: true, onread: { buffer: arrivals, callback } })
    this.#socket.setTimeout(connectTimeoutMs, () => this.end(new Error(`There was no connection within ${connectTimeoutMs / 1000} s.`)))
    this.#socket.once('connect', () => this.#socket.setTimeout(0))
    this.#socket.once('end', () => this.#advance(reader => reader.end()))
    this.#socket.on('error', error => this.end(error))
    this.#socket.once('close', () => this.end())
  }

  take(errand: Errand): void {
    const { head, bytes, request: { body, maxBytes, tooLong } } = errand
    errand.connection = this
    this.#errand = errand
    this.#reader = new AnswerReader(maxBytes, tooLong)
    const socket = this.#socket
    socket.ref()
    // As many bytes as characters: ASCII, which leaves with the head in one write.
    if (bytes === body.length) socket.write(head + body, 'latin1')
    else {
      socket.cork()
      socket.write(head, 'latin1')
      socket.write(body)
      socket.uncork()
    }
  }

  /** Gives up the connection, and what is asked over it. */
  end(error: Error = new Error('The connection ended before the answer had come.')): void {
    if (this.#isLost) return
    this.#isLost = true
    this.#socket.destroy()
    const errand = this.#errand
    this.#errand = undefined
    if (errand && !errand.isOver) errand.fail(error)
    this.#lost()
  }

  #read(piece: Buffer): void {
    this.#advance(reader => reader.read(piece))
  }

  /** Ends the connection where nothing was asked, or the answer is none. */
  #advance(step: (reader: AnswerReader) => void): void {
    const [errand, reader] = [this.#errand, this.#reader]
    try {
      if (reader) step(reader)
    } catch (error) {
      this.end(error as Error)
    }
    if (!errand || !reader) this.end()
    else if (reader.isOver) this.#answered(errand, reader)
  }

  #answered(errand: Errand, { posted, isKept, keptMs = Infinity }: AnswerReader): void {
    this.#errand = undefined
    this.#reader = undefined
    errand.succeed(posted)
    // A server may answer before it has read all of a request.
    if (!isKept || keptMs <= marginMs || this.#socket.writableLength > 0) {
      this.end()
      return
    }
    this.usableUntilMs = performance.now() + Math.min(idleMs, keptMs - marginMs)
    this.#socket.unref()
    this.#freed()
  }
}

/** Throws where a header would not be one line. */
function linesOf(headers: Readonly<Record<string, string>>): string {
  checkHeaders(headers)
  let lines = ''
  for (const name in headers) lines += `${name}: ${headers[name]}\r\n`
  return lines
}
