import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getVariableValues, Kind, parse, validate } from 'graphql'
import { openDuckDb, type DuckDatabase } from '../../../connectors/duckdb/database.ts'
import { openFiles } from '../../../connectors/files/index.ts'
import type { SourceTable } from '../../../connectors/ports/source-connector.ts'
import { loadCatalog } from '../../../gateway/catalog/load.ts'
import { composeSupergraph } from '../../../gateway/federation/compose.ts'
import { fanOutScenario, requestScenarios } from '../../../ops/bench/scenarios.ts'
import { writeDemo } from '../../../gateway/demo/write.ts'
import { assets, demoTables, people, sessions } from '../../../gateway/demo/tables.ts'
import type { Catalog } from '../../../schema/catalog.ts'
import { linksOf, regionEntity, viewEntity } from '../../../schema/derive.ts'
import type { Model } from '../../../schema/model.ts'
import { entitySdl } from '../../../schema/sdl.ts'
import type { Column, ColumnType } from '../../../schema/values.ts'
import { analyse } from '../../../subgraphs/lineage/analyse.ts'
import { lineageSdl } from '../../../subgraphs/lineage/sdl.ts'
import { testScope } from '../../support/scope.ts'

const silent = () => {}
let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'demo-'))
  await writeDemo(directory, silent)
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const loaded = async (): Promise<Catalog> => (await loadCatalog(join(directory, 'hub.yaml'), { env: () => undefined })).catalog
const digest = async (folder: string, file: string) => createHash('sha256').update(await readFile(join(folder, file))).digest('hex')

test('the demo\'s data is the same wherever it is written', async () => {
  const other = await mkdtemp(join(tmpdir(), 'demo-'))
  try {
    await writeDemo(other, silent)
    for (const { file } of demoTables) expect(await digest(other, file)).toBe(await digest(directory, file))
  } finally {
    await rm(other, { recursive: true, force: true })
  }
})

test('data that is there already is left as it is, and what is damaged is written again', async () => {
  const file = join(directory, 'platform/people.csv')
  const before = await digest(directory, 'platform/people.csv')
  await utimes(file, 1, 1)
  expect(await writeDemo(directory, silent)).toEqual({ catalog: join(directory, 'hub.yaml') })
  expect((await stat(file)).mtimeMs).toBe(1000)

  await writeFile(file, 'user_id\n1\n')
  await writeDemo(directory, silent)
  expect(await digest(directory, 'platform/people.csv')).toBe(before)
})

test.each(['not json', '{"version":1,"seed":1,"catalog":"","sizes":{}}'])('a manifest of %j is written over', async manifest => {
  await writeFile(join(directory, 'manifest.json'), manifest)
  await writeDemo(directory, silent)
  expect(JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8'))).toMatchObject({ version: 1, sizes: { 'hub.yaml': (await stat(join(directory, 'hub.yaml'))).size } })
})

test('the catalog has no mistakes, and every view reads only columns that exist', async () => {
  const catalog = await loaded()
  const known = new Map<string, readonly string[]>(demoTables.map(({ file, rows }) => {
    const [first] = rows(1)
    return [file.replace('/', '.').replace(/\.\w+$/, ''), Object.keys(first ?? {})]
  }))
  known.set('hub.digital_assets', known.get('platform.digital_assets') ?? [])
  for (const { name, sql } of catalog.views) {
    const { unresolved, columns } = analyse(sql, table => ({ id: table.join('.'), columns: known.get(table.join('.')) }))
    expect({ name, unresolved }).toEqual({ name, unresolved: [] })
    known.set(`hub.${name}`, columns.map(({ output }) => output))
  }
})

describe('read as sources', () => {
  let database: DuckDatabase
  const tables = new Map<string, SourceTable>()

  beforeAll(async () => {
    database = await openDuckDb()
    const connection = await database.connect()
    await connection.run('CREATE SCHEMA hub')
    for (const source of (await loaded()).sources) {
      if (source.type !== 'files') throw new Error(`The demo has files only, not ${source.type}.`)
      const { name, root, tables: declared } = source
      await connection.run(`CREATE SCHEMA ${name}`)
      const connector = await openFiles({ name, database, root, tables: declared as never })
      for (const table of await connector.tables(testScope())) {
        tables.set(`${name}.${table.name}`, table)
        await connection.run(`CREATE VIEW ${name}.${table.name} AS SELECT * FROM ${table.relation}`)
      }
    }
    await connection.run('CREATE VIEW hub.digital_assets AS SELECT * FROM platform.digital_assets')
    for (const { name, sql } of (await loaded()).views) await connection.run(`CREATE VIEW hub.${name} AS ${sql}`)
    connection.disconnectSync()
  })
  afterAll(() => database.close())

  async function rows(sql: string): Promise<readonly Record<string, unknown>[]> {
    const connection = await database.connect()
    try {
      return (await connection.runAndReadAll(sql)).getRowObjectsJson()
    } finally {
      connection.disconnectSync()
    }
  }

  test('every table has all its rows, its key, and columns of the types meant', () => {
    expect(Object.fromEntries([...tables].map(([name, { rowCount, quarantine }]) => [name, [rowCount, quarantine.count]]))).toMatchObject({
      'platform.people': [people, 0], 'platform.digital_assets': [assets, 0], 'platform.user_sessions': [sessions, 0], 'lake.user_activity_summary': [people, 0],
    })
    const types = (name: string) => Object.fromEntries((tables.get(name)?.columns ?? []).map(column => [column.name, column.type]))
    expect(types('platform.people')).toEqual({
      user_id: 'Int', full_name: 'String', email: 'String', country: 'String', department: 'String', manager_id: 'Int', hired_on: 'Date', hourly_rate: 'Float', is_active: 'Boolean',
    })
    expect(types('platform.digital_assets')).toEqual({
      asset_id: 'String', asset_name: 'String', asset_type: 'String', owner_id: 'Int', size_bytes: 'Long', fingerprint: 'Long', is_public: 'Boolean', tags: 'JSON', created_at: 'DateTime', updated_at: 'DateTime',
    })
    expect(types('platform.user_sessions')).toMatchObject({ session_token: 'String', user_id: 'Int', tenant_id: 'String', started_at: 'DateTime', ip_address: 'String' })
    expect(types('lake.user_activity_summary')).toMatchObject({ user_id: 'Int', engagement_score: 'Float', last_active_at: 'DateTime' })
    expect(types('lake.data_quality_latest')).toMatchObject({ asset_id: 'String', quality_score: 'Float', checked_at: 'DateTime' })
  })

  test('every view has rows, and its key names each of them once', async () => {
    for (const { name, key } of (await loaded()).views) {
      const [counted] = await rows(`SELECT count(*) AS n, count(DISTINCT (${key.join(', ')})) AS keys FROM hub.${name}`)
      expect(Number(counted?.n)).toBeGreaterThan(0)
      expect({ name, keys: counted?.keys }).toEqual({ name, keys: counted?.n })
    }
  })

  async function model(): Promise<Model> {
    const catalog = await loaded()
    const regions = catalog.regions.map(entry => regionEntity(entry, entry.load && 'source' in entry.load ? tables.get(`${entry.load.source}.${entry.load.table}`)?.columns : undefined))
    const views = await Promise.all(catalog.views.map(async entry => viewEntity(entry, await described(entry.name))))
    expect([...regions, ...views].flatMap(({ findings }) => findings)).toEqual([])
    const entities = [...regions, ...views].flatMap(({ value }) => value ?? [])
    const links = linksOf(catalog.relations, entities, [])
    expect(links.findings).toEqual([])
    return { entities, links: links.value ?? [], foreign: [] }
  }

  test('regions, views and both ends of every relation fit each other', async () => {
    const { entities, links } = await model()
    expect(entities).toHaveLength(9)
    expect(links).toHaveLength(14)
  })

  test('every operation of the benchmark is valid in the graph the demo gives, and so are its variables', async () => {
    const demo = await model()
    const sdls = { regions: entitySdl(demo, 'regions'), views: entitySdl(demo, 'views'), lineage: lineageSdl }
    const { publicSchema: schema } = composeSupergraph(Object.entries(sdls).map(([name, sdl]) => ({ name, sdl })))

    const { subscription, mutation, variables } = fanOutScenario
    const operations = [...requestScenarios, { document: mutation, variables }, { document: subscription, variables: () => ({}) }]
    for (const { document, variables } of operations) {
      const parsed = parse(document)
      expect(validate(schema, parsed).map(({ message }) => message)).toEqual([])
      const [operation] = parsed.definitions
      if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error(`${document} is no operation.`)
      for (const n of [0, 1, 12_345]) expect(getVariableValues(schema, operation.variableDefinitions ?? [], variables(n)).errors).toBeUndefined()
    }
  })

  test('M-26 an asset that one store alone knows is a row with nulls, and every row says which stores know it', async () => {
    const stores = await rows('SELECT array_to_string(present_in, \' \') AS known_to, count(*) AS n, count(quality_score) AS scored, count(asset_name) AS named FROM hub.unified_assets GROUP BY 1 ORDER BY 1')
    expect(stores.map(row => row['known_to'])).toEqual(['platform cache', 'platform lake cache'])
    for (const { known_to, n, scored, named } of stores) expect([Number(scored), Number(named)]).toEqual([known_to === 'platform cache' ? 0 : Number(n), Number(n)])
  })

  test('M-21 assets, their owners\' engagement and their quality meet as the sample join asks', async () => {
    const sample = await rows(`SELECT da.asset_name, da.asset_type, ua.engagement_score, dq.quality_score FROM platform.digital_assets da
      JOIN lake.user_activity_summary ua ON da.owner_id = ua.user_id JOIN lake.data_quality_latest dq ON da.asset_id = dq.asset_id
      WHERE dq.quality_score > 0.9 AND ua.engagement_score > 50`)
    const [trusted] = await rows('SELECT count(*) AS n FROM hub.trusted_assets')
    expect(sample.length).toBeGreaterThan(100)
    expect(Number(trusted?.n)).toBe(sample.length)
  })

  async function described(view: string): Promise<readonly Column[]> {
    const types: Readonly<Record<string, ColumnType>> = {
      INTEGER: 'Int', BIGINT: 'Long', DOUBLE: 'Float', VARCHAR: 'String', 'TIMESTAMP WITH TIME ZONE': 'DateTime', 'DECIMAL(20,0)': 'Decimal', 'DECIMAL(8,2)': 'Decimal', 'VARCHAR[]': 'JSON', JSON: 'JSON',
    }
    return (await rows(`DESCRIBE hub.${view}`)).map(({ column_name, column_type }) => ({ name: String(column_name), type: types[String(column_type)]!, nullable: true }))
  }
})
