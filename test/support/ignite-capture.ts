import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { destroyCache, openIgnite } from '../../connectors/ignite/index.ts'
import { recordingProxy, toText } from './ignite-replay.ts'
import { scenarios } from './ignite-scenarios.ts'
import { testScope } from './scope.ts'

/**
 * `IGNITE_HOST_1=… node test/support/ignite-capture.ts [name …]`: holds the conversations with a real server of one node, and writes down both sides, for the unit tests to
 * hold again. The server should be one that never heard of them: types outlive their caches.
 */
const target = process.env['IGNITE_HOST_1']
if (!target) throw new Error('IGNITE_HOST_1 says where Ignite is; it is not set.')
const wanted = process.argv.slice(2)

for (const [name, scenario] of Object.entries(scenarios)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  const proxy = await recordingProxy(target)
  const client = openIgnite({ hosts: [proxy.host], heartbeatMs: 600_000 })
  const result = await scenario(client, testScope())
  client.close()
  await proxy.close()
  await writeFile(join(import.meta.dirname, '../unit/connectors/ignite/fixtures', `${name}.frames`), toText(proxy.frames))
  console.log(name, proxy.frames.length, 'frames', JSON.stringify(result, (_name, value) => (typeof value === 'bigint' ? String(value) : value)))
  const direct = openIgnite({ hosts: [target] })
  await destroyCache(testScope(), direct, `captured_${name}`)
  direct.close()
}
