import { request } from 'node:http'
import { gzipSync } from 'node:zlib'
import { catalogFolder } from '../support/catalog-folder.ts'
import { startHub, type RunningHub } from '../support/hub.ts'
import { badInputFiles, badInputFolder } from './bad-input/world.ts'

interface Failure {
  readonly message: string
  readonly path?: readonly unknown[]
  readonly extensions: Readonly<Record<string, unknown>> & { readonly code: string }
}

/** Nothing of the inside: no place in the product's files, no stack, no engine's own words. */
const inside = /\bat [\w.]+ \(|node_modules|\.ts\b|\/tmp\/|\/work\/|TypeError|SyntaxError|RangeError|BigInt|E_GUARD|WASM|DuckDB|duckdb|live_[0-9a-f]|int128|SQLITE|Binder|Catalog Error/

describe('a hub that is asked wrongly', () => {
  const folder = badInputFolder()
  let hub: RunningHub
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog })
  }, 120_000)
  /** It goes on answering. */
  afterEach(async () => expect(await hub.query('{ airport(id: 1) { iata } airports { totalCount } routes { totalCount } }')).toEqual({ data: { airport: { iata: 'BER' }, airports: { totalCount: 3 }, routes: { totalCount: 2 } } }))
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  const refused = async (document: string, variables: Readonly<Record<string, unknown>> = {}): Promise<Failure> => {
    const { errors = [] } = await hub.query(document, variables)
    expect([document, variables, errors.length > 0]).toEqual([document, variables, true])
    for (const { message, extensions } of errors) {
      expect(message).not.toMatch(inside)
      expect(message.length).toBeGreaterThan(10)
      expect(extensions).toMatchObject({ code: expect.any(String), requestId: expect.any(String) })
      expect(extensions?.['code']).not.toBe('INTERNAL')
    }
    return errors[0] as Failure
  }
  const post = async (body: string | Buffer, headers: Readonly<Record<string, string>> = {}) => {
    const response = await fetch(`${hub.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json', ...headers }, body: typeof body === 'string' ? body : new Uint8Array(body) })
    return { status: response.status, text: await response.text() }
  }

  test('over HTTP says what is wrong with a body, and where', async () => {
    const bodies: [string | Buffer, number, RegExp][] = [
      ['{"query": "{ airports', 400, /not JSON.*line 1, column/], ['', 400, /./], ['null', 400, /./], ['5', 400, /./], ['[]', 400, /./], ['{}', 400, /./], ['{"query": 5}', 400, /./], ['{"query": ""}', 400, /./],
      ['{"query": "{ airports { totalCount } }", "variables": "x"}', 400, /variables/], ['{"query": "{ airports { totalCount } }", "operationName": "nope"}', 400, /nope/], ['{"query": "query a { airports { totalCount } } query b { airports { totalCount } }"}', 400, /operation/],
      [Buffer.from([0x7b, 0xff, 0x7d]), 400, /UTF-8/], [gzipSync('{"query":"{ airports { totalCount } }"}'), 400, /./],
    ]
    for (const [body, status, said] of bodies) {
      const answer = await post(body)
      expect([String(body), answer.status]).toEqual([String(body), status])
      expect(answer.text).toMatch(said)
      expect(answer.text).not.toMatch(inside)
      expect(JSON.parse(answer.text)).toMatchObject({ errors: [{ message: expect.any(String), extensions: { code: expect.any(String) } }] })
    }
  })

  test('refuses a body of 10 MB before it has come, whether its length is told or not', async () => {
    const chunk = Buffer.alloc(64 * 1024, 'x')
    for (const told of [true, false]) {
      let sent = 0
      const status = await new Promise<number>((resolve, reject) => {
        const outgoing = request(`${hub.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', ...(told ? { 'content-length': String(10 * 1024 * 1024) } : {}) } }, response => {
          response.resume()
          resolve(response.statusCode ?? 0)
          outgoing.destroy()
        })
        outgoing.on('error', reject)
        const push = () => {
          if (outgoing.destroyed || sent >= 10 * 1024 * 1024) return
          sent += chunk.length
          outgoing.write(chunk, () => setImmediate(push))
        }
        push()
      })
      expect(status).toBe(413)
      expect(sent).toBeLessThan(10 * 1024 * 1024)
    }
  })

  test.each<[string, string, string]>([
    ['a document that does not parse', '{ airports(', 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', '{ airprots { totalCount } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['an unknown argument', '{ airports(frist: 1) { totalCount } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['an unknown enum value', '{ airports(orderBy: [{ id: UP }]) { totalCount } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['a number beyond 32 bits', '{ airports(first: 99999999999) { totalCount } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['null where a value must be', '{ airport(id: null) { id } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['an unknown member of an input', 'mutation { putThing(input: { id: "x", name: "n", nmae: "n" }) { id } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['a missing member of an input', 'mutation { putThing(input: { id: "x" }) { id } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['a list that is too deep', `{ airports ${'{ nodes { departures { nodes { originAirport '.repeat(5)} { id } ${'} } } }'.repeat(5)} }`, 'QUERY_TOO_COMPLEX'],
    ['too many aliases', `{ ${Array.from({ length: 101 }, (_, index) => `a${index}: airport(id: 1) { id }`).join(' ')} }`, 'QUERY_TOO_COMPLEX'],
    ['too many fields at the root', `{ ${Array.from({ length: 31 }, (_, index) => `a${index}: __typename`).join(' ')} }`, 'QUERY_TOO_COMPLEX'],
    ['a list that may give too much', '{ airports(first: 1000) { nodes { departures(first: 1000) { nodes { originAirport { id } } } } } }', 'QUERY_TOO_COMPLEX'],
    ['too many tokens', `{ airport(id: 1) { ${'id '.repeat(10_001)} } }`, 'QUERY_TOO_COMPLEX'],
    ['a literal nested without end', `{ things(where: ${'{not: '.repeat(1500)}{}${'}'.repeat(1500)}) { totalCount } }`, 'QUERY_TOO_COMPLEX'],
    ['a JSON literal nested without end', `mutation { cachePut(region: "things", value: ${'['.repeat(4500)}${']'.repeat(4500)}) { key } }`, 'QUERY_TOO_COMPLEX'],
    ['first above 1000', '{ airports(first: 1001) { totalCount } }', 'BAD_USER_INPUT'],
    ['first below 0', '{ airports(first: -1) { totalCount } }', 'BAD_USER_INPUT'],
    ['first with last', '{ airports(first: 1, last: 1) { totalCount } }', 'BAD_USER_INPUT'],
    ['last with after', '{ airports(last: 1, after: "x") { totalCount } }', 'BAD_USER_INPUT'],
    ['an empty term of orderBy', '{ airports(orderBy: [{}]) { totalCount } }', 'BAD_USER_INPUT'],
    ['two members in a term of orderBy', '{ airports(orderBy: [{ id: ASC, name: DESC }]) { totalCount } }', 'BAD_USER_INPUT'],
    ['a comparison with null', '{ airports(where: { id: { eq: null } }) { totalCount } }', 'BAD_USER_INPUT'],
    ['a cursor nobody gave', '{ airports(after: "abc") { totalCount } }', 'BAD_CURSOR'],
    ['a cursor of nothing', '{ airports(after: "") { totalCount } }', 'BAD_CURSOR'],
    ['a pattern without end', `{ things(where: { name: { like: "${'%a'.repeat(600)}" } }) { totalCount } }`, 'BAD_USER_INPUT'],
    ['a region nobody declared', '{ cacheGet(region: "airprots", key: "1") { key } }', 'NOT_FOUND'],
    ['a write to what is loaded', 'mutation { cacheRemove(region: "airports", key: "1") }', 'FORBIDDEN'],
    ['a page of 0 rows', '{ unifiedQuery(sql: "SELECT 1", maxRows: 0) { rows } }', 'VALIDATION_ERROR'],
    ['a page of too many rows', '{ sqlQuery(query: "SELECT 1", pageSize: 10001) { rows } }', 'VALIDATION_ERROR'],
    ['lineage of nothing', '{ lineage(of: "Airprot") { root { id } } }', 'NOT_FOUND'],
  ])('refuses %s', async (_what, document, code) => {
    expect((await refused(document)).extensions.code).toBe(code)
  })

  test('names the nearest there is, what is taken, and the way out', async () => {
    const ways: [string, RegExp][] = [
      ['{ airprots { totalCount } }', /Did you mean "airport/], ['{ cacheGet(region: "airprots", key: "1") { key } }', /Did you mean "airports"/], ['{ airports(first: 1001) { totalCount } }', /0 to 1000.*cursor/], ['{ airports(where: { id: { eq: null } }) { totalCount } }', /isNull/],
      ['{ airport(id: "abc") { id } }', /"abc" is not a whole number/], ['{ cacheGet(region: "routes", key: "BER") { key } }', /JSON list of texts.*origin, destination/], ['{ unifiedQuery(sql: "SELECT * FROM hub.airprots") { rows } }', /Did you mean "hub.airports"/],
    ]
    for (const [document, way] of ways) {
      const { message, path, extensions } = await refused(document)
      expect(message).toMatch(way)
      if (extensions.code !== 'GRAPHQL_VALIDATION_FAILED') expect(path).toHaveLength(1)
    }
  })

  test('takes a key of the wrong form for a mistake at every door, and never finds another row by it', async () => {
    for (const id of ['abc', '', ' ', '1.5', '0x1', '1e400', '9'.repeat(30), '\u0000', '\ud800', "1' OR '1'='1", '1; DROP TABLE airports']) {
      for (const field of ['airport(id: $id) { id }', 'plane(id: $id) { id }', 'booking(number: $id) { number }', 'airportsByKey(keys: [$id]) { id }', 'cacheGet(region: "airports", key: $id) { key }', 'cacheGet(region: "planes", key: $id) { key }', 'cacheGet(region: "bookings", key: $id) { key }', 'cacheGet(region: "routes", key: $id) { key }', 'cacheGetAll(region: "planes", keys: ["7", $id]) { key }']) {
        const failure = await refused(`query ($id: ID!) { ${field} }`, { id })
        expect([field, id, failure.extensions.code]).toEqual([field, id, 'BAD_USER_INPUT'])
      }
    }
    for (const key of ['["BER"]', '["BER","OSL","ROM"]', '[1,2]', '{}', 'null', '"x"']) expect((await refused('query ($key: ID!) { cacheGet(region: "routes", key: $key) { key } }', { key })).extensions.code).toBe('BAD_USER_INPUT')
    const { data } = await hub.query('{ a: cacheGet(region: "planes", key: "07") { key } b: cacheGet(region: "routes", key: "[\\"BER\\",\\"OSL\\"]") { key } c: booking(number: "9007199254740993") { name } }')
    expect(data).toEqual({ a: { key: '7' }, b: { key: '["BER","OSL"]' }, c: { name: 'Ada' } })
  })

  test('refuses values that are none of their type, as variables and as literals', async () => {
    const values: Readonly<Record<string, readonly unknown[]>> = {
      int: [2 ** 31, 1.5, '1', true], long: ['9223372036854775808', 1.5, 1e300, 'x', '', {}], float: ['1', 'NaN', true], decimal: ['1e5', 'NaN', '1,5', '9'.repeat(39), `0.${'1'.repeat(39)}`, '1'.repeat(5_000), {}], flag: ['yes', 1, 'true'],
      day: ['2024-02-30', '99999-01-01', 'x', 20240101], at: ['2024-01-01', '2024-01-01T00:00:00', '2024-01-01T00:00:00+99:99', '2024-01-01T24:00:00Z', '0000-01-01T00:00:00+10:00', '9999-12-31T23:59:59-10:00', 'x', 0], local: ['2024-01-01T00:00:00Z', 'x'],
      time: ['24:00', '1:00', 'x'], uuid: ['x', '123e4567-e89b-12d3-a456-42661417400'], bytes: ['*', 'abc'], name: [5, true, ['x']],
    }
    for (const [field, given] of Object.entries(values)) {
      for (const value of given) {
        const variables = { input: { id: 'bad', name: 'n', [field]: value } }
        const failure = await refused('mutation ($input: ThingInput!) { putThing(input: $input) { id } }', variables)
        expect([variables, failure.extensions.code]).toEqual([variables, 'BAD_USER_INPUT'])
        expect(failure.message).toContain(field)
        expect((await refused(`mutation ($value: JSON!) { cachePut(region: "things", value: $value) { key } }`, { value: variables.input })).extensions.code).toBe('VALIDATION_ERROR')
      }
    }
    await refused('mutation ($input: ThingInput!) { putThing(input: $input) { id } }', { input: { id: 'bad', name: null } })
    expect((await hub.query('{ things { totalCount } }')).data).toEqual({ things: { totalCount: 0 } })
  }, 120_000)

  test('takes 10,000 keys and refuses 10,001', async () => {
    const keys = Array.from({ length: 10_001 }, (_, index) => index + 1)
    for (const document of ['query ($keys: [ID!]!) { airportsByKey(keys: $keys) { id } }', 'query ($keys: [ID!]!) { cacheGetAll(region: "planes", keys: $keys) { key } }']) {
      const { message, extensions } = await refused(document, { keys })
      expect([extensions.code, message]).toEqual(['PAYLOAD_TOO_LARGE', expect.stringMatching(/takes 10,?000 at once/)])
      expect((await hub.query(document, { keys: keys.slice(0, 10_000) })).errors).toBeUndefined()
    }
    const { data } = await hub.query<{ busyByKey: unknown[] }>('query ($keys: [BusyRouteKey!]!) { busyByKey(keys: $keys) { routes } }', { keys: keys.slice(0, 10_000).map(key => ({ origin: key === 10_000 ? 'BER' : `X${key}`, destination: 'OSL' })) })
    expect([data?.busyByKey.length, data?.busyByKey.at(-1), data?.busyByKey[0]]).toEqual([10_000, { routes: 1 }, null])
  }, 120_000)

  test('ends a pattern of many wildcards at once, in memory and in the engine', async () => {
    await hub.query('mutation ($input: ThingInput!) { putThing(input: $input) { id } }', { input: { id: 'long', name: 'a'.repeat(5_000), iata: 'BER' } })
    for (const like of [`${'%a'.repeat(30)}%b`, `${'%a_'.repeat(30)}%b`, `${'_%'.repeat(100)}b`]) {
      const document = 'query ($like: String!, $sql: String!) { things(where: { name: { like: $like } }) { totalCount } airports(where: { things: { name: { like: $like } } }) { totalCount } sqlQuery(query: $sql) { rows } }'
      expect(await hub.query(document, { like, sql: `SELECT count(*) FROM hub.things WHERE name LIKE '${like}'` })).toEqual({ data: { things: { totalCount: 0 }, airports: { totalCount: 0 }, sqlQuery: { rows: [[0]] } } })
    }
    const found = `${'%a_'.repeat(30)}%a`
    expect((await hub.query('query ($like: String!) { things(where: { name: { like: $like } }) { totalCount } airports(where: { things: { name: { like: $like } } }) { totalCount } }', { like: found })).data).toEqual({ things: { totalCount: 1 }, airports: { totalCount: 1 } })
    await hub.query('mutation { removeThing(id: "long") }')
  }, 120_000)

  test('binds every text of the typed graph: what looks like SQL is a text that no row has', async () => {
    await hub.query('mutation { putThings(input: [{ id: "1", name: "Ada", iata: "BER" }, { id: "2", name: "O\'Hara", iata: "OSL" }]) { id } }')
    const texts = ["' OR '1'='1", "'; DROP TABLE hub.things; --", "x' UNION SELECT name FROM shop.planes --", '" OR 1=1 --', "\\' OR 1=1", '$1', '?', ':name', '{{x}}', "Ada'--", '\u0000', '\ud800', '%', '_da']
    const document = `query ($text: String!, $id: ID!) {
      eq: things(where: { name: { eq: $text } }) { totalCount } in: things(where: { name: { in: [$text] } }) { totalCount } starts: things(where: { name: { startsWith: $text } }) { totalCount }
      far: airports(where: { things: { name: { eq: $text } } }) { totalCount } farIn: airports(where: { things: { name: { in: [$text] } } }) { totalCount } farStarts: airports(where: { things: { name: { startsWith: $text } } }) { totalCount }
      source: planes(where: { name: { eq: $text } }) { totalCount } sourceStarts: planes(where: { name: { startsWith: $text } }) { totalCount } view: busy(where: { origin: { eq: $text } }) { totalCount }
      key: thing(id: $id) { id } keys: thingsByKey(keys: [$id]) { id } pair: route(origin: $id, destination: $id) { miles } viewKey: busyRoute(origin: $id, destination: $id) { routes }
    }`
    const none = { totalCount: 0 }
    for (const text of texts) {
      expect([text, await hub.query(document, { text, id: text })]).toEqual([text, { data: { eq: none, in: none, starts: none, far: none, farIn: none, farStarts: none, source: none, sourceStarts: none, view: none, key: null, keys: [null], pair: null, viewKey: null } }])
      const like = await hub.query<Record<string, { totalCount: number }>>('query ($text: String!) { near: things(where: { name: { like: $text } }) { totalCount } far: things(where: { name: { like: $text }, airport: { id: { gt: 0 } } }) { totalCount } }', { text })
      const expected = { totalCount: text === '%' ? 2 : text === '_da' ? 1 : 0 }
      expect([text, like.data]).toEqual([text, { near: expected, far: expected }])
      for (const argument of ['after', 'before']) expect((await refused(`query ($text: String!) { planes(${argument}: $text, ${argument === 'after' ? 'first' : 'last'}: 1) { totalCount } }`, { text })).extensions.code).toBe('BAD_CURSOR')
      expect((await refused('query ($text: Direction) { planes(orderBy: [{ name: $text }]) { totalCount } }', { text })).extensions.code).toBe('BAD_USER_INPUT')
    }
    expect((await hub.query('{ eq: things(where: { name: { eq: "O\'Hara" } }) { totalCount } far: airports(where: { things: { name: { eq: "O\'Hara" } } }) { nodes { iata } } }')).data).toEqual({ eq: { totalCount: 1 }, far: { nodes: [{ iata: 'OSL' }] } })
    await hub.query('mutation { clearCacheRegion(name: "things") }')
  }, 120_000)

  test('keeps a condition through a relation together, whatever words it is made of', async () => {
    await hub.query('mutation { putThings(input: [{ id: "1", name: "Ada", iata: "BER" }, { id: "2", name: "Bob", iata: "OSL" }]) { id } }')
    const { data } = await hub.query('{ airports(where: { things: { or: [{ name: { eq: "Ada" } }, { name: { eq: "nobody" } }] } }) { nodes { iata } } }')
    expect(data).toEqual({ airports: { nodes: [{ iata: 'BER' }] } })
    await hub.query('mutation { clearCacheRegion(name: "things") }')
  })

  test.each<[sql: string, params: readonly unknown[], code: string, codeOfSqlQuery?: string]>([
    ['', [], 'SQL_ERROR'], [';', [], 'SQL_ERROR'], ["SELECT 'x", [], 'SQL_ERROR'], ['SELECT * FROM nope', [], 'NOT_FOUND', 'SQL_ERROR'], ['SELECT nope FROM hub.things', [], 'SQL_ERROR'], ['SELECT 1; SELECT 2', [], 'BAD_USER_INPUT'], ['DROP TABLE x', [], 'READ_ONLY_SQL'],
    ['SELECT ?', [], 'VALIDATION_ERROR'], ['SELECT ?', [1, 2], 'VALIDATION_ERROR'], ['SELECT ?', [[1]], 'VALIDATION_ERROR'], ['SELECT 1 / 0', [], 'SQL_ERROR'], ["SELECT CAST('x' AS integer)", [], 'SQL_ERROR'], [`SELECT ${'('.repeat(5_000)}1${')'.repeat(5_000)}`, [], 'SQL_ERROR'],
    [`SELECT ${'1+'.repeat(20_000)}1`, [], 'SQL_ERROR'], [`SELECT '${'x'.repeat(300_000)}'`, [], 'PAYLOAD_TOO_LARGE'], ['SELECT * FROM range(100000000000)', [], 'SQL_UNSUPPORTED'], ["SELECT repeat('x', 10000000000)", [], 'SQL_ERROR'], ['\u0000', [], 'BAD_USER_INPUT'],
  ])('refuses the statement %#', async (sql, params, code, codeOfSqlQuery = code) => {
    expect((await refused('query ($sql: String!, $params: [JSON]) { unifiedQuery(sql: $sql, params: $params) { rows } }', { sql, params })).extensions.code).toBe(code)
    expect((await refused('query ($sql: String!, $params: [JSON]) { sqlQuery(query: $sql, params: $params) { rows } }', { sql, params })).extensions.code).toBe(codeOfSqlQuery)
  })

  test('refuses filters and cursors of subscriptions that are none', async () => {
    const refusal = async (document: string, variables: Readonly<Record<string, unknown>>) => {
      const events = hub.subscribe(document, variables)
      const errors = await events.next().then(({ value }) => value?.errors, (failed: readonly { message: string; extensions?: Record<string, unknown> }[]) => failed)
      await events.return()
      expect(JSON.stringify(errors)).not.toMatch(inside)
      return errors?.map(error => error.extensions?.['code'])
    }
    const filters = [{ and: 5 }, { or: 'x' }, { not: 5 }, { and: [5] }, 5, 'x', [1], { id: 5 }, { id: { in: null } }, { id: { like: 5 } }, { id: { nope: 1 } }, { nope: { eq: 1 } }, { airport: { name: { eq: 'x' } } }, { at: { eq: '+99' } }, { json: { eq: 1 } }, { int: { like: '1%' } }, { flag: { gt: true } }, { id: { isNull: 'x' } }]
    for (const where of filters) expect([where, await refusal('subscription ($where: JSON) { cacheChanges(region: "things", where: $where) { key } }', { where })]).toEqual([where, ['BAD_USER_INPUT']])
    expect(await refusal('subscription { cacheChanges(region: "nope") { key } }', {})).toEqual(['NOT_FOUND'])
    expect(await refusal('subscription { thingChanged(after: "abc") { key } }', {})).toEqual(['BAD_CURSOR'])
  }, 120_000)

  test('bounds how deep filters in variables nest', async () => {
    const nested = (depth: number) => Array.from({ length: depth }).reduce<unknown>(inner => ({ not: inner }), { id: { eq: 'x' } })
    const document = 'query ($where: ThingFilter) { things(where: $where) { totalCount } airports(where: { things: $where }) { totalCount } }'
    expect((await refused(document, { where: nested(100) })).extensions.code).toBe('QUERY_TOO_COMPLEX')
    expect((await refused(document, { where: nested(45) })).message).toMatch(/nests too deeply/)
    expect((await hub.query(document, { where: nested(10) })).errors).toBeUndefined()
  })
})

describe('files that cannot be read', () => {
  const withShop = (shop: string, files: Readonly<Record<string, string>>, table = 'rows') =>
    catalogFolder({ 'hub.yaml': `sources:\n  shop: ${shop}\nregions:\n  rows: { type: Row, key: id, load: { source: shop, table: ${table}, eager: true } }\n`, ...files })
  const tables = (file: string, more = '') => `{ type: files, root: ./shop, tables: { rows: { file: ${file} } }${more} }`

  test.each<[string, string, Readonly<Record<string, string>>, RegExp]>([
    ['is missing', tables('rows.csv'), { 'shop/row.csv': 'id\n1\n' }, /rows\.csv/],
    ['is JSON cut short', tables('rows.json'), { 'shop/rows.json': '[{"id": 1}, {"id": 2' }, /rows\.json/],
    ['is Parquet cut short', tables('rows.parquet'), { 'shop/rows.parquet': 'PAR1 and nothing more' }, /rows\.parquet/],
    ['has more bad rows than its limit', tables('rows.csv', ', quarantineLimit: 1'), { 'shop/rows.csv': 'id,name\n1,a\n2,b,c\n3\n4,d\n' }, /2 of its 4 rows.*line 3.*raise quarantineLimit/],
    ['lies outside of the root', tables('../hub.yaml'), { 'shop/x.csv': 'id\n1\n' }, /leads out of its source's root/],
  ])('keep the hub from starting where one %s, with the place in the catalog', async (_what, shop, files, said) => {
    const folder = withShop(shop, files)
    const failure = await startHub({ catalog: folder.catalog }).then(() => undefined, (error: unknown) => error as { code: string; details: { problems: { message: string }[] } })
    expect(failure).toMatchObject({ code: 'CATALOG_INVALID', details: { problems: [{ path: expect.stringMatching(/^sources\.shop/), message: expect.stringMatching(said), file: folder.catalog, line: expect.any(Number), column: expect.any(Number) }] } })
    expect(failure?.details.problems[0]?.message).not.toMatch(/duckdb|node_modules|\bat \w+ \(/)
    folder.remove()
  }, 120_000)

  test('are served without the rows of wrong width and the lines that are no text, which are counted by line', async () => {
    const folder = withShop('{ type: files, root: ./shop }', { 'shop/rows.csv': 'id,name\n1,Ada\n2,too,wide\n3\n4,Grace\n' })
    const hub = await startHub({ catalog: folder.catalog })
    try {
      expect((await hub.query('{ rows { nodes { id name } } tableSchema(catalog: "shop", table: "rows") { quarantined quarantineSamples { line reason } } }')).data).toEqual({
        rows: { nodes: [{ id: 1, name: 'Ada' }, { id: 4, name: 'Grace' }] }, tableSchema: { quarantined: 2, quarantineSamples: [{ line: 3, reason: expect.any(String) }, { line: 4, reason: expect.any(String) }] },
      })
    } finally {
      await hub.close()
      folder.remove()
    }
  }, 120_000)

  test('keep the graph that serves when an edit of the catalog leads to one', async () => {
    const folder = catalogFolder(badInputFiles)
    const hub = await startHub({ catalog: folder.catalog })
    try {
      folder.write({ 'hub.yaml': badInputFiles['hub.yaml']?.replace('table: airports', 'table: airprots') ?? '' })
      await expect(hub.hub.reload()).rejects.toMatchObject({ code: 'CATALOG_INVALID' })
      expect((await hub.query('{ airports { totalCount } }')).data).toEqual({ airports: { totalCount: 3 } })
    } finally {
      await hub.close()
      folder.remove()
    }
  }, 120_000)
})
