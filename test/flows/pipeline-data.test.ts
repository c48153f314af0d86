import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { catalogFolder } from '../support/catalog-folder.ts'
import { eventually } from '../support/eventually.ts'
import { type RunningHub, startHub } from '../support/hub.ts'

const keys = [
  { id: 'acme', tenant: 'acme', scopes: ['pipeline:read', 'pipeline:run', 'export:read'] }, { id: 'other', tenant: 'other', scopes: ['pipeline:read', 'pipeline:run', 'export:read'] }, { id: 'reader', tenant: 'acme', scopes: ['pipeline:read'] },
]
const as = (id: string) => ({ 'x-api-key': `key of ${id}` })
const pipeline = (id: string, sources: string, targets = `<csv path="service/${id}" mode="overwrite"/>`) => `<pipeline id="${id}" version="1.0" layer="service"><metadata><owner>o</owner></metadata><sources>${sources}</sources><targets>${targets}</targets></pipeline>`
const place = 'pipelines/applications/shop/service/pipelines'

describe('what pipelines of a hub remember, and what leaves them', () => {
  const folder = catalogFolder({
    'keys.json': JSON.stringify(keys.map(key => ({ ...key, sha256: createHash('sha256').update(`key of ${key.id}`).digest('hex') }))),
    'hub.yaml': 'regions:\n  notes: { type: Note, key: id, fields: { id: ID! } }\n',
    [`${place}/changes.xml`]: pipeline('changes', '<database id="orders" jdbcUrl="jdbc:sqlite:shop.sqlite" watermark="id" watermarkFrom="0"><sql>SELECT id FROM orders WHERE id &gt; :watermark</sql></database>'),
    [`${place}/strict.xml`]: pipeline('strict', '<csv id="strict" path="landing/orders.csv" schemaRef="schemas/order.json"/>'),
    [`${place}/lenient.xml`]: pipeline('lenient', '<csv id="lenient" path="landing/orders.csv" schemaRef="schemas/order.json" newColumns="warn"/>'),
    'pipelines/applications/shop/service/schemas/order.json': JSON.stringify({ type: 'object', properties: { id: { type: 'integer' } } }),
    'data/applications/shop/landing/orders.csv': 'id,total\n1,5\n2,7\n',
  })
  let hub: RunningHub
  let database: DatabaseSync
  beforeAll(async () => {
    database = new DatabaseSync(join(folder.folder, 'data/applications/shop/shop.sqlite'))
    database.exec('CREATE TABLE orders (id INTEGER); INSERT INTO orders VALUES (1), (2)')
    hub = await startHub({ catalog: folder.catalog, flags: [`--auth-api-keys-file=${folder.folder}/keys.json`, `--pipelines-folder=${folder.folder}/pipelines`], headers: as('acme') })
  }, 60_000)
  afterAll(async () => {
    await hub.close()
    database.close()
    folder.remove()
  })

  const rest = async (method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = as('acme')) => {
    const answer = await fetch(`${hub.url}/api/v1/datahub${path}`, { method, headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) }, ...(body !== undefined && { body: JSON.stringify(body) }) })
    return { status: answer.status, headers: answer.headers, body: await answer.json() as Record<string, unknown> }
  }
  /** A run to its end. */
  const run = async (id: string) => {
    const { data, errors } = await hub.query<{ runPipeline: { runId: string } }>('mutation ($id: ID!) { runPipeline(app: "shop", id: $id) { runId } }', { id })
    expect(errors).toBeUndefined()
    const runId = data?.runPipeline.runId
    const look = async () => (await hub.query<{ run: { state: string; rowsRead: number; error: { message: string } | null } }>('query ($runId: ID!) { run(runId: $runId) { state rowsRead error { message } } }', { runId })).data?.run
    await eventually(`run ${runId} ends`, async () => !['QUEUED', 'RUNNING', undefined].includes((await look())?.state), 30_000)
    return { runId, ...(await look()) }
  }

  test('D-13 a pipeline shows how far its sources were read, and the next run goes on from there', async () => {
    const shown = async (headers = as('acme')) => (await hub.query<{ pipeline: { watermarks: unknown[] } }>('{ pipeline(app: "shop", id: "changes") { watermarks { source column type value runId movedAt } } }', {}, headers)).data?.pipeline.watermarks
    expect(await shown()).toEqual([])
    const first = await run('changes')
    expect(first).toMatchObject({ state: 'SUCCEEDED', rowsRead: 2 })
    expect(await shown()).toEqual([{ source: 'orders', column: 'id', type: 'Long', value: '2', runId: first.runId, movedAt: expect.stringMatching(/Z$/) }])
    expect(await shown(as('other'))).toEqual([])
    database.exec('INSERT INTO orders VALUES (7)')
    expect(await run('changes')).toMatchObject({ state: 'SUCCEEDED', rowsRead: 1 })
    expect((await rest('GET', '/pipelines/shop/changes')).body).toMatchObject({ watermarks: [{ source: 'orders', value: '7', moved_at: expect.any(String) }] })
  })

  test('D-113 a column that a schema does not have is left out and told, or ends the run, as the source says', async () => {
    expect(await run('lenient')).toMatchObject({ state: 'SUCCEEDED' })
    expect(await run('strict')).toMatchObject({ state: 'FAILED', error: { message: 'The files of "strict" cannot be read: "orders.csv" has "total", which is not expected; its columns are id, total, expected are id.' } })
    const { data } = await hub.query<{ schemaDrift: unknown }>('{ schemaDrift(app: "shop") { pipelineId source column change expected found severity } }')
    const total = { column: 'total', change: 'NEW', expected: null, found: null }
    expect(data?.schemaDrift).toEqual([{ pipelineId: 'lenient', source: 'lenient', ...total, severity: 'WARNING' }, { pipelineId: 'strict', source: 'strict', ...total, severity: 'ERROR' }])
    expect((await rest('GET', '/drift/shop')).body).toEqual({ drift: [expect.objectContaining({ pipeline_id: 'lenient', change: 'new', severity: 'warning', run_id: expect.any(String), seen_at: expect.any(String) }), expect.objectContaining({ pipeline_id: 'strict', severity: 'error' })] })
    expect(await rest('GET', '/drift/shp')).toMatchObject({ status: 404 })
    expect((await hub.query('{ schemaDrift(app: "shop") { column } }', {}, as('other'))).data).toEqual({ schemaDrift: [] })
  })
})
