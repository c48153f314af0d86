import { RunWorld } from '../../support/pipeline-runs.ts'

let world: RunWorld
beforeEach(async () => {
  world = await RunWorld.open()
  world.schemas.set('order.json', JSON.stringify({ type: 'object', properties: { id: { type: 'integer' }, total: { type: 'string' } } }))
})
afterEach(() => world.close())

const target = '<csv path="out" mode="overwrite"/>'
const seen = async (source: string) => {
  const { state, error, steps } = await world.run({ sources: source, targets: target })
  return { state, drift: steps.find(({ kind }) => kind === 'source')?.drift, ...(error && { category: error.category, message: error.message }) }
}
const csv = (more = '') => `<csv id="orders" path="orders.csv" schemaRef="order.json"${more}/>`
const json = '<json id="orders" path="orders.json" schemaRef="order.json"/>'
const hive = '<hive id="orders" table="staging.orders" schemaRef="order.json"/>'
const database = (more = '') => `<database id="orders" jdbcUrl="jdbc:sqlite:shop.sqlite" schemaRef="order.json"${more}><table name="main.orders"/></database>`

/** The same table in the lake and in a database. */
async function tables(columns: readonly string[]): Promise<void> {
  await world.file('given.csv', `${columns.map(column => column.split(' ')[0]).join(',')}\n${columns.map((_, nth) => nth + 1).join(',')}\n`)
  await world.run({ sources: '<csv id="given" path="given.csv" inferSchema="true"/>', targets: '<hive table="staging.orders" mode="append"/>', attributes: 'layer="staging"' })
  const file = world.database('shop.sqlite')
  file.exec(`CREATE TABLE orders (${columns.join(', ')}); INSERT INTO orders VALUES (${columns.map((_, nth) => nth + 1).join(', ')})`)
  file.close()
}

test('D-113 a new column of a file is left out and told where the source says so, whatever its place', async () => {
  await world.file('orders.csv', 'note,id,total\nx,1,t1\n')
  expect(await seen(csv(' newColumns="warn"'))).toEqual({ state: 'SUCCEEDED', drift: [{ column: 'note', change: 'NEW' }] })
  expect(await world.lines('out/p.csv')).toEqual(['id,total', '1,t1'])
  await world.file('orders.json', '{"id":2,"total":"t2","note":"x"}\n')
  expect(await seen(json)).toEqual({ state: 'SUCCEEDED', drift: [{ column: 'note', change: 'NEW' }] })
  expect(await world.lines('out/p.csv')).toEqual(['id,total', '2,t2'])
})

test('D-36 D-113 a csv with a column more ends the run where nothing else is said, and one without a column always', async () => {
  await world.file('orders.csv', 'note,id,total\nx,1,t1\n')
  expect(await seen(csv())).toMatchObject({ state: 'FAILED', category: 'SOURCE', message: 'The files of "orders" cannot be read: "orders.csv" has "note", which is not expected; its columns are note, id, total, expected are id, total.', drift: [{ column: 'note', change: 'NEW' }] })
  await world.file('orders.csv', 'id,note\n1,x\n')
  expect(await seen(csv(' newColumns="warn"'))).toMatchObject({ state: 'FAILED', message: expect.stringContaining('lacks "total"'), drift: [{ column: 'total', change: 'MISSING', expected: 'String' }, { column: 'note', change: 'NEW' }] })
  expect(await world.paths('out/*')).toEqual([])
})

test('D-113 a new column of a table is left out and told', async () => {
  await tables(['id INTEGER', 'total TEXT', 'note TEXT'])
  world.schemas.set('order.json', JSON.stringify({ type: 'object', properties: { id: { type: 'integer' } } }))
  expect(await seen(hive)).toMatchObject({ state: 'SUCCEEDED', drift: [{ column: 'total', change: 'NEW' }, { column: 'note', change: 'NEW' }] })
  expect(await world.lines('out/p.csv')).toEqual(['id', '1'])
  expect(await seen(database())).toEqual({ state: 'SUCCEEDED', drift: [{ column: 'total', change: 'NEW', found: 'String' }, { column: 'note', change: 'NEW', found: 'String' }] })
  expect(await world.lines('out/p.csv')).toEqual(['id', '1'])
  expect(await seen(database(' newColumns="fail"'))).toMatchObject({ state: 'FAILED', message: 'What the query of "orders" answers is not as its schema says. Column "total" is not expected. Column "note" is not expected.' })
})

test('D-113 a column of a table that is missing, or of another type, ends the run, and all is told', async () => {
  await tables(['id TEXT', 'note TEXT'])
  const expected = [{ column: 'total', change: 'MISSING', expected: 'String' }, { column: 'note', change: 'NEW' }]
  expect(await seen(hive)).toMatchObject({ state: 'FAILED', category: 'SOURCE', drift: expected })
  expect(await seen(database())).toMatchObject({
    state: 'FAILED', category: 'SOURCE', message: 'What the query of "orders" answers is not as its schema says. Column "id" is String; Long is expected. Column "total" is missing. Column "note" is not expected.',
    drift: [{ column: 'id', change: 'RETYPED', expected: 'Long', found: 'String' }, ...expected],
  })
})
