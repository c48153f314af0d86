import { catalogFolder } from '../support/catalog-folder.ts'
import { startHub, type RunningHub } from '../support/hub.ts'

const catalog = `
sources:
  shop: { type: files, root: ./shop }
regions:
  orders: { type: Order, key: id, load: { source: shop, table: orders, eager: true }, indexes: [customer, [status, placed]] }
  customers: { type: Customer, key: id, load: { source: shop, table: customers, eager: true } }
  deeds: { type: Deed, key: id, load: { source: shop, table: owned, eager: true }, tenancy: TENANT, tenantColumn: tenant }
  guests: { type: Guest, key: id, load: { source: shop, table: customers } }
views:
  open_orders: { key: id, sql: "SELECT id, customer FROM orders WHERE status = 'open'" }
relations:
  - { from: Order.customer, to: Customer.id, as: who, inverse: orders }
  - { from: OpenOrder.customer, to: Customer.id, as: who }
`
const statuses = ['open', 'paid', 'sent', 'back']
const orders = Array.from({ length: 400 }, (_, id) => `${id},${id % 50},${statuses[id % 4]},2024-01-${String(1 + (id % 28)).padStart(2, '0')},${id % 7}.5`)

interface Plan {
  readonly text: string
  readonly usesIndex: readonly string[]
  readonly fullScan: readonly string[]
  readonly advice: readonly string[]
}

describe('plans of statements over regions', () => {
  const folder = catalogFolder({
    'hub.yaml': catalog,
    'shop/orders.csv': ['id,customer,status,placed,total', ...orders, ''].join('\n'),
    'shop/customers.csv': ['id,name', ...Array.from({ length: 50 }, (_, id) => `${id},n${id}`), ''].join('\n'),
    'shop/owned.csv': 'id,tenant\n1,public\n2,public\n3,other\n',
  })
  let hub: RunningHub
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog })
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  const plan = async (query: string, params: readonly unknown[] = []) => {
    const { data, errors } = await hub.query<{ sqlExplain: Plan }>('query ($query: String!, $params: [JSON]) { sqlExplain(query: $query, params: $params) { text usesIndex fullScan advice } }', { query, params })
    expect(errors).toBeUndefined()
    return data?.sqlExplain
  }

  test.each<[string, readonly unknown[], { usesIndex: string[]; fullScan: string[]; by?: string }]>([
    ['SELECT * FROM orders WHERE id = 7', [], { usesIndex: ['orders'], fullScan: [], by: 'by id' }],
    ['SELECT * FROM orders WHERE id IN (?)', [[1, 2, 3]], { usesIndex: ['orders'], fullScan: [], by: 'by id' }],
    ['SELECT count(*) AS n FROM orders o WHERE ? = o.customer AND o.total > 1', [5], { usesIndex: ['orders'], fullScan: [], by: 'by customer' }],
    ["SELECT * FROM orders WHERE status = 'open' AND placed BETWEEN DATE '2024-01-05' AND DATE '2024-01-09'", [], { usesIndex: ['orders'], fullScan: [], by: 'by status, placed' }],
    ['SELECT * FROM orders WHERE customer < 3', [], { usesIndex: ['orders'], fullScan: [], by: 'by customer' }],
    ['SELECT * FROM orders WHERE total = 1.5', [], { usesIndex: [], fullScan: ['orders'] }],
    ['SELECT * FROM orders WHERE id = 7 OR customer = 1', [], { usesIndex: [], fullScan: ['orders'] }],
    ['SELECT * FROM orders WHERE id + 0 = 7', [], { usesIndex: [], fullScan: ['orders'] }],
    ['SELECT * FROM orders WHERE id = ?', [7.5], { usesIndex: [], fullScan: ['orders'] }],
    ['SELECT c.name, o.id FROM customers c JOIN orders o ON o.customer = c.id WHERE c.id = 3', [], { usesIndex: ['customers'], fullScan: ['orders'] }],
    ['SELECT a.id FROM orders a JOIN orders b ON b.customer = a.customer WHERE a.id = 3', [], { usesIndex: ['orders'], fullScan: ['orders'] }],
    ['SELECT * FROM open_orders', [], { usesIndex: ['orders'], fullScan: [] }],
    ['SELECT id FROM shop.owned WHERE id = 1', [], { usesIndex: ['deeds'], fullScan: [] }],
    ['SELECT * FROM guests WHERE id = 1', [], { usesIndex: [], fullScan: [] }],
    ['SELECT 1 AS one', [], { usesIndex: [], fullScan: [] }],
  ])('H-57 %s is planned as it runs', async (query, params, { by, ...expected }) => {
    const found = await plan(query, params)
    expect(found).toMatchObject(expected)
    if (by) expect(found?.text).toMatch(new RegExp(`\\((live|source)\\) ${by}( |$)`, 'm'))
    expect(found?.advice).toHaveLength(expected.fullScan.length)
  })

  test('H-57 advice names the columns a region is indexed by', async () => {
    expect((await plan('SELECT * FROM orders'))?.advice).toEqual([expect.stringMatching(/"orders" is read whole\..*\(id\), \(customer\), \(status, placed\)\.$/)])
  })

  test('H-57 what is found through an index is what reading all finds', async () => {
    const rows = async (query: string) => (await hub.query<{ sqlQuery: { rows: unknown[][] } }>('query ($query: String!) { sqlQuery(query: $query) { rows } }', { query })).data?.sqlQuery.rows
    const indexed = await rows("SELECT id, total FROM orders WHERE status = 'open' AND placed >= DATE '2024-01-20' ORDER BY id")
    expect(indexed).toEqual(await rows("SELECT id, total FROM orders WHERE status || '' = 'open' AND placed + interval '0' day >= DATE '2024-01-20' ORDER BY id"))
    expect(indexed?.length).toBeGreaterThan(20)
  })
})
