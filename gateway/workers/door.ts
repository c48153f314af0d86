import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { listen, listenerOf } from '../http/front.ts'
import type { FrontSettings } from '../http/settings.ts'

/** What becomes of what clients send to a worker. */
export interface Behind {
  /** `begun` is called when an answer that goes on has begun; one that is whole needs no word. */
  request(request: IncomingMessage, response: ServerResponse, begun: () => void): void
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

export interface Door {
  readonly port: number
  /** Takes no new connection, and one more request over each there is. `begun` ends when each request there was has an answer, or the beginning of one; `ended` when all connections have ended. */
  drain(): { readonly begun: Promise<unknown>; readonly ended: Promise<unknown> }
}

/** The port as a worker serves it, beside the others. Fails with IN_USE when another program has it. */
export async function openDoor(settings: FrontSettings, behind: Behind): Promise<Door> {
  let draining = false
  const waiting = new Map<ServerResponse, PromiseWithResolvers<void>>()
  const server: Server = listenerOf(settings, (request, response) => {
    if (draining) response.setHeader('connection', 'close')
    const answer = Promise.withResolvers<void>()
    waiting.set(response, answer)
    const begun = () => {
      waiting.delete(response)
      answer.resolve()
    }
    response.once('close', () => {
      begun()
      if (draining) server.closeIdleConnections()
    })
    behind.request(request, response, begun)
  })
  server.maxConnections = settings.maxConnections
  server.on('upgrade', (request, socket, head) => behind.upgrade(request, socket, head))
  // The kernel gives each a part of the connections; where it does not, they share one queue of them.
  await listen(server, settings, { shared: process.platform === 'linux' })
  return {
    port: (server.address() as AddressInfo).port,
    drain() {
      draining = true
      const ended = new Promise<void>(done => server.close(() => done()))
      server.closeIdleConnections()
      return { begun: Promise.all([...waiting.values()].map(({ promise }) => promise)), ended }
    },
  }
}
