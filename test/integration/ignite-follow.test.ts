import { randomBytes } from 'node:crypto'
import type { Read } from '../../resolvers/context.ts'
import { catalogFolder } from '../support/catalog-folder.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { startHub, type RunningHub } from '../support/hub.ts'
import { keptLog } from '../support/kept-log.ts'
import { type PostgresServer, postgresBin, startPostgres } from '../support/postgres.ts'
import { startProgram } from '../support/program.ts'

withEngine('IGNITE_HOST_1', 'two hubs whose regions are on one cluster', place => {
  const when = postgresBin ? test : test.skip
  let server: PostgresServer
  const folder = catalogFolder({})

  beforeAll(async () => {
    if (!postgresBin) return
    server = await startPostgres({ wal_level: 'logical', max_slot_wal_keep_size: '64MB' })
    await server.exec(`CREATE TABLE goods(id int PRIMARY KEY, name text); INSERT INTO goods VALUES (1, 'one')`)
    folder.write({ 'hub.yaml': `
sources:
  shop: { type: postgresql, url: "${server.url}" }
regions:
  goods: { type: Good, key: id, load: { source: shop, table: goods, eager: true, follow: true } }
` })
  }, 120_000)
  afterAll(async () => {
    folder.remove()
    if (postgresBin) await server.stop()
  })

  const nameAt = async (url: string) => {
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', 'x-hub-explain': '1' }, body: JSON.stringify({ query: '{ good(id: 1) { name } }' }) })
    const { data, extensions } = (await response.json()) as { data: { good: { name: string } | null }; extensions: { hub: { reads: readonly Read[] } } }
    const [read] = extensions.hub.reads
    return { name: data.good?.name, asOfMs: Date.now() - (read?.ageMs ?? Number.POSITIVE_INFINITY) }
  }

  when.each<NodeJS.Signals>(['SIGTERM', 'SIGKILL'])('one of them follows for both, both know how old the rows are, and the other takes over after its %s (needs PostgreSQL)', async signal => {
    const env = { IGNITE_HOST_1: place, IGNITE_NAMESPACE: `t${randomBytes(6).toString('hex')}` }
    const log = keptLog()
    const first = startProgram(['start', '--port', '0', '--catalog', folder.catalog, '--data', `${folder.folder}/${signal}`, '--log-level', 'error'], { cwd: folder.folder, env })
    let second: RunningHub | undefined
    try {
      const [, url = ''] = await first.written(/GraphQL +(\S+)/)
      const upMs = Date.now()
      await eventually('the first follows', async () => (await nameAt(url)).asOfMs > upMs)
      const waits = log.next(({ message }) => message.includes('followed by another hub'))
      second = await startHub({ catalog: folder.catalog, env, log })
      await waits
      const own = `${second.url}/graphql`
      await server.exec(`UPDATE goods SET name = 'two'`)
      const changedMs = Date.now()
      for (const hub of [url, own]) {
        await eventually('the hub knows of this moment', async () => (await nameAt(hub)).asOfMs > changedMs)
        expect((await nameAt(hub)).name).toBe('two')
      }
      expect(log.lines.some(({ message }) => message.includes('rows into "goods"'))).toBe(false)
      const takes = log.next(({ message }) => message.includes('read as a whole'))
      await first.stop(signal)
      await takes
      await server.exec(`UPDATE goods SET name = 'three'`)
      await eventually('the second has it', async () => (await nameAt(own)).name === 'three')
    } finally {
      await first.stop('SIGKILL')
      await second?.close()
    }
  }, 120_000)
})
