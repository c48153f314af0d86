import { createHmac } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { gunzipSync } from 'node:zlib'
import { openSqliteAlertStore } from '../../connectors/alert-store/index.ts'
import { openSqliteRunStore } from '../../connectors/run-store/index.ts'
import { eventually } from '../support/eventually.ts'
import { jest } from '@jest/globals'
import { layFlights, own } from '../support/flights.ts'
import { openflights } from '../support/openflights.ts'
import { maskKey } from '../support/pipeline-runs.ts'
import { changed } from '../support/pipelines.ts'
import { startProgram } from '../support/program.ts'
import { testScope } from '../support/scope.ts'
import { smtpServer } from '../support/smtp.ts'

// Several programs are started one after the other.
jest.setTimeout(180_000)

const nightly = 'config/applications/flights/service/jobs/nightly.xml'
const secret = 'a secret that readers know'

let folder: string
let reader: Server
let heard: { readonly headers: IncomingHttpHeaders; readonly body: string }[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'job-'))
  heard = []
  reader = createServer((request, answer) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => { body += text }).on('end', () => {
      heard.push({ headers: request.headers, body })
      answer.writeHead(204).end()
    })
  })
  await new Promise<void>(listening => reader.listen(0, '127.0.0.1', listening))
})

afterEach(async () => {
  await new Promise(closed => reader.close(closed))
  await rm(folder, { recursive: true })
})

const port = () => (reader.address() as AddressInfo).port
const webhooks = { HUB_PIPELINES__WEBHOOK_SECRET: secret, HUB_PIPELINES__WEBHOOK_ALLOW: '127.0.0.1' }
const run = (argv: readonly string[], env: Readonly<Record<string, string>> = {}) => startProgram(['run', ...argv], { cwd: folder, env: { TRIBUTARY_SECRET_MASK: maskKey, ...env } }).ended

async function write(path: string, content: string): Promise<void> {
  await mkdir(join(folder, path, '..'), { recursive: true })
  await writeFile(join(folder, path), content)
}

/** The folder of the flights with everything their pipelines read. */
async function flights(): Promise<void> {
  await layFlights(folder)
  await write(nightly, (await readFile(join(folder, nightly), 'utf8')).replaceAll(':8099', `:${port()}`))
}

function crm(): void {
  const database = new DatabaseSync(join(folder, own, 'crm.sqlite'))
  database.exec('CREATE TABLE delays (origin TEXT PRIMARY KEY, city TEXT, flights INTEGER, mean_delay REAL, worst_delay INTEGER, note TEXT)')
  database.close()
}

const order = ['airports_load', 'flights_load', 'airports_standardization', 'flights_standardization', 'delays_export']

interface Said {
  readonly runId: string
  readonly state: string
  readonly steps: readonly { readonly pipelineId: string; readonly state: string; readonly runIds: readonly string[]; readonly startedAtMs: number; readonly endedAtMs: number }[]
}

const real = openflights.present ? test : test.skip
real('D-10 D-78 D-85 D-101 the flights of a quarter go from files to an export by one job, whose runs are in the store and whose webhooks are signed', async () => {
  await flights()
  crm()
  const { code, out, err } = await run([nightly, '--json', '--param', 'runDate=2001-03-31'], { ...webhooks, HUB_PIPELINES__CONSOLE_URL: 'https://hub.example/console' })
  expect([code, err]).toEqual([0, ''])
  const said = JSON.parse(out) as Said
  expect(said).toMatchObject({ ok: true, kind: 'job', jobId: 'flights_nightly', version: '1.0.0', application: 'flights', state: 'SUCCEEDED', warnings: ['Notices by email are not sent: pipelines.smtpUrl, pipelines.smtpFrom are not set.'] })
  expect(said.steps.map(({ pipelineId, state }) => [pipelineId, state])).toEqual(order.map(id => [id, 'SUCCEEDED']))
  const step = (id: string) => said.steps.find(({ pipelineId }) => pipelineId === id)!
  expect(step('airports_load').startedAtMs).toBeLessThan(step('flights_load').endedAtMs)
  expect(step('flights_load').startedAtMs).toBeLessThan(step('airports_load').endedAtMs)
  expect(step('flights_standardization').startedAtMs).toBeGreaterThanOrEqual(step('airports_standardization').endedAtMs)

  const lines = gunzipSync(await readFile(join(folder, own, 'service/delays/2001/03/31/delays_export.csv.gz'))).toString().trimEnd().split('\n')
  const database = new DatabaseSync(join(folder, own, 'crm.sqlite'))
  const { rows } = database.prepare('SELECT count(*) AS rows FROM delays').get() as { readonly rows: number }
  database.close()
  expect([rows, lines.length]).toEqual([lines.length - 1, expect.any(Number)])
  expect(rows).toBeGreaterThan(100)

  const store = await openSqliteRunStore({ file: join(folder, 'data/metadata.sqlite') })
  const scope = testScope({ tenant: 'public' })
  expect(await store.run(scope, said.runId)).toMatchObject({ kind: 'job', subject: 'flights_nightly', state: 'SUCCEEDED', record: { steps: order.map(pipelineId => ({ pipelineId })) } })
  const parts = await store.runs(scope, { jobRunId: said.runId }, 10)
  expect(new Map(parts.map(({ subject, runId, trigger, state }) => [subject, [runId, trigger, state]]))).toEqual(new Map(said.steps.map(({ pipelineId, runIds }) => [pipelineId, [runIds[0], 'JOB', 'SUCCEEDED']])))
  await store.close()

  expect(heard.map(({ body }) => JSON.parse(body))).toMatchObject([
    { event: 'start', run_id: said.runId, job: 'flights_nightly', state: 'RUNNING' },
    { event: 'completion', run_id: said.runId, state: 'SUCCEEDED', duration_ms: expect.any(Number), link: `https://hub.example/console/runs/${said.runId}` },
  ])
  for (const { headers, body } of heard) expect(headers['x-signature']).toBe(`sha256=${createHmac('sha256', secret).update(`${String(headers['x-signature-timestamp'])}.${body}`).digest('hex')}`)
}, 120_000)

real('D-82 D-84 a job of which one pipeline fails says so, in its exit code, by mail and by webhook', async () => {
  await flights()
  const mails = await smtpServer()
  try {
    const env = { ...webhooks, HUB_PIPELINES__SMTP_URL: `smtp://127.0.0.1:${mails.port}`, HUB_PIPELINES__SMTP_FROM: 'hub@example.org' }
    await write(nightly, changed(await readFile(join(folder, nightly), 'utf8'), ['<pipelineRef id="flights_load"/>', '<pipelineRef id="flights_load" onFailure="skip"/>']))
    await write(`${own}/landing/flights-20k.json`, '[{"date": 1, "delay": "x"')
    const { code, out } = await run([nightly, '--param', 'runDate=2001-03-31'], env)
    expect(code).toBe(1)
    const lines = out.trimEnd().split('\n')
    expect(lines[0]).toMatch(/^flights_nightly 1\.0\.0 {2}FAILED {2}[\d.]+ s {2}run [0-9a-f-]{36}$/)
    expect(lines.slice(1).map(line => line.trim().split(/ +/).slice(0, 2))).toEqual([['airports_load', 'succeeded'], ['flights_load', 'failed'], ['airports_standardization', 'succeeded'], ['flights_standardization', 'skipped'], ['delays_export', 'skipped']])
    expect(lines[2]).toContain('SOURCE in flights: ')
    expect(heard.map(({ body }) => JSON.parse(body))).toMatchObject([{ event: 'start' }, { event: 'completion', state: 'FAILED', error: { category: 'SOURCE', step: 'flights_load', message: expect.stringContaining('Pipeline "flights_load" failed: ') } }])
    expect(mails.mails).toMatchObject([{ from: 'hub@example.org', to: ['ops@company.com'], data: expect.stringContaining('Subject: [flights] Job flights_nightly failed') }])
  } finally {
    await mails.close()
  }
}, 120_000)

const small = (id: string, inside = '<sources><csv id="c" path="in.csv"/></sources><targets><csv path="out" mode="overwrite"/></targets>') => `<pipeline id="${id}" version="1.0" layer="service"><metadata><owner>o</owner></metadata>${inside}</pipeline>`
const job = (refs: string, more = '') => `<jobPipeline id="small" version="1.0"><pipelines>${refs}</pipelines>${more}</jobPipeline>`
const withoutTimes = (out: string) => out.replace(/[\d.]+ s/g, 'TIME').replace(/run [0-9a-f-]+/g, 'RUN').trimEnd().split('\n')

test('D-79 D-82 what a job did is said pipeline by pipeline, and what cannot be sent in one line', async () => {
  await write('in.csv', 'n\n1\n2\n')
  await write('pipelines/a.xml', small('a', '<sources><csv id="c" path="in.csv"/></sources><targets><hive table="service.t" mode="append" format="orc"/></targets>'))
  await write('pipelines/b.xml', small('b'))
  await write('pipelines/broken.xml', '<pipeline id="broken" version="1.0"/>')
  await write('job.xml', job('<pipelineRef id="a" onFailure="fallback" fallback="b"/><pipelineRef id="b" dependsOn="a"/>', '<notifications><email to="o@example.org" on="failure"/><webhook url="https://reader.example/" on="start"/></notifications>'))
  const { code, out, err } = await run(['job.xml', '--files', '.'])
  expect([code, err, withoutTimes(out)]).toEqual([0, '', [
    'small 1.0.0  SUCCEEDED  TIME  RUN', expect.stringMatching(/^ {2}a {2}fell_back {2}TIME, 2 read, 2 written, b in its place, RUN, TARGET in target-1-hive: /), '  b  succeeded  TIME, 2 read, 2 written, RUN',
    '  warning: Notices by email and webhook are not sent: pipelines.smtpUrl, pipelines.smtpFrom, pipelines.webhookSecret are not set.',
  ]])
  expect(await readFile(join(folder, 'out/b.csv'), 'utf8')).toBe('n\n1\n2\n')
}, 120_000)

const never = '<sources><csv id="c" path="none.csv"/></sources><targets><csv path="out" mode="overwrite"/></targets>'
const retried = (more = '') => job('<pipelineRef id="a" onFailure="retry" maxRetries="1"/><pipelineRef id="b" dependsOn="a"/>', more)

test('D-82 a program that has nothing to do until the next attempt waits for it, and its log is beside what it says', async () => {
  await write('pipelines/a.xml', small('a', never).replace('layer=', 'onNoData="fail" layer='))
  await write('pipelines/b.xml', small('b'))
  await write('job.xml', retried())
  const { code, out, err } = await run(['job.xml', '--log-level=debug'])
  expect(err).toContain('"message":"A pipeline of a job failed and will run again."')
  expect([code, withoutTimes(out)]).toEqual([1, ['small 1.0.0  FAILED  TIME  RUN', '  a  failed     TIME, 0 read, 0 written, 2 attempts, RUN, SOURCE in c: No file matches "none.csv".', '  b  cancelled']])
}, 120_000)

test('D-10 D-85 a job that is asked to stop ends as CANCELLED, and whoever wants to hear of its end does', async () => {
  await write('pipelines/a.xml', small('a', never).replace('layer=', 'onNoData="fail" layer='))
  await write('pipelines/b.xml', small('b'))
  await write('job.xml', retried(`<notifications>${['start', 'completion', 'failure'].map(on => `<webhook url="http://127.0.0.1:${port()}/${on}" on="${on}"/>`).join('')}</notifications>`))
  const program = startProgram(['run', 'job.xml', '--json'], { cwd: folder, env: webhooks })
  await eventually('the job has started', () => heard.length === 1, 30_000)
  const { code, out } = await program.stop()
  expect([code, JSON.parse(out)]).toMatchObject([1, { ok: false, state: 'CANCELLED', steps: [{ pipelineId: 'a', state: 'CANCELLED' }, { pipelineId: 'b', state: 'CANCELLED' }] }])
  expect(heard.map(({ body }) => JSON.parse(body))).toMatchObject([{ event: 'start' }, { event: 'completion', state: 'CANCELLED' }])
}, 120_000)

test('D-85 a notice that may not be sent is kept in the store of the hub, for somebody to look at', async () => {
  await write('in.csv', 'n\n1\n')
  await write('pipelines/a.xml', small('a'))
  await write('job.xml', job('<pipelineRef id="a"/>', '<notifications><webhook url="http://169.254.169.254/s3cret" on="completion"/></notifications>'))
  expect((await run(['job.xml', '--files', '.'], webhooks)).code).toBe(0)
  const store = await openSqliteAlertStore({ file: join(folder, 'data/metadata.sqlite') })
  expect(await store.deadNotices(testScope({ tenant: 'public' }), {}, 10)).toMatchObject([{ application: 'default', attempts: 1, failure: { code: 'FORBIDDEN' }, notice: { body: { event: 'completion', job: 'small' } } }])
  await store.close()
}, 120_000)

test('D-87 what a job may not be run with is said before anything runs', async () => {
  await write('in.csv', 'n\n1\n')
  await write('pipelines/a.xml', small('load'))
  await write('job.xml', job('<pipelineRef id="laod"/><pipelineRef id="none"/>'))
  expect(await run(['job.xml'])).toMatchObject({ code: 2, out: '', err: 'There is no pipeline "laod" in "default". Did you mean "load"?\nThere is no pipeline "none" in "default".\n' })
  await write('job.xml', job('<pipelineRef id="load"/>'))
  expect(await run(['job.xml', '--param', 'day=1'])).toMatchObject({ code: 2, out: '', err: expect.stringContaining('There is no parameter "day".') })
  await write('pipelines/a.xml', small('load', '<sources/>'))
  expect(await run(['job.xml'])).toMatchObject({ code: 1, out: '', err: expect.stringContaining('a.xml:1:') })
  await write('pipelines/a.xml', small('load'))
  await write('pipelines/b.xml', small('load'))
  expect(await run(['job.xml'])).toMatchObject({ code: 2, out: '', err: expect.stringMatching(/There are two pipelines "load" in one application, in .*a\.xml and in .*b\.xml\. Give one of them another id\./) })
}, 120_000)

test('a store that cannot be opened ends the program', async () => {
  await write('pipelines/a.xml', small('a'))
  await write('job.xml', job('<pipelineRef id="a"/>'))
  await write('data/metadata.sqlite', 'this is no database, but some text that is long enough to be seen as one')
  expect(await run(['job.xml'])).toMatchObject({ code: 1, out: '', err: expect.stringContaining('metadata.sqlite') })
}, 120_000)
