import { catalogFolder } from '../support/catalog-folder.ts'
import { startHub } from '../support/hub.ts'

/** Nothing listens on port 1. */
const nobody = '127.0.0.1:1'
const folder = catalogFolder({
  'hub.yaml': 'sources:\n  shop: { type: files, root: ./shop }\nregions:\n  notes: { type: Note, key: id, fields: { id: ID!, text: String } }\nviews:\n  all_planes: { type: OfPlane, key: id, sql: "SELECT id, name FROM shop.planes" }\n',
  'shop/planes.csv': 'id,name\n7,Ada\n',
})
afterAll(() => folder.remove())
const silent = { debug() {}, info() {}, warn() {}, error() {} }

test.each([
  ['Kafka', { KAFKA_BROKER: nobody }],
  ['Trino', { TRINO_URL: `http://${nobody}` }],
])('H-67 a hub whose %s is not there when it starts says so at /readyz, and serves all that does not need it', async (name, env) => {
  const hub = await startHub({ catalog: folder.catalog, env, log: silent })
  try {
    const ready = await fetch(`${hub.url}/readyz?verbose=1`)
    const { components } = (await ready.json()) as { components: readonly { name: string; state: string; reason?: string }[] }
    expect(ready.status).toBe(503)
    expect(components.filter(({ state }) => state !== 'up')).toEqual([expect.objectContaining({ state: 'down', message: expect.stringMatching(new RegExp(`${name}.*${nobody}|${nobody}.*${name}`)) })])
    expect((await fetch(`${hub.url}/livez`)).status).toBe(200)
    expect(await hub.query('mutation { cachePut(region: "notes", key: "1", value: { id: "1", text: "kept" }) { key } }')).toEqual({ data: { cachePut: { key: '1' } } })
    expect(await hub.query('{ note(id: "1") { text } allPlanes { nodes { name } } }')).toEqual({ data: { note: { text: 'kept' }, allPlanes: { nodes: [{ name: 'Ada' }] } } })
  } finally {
    await hub.close()
  }
}, 120_000)
