import type { Kysely } from 'kysely'
import pg from 'pg'
import { openPostgresDatabase } from '../../connectors/metadata/postgres-database.ts'
import { openPostgresMetadata } from '../../connectors/metadata/postgres.ts'
import type { NewRun } from '../../connectors/ports/run-store.ts'
import { openPostgresRunStore } from '../../connectors/run-store/index.ts'
import type { Database } from '../../connectors/run-store/schema.ts'
import { runStoreChecks, type RunStoreSubject } from '../conformance/run-store.ts'
import { conforms } from '../support/conformance.ts'
import { eventually } from '../support/eventually.ts'
import { startPostgres, withOwnPostgres } from '../support/postgres.ts'
import { MovedClock, testScope } from '../support/scope.ts'

withOwnPostgres(own => {
  const { log } = testScope()
  const run: NewRun = { runId: 'r1', kind: 'pipeline', application: 'sales', subject: 'orders', version: '1', trigger: 'MANUAL', parameters: null }
  conforms('the run store over PostgreSQL', runStoreChecks, async (): Promise<RunStoreSubject> => {
    const clock = new MovedClock()
    const { first, second, reopen, close } = await own.handles(url => openPostgresRunStore({ url, log }))
    return { store: first, other: second, clock, scope: tenant => testScope({ tenant, clock }), reopen, close }
  })

  test('D-95 of hubs that are the first of a database each opens, also where another makes its schema meanwhile', async () => {
    const url = await own.emptyDatabase()
    const other = new pg.Client({ connectionString: url })
    await other.connect()
    try {
      await other.query('BEGIN; CREATE SCHEMA tributary')
      const opening = openPostgresRunStore({ url, log })
      await eventually('the hub waits for the other', async () => (await other.query('SELECT 1 FROM pg_locks WHERE NOT granted')).rows.length > 0)
      await other.query('COMMIT')
      await (await opening).close()
    } finally {
      await other.end()
    }
  })

  test('D-95 a hub that stops in the middle of a transaction holds up the others for some seconds only', async () => {
    const url = await own.emptyDatabase()
    const store = await openPostgresRunStore({ url, log })
    const { opened: db } = await openPostgresDatabase<Database, Kysely<Database>>({ url, log }, async opened => opened)
    const [isHeld, goesOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const stopped = db.transaction().execute(async tx => {
      await tx.updateTable('run_writer').set({ turns: 0 }).execute()
      isHeld.resolve()
      await goesOn.promise
    }).then(() => 'committed', (error: Error) => error.message)
    await isHeld.promise
    expect(await store.enqueue(testScope(), run)).toMatchObject({ state: 'QUEUED' })
    goesOn.resolve()
    expect(await stopped).not.toBe('committed')
    await db.destroy()
    await store.close()
  })

  test('it stands beside the metadata store, also where hubs begin at the same time', async () => {
    const url = await own.emptyDatabase()
    const metadata = await openPostgresMetadata({ url, clock: new MovedClock(), log })
    const stores = await Promise.all([openPostgresRunStore({ url, log }), openPostgresRunStore({ url, log }), openPostgresRunStore({ url, log })])
    const [first, ...others] = stores
    await first?.enqueue(testScope(), run)
    for (const store of others) expect(await store.run(testScope(), 'r1')).toMatchObject(run)
    expect(await metadata.entries(testScope())).toEqual([])
    for (const store of stores) await store.close()
    await metadata.close()
    const again = await openPostgresMetadata({ url, clock: new MovedClock(), log })
    await again.close()
  })

  test('a server that is gone is said to be, without the password', async () => {
    const own = await startPostgres()
    const store = await openPostgresRunStore({ url: own.url, log })
    await own.stop()
    const failure = { code: 'UPSTREAM_UNAVAILABLE', message: expect.not.stringContaining(own.password) }
    await expect(store.enqueue(testScope(), run)).rejects.toMatchObject(failure)
    await expect(store.claim(testScope(), { worker: 'w1', leaseMs: 1 })).rejects.toMatchObject(failure)
    await expect(store.queue(testScope())).rejects.toMatchObject(failure)
    await store.close()
    await expect(openPostgresRunStore({ url: own.url, log })).rejects.toMatchObject(failure)
  })
})
