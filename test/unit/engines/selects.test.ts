import { selects } from '../../../connectors/statements/selects.ts'

const given = (sql: string) => selects(sql).map(select => select.given.map(({ of, column }) => (of === undefined ? column : `${of}.${column}`)))

test('M-31 columns that a WHERE demands a value of are told, those in OR, NOT and beside other columns are not', () => {
  expect(given("SELECT 1 FROM t WHERE A = 'x' AND (t.b IN (1, ?) AND ? = c) AND d = CAST('1' AS integer)")).toEqual([['a', 't.b', 'c', 'd']])
  expect(given('SELECT 1 FROM t WHERE a = b AND (c = 1 OR d = 1) AND NOT e = 1 AND f NOT IN (1) AND g > 1 AND h IN (SELECT i FROM u WHERE j = 1)')).toEqual([[], ['j']])
})

test('M-31 a table is told by all its name may mean, and one of WITH is none', () => {
  const [join] = selects('WITH w AS (SELECT 1 AS n) SELECT 1 FROM r AS x, shop.orders, w', { catalog: 'rides' }).filter(select => select.tables.length > 0)
  expect(join?.tables).toEqual([
    { as: 'x', mayBe: [{ catalog: 'rides', name: 'r' }, { catalog: 'hub', name: 'r' }] },
    { as: 'orders', mayBe: [{ catalog: 'shop', name: 'orders' }, { catalog: 'rides', name: 'shop.orders' }] },
  ])
})

test('M-31 SELECTs have the same groups when they group the same rows by the same, however they are written', () => {
  const groups = (sql: string) => selects(sql)[0]?.groups
  const view = groups('SELECT origin, carrier AS c, count(*) AS n FROM lake.flights WHERE delay > 10 GROUP BY 1, carrier')
  expect(view).toBeDefined()
  for (const same of [
    'SELECT carrier, max(delay) FROM lake.flights WHERE delay > 10 GROUP BY carrier, origin LIMIT 5',
    '-- by both\nselect ORIGIN as o, Carrier from Lake.Flights where Delay>10 group by 2, 1 order by 1',
  ]) expect(groups(same)).toBe(view)
  for (const other of [
    'SELECT origin, count(*) FROM lake.flights WHERE delay > 10 GROUP BY origin',
    'SELECT origin, carrier, count(*) FROM lake.flights WHERE delay > 11 GROUP BY 1, 2',
    'SELECT origin, carrier, count(*) FROM lake.flights GROUP BY 1, 2',
    'SELECT origin, carrier FROM lake.flights WHERE delay > 10',
    'SELECT "ORIGIN", carrier, count(*) FROM lake.flights WHERE delay > 10 GROUP BY 1, 2',
  ]) expect(groups(other)).not.toBe(view)
})
