import { openPostgresAlertStore } from '../../connectors/alert-store/index.ts'
import { openPostgresRunStore } from '../../connectors/run-store/index.ts'
import { alertStoreChecks, type AlertStoreSubject } from '../conformance/alert-store.ts'
import { conforms } from '../support/conformance.ts'
import { startPostgres, withOwnPostgres } from '../support/postgres.ts'
import { MovedClock, testScope } from '../support/scope.ts'

withOwnPostgres(own => {
  const { log } = testScope()
  conforms('the alert store over PostgreSQL', alertStoreChecks, async (): Promise<AlertStoreSubject> => {
    const clock = new MovedClock()
    const { first, second, reopen, close } = await own.handles(url => openPostgresAlertStore({ url, log }))
    return { store: first, other: second, clock, scope: tenant => testScope({ tenant, clock }), reopen, close }
  })

  test('it stands beside the run store, also where hubs begin at the same time', async () => {
    const url = await own.emptyDatabase()
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
