import { connect, createServer, type Server, type Socket } from 'node:net'
import { Frames } from '../../connectors/ignite/wire/frames.ts'

/** A frame of the client (`>`) or the server (`<`), without its length. */
export interface CapturedFrame {
  readonly from: '>' | '<'
  readonly body: Buffer
}

export const toText = (frames: readonly CapturedFrame[]) => `${frames.map(({ from, body }) => `${from} ${body.toString('hex')}`).join('\n')}\n`

export const fromText = (text: string): readonly CapturedFrame[] =>
  text.trim().split('\n').map(line => ({ from: line.startsWith('>') ? '>' : '<', body: Buffer.from(line.slice(2), 'hex') }))

/** A message with its length in front. */
export function framed(body: Buffer): Buffer {
  const head = Buffer.alloc(4)
  head.writeInt32LE(body.length)
  return Buffer.concat([head, body])
}

function framesOf(onFrame: (body: Buffer) => void): Frames {
  const frames = new Frames(body => onFrame(Buffer.from(body)))
  frames.welcomed()
  return frames
}

async function listening(onSocket: (socket: Socket) => void): Promise<{ readonly host: string; close(): Promise<void> }> {
  const sockets = new Set<Socket>()
  const server: Server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    onSocket(socket)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The system gave no port.')
  return {
    host: `127.0.0.1:${address.port}`,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** Stands between a client and a server, and keeps every frame of both. */
export async function recordingProxy(target: string): Promise<{ readonly host: string; readonly frames: CapturedFrame[]; close(): Promise<void> }> {
  const [host = '', port = ''] = target.split(':')
  const frames: CapturedFrame[] = []
  const { host: own, close } = await listening(client => {
    const server = connect(Number(port), host)
    server.on('error', () => client.destroy())
    const asked = framesOf(body => frames.push({ from: '>', body }))
    const answered = framesOf(body => frames.push({ from: '<', body }))
    client.on('data', chunk => {
      asked.push(Buffer.from(chunk))
      server.write(chunk)
    })
    server.on('data', chunk => {
      answered.push(Buffer.from(chunk))
      client.write(chunk)
    })
    client.on('close', () => server.destroy())
    server.on('close', () => client.destroy())
  })
  return { host: own, frames, close }
}

/** Answers as the server once did, as long as it is asked the very same; the first difference ends the connection and is kept. */
export async function replayServer(captured: readonly CapturedFrame[]): Promise<{ readonly host: string; readonly difference: () => string | undefined; readonly left: () => number; close(): Promise<void> }> {
  let at = 0
  let difference: string | undefined
  const { host, close } = await listening(socket => {
    const asked = framesOf(body => {
      const next = captured[at]
      if (difference !== undefined) return
      if (next?.from !== '>' || !next.body.equals(body)) {
        difference = `frame ${at}: ${body.toString('hex')} came, ${next ? `${next.from} ${next.body.toString('hex')}` : 'nothing'} was next`
        socket.destroy()
        return
      }
      at += 1
      for (let answer = captured[at]; answer?.from === '<'; answer = captured[++at]) socket.write(framed(answer.body))
    })
    socket.on('data', chunk => asked.push(Buffer.from(chunk)))
  })
  return { host, difference: () => difference, left: () => captured.length - at, close }
}
