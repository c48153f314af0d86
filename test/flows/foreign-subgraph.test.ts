import { writeFileSync } from 'node:fs'
import { openLog } from '../../gateway/telemetry/log.ts'
import { catalogFolder, type CatalogFolder } from '../support/catalog-folder.ts'
import { serveForeign, type Foreign } from '../support/foreign.ts'
import { startHub, type RunningHub } from '../support/hub.ts'

const airportsCsv = 'id,icao,name\n1,EDDF,Frankfurt\n2,LFPG,Paris\n3,,Nowhere\n'

interface Review {
  readonly id: string
  readonly airportId: number
  readonly text: string
  readonly aboutId?: string
}

const reviewsSdl = `
  type Query { review(id: ID!): Review  reviews: [Review!]! }
  type Mutation { addReview(airportId: Int!, text: String!): Review! }
  type Subscription { reviewAdded: Review! }
  type Airport @key(fields: "id") { id: Int! reviews: [Review!]!  rating: Float }
  type Review @key(fields: "id") { id: ID! airportId: Int! text: String! aboutId: ID }
`

/** Reviews kept by somebody else, who knows airports by their id alone. */
function reviewsOf(reviews: Review[], waiting: ((review: Review) => void)[] = []) {
  const added = (): AsyncIterableIterator<{ reviewAdded: Review }> => ({
    next: () => new Promise(resolve => waiting.push(review => resolve({ done: false, value: { reviewAdded: review } }))),
    async return() { return { done: true, value: undefined } },
    [Symbol.asyncIterator]() { return this },
  })
  const resolvers = {
    Query: { review: (_: unknown, { id }: { id: string }) => reviews.find(one => one.id === id), reviews: () => reviews },
    Mutation: {
      addReview: (_: unknown, { airportId, text }: { airportId: number; text: string }) => {
        const review = { id: `r${reviews.length + 1}`, airportId, text }
        reviews.push(review)
        for (const told of waiting.splice(0)) told(review)
        return review
      },
    },
    Subscription: { reviewAdded: { subscribe: added } },
    Airport: {
      __resolveReference: ({ id }: { id: number }) => ({ id }),
      reviews: ({ id }: { id: number }) => reviews.filter(one => one.airportId === id),
      rating: ({ id }: { id: number }) => {
        if (id === 2) throw new Error('Nobody rated it.')
        return 4.5
      },
    },
    Review: { __resolveReference: ({ id }: { id: string }) => reviews.find(one => one.id === id) },
  }
  return resolvers
}

const seed = (): Review[] => [
  { id: 'r1', airportId: 1, text: 'long ways', aboutId: '2' },
  { id: 'r2', airportId: 2, text: 'nice', aboutId: 'the city' },
  { id: 'r3', airportId: 1, text: 'busy' },
  { id: 'r4', airportId: 9, text: 'of none' },
]

const weatherSdl = `
  type Query { stations: [Weather!]! }
  type Weather @key(fields: "icao") { icao: ID! celsius: Float! }
  type Lounge @key(fields: "name") @key(fields: "airport") { name: String! airport: ID! seats: Int! }
`
const celsius: Readonly<Record<string, number>> = { EDDF: 21.5, LFPG: 23 }
const weather = {
  Query: { stations: () => Object.keys(celsius).map(icao => ({ icao })) },
  Lounge: { __resolveReference: ({ airport }: { airport: string }) => ({ airport, name: `at ${airport}`, seats: airport.length * 100 }) },
  Weather: { __resolveReference: ({ icao }: { icao: string }) => (icao in celsius ? { icao } : null), celsius: ({ icao }: { icao: string }) => celsius[icao] },
}

const regions = `
sources: { lake: { type: files, root: ./data } }
regions:
  airports: { type: Airport, key: id, load: { source: lake, table: airports, eager: true } }
`

/** The catalog over the files, with these lines behind it. */
function catalogWith(lines: string): CatalogFolder {
  return catalogFolder({ 'data/airports.csv': airportsCsv, 'hub.yaml': `${regions}${lines}` })
}

const relations = `relations:
  - { from: Review.aboutId, to: Airport.id, as: about }
  - { from: Airport.id, to: Lounge.airport, as: lounge }
  - { from: Review.airportId, to: Airport.id, as: airport }
  - { from: Airport.icao, to: Weather.icao, as: weather, inverse: airports }
`

describe('foreign subgraphs that join by URL', () => {
  const listeners: ((review: Review) => void)[] = []
  let reviews: Foreign
  let weatherService: Foreign
  let files: CatalogFolder
  let hub: RunningHub
  beforeAll(async () => {
    process.env['REVIEWS_TOKEN'] = 'top-secret-token'
    reviews = await serveForeign(reviewsSdl, reviewsOf(seed(), listeners))
    weatherService = await serveForeign(weatherSdl, weather)
    files = catalogWith(`subgraphs:
  reviews: { url: "${reviews.url}", headers: { authorization: "Bearer \${env:REVIEWS_TOKEN}" } }
  weather: { url: "${weatherService.url}" }
${relations}`)
    hub = await startHub({ catalog: files.catalog })
  })
  beforeEach(() => {
    reviews.requests.length = 0
    weatherService.requests.length = 0
  })
  afterAll(async () => {
    await hub.close()
    await Promise.all([reviews.close(), weatherService.close()])
    files.remove()
    delete process.env['REVIEWS_TOKEN']
  })

  test('one adds fields to a type of ours, by its key', async () => {
    expect(await hub.query('{ airport(id: 1) { name reviews { text } } }')).toEqual({ data: { airport: { name: 'Frankfurt', reviews: [{ text: 'long ways' }, { text: 'busy' }] } } })
    expect(await hub.query('{ airport(id: 77) { name reviews { text } } }')).toEqual({ data: { airport: null } })
  })

  test('a list of ours is completed by one request for all its entities', async () => {
    const { data } = await hub.query('{ airports { nodes { name reviews { id } } } }')
    expect(data).toEqual({ airports: { nodes: [{ name: 'Frankfurt', reviews: [{ id: 'r1' }, { id: 'r3' }] }, { name: 'Paris', reviews: [{ id: 'r2' }] }, { name: 'Nowhere', reviews: [] }] } })
    expect(reviews.requests.length).toBe(1)
    expect(JSON.stringify(reviews.requests[0]?.variables)).toContain('{"__typename":"Airport","id":3}')
  })

  test('a relation leads from a type of theirs to ours, in one read for all rows', async () => {
    const one = await hub.query('{ review(id: "r2") { text airport { name } } none: review(id: "r4") { airport { name } } }')
    expect(one).toEqual({ data: { review: { text: 'nice', airport: { name: 'Paris' } }, none: { airport: null } } })
    const { data, extensions } = await hub.query<{ reviews: unknown }>('{ reviews { airport { name icao } } }', {}, { 'x-hub-explain': '1' })
    const [frankfurt, paris] = [{ name: 'Frankfurt', icao: 'EDDF' }, { name: 'Paris', icao: 'LFPG' }]
    expect(data?.reviews).toEqual([{ airport: frankfurt }, { airport: paris }, { airport: frankfurt }, { airport: null }])
    expect(extensions?.['hub']).toMatchObject({ reads: [{ path: 'reviews.airport' }] })
  })

  test('a relation leads from ours to theirs, in one request, and back', async () => {
    const { data } = await hub.query('{ airports { nodes { name weather { celsius } } } }')
    expect(data).toEqual({ airports: { nodes: [{ name: 'Frankfurt', weather: { celsius: 21.5 } }, { name: 'Paris', weather: { celsius: 23 } }, { name: 'Nowhere', weather: null }] } })
    expect(weatherService.requests.length).toBe(1)
    expect((await hub.query('{ stations { icao airports { nodes { name } totalCount } } }')).data).toEqual({
      stations: [{ icao: 'EDDF', airports: { nodes: [{ name: 'Frankfurt' }], totalCount: 1 } }, { icao: 'LFPG', airports: { nodes: [{ name: 'Paris' }], totalCount: 1 } }],
    })
  })

  test('a foreign ID is the text of a key of another type, either way', async () => {
    expect(await hub.query('{ reviews { id about { name } } }')).toEqual({ data: { reviews: [{ id: 'r1', about: { name: 'Paris' } }, ...['r2', 'r3', 'r4'].map(id => ({ id, about: null }))] } })
    expect(await hub.query('{ airport(id: 3) { lounge { airport seats name } } }')).toEqual({ data: { airport: { lounge: { airport: '3', seats: 100, name: 'at 3' } } } })
  })

  test('three subgraphs answer one operation, there and back', async () => {
    const { data } = await hub.query('{ review(id: "r1") { airport { weather { celsius airports { nodes { reviews { id airport { name } } } } } } } }')
    expect(data).toEqual({ review: { airport: { weather: { celsius: 21.5, airports: { nodes: [{ reviews: [{ id: 'r1', airport: { name: 'Frankfurt' } }, { id: 'r3', airport: { name: 'Frankfurt' } }] }] } } } } })
  })

  test('its mutations pass through, and its events are completed by ours', async () => {
    const events = hub.subscribe<{ reviewAdded: unknown }>('subscription { reviewAdded { text airport { name weather { celsius } } } }')
    const first = events.next()
    while (listeners.length === 0) await new Promise(setImmediate)
    const added = await hub.query<{ addReview: { id: string } }>('mutation { addReview(airportId: 2, text: "late") { id text airport { name } } }')
    expect(added).toEqual({ data: { addReview: { id: 'r5', text: 'late', airport: { name: 'Paris' } } } })
    const { value } = await first
    expect(value).toEqual({ data: { reviewAdded: { text: 'late', airport: { name: 'Paris', weather: { celsius: 23 } } } } })
    await events.return()
    expect(reviews.sockets[0]?.authorization).toBe('Bearer top-secret-token')
  })

  test('its errors keep their place in the answer, and the rest is there', async () => {
    const { data, errors } = await hub.query('{ airports { nodes { name rating } } }')
    expect(data).toEqual({ airports: { nodes: [{ name: 'Frankfurt', rating: 4.5 }, { name: 'Paris', rating: null }, { name: 'Nowhere', rating: 4.5 }] } })
    expect(errors).toMatchObject([{ message: 'Nobody rated it.', path: ['airports', 'nodes', 1, 'rating'], extensions: { service: 'reviews' } }])
  })

  test('the headers of the catalog reach it and nobody else', async () => {
    await hub.query('{ review(id: "r1") { id } stations { icao } }', {}, { 'x-mine': 'not for them', cookie: 'session=1' })
    expect(reviews.requests[0]?.headers).toMatchObject({ authorization: 'Bearer top-secret-token' })
    expect(reviews.requests[0]?.headers).not.toHaveProperty('x-mine')
    expect(reviews.requests[0]?.headers).not.toHaveProperty('cookie')
    expect(weatherService.requests[0]?.headers).not.toHaveProperty('authorization')
  })

  test('one that refuses says so without our headers', async () => {
    for (const status of [401, 503]) {
      reviews.answer = (_, response) => void response.writeHead(status, { 'content-type': 'text/plain' }).end('Bearer top-secret-token is not welcome')
      const answer = await hub.query('{ airport(id: 1) { name reviews { id } } }')
      expect(answer.errors).toMatchObject([{ path: ['airport', 'reviews'], extensions: { code: status === 401 ? 'UPSTREAM_REJECTED' : 'UPSTREAM_UNAVAILABLE', service: 'reviews' } }])
      expect(JSON.stringify(answer)).not.toContain('top-secret')
    }
    reviews.answer = () => ({ data: null, errors: [{ message: 'The token top-secret-token has ended.', extensions: { sent: { authorization: 'Bearer top-secret-token' } } }] })
    const { errors } = await hub.query('{ review(id: "r1") { id } }')
    expect(errors).toMatchObject([{ message: 'The token *** has ended.', extensions: { sent: { authorization: '***' }, service: 'reviews' } }])
    reviews.answer = undefined
  })

  test('answers that are no list of the entities asked for are refused at their place', async () => {
    for (const body of [{ data: { _entities: [] } }, { data: { _entities: null }, errors: [{ message: 'broken' }] }, 'text', { data: 7 }]) {
      reviews.answer = () => body
      const { data, errors } = await hub.query('{ stations { icao } airport(id: 1) { name rating } }')
      expect(data).toEqual({ stations: [{ icao: 'EDDF' }, { icao: 'LFPG' }], airport: { name: 'Frankfurt', rating: null } })
      expect(errors).toMatchObject([{ path: ['airport', 'rating'], extensions: { code: 'UPSTREAM_REJECTED' } }])
    }
    reviews.answer = undefined
  })
})

describe('a foreign subgraph that fails', () => {
  const opened: { close(): Promise<void> }[] = []
  const removed: CatalogFolder[] = []
  const opens = <T extends { close(): Promise<void> }>(one: T): T => {
    opened.unshift(one)
    return one
  }
  const declares = (lines: string): CatalogFolder => {
    const folder = catalogWith(lines)
    removed.push(folder)
    return folder
  }
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close()
    for (const one of removed.splice(0)) one.remove()
  })
  const down = async () => {
    const gone = await serveForeign(weatherSdl, weather)
    await gone.close()
    return gone.url
  }
  const refusal = async (catalog: string): Promise<unknown> => startHub({ catalog }).then(opens).then(() => 'it started', (error: unknown) => error)

  test('down at the start: the hub says so, with the place in the catalog', async () => {
    const { catalog } = declares(`subgraphs:\n  weather: { url: "${await down()}" }\n`)
    expect(await refusal(catalog)).toMatchObject({ code: 'CATALOG_INVALID', details: { problems: [{ path: 'subgraphs.weather', file: catalog, line: 6, column: 12, message: expect.stringContaining('Subgraph "weather" cannot be reached') }] } })
  })

  test('all that are wrong are said at once: one that is down, one that is no subgraph', async () => {
    const other = opens(await serveForeign(weatherSdl, weather))
    other.answer = () => ({ errors: [{ message: 'Cannot query field "_service".' }] })
    const { catalog } = declares(`subgraphs:\n  weather: { url: "${await down()}" }\n  other: { url: "${other.url}" }\n`)
    expect(await refusal(catalog)).toMatchObject({
      code: 'CATALOG_INVALID',
      details: { problems: [{ path: 'subgraphs.weather' }, { path: 'subgraphs.other', line: 7, message: expect.stringContaining('Is it a federation subgraph?') }] },
    })
  })

  test('down later: its paths fail, the rest is served, and it is there again when it is back', async () => {
    const service = opens(await serveForeign(weatherSdl, weather))
    const { catalog } = declares(`subgraphs:\n  weather: { url: "${service.url}" }\nrelations:\n  - { from: Airport.icao, to: Weather.icao, as: weather }\n`)
    const hub = opens(await startHub({ catalog }))
    const health = async () => (await hub.hub.health()).find(one => one.name === 'subgraph:weather')
    expect(await health()).toEqual({ name: 'subgraph:weather', state: 'up', required: false })
    await service.close()
    expect(await health()).toEqual({ name: 'subgraph:weather', state: 'down', required: false, message: 'Subgraph "weather" cannot be reached.' })
    const { data, errors } = await hub.query('{ airports { nodes { name weather { icao celsius } } } }')
    expect(data).toEqual({ airports: { nodes: [{ name: 'Frankfurt', weather: null }, { name: 'Paris', weather: null }, { name: 'Nowhere', weather: null }] } })
    expect(errors).toMatchObject([0, 1].map(index => ({ path: ['airports', 'nodes', index, 'weather', 'celsius'], extensions: { code: 'UPSTREAM_UNAVAILABLE', retryable: true, service: 'weather' } })))
    expect((await hub.query('{ airport(id: 1) { weather { icao } } }')).data).toEqual({ airport: { weather: { icao: 'EDDF' } } })
    opens(await serveForeign(weatherSdl, weather, Number(new URL(service.url).port)))
    expect(await hub.query('{ airport(id: 1) { weather { celsius } } }')).toEqual({ data: { airport: { weather: { celsius: 21.5 } } } })
  })

  test('slow: TIMEOUT on its paths at the deadline of the request, the rest is served', async () => {
    const service = opens(await serveForeign(weatherSdl, weather))
    const { catalog } = declares(`subgraphs:\n  weather: { url: "${service.url}" }\nrelations:\n  - { from: Airport.icao, to: Weather.icao, as: weather }\n`)
    const hub = opens(await startHub({ catalog, flags: ['--request-timeout-ms=1500'] }))
    service.answer = () => undefined
    const { data, errors } = await hub.query('{ airport(id: 1) { name weather { icao celsius } } }')
    expect(data).toEqual({ airport: { name: 'Frankfurt', weather: null } })
    expect(errors).toMatchObject([{ path: ['airport', 'weather', 'celsius'], extensions: { code: 'TIMEOUT' } }])
  })

  test('types that do not fit are refused with the reasons and their place, and the old graph goes on serving', async () => {
    const service = opens(await serveForeign(weatherSdl, weather))
    const folder = declares(`subgraphs:\n  weather: { url: "${service.url}" }\n`)
    const hub = opens(await startHub({ catalog: folder.catalog, log: openLog({ level: 'silent' }) }))
    const before = hub.hub.supergraph.version
    const clash = opens(await serveForeign('type Query { other: Int } type Airport @key(fields: "id") { id: Int! name: Int! }', {}))
    writeFileSync(folder.catalog, `${regions}subgraphs:\n  weather: { url: "${service.url}" }\n  clash: { url: "${clash.url}" }\n`)
    const refused: unknown = await hub.hub.reload().catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'CATALOG_INVALID', details: { problems: expect.arrayContaining([expect.objectContaining({ message: expect.stringContaining('Airport.name') })]) } })
    for (const { path } of (refused as { details: { problems: { path: string }[] } }).details.problems) expect(path).toMatch(/^subgraphs/)
    expect(hub.hub.supergraph.version).toBe(before)
    expect(await hub.query('{ airport(id: 1) { name } stations { celsius } }')).toEqual({ data: { airport: { name: 'Frankfurt' }, stations: [{ celsius: 21.5 }, { celsius: 23 }] } })
  })

  test('inputs of the hub never shrink to what a foreign type of their name has', async () => {
    const inputs = opens(await serveForeign('type Query { search(text: StringFilter, by: Direction): Int } input StringFilter { eq: String contains: String } enum Direction { ASC DESC }', {}))
    const same = opens(await serveForeign('type Query { find(text: IDFilter): Int } input IDFilter { eq: ID ne: ID in: [ID!] lt: ID lte: ID gt: ID gte: ID like: String startsWith: String isNull: Boolean }', {}))
    const { catalog } = declares(`subgraphs:\n  inputs: { url: "${inputs.url}" }\n  same: { url: "${same.url}" }\n`)
    const problem = (message: string) => expect.objectContaining({ path: 'subgraphs.inputs', line: 6, message: expect.stringContaining(message) })
    expect(await refusal(catalog)).toMatchObject({
      code: 'CATALOG_INVALID',
      details: { problems: expect.arrayContaining([problem('StringFilter of its own, without ne, in, lt, lte, gt, gte, like, startsWith, isNull'), problem('Direction of its own, without ASC_NULLS_FIRST, DESC_NULLS_LAST')]) },
    })
  })

  test('its new types are taken with the next reading of the catalog; while it is away, those known stay', async () => {
    const service = opens(await serveForeign(weatherSdl, weather))
    const folder = declares(`subgraphs:\n  weather: { url: "${service.url}" }\n`)
    const hub = opens(await startHub({ catalog: folder.catalog }))
    service.become(`${weatherSdl} extend type Weather { wind: Int! }`, { ...weather, Weather: { ...weather.Weather, wind: () => 7 } })
    await hub.hub.reload()
    expect(await hub.query('{ stations { wind } }')).toEqual({ data: { stations: [{ wind: 7 }, { wind: 7 }] } })
    await service.close()
    await hub.hub.reload()
    expect(await hub.query('{ airport(id: 1) { name } }')).toEqual({ data: { airport: { name: 'Frankfurt' } } })
    expect((await hub.query('{ stations { wind } }')).errors).toMatchObject([{ extensions: { code: 'UPSTREAM_UNAVAILABLE' } }])
  })

  test('a relation nobody could answer is refused with what would do', async () => {
    const service = opens(await serveForeign(reviewsSdl, reviewsOf(seed())))
    const stations = opens(await serveForeign('scalar Code type Query { stations: [Station!]! } type Station @key(fields: "code") { code: Code! icao: ID! airport: String }', {}))
    const problemsOf = async (...lines: string[]) => {
      const { catalog } = declares(`subgraphs:\n  reviews: { url: "${service.url}" }\n  stations: { url: "${stations.url}" }\nrelations:\n${lines.map(line => `  - ${line}\n`).join('')}`)
      const error = await refusal(catalog)
      expect(error).toMatchObject({ code: 'CATALOG_INVALID' })
      return (error as { details: { problems: { path: string; message: string }[] } }).details.problems
    }
    // One list of problems a stage: each of these is found where relations are derived.
    expect(await problemsOf(
      '{ from: Review.airportId, to: Airport.id, as: airport, inverse: comments }',
      '{ from: Review.id, to: Station.icao, as: station }',
      '{ from: Airport.id, to: Review.airportId, as: remark }',
      '{ from: Airport.icao, to: Station.code, as: station }',
      '{ from: Station.icao, to: Airport.icao, as: airport }',
    )).toEqual([
      { path: 'relations[0].inverse', file: expect.any(String), line: expect.any(Number), column: expect.any(Number), message: expect.stringContaining('subgraph "reviews"') },
      expect.objectContaining({ path: 'relations[1]', message: expect.stringContaining('foreign') }),
      expect.objectContaining({ path: 'relations[2].to', message: expect.stringContaining('its key') }),
      expect.objectContaining({ path: 'relations[3].to', message: expect.stringContaining('Code') }),
      expect.objectContaining({ path: 'relations[4].from', message: expect.stringContaining('Code') }),
    ])
    expect(await problemsOf('{ from: Review.airportId, to: Airport.id, as: text }')).toEqual([expect.objectContaining({ path: 'relations', message: 'Review has a field "text" already. Call the relation otherwise: "airport", for example.' })])
  })
})
