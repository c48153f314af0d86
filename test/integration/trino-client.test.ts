import { jest } from '@jest/globals'
import { BasicAuth, Trino } from 'trino-client'
import { allRows, type SqlEngine } from '../../connectors/ports/sql-engine.ts'
import { openTrino } from '../../connectors/trino/client.ts'
import { openTrinoEngine } from '../../connectors/trino/engine.ts'
import { HubError } from '../../schema/errors.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { MovedClock, testScope } from '../support/scope.ts'
import { column, liveTable } from '../support/sql-tables.ts'
import { trinoClient, trinoQueries, trinoRows } from '../support/trino.ts'
import { Wire } from '../support/wire.ts'

jest.setTimeout(120_000)

/** Of how many rows nobody reads the end. */
const lineitems = liveTable('lineitems', [column('orderkey', 'Long'), column('comment', 'String')], () => [])

withEngine('TRINO_URL', 'the Trino client', url => {
  let engine: SqlEngine
  let clock: MovedClock
  let marks = 0

  const openEngine = async (place: string) => {
    const opened = openTrinoEngine(trinoClient(place), { clock, locate: ({ name }) => (name === 'lineitems' ? { catalog: 'tpch', schema: 'sf10', table: 'lineitem' } : name === 'lost' ? { catalog: 'nowhere', schema: 'a', table: 'b' } : undefined) })
    await opened.mount([lineitems, liveTable('lost', [column('a', 'Int')], () => []), liveTable('near', [column('a', 'Int')], () => [])])
    return opened
  }
  beforeEach(async () => {
    clock = new MovedClock()
    engine = await openEngine(url)
  })
  afterEach(() => engine.close())

  const rowsOf = async (sql: string, params?: readonly (string | number | bigint | null | boolean)[]) => allRows(await engine.query(testScope({ clock }), { sql, params }))
  const mark = () => `/* client ${process.pid} ${++marks} ${Date.now()} */`
  const endsWithin = (text: string, ms: number) => eventually('Trino has ended the statement', async () => {
    const [query] = await trinoQueries(url, text)
    return query?.errorCode?.name === 'USER_CANCELED'
  }, ms)

  test('answers values as they are, where the npm client has them right too, and bigints where it has not', async () => {
    const sql = `SELECT 1 AS i, BIGINT '9007199254740993' AS l, DECIMAL '-12345678901234567890.10' AS n, 0.1e0 AS f, true AS b, '''ünï "q" \\' AS s, CAST(NULL AS integer) AS z,
      DATE '2024-02-29' AS d, TIMESTAMP '2024-01-01 00:00:00.120' AS t, X'00ff' AS x, ARRAY[1, 2] AS a, '[9007199254740993,1]' AS trap`
    const oracle = Trino.create({ server: url, auth: new BasicAuth('tests') })
    const theirs: unknown[][] = []
    for await (const page of await oracle.query(sql)) theirs.push(...((page.data ?? []) as unknown[][]))
    const [ours = {}] = await rowsOf(sql)
    expect(ours).toEqual({
      i: 1, l: 9007199254740993n, n: '-12345678901234567890.10', f: 0.1, b: true, s: '\'ünï "q" \\', z: null, d: '2024-02-29', t: '2024-01-01T00:00:00.12', x: 'AP8=', a: [1, 2], trap: '[9007199254740993,1]',
    })
    const told = theirs[0] ?? []
    for (const [place, name] of ['i', '', 'n', 'f', 'b', 's', 'z', 'd', '', 'x', 'a', 'trap'].entries()) if (name) expect([name, told[place]]).toEqual([name, ours[name]])
    expect(told[1]).toBe(9007199254740992)
  })

  test('answers every type of Trino in canonical form or as its text', async () => {
    const sql = `SELECT CAST('ab' AS char(5)) AS padded, REAL '0.1' AS re, nan() AS no, infinity() AS inf, TIME '01:02:03.450' AS t, TIME '01:02:03 +02:00' AS tz,
      TIMESTAMP '2024-01-01 00:00:00.123456789' AS nano, TIMESTAMP '2024-01-01 00:00:00.5 America/New_York' AS ny, TIMESTAMP '2024-07-01 00:00:00 Europe/Paris' AS paris, TIMESTAMP '1900-01-01 00:00:00 -03:30' AS fixed,
      INTERVAL '-15' MONTH AS ym, INTERVAL '3 04:05:06.007' DAY TO SECOND AS ds, UUID '0F8FAD5B-d9cb-469f-a165-70867728950e' AS u, IPADDRESS '10.0.0.1' AS ip,
      JSON '{"a":9007199254740993,"b":[1.5,null]}' AS j, MAP(ARRAY['k'], ARRAY[BIGINT '9007199254740993']) AS m, CAST(ROW(1, TIMESTAMP '2024-01-01 00:00:00 UTC') AS ROW(a tinyint, b timestamp(0) with time zone)) AS r,
      ARRAY[DECIMAL '1.50', NULL] AS ds2, NULL AS nothing`
    const result = await engine.query(testScope({ clock }), { sql })
    expect(await allRows(result)).toEqual([{
      padded: 'ab   ', re: 0.1, no: null, inf: null, t: '01:02:03.45', tz: '01:02:03+02:00', nano: '2024-01-01T00:00:00.123456789', ny: '2024-01-01T05:00:00.5Z', paris: '2024-06-30T22:00:00Z',
      fixed: '1900-01-01T03:30:00Z', ym: '-1-3', ds: '3 04:05:06.007', u: '0f8fad5b-d9cb-469f-a165-70867728950e', ip: '10.0.0.1', j: { a: '9007199254740993', b: [1.5, null] },
      m: { k: '9007199254740993' }, r: { a: 1, b: '2024-01-01T00:00:00Z' }, ds2: ['1.50', null], nothing: null,
    }])
    expect(result.columns.map(({ type }) => type)).toEqual(['String', 'Float', 'Float', 'Float', 'Time', 'String', 'LocalDateTime', 'DateTime', 'DateTime', 'DateTime', 'String', 'String', 'UUID', 'String', 'JSON', 'JSON', 'JSON', 'JSON', 'String'])
  })

  test('parameters are exact: their type is that of their place, and what does not fit is refused by name', async () => {
    const big = 9007199254740993n
    expect(await rowsOf("SELECT ? = DECIMAL '0.10' AS n, ? = BIGINT '9007199254740993' AS l, CAST(? AS varchar) AS s, ? AS u, ? > DATE '2024-01-01' AS d", ['0.10', big, "a'; DROP -- \\ ü", null, '2024-01-02']))
      .toEqual([{ n: true, l: true, s: "a'; DROP -- \\ ü", u: null, d: true }])
    await expect(rowsOf("SELECT 1 WHERE DATE '2024-01-01' = ?", ['no date'])).rejects.toMatchObject({ code: 'VALIDATION_ERROR', message: 'Parameter 1 is "no date", but its place in the statement takes a date.' })
    const long = 'x'.repeat(20_000)
    expect(await rowsOf(`SELECT ? = '${long}' AS same`, [long])).toEqual([{ same: true }])
  })

  test('keeps nothing of one call for the next', async () => {
    const client = trinoClient(url)
    try {
      await trinoRows(client, "SET SESSION query_max_run_time = '1ms'")
      await trinoRows(client, 'PREPARE mine FROM SELECT 1')
      expect(await trinoRows(client, 'SELECT 2')).toEqual([[2]])
      await expect(trinoRows(client, 'EXECUTE mine')).rejects.toMatchObject({ error: { errorName: 'NOT_FOUND' } })
    } finally {
      await client.close()
    }
  })

  test('asks for the next page only when it is wanted, and a reader who leaves ends the statement', async () => {
    const text = mark()
    const result = await engine.query(testScope({ clock }), { sql: `SELECT orderkey, comment ${text} FROM lineitems` })
    for await (const batch of result.rows) {
      expect(batch.length).toBeGreaterThan(0)
      break
    }
    await endsWithin(text, 1000)
  })

  test('M-19 a client that leaves before the first row ends the statement in Trino within a second', async () => {
    const text = mark()
    const scope = testScope({ clock })
    const running = engine.query(scope, { sql: `SELECT count(*) AS n ${text} FROM lineitems a, lineitems b WHERE a.orderkey * b.orderkey = -1` }).then(allRows)
    const failed = expect(running).rejects.toMatchObject({ code: 'CANCELLED' })
    await eventually('Trino runs the statement', async () => (await trinoQueries(url, text)).some(({ state }) => state === 'RUNNING'), 60_000)
    scope.abort(new HubError('CANCELLED', 'The client left.'))
    await endsWithin(text, 1000)
    await failed
    expect(await rowsOf('SELECT 1 AS a')).toEqual([{ a: 1 }])
  })

  test('M-21 a catalog Trino does not have is named, and a table it cannot read refused', async () => {
    await expect(rowsOf('SELECT a FROM lost')).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: expect.stringContaining('"nowhere"'), details: { catalogs: ['nowhere'] } })
    await expect(rowsOf('SELECT a FROM near')).rejects.toMatchObject({ code: 'SQL_UNSUPPORTED', message: expect.stringContaining('"hub.near"') })
  })

  test('nothing of Trino is read but what is mounted', async () => {
    for (const sql of [
      'SELECT * FROM tpch.tiny.nation', 'SELECT * FROM (TABLE tpch.tiny.nation)', 'TABLE tpch.tiny.nation', "SELECT * FROM TABLE(tpch.system.query(query => 'SELECT 1'))", 'SELECT * FROM system.runtime.queries',
      'SELECT (SELECT max(name) FROM tpch.tiny.nation)', 'WITH a AS (SELECT * FROM "tpch"."tiny"."nation") SELECT * FROM a', 'SELECT * FROM lineitems WHERE orderkey IN (TABLE tpch.tiny.nation)', 'SELECT * FROM nation', 'SHOW CATALOGS',
      'SELECT linenumber FROM lineitems',
    ]) await expect(rowsOf(sql)).rejects.toMatchObject({ code: expect.stringMatching(/^(SQL_ERROR|SQL_UNSUPPORTED|READ_ONLY_SQL)$/) })
  })

  test('places of mistakes are those of the statement as written, behind parameters and rewritten names too', async () => {
    await expect(rowsOf('SELECT orderkey,\n  hub.lineitems.comment, nope\nFROM hub.lineitems\nWHERE orderkey = ?', [1])).rejects.toMatchObject({ code: 'SQL_ERROR', details: { line: 2, column: 26 } })
    await expect(rowsOf("SELECT 'ü☃', orderkey, nope FROM lineitems WHERE comment = ?", ['x'])).rejects.toMatchObject({ code: 'SQL_ERROR', details: { line: 1, column: 24 } })
    await expect(rowsOf('SELECT l.orderkey FROM lineitems l WHERE l.orderkey = foo(?)', [1])).rejects.toMatchObject({ code: 'SQL_ERROR', details: { line: 1, column: 55 } })
  })

  test('a wire that stalls holds nobody longer than the deadline', async () => {
    const wire = await Wire.open(url)
    const through = await openEngine(wire.url)
    try {
      expect(await allRows(await through.query(testScope({ clock }), { sql: 'SELECT 1 AS a' }))).toEqual([{ a: 1 }])
      wire.stall()
      const scope = testScope({ clock })
      const late = through.query(scope, { sql: 'SELECT 2 AS a' })
      const failed = expect(late).rejects.toMatchObject({ code: 'TIMEOUT' })
      await wire.stalled
      clock.advance(30_000)
      await failed
    } finally {
      await wire.close()
      await through.close()
    }
  })

  test('a lost connection is tried again, and what cannot be reached is told', async () => {
    const wire = await Wire.open(url)
    const through = await openEngine(wire.url)
    const gone = openTrino({ url: 'http://127.0.0.1:9', user: 'tests', retryMs: 200 })
    try {
      const result = await through.query(testScope({ clock }), { sql: 'SELECT orderkey, comment FROM lineitems LIMIT 20000' })
      wire.cut()
      expect(await allRows(result)).toHaveLength(20_000)
      await expect(gone.run({ sql: 'SELECT 1', signal: AbortSignal.timeout(10_000), later: async work => work() })).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: expect.stringContaining('ECONNREFUSED') })
    } finally {
      await wire.close()
      await through.close()
      await gone.close()
    }
  })
})
