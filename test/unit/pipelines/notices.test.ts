import type { Notice, Notifier } from '../../../connectors/ports/notifier.ts'
import { HubError } from '../../../schema/errors.ts'
import { noticesOf } from '../../../subgraphs/pipelines/notify/notices.ts'
import { type ToldOrder, toldRun } from '../../../subgraphs/pipelines/notify/told-run.ts'
import type { JobRecord } from '../../../subgraphs/pipelines/run/job-record.ts'
import { jobIn } from '../../support/pipelines.ts'
import { HastyClock, type TestScope, testScope } from '../../support/scope.ts'

const job = (notifications: string) => jobIn(`<jobPipeline id="nightly" version="1.2"><pipelines><pipelineRef id="a"/></pipelines><notifications>${notifications}</notifications></jobPipeline>`)
const everything = ['start', 'success', 'failure', 'completion', 'sla_breach'].map(on => `<webhook url="https://reader.example/${on}" on="${on}"/>`).join('')
const order = (notifications: string, more: Partial<ToldOrder> = {}): ToldOrder => ({ document: job(notifications), runId: 'run-7', application: 'shop', ...more })
const ended = (state: JobRecord['state'], more: Partial<JobRecord> = {}): JobRecord => ({ runId: 'run-7', jobId: 'nightly', version: '1.2.0', application: 'shop', state, startedAtMs: 0, endedAtMs: 4_250, rowsRead: 0, rowsWritten: 0, rowsRejected: 0, steps: [], ...more })
const failed = ended('FAILED', { error: { category: 'SOURCE', message: 'Pipeline "a" failed: x < 3 & y > 4.', step: 'a' } })

class Inbox implements Notifier {
  readonly notices: Notice[] = []

  async send(_scope: unknown, notice: Notice): Promise<void> {
    this.notices.push(notice)
  }

  get urls(): string[] {
    return this.notices.map(notice => (notice.kind === 'webhook' ? new URL(notice.url).pathname.slice(1) : notice.kind))
  }
}

const delivery = { attempts: 3, firstDelayMs: 1_000, onDead: async () => {} }

async function told(notifications: string, record: JobRecord, more: Partial<ToldOrder> = {}, scope: TestScope = testScope()): Promise<readonly Notice[]> {
  const notifier = new Inbox()
  expect(await toldRun(scope, order(notifications, more), { notifier, delivery }, async () => record)).toBe(record)
  await scope.settled()
  return notifier.notices
}

test('D-86 those who want to hear of it are told that a job starts and how it ended', async () => {
  const on = async (state: JobRecord['state']) => (await told(everything, ended(state))).map(({ id }) => id.split('.')[1])
  expect(await on('SUCCEEDED')).toEqual(['start', 'success', 'completion'])
  expect(await on('FAILED')).toEqual(['start', 'failure', 'completion'])
  expect(await on('CANCELLED')).toEqual(['start', 'completion'])
})

test('D-85 a webhook has run, job, state, duration, error and link', async () => {
  expect(await told('<webhook url="https://reader.example/x" on="failure"/>', failed, { consoleUrl: 'https://hub.example/console/' })).toEqual([{
    kind: 'webhook', id: expect.stringMatching(/^run-7\.failure\.[0-9a-f]{12}$/), url: 'https://reader.example/x',
    body: {
      event: 'failure', run_id: 'run-7', job: 'nightly', version: '1.2.0', application: 'shop', state: 'FAILED', duration_ms: 4_250, error: { category: 'SOURCE', message: 'Pipeline "a" failed: x < 3 & y > 4.', step: 'a' },
      link: 'https://hub.example/console/runs/run-7',
    },
  }])
  expect(await told('<webhook url="https://reader.example/x" on="start"/>', failed)).toMatchObject([{ body: { event: 'start', state: 'RUNNING' } }])
  const [start] = await told('<webhook url="https://reader.example/x" on="start"/>', failed)
  expect(Object.keys(start?.kind === 'webhook' ? (start.body ?? {}) : {})).toEqual(['event', 'run_id', 'job', 'version', 'application', 'state'])
})

test('D-85 Slack gets a text beside the rest, in its own markup; no other host does', async () => {
  const hook = (host: string) => told(`<webhook url="https://${host}/services/T0/B0/x" on="completion"/>`, failed, { consoleUrl: 'https://hub.example' })
  expect(await hook('hooks.slack.com')).toMatchObject([{ body: { state: 'FAILED', text: 'Job nightly failed after 4.3 s. Pipeline "a" failed: x &lt; 3 &amp; y &gt; 4. <https://hub.example/runs/run-7>' } }])
  for (const host of ['hooks.slack.com.example', 'slack.com', 'reader.example']) expect(JSON.stringify(await hook(host))).not.toContain('"text"')
})

test('D-84 a mail says in its subject what happened, and in its text all there is to know', async () => {
  expect(await told('<email to="ops@company.com, dba@company.com" on="failure"/>', { ...failed, endedAtMs: 7_810_000 }, { consoleUrl: 'https://hub.example' })).toEqual([{
    kind: 'email', id: expect.stringMatching(/^run-7\.failure\./), to: ['ops@company.com', 'dba@company.com'], subject: '[shop] Job nightly failed',
    text: 'Job nightly failed.\n\nPipeline "a" failed: x < 3 & y > 4.\n\nApplication: shop\nRun: run-7\nState: FAILED\nDuration: 2 h 10 min\nCategory: SOURCE\n\nhttps://hub.example/runs/run-7\n',
  }])
  expect(await told('<email to="ops@company.com" on="completion"/>', ended('SUCCEEDED', { endedAtMs: 185_000 }))).toMatchObject([{ subject: '[shop] Job nightly succeeded', text: 'Job nightly succeeded.\n\nApplication: shop\nRun: run-7\nState: SUCCEEDED\nDuration: 3 min 5 s\n' }])
})

test('a notice has the same id each time, and another has another', async () => {
  const all = `${everything}<webhook url="https://other.example/" on="failure"/><email to="ops@company.com" on="failure"/>`
  const ids = (await told(all, failed)).map(({ id }) => id)
  expect((await told(all, failed)).map(({ id }) => id)).toEqual(ids)
  expect(new Set(ids).size).toBe(5)
})

test('D-86 D-107 that its time is over is told with the pipeline it was over of, and how the job stands then', () => {
  const document = job(`${everything}<email to="ops@company.com" on="sla_breach"/>`)
  const [hook, mail] = noticesOf({ document, runId: 'run-7', application: 'shop' }, { event: 'sla_breach', state: 'RUNNING', durationMs: 60_000, pipeline: 'a' })
  expect(hook).toMatchObject({ id: expect.stringMatching(/^run-7\.sla_breach\./), url: 'https://reader.example/sla_breach', body: { event: 'sla_breach', state: 'RUNNING', duration_ms: 60_000, pipeline: 'a' } })
  expect(mail).toMatchObject({ subject: '[shop] Job nightly takes longer than it may', text: 'Job nightly takes longer than it may.\n\nApplication: shop\nRun: run-7\nState: RUNNING\nDuration: 1 min 0 s\nPipeline: a\n' })
  expect(noticesOf({ document, runId: 'run-7', application: 'shop' }, { event: 'sla_breach', state: 'FAILED' })[1]).toMatchObject({ subject: '[shop] Job nightly took longer than it may' })
})

test('D-84 D-85 a server that is down delays no job and changes nothing of it, and has the notice when it is back', async () => {
  const scope = testScope({ clock: new HastyClock() })
  const back = Promise.withResolvers<void>()
  let asked = 0
  const notifier: Notifier = {
    async send() {
      asked += 1
      if (asked > 2) return
      await back.promise
      throw new HubError('UPSTREAM_UNAVAILABLE', 'The server is busy.')
    },
  }
  const record = await toldRun(scope, order('<webhook url="https://reader.example/" on="completion"/>'), { notifier, delivery }, async () => ended('SUCCEEDED'))
  expect([record.state, asked]).toEqual(['SUCCEEDED', 1])
  back.resolve()
  await scope.settled()
  expect(asked).toBe(3)
})

test('a job that could not be run at all tells nobody how it ended', async () => {
  const scope = testScope()
  const notifier = new Inbox()
  const refused = new HubError('VALIDATION_ERROR', 'There is no parameter "x".')
  await expect(toldRun(scope, order(everything), { notifier, delivery }, () => Promise.reject(refused))).rejects.toBe(refused)
  await scope.settled()
  expect(notifier.urls).toEqual(['start'])
})
