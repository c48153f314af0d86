import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { hasPython, inAirflow } from '../support/airflow.ts'
import { catalogFolder } from '../support/catalog-folder.ts'
import { eventually } from '../support/eventually.ts'
import { type RunningHub, startHub } from '../support/hub.ts'

const keys = [{ id: 'acme', scopes: ['pipeline:read', 'pipeline:run'] }, { id: 'crm', scopes: ['pipeline:read@crm'] }]
const as = (id: string) => ({ 'x-api-key': `key of ${id}` })
const pipeline = (id: string) => `<pipeline id="${id}" version="1.0" layer="service" onNoData="fail"><metadata><owner>shop-team</owner><sla>PT1H</sla></metadata><sources><csv id="orders" path="landing/${id}.csv"/></sources><targets><csv path="service/${id}" mode="overwrite"/></targets></pipeline>`
const place = 'pipelines/applications/shop/service'

describe('what people see of pipelines and their runs', () => {
  let hub: RunningHub
  const folder = catalogFolder({
    'keys.json': JSON.stringify(keys.map(key => ({ ...key, tenant: 'acme', sha256: createHash('sha256').update(`key of ${key.id}`).digest('hex') }))),
    'hub.yaml': 'regions:\n  notes: { type: Note, key: id, fields: { id: ID! } }\n',
    [`${place}/pipelines/orders.xml`]: pipeline('orders'),
    [`${place}/pipelines/missing.xml`]: pipeline('missing'),
    [`${place}/pipelines/instead.xml`]: pipeline('instead'),
    [`${place}/jobs/nightly.xml`]: '<jobPipeline id="nightly" version="1.0"><pipelines><pipelineRef id="missing" onFailure="continue"/><pipelineRef id="orders" dependsOn="missing"/><pipelineRef id="instead" dependsOn="orders" onFailure="fallback" fallback="orders"/></pipelines></jobPipeline>',
    [`${place}/jobs/halting.xml`]: '<jobPipeline id="halting" version="1.0"><pipelines><pipelineRef id="missing" onFailure="retry" maxRetries="1"/><pipelineRef id="orders" dependsOn="missing"/></pipelines></jobPipeline>',
    [`${place}/jobs/skipping.xml`]: '<jobPipeline id="skipping" version="1.0"><pipelines><pipelineRef id="missing" onFailure="skip"/><pipelineRef id="orders" dependsOn="missing"/></pipelines></jobPipeline>',
    [`${place}/jobs/broken.xml`]: '<jobPipeline id="broken" version="1.0"><pipelines><pipelineRef id="orders" dependsOn="none"/></pipelines></jobPipeline>',
    'data/applications/shop/landing/orders.csv': 'id,total\n1,5\n2,7\n',
  })
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog, flags: [`--auth-api-keys-file=${folder.folder}/keys.json`, `--pipelines-folder=${folder.folder}/pipelines`], headers: as('acme') })
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  const ask = async <Data>(query: string, variables = {}, who = 'acme') => hub.query<Data>(query, variables, as(who))
  const run = async (id: string) => {
    const { data } = await ask<{ runPipeline: { runId: string } }>('mutation ($id: ID!) { runPipeline(app: "shop", id: $id) { runId } }', { id })
    const runId = data?.runPipeline.runId ?? ''
    await eventually(`the run of "${id}" ends`, async () => (await ask<{ run: { endedAt: string | null } }>('query ($runId: ID!) { run(runId: $runId) { endedAt } }', { runId })).data?.run.endedAt !== null)
    return runId
  }

  test('D-95: a hub with slots is a worker from its start on, and its queue is empty where nothing waits', async () => {
    await eventually('the worker is seen', async () => (await ask<{ workers: unknown[] }>('{ workers { id } }')).data?.workers.length === 1)
    await run('orders')
    expect((await ask('{ queue { depth oldestSeconds } workers { id state currentRuns seenAt } }')).data).toEqual({ queue: { depth: 0, oldestSeconds: null }, workers: [{ id: expect.stringContaining(String(process.pid)), state: 'IDLE', currentRuns: [], seenAt: expect.any(String) }] })
    for (const query of ['{ queue { depth } }', '{ workers { id } }']) expect((await ask(query, {}, 'crm')).errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
  })

  test('D-24: of each pipeline what its runs add up to is told, by applications the caller may read', async () => {
    const members = 'app pipelineId runs succeeded failed rowsRead rowsWritten rowsReadPerSecond rowsWrittenPerSecond meanDurationMs longestDurationMs slaMet slaBreached'
    const stats = async (args = '', who = 'acme') => (await ask<{ pipelineStats: Readonly<Record<string, number>>[] }>(`{ pipelineStats${args} { ${members} } }`, {}, who)).data?.pipelineStats
    await run('missing')
    const ids = [await run('orders'), await run('orders')]
    const found = await stats('(app: "shop")')
    const runs = (await ask<{ runs: { nodes: { startedAt: string; endedAt: string }[] } }>('{ runs(filter: { pipelineId: "orders" }) { nodes { startedAt endedAt } } }')).data?.runs.nodes ?? []
    const took = runs.map(({ startedAt, endedAt }) => Date.parse(endedAt) - Date.parse(startedAt))
    const workMs = took.reduce((total, ms) => total + ms, 0)
    expect(runs.length).toBeGreaterThanOrEqual(ids.length)
    expect(found).toEqual([
      { app: 'shop', pipelineId: 'missing', runs: 1, succeeded: 0, failed: 1, rowsRead: 0, rowsWritten: 0, rowsReadPerSecond: 0, rowsWrittenPerSecond: 0, meanDurationMs: expect.any(Number), longestDurationMs: expect.any(Number), slaMet: 1, slaBreached: 0 },
      {
        app: 'shop', pipelineId: 'orders', runs: runs.length, succeeded: runs.length, failed: 0, rowsRead: 2 * runs.length, rowsWritten: 2 * runs.length, rowsReadPerSecond: expect.closeTo((2_000 * runs.length) / workMs, 6), rowsWrittenPerSecond: expect.closeTo((2_000 * runs.length) / workMs, 6),
        meanDurationMs: expect.closeTo(workMs / runs.length, 6), longestDurationMs: Math.max(...took), slaMet: runs.length, slaBreached: 0,
      },
    ])
    expect(await stats('(until: "2020-01-01T00:00:00Z")')).toEqual([])
    expect(await stats('', 'crm')).toEqual([])
    expect((await ask('{ pipelineStats(app: "shop") { runs } }', {}, 'crm')).errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
    expect((await ask('{ pipelineStats(since: "2020-01-01T00:00:00Z") { runs } }')).errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }])
  })

  test('D-23: what a run logged is told line by line, page by page, to who may read the run', async () => {
    const [good, bad] = [await run('orders'), await run('missing')]
    const logs = async (runId: string, args: Readonly<Record<string, unknown>> = {}, who = 'acme') => {
      const { data, errors } = await ask<{ runLogs: LogPage }>('query ($runId: ID!, $first: Int, $after: String) { runLogs(runId: $runId, first: $first, after: $after) { nodes { at level message attempt fields } edges { cursor } pageInfo { hasNextPage endCursor } } }', { runId, ...args }, who)
      return { ...data?.runLogs, code: errors?.[0]?.extensions?.['code'] }
    }
    const all = (await logs(good)).nodes ?? []
    expect(all.map(({ level, message, attempt, fields: { step, state, rowsWritten } }) => [level, message, attempt, step ?? state, rowsWritten])).toEqual([
      ['INFO', 'The run begins.', 1, undefined, undefined], ['INFO', 'A step is RUNNING.', 1, 'orders', undefined], ['INFO', 'A step is SUCCEEDED.', 1, 'orders', undefined], ['INFO', 'A step is RUNNING.', 1, 'target-1-csv', undefined], ['INFO', 'A step is SUCCEEDED.', 1, 'target-1-csv', undefined],
      ['INFO', 'The run ends.', 1, 'SUCCEEDED', 2],
    ])
    const first = await logs(good, { first: 2 })
    const after = first.pageInfo?.endCursor
    expect([first.nodes, first.pageInfo?.hasNextPage]).toEqual([all.slice(0, 2), true])
    expect(await logs(good, { first: 10, after })).toMatchObject({ nodes: all.slice(2), pageInfo: { hasNextPage: false } })
    expect((await logs(bad, { after })).code).toBe('BAD_CURSOR')
    expect((await logs(bad)).nodes?.at(-1)).toMatchObject({ level: 'ERROR', message: 'The run ends.', fields: { state: 'FAILED', category: 'SOURCE', message: 'No file matches "landing/missing.csv".' } })
    expect([(await logs('none')).code, (await logs(good, {}, 'crm')).code]).toEqual(['NOT_FOUND', 'NOT_FOUND'])
  })

  const dagOf = async (id: string) => ask<{ job: { airflowDag: string } }>('query ($id: ID!) { job(app: "shop", id: $id) { airflowDag } }', { id })

  test('D-05: a job that may not run has no DAG', async () => {
    expect((await dagOf('broken')).errors).toMatchObject([{ message: expect.stringContaining('"broken" has mistakes'), extensions: { code: 'VALIDATION_ERROR' } }])
  })

  const withPython = hasPython ? test : test.skip
  withPython('D-05: tasks of a DAG, which need python3, have the hub run the pipelines, and fail as the job does', async () => {
    const states = async (id: string) => (await inAirflow({ module: (await dagOf(id)).data?.job.airflowDag ?? '', url: hub.url, headers: as('acme'), params: { runDate: '2026-02-03' }, runId: id })).states
    expect(await states('nightly')).toEqual({ missing: 'failed', '0-after-missing': 'success', orders: 'success', instead: 'success', '0-any-failed': 'failed' })
    expect(await states('halting')).toEqual({ missing: 'failed', orders: 'upstream_failed', '0-any-failed': 'failed' })
    expect(await states('skipping')).toEqual({ missing: 'failed', '0-after-missing': 'skipped', orders: 'skipped', '0-any-failed': 'failed' })
    const { data } = await ask<{ runs: { nodes: { pipelineId: string; state: string }[] } }>('{ runs(first: 7) { nodes { pipelineId state params } } }')
    expect(data?.runs.nodes.map(({ pipelineId, state, ...params }) => [pipelineId, state, params]).toReversed()).toEqual([
      ['missing', 'FAILED'], ['orders', 'SUCCEEDED'], ['instead', 'FAILED'], ['orders', 'SUCCEEDED'], ['missing', 'FAILED'], ['missing', 'FAILED'], ['missing', 'FAILED'],
    ].map(one => [...one, { params: { runDate: '2026-02-03' } }]))
  }, 120_000)

  test('D-06 D-102: the dashboard for Grafana is whole, and asks for nothing but what a hub shows', async () => {
    await run('orders')
    await run('missing')
    const text = await (await fetch(`${hub.url}/metrics`, { headers: as('acme') })).text()
    const shown = new Set([...text.matchAll(/^([a-z_][a-z0-9_]*)(?:\{([^}]*)\})? /gm)].map(([, name]) => name))
    for (const line of [/^pipeline_sla_total\{app="shop",pipeline="orders",layer="service",sla="met"\} [1-9]/m, /^pipeline_runs_total\{app="shop",pipeline="missing",layer="service"\} [1-9]/m]) expect(text).toMatch(line)
    const labels = new Set([...text.matchAll(/[{,]([a-z_]+)="/g)].map(([, name]) => name))

    const { title, uid, schemaVersion, panels, templating } = JSON.parse(readFileSync(join(import.meta.dirname, '../../ops/grafana/pipelines.json'), 'utf8')) as Dashboard
    expect([title.length > 0, uid.length > 0, schemaVersion >= 36, panels.length > 0]).toEqual([true, true, true, true])
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    for (const panel of panels) expect([panel.title, panel.type.length > 0, Object.keys(panel.gridPos).sort(), panel.targets.length > 0, new Set(panel.targets.map(({ refId }) => refId)).size]).toEqual([expect.stringMatching(/./), true, ['h', 'w', 'x', 'y'], true, panel.targets.length])
    const queries = [...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)), ...templating.list.flatMap(({ definition }) => definition ?? [])]
    const asked = queries.map(asks)
    expect(asked.filter(({ metrics }) => metrics.length === 0)).toEqual([])
    expect(asked.flatMap(({ metrics }) => metrics).filter(name => !shown.has(name))).toEqual([])
    expect(asked.flatMap(one => one.labels).filter(name => !labels.has(name))).toEqual([])
    const known = new Set(templating.list.map(({ name }) => `$${name}`))
    expect(queries.flatMap(query => query.match(/\$(?!__)\w+/g) ?? []).filter(name => !known.has(name))).toEqual([])
  })
})

interface LogPage {
  readonly nodes: readonly { readonly at: string; readonly level: string; readonly message: string; readonly attempt: number; readonly fields: Readonly<Record<string, unknown>> }[]
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string }
}

interface Dashboard {
  readonly title: string
  readonly uid: string
  readonly schemaVersion: number
  readonly panels: readonly { readonly id: number; readonly title: string; readonly type: string; readonly gridPos: Readonly<Record<string, number>>; readonly targets: readonly { readonly expr: string; readonly refId: string }[] }[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] }
}

/** Metrics and labels that a query of PromQL names. */
function asks(query: string): { readonly metrics: readonly string[]; readonly labels: readonly string[] } {
  const labels = [...query.matchAll(/([a-z_]+)=~?"/g), ...query.matchAll(/label_values\([^,]*?(?:\{[^}]*\})?, (\w+)\)/g)].map(([, name]) => name ?? '')
  const grouped = [...query.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, names]) => (names ?? '').split(', '))
  const bare = query.replace(/\{[^}]*\}|\[[^\]]*\]|\bby \([^)]*\)|, \w+\)$/g, ' ')
  return { metrics: bare.match(/\b[a-z_][a-z0-9_]*\b(?!\s*\()/g)?.filter(name => name.includes('_')) ?? [], labels: [...labels, ...grouped] }
}
