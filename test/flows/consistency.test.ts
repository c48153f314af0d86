import { createHash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import fc from 'fast-check'
import type { Consistency } from '../../schema/consistency.ts'
import type { Read } from '../../resolvers/context.ts'
import { catalogFolder, type CatalogFolder } from '../support/catalog-folder.ts'
import { eventually } from '../support/eventually.ts'
import { serveForeign, type Foreign } from '../support/foreign.ts'
import { startHub, type RunningHub } from '../support/hub.ts'
import { MovedClock } from '../support/scope.ts'

const keys = ['acme', 'globex'].map(id => ({ id, tenant: id, scopes: ['*'], sha256: createHash('sha256').update(`key of ${id}`).digest('hex') }))
const as = (id: string) => ({ 'x-api-key': `key of ${id}` })
const catalog = (more = '') => `
sources:
  shop: { type: files, root: ./shop }
  live: { type: sqlite, file: ./live.sqlite }
regions:
  crews: { type: Crew, key: id, load: { source: live, table: crews } }
  ports: { type: Port, key: id, load: { source: live, table: ports, eager: true } }
  deeds: { type: Deed, key: id, load: { source: live, table: deeds, eager: true }, tenancy: TENANT, tenantColumn: tenant }
  planes: { type: Plane, key: id, load: { source: shop, table: planes } }
  notes: { type: Note, key: id, fields: { id: ID!, port: Int } }
views:
  busy_ports: { type: BusyPort, key: name, materialize: { every: PT24H }, sql: "SELECT name, count(*) AS n FROM hub.ports GROUP BY name" }
  of_ports: { type: OfPort, key: id, sql: "SELECT id, name FROM hub.ports" }
  of_planes: { type: OfPlane, key: id, sql: "SELECT id, name FROM shop.planes" }
relations:
  - { from: Note.port, to: Port.id, as: inPort }
endpoints:
  port/named: { cacheRegions: [ports], query: "SELECT id, name FROM ports WHERE id = {id}", cacheKeyPattern: "port:{id}", ttlSeconds: 3600 }
${more}`

/** Moved by the test, and no timer comes due: nothing is looked at or loaded unasked. */
class StandingClock extends MovedClock {
  override after(): () => void {
    return () => {}
  }
}

class World {
  readonly folder: CatalogFolder = catalogFolder({ 'hub.yaml': catalog(), 'keys.json': JSON.stringify(keys), 'shop/planes.csv': 'id,name\n7,Ada\n8,Grace\n' })
  readonly clock = new StandingClock()
  readonly database = new DatabaseSync(join(this.folder.folder, 'live.sqlite'))
  hub!: RunningHub

  async start(): Promise<void> {
    this.database.exec(`
      CREATE TABLE crews (id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE ports (id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE deeds (id INTEGER PRIMARY KEY, tenant TEXT, name TEXT);
      INSERT INTO crews VALUES (1, 'Ann'), (2, 'Bob'); INSERT INTO ports VALUES (1, 'Oslo'), (2, 'Bonn'); INSERT INTO deeds VALUES (1, 'acme', 'mine'), (2, 'globex', 'theirs')`)
    this.hub = await startHub({ catalog: this.folder.catalog, clock: this.clock, flags: [`--auth-api-keys-file=${this.folder.folder}/keys.json`, '--limits-requests-per-minute=100000000'], headers: as('acme') })
  }

  async stop(): Promise<void> {
    await this.hub.close()
    this.database.close()
    this.folder.remove()
  }

  /** What an operation answers, what its reads were bound by, and who was asked, as `name engine`. */
  async ask(query: string, headers: Record<string, string> = {}, variables = {}) {
    const { data, errors, extensions } = await this.hub.query<Record<string, unknown>>(query, variables, { ...as('acme'), 'x-hub-explain': '1', ...headers })
    const { reads = [], consistency, plan } = (extensions?.['hub'] ?? {}) as { readonly reads?: readonly Read[]; readonly consistency?: Consistency; readonly plan?: { readonly steps: readonly { readonly reason: string }[] } }
    return { data, errors: errors?.map(({ message, extensions: found }) => ({ code: found?.['code'], message })), reads: reads.map(({ name, engine }) => `${name} ${engine}`), bound: reads.map(read => read.consistency?.level), consistency, reasons: plan?.steps.map(step => step.reason) }
  }

  async rest(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const response = await fetch(`${this.hub.url}/api/v1/${path}`, { method, headers: { ...as('acme'), ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers }, body: body === undefined ? undefined : JSON.stringify(body) })
    const text = await response.text()
    const header = (name: string) => response.headers.get(name)
    return { status: response.status, cache: header('x-cache'), engine: header('x-query-engine'), level: header('x-consistency'), window: header('x-max-staleness-ms'), session: header('x-session-token'), body: (text === '' ? undefined : JSON.parse(text)) as Record<string, unknown> }
  }
}

const bounded = (ms: number) => ({ 'x-consistency': 'BOUNDED_STALENESS', 'x-max-staleness-ms': String(ms) })
const eventual = { 'x-consistency': 'eventual' }

describe('consistency per request', () => {
  const world = new World()
  const { clock, database } = world
  const ask = world.ask.bind(world)
  const rest = world.rest.bind(world)
  beforeAll(() => world.start(), 60_000)
  afterAll(() => world.stop())

  test('H-26 the nearest word counts: argument, field, operation, header, default; the answer says which', async () => {
    expect((await ask('{ notes { totalCount } }')).consistency).toEqual({ level: 'STRONG', from: 'default' })
    expect((await ask('{ notes { totalCount } }', eventual)).consistency).toEqual({ level: 'EVENTUAL', from: 'header' })
    expect((await ask('query @consistency(level: SESSION) { notes { totalCount } }', eventual)).consistency).toEqual({ level: 'SESSION', from: 'operation' })
    const mixed = await ask(
      `query ($window: Int!, $level: ConsistencyLevel = EVENTUAL) @consistency(level: SESSION) {
        plain: note(id: "1") { id }
        ...Own
        own: cacheGet(region: "notes", key: "1", consistency: EVENTUAL) { key }
      }
      fragment Own on Query { near: note(id: "2") @consistency(level: $level) { id } bounded: notes @consistency(maxStalenessMs: $window) { totalCount nodes { id } } }`,
      eventual, { window: 7_000 },
    )
    expect(mixed).toMatchObject({ errors: undefined, consistency: { level: 'SESSION', from: 'operation' }, data: { plain: null, near: null, bounded: { totalCount: 0, nodes: [] }, own: null } })
    expect(Object.keys(mixed.data ?? {})).toEqual(['plain', 'near', 'bounded', 'own'])
    expect(mixed.bound.toSorted()).toEqual(['BOUNDED_STALENESS', 'EVENTUAL', 'EVENTUAL', undefined])
  })

  test('H-26 a mutation takes the directive for what it reads, and an equal field twice must say the same', async () => {
    expect(await ask('mutation @consistency(level: EVENTUAL) { putNote(input: { id: "m", port: 1 }) { inPort { name } } removeNote(id: "m") }')).toMatchObject({ errors: undefined, data: { putNote: { inPort: { name: 'Oslo' } }, removeNote: true }, consistency: { level: 'EVENTUAL', from: 'operation' } })
    expect((await ask('{ notes @consistency(level: EVENTUAL) { totalCount } notes @consistency(level: SESSION) { nodes { id } } }')).errors).toEqual([{ code: 'VALIDATION_ERROR', message: expect.stringContaining('of EVENTUAL and of SESSION') }])
  })

  test('H-26 an operation whose fields are read differently answers what it does where they are read alike, in the same order', async () => {
    await ask('mutation { putNotes(input: [{ id: "p1", port: 1 }, { id: "p2", port: 2 }]) { id } }')
    const fields = ['note(id: "p1") { id inPort { name } }', 'ports(first: 1) { nodes { id } totalCount }', 'cacheGet(region: "notes", key: "p2") { key }', '__typename', 'portsByKey(keys: [2, 9]) { name }', 'crew(id: "none") { id }', 'note(id: "absent") { id }', 'ofPorts { nodes { name } }']
    const said = fc.constantFrom('', '@consistency(level: EVENTUAL)', '@consistency(level: SESSION)', '@consistency(level: STRONG)', '@consistency(maxStalenessMs: 3600000)', '@include(if: $yes) @consistency(level: $level)', '@skip(if: $yes)')
    await fc.assert(fc.asyncProperty(fc.array(fc.record({ at: fc.nat(fields.length - 1), said, isInFragment: fc.boolean() }), { minLength: 1, maxLength: 7 }), async chosen => {
      const query = (isPlain: boolean) => {
        const own = chosen.map((one, index) => {
          const [, head = '', below = ''] = /^([^{]*?)( \{.*)?$/.exec(fields[one.at] ?? '') ?? []
          const directives = isPlain ? one.said.replaceAll(/@consistency\([^)]*\)/g, '') : one.said
          return { text: `a${index}: ${head} ${directives}${below}`, ...one }
        })
        const selections = own.map(({ text, isInFragment }) => (isInFragment ? `... on Query { ${text} }` : text)).join('\n')
        return `query ($yes: Boolean = true, $level: ConsistencyLevel = EVENTUAL) { used: __typename @include(if: $yes) level: cacheGet(region: "notes", key: "p1", consistency: $level) { key } ${selections} }`
      }
      const [alike, different] = [await ask(query(true)), await ask(query(false))]
      expect(JSON.stringify([different.data, different.errors])).toBe(JSON.stringify([alike.data, alike.errors]))
    }), { numRuns: 60 })
  }, 120_000)

  test('H-26 the directive is not passed over where it cannot be kept: below a root field, in a subscription', async () => {
    expect((await ask('{ notes { nodes { place: inPort @consistency(level: EVENTUAL) { name } } } }')).errors).toEqual([{ code: 'VALIDATION_ERROR', message: expect.stringMatching(/"place".*root fields/) }])
    const events = world.hub.subscribe<never>('subscription { noteChanged @consistency(level: EVENTUAL) { type } }', {}, as('acme'))
    const { value } = await events.next().catch((error: unknown) => ({ value: error }))
    expect(JSON.stringify(value)).toContain('VALIDATION_ERROR')
    await events.return()
  })

  test('H-26 BOUNDED_STALENESS without a window has one of 5,000 ms, and says so', async () => {
    expect((await ask('{ notes { totalCount } }', { 'x-consistency': 'Bounded_Staleness' })).consistency).toEqual({ level: 'BOUNDED_STALENESS', maxStalenessMs: 5_000, from: 'header' })
    expect(await rest('GET', 'dih/cache-regions/crews/entries/1', undefined, { 'x-consistency': 'BOUNDED_STALENESS' })).toMatchObject({ status: 200, level: 'BOUNDED_STALENESS', window: '5000', cache: 'MISS', engine: 'sqlite' })
  })

  test.each([
    [{ 'x-max-staleness-ms': '0' }, /X-Max-Staleness-Ms is 0/], [{ 'x-max-staleness-ms': '-5' }, /X-Max-Staleness-Ms is -5/], [{ 'x-max-staleness-ms': 'soon' }, /X-Max-Staleness-Ms is "soon"/],
    [{ 'x-consistency': 'STRANG' }, /X-Consistency is "STRANG".*EVENTUAL, STRONG, BOUNDED_STALENESS or SESSION.*Did you mean "STRONG"/], [{ 'x-consistency': 'STRONG', 'x-max-staleness-ms': '100' }, /STRONG, which has no window/],
    [{ 'x-session-token': 'guessed' }, /X-Session-Token is "guessed"/],
  ])('H-26 %j is refused with 422, in the words of the header', async (headers, message) => {
    expect(await rest('GET', 'dih/cache-regions/crews/entries/1', undefined, headers as Record<string, string>)).toMatchObject({ status: 422, body: { code: 'VALIDATION_ERROR', detail: expect.stringMatching(message) } })
    expect((await ask('{ notes { totalCount } }', headers as Record<string, string>)).errors).toEqual([{ code: 'VALIDATION_ERROR', message: expect.stringMatching(message) }])
  })

  test('H-26 a window that is none, and a level nobody knows, are refused in a document too', async () => {
    for (const query of ['{ cacheGet(region: "notes", key: "1", maxStalenessMs: 0) { key } }', '{ notes @consistency(maxStalenessMs: -1) { totalCount } }', 'query @consistency(level: STRONG, maxStalenessMs: 5) { notes { totalCount } }']) {
      expect((await ask(query)).errors).toEqual([{ code: 'VALIDATION_ERROR', message: expect.stringMatching(/above 0|has no window/) }])
    }
    expect((await ask('{ notes @consistency(level: STRANG) { totalCount } }')).errors).toEqual([{ code: 'GRAPHQL_VALIDATION_FAILED', message: expect.stringContaining('STRONG') }])
  })

  test('H-26 M-20 an entry read through answers while it is young enough; then it is read anew, and takes the place of the old one', async () => {
    const crew = '{ crew(id: 1) { name } }'
    expect(await ask(crew)).toMatchObject({ data: { crew: { name: 'Ann' } } })
    await eventually('the entry is there', async () => (await ask(crew)).reads[0] === 'crews memory')
    database.exec("UPDATE crews SET name = 'Anna' WHERE id = 1")
    clock.advance(3_000)
    expect(await ask(crew, bounded(4_000))).toMatchObject({ data: { crew: { name: 'Ann' } }, reads: ['crews memory'] })
    expect(await ask(crew, bounded(2_000))).toMatchObject({ data: { crew: { name: 'Anna' } }, reads: ['live.crews sqlite'], reasons: [expect.stringContaining('older than the read allows')] })
    await eventually('the region has the new row', async () => (await ask(crew)).data?.['crew'] !== null && JSON.stringify((await ask(crew)).data).includes('Anna'))
    expect(await ask(crew, bounded(1))).toMatchObject({ data: { crew: { name: 'Anna' } }, reads: ['crews memory'] })
    clock.advance(60_000)
    expect(await ask(crew)).toMatchObject({ reads: ['crews memory'] })
    expect(await ask('{ cacheGet(region: "crews", key: "1", maxStalenessMs: 10) { row } }')).toMatchObject({ data: { cacheGet: { row: { name: 'Anna' } } }, reads: ['live.crews sqlite'], bound: ['BOUNDED_STALENESS'] })
  })

  test('H-26 what was read anew and is the same is no change, and is young from then on; what is gone is gone', async () => {
    const both = '{ crewsByKey(keys: [1, 2]) { id name } }'
    await ask(both)
    await eventually('both are there', async () => (await ask(both)).reads.join() === 'crews memory')
    const events = world.hub.subscribe<{ crewChanged: { type: string; key: string } }>('subscription { crewChanged { type key } }', {}, as('acme'))
    for (let at = 0; at < 2; at++) expect((await events.next()).value).toMatchObject({ data: { crewChanged: { type: 'SNAPSHOT' } } })
    clock.advance(10_000)
    database.exec('DELETE FROM crews WHERE id = 2')
    expect(await ask(both, bounded(100))).toMatchObject({ data: { crewsByKey: [{ id: 1, name: 'Anna' }, null] }, reads: ['live.crews sqlite'] })
    expect((await events.next()).value).toMatchObject({ data: { crewChanged: { type: 'REMOVED', key: '2' } } })
    await events.return()
    await eventually('the same row is known to be', async () => (await ask('{ crew(id: 1) { name } }', bounded(100))).reads.join() === 'crews memory')
  })

  test('H-26 M-20 a loaded region and a kept view answer while they are young enough, else where they come from does: by key, in lists, through relations, in statements', async () => {
    const queries = {
      port: '{ port(id: 2) { name } }', keys: '{ portsByKey(keys: [2, 9]) { name } }', list: '{ ports(where: { name: { like: "B%" } }) { totalCount nodes { name } } }', kept: '{ busyPorts(orderBy: [{ name: ASC }]) { nodes { name } } }',
      view: '{ ofPort(id: 2) { name } }', generic: '{ cacheGetAll(region: "ports", keys: ["2"]) { row } }', sql: '{ sqlQuery(query: "SELECT name FROM ports WHERE id = 2") { rows } }', unified: '{ unifiedQuery(sql: "SELECT name FROM hub.busy_ports WHERE name LIKE \'B%\'") { rows } }',
    }
    await ask('mutation { putNote(input: { id: "at", port: 2 }) { id } }')
    const related = '{ note(id: "at") { inPort { name } } notes(where: { inPort: { name: { like: "B%" } } }) { nodes { inPort { name } } } }'
    database.exec("UPDATE ports SET name = 'Basel' WHERE id = 2")
    clock.advance(60_000)
    for (const query of [...Object.values(queries), related]) {
      expect([query, JSON.stringify((await ask(query, bounded(3_600_000))).data)]).toEqual([query, expect.stringMatching(/Bonn/)])
      expect([query, JSON.stringify((await ask(query, bounded(1_000))).data)]).toEqual([query, expect.stringMatching(/Basel/)])
      expect([query, JSON.stringify((await ask(query)).data)]).toEqual([query, expect.stringMatching(/Bonn/)])
    }
    expect(await ask(queries.list, bounded(1_000))).toMatchObject({ data: { ports: { totalCount: 1 } }, reasons: [expect.stringContaining('older than the read allows')] })
    expect(await rest('GET', 'dih/cache-regions/ports/entries/2', undefined, bounded(1_000))).toMatchObject({ status: 200, cache: 'MISS', engine: 'duckdb', body: { value: { name: 'Basel' } } })
    expect(await rest('GET', 'dih/cache-regions/ports/entries/2')).toMatchObject({ status: 200, cache: 'HIT', engine: 'memory', level: 'STRONG', window: null, body: { value: { name: 'Bonn' } } })
    expect(await rest('POST', 'dih/sql-query', { query: 'SELECT name FROM ports WHERE id = 2' }, bounded(1_000))).toMatchObject({ status: 200, cache: 'MISS', level: 'BOUNDED_STALENESS', window: '1000', body: { rows: [['Basel']] } })
    expect(await rest('POST', 'query', { query: 'SELECT name FROM hub.ports WHERE id = 2' }, bounded(1_000))).toMatchObject({ status: 200, body: { data: [['Basel']] } })
  })

  test('H-26 rows of a tenant are read anew as his alone', async () => {
    database.exec("INSERT INTO deeds VALUES (3, 'globex', 'new of theirs'), (4, 'acme', 'new of mine')")
    clock.advance(60_000)
    const deeds = (tenant: string, headers = {}) => ask('{ deeds { nodes { id } } deedsByKey(keys: [1, 2, 3, 4]) { id } unifiedQuery(sql: "SELECT id FROM live.deeds ORDER BY id") { rows } }', { ...as(tenant), ...headers })
    expect((await deeds('acme')).data).toEqual({ deeds: { nodes: [{ id: 1 }] }, deedsByKey: [{ id: 1 }, null, null, null], unifiedQuery: { rows: [[1]] } })
    expect((await deeds('acme', bounded(1_000))).data).toEqual({ deeds: { nodes: [{ id: 1 }, { id: 4 }] }, deedsByKey: [{ id: 1 }, null, null, { id: 4 }], unifiedQuery: { rows: [[1], [4]] } })
    expect((await deeds('globex', bounded(1_000))).data).toEqual({ deeds: { nodes: [{ id: 2 }, { id: 3 }] }, deedsByKey: [null, { id: 2 }, { id: 3 }, null], unifiedQuery: { rows: [[2], [3]] } })
  })

  test('H-26 files the hub keeps are looked at anew where what was read of them is too old', async () => {
    const planes = '{ plane(id: 7) { name } planes { nodes { name } } ofPlanes { nodes { name } } }'
    expect((await ask(planes)).data).toEqual({ plane: { name: 'Ada' }, planes: { nodes: [{ name: 'Ada' }, { name: 'Grace' }] }, ofPlanes: { nodes: [{ name: 'Ada' }, { name: 'Grace' }] } })
    clock.advance(60_000)
    world.folder.write({ 'shop/planes.csv': 'id,name\n7,Adele\n8,Grace\n' })
    expect(JSON.stringify((await ask(planes)).data)).not.toContain('Adele')
    expect((await ask(planes, bounded(1_000))).data).toEqual({ plane: { name: 'Adele' }, planes: { nodes: [{ name: 'Adele' }, { name: 'Grace' }] }, ofPlanes: { nodes: [{ name: 'Adele' }, { name: 'Grace' }] } })
  })

  test('H-26 a kept result of an endpoint is answered as the caller wants it: young enough, or computed anew', async () => {
    const call = (headers = {}) => rest('POST', 'dih/query/port/named', { id: 1 }, headers)
    expect([(await call()).cache, (await call()).cache, (await call(eventual)).cache]).toEqual(['MISS', 'HIT', 'HIT'])
    expect((await call({ 'x-consistency': 'STRONG' })).cache).toBe('MISS')
    database.exec("UPDATE ports SET name = 'Old Oslo' WHERE id = 1")
    clock.advance(2_000)
    expect(await call(bounded(3_600_000))).toMatchObject({ cache: 'HIT', body: { rows: [{ name: 'Oslo' }] } })
    expect(await call(bounded(1_000))).toMatchObject({ cache: 'MISS', body: { rows: [{ name: 'Old Oslo' }] } })
    expect(await call(bounded(1_000))).toMatchObject({ cache: 'HIT', body: { rows: [{ name: 'Old Oslo' }] } })
  })

  test('H-26 an answer to a write carries a session token, which its bearer adds to with each further write', async () => {
    const first = await rest('PUT', 'dih/cache-regions/notes/entries/s1', { port: 1 })
    expect(first).toMatchObject({ status: 200, session: expect.any(String) })
    const shown = (token: string | null) => JSON.parse(Buffer.from(token ?? '', 'base64url').toString()) as unknown
    expect(shown(first.session)).toEqual([['notes', expect.any(String), first.body['version']]])
    const session = { 'x-consistency': 'SESSION', 'x-session-token': first.session ?? '' }
    expect(await rest('GET', 'dih/cache-regions/notes/entries/s1', undefined, session)).toMatchObject({ status: 200, session: null, level: 'SESSION' })
    const second = await fetch(`${world.hub.url}/graphql`, { method: 'POST', headers: { ...as('acme'), ...session, 'content-type': 'application/json' }, body: JSON.stringify({ query: 'mutation { removeNote(id: "s1") }' }) })
    expect(shown(second.headers.get('x-session-token'))).toEqual([['notes', expect.any(String), null]])
    const inParts = await fetch(`${world.hub.url}/graphql`, { method: 'POST', headers: { ...as('acme'), accept: 'multipart/mixed, application/json', 'content-type': 'application/json' }, body: JSON.stringify({ query: 'mutation { putNote(input: { id: "s2", port: 1 }) { id ... @defer { port } } }' }) })
    expect([inParts.headers.get('content-type'), shown(inParts.headers.get('x-session-token'))]).toEqual([expect.stringContaining('multipart/mixed'), [['notes', expect.any(String), expect.anything()]]])
    await inParts.text()
  })

  test('H-26 where what is too old cannot be read anew the answer is 503 STALENESS_EXCEEDED, and a read that allows more is answered', async () => {
    await ask('{ crew(id: 1) { name } }')
    await eventually('the entry is there', async () => (await ask('{ crew(id: 1) { name } }')).reads[0] === 'crews memory')
    clock.advance(60_000)
    database.exec('BEGIN EXCLUSIVE')
    try {
      expect(await rest('GET', 'dih/cache-regions/crews/entries/1', undefined, bounded(1_000))).toMatchObject({ status: 503, body: { code: 'STALENESS_EXCEEDED', detail: expect.stringMatching(/crews.*1000 ms/), tried: ['memory', 'sqlite'] } })
      expect((await ask('{ port(id: 2) { name } }', bounded(1_000))).errors).toEqual([{ code: 'STALENESS_EXCEEDED', message: expect.stringContaining('1000 ms') }])
      expect(await ask('{ crew(id: 1) { name } port(id: 2) { name } }', bounded(3_600_000))).toMatchObject({ errors: undefined, data: { crew: { name: 'Anna' }, port: { name: 'Bonn' } } })
    } finally {
      database.exec('ROLLBACK')
    }
    expect((await ask('{ port(id: 2) { name } }', bounded(1_000))).data).toEqual({ port: { name: 'Basel' } })
  }, 120_000)

  test('H-26 a subgraph served alone takes the headers a gateway sends', async () => {
    const alone = await startHub({ catalog: world.folder.catalog, clock, subgraph: 'regions', flags: [`--auth-api-keys-file=${world.folder.folder}/keys.json`], headers: as('acme') })
    try {
      const name = async (headers = {}) => JSON.stringify((await alone.query('{ _entities(representations: [{ __typename: "Port", id: 1 }]) { ... on Port { name } } }', {}, { ...as('acme'), ...headers })).data)
      const now = await name()
      database.exec("UPDATE ports SET name = 'Newest Oslo' WHERE id = 1")
      clock.advance(60_000)
      expect([await name(), await name(bounded(1_000))]).toEqual([now, expect.stringContaining('Newest Oslo')])
      expect(now).not.toContain('Newest')
    } finally {
      await alone.close()
    }
  }, 120_000)

  test('H-26 a foreign subgraph is told by headers, and different fields in requests of their own', async () => {
    const reviews: Foreign = await serveForeign('type Query { reviews: [String!]! ratings: [Int!]! }', { Query: { reviews: () => ['fine'], ratings: () => [5] } })
    try {
      world.folder.write({ 'hub.yaml': catalog(`subgraphs:\n  reviews: { url: "${reviews.url}" }\n`) })
      await world.hub.hub.reload()
      await ask('{ reviews }')
      await ask('{ reviews ratings @consistency(level: EVENTUAL) }', bounded(700))
      expect(reviews.requests.map(({ query, headers }) => [query.includes('ratings'), query.includes('reviews'), headers['x-consistency'], headers['x-max-staleness-ms']]).toSorted()).toEqual([
        [false, true, 'BOUNDED_STALENESS', '700'], [false, true, 'STRONG', undefined], [true, false, 'EVENTUAL', undefined],
      ])
      expect(reviews.requests.some(({ query }) => query.includes('@consistency'))).toBe(false)
    } finally {
      world.folder.write({ 'hub.yaml': catalog() })
      await world.hub.hub.reload()
      await reviews.close()
    }
  })
})

describe('the default', () => {
  test.each(['EVENTUAL', 'STRONG', 'BOUNDED_STALENESS', 'SESSION'] as const)('H-27 H-68 is DIH_DEFAULT_CONSISTENCY: %s holds where none is given, and the graph says so', async level => {
    const folder = catalogFolder({ 'hub.yaml': 'regions: { notes: { type: Note, key: id, fields: { id: ID! } } }\n' })
    const hub = await startHub({ catalog: folder.catalog, env: { DIH_DEFAULT_CONSISTENCY: level } })
    const answer = await hub.query<{ config: unknown }>('{ config { defaultConsistency } note(id: "1") { id } }', {}, { 'x-hub-explain': '1' })
    expect(answer.data?.config).toEqual({ defaultConsistency: level })
    expect(answer.extensions?.['hub']).toMatchObject({ consistency: { level, from: 'default', ...(level === 'BOUNDED_STALENESS' && { maxStalenessMs: 5_000 }) } })
    await hub.close()
    folder.remove()
  })
})
