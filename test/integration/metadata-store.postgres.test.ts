import { openPostgresMetadata } from '../../connectors/metadata/postgres.ts'
import type { MetadataStore } from '../../connectors/ports/metadata-store.ts'
import { metadataStoreChecks, type MetadataSubject } from '../conformance/metadata-store.ts'
import { catalogFolder } from '../support/catalog-folder.ts'
import { conforms } from '../support/conformance.ts'
import { startHub } from '../support/hub.ts'
import { type PostgresServer, postgresBin, startPostgres } from '../support/postgres.ts'
import { MovedClock, testScope } from '../support/scope.ts'

const suite = postgresBin ? describe : describe.skip

suite('needs PostgreSQL: server programs below /usr/lib/postgresql', () => {
  let server: PostgresServer
  let databases = 0
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server.stop())

  conforms('the metadata store over PostgreSQL', metadataStoreChecks, async (): Promise<MetadataSubject> => {
    const clock = new MovedClock()
    const name = `metadata_${++databases}`
    await server.exec(`CREATE DATABASE ${name}`)
    const stores = new Set<MetadataStore>()
    const opened = async () => {
      const store = await openPostgresMetadata({ url: server.url.replace(/postgres$/, name), clock, log: testScope().log })
      stores.add(store)
      return store
    }
    const store = await opened()
    return {
      store, clock, another: opened,
      async reopen() {
        await store.close()
        stores.delete(store)
        return opened()
      },
      async close() {
        for (const one of stores) await one.close()
      },
    }
  })

  test('the store stands in a schema of its own, and says in the end why it cannot be read, without the password', async () => {
    const own = await startPostgres()
    const store = await openPostgresMetadata({ url: own.url, clock: new MovedClock(), log: testScope().log })
    await store.putEntry(testScope(), { kind: 'region', name: 'notes', definition: {} })
    await own.exec('CREATE TABLE setting (mine text)')
    expect(await store.entries(testScope())).toHaveLength(1)
    await own.stop()
    await expect(store.entries(testScope())).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: expect.not.stringContaining(own.password) })
    await store.close()
    await expect(openPostgresMetadata({ url: own.url, clock: new MovedClock(), log: testScope().log })).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: expect.stringContaining(`127.0.0.1:${own.port}`) })
  })

  test('a hub keeps what is declared through its API there, and another hub on the same store has it', async () => {
    const files = catalogFolder({ 'hub.yaml': 'regions: { notes: { key: code, fields: { code: String!, text: String } } }' })
    const first = await startHub({ catalog: files.catalog, env: { POSTGRES_URL: server.url } })
    try {
      const { errors } = await first.query('mutation { createCacheRegion(input: { name: "sessions", key: ["token"], fields: { token: "String!", user: "String" } }) { changed } }')
      expect(errors).toBeUndefined()
    } finally {
      await first.close()
    }
    const second = await startHub({ catalog: files.catalog, env: { POSTGRES_URL: server.url } })
    try {
      expect(await second.query('{ cacheRegion(name: "sessions") { key } }')).toEqual({ data: { cacheRegion: { key: ['token'] } } })
    } finally {
      await second.close()
      files.remove()
    }
  })
})
