import type { RunStore } from '../../../connectors/ports/run-store.ts'
import { openSqliteRunStore } from '../../../connectors/run-store/index.ts'
import { keptJob } from '../../../subgraphs/pipelines/run/kept-job.ts'
import { leaseMs } from '../../../subgraphs/pipelines/run/kept.ts'
import type { JobOrder, JobParts } from '../../../subgraphs/pipelines/run/job-order.ts'
import { eventually } from '../../support/eventually.ts'
import { jobIn } from '../../support/pipelines.ts'
import { testScope } from '../../support/scope.ts'

let store: RunStore
beforeEach(async () => {
  store = await openSqliteRunStore({ file: ':memory:' })
})
afterEach(() => store.close())

const document = jobIn('<jobPipeline id="nightly" version="1.0"><pipelines><pipelineRef id="a"/><pipelineRef id="b" dependsOn="a"/></pipelines></jobPipeline>')
const order: JobOrder = { document, runId: 'job-1', application: 'shop', environment: 'TEST', parameters: {} }
const pipelines = new Map(['a', 'b'].map(id => [id, { parameters: [] }]))
const begin = (scope = testScope()) => store.enqueue(scope, { runId: 'job-1', kind: 'job', application: 'shop', subject: 'nightly', version: '1.0.0', trigger: 'MANUAL', parameters: {} }, { worker: 'w', leaseMs })

test('D-101 a job is stored as it ended, with its pipelines and what they read and wrote', async () => {
  const scope = testScope()
  const parts: JobParts = { pipelines, runPipeline: async (_, { pipelineId }) => (pipelineId === 'a' ? { state: 'SUCCEEDED', rowsRead: 3, rowsWritten: 2, rowsRejected: 1 } : { state: 'FAILED', rowsRead: 1, rowsWritten: 0, rowsRejected: 0, error: { category: 'TARGET', message: 'The disk is full.' } }) }
  await keptJob(scope, await begin(scope), order, parts, store)
  expect(await store.run(scope, 'job-1')).toMatchObject({
    state: 'FAILED', category: 'TARGET', message: 'Pipeline "b" failed: The disk is full.', rowsRead: 4, rowsWritten: 2, rowsRejected: 1, record: { jobId: 'nightly', steps: [{ pipelineId: 'a', state: 'SUCCEEDED' }, { pipelineId: 'b', state: 'FAILED' }] },
  })
})

test('D-10 a job that was asked to stop by the store cancels what runs, and can be seen to be under way before', async () => {
  const scope = testScope()
  const held = await begin(scope)
  const begun = Promise.withResolvers<void>()
  const renewed: unknown[] = []
  const watched: RunStore = { ...store, renew: (...given) => {
    renewed.push(given[3].record)
    return store.renew(...given)
  } }
  const parts: JobParts = {
    pipelines,
    runPipeline: ({ signal }) => new Promise(ended => {
      signal.addEventListener('abort', () => ended({ state: 'CANCELLED', rowsRead: 0, rowsWritten: 0, rowsRejected: 0 }))
      begun.resolve()
    }),
  }
  const running = keptJob(scope, held, order, parts, watched)
  await begun.promise
  await store.cancel(scope, 'job-1')
  scope.clock.advance(leaseMs / 3)
  const record = await running
  expect([record.state, record.steps.map(({ state }) => state)]).toEqual(['CANCELLED', ['CANCELLED', 'CANCELLED']])
  expect(await store.run(scope, 'job-1')).toMatchObject({ state: 'CANCELLED' })
  expect(renewed).toMatchObject([{ steps: [{ pipelineId: 'a', state: 'RUNNING' }, { pipelineId: 'b', state: 'PENDING' }] }])
})

test('D-109 what a job tells just behind something else can be seen half a second later', async () => {
  const scope = testScope()
  const held = await begin(scope)
  const ending = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  const parts: JobParts = {
    pipelines,
    async runPipeline(_, { pipelineId }) {
      if (pipelineId === 'b') {
        begun.resolve()
        await ending.promise
      }
      return { state: 'SUCCEEDED', rowsRead: 0, rowsWritten: 0, rowsRejected: 0 }
    },
  }
  const running = keptJob(scope, held, order, parts, store)
  await begun.promise
  expect((await store.run(scope, 'job-1'))?.record).toBeNull()
  scope.clock.advance(500)
  await eventually('it is stored', async () => (await store.run(scope, 'job-1'))?.record !== null)
  expect((await store.run(scope, 'job-1'))?.record).toMatchObject({ steps: [{ pipelineId: 'a', state: 'SUCCEEDED' }, { pipelineId: 'b', state: 'RUNNING' }] })
  ending.resolve()
  await running
})
