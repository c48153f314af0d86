import type { RunStore } from '../../../connectors/ports/run-store.ts'
import { openSqliteRunStore } from '../../../connectors/run-store/index.ts'
import type { Definition, JobDefinition, Registry } from '../../../subgraphs/pipelines/registry.ts'
import { lastMoment, nextMoments, schedule } from '../../../subgraphs/pipelines/run/scheduler.ts'
import { jobIn, pipelineIn } from '../../support/pipelines.ts'
import { MovedClock, type TestScope, testScope } from '../../support/scope.ts'

let store: RunStore
let clock: MovedClock
beforeEach(async () => {
  store = await openSqliteRunStore({ file: ':memory:' })
  clock = new MovedClock(Date.UTC(2026, 0, 31, 10, 20, 30))
})
afterEach(() => store.close())

const definition = (cron: string): Definition => {
  const xml = `<pipeline id="p" version="1.0" layer="service"><metadata><owner>o</owner><sla>PT1H</sla><schedule>${cron}</schedule></metadata><sources><csv id="c" path="c.csv"/></sources><targets><csv path="out"/></targets></pipeline>`
  return { application: 'shop', id: 'p', file: 'p.xml', xml, document: pipelineIn(xml), findings: [] }
}

const jobDefinition = (cron: string): JobDefinition => {
  const xml = `<jobPipeline id="p" version="2.1"><metadata><schedule>${cron}</schedule></metadata><pipelines><pipelineRef id="p"/></pipelines></jobPipeline>`
  return { application: 'shop', id: 'p', file: 'job.xml', xml, document: jobIn(xml), findings: [] }
}

/** A hub's schedules. `look` moves the clock and ends when they were looked at behind that. */
function hub(cron: string, jobCron?: string) {
  let looks = 0
  const scope: TestScope = testScope({ clock, deadlineMs: Number.MAX_SAFE_INTEGER })
  const registry: Registry = {
    pipelines: async () => {
      looks += 1
      return [definition(cron)]
    },
    jobs: async () => (jobCron === undefined ? [] : [jobDefinition(jobCron)]),
    partsOf: () => Promise.reject(new Error('Nothing is run here.')),
  }
  const ended = schedule({ store, registry, scope, wake: () => {} })
  const settle = async (from: number) => {
    while (looks === from) await new Promise(setImmediate)
    for (let nth = 0; nth < 20; nth++) await new Promise(setImmediate)
  }
  return {
    scope,
    began: () => settle(0),
    async look(ms: number) {
      const from = looks
      clock.advance(ms)
      await settle(from)
    },
    async stop() {
      scope.abort()
      await ended
    },
  }
}

const dates = async () => (await store.runs(testScope({ clock }), {}, 100)).map(({ parameters, trigger }) => `${trigger} ${String((parameters as { runDate: string }).runDate)}`).reverse()
const finish = async () => {
  const scope = testScope({ clock })
  for (let run = await store.claim(scope, { worker: 'w', leaseMs: 1000 }); run; run = await store.claim(scope, { worker: 'w', leaseMs: 1000 })) await store.finish(scope, run, { state: 'SUCCEEDED', rowsRead: 0, rowsWritten: 0, rowsRejected: 0, record: null })
}

test('D-10 D-32 a run is put in at each moment of the schedule, with the moment as its date, and none before the first that comes', async () => {
  const one = hub('*/10 * * * *')
  await one.began()
  expect(await dates()).toEqual([])
  await one.look(9 * 60_000 + 29_000)
  expect(await dates()).toEqual([])
  await one.look(1_000)
  expect(await dates()).toEqual(['SCHEDULE 2026-01-31T10:30:00Z'])
  await finish()
  await one.look(10 * 60_000)
  expect(await dates()).toEqual(['SCHEDULE 2026-01-31T10:30:00Z', 'SCHEDULE 2026-01-31T10:40:00Z'])
  expect((await store.runs(testScope({ clock }), {}, 1))[0]).toMatchObject({ version: '1.0.0', layer: 'service', slaAtMs: clock.now() + 3_600_000 })
  await one.stop()
})

test('D-10 D-32 D-87 a job has a schedule of its own, also one called as a pipeline', async () => {
  const one = hub('0 * * * *', '0 11 * * *')
  await one.began()
  await one.look(40 * 60_000)
  const found = await store.runs(testScope({ clock }), {}, 100)
  expect(found.map(({ kind, subject, version, layer, trigger, parameters }) => ({ kind, subject, version, layer, trigger, parameters })).sort((a, b) => a.kind.localeCompare(b.kind))).toEqual([
    { kind: 'job', subject: 'p', version: '2.1.0', layer: undefined, trigger: 'SCHEDULE', parameters: { runDate: '2026-01-31T11:00:00Z' } },
    { kind: 'pipeline', subject: 'p', version: '1.0.0', layer: 'service', trigger: 'SCHEDULE', parameters: { runDate: '2026-01-31T11:00:00Z' } },
  ])
  await finish()
  await one.stop()
  clock.advance(26 * 3_600_000)
  const two = hub('0 0 1 1 *', '0 11 * * *')
  await two.began()
  expect((await store.runs(testScope({ clock }), { kind: 'job' }, 100)).map(({ parameters }) => parameters)).toEqual([{ runDate: '2026-01-31T11:00:00Z' }])
  await two.stop()
})

test('D-10 of several hubs one puts the run of a moment in', async () => {
  const hubs = [hub('0 * * * *'), hub('0 * * * *'), hub('0 * * * *')]
  await Promise.all(hubs.map(one => one.began()))
  clock.advance(40 * 60_000)
  await Promise.all(hubs.map(one => one.look(1_000)))
  expect(await dates()).toEqual(['SCHEDULE 2026-01-31T11:00:00Z'])
  await Promise.all(hubs.map(one => one.stop()))
})

test('D-10 of moments that passed while no hub was there the last is made up for, within a day', async () => {
  const one = hub('0 * * * *')
  await one.began()
  await one.look(40 * 60_000)
  await finish()
  await one.stop()
  clock.advance(5 * 3_600_000)
  const two = hub('0 * * * *')
  await two.began()
  expect(await dates()).toEqual(['SCHEDULE 2026-01-31T11:00:00Z', 'SCHEDULE 2026-01-31T16:00:00Z'])
  await finish()
  await two.stop()
  clock.advance(25 * 3_600_000)
  const three = hub('0 * * * *')
  await three.began()
  expect(await dates()).toHaveLength(2)
  await three.stop()
})

test('while a run goes on the next moment is left out, and told', async () => {
  const one = hub('0 * * * *')
  await one.began()
  await one.look(40 * 60_000)
  await one.look(60 * 60_000)
  expect(await dates()).toEqual(['SCHEDULE 2026-01-31T11:00:00Z'])
  expect(one.scope.entries).toEqual([expect.objectContaining({ message: 'A moment of a schedule is left out: the run before still goes on.', fields: { app: 'shop', pipeline: 'p', at: '2026-01-31T12:00:00Z' } })])
  await finish()
  await one.look(60 * 60_000)
  expect(await dates()).toEqual(['SCHEDULE 2026-01-31T11:00:00Z', 'SCHEDULE 2026-01-31T13:00:00Z'])
  await one.stop()
})

test('D-32 the moments that come next are told', () => {
  expect(nextMoments('30 2 * * 1-5', Date.UTC(2026, 0, 30, 2, 30), 3)).toEqual(['2026-02-02T02:30:00Z', '2026-02-03T02:30:00Z', '2026-02-04T02:30:00Z'])
})

test('moments are those of UTC, the one that is now among them', () => {
  const at = (text: string) => Date.parse(`2026-${text}Z`)
  expect([lastMoment('0 * * * *', at('01-31T10:00:00')), lastMoment('0 * * * *', at('01-31T10:59:59')), lastMoment('30 2 * * 0', at('02-04T00:00:00')), lastMoment('0 0 29 2 *', at('03-01T00:00:00'))])
    .toEqual([at('01-31T10:00:00'), at('01-31T10:00:00'), at('02-01T02:30:00'), Date.UTC(2024, 1, 29)])
})
