import { createHash } from 'node:crypto'
import { catalogFolder } from '../support/catalog-folder.ts'
import { serveForeign } from '../support/foreign.ts'
import { isEmbedded, startHub, type RunningHub } from '../support/hub.ts'
import { MovedClock } from '../support/scope.ts'

const keys = [
  { id: 'acme', tenant: 'acme', scopes: ['*'] },
  { id: 'reader', tenant: 'acme', scopes: ['cache:read'] },
  { id: 'nobody', tenant: 'acme', scopes: ['topic:read'] },
  { id: 'globex', tenant: 'globex', scopes: ['*'] },
].map(one => ({ ...one, sha256: createHash('sha256').update(`key of ${one.id}`).digest('hex') }))
const as = (id: string) => ({ 'x-api-key': `key of ${id}` })

const catalog = (more = '') => `
sources:
  shop: { type: files, root: ./shop }
regions:
  ports: { type: Port, key: id, fields: { id: ID!, name: String, country: String }, indexes: [country], tenancy: SHARED }
  notes: { type: Note, key: id, fields: { id: ID!, port: ID, body: String }, tenancy: SHARED }
  deeds: { type: Deed, key: id, fields: { id: ID!, name: String }, tenancy: TENANT }
  visits: { type: Visit, key: id, fields: { id: ID!, port: ID }, expiry: { create: PT1M }, tenancy: SHARED }
  guests: { type: Guest, key: id, fields: { id: ID! }, expiry: { access: PT1M }, tenancy: SHARED }
  planes: { type: Plane, key: id, load: { source: shop, table: planes } }
  crews: { type: Crew, key: id, load: { source: shop, table: crews, eager: true } }
views:
  of_ports: { type: OfPort, key: country, sql: "SELECT country, count(*) AS n FROM hub.ports GROUP BY country" }
  moments: { type: Moment, key: id, sql: "SELECT id, current_timestamp AS seen FROM hub.ports" }
  draws: { type: Draw, key: id, sql: "SELECT id, random() AS drawn FROM hub.ports" }
  of_planes: { type: OfPlane, key: id, sql: "SELECT id, name FROM shop.planes" }
  names: { type: NameOf, key: name, materialize: { every: PT24H }, sql: "SELECT name, count(*) AS n FROM hub.crews GROUP BY name" }
relations:
  - { from: Note.port, to: Port.id, as: atPort, inverse: notes }
${more}`

class World {
  readonly folder = catalogFolder({ 'hub.yaml': catalog(), 'keys.json': JSON.stringify(keys), 'shop/planes.csv': 'id,name\n7,Ada\n8,Grace\n', 'shop/crews.csv': 'id,name\n1,Ann\n' })
  readonly clock = new MovedClock()
  hub!: RunningHub

  async start(...flags: string[]): Promise<void> {
    this.hub = await startHub({ catalog: this.folder.catalog, clock: this.clock, flags: [`--auth-api-keys-file=${this.folder.folder}/keys.json`, '--limits-requests-per-minute=100000000', ...flags], headers: as('acme') })
  }

  async stop(): Promise<void> {
    await this.hub.close()
    this.folder.remove()
  }

  /** The whole answer, and what its header says of it. */
  async ask(query: string, variables: Record<string, unknown> = {}, headers: Record<string, string> = {}) {
    const response = await fetch(`${this.hub.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', ...as('acme'), ...headers }, body: JSON.stringify({ query, variables }) })
    return { cache: response.headers.get('x-cache'), text: await response.text() }
  }

  /** How an operation is answered when it is asked for twice. */
  async twice(query: string, variables: Record<string, unknown> = {}, headers: Record<string, string> = {}) {
    const [first, second] = [await this.ask(query, variables, headers), await this.ask(query, variables, headers)]
    expect(second.text).toBe(first.text)
    return [first.cache, second.cache]
  }

  async reason(query: string, headers: Record<string, string> = {}) {
    const { text } = await this.ask(query, {}, { 'x-hub-explain': '1', ...headers })
    return (JSON.parse(text) as { extensions: { hub: { cache: unknown } } }).extensions.hub.cache
  }

  async write(mutation: string): Promise<void> {
    const { errors } = await this.hub.query(`mutation { ${mutation} }`)
    expect(errors).toBeUndefined()
  }
}

const port = (id: string, name: string, country = 'NO') => `putPort(input: { id: "${id}", name: "${name}", country: "${country}" }) { id }`
const embedded = isEmbedded ? describe : describe.skip

for (const fastPath of [true, false]) {
  embedded(`an operation that says @cached, ${fastPath ? 'with' : 'without'} the fast path`, () => {
    const world = new World()
    beforeAll(async () => {
      await world.start(`--fast-path=${fastPath}`)
      await world.write(`${port('1', 'Oslo')} b: ${port('2', 'Bonn', 'DE')} putNote(input: { id: "n1", port: "1", body: "wet" }) { id } putDeed(input: { id: "d", name: "of acme" }) { id }`)
    }, 120_000)
    afterAll(() => world.stop())

    test('is answered from what is kept until something it was made from changes, with the bytes the reads would give', async () => {
      const cases: readonly (readonly [query: string, change: string])[] = [
        ['query @cached { port(id: "1") { name } }', port('1', 'Bergen')],
        ['query @cached { port(id: "9") { name } }', port('9', 'Tromso')],
        ['query @cached { portsByKey(keys: ["2", "none", "1"]) { name } }', 'removePort(id: "2")'],
        ['query @cached { ports(where: { country: { eq: "NO" } }) { totalCount nodes { id name } edges { cursor } } }', port('3', 'Hamar')],
        ['query @cached { note(id: "n1") { body atPort { name notes { nodes { id } } } } }', 'putNote(input: { id: "n2", port: "1", body: "dry" }) { id }'],
        ['query @cached { notes(where: { atPort: { country: { eq: "NO" } } }) { nodes { id } } }', port('1', 'Bergen', 'SE')],
        ['query @cached { ofPorts { nodes { country n } } }', port('4', 'Ulm', 'DE')],
      ]
      for (const [query, change] of cases) {
        const plain = query.replace('@cached ', '')
        expect([query, await world.twice(query)]).toEqual([query, ['MISS', 'HIT']])
        expect((await world.ask(query)).text).toBe((await world.ask(plain)).text)
        await world.write(change)
        const after = await world.ask(query)
        expect([query, after.cache, after.text]).toEqual([query, 'MISS', (await world.ask(plain)).text])
        expect((await world.ask(query)).cache).toBe('HIT')
      }
    })

    test('a change of other entries leaves an answer about one of them where it is', async () => {
      const query = 'query @cached { port(id: "1") { id name } }'
      expect(await world.twice(query)).toEqual(['MISS', 'HIT'])
      await world.write(port('77', 'Elsewhere'))
      expect((await world.ask(query)).cache).toBe('HIT')
    })

    test('variables, the operation\'s name, tenant and rights each have answers of their own', async () => {
      const query = 'query Named($id: ID = "1", $with: Boolean = true) @cached { port(id: $id) { id name @include(if: $with) } }'
      for (const variables of [{}, { id: '2' }, { id: '1' }, { with: false }, { id: '3', with: false }]) expect([variables, await world.twice(query, variables)]).toEqual([variables, ['MISS', 'HIT']])
      expect(await world.twice('query A @cached { port(id: "1") { country } }')).toEqual(['MISS', 'HIT'])
      const deed = 'query @cached { deed(id: "d") { name } deeds { totalCount } }'
      expect([await world.twice(deed), (await world.ask(deed)).text]).toEqual([['MISS', 'HIT'], '{"data":{"deed":{"name":"of acme"},"deeds":{"totalCount":1}}}'])
      expect([await world.twice(deed, {}, as('globex')), (await world.ask(deed, {}, as('globex'))).text]).toEqual([['MISS', 'HIT'], '{"data":{"deed":null,"deeds":{"totalCount":0}}}'])
      expect(await world.twice(deed, {}, as('reader'))).toEqual(['MISS', 'HIT'])
      const refused = await world.ask(deed, {}, as('nobody'))
      expect([refused.cache, refused.text]).toEqual(['BYPASS', expect.stringContaining('FORBIDDEN')])
    })

    test('an entry that expires, alone or in a list, is a change at its moment', async () => {
      // Expired entries are taken out at whole seconds.
      world.clock.advance(500)
      await world.write('putVisit(input: { id: "v", port: "1" }) { id }')
      const [one, list] = ['query @cached { visit(id: "v") { id } }', 'query @cached { visits { totalCount nodes { id } } }']
      expect([await world.twice(one), await world.twice(list)]).toEqual([['MISS', 'HIT'], ['MISS', 'HIT']])
      world.clock.advance(59_999)
      expect([(await world.ask(one)).cache, (await world.ask(list)).cache]).toEqual(['HIT', 'HIT'])
      world.clock.advance(1)
      expect([await world.ask(one), await world.ask(list)]).toEqual([{ cache: 'MISS', text: '{"data":{"visit":null}}' }, { cache: 'BYPASS', text: '{"data":{"visits":{"totalCount":0,"nodes":[]}}}' }])
      world.clock.advance(1_000)
      // That it is gone is said once that is durable.
      await world.ask(one)
      expect([(await world.ask(one)).cache, await world.twice(list)]).toEqual(['HIT', ['MISS', 'HIT']])
    })

    test('a kept answer counts as a read of its entries, in their times and in the figures of their region', async () => {
      await world.write('putGuest(input: { id: "g" }) { id }')
      const query = 'query @cached { guest(id: "g") { id } }'
      expect(await world.twice(query)).toEqual(['MISS', 'HIT'])
      for (const _ of [1, 2, 3]) {
        world.clock.advance(40_000)
        expect((await world.ask(query)).cache).toBe('HIT')
      }
      const { data } = await world.hub.query<{ cacheRegion: { stats: unknown } }>('{ cacheRegion(name: "guests") { stats { hits misses } } }')
      expect(data?.cacheRegion.stats).toEqual({ hits: 5, misses: 0 })
      world.clock.advance(60_000)
      expect((await world.ask(query)).text).toBe('{"data":{"guest":null}}')
    })

    test('rows that were loaded are kept by their region; what a source answers is not', async () => {
      expect(await world.twice('query @cached { crews { nodes { name } } names { nodes { name n } } }')).toEqual(['MISS', 'HIT'])
      const [plane] = ['query @cached { plane(id: 7) { name } }']
      expect((await world.ask(plane)).cache).toBe('BYPASS')
      await world.hub.kept('planes', 1)
      expect(await world.twice(plane)).toEqual(['MISS', 'HIT'])
      expect((await world.ask('query @cached { plane(id: 99) { name } }')).cache).toBe('BYPASS')
    })

    test('an answer that nobody can keep right says why it is not kept', async () => {
      const reasons: readonly (readonly [string, string])[] = [
        ['query @cached { ofPlanes { nodes { name } } }', 'Table "shop.planes" does not tell the hub of its changes.'],
        ['query @cached { moments { nodes { seen } } }', 'A statement asks for the time, or for something drawn at random.'],
        ['query @cached { draws { nodes { drawn } } }', 'A statement asks for the time, or for something drawn at random.'],
        ['query @cached { cacheGet(region: "ports", key: "1") { version } port(id: "1") { name } }', '"Query.cacheGet" reads more than entries of regions and rows of views.'],
        ['query @cached { port(id: "1") { name } __schema { queryType { name } } }', 'The operation asks about the schema.'],
      ]
      for (const [query, reason] of reasons) {
        expect(await world.reason(query)).toEqual({ status: 'BYPASS', reason })
        expect((await world.ask(query)).cache).toBe('BYPASS')
      }
      expect(await world.reason('query @cached { crews { nodes { name } } }', { 'x-max-staleness-ms': '1000' })).toEqual({ status: 'BYPASS', reason: 'A read is bound by the age of what it reads, which grows by itself.' })
      expect(await world.reason('query @cached @consistency(maxStalenessMs: 60000) { crews { nodes { name } } }')).toEqual({ status: 'BYPASS', reason: 'A read is bound by the age of what it reads, which grows by itself.' })
    })

    test('who asks how it was answered is told that nothing was read', async () => {
      const query = 'query @cached { port(id: "1") { name country } }'
      const explained = async () => JSON.parse((await world.ask(query, {}, { 'x-hub-explain': '1' })).text) as { data: unknown; extensions: { hub: { reads: unknown[]; cache: unknown } } }
      const [first, second] = [await explained(), await explained()]
      expect([first.extensions.hub.reads.length, first.extensions.hub.cache, second.extensions.hub]).toEqual([1, { status: 'MISS' }, { reads: [], plan: { steps: [] }, cache: { status: 'HIT' } }])
      expect(second.data).toEqual(first.data)
      expect((await world.ask(query)).cache).toBe('HIT')
    })

    test('after the catalog was read again nothing kept before is given out', async () => {
      const query = 'query @cached { crews { nodes { id } } }'
      expect(await world.twice(query)).toEqual(['MISS', 'HIT'])
      world.folder.write({ 'hub.yaml': catalog('  - { from: Crew.name, to: Port.name, as: home }\n'), 'shop/crews.csv': 'id,name\n1,Ann\n2,Bob\n' })
      await world.hub.hub.reload()
      await world.hub.hub.refresh({ ...(await import('../support/scope.ts')).testScope() }, 'crews')
      expect((await world.ask(query)).text).toBe('{"data":{"crews":{"nodes":[{"id":1},{"id":2}]}}}')
    })
  })
}

embedded('operations that say @cached', () => {
  const world = new World()
  beforeAll(() => world.start(), 60_000)
  afterAll(() => world.stop())

  test('are asked of a subgraph elsewhere each time, also by two at a time, of whom one is given the other\'s answer', async () => {
    let rating = 0
    const reviews = await serveForeign('type Query { rating: Int }', { Query: { rating: () => ++rating } })
    try {
      world.folder.write({ 'hub.yaml': catalog().replace('relations:', `subgraphs:\n  reviews: { url: "${reviews.url}" }\nrelations:`) })
      await world.hub.hub.reload()
      const query = 'query @cached { rating port(id: "1") { name } }'
      for (const asked of [query, 'query @cached { rating }']) {
        for (let round = 0; round < 10; round++) {
          const answers = await Promise.all([1, 2, 3].map(() => world.ask(asked)))
          expect([asked, answers.map(({ cache }) => cache)]).toEqual([asked, ['BYPASS', 'BYPASS', 'BYPASS']])
        }
      }
      const last = rating
      expect((await world.ask(query)).text).toBe(`{"data":{"rating":${last + 1},"port":null}}`)
      expect(await world.reason(query)).toEqual({ status: 'BYPASS', reason: 'Subgraph "reviews" runs elsewhere and does not tell the hub of its changes.' })
      expect(reviews.requests.some(({ query: asked }) => asked.includes('cached'))).toBe(false)
    } finally {
      await reviews.close()
    }
  })

  test('are answered in parts where something of them is deferred, and as a whole for who takes no parts', async () => {
    await world.write(port('1', 'Oslo'))
    const query = 'query @cached { port(id: "1") { id ... @defer { name } } }'
    for (const _ of [1, 2]) {
      const response = await fetch(`${world.hub.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', accept: 'multipart/mixed;deferSpec=20220824, application/json', ...as('acme') }, body: JSON.stringify({ query }) })
      expect([response.headers.get('x-cache'), await response.text()]).toEqual([null, expect.stringContaining('Oslo')])
    }
    expect(await world.twice(query)).toEqual(['MISS', 'HIT'])
  })
})

embedded('a hub that gives kept answers no room', () => {
  const world = new World()
  beforeAll(() => world.start('--response-cache-max-bytes=0'), 60_000)
  afterAll(() => world.stop())

  test('answers @cached as if it were not there, and says so', async () => {
    const query = 'query @cached { port(id: "1") { name } }'
    expect(await world.twice(query)).toEqual(['BYPASS', 'BYPASS'])
    expect(await world.reason(query)).toEqual({ status: 'BYPASS', reason: 'The hub keeps no answers: the setting responseCache gives them no room.' })
  })

  test('@cached is for queries', async () => {
    for (const operation of ['mutation', 'subscription']) expect((await world.ask(`${operation} @cached { nothing }`)).text).toContain('Directive \\"@cached\\" may not be used on')
  })
})
