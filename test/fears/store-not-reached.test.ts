import { createServer, type AddressInfo } from 'node:net'
import { openIgnite } from '../../connectors/ignite/index.ts'
import { openIgniteRegions } from '../../connectors/ignite/regions/index.ts'
import { systemClock } from '../../connectors/ports/scope.ts'
import { testScope } from '../support/scope.ts'

test('a store that cannot be opened lets go of its client: a hub that tries again for hours meets the cluster with one', async () => {
  const cluster = createServer(socket => socket.destroy())
  await new Promise<void>(resolve => cluster.listen(0, '127.0.0.1', resolve))
  const { port } = cluster.address() as AddressInfo
  try {
    const { log } = testScope()
    for (let attempt = 0; attempt < 3; attempt++) {
      const client = openIgnite({ hosts: [`127.0.0.1:${port}`], clock: systemClock, log })
      await expect(openIgniteRegions({ client, clock: systemClock, log, later() {} })).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
      expect(client.closed).toBe(true)
    }
  } finally {
    await new Promise(resolve => cluster.close(resolve))
  }
})
