import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { catalogFolder } from '../support/catalog-folder.ts'
import { startHub, type RunningHub } from '../support/hub.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const keys = [
  { id: 'acme', tenant: 'acme', scopes: ['*'] }, { id: 'globex', tenant: 'globex', scopes: ['*'] }, { id: 'reader', tenant: 'acme', scopes: ['cache:read', 'query:run'] }, { id: 'writer', tenant: 'acme', scopes: ['cache:write'] },
].map(key => ({ ...key, sha256: sha256(`key of ${key.id}`) }))
const as = (id: string) => ({ 'x-api-key': `key of ${id}` })

const catalog = `
sources:
  shop: { type: files, root: ./shop, tables: { cities: cities.csv } }
regions:
  cities: { type: City, key: id, load: { source: shop, table: cities, eager: true } }
  accounts: { key: id, fields: { id: ID!, owner: String!, city: { type: String, column: city_id }, balance: Decimal, points: Int, opened: Date, notes: JSON }, indexes: [owner, { columns: [city_id, owner], unique: true }] }
  visits: { key: [person, at], atomicity: ATOMIC, fields: { person: ID!, at: DateTime!, pages: Int } }
  loose: { key: key, fields: { key: ID!, value: JSON } }
views:
  rich: { key: id, sql: 'SELECT id, balance FROM hub.cities c JOIN (SELECT 1 AS balance) ON TRUE' }
`

describe('writes by SQL', () => {
  const folder = catalogFolder({ 'keys.json': JSON.stringify(keys), 'hub.yaml': catalog, 'shop/cities.csv': 'id,name\nber,Berlin\npar,Paris\n' })
  let hub: RunningHub
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog, flags: [`--auth-api-keys-file=${join(folder.folder, 'keys.json')}`], headers: as('acme') })
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })
  const execute = (statement: string, params?: readonly unknown[], headers?: Record<string, string>) =>
    hub.query<{ sqlExecute: { region: string; affectedRows: number } }>('mutation ($statement: String!, $params: [JSON]) { sqlExecute(statement: $statement, params: $params) { region affectedRows } }', { statement, params }, headers)
  const affected = async (statement: string, params?: readonly unknown[], headers?: Record<string, string>) => {
    const { data, errors } = await execute(statement, params, headers)
    expect(errors).toBeUndefined()
    return data?.sqlExecute.affectedRows
  }
  const failure = async (statement: string, params?: readonly unknown[], headers?: Record<string, string>) => {
    const { errors = [] } = await execute(statement, params, headers)
    expect(errors).toHaveLength(1)
    return { code: errors[0]?.extensions?.['code'], message: errors[0]?.message ?? '' }
  }
  const rows = async (query: string) => (await hub.query<{ sqlQuery: { rows: unknown[][] } }>('query ($query: String!) { sqlQuery(query: $query) { rows } }', { query })).data?.sqlQuery.rows

  beforeEach(async () => {
    for (const name of ['accounts', 'visits', 'loose']) await hub.query('mutation ($name: String!) { clearCacheRegion(name: $name) }', { name })
    expect(await affected(`INSERT INTO hub.accounts (id, owner, City_Id, balance, points, opened, notes) VALUES
      ('a1', 'ada', 'ber', 12.10, 1, DATE '2024-02-29', NULL), -- a comment, with a ?
      ('a2', ?, ?, -3, -2, '2024-03-01', ?), ('a3', 'linus', 'par', NULL, NULL, NULL, TRUE)`, ['grace', 'par', { tags: ['x'] }])).toBe(3)
  })
  const all = 'SELECT id, owner, city_id, balance, points FROM accounts ORDER BY id'

  test('H-56 INSERT makes rows of written values and parameters, exactly, and refuses a key that is there with nothing inserted', async () => {
    expect(await rows('SELECT id, owner, city_id, balance, points, opened, notes FROM accounts ORDER BY id')).toEqual([
      ['a1', 'ada', 'ber', '12.10', 1, '2024-02-29', null], ['a2', 'grace', 'par', '-3.00', -2, '2024-03-01', { tags: ['x'] }], ['a3', 'linus', 'par', null, null, null, true],
    ])
    expect(await failure("INSERT INTO accounts (id, owner) VALUES ('a9', 'new'), ('a1', 'ada')")).toEqual({ code: 'CONFLICT', message: expect.stringContaining('"a1"') })
    expect(await failure("INSERT INTO accounts (id, owner) VALUES ('a9', 'new'), ('a9', 'newer')")).toMatchObject({ code: 'CONFLICT' })
    expect(await failure("INSERT INTO accounts (id, owner, city_id) VALUES ('a9', 'linus', 'par')")).toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('city_id') })
    expect(await rows('SELECT count(*) AS n FROM accounts')).toEqual([[3]])
    expect(await affected("INSERT INTO visits VALUES ('ada', '2024-01-01T10:00:00Z', 3)")).toBe(1)
    expect(await failure("INSERT INTO visits VALUES ('ada', TIMESTAMP '2024-01-01 10:00:00Z', 4)")).toMatchObject({ code: expect.stringMatching(/^(CONFLICT|VALIDATION_ERROR)$/) })
    expect(await affected("INSERT INTO loose (key, device) VALUES ('s1', 'phone')")).toBe(1)
    expect(await rows('SELECT key, device FROM loose')).toEqual([['s1', 'phone']])
  })

  test('H-56 UPDATE reckons in the rows its WHERE means, with bound parameters in the order of the text', async () => {
    expect(await affected('UPDATE accounts SET points = points + ?, owner = upper(owner), balance = balance * 2 WHERE city_id = ? AND points IS NOT NULL', [10, 'par'])).toBe(1)
    expect(await affected("UPDATE hub.accounts AS a SET city_id = ?, points = CASE WHEN a.points IS NULL THEN 0 ELSE a.points END WHERE a.id IN (?) AND a.owner <> 'where, set = ?'", ['ber', ['a2', 'a3']])).toBe(2)
    expect(await rows(all)).toEqual([['a1', 'ada', 'ber', '12.10', 1], ['a2', 'GRACE', 'ber', '-6.00', 8], ['a3', 'linus', 'ber', null, 0]])
    expect(await affected('UPDATE accounts SET points = NULL /* , owner = 1 */, notes = ? WHERE EXISTS (SELECT 1 FROM cities WHERE cities.id = city_id AND name = ?);', [[1], 'Berlin'])).toBe(3)
    expect(await rows('SELECT DISTINCT points, notes FROM accounts')).toEqual([[null, [1]]])
    expect(await affected("UPDATE accounts SET points = 7 WHERE id = 'nobody'")).toBe(0)
    await affected("INSERT INTO visits VALUES ('ada', '2024-01-01T10:00:00Z', 3), ('ada', '2024-01-02T10:00:00Z', 4)")
    expect(await affected("UPDATE visits SET pages = pages + 1 WHERE person = 'ada' AND pages > 3")).toBe(1)
    expect(await rows('SELECT pages FROM visits ORDER BY at')).toEqual([[3], [5]])
    await affected("INSERT INTO loose (key, device) VALUES ('s1', 'phone')")
    expect(await affected("UPDATE loose SET device = 'tablet' WHERE device = 'phone'")).toBe(1)
    expect(await rows('SELECT key, device FROM loose')).toEqual([['s1', 'tablet']])
  })

  test('H-56 DELETE removes the rows its WHERE means, of the caller\'s tenant alone', async () => {
    expect(await affected('DELETE FROM accounts WHERE TRUE', [], as('globex'))).toBe(0)
    expect(await affected("INSERT INTO accounts (id, owner) VALUES ('a1', 'theirs')", [], as('globex'))).toBe(1)
    expect(await affected("DELETE FROM accounts AS gone WHERE gone.balance < ? OR gone.points IS NULL", [0])).toBe(2)
    expect(await rows(all)).toEqual([['a1', 'ada', 'ber', '12.10', 1]])
    await affected("INSERT INTO visits VALUES ('ada', '2024-01-01T10:00:00Z', 3)")
    expect(await affected('DELETE FROM visits WHERE pages = 3')).toBe(1)
    expect(await affected('DELETE FROM visits WHERE pages = 3')).toBe(0)
    expect(await affected('DELETE FROM accounts WHERE TRUE', [], as('globex'))).toBe(1)
  })

  test('H-56 of statements that run at once each counts or is TX_CONFLICT, and none is lost', async () => {
    const answers = await Promise.all(Array.from({ length: 24 }, () => execute("UPDATE accounts SET points = points + 1 WHERE id = 'a1'")))
    const codes = answers.flatMap(({ errors = [] }) => errors.map(error => error.extensions?.['code']))
    expect(codes.filter(code => code !== 'TX_CONFLICT')).toEqual([])
    const done = answers.filter(({ data }) => data?.sqlExecute.affectedRows === 1).length
    expect(done).toBeGreaterThan(0)
    expect(done + codes.length).toBe(24)
    expect(await rows("SELECT points FROM accounts WHERE id = 'a1'")).toEqual([[1 + done]])
  })

  test.each<[string, string, string]>([
    ['SELECT 1 AS a', 'BAD_USER_INPUT', 'INSERT INTO'],
    ['DROP TABLE accounts', 'BAD_USER_INPUT', 'DROP TABLE'],
    ['CREATE TABLE t (a integer)', 'BAD_USER_INPUT', 'CREATE TABLE'],
    ['MERGE INTO accounts USING cities ON accounts.id = cities.id WHEN MATCHED THEN DELETE', 'BAD_USER_INPUT', 'MERGE'],
    ["DELETE FROM accounts WHERE id = 'a1'; DELETE FROM accounts WHERE TRUE", 'BAD_USER_INPUT', '2 statements'],
    ['DELETE FROM accounts', 'VALIDATION_ERROR', 'WHERE TRUE'],
    ['UPDATE accounts SET points = 1', 'VALIDATION_ERROR', 'no WHERE'],
    ['DELETE FROM accounts USING cities WHERE accounts.id = cities.id', 'SQL_UNSUPPORTED', 'using'],
    ['UPDATE accounts SET points = 1 FROM cities WHERE accounts.id = cities.id', 'SQL_UNSUPPORTED', 'from'],
    ["UPDATE accounts SET points = 1 WHERE id = 'a1' RETURNING id", 'SQL_UNSUPPORTED', 'returning'],
    ["INSERT INTO accounts (id, owner) SELECT id, name FROM cities", 'SQL_UNSUPPORTED', 'query'],
    ["INSERT INTO accounts (id, owner) VALUES ('b', upper('x'))", 'SQL_UNSUPPORTED', 'Value 2 of row 1'],
    ["INSERT INTO accounts (id, owner) VALUES ('b')", 'SQL_ERROR', '1 values'],
    ["INSERT INTO accounts (id, ownr) VALUES ('b', 'x')", 'VALIDATION_ERROR', '"owner"'],
    ["INSERT INTO accounts (id) VALUES ('b')", 'VALIDATION_ERROR', '"owner"'],
    ["INSERT INTO accounts (id, owner, points) VALUES ('b', 'x', 1.5)", 'VALIDATION_ERROR', '1.5'],
    ["UPDATE accounts SET id = 'b' WHERE id = 'a1'", 'VALIDATION_ERROR', 'does not change'],
    ["UPDATE accounts SET pionts = 1 WHERE id = 'a1'", 'VALIDATION_ERROR', '"points"'],
    ["UPDATE accounts SET points = 1, points = 2 WHERE id = 'a1'", 'VALIDATION_ERROR', 'twice'],
    ["UPDATE accounts SET owner = NULL WHERE id = 'a1'", 'VALIDATION_ERROR', 'never null'],
    ["UPDATE accounts SET points = ? WHERE id = 'a1'", 'VALIDATION_ERROR', '1 "?"'],
    ['UPDATE accounts SET points = 1 WHERE nowhere = 1', 'SQL_ERROR', 'nowhere'],
    ["DELETE FROM cities WHERE id = 'ber'", 'FORBIDDEN', 'shop.cities'],
    ["DELETE FROM shop.cities WHERE id = 'ber'", 'FORBIDDEN', 'shop.cities'],
    ["DELETE FROM rich WHERE id = 'ber'", 'FORBIDDEN', 'view'],
    ["DELETE FROM acounts WHERE id = 'a1'", 'NOT_FOUND', '"accounts"'],
    ['DELETE FROM accounts WHERE id = ', 'SQL_ERROR', 'line 1'],
    ['', 'SQL_ERROR', 'empty'],
  ])('H-56 %s is refused', async (statement, code, said) => {
    expect(await failure(statement)).toEqual({ code, message: expect.stringContaining(said) })
    expect(await rows('SELECT count(*) AS n FROM accounts')).toEqual([[3]])
  })

  test('H-56 it takes the scope cache:write, and query:run where it reads; statements that write stay refused by sqlQuery', async () => {
    expect(await failure("INSERT INTO accounts (id, owner) VALUES ('b', 'x')", [], as('reader'))).toEqual({ code: 'FORBIDDEN', message: expect.stringContaining('cache:write') })
    expect(await failure('DELETE FROM accounts WHERE TRUE', [], as('writer'))).toEqual({ code: 'FORBIDDEN', message: expect.stringContaining('query:run') })
    expect(await affected("INSERT INTO accounts (id, owner) VALUES ('b', 'x')", [], as('writer'))).toBe(1)
    const refused = await hub.query('{ sqlQuery(query: "DELETE FROM accounts WHERE TRUE") { rows } }')
    expect(refused.errors?.[0]?.extensions).toMatchObject({ code: 'READ_ONLY_SQL' })
  })
})
