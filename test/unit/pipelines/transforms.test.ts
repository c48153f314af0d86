import { type Given, PlanBench } from '../../support/pipeline-plans.ts'

let bench: PlanBench
beforeAll(async () => {
  bench = await PlanBench.open()
})
afterAll(() => bench.close())

const customers: Given = {
  columns: { id: 'Int', name: 'String', country: 'String', updated_at: 'DateTime', revenue: 'Decimal' },
  rows: [
    [1, 'Ada', 'GB', '2024-01-02T00:00:00Z', '10.5'],
    [1, 'Ada L.', 'GB', '2024-03-01T00:00:00Z', '20'],
    [2, 'Émile', 'FR', '2024-01-01T00:00:00Z', null],
    [3, 'Bo', null, null, '1'],
    [1, 'Ada', 'GB', '2024-01-02T00:00:00Z', '10.5'],
  ],
}
const countries: Given = { columns: { country: 'String', country_name: 'String', area: 'Int' }, rows: [['FR', 'France', 1], ['GB', 'United Kingdom', 2], ['GB', 'Great Britain', 3]], keys: ['country'] }
const orders: Given = { columns: { id: 'Int', customer: 'Int', name: 'String' }, rows: [[10, 1, 'first'], [11, 1, 'second'], [12, 9, 'lost']] }

const run = async (steps: string, datasets: Readonly<Record<string, Given>>, references?: Readonly<Record<string, Given>>) => bench.rows(await bench.plan(steps, datasets, references))
/** What is said of a document, without places but for the line. */
const said = async (steps: string, datasets: Readonly<Record<string, Given>>, references?: Readonly<Record<string, Given>>) => (await bench.plan(steps, datasets, references)).findings.map(({ severity, code, path, message, proposal }) => `${severity === 'ERROR' ? '' : `${severity} `}${code} ${path.replace('/pipeline/transformations/', '')} ${message}${proposal === undefined ? '' : ` [${proposal}]`}`)
const body = (rows: unknown[][]) => rows.slice(1).sort((a, b) => (a.map(String).join() < b.map(String).join() ? -1 : 1))

describe('D-58: deduplicate', () => {
  test('the latest by a column, by updated_at without one, and of equal rows one', async () => {
    const rows = await run('<deduplicate source="c" keys="id" keep="latest"/>', { c: customers })
    expect(body(rows).map(([id, name]) => [id, name])).toEqual([[1, 'Ada L.'], [2, 'Émile'], [3, 'Bo']])
    expect(body(await run('<deduplicate source="c" keys="id" keep="latest" orderBy="name"/>', { c: customers })).map(([id, name]) => [id, name])).toEqual([[1, 'Ada L.'], [2, 'Émile'], [3, 'Bo']])
  })

  test('the first and the last in the order the dataset was sorted into', async () => {
    const names = async (steps: string) => body(await run(steps, { c: customers })).map(([id, name]) => [id, name])
    expect(await names('<sort source="c" orderBy="name" direction="desc"/><deduplicate source="c" keys="id" keep="first"/>')).toEqual([[1, 'Ada L.'], [2, 'Émile'], [3, 'Bo']])
    expect(await names('<sort source="c" orderBy="name" direction="desc"/><deduplicate source="c" keys="id" keep="last"/>')).toEqual([[1, 'Ada'], [2, 'Émile'], [3, 'Bo']])
    expect(await names('<deduplicate source="c" keys="id"/>')).toEqual([[1, 'Ada'], [2, 'Émile'], [3, 'Bo']])
  })

  test('columns there are not, and a latest without a time, are findings', async () => {
    expect(await said('<deduplicate source="c" keys="ids"/>', { c: customers })).toEqual(['COLUMN_NOT_FOUND deduplicate/@keys "c" has no column "ids". Did you mean "id"? [id]'])
    expect(await said('<deduplicate source="o" keys="id" keep="latest"/>', { o: orders })).toEqual(['MISSING_ATTRIBUTE deduplicate/@keep keep="latest" needs "orderBy": "o" has no column updated_at, and not one single column with a date and a time.'])
  })
})

test('D-59: sort puts rows into an order, with rows without a value where it says', async () => {
  const order = async (attributes: string) => (await run(`<sort source="c" ${attributes}/>`, { c: customers })).slice(1).map(([id, , country]) => `${id}${country ?? ''}`)
  expect(await order('orderBy="country,id"')).toEqual(['2FR', '1GB', '1GB', '1GB', '3'])
  expect(await order('orderBy="country,id" nulls="first"')).toEqual(['3', '2FR', '1GB', '1GB', '1GB'])
  expect(await order('orderBy="id" direction="desc"')).toEqual(['3', '2FR', '1GB', '1GB', '1GB'])
  expect(await said('<sort source="c" orderBy="contry"/>', { c: customers })).toEqual(['COLUMN_NOT_FOUND sort/@orderBy "c" has no column "contry". Did you mean "country"? [country]'])
})

describe('D-60: join', () => {
  const joined = (type: string) => run(`<deduplicate source="c" keys="id"/><join left="c" right="o" type="${type}" condition="c.id = o.customer" as="j"/>`, { c: customers, o: orders })

  test('each kind has its rows, and a column of both gets the name of the right one', async () => {
    const rows = await joined('left')
    expect(rows[0]).toEqual(['id', 'name', 'country', 'updated_at', 'revenue', 'id_o', 'customer', 'name_o'])
    const pairs = async (type: string) => body(await joined(type)).map(row => [row[0], row[5]])
    expect(await pairs('inner')).toEqual([[1, 10], [1, 11]])
    expect(await pairs('left')).toEqual([[1, 10], [1, 11], [2, null], [3, null]])
    expect(await pairs('right')).toEqual([[1, 10], [1, 11], [null, 12]])
    expect(await pairs('full')).toEqual([[1, 10], [1, 11], [2, null], [3, null], [null, 12]])
    const alone = async (type: string) => body(await joined(type)).map(row => [row.length, row[0]])
    expect(await alone('semi')).toEqual([[5, 1]])
    expect(await alone('anti')).toEqual([[5, 2], [5, 3]])
  })

  test('a column there is not is a finding that proposes the right one, as in the sample of the requirements', async () => {
    const data: Given = { columns: { customer_id: 'Int', status: 'String' }, rows: [] }
    const findings = await said('<join left="customer_csv" right="customer_db" type="left" condition="customer_csv.customer_id = customer_db.id"/>', { customer_csv: data, customer_db: data })
    expect(findings).toEqual(['COLUMN_NOT_FOUND join/@condition "customer_db" has no column "id", which the condition names. Did you mean "customer_db.customer_id"? [customer_db.customer_id]'])
  })

  test.each([
    ['c.id = x.customer', /COLUMN_NOT_FOUND join\/@condition "x\.customer" of the condition is of none of the datasets that are joined, "c" and "o"\./],
    ['c.id = ', /INVALID_VALUE join\/@condition The condition cannot be computed: /],
    ['frobnicate(c.id) = o.id', /UNSUPPORTED join\/@condition The condition cannot be computed: The embedded engine does not run the function frobnicate\./],
    ['c.id = nothing', /INVALID_VALUE join\/@condition The condition cannot be computed: /],
  ])('the condition %p cannot be computed', async (condition, expected) => {
    expect((await said(`<join left="c" right="o" condition="${condition}" as="j"/>`, { c: customers, o: orders })).filter(one => !one.startsWith('WARNING'))).toEqual([expect.stringMatching(expected)])
  })

  test('columns whose names differ in the case of their letters alone are told apart', async () => {
    const people: Given = { columns: { Id: 'Int' }, rows: [[1], [2]] }
    const rows = await run('<join left="p" right="o" condition="p.Id = o.customer" as="j"/>', { p: people, o: orders })
    expect([rows[0], body(rows)]).toEqual([['Id', 'id_o', 'customer', 'name'], [[1, 10, 1, 'first'], [1, 11, 1, 'second']]])
  })

  test('that columns of both are renamed is said', async () => {
    expect(await said('<join left="c" right="o" condition="c.id = o.customer"/>', { c: customers, o: orders })).toEqual(['WARNING COLUMN_RENAMED join/@right Both datasets have "id", "name"; of "o" the result has "id_o", "name_o".'])
  })
})

describe('D-61: lookup', () => {
  test('adds columns by the keys of the catalogue, one row at most for each, and leaves or drops those without', async () => {
    const found = async (attributes: string) => body(await run(`<deduplicate source="c" keys="id"/><lookup source="c" reference="countries" outputFields="country_name" ${attributes}/>`, { c: customers }, { countries })).map(row => [row[0], row[5]])
    expect(await found('')).toEqual([[1, 'Great Britain'], [2, 'France'], [3, null]])
    expect(await found('joinType="inner"')).toEqual([[1, 'Great Britain'], [2, 'France']])
  })

  test('tables, keys and columns there are not are findings', async () => {
    const lookup = (attributes: string, references: Readonly<Record<string, Given>> = { countries }) => said(`<lookup source="o" ${attributes}/>`, { o: orders }, references)
    expect(await lookup('reference="contries" outputFields="x"')).toEqual(['UNKNOWN_REFERENCE lookup/@reference There is no reference table "contries". Did you mean "countries"? [countries]'])
    expect(await lookup('reference="countries" outputFields="contry_name,name"')).toEqual([
      'COLUMN_NOT_FOUND lookup/@reference "o" has no column "country".', 'COLUMN_NOT_FOUND lookup/@outputFields "countries" has no column "contry_name". Did you mean "country_name"? [country_name]', 'COLUMN_NOT_FOUND lookup/@outputFields "countries" has no column "name".', 'DUPLICATE_ID lookup/@outputFields "o" has a column "name" already.',
    ])
    const { keys: _, ...keyless } = countries
    expect(await lookup('reference="countries" outputFields="area"', { countries: keyless })).toEqual(['MISSING_ATTRIBUTE lookup/@reference The catalogue does not say what a row of "countries" is known by; say it by "keys".'])
  })
})

describe('D-67, D-68: aggregate', () => {
  test('one row for each combination, with counts, sums, means and ends, named as it says', async () => {
    const rows = await run('<aggregate source="c" groupBy="country" metrics="count:customers,sum:revenue,avg:revenue:mean,max:updated_at,min:id:first,count:revenue:paid"/>', { c: customers })
    expect(rows[0]).toEqual(['country', 'customers', 'revenue', 'mean', 'updated_at', 'first', 'paid'])
    expect(body(rows).map(([country, count, sum, , latest, first, paid]) => [country, count, Number(sum), latest, first, paid])).toEqual([
      ['FR', 1, 0, '2024-01-01T00:00:00Z', 2, 0], ['GB', 3, 41, '2024-03-01T00:00:00Z', 1, 3], [null, 1, 1, null, 3, 1],
    ])
  })

  test('D-69: a window has a row for each day or week, in UTC', async () => {
    const starts = async (span: string) => body(await run(`<aggregate source="c" groupBy="country" metrics="count:n" window="${span}"/>`, { c: customers })).map(([country, start, n]) => [country, start, n])
    expect(await starts('daily')).toEqual([['FR', '2024-01-01T00:00:00Z', 1], ['GB', '2024-01-02T00:00:00Z', 2], ['GB', '2024-03-01T00:00:00Z', 1], [null, null, 1]])
    expect(await starts('weekly')).toEqual([['FR', '2024-01-01T00:00:00Z', 1], ['GB', '2024-01-01T00:00:00Z', 2], ['GB', '2024-02-26T00:00:00Z', 1], [null, null, 1]])
    expect(await said('<aggregate source="o" groupBy="name" metrics="count:n" window="daily"/>', { o: orders })).toEqual(['MISSING_ATTRIBUTE aggregate/@window A window needs a time: "o" has no column updated_at, and not one single column with a date and a time.'])
    expect(await said('<aggregate source="c" groupBy="name" metrics="count:n" window="0 * * * *"/>', { c: customers })).toEqual(['UNSUPPORTED aggregate/@window Windows whose borders are ticks of a cron expression ("0 * * * *") are not computed; "daily" and "weekly" are.'])
  })

  test('columns there are not, and sums of what is no number, are findings', async () => {
    expect(await said('<aggregate source="c" groupBy="contry" metrics="sum:name,max:revenu"/>', { c: customers })).toEqual(['COLUMN_NOT_FOUND aggregate/@groupBy "c" has no column "contry". Did you mean "country"? [country]'])
    expect(await said('<aggregate source="c" groupBy="country" metrics="sum:name,max:revenu"/>', { c: customers })).toEqual(['INVALID_VALUE aggregate/@metrics sum:name needs numbers; "name" is String.', 'COLUMN_NOT_FOUND aggregate/@metrics "c" has no column "revenu", which max:revenu names. Did you mean "revenue"? [revenue]'])
  })
})

describe('D-70: merge', () => {
  const one: Given = { columns: { id: 'Int', name: 'String' }, rows: [[1, 'a'], [2, 'b'], [2, 'b']] }
  const two: Given = { columns: { id: 'Int', name: 'String' }, rows: [[2, 'b'], [2, 'B'], [3, 'c']] }
  const turned: Given = { columns: { name: 'String', id: 'Int', size: 'Long' }, rows: [['d', 4, 9_007_199_254_740_993n]] }
  const merged = async (attributes: string, datasets: Readonly<Record<string, Given>> = { one, two }) => body(await run(`<merge sources="${Object.keys(datasets).join(',')}" as="m" ${attributes}/>`, datasets))

  test('all rows, each row once, or of each key the row of the last dataset', async () => {
    expect(await merged('mode="union"')).toEqual([[1, 'a'], [2, 'B'], [2, 'b'], [2, 'b'], [2, 'b'], [3, 'c']])
    expect(await merged('mode="unionDistinct"')).toEqual([[1, 'a'], [2, 'B'], [2, 'b'], [3, 'c']])
    expect(await merged('mode="upsert" keys="id"')).toEqual([[1, 'a'], [2, 'B'], [3, 'c']])
    expect(await merged('mode="upsert" keys="id"', { two, one })).toEqual([[1, 'a'], [2, 'b'], [3, 'c']])
  })

  test('columns go together by name where it says so, and are null where one may lack them', async () => {
    expect(await merged('mode="union" byName="true" allowMissing="true"', { one, turned })).toEqual([[1, 'a', null], [2, 'b', null], [2, 'b', null], [4, 'd', 9_007_199_254_740_993n]])
  })

  test('columns whose names differ in the case of their letters alone are a finding', async () => {
    const other: Given = { columns: { ID: 'Int', name: 'String' }, rows: [] }
    expect(await said('<merge sources="one,other" mode="union" byName="true" allowMissing="true"/>', { one, other })).toEqual(['COLUMNS_DIFFER merge/@sources "id" and "ID" differ in the case of their letters alone, which statements do not tell apart. Give both datasets the same name for it.'])
  })

  test('columns that differ are a finding', async () => {
    expect(await said('<merge sources="one,turned" mode="union"/>', { one, turned })).toEqual(['COLUMNS_DIFFER merge/@sources "one" has id Int, name String; "turned" has name String, id Int, size Long. Say byName="true" where only the order differs, and allowMissing="true" where one may lack some.'])
    expect(await said('<merge sources="one,turned" mode="union" byName="true"/>', { one, turned })).toEqual(['COLUMNS_DIFFER merge/@sources "one" has no column "size", which another has. Say allowMissing="true" to have null there.'])
  })
})

describe('D-62: mask', () => {
  test('masked columns are text, whatever they were, and may be null as before; no statement makes them', async () => {
    const plan = await bench.plan('<mask source="c" columns="id,updated_at" strategy="redact"/>', { c: customers })
    const step = plan.steps.find(({ id }) => id.endsWith('mask'))
    expect(step?.sql).toBeUndefined()
    expect(step?.relation.columns.map(({ name, type, nullable }) => `${name} ${type} ${nullable}`)).toEqual(['id String true', 'name String true', 'country String true', 'updated_at String true', 'revenue Decimal true'])
    expect(plan.steps.at(-1)?.relation.columns).toEqual(step?.relation.columns)
  })

  test('a column there is not, and a sum of what was masked, are findings', async () => {
    expect(await said('<mask source="c" columns="id,revenu" strategy="hash"/>', { c: customers })).toEqual(['COLUMN_NOT_FOUND mask/@columns "c" has no column "revenu". Did you mean "revenue"? [revenue]'])
    expect(await said('<mask source="c" columns="revenue" strategy="hash"/><aggregate source="c" groupBy="country" metrics="sum:revenue"/>', { c: customers })).toEqual(['INVALID_VALUE aggregate/@metrics sum:revenue needs numbers; "revenue" is String.'])
  })
})

test('D-120: validate counts the rows that break its rules, and lets all of them pass', async () => {
  const rules = '<notNull columns="country,updated_at"/><unique columns="id" severity="warning"/><range column="revenue" min="1.5" max="15"/><regex column="country" pattern="F.|GB"/><freshness column="updated_at" maxAge="P1D"/><freshness column="updated_at" maxAge="P36500D"/><rowCount min="5" max="5"/><rowCount min="6"/>'
  const plan = await bench.plan(`<validate source="c">${rules}</validate>`, { c: customers })
  expect(await bench.broken(plan)).toEqual({
    'notNull(country, updated_at) error': 1, 'unique(id) warning': 3, 'range(revenue) error': 2, 'regex(country) error': 0, 'freshness(updated_at) error': 0, 'rowCount() error': 1,
  })
  expect(await bench.rows(plan)).toHaveLength(6)
  expect(await said('<validate source="c"><notNull columns="nme"/></validate>', { c: customers })).toEqual(['COLUMN_NOT_FOUND validate/notNull/@columns "c" has no column "nme". Did you mean "name"? [name]'])
})

test('what stands against one step does not hide what stands against another', async () => {
  expect(await said('<sort source="c" orderBy="x"/><sort source="o" orderBy="y" as="s"/><merge sources="c,s" mode="union"/>', { c: customers, o: orders })).toEqual([
    'COLUMN_NOT_FOUND sort/@orderBy "c" has no column "x". It has id, name, country, updated_at, revenue.', 'COLUMN_NOT_FOUND sort[2]/@orderBy "o" has no column "y". It has id, customer, name.',
  ])
})
