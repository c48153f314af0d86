import { join } from 'node:path'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { catalogFolder } from '../support/catalog-folder.ts'
import { eventually } from '../support/eventually.ts'
import { type RunningHub, startHub } from '../support/hub.ts'

const place = 'pipelines/applications/shop/service/pipelines'
const landing = 'data/applications/shop/landing/prices.csv'

describe('a pipeline that writes a region', () => {
  const folder = catalogFolder({
    'hub.yaml': 'regions:\n  prices: { type: Price, key: id, fields: { id: ID!, total: Decimal!, note: String } }\n',
    [`${place}/prices.xml`]: '<pipeline id="prices" version="1.0" layer="service"><metadata><owner>shop</owner></metadata><sources><csv id="prices" path="landing/prices.csv" inferSchema="true"/></sources><targets><region name="prices"/></targets></pipeline>',
    [landing]: 'id,total\na,1\nb,2\n',
  })
  const events = join(folder.folder, 'lineage.ndjson')
  let hub: RunningHub
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog, flags: [`--pipelines-folder=${folder.folder}/pipelines`, `--pipelines-open-lineage-file=${events}`] })
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  const run = async () => {
    const { data, errors } = await hub.query<{ runPipeline: { runId: string } }>('mutation { runPipeline(app: "shop", id: "prices") { runId } }')
    expect(errors).toBeUndefined()
    const look = () => hub.query<{ run: { state: string } }>('query ($runId: ID!) { run(runId: $runId) { state rowsWritten error { message } steps { into } } }', { runId: data?.runPipeline.runId })
    await eventually('the run ends', async () => !['QUEUED', 'RUNNING'].includes((await look()).data?.run.state ?? 'QUEUED'))
    return (await look()).data?.run
  }

  test('D-71 its rows are entities of the graph, and subscribers are told of what changed', async () => {
    expect(await run()).toEqual({ state: 'SUCCEEDED', rowsWritten: 2, error: null, steps: [{ into: null }, { into: 'region prices' }] })
    expect((await hub.query('{ prices { nodes { id total note } } }')).data).toEqual({ prices: { nodes: [{ id: 'a', total: '1', note: null }, { id: 'b', total: '2', note: null }] } })

    const changes = hub.subscribe<{ priceChanged: { type: string; after: unknown } }>('subscription { priceChanged(initial: true) { type after { id total } } }')
    const next = async () => ((await changes.next()).value as { data: { priceChanged: { after: unknown } } }).data.priceChanged
    expect([await next(), await next()]).toMatchObject([{ after: { id: 'a' } }, { after: { id: 'b' } }])
    writeFileSync(join(folder.folder, landing), 'id,total\na,1\nb,5\nc,3\n')
    expect(await run()).toMatchObject({ state: 'SUCCEEDED', rowsWritten: 3 })
    expect([await next(), await next()]).toMatchObject([{ type: 'UPDATED', after: { id: 'b', total: '5' } }, { type: 'CREATED', after: { id: 'c', total: '3' } }])
    await changes.return()
  })

  test('D-108 M-49 a field of the graph leads back to the column of the file, and the run says what it read and wrote', async () => {
    await run()
    const walked = await hub.query<{ lineage: { edges: { from: string; to: string; kind: string; transformation: string | null }[] } }>('{ lineage(of: "Price.total", depth: 5) { edges { from to kind transformation } } }')
    expect(walked.data?.lineage.edges.slice(0, 2)).toEqual([
      { from: 'hub.prices.total', to: 'Price.total', kind: 'EXPOSE', transformation: 'IDENTITY' }, { from: 'file:shop/landing/prices.csv.total', to: 'hub.prices.total', kind: 'RUN', transformation: 'IDENTITY' },
    ])
    const { data } = await hub.query<{ runs: { nodes: { lineage: unknown }[] } }>('{ runs(first: 1) { nodes { lineage { inputs { namespace name columns { name type } } outputs { namespace name columns { name inputs { namespace name column transformation } } influences { column } unresolved } } } } }')
    const input = { namespace: 'file', name: 'shop/landing/prices.csv' }
    expect(data?.runs.nodes).toEqual([{ lineage: {
      inputs: [{ ...input, columns: [{ name: 'id', type: 'String' }, { name: 'total', type: 'Int' }] }],
      outputs: [{ namespace: 'region', name: 'prices', influences: [], unresolved: [], columns: ['id', 'total'].map(name => ({ name, inputs: [{ ...input, column: name, transformation: 'IDENTITY' }] })) }],
    } }])
  })

  test('D-108 OpenLineage hears of each run, its beginning and its end', async () => {
    await run()
    const read = () => readFileSync(events, 'utf8').trimEnd().split('\n').map(line => JSON.parse(line) as { eventType: string; run: { runId: string } })
    await eventually('the end is told', async () => read().at(-1)?.eventType === 'COMPLETE')
    const [start, end] = read().slice(-2)
    expect([start?.eventType, end?.run]).toEqual(['START', start?.run])
    expect(end).toMatchObject({ job: { namespace: 'tributary', name: 'shop.prices' }, outputs: [{ namespace: 'tributary:region', name: 'prices', outputFacets: { outputStatistics: { rowCount: 3 } } }] })
  })

  test('D-108 D-111 lineage leads through pipelines of the applications alone that the caller may read', async () => {
    const keys = ['shop', 'crm'].map(app => ({ id: app, tenant: 'public', scopes: ['catalog:read', `pipeline:read@${app}`], sha256: createHash('sha256').update(app).digest('hex') }))
    writeFileSync(join(folder.folder, 'keys.json'), JSON.stringify(keys))
    hub = await hub.restart([`--pipelines-folder=${folder.folder}/pipelines`, `--auth-api-keys-file=${folder.folder}/keys.json`])
    const origins = async (app: string) => (await hub.query<{ lineage: { nodes: { id: string }[] } }>('{ lineage(of: "Price.total") { nodes { id } } }', {}, { 'x-api-key': app })).data?.lineage.nodes.map(({ id }) => id)
    expect([(await origins('shop'))?.includes('file:shop/landing/prices.csv.total'), await origins('crm')]).toEqual([true, ['Price.total', 'hub.prices.total']])
  })
})
