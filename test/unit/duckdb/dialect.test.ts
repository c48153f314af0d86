import type { DuckDBConnection } from '@duckdb/node-api'
import { type DuckDatabase, openDuckDb } from '../../../connectors/duckdb/database.ts'
import { baseTables } from '../../../connectors/statements/index.ts'
import { openDuckDbEngine } from '../../../connectors/duckdb/engine.ts'
import { allRows, type SqlEngine } from '../../../connectors/ports/sql-engine.ts'
import { testScope } from '../../support/scope.ts'
import { capturedCases, dialectCorpus, dialectTables } from '../../support/sql-corpus.ts'
import { column } from '../../support/sql-tables.ts'

let database: DuckDatabase
let connection: DuckDBConnection
let engine: SqlEngine

beforeAll(async () => {
  database = await openDuckDb()
  connection = await database.connect()
  for (const sql of dialectTables) await connection.run(sql)
  engine = await openDuckDbEngine(database, testScope())
  await engine.mount([
    { catalog: 'pg', name: 'public.customer', columns: [column('id', 'Long'), column('name', 'String'), column('country', 'String')], from: { kind: 'relation', relation: '"pg"."public"."customer"' } },
    { catalog: 'ora', name: 'sales.orders', columns: ['oid', 'cust_id', 'amount', 'status', 'ts', 'tags', 'doc'].map(name => column(name, 'JSON')), from: { kind: 'relation', relation: '"ora"."sales"."orders"' } },
  ])
})

afterAll(async () => {
  await engine.close()
  connection.disconnectSync()
  await database.close()
})

test.each(dialectCorpus)('Trino answers it so: $id', async one => {
  const answer = async () => allRows(await engine.query(testScope(), { sql: one.sql }))
  if ('rows' in one) expect(await answer()).toEqual(one.rows)
  else if ('refused' in one) await expect(answer()).rejects.toMatchObject({ code: 'SQL_UNSUPPORTED', message: expect.stringMatching(one.refused) })
  else await expect(answer()).rejects.toMatchObject({ code: 'SQL_ERROR', message: expect.stringMatching(one.fails) })
})

test.each(capturedCases)('a Trino 476 answered the same, or it is refused by name: $sql', async one => {
  const answer = async () => allRows(await engine.query(testScope(), { sql: one.sql }))
  if (one.rows) expect(await answer()).toEqual(one.rows)
  else await expect(answer()).rejects.toMatchObject({ code: one.refused ? 'SQL_UNSUPPORTED' : 'SQL_ERROR' })
})

test.each([`1${'/1'.repeat(40)}`, `${'cast('.repeat(9)}1${' as bigint)'.repeat(9)}`, `x${'[1]'.repeat(40)}`, `${'greatest('.repeat(30)}1${', 1)'.repeat(30)}`])('what would grow beyond measure on its way to the engine is refused at once: %s', async expression => {
  const began = performance.now()
  await expect(engine.query(testScope(), { sql: `SELECT ${expression} FROM (SELECT ARRAY[1] AS x)` })).rejects.toMatchObject({ code: 'SQL_UNSUPPORTED', message: expect.stringContaining('inside each other') })
  expect(performance.now() - began).toBeLessThan(1000)
})

test('the base tables of a statement are found without the names of WITH', () => {
  expect(baseTables('SELECT f.*, g.x FROM lake.flights f, g')).toEqual([{ catalog: 'lake', name: 'flights' }, { name: 'g' }])
  const sql = 'WITH a AS (SELECT * FROM hub.airports), b AS (SELECT * FROM a JOIN "Lake"."f x" ON true) SELECT * FROM b, a, pg.public.t WHERE x IN (SELECT y FROM plain)'
  const found = baseTables(sql).map(({ catalog, name }) => `${catalog ?? '-'} ${name}`)
  expect(found.sort()).toEqual(['- plain', 'Lake f x', 'hub airports', 'pg public.t'])
})
