import { buildSubgraphSchema } from '@apollo/subgraph'
import { isInputObjectType, isObjectType, parse, printType } from 'graphql'
import { composeSupergraph } from '../../../gateway/federation/compose.ts'
import type { EntityModel, ForeignEntity, Model } from '../../../schema/model.ts'
import { plural } from '../../../schema/model.ts'
import { entitySdl } from '../../../schema/sdl.ts'

const airports: EntityModel = {
  kind: 'region', name: 'airports', type: 'Airport', key: ['id'], listField: 'airports', lookupField: 'airport', writable: false, complete: true, tenancy: 'SHARED',
  fields: [{ name: 'id', field: 'id', type: 'Int', nullable: false }, { name: 'iata_code', field: 'iataCode', type: 'String', nullable: true }, { name: 'data', field: 'data', type: 'JSON', nullable: true }],
}
const notes: EntityModel = {
  kind: 'region', name: 'notes', type: 'Note', key: ['code'], listField: 'notes', lookupField: 'note', writable: true, complete: true, tenancy: 'TENANT',
  fields: [{ name: 'code', field: 'code', type: 'String', nullable: false, id: true }, { name: 'airport', field: 'airportId', type: 'Int', nullable: true }],
}
const routes: EntityModel = {
  kind: 'view', name: 'routes', type: 'Route', key: ['origin', 'destination'], listField: 'routes', lookupField: 'route', writable: false, complete: false, tenancy: 'SHARED', sql: 'SELECT …',
  fields: [{ name: 'origin', field: 'origin', type: 'String', nullable: false }, { name: 'destination', field: 'destination', type: 'String', nullable: false }, { name: 'flights', field: 'flights', type: 'Long', nullable: false }],
}
const review: ForeignEntity = { type: 'Review', subgraph: 'reviews', key: [{ field: 'id', type: 'ID!' }], fields: [{ field: 'id', type: 'ID!' }, { field: 'airportId', type: 'Int' }] }
const link = (source: string, sourceColumn: string, target: string, targetColumn: string, field: string, many = false) => ({ source, sourceColumn, target, targetColumn, field, many })
const model: Model = {
  entities: [airports, notes, routes],
  foreign: [review],
  links: [
    link('Route', 'origin', 'Airport', 'iata_code', 'originAirport'), link('Airport', 'iata_code', 'Route', 'origin', 'routesFrom', true),
    link('Note', 'airport', 'Airport', 'id', 'airport'), link('Airport', 'id', 'Note', 'airport', 'notes', true),
    link('Review', 'airportId', 'Airport', 'id', 'airport'),
  ],
}
const services = [
  { name: 'regions', sdl: entitySdl(model, 'regions') },
  { name: 'views', sdl: entitySdl(model, 'views') },
  { name: 'reviews', sdl: 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"]) type Query { review(id: ID!): Review } type Review @key(fields: "id") { id: ID! airportId: Int text: String }' },
]

test('each subgraph stands by itself as Apollo reads it, and together they compose', () => {
  for (const { sdl } of services) expect(() => buildSubgraphSchema({ typeDefs: parse(sdl) })).not.toThrow()
  expect(Object.keys(composeSupergraph(services).publicSchema.getQueryType()?.getFields() ?? {}).toSorted()).toEqual(
    ['airport', 'airports', 'airportsByKey', 'note', 'notes', 'notesByKey', 'review', 'route', 'routes', 'routesByKey'].toSorted())
})

test('a relation\'s field is on its source and answered by the subgraph of its target', () => {
  const { publicSchema } = composeSupergraph(services)
  const field = (type: string, name: string) => {
    const found = publicSchema.getType(type)
    return isObjectType(found) ? String(found.getFields()[name]?.type) : undefined
  }
  expect([field('Route', 'originAirport'), field('Airport', 'routesFrom'), field('Note', 'airport'), field('Airport', 'notes'), field('Review', 'airport')]).toEqual(['Airport', 'RouteConnection!', 'Airport', 'NoteConnection!', 'Airport'])
  expect(services[0]?.sdl).toContain('type Airport @key(fields: "id") @key(fields: "iataCode id", resolvable: false)')
  expect(services[1]?.sdl).toContain('type Airport @key(fields: "iataCode id") {')
  expect(services[0]?.sdl).toMatch(/type Review @key\(fields: "id"\) \{\s+id: ID!\s+airportId: Int @external\s+.*airport: Airport @requires\(fields: "airportId"\)/)
})

test('filters go through relations, orders through those that answer one object, and JSON is only asked for absence', () => {
  const { publicSchema } = composeSupergraph(services)
  const members = (name: string) => {
    const type = publicSchema.getType(name)
    return isInputObjectType(type) ? Object.keys(type.getFields()) : []
  }
  expect(members('AirportFilter')).toEqual(['id', 'iataCode', 'data', 'routesFrom', 'notes', 'and', 'or', 'not'])
  expect(members('AirportOrder')).toEqual(['id', 'iataCode'])
  expect(members('RouteOrder')).toEqual(['origin', 'destination', 'flights', 'originAirport'])
  expect(members('JSONFilter')).toEqual(['isNull'])
})

test('only regions that clients fill can be put, with every type and field described', () => {
  const { publicSchema } = composeSupergraph(services)
  expect(Object.keys(publicSchema.getMutationType()?.getFields() ?? {})).toEqual(['putNote', 'putNotes', 'removeNote'])
  expect(Object.keys(publicSchema.getSubscriptionType()?.getFields() ?? {})).toEqual(['airportChanged', 'noteChanged'])
  const note = publicSchema.getType('Note')
  expect(note && printType(note)).toContain('code: ID!')
  for (const name of ['Airport', 'Note', 'Route', 'NoteChange', 'NoteInput', 'NoteFilter', 'RouteConnection']) expect([name, publicSchema.getType(name)?.description ?? '']).toEqual([name, expect.stringMatching(/\w/)])
})

test('M-27 declared arguments stand before those of every list, described and of their column\'s scalar; without any the field is as ever', () => {
  const declared: EntityModel = {
    ...notes, arguments: [{ name: 'code', column: 'code', op: 'eq', description: 'Of one note.' }, { name: 'from', column: 'airport', op: 'gte' }, { name: 'to', column: 'airport', op: 'lt' }],
  }
  const listOf = (entity: EntityModel) => {
    const { publicSchema } = composeSupergraph([{ name: 'regions', sdl: entitySdl({ entities: [entity], links: [], foreign: [] }, 'regions') }])
    return publicSchema.getQueryType()?.getFields()['notes']?.args.map(({ name, type, description }) => [name, String(type), description ?? null])
  }
  const page = [['where', 'NoteFilter', null], ['orderBy', '[NoteOrder!]', null], ['first', 'Int', null], ['after', 'String', null], ['last', 'Int', null], ['before', 'String', null]]
  expect(listOf(notes)).toEqual(page)
  expect(listOf(declared)).toEqual([['code', 'ID', 'Of one note.'], ['from', 'Int', 'Only rows whose airport is at least this.'], ['to', 'Int', 'Only rows whose airport is below this.'], ...page])
})

test('M-28 a view whose rows are kept tells their changes, one computed at each read does not', () => {
  const kept: EntityModel = { ...routes, name: 'kept_routes', type: 'KeptRoute', listField: 'keptRoutes', lookupField: 'keptRoute', complete: true }
  const both: Model = { entities: [airports, routes, kept], links: [], foreign: [] }
  const { publicSchema } = composeSupergraph((['regions', 'views'] as const).map(name => ({ name, sdl: entitySdl(both, name) })))
  expect(Object.keys(publicSchema.getSubscriptionType()?.getFields() ?? {})).toEqual(['airportChanged', 'keptRouteChanged'])
  const change = publicSchema.getType('KeptRouteChange')
  expect(change && printType(change)).toContain('after: KeptRoute')
  expect(() => buildSubgraphSchema({ typeDefs: parse(entitySdl(both, 'views')) })).not.toThrow()
})

test('types have English plurals', () => {
  expect(['WatchlistEntry', 'Box', 'Airport', 'Day', 'Bus', 'Match'].map(plural)).toEqual(['WatchlistEntries', 'Boxes', 'Airports', 'Days', 'Buses', 'Matches'])
})
