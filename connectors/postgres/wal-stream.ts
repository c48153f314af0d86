import pg, { type ClientConfig } from 'pg'
import type { Clock } from '../ports/scope.ts'

/** What the server sends, in its order: a message of the output plugin, or how far it has read its log (`walEnd`). */
export type Received = { readonly kind: 'message'; readonly bytes: Buffer } | { readonly kind: 'alive'; readonly walEnd: bigint }

/** The part of pg's connection its types leave out. */
interface CopyBoth {
  readonly stream: { pause(): void; resume(): void; destroy(): void }
  on(event: 'copyData', listener: (message: { readonly chunk: Buffer }) => void): void
  once(event: 'end' | 'replicationStart', listener: () => void): void
  sendCopyFromChunk(chunk: Buffer): void
  end(): void
}

/** Bytes received and not taken, above which no more are read. */
const enoughBytes = 4 * 1024 * 1024
/** How long a server may take to see off a connection. */
const farewellMs = 2_000
const epochMs = 946_684_800_000

/**
 * A connection on which the server streams its log as it is decoded (PostgreSQL manual, "Streaming Replication Protocol"). Server, within CopyData:
 *   XLogData   'w'  start int64, end int64, sentAt int64, then the plugin's message
 *   Keepalive  'k'  walEnd int64, sentAt int64, replyAsked int8
 * Client:
 *   Status     'r'  written int64, flushed int64, applied int64, sentAt int64, replyAsked int8
 */
export class WalStream {
  readonly #client: pg.Client
  readonly #clock: Clock
  readonly #received: Received[] = []
  #bytes = 0
  #failure: { readonly error: unknown } | undefined
  #wake = () => {}
  #applied = 0n
  #started = false
  readonly #ended: Promise<void>
  readonly #signal: AbortSignal
  readonly #leave = () => this.#wake()
  /** When the server last sent anything. */
  heardAtMs: number

  constructor(config: ClientConfig, clock: Clock, signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', this.#leave)
    this.#client = new pg.Client({ ...config, replication: 'database', keepAlive: true } as ClientConfig)
    this.#clock = clock
    this.#ended = new Promise(resolve => this.#connection.once('end', resolve))
    this.heardAtMs = clock.now()
    this.#client.on('error', error => this.#fail(error))
  }

  get #connection(): CopyBoth {
    return (this.#client as unknown as { readonly connection: CopyBoth }).connection
  }

  connect(): Promise<void> {
    return this.#client.connect().then(() => undefined)
  }

  /** One command or statement, before the stream begins; rows as text by column. */
  async run(command: string): Promise<readonly Readonly<Record<string, string | null>>[]> {
    const result = await this.#client.query<Record<string, string | null>>({ text: command, types: { getTypeParser: () => (written: unknown) => written } })
    return result.rows
  }

  /** Begins the stream of a slot behind the position; fails where the server refuses it. */
  async start(slot: string, publication: string, from: bigint): Promise<void> {
    this.#applied = from
    const begun = new Promise<void>(resolve => this.#connection.once('replicationStart', resolve))
    this.#connection.on('copyData', ({ chunk }) => this.#take(chunk))
    const streaming = this.#client.query(`START_REPLICATION SLOT ${slot} LOGICAL ${lsnText(from)} (proto_version '1', publication_names '${publication}')`)
    const over = streaming.then(() => this.#fail(new Error('Connection terminated: the server ended the stream.')), error => this.#fail(error))
    await Promise.race([begun, over])
    if (this.#failure) throw this.#failure.error
    this.#started = true
    this.heardAtMs = this.#clock.now()
  }

  /** The next of what the server sent; undefined once the signal is aborted. Fails with what ended the stream. */
  async next(): Promise<Received | undefined> {
    for (;;) {
      if (this.#signal.aborted) return undefined
      const next = this.#received.shift()
      if (next) {
        if (next.kind === 'message') this.#bytes -= next.bytes.length
        if (this.#bytes < enoughBytes) this.#connection.stream.resume()
        return next
      }
      if (this.#failure) throw this.#failure.error
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  /** Whether something waits to be taken. */
  get isBehind(): boolean {
    return this.#received.length > 0
  }

  /** Everything before this place was taken over; the server hears of it with the next status. */
  applied(lsn: bigint): void {
    if (lsn > this.#applied) this.#applied = lsn
  }

  /** Tells the server how far the follower is; with `ask` it answers at once with how far it is itself. */
  status(ask: boolean): void {
    if (this.#failure || !this.#started) return
    const status = Buffer.alloc(34)
    status.write('r')
    for (const at of [1, 9, 17]) status.writeBigUInt64BE(this.#applied, at)
    status.writeBigInt64BE(BigInt(this.#clock.now() - epochMs) * 1000n, 25)
    status.writeUInt8(ask ? 1 : 0, 33)
    this.#connection.sendCopyFromChunk(status)
  }

  /** Ends it from this side; `next` fails with the reason. */
  fail(reason: Error): void {
    this.#fail(reason)
    this.#connection.stream.destroy()
  }

  /** Tells the server how far the follower is and leaves; when this ends, the server has let go of the slot, or does not answer. */
  async close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#leave)
    this.#connection.stream.resume()
    this.status(false)
    this.#fail(new Error('Connection terminated: it was closed.'))
    const cancel = this.#clock.after(farewellMs, () => this.#connection.stream.destroy())
    this.#connection.end()
    await this.#ended
    cancel()
  }

  #take(chunk: Buffer): void {
    this.heardAtMs = this.#clock.now()
    if (this.#failure) return
    if (chunk[0] === 0x77) {
      // A copy: pg reads on into the room where this chunk lies.
      const bytes = Buffer.from(chunk.subarray(25))
      this.#bytes += bytes.length
      this.#received.push({ kind: 'message', bytes })
      if (this.#bytes >= enoughBytes) this.#connection.stream.pause()
    } else if (chunk[0] === 0x6b) {
      this.#received.push({ kind: 'alive', walEnd: chunk.readBigUInt64BE(1) })
      if (chunk.readUInt8(17) === 1) this.status(false)
    }
    this.#wake()
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
    this.#wake()
  }
}

/** A place in the log as PostgreSQL writes it: `16/B374D848`. */
export function lsnText(lsn: bigint): string {
  return `${(lsn >> 32n).toString(16)}/${(lsn & 0xffff_ffffn).toString(16)}`.toUpperCase()
}

export function lsnOf(text: string): bigint {
  const [high = '', low = ''] = text.split('/')
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`)
}
