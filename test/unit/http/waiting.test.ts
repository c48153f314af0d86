import { createServer, type AddressInfo } from 'node:net'
import { HubError } from '../../../schema/errors.ts'
import { systemClock } from '../../../connectors/ports/scope.ts'
import { whenReached } from '../../../gateway/http/waiting.ts'
import { eventually } from '../../support/eventually.ts'
import { testScope } from '../../support/scope.ts'

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise<void>(resolve => server.close(() => resolve()))
  return port
}

const away = new HubError('UPSTREAM_UNAVAILABLE', 'The cluster at nowhere:1 gives no answer.')
const mends = (error: unknown): error is HubError => error === away
const options = (port: number) => ({ host: '127.0.0.1', port, clock: systemClock, log: testScope().log, mends })

test('H-67 what opens at once is opened, and its port is left to it; a failure that time does not mend is passed on', async () => {
  const port = await freePort()
  expect(await whenReached(options(port), async () => 'open')).toBe('open')
  await expect(whenReached(options(port), () => Promise.reject(new Error('a mistake')))).rejects.toThrow('a mistake')
})

test('H-67 until it opens every request is refused with the reason, and the process says that it lives', async () => {
  const port = await freePort()
  let isThere = false
  const opening = whenReached(options(port), async () => {
    if (!isThere) throw away
    return 'open'
  })
  const status = (path: string) => fetch(`http://127.0.0.1:${port}${path}`).then(response => response.status, () => 0)
  await eventually('the port is served', async () => (await status('/readyz')) === 503)
  expect([await status('/livez'), await status('/graphql')]).toEqual([200, 503])
  expect(await (await fetch(`http://127.0.0.1:${port}/readyz`)).text()).toContain(away.message)
  isThere = true
  expect(await opening).toBe('open')
  expect(await status('/livez')).toBe(0)
})

test('being asked to stop ends the wait and lets go of the port', async () => {
  const port = await freePort()
  const stop = Promise.withResolvers<void>()
  const opening = whenReached({ ...options(port), stopping: stop.promise }, () => Promise.reject(away))
  await eventually('the port is served', () => fetch(`http://127.0.0.1:${port}/livez`).then(response => response.ok, () => false))
  stop.resolve()
  await expect(opening).rejects.toMatchObject({ code: 'SHUTTING_DOWN', message: expect.stringContaining(away.message) })
  await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow()
})
