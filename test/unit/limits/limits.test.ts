import { buildSchema, getOperationAST, parse } from 'graphql'
import fc from 'fast-check'
import { costOf, refuseAbove } from '../../../gateway/limits/cost.ts'
import { TextCache } from '../../../gateway/limits/lru.ts'
import { PersistedDocuments, sha256 } from '../../../gateway/limits/persisted.ts'
import { RateLimit } from '../../../gateway/limits/rate.ts'
import { limitsSettings, persistedSettings } from '../../../gateway/limits/settings.ts'
import { ShapeCheck, shapesOf } from '../../../gateway/limits/shape.ts'
import { MovedClock } from '../../support/scope.ts'

const schema = buildSchema(/* GraphQL */ `
  type Query {
    airport(id: ID!): Airport
    airports(first: Int, last: Int, after: String): AirportConnection!
    top(first: Int = 5): AirportConnection!
    airportsByKey(keys: [ID!]!): [Airport]!
    problems: [Problem!]!
    node: Node
  }
  interface Node { id: ID! }
  type Airport implements Node { id: ID! name: String departures(first: Int): DepartureConnection! country: Country tags: [String!]! }
  type Country implements Node { id: ID! airports(first: Int): AirportConnection! }
  type Problem { message: String! at: Airport }
  type AirportConnection { edges: [AirportEdge!]! nodes: [Airport!]! totalCount: Int! pageInfo: PageInfo! }
  type AirportEdge { cursor: String! node: Airport! }
  type DepartureConnection { edges: [DepartureEdge!]! nodes: [Departure!]! }
  type DepartureEdge { cursor: String! node: Departure! }
  type Departure { id: ID! }
  type PageInfo { hasNextPage: Boolean! }
`)

const cost = (text: string, variables: Record<string, unknown> = {}) => {
  const document = parse(text)
  const operation = getOperationAST(document)
  if (!operation) throw new Error('The test needs an operation.')
  return costOf(schema, document, operation, 50)(variables)
}

describe('the cost of an operation is the rows it can return', () => {
  const figures: readonly [string, number, Record<string, unknown>?][] = [
    ['{ __typename }', 0],
    ['{ __schema { types { fields { args { name } } } } }', 0],
    ['{ airport(id: 1) { id tags } }', 1],
    ['{ airport(id: 1) { country { id } } }', 2],
    ['{ airports { nodes { id } totalCount pageInfo { hasNextPage } } }', 50],
    ['{ airports(first: 10) { nodes { id } edges { cursor node { id } } } }', 10],
    ['{ airports(last: 7) { totalCount } }', 7],
    ['{ top { nodes { id } } }', 5],
    ['{ top(first: 3) { nodes { id } } }', 3],
    ['{ airports(first: 10) { nodes { country { id } } } }', 20],
    ['{ airports(first: 10) { nodes { departures(first: 4) { nodes { id } } } } }', 50],
    ['{ airports(first: 10) { edges { node { departures(first: 4) { edges { node { id } } } } } } }', 50],
    ['query($n: Int) { airports(first: $n) { nodes { id } } }', 12, { n: 12 }],
    ['query($n: Int = 8) { airports(first: $n) { nodes { id } } }', 8],
    ['query($n: Int = 8) { airports(first: $n) { nodes { id } } }', 50, { n: null }],
    ['{ airportsByKey(keys: [1, 2, 3]) { id country { id } } }', 6],
    ['query($k: [ID!]!) { airportsByKey(keys: $k) { id } }', 4, { k: [1, 2, 3, 4] }],
    ['{ problems { message at { id } } }', 100],
    ['{ a: airport(id: 1) { id } b: airport(id: 2) { id } }', 2],
    ['{ airport(id: 1) { id } airport(id: 1) { country { id } } }', 2],
    ['{ airports(first: 10) { ...A ...B } } fragment A on AirportConnection { nodes { country { id } } } fragment B on AirportConnection { nodes { country { id } name } }', 20],
    ['{ airport(id: 1) { ... on Node { id } country @skip(if: true) { id } departures(first: 900) @include(if: false) { nodes { id } } } }', 1],
    ['query($all: Boolean!) { airport(id: 1) { country @include(if: $all) { id } } }', 1, { all: false }],
    ['query($all: Boolean!) { airport(id: 1) { country @include(if: $all) { id } } }', 2, { all: true }],
    ['{ node { ... on Airport { country { id } } ... on Country { airports(first: 3) { nodes { id } } } } }', 5],
  ]
  for (const [text, expected, variables] of figures) {
    test(`${expected} of ${text} with ${JSON.stringify(variables ?? {})}`, () => {
      expect(cost(text, variables)).toBe(expected)
    })
  }

  test('is counted anew for other variables, of sizes and of conditions', () => {
    const document = parse('query($n: Int = 5, $k: [ID!], $all: Boolean!) { airports(first: $n) { nodes { country @include(if: $all) { id } } } airportsByKey(keys: $k) { id } }')
    const counted = costOf(schema, document, getOperationAST(document)!, 50)
    expect([{ n: 3, k: [1, 2], all: true }, { n: 3, k: [1, 2], all: false }, { k: ['a'], all: true }, { n: 4, k: null, all: true }, { n: -1, k: 'a', all: true }].map(counted)).toEqual([8, 5, 11, 58, 1])
  })

  test('nested lists multiply: n lists of f rows cost f + f² + … + fⁿ', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 20 }), (depth, first) => {
        const nested = Array.from({ length: depth }).reduce<string>(inner => `country { airports(first: ${first}) { nodes { id ${inner} } } }`, '')
        // Each level is one country for each row above, and its airports.
        const expected = Array.from({ length: depth }).reduce<number>(below => 1 + first * (1 + below), 0)
        expect(cost(`{ airport(id: 1) { id ${nested} } }`)).toBe(1 + expected)
      }),
    )
  })

  test('is refused above the limit, with the figure and the limit', () => {
    const found = cost('{ airports(first: 1000) { nodes { departures(first: 1000) { nodes { id } } } } }')
    expect(() => refuseAbove(limitsSettings.parse({ maxCost: 1_000_000 }), found)).toThrow(
      expect.objectContaining({ code: 'QUERY_TOO_COMPLEX', message: expect.stringContaining('1001000 rows (limit 1000000)'), details: { found: { cost: 1_001_000 }, limits: { cost: 1_000_000 } } }),
    )
  })
})

describe('the shape of a document', () => {
  test('is counted with fragments spread', () => {
    const document = parse('query @a { x: one { ...F @b } two { ...F } } fragment F on T { y: deep { deeper } ... on T { z } }')
    expect(shapesOf(document)).toEqual([{ depth: 3, fields: 8, rootFields: 2, aliases: 3, directives: 2 }])
  })

  test('that doubles with every fragment is counted without walking it', () => {
    const fragments = Array.from({ length: 60 }, (_, index) => `fragment F${index} on T { a { ...F${index + 1} } b { ...F${index + 1} } }`)
    const [shape] = shapesOf(parse(`{ ...F0 } ${fragments.join(' ')} fragment F60 on T { c }`))
    expect(shape?.fields).toBeGreaterThan(2 ** 60)
  })

  test('of fragments that spread themselves ends', () => {
    expect(shapesOf(parse('{ ...A } fragment A on T { a { ...B } } fragment B on T { b { ...A } }'))[0]?.fields).toBe(2)
  })

  test.each([
    ['depth', { maxDepth: 3 }, '{ a { b { c { d } } } }', /4 fields inside one another \(limit 3\)/],
    ['fields', { maxFields: 2 }, '{ a b c }', /3 fields \(limit 2\)/],
    ['fields at the root', { maxRootFields: 2 }, '{ a ...F } fragment F on Query { b c }', /3 fields at its root \(limit 2\)/],
    ['aliases', { maxAliases: 1 }, '{ x: a y: a }', /2 aliases \(limit 1\)/],
    ['directives', { maxDirectives: 2 }, '{ a @x @x @x }', /3 directives \(limit 2\)/],
    ['tokens', { maxTokens: 5 }, '{ a b c d e }', /more than 5 tokens/],
    ['several at once', { maxFields: 2, maxAliases: 0 }, '{ x: a b c }', /3 fields \(limit 2\), 1 aliases \(limit 0\)/],
  ])('is refused for its %s, with the figure and the limit', (_what, limits, text, sentence) => {
    expect(() => new ShapeCheck(limitsSettings.parse(limits)).check(text)).toThrow(expect.objectContaining({ code: 'QUERY_TOO_COMPLEX', message: expect.stringMatching(sentence) }))
  })

  test('of a document that nests tens of thousands of lists is refused, not fatal', () => {
    const check = new ShapeCheck(limitsSettings.parse({ maxTokens: 1_000_000 }))
    expect(() => check.check(`{ a(x: ${'['.repeat(100_000)}`)).toThrow(expect.objectContaining({ code: 'QUERY_TOO_COMPLEX' }))
  })

  test('is looked at once: the introspection of GraphiQL passes, and so does what the parser will refuse', async () => {
    const { getIntrospectionQuery } = await import('graphql')
    const check = new ShapeCheck(limitsSettings.parse({}))
    expect(() => check.check(getIntrospectionQuery({ inputValueDeprecation: true, oneOf: true, specifiedByUrl: true }))).not.toThrow()
    expect(() => check.check('{')).not.toThrow()
  })
})

describe('the rate', () => {
  test('lets a minute\'s worth through at once, then one at a time, and says when', () => {
    const clock = new MovedClock()
    const rate = new RateLimit(60, clock)
    for (let count = 0; count < 60; count++) rate.take('ann')
    expect(() => rate.take('ann')).toThrow(expect.objectContaining({ code: 'RATE_LIMITED', details: { retryAfterSeconds: 1, limits: { requestsPerMinute: 60 } } }))
    expect(() => rate.take('bob')).not.toThrow()
    clock.advance(1_000)
    expect(() => rate.take('ann')).not.toThrow()
    expect(() => rate.take('ann')).toThrow()
  })

  test('never lets more through than a bucket and what filled it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 200 }), (perMinute, waits) => {
        const clock = new MovedClock()
        const rate = new RateLimit(perMinute, clock)
        let taken = 0
        let waited = 0
        for (const wait of waits) {
          clock.advance(wait)
          waited += wait
          try {
            rate.take('ann')
            taken += 1
          } catch {
            // Counted by not counting.
          }
        }
        expect(taken).toBeLessThanOrEqual(perMinute + (waited * perMinute) / 60_000 + 1e-6)
      }),
    )
  })

  test('forgets callers whose bucket is full again', () => {
    const clock = new MovedClock()
    const rate = new RateLimit(10, clock)
    for (let count = 0; count < 1_000; count++) rate.take(`caller ${count}`)
    clock.advance(60_000)
    rate.take('ann')
    expect(rate.callers).toBe(1)
  })
})

describe('persisted documents', () => {
  const text = '{ hello }'
  const hash = sha256(text)
  const named = (sha256Hash: unknown, version: unknown = 1) => ({ extensions: { persistedQuery: { version, sha256Hash } } })

  test('are registered under their hash and found by it', () => {
    const persisted = new PersistedDocuments(persistedSettings.parse({}))
    expect(() => persisted.resolve(named(hash))).toThrow(expect.objectContaining({ code: 'PERSISTED_QUERY_NOT_FOUND', message: 'PersistedQueryNotFound' }))
    persisted.register(hash, text)
    expect(persisted.resolve(named(hash))).toBe(text)
  })

  test.each([[named(sha256('other')), /its SHA-256 is/], [named('xyz'), /64 lower case/], [named(hash, 2), /version is 2/]])('are refused under %j', (reference, sentence) => {
    expect(() => new PersistedDocuments(persistedSettings.parse({})).resolve({ query: text, ...reference })).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT', message: expect.stringMatching(sentence) }))
  })

  test('of the trusted list are the only ones where only the list is taken, by hash or by text', () => {
    const persisted = new PersistedDocuments(persistedSettings.parse({ mode: 'only', trusted: { [hash]: text } }))
    persisted.register(sha256('{ other }'), '{ other }')
    expect([persisted.resolve(named(hash)), persisted.resolve({ query: text })]).toEqual([text, text])
    for (const reference of [{ query: '{ other }' }, named(sha256('{ other }'))]) expect(() => persisted.resolve(reference)).toThrow(expect.objectContaining({ code: 'UNTRUSTED_DOCUMENT' }))
  })

  test('of a list with a wrong hash are refused at the start', () => {
    expect(() => new PersistedDocuments(persistedSettings.parse({ trusted: { [sha256('x')]: text } }))).toThrow(expect.objectContaining({ code: 'VALIDATION_ERROR', message: expect.stringContaining(hash) }))
  })
})

test('a cache of texts keeps within its bounds, the longest unused going first', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), fc.string({ maxLength: 20 }), fc.boolean()), { maxLength: 60 }), steps => {
      const cache = new TextCache(3, 60)
      let model: [string, string][] = []
      for (const [name, text, write] of steps) {
        const known = model.find(([other]) => other === name)
        if (!write) {
          expect(cache.get(name)).toBe(known?.[1])
          if (known) model = [...model.filter(each => each !== known), known]
          continue
        }
        cache.set(name, text)
        model = model.filter(each => each !== known)
        if (2 * (name.length + text.length) <= 60) model.push([name, text])
        while (model.length > 3 || model.reduce((sum, [key, value]) => sum + 2 * (key.length + value.length), 0) > 60) model.shift()
      }
      expect(cache.size).toBe(model.length)
      for (const [name, text] of model) expect(cache.get(name)).toBe(text)
    }),
  )
})
