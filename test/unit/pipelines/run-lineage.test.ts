import { datasetKey, type RunLineage } from '../../../schema/lineage.ts'
import { RunWorld } from '../../support/pipeline-runs.ts'

let world: RunWorld
beforeEach(async () => {
  world = await RunWorld.open()
})
afterEach(() => world.close())

/** `output: dataset.column how, …` for each column, and what decided which rows there are. */
function said(lineage: RunLineage | undefined, target = 0) {
  const { origins = [], influences = [], unresolved = [] } = lineage?.outputs[target] ?? {}
  return {
    columns: origins.map(({ output, inputs }) => `${output}: ${inputs.map(({ table, column, transformation }) => `${table}.${column}${transformation === 'IDENTITY' ? '' : ` ${transformation}`}`).join(', ')}`.trimEnd()),
    influences: influences.map(({ table, column, transformation }) => `${table}.${column} ${transformation}`).toSorted(),
    unresolved,
  }
}

test('D-108 each column of what was written leads back to those of the files, through joins, lookups, masks and aggregates', async () => {
  await world.file('in/orders.csv', 'id,customer_id,total,at\n1,a,5,2026-01-01\n2,b,7,2026-01-02\n2,b,8,2026-01-03\n')
  await world.file('in/customers.csv', 'id,email,country\na,a@x.org,DE\nb,b@x.org,FR\n')
  await world.file('lookups/countries.csv', 'country,country_name\nDE,Germany\nFR,France\n')
  const { lineage, state, error } = await world.run({
    sources: '<csv id="orders" path="in/orders.csv" inferSchema="true"/><csv id="customers" path="in/customers.csv"/>',
    transformations: `<deduplicate source="orders" keys="id" keep="latest" orderBy="at"/>
      <join left="orders" right="customers" type="inner" condition="orders.customer_id = customers.id"/>
      <lookup source="orders" reference="countries" keys="country" outputFields="country_name"/>
      <mask source="orders" columns="email" strategy="hash"/>
      <aggregate source="orders" groupBy="country_name,email" metrics="count:orders,sum:total:spent"/>`,
    targets: '<csv path="out/%Y" mode="overwrite"/><hive table="service.spent" mode="append" partitionBy="ingest_date"/>',
  })
  expect([state, error]).toEqual(['SUCCEEDED', undefined])
  expect(lineage?.inputs.map(datasetKey)).toEqual(['lookup countries', 'file shop/in/orders.csv', 'file shop/in/customers.csv'])
  expect(lineage?.outputs.map(datasetKey)).toEqual(['file shop/out/%Y/p.csv', 'lake shop/service.spent'])
  const { columns, influences, unresolved } = said(lineage)
  expect(columns).toEqual(['country_name: lookup countries.country_name', 'email: file shop/in/customers.csv.email MASK', 'orders:', 'spent: file shop/in/orders.csv.total AGGREGATION'])
  expect(influences).toEqual(expect.arrayContaining(['file shop/in/customers.csv.email GROUP_BY', 'file shop/in/customers.csv.id JOIN', 'file shop/in/orders.csv.customer_id JOIN', 'lookup countries.country_name GROUP_BY']))
  expect(unresolved).toEqual([])
  expect(said(lineage, 1).columns.at(-1)).toBe('ingest_date:')
})

test('D-108 a database is known by the tables and columns its query names, whatever dialect that has', async () => {
  const database = world.database('crm.sqlite')
  database.exec("CREATE TABLE customer (id TEXT, name TEXT, age INTEGER); INSERT INTO customer VALUES ('a', 'Ann', 30); CREATE TABLE sale (customer TEXT, total INTEGER); INSERT INTO sale VALUES ('a', 3)")
  database.close()
  const lineage = async (source: string, target = '<csv path="out" mode="overwrite"/>') => (await world.run({ parameters: '<parameters><parameter name="age" type="int" default="1"/></parameters>', sources: `<database id="crm" jdbcUrl="jdbc:sqlite:crm.sqlite">${source}</database>`, targets: target })).lineage
  const sql = (text: string) => `<sql><![CDATA[${text}]]></sql>`

  const named = await lineage(sql('SELECT c.id, upper(c.name) AS called, sum(s.total) AS spent FROM customer c JOIN sale s ON s.customer = c.id WHERE c.age > :age GROUP BY c.id, c.name'))
  expect(said(named)).toEqual({
    columns: ['id: sqlite shop/crm.sqlite/customer.id', 'called: sqlite shop/crm.sqlite/customer.name EXPRESSION', 'spent: sqlite shop/crm.sqlite/sale.total AGGREGATION'],
    influences: expect.arrayContaining(['sqlite shop/crm.sqlite/customer.age FILTER', 'sqlite shop/crm.sqlite/sale.customer JOIN']), unresolved: [],
  })
  expect(named?.inputs).toEqual([
    { kind: 'TABLE', namespace: 'sqlite', name: 'shop/crm.sqlite/customer', columns: [{ name: 'id', type: 'String' }, { name: 'name' }, { name: 'age' }] },
    { kind: 'TABLE', namespace: 'sqlite', name: 'shop/crm.sqlite/sale', columns: [{ name: 'total' }, { name: 'customer' }] },
  ])
  expect(said(await lineage('<table name="main.customer"/>')).columns).toEqual(['id', 'name', 'age'].map(name => `${name}: sqlite shop/crm.sqlite/customer.${name}`))
  expect(said(await lineage(sql('SELECT * FROM customer WHERE age > 1'))).columns).toEqual(['id', 'name', 'age'].map(name => `${name}: sqlite shop/crm.sqlite/customer.${name}`))
  expect(said(await lineage(sql("SELECT id, printf('%s', name) AS called FROM customer WHERE name GLOB 'A*'"))).columns[0]).toMatch(/^id: sqlite shop\/crm.sqlite\/(customer|query.crm).id$/)

  const sink = world.database('crm.sqlite')
  sink.exec('CREATE TABLE copied (id TEXT PRIMARY KEY, name TEXT, age INTEGER)')
  sink.close()
  const written = await lineage('<table name="main.customer"/>', '<database id="sink" jdbcUrl="jdbc:sqlite:crm.sqlite" mode="append"><table name="main.copied"/></database>')
  expect(written?.outputs.map(datasetKey)).toEqual(['sqlite shop/crm.sqlite/copied'])
})

test('D-108 a run that fails, or finds nothing, has none', async () => {
  expect((await world.run({ sources: '<csv id="a" path="none.csv"/>', targets: '<csv path="out"/>' })).lineage).toBeUndefined()
})
