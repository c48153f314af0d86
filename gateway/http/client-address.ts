import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** In what a worker hands to the owner: whose request it is. */
export const clientHeader = 'x-hub-client'

/** Connections only workers of this hub can make. */
const ofWorkers = new WeakSet<Socket>()

export function isOfWorker(socket: Socket): void {
  ofWorkers.add(socket)
}

/** Where the client is: what a worker says of him, else the other end of his connection. */
export function clientAddress({ socket, headers }: IncomingMessage): string | undefined {
  return ofWorkers.has(socket) ? String(headers[clientHeader]) : socket.remoteAddress
}
