import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { Database } from '../../connectors/metadata/schema.ts'
import { openMetadata } from '../../connectors/metadata/store.ts'
import type { MetadataStore } from '../../connectors/ports/metadata-store.ts'
import { metadataStoreChecks, type MetadataSubject } from '../conformance/metadata-store.ts'
import { conforms } from '../support/conformance.ts'
import { type PostgresServer, postgresBin, startPostgres } from '../support/postgres.ts'
import { MovedClock } from '../support/scope.ts'

/** PostgreSQL's code for a connection ended because the server stops. */
const adminShutdown = '57P01'

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
      const pool = new pg.Pool({ connectionString: server.url.replace(/postgres$/, name), max: 4 })
      // A client may still be on its way out when the server stops after the last check; any other failure of an idle one counts.
      pool.on('error', (error: Error & { readonly code?: string }) => {
        if (error.code !== adminShutdown) throw error
      })
      const store = await openMetadata(new Kysely<Database>({ dialect: new PostgresDialect({ pool }) }), clock)
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
})
