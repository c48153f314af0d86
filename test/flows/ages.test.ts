import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import type { Read } from '../../resolvers/context.ts'
import { catalogFolder } from '../support/catalog-folder.ts'
import { keeper, startHub, type RunningHub } from '../support/hub.ts'
import { MovedClock } from '../support/scope.ts'

const files = {
  'hub.yaml': `
sources:
  shop: { type: files, root: ./shop }
  live: { type: sqlite, file: ./live.sqlite }
regions:
  planes: { type: Plane, key: id, load: { source: shop, table: planes } }
  ports: { type: Port, key: code, load: { source: shop, table: ports, eager: true } }
  crews: { type: Crew, key: id, load: { source: live, table: crews, eager: true } }
  notes: { type: Note, key: id, fields: { id: ID!, port: String } }
views:
  of_files: { type: OfFile, key: code, sql: "SELECT code, name FROM shop.ports" }
  of_regions: { type: OfRegion, key: code, sql: "SELECT code, name FROM hub.ports" }
  of_views: { type: OfView, key: code, sql: "SELECT v.code, c.id FROM of_regions v, live.crews c" }
  of_databases: { type: OfDatabase, key: id, sql: "SELECT id FROM live.crews" }
  kept_rows: { type: KeptRow, key: id, materialize: { every: PT24H }, sql: "SELECT id FROM live.crews" }
  kept_of_regions: { type: KeptOfRegion, key: code, materialize: { every: PT24H }, sql: "SELECT code FROM hub.ports" }
relations:
  - { from: Note.port, to: Port.code, as: inPort }
`,
  'shop/planes.csv': 'id,name\n7,Ada\n8,Grace\n',
  'shop/ports.csv': 'code,name\nBER,Berlin\nOSL,Oslo\n',
}
const minute = 60_000

/** Moved by the test, and no timer comes due: nothing is looked at unasked. */
class StandingClock extends MovedClock {
  override after(): () => void {
    return () => {}
  }
}

describe('the age of an answer is that of the oldest data behind it', () => {
  const folder = catalogFolder(files)
  const clock = new StandingClock()
  let hub: RunningHub
  beforeAll(async () => {
    const database = new DatabaseSync(join(folder.folder, 'live.sqlite'))
    database.exec('CREATE TABLE crews (id INTEGER PRIMARY KEY); INSERT INTO crews VALUES (1)')
    database.close()
    hub = await startHub({ catalog: folder.catalog, clock, flags: ['--limits-requests-per-minute=100000000'] })
    clock.advance(minute)
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  /** What an operation read, as `name from engine` with each one's age in minutes. */
  async function ages(query: string): Promise<Record<string, number>> {
    const { errors, extensions } = await hub.query(query, {}, { 'x-hub-explain': '1' })
    if (errors) throw new Error(JSON.stringify(errors))
    const { reads } = extensions!['hub'] as { readonly reads: readonly Read[] }
    return Object.fromEntries(reads.map(({ name, from, engine, ageMs }) => [`${name} ${from} ${engine}`, ageMs / minute]))
  }

  test('views, lists and statements over a file are as old as the last look at it', async () => {
    expect(await ages('{ ofFiles { nodes { code } } planes { nodes { id } } }')).toEqual({ 'of_files view duckdb': 1, 'planes source duckdb': 1 })
    expect(await ages('{ unifiedQuery(sql: "SELECT count(*) FROM shop.ports") { rows } }')).toEqual({ 'statement view duckdb': 1 })
    expect(await ages('{ sqlQuery(query: "SELECT count(*) FROM hub.ports") { rows } }')).toEqual({ 'statement view duckdb': 1 })
  })

  test('what is read from a database now is of now, and so is what clients wrote', async () => {
    expect(await ages('{ ofDatabases { nodes { id } } notes { nodes { id } } }')).toEqual({ 'of_databases view duckdb': 0, [`notes region ${keeper}`]: 0 })
    expect(await ages('{ unifiedQuery(sql: "SELECT 1") { rows } }')).toEqual({ 'statement view duckdb': 0 })
  })

  test('a loaded region is as old as its load, whoever reads it: memory, a view, a view over that view', async () => {
    expect(await ages('{ crews { nodes { id } } ofRegions { nodes { code } } ofViews { nodes { code } } }')).toEqual({ [`crews region ${keeper}`]: 1, 'of_regions view duckdb': 1, 'of_views view duckdb': 1 })
  })

  test('a list that filters through a relation is as old as the other side', async () => {
    expect(await ages('{ notes(where: { inPort: { name: { eq: "Oslo" } } }) { nodes { id } } }')).toEqual({ 'notes region duckdb': 1 })
    expect(await ages('{ notes(orderBy: [{ inPort: { name: ASC } }]) { totalCount } }')).toEqual({ 'notes region duckdb': 1 })
  })

  test('a row read through from a file keeps the age it had there', async () => {
    expect(await ages('{ plane(id: 7) { name } }')).toEqual({ 'shop.planes source files': 1 })
    await hub.kept('planes', 1)
    clock.advance(minute)
    expect(await ages('{ plane(id: 7) { name } }')).toEqual({ [`planes region ${keeper}`]: 2 })
  })

  test('a kept view is as old as its refreshing, and no younger than what that read', async () => {
    expect(await ages('{ keptRows { nodes { id } } keptOfRegions { nodes { code } } }')).toEqual({ [`kept_rows region ${keeper}`]: 2, [`kept_of_regions region ${keeper}`]: 2 })
    const before = (await ages('{ ports { nodes { code } } }'))[`ports region ${keeper}`]
    await hub.query('mutation { a: refreshView(name: "kept_rows") { name } b: refreshView(name: "kept_of_regions") { name } }')
    expect(await ages('{ keptRows { nodes { id } } keptOfRegions { nodes { code } } }')).toEqual({ [`kept_rows region ${keeper}`]: 0, [`kept_of_regions region ${keeper}`]: before })
    // The refreshing looked at the files, which are as they were.
    expect(await ages('{ ofFiles { nodes { code } } }')).toEqual({ 'of_files view duckdb': 0 })
  })
})
