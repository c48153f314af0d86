import { readFileSync } from 'node:fs'
import { buildSubgraphSchema } from '@apollo/subgraph'
import { lexicographicSortSchema, parse, printSchema, validate } from 'graphql'
import { openSupergraph } from '../../gateway/federation/execute.ts'
import { remoteService } from '../../gateway/federation/remote.ts'
import type { SubgraphService, Supergraph } from '../../gateway/federation/supergraph.ts'
import { systemClock, type Scope } from '../../connectors/ports/scope.ts'
import { catalogFolder, type CatalogFolder } from '../support/catalog-folder.ts'
import { serveForeign, type Foreign } from '../support/foreign.ts'
import { plain } from '../support/federation.ts'
import { startHub, type RunningHub } from '../support/hub.ts'
import { runProgram, startProgram, type Running } from '../support/program.ts'
import { testScope } from '../support/scope.ts'

/** The catalog of all, and these lines. */
function declared(lines: string): CatalogFolder {
  return catalogFolder({
    'data/airports.csv': 'id,iata,country,name\n1,FRA,Germany,Frankfurt\n2,CDG,France,Paris\n3,ORY,France,Orly\n4,,France,Nowhere\n',
    'data/legs.csv': 'origin,destination,flights\nFRA,CDG,12\nCDG,FRA,9\nFRA,ORY,3\nORY,FRA,1\nXXX,FRA,1\n',
    'hub.yaml': `
sources: { lake: { type: files, root: ./data } }
regions:
  airports: { type: Airport, key: id, load: { source: lake, table: airports, eager: true }, indexes: [iata] }
  notes: { type: Note, key: code, fields: { code: ID!, text: String } }
views:
  routes: { type: Route, key: [origin, destination], sql: "SELECT origin, destination, CAST(sum(flights) AS bigint) AS flights FROM lake.legs GROUP BY 1, 2" }
  origins: { type: Origin, key: iata, sql: "SELECT origin AS iata, count(*) AS routes FROM lake.legs GROUP BY 1" }
relations:
  - { from: Route.origin, to: Airport.iata, as: originAirport, inverse: routesFrom }
  - { from: Route.destination, to: Airport.iata, as: destinationAirport }
  - { from: Origin.iata, to: Airport.iata, as: airport, inverse: departures }
${lines}`,
  })
}

const files = declared('')
const reviewsSdl = 'type Query { reviews: [Review!]! } type Review { text: String! of: Airport } type Airport @key(fields: "id") { id: Int! reviews: [Review!]! }'
const reviews = [{ text: 'big', of: { id: 1 } }, { text: 'nice', of: { id: 2 } }]
const reviewResolvers = {
  Query: { reviews: () => reviews },
  Airport: { __resolveReference: ({ id }: { id: number }) => ({ id }), reviews: ({ id }: { id: number }) => reviews.filter(one => one.of.id === id) },
}

interface Answer {
  readonly data?: Readonly<Record<string, unknown>>
  readonly errors?: readonly unknown[]
}

async function ask(url: string, query: string, variables: Readonly<Record<string, unknown>> = {}): Promise<Answer> {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query, variables }) })
  return (await response.json()) as Answer
}

function subgraph(name: string): Running {
  return startProgram(['subgraph', name, '--catalog', files.catalog, '--port', '0', '--data', `${files.folder}/${name}-data`, '--log-level', 'error'], { cwd: files.folder })
}

describe('the subgraphs of a hub, each in a process of its own', () => {
  const running = new Map<string, Running>()
  const urls = new Map<string, string>()
  const url = (name: string) => urls.get(name) ?? ''
  let foreign: Foreign
  beforeAll(async () => {
    foreign = await serveForeign(reviewsSdl, reviewResolvers)
    for (const name of ['regions', 'views', 'lineage', 'streams', 'pipelines']) running.set(name, subgraph(name))
    for (const [name, one] of running) urls.set(name, (await one.written(/http:\S+/))[0])
  }, 120_000)
  afterAll(async () => {
    const ended = await Promise.all([...running.values()].map(one => one.stop()))
    await foreign.close()
    files.remove()
    expect(ended).toEqual(ended.map(() => ({ code: 0, out: expect.stringMatching(/^Subgraph \w+: http:\S+\n$/), err: '' })))
  }, 120_000)

  test.each(['regions', 'views', 'lineage', 'streams', 'pipelines'])('%s says its SDL, which @apollo/subgraph takes', async name => {
    const { data } = await ask(url(name), '{ _service { sdl } }')
    const { sdl = '' } = (data?.['_service'] ?? {}) as { sdl?: string }
    const schema = buildSubgraphSchema({ typeDefs: parse(sdl) })
    expect(validate(schema, parse('{ _service { sdl } }'))).toEqual([])
    expect(sdl).toContain('https://specs.apollo.dev/federation/v2')
  })

  test('entities are answered by their key, in order, null where there is none', async () => {
    const query = 'query ($r: [_Any!]!) { _entities(representations: $r) { __typename ... on Airport { name } ... on Note { text } } }'
    const representations = [{ __typename: 'Airport', id: 2 }, { __typename: 'Note', code: 'x' }, { __typename: 'Airport', id: 99 }, { __typename: 'Airport', id: '1' }, { __typename: 'Airport', id: 2 }]
    expect(await ask(url('regions'), query, { r: representations })).toEqual({
      data: { _entities: [{ __typename: 'Airport', name: 'Paris' }, null, null, { __typename: 'Airport', name: 'Frankfurt' }, { __typename: 'Airport', name: 'Paris' }] },
    })
    const routes = 'query ($r: [_Any!]!) { _entities(representations: $r) { ... on Route { flights } } }'
    expect(await ask(url('views'), routes, { r: [{ __typename: 'Route', origin: 'FRA', destination: 'CDG' }, { __typename: 'Route', destination: 'FRA', origin: 'CDG' }] })).toEqual({ data: { _entities: [{ flights: 12 }, { flights: 9 }] } })
  })

  test('types of its sister are entered by what links start from, in one read for all', async () => {
    const query = 'query ($r: [_Any!]!) { _entities(representations: $r) { ... on Route { originAirport { name } destinationAirport { name } } } }'
    const response = await fetch(url('regions'), {
      method: 'POST', headers: { 'content-type': 'application/json', 'x-hub-explain': '1' },
      body: JSON.stringify({ query, variables: { r: [['FRA', 'CDG'], ['XXX', 'FRA'], ['ORY', 'FRA']].map(([origin, destination]) => ({ __typename: 'Route', origin, destination })) } }),
    })
    const { data, extensions } = (await response.json()) as { data: unknown; extensions: { hub: { reads: readonly { rows: number }[] } } }
    expect(data).toEqual({ _entities: [['Frankfurt', 'Paris'], [null, 'Frankfurt'], ['Orly', 'Frankfurt']].map(([from, to]) => ({ originAirport: from === null ? null : { name: from }, destinationAirport: { name: to } })) })
    expect(extensions.hub.reads.length).toBe(2)
    expect(await ask(url('views'), 'query ($r: [_Any!]!) { _entities(representations: $r) { ... on Airport { departures { routes } routesFrom { totalCount } } } }', { r: [{ __typename: 'Airport', iata: 'FRA' }, { __typename: 'Airport', iata: null }] })).toEqual({
      data: { _entities: [{ departures: { routes: 2 }, routesFrom: { totalCount: 2 } }, { departures: null, routesFrom: { totalCount: 0 } }] },
    })
  })

  test('a reference of no type of its own, or without its key, is refused at its place', async () => {
    const query = 'query ($r: [_Any!]!) { _entities(representations: $r) { ... on Airport { name } } }'
    for (const wrong of [{ __typename: 'Nothing', id: 1 }, { id: 1 }, { __typename: 'Airport' }, { __typename: 'Airport', id: 'one' }, { __typename: 'Airport', id: { a: 1 } }]) {
      const { errors } = await ask(url('regions'), query, { r: [wrong] })
      expect(errors).toMatchObject([{ message: expect.any(String), extensions: { code: 'BAD_USER_INPUT' } }])
    }
  })

  test('a thousand references are answered at once', async () => {
    const r = Array.from({ length: 1_000 }, (_, index) => ({ __typename: 'Airport', id: (index % 4) + 1 }))
    const { data } = await ask(url('regions'), 'query ($r: [_Any!]!) { _entities(representations: $r) { ... on Airport { id } } }', { r })
    expect(data).toEqual({ _entities: r.map(({ id }) => ({ id })) })
  })

  describe('composed elsewhere with a foreign one', () => {
    const services: SubgraphService[] = []
    const whole = declared(`subgraphs: { reviews: { url: "$URL" } }\n`)
    let graph: Supergraph
    let hub: RunningHub
    const scope = (): Scope => ({ ...testScope(), clock: systemClock, deadlineMs: systemClock.now() + 20_000 })
    beforeAll(async () => {
      for (const [name, at] of [...urls, ['reviews', foreign.url] as const]) services.push(await remoteService({ name, url: at }, scope()))
      graph = openSupergraph({ services })
      whole.write({ 'hub.yaml': readFileSync(whole.catalog, 'utf8').replace('$URL', foreign.url) })
      hub = await startHub({ catalog: whole.catalog })
    }, 120_000)
    afterAll(async () => {
      await hub.close()
      for (const service of services) await service.close?.()
      whole.remove()
    })

    test('the graph is that of the hub in one process', () => {
      expect(printSchema(lexicographicSortSchema(graph.schema))).toBe(printSchema(lexicographicSortSchema(hub.hub.supergraph.schema)))
      expect(graph.version).toBe(hub.hub.supergraph.version)
    })

    test.each([
      '{ airports(orderBy: [{ name: DESC }]) { nodes { id name country departures { routes airport { name } } routesFrom(orderBy: [{ flights: DESC }]) { nodes { flights destinationAirport { name reviews { text } } } totalCount } } pageInfo { hasNextPage } } }',
      '{ routes(where: { originAirport: { country: { eq: "France" } } }) { nodes { origin flights originAirport { name departures { routes } } } totalCount } }',
      '{ reviews { text of { id name iata departures { routes } } } route(origin: "FRA", destination: "ORY") { flights destinationAirport { reviews { text } } } }',
      '{ airport(id: 4) { name departures { routes } routesFrom { nodes { flights } } reviews { text } } none: airport(id: 5) { name } }',
      '{ airportsByKey(keys: [3, "1", 77]) { name } routesByKey(keys: [{ origin: "XXX", destination: "FRA" }]) { originAirport { name } destinationAirport { name } } }',
      '{ airport(id: "one") { name } origins { nodes { iata } } }',
    ])('%s', async query => {
      const expected = await hub.query(query)
      const document = parse(query)
      const errors = validate(graph.schema, document)
      if (errors.length > 0) throw errors[0]
      const found = await graph.execute({ document, text: query, variables: {}, scope: scope() })
      expect(plain(found.data)).toEqual(expected.data)
      expect((found.errors ?? []).map(one => [one.path, one.message, one.extensions['code']])).toEqual((expected.errors ?? []).map(one => [one.path, one.message, one.extensions?.['code']]))
      if (!query.includes('"one"')) expect(expected.errors).toBeUndefined()
    })

    test('what is put through the one graph is read and told through it', async () => {
      const subscription = 'subscription { noteChanged { type key after { text } } }'
      const events = await graph.subscribe({ document: parse(subscription), text: subscription, variables: {}, scope: scope() })
      if (!(Symbol.asyncIterator in events)) throw new Error(JSON.stringify(events))
      const mutation = 'mutation { putNote(input: { code: "a", text: "mind the gap" }) { code } }'
      expect(plain(await graph.execute({ document: parse(mutation), text: mutation, variables: {}, scope: scope() }))).toEqual({ data: { putNote: { code: 'a' } } })
      const { value } = await events.next()
      expect(plain(value)).toEqual({ data: { noteChanged: { type: expect.stringMatching(/SNAPSHOT|CREATED/), key: 'a', after: { text: 'mind the gap' } } } })
      await events.return()
      const query = '{ note(code: "a") { text } }'
      expect(plain(await graph.execute({ document: parse(query), text: query, variables: {}, scope: scope() }))).toEqual({ data: { note: { text: 'mind the gap' } } })
    })
  })
})

describe('the command', () => {
  const other = declared('')
  afterAll(() => other.remove())

  test('a name it does not know ends it with the names there are', async () => {
    const { code, out, err } = await runProgram(['subgraph', 'region', '--catalog', other.catalog, '--port', '0', '--data', `${other.folder}/data`, '--log-level', 'error'], { cwd: other.folder })
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toContain('The hub has no subgraph "region".')
    expect(err).toContain('regions, views, lineage')
  }, 120_000)
})
