import { Duplex } from 'node:stream'
import { WalStream } from '../../../../connectors/postgres/wal-stream.ts'
import { MovedClock } from '../../../support/scope.ts'

/** A message as the server frames it: its kind, the length of the rest, the rest. */
function framed(kind: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.write(kind)
  head.writeUInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

const logged = (text: string) => framed('d', Buffer.concat([Buffer.from('w'), Buffer.alloc(24), Buffer.from(text)]))
const askingKeepalive = () => framed('d', Buffer.concat([Buffer.from('k'), Buffer.alloc(16), Buffer.from([1])]))

/** The server's side of a connection: it lets everybody in and starts the stream when it is asked for; what it streams is the test's to say. */
class Server extends Duplex {
  readonly answered = Promise.withResolvers<void>()

  connect(): void {
    process.nextTick(() => this.emit('connect'))
  }

  setNoDelay(): void {}
  setKeepAlive(): void {}
  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const kind = String.fromCharCode(chunk[0] ?? 0)
    if (kind === '\0') this.push(Buffer.concat([framed('R', Buffer.alloc(4)), framed('Z', Buffer.from('I'))]))
    else if (kind === 'Q') this.push(framed('W', Buffer.alloc(3)))
    else if (kind === 'd') this.answered.resolve()
    else if (kind === 'X' || kind === 'c') this.push(null)
    done()
  }
}

test('what was received is kept as it came, while more arrives in pieces', async () => {
  const server = new Server()
  const stream = new WalStream({ stream: () => server as never, user: 'follower', database: 'shop' }, new MovedClock(), new AbortController().signal)
  await stream.connect()
  await stream.start('slot', 'publication', 0n)
  const sent = Array.from({ length: 40 }, (_, index) => `${index} `.repeat(200 - index))
  const bytes = Buffer.concat([...sent.map(logged), askingKeepalive()])
  for (let at = 0; at < bytes.length; at += 777) server.push(Buffer.from(bytes.subarray(at, at + 777)))
  await server.answered.promise

  const received: string[] = []
  for (let next = await stream.next(); next?.kind === 'message'; next = await stream.next()) received.push(next.bytes.toString())
  expect(received).toEqual(sent)
  await stream.close()
})
