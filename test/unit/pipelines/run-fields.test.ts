import { openSqliteRunStore } from '../../../connectors/run-store/index.ts'
import type { RunStore } from '../../../connectors/ports/run-store.ts'
import type { Caller } from '../../../connectors/ports/scope.ts'
import { sealer } from '../../../resolvers/cursor.ts'
import { jobRunFields } from '../../../subgraphs/pipelines/job-run-fields.ts'
import { runFields, type RunRoles } from '../../../subgraphs/pipelines/run-fields.ts'
import { jobIn, pipelineIn } from '../../support/pipelines.ts'
import { testScope } from '../../support/scope.ts'

const xml = '<pipeline id="p" version="1.0" layer="service"><metadata><owner>o</owner></metadata><parameters><parameter name="day" default="x"/></parameters><sources><csv id="c" path="in.csv"/></sources><targets><csv path="out"/></targets></pipeline>'
const definition = { application: 'shop', id: 'p', file: 'p.xml', xml, findings: [], document: pipelineIn(xml) }
const jobXml = '<jobPipeline id="nightly" version="1.0"><pipelines><pipelineRef id="p"/></pipelines></jobPipeline>'
const job = { application: 'shop', id: 'nightly', file: 'nightly.xml', xml: jobXml, findings: [], document: jobIn(jobXml) }
const caller: Partial<Caller> = { scopes: new Set(['pipeline:run']) }

let store: RunStore
beforeEach(async () => {
  store = await openSqliteRunStore({ file: ':memory:' })
})
afterEach(() => store.close())

function world() {
  const scope = testScope({ caller })
  const roles: RunRoles = { registry: { pipelines: async () => [definition], jobs: async () => [job], partsOf: () => { throw new RangeError('Nothing runs here.') } }, check: async () => [], store, cursors: sealer([{ kid: '1', secret: 'x'.repeat(32) }]), wake: () => undefined }
  const mutations = { ...runFields(roles)?.['Mutation'], ...jobRunFields(roles)?.['Mutation'] }
  const run = mutations['runPipeline'] as (root: unknown, args: object, context: object) => Promise<{ runId: string }>
  const ask = (idempotencyKey: string | undefined, params = {}) => run({}, { app: 'shop', id: 'p', params, allowConcurrent: true, idempotencyKey }, { scope })
  const runJob = mutations['runJob'] as typeof run
  const askJob = (idempotencyKey: string, params = {}) => runJob({}, { app: 'shop', id: 'nightly', params, allowConcurrent: true, idempotencyKey }, { scope })
  return { scope, ask, askJob }
}

test('D-01 a request that is repeated by its key, as the hub died before it answered, puts in no other run', async () => {
  const { scope, ask } = world()
  const { runId } = await ask('file 7', { day: 'a' })
  expect((await ask('file 7', { day: 'a' })).runId).toBe(runId)
  await expect(ask('file 7', { day: 'b' })).rejects.toMatchObject({ code: 'CONFLICT', message: 'The idempotencyKey "file 7" was used for another request within the last day. Give each request its own.' })
  expect((await store.runs(scope, {}, 10)).length).toBe(1)
  await Promise.all([ask('file 8', {}), ask(undefined, {}), ask(undefined, {})])
  expect((await store.runs(scope, {}, 10)).length).toBe(4)
})

test('a key is as good as new after a day', async () => {
  const { scope, ask } = world()
  const { runId } = await ask('nightly')
  scope.clock.advance(25 * 60 * 60 * 1000)
  const next = await ask('nightly')
  expect(next.runId).not.toBe(runId)
  expect((await ask('nightly')).runId).toBe(next.runId)
})

test('D-10 a job that is asked for again by its key is one run, though the hub gives it its date', async () => {
  const { scope, askJob } = world()
  const { runId } = await askJob('tonight')
  scope.clock.advance(1_000)
  expect((await askJob('tonight')).runId).toBe(runId)
  await expect(askJob('tonight', { runDate: '2026-01-01' })).rejects.toMatchObject({ code: 'CONFLICT' })
  const dated = await askJob('of a day', { runDate: '2026-01-01' })
  expect((await askJob('of a day', { runDate: '2026-01-01' })).runId).toBe(dated.runId)
})
