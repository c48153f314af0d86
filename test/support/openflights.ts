import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const shared = resolve(import.meta.dirname, '..', '..', '..', 'shared')

/** The acceptance catalog and the contract of its graph, where the data lies beside the checkout. */
export const openflights = {
  catalog: join(shared, 'acceptance', 'openflights', 'hub.yaml'),
  graph: join(shared, 'acceptance', 'openflights', 'graph.graphql'),
  present: existsSync(join(shared, 'acceptance', 'openflights', 'hub.yaml')),
}

export interface Airport {
  readonly id: number
  readonly name: string | null
  readonly city: string | null
  readonly country: string | null
  readonly iata: string | null
  readonly icao: string | null
  readonly latitude: number | null
  readonly longitude: number | null
  readonly altitudeFt: number | null
  readonly utcOffsetHours: number | null
  readonly dst: string | null
  readonly timezone: string | null
  readonly type: string | null
  readonly source: string | null
}

export interface Flight {
  readonly date: string
  readonly delay: number
  readonly distance: number
  readonly origin: string
  readonly destination: string
}

/** Read straight from the raw files, without any part of the product: what answers are compared with. */
export function readTruth() {
  const data = join(shared, 'data')
  const number = (text: string | null | undefined) => (text === null || text === undefined ? null : Number(text))
  const airports = csv(join(data, 'openflights', 'airports.dat')).map(
    ([id, name, city, country, iata, icao, latitude, longitude, altitude, offset, dst, timezone, type, source]): Airport => ({
      id: Number(id), name: name ?? null, city: city ?? null, country: country ?? null, iata: iata ?? null, icao: icao ?? null, latitude: number(latitude), longitude: number(longitude),
      altitudeFt: number(altitude), utcOffsetHours: number(offset), dst: dst ?? null, timezone: timezone ?? null, type: type ?? null, source: source ?? null,
    }),
  )
  const routes = csv(join(data, 'openflights', 'routes.dat')).map(([airlineCode, airlineId, source, sourceId]) => ({ airlineCode, airlineId: number(airlineId), source, sourceId: number(sourceId) }))
  const airlines = csv(join(data, 'openflights', 'airlines.dat')).map(([id, name]) => ({ id: Number(id), name: name ?? null }))
  const flights = JSON.parse(readFileSync(join(data, 'flights', 'flights-20k.json'), 'utf8')) as Flight[]
  return { airports, routes, airlines, flights }
}

/** RFC 4180 without a header; an unquoted `\N` is null. */
function csv(file: string): (string | null)[][] {
  const text = readFileSync(file, 'utf8')
  const rows: (string | null)[][] = []
  let row: (string | null)[] = []
  let at = 0
  while (at < text.length) {
    if (text[at] === '"') {
      let value = ''
      at += 1
      while (text[at] !== '"' || text[at + 1] === '"') {
        if (text[at] === '"') at += 1
        value += text[at]
        at += 1
      }
      at += 1
      row.push(value)
    } else {
      const end = /[,\n]/.exec(text.slice(at))
      const value = text.slice(at, end ? at + end.index : undefined).replace(/\r$/, '')
      row.push(value === '\\N' ? null : value)
      at += end ? end.index : text.length - at
    }
    if (text[at] === ',') at += 1
    else {
      rows.push(row)
      row = []
      at = text.startsWith('\r\n', at) ? at + 2 : at + 1
    }
  }
  return rows
}
