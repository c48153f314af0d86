import fc from 'fast-check'
import { parseCatalog } from '../../schema/catalog.ts'
import { linksOf, regionEntity } from '../../schema/derive.ts'
import { type FoundTable, type ProposedCatalog, proposeCatalog } from '../../schema/propose.ts'
import { type Column, columnTypes, type ColumnType } from '../../schema/values.ts'

const column = (name: string, type: ColumnType = 'String'): Column => ({ name, type, nullable: true })
const table = (name: string, columns: readonly Column[], more: Partial<FoundTable> = {}): FoundTable => ({ name, columns, key: [], foreignKeys: [], ...more })
const source = { type: 'sqlite', file: 'shop.db' } as const

/** Everything that would keep a hub with this catalog over these tables from starting. */
function mistakes({ leftOut: _, ...catalog }: ProposedCatalog, tables: readonly FoundTable[]): string[] {
  const parsed = parseCatalog(catalog)
  const entities = (parsed.catalog?.regions ?? []).map(region => {
    const from = region.load && 'source' in region.load ? region.load.table : ''
    return regionEntity(region, tables.find(one => one.name === from)?.columns)
  })
  const links = linksOf(parsed.catalog?.relations ?? [], entities.flatMap(({ value }) => value ?? []), [])
  return [...parsed.findings, ...entities.flatMap(({ findings }) => findings), ...links.findings].map(({ path, message }) => `${path.join('.')}: ${message}`)
}

const customers = table('customers', [column('id', 'Int'), column('name')], { key: ['id'], description: 'Who buys.' })
const orders = table('orders', [column('order_no', 'Int'), column('customer_id', 'Int'), column('bill_to', 'Int'), column('ship_to', 'Int')], {
  key: ['order_no'],
  foreignKeys: [
    { columns: ['customer_id'], table: 'customers', references: ['id'] }, { columns: ['bill_to'], table: 'addresses', references: ['id'] }, { columns: ['ship_to'], table: 'addresses', references: ['id'] },
  ],
})
const addresses = table('addresses', [column('id', 'Int'), column('town')], { key: ['id'] })

test('tables become regions and foreign keys become relations, each name free', () => {
  const tables = [customers, orders, addresses]
  const proposed = proposeCatalog(tables, 'shop', source)
  expect(proposed).toEqual({
    sources: { shop: source },
    regions: {
      customers: { type: 'Customer', description: 'Who buys.', key: 'id', load: { source: 'shop', table: 'customers' } },
      orders: { type: 'Order', key: 'order_no', load: { source: 'shop', table: 'orders' }, indexes: ['customer_id', 'bill_to', 'ship_to'] },
      addresses: { type: 'Address', key: 'id', load: { source: 'shop', table: 'addresses' } },
    },
    views: {},
    relations: [
      { from: 'Order.customer_id', to: 'Customer.id', as: 'customer', inverse: 'orders' }, { from: 'Order.bill_to', to: 'Address.id', as: 'address', inverse: 'orders' },
      { from: 'Order.ship_to', to: 'Address.id', as: 'shipToAddress', inverse: 'ordersAsShipToAddress' },
    ],
    leftOut: [],
  })
  expect(mistakes(proposed, tables)).toEqual([])
})

test('without a primary key the column most like one is the key', () => {
  const airports = table('airports', [column('name'), column('iata'), column('id', 'Int'), column('lat', 'Float')], { unique: ['name', 'lat', 'id'] })
  const planes = table('planes', [column('name'), column('plane_code')], { unique: ['name', 'plane_code'] })
  expect(proposeCatalog([airports, planes], 'lake', source).regions).toMatchObject({ airports: { key: 'id' }, planes: { key: 'plane_code' } })
})

test('a table without any key is left out with the reason, and so is what refers to it', () => {
  const log = table('log', [column('line')])
  const notes = table('notes', [column('id', 'Int'), column('line')], { key: ['id'], foreignKeys: [{ columns: ['line'], table: 'log', references: ['line'] }] })
  const proposed = proposeCatalog([log, notes], 'lake', source)
  expect(Object.keys(proposed.regions)).toEqual(['notes'])
  expect(proposed.leftOut).toMatchObject([{ table: 'log', reason: expect.stringContaining('lake.log') }, { table: 'notes', reason: expect.stringContaining('"log"') }])
})

test('a key of several columns is kept, a foreign key of several is no relation', () => {
  const lines = table('order lines', [column('order_no', 'Int'), column('line', 'Int')], { key: ['order_no', 'line'] })
  const notes = table('notes', [column('id', 'Int'), column('o', 'Int'), column('l', 'Int')], { key: ['id'], foreignKeys: [{ columns: ['o', 'l'], table: 'order lines', references: ['order_no', 'line'] }] })
  const proposed = proposeCatalog([lines, notes], 'shop', source)
  expect(proposed.regions['order_lines']).toEqual({ type: 'OrderLine', key: ['order_no', 'line'], load: { source: 'shop', table: 'order lines' } })
  expect(proposed.relations).toEqual([])
  expect(proposed.leftOut).toHaveLength(1)
})

test.each([
  ['sheep', 'sheep', 'SheepEntry'], ['select', 'select_data', 'SelectDataEntry'], ['flights-20k', 'flights_20k', 'Flights20kEntry'], ['2024 sales', 't_2024_sales', 'T2024Sale'], ['views', 'views_2', 'View2'],
  ['query', 'query', 'QueryEntry'], ['東京', 'table_data', 'TableDataEntry'],
])('a table called %p is the region %s of type %s', (name, region, type) => {
  const tables = [table(name, [column('id', 'Int')], { key: ['id'] })]
  const proposed = proposeCatalog(tables, 'shop', source)
  expect(Object.entries(proposed.regions).map(([key, value]) => [key, value.type])).toEqual([[region, type]])
  expect(mistakes(proposed, tables)).toEqual([])
})

test('columns that would be one field get fields of their own', () => {
  const tables = [table('t', [column('id', 'Int'), column('a b'), column('a_b'), column('東'), column('京'), column('2x'), column('and')], { key: ['id'] })]
  const proposed = proposeCatalog(tables, 'shop', source)
  expect(Object.keys(proposed.regions['t']?.fields ?? {})).toEqual(['id', 'aB', 'aB2', 'column4', 'column5', 'c2x', 'and2'])
  expect(mistakes(proposed, tables)).toEqual([])
})

const name = fc.oneof(
  fc.constantFrom('id', 'orders', 'Orders', 'order', 'ORDER', 'customer_id', 'customers', 'select', 'view', 'views', 'hub', 'node', 'sheep', 'status', 'type', 'Types', 'key', 'a.b', 'a b', '1st', '', '_', '東京', 'Query', 'and'),
  fc.string({ maxLength: 8 }),
).filter(text => text !== '' && text !== '__proto__' && !text.includes('\0'))
const anyTables: fc.Arbitrary<FoundTable[]> = fc.uniqueArray(
  fc.record({ name, columns: fc.uniqueArray(fc.record({ name, type: fc.constantFrom(...columnTypes), nullable: fc.boolean() }), { minLength: 1, maxLength: 6, selector: one => one.name }), pick: fc.nat(5), keyed: fc.nat(3) }),
  { minLength: 1, maxLength: 6, selector: one => one.name },
).map(found => found.map(({ name: called, columns, pick, keyed }, index) => {
  const to = found[pick % found.length] ?? found[0]
  const names = columns.map(one => one.name)
  return table(called, columns, {
    key: keyed === 0 ? names.slice(0, 2) : keyed === 1 ? names.slice(0, 1) : [], unique: keyed === 2 ? names : [],
    foreignKeys: to ? columns.map((from, at) => ({ columns: [from.name], table: to.name, references: [to.columns[(at + index) % to.columns.length]?.name ?? ''] })) : [],
  })
}))

test('whatever the tables are called, the proposed catalog has no mistake', () => {
  fc.assert(fc.property(anyTables, tables => {
    expect(mistakes(proposeCatalog(tables, 'shop', source), tables)).toEqual([])
  }), { numRuns: 500 })
})
