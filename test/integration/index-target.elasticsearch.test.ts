import { Client } from '@elastic/elasticsearch'
import { jest } from '@jest/globals'
import { openIndexWriter } from '../../connectors/elasticsearch/write.ts'
import type { Row } from '../../schema/values.ts'
import { catalogFolder } from '../support/catalog-folder.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { startHub } from '../support/hub.ts'
import { RunWorld } from '../support/pipeline-runs.ts'
import { testScope } from '../support/scope.ts'

jest.setTimeout(120_000)

withEngine('ELASTICSEARCH_URL', 'indices that runs write', url => {
  const client = new Client({ node: url })
  const prefix = `t${process.pid}-${Date.now().toString(36)}`
  const name = `${prefix}-items`
  const open = () => openIndexWriter({ name: 'search', urls: [url] })
  let world: RunWorld

  beforeEach(async () => {
    world = await RunWorld.open(undefined, { indices: async () => open() })
  })
  afterEach(async () => {
    await world.close()
    const left = Object.keys(await client.indices.get({ index: `${prefix}-*` }))
    if (left.length > 0) await client.indices.delete({ index: left })
  })
  afterAll(() => client.close())

  const found = async (index = name) => (await client.search<Record<string, unknown>>({ index, size: 10_000, sort: '_doc' })).hits.hits.map(({ _id, _source }) => [_id, _source] as const).sort(([a = ''], [b = '']) => (a < b ? -1 : 1))
  const write = (csv: string, target: string, runId?: string) => world.file('in/items.csv', csv).then(() => world.run({ sources: '<csv id="items" path="in/items.csv" inferSchema="true"/>', targets: target }, runId === undefined ? {} : { runId }))
  const merge = `<elasticsearch connection="search" index="${name}" keys="id"/>`
  const overwrite = `<elasticsearch connection="search" index="${name}" mode="overwrite" keys="id"/>`

  test('D-71 rows are documents by their keys: merged, others stay, and the same again change nothing', async () => {
    expect(await write('id,total,day\na,1.5,2026-01-31\nb,2,\n', merge)).toMatchObject({ state: 'SUCCEEDED', rowsWritten: 2, steps: [{}, { into: `elasticsearch search/${name}`, rows: 2 }] })
    expect(await write('id,total,day\nb,3,2026-02-01\nc,4,\n', merge)).toMatchObject({ state: 'SUCCEEDED' })
    expect(await write('id,total,day\nb,3,2026-02-01\nc,4,\n', merge)).toMatchObject({ state: 'SUCCEEDED' })
    expect(await found()).toEqual([['a', { id: 'a', total: 1.5, day: '2026-01-31' }], ['b', { id: 'b', total: 3, day: '2026-02-01' }], ['c', { id: 'c', total: 4, day: null }]])
  })

  test('D-71 with overwrite a full index takes over the name, of an alias and of an index; what cannot be written leaves it as it was', async () => {
    await client.index({ index: name, id: 'old', document: { id: 'old' }, refresh: true })
    expect(await write('id,total\na,1\n', overwrite, 'one')).toMatchObject({ state: 'SUCCEEDED', rowsWritten: 1 })
    expect(await found()).toEqual([['a', { id: 'a', total: 1 }]])
    expect(await write('id,total\na,1\n', overwrite, 'one')).toMatchObject({ state: 'SUCCEEDED', steps: [{}, { state: 'SKIPPED' }] })
    expect(await write('id,total\nb,2\n', overwrite, 'two')).toMatchObject({ state: 'SUCCEEDED' })
    expect([await found(), Object.keys(await client.indices.getAlias({ name })).length, Object.keys(await client.indices.get({ index: `${prefix}-*` })).length]).toEqual([[['b', { id: 'b', total: 2 }]], 1, 1])
    await world.file('out/there.csv', 'x\n')
    expect(await write('id,total\nc,3\n', `${overwrite}<csv path="out" mode="error"/>`, 'three')).toMatchObject({ state: 'FAILED' })
    expect([await found(), Object.keys(await client.indices.get({ index: `${prefix}-*` })).length]).toEqual([[['b', { id: 'b', total: 2 }]], 1])
  })

  test('D-71 what does not fit is told before anything is written, and what the cluster refuses with its words', async () => {
    const message = async (...given: Parameters<typeof write>) => (await write(...given)).error?.message
    expect(await message('idd,total\na,1\n', merge)).toBe(`Rows for index "${name}" have no column "id", by which documents are to be known. Did you mean "idd"?`)
    expect(await message('id,total\na,1\na,2\n', merge)).toContain('1 key is that of several rows to write')
    expect(await client.indices.exists({ index: name })).toBe(false)
    await client.indices.create({ index: name, mappings: { properties: { total: { type: 'date' } } } })
    expect(await message('id,total\na,word\n', merge)).toMatch(/^Source "search" did not take 1 of 1 documents for ".+", such as a: .*total/)
    expect(await message('id\na\n', overwrite.replace(name, 'Upper'))).toMatch(/^Source "search" refused: .*Upper/)
  })

  test('D-71 many rows of every type are what the source reads again', async () => {
    const scope = testScope()
    const writer = open()
    const columns = [{ name: 'id', type: 'Long', nullable: false }, { name: 'd', type: 'Decimal', nullable: true }, { name: 'b', type: 'Bytes', nullable: true }, { name: 'j', type: 'JSON', nullable: true }, { name: 't', type: 'DateTime', nullable: true }] as const
    const rows = Array.from({ length: 12_000 }, (_, n): Row => ({ id: 9_007_199_254_740_993n + BigInt(n), d: '12345678901234567890.123456789', b: '3q2+7w==', j: { a: [n] }, t: '2026-01-31T10:00:00.123456Z' }))
    async function* batches() { for (let at = 0; at < rows.length; at += 700) yield rows.slice(at, at + 700) }
    await writer.merge(scope, { index: name, columns, keys: ['id'] }, batches())
    expect((await client.count({ index: name })).count).toBe(12_000)
    const raw = await (await fetch(`${url}/${name}/_doc/9007199254740993`)).text()
    expect(raw).toContain('"_source":{"id":9007199254740993,"d":12345678901234567890.123456789,"b":"3q2+7w==","j":{"a":[0]},"t":"2026-01-31T10:00:00.123456Z"}')
    await writer.close()
  })

  test('D-71 D-108 in a hub the connection is a source of its catalog, which reads what was written', async () => {
    const folder = catalogFolder({
      'hub.yaml': `sources:\n  search: { type: elasticsearch, url: '${url}', indices: '${name}' }\n`,
      'config/applications/shop/service/pipelines/items.xml': `<pipeline id="items" version="1.0" layer="service"><metadata><owner>o</owner></metadata><sources><csv id="items" path="items.csv" inferSchema="true"/></sources><targets>${merge}</targets></pipeline>`,
      'config/applications/shop/service/pipelines/lost.xml': `<pipeline id="lost" version="1.0" layer="service"><metadata><owner>o</owner></metadata><sources><csv id="items" path="items.csv" inferSchema="true"/></sources><targets>${merge.replace('"search"', '"serach"')}</targets></pipeline>`,
      'data/applications/shop/items.csv': 'id,total\na,1\nb,2\n',
    })
    await client.indices.create({ index: name, mappings: { properties: { id: { type: 'keyword' }, total: { type: 'integer' } } } })
    const hub = await startHub({ catalog: folder.catalog, flags: [`--pipelines-folder=${folder.folder}/config`] })
    try {
      const run = async (id: string) => {
        const begun = await hub.query<{ runPipeline: { runId: string } }>('mutation ($id: ID!) { runPipeline(app: "shop", id: $id) { runId } }', { id })
        const look = async () => (await hub.query<{ run: { state: string; error: unknown } }>('query ($runId: ID!) { run(runId: $runId) { state error { message } } }', { runId: begun.data?.runPipeline.runId })).data?.run
        await eventually('the run ends', async () => !['QUEUED', 'RUNNING', undefined].includes((await look())?.state))
        return look()
      }
      expect(await run('items')).toEqual({ state: 'SUCCEEDED', error: null })
      expect((await hub.query(`{ sqlQuery(query: "SELECT id, total FROM search.\\"${name}\\" ORDER BY id") { rows } }`)).data).toEqual({ sqlQuery: { rows: [['a', 1], ['b', 2]] } })
      expect(await run('lost')).toEqual({ state: 'FAILED', error: { message: 'There is no source "serach" of type elasticsearch in the catalog. Did you mean "search"?' } })
      const { data } = await hub.query<{ lineage: { edges: { to: string }[] } }>(`{ lineage(of: "search.${name}.total", depth: 1) { edges { from to kind } } }`)
      expect(data?.lineage.edges).toContainEqual({ from: 'file:shop/items.csv.total', to: `search.${name}.total`, kind: 'RUN' })
    } finally {
      await hub.close()
      folder.remove()
    }
  })
})
