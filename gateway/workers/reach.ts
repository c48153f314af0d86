import { connect, type Socket } from 'node:net'

/** For how long a connection is asked for, and how long between two attempts. */
const limitMs = 10_000
const pauseMs = 10

type Reached = [error: Error, socket: null] | [error: null, socket: Socket]

/** A connection to the owner at this path. Where as many ask at once as may wait in line, a socket of this kind refuses the next (EAGAIN), where a port would let it wait: it is asked for again. */
export function reachOwner(path: string, done: (...reached: Reached) => void, untilMs = performance.now() + limitMs): void {
  const socket = connect(path)
  const failed = (error: NodeJS.ErrnoException) => {
    if (error.code === 'EAGAIN' && performance.now() < untilMs) setTimeout(() => reachOwner(path, done, untilMs), pauseMs)
    else done(error, null)
  }
  socket.once('error', failed)
  socket.once('connect', () => {
    socket.off('error', failed)
    done(null, socket)
  })
}
