import { createHash } from 'node:crypto'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { catalogFolder } from '../support/catalog-folder.ts'
import { eventually } from '../support/eventually.ts'
import { type RunningHub, startHub } from '../support/hub.ts'

const keys = [
  { id: 'acme', tenant: 'acme', scopes: ['pipeline:read', 'pipeline:run', 'export:read'] }, { id: 'other', tenant: 'other', scopes: ['pipeline:read', 'export:read'] }, { id: 'viewer', tenant: 'acme', scopes: ['role:viewer@shop'] },
  { id: 'elsewhere', tenant: 'acme', scopes: ['role:viewer@crm', 'export:read@crm'] }, { id: 'partner', tenant: 'acme', scopes: ['export:read@shop'] },
  { id: 'analyst', tenant: 'acme', scopes: ['query:run'] },
]
const as = (id: string) => ({ 'x-api-key': `key of ${id}` })
const pipeline = (id: string, { layer = 'service', schema = 'inferSchema="true"', transformations = '', partition = '' } = {}) => `<pipeline id="${id}" version="1.0" layer="${layer}"><metadata><owner>o</owner></metadata><sources><csv id="rows" path="landing/${id}.csv" ${schema}/></sources><transformations>${transformations}</transformations><targets><hive table="service.${id}" mode="overwrite"${partition}/></targets></pipeline>`
const place = 'pipelines/applications/shop/service/pipelines'
const people = 'id,country,total,name\n1,DE,12.50,Ann\n2,DE,7.25,Bob\n3,FR,3.00,"O\'Neil"\n4,,1.00,\n'

describe('what others pull of what an application publishes', () => {
  const folder = catalogFolder({
    'keys.json': JSON.stringify(keys.map(key => ({ ...key, sha256: createHash('sha256').update(`key of ${key.id}`).digest('hex') }))),
    'hub.yaml': 'regions:\n  notes: { type: Note, key: id, fields: { id: ID! } }\n',
    [`${place}/people.xml`]: pipeline('people', { partition: ' partitionBy="country"' }),
    [`${place}/many.xml`]: pipeline('many'),
    [`${place}/secrets.xml`]: pipeline('secrets'),
    [`${place}/masked.xml`]: pipeline('masked', { schema: 'schemaRef="schemas/person.json"', transformations: '<mask source="rows" columns="email" strategy="redact"/>' }),
    'pipelines/applications/shop/staging/pipelines/early.xml': pipeline('early', { layer: 'staging' }),
    'pipelines/applications/shop/service/schemas/person.json': JSON.stringify({ type: 'object', properties: { id: { type: 'integer' }, email: { type: 'string', classification: 'sensitive' } } }),
    'data/applications/shop/landing/people.csv': people,
    'data/applications/shop/landing/many.csv': `id,text\n${Array.from({ length: 30_000 }, (_, nth) => `${nth},row ${nth}`).join('\n')}\n`,
    'data/applications/shop/landing/secrets.csv': 'id,email\n1,ann@example.org\n',
    'data/applications/shop/landing/masked.csv': 'id,email\n1,ann@example.org\n',
    'data/applications/shop/landing/early.csv': 'id\n1\n',
  })
  let hub: RunningHub
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog, flags: [`--auth-api-keys-file=${folder.folder}/keys.json`, `--pipelines-folder=${folder.folder}/pipelines`], headers: as('acme') })
    for (const id of ['people', 'many', 'secrets', 'masked', 'early']) {
      const { data } = await hub.query<{ runPipeline: { runId: string } }>('mutation ($id: ID!) { runPipeline(app: "shop", id: $id) { runId } }', { id })
      await eventually(`${id} is there`, async () => (await hub.query<{ run: { state: string } }>('query ($runId: ID!) { run(runId: $runId) { state } }', data?.runPipeline)).data?.run.state === 'SUCCEEDED', 30_000)
    }
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  const ask = async (method: string, path: string, { body, headers = {}, who = 'acme' }: { body?: unknown; headers?: Readonly<Record<string, string>>; who?: string } = {}) => {
    const answer = await fetch(`${hub.url}/api/v1/datahub/${path}`, { method, headers: { ...as(who), ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) }, ...(body !== undefined && { body: JSON.stringify(body) }) })
    const bytes = Buffer.from(await answer.arrayBuffer())
    const json = answer.headers.get('content-type')?.includes('json') && !answer.headers.get('content-type')?.includes('ndjson')
    return { status: answer.status, headers: answer.headers, bytes, text: bytes.toString(), body: (json && bytes.length > 0 ? JSON.parse(bytes.toString()) : {}) as Record<string, unknown> }
  }
  const data = (dataset: string, query: Readonly<Record<string, string>> = {}, who?: string) => ask('GET', `data/shop/${dataset}?${new URLSearchParams(query)}`, { ...(who !== undefined && { who }) })
  const linesOf = (text: string) => text.trimEnd().split('\n').filter(Boolean).map(line => JSON.parse(line) as Record<string, unknown>)
  const ids = async (filter: unknown) => linesOf((await data('service.people', { filter: JSON.stringify(filter) })).text).map(({ id }) => id).sort()
  const ended = async (location: string) => {
    await eventually(`${location} ends`, async () => !['queued', 'running'].includes(String((await ask('GET', location)).body['state'])), 30_000)
    return (await ask('GET', location)).body
  }
  const placeOf = ({ headers }: { headers: Headers }) => (headers.get('location') ?? '').replace('/api/v1/datahub/', '')

  test('D-22: rows of a dataset are pulled at once, as json and as csv, all of them or those a filter lets through', async () => {
    const all = await data('service.people')
    expect([all.status, all.headers.get('content-type')]).toEqual([200, 'application/x-ndjson'])
    expect(linesOf(all.text).sort((a, b) => Number(a['id']) - Number(b['id']))).toEqual([{ id: 1, country: 'DE', total: 12.5, name: 'Ann' }, { id: 2, country: 'DE', total: 7.25, name: 'Bob' }, { id: 3, country: 'FR', total: 3, name: "O'Neil" }, { id: 4, country: null, total: 1, name: null }])
    const csv = await data('service.people', { format: 'csv', filter: '{"name":{"eq":"O\'Neil"}}' })
    expect([csv.status, csv.headers.get('content-type'), csv.text]).toEqual([200, 'text/csv; charset=utf-8', "id,total,name,country\n3,3.0,O'Neil,FR\n"])
    expect((await data('service.people', { format: 'parquet' })).bytes.subarray(0, 4).toString()).toBe('PAR1')
    expect(await Promise.all([{ country: { eq: 'DE' } }, { total: { gte: 3, lt: 10 } }, { or: [{ country: { isNull: true } }, { name: { startsWith: 'A' } }] }, { not: { country: { in: ['DE', 'IT'] } } }, { name: { like: '%o%' }, id: { ne: 9 } }, { id: { in: [] } }].map(ids))).toEqual([[1, 2], [2, 3], [1, 4], [3], [2], []])
  })

  test('D-22: a filter is values alone: none of them is read as SQL, and columns there are not are told with the nearest', async () => {
    const injected = ["' OR 1=1 --", "x'); DROP TABLE \"rows\"; --", '" OR "1"="1', '?', '$1', "'' UNION SELECT 1"]
    for (const value of injected) expect([value, await ids({ name: { eq: value } }), await ids({ or: [{ name: { in: [value] } }, { name: { startsWith: value } }] })]).toEqual([value, [], []])
    const wrong = async (filter: unknown) => {
      const { status, body } = await data('service.people', { filter: typeof filter === 'string' ? filter : JSON.stringify(filter) })
      return [status, body['detail']]
    }
    expect(await wrong({ contry: { eq: 'DE' } })).toEqual([400, 'service.people has no field "contry" to filter by. Did you mean "country"?'])
    expect(await wrong({ 'id" = 1 OR "id': { eq: 1 } })).toEqual([400, expect.stringContaining('has no field')])
    expect(await wrong({ total: { like: '1%' } })).toEqual([400, expect.stringContaining('has no comparison "like"')])
    expect(await wrong({ id: { eq: '1 OR 1=1' } })).toEqual([400, expect.stringContaining('1 OR 1=1')])
    expect(await wrong('{"id":')).toEqual([400, expect.stringContaining('The filter is not JSON')])
    expect((await wrong({ or: Array.from({ length: 101 }, () => ({ id: { eq: 1 } })) }))[0]).toBe(400)
    expect((await wrong(`${'{"not":'.repeat(500)}{}${'}'.repeat(500)}`))[0]).toBe(400)
    expect((await ask('POST', 'exports/shop/service.people', { body: { filter: { contry: { eq: 'DE' } } } })).status).toBe(400)
    expect((await data('service.people', { format: 'xml' })).status).toBe(400)
    expect(await ids({})).toEqual([1, 2, 3, 4])
  })

  test('D-22: more than is answered at once becomes an export, with 202 and where it is, and its file is downloaded, whole and by Range', async () => {
    const begun = await data('service.many')
    expect([begun.status, begun.body]).toEqual([202, expect.objectContaining({ app: 'shop', dataset: 'service.many', format: 'json', filter: {}, started_by: 'acme', file: null })])
    const location = placeOf(begun)
    expect(location).toBe(`export-jobs/${begun.body['id']}`)
    const job = await ended(location)
    expect(job).toMatchObject({ state: 'succeeded', rows: 30_000, bytes: expect.any(Number), error: null })
    expect(Date.parse(String(job['expires_at'])) - Date.parse(String(job['ended_at']))).toBe(24 * 60 * 60 * 1000)

    const file = String(job['file']).replace('/api/v1/datahub/', '')
    const whole = await ask('GET', file)
    expect([whole.status, whole.headers.get('content-type'), whole.bytes.length, linesOf(whole.text).length]).toEqual([200, 'application/x-ndjson', job['bytes'], 30_000])
    const some = await ask('GET', file, { headers: { range: 'bytes=300000-600000' } })
    expect([some.status, some.bytes.equals(whole.bytes.subarray(300_000, 600_001)), some.headers.get('content-range')]).toEqual([206, true, `bytes 300000-600000/${job['bytes']}`])
    expect((await data('service.many', { filter: '{"id":{"lt":10000}}' })).status).toBe(200)
    expect((await data('service.many', { filter: '{"id":{"lt":10001}}' })).status).toBe(202)
    expect((await hub.query<{ exports: { nodes: { name: string }[] } }>('{ exports(app: "shop") { nodes { name } } }')).data?.exports.nodes).toEqual([])
  })

  test('D-22: an export is requested by the graph and over REST, and a request repeated by its key is the same export', async () => {
    const { data: asked, errors } = await hub.query<{ requestExport: { id: string; state: string } }>('mutation { requestExport(app: "shop", dataset: "service.people", filter: { country: { eq: "DE" } }, format: CSV) { id state filter format dataset } }')
    expect([errors, asked?.requestExport]).toEqual([undefined, expect.objectContaining({ filter: { country: { eq: 'DE' } }, format: 'CSV', dataset: 'service.people' })])
    const made = await ended(`export-jobs/${asked?.requestExport.id}`)
    expect(made).toMatchObject({ rows: 2, filter: { country: { eq: 'DE' } } })
    expect((await ask('GET', String(made['file']).replace('/api/v1/datahub/', ''))).text.trimEnd().split('\n').sort()).toEqual(['1,12.5,Ann,DE', '2,7.25,Bob,DE', 'id,total,name,country'])

    const key = { headers: { 'idempotency-key': 'export once' }, body: { filter: { id: { gt: 1 } }, format: 'parquet' } }
    const first = await ask('POST', 'exports/shop/service.people', key)
    const again = await ask('POST', 'exports/shop/service.people', key)
    expect([first.status, again.status, again.body['id'] === first.body['id']]).toEqual([202, 202, true])
    expect((await ask('POST', 'exports/shop/service.people', { ...key, body: { format: 'csv' } })).status).toBe(409)
    const parquet = await ended(placeOf(first))
    expect((await ask('GET', String(parquet['file']).replace('/api/v1/datahub/', ''))).headers.get('content-type')).toBe('application/vnd.apache.parquet')
  })

  test('D-22 D-111: without the scope for the application nothing is given or told, whether or not the dataset is there', async () => {
    const job = String((await ask('POST', 'exports/shop/service.people', { body: {} })).body['id'])
    const file = String((await ended(`export-jobs/${job}`))['file']).replace('/api/v1/datahub/', '')
    for (const who of ['viewer', 'elsewhere']) {
      const answers = await Promise.all(['service.people', 'service.none'].flatMap(name => [data(name, {}, who), ask('POST', `exports/shop/${name}`, { who, body: {} })]))
      expect([who, answers.map(({ status }) => status), new Set(answers.map(({ body }) => body['detail'])).size]).toEqual([who, [403, 403, 403, 403], 1])
      expect([who, (await ask('GET', file, { who })).status]).toEqual([who, 403])
    }
    expect([(await ask('GET', `export-jobs/${job}`, { who: 'viewer' })).status, (await ask('GET', `export-jobs/${job}`, { who: 'elsewhere' })).status]).toEqual([403, 404])
    expect([(await ask('GET', `export-jobs/${job}`, { who: 'other' })).status, (await ask('GET', file, { who: 'other' })).status]).toEqual([404, 404])
    expect([(await ask('GET', `export-jobs/${job}`, { who: 'partner' })).status, (await ask('GET', file, { who: 'partner' })).status]).toEqual([200, 200])
    expect([(await ask('GET', `runs/${job}`)).status, (await ask('POST', `runs/${job}/cancel`)).status, (await ask('POST', `runs/${job}/rerun`, { body: {} })).status]).toEqual([404, 404, 404])
    expect(JSON.stringify((await ask('GET', 'runs')).body)).not.toContain(job)
    const { data: table, errors } = await hub.query<{ unifiedQuery: { rows: unknown[][] } }>('{ unifiedQuery(sql: "SELECT kind, count(*) AS n FROM ops.pipeline_runs GROUP BY kind") { rows } }', {}, as('analyst'))
    expect([errors, table?.unifiedQuery.rows]).toEqual([undefined, [['pipeline', 5]]])
  })

  test('D-22: only tables of layer service that a pipeline writes are datasets, by their names', async () => {
    for (const name of ['service.none', 'people', 'staging.people', 'service', '..%2fservice.people', 'service.people%00', '%2e%2e', 'service%2fpeople', 'service.people%2f..', "service.people'"]) {
      expect([name, (await ask('GET', `data/shop/${name}`)).status, (await ask('POST', `exports/shop/${name}`, { body: {} })).status]).toEqual([name, 404, 404])
    }
    for (const app of ['shp', '..', '%2e%2e', '..%2fshop', 'shop%00']) expect([app, (await ask('GET', `data/${app}/service.people`)).status]).toEqual([app, 404])
    expect((await data('service.peple')).body['detail']).toContain('Did you mean "service.people"')
    const id = '00000000-0000-4000-8000-000000000000'
    for (const name of [`_on-demand/${id}-1-service.people.csv`, `_on-demand/../people`, `_on-demand%2f..%2f..%2flanding%2fpeople.csv`, '_on-demand']) expect([name, (await ask('GET', `exports/shop/${name}`)).status]).toEqual([name, 404])
  })

  test('D-22 D-110: sensitive columns without a mask do not leave, nor does what another layer wrote; masked ones do', async () => {
    expect(linesOf((await data('service.masked')).text)).toEqual([{ id: 1, email: expect.not.stringContaining('ann@') }])
    expect((await data('service.secrets')).status).toBe(200)
    const xml = pipeline('secrets', { schema: 'schemaRef="schemas/person.json"' }).replace('version="1.0"', 'version="1.1"')
    writeFileSync(join(folder.folder, place, 'secrets.xml'), xml)
    const before = readdirSync(join(folder.folder, 'data/applications/shop/service/_on-demand'))
    for (const refused of [await data('service.secrets'), await ask('POST', 'exports/shop/service.secrets', { body: {} })]) {
      expect([refused.status, refused.body['detail'], refused.text.includes('ann@')]).toEqual([422, expect.stringMatching(/^UNMASKED_SENSITIVE: .*"email"/), false])
    }
    expect(await data('service.early')).toMatchObject({ status: 422, body: { detail: expect.stringContaining('Pipeline "early", which writes it, is of layer "staging"') } })
    expect(readdirSync(join(folder.folder, 'data/applications/shop/service/_on-demand'))).toEqual(before)
  })
})
