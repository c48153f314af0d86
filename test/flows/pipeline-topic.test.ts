import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { catalogFolder } from '../support/catalog-folder.ts'
import { eventually } from '../support/eventually.ts'
import { type RunningHub, startHub } from '../support/hub.ts'

const pipeline = (id: string, topic: string) => `<pipeline id="${id}" version="1.0" layer="service"><metadata><owner>shop</owner></metadata><sources><csv id="prices" path="landing/prices.csv" inferSchema="true"/></sources><targets><kafka topic="${topic}" keys="id"/></targets></pipeline>`
const place = 'pipelines/applications/shop/service/pipelines'

describe('a pipeline that writes a topic of the hub', () => {
  const folder = catalogFolder({
    'hub.yaml': 'regions:\n  prices: { type: Price, key: id, fields: { id: ID!, total: Decimal!, note: String } }\n',
    [`${place}/prices.xml`]: pipeline('prices', 'prices.changed'), [`${place}/lost.xml`]: pipeline('lost', 'prices.chnaged'),
    'data/applications/shop/landing/prices.csv': 'id,total\na,1\nb,2\n',
  })
  const events = join(folder.folder, 'lineage.ndjson')
  let hub: RunningHub
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog, flags: [`--pipelines-folder=${folder.folder}/pipelines`, `--pipelines-open-lineage-file=${events}`] })
    await hub.query('mutation { createTopic(input: { name: "prices.changed", numPartitions: 2, replicationFactor: 1 }) { name } }')
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  const run = async (id: string) => {
    const { data, errors } = await hub.query<{ runPipeline: { runId: string } }>('mutation ($id: ID!) { runPipeline(app: "shop", id: $id) { runId } }', { id })
    expect(errors).toBeUndefined()
    const look = async () => (await hub.query<{ run: { runId: string; state: string } }>('query ($runId: ID!) { run(runId: $runId) { runId state rowsWritten error { message } steps { into } } }', { runId: data?.runPipeline.runId })).data?.run
    await eventually('the run ends', async () => !['QUEUED', 'RUNNING', undefined].includes((await look())?.state))
    return look()
  }

  test('D-71 D-108 its rows are messages that subscribers get, which say the run they are from', async () => {
    const messages = hub.subscribe<{ topicMessages: { key: string; value: unknown } }>('subscription { topicMessages(topic: "prices.changed", from: EARLIEST) { key value headers } }')
    const ended = await run('prices')
    expect(ended).toMatchObject({ state: 'SUCCEEDED', rowsWritten: 2, error: null, steps: [{ into: null }, { into: 'topic prices.changed' }] })
    const next = async () => ((await messages.next()).value as { data: { topicMessages: { key: string } } }).data.topicMessages
    const headers = { 'tributary-pipeline': 'shop/prices', 'tributary-run': ended?.runId, 'tributary-write': `${ended?.runId}/target-1-kafka` }
    expect([await next(), await next()].sort((a, b) => (a.key < b.key ? -1 : 1))).toEqual([{ key: 'a', value: { id: 'a', total: 1 }, headers }, { key: 'b', value: { id: 'b', total: 2 }, headers }])
    await messages.return()
  })

  test('D-71 a topic that is not there is told with the nearest name', async () => {
    expect(await run('lost')).toMatchObject({ state: 'FAILED', error: { message: 'There is no topic "prices.chnaged". Did you mean "prices.changed"?' } })
  })

  test('D-108 M-49 lineage leads from the file into the topic, in the graph and as OpenLineage', async () => {
    const ended = await run('prices')
    const { data, errors } = await hub.query<{ lineage: { nodes: unknown[]; edges: unknown[] } }>('{ lineage(of: "topic:prices.changed.total", depth: 3) { nodes { id kind } edges { from to kind transformation } } }')
    expect(errors).toBeUndefined()
    expect(data?.lineage.edges).toContainEqual({ from: 'file:shop/landing/prices.csv.total', to: 'topic:prices.changed.total', kind: 'RUN', transformation: 'IDENTITY' })
    expect(data?.lineage.nodes).toContainEqual({ id: 'topic:prices.changed', kind: 'TOPIC' })
    const told = () => readFileSync(events, 'utf8').trimEnd().split('\n').map(line => JSON.parse(line) as { eventType: string; run: { runId: string } }).find(one => one.eventType === 'COMPLETE' && one.run.runId === ended?.runId)
    await eventually('the end is told', async () => told() !== undefined)
    expect(told()).toMatchObject({ outputs: [{ namespace: 'tributary:topic', name: 'prices.changed', outputFacets: { outputStatistics: { rowCount: 2 } } }] })
  })

  test('D-71 what it does shows the topic as its last step', async () => {
    const { data, errors } = await hub.query<{ pipeline: { plan: { steps: unknown[] } } }>('{ pipeline(app: "shop", id: "prices") { plan { steps { id kind type dependsOn } } } }')
    expect(errors).toBeUndefined()
    expect(data?.pipeline.plan.steps.at(-1)).toEqual({ id: 'target-1-kafka', kind: 'TARGET', type: 'kafka', dependsOn: ['prices'] })
  })
})
