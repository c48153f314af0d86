import { jest } from '@jest/globals'
import { eventually } from '../support/eventually.ts'
import { Wire } from '../support/wire.ts'
import { catalogFolder, type CatalogFolder } from '../support/catalog-folder.ts'
import { withEngine } from '../support/engines.ts'
import { startHub, type RunningHub } from '../support/hub.ts'
import { postgresBin, startPostgres, type PostgresServer } from '../support/postgres.ts'
import { trinoClient, trinoQueries, trinoRows } from '../support/trino.ts'

jest.setTimeout(240_000)

withEngine('TRINO_URL', 'a hub on Trino', url => {
  let postgres: PostgresServer
  let files: CatalogFolder
  let hub: RunningHub

  beforeAll(async () => {
    if (!postgresBin) throw new Error('There is no PostgreSQL. Run: npm run engines -- fetch postgres')
    postgres = await startPostgres()
    await postgres.exec(`
      CREATE TABLE bookings (id integer PRIMARY KEY, passenger text NOT NULL, origin text, price numeric(10, 2), at timestamptz);
      INSERT INTO bookings SELECT n, 'P' || n, CASE n % 3 WHEN 0 THEN 'FRA' WHEN 1 THEN 'CDG' END, n + 0.25, timestamptz '2026-01-01 00:00:00Z' + n * interval '1 hour' FROM generate_series(1, 300) AS n;
      CREATE TABLE notes (id integer PRIMARY KEY, remark numeric)`)
    files = catalogFolder({
      'airports.csv': 'iata,name\nFRA,Frankfurt\nCDG,Paris\n',
      'hub.yaml': `
sources:
  shop: { type: postgresql, url: "${postgres.url}" }
  lake: { type: files, root: . , tables: { airports: { file: airports.csv } } }
regions:
  bookings: { key: id, load: { source: shop, table: bookings } }
views:
  busy_origins: { key: origin, sql: "SELECT origin, count(*) AS bookings, sum(price) AS revenue FROM shop.bookings WHERE origin IS NOT NULL GROUP BY origin" }
  named_origins: { key: origin, sql: "SELECT o.origin, a.name, o.bookings FROM hub.busy_origins o JOIN lake.airports a ON a.iata = o.origin" }
`,
    })
    hub = await startHub({ catalog: files.catalog, env: { TRINO_URL: url } })
  })

  afterAll(async () => {
    await hub?.close()
    files?.remove()
    await postgres?.stop()
    const client = trinoClient(url)
    for (const [name] of await trinoRows(client, 'SHOW CATALOGS')) if (String(name).startsWith('hub_shop_')) await trinoRows(client, `DROP CATALOG "${String(name)}"`)
    await client.close()
  })

  interface Reads { readonly extensions?: { readonly hub?: { readonly reads: readonly { readonly engine: string; readonly name: string }[] } } }
  const explained = async (query: string) => {
    const answer = await hub.query<Record<string, unknown>>(query, {}, { 'x-hub-explain': '1' })
    return { data: answer.data, errors: answer.errors, reads: (answer as Reads).extensions?.hub?.reads.map(({ engine, name }) => `${name} by ${engine}`) }
  }

  test('M-19 M-22 a statement over a declared source runs in Trino without hand work there', async () => {
    const { data } = await hub.query<{ unifiedQuery: { rows: unknown; stats: Record<string, unknown> } }>('{ unifiedQuery(sql: "SELECT origin, count(*) AS n, sum(price) AS total FROM shop.bookings WHERE id <= ? GROUP BY origin ORDER BY origin", params: [30]) { rows stats { engine rowsScanned } } }')
    expect(data?.unifiedQuery).toEqual({ rows: [['CDG', 10, '147.50'], ['FRA', 10, '167.50'], [null, 10, '157.50']], stats: { engine: 'trino', rowsScanned: expect.any(Number) } })
  })

  test('M-20 a typed view goes to Trino, and the answer says so', async () => {
    expect(await explained('{ busyOrigins(orderBy: [{ origin: ASC }]) { nodes { origin bookings revenue } } }')).toEqual({
      data: { busyOrigins: { nodes: [{ origin: 'CDG', bookings: 100, revenue: '14975.00' }, { origin: 'FRA', bookings: 100, revenue: '15175.00' }] } }, errors: undefined, reads: ['busy_origins by trino'],
    })
  })

  test('what Trino cannot reach runs embedded, and the answer says so', async () => {
    expect(await explained('{ namedOrigins(orderBy: [{ origin: ASC }]) { nodes { origin name bookings } } }')).toEqual({
      data: { namedOrigins: { nodes: [{ origin: 'CDG', name: 'Paris', bookings: 100 }, { origin: 'FRA', name: 'Frankfurt', bookings: 100 }] } }, errors: undefined, reads: ['named_origins by duckdb'],
    })
    const { data } = await hub.query<{ unifiedQuery: unknown }>('{ unifiedQuery(sql: "SELECT count(*) AS n FROM shop.notes") { rows stats { engine } } }')
    // Trino leaves columns of numeric without a precision out of its table.
    expect(data?.unifiedQuery).toEqual({ rows: [[0]], stats: { engine: 'duckdb' } })
  })

  test('a look-up by key asks the source itself', async () => {
    expect(await explained('{ booking(id: 7) { passenger price } }')).toMatchObject({ data: { booking: { passenger: 'P7', price: '7.25' } }, reads: ['shop.bookings by postgresql'] })
  })

  test('mistakes are told with their place in the statement as written', async () => {
    const { errors } = await hub.query('{ unifiedQuery(sql: "SELECT passenger,\\n  pice FROM shop.bookings") { rows } }')
    expect(errors).toMatchObject([{ message: expect.stringContaining('"price"'), extensions: { code: 'SQL_ERROR', line: 2, column: 3 } }])
  })

  test('M-19 a client that leaves in the middle of a statement ends it in Trino within a second', async () => {
    const mark = `left ${process.pid} ${Date.now()}`
    const sql = `SELECT count(*) AS n FROM shop.bookings a, shop.bookings b, shop.bookings c, shop.bookings d, shop.bookings e WHERE a.id + b.id + c.id + d.id + e.id = -1 AND a.passenger <> '${mark}'`
    const client = new AbortController()
    const asked = fetch(`${hub.url}/graphql`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query: 'query ($sql: String!) { unifiedQuery(sql: $sql) { rows } }', variables: { sql } }), signal: client.signal,
    })
    const left = expect(asked).rejects.toThrow('aborted')
    await eventually('Trino runs the statement', async () => (await trinoQueries(url, mark)).some(({ state }) => state === 'RUNNING'), 60_000)
    client.abort()
    await eventually('Trino has ended the statement', async () => (await trinoQueries(url, mark)).every(({ errorCode }) => errorCode?.name === 'USER_CANCELED'), 1_000)
    await left
    expect((await hub.query('{ unifiedQuery(sql: "SELECT 1 AS one") { rows } }')).data).toEqual({ unifiedQuery: { rows: [[1]] } })
  })

  test('a Trino that is not there: not ready, with the reason; the rest serves, and statements go to it once it is', async () => {
    const wire = await Wire.open(url)
    wire.down()
    const other = await startHub({ catalog: files.catalog, env: { TRINO_URL: wire.url } })
    try {
      const ready = await fetch(`${other.url}/readyz?verbose`)
      expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining('Trino')])
      expect(await other.query('{ booking(id: 7) { passenger } busyOrigins { totalCount } }')).toEqual({ data: { booking: { passenger: 'P7' }, busyOrigins: { totalCount: 2 } } })
      wire.mend()
      await eventually('Trino is asked again', async () => {
        const { data } = await other.query<{ unifiedQuery: { stats: { engine: string } } }>('{ unifiedQuery(sql: "SELECT count(*) AS n FROM shop.bookings") { stats { engine } } }')
        return data?.unifiedQuery.stats.engine === 'trino'
      }, 120_000)
      expect((await fetch(`${other.url}/readyz`)).status).toBe(200)
    } finally {
      await other.close()
      await wire.close()
    }
  })

  test('no password of a source is in what Trino lists', async () => {
    const client = trinoClient(url)
    const texts = await trinoRows(client, "SELECT query FROM system.runtime.queries WHERE query LIKE 'CREATE CATALOG%hub_shop_%'")
    await client.close()
    expect(texts.length).toBeGreaterThan(0)
    expect(JSON.stringify(texts)).not.toContain(postgres.password)
    const listed = await (await fetch(`${url}/v1/query`, { headers: { 'x-trino-user': 'tests' } })).text()
    expect(listed).not.toContain(postgres.password)
    expect(listed).not.toContain(encodeURIComponent(postgres.password))
  })
})
