import { openSqliteAlertStore } from '../../../connectors/alert-store/index.ts'
import type { AlertStore, NewAlertRule } from '../../../connectors/ports/alert-store.ts'
import type { Notice } from '../../../connectors/ports/notifier.ts'
import type { EndedState, NewRun, RunStore } from '../../../connectors/ports/run-store.ts'
import { openSqliteRunStore } from '../../../connectors/run-store/index.ts'
import { watchAlerts } from '../../../subgraphs/pipelines/alerts/watch.ts'
import { Teller } from '../../../subgraphs/pipelines/notify/teller.ts'
import { jobIn } from '../../support/pipelines.ts'
import { MovedClock, type TestScope, testScope } from '../../support/scope.ts'

/** A clock that knows how many have waited by it. */
class CountingClock extends MovedClock {
  waits = 0

  override after(delayMs: number, work: () => void): () => void {
    this.waits += 1
    return super.after(delayMs, work)
  }
}

let store: RunStore
let alerts: AlertStore
let clock: CountingClock
let heard: Notice[]
let raised: string[]
beforeEach(async () => {
  store = await openSqliteRunStore({ file: ':memory:' })
  alerts = await openSqliteAlertStore({ file: ':memory:' })
  clock = new CountingClock(Date.UTC(2026, 0, 31, 10))
  heard = []
  raised = []
})
afterEach(async () => {
  await store.close()
  await alerts.close()
})

const minuteMs = 60_000
const own = (tenant = 'test') => testScope({ tenant, clock })
const jobXml = '<jobPipeline id="nightly" version="1.0"><pipelines><pipelineRef id="orders"/><pipelineRef id="export"/></pipelines><notifications><webhook url="https://reader.example/job" on="sla_breach"/><email to="ops@example.org" on="sla_breach"/></notifications></jobPipeline>'
const missing = { email: ['pipelines.smtpUrl'], webhook: [] }

/** Hubs of one store. `look` moves the clock a second beyond, so that all of them have looked at what was until then. */
async function hubs(count = 1) {
  const notifier = { send: async (_: unknown, notice: Notice) => void heard.push(notice) }
  const scopes: TestScope[] = []
  const ends: Promise<void>[] = []
  const settle = async (from: number) => {
    while (clock.waits < from + count) await new Promise(setImmediate)
    for (const scope of scopes) await scope.settled()
  }
  const from = clock.waits
  for (let nth = 0; nth < count; nth++) {
    const scope = testScope({ clock, deadlineMs: Number.MAX_SAFE_INTEGER })
    scopes.push(scope)
    ends.push(watchAlerts({
      store, alerts, scope, registry: { jobs: async () => [{ application: 'shop', id: 'nightly', file: 'nightly.xml', xml: jobXml, document: jobIn(jobXml), findings: [] }] },
      teller: new Teller({ notifier, missing, consoleUrl: 'https://hub.example', kept: alerts, delivery: { attempts: 1, firstDelayMs: 1 } }),
      raised: ({ kind, application }) => raised.push(`${kind} ${application}`),
    }))
  }
  await settle(from)
  return {
    scopes,
    async look(ms = 1_000) {
      clock.advance(ms - 1)
      const before = clock.waits
      clock.advance(1_001)
      await settle(before)
    },
    async stop() {
      for (const scope of scopes) scope.abort()
      await Promise.all(ends)
    },
  }
}

const put = (more: Partial<NewAlertRule> = {}, tenant = 'test') => alerts.putRule(own(tenant), { application: 'shop', name: 'slow', kind: 'SLA_BREACH', quietMs: 60 * minuteMs, targets: [{ kind: 'webhook', target: 'https://reader.example/rule' }], ...more })
const enqueue = (runId: string, more: Partial<NewRun> = {}, tenant = 'test') => store.enqueue(own(tenant), { runId, kind: 'pipeline', application: 'shop', subject: 'orders', version: '1', trigger: 'MANUAL', parameters: {}, allowConcurrent: true, slaAtMs: clock.now() + 10 * minuteMs, ...more })
const finish = async (state: EndedState, message?: string) => {
  const run = await store.claim(own(), { worker: 'w', leaseMs: 1000 })
  if (!run) throw new Error('No run waits.')
  await store.finish({ ...own(), tenant: run.tenant }, run, { state, rowsRead: 0, rowsWritten: 0, rowsRejected: 0, record: null, ...(message !== undefined && { message, category: 'SOURCE' }) })
}
const bodies = () => heard.map(notice => (notice.kind === 'webhook' ? notice.body : notice.subject))

test('D-107 a breach is told when the time runs out, while the run still waits, and once', async () => {
  await put()
  const one = await hubs()
  await enqueue('r1')
  await one.look(10 * minuteMs - 2_000)
  expect(heard).toEqual([])
  await one.look(2_000)
  expect(heard).toEqual([{
    kind: 'webhook', id: expect.stringMatching(/^[0-9a-f-]{36}\.[0-9a-f]{12}$/), url: 'https://reader.example/rule',
    body: {
      event: 'sla_breach', alert_id: expect.any(String), rule: 'slow', application: 'shop', run_id: 'r1', pipeline: 'orders', link: 'https://hub.example/runs/r1',
      message: 'Pipeline "orders" takes longer than it may: its time was over at 2026-01-31T10:10:00Z, and the run "r1" is QUEUED.',
    },
  }])
  await one.look(5 * minuteMs)
  await finish('SUCCEEDED')
  await one.look(10 * minuteMs)
  expect([heard.length, raised]).toEqual([1, ['SLA_BREACH shop']])
  await one.stop()
})

test('D-107 a run that ends in time raises nothing, nor does one that was cancelled before', async () => {
  await put()
  const one = await hubs()
  await enqueue('r1')
  await enqueue('r2')
  await one.look(5 * minuteMs)
  await finish('FAILED')
  await store.cancel(own(), 'r2')
  await one.look(10 * minuteMs)
  expect(await alerts.alerts(own(), {}, 10)).toEqual([])
  await one.stop()
})

test('D-107 of several hubs over one store one tells', async () => {
  await put()
  const three = await hubs(3)
  await enqueue('r1')
  await enqueue('j1', { kind: 'job', subject: 'nightly' })
  await three.look(10 * minuteMs)
  expect(heard.map(notice => notice.kind === 'webhook' && notice.url).toSorted()).toEqual(['https://reader.example/job', 'https://reader.example/rule', 'https://reader.example/rule'])
  expect(raised).toHaveLength(2)
  await three.stop()
})

test('D-107 what ran out while no hub was there is told by the next, also where the run has ended since', async () => {
  await put({ quietMs: 0 })
  await enqueue('late')
  await enqueue('waits')
  await enqueue('old', { slaAtMs: clock.now() + 1 })
  clock.advance(11 * minuteMs)
  await finish('FAILED')
  clock.advance(23.9 * 60 * minuteMs)
  const one = await hubs()
  expect(bodies()).toMatchObject([{ run_id: 'late', message: 'Pipeline "orders" took longer than it may: its time was over at 2026-01-31T10:10:00Z, and the run "late" ended as FAILED at 2026-01-31T10:11:00Z.' }, { run_id: 'waits' }])
  await one.stop()
  const two = await hubs()
  expect(heard).toHaveLength(2)
  await two.stop()
})

test('D-107 breaches of one pipeline are one alert until its quiet time is over, those of another are another', async () => {
  await put()
  const one = await hubs()
  await enqueue('r1')
  await enqueue('r2', { slaAtMs: clock.now() + 20 * minuteMs })
  await enqueue('r3', { slaAtMs: clock.now() + 70 * minuteMs })
  await enqueue('e1', { subject: 'export', slaAtMs: clock.now() + 20 * minuteMs })
  await one.look(71 * minuteMs)
  expect(bodies()).toMatchObject([{ run_id: 'r1' }, { pipeline: 'export' }, { run_id: 'r3' }])
  expect((await alerts.alerts(own(), { subject: { kind: 'pipeline', id: 'orders' } }, 10)).map(({ count, runId }) => [runId, count]).toSorted()).toEqual([['r2', 2], ['r3', 1]])
  await one.stop()
})

test('D-107 a rule tells of its own pipeline or job, application and tenant alone, and of nothing before it was declared', async () => {
  const one = await hubs()
  await enqueue('before', { slaAtMs: clock.now() + minuteMs })
  await one.look(2 * minuteMs)
  await put({ name: 'export', subject: { kind: 'pipeline', id: 'export' } })
  await put({ name: 'bank', application: 'bank' })
  await put({ name: 'others' }, 'other')
  await put({ name: 'job', subject: { kind: 'job', id: 'nightly' } })
  await put({ name: 'failures', kind: 'REPEATED_FAILURE', failures: 1 })
  await enqueue('r1')
  await enqueue('r2', { subject: 'export' })
  await one.look(20 * minuteMs)
  expect(bodies()).toMatchObject([{ rule: 'export', run_id: 'r2' }])
  await one.stop()
  const again = await hubs()
  expect(heard).toHaveLength(1)
  await again.stop()
})

test('D-86 D-107 of a job whose pipelines take too long the one is told whom its document names, and its rules, by the ways that are set up', async () => {
  await put({ subject: { kind: 'job', id: 'nightly' } })
  const one = await hubs()
  await store.enqueue(own(), { runId: 'j1', kind: 'job', application: 'shop', subject: 'nightly', version: '1', trigger: 'MANUAL', parameters: {} }, { worker: 'w', leaseMs: 10 * 60 * minuteMs })
  await enqueue('r1', { jobRunId: 'j1', trigger: 'JOB' })
  await enqueue('r2', { jobRunId: 'j1', trigger: 'JOB', subject: 'export' })
  await one.look(10 * minuteMs)
  expect(bodies()).toMatchObject([
    { event: 'sla_breach', job: 'nightly', run_id: 'j1', rule: 'slow', message: 'Job "nightly" takes longer than it may: the time of its pipeline "orders" was over at 2026-01-31T10:10:00Z, and the run "j1" is RUNNING.' },
    { event: 'sla_breach', job: 'nightly', run_id: 'j1', state: 'RUNNING', duration_ms: expect.any(Number), pipeline: 'orders', link: 'https://hub.example/runs/j1' },
  ])
  expect(heard).toHaveLength(2)
  await one.stop()
})

/** Runs that end one behind the other, a minute each. */
async function ends(one: { look(ms?: number): Promise<void> }, ...states: readonly EndedState[]) {
  for (const state of states) {
    await enqueue(crypto.randomUUID(), { slaAtMs: undefined })
    await finish(state, state === 'FAILED' ? 'No file matches "in.csv".' : undefined)
    await one.look(minuteMs)
  }
}
const counts = async () => (await alerts.alerts(own(), {}, 100)).map(({ count }) => count)

test('D-107 so many failures in a row are one alert, which counts those behind it; one that succeeds begins anew', async () => {
  await put({ kind: 'REPEATED_FAILURE', failures: 3 })
  const one = await hubs()
  await ends(one, 'FAILED', 'FAILED', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'FAILED')
  expect(heard).toEqual([])
  await ends(one, 'FAILED')
  expect(bodies()).toMatchObject([{ event: 'repeated_failure', rule: 'slow', pipeline: 'orders', message: expect.stringMatching(/^Pipeline "orders" failed 3 times in a row; why the run "[0-9a-f-]{36}" did: No file matches "in\.csv"\.$/) }])
  await ends(one, 'FAILED', 'FAILED')
  expect([heard.length, await counts()]).toEqual([1, [3]])
  await ends(one, 'SKIPPED_NO_DATA', 'FAILED', 'FAILED')
  expect(heard).toHaveLength(1)
  await ends(one, 'FAILED', 'FAILED')
  expect([heard.length, await counts(), raised]).toEqual([2, [2, 3], ['REPEATED_FAILURE shop', 'REPEATED_FAILURE shop']])
  await one.stop()
})

test('D-107 what goes on failing is told again once the quiet time is over', async () => {
  await put({ kind: 'REPEATED_FAILURE', failures: 1, quietMs: 10 * minuteMs })
  const one = await hubs()
  for (let nth = 0; nth < 4; nth++) await ends(one, 'FAILED', 'FAILED', 'FAILED', 'FAILED', 'FAILED')
  expect([heard.length, (await counts()).reduce((total, count) => total + count)]).toEqual([2, 20])
  await one.stop()
})

test('D-107 failures in a row are those of one pipeline or job of an application, and of several hubs one tells of them, also afterwards', async () => {
  await put({ kind: 'REPEATED_FAILURE', failures: 2 })
  await put({ name: 'job', kind: 'REPEATED_FAILURE', failures: 2, subject: { kind: 'job', id: 'nightly' } })
  for (const [runId, more] of [['o1', {}], ['e1', { subject: 'export' }], ['j1', { kind: 'job', subject: 'nightly' }], ['b1', { application: 'bank' }], ['j2', { kind: 'job', subject: 'nightly' }], ['b2', { application: 'bank' }]] as const) {
    await enqueue(runId, { slaAtMs: undefined, ...more })
    clock.advance(minuteMs)
    await finish('FAILED', 'It is down.')
  }
  clock.advance(60 * minuteMs)
  const two = await hubs(2)
  const told = bodies() as readonly Readonly<Record<string, unknown>>[]
  expect(told.map(body => [body['rule'], body['job'], body['run_id']]).toSorted()).toEqual([['job', 'nightly', 'j2'], ['slow', 'nightly', 'j2']])
  await two.stop()
})

test('a store that does not answer is told of once a look, and is looked at again', async () => {
  await put()
  const one = await hubs()
  await enqueue('r1')
  const { breaches } = store
  store.breaches = () => Promise.reject(new Error('The disk is full.'))
  await one.look(10 * minuteMs)
  expect(heard).toEqual([])
  expect(one.scopes[0]?.entries).toContainEqual(expect.objectContaining({ level: 'warn', message: 'Whether there is something to alert of could not be looked at.' }))
  store.breaches = breaches
  await one.look()
  expect(heard).toHaveLength(1)
  await one.stop()
})

test('D-22 D-107 an export that fails or takes long raises nothing, and counts among the failures of no pipeline of its name', async () => {
  await put()
  await put({ name: 'failing', kind: 'REPEATED_FAILURE', failures: 1 })
  const one = await hubs()
  await enqueue('e1', { kind: 'export' })
  await one.look(11 * minuteMs)
  await finish('FAILED', 'It is gone.')
  await one.look(minuteMs)
  expect([raised, heard]).toEqual([[], []])
  await enqueue('r1')
  await finish('FAILED', 'It is gone.')
  await one.look(minuteMs)
  expect(raised).toEqual(['REPEATED_FAILURE shop'])
  expect(bodies()).toEqual([expect.objectContaining({ run_id: 'r1', message: expect.stringContaining('failed once') })])
  await one.stop()
})
