import type { RunStore } from '../../../connectors/ports/run-store.ts'
import { openSqliteRunStore } from '../../../connectors/run-store/index.ts'
import type { Definition } from '../../../subgraphs/pipelines/registry.ts'
import { leaseMs } from '../../../subgraphs/pipelines/run/kept.ts'
import { Worker } from '../../../subgraphs/pipelines/run/worker.ts'
import { eventually } from '../../support/eventually.ts'
import { RunWorld } from '../../support/pipeline-runs.ts'
import { pipelineIn } from '../../support/pipelines.ts'
import { MovedClock, testScope } from '../../support/scope.ts'

let world: RunWorld
let store: RunStore
let clock: MovedClock
let scope: ReturnType<typeof testScope>

beforeEach(async () => {
  world = await RunWorld.open()
  store = await openSqliteRunStore({ file: ':memory:' })
  clock = new MovedClock(Date.UTC(2026, 0, 31, 10))
  scope = testScope({ clock, deadlineMs: Number.MAX_SAFE_INTEGER })
  await world.file('in.csv', 'n\n1\n')
})
afterEach(async () => {
  await store.close()
  await world.close()
})

const xml = '<pipeline id="p" version="1.0" layer="service"><metadata><owner>o</owner></metadata><sources><csv id="c" path="in.csv"/></sources><targets><csv path="out" mode="overwrite"/></targets></pipeline>'
const definition: Definition = { application: 'shop', id: 'p', file: 'p.xml', xml, document: pipelineIn(xml), findings: [] }

test('D-95 D-101 a hub that stops leaves its run to the next worker, which begins it again', async () => {
  const begun = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  const parts = { ...world.parts, objects: { ...world.parts.objects, async find(...given: Parameters<typeof world.parts.objects.find>) {
    begun.resolve()
    await held.promise
    return world.parts.objects.find(...given)
  } } }
  const worker = () => new Worker({ store, registry: { pipelines: async () => [definition], partsOf: async () => parts }, name: 'w', slots: 1, environment: 'TEST', ended: () => {}, scopeOf: (_, tenant, signal) => ({ ...scope, tenant, signal }) })
  const first = worker()
  await store.enqueue(scope, { runId: 'r', kind: 'pipeline', application: 'shop', subject: 'p', version: '1.0.0', trigger: 'MANUAL', parameters: {} })
  first.wake()
  await begun.promise
  const closing = first.close()
  held.resolve()
  await closing
  expect(await store.run(scope, 'r')).toMatchObject({ state: 'RUNNING', attempt: 1 })
  expect(await world.paths('out/*')).toEqual([])

  clock.advance(leaseMs)
  const second = worker()
  second.wake()
  await eventually('the run ends', async () => (await store.run(scope, 'r'))?.endedAtMs !== undefined)
  expect(await store.run(scope, 'r')).toMatchObject({ state: 'SUCCEEDED', attempt: 2, rowsWritten: 1 })
  await second.close()
})
