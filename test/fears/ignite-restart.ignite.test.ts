import { randomBytes } from 'node:crypto'
import { openIgnite } from '../../connectors/ignite/index.ts'
import { openIgniteRegions } from '../../connectors/ignite/regions/index.ts'
import type { RegionDefinition } from '../../connectors/ports/region-store.ts'
import { systemClock, type Scope } from '../../connectors/ports/scope.ts'
import type { Read } from '../../resolvers/context.ts'
import { catalogFolder } from '../support/catalog-folder.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { startHub, type RunningHub } from '../support/hub.ts'
import { type IgniteNodes, startIgnite } from '../support/ignite.ts'
import { testScope } from '../support/scope.ts'

/** Away from the ports of the engines that other tests share. */
const portOffset = 15_500

withEngine('IGNITE_HOST_1', 'an Ignite that is killed and comes back empty', () => {
  let nodes: IgniteNodes
  beforeAll(async () => {
    nodes = await startIgnite(1, portOffset)
  }, 300_000)
  afterAll(() => nodes?.stop(), 60_000)
  const namespace = () => `t${randomBytes(6).toString('hex')}`

  test('meanwhile a clear 503; then, without a restart of the hub, read-through brings its rows again, what was loaded is there, and answers name who gave them', async () => {
    const folder = catalogFolder({
      'hub.yaml': `
sources:
  shop: { type: files, root: ./shop }
regions:
  planes: { type: Plane, key: id, load: { source: shop, table: planes } }
  ports: { type: Port, key: code, load: { source: shop, table: ports, eager: true } }
  notes: { type: Note, key: id, fields: { id: ID!, text: String } }
`,
      'shop/planes.csv': 'id,name\n7,Ada\n',
      'shop/ports.csv': 'code,name\nBER,Berlin\nOSL,Oslo\n',
    })
    const hub: RunningHub = await startHub({ catalog: folder.catalog, env: { IGNITE_HOST_1: nodes.hosts[0] ?? '', IGNITE_NAMESPACE: namespace() } })
    try {
      /** Who gave the rows of an answer, as `name from engine`. */
      const given = async (query: string) => {
        const { data, errors, extensions } = await hub.query(query, {}, { 'x-hub-explain': '1' })
        if (errors) throw new Error(JSON.stringify(errors))
        return { data, by: (extensions!['hub'] as { readonly reads: readonly Read[] }).reads.map(({ name, from, engine }) => `${name} ${from} ${engine}`) }
      }
      const plane = '{ plane(id: 7) { name } }'
      const ports = '{ ports(orderBy: [{ code: ASC }]) { nodes { name } } }'
      const found = { data: { plane: { name: 'Ada' } } }
      await hub.query('mutation { cachePut(region: "notes", key: "1", value: { id: "1", text: "old" }) { key } }')
      expect(await given(plane)).toEqual({ ...found, by: ['shop.planes source files'] })
      await hub.kept('planes', 1)
      expect(await given(plane)).toEqual({ ...found, by: ['planes region ignite'] })
      expect(await given(ports)).toEqual({ data: { ports: { nodes: [{ name: 'Berlin' }, { name: 'Oslo' }] } }, by: ['ports region ignite'] })
      const rest = (path: string) => fetch(`${hub.url}/api/v1/dih/cache-regions/${path}`)
      expect((await rest('notes/entries/1')).headers.get('x-query-engine')).toBe('ignite')

      await nodes.kill(0)
      await eventually('the loss is told', async () => (await fetch(`${hub.url}/readyz`)).status === 503, 30_000)
      const { errors } = await hub.query(plane)
      expect(errors?.[0]).toMatchObject({ message: expect.stringContaining(nodes.hosts[0] ?? ''), extensions: { code: 'UPSTREAM_UNAVAILABLE', retryable: true } })
      expect((await rest('notes/entries/1')).status).toBe(503)

      await nodes.start(0)
      await eventually('it is ready again', async () => (await fetch(`${hub.url}/readyz`)).status === 200, 60_000)
      expect(await given(plane)).toEqual({ ...found, by: ['shop.planes source files'] })
      await hub.kept('planes', 1)
      expect(await given(plane)).toEqual({ ...found, by: ['planes region ignite'] })
      expect(await hub.query('{ note(id: "1") { text } }')).toEqual({ data: { note: null } })
      await eventually('loaded rows are there again', async () => JSON.stringify((await hub.query(ports)).data).includes('Oslo'), 60_000)
    } finally {
      await hub.close()
      folder.remove()
    }
  }, 300_000)

  test('what was kept near is not told any more', async () => {
    const definition: RegionDefinition = {
      name: 'items', columns: [{ name: 'id', type: 'String', nullable: false }, { name: 'n', type: 'Int', nullable: true }], key: ['id'], indexes: [], atomicity: 'TRANSACTIONAL', expiry: {}, maxEntries: 1_000, durable: true, tenancy: 'SHARED',
    }
    const scope: Scope = { ...testScope(), clock: systemClock, deadlineMs: Number.MAX_SAFE_INTEGER }
    const store = await openIgniteRegions({ client: openIgnite({ hosts: nodes.hosts }), clock: systemClock, log: scope.log, namespace: namespace(), later: work => void work() })
    try {
      const region = await store.define(definition)
      const near = async () => (await region.getMany(scope, ['a'], { near: true }))[0]
      await region.putMany(scope, [{ id: 'a', n: 1 }])
      expect((await near())?.row).toEqual({ id: 'a', n: 1 })
      expect((await near())?.row).toEqual({ id: 'a', n: 1 })
      await nodes.kill(0)
      await eventually('the loss is noticed', async () => (await store.cluster(scope)).nodes.every(({ state }) => state === 'DOWN'), 30_000)
      await expect(near()).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
      const from = store.changes.end
      await nodes.start(0)
      await eventually('changes are seen again', async () => (await store.changes.read(from, 100)).some(({ resets }) => resets.includes('items')), 60_000)
      expect(await near()).toBeUndefined()
      await region.putMany(scope, [{ id: 'a', n: 2 }])
      expect((await near())?.row).toEqual({ id: 'a', n: 2 })
      expect((await near())?.row).toEqual({ id: 'a', n: 2 })
    } finally {
      await store.close()
    }
  }, 300_000)
})
