import { connect as connectPlain } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { HubError } from '../../schema/errors.ts'
import { Connection, type ConnectionEvents } from './connection.ts'
import { unavailable } from './failures.ts'
import type { HostAddress, IgniteSettings } from './options.ts'
import { Frames } from './wire/frames.ts'
import { handshakeRequest, readHandshake } from './wire/handshake.ts'

/** Connects and shakes hands, unless the signal aborts first. Fails with UPSTREAM_UNAVAILABLE when nobody answers in time, with UPSTREAM_REJECTED when the server refuses. */
export async function openConnection(address: HostAddress, settings: IgniteSettings, events: ConnectionEvents, signal: AbortSignal): Promise<Connection> {
  const server = `${address.host}:${address.port}`
  const { tls, clock, connectTimeoutMs } = settings
  const socket = tls ? connectTls({ ...tls, host: address.host, port: address.port }) : connectPlain({ host: address.host, port: address.port })
  socket.setNoDelay(true)
  const opened = Promise.withResolvers<Connection>()
  let connection: Connection | undefined
  const fail = (error: HubError) => {
    socket.destroy()
    if (connection) connection.close(error)
    else opened.reject(error)
  }
  const guarded = (work: () => void) => {
    try {
      work()
    } catch (error) {
      fail(error instanceof HubError ? error : unavailable(server, 'sent a message that cannot be read.', error))
    }
  }
  const frames = new Frames(body => {
    if (connection) {
      connection.receive(body)
      return
    }
    connection = new Connection(socket, server, readHandshake(body, server), settings, events)
    frames.welcomed()
    opened.resolve(connection)
  })
  const stopTimer = clock.after(connectTimeoutMs, () => fail(unavailable(server, `did not finish connecting within ${connectTimeoutMs} ms.`)))
  socket.on('data', chunk => guarded(() => {
    connection?.heard()
    frames.push(chunk)
  }))
  socket.on('error', error => fail(unavailable(server, `cannot be reached: ${error.message}.`, error)))
  socket.on('close', () => fail(unavailable(server, 'closed the connection.')))
  const leave = () => fail(unavailable(server, 'was left while connecting: the client is closed.'))
  signal.addEventListener('abort', leave, { once: true })
  socket.once(tls ? 'secureConnect' : 'connect', () => socket.write(handshakeRequest(settings)))
  try {
    return await opened.promise
  } finally {
    stopTimer()
    signal.removeEventListener('abort', leave)
  }
}
