import { type AnswerHeaders, Posted } from './sender.ts'
import { Room } from './room.ts'

/** Bytes of a head, of all trailers together, and of a line before a chunk; Node's own limit of heads. */
const maxHeadBytes = 16 * 1024

type Part = 'head' | 'body' | 'until the end' | 'size' | 'chunk' | 'behind a chunk' | 'trailers' | 'over'

/** A server that does not keep to HTTP/1.1. */
export class ProtocolError extends Error {}

/**
 * One answer of HTTP/1.1 (RFC 9112) from its bytes, in whatever pieces they come. Lengths and chunked bodies are taken, or what comes until the connection ends; what could be read in two ways (both, several lengths, other codings, folded
 * or bare line ends) is refused. Informational answers (1xx) are passed over, chunk extensions and trailers left out.
 */
export class AnswerReader {
  /** Whether the connection is for further requests behind the answer. */
  isKept = false
  /** Milliseconds the server says it keeps an idle connection; undefined where it says nothing. */
  keptMs: number | undefined
  readonly #maxBytes: number
  readonly #tooLong: () => Error
  #part: Part = 'head'
  #status = 0
  #headers: AnswerHeaders = {}
  #room: Room | undefined
  /** Of the body or the chunk, still to come. */
  #missing = 0
  #trailerBytes = 0
  /** The begin of a head or a line whose end has not come. */
  #held: Buffer | undefined

  constructor(maxBytes: number, tooLong: () => Error) {
    this.#maxBytes = maxBytes
    this.#tooLong = tooLong
  }

  get #body(): Room {
    this.#room ??= new Room(this.#missing)
    return this.#room
  }

  get isOver(): boolean {
    return this.#part === 'over'
  }

  get posted(): Posted {
    return new Posted(this.#status, this.#headers, this.#body)
  }

  /** Takes what has come; nothing of `piece` is kept. Throws a ProtocolError, or what `tooLong` makes. */
  read(piece: Buffer): void {
    const bytes = this.#held ? Buffer.concat([this.#held, piece]) : piece
    this.#held = undefined
    let at = 0
    while (at < bytes.length) {
      if (this.#part === 'over') {
        // Nobody asked for more.
        this.isKept = false
        return
      }
      const next = this.#step(bytes, at)
      if (next === at) {
        if (bytes.length - at > maxHeadBytes) throw new ProtocolError(`A head or a line has more than ${maxHeadBytes} bytes.`)
        this.#held = Buffer.from(bytes.subarray(at))
        return
      }
      at = next
    }
  }

  /** The connection has ended. Throws where that is not the end of the answer. */
  end(): void {
    if (this.#part === 'until the end') this.#part = 'over'
    else if (this.#part !== 'over') throw new ProtocolError(this.#part === 'head' && !this.#held ? 'The connection ended before an answer came.' : 'The connection ended within the answer.')
  }

  /** The place behind what was taken; the same where a head or a line is not whole. */
  #step(bytes: Buffer, at: number): number {
    switch (this.#part) {
      case 'body':
      case 'until the end':
      case 'chunk':
        return this.#content(bytes, at)
      case 'head': {
        const end = bytes.indexOf('\r\n\r\n', at, 'latin1')
        if (end < 0) return at
        if (end - at > maxHeadBytes) throw new ProtocolError(`A head has more than ${maxHeadBytes} bytes.`)
        this.#head(bytes.toString('latin1', at, end))
        return end + 4
      }
      default: {
        const end = bytes.indexOf('\r\n', at, 'latin1')
        if (end < 0) return at
        this.#line(bytes.toString('latin1', at, end))
        return end + 2
      }
    }
  }

  #content(bytes: Buffer, at: number): number {
    const taken = this.#part === 'until the end' ? bytes.length - at : Math.min(this.#missing, bytes.length - at)
    const body = this.#body
    if (body.length + taken > this.#maxBytes) throw this.#tooLong()
    body.add(bytes, at, at + taken)
    if (this.#part !== 'until the end') this.#missing -= taken
    if (this.#missing === 0 && this.#part !== 'until the end') this.#part = this.#part === 'chunk' ? 'behind a chunk' : 'over'
    return at + taken
  }

  #head(text: string): void {
    const lines = text.split('\r\n')
    const [, minor, code] = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/.exec(lines[0]!) ?? []
    if (!code) throw new ProtocolError(`The answer begins with ${JSON.stringify(lines[0]!.slice(0, 40))}, which is no status line of HTTP/1.1.`)
    const status = Number(code)
    if (status === 101) throw new ProtocolError('The server wants to speak another protocol.')
    const headers = headersOf(lines)
    if (status < 200) return
    this.#status = status
    this.#headers = headers
    const connection = headers['connection']?.toLowerCase()
    this.isKept = minor === '1' ? connection === undefined || !connection.includes('close') : connection?.includes('keep-alive') === true
    const seconds = /(?:^|[,; ])timeout=(\d{1,6})/i.exec(headers['keep-alive'] ?? '')?.[1]
    if (seconds !== undefined) this.keptMs = Number(seconds) * 1000
    this.#begin(headers)
  }

  /** RFC 9112, 6.3: how long the body is. */
  #begin({ 'content-length': length, 'transfer-encoding': coding }: AnswerHeaders): void {
    if (this.#status === 204 || this.#status === 304) this.#part = 'over'
    else if (coding !== undefined) {
      if (length !== undefined) throw new ProtocolError('The answer has a length and a transfer coding, too.')
      if (coding.toLowerCase() !== 'chunked') throw new ProtocolError(`The answer has the transfer coding ${JSON.stringify(coding.slice(0, 40))}; "chunked" is what is taken here.`)
      this.#part = 'size'
    } else if (length !== undefined) {
      if (!/^\d{1,15}$/.test(length)) throw new ProtocolError(`The answer's length is ${JSON.stringify(length.slice(0, 40))}, which is no number.`)
      this.#missing = Number(length)
      if (this.#missing > this.#maxBytes) throw this.#tooLong()
      this.#part = this.#missing === 0 ? 'over' : 'body'
    } else {
      this.isKept = false
      this.#part = 'until the end'
    }
  }

  /** A line between chunks or behind them. */
  #line(text: string): void {
    if (this.#part === 'behind a chunk') {
      if (text !== '') throw new ProtocolError('A chunk is longer than it says.')
      this.#part = 'size'
    } else if (this.#part === 'size') {
      const size = /^([0-9a-fA-F]{1,8})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?$/.exec(text)?.[1]
      if (size === undefined) throw new ProtocolError(`A chunk begins with ${JSON.stringify(text.slice(0, 40))}, which is no size.`)
      this.#missing = Number.parseInt(size, 16)
      this.#part = this.#missing === 0 ? 'trailers' : 'chunk'
    } else {
      this.#trailerBytes += text.length
      if (this.#trailerBytes > maxHeadBytes) throw new ProtocolError(`The trailers have more than ${maxHeadBytes} bytes.`)
      if (text === '') this.#part = 'over'
    }
  }
}

/** RFC 9110, 5.1 and 5.5: names are tokens, values what can be seen and blanks. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const visible = /^[\t\x20-\x7e\x80-\xff]*$/

function headersOf([, ...lines]: readonly string[]): AnswerHeaders {
  const headers = Object.create(null) as Record<string, string>
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase()
    if (!token.test(name) || !visible.test(line)) throw new ProtocolError(`The answer's head has the line ${JSON.stringify(line.slice(0, 40))}, which is no header.`)
    const value = line.slice(colon + 1).trim()
    const before = headers[name]
    if (before === undefined) headers[name] = value
    else if (name !== 'content-length' || before !== value) headers[name] = `${before}, ${value}`
  }
  return headers
}
