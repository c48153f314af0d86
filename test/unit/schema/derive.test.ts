import { parseCatalog, type Catalog } from '../../../schema/catalog.ts'
import { linksOf, regionEntity, viewEntity } from '../../../schema/derive.ts'
import type { EntityModel, ForeignEntity } from '../../../schema/model.ts'
import type { Column } from '../../../schema/values.ts'

function catalog(input: unknown): Catalog {
  const parsed = parseCatalog(input)
  if (!parsed.catalog) throw new Error(JSON.stringify(parsed.findings))
  return parsed.catalog
}

const columns: readonly Column[] = [
  { name: 'id', type: 'Int', nullable: true },
  { name: 'iata', type: 'String', nullable: true },
  { name: 'altitude_ft', type: 'Int', nullable: true, description: 'Above the sea.' },
  { name: 'tags', type: 'JSON', nullable: true },
]

function region(definition: object, found: readonly Column[] | undefined = columns) {
  const [entry] = catalog({ sources: { geo: { type: 'files', root: '.' } }, regions: { airports: definition } }).regions
  if (!entry) throw new Error('There is a region.')
  return regionEntity(entry, found)
}

const load = { source: 'geo', table: 'airports' }

test('a region takes the columns of its table: camelCase fields, the key never null', () => {
  const { value, findings } = region({ key: 'id', load })
  expect(findings).toEqual([])
  expect(value).toMatchObject({ type: 'Airport', listField: 'airports', lookupField: 'airport', writable: false, complete: false, tenancy: 'SHARED', load })
  expect(value?.fields.map(({ field, type, nullable, description }) => ({ field, type, nullable, description }))).toEqual([
    { field: 'id', type: 'Int', nullable: false, description: undefined },
    { field: 'iata', type: 'String', nullable: true, description: undefined },
    { field: 'altitudeFt', type: 'Int', nullable: true, description: 'Above the sea.' },
    { field: 'tags', type: 'JSON', nullable: true, description: undefined },
  ])
})

test('declared fields choose, rename and describe columns; their types are the source\'s', () => {
  const { value } = region({ key: 'id', load, fields: { id: 'Int!', code: { column: 'iata', description: 'Three letters.' } } })
  expect(value?.fields).toEqual([
    { name: 'id', field: 'id', type: 'Int', nullable: false, id: undefined, description: undefined },
    { name: 'iata', field: 'code', type: 'String', nullable: true, id: undefined, description: 'Three letters.' },
  ])
})

test.each([
  ['a key that is no column', { key: 'ident', load }, '"airports" has no column "ident".'],
  ['a key of JSON', { key: 'tags', load }, 'Column "tags" is JSON'],
  ['an index of no column', { key: 'id', load, indexes: ['alt_ft'] }, '"airports" has no column "alt_ft".'],
  ['a column the table lacks', { key: 'id', load: { ...load, columns: ['id', 'iatta'] } }, 'Table "geo.airports" has no column "iatta". Did you mean "iata"?'],
  ['a field of another type', { key: 'id', load, fields: { id: 'Int!', iata: 'Int' } }, '"iata" is declared Int, but Table "geo.airports" has String in "iata".'],
])('%s is found', (_what, definition, message) => {
  expect(region(definition).findings.map(finding => finding.message)).toEqual([expect.stringContaining(message)])
})

test('M-27 an argument takes a column and a comparison its type has', () => {
  const { value } = region({ key: 'id', load, arguments: { code: 'iata', from: { column: 'altitude_ft', is: 'gte', description: 'In feet.' } } })
  expect(value?.arguments).toEqual([{ name: 'code', column: 'iata', op: 'eq' }, { name: 'from', column: 'altitude_ft', op: 'gte', description: 'In feet.' }])
})

test.each([
  ['of no column', { code: 'iatta' }, ['arguments', 'code'], '"airports" has no column "iatta". Did you mean "iata"?'],
  ['of a JSON column', { tag: 'tags' }, ['arguments', 'tag'], 'Column "tags" is JSON, which has no comparison "eq".'],
  ['that orders a Boolean', { open: { column: 'is_open', is: 'gt' } }, ['arguments', 'open'], 'Column "is_open" is Boolean, which has no comparison "gt". There are: eq, ne.'],
])('M-27 an argument %s is found at its place', (_what, declared, place, message) => {
  const { findings } = region({ key: 'id', load, arguments: declared }, [...columns, { name: 'is_open', type: 'Boolean', nullable: true }])
  expect(findings).toEqual([{ path: ['regions', 'airports', ...place], message: expect.stringContaining(message) }])
})

test('columns that would meet in one field, or in a word of filters, are found', () => {
  const { findings } = region({ key: 'id', load }, [...columns, { name: 'altitudeFt', type: 'Int', nullable: true }, { name: 'not', type: 'Int', nullable: true }])
  expect(findings.map(finding => finding.message)).toEqual([expect.stringContaining('"altitude_ft" and "altitudeFt" would both be the field "altitudeFt"'), expect.stringContaining('would be the field "not", a word of filters')])
})

function view(name: string, type: string, key: string | readonly string[], found: readonly Column[]): EntityModel {
  const [entry] = catalog({ views: { [name]: { type, key, sql: 'SELECT 1' } } }).views
  const derived = entry && viewEntity(entry, found)
  if (!derived?.value) throw new Error(JSON.stringify(derived?.findings))
  return derived.value
}

const airports = region({ key: 'id', load }).value as EntityModel
const departures = view('departures_by_airport', 'Departures', 'iata', [{ name: 'iata', type: 'String', nullable: true }, { name: 'flights', type: 'Long', nullable: false }])
const routes = view('routes', 'Route', ['origin', 'destination'], [{ name: 'origin', type: 'String', nullable: true }, { name: 'destination', type: 'String', nullable: true }, { name: 'miles', type: 'Float', nullable: true }])
const review: ForeignEntity = { type: 'Review', subgraph: 'reviews', key: [{ field: 'id', type: 'ID!' }], fields: [{ field: 'id', type: 'ID!' }, { field: 'airportCode', type: 'String' }] }

function links(...relations: object[]) {
  const declared = relations.map(relation => {
    const one = relation as { from: string; to: string; as: string; inverse?: string }
    const end = (text: string) => ({ type: text.split('.')[0] ?? '', column: text.split('.')[1] ?? '' })
    return { from: end(one.from), to: end(one.to), as: one.as, inverse: one.inverse }
  })
  return linksOf(declared, [airports, departures, routes], [review])
}

test('an inverse is one object where the referring column is the key of its type, else a connection', () => {
  expect(links({ from: 'Departures.iata', to: 'Airport.iata', as: 'airport', inverse: 'departures' }).value).toEqual([
    { source: 'Departures', sourceColumn: 'iata', target: 'Airport', targetColumn: 'iata', field: 'airport', many: false },
    { source: 'Airport', sourceColumn: 'iata', target: 'Departures', targetColumn: 'iata', field: 'departures', many: false },
  ])
  expect(links({ from: 'Route.origin', to: 'Airport.iata', as: 'from', inverse: 'routesFrom' }).value?.[1]).toMatchObject({ source: 'Airport', field: 'routesFrom', many: true })
})

test('a type of a foreign subgraph refers by its field', () => {
  expect(links({ from: 'Review.airportCode', to: 'Airport.iata', as: 'airport' })).toMatchObject({ findings: [], value: [{ source: 'Review', sourceColumn: 'airportCode', target: 'Airport' }] })
})

test.each([
  ['an unknown type', { from: 'Depature.iata', to: 'Airport.iata', as: 'airport' }, 'There is no type "Depature".'],
  ['an unknown column', { from: 'Departures.iatta', to: 'Airport.iata', as: 'airport' }, 'Departures has no column "iatta". Did you mean "iata"?'],
  ['types that never equal', { from: 'Departures.flights', to: 'Airport.iata', as: 'airport' }, 'Departures.flights is Long and Airport.iata is String'],
  ['a field that is taken', { from: 'Departures.iata', to: 'Airport.iata', as: 'flights' }, 'Departures has a field "flights" already.'],
])('a relation with %s is found', (_what, relation, message) => {
  expect(links(relation).findings.map(finding => finding.message)).toEqual([expect.stringContaining(message)])
})
