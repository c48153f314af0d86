import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { openPostgresRunStore, openSqliteRunStore } from '../../connectors/run-store/index.ts'
import { catalogFolder } from '../support/catalog-folder.ts'
import { eventually } from '../support/eventually.ts'
import { type RunningHub, startHub } from '../support/hub.ts'
import { testScope } from '../support/scope.ts'
import { smtpServer, type SmtpServer } from '../support/smtp.ts'

const keys = [{ id: 'acme', tenant: 'acme', scopes: ['pipeline:read', 'pipeline:run', 'pipeline:write'] }, { id: 'other', tenant: 'other', scopes: ['pipeline:read', 'pipeline:run', 'pipeline:write'] }, { id: 'reader', tenant: 'acme', scopes: ['pipeline:read'] }, { id: 'nobody', tenant: 'acme', scopes: [] }]
const as = (id: string) => ({ 'x-api-key': `key of ${id}` })
const pipeline = (id: string, source: string, sla = 'PT1H') => `<pipeline id="${id}" version="1.0" layer="service" onNoData="fail"><metadata><owner>shop-team</owner><sla>${sla}</sla></metadata><sources><csv id="c" path="${source}"/></sources><targets><csv path="service/${id}" mode="overwrite"/></targets></pipeline>`
const place = 'pipelines/applications/shop/service'

describe('what is told of runs', () => {
  let heard: { readonly path: string | undefined; readonly body: Readonly<Record<string, unknown>> }[] = []
  let isBusy = false
  let reader: Server
  let mails: SmtpServer
  let hub: RunningHub
  let folder: ReturnType<typeof catalogFolder>
  let hook: string
  beforeAll(async () => {
    mails = await smtpServer()
    reader = createServer((request, answer) => {
      let body = ''
      request.setEncoding('utf8').on('data', (text: string) => { body += text }).on('end', () => {
        heard.push({ path: request.url, body: JSON.parse(body) as Record<string, unknown> })
        if (isBusy) answer.writeHead(503, { 'retry-after': '3600' }).end()
        else answer.writeHead(204).end()
      })
    })
    await new Promise<void>(listening => reader.listen(0, '127.0.0.1', listening))
    hook = `http://127.0.0.1:${(reader.address() as AddressInfo).port}`
    folder = catalogFolder({
      'keys.json': JSON.stringify(keys.map(key => ({ ...key, sha256: createHash('sha256').update(`key of ${key.id}`).digest('hex') }))),
      'hub.yaml': 'regions:\n  notes: { type: Note, key: id, fields: { id: ID! } }\n',
      [`${place}/pipelines/orders.xml`]: pipeline('orders', 'landing/orders.csv'),
      [`${place}/pipelines/late.xml`]: pipeline('late', 'landing/late.csv'),
      [`${place}/pipelines/slow.xml`]: pipeline('slow', 'landing/late.csv', 'PT0.001S'),
      [`${place}/jobs/patient.xml`]: `<jobPipeline id="patient" version="1.0"><pipelines><pipelineRef id="slow" onFailure="retry" maxRetries="1"/></pipelines><notifications><webhook url="${hook}/job" on="sla_breach"/><webhook url="${hook}/done" on="completion"/></notifications></jobPipeline>`,
      [`${place}/jobs/inside.xml`]: '<jobPipeline id="inside" version="1.0"><pipelines><pipelineRef id="orders"/></pipelines><notifications><webhook url="http://169.254.169.254/s3cret?token=s3cret" on="start"/></notifications></jobPipeline>',
      [`${place}/jobs/nightly.xml`]: '<jobPipeline id="nightly" version="1.0"><pipelines><pipelineRef id="orders"/></pipelines></jobPipeline>',
      'data/applications/shop/landing/orders.csv': 'id,total\n1,5\n2,7\n',
    })
    hub = await startHub({
      catalog: folder.catalog, headers: as('acme'), flags: [
        `--auth-api-keys-file=${folder.folder}/keys.json`, `--pipelines-folder=${folder.folder}/pipelines`, '--pipelines-webhook-secret=a secret that readers know', '--pipelines-webhook-allow=127.0.0.1',
        `--pipelines-smtp-url=smtp://127.0.0.1:${mails.port}`, '--pipelines-smtp-from=hub@example.org', '--drain-timeout-ms=500',
      ],
    })
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    await mails.close()
    await new Promise(closed => reader.close(closed))
    folder.remove()
  })
  beforeEach(() => { heard = [] })

  const ruleMembers = 'app name kind pipelineId jobId failures quietMs targets { kind target } changedBy'
  const put = (rule: Readonly<Record<string, unknown>>, headers = as('acme')) => hub.query<{ putAlertRule: Readonly<Record<string, unknown>> }>(`mutation ($rule: AlertRuleInput!) { putAlertRule(rule: $rule) { ${ruleMembers} } }`, { rule: { app: 'shop', name: 'late orders', kind: 'SLA_BREACH', ...rule } }, headers)
  const remove = (name: string, headers = as('acme')) => hub.query(`mutation ($name: String!) { removeAlertRule(app: "shop", name: $name) { name } }`, { name }, headers)
  const rest = async (path: string, headers = as('acme')) => {
    const answer = await fetch(`${hub.url}/api/v1/datahub${path}`, { headers })
    return { status: answer.status, body: await answer.json() as Record<string, unknown> }
  }

  test('D-107 rules are declared, listed without what is secret of them, replaced by name, and removed', async () => {
    const shown = { app: 'shop', name: 'late orders', kind: 'SLA_BREACH', pipelineId: 'orders', jobId: null, failures: null, quietMs: 3_600_000, targets: [{ kind: 'EMAIL', target: 'ops@example.org' }, { kind: 'WEBHOOK', target: hook }], changedBy: 'acme' }
    expect(await put({ pipelineId: 'orders', email: ['ops@example.org'], webhook: [`${hook}/s3cret?token=s3cret`] })).toEqual({ data: { putAlertRule: shown } })
    expect((await put({ name: 'failing', kind: 'REPEATED_FAILURE', jobId: 'nightly', quietMs: 0, email: ['ops@example.org'] })).data?.putAlertRule).toMatchObject({ jobId: 'nightly', pipelineId: null, failures: 3, quietMs: 0 })
    expect((await hub.query(`{ alertRules(app: "shop") { ${ruleMembers} } }`, {}, as('reader'))).data).toEqual({ alertRules: [expect.objectContaining({ name: 'failing' }), shown] })
    expect(await rest('/alert-rules?app=shop', as('reader'))).toMatchObject({ status: 200, body: { alert_rules: [{ name: 'failing', kind: 'repeated_failure', job_id: 'nightly', quiet_ms: 0 }, { name: 'late orders', targets: [{ kind: 'email' }, { kind: 'webhook', target: hook }] }] } })
    expect((await put({ email: ['dba@example.org'] })).data?.putAlertRule).toMatchObject({ pipelineId: null, targets: [{ target: 'dba@example.org' }] })
    expect((await hub.query('{ alertRules { name } }', {}, as('other'))).data).toEqual({ alertRules: [] })
    expect(await remove('failing')).toEqual({ data: { removeAlertRule: { name: 'failing' } } })
    expect((await remove('late order')).errors?.map(({ message, extensions }) => [extensions?.['code'], message])).toEqual([['NOT_FOUND', 'There is no alert rule "late order" in "shop". Did you mean "late orders"?']])
    expect((await remove('late orders')).errors).toBeUndefined()
    expect((await hub.query('{ alertRules { name } }')).data).toEqual({ alertRules: [] })
  })

  test('D-107 a rule that could tell nothing, or nobody, is refused with what is wrong with it', async () => {
    const refused = async (rule: Readonly<Record<string, unknown>>, headers = as('acme')) => (await put(rule, headers)).errors?.map(({ message, extensions }) => [extensions?.['code'], message])
    const email = ['ops@example.org']
    expect(await refused({ email, pipelineId: 'ordres' })).toEqual([['NOT_FOUND', 'There is no pipeline "ordres" in "shop". Did you mean "orders"?']])
    expect(await refused({ email, jobId: 'orders' })).toEqual([['NOT_FOUND', 'There is no job "orders" in "shop".']])
    expect(await refused({ email, app: 'shp' })).toEqual([['NOT_FOUND', 'There is no application "shp" with pipelines. Did you mean "shop"?']])
    expect(await refused({})).toEqual([['VALIDATION_ERROR', 'The alert rule "late orders" tells nobody. Name an address in "email", or a URL in "webhook".']])
    expect(await refused({ email, name: ' ' })).toEqual([['VALIDATION_ERROR', expect.stringContaining('is empty')]])
    expect(await refused({ email, pipelineId: 'orders', jobId: 'nightly' })).toEqual([['VALIDATION_ERROR', expect.stringContaining('it may name one of them')]])
    expect(await refused({ email, failures: 2 })).toEqual([['VALIDATION_ERROR', expect.stringContaining('REPEATED_FAILURE')]])
    expect(await refused({ email, kind: 'REPEATED_FAILURE', failures: 0 })).toEqual([['VALIDATION_ERROR', '"failures" is 0; 1 to 100 are taken.']])
    expect(await refused({ email, quietMs: -1 })).toEqual([['VALIDATION_ERROR', expect.stringContaining('"quietMs" is -1')]])
    expect(await refused({ email: ['ops'] })).toEqual([['VALIDATION_ERROR', '"ops" is not a mail address; ops@example.org is one.']])
    expect(await refused({ webhook: ['ftp://reader.example/'] })).toEqual([['VALIDATION_ERROR', 'The URL of a webhook is not of the form https://host/path.']])
    expect(await refused({ webhook: ['http://169.254.169.254/latest/s3cret'] })).toEqual([['FORBIDDEN', expect.stringMatching(/^"169\.254\.169\.254" leads to an address that is (?!.*s3cret).*pipelines\.webhookAllow\.$/)]])
    expect(await refused({ email }, as('reader'))).toEqual([['FORBIDDEN', expect.stringContaining('pipeline:write')]])
    expect((await hub.query('{ alertRules { name } }', {}, as('nobody'))).errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN')
    expect((await hub.query('{ alertRules { name } }')).data).toEqual({ alertRules: [] })
  })

  const begin = async (kind: 'Pipeline' | 'Job', id: string) => (await hub.query<Readonly<Record<string, { runId: string }>>>(`mutation ($id: ID!) { run${kind}(app: "shop", id: $id) { runId } }`, { id })).data?.[`run${kind}`]?.runId ?? ''

  test('D-86 D-107 a breach is told while the job goes on: to whom it names, and to whom a rule does by webhook and mail, once', async () => {
    await put({ name: 'slow', pipelineId: 'slow', email: ['ops@example.org'], webhook: [`${hook}/rule`] })
    const runId = await begin('Job', 'patient')
    await eventually('both were told', () => heard.length >= 2)
    const told = (path: string) => heard.filter(one => one.path === path).map(({ body }) => body)
    expect(told('/job')).toEqual([{ event: 'sla_breach', run_id: runId, job: 'patient', version: '1.0.0', application: 'shop', state: 'RUNNING', duration_ms: expect.any(Number), pipeline: 'slow' }])
    expect(told('/rule')).toMatchObject([{ event: 'sla_breach', rule: 'slow', application: 'shop', pipeline: 'slow', message: expect.stringContaining('longer than it may: its time was over at ') }])
    expect(told('/done')).toEqual([])
    await eventually('the mail came', () => mails.mails.length === 1)
    expect(mails.mails[0]).toMatchObject({ to: ['ops@example.org'], data: expect.stringContaining('Subject: [shop] Pipeline slow takes longer than it may') })
    await eventually('the job has ended', () => told('/done').length === 1, 30_000)
    expect([told('/job').length, told('/rule').length, mails.mails.length]).toEqual([1, 1, 1])
    expect(await (await fetch(`${hub.url}/metrics`)).text()).toContain('dhub_alerts_total{kind="SLA_BREACH",app="shop"} 1')
    await remove('slow')
  }, 120_000)

  test('D-107 failures in a row are told at the number that the rule says, and the next of them no more', async () => {
    await put({ name: 'failing', kind: 'REPEATED_FAILURE', pipelineId: 'late', failures: 2, webhook: [`${hook}/failing`] })
    for (let nth = 0; nth < 3; nth++) {
      const runId = await begin('Pipeline', 'late')
      await eventually('the run failed', async () => (await hub.query<{ run: { state: string } }>('query ($runId: ID!) { run(runId: $runId) { state } }', { runId })).data?.run.state === 'FAILED', 20_000)
    }
    await eventually('it was told', () => heard.length > 0)
    expect(heard).toMatchObject([{ path: '/failing', body: { event: 'repeated_failure', rule: 'failing', pipeline: 'late', message: expect.stringMatching(/^Pipeline "late" failed 2 times in a row; why the run ".*" did: No file matches "landing\/late\.csv"\.$/) } }])
    await remove('failing')
  }, 120_000)

  const list = async (filter: Readonly<Record<string, unknown>> = {}, headers = as('acme')) =>
    (await hub.query<{ alerts: { nodes: readonly Readonly<Record<string, unknown>>[] } }>('query ($filter: AlertFilter) { alerts(filter: $filter) { nodes { id app kind rule pipelineId jobId runId message count firstAt lastAt raisedAt acknowledgedBy comment } } }', { filter }, headers)).data?.alerts.nodes ?? []

  test('D-107 alerts are told live, listed with the newest first, and seen to', async () => {
    await put({ name: 'once', kind: 'REPEATED_FAILURE', failures: 1, quietMs: 0, email: ['ops@example.org'] })
    const live = hub.subscribe<{ alertRaised: Readonly<Record<string, unknown>> }>('subscription { alertRaised(app: "shop") { id rule pipelineId runId count } }')
    let told: unknown
    void live.next().then(event => { told = event })
    // A subscription tells of what is raised behind its first look, which no answer tells of.
    await eventually('an alert is told live', async () => {
      if (told === undefined) await begin('Pipeline', 'late')
      return told !== undefined
    }, 120_000)
    await live.return()
    const [newest] = await list({ app: 'shop', kind: 'REPEATED_FAILURE', pipelineId: 'late', acknowledged: false })
    expect(told).toMatchObject({ value: { data: { alertRaised: { rule: 'once', pipelineId: 'late', count: 1 } } } })
    expect(newest).toEqual({ id: expect.any(String), app: 'shop', kind: 'REPEATED_FAILURE', rule: 'once', pipelineId: 'late', jobId: null, runId: expect.any(String), message: expect.stringContaining('Pipeline "late" failed'), count: 1, firstAt: expect.any(String), lastAt: expect.any(String), raisedAt: expect.any(String), acknowledgedBy: null, comment: null })
    const moments = (await list()).map(({ raisedAt }) => Date.parse(String(raisedAt)))
    expect(moments).toEqual(moments.toSorted((a, b) => b - a))

    const acknowledge = (id: unknown, headers = as('acme')) => hub.query('mutation ($id: ID!) { acknowledgeAlert(id: $id, comment: "The file comes late today.") { acknowledgedBy acknowledgedAt comment } }', { id }, headers)
    expect((await acknowledge(newest?.['id'])).data).toEqual({ acknowledgeAlert: { acknowledgedBy: 'acme', acknowledgedAt: expect.any(String), comment: 'The file comes late today.' } })
    expect((await list({ acknowledged: true })).map(({ id }) => id)).toEqual([newest?.['id']])
    expect((await acknowledge(newest?.['id'], as('other'))).errors?.[0]?.extensions?.['code']).toBe('NOT_FOUND')
    expect((await acknowledge(newest?.['id'], as('reader'))).errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN')
    expect(await list({}, as('other'))).toEqual([])
    expect((await hub.query('{ alerts { nodes { id } } }', {}, as('nobody'))).errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN')
    await remove('once')

    const page = await rest('/alerts?app=shop&page_size=1&kind=repeated_failure&pipeline=late')
    expect(page).toMatchObject({ status: 200, body: { alerts: [{ app: 'shop', kind: 'repeated_failure', rule: 'once', pipeline_id: 'late', job_id: null, count: 1, message: expect.any(String) }], next_page_token: expect.any(String) } })
    const next = await rest(`/alerts?app=shop&page_size=1&kind=repeated_failure&pipeline=late&page_token=${String(page.body['next_page_token'])}`)
    expect(next.body['alerts']).toHaveLength(1)
    expect(next.body['alerts']).not.toEqual(page.body['alerts'])
    expect((await rest('/alerts?acknowledged=true')).body).toMatchObject({ alerts: [{ acknowledged_by: 'acme', comment: 'The file comes late today.' }], next_page_token: null })
    expect((await rest('/alerts?pipeline=late&job=nightly')).body).toMatchObject({ status: 400, code: 'BAD_USER_INPUT' })
  }, 120_000)

  const dead = async (headers = as('acme')) => (await hub.query<{ deadNotices: { nodes: readonly Readonly<Record<string, unknown>>[] } }>('{ deadNotices(app: "shop", first: 10) { nodes { id app kind target about attempts failure { code message } diedAt } } }', {}, headers)).data?.deadNotices.nodes ?? []
  const change = (field: 'retryDeadNotice' | 'discardDeadNotice', id: unknown, headers = as('acme')) => hub.query(`mutation ($id: ID!) { ${field}(id: $id) { id attempts } }`, { id }, headers)

  test('D-85 a notice that did not arrive is kept without what is secret of it, is sent again when somebody says so, and can be discarded', async () => {
    const runId = await begin('Job', 'inside')
    await eventually('it is kept', async () => (await dead()).length === 1)
    const found = { id: expect.stringContaining(runId), app: 'shop', kind: 'WEBHOOK', target: 'http://169.254.169.254', about: `start of inside, run ${runId}`, attempts: 1, failure: { code: 'FORBIDDEN', message: expect.stringContaining('169.254.169.254') }, diedAt: expect.any(String) }
    const [first] = await dead(as('reader'))
    expect(first).toEqual(found)
    expect((await change('retryDeadNotice', first?.['id'])).errors?.map(({ extensions }) => extensions?.['code'])).toEqual(['FORBIDDEN'])
    expect(await dead()).toEqual([{ ...found, attempts: 2 }])
    const listed = await rest('/dead-notices?app=shop')
    expect(listed).toMatchObject({ status: 200, body: { dead_notices: [{ kind: 'webhook', target: 'http://169.254.169.254', attempts: 2, failure: { code: 'FORBIDDEN' } }], next_page_token: null } })
    expect(JSON.stringify([first, listed])).not.toContain('s3cret')
    expect([await dead(as('other')), (await change('retryDeadNotice', first?.['id'], as('other'))).errors?.[0]?.extensions?.['code'], (await change('discardDeadNotice', first?.['id'], as('reader'))).errors?.[0]?.extensions?.['code']]).toEqual([[], 'NOT_FOUND', 'FORBIDDEN'])
    expect((await change('discardDeadNotice', first?.['id'])).data).toEqual({ discardDeadNotice: { id: first?.['id'], attempts: 2 } })
    expect([await dead(), (await change('discardDeadNotice', first?.['id'])).errors?.[0]?.extensions?.['code']]).toEqual([[], 'NOT_FOUND'])
  }, 120_000)

  test('D-85 a notice that waits for its next attempt when the hub stops is kept, and arrives under its id when it is sent again', async () => {
    await put({ name: 'busy', kind: 'REPEATED_FAILURE', pipelineId: 'late', failures: 1, quietMs: 0, webhook: [`${hook}/busy`] })
    isBusy = true
    await begin('Pipeline', 'late')
    await eventually('it was sent', () => heard.length === 1, 20_000)
    hub = await hub.restart()
    const [kept] = await dead()
    expect(kept).toMatchObject({ target: hook, about: expect.stringMatching(/^repeated_failure of late, run /), failure: { code: 'UPSTREAM_UNAVAILABLE' } })
    isBusy = false
    expect((await change('retryDeadNotice', kept?.['id'])).data).toEqual({ retryDeadNotice: { id: kept?.['id'], attempts: 1 } })
    expect(heard.map(({ path, body }) => [path, body])).toEqual([['/busy', heard[0]?.body], ['/busy', heard[0]?.body]])
    expect(await dead()).toEqual([])
    await remove('busy')
  }, 120_000)

  test('D-119 a last run unlike those before is told with the band it is outside of; without enough runs before, that is', async () => {
    expect((await hub.query('{ anomalies(app: "shop") { pipelineId verdict metric } }')).data).toEqual({ anomalies: ['late', 'orders', 'slow'].map(pipelineId => ({ pipelineId, verdict: 'NOT_ENOUGH_HISTORY', metric: null })) })
    const url = hub.env['POSTGRES_URL']
    const scope = testScope({ tenant: 'acme' })
    const store = url === undefined ? await openSqliteRunStore({ file: join(hub.data, 'metadata.sqlite') }) : await openPostgresRunStore({ url, log: scope.log })
    // Years ahead, so that they are the newest.
    scope.clock.advance(10 * 365 * 86_400_000)
    for (const rowsWritten of [100, 110, 90, 105, 95, 100, 120, 80, 100, 100, 50]) {
      scope.clock.advance(60_000)
      const run = await store.enqueue(scope, { runId: crypto.randomUUID(), kind: 'pipeline', application: 'shop', subject: 'orders', version: '1', trigger: 'MANUAL', parameters: {} }, { worker: 'w', leaseMs: 1_000 })
      expect(await store.finish(scope, run, { state: 'SUCCEEDED', rowsRead: 100, rowsWritten, rowsRejected: 0, record: null })).toBe(true)
    }
    await store.close()
    expect((await rest('/anomalies?app=shop', as('reader'))).body).toMatchObject({ anomalies: [{ pipeline_id: 'late', verdict: 'not_enough_history', runs: 0, run_id: null }, { app: 'shop', pipeline_id: 'orders', verdict: 'outside', metric: 'rows_written', value: 50, median: 100, runs: expect.any(Number), run_id: expect.any(String) }, { pipeline_id: 'slow' }] })
    expect((await hub.query('{ anomalies(app: "shop") { verdict } }', {}, as('nobody'))).errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN')
    expect((await hub.query('{ anomalies(app: "bank") { verdict } }')).data).toEqual({ anomalies: [] })
  }, 120_000)
})
