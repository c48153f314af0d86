import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { listen, listenerOf } from '../http/front.ts'
import type { FrontSettings } from '../http/settings.ts'

/** What becomes of what clients send to a worker. */
export interface Behind {
  request(request: IncomingMessage, response: ServerResponse): void
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

export interface Door {
  readonly port: number
  /** Takes no new connection, and one more request over each there is; ends when all have. */
  drain(): Promise<void>
}

/** The port as a worker serves it, beside the others. Fails with IN_USE when another program has it. */
export async function openDoor(settings: FrontSettings, behind: Behind): Promise<Door> {
  let draining = false
  const server: Server = listenerOf(settings, (request, response) => {
    if (draining) response.setHeader('connection', 'close')
    response.once('close', () => {
      if (draining) server.closeIdleConnections()
    })
    behind.request(request, response)
  })
  server.maxConnections = settings.maxConnections
  server.on('upgrade', (request, socket, head) => behind.upgrade(request, socket, head))
  // The kernel gives each a part of the connections; where it does not, they share one queue of them.
  await listen(server, settings, { shared: process.platform === 'linux' })
  return {
    port: (server.address() as AddressInfo).port,
    drain() {
      draining = true
      const closed = new Promise<void>(done => server.close(() => done()))
      server.closeIdleConnections()
      return closed
    },
  }
}
