import { allRows, type SqlEngine, type Statement } from '../../connectors/ports/sql-engine.ts'
import { HubError } from '../../schema/errors.ts'
import type { Row } from '../../schema/values.ts'
import { must } from '../support/conformance.ts'
import type { TestScope } from '../support/scope.ts'
import { column } from '../support/sql-tables.ts'

/** An engine with `hub.airports`, `hub.french` (a view), `lake.flights` and `lake.every` of test/support/sql-tables.ts mounted. */
export interface SqlSubject {
  readonly engine: SqlEngine
  scope(overrides?: { tenant?: string }): TestScope
  /** A statement that runs for minutes; `started` ends once the engine has taken it up. */
  readonly endless: { readonly sql: string; readonly started: Promise<void> }
  close(): Promise<void>
}

const rowsOf = async ({ engine, scope }: SqlSubject, sql: string, params?: Statement['params']): Promise<Row[]> => allRows(await engine.query(scope(), { sql, params }))

async function failure(work: Promise<unknown>): Promise<HubError> {
  try {
    await work
  } catch (error) {
    if (error instanceof HubError) return error
    throw error
  }
  throw new Error('It did not fail.')
}

const fails = (subject: SqlSubject, sql: string, params?: Statement['params']) => failure(rowsOf(subject, sql, params))

export const sqlEngineChecks = [
  must<SqlSubject>('SE01', 'a statement answers rows by column name, in its order', async subject => {
    expect(await rowsOf(subject, 'SELECT iata, altitude_ft AS ft FROM hub.airports WHERE altitude_ft > 100 ORDER BY ft DESC')).toEqual([{ iata: 'DEN', ft: 5431 }, { iata: 'CDG', ft: 392 }])
  }),
  must<SqlSubject>('SE02', 'tables of the hub also stand without their catalog, names in any case and quoted', async subject => {
    for (const name of ['airports', 'hub.airports', 'HUB.Airports', '"hub"."airports"']) expect(await rowsOf(subject, `SELECT count(*) AS n FROM ${name}`)).toEqual([{ n: 5 }])
  }),
  must<SqlSubject>('SE03', 'regions, views and sources join in one statement', async subject => {
    const sql = `SELECT a.name, count(*) AS flights, min(f.day) AS first FROM lake.flights f JOIN hub.french a ON a.iata = f.origin GROUP BY a.name ORDER BY 1`
    expect(await rowsOf(subject, sql)).toEqual([{ name: 'Charles de Gaulle', flights: 2, first: '2024-01-01' }])
  }),
  must<SqlSubject>('SE04', 'a column of the name written in full is found', async subject => {
    expect(await rowsOf(subject, "SELECT lake.flights.origin, flights.id FROM lake.flights WHERE lake.flights.destination = 'NCE'")).toEqual([{ origin: 'CDG', id: 2 }])
  }),
  must<SqlSubject>('SE05', 'a value of every type comes back in canonical form', async subject => {
    const { everyType } = await import('../support/sql-tables.ts')
    const result = await subject.engine.query(subject.scope(), { sql: 'SELECT * FROM lake.every' })
    expect(result.columns.map(({ name, type }) => [name, type])).toEqual(everyType.columns.map(({ name, type }) => [name, type]))
    expect(await allRows(result)).toEqual([everyType.row])
  }),
  must<SqlSubject>('SE06', 'a missing value is null', async subject => {
    expect(await rowsOf(subject, "SELECT country, altitude_ft FROM airports WHERE iata = 'XXX'")).toEqual([{ country: null, altitude_ft: null }])
  }),
  must<SqlSubject>('SE07', 'parameters are values, whatever their text', async subject => {
    expect(await rowsOf(subject, 'SELECT iata FROM airports WHERE name = ? OR altitude_ft = ?', ["Nice Côte d'Azur", 13])).toEqual([{ iata: 'JFK' }, { iata: 'NCE' }])
    expect(await rowsOf(subject, 'SELECT iata FROM airports WHERE name = ?', ["x' OR '1' = '1"])).toEqual([])
    expect(await rowsOf(subject, "SELECT ? AS a, '?' AS b -- ?", [null])).toEqual([{ a: null, b: '?' }])
  }),
  must<SqlSubject>('SE08', 'parameters compare with columns of every type by their canonical text', async subject => {
    const { everyType } = await import('../support/sql-tables.ts')
    for (const name of ['s', 'i', 'l', 'n', 'b', 'd', 't', 'at', 'local', 'u']) {
      const value = everyType.row[name] ?? null
      expect([name, await rowsOf(subject, `SELECT count(*) AS n FROM lake.every WHERE ${name} = ?`, [value])]).toEqual([name, [{ n: 1 }]])
    }
  }),
  must<SqlSubject>('SE09', 'a list expands inside IN (?), and nothing is in an empty one', async subject => {
    expect(await rowsOf(subject, 'SELECT iata FROM airports WHERE iata IN (?) ORDER BY iata', [['JFK', 'CDG']])).toEqual([{ iata: 'CDG' }, { iata: 'JFK' }])
    expect(await rowsOf(subject, 'SELECT iata FROM airports WHERE iata IN (?)', [[]])).toEqual([])
    expect(await rowsOf(subject, 'SELECT count(*) AS n FROM airports WHERE iata NOT IN (?)', [[]])).toEqual([{ n: 5 }])
  }),
  must<SqlSubject>('SE10', 'a wrong count of parameters is refused with both numbers', async subject => {
    const error = await fails(subject, 'SELECT ? AS a, ? AS b', [1])
    expect(error).toMatchObject({ code: 'VALIDATION_ERROR', message: expect.stringMatching(/2 parameters.*1 value/) })
  }),
  must<SqlSubject>('SE11', 'describe answers the columns and reads nothing', async ({ engine, scope }) => {
    const columns = await engine.describe(scope(), { sql: 'SELECT iata, count(*) AS n, avg(altitude_ft) AS mean, 7 / 2, max(day) AS last FROM airports JOIN lake.flights ON origin = iata WHERE iata = ? GROUP BY iata', params: ['CDG'] })
    expect(columns.map(({ name, type }) => [name, type])).toEqual([['iata', 'String'], ['n', 'Long'], ['mean', 'Float'], ['_col3', 'Int'], ['last', 'Date']])
  }),
  must<SqlSubject>('SE12', 'a sum of integers is a Long', async ({ engine, scope }) => {
    const columns = await engine.describe(scope(), { sql: 'SELECT sum(altitude_ft) AS a, sum(id) AS b FROM airports CROSS JOIN lake.flights' })
    expect(columns.map(({ type }) => type)).toEqual(['Long', 'Long'])
  }),
  must<SqlSubject>('SE13', 'an unknown table is named with its place and the nearest one', async subject => {
    expect(await fails(subject, 'SELECT 1\nFROM airprots')).toMatchObject({ code: 'SQL_ERROR', message: expect.stringMatching(/"airprots".*Did you mean.*"airports"/), details: { line: 2, column: 6, table: 'airprots' } })
  }),
  must<SqlSubject>('SE14', 'an unknown column is named with its place and the nearest one', async subject => {
    expect(await fails(subject, 'SELECT iata,\n  contry FROM airports')).toMatchObject({ code: 'SQL_ERROR', message: expect.stringMatching(/"contry".*"country"/), details: { line: 2, column: 3 } })
  }),
  must<SqlSubject>('SE15', 'a mistake in the text is told with line and column', async subject => {
    expect(await fails(subject, "SELECT iata FROM airports\nWHERE country = 'ü' AND ? = = 1", [1])).toMatchObject({ code: 'SQL_ERROR', details: { line: 2, column: 29 } })
    expect(await fails(subject, '  ')).toMatchObject({ code: 'SQL_ERROR' })
  }),
  must<SqlSubject>('SE16', 'a statement that writes is refused', async subject => {
    for (const sql of ['DELETE FROM airports', 'INSERT INTO airports SELECT * FROM airports', 'CREATE TABLE x AS SELECT 1 AS a', 'DROP TABLE airports', "UPDATE airports SET name = 'x'"]) {
      expect(await fails(subject, sql)).toMatchObject({ code: 'READ_ONLY_SQL' })
    }
  }),
  must<SqlSubject>('SE17', 'several statements are refused', async subject => {
    expect(await fails(subject, 'SELECT 1; SELECT 2')).toMatchObject({ code: 'BAD_USER_INPUT' })
    expect(await rowsOf(subject, 'SELECT 1 AS a;')).toEqual([{ a: 1 }])
  }),
  must<SqlSubject>('SE18', 'maxRows cuts the answer and says so', async ({ engine, scope }) => {
    for (const [maxRows, truncated] of [[2, true], [5, false], [6, false]] as const) {
      const result = await engine.query(scope(), { sql: 'SELECT iata FROM airports' }, { maxRows })
      expect(await allRows(result)).toHaveLength(Math.min(maxRows, 5))
      expect(result.truncated()).toBe(truncated)
    }
    const limited = await engine.query(scope(), { sql: 'SELECT iata FROM airports LIMIT 4' }, { maxRows: 3 })
    expect([await allRows(limited), limited.truncated()]).toMatchObject([{ length: 3 }, true])
  }),
  must<SqlSubject>('SE19', 'nulls come last in both directions unless said otherwise', async subject => {
    const order = async (by: string) => (await rowsOf(subject, `SELECT iata FROM airports ORDER BY ${by}, iata`)).map(row => row['iata'])
    expect((await order('country')).at(-1)).toBe('XXX')
    expect((await order('country DESC')).at(-1)).toBe('XXX')
    expect((await order('country NULLS FIRST'))[0]).toBe('XXX')
  }),
  must<SqlSubject>('SE20', 'a name of WITH stands before a table of the same name, and only where it is in scope', async subject => {
    expect(await rowsOf(subject, "WITH airports AS (SELECT iata FROM airports WHERE country = 'France') SELECT count(*) AS n FROM airports")).toEqual([{ n: 2 }])
    expect(await rowsOf(subject, 'SELECT (WITH airports AS (SELECT 1 AS x) SELECT count(*) FROM airports) AS a, (SELECT count(*) FROM airports) AS b')).toEqual([{ a: 1, b: 5 }])
  }),
  must<SqlSubject>('SE21', 'a result whose rows are not read to the end lets others run', async ({ engine, scope }) => {
    for (let round = 0; round < 20; round++) {
      for await (const _batch of (await engine.query(scope(), { sql: 'SELECT a.id FROM lake.flights a, lake.flights b' })).rows) break
      await (await engine.query(scope(), { sql: 'SELECT iata FROM airports' })).rows[Symbol.asyncIterator]().return?.()
    }
    expect(await allRows(await engine.query(scope(), { sql: 'SELECT 1 AS a' }))).toEqual([{ a: 1 }])
  }),
  must<SqlSubject>('SE22', 'a statement ends when its signal is aborted, and its place is free again', async ({ engine, scope, endless }) => {
    const mine = scope()
    const running = failure(engine.query(mine, endless).then(allRows))
    await endless.started
    mine.abort(new HubError('CANCELLED', 'The client left.'))
    expect(await running).toMatchObject({ code: 'CANCELLED' })
    expect(await allRows(await engine.query(scope(), { sql: 'SELECT 1 AS a' }))).toEqual([{ a: 1 }])
  }),
  must<SqlSubject>('SE23', 'a statement ends with its own time limit and with the deadline', async ({ engine, scope, endless }) => {
    const mine = scope()
    const limited = failure(engine.query(mine, endless, { timeoutMs: 500 }).then(allRows))
    await endless.started
    mine.clock.advance(500)
    expect(await limited).toMatchObject({ code: 'TIMEOUT' })
    const late = failure(engine.query(mine, endless).then(allRows))
    mine.clock.advance(60_000)
    expect(await late).toMatchObject({ code: 'TIMEOUT' })
  }),
  must<SqlSubject>('SE24', 'a scope that is aborted already runs nothing', async ({ engine, scope }) => {
    const mine = scope()
    mine.abort(new HubError('CANCELLED', 'The client left.'))
    expect(await failure(engine.query(mine, { sql: 'SELECT 1 AS a' }))).toMatchObject({ code: 'CANCELLED' })
  }),
  must<SqlSubject>('SE25', 'a mount replaces every table at once', async ({ engine, scope }) => {
    await engine.mount([{ catalog: 'hub', name: 'single', columns: [column('a', 'Int')], from: { kind: 'view', sql: 'SELECT 1 AS a' } }])
    expect(engine.tables.map(({ name }) => name)).toEqual(['single'])
    expect(await allRows(await engine.query(scope(), { sql: 'SELECT a FROM single' }))).toEqual([{ a: 1 }])
    expect(await failure(engine.query(scope(), { sql: 'SELECT * FROM airports' }))).toMatchObject({ code: 'SQL_ERROR' })
  }),
  must<SqlSubject>('SE29', 'an engine over other tables sees those alone, and the one beside it goes on as it was', async ({ engine, scope }) => {
    const beside = engine.over([{ catalog: 'hub', name: 'single', columns: [column('a', 'Int')], from: { kind: 'view', sql: 'SELECT 1 AS a' } }])
    expect(await allRows(await beside.query(scope(), { sql: 'SELECT a FROM single' }))).toEqual([{ a: 1 }])
    expect(await failure(beside.query(scope(), { sql: 'SELECT * FROM airports' }))).toMatchObject({ code: 'SQL_ERROR' })
    expect(await failure(engine.query(scope(), { sql: 'SELECT a FROM single' }))).toMatchObject({ code: 'SQL_ERROR' })
    await beside.close()
    expect(await allRows(await engine.query(scope(), { sql: 'SELECT count(*) > 0 AS any_there FROM airports' }))).toEqual([{ any_there: true }])
  }),
  must<SqlSubject>('SE26', 'division by zero, overflow and values that do not fit are told', async subject => {
    expect(await fails(subject, 'SELECT 1 / (altitude_ft - altitude_ft) AS a FROM airports')).toMatchObject({ code: 'SQL_ERROR', message: expect.stringMatching(/division by zero/i) })
    expect(await fails(subject, 'SELECT cast(id AS integer) AS a FROM lake.flights')).toMatchObject({ code: 'SQL_ERROR' })
    expect(await fails(subject, 'SELECT cast(name AS bigint) AS a FROM airports')).toMatchObject({ code: 'SQL_ERROR' })
  }),
  must<SqlSubject>('SE27', 'explain answers a plan that names the tables read', async ({ engine, scope }) => {
    const plan = await engine.explain(scope(), { sql: 'SELECT count(*) FROM airports JOIN lake.flights ON origin = iata WHERE iata = ?', params: ['CDG'] })
    expect(plan.text).toMatch(/airports[\s\S]*flights/)
  }),
  must<SqlSubject>('SE30', 'the session\'s catalog completes names with fewer parts, and changes no full one', async ({ engine, scope }) => {
    const rows = async (sql: string, session: Pick<Statement, 'catalog' | 'schema'>) => allRows(await engine.query(scope(), { sql, ...session }))
    expect(await rows('SELECT count(*) AS n FROM flights', { catalog: 'lake' })).toEqual([{ n: 4 }])
    expect(await rows('SELECT count(*) AS n FROM flights JOIN hub.airports ON iata = origin', { catalog: 'lake' })).toEqual([{ n: 4 }])
    expect((await engine.describe(scope(), { sql: 'SELECT id FROM Flights', catalog: 'LAKE' })).map(({ name }) => name)).toEqual(['id'])
    expect((await engine.explain(scope(), { sql: 'SELECT id FROM flights', catalog: 'lake' })).text).toContain('flights')
    expect(await failure(engine.query(scope(), { sql: 'SELECT 1 FROM hub.flights', catalog: 'lake' }))).toMatchObject({ code: 'SQL_ERROR' })
  }),
  must<SqlSubject>('SE31', 'what a statement read is told as a number where it is known, and as null where it is not', async ({ engine, scope }) => {
    for (const sql of ['SELECT count(*) AS n FROM airports', "SELECT id FROM lake.flights WHERE origin = 'CDG'"]) {
      const result = await engine.query(scope(), { sql })
      await allRows(result)
      const stats = result.stats()
      expect(Object.keys(stats).toSorted()).toEqual(['bytesScanned', 'rowsScanned', 'splits'])
      for (const figure of Object.values(stats)) expect(figure === null || (Number.isInteger(figure) && figure >= 0)).toBe(true)
    }
  }),
  must<SqlSubject>('SE32', 'an answer is as of the oldest table behind it, views looked into, and as of now where no table says', async ({ engine, scope }) => {
    const moments: Readonly<Record<string, number | undefined>> = { airports: 5_000, flights: 9_000, every: undefined }
    const dated = engine.over(engine.tables.map(table => ({ ...table, ...(table.name in moments && { asOfMs: () => moments[table.name] }) })))
    const asOf = async (sql: string) => {
      const result = await dated.query(scope(), { sql })
      await allRows(result)
      return result.asOfMs
    }
    expect(await asOf('SELECT count(*) AS n FROM lake.flights')).toBe(9_000)
    expect(await asOf('SELECT name FROM hub.french')).toBe(5_000)
    expect(await asOf('SELECT a.name FROM lake.flights f JOIN hub.french a ON a.iata = f.origin')).toBe(5_000)
    expect([await asOf('SELECT s FROM lake.every'), await asOf('SELECT 1 AS one')]).toEqual([undefined, undefined])
  }),
  must<SqlSubject>('SE34', 'a statement over rows of an earlier moment than it allows is refused before it reads one', async ({ engine, scope }) => {
    const dated = engine.over(engine.tables.map(table => (table.name === 'airports' ? { ...table, asOfMs: () => 5_000 } : table)))
    const refused = { code: 'STALENESS_EXCEEDED', message: expect.stringContaining('hub.airports'), details: { asOfMs: 5_000, tables: ['hub.airports'] } }
    expect(await failure(dated.query(scope(), { sql: 'SELECT name FROM hub.french' }, { notBeforeMs: 5_001 }))).toMatchObject(refused)
    for (const [sql, notBeforeMs] of [['SELECT count(*) AS n FROM hub.airports', 5_000], ['SELECT count(*) AS n FROM lake.flights', 5_001]] as const) expect(await allRows(await dated.query(scope(), { sql }, { notBeforeMs }))).toEqual([{ n: expect.any(Number) }])
  }),
  must<SqlSubject>('SE33', 'an asterisk stands for exactly the columns mounted, in their order', async ({ engine, scope }) => {
    const fewer = engine.over(engine.tables.map(table => (table.name === 'flights' ? { ...table, columns: table.columns.filter(({ name }) => name !== 'origin').toReversed() } : table)))
    expect((await engine.describe(scope(), { sql: 'SELECT * FROM lake.flights' })).map(({ name }) => name)).toEqual(['id', 'origin', 'destination', 'day', 'fare', 'delay'])
    expect((await fewer.describe(scope(), { sql: 'SELECT f.* FROM lake.flights f' })).map(({ name }) => name)).toEqual(['delay', 'fare', 'day', 'destination', 'id'])
    expect(await failure(fewer.describe(scope(), { sql: 'SELECT origin FROM lake.flights' }))).toMatchObject({ code: 'SQL_ERROR' })
  }),
  must<SqlSubject>('SE28', 'columns of one name come apart', async ({ engine, scope }) => {
    const result = await engine.query(scope(), { sql: "SELECT f.id, g.id FROM lake.flights f JOIN lake.flights g ON g.origin = f.destination WHERE f.id = 3 AND g.id = 1" })
    expect(await allRows(result)).toEqual([{ id: 3, id_2: 1 }])
  }),
]
