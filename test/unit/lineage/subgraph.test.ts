import { graphql, type ExecutionResult } from 'graphql'
import { executable } from '../../../resolvers/executable.ts'
import { type Derivation, datasetKey, type RunDataset, type RunLineage } from '../../../schema/lineage.ts'
import type { Model } from '../../../schema/model.ts'
import { type LineageRoles, lineageSubgraph } from '../../../subgraphs/lineage/index.ts'
import { testScope } from '../../support/scope.ts'
import { acceptance, region, columns, sourceTables, tables, view } from './fixture.ts'

interface Answered {
  readonly root: { readonly id: string; readonly kind: string }
  readonly nodes: readonly { readonly id: string; readonly kind: string; readonly parent: string | null; readonly graphqlType: string | null; readonly columnType: string | null }[]
  readonly edges: readonly { readonly from: string; readonly to: string; readonly kind: string; readonly transformation: string | null }[]
  readonly truncated: boolean
  readonly unresolved: readonly string[]
}

const document = `
  query ($of: String!, $direction: LineageDirection, $depth: Int) {
    lineage(of: $of, direction: $direction, depth: $depth) {
      root { id kind } nodes { id kind parent graphqlType columnType } edges { from to kind transformation } truncated unresolved
    }
  }`

const noRuns = { runs: async () => [], tableOf: () => undefined }

async function run(source: string, variableValues: Record<string, unknown>, model: Model = acceptance, runs: Pick<LineageRoles, 'runs' | 'tableOf'> = noRuns): Promise<ExecutionResult> {
  const schema = executable(lineageSubgraph({ model: () => model, tables, ...runs }))
  return graphql({ schema, source, variableValues, contextValue: { scope: testScope({ caller: { scopes: new Set(['catalog:read']) } }), at: '', perFetch: new Map() } })
}

async function lineage(variables: { of: string; direction?: string; depth?: number }, model?: Model, runs?: Pick<LineageRoles, 'runs' | 'tableOf'>): Promise<Answered> {
  const { data, errors } = await run(document, variables, model, runs)
  expect(errors).toBeUndefined()
  return data?.lineage as Answered
}

const said = ({ edges }: Answered): readonly string[] => edges.map(({ from, to, kind, transformation }) => `${from} -> ${to} ${kind}${transformation === null ? '' : ` ${transformation}`}`)
const ids = ({ nodes }: Answered): readonly string[] => nodes.map(({ id }) => id)

test('M-49 a field of a view leads to its column, the source column behind it, and that column\'s table', async () => {
  const answer = await lineage({ of: 'AirportDepartures.meanDelayMinutes' })
  expect(answer.root).toEqual({ id: 'AirportDepartures.meanDelayMinutes', kind: 'FIELD' })
  expect(said(answer)).toEqual([
    'hub.departures_by_airport.mean_delay_minutes -> AirportDepartures.meanDelayMinutes EXPOSE IDENTITY',
    'bts.flights.delay -> hub.departures_by_airport.mean_delay_minutes SELECT AGGREGATION',
    'bts.flights -> bts.flights.delay CONTAIN',
  ])
  expect(answer.nodes.map(({ id, kind }) => [id, kind])).toEqual([
    ['AirportDepartures.meanDelayMinutes', 'FIELD'], ['hub.departures_by_airport.mean_delay_minutes', 'COLUMN'], ['bts.flights.delay', 'COLUMN'], ['bts.flights', 'TABLE'],
  ])
  expect(answer.nodes[2]).toMatchObject({ parent: 'bts.flights', columnType: 'Int' })
  expect(answer).toMatchObject({ truncated: false, unresolved: [] })
})

test('a type leads through its view to the tables and sources, its fields to their columns', async () => {
  const answer = await lineage({ of: 'AirportDepartures' })
  expect(ids(answer)).toEqual(expect.arrayContaining(['hub.departures_by_airport', 'bts.flights', 'bts', 'bts.flights.delay', 'bts.flights.distance']))
  expect(said(answer)).toEqual(expect.arrayContaining([
    'hub.departures_by_airport -> AirportDepartures EXPOSE', 'bts.flights -> hub.departures_by_airport SELECT', 'bts -> bts.flights CONTAIN',
    'bts.flights.origin -> hub.departures_by_airport SELECT GROUP_BY',
  ]))
})

test('a relation\'s field is made from the columns that are equal, and from the type it answers', async () => {
  const answer = await lineage({ of: 'AirportDepartures.airport', depth: 1 })
  expect(said(answer)).toEqual([
    'Airport -> AirportDepartures.airport RELATION', 'hub.departures_by_airport.iata -> AirportDepartures.airport RELATION JOIN', 'hub.airports.iata -> AirportDepartures.airport RELATION JOIN',
  ])
})

test('a region\'s column comes from the column it is loaded from', async () => {
  const answer = await lineage({ of: 'hub.airports.country', depth: 1 })
  expect(said(answer)).toEqual(['openflights.airports.country -> hub.airports.country LOAD IDENTITY'])
})

test('a region clients fill has nothing upstream', async () => {
  const answer = await lineage({ of: 'hub.watchlist', depth: 20 })
  expect(answer.edges).toEqual([])
})

test('M-50 downstream of a source column is every column and field computed from it, and every view whose rows it decides', async () => {
  const answer = await lineage({ of: 'openflights.airports.id', direction: 'DOWNSTREAM', depth: 20 })
  expect(said(answer)).toEqual([
    'openflights.airports.id -> hub.airports.id LOAD IDENTITY', 'openflights.airports.id -> hub.airline_networks SELECT JOIN', 'hub.airports.id -> Airport.id EXPOSE IDENTITY',
    'hub.airline_networks -> AirlineNetwork EXPOSE', 'AirlineNetwork -> Airline.network RELATION',
  ])
})

test('both directions give what either gives', async () => {
  const [up, down, both] = await Promise.all(['UPSTREAM', 'DOWNSTREAM', 'BOTH'].map(direction => lineage({ of: 'hub.departures_by_airport', direction, depth: 4 })))
  expect(new Set(said(both as Answered))).toEqual(new Set([...said(up as Answered), ...said(down as Answered)]))
  expect(new Set(ids(both as Answered))).toEqual(new Set([...ids(up as Answered), ...ids(down as Answered)]))
})

test('the depth bounds how far is gone', async () => {
  expect(ids(await lineage({ of: 'AirportDepartures.flights', depth: 1 }))).toEqual(['AirportDepartures.flights', 'hub.departures_by_airport.flights'])
})

test.each(['departures_by_airport.flights', 'HUB.Departures_By_Airport.FLIGHTS'])('"%s" names the view\'s column too', async of => {
  expect((await lineage({ of })).root.id).toBe('hub.departures_by_airport.flights')
})

test('a source\'s table and column that nothing reads are found, without edges towards the graph', async () => {
  expect((await lineage({ of: 'openflights.planes', direction: 'DOWNSTREAM', depth: 20 })).nodes.map(({ id }) => id)).toEqual(
    ['openflights.planes', ...(sourceTables['openflights.planes'] ?? []).map(({ name }) => `openflights.planes.${name}`)])
  expect((await lineage({ of: 'openflights.planes.icao' })).root.kind).toBe('COLUMN')
})

test.each([
  ['AirportDepartures.meanDelayMinute', 'AirportDepartures.meanDelayMinutes'],
  ['bts.flights.delays', 'bts.flights.delay'],
  ['departures_by_airports', 'hub.departures_by_airport'],
])('"%s" is not found, and "%s" is proposed', async (of, proposed) => {
  const { errors } = await run(document, { of })
  expect(errors?.[0]?.originalError).toMatchObject({ code: 'NOT_FOUND', details: { name: of, nearest: expect.arrayContaining([proposed]) } })
})

test.each([0, -1, 21])('M-49 a depth of %d is refused', async depth => {
  const { errors } = await run(document, { of: 'Airport', depth })
  expect(errors?.[0]?.originalError).toMatchObject({ code: 'BAD_USER_INPUT' })
})

test('a model is analysed once, and a changed one anew', async () => {
  let looked = 0
  let model = acceptance
  const schema = executable(lineageSubgraph({ model: () => model, tables: (catalog, name) => { looked++; return tables(catalog, name) }, ...noRuns }))
  const ask = () => graphql({ schema, source: document, variableValues: { of: 'AirportDepartures.flights' }, contextValue: { scope: testScope({ caller: { scopes: new Set(['catalog:read']) } }), at: '', perFetch: new Map() } })
  await ask()
  const first = looked
  await ask()
  expect(looked).toBe(first)

  model = { ...acceptance, entities: acceptance.entities.filter(({ type }) => type !== 'AirportDepartures') }
  expect((await ask()).errors?.[0]?.originalError).toMatchObject({ code: 'NOT_FOUND' })
})

test('views over views, by any name of theirs, are followed column by column', async () => {
  const model: Model = {
    ...acceptance,
    entities: [...acceptance.entities, view('slow_airports', 'SlowAirport', ['code'], { code: 'String', delay: 'Float' },
      'WITH slow AS (SELECT iata, mean_delay_minutes AS m FROM departures_by_airport) SELECT s.iata AS code, s.m * 60 AS delay FROM slow s JOIN hub.airports a ON a.iata = s.iata')],
  }
  expect(said(await lineage({ of: 'SlowAirport.delay' }, model))).toEqual([
    'hub.slow_airports.delay -> SlowAirport.delay EXPOSE IDENTITY', 'hub.departures_by_airport.mean_delay_minutes -> hub.slow_airports.delay SELECT EXPRESSION',
    'bts.flights.delay -> hub.departures_by_airport.mean_delay_minutes SELECT AGGREGATION',
  ])
})

test('a region loaded from a view goes on to what the view reads', async () => {
  const model: Model = { ...acceptance, entities: [...acceptance.entities, region('hot', 'Hot', ['iata'], columns({ iata: 'String' }), { source: 'hub', table: 'departures_by_airport' })] }
  expect(said(await lineage({ of: 'hub.hot.iata', depth: 2 }, model))).toEqual([
    'hub.departures_by_airport.iata -> hub.hot.iata LOAD IDENTITY', 'bts.flights.origin -> hub.departures_by_airport.iata SELECT IDENTITY',
  ])
})

test('a view that reads what nobody knows says so, and leaves the lineage of the others whole', async () => {
  const broken = [view('odd', 'Odd', ['a'], { a: 'String' }, 'SELECT nope AS a FROM bts.flights'), view('bad', 'Bad', ['a'], { a: 'String' }, 'SELECT FROM WHERE')]
  const model: Model = { ...acceptance, entities: [...acceptance.entities, ...broken] }
  expect((await lineage({ of: 'Odd' }, model)).unresolved).toEqual(['hub.odd: nope'])
  expect((await lineage({ of: 'Bad' }, model)).unresolved).toEqual([expect.stringContaining('hub.bad: The statement does not parse at line 1')])
  expect((await lineage({ of: 'AirportDepartures.flights' }, model)).unresolved).toEqual([])
})

test('a foreign type comes from its subgraph, and its relation from both columns', async () => {
  const model: Model = {
    ...acceptance,
    foreign: [{ type: 'Review', subgraph: 'bts', key: [{ field: 'id', type: 'ID!' }], fields: [{ field: 'airlineId', type: 'Int' }] }],
    links: [...acceptance.links, { source: 'Review', sourceColumn: 'airlineId', target: 'Airline', targetColumn: 'id', field: 'airline', many: false }],
  }
  expect(said(await lineage({ of: 'Review.airline', depth: 2 }, model))).toEqual(expect.arrayContaining([
    'Review.airlineId -> Review.airline RELATION JOIN', 'hub.airlines.id -> Review.airline RELATION JOIN', 'subgraph:bts -> Review.airlineId EXPOSE IDENTITY',
  ]))
})

test('M-49 beyond five thousand nodes the graph is cut, and says so', async () => {
  const wide = columns(Object.fromEntries(Array.from({ length: 6_000 }, (_, index) => [`c${index}`, 'Int' as const])))
  const answer = await lineage({ of: 'Wide' }, { ...acceptance, entities: [region('wide', 'Wide', ['c0'], wide)] })
  expect(answer.truncated).toBe(true)
  expect(answer.nodes).toHaveLength(5_000)
})

test('M-30 a query is answered with its tables, outputs, inputs of each output and what is unresolved', async () => {
  const { data, errors } = await run('query ($sql: String!) { queryLineage(sql: $sql) { inputs outputs columns { output inputs { table column transformation } } unresolved } }', {
    sql: 'SELECT d.*, upper(a.country) AS land, a.nope FROM departures_by_airport d JOIN hub.airports a ON a.iata = d.iata',
  })
  expect(errors).toBeUndefined()
  expect(data?.queryLineage).toMatchObject({
    inputs: ['hub.departures_by_airport', 'hub.airports'],
    outputs: ['iata', 'flights', 'mean_delay_minutes', 'longest_miles', 'land', 'nope'],
    columns: expect.arrayContaining([{ output: 'land', inputs: [{ table: 'hub.airports', column: 'country', transformation: 'EXPRESSION' }] }]),
    unresolved: ['hub.airports.nope'],
  })
})

const dataset = (namespace: string, name: string, ...columns: readonly string[]): RunDataset => ({ kind: namespace === 'region' ? 'REGION' : namespace === 'file' ? 'FILE' : 'TABLE', namespace, name, columns: columns.map(column => ({ name: column, type: 'String' })) })
const from = (input: RunDataset, output: RunDataset, how: Derivation = 'IDENTITY'): RunLineage => ({
  inputs: [input],
  outputs: [{ ...output, origins: output.columns.map(({ name }) => ({ output: name, inputs: [{ table: datasetKey(input), column: name, transformation: how }] })), influences: [{ table: datasetKey(input), column: 'id', transformation: 'FILTER' }], unresolved: [] }],
})
const ran = (subject: string, lineage: RunLineage) => ({ id: subject, application: 'crm', subject, runId: subject, endedAtMs: 0, lineage })
const prices: Model = { ...acceptance, entities: [...acceptance.entities, region('prices', 'Price', ['id'], columns({ id: 'String', total: 'String' }))] }
const pipelines = [
  ran('land', from(dataset('file', 'crm/landing/*.csv', 'id', 'total'), dataset('lake', 'crm/staging.prices', 'id', 'total'))),
  ran('serve', from(dataset('lake', 'crm/staging.prices', 'id', 'total'), dataset('region', 'prices', 'id', 'total'), 'MASK')),
]

test('D-108 M-49 a field leads through its region, the pipelines and the lake to the columns of the files', async () => {
  const answer = await lineage({ of: 'Price.total', depth: 10 }, prices, { runs: async () => pipelines, tableOf: () => undefined })
  expect(said(answer)).toEqual([
    'hub.prices.total -> Price.total EXPOSE IDENTITY',
    'lake:crm/staging.prices.total -> hub.prices.total RUN MASK',
    'lake:crm/staging.prices -> lake:crm/staging.prices.total CONTAIN',
    'file:crm/landing/*.csv.total -> lake:crm/staging.prices.total RUN IDENTITY',
    'pipeline:crm/land -> lake:crm/staging.prices RUN',
    'file:crm/landing/*.csv.id -> lake:crm/staging.prices RUN FILTER',
    'file:crm/landing/*.csv -> file:crm/landing/*.csv.total CONTAIN',
    'file:crm/landing/*.csv -> pipeline:crm/land RUN',
    'file:crm/landing/*.csv -> file:crm/landing/*.csv.id CONTAIN',
  ])
  expect(ids(await lineage({ of: 'file:crm/landing/*.csv.total', direction: 'DOWNSTREAM', depth: 10 }, prices, { runs: async () => pipelines, tableOf: () => undefined }))).toContain('Price.total')
  expect((await lineage({ of: 'pipeline:crm/serve', direction: 'BOTH', depth: 1 }, prices, { runs: async () => pipelines, tableOf: () => undefined })).nodes.map(({ id, kind }) => [id, kind])).toEqual([
    ['pipeline:crm/serve', 'PIPELINE'], ['lake:crm/staging.prices', 'TABLE'], ['hub.prices', 'REGION'],
  ])
})

test('D-108 what a pipeline writes into a table of the catalog leads on to the regions that are loaded from it', async () => {
  const written = [ran('load', from(dataset('file', 'crm/landing/a.csv', 'name', 'id'), dataset('postgresql://db:5432', 'ops.public.planes', 'name')))]
  const tableOf = ({ namespace }: RunDataset) => (namespace.startsWith('postgresql') ? 'openflights.planes' : undefined)
  const answer = await lineage({ of: 'openflights.planes.name', depth: 3 }, acceptance, { runs: async () => written, tableOf })
  expect(said(answer)).toEqual(expect.arrayContaining(['file:crm/landing/a.csv.name -> openflights.planes.name RUN IDENTITY', 'pipeline:crm/load -> openflights.planes RUN', 'openflights -> openflights.planes CONTAIN']))
})

test.each([
  ['crm/out/%Y/%m/report.csv', 'crm/out/**/*.csv', true],
  ['crm/out/report-*.csv', 'crm/out/report-*.csv', true],
  ['crm/out/report-*.csv.gz', 'crm/out/*.csv.gz', true],
  ['crm/out/report.csv', 'crm/out/repor?.csv', true],
  ['crm/out/%Y/report.csv', 'crm/out/*.csv', false],
  ['crm/out/report.csv', 'erp/out/*.csv', false],
  ['crm/out/reportxcsv', 'crm/out/*.csv', false],
])('D-108 a file that one pipeline writes at %s and another reads by %s: %s', async (path, pattern, leadsOn) => {
  const lineages = [ran('write', from(dataset('lake', 'crm/service.a', 'id'), dataset('file', path, 'id'))), ran('read', from(dataset('file', pattern, 'id'), dataset('lake', 'crm/staging.b', 'id')))]
  const answer = await lineage({ of: 'lake:crm/staging.b.id', depth: 10 }, acceptance, { runs: async () => lineages, tableOf: () => undefined })
  expect(ids(answer).includes('lake:crm/service.a.id')).toBe(leadsOn)
})

test.each([
  ['s3://acme', 's3://acme', true],
  ['s3://acme', 's3://other', false],
  ['s3://acme', 'file', false],
])('D-108 an object that one pipeline writes in %s leads to those another reads in %s: %s', async (written, read, leadsOn) => {
  const lineages = [ran('write', from(dataset('lake', 'crm/service.a', 'id'), dataset(written, 'crm/out/%Y/a.csv', 'id'))), ran('read', from(dataset(read, 'crm/out/**/*.csv', 'id'), dataset('lake', 'crm/staging.b', 'id')))]
  const answer = await lineage({ of: 'lake:crm/staging.b.id', depth: 10 }, acceptance, { runs: async () => lineages, tableOf: () => undefined })
  expect(ids(answer).includes('lake:crm/service.a.id')).toBe(leadsOn)
})

test('D-108 each tenant has the lineage of its own runs, and that of now', async () => {
  const own = new Map([['one', pipelines.slice(0, 1)]])
  const schema = executable(lineageSubgraph({ model: () => prices, tables, runs: async ({ tenant }) => own.get(tenant) ?? [], tableOf: () => undefined }))
  const ask = async (tenant: string) => {
    const { data, errors } = await graphql({ schema, source: document, variableValues: { of: 'lake:crm/staging.prices.total', direction: 'BOTH' }, contextValue: { scope: testScope({ tenant, caller: { scopes: new Set(['catalog:read']) } }), at: '', perFetch: new Map() } })
    return errors ? (errors[0]?.originalError as { code?: string } | undefined)?.code : ids(data?.lineage as Answered).includes('hub.prices.total')
  }
  expect([await ask('one'), await ask('two')]).toEqual([false, 'NOT_FOUND'])
  own.set('one', pipelines)
  expect(await ask('one')).toBe(true)
})
