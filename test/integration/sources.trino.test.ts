import { randomBytes } from 'node:crypto'
import { jest } from '@jest/globals'
import { catalogFolder, type CatalogFolder } from '../support/catalog-folder.ts'
import { type CassandraKeyspace, openKeyspace } from '../support/cassandra.ts'
import { engineAt, withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { startHub, type RunningHub } from '../support/hub.ts'
import { dropNamespace, igniteHosts } from '../support/ignite.ts'
import { keptLog } from '../support/kept-log.ts'
import { column } from '../support/sql-tables.ts'
import { TrinoSchema, trinoClient, trinoRows } from '../support/trino.ts'

jest.setTimeout(240_000)

/** The statement's rows, and who answered. */
async function asked(hub: RunningHub, sql: string): Promise<{ readonly engine: string; readonly rows: readonly (readonly unknown[])[] }> {
  const { data, errors } = await hub.query<{ unifiedQuery: { rows: readonly (readonly unknown[])[]; stats: { engine: string } } }>('query ($sql: String!) { unifiedQuery(sql: $sql) { rows stats { engine } } }', { sql })
  expect(errors).toBeUndefined()
  return { engine: data?.unifiedQuery.stats.engine ?? '', rows: data?.unifiedQuery.rows ?? [] }
}

async function dropCatalogs(url: string, pattern: RegExp): Promise<void> {
  const client = trinoClient(url)
  for (const [name] of await trinoRows(client, 'SHOW CATALOGS')) if (pattern.test(String(name))) await trinoRows(client, `DROP CATALOG "${String(name)}"`)
  await client.close()
}

withEngine('TRINO_URL', 'sources whose catalog somebody made', url => {
  let schema: TrinoSchema
  let files: CatalogFolder
  let hub: RunningHub
  const log = keptLog()

  beforeAll(async () => {
    schema = await TrinoSchema.open(url)
    await schema.store('planes', [column('id', 'Int'), column('name', 'String')], [{ id: 1, name: 'in Trino' }])
    await schema.store('flights', [column('id', 'Long'), column('name', 'String')], [{ id: 1, name: 'in Trino' }])
    files = catalogFolder({
      'lake/planes.csv': 'ID,name\n1,in the file\n', 'lake/flights.csv': 'id,name\n1,in the file\n', 'lake/pilots.csv': 'id,name\n1,in the file\n',
      'hub.yaml': `
sources:
  lake: { type: files, root: lake, trino: { catalog: memory, schema: ${schema.name('').schema} } }
  wide: { type: s3, bucket: nobody, tables: {}, endpoint: "http://127.0.0.1:9" }
`,
    })
    hub = await startHub({ catalog: files.catalog, env: { TRINO_URL: url }, log })
  })
  afterAll(async () => {
    await hub?.close()
    files?.remove()
    await schema?.close()
  })

  test('a table that is there with the same columns is read there, whatever the source is', async () => {
    expect(await asked(hub, 'SELECT * FROM lake.planes')).toEqual({ engine: 'trino', rows: [[1, 'in Trino']] })
  })

  test('one with a column of another type, or none, is read embedded', async () => {
    expect(await asked(hub, 'SELECT * FROM lake.flights')).toEqual({ engine: 'duckdb', rows: [[1, 'in the file']] })
    expect(await asked(hub, 'SELECT * FROM lake.pilots')).toEqual({ engine: 'duckdb', rows: [[1, 'in the file']] })
  })

  test('a source that Trino could be shown only with its secrets is told of in the log, once, with the way out', () => {
    expect(log.lines.filter(line => JSON.stringify(line).includes('run embedded'))).toEqual([expect.objectContaining({ message: expect.stringMatching(/source "wide" run embedded.*trino: \{ catalog, schema \}/) })])
  })
})

withEngine('CASSANDRA_HOST', 'a keyspace through Trino', host => {
  const url = engineAt('TRINO_URL')
  if (!url) return test.skip('runs in Trino (needs TRINO_URL)', () => undefined)
  let keyspace: CassandraKeyspace
  let files: CatalogFolder
  const hubs: RunningHub[] = []

  beforeAll(async () => {
    keyspace = await openKeyspace(host)
    const { name } = keyspace
    await keyspace.exec(`CREATE TABLE ${name}.exact (id int, "Part" text, tiny tinyint, small smallint, long bigint, yes boolean, double double, day date, at timestamp, of_day time, name uuid, bytes blob, "select" text, PRIMARY KEY (id, "Part"))`)
    await keyspace.exec(`INSERT INTO ${name}.exact (id, "Part", tiny, small, long, yes, double, day, at, of_day, name, bytes, "select") VALUES (1, 'Ü𝄞', -128, 32767, 9223372036854775807, true, 0.1, '2024-02-29', '2024-02-29T23:59:59.123Z', '23:59:59.123456', 123e4567-e89b-12d3-a456-426614174000, 0xcafe, 'it''s')`)
    await keyspace.exec(`INSERT INTO ${name}.exact (id, "Part", long) VALUES (2, '', -9007199254740993)`)
    for (const [table, type, value] of [['decimals', 'decimal', '1.50'], ['varints', 'varint', '123456789012345678901234567890'], ['floats', 'float', '0.1'], ['lists', 'list<int>', '[1, 2]'], ['addresses', 'inet', "'10.0.0.1'"]]) {
      await keyspace.exec(`CREATE TABLE ${name}.${table} (id int PRIMARY KEY, held ${type})`)
      await keyspace.exec(`INSERT INTO ${name}.${table} (id, held) VALUES (1, ${value})`)
    }
    files = catalogFolder({ 'hub.yaml': `sources:\n  kept: { type: cassandra, hosts: "${host}", keyspace: ${name}, datacenter: ${process.env['CASSANDRA_DATACENTER'] ?? 'datacenter1'} }\n` })
    for (const env of [{ TRINO_URL: url }, {}]) hubs.push(await startHub({ catalog: files.catalog, env }))
  })
  afterAll(async () => {
    for (const hub of hubs) await hub.close()
    await dropCatalogs(url, /^hub_kept_/)
    files?.remove()
    await keyspace?.close()
  })
  const both = async (sql: string) => {
    const [inTrino, embedded] = await Promise.all(hubs.map(hub => asked(hub, sql)))
    if (!inTrino || !embedded) throw new Error('Two hubs answer.')
    return { inTrino, embedded }
  }

  test('types that Trino has exactly are read there, with the values and names they have embedded', async () => {
    const { inTrino, embedded } = await both('SELECT * FROM kept.exact ORDER BY id')
    expect([inTrino.engine, inTrino.rows]).toEqual(['trino', embedded.rows])
    expect(embedded.rows[0]).toContain('9223372036854775807')
    const same = `SELECT "Part" FROM kept.exact WHERE at = TIMESTAMP '2024-02-29 23:59:59.123 UTC' AND day = DATE '2024-02-29' AND "select" = 'it''s' AND long > 9223372036854775806 AND tiny < 0`
    expect(await both(same)).toEqual({ inTrino: { engine: 'trino', rows: [['Ü𝄞']] }, embedded: { engine: 'duckdb', rows: [['Ü𝄞']] } })
  })

  test.each(['decimals', 'varints', 'floats', 'lists', 'addresses'])('what Trino would round or show as something else stays embedded: %s', async table => {
    const { inTrino, embedded } = await both(`SELECT * FROM kept.${table}`)
    expect(inTrino).toEqual(embedded)
    expect(inTrino.engine).toBe('duckdb')
  })

  test('a catalog that Trino has lost fails one statement and is made again; what comes meanwhile runs embedded', async () => {
    const [hub] = hubs
    if (!hub) throw new Error('There is no hub.')
    await dropCatalogs(url, /^hub_kept_/)
    const sql = 'SELECT count(*) AS n FROM kept.exact'
    expect((await hub.query('query ($sql: String!) { unifiedQuery(sql: $sql) { rows } }', { sql })).errors).toMatchObject([{ extensions: { code: 'UPSTREAM_UNAVAILABLE', retryable: true } }])
    await eventually('it is made again', async () => {
      const { engine, rows } = await asked(hub, sql)
      expect(rows).toEqual([[2]])
      return engine === 'trino'
    }, 120_000)
  })
})

withEngine('IGNITE_HOST_1', 'regions on a cluster, joined in Trino', () => {
  const url = engineAt('TRINO_URL')
  if (!url) return test.skip('runs in Trino (needs TRINO_URL)', () => undefined)
  const namespace = `t${randomBytes(6).toString('hex')}`
  let schema: TrinoSchema
  let files: CatalogFolder
  let hub: RunningHub

  beforeAll(async () => {
    schema = await TrinoSchema.open(url)
    await schema.store('names', [column('id', 'Int'), column('name', 'String')], [{ id: 1, name: 'one' }, { id: 2, name: 'two' }])
    files = catalogFolder({
      'lake/names.csv': 'id,name\n1,one\n2,two\n',
      'hub.yaml': `
sources:
  lake: { type: files, root: lake, trino: { catalog: memory, schema: ${schema.name('').schema} } }
regions:
  measures: { key: [id, code], tenancy: SHARED, fields: { id: Int!, code: String!, long: Long, float: Float, yes: Boolean, day: Date, ofDay: Time, at: DateTime, local: LocalDateTime, name: UUID, bytes: Bytes } }
  prices: { key: id, fields: { id: Int!, price: Decimal } }
  papers: { key: id, fields: { id: Int!, content: JSON } }
  timers: { key: id, fields: { id: Int! }, expiry: { create: PT2S } }
`,
    })
    const nodes = Object.fromEntries(igniteHosts().map((host, at) => [`IGNITE_HOST_${at + 1}`, host]))
    hub = await startHub({ catalog: files.catalog, env: { TRINO_URL: url, ...nodes, IGNITE_NAMESPACE: namespace } })
    const put = async (region: string, value: object) => expect((await hub.query('mutation ($region: String!, $value: JSON!) { cachePut(region: $region, value: $value) { key } }', { region, value })).errors).toBeUndefined()
    await put('measures', { id: 1, code: "it's", long: '9007199254740993', float: 0.1, yes: true, day: '2024-02-29', ofDay: '23:59:59.123456', at: '2024-02-29T23:59:59.123456Z', local: '2024-02-29T23:59:59', name: '123e4567-e89b-12d3-a456-426614174000', bytes: 'yv4=' })
    await put('measures', { id: 2, code: '' })
    await put('prices', { id: 1, price: '1.5' })
    await put('papers', { id: 1, content: { b: 1, a: [2] } })
    await eventually('Trino knows the regions', async () => (await asked(hub, 'SELECT 1 FROM hub.measures e JOIN lake.names n ON n.id = e.id')).engine === 'trino', 60_000)
  })
  afterAll(async () => {
    await hub?.close()
    files?.remove()
    await dropNamespace(igniteHosts(), namespace)
    await schema?.close()
  })

  test('every type that Ignite keeps exactly reads as it does embedded', async () => {
    const near = await asked(hub, 'SELECT * FROM hub.measures ORDER BY id')
    expect([near.engine, near.rows.length]).toEqual(['duckdb', 2])
    expect(await asked(hub, 'SELECT e.* FROM hub.measures e JOIN lake.names n ON n.id = e.id ORDER BY e.id')).toEqual({ engine: 'trino', rows: near.rows })
    const where = `e.at = TIMESTAMP '2024-02-29 23:59:59.123456 UTC' AND e.day < DATE '2024-03-01' AND e."ofDay" = TIME '23:59:59.123456' AND e.local = TIMESTAMP '2024-02-29 23:59:59' AND e.name = UUID '123e4567-e89b-12d3-a456-426614174000'`
    expect(await asked(hub, `SELECT n.name FROM hub.measures e JOIN lake.names n ON n.id = e.id WHERE ${where}`)).toEqual({ engine: 'trino', rows: [['one']] })
  })

  test('a region with a column it does not keep as written is joined embedded', async () => {
    expect(await asked(hub, 'SELECT p.price FROM hub.prices p JOIN lake.names n ON n.id = p.id')).toEqual({ engine: 'duckdb', rows: [['1.5']] })
    expect(await asked(hub, 'SELECT p.content FROM hub.papers p JOIN lake.names n ON n.id = p.id')).toEqual({ engine: 'duckdb', rows: [[{ b: 1, a: [2] }]] })
  })

  test('an entry that has expired is in no answer, swept or not', async () => {
    const counted = 'SELECT (SELECT count(*) FROM hub.timers) AS entries, count(*) AS names FROM lake.names'
    const seen: unknown[] = []
    expect((await hub.query('mutation { cachePut(region: "timers", value: { id: 1 }) { key } }')).errors).toBeUndefined()
    seen.push(await asked(hub, counted))
    await eventually('the entry has expired', async () => (await hub.query<{ timer: unknown }>('{ timer(id: 1) { id } }')).data?.timer === null, 20_000)
    seen.push(await asked(hub, counted))
    expect(seen).toEqual([{ engine: 'trino', rows: [[1, 2]] }, { engine: 'trino', rows: [[0, 2]] }])
  })
})
