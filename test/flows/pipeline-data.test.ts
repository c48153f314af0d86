import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
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
    [`${place}/daily.xml`]: pipeline('daily', '<csv id="rows" path="landing/many.csv"/>', '<csv path="service/daily/%Y/%m/%d" mode="overwrite"/>'),
    'data/applications/shop/landing/many.csv': `id\n${Array.from({ length: 100_000 }, (_, nth) => `row ${nth}`).join('\n')}\n`,
    'data/applications/shop/service/daily/notes.txt': 'not an export',
    'data/applications/shop/service/daily/2026/01/31/other.csv': 'id\n1\n',
    'data/applications/shop/landing/orders.csv': 'id,total\n1,5\n2,7\n',
  })
  let hub: RunningHub
  let database: DatabaseSync
  beforeAll(async () => {
    database = new DatabaseSync(join(folder.folder, 'data/applications/shop/shop.sqlite'))
    database.exec('CREATE TABLE orders (id INTEGER); INSERT INTO orders VALUES (1), (2)')
    hub = await startHub({ catalog: folder.catalog, flags: [`--auth-api-keys-file=${folder.folder}/keys.json`, `--pipelines-folder=${folder.folder}/pipelines`], headers: as('acme') })
  }, 120_000)
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

  test('D-21 files that pipelines wrote for others are listed and downloaded, whole and in parts', async () => {
    const { data } = await hub.query<{ runPipeline: { runId: string } }>('mutation { runPipeline(app: "shop", id: "daily", params: { runDate: "2026-01-30" }) { runId } }')
    await eventually('the run ends', async () => (await hub.query<{ run: { state: string } }>('query ($runId: ID!) { run(runId: $runId) { state } }', data?.runPipeline)).data?.run.state === 'SUCCEEDED', 30_000)
    const bytes = Buffer.from(readFileSync(join(folder.folder, 'data/applications/shop/service/daily/2026/01/30/daily.csv')))
    const shown = (await hub.query<{ exports: { nodes: { name: string }[] } }>('{ exports(app: "shop") { nodes { app name bytes modifiedAt pipelineId dataset } } }')).data?.exports.nodes
    expect(shown?.find(({ name }) => name.startsWith('daily'))).toEqual({ app: 'shop', name: 'daily/2026/01/30/daily.csv', bytes: bytes.length, modifiedAt: expect.stringMatching(/Z$/), pipelineId: 'daily', dataset: 'rows' })
    expect(shown?.filter(({ name }) => name.startsWith('daily'))).toHaveLength(1)
    const page = (await rest('GET', '/exports/shop?page_size=1')).body as { exports: unknown[]; next_page_token: string }
    expect(page).toEqual({ exports: [expect.objectContaining({ name: 'changes/changes.csv', pipeline_id: 'changes', modified_at: expect.any(String) })], next_page_token: expect.any(String) })
    expect((await rest('GET', `/exports/shop?page_size=1&page_token=${encodeURIComponent(page.next_page_token)}`)).body).toMatchObject({ exports: [{ name: 'daily/2026/01/30/daily.csv' }] })

    const download = async (headers: Readonly<Record<string, string>> = {}, method = 'GET') => {
      const answer = await fetch(`${hub.url}/api/v1/datahub/exports/shop/daily/2026/01/30/daily.csv`, { method, headers: { ...as('acme'), ...headers } })
      return { answer, status: answer.status, body: Buffer.from(await answer.arrayBuffer()) }
    }
    const whole = await download()
    expect([whole.status, whole.body.equals(bytes), whole.answer.headers.get('content-type'), whole.answer.headers.get('content-disposition'), whole.answer.headers.get('content-length')]).toEqual([200, true, 'text/csv; charset=utf-8', "attachment; filename*=UTF-8''daily.csv", String(bytes.length)])
    const some = await download({ range: 'bytes=300000-600000' })
    expect([some.status, some.body.equals(bytes.subarray(300_000, 600_001)), some.answer.headers.get('content-range')]).toEqual([206, true, `bytes 300000-600000/${bytes.length}`])
    expect((await download({ range: 'bytes=0-1', 'if-range': '"another"' })).status).toBe(200)
    expect((await download({ range: `bytes=${bytes.length}-` })).status).toBe(416)
    const head = await download({}, 'HEAD')
    expect([head.status, head.body.length, head.answer.headers.get('content-length')]).toEqual([200, 0, String(bytes.length)])
  })

  test('D-21 nothing else can be downloaded: other files, other folders, links that lead out, and without the scope nothing', async () => {
    writeFileSync(join(folder.folder, 'data/secret.csv'), 'hidden words')
    mkdirSync(join(folder.folder, 'data/applications/shop/service/daily/2026/01/29'), { recursive: true })
    const statusOf = async (path: string, headers = as('acme')) => {
      const answer = await fetch(`${hub.url}/api/v1/datahub/exports/${path}`, { headers })
      return [answer.status, (await answer.text()).includes('hidden words')]
    }
    const file = 'shop/daily/2026/01/30/daily.csv'
    for (const path of [
      'shop/daily/notes.txt', 'shop/daily/2026/01/31/other.csv', 'shop/..%2f..%2fsecret.csv', 'shop/daily/%2e%2e/%2e%2e/%2e%2e/landing/orders.csv', 'shop/daily%2f2026%2f01%2f30%2f..%2f30%2fdaily.csv', 'shop/daily/2026/01/30/daily.csv%00', 'shop//etc/passwd', '..%2fshop/daily/2026/01/30/daily.csv', 'none/daily/2026/01/30/daily.csv', 'none',
    ]) expect([path, ...(await statusOf(path))]).toEqual([path, 404, false])
    symlinkSync(join(folder.folder, 'data/secret.csv'), join(folder.folder, 'data/applications/shop/service/daily/2026/01/29/daily.csv'))
    expect(await statusOf('shop/daily/2026/01/29/daily.csv')).toEqual([404, false])
    rmSync(join(folder.folder, 'data/applications/shop/service/daily/2026/01/29'), { recursive: true })
    expect([await statusOf(file, as('reader')), await statusOf('shop', as('reader'))]).toEqual([[403, false], [403, false]])
    expect((await hub.query('{ exportContent(app: "shop", name: "daily/2026/01/30/daily.csv", length: 2000000) { version } }')).errors?.[0]?.extensions?.['code']).toBe('BAD_USER_INPUT')
  })
})
