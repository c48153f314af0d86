import type { DuckDBConnection } from '@duckdb/node-api'
import { type DuckDatabase, openDuckDb } from '../../../connectors/duckdb/database.ts'
import { openDuckDbEngine } from '../../../connectors/duckdb/engine.ts'
import { allRows, type MountedTable, type SqlEngine, type Statement } from '../../../connectors/ports/sql-engine.ts'
import type { Value } from '../../../schema/values.ts'
import { keptLog } from '../../support/kept-log.ts'
import { MovedClock, testScope } from '../../support/scope.ts'
import { column, everyType, flightColumns, flightRows, GivenSource, liveTable, viewTable } from '../../support/sql-tables.ts'

let database: DuckDatabase
let engine: SqlEngine
let lake: GivenSource
const clock = new MovedClock()

beforeEach(async () => {
  database = await openDuckDb()
  engine = await openDuckDbEngine(database, { clock, log: testScope().log, connections: 1 })
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

test('columns the statement gives other names, and a sample, are not asked of the source by the old names', async () => {
  expect(await rows("SELECT x, origin FROM lake.flights AS f (x, y, origin, u, v, w) WHERE origin = 'JFK' AND y = 'CDG'")).toEqual([{ x: 1, origin: 'JFK' }])
  expect(await rows('SELECT count(*) AS n FROM (SELECT id FROM lake.flights TABLESAMPLE BERNOULLI (100) LIMIT 3) AS s')).toEqual([{ n: 3 }])
  expect(lake.asked).toEqual([{ table: 'flights', columns: flightColumns.map(({ name }) => name) }, { table: 'flights', columns: ['id'] }])
})

test('a number is asked of the source only where the engine compares with that number', async () => {
  const far = '0.00000000000000000001'
  expect(await rows(`SELECT id FROM lake.flights WHERE id < 1${far.slice(1)}`)).toEqual([{ id: 1 }])
  expect(await rows('SELECT id FROM lake.flights WHERE fare = ?', [99.999])).toEqual([{ id: 3 }])
  expect(await rows("SELECT id FROM lake.flights WHERE fare > 99.5 AND id = CAST(? AS bigint) AND day BETWEEN DATE '2024-02-01' AND DATE '2024-02-28' AND delay <= 1e0", [3])).toEqual([{ id: 3 }])
  expect(lake.asked.map(({ filter }) => filter)).toEqual([undefined, undefined, { and: [
    { column: 'fare', op: 'gt', value: '99.5' }, { column: 'id', op: 'eq', value: 3 }, { column: 'day', op: 'gte', value: '2024-02-01' }, { column: 'day', op: 'lte', value: '2024-02-28' }, { column: 'delay', op: 'lte', value: 1 },
  ] }])
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

describe('names and the session', () => {
  const one = (catalog: string, name: string, text: string): MountedTable => ({ catalog, name, columns: [column('a', 'String')], from: { kind: 'view', sql: `SELECT '${text}' AS a` } })
  const read = async (from: string, session: Pick<Statement, 'catalog' | 'schema'> = {}) => (await allRows(await engine.query(testScope({ clock }), { sql: `SELECT a FROM ${from}`, ...session })))[0]?.['a']

  beforeEach(() => engine.mount([
    one('hub', 'flights', 'hub'), one('hub', 'people', 'hub people'), one('lake', 'flights', 'lake'), one('hive', 'gold.flights', 'hive gold'), one('hive', 'gold.routes', 'hive routes'), one('gold', 'flights', 'source gold'),
    { ...one('hub', 'departures', ''), from: { kind: 'view', sql: 'SELECT a FROM flights' } },
  ]))

  test('M-19 a table named alone is the session\'s, one of the hub where the session has none, and any other source\'s only without them', async () => {
    expect([await read('flights'), await read('flights', { catalog: 'lake' }), await read('flights', { catalog: 'hive', schema: 'gold' }), await read('flights', { catalog: 'hive' })]).toEqual(['hub', 'lake', 'hive gold', 'hub'])
    expect([await read('people', { catalog: 'lake' }), await read('PEOPLE', { catalog: 'hive', schema: 'gold' }), await read('routes', { catalog: 'HIVE', schema: 'Gold' })]).toEqual(['hub people', 'hub people', 'hive routes'])
  })

  test('M-19 a schema and a table are the session\'s, unless they are a table\'s full name', async () => {
    expect([await read('gold.routes', { catalog: 'hive' }), await read('gold.routes', { catalog: 'hive', schema: 'silver' })]).toEqual(['hive routes', 'hive routes'])
    expect([await read('gold.flights', { catalog: 'hive' }), await read('hub.flights', { catalog: 'lake' }), await read('hive.gold.flights', { catalog: 'lake' })]).toEqual(['source gold', 'hub', 'hive gold'])
    await expect(read('gold.routes')).rejects.toMatchObject({ code: 'SQL_ERROR', details: { table: 'gold.routes' } })
    await expect(read('lake.gold.routes', { catalog: 'hive' })).rejects.toMatchObject({ code: 'SQL_ERROR', details: { table: 'lake.gold.routes' } })
  })

  test('M-19 a view reads the same tables in every session, and a name of WITH stands before the session', async () => {
    expect(await read('departures', { catalog: 'lake' })).toBe('hub')
    expect(await allRows(await engine.query(testScope({ clock }), { sql: "WITH flights AS (SELECT 'own' AS a) SELECT a FROM flights", catalog: 'lake' }))).toEqual([{ a: 'own' }])
  })

  test('M-19 one text in two sessions is two statements', async () => {
    for (let round = 0; round < 2; round += 1) expect([await read('flights', { catalog: 'lake' }), await read('flights', { catalog: 'gold' })]).toEqual(['lake', 'source gold'])
  })

  test('M-19 a name unknown in the session is told with the nearest, as short as the session allows', async () => {
    await expect(read('flihgts', { catalog: 'lake' })).rejects.toMatchObject({ message: expect.stringContaining('"flights"'), details: { table: 'flihgts', line: 1, column: 15 } })
    await expect(read('gold.rotues', { catalog: 'hive' })).rejects.toMatchObject({ message: expect.stringContaining('"gold.routes"') })
  })
})

test('M-19 rows that were handed to the engine are counted, each as often as it was read; of tables it holds nothing is told', async () => {
  const scanned = async (sql: string, maxRows?: number) => {
    const result = await engine.query(testScope({ clock }), { sql }, { maxRows })
    await allRows(result)
    return result.stats()
  }
  const connection = await database.connect()
  await connection.run('CREATE TABLE held AS SELECT 1 AS k')
  connection.disconnectSync()
  await engine.mount([
    ...lake.mounted(), liveTable('numbers', [column('n', 'Int')], () => Array.from({ length: 10_000 }, (_, n) => ({ n }))), viewTable('small', [column('n', 'Int')], 'SELECT n FROM numbers WHERE n < 3'),
    { catalog: 'store', name: 'held', columns: [column('k', 'Int')], from: { kind: 'relation', relation: '"main"."held"' } },
  ])
  expect(await scanned('SELECT count(*) AS c FROM numbers')).toEqual({ rowsScanned: 10_000, bytesScanned: null, splits: null })
  expect((await scanned('SELECT n FROM small')).rowsScanned).toBe(10_000)
  expect((await scanned('SELECT count(*) AS c FROM numbers a JOIN numbers b ON a.n = b.n')).rowsScanned).toBe(20_000)
  expect((await scanned("SELECT id FROM lake.flights WHERE origin = 'CDG'")).rowsScanned).toBe(2)
  expect((await scanned('SELECT f.id FROM lake.flights f JOIN numbers ON n = f.id')).rowsScanned).toBe(flightRows.length + 10_000)
  expect((await scanned('SELECT n FROM numbers', 10)).rowsScanned).toBeLessThan(10_000)
  expect((await scanned('SELECT 1 AS a')).rowsScanned).toBe(0)
  expect((await scanned('SELECT k FROM store.held')).rowsScanned).toBeNull()
  expect((await scanned('SELECT k FROM store.held JOIN numbers ON n = k')).rowsScanned).toBeNull()
})

test('more statements than are kept prepared go on working, the first of them too', async () => {
  for (let round = 0; round < 2; round += 1) for (let value = 0; value < 120; value += 1) expect(await rows(`SELECT ${value} AS a`)).toEqual([{ a: value }])
})

describe('what fails behind an answer', () => {
  const connections: DuckDBConnection[] = []
  const { lines, ...log } = keptLog()
  let broken: SqlEngine
  let open: () => Promise<DuckDBConnection>
  beforeEach(async () => {
    connections.length = 0
    open = async () => {
      const connection = await database.connect()
      connections.push(connection)
      return connection
    }
    broken = await openDuckDbEngine({ ...database, connect: () => open() }, { clock, log, connections: 1 })
    await broken.mount(lake.mounted())
  })
  afterEach(() => broken.close())
  const query = (sql: string) => broken.query(testScope({ clock }), { sql })

  test('a connection that cannot be cleaned is thrown away and told, and the next statement has another', async () => {
    const { rows: read } = await query('SELECT id FROM lake.flights')
    const batches = read[Symbol.asyncIterator]()
    expect((await batches.next()).value).toHaveLength(flightRows.length)
    connections.at(-1)?.disconnectSync()
    expect(await batches.next()).toMatchObject({ done: true })
    expect(lines.at(-1)).toEqual({ level: 'warn', message: 'A connection of the SQL engine could not be cleaned and is thrown away.', fields: { source: 'duckdb', code: 'INTERNAL', reason: expect.stringContaining('disconnected') } })
    expect(await allRows(await query('SELECT 1 AS one'))).toEqual([{ one: 1 }])
  })

  test('a statement that fails after its reader left is told; one that ends because it was asked to is not', async () => {
    const before = lines.length
    const left = await query('SELECT a.x FROM UNNEST(sequence(1, 10000)) AS a(x) CROSS JOIN UNNEST(sequence(1, 1000)) AS b(y)')
    for await (const _ of left.rows) break
    expect(lines.length).toBe(before)

    // DuckDB fails at this point for a disk that is full; here the failure is put in its place.
    open = async () => {
      const connection = await database.connect()
      const stream = connection.stream.bind(connection)
      connection.stream = async (...given) => {
        const result = await stream(...given)
        const fetch = result.fetchChunk.bind(result)
        let fetched = 0
        result.fetchChunk = () => (fetched++ === 0 ? fetch() : Promise.reject(new Error('IO Error: No space left on device')))
        return result
      }
      return connection
    }
    await broken.close()
    broken = await openDuckDbEngine({ ...database, connect: () => open() }, { clock, log, connections: 1 })
    await broken.mount(lake.mounted())
    const failing = await query('SELECT id FROM lake.flights')
    for await (const _ of failing.rows) break
    expect(lines.slice(before)).toEqual([{ level: 'warn', message: 'A statement whose reader had left ended with a failure.', fields: { source: 'duckdb', code: 'UPSTREAM_UNAVAILABLE', reason: 'IO Error: No space left on device' } }])
  })

  test('who waits for a connection that cannot be made hears why', async () => {
    const held = await query('SELECT id FROM lake.flights')
    const waiting = query('SELECT 2 AS a')
    const refused = expect(waiting).rejects.toThrow('no more connections')
    await Promise.resolve()
    open = () => Promise.reject(new Error('no more connections'))
    connections.at(-1)?.disconnectSync()
    await allRows(held)
    await refused
  })
})
