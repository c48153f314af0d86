import { createHash } from 'node:crypto'
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
    'data/applications/shop/landing/orders.csv': 'id,total\n1,5\n2,7\n',
  })
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog, flags: [`--auth-api-keys-file=${folder.folder}/keys.json`, `--pipelines-folder=${folder.folder}/pipelines`], headers: as('acme') })
  }, 60_000)
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
})
