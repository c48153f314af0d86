import type { RunStore } from '../../../connectors/ports/run-store.ts'
import { openSqliteRunStore } from '../../../connectors/run-store/index.ts'
import { leaseMs } from '../../../subgraphs/pipelines/run/kept.ts'
import { keptRun } from '../../../subgraphs/pipelines/run/kept-run.ts'
import type { RunOrder } from '../../../subgraphs/pipelines/run/run.ts'
import { RunWorld } from '../../support/pipeline-runs.ts'
import { pipelineIn } from '../../support/pipelines.ts'
import { testScope } from '../../support/scope.ts'

let world: RunWorld
let store: RunStore

beforeEach(async () => {
  world = await RunWorld.open()
  store = await openSqliteRunStore({ file: ':memory:' })
  await world.file('in.csv', 'n\n1\n')
})

afterEach(async () => {
  await store.close()
  await world.close()
})

const document = pipelineIn('<pipeline id="p" version="1.0" layer="service"><metadata><owner>o</owner></metadata><sources><csv id="c" path="in.csv"/></sources><targets><csv path="out" mode="overwrite"/></targets></pipeline>')
const newRun = { runId: 'r', kind: 'pipeline', application: 'shop', subject: 'p', version: '1.0.0', trigger: 'MANUAL', parameters: {} } as const
const order = (listener?: RunOrder['listener']): RunOrder => ({ document, runId: 'r', application: 'shop', environment: 'TEST', parameters: {}, ...(listener && { listener }) })
const begin = (scope = testScope()) => store.enqueue(scope, newRun, { worker: 'w', leaseMs })

test('D-101 a run is stored as it ended, with its steps and what it read and wrote', async () => {
  const scope = testScope()
  const record = await keptRun(scope, await begin(scope), order(), world.parts, store)
  expect(await store.run(scope, 'r')).toMatchObject({ state: 'SUCCEEDED', rowsRead: 1, rowsWritten: 1, rowsRejected: 0, record: { state: 'SUCCEEDED', steps: [{ id: 'c', state: 'SUCCEEDED' }, { id: 'target-1-csv', rows: 1 }] } })
  expect(record.state).toBe('SUCCEEDED')
  await world.parts.objects.remove(scope, 'in.csv')
  await store.enqueue(scope, { ...newRun, runId: 'r2' }, { worker: 'w', leaseMs })
  await keptRun(scope, { runId: 'r2', attempt: 1 }, { ...order(), document: { ...document, onNoData: 'fail' } }, world.parts, store)
  expect(await store.run(scope, 'r2')).toMatchObject({ state: 'FAILED', category: 'SOURCE', message: 'No file matches "in.csv".' })
})

test('D-101 a run whose pipeline was edited while it waited says which version ran', async () => {
  const scope = testScope()
  await store.enqueue(scope, { ...newRun, version: '0.9.0' })
  const held = await store.claim(scope, { worker: 'w', leaseMs })
  expect(held?.version).toBe('0.9.0')
  await keptRun(scope, { runId: 'r', attempt: 1 }, order(), world.parts, store)
  expect(await store.run(scope, 'r')).toMatchObject({ state: 'SUCCEEDED', version: '1.0.0', record: { version: '1.0.0' } })
})

test('D-10 a run that was asked to stop is cancelled before anything is written', async () => {
  const scope = testScope()
  const held = await begin(scope)
  await store.cancel(scope, 'r')
  const record = await keptRun(scope, held, order(), world.parts, store)
  expect([record.state, record.error?.message, await world.paths('out/*')]).toEqual(['CANCELLED', 'The run was asked to stop.', []])
  expect(await store.run(scope, 'r')).toMatchObject({ state: 'CANCELLED' })
})

test('D-95 D-101 a worker that lost its run writes nothing, and ends nothing', async () => {
  const scope = testScope()
  const held = await begin(scope)
  scope.clock.advance(leaseMs)
  expect(await store.reclaim(scope)).toMatchObject([{ state: 'QUEUED', attempt: 2 }])
  const record = await keptRun(scope, held, order(), world.parts, store)
  expect([record.state, record.error?.message, await world.paths('out/*')]).toEqual(['CANCELLED', expect.stringContaining('The run "r" is not this worker\'s any more'), []])
  expect(await store.run(scope, 'r')).toMatchObject({ state: 'QUEUED', attempt: 2 })
  expect(scope.entries.map(({ message }) => message)).toContain('A run ended that is not this worker\'s any more.')
})

test('a run is kept while it goes on, however long that is', async () => {
  const scope = testScope({ deadlineMs: Number.MAX_SAFE_INTEGER })
  const held = await begin(scope)
  const renewed: string[] = []
  const watched: RunStore = { ...store, async renew(...given) {
    const answer = await store.renew(...given)
    renewed.push(answer)
    return answer
  } }
  const waiting = Promise.withResolvers<void>()
  const parts = { ...world.parts, schemaText: world.parts.schemaText, objects: { ...world.parts.objects, async find(...given: Parameters<typeof world.parts.objects.find>) {
    await waiting.promise
    return world.parts.objects.find(...given)
  } } }
  const running = keptRun(scope, held, order(), parts, watched)
  for (let nth = 0; nth < 10; nth++) {
    const before = renewed.length
    scope.clock.advance(leaseMs / 3)
    while (renewed.length === before) await new Promise(setImmediate)
    await new Promise(setImmediate)
  }
  expect(await store.reclaim(scope)).toEqual([])
  waiting.resolve()
  expect((await running).state).toBe('SUCCEEDED')
  expect(new Set(renewed)).toEqual(new Set(['GO_ON']))
})

test('D-87 a run whose parameters do not fit has ended in the store, and another can begin', async () => {
  const scope = testScope()
  await expect(keptRun(scope, await begin(scope), { ...order(), parameters: { day: '1' } }, world.parts, store)).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
  expect(await store.run(scope, 'r')).toMatchObject({ state: 'FAILED', category: 'CONFIG', message: expect.stringContaining('There is no parameter "day".') })
})
