import { readFile } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { openIgnite, type IgniteClient, type IgniteOptions } from '../../../../connectors/ignite/index.ts'
import { Frames } from '../../../../connectors/ignite/wire/frames.ts'
import { settingsOf } from '../../../../connectors/ignite/options.ts'
import { eventually } from '../../../support/eventually.ts'
import { framed, fromText } from '../../../support/ignite-replay.ts'

/** A port that answers what opens a connection as a real node once did, and then nothing: a node that hangs, or a network that swallows. */
async function silentServer(): Promise<{ host: string; sockets: Set<Socket>; opened(): number; close(): Promise<void> }> {
  const [, welcome, , settled] = fromText(await readFile(join(import.meta.dirname, 'fixtures/rows.frames'), 'utf8'))
  const sockets = new Set<Socket>()
  let opened = 0
  const server: Server = createServer(socket => {
    sockets.add(socket)
    opened += 1
    const answers = [welcome!, settled!]
    const frames = new Frames(() => {
      const answer = answers.shift()
      if (answer) socket.write(framed(answer.body))
    })
    socket.once('close', () => sockets.delete(socket))
    socket.on('data', chunk => frames.push(chunk))
    socket.on('error', () => socket.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('No port.')
  return {
    host: `127.0.0.1:${address.port}`, sockets, opened: () => opened,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

async function withSilent(options: Partial<IgniteOptions>, work: (client: IgniteClient, server: Awaited<ReturnType<typeof silentServer>>) => Promise<void>): Promise<void> {
  const server = await silentServer()
  const client = openIgnite({ hosts: [server.host], ...options })
  try {
    await work(client, server)
  } finally {
    client.close()
    await server.close()
  }
}

const names = { operation: 'cacheNames', read: () => 'answered' } as const

test('a request that is not answered fails with TIMEOUT when its time is over, and others by their own', async () => {
  await withSilent({ requestTimeoutMs: 200 }, async client => {
    const from = performance.now()
    const order: string[] = []
    const asked = [client.send(undefined, names, { timeoutMs: 400 }).catch(error => order.push(`late ${error.code}`)), client.send(undefined, names).catch(error => order.push(`early ${error.code}`))]
    await Promise.all(asked)
    expect(order).toEqual(['early TIMEOUT', 'late TIMEOUT'])
    expect(performance.now() - from).toBeGreaterThanOrEqual(395)
  })
})

test('a caller who leaves is let go at once, with the reason of the signal', async () => {
  await withSilent({}, async client => {
    const controller = new AbortController()
    await client.connected()
    const failed = expect(client.send({ signal: controller.signal }, names)).rejects.toThrow('the client left')
    await Promise.resolve()
    controller.abort(new Error('the client left'))
    await failed
    await expect(client.send({ signal: controller.signal }, names)).rejects.toThrow('the client left')
  })
})

test('a connection that has been silent for two heartbeats is given up: what waits on it fails with UPSTREAM_UNAVAILABLE, and it is opened anew', async () => {
  await withSilent({ heartbeatMs: 100, backOffMs: [10, 20] }, async (client, server) => {
    await expect(client.send(undefined, names)).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: expect.stringMatching(/has been silent for \d+ ms/) })
    await eventually('the client is back', async () => server.opened() > 1 && client.stats().hosts[0]?.state === 'connected')
  })
})

test('a lost connection fails what waits on it, and a call made meanwhile waits for the next one', async () => {
  await withSilent({ backOffMs: [10, 20], requestTimeoutMs: 500 }, async (client, server) => {
    await client.connected()
    const asked = client.send(undefined, names)
    const failed = expect(asked).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: `Ignite at ${server.host} closed the connection.` })
    for (const socket of server.sockets) socket.destroy()
    await failed
    await eventually('the client is back', async () => client.stats().hosts[0]?.state === 'connected')
  })
})

test('something that speaks another protocol is told apart from an Ignite that is down', async () => {
  const server = createServer(socket => socket.resume().end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const client = openIgnite({ hosts: [`127.0.0.1:${typeof address === 'object' ? address?.port : 0}`] })
  await expect(client.connected()).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: expect.stringContaining('A message announces 1347703880 bytes: this does not look like an Ignite server') })
  client.close()
  await new Promise(resolve => server.close(resolve))
})

test('after close every call says that the client is closed', async () => {
  await withSilent({}, async client => {
    await client.connected()
    const failed = expect(client.send(undefined, names)).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
    await Promise.resolve()
    client.close()
    await failed
    await expect(client.send(undefined, names)).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
  })
})

test('H-67 hosts have the client port where none is written, and every malformed one is named', () => {
  expect(settingsOf({ hosts: ['ignite-0.ignite', 'ignite-1:10801', '[::1]:9'] }).addresses).toEqual([{ host: 'ignite-0.ignite', port: 10_800 }, { host: 'ignite-1', port: 10_801 }, { host: '::1', port: 9 }])
  expect(() => settingsOf({ hosts: ['http://x', 'y:99999'] })).toThrow('hosts[0]: "http://x" is not a host with an optional port, such as "ignite-0" or "ignite-0:10800". hosts[1]: "y:99999" is not')
  expect(() => settingsOf({ hosts: [] })).toThrow('There is no host')
})
