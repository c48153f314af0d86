import { createServer, type AddressInfo, type Socket } from 'node:net'
import { eventually } from './eventually.ts'

export interface RawRequest {
  /** The head as it came, without the empty line. */
  readonly head: string
  readonly body: Buffer
  readonly socket: Socket
}

export interface RawHttp {
  readonly origin: URL
  /** All there were, oldest first. */
  readonly requests: RawRequest[]
  /** How requests are answered from now on; at first by `ok` of their number, from 1. */
  answer: (request: RawRequest, number: number) => void
  /** Connections taken so far. */
  readonly connections: number
  /** They, oldest first. */
  readonly sockets: readonly Socket[]
  /** Waits until there have been so many requests. */
  asked(count: number): Promise<void>
  /** Waits until a first byte came on so many connections. */
  reached(count: number): Promise<void>
  /** Waits until all connections have ended, whoever ended them. */
  left(): Promise<void>
  close(): Promise<void>
}

/** A server of HTTP/1.1 on a loopback port that writes what a test says, right or wrong. */
export async function rawHttp(): Promise<RawHttp> {
  const open = new Set<Socket>()
  const sockets: Socket[] = []
  let reached = 0
  const server = createServer(socket => {
    sockets.push(socket)
    open.add(socket)
    socket.once('data', () => { reached += 1 })
    socket.on('error', () => {})
    socket.on('close', () => open.delete(socket))
    let held = Buffer.alloc(0)
    socket.on('data', piece => {
      held = Buffer.concat([held, piece])
      for (;;) {
        const end = held.indexOf('\r\n\r\n')
        if (end < 0) return
        const head = held.toString('latin1', 0, end)
        const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0)
        if (held.length < end + 4 + length) return
        const request = { head, body: held.subarray(end + 4, end + 4 + length), socket }
        held = held.subarray(end + 4 + length)
        raw.answer(request, raw.requests.push(request))
      }
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const raw: RawHttp = {
    origin: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    requests: [],
    answer: ({ socket }, number) => socket.write(ok(String(number))),
    get connections() { return sockets.length },
    sockets,
    reached: count => eventually(`${count} connections were written to`, () => reached >= count),
    asked: count => eventually(`${count} requests came`, () => raw.requests.length >= count),
    left: () => eventually('all connections have ended', () => open.size === 0),
    async close() {
      for (const socket of open) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
  return raw
}

/** An answer of status 200. */
export function ok(body: string, head = ''): string {
  return `HTTP/1.1 200 OK\r\n${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}
