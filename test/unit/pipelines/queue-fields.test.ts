import { openSqliteRunStore } from '../../../connectors/run-store/index.ts'
import type { RunStore } from '../../../connectors/ports/run-store.ts'
import { queueFields } from '../../../subgraphs/pipelines/queue-fields.ts'
import { MovedClock, testScope } from '../../support/scope.ts'

let store: RunStore
beforeEach(async () => {
  store = await openSqliteRunStore({ file: ':memory:' })
})
afterEach(() => store.close())

const newRun = (runId: string) => ({ runId, kind: 'pipeline', application: 'shop', subject: runId, version: '1.0.0', trigger: 'MANUAL', parameters: {} } as const)
const ask = (field: 'queue' | 'workers', clock: MovedClock, ...scopes: string[]) => {
  const queries = { ...queueFields({ store })?.['Query'] }
  const resolve = queries[field] as (root: unknown, args: object, context: object) => Promise<unknown>
  return resolve({}, {}, { scope: testScope({ clock, caller: { scopes: new Set(scopes) } }) })
}

test('D-95 the queue is as deep as there are runs that may begin, and as old as the oldest of them', async () => {
  const clock = new MovedClock()
  expect(await ask('queue', clock, 'pipeline:read')).toEqual({ depth: 0, oldestSeconds: null })
  for (const runId of ['a', 'b']) {
    await store.enqueue(testScope({ clock }), newRun(runId))
    clock.advance(1_500)
  }
  expect(await ask('queue', clock, 'role:viewer')).toEqual({ depth: 2, oldestSeconds: 3 })
})

test('D-95 a worker is busy with what is under way, and gone when it was not seen for fifteen seconds', async () => {
  const clock = new MovedClock(Date.UTC(2026, 0, 31, 10))
  const shown = () => ask('workers', clock, 'pipeline:read')
  await store.seen(testScope({ clock }), 'w')
  expect(await shown()).toEqual([{ id: 'w', state: 'IDLE', currentRuns: [], seenAt: '2026-01-31T10:00:00Z' }])
  await store.enqueue(testScope({ clock }), newRun('a'), { worker: 'w', leaseMs: 1_000 })
  clock.advance(14_999)
  expect(await shown()).toMatchObject([{ id: 'w', state: 'BUSY', currentRuns: ['a'] }])
  clock.advance(1)
  expect(await shown()).toMatchObject([{ id: 'w', state: 'GONE' }])
})

test('D-95 D-111 queue and workers are of all applications, and shown to who may read all', async () => {
  for (const field of ['queue', 'workers'] as const) {
    for (const scope of ['pipeline:read@shop', 'role:admin@shop']) await expect(ask(field, new MovedClock(), scope)).rejects.toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('"pipeline:read" for all applications') })
    await expect(ask(field, new MovedClock(), 'pipeline:run')).rejects.toMatchObject({ code: 'FORBIDDEN' })
  }
})
