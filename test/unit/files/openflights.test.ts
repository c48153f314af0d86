import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { openDuckDb } from '../../../connectors/duckdb/database.ts'
import { openFiles } from '../../../connectors/files/index.ts'
import { testScope } from '../../support/scope.ts'

const data = resolve(import.meta.dirname, '../../../../shared/data')
const suite = existsSync(join(data, 'openflights')) ? describe : describe.skip

suite('needs the OpenFlights and flights snapshots in ../shared/data', () => {
  test('five tables without header are typed over all of their rows', async () => {
    const database = await openDuckDb()
    const source = await openFiles({
      name: 'openflights', database, root: join(data, 'openflights'), format: { type: 'csv', header: false, delimiter: ',', null: '\\N' },
      tables: {
        airports: { file: 'airports.dat', columns: ['id', 'name', 'city', 'country', 'iata', 'icao', 'latitude', 'longitude', 'altitude_ft', 'utc_offset_hours', 'dst', 'timezone', 'type', 'source'], key: 'id' },
        airlines: { file: 'airlines.dat', columns: ['id', 'name', 'alias', 'iata', 'icao', 'callsign', 'country', 'active'] },
        routes: { file: 'routes.dat', columns: ['airline_code', 'airline_id', 'source_airport', 'source_airport_id', 'destination_airport', 'destination_airport_id', 'codeshare', 'stops', 'equipment'] },
        planes: { file: 'planes.dat', columns: ['name', 'iata', 'icao'] },
        countries: { file: 'countries.dat', columns: ['name', 'iso_code', 'dafif_code'] },
      },
    })
    const tables = await source.tables(testScope())
    expect(tables.map(({ name, rowCount, quarantine }) => [name, rowCount, quarantine.count])).toEqual([['airports', 7698, 0], ['airlines', 6162, 0], ['routes', 67_663, 0], ['planes', 246, 0], ['countries', 261, 0]])
    const types = tables.map(({ columns }) => columns.map(({ type }) => type).join(' '))
    expect(types).toEqual([
      'Int String String String String String Float Float Int Float String String String String', 'Int String String String String String String String', 'String Int String Int String Int String Int String',
      'String String String', 'String String String',
    ])
    expect(await source.lookup(testScope(), { table: 'airports', columns: ['name', 'iata', 'latitude'], keyColumns: ['id'], keys: [[3830]] })).toEqual([{ name: "Chicago O'Hare International Airport", iata: 'ORD', latitude: 41.9786 }])
    expect(await source.uniqueColumns(testScope(), 'airlines')).toEqual(['id'])
    await source.close()
    await database.close()
  })

  test('one JSON array of 20,000 flights becomes a table', async () => {
    const database = await openDuckDb()
    const source = await openFiles({ name: 'bts', database, root: join(data, 'flights'), tables: { flights: { file: 'flights-20k.json' } } })
    const [flights] = await source.tables(testScope())
    expect(flights?.columns.map(({ name, type }) => `${name} ${type}`)).toEqual(['date String', 'delay Int', 'distance Int', 'origin String', 'destination String'])
    expect(flights?.rowCount).toBe(20_000)
    await source.close()
    await database.close()
  })
})
