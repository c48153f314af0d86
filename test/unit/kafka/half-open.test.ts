import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { openKafkaEvents } from '../../../connectors/kafka/index.ts'
import type { EventLog } from '../../../connectors/ports/event-log.ts'
import { systemClock, type Scope } from '../../../connectors/ports/scope.ts'
import { testScope } from '../../support/scope.ts'

/** Takes every connection and every byte, and never says a word. */
let server: Server
const sockets = new Set<Socket>()
let events: EventLog

beforeAll(async () => {
  server = createServer(socket => {
    sockets.add(socket)
    socket.resume()
    socket.on('error', () => sockets.delete(socket))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  events = openKafkaEvents({ brokers: [`127.0.0.1:${(server.address() as AddressInfo).port}`], clock: systemClock, log: testScope().log })
})
afterAll(async () => {
  for (const socket of sockets) socket.destroy()
  await events.close()
  await new Promise(resolve => server.close(resolve))
})

const scope = (limitMs: number, signal = new AbortController().signal): Scope => ({ ...testScope(), signal, clock: systemClock, deadlineMs: Date.now() + limitMs })

test('a broker that takes the connection and says nothing is UPSTREAM_UNAVAILABLE before the deadline', async () => {
  const calls: readonly ((of: Scope) => Promise<unknown>)[] = [
    of => events.topics(of), of => events.append(of, 'a', [{ value: Buffer.from('x') }]), of => events.read(of, 'a', 0, 0, 1), of => events.wait(of, 'a', 0, 0), of => events.commit(of, 'g', 'a', 0, 0), of => events.check(of),
  ]
  const begun = performance.now()
  await Promise.all(calls.map(call => expect(call(scope(800))).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })))
  expect(performance.now() - begun).toBeLessThan(5_000)
})

test('a client that leaves does not wait for it', async () => {
  const leaving = new AbortController()
  const reason = new Error('the client left')
  const asked = events.topics(scope(60_000, leaving.signal))
  leaving.abort(reason)
  await expect(asked).rejects.toBe(reason)
})
