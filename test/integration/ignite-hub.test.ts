import { jest } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../connectors/ports/scope.ts'
import { readConfig } from '../../gateway/config.ts'
import { serve, type Server } from '../../gateway/server.ts'
import { openLog } from '../../gateway/telemetry/log.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { gate } from '../support/gate.ts'
import { dropNamespace } from '../support/ignite.ts'

jest.setTimeout(120_000)

const catalog = `
regions:
  notes:
    type: Note
    key: id
    fields: { id: ID!, text: String }
`

withEngine('IGNITE_HOST_1', 'a hub whose regions are on a cluster', place => {
  test('H-67 H-04 with no node reachable the hub starts, says so at /readyz and refuses requests; it serves as soon as one answers, and tells when none does any more', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tributary-'))
    await writeFile(join(folder, 'hub.yaml'), catalog)
    const first = await gate(place)
    await first.close()
    const free = await gate(place)
    await free.close()
    const namespace = `t${randomBytes(6).toString('hex')}`
    const config = readConfig([`--catalog=${join(folder, 'hub.yaml')}`, `--data=${join(folder, 'data')}`, `--port=${free.port}`, '--log-level=silent'], { IGNITE_HOST_1: `127.0.0.1:${first.port}`, IGNITE_NAMESPACE: namespace })
    const url = `http://127.0.0.1:${free.port}`
    const get = (path: string) => fetch(url + path).then(async response => ({ status: response.status, text: await response.text() }), () => ({ status: 0, text: '' }))
    const query = (text: string) => fetch(`${url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query: text }) }).then(async response => ({ status: response.status, text: await response.text() }), () => ({ status: 0, text: '' }))

    let server: Server | undefined
    const serving = serve({ ...config, catalog: join(folder, 'hub.yaml') }, { clock: systemClock, log: openLog({ level: 'silent' }), onFatal: error => { throw error } }).then(started => { server = started })
    await eventually('the port is served', async () => (await get('/readyz')).status === 503, 30_000)
    expect(await get('/readyz')).toMatchObject({ text: expect.stringContaining(`127.0.0.1:${first.port}`) })
    expect((await get('/livez')).status).toBe(200)
    expect(await query('{ __typename }')).toMatchObject({ status: 503, text: expect.stringContaining('UPSTREAM_UNAVAILABLE') })
    expect(server).toBeUndefined()

    let way = await gate(place, first.port)
    await serving
    expect(await get('/readyz')).toMatchObject({ status: 200 })
    expect((await query('mutation { cachePut(region: "notes", key: "1", value: { id: "1", text: "kept" }) { key } }')).text).toContain('"key":"1"')
    expect((await query('{ note(id: "1") { text } cacheCluster { nodes { state } topologyVersion } }')).text).toMatch(/"text":"kept".*"state":"UP"/)

    await way.close()
    await eventually('the loss is told', async () => (await get('/readyz')).status === 503, 30_000)
    expect(await query('{ note(id: "1") { text } }')).toMatchObject({ text: expect.stringContaining('UPSTREAM_UNAVAILABLE') })
    way = await gate(place, first.port)
    await eventually('it is ready again', async () => (await get('/readyz')).status === 200, 30_000)
    expect((await query('{ note(id: "1") { text } }')).text).toContain('kept')

    await server?.close()
    await way.close()
    await dropNamespace([place], namespace)
    await rm(folder, { recursive: true })
  })
})
