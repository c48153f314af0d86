import type { EntityModel, FieldModel, Model } from '../../../schema/model.ts'
import { camelCase, lowerFirst } from '../../../schema/names.ts'
import type { Column, ColumnType } from '../../../schema/values.ts'

/** The tables of the acceptance catalog's sources. */
export const sourceTables: Readonly<Record<string, readonly Column[]>> = {
  'openflights.airports': columns({
    id: 'Int', name: 'String', city: 'String', country: 'String', iata: 'String', icao: 'String', latitude: 'Float', longitude: 'Float', altitude_ft: 'Int',
    utc_offset_hours: 'Float', dst: 'String', timezone: 'String', type: 'String', source: 'String',
  }),
  'openflights.airlines': columns({ id: 'Int', name: 'String', alias: 'String', iata: 'String', icao: 'String', callsign: 'String', country: 'String', active: 'String' }),
  'openflights.routes': columns({
    airline_code: 'String', airline_id: 'Int', source_airport: 'String', source_airport_id: 'Int', destination_airport: 'String', destination_airport_id: 'Int',
    codeshare: 'String', stops: 'Int', equipment: 'String',
  }),
  'openflights.planes': columns({ name: 'String', iata: 'String', icao: 'String' }),
  'bts.flights': columns({ date: 'LocalDateTime', delay: 'Int', distance: 'Int', origin: 'String', destination: 'String' }),
}

export const tables = (catalog: string, name: string): readonly Column[] | undefined => sourceTables[`${catalog}.${name}`]

export const airportDeparturesSql = `
  SELECT origin AS iata, count(*) AS flights, avg(delay) AS mean_delay_minutes, max(distance) AS longest_miles
  FROM bts.flights GROUP BY origin`
export const busiestRoutesSql = `
  SELECT origin, destination, count(*) AS flights, avg(delay) AS mean_delay_minutes, approx_distinct(date) AS departures
  FROM bts.flights GROUP BY origin, destination`
export const airlineNetworksSql = `
  SELECT r.airline_id, count(*) AS routes, count(DISTINCT r.source_airport_id) AS airports, count(DISTINCT a.country) AS countries
  FROM openflights.routes r JOIN openflights.airports a ON r.source_airport_id = a.id
  WHERE r.airline_id IS NOT NULL GROUP BY r.airline_id`

/** The acceptance catalog as the model its loader makes of it. */
export const acceptance: Model = {
  entities: [
    region('airports', 'Airport', ['id'], sourceTables['openflights.airports'] ?? [], { source: 'openflights', table: 'airports' }),
    region('airlines', 'Airline', ['id'], sourceTables['openflights.airlines'] ?? [], { source: 'openflights', table: 'airlines' }),
    region('watchlist', 'WatchlistEntry', ['code'], columns({ code: 'String', note: 'String', priority: 'Int', addedBy: 'String' })),
    view('departures_by_airport', 'AirportDepartures', ['iata'], { iata: 'String', flights: 'Long', mean_delay_minutes: 'Float', longest_miles: 'Int' }, airportDeparturesSql),
    view('busiest_routes', 'BusiestRoute', ['origin', 'destination'],
      { origin: 'String', destination: 'String', flights: 'Long', mean_delay_minutes: 'Float', departures: 'Long' }, busiestRoutesSql),
    view('airline_networks', 'AirlineNetwork', ['airline_id'], { airline_id: 'Int', routes: 'Long', airports: 'Long', countries: 'Long' }, airlineNetworksSql),
  ],
  links: [
    { source: 'AirportDepartures', sourceColumn: 'iata', target: 'Airport', targetColumn: 'iata', field: 'airport', many: false },
    { source: 'Airport', sourceColumn: 'iata', target: 'AirportDepartures', targetColumn: 'iata', field: 'departures', many: false },
    { source: 'BusiestRoute', sourceColumn: 'origin', target: 'Airport', targetColumn: 'iata', field: 'originAirport', many: false },
    { source: 'BusiestRoute', sourceColumn: 'destination', target: 'Airport', targetColumn: 'iata', field: 'destinationAirport', many: false },
    { source: 'AirlineNetwork', sourceColumn: 'airline_id', target: 'Airline', targetColumn: 'id', field: 'airline', many: false },
    { source: 'Airline', sourceColumn: 'id', target: 'AirlineNetwork', targetColumn: 'airline_id', field: 'network', many: false },
  ],
  foreign: [],
}

export function columns(types: Readonly<Record<string, ColumnType>>): readonly Column[] {
  return Object.entries(types).map(([name, type]) => ({ name, type, nullable: true }))
}

export function view(name: string, type: string, key: readonly string[], types: Readonly<Record<string, ColumnType>>, sql: string): EntityModel {
  return { ...entity('view', name, type, key, columns(types)), sql }
}

export function region(name: string, type: string, key: readonly string[], columns: readonly Column[], load?: EntityModel['load']): EntityModel {
  return { ...entity('region', name, type, key, columns), load, writable: load === undefined }
}

function entity(kind: EntityModel['kind'], name: string, type: string, key: readonly string[], columns: readonly Column[]): EntityModel {
  const fields = columns.map((column): FieldModel => ({ ...column, field: camelCase(column.name) }))
  return { kind, name, type, key, fields, listField: camelCase(name), lookupField: lowerFirst(type), writable: false, complete: true, tenancy: 'SHARED' }
}
