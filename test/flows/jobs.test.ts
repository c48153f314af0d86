import { createHash } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { catalogFolder } from '../support/catalog-folder.ts'
import { eventually } from '../support/eventually.ts'
import { type RunningHub, startHub } from '../support/hub.ts'

const keys = [{ id: 'acme', tenant: 'acme', scopes: ['pipeline:read', 'pipeline:run'] }, { id: 'other', tenant: 'other', scopes: ['pipeline:read', 'pipeline:run'] }, { id: 'reader', tenant: 'acme', scopes: ['pipeline:read'] }]
const as = (id: string) => ({ 'x-api-key': `key of ${id}` })
const pipeline = (id: string, source: string, parameters = '') => `<pipeline id="${id}" version="1.2" layer="service" onNoData="fail"><metadata><owner>shop-team</owner></metadata>${parameters}<sources><csv id="c" path="${source}"/></sources><targets><csv path="service/${id}/%Y-%m-%d" mode="overwrite"/></targets></pipeline>`
const job = (id: string, refs: string, more = '', before = '') => `<jobPipeline id="${id}" version="2.0">${before}<pipelines>${refs}</pipelines>${more}</jobPipeline>`
const place = 'pipelines/applications/shop/service'

interface Step { readonly pipelineId: string; readonly state: string; readonly attempts: number; readonly runIds: readonly string[]; readonly error: { readonly message: string } | null }
interface JobRun { readonly runId: string; readonly state: string; readonly steps: readonly Step[]; readonly runs: readonly Readonly<Record<string, unknown>>[]; readonly params: Readonly<Record<string, string>>; readonly [member: string]: unknown }

describe('jobs of a hub and their runs', () => {
  let heard: { readonly path: string | undefined; readonly body: Readonly<Record<string, unknown>> }[] = []
  let reader: Server
  let hub: RunningHub
  let folder: ReturnType<typeof catalogFolder>
  beforeAll(async () => {
    reader = createServer((request, answer) => {
      let body = ''
      request.setEncoding('utf8').on('data', (text: string) => { body += text }).on('end', () => {
        heard.push({ path: request.url, body: JSON.parse(body) as Record<string, unknown> })
        answer.writeHead(204).end()
      })
    })
    await new Promise<void>(listening => reader.listen(0, '127.0.0.1', listening))
    const { port } = reader.address() as AddressInfo
    const hooks = ['start', 'success', 'failure', 'completion'].map(on => `<webhook url="http://127.0.0.1:${port}/hooks/s3cret-${on}" on="${on}"/>`).join('')
    folder = catalogFolder({
      'keys.json': JSON.stringify(keys.map(key => ({ ...key, sha256: createHash('sha256').update(`key of ${key.id}`).digest('hex') }))),
      'hub.yaml': 'regions:\n  notes: { type: Note, key: id, fields: { id: ID! } }\n',
      [`${place}/pipelines/load.xml`]: pipeline('load', 'landing/orders.csv', '<parameters><parameter name="day" type="date" default="2026-01-31"/></parameters>'),
      [`${place}/pipelines/late.xml`]: pipeline('late', 'landing/late.csv'),
      [`${place}/pipelines/export.xml`]: pipeline('export', 'landing/orders.csv'),
      [`${place}/pipelines/wrong.xml`]: '<pipeline id="wrong" version="1.0" layer="service"/>',
      [`${place}/jobs/nightly.xml`]: job('nightly', '<pipelineRef id="load" onFailure="retry" maxRetries="2"/><pipelineRef id="export" dependsOn="load" onFailure="fallback" fallback="late"/>', `<notifications><email to="ops@example.org" on="failure"/>${hooks}</notifications>`, '<parameters><parameter name="day" type="date" default="2026-01-30"/></parameters>'),
      [`${place}/jobs/failing.xml`]: job('failing', '<pipelineRef id="load"/><pipelineRef id="late" dependsOn="load"/><pipelineRef id="export" dependsOn="late"/>'),
      [`${place}/jobs/patient.xml`]: job('patient', '<pipelineRef id="load"/><pipelineRef id="late" dependsOn="load" onFailure="retry"/>'),
      [`${place}/jobs/broken.xml`]: job('broken', '<pipelineRef id="lod"/>'),
      [`${place}/jobs/unrunnable.xml`]: job('unrunnable', '<pipelineRef id="wrong"/>'),
      'data/applications/shop/landing/orders.csv': 'id,total\n1,5\n2,7\n',
    })
    hub = await startHub({ catalog: folder.catalog, flags: [`--auth-api-keys-file=${folder.folder}/keys.json`, `--pipelines-folder=${folder.folder}/pipelines`, '--pipelines-webhook-secret=a secret that readers know', '--pipelines-webhook-allow=127.0.0.1'], headers: as('acme') })
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    await new Promise(closed => reader.close(closed))
    folder.remove()
  })

  const members = 'runId app jobId version state attempt trigger rerunOf params startedBy rowsRead rowsWritten rowsRejected error { category message } steps { pipelineId state attempts runIds fallback startedAt endedAt rowsWritten error { category message } } runs { runId pipelineId jobRunId trigger state params }'
  const start = async (id: string, variables: Readonly<Record<string, unknown>> = {}, headers = as('acme')) =>
    hub.query<{ runJob: JobRun }>(`mutation ($app: String! = "shop", $id: ID!, $params: JSON, $allowConcurrent: Boolean) { runJob(app: $app, id: $id, params: $params, allowConcurrent: $allowConcurrent) { ${members} } }`, { id, ...variables }, headers)
  const look = async (runId: string, headers = as('acme')) => (await hub.query<{ jobRun: JobRun | null }>(`query ($runId: ID!) { jobRun(runId: $runId) { ${members} } }`, { runId }, headers)).data?.jobRun
  const until = async (runId: string, what: string, isSo: (run: JobRun) => boolean, limitMs?: number) => {
    let found: JobRun | null | undefined
    await eventually(`run ${runId}: ${what}`, async () => {
      found = await look(runId)
      return !!found && isSo(found)
    }, limitMs)
    return found as unknown as JobRun
  }
  const ended = (runId: string, limitMs?: number) => until(runId, 'ends', ({ state }) => state !== 'QUEUED' && state !== 'RUNNING', limitMs)
  const run = async (id: string, variables = {}) => ended((await start(id, variables)).data?.runJob.runId ?? '')
  const again = async (runId: string, fromStep?: string, headers = as('acme')) => hub.query<{ rerun: { __typename: string; runId: string; trigger: string; rerunOf: string; params: unknown } }>('mutation ($runId: ID!, $fromStep: ID) { rerun(runId: $runId, fromStep: $fromStep) { __typename runId trigger rerunOf state params ... on JobRun { jobId steps { pipelineId state } } } }', { runId, fromStep }, headers)
  const refusal = async (answer: ReturnType<typeof again> | ReturnType<typeof start>) => (await answer).errors?.map(({ message, extensions }) => [extensions?.['code'], message])[0]
  const steps = ({ steps: all }: JobRun) => all.map(({ pipelineId, state, attempts }) => [pipelineId, state, attempts])
  const rest = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(`${hub.url}/api/v1/datahub${path}`, { method, headers: { ...as('acme'), ...(body !== undefined && { 'content-type': 'application/json' }) }, ...(body !== undefined && { body: JSON.stringify(body) }) })
    return { status: answer.status, headers: answer.headers, body: await answer.json() as Record<string, unknown> }
  }
  const late = () => join(folder.folder, 'data/applications/shop/landing/late.csv')

  test('D-78 D-79 D-80 D-81 D-84 D-88: the jobs of the folder are listed, with their pipelines, whom they tell, and what waits for what', async () => {
    const { data, errors } = await hub.query<{ jobs: { nodes: { id: string }[]; totalCount: number } }>('{ jobs(app: "shop") { nodes { app id version file findings { severity code } refs { pipelineId dependsOn onFailure maxRetries fallback } notifications { kind target on } dag { nodes { id onFailure } edges { from to } } } totalCount } }')
    expect(errors).toBeUndefined()
    expect(data?.jobs.nodes.map(({ id }) => id)).toEqual(['broken', 'failing', 'nightly', 'patient', 'unrunnable'])
    const origin = `http://127.0.0.1:${(reader.address() as AddressInfo).port}`
    expect(data?.jobs.nodes[2]).toEqual({
      app: 'shop', id: 'nightly', version: '2.0.0', file: 'applications/shop/service/jobs/nightly.xml', findings: [],
      refs: [{ pipelineId: 'load', dependsOn: [], onFailure: 'RETRY', maxRetries: 2, fallback: null }, { pipelineId: 'export', dependsOn: ['load'], onFailure: 'FALLBACK', maxRetries: null, fallback: 'late' }],
      notifications: [{ kind: 'EMAIL', target: 'ops@example.org', on: 'FAILURE' }, ...['START', 'SUCCESS', 'FAILURE', 'COMPLETION'].map(on => ({ kind: 'WEBHOOK', target: origin, on }))],
      dag: { nodes: [{ id: 'load', onFailure: 'RETRY' }, { id: 'export', onFailure: 'FALLBACK' }], edges: [{ from: 'load', to: 'export' }] },
    })
    expect(data?.jobs.nodes[0]).toMatchObject({ version: null, findings: [{ severity: 'ERROR', code: 'UNKNOWN_REFERENCE' }], refs: [], notifications: [], dag: null })
    const page = await hub.query<{ jobs: { pageInfo: { endCursor: string } } }>('{ jobs(first: 1) { nodes { id } pageInfo { endCursor } } }')
    expect((await hub.query('query ($after: String) { jobs(first: 1, after: $after) { nodes { id } } }', { after: page.data?.jobs.pageInfo.endCursor })).data).toEqual({ jobs: { nodes: [{ id: 'failing' }] } })
    expect((await hub.query('{ job(app: "shop", id: "none") { id } }')).data).toEqual({ job: null })
  })

  test('D-85: the path of a webhook, which may be its secret, is shown to nobody', async () => {
    const shown = await hub.query<{ job: { xml: string } }>('{ job(app: "shop", id: "nightly") { xml notifications { target } } }')
    expect([JSON.stringify(shown).includes('s3cret'), shown.data?.job.xml.match(/\/\*\*\*" on="start"/)?.length, shown.data?.job.xml.includes('<pipelineRef id="load"')]).toEqual([false, 1, true])
    expect(JSON.stringify((await rest('GET', '/jobs/shop/nightly')).body)).not.toContain('s3cret')
  })

  test('D-32 D-78: a job says when it runs next, and one without a schedule says nothing', async () => {
    const file = join(folder.folder, place, 'jobs/yearly.xml')
    writeFileSync(file, job('yearly', '<pipelineRef id="load"/>', '', '<metadata><schedule>0 0 1 1 *</schedule></metadata>'))
    const asked = 'query ($id: ID!) { job(app: "shop", id: $id) { schedule nextRuns(count: 1) } }'
    expect((await hub.query(asked, { id: 'yearly' })).data).toEqual({ job: { schedule: '0 0 1 1 *', nextRuns: [`${new Date().getUTCFullYear() + 1}-01-01T00:00:00Z`] } })
    expect((await hub.query(asked, { id: 'nightly' })).data).toEqual({ job: { schedule: null, nextRuns: [] } })
    rmSync(file)
  })

  test('D-79: of two jobs of one id in an application the second does not run', async () => {
    const twice = join(folder.folder, place, 'jobs/zz.xml')
    writeFileSync(twice, job('nightly', '<pipelineRef id="load"/>'))
    const { data } = await hub.query<{ jobs: { nodes: { id: string; file: string; version: string | null; findings: { code: string }[] }[] } }>('{ jobs { nodes { id file version findings { code } } } }')
    expect(data?.jobs.nodes.filter(({ id }) => id === 'nightly').map(({ version, findings }) => [version, findings.map(({ code }) => code)])).toEqual([['2.0.0', []], [null, ['DUPLICATE_ID']]])
    rmSync(twice)
  })

  test('D-10 D-85 D-86 D-87 D-101: a job runs its pipelines as runs of their own, hands them its parameters, and tells those it names', async () => {
    heard = []
    const { data, errors } = await start('nightly', { params: { day: '2026-02-01', runDate: '2026-02-03' } })
    expect(errors).toBeUndefined()
    expect(data?.runJob).toMatchObject({ app: 'shop', jobId: 'nightly', version: '2.0.0', state: 'QUEUED', attempt: 1, trigger: 'MANUAL', rerunOf: null, params: { day: '2026-02-01', runDate: '2026-02-03' }, startedBy: 'acme', steps: [], runs: [] })
    const found = await ended(data?.runJob.runId ?? '')
    expect(found).toMatchObject({ state: 'SUCCEEDED', rowsRead: 4, rowsWritten: 4, rowsRejected: 0, error: null, steps: [{ pipelineId: 'load', state: 'SUCCEEDED', attempts: 1, fallback: null, startedAt: expect.any(String), endedAt: expect.any(String), rowsWritten: 2, error: null }, { pipelineId: 'export', state: 'SUCCEEDED' }] })
    expect(found.runs.toReversed()).toEqual(['load', 'export'].map((pipelineId, nth) => ({ runId: found.steps[nth]?.runIds[0], pipelineId, jobRunId: found.runId, trigger: 'JOB', state: 'SUCCEEDED', params: { runDate: '2026-02-03', ...(pipelineId === 'load' && { day: '2026-02-01' }) } })))
    expect((await hub.query('{ job(app: "shop", id: "nightly") { runs(first: 1) { runId state } } }')).data).toEqual({ job: { runs: [{ runId: found.runId, state: 'SUCCEEDED' }] } })
    expect((await hub.query('query ($runId: ID!) { run(runId: $runId) { state } }', { runId: found.runId })).data).toEqual({ run: null })
    await eventually('all have heard', () => heard.length === 3)
    expect(heard).toMatchObject([{ path: '/hooks/s3cret-start', body: { event: 'start', run_id: found.runId, state: 'RUNNING' } }, { path: '/hooks/s3cret-success', body: { event: 'success', state: 'SUCCEEDED' } }, { path: '/hooks/s3cret-completion', body: { event: 'completion', state: 'SUCCEEDED', duration_ms: expect.any(Number) } }].toSorted(byPath(heard)))
  })

  test('D-10 D-79 D-87: what may not run is refused before anything waits', async () => {
    expect(await refusal(start('nightli'))).toEqual(['NOT_FOUND', 'There is no job "nightli" in "shop". Did you mean "nightly"?'])
    expect(await refusal(start('nightly', { app: 'shp' }))).toEqual(['NOT_FOUND', 'There is no application "shp" with jobs. Did you mean "shop"?'])
    expect(await refusal(start('broken'))).toEqual(['VALIDATION_ERROR', expect.stringContaining('There is no pipeline "lod" here.')])
    expect(await refusal(start('unrunnable'))).toEqual(['VALIDATION_ERROR', expect.stringContaining('Pipeline "wrong", line 1: ')])
    expect(await refusal(start('nightly', { params: { region: 'eu' } }))).toEqual(['VALIDATION_ERROR', expect.stringContaining('There is no parameter "region".')])
    expect(await refusal(start('nightly', { params: { day: 'soon' } }))).toEqual(['VALIDATION_ERROR', expect.stringContaining('"soon" is no value of parameter "day"')])
    expect(await refusal(start('nightly', {}, as('reader')))).toEqual(['FORBIDDEN', expect.stringContaining('pipeline:run')])
    expect((await hub.query('{ jobRuns(filter: { jobId: "broken" }) { nodes { runId } } }')).data).toEqual({ jobRuns: { nodes: [] } })
  })

  test('D-10 D-82: a job of which a pipeline failed goes on from there, with the date it had, and from any pipeline that is named', async () => {
    const first = await run('failing')
    expect([first.state, first['error'], steps(first)]).toEqual(['FAILED', { category: 'SOURCE', message: 'Pipeline "late" failed: No file matches "landing/late.csv".' }, [['load', 'SUCCEEDED', 1], ['late', 'FAILED', 1], ['export', 'CANCELLED', 0]]])
    writeFileSync(late(), 'id\n1\n')
    const second = (await again(first.runId)).data?.rerun
    expect(second).toMatchObject({ __typename: 'JobRun', jobId: 'failing', trigger: 'RERUN', rerunOf: first.runId, state: 'QUEUED', params: first.params, steps: [{ pipelineId: 'load', state: 'SUCCEEDED' }, { pipelineId: 'late', state: 'PENDING' }, { pipelineId: 'export', state: 'PENDING' }] })
    expect(first.params).toEqual({ runDate: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) })
    const done = await ended(second?.runId ?? '')
    expect([done.state, steps(done).map(([id, state]) => [id, state]), done.runs.map(({ pipelineId }) => pipelineId).toReversed(), done.steps[0]?.runIds]).toEqual(['SUCCEEDED', ['load', 'late', 'export'].map(id => [id, 'SUCCEEDED']), ['late', 'export'], first.steps[0]?.runIds])
    expect(await refusal(again(done.runId))).toEqual(['CONFLICT', `Every pipeline of the run "${done.runId}" succeeded, and none is left to run. Name one in fromStep to run it and those that depend on it again, or begin a new run.`])
    const third = await ended((await again(done.runId, 'late')).data?.rerun.runId ?? '')
    expect([third.state, third['rerunOf'], third.runs.map(({ pipelineId }) => pipelineId).toReversed()]).toEqual(['SUCCEEDED', done.runId, ['late', 'export']])
    expect(await refusal(again(done.runId, 'lat'))).toEqual(['VALIDATION_ERROR', '"lat" is no pipeline of job "failing". Did you mean "late"?'])
    rmSync(late())
  })

  test('D-10: a run of a pipeline is run again as a whole; what is not there, goes on, or no longer fits is refused', async () => {
    const { data } = await hub.query<{ runPipeline: { runId: string } }>('mutation { runPipeline(app: "shop", id: "load", params: { day: "2026-02-02" }) { runId } }')
    const runId = data?.runPipeline.runId ?? ''
    const state = async (id: string) => (await hub.query<{ run: { state: string } }>('query ($id: ID!) { run(runId: $id) { state } }', { id })).data?.run.state
    await eventually('the run ends', async () => (await state(runId)) === 'SUCCEEDED')
    expect(await refusal(again(runId, 'c'))).toEqual(['VALIDATION_ERROR', `The run "${runId}" is one of the pipeline "load", which runs as a whole: there is no step "c" to begin with. Leave fromStep out, or name the run of a job.`])
    const second = (await again(runId)).data?.rerun
    expect(second).toMatchObject({ __typename: 'PipelineRun', trigger: 'RERUN', rerunOf: runId, params: { day: '2026-02-02' } })
    await eventually('the rerun ends', async () => (await state(second?.runId ?? '')) === 'SUCCEEDED')
    expect(await refusal(again('none'))).toEqual(['NOT_FOUND', 'There is no run "none".'])
    expect(await refusal(again(runId, undefined, as('other')))).toEqual(['NOT_FOUND', `There is no run "${runId}".`])
    expect(await refusal(again(runId, undefined, as('reader')))).toEqual(['FORBIDDEN', expect.stringContaining('pipeline:run')])
    const file = join(folder.folder, place, 'pipelines/load.xml')
    writeFileSync(file, pipeline('load', 'landing/orders.csv'))
    expect(await refusal(again(runId))).toEqual(['VALIDATION_ERROR', expect.stringContaining('There is no parameter "day".')])
    writeFileSync(file, pipeline('load', 'landing/orders.csv', '<parameters><parameter name="day" type="date" default="2026-01-31"/></parameters>'))
  })

  test('D-10 D-82: a job is cancelled with what waits in it; one under way is neither begun twice nor run again', async () => {
    const { data } = await start('patient')
    const runId = data?.runJob.runId ?? ''
    await until(runId, 'waits for the next attempt', ({ steps: all }) => all.some(({ state }) => state === 'RETRYING'))
    expect(await refusal(start('patient'))).toEqual(['CONFLICT', expect.stringContaining(`The job "patient" of "shop" has the run "${runId}" already, which is RUNNING.`)])
    expect(await refusal(again(runId))).toEqual(['CONFLICT', `The run "${runId}" has not ended: it is RUNNING. Wait until it ends, or cancel it, and run it again then.`])
    const cancel = 'mutation ($runId: ID!) { cancelRun(runId: $runId) { __typename runId state } }'
    expect((await hub.query(cancel, { runId }, as('other'))).errors?.[0]?.extensions?.['code']).toBe('NOT_FOUND')
    expect((await hub.query(cancel, { runId })).data).toEqual({ cancelRun: { __typename: 'JobRun', runId, state: 'RUNNING' } })
    const found = await ended(runId, 20_000)
    expect([found.state, found.error, steps(found).map(([id, state]) => [id, state])]).toEqual(['CANCELLED', null, [['load', 'SUCCEEDED'], ['late', 'CANCELLED']]])
    expect((await hub.query(cancel, { runId })).errors?.[0]?.extensions?.['code']).toBe('CONFLICT')
    expect((await hub.query('{ jobRuns(filter: { states: [CANCELLED], app: "shop" }) { nodes { jobId state } pageInfo { hasNextPage } } }')).data).toEqual({ jobRuns: { nodes: [{ jobId: 'patient', state: 'CANCELLED' }], pageInfo: { hasNextPage: false } } })
  }, 120_000)

  test('D-109: a run of a job is followed live, until it ends', async () => {
    const { data } = await start('nightly')
    const runId = data?.runJob.runId ?? ''
    const states: string[] = []
    for await (const event of hub.subscribe<{ jobRunChanged: JobRun }>('subscription ($runId: ID!) { jobRunChanged(runId: $runId) { state steps { pipelineId state } runs { state } } }', { runId })) states.push(event.data?.jobRunChanged.state ?? '')
    expect(states.at(-1)).toBe('SUCCEEDED')
    const all = hub.subscribe<{ jobRunChanged: JobRun }>('subscription { jobRunChanged(app: "shop", jobId: "failing") { jobId state } }')
    const first = all.next()
    const failing = await start('failing')
    let event = (await first).value
    while (event?.data?.jobRunChanged.state !== 'FAILED') event = (await all.next()).value
    expect(event.data.jobRunChanged).toEqual({ jobId: 'failing', state: 'FAILED' })
    await all.return()
    await ended(failing.data?.runJob.runId ?? '')
    await expect(hub.subscribe('subscription ($runId: ID!) { pipelineRunChanged(runId: $runId) { state } }', { runId }).next()).rejects.toMatchObject([{ message: `There is no run "${runId}".` }])
  })

  test('D-10: over REST, too: jobs are listed, begun, looked at, cancelled and run again', async () => {
    expect((await rest('GET', '/jobs?app=shop')).body).toMatchObject({ jobs: [{ id: 'broken', findings: [{ severity: 'error' }] }, { id: 'failing' }, { id: 'nightly', refs: [{ pipeline_id: 'load', depends_on: [], on_failure: 'retry', max_retries: 2 }, {}] }, { id: 'patient' }, { id: 'unrunnable' }], next_page_token: null })
    expect((await rest('GET', '/jobs/shop/failing')).body).toMatchObject({ app: 'shop', id: 'failing', version: '2.0.0', xml: expect.stringContaining('<jobPipeline id="failing"'), dag: { nodes: [{ id: 'load', on_failure: 'halt' }, {}, {}], edges: [{ from: 'load', to: 'late' }, { from: 'late', to: 'export' }] }, notifications: [] })
    expect((await rest('GET', '/jobs/shop/none')).body).toMatchObject({ status: 404, code: 'NOT_FOUND' })
    const begun = await rest('POST', '/jobs/shop/failing/runs', { params: { runDate: '2026-03-01' } })
    const runId = String(begun.body['run_id'])
    expect([begun.status, begun.headers.get('x-run-id'), begun.headers.get('location'), begun.body]).toMatchObject([202, runId, `/api/v1/datahub/runs/${runId}`, { job_id: 'failing', state: 'queued', trigger: 'manual', params: { runDate: '2026-03-01' }, steps: [] }])
    await ended(runId)
    expect((await rest('GET', `/runs/${runId}`)).body).toMatchObject({ run_id: runId, job_id: 'failing', state: 'failed', error: { category: 'source' }, steps: [{ pipeline_id: 'load', state: 'succeeded', run_ids: [expect.any(String)] }, { state: 'failed', error: { category: 'source' } }, { state: 'cancelled', error: null }] })
    const again = await rest('POST', `/runs/${runId}/rerun`, { from_step: 'load' })
    const rerunId = String(again.body['run_id'])
    expect([again.status, again.headers.get('location'), again.body]).toMatchObject([202, `/api/v1/datahub/runs/${rerunId}`, { job_id: 'failing', rerun_of: runId, trigger: 'rerun', steps: [{ state: 'pending' }, { state: 'pending' }, { state: 'pending' }] }])
    await ended(rerunId)
    expect((await rest('POST', `/runs/${rerunId}/cancel`)).body).toMatchObject({ status: 409 })
    expect((await rest('POST', '/runs/none/rerun', {})).body).toMatchObject({ status: 404 })
    expect((await rest('POST', '/jobs/shop/nightly/runs', { params: { region: 'eu' } })).body).toMatchObject({ status: 422 })
    const { paths } = await (await fetch(`${hub.url}/openapi.json`, { headers: as('acme') })).json() as { readonly paths: Readonly<Record<string, object>> }
    for (const path of ['/api/v1/datahub/jobs', '/api/v1/datahub/jobs/{app}/{id}', '/api/v1/datahub/jobs/{app}/{id}/runs', '/api/v1/datahub/runs/{run_id}/rerun']) expect(paths).toHaveProperty([path])
  })

  test('D-102: the pipelines of jobs are metered as all runs of pipelines, and jobs are none', async () => {
    const metrics = await (await fetch(`${hub.url}/metrics`, { headers: as('acme') })).text()
    expect(metrics).toMatch(/pipeline_runs_total\{app="shop",pipeline="export",layer="service"\} [1-9]/)
    expect(metrics).toMatch(/pipeline_failures_total\{app="shop",pipeline="late",layer="service"\} [1-9]/)
    expect(metrics).not.toContain('pipeline="nightly"')
  })

  test('D-95: a job whose hub is started again goes on, without what had succeeded', async () => {
    const { data } = await start('patient')
    const runId = data?.runJob.runId ?? ''
    await until(runId, 'waits for the next attempt', ({ steps: all }) => all.some(({ state }) => state === 'RETRYING'))
    hub = await hub.restart()
    expect(await look(runId)).toMatchObject({ state: 'RUNNING', attempt: 1 })
    writeFileSync(late(), 'id\n1\n')
    const found = await ended(runId, 60_000)
    expect([found.state, found['attempt'], found.runs.map(({ pipelineId, state }) => `${String(pipelineId)} ${String(state)}`).toReversed()]).toEqual(['SUCCEEDED', 2, ['load SUCCEEDED', 'late FAILED', 'late SUCCEEDED']])
    rmSync(late())
  }, 120_000)
})

/** Notices go out side by side, and arrive in any order. */
function byPath(heard: readonly { readonly path: string | undefined }[]) {
  const placeOf = (path: string) => heard.findIndex(one => one.path === path)
  return (one: { readonly path: string }, other: { readonly path: string }) => placeOf(one.path) - placeOf(other.path)
}
