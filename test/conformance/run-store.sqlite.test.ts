import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openSqliteMetadata } from '../../connectors/metadata/sqlite.ts'
import { openSqliteRunStore } from '../../connectors/run-store/index.ts'
import { conforms } from '../support/conformance.ts'
import { MovedClock, testScope } from '../support/scope.ts'
import { runStoreChecks } from './run-store.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'run-store-'))
})
afterEach(() => rm(folder, { recursive: true }))

conforms('run store in SQLite', runStoreChecks, async () => {
  const file = join(folder, 'runs.sqlite')
  const clock = new MovedClock()
  const stores = [await openSqliteRunStore({ file }), await openSqliteRunStore({ file })] as const
  const opened = [...stores]
  return {
    store: stores[0],
    other: stores[1],
    clock,
    scope: tenant => testScope({ tenant, clock }),
    async reopen() {
      for (const store of opened.splice(0)) await store.close()
      const store = await openSqliteRunStore({ file })
      opened.push(store)
      return store
    },
    async close() {
      for (const store of opened) await store.close()
    },
  }
})

test('the runs may stand in the metadata store\'s file, whichever was there first', async () => {
  const run = { runId: 'r1', kind: 'pipeline', application: 'sales', subject: 'orders', version: '1', trigger: 'MANUAL', parameters: null } as const
  for (const file of [join(folder, 'a.sqlite'), join(folder, 'b.sqlite')]) {
    const early = file.endsWith('a.sqlite') ? await openSqliteRunStore({ file }) : undefined
    const metadata = await openSqliteMetadata({ file, clock: new MovedClock() })
    const store = early ?? (await openSqliteRunStore({ file }))
    await Promise.all([metadata.putEntry(testScope(), { kind: 'view', name: 'v', definition: {} }), store.enqueue(testScope(), run)])
    expect(await store.run(testScope(), 'r1')).toMatchObject(run)
    expect(await metadata.entries(testScope())).toHaveLength(1)
    await metadata.close()
    await store.close()
  }
})

test('a worker that leaves while it waits for another who writes is given nothing', async () => {
  const file = join(folder, 'runs.sqlite')
  const store = await openSqliteRunStore({ file })
  await store.enqueue(testScope(), { runId: 'r1', kind: 'pipeline', application: 'sales', subject: 'orders', version: '1', trigger: 'MANUAL', parameters: null })
  const writer = new DatabaseSync(file)
  writer.exec('BEGIN IMMEDIATE')
  const scope = testScope()
  const claiming = expect(store.claim(scope, { worker: 'w1', leaseMs: 1_000 })).rejects.toThrow('the worker left')
  await new Promise(resolve => setImmediate(resolve))
  scope.abort(new Error('the worker left'))
  writer.exec('COMMIT')
  writer.close()
  await claiming
  expect(await store.run(testScope(), 'r1')).toMatchObject({ state: 'QUEUED' })
  await store.close()
})

test('a file that is something else is refused by name', async () => {
  const file = join(folder, 'notes.txt')
  await writeFile(file, 'these are my notes, and they are longer than a page header of the format would be'.repeat(20))
  await expect(openSqliteRunStore({ file })).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('notes.txt') })
})
