import { createHash } from 'node:crypto'
import { catalogFolder } from '../support/catalog-folder.ts'
import { startHub, type RunningHub } from '../support/hub.ts'
import type { HubError } from '../../schema/errors.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const keys = [
  { id: 'acme', tenant: 'acme', scopes: ['*'] }, { id: 'globex', tenant: 'globex', scopes: ['*'] }, { id: 'reader', tenant: 'acme', scopes: ['cache:read', 'catalog:read'] }, { id: 'nobody', tenant: 'acme', scopes: [] },
]
const files = {
  'keys.json': JSON.stringify(keys.map(key => ({ ...key, sha256: sha256(`key of ${key.id}`) }))),
  'hub.yaml': `
regions:
  user_sessions: { key: session_token, fields: { session_token: ID!, user_id: String!, opened_on: Date, visits: Long, balance: Decimal } }
  notes: { key: id, tenancy: SHARED, fields: { id: ID!, note: String } }
  secrets: { type: Hidden, key: id, fields: { id: ID!, text: String } }
views:
  visits: { type: VisitsOfUser, key: user_id, sql: 'SELECT user_id, sum(visits) AS visits FROM user_sessions GROUP BY 1' }
endpoints:
  notes/by-id:
    description: One note.
    cacheRegions: [notes]
    query: SELECT note FROM notes WHERE id = {id}
    cacheKeyPattern: note:{id}
    ttlSeconds: 600
    strict: true
`,
}

/** H-45's sample, in the names of REST and of the graph. */
const sample = { path: 'session/validate', cache_regions: ['user_sessions'], query_template: "SELECT * FROM user_sessions WHERE session_token = '{token}'", cache_key_pattern: 'session:{token}', ttl_seconds: 60 }
const graphSample = { path: 'session/validate', cacheRegions: ['user_sessions'], query: sample.query_template, cacheKeyPattern: 'session:{token}', ttlSeconds: 60 }

const register = 'mutation ($input: ApiEndpointInput!) { registerApiEndpoint(input: $input) { endpoint { path field description cacheRegions { name } query cacheKeyPattern ttlSeconds strict parameters { name type list required } } } }'
const call = 'query ($path: String!, $params: JSONObject!) { apiQuery(path: $path, params: $params) { rows rowCount cache { status ageMs ttlSeconds } tookMs warnings } }'
const put = 'mutation ($region: String!, $value: JSON!) { cachePut(region: $region, value: $value) { key } }'

interface Called {
  readonly rows: readonly Record<string, unknown>[]
  readonly rowCount: number
  readonly cache: { readonly status: string; readonly ageMs: number; readonly ttlSeconds: number }
  readonly warnings: readonly string[]
}

describe('endpoints', () => {
  const folder = catalogFolder(files)
  const as = (id: string) => ({ 'x-api-key': `key of ${id}` })
  let hub: RunningHub
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog, flags: [`--auth-api-keys-file=${folder.folder}/keys.json`], headers: as('acme') })
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  const rest = async (method: string, path: string, body?: unknown, headers: Record<string, string> = as('acme')) => {
    const response = await fetch(`${hub.url}/api/v1/dih/${path}`, { method, headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body) })
    const text = await response.text()
    return { status: response.status, headers: response.headers, type: response.headers.get('content-type'), body: (text === '' ? undefined : JSON.parse(text)) as never as Record<string, unknown> & { errors: readonly { loc: unknown[]; msg: string }[] } }
  }
  const ask = async (path: string, params: Readonly<Record<string, unknown>>, tenant = 'acme') => {
    const answer = await hub.query<{ apiQuery: Called }>(call, { path, params }, as(tenant))
    expect(answer.errors).toBeUndefined()
    return answer.data?.apiQuery as Called
  }
  const problem = async (answer: ReturnType<RunningHub['query']>) => {
    const { errors = [] } = await answer
    expect(errors).toHaveLength(1)
    const { message = '', extensions = {} } = errors[0] ?? {}
    return { code: extensions['code'], message, places: ((extensions['problems'] ?? []) as { path: string }[]).map(one => one.path) }
  }
  const write = (region: string, value: unknown, tenant = 'acme') => hub.query(put, { region, value }, as(tenant)).then(answer => expect(answer.errors).toBeUndefined())

  test('H-45 H-46 H-50 the sample is registered and called by REST as the source writes it', async () => {
    const made = await rest('POST', 'api-endpoints', sample)
    expect(made).toMatchObject({ status: 201, body: { ...sample, strict: false, parameters: [{ name: 'token', type: 'String', list: false, required: true }] } })
    expect(made.headers.get('location')).toBe('/api/v1/dih/query/session/validate')
    await write('user_sessions', { sessionToken: 'abc123', userId: 'ada', openedOn: '2024-01-31', visits: '9007199254740993', balance: '12.50' })
    const first = await rest('POST', 'query/session/validate', { token: 'abc123' })
    const row = { session_token: 'abc123', user_id: 'ada', opened_on: '2024-01-31', visits: '9007199254740993', balance: '12.50' }
    expect(first).toMatchObject({ status: 200, body: { rows: [row], row_count: 1, cache: { status: 'MISS', age_ms: 0, ttl_seconds: 60 }, warnings: [] } })
    expect([first.headers.get('x-cache'), first.headers.get('age')]).toEqual(['MISS', '0'])
    const second = await rest('POST', 'query/session/validate', { token: 'abc123' })
    expect(second).toMatchObject({ status: 200, body: { rows: [row], cache: { status: 'HIT' } } })
    expect(second.headers.get('x-cache')).toBe('HIT')
    expect(await ask('session/validate', { token: 'abc123' })).toMatchObject({ rows: [row], cache: { status: 'HIT', ttlSeconds: 60 } })
  })

  test('H-50 each endpoint is a field of ApiQueries with its parameters as arguments, and shares its results with the path', async () => {
    const { data } = await hub.query('{ apiQueries { session_validate(token: "abc123") { rowCount cache { status } } notes_by_id(id: "none") { rows } } }')
    expect(data).toEqual({ apiQueries: { session_validate: { rowCount: 1, cache: { status: 'HIT' } }, notes_by_id: { rows: [] } } })
    expect(await problem(hub.query('{ apiQueries { session_validate { rowCount } } }'))).toMatchObject({ code: 'GRAPHQL_VALIDATION_FAILED', message: expect.stringContaining('token') })
    expect(hub.schema().getType('ApiQueries')).toMatchObject({ name: 'ApiQueries' })
  })

  test.each(["' OR '1'='1", "abc123' --", "'; DROP TABLE user_sessions; --", "abc123' UNION SELECT * FROM secrets --", '{token}', '\u0000', '%', '?'])('H-46 the value %j is a value and finds nothing', async token => {
    expect(await ask('session/validate', { token })).toMatchObject({ rows: [], rowCount: 0 })
    expect(await rest('POST', 'query/session/validate', { token })).toMatchObject({ status: 200, body: { rows: [] } })
    expect((await ask('session/validate', { token: 'abc123' })).rowCount).toBe(1)
  })

  test('H-48 a put, a removal and a clearing of a region void its results before their time', async () => {
    const read = async () => {
      const { rows, cache } = await ask('session/validate', { token: 'fresh' })
      return [rows[0]?.['user_id'] ?? null, cache.status]
    }
    expect([await read(), await read()]).toEqual([[null, 'MISS'], [null, 'HIT']])
    await write('user_sessions', { sessionToken: 'fresh', userId: 'grace' })
    expect([await read(), await read()]).toEqual([['grace', 'MISS'], ['grace', 'HIT']])
    await write('secrets', { id: 'x', text: 'of another region' })
    expect(await read()).toEqual(['grace', 'HIT'])
    await hub.query('mutation { cacheRemove(region: "user_sessions", key: "fresh") }')
    expect(await read()).toEqual([null, 'MISS'])
    await write('notes', { id: 'c', note: 'here' })
    expect((await ask('notes/by-id', { id: 'c' })).rowCount).toBe(1)
    await hub.query('mutation { clearCacheRegion(name: "notes") }')
    expect(await ask('notes/by-id', { id: 'c' })).toMatchObject({ rowCount: 0, cache: { status: 'MISS' } })
  })

  test('H-47 H-59 two tenants have results of their own under one key, of rows of their own, and changes of one leave those of the other', async () => {
    await write('user_sessions', { sessionToken: 'common', userId: 'ada' })
    await write('user_sessions', { sessionToken: 'common', userId: 'bob' }, 'globex')
    const users = async () => Promise.all(['acme', 'globex'].map(async tenant => {
      const { rows, cache } = await ask('session/validate', { token: 'common' }, tenant)
      return [rows.map(row => row['user_id']), cache.status]
    }))
    expect(await users()).toEqual([[['ada'], 'MISS'], [['bob'], 'MISS']])
    expect(await users()).toEqual([[['ada'], 'HIT'], [['bob'], 'HIT']])
    await write('user_sessions', { sessionToken: 'common', userId: 'ben' }, 'globex')
    expect(await users()).toEqual([[['ada'], 'HIT'], [['ben'], 'MISS']])
    await write('notes', { id: 'n', note: 'for all' })
    expect([(await ask('notes/by-id', { id: 'n' })).rows, (await ask('notes/by-id', { id: 'n' }, 'globex')).rows]).toEqual([[{ note: 'for all' }], [{ note: 'for all' }]])
    await write('notes', { id: 'n', note: 'changed' }, 'globex')
    expect((await ask('notes/by-id', { id: 'n' })).rows).toEqual([{ note: 'changed' }])
  })

  test('H-48 who asks behind an answered write sees it, however many asked while it was written', async () => {
    for (let round = 1; round <= 40; round += 1) {
      const token = `raced-${round % 3}`
      const racing = Array.from({ length: 4 }, () => ask('session/validate', { token }))
      await Promise.all([write('user_sessions', { sessionToken: token, userId: `user ${round}` }), ...racing.slice(0, 2)])
      const behind = await Promise.all(Array.from({ length: 3 }, () => ask('session/validate', { token })))
      expect([round, ...behind.map(({ rows }) => rows[0]?.['user_id'])]).toEqual([round, ...Array.from({ length: 3 }, () => `user ${round}`)])
      await Promise.all(racing)
    }
  }, 120_000)

  test('H-46 parameters have the types of what they are compared with, lists for IN, and counts for LIMIT', async () => {
    const input = {
      path: 'sessions/search', cacheRegions: ['user_sessions'], cacheKeyPattern: '{day}{least}{money}{users}', ttlSeconds: 0,
      query: "SELECT s.session_token FROM user_sessions s WHERE s.opened_on >= '{day}' AND s.visits > {least} AND balance = {money} AND user_id IN ({users}) AND lower(s.user_id) <> {not} ORDER BY 1 LIMIT {most}",
    }
    const { data } = await hub.query<{ registerApiEndpoint: { endpoint: { parameters: readonly { name: string; type: string; list: boolean }[] } } }>(register, { input })
    expect(data?.registerApiEndpoint.endpoint.parameters.map(({ name, type, list }) => `${name}: ${type}${list ? '[]' : ''}`)).toEqual(['day: Date', 'least: Long', 'money: Decimal', 'users: String[]', 'not: String', 'most: Int'])
    const params = { day: '2024-01-01', least: 3, money: '12.5', users: ['ada', 'bob'], not: 'grace', most: 5 }
    expect(await ask('sessions/search', params)).toMatchObject({ rows: [{ session_token: 'abc123' }], cache: { status: 'MISS', ttlSeconds: 0 } })
    expect((await ask('sessions/search', params)).cache.status).toBe('MISS')
    for (const [change, count] of [[{ users: [] }, 0], [{ users: 'ada' }, 1], [{ most: 0 }, 0], [{ day: '2024-02-01' }, 0], [{ least: '9007199254740993' }, 0], [{ money: 12.51 }, 0]] as const) {
      expect([change, (await ask('sessions/search', { ...params, ...change })).rowCount]).toEqual([change, count])
    }
    expect(await problem(hub.query(call, { path: 'sessions/search', params: { ...params, day: 'soon', least: 'many', most: -1, users: [7] } }))).toMatchObject({ code: 'VALIDATION_ERROR', places: ['day', 'least', 'users', 'most'] })
    const typed = await hub.query<{ apiQueries: { sessions_search: { rowCount: number } } }>('{ apiQueries { sessions_search(day: "2024-01-01", least: 3, money: "12.5", users: "ada", not: "x", most: 1) { rowCount } } }')
    expect(typed.data?.apiQueries.sessions_search.rowCount).toBe(1)
  })

  test('H-50 a missing parameter is named; one too many is a warning, or for a strict endpoint refused; an unknown path says the nearest', async () => {
    expect(await problem(hub.query(call, { path: 'session/validate', params: {} }))).toMatchObject({ code: 'VALIDATION_ERROR', places: ['token'], message: expect.stringContaining('"token"') })
    expect(await rest('POST', 'query/session/validate')).toMatchObject({ status: 422, type: 'application/problem+json; charset=utf-8', body: { code: 'VALIDATION_ERROR', errors: [{ loc: ['body', 'token'] }], request_id: expect.any(String) } })
    expect((await ask('session/validate', { token: 'abc123', tokn: 1 })).warnings).toEqual([expect.stringContaining('Did you mean "token"?')])
    expect(await problem(hub.query(call, { path: 'notes/by-id', params: { id: 'n', extra: 1 } }))).toMatchObject({ code: 'VALIDATION_ERROR', places: ['extra'] })
    expect(await rest('POST', 'query/session/validat', { token: 'abc123' })).toMatchObject({ status: 404, body: { code: 'NOT_FOUND', detail: expect.stringContaining('"session/validate"') } })
    for (const body of ['[]', '7', '"text"', 'null']) expect([body, (await rest('POST', 'query/session/validate', body)).status]).toEqual([body, 422])
  })

  test('the bounds of every route hold: malformed JSON 400, other types 415, more than the limit 413, an unknown method 405', async () => {
    expect(await rest('POST', 'query/session/validate', '{"token": ')).toMatchObject({ status: 400, type: 'application/problem+json; charset=utf-8', body: { code: 'BAD_USER_INPUT', detail: expect.stringContaining('line 1') } })
    expect((await rest('POST', 'query/session/validate', '{}', { ...as('acme'), 'content-type': 'text/plain' })).status).toBe(415)
    expect((await rest('POST', 'query/session/validate', { token: 'x'.repeat(1_100_000) })).status).toBe(413)
    expect((await rest('PUT', 'query/session/validate', {})).status).toBe(405)
    expect((await rest('POST', 'query/session/validate', { token: 'abc123' }, { ...as('acme'), 'x-request-id': 'mine-7' })).headers.get('x-request-id')).toBe('mine-7')
  })

  test('H-45 H-46 H-47 H-48 H-49 every mistake of a definition is refused with its place, by the graph and by REST', async () => {
    const cases: readonly (readonly [Record<string, unknown>, string, string])[] = [
      [{ path: '../x' }, 'path', '..'], [{ path: '/session' }, 'path', 'begins with'], [{ path: 'a//b' }, 'path', 'empty part'], [{ path: '' }, 'path', 'empty'],
      [{ query: "SELECT * FROM user_sessions WHERE session_token = '{token'" }, 'query', 'line 1, column 52'],
      [{ query: 'SELECT * FROM {token}' }, 'query', 'line 1, column'], [{ query: 'SELECT {token} FROM user_sessions' }, 'query', 'where a column is named'],
      [{ query: 'SELECT user_id FROM user_sessions ORDER BY {token}' }, 'query', 'where a column is named'], [{ query: 'SELECT user_id FROM user_sessions GROUP BY {token}' }, 'query', 'where a column is named'],
      [{ query: 'SELECT user_id FROM user_sessions WHERE {token} = {other}' }, 'query', 'where a column is named'], [{ query: 'SELECT s.{token} FROM user_sessions s' }, 'query', 'cannot name one'],
      [{ query: 'DELETE FROM user_sessions WHERE session_token = {token}' }, 'query', 'reading statement'], [{ query: 'SELECT {token} AS x; SELECT 2' }, 'query', 'statements'], [{ query: 'SELEC {token}' }, 'query', 'line 1'],
      [{ query: 'SELECT nope FROM user_sessions WHERE session_token = {token}' }, 'query', 'nope'], [{ query: 'SELECT * FROM user_sessions WHERE session_token + 1 = {token}' }, 'query', ''],
      [{ query: 'SELECT * FROM secrets WHERE id = {token}' }, 'query', '"secrets"'], [{ query: 'SELECT * FROM visits WHERE user_id = {token}' }, 'query', '"visits"'],
      [{ query: 'SELECT * FROM user_sessions WHERE session_token = {token} AND user_id IN (SELECT id FROM hub.secrets)' }, 'query', '"hub.secrets"'],
      [{ cacheKeyPattern: 'session:{tokn}' }, 'cacheKeyPattern', 'Did you mean "token"?'], [{ cacheKeyPattern: 'session:{token' }, 'cacheKeyPattern', 'not closed'], [{ ttlSeconds: -1 }, 'ttlSeconds', '-1'],
    ]
    const names: Readonly<Record<string, string>> = { query: 'query_template', cacheKeyPattern: 'cache_key_pattern', ttlSeconds: 'ttl_seconds', path: 'path' }
    for (const [change, place, words] of cases) {
      const input = { ...graphSample, path: 'never', ...change }
      expect([change, await problem(hub.query(register, { input }))]).toEqual([change, { code: 'VALIDATION_ERROR', message: expect.stringContaining(words), places: expect.arrayContaining([place]) }])
      const body = { ...sample, path: 'never', ...Object.fromEntries(Object.entries(change).map(([name, value]) => [names[name], value])) }
      const answer = await rest('POST', 'api-endpoints', body)
      expect([change, answer.status, answer.body.errors.map(({ loc }) => loc.join('.'))]).toEqual([change, 422, expect.arrayContaining([`body.${names[place]}`])])
    }
    expect(await problem(hub.query(register, { input: { ...graphSample, path: 'never', cacheRegions: ['user_sesions'] } }))).toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('"user_sessions"') })
    expect(await rest('POST', 'api-endpoints', { ...sample, path: 'never', cache_regions: ['nowhere'] })).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
    const { body } = await rest('POST', 'api-endpoints', { path: 'never', cache_region: [], ttl_seconds: '60' })
    expect(body.errors.map(({ loc, msg }) => [loc.join('.'), msg])).toEqual(expect.arrayContaining([['body.cache_region', expect.stringContaining('Did you mean "cache_regions"?')], ['body.query_template', expect.stringContaining('missing')], ['body.ttl_seconds', expect.stringContaining('number')]]))
    expect((await rest('POST', 'api-endpoints', [])).status).toBe(422)
    expect(await hub.query('{ apiEndpoints { nodes { path } } }')).toEqual({ data: { apiEndpoints: { nodes: [{ path: 'notes/by-id' }, { path: 'session/validate' }, { path: 'sessions/search' }] } } })
  })

  test('H-45 a path is taken once, also by a file, and one that would be another\'s field is refused', async () => {
    expect(await rest('POST', 'api-endpoints', sample)).toMatchObject({ status: 409, body: { code: 'CONFLICT', detail: expect.stringContaining('session/validate') } })
    expect(await problem(hub.query(register, { input: { ...graphSample, path: 'notes/by-id' } }))).toMatchObject({ code: 'CONFLICT' })
    expect(await problem(hub.query(register, { input: { ...graphSample, path: 'session.validate' } }))).toMatchObject({ code: 'VALIDATION_ERROR', message: expect.stringContaining('session_validate') })
    expect(await problem(hub.query('mutation { deleteApiEndpoint(path: "notes/by-id") }'))).toMatchObject({ code: 'CONFLICT' })
    const idempotent = () => rest('POST', 'api-endpoints', { ...sample, path: 'once' }, { ...as('acme'), 'idempotency-key': 'register once' })
    expect([(await idempotent()).status, (await idempotent()).status]).toEqual([201, 201])
    expect((await rest('DELETE', 'api-endpoints/once')).status).toBe(204)
  })

  test('H-51 endpoints are listed in pages, by the graph and by REST, and dropped by their path', async () => {
    const first = await rest('GET', 'api-endpoints?page_size=2')
    expect(first).toMatchObject({ status: 200, body: { endpoints: [{ path: 'notes/by-id', description: 'One note.', strict: true }, { ...sample }] } })
    expect(await rest('GET', `api-endpoints?page_size=2&page_token=${String(first.body['next_page_token'])}`)).toMatchObject({ body: { endpoints: [{ path: 'sessions/search' }], next_page_token: null } })
    expect([(await rest('GET', 'api-endpoints?page_token=forged')).status, (await rest('GET', 'api-endpoints?page_size=1001')).status, (await rest('GET', 'api-endpoints?page_size=x')).status]).toEqual([400, 400, 422])
    expect((await rest('DELETE', 'api-endpoints/sessions/search')).status).toBe(204)
    expect(await rest('DELETE', 'api-endpoints/session/validat')).toMatchObject({ status: 404, body: { detail: expect.stringContaining('session/validate') } })
    expect((await rest('POST', 'query/sessions/search', {})).status).toBe(404)
    const detail = '{ apiEndpoints(first: 1) { totalCount nodes { path field cacheRegions { name type } parameters { name } } } }'
    expect(await hub.query(detail)).toEqual({ data: { apiEndpoints: { totalCount: 2, nodes: [{ path: 'notes/by-id', field: 'notes_by_id', cacheRegions: [{ name: 'notes', type: 'Note' }], parameters: [{ name: 'id' }] }] } } })
  })

  test('who may not read rows may not call, and who may not change the catalog may not register', async () => {
    expect((await rest('POST', 'query/session/validate', { token: 'abc123' }, {})).status).toBe(401)
    expect(await rest('POST', 'query/session/validate', { token: 'abc123' }, as('nobody'))).toMatchObject({ status: 403, body: { code: 'FORBIDDEN', needs: 'cache:read' } })
    expect((await rest('POST', 'query/session/validate', { token: 'abc123' }, as('reader'))).status).toBe(200)
    expect([(await rest('POST', 'api-endpoints', { ...sample, path: 'mine' }, as('reader'))).status, (await rest('DELETE', 'api-endpoints/session/validate', undefined, as('reader'))).status, (await rest('GET', 'api-endpoints', undefined, as('nobody'))).status]).toEqual([403, 403, 403])
    expect(await problem(hub.query('mutation { installPreset(name: FEATURE_STORE) { changed } }', {}, as('reader')))).toMatchObject({ code: 'FORBIDDEN' })
  })

  test('H-19 a region that an endpoint reads is in use; with force the endpoint goes too', async () => {
    await hub.query('mutation { createCacheRegion(input: { name: "scratch" }) { changed } }')
    await hub.query(register, { input: { path: 'scratch/all', cacheRegions: ['scratch'], query: 'SELECT key FROM scratch', cacheKeyPattern: 'all', ttlSeconds: 60 } })
    expect(await problem(hub.query('mutation { deleteCacheRegion(name: "scratch") }'))).toMatchObject({ code: 'IN_USE', message: expect.stringContaining('scratch/all') })
    expect(await hub.query('mutation { deleteCacheRegion(name: "scratch", force: true) }')).toEqual({ data: { deleteCacheRegion: true } })
    expect((await rest('POST', 'query/scratch/all', {})).status).toBe(404)
  })

  test('H-45 what is registered is there after a restart, with its audit events', async () => {
    hub = await hub.restart()
    const events = await hub.metadata("SELECT action, actor FROM audit_event WHERE subject = 'session/validate' OR subject = 'sessions/search' ORDER BY number")
    expect(events).toEqual([{ action: 'endpoint.create', actor: 'acme' }, { action: 'endpoint.create', actor: 'acme' }, { action: 'endpoint.drop', actor: 'acme' }])
    expect(await ask('session/validate', { token: 'abc123' })).toMatchObject({ rows: [{ user_id: 'ada' }], cache: { status: 'MISS' } })
    expect(await ask('notes/by-id', { id: 'n' })).toMatchObject({ rows: [{ note: 'changed' }] })
  }, 120_000)
})

test('H-45 an endpoint of a file is checked by the engine before the hub starts, each mistake with its place in the file', async () => {
  const endpoint = (query: string) => `{ cacheRegions: [notes], cacheKeyPattern: x, ttlSeconds: 1, query: "${query}" }`
  const folder = catalogFolder({
    'hub.yaml': [
      'regions:', '  notes: { key: id, fields: { id: ID!, note: String } }', '  others: { key: id, fields: { id: ID! } }', 'endpoints:',
      `  a/b: ${endpoint("SELECT nope FROM notes WHERE id = '{id}' AND note = {note}")}`, `  a/c: ${endpoint('SELECT id FROM others')}`, `  a/d: ${endpoint('SELECT id FROM notes ORDER BY {id}')}`, '',
    ].join('\n'),
  })
  try {
    const error: HubError = await startHub({ catalog: folder.catalog }).then(() => Promise.reject(new Error('It started.')), (thrown: unknown) => thrown as HubError)
    expect(error).toMatchObject({ code: 'CATALOG_INVALID' })
    const places = (error.details['problems'] as readonly { line: number; column: number; message: string }[]).map(({ line, column, message }) => `${line}:${column} ${message}`)
    expect(places.sort()).toEqual([expect.stringMatching(/^5:83 .*nope/), expect.stringMatching(/^6:75 .*"others"/), expect.stringMatching(/^7:106 .*\{id\} stands where a column is named \(line 1, column 31\)/)])
  } finally {
    folder.remove()
  }
}, 120_000)

test('H-45 H-48 an edit of the file changes its endpoints while the hub runs, and no result of the old one is answered', async () => {
  const catalog = (query: string) => `regions:\n  notes: { key: id, tenancy: SHARED, fields: { id: ID!, note: String } }\nendpoints:\n  all: { cacheRegions: [notes], cacheKeyPattern: all, ttlSeconds: 600, query: '${query}' }\n`
  const folder = catalogFolder({ 'hub.yaml': catalog('SELECT id FROM notes') })
  const hub = await startHub({ catalog: folder.catalog })
  try {
    const ask = async () => (await hub.query<{ apiQuery: Called }>(call, { path: 'all', params: {} })).data?.apiQuery
    await hub.query(put, { region: 'notes', value: { id: 'a', note: 'first' } })
    expect([(await ask())?.cache.status, (await ask())?.cache.status]).toEqual(['MISS', 'HIT'])
    folder.write({ 'hub.yaml': catalog('SELECT note FROM notes') })
    await hub.hub.reload()
    expect(await ask()).toMatchObject({ rows: [{ note: 'first' }], cache: { status: 'MISS' } })
    folder.write({ 'hub.yaml': catalog('SELECT FROM') })
    await expect(hub.hub.reload()).rejects.toMatchObject({ code: 'CATALOG_INVALID' })
    expect(await ask()).toMatchObject({ rows: [{ note: 'first' }] })
  } finally {
    await hub.close()
    folder.remove()
  }
}, 120_000)
