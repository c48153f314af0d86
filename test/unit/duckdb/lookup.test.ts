import { openDuckDb } from '../../../connectors/duckdb/database.ts'
import { openDuckDbEngine } from '../../../connectors/duckdb/engine.ts'
import { openMemoryRegions } from '../../../connectors/memory/index.ts'
import type { RegionDefinition } from '../../../connectors/ports/region-store.ts'
import { allRows, type QueryOptions, type Statement } from '../../../connectors/ports/sql-engine.ts'
import type { Row } from '../../../schema/values.ts'
import { MovedClock, testScope } from '../../support/scope.ts'

const definition: RegionDefinition = {
  name: 'things',
  columns: [
    { name: 'id', type: 'Int', nullable: false }, { name: 'name', type: 'String', nullable: true }, { name: 'size', type: 'Int', nullable: true }, { name: 'price', type: 'Decimal', nullable: true },
    { name: 'at', type: 'DateTime', nullable: true }, { name: 'ratio', type: 'Float', nullable: true },
  ],
  key: ['id'], indexes: [['name'], ['size']], atomicity: 'ATOMIC', expiry: { createMs: 1_000 }, maxEntries: 100_000, durable: false, tenancy: 'TENANT',
}
const thing = (id: number, more: Row = {}): Row => ({ id, name: `n${id % 3}`, size: id, price: '1.5', at: '2024-01-31T00:00:00.5Z', ratio: id / 2, ...more })

/** An engine whose DuckDB is gone: what it still answers, it answers without it. */
async function withoutDuckDb() {
  const clock = new MovedClock()
  const scope = testScope({ clock, tenant: 'red' })
  const store = await openMemoryRegions({ clock, log: scope.log })
  const region = await store.define(definition)
  await region.putMany(scope, Array.from({ length: 9 }, (_, id) => thing(id)))
  await region.putMany(testScope({ clock, tenant: 'blue' }), [thing(1, { name: 'theirs' })])
  const database = await openDuckDb({ threads: 1 })
  const engine = await openDuckDbEngine(database, { clock, connections: 1, log: scope.log })
  await engine.mount([{ catalog: 'hub', name: 'things', columns: definition.columns, from: { kind: 'live', rows: tenant => region.rowsNow(tenant), indexes: region.indexes } }])
  await engine.close()
  await database.close()
  const query = (sql: string, params: Statement['params'] = [], options: QueryOptions = {}) => engine.query(scope, { sql, params }, options)
  return { clock, region, scope, query, rows: async (...given: Parameters<typeof query>) => allRows(await query(...given)) }
}

test('columns of rows that the key or an index leads to are answered without DuckDB, in order and up to the limit', async () => {
  const { rows } = await withoutDuckDb()
  expect(await rows('SELECT id, name AS label, ratio FROM things WHERE id = ?', [4])).toEqual([{ id: 4, label: 'n1', ratio: 2 }])
  expect(await rows("SELECT t.id FROM hub.things t WHERE t.name = 'n1' AND t.size > 1 ORDER BY t.size DESC LIMIT 1")).toEqual([{ id: 7 }])
  expect(await rows('SELECT id FROM things WHERE id IN (?) ORDER BY id LIMIT ?', [[8, 3, 99, 5], 2])).toEqual([{ id: 3 }, { id: 5 }])
  expect(await rows('SELECT id, id, at FROM things WHERE size BETWEEN 2 AND 3 ORDER BY id')).toEqual([2, 3].map(id => ({ id, id_2: id, at: '2024-01-31T00:00:00.5Z' })))
  expect(await rows('SELECT id FROM things WHERE id = 99')).toEqual([])
})

test('only rows of the tenant, and none that have expired, are seen; what was looked at is told', async () => {
  const { clock, scope, region, query, rows } = await withoutDuckDb()
  expect(await rows("SELECT id FROM things WHERE name = 'theirs'")).toEqual([])
  const result = await query("SELECT id FROM things WHERE name = 'n1' AND size > 1", [], { maxRows: 1 })
  expect([await allRows(result), result.truncated(), result.stats().rowsScanned, result.columns]).toEqual([[{ id: 4 }], true, 3, [{ name: 'id', type: 'Int', nullable: true }]])
  clock.advance(1_000)
  await region.putMany(scope, [thing(20, { name: 'n1' })])
  expect(await rows("SELECT id FROM things WHERE name = 'n1'")).toEqual([{ id: 20 }])
})

test('everything else is left to DuckDB', async () => {
  const { region, scope, rows } = await withoutDuckDb()
  await region.putMany(scope, [thing(30, { name: 'odd', at: '2024-01-31T00:00:00.1234567Z' }), thing(31, { name: 'odd \ud800' }), ...Array.from({ length: 10_001 }, (_, index) => thing(100 + index, { name: 'many' }))])
  const others = [
    'SELECT id FROM things', 'SELECT id FROM things WHERE ratio = 1', 'SELECT id FROM things WHERE ratio > 0', 'SELECT * FROM things WHERE id = 1', 'SELECT price FROM things WHERE id = 1', 'SELECT count(*) FROM things WHERE id = 1', 'SELECT size + 1 FROM things WHERE id = 1',
    'SELECT DISTINCT name FROM things WHERE id = 1', 'SELECT id FROM things WHERE id = 1 OFFSET 1', 'SELECT id FROM things WHERE id = 1 FETCH FIRST 1 ROWS ONLY', 'SELECT id FROM things WHERE id = 1 ORDER BY name', 'SELECT id FROM things WHERE id = 1 ORDER BY 1',
    'SELECT size AS id FROM things WHERE id = 1 ORDER BY id', "SELECT id FROM things WHERE name LIKE 'n%'", 'SELECT id FROM things WHERE id = 1 OR size = 2', 'SELECT ID FROM things WHERE id = 1', 'SELECT a.id FROM things a, things b WHERE a.id = 1',
    'SELECT id FROM (SELECT id FROM things WHERE id = 1) x', 'SELECT id FROM things WHERE id = 1 UNION ALL SELECT 2', "SELECT at FROM things WHERE name = 'odd'", 'SELECT name FROM things WHERE id = 31', "SELECT id FROM things WHERE name = 'many'",
    'SELECT id FROM things WHERE id = 1.5',
  ]
  for (const sql of others) await expect(rows(sql).then(found => [sql, found])).rejects.toThrow()
  expect(await rows('SELECT id FROM things WHERE name = ? LIMIT 2', ['many'])).toEqual([{ id: 100 }, { id: 101 }])
})
