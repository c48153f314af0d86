import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { catalogFolder } from '../support/catalog-folder.ts'
import { eventually } from '../support/eventually.ts'
import { keeper, startHub, type RunningHub } from '../support/hub.ts'

const keys = [{ id: 'acme', tenant: 'acme', scopes: ['*'] }, { id: 'globex', tenant: 'globex', scopes: ['*'] }, { id: 'nobody', tenant: 'acme', scopes: [] }]
const as = (id: string) => ({ 'x-api-key': `key of ${id}` })
const files = {
  'keys.json': JSON.stringify(keys.map(key => ({ ...key, sha256: createHash('sha256').update(`key of ${key.id}`).digest('hex') }))),
  'hub.yaml': `
sources:
  shop: { type: files, root: ./shop, tables: { orders: orders.csv, owned: owned.csv, 'gold.totals': totals.csv, 'odd.a/b': odd.csv, 'odd."q"': odd.csv, 'odd.%2e': odd.csv, 'odd.': odd.csv } }
regions:
  customers: { type: Customer, description: Who buys., key: id, load: { source: shop, table: orders, columns: [id, customer], eager: true } }
  guests: { type: Guest, key: id, load: { source: shop, table: orders, columns: [id, customer] } }
  deeds: { type: Deed, key: id, load: { source: shop, table: owned, eager: true }, tenancy: TENANT, tenantColumn: tenant }
  notes: { type: Note, key: id, fields: { id: { type: ID!, description: Its number. }, note: String }, mode: REPLICATED }
  visits: { type: Visit, key: [site, id], affinityKey: site, fields: { site: ID!, id: ID! } }
views:
  spending: { key: customer, sql: 'SELECT customer, sum(amount) AS amount FROM shop.orders GROUP BY 1' }
`,
  'shop/orders.csv': 'id,customer,amount\n10,1,5\n11,1,7\n12,2,1\n',
  'shop/totals.csv': 'customer,total\n1,12\n2,1\n',
  'shop/odd.csv': 'x\n1\n',
  'shop/owned.csv': 'id,tenant\n1,acme\n2,globex\n3,globex\n',
}

type Body = Record<string, unknown> & { readonly errors: readonly { readonly loc: readonly unknown[]; readonly msg: string }[]; readonly detail: string }

describe('views and statements over REST', () => {
  const folder = catalogFolder(files)
  let hub: RunningHub
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog, flags: [`--auth-api-keys-file=${folder.folder}/keys.json`], headers: as('acme') })
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = as('acme')) => {
    const response = await fetch(`${hub.url}/api/v1/${path}`, { method, headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body) })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: (text === '' ? undefined : JSON.parse(text)) as Body }
  }
  /** With the path exactly as it is written here, which `fetch` would tidy. */
  const raw = (path: string) => new Promise<{ status: number; body: Body }>((resolve, reject) => {
    request(hub.url, { path, headers: as('acme') }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Body }))
    }).on('error', reject).end()
  })

  test('M-19 M-20 a statement over several catalogs answers columns, data and stats, and who computed them', async () => {
    const answer = await call('POST', 'query', { query: 'SELECT o.customer, t.total, n.amount FROM shop.orders o JOIN shop.gold.totals t ON t.customer = o.customer JOIN spending n ON n.customer = o.customer WHERE o.id = ?', params: [12] })
    expect(answer).toMatchObject({
      status: 200,
      body: {
        query_id: expect.stringMatching(/^[0-9a-f-]{36}$/), columns: [{ name: 'customer', type: 'Int' }, { name: 'total', type: 'Int' }, { name: 'amount', type: expect.any(String) }], data: [[2, 1, 1]],
        stats: { elapsed_ms: expect.any(Number), engine: 'duckdb', bytes_scanned: null, splits: null }, next_page_token: null,
      },
    })
    expect(answer.headers.get('x-query-engine')).toBe('duckdb')
  })

  test('M-19 catalog and schema stand for the parts a name leaves out, limit bounds the page, and the token goes on', async () => {
    const body = { query: 'SELECT customer FROM totals ORDER BY 1', catalog: 'shop', schema: 'gold', limit: 1 }
    const first = await call('POST', 'query', body)
    expect(first).toMatchObject({ status: 200, body: { data: [[1]], next_page_token: expect.any(String) } })
    expect(await call('POST', 'query', { ...body, page_token: first.body['next_page_token'] })).toMatchObject({ body: { data: [[2]], next_page_token: null } })
    expect(await call('POST', 'query', { ...body, catalog: 'shopp' })).toMatchObject({ status: 404, body: { code: 'NOT_FOUND', detail: expect.stringContaining('"shop"') } })
  })

  test('M-19 mistakes: syntax with its place, unknown tables with the nearest, limits, unknown members, bodies', async () => {
    expect(await call('POST', 'query', { query: 'SELECT 1 FROM WHERE x' })).toMatchObject({ status: 400, body: { code: 'SQL_ERROR', line: 1, column: expect.any(Number) } })
    expect(await call('POST', 'query', { query: 'SELECT * FROM shop.order' })).toMatchObject({ status: 404, body: { code: 'NOT_FOUND', detail: expect.stringContaining('orders') } })
    expect(await call('POST', 'query', { query: 'SELECT 1', limit: 0 })).toMatchObject({ status: 422, body: { errors: [{ loc: ['body', 'limit'] }] } })
    expect(await call('POST', 'query', { sql: 'SELECT 1' })).toMatchObject({ status: 422, body: { errors: [{ loc: ['body', 'query'] }, { loc: ['body', 'sql'], msg: expect.stringContaining('Unknown key "sql"') }] } })
    expect(await call('POST', 'query', { query: 'SELECT 1', parms: [] })).toMatchObject({ status: 422, body: { errors: [{ loc: ['body', 'parms'], msg: expect.stringContaining('"params"') }] } })
    expect((await call('POST', 'query', '{')).status).toBe(400)
    expect((await call('POST', 'query', { query: 'x'.repeat(1_100_000) })).status).toBe(413)
  })

  test('M-30 M-31 a statement is explained, and traced to what it reads', async () => {
    expect(await call('POST', 'query/explain', { query: 'SELECT customer, max(amount) AS most FROM shop.orders GROUP BY customer LIMIT 5' })).toMatchObject({ status: 200, body: { advice: [expect.stringMatching(/^View "spending" has these rows grouped so already: ask it/), expect.stringContaining('"customers"')] } })
    expect(await call('POST', 'query/explain', { query: 'SELECT customer, max(amount) AS most FROM shop.orders WHERE amount > 1 GROUP BY customer LIMIT 5' })).toMatchObject({ status: 200, body: { advice: [expect.stringContaining('"customers"')] } })
    expect(await call('POST', 'query/explain', { query: 'SELECT * FROM spending' })).toMatchObject({ status: 200, body: { engine: 'duckdb', plan: expect.any(String), advice: [expect.stringContaining('LIMIT'), expect.stringContaining('spending')] } })
    expect(await call('POST', 'query/lineage', { query: 'SELECT sum(amount) AS a FROM shop.orders' })).toMatchObject({
      status: 200, body: { inputs: ['shop.orders'], outputs: ['a'], columns: [{ output: 'a', inputs: [{ table: 'shop.orders', column: 'amount', transformation: 'AGGREGATION' }] }], unresolved: [] },
    })
  })

  test('M-20 the plan of an answer says which engine was asked, in order, and why', async () => {
    const steps = async (query: string) => {
      const { extensions } = await hub.query<unknown>(query, {}, { 'x-hub-explain': '1', ...as('acme') })
      return (extensions as { hub: { plan: { steps: readonly { engine: string; table: string; reason: string; rows: number; reads: number }[] } } }).hub.plan.steps
    }
    expect(await steps('{ customer(id: 10) { customer } guest(id: 11) { customer } again: guest(id: 11) { customer } }')).toMatchObject([
      { engine: keeper, table: 'customers', reason: 'Region "customers" holds the rows and is asked first.', rows: 1 },
      { engine: 'files', table: 'shop.orders', reason: 'The region does not hold these rows; they were read from "shop.orders".', rows: 1, reads: 1 },
    ])
    await eventually('the row is kept', async () => (await steps('{ guest(id: 11) { customer } }'))[0]?.table === 'guests')
    expect(await steps('{ guest(id: 11) { customer } spending { nodes { amount } } }')).toMatchObject([{ engine: keeper, table: 'guests' }, { engine: 'duckdb', table: 'spending', reason: expect.stringContaining('is not kept in memory'), rows: 2 }])
    expect(await steps('{ unifiedQuery(sql: "SELECT 1 AS one") { rows } }')).toMatchObject([{ engine: 'duckdb', table: 'statement' }])
  })

  test('M-23 data sources are an array with their tables', async () => {
    const { status, body } = await call('GET', 'data-sources')
    expect([status, body]).toMatchObject([200, [
      { name: 'shop', catalog: 'shop', connector: 'files', role: 'LAKE', status: 'UP', reason: null, latency_ms: expect.any(Number), schemas: ['gold', 'odd'], tables: expect.arrayContaining([{ schema: null, name: 'orders' }, { schema: 'gold', name: 'totals' }]) },
      { name: 'hub', connector: 'hub', tables: expect.arrayContaining([{ schema: null, name: 'customers' }]) },
      { name: 'ops', connector: 'hub', tables: [{ schema: null, name: 'pipeline_runs' }] },
    ]])
  })

  test('M-24 a table has its schema, columns with comments, partition keys and rows where they are known', async () => {
    expect(await call('GET', 'schema/shop/gold/totals')).toMatchObject({ status: 200, body: { catalog: 'shop', schema: 'gold', name: 'totals', columns: [{ name: 'customer', type: 'Int', nullable: true, comment: null }, { name: 'total' }], partition_keys: null, stats: { row_count: 2 } } })
    await hub.query('mutation { putNote(input: { id: "1", note: "here" }) { id } }')
    expect(await call('GET', 'schema/hub/default/notes')).toMatchObject({ status: 200, body: { schema: null, name: 'notes', columns: [{ name: 'id', comment: 'Its number.' }, { name: 'note', comment: null }], partition_keys: [], stats: { row_count: 1 } } })
    expect(await call('GET', 'schema/hub/default/visits')).toMatchObject({ body: { partition_keys: ['site'], stats: { row_count: 0 } } })
    expect(await call('GET', 'schema/hub/default/customers')).toMatchObject({ body: { partition_keys: ['id'], stats: { row_count: 3 } } })
    expect(await call('GET', 'schema/hub/default/spending')).toMatchObject({ body: { partition_keys: null, stats: { row_count: null } } })
    expect(await hub.query('{ tableSchema(catalog: "shop", table: "orders") { schema columns { comment } partitionKeys stats { rowCount } } }')).toEqual({ data: { tableSchema: { schema: null, columns: [{ comment: null }, { comment: null }, { comment: null }], partitionKeys: null, stats: { rowCount: 3 } } } })
  })

  test('M-24 H-59 of rows that belong to tenants each is told the number of its own', async () => {
    const rows = async (tenant: string) => ((await call('GET', 'schema/hub/default/notes', undefined, as(tenant))).body['stats'] as { row_count: number }).row_count
    expect([await rows('acme'), await rows('globex')]).toEqual([1, 0])
    expect(await call('GET', 'schema/shop/default/owned')).toMatchObject({ status: 200, body: { stats: { row_count: null } } })
    expect(await call('GET', 'schema/hub/default/deeds')).toMatchObject({ status: 200, body: { stats: { row_count: 1 } } })
  })

  test('M-19 M-23 M-25 who may do nothing by the graph may do nothing here', async () => {
    for (const [method, path, body] of [['POST', 'query', { query: 'SELECT 1' }], ['POST', 'query/explain', { query: 'SELECT 1' }], ['GET', 'data-sources'], ['GET', 'schema/shop/default/orders'], ['GET', 'federated-views'], ['DELETE', 'federated-views/spending'], ['GET', 'dih/health'], ['GET', 'dih/cache-regions'], ['GET', 'dih/cache-regions/notes/stats'], ['GET', 'dih/cache-regions/notes/entries/1'], ['PUT', 'dih/cache-regions/notes/entries/1', {}], ['GET', 'dih/cache-regions/notes/changes'], ['POST', 'dih/sql-query', { query: 'SELECT 1' }]] as const) {
      expect([method, path, (await call(method, path, body, as('nobody'))).status]).toEqual([method, path, 403])
    }
  })

  test('M-19 a statement that is not ready in time is 504, and the next one runs', async () => {
    const hasty = await startHub({ catalog: folder.catalog, flags: ['--request-timeout-ms=1000'] })
    try {
      const post = async (query: string) => (await fetch(`${hasty.url}/api/v1/query`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query }) }).then(answer => answer.json())) as unknown
      const many = 'UNNEST(sequence(1, 10000))'
      expect(await post(`SELECT count(*) AS n FROM ${many} AS a(x), ${many} AS b(y), ${many} AS c(z) WHERE x * y + z = 7`)).toMatchObject({ status: 504, code: 'TIMEOUT' })
      expect(await post('SELECT 1 AS one')).toMatchObject({ data: [[1]] })
    } finally {
      await hasty.close()
    }
  }, 120_000)

  test('M-24 which of the three names is unknown is said', async () => {
    expect(await call('GET', 'schema/shp/gold/totals')).toMatchObject({ status: 404, body: { detail: 'There is no catalog "shp". Did you mean "shop"?' } })
    expect(await call('GET', 'schema/shop/god/totals')).toMatchObject({ status: 404, body: { detail: 'Catalog "shop" has no schema "god". Did you mean "gold"?' } })
    expect(await call('GET', 'schema/shop/gold/total')).toMatchObject({ status: 404, body: { detail: 'There is no table "total" in shop.gold. Did you mean "gold.totals"?' } })
  })

  test('M-24 a slash, a quote and dots that are escaped are a part of the name, and nothing else', async () => {
    for (const name of ['a/b', '"q"', '%2e']) expect(await call('GET', `schema/shop/odd/${encodeURIComponent(name)}`)).toMatchObject({ status: 200, body: { schema: 'odd', name } })
    expect(await raw('/api/v1/schema/shop/%2e%2e/orders')).toMatchObject({ status: 404, body: { detail: expect.stringContaining('no schema ".."') } })
    expect(await raw('/api/v1/schema/shop/gold/%2e%2e%2f%2e%2e%2forders')).toMatchObject({ status: 404, body: { detail: expect.stringContaining('no table "../../orders"') } })
    expect(await call('GET', `schema/shop/gold/${encodeURIComponent("totals'; DROP TABLE x --")}`)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
  })

  test('M-25 M-29 views are listed, declared with arguments and a schedule, and dropped', async () => {
    const body = { name: 'big_orders', sql: 'SELECT id, amount FROM shop.orders', key: 'id', description: 'Orders.', materialize: { every: 3600 }, arguments: { at_least: { column: 'amount', is: 'gte' } } }
    const view = { name: 'big_orders', type: 'BigOrder', description: 'Orders.', sql: body.sql, columns: [{ name: 'id' }, { name: 'amount' }], inputs: ['shop.orders'], refresh_policy: 'SCHEDULED', refresh_every_seconds: 3600, refreshed_at: expect.stringMatching(/Z$/) }
    expect(await call('POST', 'federated-views', body)).toMatchObject({ status: 201, body: view })
    expect(await hub.query('{ bigOrders(at_least: 6) { nodes { id } } }')).toEqual({ data: { bigOrders: { nodes: [{ id: 11 }] } } })
    expect(await call('GET', 'federated-views')).toMatchObject({ status: 200, body: { federated_views: [view, { name: 'spending', refresh_policy: 'ON_READ', refresh_every_seconds: null, freshness: 'PT0S' }], next_page_token: null } })
    expect(await call('POST', 'federated-views', { ...body, sql: 'SELECT id FROM shop.orders' })).toMatchObject({ status: 409 })
    expect(await call('POST', 'federated-views', { name: 'broken', key: 'x', sql: 'SELECT nothing FROM shop.orders' })).toMatchObject({ status: 422, body: { errors: [{ loc: ['body', 'sql'] }] } })
    expect(await call('POST', 'federated-views', { name: 'broken', key: 'id', sql: 'SELECT id FROM shop.orders', arguments: { a: { column: 'nope' } } })).toMatchObject({ status: 422, body: { errors: [{ msg: expect.stringContaining('nope') }] } })
    expect((await call('DELETE', 'federated-views/big_orders')).status).toBe(204)
    expect(await call('DELETE', 'federated-views/spendings')).toMatchObject({ status: 404, body: { detail: expect.stringContaining('"spending"') } })
    expect((await call('DELETE', 'federated-views/spending')).status).toBe(409)
  })

  test('M-29 createFederatedView takes materialize, and not two schedules that differ', async () => {
    const declare = 'mutation ($name: String!, $materialize: MaterializeInput, $every: String) { createFederatedView(name: $name, key: ["id"], sql: "SELECT id FROM shop.orders", materialize: $materialize, materializeEvery: $every) { refreshPolicy refreshEveryMs } }'
    expect(await hub.query(declare, { name: 'kept_ids', materialize: { every: 'PT1H' } })).toEqual({ data: { createFederatedView: { refreshPolicy: 'SCHEDULED', refreshEveryMs: 3_600_000 } } })
    const { errors } = await hub.query(declare, { name: 'other_ids', materialize: { every: 'PT1H' }, every: 'PT2H' })
    expect(errors).toMatchObject([{ message: expect.stringContaining('"PT2H"'), extensions: { code: 'VALIDATION_ERROR' } }])
    expect(await hub.query('mutation { dropView(name: "kept_ids") }')).toEqual({ data: { dropView: true } })
  })
})
