import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { text as streamText } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { jest } from '@jest/globals'
import { openS3Objects } from '../../connectors/s3/object-store.ts'
import { grantedBucket, keyPrefix } from '../../gateway/pipelines/buckets.ts'
import type { S3Source } from '../../schema/catalog.ts'
import { catalogFolder } from '../support/catalog-folder.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { type RunningHub, startHub } from '../support/hub.ts'
import { RunWorld } from '../support/pipeline-runs.ts'
import { openBucket, type S3Bucket } from '../support/s3.ts'
import { openS3Proxy } from '../support/s3-proxy.ts'
import { testScope } from '../support/scope.ts'

jest.setTimeout(120_000)

withEngine('S3_ENDPOINT', 'pipelines over buckets', endpoint => {
  let bucket: S3Bucket
  let world: RunWorld
  let sources: readonly S3Source[]

  beforeEach(async () => {
    bucket = await openBucket(endpoint)
    sources = [{ type: 's3', name: 'landing', ...bucket.reach, applications: { shop: 'write' } }]
    world = await RunWorld.open(undefined, {
      buckets: {
        async find(path, use) {
          const { name: source, ...found } = grantedBucket(sources, 'shop', path, use)
          const prefix = keyPrefix({ ...found, name: source })
          return { source, prefix, open: () => openS3Objects({ ...bucket.reach, source, prefix, folder: join(world.home, 'cache'), mostBytes: 1 << 30 }) }
        },
      },
    })
  })
  afterEach(async () => {
    await world.close()
    await bucket.close()
  })

  const source = (key = 'in/flights-*.csv') => `<csv id="flights" path="s3://${bucket.name}/${key}" inferSchema="true"/>`
  const target = (more = 'mode="overwrite"', key = 'out/%Y/%m/%d') => `<csv path="s3://${bucket.name}/${key}" ${more}/>`
  const text = async (key: string) => (key.endsWith('.gz') ? gunzipSync(await bucket.get(key)) : await bucket.get(key)).toString()

  test('D-12 D-33 D-35 files of a bucket become one of a bucket, in the folder of the run\'s date; an overwrite takes away what lay there, and nothing stays on this machine', async () => {
    await bucket.put('in/flights-1.csv', 'id,from\n1,"Paris, CDG"\n2,Zürich\n')
    await bucket.put('in/flights-2.csv', 'id,from\n3,Oslo\n')
    await bucket.put('in/other.csv', 'id,from\n4,Rome\n')
    for (const key of ['out/2026/01/31/old.csv', 'out/2026/01/31/p.csv', 'out/2026/01/31/deep/kept.csv', 'out/2026/01/30/p.csv']) await bucket.put(key, 'before\n')
    const record = await world.run({ sources: source(), transformations: '<sort source="flights" orderBy="id"/>', targets: target('mode="overwrite" compression="gzip"') })
    expect(record).toMatchObject({ state: 'SUCCEEDED', rowsRead: 3, rowsWritten: 3, steps: [{ id: 'flights', rows: 3 }, {}, { into: `s3://${bucket.name}/out/2026/01/31/p.csv.gz`, rows: 3 }] })
    expect(await text('out/2026/01/31/p.csv.gz')).toBe('id,from\n1,"Paris, CDG"\n2,Zürich\n3,Oslo\n')
    expect((await bucket.keys()).filter(key => key.startsWith('out/'))).toEqual(['out/2026/01/30/p.csv', 'out/2026/01/31/deep/kept.csv', 'out/2026/01/31/p.csv.gz'])
    expect([await world.paths('cache/**'), await bucket.uploads()]).toEqual([[], []])
    expect(record.lineage).toMatchObject({
      inputs: [{ kind: 'FILE', namespace: `s3://${bucket.name}`, name: 'in/flights-*.csv', columns: [{ name: 'id' }, { name: 'from' }] }],
      outputs: [{ namespace: `s3://${bucket.name}`, name: 'out/%Y/%m/%d/p.csv.gz', origins: [{ output: 'id', inputs: [{ table: `s3://${bucket.name} in/flights-*.csv`, column: 'id' }] }, {}] }],
    })
  })

  test('D-35 json, parquet and gzipped csv of a bucket are read as those of the folder, and both in one run', async () => {
    await world.file('here.csv', 'id,n\n1,a\n2,b\n')
    expect(await world.run({ sources: '<csv id="a" path="here.csv" inferSchema="true"/>', targets: `${target('mode="overwrite" compression="gzip"', 'zip')}<hive table="service.t" mode="overwrite"/>` })).toMatchObject({ state: 'SUCCEEDED' })
    const [part = ''] = await world.paths('service/t/*.parquet')
    await bucket.put('in/t.parquet', new Uint8Array(await readFile(join(world.home, part))))
    await bucket.put('in/t.ndjson', '{"id":1,"m":"x"}\n{"id":2,"m":"y"}\n')
    const record = await world.run({
      sources: `<parquet id="t" path="s3a://${bucket.name}/in/*.parquet"/><json id="j" path="s3://${bucket.name}/in/t.ndjson"/><csv id="z" path="s3://${bucket.name}/zip/*.csv.gz" inferSchema="true"/><csv id="h" path="here.csv" inferSchema="true"/>`,
      transformations: '<join left="t" right="j" type="inner" condition="t.id = j.id" as="tj"/><merge sources="z,h" mode="union" as="all"/>',
      targets: '<csv source="tj" path="o1" mode="overwrite"/><csv source="all" path="o2" mode="overwrite"/>',
    })
    expect([record.error, record.state]).toEqual([undefined, 'SUCCEEDED'])
    expect([(await world.lines('o1/p.csv')).sort(), (await world.lines('o2/p.csv')).sort()]).toEqual([['1,a,1,x', '2,b,2,y', expect.stringMatching(/^id,n,/)], ['1,a', '1,a', '2,b', '2,b', 'id,n']])
  })

  test('D-33 D-40 nothing that matches, what is there already, and appends are as in the folder', async () => {
    expect(await world.run({ sources: source(), targets: target() })).toMatchObject({ state: 'SKIPPED_NO_DATA' })
    expect(await world.run({ sources: source(), targets: target(), attributes: 'layer="service" onNoData="fail"' })).toMatchObject({ state: 'FAILED', error: { message: `No file matches "s3://${bucket.name}/in/flights-*.csv".` } })
    await bucket.put('in/flights-1.csv', 'id\n1\n')
    for (const runId of ['one', 'one', 'two']) expect(await world.run({ sources: source(), targets: target('mode="append"') }, { runId })).toMatchObject({ state: 'SUCCEEDED' })
    expect((await bucket.keys()).slice(1)).toEqual(['out/2026/01/31/p-one.csv', 'out/2026/01/31/p-two.csv'])
    expect(await world.run({ sources: source(), targets: target('mode="ignore"') })).toMatchObject({ state: 'SUCCEEDED', steps: [{}, { state: 'SKIPPED', into: `s3://${bucket.name}/out/2026/01/31` }] })
    expect(await world.run({ sources: source(), targets: target('mode="error"') })).toMatchObject({ state: 'FAILED', error: { message: expect.stringContaining(`"s3://${bucket.name}/out/2026/01/31" has 2 files already, such as "s3://${bucket.name}/out/2026/01/31/p-one.csv"`) } })
    expect(await world.run({ sources: source(''), targets: target() })).toMatchObject({ state: 'FAILED', error: { message: `"s3://${bucket.name}/" is a bucket, and a source reads files of one: s3://${bucket.name}/*.csv are those at its top.` } })
  })

  test('D-35 a bucket is a folder, too, and so is a source\'s prefix', async () => {
    await bucket.put('a.csv', 'id\n1\n')
    expect(await world.run({ sources: source('*.csv'), targets: target('mode="append"', '') }, { runId: 'top' })).toMatchObject({ state: 'SUCCEEDED', steps: [{}, { into: `s3://${bucket.name}/p-top.csv` }] })
    sources = [{ type: 's3', name: 'landing', ...bucket.reach, prefix: 'crm', applications: { shop: 'write' } }]
    await bucket.put('crm/a.csv', 'id\n2\n')
    expect(await world.run({ sources: source('crm/*.csv'), targets: target('mode="append"', 'crm/') }, { runId: 'own' })).toMatchObject({ state: 'SUCCEEDED', steps: [{}, { into: `s3://${bucket.name}/crm/p-own.csv` }] })
    expect(await bucket.keys()).toEqual(['a.csv', 'crm/a.csv', 'crm/p-own.csv', 'p-top.csv'])
    expect(await text('crm/p-own.csv')).toBe('id\n2\n')
  })

  test('D-15 a run that is told to stop while it reads a bucket leaves what was there, and nothing here', async () => {
    await bucket.put('in/flights-1.csv', `id\n${'1234567\n'.repeat(4_000_000)}`)
    await bucket.put('out/2026/01/31/p.csv', 'before\n')
    const scope = testScope()
    const ended = await world.run({ sources: source(), targets: target() }, { scope, beforeCommit: async () => scope.abort(new Error('left')) })
    expect([ended.state, await text('out/2026/01/31/p.csv'), await bucket.uploads(), await world.paths('cache/**')]).toEqual(['CANCELLED', 'before\n', [], []])
  })

  test('D-15 D-71 a run that is killed while it puts a file leaves what was there, and the same run again puts it whole and leaves no parts of the first', async () => {
    await bucket.put('in/flights-1.csv', `id\n${'1234567\n'.repeat(4_000_000)}`)
    await bucket.put('out/p.csv', 'before\n')
    await bucket.put('out/old.csv', 'before\n')
    let child: ChildProcess | undefined
    const proxy = await openS3Proxy(endpoint, { before: ({ url = '' }) => void (url.includes('partNumber=3') && child?.kill('SIGKILL')) })
    const xml = `<pipeline id="p" version="1.0" layer="service"><metadata><owner>o</owner></metadata><sources>${source()}</sources><targets>${target('mode="overwrite"', 'out')}</targets></pipeline>`
    const run = async (at: string) => {
      const started = spawn(process.execPath, [resolve(import.meta.dirname, '../support/killed-bucket-run.ts'), JSON.stringify({ source: 'landing', ...bucket.reach, endpoint: at, prefix: '', folder: join(world.home, 'killed'), mostBytes: 1 << 30 }), xml], { stdio: ['ignore', 'pipe', 'inherit'] })
      child = started
      return Promise.all([streamText(started.stdout), once(started, 'exit')])
    }
    try {
      expect(await run(proxy.endpoint)).toEqual(['', [null, 'SIGKILL']])
      expect([await text('out/p.csv'), await bucket.keys(), await bucket.uploads()]).toEqual(['before\n', ['in/flights-1.csv', 'out/old.csv', 'out/p.csv'], ['out/p.csv']])
      expect(await run(endpoint)).toEqual(['{"state":"SUCCEEDED"}', [0, null]])
      expect([await text('out/p.csv') === await text('in/flights-1.csv'), await bucket.keys(), await bucket.uploads()]).toEqual([true, ['in/flights-1.csv', 'out/p.csv'], []])
    } finally {
      await proxy.close()
    }
  })

  test('D-33 D-94 in a hub buckets are those of the catalog, and each application has what is granted to it', async () => {
    const { endpoint: at, accessKeyId, secretAccessKey, region } = bucket.reach
    const s3 = (more: string) => `{ type: s3, bucket: ${bucket.name}, endpoint: '${at}', region: ${region}, accessKeyId: ${accessKeyId}, secretAccessKey: ${secretAccessKey}, ${more} }`
    const pipeline = (id: string, from: string, to: string) => `<pipeline id="${id}" version="1.0" layer="service"><metadata><owner>o</owner></metadata><sources><csv id="c" path="s3://${from}" inferSchema="true"/></sources><targets><csv path="s3://${to}" mode="overwrite"/></targets></pipeline>`
    const place = (app: string, id: string) => `config/applications/${app}/service/pipelines/${id}.xml`
    const folder = catalogFolder({
      'hub.yaml': `sources:\n  crm: ${s3('prefix: crm, applications: { crm: write, shop: read }, tables: { people: in/people.csv }')}\n  shop: ${s3('prefix: shop, applications: { shop: write }, tables: {}')}\n`,
      [place('crm', 'load')]: pipeline('load', `${bucket.name}/crm/in/people.csv`, `${bucket.name}/crm/out`),
      [place('shop', 'load')]: pipeline('load', `${bucket.name}/crm/out/*.csv`, `${bucket.name}/shop/out`),
      [place('shop', 'into')]: pipeline('into', `${bucket.name}/crm/in/people.csv`, `${bucket.name}/crm/out`),
      [place('crm', 'from')]: pipeline('from', `${bucket.name}/shop/out/*.csv`, `${bucket.name}/crm/out`),
      [place('crm', 'lost')]: pipeline('lost', `${bucket.name}0/in/people.csv`, `${bucket.name}/crm/out`),
    })
    await bucket.put('crm/in/people.csv', 'id\n1\n2\n')
    const hub = await startHub({ catalog: folder.catalog, flags: [`--pipelines-folder=${folder.folder}/config`] })
    try {
      const run = async (app: string, id: string) => {
        const begun = await hub.query<{ runPipeline: { runId: string } }>('mutation ($app: String!, $id: ID!) { runPipeline(app: $app, id: $id) { runId } }', { app, id })
        const look = async () => (await hub.query<{ run: { state: string; error: { message: string } | null } }>('query ($runId: ID!) { run(runId: $runId) { state error { message } } }', { runId: begun.data?.runPipeline.runId })).data?.run
        await eventually('the run ends', async () => !['QUEUED', 'RUNNING', undefined].includes((await look())?.state), 60_000)
        const { state, error } = (await look()) ?? {}
        return error ? `${state} ${error.message}` : state
      }
      expect([await run('crm', 'load'), await run('shop', 'load'), await text('shop/out/load.csv')]).toEqual(['SUCCEEDED', 'SUCCEEDED', 'id\n1\n2\n'])
      expect(await run('shop', 'into')).toBe(`FAILED Application "shop" may not write "crm/out/" of bucket "${bucket.name}". What it may write there begins with "shop/".`)
      expect(await run('crm', 'from')).toBe(`FAILED Application "crm" may not read "shop/out/*.csv" of bucket "${bucket.name}". What it may read there begins with "crm/".`)
      expect(await run('crm', 'lost')).toBe(`FAILED No source of type s3 in the catalog has a bucket "${bucket.name}0". Did you mean "${bucket.name}"?`)
      expect(await bucket.keys()).toEqual(['crm/in/people.csv', 'crm/out/load.csv', 'shop/out/load.csv'])
      const { data } = await hub.query<{ lineage: { edges: { to: string }[] } }>('{ lineage(of: "crm.people.id", direction: DOWNSTREAM, depth: 1) { edges { from to kind } } }')
      expect(data?.lineage.edges).toContainEqual({ from: 'crm.people.id', to: `s3://${bucket.name}/crm/out/load.csv.id`, kind: 'RUN' })
      folder.write({ 'hub.yaml': `sources:\n  crm: ${s3('prefix: crm, applications: { crm: write }, tables: {}')}\n  shop: ${s3('prefix: shop, applications: { shop: write }, tables: {}')}\n` })
      await eventually('what was granted is taken back', async () => (await run('shop', 'load')) === `FAILED Application "shop" may not read "crm/out/*.csv" of bucket "${bucket.name}". What it may read there begins with "shop/".`, 30_000)
    } finally {
      await hub.close()
      folder.remove()
    }
  })

  test('D-04 the data of applications lies in a bucket, tables of the lake and exports among it, where the hub names a source for it', async () => {
    const { endpoint: at, accessKeyId, secretAccessKey, region } = bucket.reach
    const pipeline = (id: string, from: string, to: string) => `<pipeline id="${id}" version="1.0" layer="service"><metadata><owner>o</owner></metadata><sources>${from}</sources><targets>${to}</targets></pipeline>`
    const place = (id: string) => `config/applications/shop/service/pipelines/${id}.xml`
    const folder = catalogFolder({
      'hub.yaml': `sources:\n  store: { type: s3, bucket: ${bucket.name}, endpoint: '${at}', region: ${region}, accessKeyId: ${accessKeyId}, secretAccessKey: ${secretAccessKey}, prefix: apps, tables: {} }\n`,
      [place('load')]: pipeline('load', '<csv id="c" path="in/*.csv" inferSchema="true"/>', '<hive table="service.people" mode="append" partitionBy="id"/>'),
      [place('give')]: pipeline('give', '<hive id="p" table="service.people" partitions="id=2"/>', '<csv path="service/out" mode="overwrite"/>'),
    })
    await bucket.put('apps/shop/in/people.csv', 'id,name\n1,Ann\n2,Bob\n')
    await bucket.put('apps/crm/in/people.csv', 'id,name\n9,Eve\n')
    const start = (source: string) => startHub({ catalog: folder.catalog, flags: [`--pipelines-folder=${folder.folder}/config`, `--pipelines-data-source=${source}`] })
    const run = async (hub: RunningHub, id: string) => {
      const begun = await hub.query<{ runPipeline: { runId: string } }>('mutation ($id: ID!) { runPipeline(app: "shop", id: $id) { runId } }', { id })
      const look = async () => (await hub.query<{ run: { state: string; rowsWritten: number } }>('query ($runId: ID!) { run(runId: $runId) { state rowsWritten error { message } } }', { runId: begun.data?.runPipeline.runId })).data?.run
      await eventually('the run ends', async () => !['QUEUED', 'RUNNING', undefined].includes((await look())?.state), 60_000)
      return look()
    }
    const hub = await start('store')
    try {
      expect([await run(hub, 'load'), await run(hub, 'load'), await run(hub, 'give')]).toMatchObject([{ error: null, rowsWritten: 2 }, { error: null, rowsWritten: 2 }, { error: null, rowsWritten: 2 }])
      expect((await hub.query('{ exports(app: "shop", first: 5) { nodes { name bytes pipelineId } } exportContent(app: "shop", name: "out/give.csv", offset: 0, length: 100) { content } }')).data).toMatchObject({
        exports: { nodes: [{ name: 'out/give.csv', bytes: 20, pipelineId: 'give' }] }, exportContent: { content: Buffer.from('name,id\nBob,2\nBob,2\n').toString('base64') },
      })
      const pull = await hub.query<{ datasetContent: { rows: number; content: string } }>('{ datasetContent(app: "shop", dataset: "service.people", filter: { id: { eq: 1 } }, format: CSV) { rows content } }')
      expect([pull.errors, Buffer.from(pull.data?.datasetContent.content ?? '', 'base64').toString()]).toEqual([undefined, 'name,id\nAnn,1\nAnn,1\n'])
      const asked = await hub.query<{ requestExport: { id: string } }>('mutation { requestExport(app: "shop", dataset: "service.people", format: PARQUET) { id } }')
      const job = async () => (await hub.query<{ exportJob: { state: string; rows: number; name: string } }>('query ($id: ID!) { exportJob(id: $id) { state rows name } }', { id: asked.data?.requestExport.id })).data?.exportJob
      await eventually('the export ends', async () => !['QUEUED', 'RUNNING', undefined].includes((await job())?.state), 60_000)
      expect(await job()).toMatchObject({ state: 'SUCCEEDED', rows: 4 })
      expect((await bucket.keys()).filter(key => key.startsWith('apps/shop/service/_on-demand/'))).toEqual([`apps/shop/service/${(await job())?.name}`])
      expect((await bucket.keys()).filter(key => !/\.parquet$/.test(key))).toEqual(['apps/crm/in/people.csv', 'apps/shop/in/people.csv', 'apps/shop/service/out/give.csv', 'apps/shop/service/people/_versions/00000001.json', 'apps/shop/service/people/_versions/00000002.json'])
      expect([await filesBelow(join(folder.folder, 'data')), await filesBelow(join(hub.data, 'spill'))]).toEqual([[], []])
    } finally {
      await hub.close()
    }
    const lost = await start('stor')
    try {
      expect(await run(lost, 'load')).toMatchObject({ state: 'FAILED', error: { message: 'pipelines.dataSource is "stor", and there is no source of type s3 of that name in the catalog. Did you mean "store"?' } })
    } finally {
      await lost.close()
      folder.remove()
    }
  })
})

const filesBelow = async (folder: string) => (await readdir(folder, { recursive: true, withFileTypes: true })).filter(one => one.isFile() && !['lock', 'lock-journal', 'owner'].includes(one.name)).map(one => join(one.parentPath, one.name))
