import { openPostgresAlertStore } from '../../connectors/alert-store/index.ts'
import type { AlertStore } from '../../connectors/ports/alert-store.ts'
import { openPostgresRunStore } from '../../connectors/run-store/index.ts'
import { alertStoreChecks, type AlertStoreSubject } from '../conformance/alert-store.ts'
import { conforms } from '../support/conformance.ts'
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

  const { log } = testScope()
  const emptyDatabase = async () => {
    const name = `alerts_${++databases}`
    await server.exec(`CREATE DATABASE ${name}`)
    return server.url.replace(/postgres$/, name)
  }

  conforms('the alert store over PostgreSQL', alertStoreChecks, async (): Promise<AlertStoreSubject> => {
    const url = await emptyDatabase()
    const clock = new MovedClock()
    const stores: AlertStore[] = []
    const opened = async () => {
      const store = await openPostgresAlertStore({ url, log })
      stores.push(store)
      return store
    }
    return {
      store: await opened(),
      other: await opened(),
      clock,
      scope: tenant => testScope({ tenant, clock }),
      reopen: opened,
      async close() {
        for (const store of stores) await store.close()
      },
    }
  })

  test('it stands beside the run store, also where hubs begin at the same time', async () => {
    const url = await emptyDatabase()
    const runs = await openPostgresRunStore({ url, log })
    const stores = await Promise.all([openPostgresAlertStore({ url, log }), openPostgresAlertStore({ url, log }), openPostgresAlertStore({ url, log })])
    const [first, ...others] = stores
    expect(await first?.once(testScope(), 'e')).toBe(true)
    for (const store of others) expect(await store.once(testScope(), 'e')).toBe(false)
    expect(await runs.runs(testScope(), {}, 1)).toEqual([])
    for (const store of stores) await store.close()
    await runs.close()
  })

  test('a server that is gone is said to be, without the password', async () => {
    const own = await startPostgres()
    const store = await openPostgresAlertStore({ url: own.url, log })
    await own.stop()
    const failure = { code: 'UPSTREAM_UNAVAILABLE', message: expect.not.stringContaining(own.password) }
    await expect(store.rules(testScope())).rejects.toMatchObject(failure)
    await expect(store.once(testScope(), 'e')).rejects.toMatchObject(failure)
    await store.close()
  })
})
