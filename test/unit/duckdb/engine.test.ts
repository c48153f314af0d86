import { type DuckDatabase, openDuckDb } from '../../../connectors/duckdb/database.ts'
import { openDuckDbEngine } from '../../../connectors/duckdb/engine.ts'
import { allRows, type SqlEngine } from '../../../connectors/ports/sql-engine.ts'
import type { Value } from '../../../schema/values.ts'
import { MovedClock, testScope } from '../../support/scope.ts'
import { column, everyType, flightColumns, flightRows, GivenSource, liveTable, viewTable } from '../../support/sql-tables.ts'

let database: DuckDatabase
let engine: SqlEngine
let lake: GivenSource
const clock = new MovedClock()

beforeEach(async () => {
  database = await openDuckDb()
  engine = await openDuckDbEngine(database, { clock, connections: 1 })
  lake = new GivenSource('lake', { flights: { columns: flightColumns, rows: flightRows } }, 1)
  await engine.mount([
    ...lake.mounted(),
    liveTable('every', everyType.columns, () => [everyType.row]),
    viewTable('round', [column('a', 'Int')], 'SELECT a FROM trip'),
    viewTable('trip', [column('a', 'Int')], 'SELECT a FROM round'),
    viewTable('broken', [column('a', 'Int')], 'SELECT a FROM nowhere'),
  ])
})

afterEach(async () => {
  await engine.close()
  await database.close()
})

const rows = async (sql: string, params?: readonly (Value | readonly Value[])[]) => allRows(await engine.query(testScope({ clock }), { sql, params }))

test('a source is asked for the columns and the conditions the statement needs, and no more', async () => {
  expect(await rows("SELECT id FROM lake.flights f WHERE f.origin = ? AND day >= date '2024-01-01' AND destination IN (?) AND upper(origin) = 'CDG'", ['CDG', ['JFK', 'NCE']])).toEqual([{ id: 1 }, { id: 2 }])
  expect(lake.asked).toEqual([{
    table: 'flights',
    columns: ['id', 'origin', 'destination', 'day'],
    filter: { and: [{ column: 'origin', op: 'eq', value: 'CDG' }, { column: 'day', op: 'gte', value: '2024-01-01' }, { column: 'destination', op: 'in', value: ['JFK', 'NCE'] }] },
  }])
})

test('a limit goes to the source only where no other row can be needed', async () => {
  await rows("SELECT id FROM lake.flights WHERE origin = 'CDG' LIMIT 1 OFFSET 1")
  await rows("SELECT id FROM lake.flights WHERE upper(origin) = 'CDG' LIMIT 1")
  await rows('SELECT id FROM lake.flights ORDER BY id LIMIT 1')
  await rows('SELECT count(*) AS n FROM lake.flights LIMIT 1')
  await rows("SELECT id FROM lake.flights WHERE delay = '5.5' LIMIT 1")
  expect(lake.asked.map(({ limit }) => limit)).toEqual([2, undefined, undefined, undefined, undefined])
})

test('a test for null behind an outer join stays with the engine', async () => {
  expect(await rows('SELECT a.id FROM lake.flights a LEFT JOIN lake.flights b ON b.origin = a.destination WHERE b.id IS NULL')).toEqual([{ id: 2 }])
  expect(lake.asked.every(({ filter }) => filter === undefined)).toBe(true)
})

test('a scan whose statement fails or is left early is ended', async () => {
  await expect(rows("SELECT cast(origin AS bigint) AS x FROM lake.flights")).rejects.toMatchObject({ code: 'SQL_ERROR' })
  expect(lake.ended).toBe(lake.asked.length)
})

test('decimals of a source keep the largest scale, and their exact value', async () => {
  expect(await rows('SELECT sum(fare) AS total, max(fare) AS most FROM lake.flights')).toEqual([{ total: '280.499', most: '120.500' }])
})

test('a live value of every type goes through the engine and comes back the same', async () => {
  expect(await rows('SELECT * FROM every')).toEqual([everyType.row])
})

test('views that read each other are refused with the way round', async () => {
  await expect(rows('SELECT * FROM trip')).rejects.toMatchObject({ code: 'SQL_ERROR', message: expect.stringMatching(/trip → round → trip/) })
  await expect(rows('SELECT * FROM broken')).rejects.toMatchObject({ code: 'SQL_ERROR', message: expect.stringMatching(/In view "broken".*"nowhere"/) })
})

test('a statement that finds no free connection until its deadline is told so', async () => {
  const held = await engine.query(testScope({ clock }), { sql: 'SELECT 1 AS a' })
  const waiting = engine.query(testScope({ clock, deadlineMs: clock.now() + 1000 }), { sql: 'SELECT 2 AS a' })
  const refused = expect(waiting).rejects.toMatchObject({ code: 'POOL_EXHAUSTED' })
  await Promise.resolve()
  clock.advance(1000)
  await refused
  await allRows(held)
  expect(await rows('SELECT 3 AS a')).toEqual([{ a: 3 }])
})

test('a statement that is kept prepared sees its table replaced, and its parameters anew', async () => {
  const connection = await database.connect()
  await connection.run("CREATE TABLE held AS SELECT 1 AS k, 'one' AS v")
  await engine.mount([{ catalog: 'store', name: 'held', columns: [column('k', 'Int'), column('v', 'String')], from: { kind: 'relation', relation: '"main"."held"' } }])
  const sql = 'SELECT v FROM store.held WHERE k = ?'
  expect(await rows(sql, [1])).toEqual([{ v: 'one' }])
  expect(await rows(sql, [2])).toEqual([])
  await connection.run("CREATE OR REPLACE TABLE held AS SELECT CAST(2 AS BIGINT) AS k, 'two' AS v")
  expect(await rows(sql, [2])).toEqual([{ v: 'two' }])
  expect(await rows(sql, ['2'])).toEqual([{ v: 'two' }])
  connection.disconnectSync()
})

test('more statements than are kept prepared go on working, the first of them too', async () => {
  for (let round = 0; round < 2; round += 1) for (let value = 0; value < 120; value += 1) expect(await rows(`SELECT ${value} AS a`)).toEqual([{ a: value }])
})
