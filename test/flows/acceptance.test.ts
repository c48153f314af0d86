import { readFileSync } from 'node:fs'
import { buildSchema, isEnumType, isInputObjectType, isObjectType, parse, type GraphQLSchema } from 'graphql'
import type { Read } from '../../resolvers/context.ts'
import { startHub, type RunningHub } from '../support/hub.ts'
import { openflights, readTruth } from '../support/openflights.ts'

const suite = openflights.present ? describe : describe.skip

suite('the acceptance catalog on real data (needs ../shared/acceptance/openflights)', () => {
  const truth = openflights.present ? readTruth() : { airports: [], routes: [], airlines: [], flights: [] }
  const byId = new Map(truth.airports.map(airport => [airport.id, airport]))
  const firstByIata = new Map(truth.airports.toSorted((a, b) => b.id - a.id).map(airport => [airport.iata, airport]))
  const departures = new Map([...Map.groupBy(truth.flights, flight => flight.origin)].map(([iata, flights]) => [iata, { flights: flights.length, meanDelayMinutes: mean(flights.map(flight => flight.delay)), longestMiles: Math.max(...flights.map(flight => flight.distance)) }]))
  let hub: RunningHub

  beforeAll(async () => {
    hub = await startHub({ catalog: openflights.catalog })
  }, 120_000)
  afterAll(() => hub.close())

  test('the graph has every type, field and argument of the contract', async () => {
    const { data } = await hub.query<{ __schema: unknown }>('query { __schema { types { name } } }')
    expect(data?.__schema).toBeDefined()
    expect(missing(contract(readFileSync(openflights.graph, 'utf8')), hub.schema())).toEqual([])
  })

  test('every airport is found by its id, with every value of the file', async () => {
    const fields = 'id name city country iata icao latitude longitude altitudeFt utcOffsetHours dst timezone type source'
    const ids = truth.airports.map(airport => airport.id)
    expect(ids.length).toBe(7_698)
    const { data } = await hub.query<{ airportsByKey: unknown[] }>(`query ($ids: [ID!]!) { airportsByKey(keys: $ids) { ${fields} } }`, { ids })
    expect(data?.airportsByKey).toEqual(truth.airports)
    const one = await hub.query<{ literal: unknown; text: unknown; none: unknown }>('{ literal: airport(id: 3830) { name } text: airport(id: "3830") { name } none: airport(id: 999999) { name } }')
    expect(one.data).toEqual({ literal: { name: byId.get(3830)?.name }, text: { name: byId.get(3830)?.name }, none: null })
  })

  test('all airports of a country', async () => {
    const { data } = await hub.query<{ airports: { totalCount: number; nodes: { id: number }[] } }>('query ($country: String!) { airports(where: { country: { eq: $country } }, first: 1000) { totalCount nodes { id } } }', { country: 'France' })
    const expected = truth.airports.filter(airport => airport.country === 'France').map(airport => airport.id).toSorted((a, b) => a - b)
    expect(data?.airports.totalCount).toBe(expected.length)
    expect(data?.airports.nodes.map(node => node.id)).toEqual(expected)
  })

  test('departures of a hub airport with its airport, and back', async () => {
    const { data } = await hub.query<{ airportDepartures: Record<string, unknown>; airports: { nodes: unknown[] } }>(`{
      airportDepartures(iata: "ORD") { iata flights meanDelayMinutes longestMiles airport { id name departures { flights airport { iata } } } }
      airports(where: { iata: { eq: "ORD" } }) { nodes { id departures { flights longestMiles } } }
    }`)
    const ord = departures.get('ORD')
    const airport = firstByIata.get('ORD')
    expect(data?.airportDepartures).toEqual({
      iata: 'ORD', ...ord, meanDelayMinutes: expect.closeTo(ord?.meanDelayMinutes ?? 0, 9),
      airport: { id: airport?.id, name: airport?.name, departures: { flights: ord?.flights, airport: { iata: 'ORD' } } },
    })
    expect(data?.airports.nodes).toEqual([{ id: airport?.id, departures: { flights: ord?.flights, longestMiles: ord?.longestMiles } }])
  })

  test('the ten busiest routes with both airports and mean delay', async () => {
    const { data } = await hub.query<{ busiestRoutes: { nodes: unknown[] } }>(
      '{ busiestRoutes(orderBy: [{ flights: DESC }], first: 10) { nodes { origin destination flights meanDelayMinutes originAirport { name } destinationAirport { city } } } }',
    )
    const routes = [...Map.groupBy(truth.flights, ({ origin, destination }) => `${origin} ${destination}`)].map(([key, flights]) => ({ key, flights: flights.length, delay: mean(flights.map(flight => flight.delay)) }))
    const expected = routes.toSorted((a, b) => b.flights - a.flights || (a.key < b.key ? -1 : 1)).slice(0, 10).map(({ key, flights, delay }) => {
      const [origin = '', destination = ''] = key.split(' ')
      return {
        origin, destination, flights, meanDelayMinutes: expect.closeTo(delay, 9),
        originAirport: { name: firstByIata.get(origin)?.name }, destinationAirport: { city: firstByIata.get(destination)?.city },
      }
    })
    expect(data?.busiestRoutes.nodes).toEqual(expected)
  })

  test('an airline with its network, from a region that reads through', async () => {
    const ids = new Map(truth.airports.map(airport => [airport.id, airport]))
    const routes = truth.routes.filter(route => route.airlineId === 24 && route.sourceId !== null && ids.has(route.sourceId))
    const expected = { routes: routes.length, airports: new Set(routes.map(route => route.sourceId)).size, countries: new Set(routes.map(route => ids.get(route.sourceId ?? 0)?.country)).size }
    const document = '{ airline(id: 24) { name network { routes airports countries airline { id } } } }'
    for (let round = 0; round < 2; round += 1) {
      const { data } = await hub.query<{ airline: unknown }>(document)
      expect(data?.airline).toEqual({ name: truth.airlines.find(airline => airline.id === 24)?.name, network: { ...expected, airline: { id: 24 } } })
    }
  })

  test('H-20 a generic read goes the same way: the first one is answered from the source, the next from the region, each counted once', async () => {
    const stats = async () => (await hub.query<{ cacheRegion: { stats: { gets: number; misses: number } } }>('{ cacheRegion(name: "airlines") { stats { gets misses } } }')).data?.cacheRegion.stats
    const before = await stats()
    const name = truth.airlines.find(airline => airline.id === 324)?.name
    const document = '{ cacheGet(region: "airlines", key: "324") { key value version } none: cacheGet(region: "airlines", key: "999999") { key } }'
    const first = await hub.query<{ cacheGet: { value: { name: string }; version: number | null }; none: null }>(document)
    expect(first.data).toMatchObject({ cacheGet: { key: '324', value: { name }, version: null }, none: null })
    const after = await stats()
    expect([(after?.gets ?? 0) - (before?.gets ?? 0), (after?.misses ?? 0) - (before?.misses ?? 0)]).toEqual([2, 2])
    const second = await hub.query<typeof first.data>(document)
    expect(second.data).toMatchObject({ cacheGet: { key: '324', value: { name } } })
  })

  test('H-24 a thousand concurrent queries for one missing key make one read of the source', async () => {
    const connector = hub.hub.assembly.sources.find(one => one.source.name === 'openflights')?.connector
    if (!connector) throw new Error('The catalog has a source "openflights".')
    const lookup = connector.lookup.bind(connector)
    const reads: number[] = []
    connector.lookup = (scope, request) => {
      reads.push(request.keys.length)
      return lookup(scope, request)
    }
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => hub.query('{ airline(id: 137) { name } }')))
    const expected = { data: { airline: { name: truth.airlines.find(airline => airline.id === 137)?.name } } }
    expect(new Set(answers.map(answer => JSON.stringify(answer)))).toEqual(new Set([JSON.stringify(expected)]))
    expect(reads).toEqual([1])
  }, 120_000)

  test('airports with more than 500 departures, ordered by their mean delay through the relation', async () => {
    const { data } = await hub.query<{ airports: { totalCount: number; nodes: unknown[] } }>(
      '{ airports(where: { departures: { flights: { gt: 500 } } }, orderBy: [{ departures: { meanDelayMinutes: DESC } }], first: 100) { totalCount nodes { iata departures { flights } } } }',
    )
    const expected = truth.airports
      .flatMap(airport => {
        const found = airport.iata === null ? undefined : departures.get(airport.iata)
        return found && found.flights > 500 ? [{ id: airport.id, iata: airport.iata, flights: found.flights, delay: found.meanDelayMinutes }] : []
      })
      .toSorted((a, b) => b.delay - a.delay || a.id - b.id)
    expect(expected.length).toBeGreaterThan(5)
    expect(data?.airports.totalCount).toBe(expected.length)
    expect(data?.airports.nodes).toEqual(expected.map(({ iata, flights }) => ({ iata, departures: { flights } })))
  })

  test('a walk page by page gives each of the 7,698 airports once, in either direction', async () => {
    interface Page { readonly airports: { readonly nodes: readonly { readonly id: number }[]; readonly pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string; endCursor: string } } }
    for (const direction of ['first', 'last'] as const) {
      const cursorArgument = direction === 'first' ? 'after' : 'before'
      const seen: number[] = []
      let cursor: string | null = null
      for (;;) {
        const { data }: { data?: Page | null } = await hub.query<Page>(
          `query ($cursor: String) { airports(${direction}: 900, ${cursorArgument}: $cursor, orderBy: [{ country: DESC }, { utcOffsetHours: ASC }]) { nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`, { cursor })
        seen.push(...(data?.airports.nodes ?? []).map(node => node.id))
        if (!data?.airports.pageInfo[direction === 'first' ? 'hasNextPage' : 'hasPreviousPage']) break
        cursor = data.airports.pageInfo[direction === 'first' ? 'endCursor' : 'startCursor'] ?? null
      }
      expect(seen.length).toBe(7_698)
      expect(new Set(seen)).toEqual(new Set(truth.airports.map(airport => airport.id)))
    }
  }, 120_000)

  test('a watchlist entry is put, told to a subscriber, read, and still there after a restart', async () => {
    const events = hub.subscribe<{ watchlistEntryChanged: { type: string; key: string; after: unknown; cursor: string } }>('subscription { watchlistEntryChanged { type key after { note priority } cursor } }')
    const put = await hub.query('mutation { putWatchlistEntry(input: { code: "ORD", note: "storms", priority: 2 }) { code priority } }')
    expect(put).toEqual({ data: { putWatchlistEntry: { code: 'ORD', priority: 2 } } })
    const { value } = await events.next()
    expect(value?.data?.watchlistEntryChanged).toMatchObject({ type: expect.stringMatching(/^(SNAPSHOT|CREATED)$/), key: 'ORD', after: { note: 'storms', priority: 2 } })
    await events.return()
    const document = '{ watchlistEntry(code: "ORD") { code note priority addedBy } watchlist { totalCount } }'
    const expected = { data: { watchlistEntry: { code: 'ORD', note: 'storms', priority: 2, addedBy: null }, watchlist: { totalCount: 1 } } }
    expect(await hub.query(document)).toEqual(expected)
    hub = await hub.restart()
    expect(await hub.query(document)).toEqual(expected)
    expect(await hub.query('mutation { a: removeWatchlistEntry(code: "ORD") b: removeWatchlistEntry(code: "ORD") }')).toEqual({ data: { a: true, b: false } })
  }, 120_000)

  test('a query over 100 entities makes at most one batched read per relation', async () => {
    const { data, extensions } = await hub.query<{ busiestRoutes: { nodes: unknown[] } }>(
      '{ busiestRoutes(first: 100, orderBy: [{ flights: DESC }]) { nodes { originAirport { name departures { flights } } destinationAirport { name } } } }', {}, { 'x-hub-explain': '1' },
    )
    expect(data?.busiestRoutes.nodes.length).toBe(100)
    const reads = readsOf(extensions)
    expect(reads.map(({ path, from }) => `${path} ${from}`).toSorted()).toEqual([
      'busiestRoutes region',
      'busiestRoutes.nodes.destinationAirport region',
      'busiestRoutes.nodes.originAirport region',
      'busiestRoutes.nodes.originAirport.departures view',
    ])
    for (const read of reads) expect(read).toMatchObject({ engine: expect.any(String), rows: expect.any(Number), ageMs: expect.any(Number) })
  })

  test('M-30 lineage says which source columns feed a field, and a statement\'s columns', async () => {
    const { data } = await hub.query<{ lineage: { nodes: { id: string }[]; edges: { from: string; to: string; kind: string }[] }; queryLineage: { inputs: string[]; columns: { output: string; inputs: { table: string; column: string }[] }[] } }>(`{
      lineage(of: "AirportDepartures.meanDelayMinutes", direction: UPSTREAM, depth: 5) { nodes { id } edges { from to kind } }
      queryLineage(sql: "SELECT a.country, count(*) AS n FROM hub.airports a JOIN hub.departures_by_airport d ON d.iata = a.iata GROUP BY a.country") { inputs columns { output inputs { table column } } }
    }`)
    expect(data?.lineage.nodes.map(node => node.id)).toContain('bts.flights.delay')
    expect(data?.lineage.edges).toContainEqual({ from: 'bts.flights.delay', to: 'hub.departures_by_airport.mean_delay_minutes', kind: 'SELECT' })
    expect(data?.queryLineage.inputs.toSorted()).toEqual(['hub.airports', 'hub.departures_by_airport'])
    expect(data?.queryLineage.columns.find(column => column.output === 'country')?.inputs).toEqual([{ table: 'hub.airports', column: 'country' }])
  })

  test('M-19 one statement over a region, a view and a source', async () => {
    const { data } = await hub.query<{ unifiedQuery: { columns: { name: string }[]; rows: unknown[][] } }>(
      `query ($country: JSON) { unifiedQuery(params: [$country], sql: "SELECT a.iata, d.flights, (SELECT count(*) FROM openflights.routes r WHERE r.source_airport_id = a.id) AS routes FROM hub.airports a JOIN hub.departures_by_airport d ON d.iata = a.iata WHERE a.country = ? ORDER BY d.flights DESC, a.iata LIMIT 3") { columns { name } rows } }`,
      { country: 'United States' },
    )
    const expected = truth.airports
      .flatMap(airport => {
        const found = airport.country === 'United States' && airport.iata !== null ? departures.get(airport.iata) : undefined
        return found ? [[airport.iata, found.flights, truth.routes.filter(route => route.sourceId === airport.id).length] as const] : []
      })
      .toSorted((a, b) => b[1] - a[1] || (String(a[0]) < String(b[0]) ? -1 : 1))
      .slice(0, 3)
    expect(data?.unifiedQuery).toEqual({ columns: [{ name: 'iata' }, { name: 'flights' }, { name: 'routes' }], rows: expected })
  })

  test('lists over a region that holds only a part of its rows come from the source, never from that part', async () => {
    const { data, extensions } = await hub.query<{ airlines: { totalCount: number } }>('{ airlines(first: 5) { totalCount nodes { id } } }', {}, { 'x-hub-explain': '1' })
    expect(data?.airlines.totalCount).toBe(truth.airlines.length)
    expect(readsOf(extensions).map(read => read.from)).toContain('source')
  })
})

function readsOf(extensions: Readonly<Record<string, unknown>> | undefined): readonly Read[] {
  return (extensions?.['hub'] as { readonly reads: readonly Read[] } | undefined)?.reads ?? []
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** The contract is an excerpt: what it names but does not define is supplied here. */
function contract(text: string): GraphQLSchema {
  const defined = new Set(parse(text, { noLocation: true }).definitions.flatMap(node => ('name' in node && node.name ? [node.name.value] : [])))
  const named = new Set([...text.replace(/#.*$/gm, '').matchAll(/[:[]\s*([A-Z]\w*)/g)].map(match => match[1] ?? ''))
  const builtIn = new Set(['Int', 'Float', 'String', 'Boolean', 'ID'])
  const scalars = new Set(['Long', 'DateTime', 'JSON'])
  const supplied = [...named].filter(name => !defined.has(name) && !builtIn.has(name))
  const stubs = supplied.map(name => (scalars.has(name) ? `scalar ${name}` : /(Filter|Order|Input)$/.test(name) ? `input ${name} { _: Int }` : /(Direction)$/.test(name) ? `enum ${name} { UPSTREAM DOWNSTREAM BOTH }` : `type ${name} { _: Int }`))
  return buildSchema(`directive @key(fields: String!) on OBJECT\n${text}\n${stubs.join('\n')}`, { assumeValidSDL: true })
}

function missing(wanted: GraphQLSchema, given: GraphQLSchema): string[] {
  const lacks: string[] = []
  for (const type of Object.values(wanted.getTypeMap())) {
    if (type.name.startsWith('__')) continue
    const own = given.getType(type.name)
    if (!own) lacks.push(type.name)
    else if (isEnumType(type) && isEnumType(own)) lacks.push(...type.getValues().filter(value => !own.getValue(value.name)).map(value => `${type.name}.${value.name}`))
    else if ((isObjectType(type) && isObjectType(own)) || (isInputObjectType(type) && isInputObjectType(own))) {
      for (const [name, field] of Object.entries(type.getFields())) {
        if (name === '_') continue
        const found = own.getFields()[name]
        if (!found) lacks.push(`${type.name}.${name}`)
        else if (String(found.type) !== String(field.type)) lacks.push(`${type.name}.${name}: ${field.type}, found ${found.type}`)
        if (!found || !('args' in field) || !('args' in found)) continue
        for (const argument of field.args) {
          const known = found.args.find(one => one.name === argument.name)
          if (!known || String(known.type) !== String(argument.type)) lacks.push(`${type.name}.${name}(${argument.name}: ${argument.type}), found ${known?.type}`)
        }
      }
    }
  }
  return lacks
}
