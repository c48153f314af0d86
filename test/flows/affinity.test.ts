import { catalogFolder } from '../support/catalog-folder.ts'
import { startHub, type RunningHub } from '../support/hub.ts'

const catalog = `
sources:
  office: { type: files, root: ./office, tables: { people: people.csv } }
regions:
  people: { type: Person, key: id, load: { source: office, table: people } }
  carts: { key: [tenant, id], fields: { tenant: ID!, id: ID!, owner: String, total: Int }, affinityKey: tenant }
  visits: { key: [tenant, id], fields: { tenant: ID!, id: ID!, cart: String, at: String }, affinityKey: tenant }
  scores: { key: [rank, id], fields: { rank: Int!, id: ID! }, affinityKey: rank }
  tenants: { key: name, fields: { name: ID!, country: String } }
  countries: { key: country, fields: { country: ID!, code: String }, mode: REPLICATED }
  parts: { key: [machine, number], fields: { machine: ID!, number: Int!, code: String } }
`

describe('joins over regions spread by affinity keys', () => {
  const folder = catalogFolder({ 'hub.yaml': catalog, 'office/people.csv': 'id,name\np1,Ada\n' })
  let hub: RunningHub
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog })
    const put = (region: string, values: readonly unknown[]) => hub.query('mutation ($region: String!, $values: [JSON!]!) { cachePutAll(region: $region, values: $values) { key } }', { region, values })
    await put('carts', [{ tenant: 't1', id: 'c1', owner: 'p1', total: 3 }])
    await put('visits', [{ tenant: 't2', id: 'v1', cart: 'c1', at: 'noon' }])
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  const warnings = async (query: string, params?: readonly unknown[]) => {
    const { data, errors } = await hub.query<{ sqlQuery: { warnings: readonly string[] } }>('query ($query: String!, $params: [JSON]) { sqlQuery(query: $query, params: $params) { warnings } }', { query, params })
    expect(errors).toBeUndefined()
    return data?.sqlQuery.warnings
  }
  const carts = '"carts" (spread by tenant)'
  const visits = '"visits" (spread by tenant)'

  test('H-21 a join of other columns than the affinity keys is answered right, with a warning, in the graph and over REST', async () => {
    const query = 'SELECT c.total, v.at FROM carts c JOIN visits v ON v.cart = c.id'
    const said = [`The statement joins ${carts} with ${visits} without demanding that what they are spread by is equal. The result is right, but on a cluster rows of other nodes are fetched for it.`]
    const { data } = await hub.query('query ($query: String!) { sqlQuery(query: $query) { rows warnings } }', { query })
    expect(data).toEqual({ sqlQuery: { rows: [[3, 'noon']], warnings: said } })
    const response = await fetch(`${hub.url}/api/v1/dih/sql-query`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query }) })
    expect(await response.json()).toMatchObject({ rows: [[3, 'noon']], warnings: said })
  })

  test.each<[string, readonly string[]]>([
    ['SELECT 1 AS a FROM carts c LEFT JOIN visits v ON v.cart = c.id AND (c.tenant = v.tenant OR v.at IS NULL)', [carts, visits]],
    ['SELECT 1 AS a FROM carts, visits', [carts, visits]],
    ['SELECT 1 AS a FROM carts a JOIN carts b ON a.owner = b.owner', [`${carts} with itself`]],
    ['SELECT 1 AS a FROM carts c JOIN scores s ON c.total = s.rank', [carts, '"scores" (spread by rank)']],
    ['SELECT 1 AS a FROM carts JOIN tenants ON owner = country', [carts, '"tenants" (spread by name)']],
    ['SELECT 1 AS a FROM carts c JOIN parts p ON p.code = c.owner', [carts, '"parts" (spread by its key, machine and number)']],
    ['SELECT 1 AS a FROM carts c JOIN office.people p ON p.id = c.owner', [carts, '"people" (spread by id)']],
    ['WITH seen AS (SELECT c.id FROM carts c JOIN visits v ON v.cart = c.id) SELECT * FROM seen', [carts, visits]],
    ["SELECT 1 AS a FROM carts c JOIN visits v ON v.cart = c.id WHERE c.tenant = 't1' AND v.tenant = 't2'", [carts, visits]],
  ])('H-21 %s is warned of', async (query, regions) => {
    expect(await warnings(query)).toEqual([expect.stringContaining(`joins ${regions.join(' with ')} without`)])
  })

  test.each([
    'SELECT 1 AS a FROM carts c JOIN visits v ON v.cart = c.id AND c.tenant = v.tenant',
    'SELECT 1 AS a FROM carts JOIN visits USING (tenant)',
    'SELECT 1 AS a FROM carts c, visits v WHERE (c.TENANT = V.tenant AND c.total > 1)',
    'SELECT 1 AS a FROM hub.carts JOIN tenants ON tenant = name JOIN visits v ON v.tenant = tenants.name',
    "SELECT 1 AS a FROM carts c JOIN visits v ON v.cart = c.id WHERE c.tenant = 't1' AND v.tenant = 't1'",
    'SELECT 1 AS a FROM carts c JOIN countries k ON k.code = c.owner',
    'SELECT 1 AS a FROM parts p JOIN tenants t ON p.code = t.country',
    'SELECT 1 AS a FROM carts WHERE id IN (SELECT cart FROM visits)',
    'WITH visits AS (SELECT 1 AS n) SELECT n FROM carts, visits',
    'SELECT tenant FROM carts UNION ALL SELECT tenant FROM visits',
  ])('H-21 %s is not', async query => {
    expect(await warnings(query)).toEqual([])
  })
})
