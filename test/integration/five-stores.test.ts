import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client as Elasticsearch } from '@elastic/elasticsearch'
import { jest } from '@jest/globals'
import { openDuckDb } from '../../connectors/duckdb/database.ts'
import { catalogFolder, type CatalogFolder } from '../support/catalog-folder.ts'
import { type CassandraKeyspace, openKeyspace } from '../support/cassandra.ts'
import { engineAt } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { startHub, type RunningHub } from '../support/hub.ts'
import { dropNamespace, igniteHosts } from '../support/ignite.ts'
import { postgresBin, startPostgres, type PostgresServer } from '../support/postgres.ts'
import { openBucket, type S3Bucket } from '../support/s3.ts'
import { trinoClient, trinoRows } from '../support/trino.ts'

jest.setTimeout(120_000)

const variables = ['CASSANDRA_HOST', 'ELASTICSEARCH_URL', 'S3_ENDPOINT', 'TRINO_URL', 'IGNITE_HOST_1'] as const
const [cassandraHost = '', searchUrl = '', s3Endpoint = '', trinoUrl = ''] = variables.map(engineAt)
const missing = variables.filter(name => !engineAt(name))
const withAll = (title: string, tests: () => void) => (missing.length === 0 ? describe(title, tests) : describe.skip(`${title} (needs ${missing.join(', ')})`, () => test('runs against the engines', () => undefined)))

const skus = 12
const orders = 240
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const tenants = ['acme', 'globex'] as const
const as = (tenant: string) => ({ 'x-api-key': `key of ${tenant}` })

/** Each order with what every other store knows of it. */
const joined = `SELECT o.id, o.placed, c.name AS customer, p.title, p.listed, s.units, d.percent, d.since, o.amount * (100 - d.percent) AS due
  FROM cass.orders o JOIN pg.customers c ON c.id = o.customer JOIN es.products p ON p._id = o.sku JOIN lake.stock s ON s.sku = o.sku JOIN hub.discounts d ON d.sku = o.sku`
const summed = 'SELECT c.city, p.kind, count(*) AS n, sum(o.amount) AS amount, sum(s.units) AS units, min(d.percent) AS percent, max(p.listed) AS listed FROM cass.orders o JOIN pg.customers c ON c.id = o.customer JOIN es.products p ON p._id = o.sku JOIN lake.stock s ON s.sku = o.sku JOIN hub.discounts d ON d.sku = o.sku WHERE o.id <= ? AND d.percent > ? GROUP BY 1, 2 ORDER BY 1, 2'

withAll('five stores in one question', () => {
  let keyspace: CassandraKeyspace
  let postgres: PostgresServer
  let search: Elasticsearch
  let bucket: S3Bucket
  let files: CatalogFolder
  let warehouse: string
  const index = `products_${randomBytes(4).toString('hex')}`
  const lake = `lake_${randomBytes(4).toString('hex')}`
  const namespace = `t${randomBytes(6).toString('hex')}`
  const hubs: Record<'trino' | 'duckdb', RunningHub | undefined> = { trino: undefined, duckdb: undefined }

  const inIndex = (sql: string) => sql.replaceAll(/es\.products\b/g, `es.${index}`)

  /** The hub that runs on this engine. */
  const hubOn = (engine: keyof typeof hubs): RunningHub => {
    const hub = hubs[engine]
    if (!hub) throw new Error(`There is no hub on ${engine}.`)
    return hub
  }

  async function stock(): Promise<Uint8Array<ArrayBuffer>> {
    const folder = await mkdtemp(join(tmpdir(), 'five-stores-'))
    const database = await openDuckDb()
    const connection = await database.connect()
    try {
      await connection.run(`COPY (SELECT 'S' || n AS sku, (n * 10)::INTEGER AS units, (9007199254740993 + n)::BIGINT AS serial, DATE '2024-02-28' + n::INTEGER AS counted FROM range(${skus}) AS t(n)) TO '${join(folder, 'stock.parquet')}' (FORMAT parquet)`)
      return new Uint8Array(await readFile(join(folder, 'stock.parquet')))
    } finally {
      connection.disconnectSync()
      await database.close()
      await rm(folder, { recursive: true })
    }
  }

  beforeAll(async () => {
    if (!postgresBin) throw new Error('There is no PostgreSQL. Run: npm run engines -- fetch postgres')
    keyspace = await openKeyspace(cassandraHost)
    await keyspace.exec(`CREATE TABLE ${keyspace.name}.orders (id int PRIMARY KEY, customer int, sku text, amount bigint, placed timestamp)`)
    for (let id = 1; id <= orders; id++) {
      const placed = new Date(Date.UTC(2024, 0, 1) + id * 3_600_001)
      await keyspace.exec(`INSERT INTO ${keyspace.name}.orders (id, customer, sku, amount, placed) VALUES (?, ?, ?, ?, ?)`, [id, id % 7, `S${id % skus}`, 9_007_199_254_000n + BigInt(id), placed])
    }

    postgres = await startPostgres()
    await postgres.exec(`CREATE TABLE customers (id integer PRIMARY KEY, name text NOT NULL, city text); INSERT INTO customers SELECT n, 'C' || n || ' Ü𝄞', CASE WHEN n % 3 > 0 THEN 'City ' || n % 3 END FROM generate_series(0, 6) AS n`)

    search = new Elasticsearch({ node: searchUrl })
    await search.indices.create({ index, settings: { number_of_shards: 2, number_of_replicas: 0 }, mappings: { properties: { title: { type: 'text' }, kind: { type: 'keyword' }, weight: { type: 'double' }, listed: { type: 'date' }, Units: { type: 'long' }, Sold: { type: 'boolean' }, rank: { type: 'short' } } } })
    await search.bulk({ index, refresh: true, operations: Array.from({ length: skus }, (_, n) => [{ index: { _id: `S${n}` } }, { title: `Product ${n}`, kind: n % 2 === 0 ? 'even' : null, weight: n / 4, listed: `2024-01-${String(n + 1).padStart(2, '0')}T10:11:12.345Z`, Units: n, Sold: n % 3 === 0 ? null : n % 3 === 1, rank: n - 6 }]).flat() })
    await search.indices.putAlias({ index, name: `${index}_alias` })
    const settings = { number_of_replicas: 0, analysis: { normalizer: { small: { type: 'custom' as const, filter: ['lowercase'] } } } }
    await search.indices.create({ index: `${index}_remade`, settings, mappings: { properties: { code: { type: 'keyword', normalizer: 'small' }, none: { type: 'keyword', null_value: 'NONE' } } }, aliases: { [`${index}_other`]: {} } })
    await search.index({ index: `${index}_remade`, id: '1', refresh: true, document: { code: 'ABC', none: null } })

    bucket = await openBucket(s3Endpoint)
    await bucket.put('stock/stock.parquet', await stock())
    warehouse = await mkdtemp(join(tmpdir(), 'five-stores-metastore-'))
    const { endpoint, region, accessKeyId, secretAccessKey } = bucket.reach
    const client = trinoClient(trinoUrl)
    // As an operator would: the keys are in Trino, and the hub is told where.
    await trinoRows(client, `CREATE CATALOG ${lake} USING hive WITH ("hive.metastore" = 'file', "hive.metastore.catalog.dir" = 'local:///lake', "fs.native-local.enabled" = 'true', "local.location" = '${warehouse}', "fs.native-s3.enabled" = 'true', "s3.endpoint" = '${endpoint}', "s3.region" = '${region}', "s3.path-style-access" = 'true', "s3.aws-access-key" = '${accessKeyId}', "s3.aws-secret-key" = '${secretAccessKey}')`)
    await trinoRows(client, `CREATE SCHEMA ${lake}.raw`)
    await trinoRows(client, `CREATE TABLE ${lake}.raw.stock (sku varchar, units integer, serial bigint, counted date) WITH (external_location = 's3://${bucket.name}/stock/', format = 'PARQUET')`)
    await client.close()

    files = catalogFolder({
      'keys.json': JSON.stringify(tenants.map(tenant => ({ id: tenant, tenant, scopes: ['*'], sha256: sha256(`key of ${tenant}`) }))),
      'hub.yaml': `
sources:
  cass: { type: cassandra, hosts: "${cassandraHost}", keyspace: ${keyspace.name}, datacenter: ${process.env['CASSANDRA_DATACENTER'] ?? 'datacenter1'} }
  pg: { type: postgresql, url: "${postgres.url}" }
  es: { type: elasticsearch, url: "${searchUrl}", indices: "${index}*" }
  lake: { type: s3, bucket: ${bucket.name}, prefix: stock, endpoint: "${endpoint}", region: ${region}, accessKeyId: ${accessKeyId}, secretAccessKey: ${secretAccessKey}, trino: { catalog: ${lake}, schema: raw } }
regions:
  discounts: { key: sku, tenancy: TENANT, fields: { sku: ID!, percent: Int!, since: Date, changed: DateTime } }
  orders: { key: id, load: { source: cass, table: orders } }
  customers: { key: id, load: { source: pg, table: customers } }
  products: { key: _id, load: { source: es, table: ${index} } }
  stock: { type: StockOf, key: sku, load: { source: lake, table: stock } }
relations:
  - { from: Order.customer, to: Customer.id, as: buyer }
  - { from: Order.sku, to: Product._id, as: product }
  - { from: Order.sku, to: StockOf.sku, as: inStock }
  - { from: Order.sku, to: Discount.sku, as: discount }
views:
  sales: { key: id, sql: "${inIndex(joined).replaceAll('\n', ' ')}" }
`,
    })
    const flags = [`--auth-api-keys-file=${files.folder}/keys.json`]
    const nodes = Object.fromEntries(igniteHosts().map((host, at) => [`IGNITE_HOST_${at + 1}`, host]))
    hubs.trino = await startHub({ catalog: files.catalog, flags, headers: as('acme'), env: { TRINO_URL: trinoUrl, ...nodes, IGNITE_NAMESPACE: namespace } })
    hubs.duckdb = await startHub({ catalog: files.catalog, flags, headers: as('acme'), env: {} })
    for (const hub of [hubOn('trino'), hubOn('duckdb')]) {
      for (const [at, tenant] of tenants.entries()) {
        const input = Array.from({ length: skus }, (_, n) => ({ sku: `S${n}`, percent: n + 50 * at, since: n % 2 === 0 ? `2024-02-${String(n + 10)}` : null, changed: `2024-02-29T01:02:03.${n + 1}Z` }))
        expect((await hub.query('mutation ($input: [DiscountInput!]!) { putDiscounts(input: $input) { sku } }', { input }, as(tenant))).errors).toBeUndefined()
      }
    }
    await eventually('Trino knows the regions', async () => (await unified('trino', 'SELECT count(*) FROM hub.discounts d JOIN pg.customers c ON c.id = d.percent')).engine === 'trino', 60_000)
  })

  afterAll(async () => {
    for (const hub of Object.values(hubs)) await hub?.close()
    const client = trinoClient(trinoUrl)
    await trinoRows(client, `DROP TABLE IF EXISTS ${lake}.raw.stock`)
    await trinoRows(client, `DROP SCHEMA IF EXISTS ${lake}.raw`)
    for (const [name] of await trinoRows(client, 'SHOW CATALOGS')) if (name === lake || /^hub_(cass|pg|es)_/.test(String(name))) await trinoRows(client, `DROP CATALOG "${String(name)}"`)
    await client.close()
    await dropNamespace(igniteHosts(), namespace)
    files?.remove()
    await bucket?.close()
    await search?.indices.delete({ index: [index, `${index}_remade`] })
    await search?.close()
    await keyspace?.close()
    await postgres?.stop()
    if (warehouse) await rm(warehouse, { recursive: true })
  })

  async function unified(engine: keyof typeof hubs, sql: string, params: readonly unknown[] = [], tenant: string = tenants[0]) {
    const { data, errors } = await hubOn(engine).query<{ unifiedQuery: { rows: readonly (readonly unknown[])[]; stats: { engine: string } } }>('query ($sql: String!, $params: [JSON]) { unifiedQuery(sql: $sql, params: $params) { rows stats { engine } } }', { sql: inIndex(sql), params }, as(tenant))
    expect(errors).toBeUndefined()
    if (!data) throw new Error('unifiedQuery answered nothing.')
    return { rows: data.unifiedQuery.rows, engine: data.unifiedQuery.stats.engine }
  }

  const typed = async (engine: keyof typeof hubs, query: string, tenant: string = tenants[0]) => {
    const answer = await hubOn(engine).query<Record<string, { readonly nodes: readonly Readonly<Record<string, unknown>>[] }>>(query, {}, { ...as(tenant), 'x-hub-explain': '1' })
    expect(answer.errors).toBeUndefined()
    const reads = (answer as { readonly extensions?: { readonly hub?: { readonly reads: readonly { readonly engine: string; readonly name: string }[] } } }).extensions?.hub?.reads ?? []
    return { nodes: Object.values(answer.data ?? {})[0]?.nodes ?? [], reads: reads.map(({ engine: by, name }) => `${name} by ${by}`) }
  }

  test('M-19 a join of all five answers the same by unifiedQuery in Trino and embedded, exact to the last digit', async () => {
    const [inTrino, embedded] = [await unified('trino', `${joined} ORDER BY o.id`), await unified('duckdb', `${joined} ORDER BY o.id`)]
    expect([inTrino.engine, embedded.engine]).toEqual(['trino', 'duckdb'])
    expect(embedded.rows).toHaveLength(orders)
    expect(embedded.rows[1]).toEqual([2, '2024-01-01T02:00:00.002Z', 'C2 Ü𝄞', 'Product 2', '2024-01-03T10:11:12.345Z', 20, 2, '2024-02-12', 882_705_526_892_196])
    expect(inTrino.rows).toEqual(embedded.rows)
  })

  test('M-19 grouped, filtered and with parameters it is the same too', async () => {
    const [inTrino, embedded] = [await unified('trino', summed, [200, 3]), await unified('duckdb', summed, [200, 3])]
    expect([inTrino.engine, embedded.engine]).toEqual(['trino', 'duckdb'])
    expect(embedded.rows.length).toBeGreaterThan(4)
    expect(inTrino.rows).toEqual(embedded.rows)
  })

  test('M-20 the typed view has the same rows on both, and says who answered', async () => {
    const query = '{ sales(first: 500, orderBy: [{ id: ASC }]) { nodes { id placed customer title listed units percent since due } } }'
    const [inTrino, embedded] = [await typed('trino', query), await typed('duckdb', query)]
    expect([inTrino.reads, embedded.reads]).toEqual([['sales by trino'], ['sales by duckdb']])
    expect(embedded.nodes).toHaveLength(orders)
    expect(inTrino.nodes).toEqual(embedded.nodes)
    const { rows } = await unified('trino', `${joined} ORDER BY o.id`)
    expect(inTrino.nodes.map(({ id, customer, title, units, percent }) => [id, customer, title, units, percent])).toEqual(rows.map(([id, , customer, title, , units, percent]) => [id, customer, title, units, percent]))
  })

  test('walked through relations in typed GraphQL, the five say what the join says', async () => {
    const query = '{ orders(first: 300, orderBy: [{ id: ASC }]) { nodes { id placed buyer { name } product { title listed } inStock { units } discount { percent since } } } }'
    const { rows } = await unified('duckdb', `${joined} ORDER BY o.id`)
    for (const engine of ['trino', 'duckdb'] as const) {
      const { nodes } = await typed(engine, query)
      expect(nodes).toEqual(rows.map(([id, placed, name, title, listed, units, percent, since]) => ({ id, placed, buyer: { name }, product: { title, listed }, inStock: { units }, discount: { percent, since } })))
    }
  })

  test('each tenant joins with its own entries of the region, and with no other\'s', async () => {
    for (const engine of ['trino', 'duckdb'] as const) {
      const { rows, engine: by } = await unified(engine, 'SELECT count(*), min(d.percent), max(d.percent) FROM hub.discounts d JOIN lake.stock s ON s.sku = d.sku', [], 'globex')
      expect([by, rows]).toEqual([engine, [[skus, 50, 61]]])
    }
    const { nodes } = await typed('trino', '{ sales(first: 500, orderBy: [{ id: ASC }]) { nodes { id percent } } }', 'globex')
    expect(nodes.map(({ percent }) => percent)).toEqual(Array.from({ length: orders }, (_, at) => 50 + ((at + 1) % skus)))
  })

  test('every store by itself is read through Trino, its every column, as embedded; regions alone stay near', async () => {
    for (const table of ['cass.orders', 'pg.customers', 'es.products', 'lake.stock']) {
      const sql = `SELECT * FROM ${table} AS t ORDER BY 1`
      const [inTrino, embedded] = [await unified('trino', sql), await unified('duckdb', sql)]
      expect([table, inTrino.engine, inTrino.rows]).toEqual([table, 'trino', embedded.rows])
    }
    const alias = await unified('trino', `SELECT count(*) FROM es.${index}_alias`)
    expect(alias).toEqual({ engine: 'trino', rows: [[skus]] })
    const near = await unified('trino', 'SELECT d.* FROM hub.discounts d ORDER BY 1')
    expect(near).toEqual({ engine: 'duckdb', rows: (await unified('duckdb', 'SELECT d.* FROM hub.discounts d ORDER BY 1')).rows })
  })

  test.each([
    ['cass.orders', ['id IN (3, 5, 240, 241)', "sku = 'S3'", "sku > 'S10' AND sku < 'S3'", "placed >= TIMESTAMP '2024-01-05 00:00:00 UTC'", 'amount BETWEEN 9007199254100 AND 9007199254110', 'id = 7 AND customer <> 0', "sku LIKE '%1'", 'id < 0']],
    ['pg.customers', ['city IS NULL', "name LIKE '%𝄞'", "name > 'C3'", "city IN ('City 1', 'City 3')", 'NOT (id > 2)', "city <> 'City 1'"]],
    ['es.products', ["_id = 'S3'", "_id IN ('S1', 'S2', 'none')", "title = 'Product 1'", "title = 'Product'", "title LIKE 'Product 1%'", 'kind IS NULL', "kind = 'even'", "kind <> 'odd'", "kind > 'd'", 'weight >= 0.5 AND weight < 2', '"Units" IN (1, 2)', '"Units" > 3', 'weight = 0.25', '"Sold"', 'NOT "Sold"', '"Sold" <> true', '"Sold" IS NULL', 'rank BETWEEN -2 AND 2', "_id > 'S3'", "listed > TIMESTAMP '2024-01-05 10:11:12.344 UTC'", "listed = TIMESTAMP '2024-01-05 10:11:12.345 UTC'"]],
    ['lake.stock', ["sku = 'S3'", 'units > 50', 'serial = 9007199254740995', "counted BETWEEN DATE '2024-02-29' AND DATE '2024-03-02'", 'units IN (10, 20) OR sku IS NULL']],
  ] as const)('a condition on %s keeps the same rows, wherever it is tested', async (table, conditions) => {
    for (const condition of conditions) {
      const sql = `SELECT * FROM ${table} AS t WHERE ${condition} ORDER BY 1`
      const [inTrino, embedded] = [await unified('trino', sql), await unified('duckdb', sql)]
      expect([condition, inTrino.engine, inTrino.rows]).toEqual([condition, 'trino', embedded.rows])
    }
  })

  test('an index whose fields answer otherwise than they were written is read embedded, by its alias too', async () => {
    for (const table of [`es.${index}_remade`, `es.${index}_other`]) expect(await unified('trino', `SELECT * FROM ${table}`)).toEqual({ engine: 'duckdb', rows: [['1', 'abc', 'NONE']] })
  })

  test('no key and no password of a store is in what Trino lists of the hub\'s statements', async () => {
    const client = trinoClient(trinoUrl)
    const texts = await trinoRows(client, "SELECT query FROM system.runtime.queries WHERE query LIKE 'CREATE CATALOG IF NOT EXISTS \"hub\\_%' ESCAPE '\\'")
    await client.close()
    expect(texts.length).toBeGreaterThanOrEqual(4)
    expect(JSON.stringify(texts)).not.toContain(bucket.reach.secretAccessKey)
    expect(JSON.stringify(texts)).not.toContain(postgres.password)
  })
})
