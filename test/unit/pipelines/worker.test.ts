import type { RunStore } from '../../../connectors/ports/run-store.ts'
import { openSqliteRunStore } from '../../../connectors/run-store/index.ts'
import type { Registry } from '../../../subgraphs/pipelines/registry.ts'
import type { JobRecord } from '../../../subgraphs/pipelines/run/job-record.ts'
import { leaseMs } from '../../../subgraphs/pipelines/run/kept.ts'
import type { RunParts } from '../../../subgraphs/pipelines/run/parts.ts'
import { Worker, type WorkerOptions } from '../../../subgraphs/pipelines/run/worker.ts'
import { toldRun } from '../../../subgraphs/pipelines/notify/told-run.ts'
import { eventually } from '../../support/eventually.ts'
import { RunWorld } from '../../support/pipeline-runs.ts'
import { jobIn, pipelineIn } from '../../support/pipelines.ts'
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

const pipelineXml = (id: string) => `<pipeline id="${id}" version="1.0" layer="service"><metadata><owner>o</owner></metadata><parameters><parameter name="day" type="date" default="2026-01-31"/></parameters><sources><csv id="c" path="in.csv"/></sources><targets><csv path="out/${id}" mode="append"/></targets></pipeline>`
const notified = (on: string) => `<webhook url="https://ops.example/hook" on="${on}"/>`
const jobXml = `<jobPipeline id="nightly" version="1.0"><parameters><parameter name="day" type="date" default="2026-01-30"/></parameters><pipelines><pipelineRef id="a"/><pipelineRef id="b" dependsOn="a"/></pipelines><notifications>${['start', 'success', 'failure', 'completion'].map(notified).join('')}</notifications></jobPipeline>`
const filed = { application: 'shop', findings: [] }
const registryOver = (parts: RunParts, xml = jobXml): Registry => ({
  pipelines: async () => ['a', 'b'].map(id => ({ ...filed, id, file: `${id}.xml`, xml: pipelineXml(id), document: pipelineIn(pipelineXml(id)) })),
  jobs: async () => [{ ...filed, id: 'nightly', file: 'nightly.xml', xml, document: jobIn(xml) }],
  partsOf: async () => parts,
})
const newPipeline = (runId: string, subject = 'b') => ({ runId, kind: 'pipeline', application: 'shop', subject, version: '1.0.0', trigger: 'MANUAL', parameters: {} } as const)
const newJob = (runId = 'job') => ({ ...newPipeline(runId, 'nightly'), kind: 'job' } as const)

/** Who hears of jobs and of runs of pipelines that ended. */
const heard: string[] = []
const metered: string[] = []
beforeEach(() => {
  heard.length = 0
  metered.length = 0
})

function worker({ registry = registryOver(world.parts), own = scope, ...more }: Partial<WorkerOptions> & { readonly own?: typeof scope } = {}): Worker {
  const delivery = { attempts: 1, firstDelayMs: 1, onDead: async () => {} }
  const notifier = { send: async (_: unknown, notice: { readonly kind: string; readonly body?: unknown }) => void heard.push(String((notice.body as { event: string }).event)), close: async () => {} }
  return new Worker({
    store, registry, check: async () => [], name: 'w', slots: 1, environment: 'TEST', ended: ({ subject }, { state }) => metered.push(`${subject} ${state}`),
    told: (given, order, run) => toldRun(given, order, { notifier: notifier as never, delivery }, run), scopeOf: (_, tenant, signal) => ({ ...own, tenant, signal }), ...more,
  })
}

/** A registry one pipeline of which finds its files when it is let. */
function holding(id: string) {
  const begun = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  const objects: RunParts['objects'] = { ...world.parts.objects, async find(...given) {
    begun.resolve()
    await held.promise
    return world.parts.objects.find(...given)
  } }
  const registry: Registry = { ...registryOver(world.parts), partsOf: async definition => (definition.id === id ? { ...world.parts, objects } : world.parts) }
  return { registry, begun: begun.promise, release: () => held.resolve() }
}

const hasEnded = async (runId: string) => (await store.run(scope, runId))?.endedAtMs !== undefined
const steps = async (runId = 'job') => ((await store.run(scope, runId))?.record as Partial<JobRecord> | null)?.steps?.map(({ pipelineId, state, attempts, runIds }) => [pipelineId, state, attempts, runIds.length])
const runsOf = async (jobRunId = 'job') => (await store.runs(scope, { jobRunId }, 10)).map(({ subject, trigger, state }) => `${subject} ${trigger} ${state}`).sort()

test('D-95 D-101 a hub that stops leaves its run to the next worker, which begins it again', async () => {
  const { registry, begun, release } = holding('a')
  const first = worker({ registry })
  await store.enqueue(scope, newPipeline('r', 'a'))
  first.wake()
  await begun
  const closing = first.close()
  release()
  await closing
  expect(await store.run(scope, 'r')).toMatchObject({ state: 'RUNNING', attempt: 1 })
  expect(await world.paths('out/**')).toEqual([])

  clock.advance(leaseMs)
  const second = worker()
  second.wake()
  await eventually('the run ends', () => hasEnded('r'))
  expect(await store.run(scope, 'r')).toMatchObject({ state: 'SUCCEEDED', attempt: 2, rowsWritten: 1 })
  await second.close()
})

test('D-95 a worker tells every five seconds that it is there, while it runs and while it waits', async () => {
  const seenAt = async () => (await store.workers(scope)).map(({ worker: name, seenAtMs, runIds }) => [name, seenAtMs - begunAtMs, runIds])
  const begunAtMs = clock.now()
  const { registry, begun, release } = holding('a')
  const own = worker({ registry })
  await store.enqueue(scope, newPipeline('r', 'a'))
  own.wake()
  await begun
  expect(await seenAt()).toEqual([['w', 0, ['r']]])
  const past = async (seconds: number, what: unknown) => eventually(`it is seen as ${JSON.stringify(what)}`, async () => {
    if (clock.now() - begunAtMs < seconds * 1_000) clock.advance(1_000)
    return JSON.stringify(await seenAt()) === JSON.stringify(what)
  })
  await past(4, [['w', 0, ['r']]])
  await past(5, [['w', 5_000, ['r']]])
  release()
  await eventually('the run ends', () => hasEnded('r'))
  await past(10, [['w', 10_000, []]])
  await own.close()
})

test('D-10 D-82 D-101 a job runs in one slot, its pipelines as runs of their own, which alone are metered', async () => {
  await store.enqueue(scope, newJob())
  const own = worker()
  own.wake()
  await eventually('the job ends', () => hasEnded('job'))
  await own.close()
  expect(await store.run(scope, 'job')).toMatchObject({ state: 'SUCCEEDED', version: '1.0.0', rowsRead: 2, rowsWritten: 2 })
  expect([await steps(), await runsOf(), metered]).toEqual([[['a', 'SUCCEEDED', 1, 1], ['b', 'SUCCEEDED', 1, 1]], ['a JOB SUCCEEDED', 'b JOB SUCCEEDED'], ['a SUCCEEDED', 'b SUCCEEDED']])
  await scope.settled()
  expect(heard).toEqual(['start', 'success', 'completion'])
})

test.each([
  ['having told all', {}],
  ['having told nothing', { renew: async () => 'GO_ON' }],
  ['having begun a pipeline late', { enqueue: (...[given, run, held]: Parameters<RunStore['enqueue']>) => store.enqueue(given, run, held && { ...held, leaseMs: 4 * leaseMs }) }],
] as readonly (readonly [string, Partial<RunStore>])[])('D-10 D-95 the job of a worker that died, %s, goes on with another: what had succeeded is not run again, what was under way is, once', async (_, wrapped) => {
  const { registry, begun, release } = holding('b')
  const dead = worker({ store: { ...store, ...wrapped }, registry, own: testScope({ clock: new MovedClock(clock.now()), deadlineMs: Number.MAX_SAFE_INTEGER }) })
  await store.enqueue(scope, newJob())
  dead.wake()
  await begun
  expect(await runsOf()).toEqual(['a JOB SUCCEEDED', 'b JOB RUNNING'])

  const next = worker({ name: 'next' })
  for (let second = 0; second < 4 * leaseMs / 1000 + 2; second++) {
    clock.advance(1_000)
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
  }
  await eventually('the job ends', async () => {
    clock.advance(1_000)
    return hasEnded('job')
  })
  expect(await store.run(scope, 'job')).toMatchObject({ state: 'SUCCEEDED', attempt: 2, rowsWritten: 2 })
  expect([await steps(), await runsOf()]).toEqual([[['a', 'SUCCEEDED', 1, 1], ['b', 'SUCCEEDED', 1, 2]], ['a JOB SUCCEEDED', 'b JOB FAILED', 'b JOB SUCCEEDED']])
  release()
  await dead.close()
  await next.close()
  expect((await world.paths('out/**')).length).toBe(2)
})

test('D-10 a hub that stops leaves its job to the next worker, and tells neither its end nor its start twice', async () => {
  const { registry, begun, release } = holding('b')
  const first = worker({ registry })
  await store.enqueue(scope, newJob())
  first.wake()
  await begun
  const closing = first.close()
  release()
  await closing
  await scope.settled()
  expect([(await store.run(scope, 'job'))?.state, await runsOf(), heard]).toEqual(['RUNNING', ['a JOB SUCCEEDED', 'b JOB CANCELLED'], ['start']])

  clock.advance(leaseMs)
  const second = worker()
  second.wake()
  await eventually('the job ends', () => hasEnded('job'))
  await second.close()
  await scope.settled()
  expect([await steps(), await runsOf(), heard]).toEqual([[['a', 'SUCCEEDED', 1, 1], ['b', 'SUCCEEDED', 1, 2]], ['a JOB SUCCEEDED', 'b JOB CANCELLED', 'b JOB SUCCEEDED'], ['start', 'success', 'completion']])
})

test('D-10 a job that is asked to stop cancels what runs of it', async () => {
  const { registry, begun, release } = holding('a')
  await store.enqueue(scope, newJob())
  const own = worker({ registry })
  own.wake()
  await begun
  await store.cancel(scope, 'job')
  clock.advance(leaseMs / 3)
  await eventually('it was told to stop', async () => {
    release()
    return hasEnded('job')
  })
  await own.close()
  await scope.settled()
  expect([(await store.run(scope, 'job'))?.state, await runsOf(), heard, metered]).toEqual(['CANCELLED', ['a JOB CANCELLED'], ['start', 'completion'], ['a CANCELLED']])
})

test('D-87 a job whose document has other parameters by now has failed, and whom it names is told', async () => {
  await store.enqueue(scope, { ...newJob(), parameters: { region: 'eu' } })
  const own = worker()
  own.wake()
  await eventually('the job ends', () => hasEnded('job'))
  await own.close()
  await scope.settled()
  expect(await store.run(scope, 'job')).toMatchObject({ state: 'FAILED', category: 'CONFIG', message: expect.stringContaining('There is no parameter "region".') })
  expect([await runsOf(), heard]).toEqual([[], ['start', 'failure', 'completion']])
})

test('D-78 a job that is no more, and one whose document has mistakes by now, has failed', async () => {
  const without = worker({ registry: { ...registryOver(world.parts), jobs: async () => [] } })
  await store.enqueue(scope, newJob())
  without.wake()
  await eventually('the job ends', () => hasEnded('job'))
  await without.close()
  expect(await store.run(scope, 'job')).toMatchObject({ state: 'FAILED', category: 'CONFIG', message: 'There is no job "nightly" in "shop" any more.' })
})

test('D-10 a pipeline that has another run under way fails in the job, which would else wait for a slot of its own; of two runs of one job at the same time, both run', async () => {
  const waiting = { ...newPipeline('other', 'a'), notBeforeMs: clock.now() + 1_000_000 }
  await store.enqueue(scope, waiting)
  await store.enqueue(scope, newJob())
  const own = worker({ slots: 2 })
  own.wake()
  await eventually('the job ends', () => hasEnded('job'))
  expect(await store.run(scope, 'job')).toMatchObject({ state: 'FAILED', message: expect.stringContaining('The pipeline "a" of "shop" has the run "other" already, which is QUEUED.') })
  await store.cancel(scope, 'other')

  const { registry, begun, release } = holding('a')
  const slow = worker({ registry, slots: 2 })
  await own.close()
  await store.enqueue(scope, newJob('one'))
  await store.enqueue(scope, { ...newJob('two'), allowConcurrent: true })
  slow.wake()
  await begun
  await eventually('both have begun', async () => (await store.runs(scope, { subject: 'a', states: ['RUNNING'] }, 10)).length === 2)
  release()
  await eventually('both end', async () => (await hasEnded('one')) && hasEnded('two'))
  await slow.close()
  expect([(await store.run(scope, 'one'))?.state, (await store.run(scope, 'two'))?.state]).toEqual(['SUCCEEDED', 'SUCCEEDED'])
})
