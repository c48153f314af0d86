import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { catalogFolder } from '../support/catalog-folder.ts'
import { eventually } from '../support/eventually.ts'
import { type RunningHub, startHub } from '../support/hub.ts'

const keys = [{ id: 'acme', tenant: 'acme', scopes: ['pipeline:read', 'pipeline:run'] }, { id: 'other', tenant: 'other', scopes: ['pipeline:read', 'pipeline:run'] }, { id: 'reader', tenant: 'acme', scopes: ['pipeline:read'] }, { id: 'nobody', tenant: 'acme', scopes: [] }, { id: 'sql', tenant: 'acme', scopes: ['query:run'] }, { id: 'other-sql', tenant: 'other', scopes: ['query:run'] }]
const as = (id: string) => ({ 'x-api-key': `key of ${id}` })
const pipeline = (id: string, sources: string, more = '') => `<pipeline id="${id}" version="1.2" layer="service"><metadata><owner>shop-team</owner><sla>PT1H</sla></metadata>\n${more}<sources>${sources}</sources>\n<targets><csv path="service/${id}" mode="overwrite"/></targets></pipeline>`
const place = 'pipelines/applications/shop/service/pipelines'

describe('pipelines of a hub and their runs', () => {
  const folder = catalogFolder({
    'keys.json': JSON.stringify(keys.map(key => ({ ...key, sha256: createHash('sha256').update(`key of ${key.id}`).digest('hex') }))),
    'hub.yaml': 'regions:\n  notes: { type: Note, key: id, fields: { id: ID! } }\n',
    [`${place}/orders.xml`]: pipeline('orders', '<csv id="orders" path="landing/orders.csv"/>', '<parameters><parameter name="day" type="date" default="2026-01-31"/></parameters>\n'),
    [`${place}/late.xml`]: pipeline('late', '<csv id="late" path="landing/late.csv"/>').replace('layer="service"', 'layer="service" onNoData="fail"'),
    [`${place}/quiet.xml`]: pipeline('quiet', '<csv id="quiet" path="landing/quiet.csv"/>'),
    [`${place}/wrong.xml`]: pipeline('wrong', '<csv id="wrong" pth="x.csv"/>'),
    'pipelines/applications/stock/service/pipelines/columns.xml': pipeline('columns', '<csv id="items" path="landing/items.csv" schemaRef="schemas/items.avsc"/>').replace('<targets>', '<transformations><deduplicate source="items" keys="idd"/></transformations>\n<targets>'),
    'pipelines/applications/stock/service/schemas/items.avsc': JSON.stringify({ type: 'record', name: 'items', fields: [{ name: 'id', type: 'string' }] }),
    'data/applications/shop/landing/orders.csv': 'id,total\n1,5\n2,7\n',
  })
  let hub: RunningHub
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog, flags: [`--auth-api-keys-file=${folder.folder}/keys.json`, `--pipelines-folder=${folder.folder}/pipelines`], headers: as('acme') })
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  const members = 'runId app pipelineId version layer state attempt trigger params startedBy engine startedAt endedAt rowsRead rowsWritten rowsRejected slaStatus error { category message } steps { id kind type state rows into bytes }'
  interface Run { runId: string; state: string; [member: string]: unknown }
  const start = async (id: string, variables: Readonly<Record<string, unknown>> = {}, headers = as('acme')) =>
    hub.query<{ runPipeline: Run }>(`mutation ($app: String! = "shop", $id: ID!, $params: JSON, $allowConcurrent: Boolean, $key: String) { runPipeline(app: $app, id: $id, params: $params, allowConcurrent: $allowConcurrent, idempotencyKey: $key) { ${members} } }`, { id, ...variables }, headers)
  const look = async (runId: string, headers = as('acme')) => (await hub.query<{ run: Run | null }>(`query ($runId: ID!) { run(runId: $runId) { ${members} } }`, { runId }, headers)).data?.run
  const ended = async (runId: string) => {
    await eventually(`run ${runId} ends`, async () => !['QUEUED', 'RUNNING', undefined].includes((await look(runId))?.state))
    return look(runId)
  }
  const rest = async (method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = as('acme')) => {
    const answer = await fetch(`${hub.url}/api/v1/datahub${path}`, { method, headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) }, ...(body !== undefined && { body: JSON.stringify(body) }) })
    return { status: answer.status, headers: answer.headers, body: await answer.json() as Record<string, unknown> }
  }

  test('D-09 D-17 the pipelines of the folder are listed, with what is wrong with them', async () => {
    const { data } = await hub.query<{ pipelines: { nodes: { id: string }[]; totalCount: number } }>('{ pipelines(app: "shop") { nodes { app id version layer owner slaMs file findings { severity code line } plan { steps { id } } } totalCount } }')
    expect(data?.pipelines.totalCount).toBe(4)
    expect(data?.pipelines.nodes).toEqual([
      { app: 'shop', id: 'late', version: '1.2.0', layer: 'SERVICE', owner: 'shop-team', slaMs: 3_600_000, file: 'applications/shop/service/pipelines/late.xml', findings: [], plan: { steps: [{ id: 'late' }, { id: 'target-1-csv' }] } },
      expect.objectContaining({ id: 'orders', version: '1.2.0' }),
      expect.objectContaining({ id: 'quiet', findings: [] }),
      { app: 'shop', id: 'wrong', version: null, layer: null, owner: null, slaMs: null, file: 'applications/shop/service/pipelines/wrong.xml', findings: [expect.objectContaining({ severity: 'ERROR' }), expect.objectContaining({ severity: 'ERROR' })], plan: null },
    ])
    const layers = async (layer: string) => (await hub.query<{ pipelines: { totalCount: number } }>(`{ pipelines(app: "shop", layer: ${layer}) { totalCount } }`)).data?.pipelines.totalCount
    expect([await layers('STAGING'), await layers('STANDARDIZATION'), await layers('SERVICE')]).toEqual([0, 0, 3])
    const page = await hub.query<{ pipelines: { nodes: unknown[]; pageInfo: { endCursor: string; hasNextPage: boolean } } }>('{ pipelines(first: 1) { nodes { id } pageInfo { endCursor hasNextPage } } }')
    expect(page.data?.pipelines).toMatchObject({ nodes: [{ id: 'late' }], pageInfo: { hasNextPage: true } })
    expect((await hub.query('query ($after: String) { pipelines(first: 1, after: $after) { nodes { id } } }', { after: page.data?.pipelines.pageInfo.endCursor })).data).toEqual({ pipelines: { nodes: [{ id: 'orders' }] } })
    expect((await hub.query('{ pipeline(app: "shop", id: "none") { id } }')).data).toEqual({ pipeline: null })
  })

  test('D-10 D-101 a run is put into the queue, goes on and ends, with what it read and wrote', async () => {
    const { data, errors } = await start('orders', { params: { day: '2026-02-01', runDate: '2026-02-01' } })
    expect(errors).toBeUndefined()
    const { runId = '', ...queued } = data?.runPipeline ?? {}
    expect(queued).toMatchObject({ app: 'shop', pipelineId: 'orders', version: '1.2.0', layer: 'SERVICE', state: 'QUEUED', attempt: 1, trigger: 'MANUAL', params: { day: '2026-02-01', runDate: '2026-02-01' }, startedBy: 'acme', slaStatus: 'PENDING', steps: [] })
    const run = await ended(runId)
    expect(run).toMatchObject({ state: 'SUCCEEDED', engine: 'duckdb', rowsRead: 2, rowsWritten: 2, rowsRejected: 0, slaStatus: 'MET', error: null, steps: [{ id: 'orders', kind: 'SOURCE', type: 'csv', state: 'SUCCEEDED', rows: 2 }, { id: 'target-1-csv', kind: 'TARGET', state: 'SUCCEEDED', rows: 2, into: 'service/orders/orders.csv' }] })
    expect(readFileSync(join(folder.folder, 'data/applications/shop/service/orders/orders.csv'), 'utf8')).toBe('id,total\n1,5\n2,7\n')
    expect((await hub.query('{ pipeline(app: "shop", id: "orders") { runs(first: 1) { runId state } } }')).data).toEqual({ pipeline: { runs: [{ runId, state: 'SUCCEEDED' }] } })
    expect(await hub.metadata(`SELECT state, rows_written FROM run WHERE run_id = '${runId}'`)).toEqual([expect.objectContaining({ state: 'SUCCEEDED' })])
  })

  test('D-101 D-104 a run that fails says why, and runs are found by their state', async () => {
    const { data } = await start('late')
    const run = await ended(data?.runPipeline.runId ?? '')
    expect(run).toMatchObject({ state: 'FAILED', error: { category: 'SOURCE', message: 'No file matches "landing/late.csv".' }, rowsWritten: 0 })
    const found = await hub.query<{ runs: { nodes: unknown[] } }>('{ runs(filter: { states: [FAILED], app: "shop" }) { nodes { pipelineId state } pageInfo { hasNextPage } } }')
    expect(found.data).toEqual({ runs: { nodes: [{ pipelineId: 'late', state: 'FAILED' }], pageInfo: { hasNextPage: false } } })
  })

  test('D-33 a run that finds no data has skipped, and is found and counted so', async () => {
    const { data } = await start('quiet')
    expect(await ended(data?.runPipeline.runId ?? '')).toMatchObject({ state: 'SKIPPED_NO_DATA', error: null, rowsRead: 0, steps: [{ state: 'SKIPPED' }, { state: 'SKIPPED' }] })
    expect((await rest('GET', '/runs?state=skipped_no_data')).body).toMatchObject({ runs: [{ pipeline_id: 'quiet', state: 'skipped_no_data' }] })
    expect((await hub.query('{ runStats(groupBy: DAY, pipeline: "quiet") { open succeeded skipped failed cancelled } }')).data).toEqual({ runStats: [{ open: 0, succeeded: 0, skipped: 1, failed: 0, cancelled: 0 }] })
  })

  test('D-10 D-58 what may not run is refused before anything waits: unknown, with mistakes in its document or its columns, with parameters that do not fit, twice at a time', async () => {
    const codes = async (id: string, variables = {}, headers = as('acme')) => (await start(id, variables, headers)).errors?.map(({ message, extensions }) => [extensions?.['code'], message])
    expect(await codes('ordres')).toEqual([['NOT_FOUND', 'There is no pipeline "ordres" in "shop". Did you mean "orders"?']])
    expect(await codes('orders', { app: 'shp' })).toEqual([['NOT_FOUND', 'There is no application "shp" with pipelines. Did you mean "shop"?']])
    expect(await codes('wrong')).toEqual([['VALIDATION_ERROR', expect.stringContaining('"pth"')]])
    expect(await codes('columns', { app: 'stock' })).toEqual([['VALIDATION_ERROR', 'The pipeline "columns" does not run as it is written. "items" has no column "idd". Did you mean "id"?']])
    expect(await codes('orders', { params: { day: 'soon' } })).toEqual([['VALIDATION_ERROR', '"soon" is no value of parameter "day", which is of type date.']])
    expect(await codes('orders', { params: { day: { a: 1 } } })).toEqual([['BAD_USER_INPUT', 'A parameter is a text, a number or a boolean; "day" is none.']])
    expect(await codes('orders', {}, as('reader'))).toEqual([['FORBIDDEN', expect.stringContaining('pipeline:run')]])
    expect((await hub.query('{ pipelines { totalCount } }', {}, as('nobody'))).errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN')
  })

  test('runs are those of their tenant', async () => {
    const { data } = await start('orders', { allowConcurrent: true })
    const runId = data?.runPipeline.runId ?? ''
    expect(await look(runId, as('other'))).toBeNull()
    expect((await hub.query('{ runs { nodes { runId } } }', {}, as('other'))).data).toEqual({ runs: { nodes: [] } })
    expect((await hub.query('mutation ($runId: ID!) { cancelRun(runId: $runId) { state } }', { runId }, as('other'))).errors?.[0]?.extensions?.['code']).toBe('NOT_FOUND')
    await ended(runId)
  })

  test('the same request under one key is one run', async () => {
    const [first, second] = [await start('orders', { key: 'once', allowConcurrent: true }), await start('orders', { key: 'once', allowConcurrent: true })]
    expect(second.data?.runPipeline.runId).toBe(first.data?.runPipeline.runId)
    await ended(first.data?.runPipeline.runId ?? '')
  })

  test('D-03 D-10 over REST, too, at the same process: a run is begun, looked at, listed and cancelled', async () => {
    const begun = await rest('POST', '/pipelines/shop/orders/runs', { params: { day: '2026-02-02' }, allow_concurrent: true })
    const runId = String(begun.body['run_id'])
    expect([begun.status, begun.headers.get('x-run-id'), begun.headers.get('location'), begun.body['state'], begun.body['layer'], begun.body['sla_status']]).toEqual([202, runId, `/api/v1/datahub/runs/${runId}`, 'queued', 'service', 'pending'])
    await ended(runId)
    expect((await rest('GET', `/runs/${runId}`)).body).toMatchObject({ run_id: runId, pipeline_id: 'orders', state: 'succeeded', rows_written: 2, params: { day: '2026-02-02' }, steps: [{ kind: 'source', state: 'succeeded' }, { kind: 'target', into: 'service/orders/orders.csv' }] })
    const page = await rest('GET', '/runs?page_size=1&pipeline=orders&state=SUCCEEDED')
    expect([page.status, (page.body['runs'] as unknown[]).length, typeof page.body['next_page_token']]).toEqual([200, 1, 'string'])
    expect((await rest('GET', `/runs?page_size=1&pipeline=orders&state=succeeded&page_token=${String(page.body['next_page_token'])}`)).status).toBe(200)
    expect((await rest('POST', `/runs/${runId}/cancel`)).body).toMatchObject({ status: 409, code: 'CONFLICT' })
    expect((await rest('GET', '/runs/none')).body).toMatchObject({ status: 404, code: 'NOT_FOUND' })
    expect((await rest('POST', '/pipelines/shop/wrong/runs', {})).body).toMatchObject({ status: 422, errors: expect.arrayContaining([expect.objectContaining({ loc: ['body', 'xml', 2, expect.any(Number)] })]) })
    expect((await rest('GET', '/pipelines?app=shop')).body).toMatchObject({ pipelines: [{ id: 'late', layer: 'service', sla_ms: 3_600_000 }, { id: 'orders' }, { id: 'quiet' }, { id: 'wrong', findings: [{ severity: 'error' }, {}] }], next_page_token: null })
    expect((await rest('GET', '/pipelines/shop/orders')).body).toMatchObject({ id: 'orders', xml: expect.stringContaining('<pipeline id="orders"') })
    expect((await rest('GET', '/pipelines/shop/none')).body).toMatchObject({ status: 404 })
  })

  test('D-103 D-104 D-105 D-106 runs add up by day and week, by what they failed of, and by whether they were in time', async () => {
    const { data, errors } = await hub.query<{ runStats: { pipelineId: string; succeeded: number; failed: number; lastFailure: string | null; period: string }[]; topFailureReasons: unknown; slaCompliance: { met: number; breached: number; rate: number }[] }>(
      '{ runStats(groupBy: WEEK, app: "shop") { period app pipelineId open succeeded failed cancelled lastFailure } topFailureReasons { category count lastMessage } slaCompliance(groupBy: DAY) { period met breached rate } }')
    expect(errors).toBeUndefined()
    const orders = data?.runStats.filter(({ pipelineId }) => pipelineId === 'orders').reduce((total, { succeeded }) => total + succeeded, 0)
    expect(orders).toBeGreaterThanOrEqual(4)
    expect(data?.runStats.find(({ pipelineId }) => pipelineId === 'late')).toEqual({ period: expect.stringMatching(/T00:00:00/), app: 'shop', pipelineId: 'late', open: 0, succeeded: 0, failed: 1, cancelled: 0, lastFailure: 'No file matches "landing/late.csv".' })
    expect(data?.topFailureReasons).toEqual([{ category: 'SOURCE', count: 1, lastMessage: 'No file matches "landing/late.csv".' }])
    expect(data?.slaCompliance.at(-1)).toMatchObject({ breached: 0, rate: 1 })
    expect((await hub.query('{ runStats(since: "2020-01-01T00:00:00Z", until: "2026-01-01T00:00:00Z") { open } }')).errors?.[0]?.extensions?.['code']).toBe('BAD_USER_INPUT')
  })

  test('D-109 a run is followed live, until it ends', async () => {
    const { data } = await start('orders', { allowConcurrent: true })
    const runId = data?.runPipeline.runId ?? ''
    const states: string[] = []
    for await (const event of hub.subscribe<{ pipelineRunChanged: Run }>('subscription ($runId: ID!) { pipelineRunChanged(runId: $runId) { runId state rowsWritten steps { state } } }', { runId })) states.push(`${event.data?.pipelineRunChanged.state} ${String(event.data?.pipelineRunChanged['rowsWritten'])}`)
    expect(states.at(-1)).toBe('SUCCEEDED 2')
    const all = hub.subscribe<{ pipelineRunChanged: Run }>('subscription { pipelineRunChanged(app: "shop", pipelineId: "late") { pipelineId state error { category } } }')
    const first = all.next()
    const late = await start('late', { allowConcurrent: true })
    let event = (await first).value
    while (event?.data?.pipelineRunChanged.state !== 'FAILED') event = (await all.next()).value
    expect(event.data.pipelineRunChanged).toEqual({ pipelineId: 'late', state: 'FAILED', error: { category: 'SOURCE' } })
    await all.return()
    await ended(late.data?.runPipeline.runId ?? '')
    await expect(hub.subscribe('subscription { pipelineRunChanged(runId: "none") { state } }').next()).rejects.toMatchObject([{ message: 'There is no run "none".', extensions: { code: 'NOT_FOUND' } }])
  })

  test('D-27 of two pipelines of one id in an application the second does not run, nor does one in the folder of another layer', async () => {
    const [twice, misplaced] = [join(folder.folder, place, 'zz-orders.xml'), join(folder.folder, 'pipelines/applications/shop/service/pipelines/misplaced.xml')]
    writeFileSync(twice, pipeline('orders', '<csv id="orders" path="landing/orders.csv"/>'))
    writeFileSync(misplaced, pipeline('misplaced', '<csv id="orders" path="landing/orders.csv"/>').replace('layer="service"', 'layer="staging"'))
    const { data } = await hub.query<{ pipelines: { nodes: { file: string; findings: { code: string }[]; plan: unknown }[] } }>('{ pipelines { nodes { file findings { code } plan { steps { id } } } } }')
    const found = Object.fromEntries((data?.pipelines.nodes ?? []).map(({ file, findings, plan }) => [file.split('/').at(-1), [findings.map(({ code }) => code), plan === null]]))
    expect([found['orders.xml'], found['zz-orders.xml'], found['misplaced.xml']]).toEqual([[[], false], [['DUPLICATE_ID'], true], [['LAYER_VIOLATION'], true]])
    expect((await start('misplaced')).errors?.[0]?.extensions?.['code']).toBe('VALIDATION_ERROR')
    for (const file of [twice, misplaced]) rmSync(file)
  })

  test('D-45 a password that stands in a URL is shown to nobody', async () => {
    const file = join(folder.folder, place, 'leaky.xml')
    writeFileSync(file, pipeline('leaky', '<database id="a" jdbcUrl="jdbc:postgresql://ann:s3cret/x@host/db"><sql>SELECT 1 AS n</sql></database><database id="b" jdbcUrl="jdbc:postgresql://host/db?user=ann&amp;password=s3cret&amp;ssl=true"><sql>SELECT 1 AS n</sql></database>').replace('<csv path="service/leaky"', '<csv source="a" path="service/leaky"'))
    const { data } = await hub.query<{ pipeline: { xml: string; findings: { severity: string }[] } }>('{ pipeline(app: "shop", id: "leaky") { xml findings { severity message } plan { steps { id } } } }')
    expect([JSON.stringify(data).includes('s3cret'), data?.pipeline.xml.includes('jdbc:postgresql://ann:***@host/db'), data?.pipeline.xml.includes('user=ann&amp;password=***&amp;ssl=true')]).toEqual([false, true, true])
    rmSync(file)
  })

  test('D-32 a pipeline says when it runs next', async () => {
    const file = join(folder.folder, place, 'often.xml')
    writeFileSync(file, pipeline('often', '<csv id="orders" path="landing/orders.csv"/>').replace('</metadata>', '<schedule>0 0 1 1 *</schedule></metadata>'))
    expect((await hub.query('{ pipeline(app: "shop", id: "often") { schedule nextRuns(count: 1) } }')).data).toEqual({ pipeline: { schedule: '0 0 1 1 *', nextRuns: [`${new Date().getUTCFullYear() + 1}-01-01T00:00:00Z`] } })
    rmSync(file)
  })

  test('D-20 D-101 runs are a table of SQL, those of the tenant who asks', async () => {
    const sql = "SELECT pipeline, state, rows_written, error_category, ended_at >= started_at AS ended FROM ops.pipeline_runs WHERE app = 'shop' AND pipeline = 'late' OR run_id IS NULL"
    const ask = async (headers: Readonly<Record<string, string>>) => (await hub.query<{ unifiedQuery: { rows: unknown[][] } }>('query ($sql: String!) { unifiedQuery(sql: $sql) { rows } }', { sql }, headers))
    expect((await ask(as('sql'))).data?.unifiedQuery.rows).toEqual([['late', 'FAILED', 0, 'SOURCE', true], ['late', 'FAILED', 0, 'SOURCE', true]])
    expect((await ask(as('other-sql'))).data?.unifiedQuery.rows).toEqual([])
    expect((await ask(as('reader'))).errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN')
  })

  test('D-102 runs are counted by application, pipeline and layer', async () => {
    const metrics = await (await fetch(`${hub.url}/metrics`, { headers: as('acme') })).text()
    expect(metrics).toMatch(/pipeline_runs_total\{app="shop",pipeline="orders",layer="service"\} [1-9]/)
    expect(metrics).toMatch(/pipeline_failures_total\{app="shop",pipeline="late",layer="service"\} 2/)
    expect(metrics).toMatch(/pipeline_duration_seconds_count\{app="shop",pipeline="orders",layer="service"\} [1-9]/)
  })

  test('D-95 runs wait where nobody takes them, are counted, and are done by the next who does', async () => {
    const own = catalogFolder({ 'hub.yaml': 'regions:\n  notes: { type: Note, key: id, fields: { id: ID! } }\n', [`${place}/orders.xml`]: pipeline('orders', '<csv id="orders" path="landing/orders.csv"/>'), 'data/applications/shop/landing/orders.csv': 'id\n1\n' })
    const flags = (slots: number) => [`--pipelines-folder=${own.folder}/pipelines`, `--pipelines-slots=${slots}`]
    const figures = async ({ url }: RunningHub) => Object.fromEntries((await (await fetch(`${url}/metrics`)).text()).split('\n').filter(line => line.startsWith('dhub_queue_')).map(line => line.split(' ')))
    const idle = await startHub({ catalog: own.catalog, flags: flags(0) })
    expect(await figures(idle)).toEqual({ dhub_queue_depth: '0', dhub_queue_oldest_seconds: '0' })
    for (const allowConcurrent of [false, true]) expect((await idle.query(`mutation { runPipeline(app: "shop", id: "orders", allowConcurrent: ${allowConcurrent}) { state } }`)).data).toEqual({ runPipeline: { state: 'QUEUED' } })
    const { dhub_queue_depth: depth, dhub_queue_oldest_seconds: oldest } = await figures(idle)
    expect([depth, Number(oldest) > 0]).toEqual(['2', true])
    const busy = await idle.restart(flags(1))
    await eventually('both runs end', async () => (await busy.query<{ runs: { nodes: unknown[] } }>('{ runs(filter: { states: [SUCCEEDED] }) { nodes { runId } } }')).data?.runs.nodes.length === 2)
    expect(await figures(busy)).toEqual({ dhub_queue_depth: '0', dhub_queue_oldest_seconds: '0' })
    await busy.close()
    own.remove()
  })

  test('a document that is edited, added or taken away is found so', async () => {
    const file = join(folder.folder, place, 'new.xml')
    writeFileSync(file, pipeline('new', '<csv id="orders" path="landing/orders.csv"/>'))
    expect((await hub.query('{ pipeline(app: "shop", id: "new") { version } }')).data).toEqual({ pipeline: { version: '1.2.0' } })
    writeFileSync(file, pipeline('new', '<csv id="orders" path="landing/orders.csv"/>').replace('version="1.2"', 'version="1.3.1"'))
    expect((await hub.query('{ pipeline(app: "shop", id: "new") { version } }')).data).toEqual({ pipeline: { version: '1.3.1' } })
    rmSync(file)
    expect([existsSync(file), (await hub.query('{ pipeline(app: "shop", id: "new") { version } }')).data]).toEqual([false, { pipeline: null }])
  })
})
