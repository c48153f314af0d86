import { connect } from 'node:net'

/** How a protocol says where a message ends. */
export interface Framing {
  readonly headerBytes: number
  /** Bytes behind the header. */
  bodyLength(header: Buffer): number
}

export const littleEndianLength: Framing = { headerBytes: 4, bodyLength: header => header.readInt32LE() }
export const bigEndianLength: Framing = { headerBytes: 4, bodyLength: header => header.readInt32BE() }

/** One connection to the loopback: sends each message, header and all, when the one before has been answered. Answers come without their headers. */
export async function converse(port: number, { headerBytes, bodyLength }: Framing, messages: readonly Buffer[], signal: AbortSignal): Promise<readonly Buffer[]> {
  const socket = connect({ host: '127.0.0.1', port, signal })
  try {
    return await new Promise((resolve, reject) => {
      const answers: Buffer[] = []
      let read = Buffer.alloc(0)
      const send = () => socket.write(messages[answers.length] ?? Buffer.alloc(0))
      socket.once('connect', send).once('error', reject).once('close', () => reject(new Error('the connection was closed')))
      socket.on('data', chunk => {
        read = Buffer.concat([read, chunk])
        if (read.length < headerBytes) return
        const end = headerBytes + bodyLength(read)
        if (read.length < end) return
        answers.push(read.subarray(headerBytes, end))
        read = read.subarray(end)
        if (answers.length === messages.length) resolve(answers)
        else send()
      })
    })
  } finally {
    socket.destroy()
  }
}
