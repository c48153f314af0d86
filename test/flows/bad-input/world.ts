import { catalogFolder } from '../../support/catalog-folder.ts'

/** A catalog with a column of every type, keys of several types, simple and composite, complete, partial and filled by clients. */
export const badInputFiles: Readonly<Record<string, string>> = {
  'hub.yaml': `
sources:
  shop: { type: files, root: ./shop }
regions:
  airports: { type: Airport, key: id, load: { source: shop, table: airports, eager: true }, indexes: [iata] }
  routes: { type: Route, key: [origin, destination], load: { source: shop, table: routes } }
  planes: { type: Plane, key: id, load: { source: shop, table: planes } }
  bookings: { type: Booking, key: number, load: { source: shop, table: bookings } }
  things:
    type: Thing
    key: id
    fields: { id: ID!, name: String!, iata: String, int: Int, long: Long, float: Float, decimal: Decimal, flag: Boolean, day: Date, at: DateTime, local: LocalDateTime, time: Time, uuid: UUID, bytes: Bytes, json: JSON }
    indexes: [iata, name]
views:
  busy: { type: BusyRoute, key: [origin, destination], sql: 'SELECT origin, destination, count(*) AS routes FROM shop.routes GROUP BY 1, 2' }
relations:
  - { from: Route.origin, to: Airport.iata, as: originAirport, inverse: departures }
  - { from: Thing.iata, to: Airport.iata, as: airport, inverse: things }
`,
  'shop/airports.csv': 'id,iata,name\n1,BER,Berlin\n2,OSL,Oslo\n3,ROM,Rome\n',
  'shop/routes.csv': 'origin,destination,miles\nBER,OSL,500\nOSL,ROM,1200\n',
  'shop/planes.csv': 'id,name\n7,Ada\n8,Grace\n',
  'shop/bookings.csv': 'number,name\n9007199254740993,Ada\n9007199254740995,Grace\n',
}

export const badInputFolder = () => catalogFolder(badInputFiles)
