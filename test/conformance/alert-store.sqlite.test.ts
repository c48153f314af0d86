import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteAlertStore } from '../../connectors/alert-store/index.ts'
import { openSqliteRunStore } from '../../connectors/run-store/index.ts'
import { conforms } from '../support/conformance.ts'
import { MovedClock, testScope } from '../support/scope.ts'
import { alertStoreChecks } from './alert-store.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alert-store-'))
})
afterEach(() => rm(folder, { recursive: true }))

conforms('alert store in SQLite', alertStoreChecks, async () => {
  const file = join(folder, 'alerts.sqlite')
  const clock = new MovedClock()
  const opened = [await openSqliteAlertStore({ file }), await openSqliteAlertStore({ file })] as const
  const stores = [...opened]
  return {
    store: opened[0],
    other: opened[1],
    clock,
    scope: tenant => testScope({ tenant, clock }),
    async reopen() {
      for (const store of stores.splice(0)) await store.close()
      const store = await openSqliteAlertStore({ file })
      stores.push(store)
      return store
    },
    async close() {
      for (const store of stores) await store.close()
    },
  }
})

test('the alerts may stand in the run store\'s file, whichever was there first', async () => {
  const rule = { application: 'shop', name: 'slow', kind: 'SLA_BREACH', quietMs: 1, targets: [] } as const
  for (const file of [join(folder, 'a.sqlite'), join(folder, 'b.sqlite')]) {
    const early = file.endsWith('a.sqlite') ? await openSqliteAlertStore({ file }) : undefined
    const runs = await openSqliteRunStore({ file })
    const store = early ?? (await openSqliteAlertStore({ file }))
    await Promise.all([store.putRule(testScope(), rule), runs.enqueue(testScope(), { runId: 'r1', kind: 'pipeline', application: 'shop', subject: 'orders', version: '1', trigger: 'MANUAL', parameters: null })])
    expect(await store.rules(testScope())).toMatchObject([rule])
    expect(await runs.runs(testScope(), {}, 10)).toHaveLength(1)
    await runs.close()
    await store.close()
  }
})
