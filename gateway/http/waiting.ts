import { createServer } from 'node:http'
import { HubError } from '../../schema/errors.ts'
import type { Clock, Log } from '../../connectors/ports/scope.ts'

export interface WaitingOptions {
  readonly host: string
  readonly port: number
  readonly clock: Clock
  readonly log: Log
  /** Whether a failure is one that time may mend. */
  readonly mends: (error: unknown) => error is HubError
  /** Ends when the process is asked to stop. */
  readonly stopping?: Promise<unknown>
}

const pauseMs = 1_000

/**
 * What `open` opens, once it can. As long as what it needs does not answer, the port is served all the same: `/livez` says that the process lives, everything else is
 * refused with 503 and the reason. A failure that time does not mend ends the wait, and so does being asked to stop, with SHUTTING_DOWN.
 */
export async function whenReached<T>({ host, port, clock, log, mends, stopping }: WaitingOptions, open: () => Promise<T>): Promise<T> {
  let room: Awaited<ReturnType<typeof openRoom>> | undefined
  try {
    for (;;) {
      try {
        return await open()
      } catch (error) {
        if (!mends(error)) throw error
        if (room?.reason !== error.message) log.warn('The hub waits for what it needs; until then every request is answered with 503.', { reason: error.message })
        room ??= await openRoom(host, port)
        room.reason = error.message
      }
      const over = Promise.withResolvers<void>()
      const cancel = clock.after(pauseMs, () => over.resolve())
      stopping?.then(() => over.reject(new HubError('SHUTTING_DOWN', `The hub was stopped before it could serve. ${room?.reason}`)), over.reject)
      await over.promise.finally(cancel)
    }
  } finally {
    await room?.close()
  }
}

async function openRoom(host: string, port: number) {
  const room = { reason: '', close: () => new Promise<void>(resolve => server.close(() => resolve())) }
  const server = createServer((request, response) => {
    const alive = request.url === '/livez'
    const body = alive ? { status: 'live' } : request.url === '/readyz'
      ? { status: 'unready', components: [{ name: 'region-store', state: 'down', required: true, message: room.reason }] }
      : { errors: [{ message: room.reason, extensions: { code: 'UPSTREAM_UNAVAILABLE' } }] }
    response.writeHead(alive ? 200 : 503, { 'content-type': 'application/json', connection: 'close', ...(!alive && { 'retry-after': '1' }) })
    response.end(JSON.stringify(body))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', cause => reject(new HubError('IN_USE', `Port ${port} on "${host}" cannot be served.`, { host, port }, { cause })))
    server.listen(port, host, resolve)
  })
  return room
}
