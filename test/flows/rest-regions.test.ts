import { catalogFolder } from '../support/catalog-folder.ts'
import { keeper, keeperNodes, startHub, type RunningHub } from '../support/hub.ts'

const files = {
  'hub.yaml': `
sources:
  shop: { type: files, root: ./shop }
regions:
  customers: { type: Customer, key: id, load: { source: shop, table: customers } }
  numbers: { type: Number, key: [series, n], fields: { series: ID!, n: Long!, square: Long } }
`,
  'shop/customers.csv': 'id,full_name\n1,Ada\n2,Grace\n',
}

/** H-07's sample, as the source writes it. */
const sample = {
  name: 'user_sessions', cache_mode: 'REPLICATED', backups: 1, atomicity_mode: 'TRANSACTIONAL', cache_strategy: 'WRITE_THROUGH', expiry_policy: { create: 3600, access: 3600 }, indexes: [['user_id', 'STRING'], ['tenant_id', 'STRING']],
}

type Body = Record<string, unknown> & { readonly errors: readonly { readonly loc: readonly unknown[]; readonly msg: string }[]; readonly detail: string }

describe('regions over REST', () => {
  const folder = catalogFolder(files)
  let hub: RunningHub
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog })
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${hub.url}/api/v1/dih/${path}`, { method, headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers }, body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body) })
    const text = await response.text()
    return { status: response.status, headers: response.headers, type: response.headers.get('content-type'), body: (text === '' ? undefined : JSON.parse(text)) as Body }
  }
  const problemType = 'application/problem+json; charset=utf-8'

  test('H-07 H-14 the sample is created as the source writes it, with every default filled in, and created once', async () => {
    const first = await call('POST', 'cache-regions', sample)
    expect(first).toMatchObject({
      status: 201,
      body: {
        ...sample, type: 'UserSession', key: ['key'], eviction_max_size: 10_000_000, eviction_policy: 'LRU', affinity_key: null, expiry_policy: { create: 3600, access: 3600, update: null },
        columns: [{ name: 'key', type: 'STRING', nullable: false, indexed: true }, { name: 'user_id', type: 'STRING', nullable: true, indexed: true }, { name: 'tenant_id', type: 'STRING', nullable: true, indexed: true }, { name: 'value', type: 'JSON', nullable: true, indexed: false }],
        warnings: [expect.stringContaining('REPLICATED'), expect.stringContaining('WRITE_THROUGH')],
      },
    })
    expect(first.headers.get('location')).toBe('/api/v1/dih/cache-regions/user_sessions')
    expect(await call('POST', 'cache-regions', sample)).toMatchObject({ status: 200, body: first.body })
    expect(await call('POST', 'cache-regions', { ...sample, backups: 2 })).toMatchObject({ status: 409, type: problemType, body: { code: 'CONFLICT', detail: expect.stringContaining('user_sessions') } })
    expect(await call('GET', 'cache-regions/user_sessions')).toMatchObject({ status: 200, body: sample })
  })

  test('H-07 an Idempotency-Key answers the same again, and refuses another body', async () => {
    const key = { 'idempotency-key': 'made once' }
    const first = await call('POST', 'cache-regions', { name: 'once' }, key)
    expect(first.status).toBe(201)
    expect(await call('POST', 'cache-regions', { name: 'once' }, key)).toMatchObject({ status: 201, body: first.body })
    expect(await call('POST', 'cache-regions', { name: 'twice' }, key)).toMatchObject({ status: 409 })
    expect((await call('DELETE', 'cache-regions/once')).status).toBe(204)
  })

  test('H-09 H-11 H-12 H-14 words in any case, indexes as pairs and as objects, strategies as a list', async () => {
    const body = {
      name: 'accounts', cache_mode: 'replicated', atomicity_mode: 'Atomic', cache_strategy: ['read_through', 'write_behind'], indexes: [['country', 'string'], { columns: 'email', type: 'String', unique: true }, { columns: ['country', 'number'] }],
      fields: { key: 'ID!', email: 'String', country: 'String', number: 'Int' },
    }
    expect(await call('POST', 'cache-regions', body)).toMatchObject({
      status: 201, body: { cache_mode: 'REPLICATED', atomicity_mode: 'ATOMIC', cache_strategy: ['READ_THROUGH', 'WRITE_BEHIND'], indexes: [['country', 'STRING'], { columns: ['email'], unique: true }, { columns: ['country', 'number'], unique: false }] },
    })
    expect(await call('DELETE', 'cache-regions/accounts')).toMatchObject({ status: 204, body: undefined })
  })

  test.each<[Record<string, unknown>, number, readonly unknown[], string]>([
    [{ cache_mode: 'LOCAL' }, 400, ['cache_mode'], '"PARTITIONED" or "REPLICATED"'],
    [{ atomicity_mode: 'NONE' }, 400, ['atomicity_mode'], '"TRANSACTIONAL" or "ATOMIC"'],
    [{ cache_strategy: 'WRITE_AROUND' }, 400, ['cache_strategy'], '"WRITE_BEHIND"'],
    [{ cache_strategy: ['WRITE_TROUGH'] }, 400, ['cache_strategy', 0], 'Did you mean "WRITE_THROUGH"?'],
    [{ cache_strategy: ['WRITE_THROUGH', 'WRITE_BEHIND'] }, 422, ['cache_strategy', 1], 'WRITE_BEHIND'],
    [{ backups: -1 }, 422, ['backups'], 'at least 0'],
    [{ backups: 1.5 }, 422, ['backups'], 'whole number'],
    [{ expiry_policy: { create: 0 } }, 422, ['expiry_policy', 'create'], 'at least 1'],
    [{ expiry_policy: { access: 'soon' } }, 422, ['expiry_policy', 'access'], '"soon"'],
    [{ indexes: [['a', 'STRING'], ['b']] }, 422, ['indexes', 1], 'pair'],
    [{ indexes: [['a', 'STRING'], 7] }, 422, ['indexes', 1], 'pair'],
    [{ indexes: [['a', 'STRING'], ['b', 'TEXT']] }, 422, ['indexes', 1, 1], 'STRING'],
    [{ indexes: [['a', 'STRING'], ['a', 'STRING']] }, 422, ['indexes', 1], 'a'],
    [{ eviction_max_size: 0 }, 422, ['eviction_max_size'], 'at least 1'],
    [{ eviction_policy: 'RANDOM_2_LRU' }, 400, ['eviction_policy'], '"LRU" or "FIFO"'],
    [{ affinity_key: 'nope' }, 422, ['affinity_key'], 'nope'],
    [{ name: 'select' }, 422, ['name'], 'select'],
    [{ name: '1st' }, 422, ['name'], '1st'],
    [{ name: undefined }, 422, ['name'], 'missing'],
    [{ cach_mode: 'PARTITIONED' }, 422, ['cach_mode'], 'Did you mean "cache_mode"?'],
  ])('H-07 to H-15 a body with %j is refused with its place', async (change, status, place, said) => {
    const { body, ...answer } = await call('POST', 'cache-regions', { name: 'never', ...change })
    expect([answer.status, body.errors.map(error => error.loc)]).toEqual([status, [['body', ...place]]])
    expect(body.errors[0]?.msg).toContain(said)
    expect(body).toMatchObject({ status, code: status === 400 ? 'BAD_USER_INPUT' : 'VALIDATION_ERROR', request_id: expect.any(String) })
    expect((await call('GET', 'cache-regions/never')).status).toBe(404)
  })

  test('H-07 a body that is no object is 422, that is no JSON 400, that is too large 413', async () => {
    for (const body of ['[]', '"a"', 'null', '7']) expect([body, (await call('POST', 'cache-regions', body)).status]).toEqual([body, 422])
    expect((await call('POST', 'cache-regions')).status).toBe(422)
    expect(await call('POST', 'cache-regions', '{"name": ')).toMatchObject({ status: 400, type: problemType, body: { code: 'BAD_USER_INPUT', detail: expect.stringContaining('line 1') } })
    expect(await call('POST', 'cache-regions', { name: 'x', description: 'y'.repeat(1_100_000) })).toMatchObject({ status: 413, body: { code: 'PAYLOAD_TOO_LARGE' } })
  })

  test('H-05 regions are listed in pages, and an unknown one is 404 with the nearest name', async () => {
    const first = await call('GET', 'cache-regions?page_size=2')
    const second = await call('GET', `cache-regions?page_size=2&page_token=${encodeURIComponent(String(first.body['next_page_token']))}`)
    const named = ({ body }: typeof first) => (body['cache_regions'] as { name: string }[]).map(region => region.name)
    expect([named(first), named(second), second.body['next_page_token']]).toEqual([['customers', 'numbers'], ['user_sessions'], null])
    for (const [query, names] of [['name=SER', ['user_sessions']], ['type=Number', ['numbers']], ['cache_mode=replicated', ['user_sessions']], ['atomicity_mode=ATOMIC', []], ['has_source=true', ['customers']], ['has_source=false&cache_mode=PARTITIONED', ['numbers']]] as const) {
      expect([query, named(await call('GET', `cache-regions?${query}`))]).toEqual([query, names])
    }
    expect(await call('GET', 'cache-regions?cache_mode=LOCAL')).toMatchObject({ status: 400, body: { errors: [{ loc: ['query', 'cache_mode'] }] } })
    expect(await call('GET', 'cache-regions/user_session')).toMatchObject({ status: 404, body: { code: 'NOT_FOUND', detail: expect.stringContaining('"user_sessions"') } })
    for (const query of ['page_size=0', 'page_size=ten', 'page_siz=1']) expect([query, (await call('GET', `cache-regions?${query}`)).status]).toEqual([query, 422])
    expect(await call('GET', 'cache-regions?page_size=1001')).toMatchObject({ status: 400, body: { code: 'BAD_USER_INPUT' } })
    expect((await call('GET', 'cache-regions?page_size=ten')).body.errors[0]?.loc).toEqual(['query', 'page_size'])
    expect(await call('GET', 'cache-regions?page_token=forged')).toMatchObject({ status: 400, body: { code: 'BAD_CURSOR' } })
  })

  test('H-18 H-02 figures of a region: zeros and null ratios before it is used', async () => {
    await call('POST', 'cache-regions', { name: 'unused' })
    const figures = { entries: 0, hits: 0, misses: 0, hit_ratio: null, gets: 0, puts: 0, removals: 0, evictions: 0, expiries: 0, tx_commits: 0, tx_rollbacks: 0, avg_get_micros: null, avg_put_micros: null, offload_ratio: null, last_sync_at: null }
    expect(await call('GET', 'cache-regions/unused/stats')).toMatchObject({ status: 200, body: { region: 'unused', ...figures } })
    expect(await call('GET', 'cache-regions/unuse/stats')).toMatchObject({ status: 404, body: { detail: expect.stringContaining('"unused"') } })
    await call('GET', 'cache-regions/customers/entries/1')
    await hub.kept('customers', 1)
    for (const _ of [1, 2, 3]) await call('GET', 'cache-regions/customers/entries/1')
    expect(await call('GET', 'cache-regions/customers/stats')).toMatchObject({ status: 200, body: { hits: 3, misses: 1, hit_ratio: 0.75, offload_ratio: 0.75 } })
  })

  test('H-19 a region is altered and dropped; what others need is 409 with who they are', async () => {
    expect(await call('PATCH', 'cache-regions/unused', { expiry_policy: { create: 60 }, eviction_max_size: 10 })).toMatchObject({ status: 200, body: { expiry_policy: { create: 60, access: null, update: null }, eviction_max_size: 10 } })
    expect(await call('PATCH', 'cache-regions/unused', { cache_mode: 'REPLICATED' })).toMatchObject({ status: 422, body: { errors: [{ loc: ['body', 'cache_mode'] }] } })
    expect((await call('PATCH', 'cache-regions/nowhere', { eviction_max_size: 10 })).status).toBe(404)
    const endpoint = { path: 'unused/all', cache_regions: ['unused'], query_template: 'SELECT key FROM unused WHERE key = {key}', cache_key_pattern: 'u:{key}', ttl_seconds: 0 }
    expect((await call('POST', 'api-endpoints', endpoint)).status).toBe(201)
    expect(await call('DELETE', 'cache-regions/unused')).toMatchObject({ status: 409, body: { code: 'IN_USE', detail: expect.stringContaining('unused/all') } })
    expect((await call('DELETE', 'cache-regions/unused?force=yes')).status).toBe(400)
    expect((await call('DELETE', 'cache-regions/unused?force=TRUE')).status).toBe(204)
    expect((await call('DELETE', 'cache-regions/unused')).status).toBe(404)
    expect((await call('POST', 'query/unused/all', { key: 'a' })).status).toBe(404)
    expect((await call('DELETE', 'cache-regions/customers')).status).toBe(409)
  })

  test('H-20 entries are written, read, read together and removed by their keys', async () => {
    const put = await call('PUT', 'cache-regions/user_sessions/entries/a%2Fb', { user_id: 'ada', tenant_id: 't1', value: { seen: 3 } })
    expect(put).toMatchObject({ status: 200, body: { key: 'a/b', value: { key: 'a/b', user_id: 'ada', tenant_id: 't1', value: { seen: 3 } }, version: expect.any(Number), written_at: expect.stringMatching(/Z$/) } })
    const got = await call('GET', 'cache-regions/user_sessions/entries/a%2Fb')
    expect(got).toMatchObject({ status: 200, body: put.body })
    expect(got.headers.get('x-query-engine')).toBe(keeper)
    expect(await call('POST', 'cache-regions/user_sessions/entries:batchGet', { keys: ['none', 'a/b', 7] })).toMatchObject({ status: 200, body: { entries: [null, put.body, null] } })
    expect((await call('POST', 'cache-regions/user_sessions/entries:batchGet', { keys: Array.from({ length: 10_001 }, (_, n) => `k${n}`) })).status).toBe(413)
    expect((await call('DELETE', 'cache-regions/user_sessions/entries/a%2Fb')).status).toBe(204)
    expect(await call('DELETE', 'cache-regions/user_sessions/entries/a%2Fb')).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
    expect(await call('GET', 'cache-regions/user_sessions/entries/a%2Fb')).toMatchObject({ status: 404, body: { detail: expect.stringContaining('a/b') } })
    for (const method of ['GET', 'DELETE']) expect((await call(method, 'cache-regions/user_session/entries/a')).body.detail).toContain('"user_sessions"')
    expect((await call('PUT', 'cache-regions/customers/entries/1', { full_name: 'x' })).status).toBe(403)
  })

  test('H-20 a key of several columns and of numbers is taken from the path, and must agree with the body', async () => {
    const key = encodeURIComponent(JSON.stringify(['s', '9007199254740993']))
    const stored = { key: '["s","9007199254740993"]', value: { series: 's', n: '9007199254740993', square: 4 } }
    expect(await call('PUT', `cache-regions/numbers/entries/${key}`, { square: 4 })).toMatchObject({ status: 200, body: stored })
    expect(await call('PUT', `cache-regions/numbers/entries/${key}`, { series: 's', square: 4 })).toMatchObject({ status: 200, body: stored })
    expect(await call('PUT', `cache-regions/numbers/entries/${key}`, { series: 't' })).toMatchObject({ status: 422, body: { errors: [{ msg: expect.stringContaining('the key says "s"') }] } })
    expect(await call('PUT', `cache-regions/numbers/entries/${key}`, { squar: 4 })).toMatchObject({ status: 422, body: { errors: [{ loc: ['body', 'squar'], msg: expect.stringContaining('"square"') }] } })
    expect((await call('PUT', 'cache-regions/numbers/entries/s', { square: 4 })).status).toBe(400)
  })

  test('H-20 in a region made by its name alone, members no column has are kept in its value', async () => {
    const flat = { session_token: 'abc', user_id: 'ada', device: { os: 'linux' } }
    expect(await call('PUT', 'cache-regions/user_sessions/entries/s1', flat)).toMatchObject({ status: 200, body: { value: { key: 's1', user_id: 'ada', tenant_id: null, value: { session_token: 'abc', device: { os: 'linux' } } } } })
    expect(await call('PUT', 'cache-regions/user_sessions/entries/s1', { value: 1, session_token: 'abc' })).toMatchObject({ status: 422, body: { errors: [{ loc: ['body', 'session_token'] }] } })
  })

  test('H-45 H-46 the sample of an endpoint works over the sample region: a name that is no column is a member of its value', async () => {
    await call('PUT', 'cache-regions/user_sessions/entries/s2', { session_token: 'abc123', user_id: 'grace', device: 'phone' })
    const endpoint = { path: 'session/validate', cache_regions: ['user_sessions'], query_template: "SELECT * FROM user_sessions WHERE session_token = '{token}'", cache_key_pattern: 'session:{token}', ttl_seconds: 60 }
    expect(await call('POST', 'api-endpoints', endpoint)).toMatchObject({ status: 201, body: { ...endpoint, parameters: [{ name: 'token', type: 'String' }] } })
    const row = { key: 's2', user_id: 'grace', tenant_id: null, value: { session_token: 'abc123', device: 'phone' } }
    expect(await call('POST', 'query/session/validate', { token: 'abc123' })).toMatchObject({ status: 200, body: { rows: [row], row_count: 1, cache: { status: 'MISS' } } })
    expect(await call('POST', 'query/session/validate', { token: 'abc123' })).toMatchObject({ body: { rows: [row], cache: { status: 'HIT' } } })
    expect(await call('POST', 'query/session/validate', { token: "' OR '1'='1" })).toMatchObject({ status: 200, body: { rows: [] } })
    expect((await call('POST', 'api-endpoints', { ...endpoint, path: 'a/b', query_template: 'SELECT * FROM user_sessions WHERE nope.session_token = {token}' })).status).toBe(422)
  })

  test('H-17 H-54 statements read members of a region made by its name alone, beside its columns, joined and grouped; a name nothing has is null', async () => {
    await call('POST', 'cache-regions', { name: 'ml_features_online', expiry_policy: { create: 300 }, indexes: [['entity_id', 'STRING'], ['feature_name', 'STRING']] })
    for (const [key, entity_id, feature_value] of [['1', 'u1', 0.5], ['2', 'u2', 0.7], ['3', 'u3', 0.9]] as const) await call('PUT', `cache-regions/ml_features_online/entries/${key}`, { entity_id, feature_name: 'score', feature_value, version: 'v1' })
    const rows = async (query: string, params: readonly unknown[] = []) => (await call('POST', 'sql-query', { query, params })).body
    expect(await rows('SELECT entity_id, feature_name, feature_value FROM ml_features_online WHERE entity_id IN (?) AND version = ? ORDER BY 1', [['u1', 'u3'], 'v1'])).toMatchObject({
      columns: [{ name: 'entity_id' }, { name: 'feature_name' }, { name: 'feature_value', type: 'String' }], rows: [['u1', 'score', '0.5'], ['u3', 'score', '0.9']],
    })
    expect(await rows('SELECT f.version, count(*) AS n FROM ml_features_online f GROUP BY f.version HAVING count(*) > 1')).toMatchObject({ columns: [{ name: 'version' }, { name: 'n' }], rows: [['v1', 3]] })
    expect(await rows("WITH good AS (SELECT entity_id, CAST(feature_value AS double) AS score FROM ml_features_online WHERE version = 'v1') SELECT entity_id FROM good WHERE score > 0.6 ORDER BY score DESC")).toMatchObject({ rows: [['u3'], ['u2']] })
    expect(await rows('SELECT s.device FROM ml_features_online f JOIN user_sessions s ON s.session_token = f.version')).toMatchObject({ columns: [{ name: 'device' }], rows: [] })
    expect(await rows('SELECT nothing FROM ml_features_online')).toMatchObject({ rows: [[null], [null], [null]] })
    expect(await rows('SELECT device FROM ml_features_online f, user_sessions s')).toMatchObject({ status: 400, code: 'SQL_ERROR', detail: expect.stringContaining('There is no column "device"') })
    expect(await rows('SELECT nope FROM numbers')).toMatchObject({ status: 400, code: 'SQL_ERROR' })
    expect(await rows('SELECT version FROM (SELECT * FROM ml_features_online) t')).toMatchObject({ status: 400, code: 'SQL_ERROR' })
    expect((await call('POST', 'sql-query?explain=true', { query: "SELECT key FROM ml_features_online WHERE version = 'v1'" })).body).toMatchObject({ full_scan: ['ml_features_online'] })
  })

  test('H-52 H-54 H-55 statements over REST: values bound, lists expanded, pages by token', async () => {
    for (const n of [1, 2, 3]) await call('PUT', `cache-regions/numbers/entries/${encodeURIComponent(JSON.stringify(['q', String(n)]))}`, { square: n * n })
    const body = { query: 'SELECT n, square FROM numbers WHERE series = ? AND n IN (?) ORDER BY n', params: ['q', [1, 2, 3]], page_size: 2 }
    const first = await call('POST', 'sql-query', body)
    expect(first).toMatchObject({ status: 200, body: { columns: [{ name: 'n', type: 'Long' }, { name: 'square', type: 'Long' }], rows: [[1, 1], [2, 4]], next_page_token: expect.any(String), engine: 'duckdb' } })
    expect(first.headers.get('x-query-engine')).toBe('duckdb')
    expect(await call('POST', 'sql-query', { ...body, page_token: first.body['next_page_token'] })).toMatchObject({ status: 200, body: { rows: [[3, 9]], next_page_token: null } })
    expect(await call('POST', 'sql-query', { ...body, page_token: `${first.body['next_page_token']}x` })).toMatchObject({ status: 400, body: { code: 'BAD_CURSOR' } })
    expect(await call('POST', 'sql-query', { ...body, params: ['q', []] })).toMatchObject({ status: 200, body: { rows: [] } })
    expect(await call('POST', 'sql-query', { ...body, params: ['q'] })).toMatchObject({ status: 422, body: { detail: expect.stringMatching(/2.*1|1.*2/) } })
    for (const page_size of [0, 10_001, 'ten']) expect(await call('POST', 'sql-query', { ...body, page_size })).toMatchObject({ status: 422, body: { errors: [{ loc: ['body', 'page_size'] }] } })
    expect(await call('POST', 'sql-query', { query: 'SELECT n,\n  FROM WHERE numbers' })).toMatchObject({ status: 400, body: { code: 'SQL_ERROR', line: expect.any(Number), column: expect.any(Number) } })
    expect(await call('POST', 'sql-query', { query: 'SELECT n FROM number' })).toMatchObject({ status: 400, body: { code: 'SQL_ERROR', detail: expect.stringContaining('"numbers"') } })
    for (const query of ['DELETE FROM numbers', 'UPDATE numbers SET square = 1', 'CREATE TABLE x (a int)']) expect(await call('POST', 'sql-query', { query })).toMatchObject({ status: 403, body: { code: 'READ_ONLY_SQL' } })
    expect((await call('POST', 'sql-query', { query: 'SELECT 1; SELECT 2' })).status).toBe(400)
  })

  test('H-57 a statement is explained instead of run', async () => {
    expect(await call('POST', 'sql-query?explain=true', { query: 'SELECT n FROM numbers WHERE square = 4' })).toMatchObject({ status: 200, body: { engine: 'duckdb', plan: expect.any(String), uses_index: [], full_scan: ['numbers'], advice: [expect.stringContaining('numbers')] } })
  })

  test('H-04 health has the nodes of the regions, and the parts of the hub', async () => {
    const several = { address: expect.stringMatching(/:\d+$/), partitions_primary: expect.any(Number), partitions_backup: expect.any(Number) }
    const node = { id: expect.stringMatching(/./), state: 'UP', ...(keeper === 'memory' ? { address: null, partitions_primary: null, partitions_backup: null } : several) }
    expect(await call('GET', 'health')).toMatchObject({
      status: 200, body: { status: 'UP', nodes: Array.from({ length: keeperNodes }, () => node), topology_version: keeper === 'memory' ? null : expect.any(Number), pool: keeper === 'memory' ? null : { size: keeperNodes, waiting: 0 }, components: expect.arrayContaining([{ name: 'region-store', status: 'UP' }]) },
    })
  })

  test('H-58 changes are an event stream: the entries there are, then every change, and on from a cursor', async () => {
    await call('PUT', 'cache-regions/user_sessions/entries/w1', { user_id: 'wanted' })
    const where = encodeURIComponent(JSON.stringify({ user_id: { eq: 'wanted' } }))
    const stream = await events(`${hub.url}/api/v1/dih/cache-regions/user_sessions/changes?where=${where}`)
    expect(stream.type).toContain('text/event-stream')
    expect(await stream.next()).toMatchObject({ event: 'snapshot', data: { type: 'snapshot', key: 'w1', before: null, after: { key: 'w1', user_id: 'wanted' } } })
    await call('PUT', 'cache-regions/user_sessions/entries/x', { user_id: 'other' })
    await call('PUT', 'cache-regions/user_sessions/entries/w2', { user_id: 'wanted' })
    const created = await stream.next()
    expect(created).toMatchObject({ event: 'created', data: { key: 'w2', before: null, after: { user_id: 'wanted' } } })
    expect(created.id).toBe(created.data['cursor'])
    stream.close()
    await call('DELETE', 'cache-regions/user_sessions/entries/w2')
    const resumed = await events(`${hub.url}/api/v1/dih/cache-regions/user_sessions/changes?where=${where}`, { 'last-event-id': created.id ?? '' })
    expect(await resumed.next()).toMatchObject({ event: 'removed', data: { key: 'w2', before: { user_id: 'wanted' }, after: null } })
    resumed.close()
  })

  test('H-58 the routes are there where clients may only ask documents of a list', async () => {
    const strict = await startHub({ catalog: folder.catalog, flags: ['--persisted-mode=only'] })
    try {
      expect((await strict.query('{ cacheRegions { totalCount } }')).errors).toMatchObject([{ extensions: { code: 'UNTRUSTED_DOCUMENT' } }])
      const region = `${strict.url}/api/v1/dih/cache-regions/numbers`
      expect((await fetch(`${region}/entries/${encodeURIComponent('["s","1"]')}`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{"square":1}' })).status).toBe(200)
      const stream = await events(`${region}/changes`)
      expect(await stream.next()).toMatchObject({ event: 'snapshot', data: { after: { square: 1 } } })
      stream.close()
    } finally {
      await strict.close()
    }
  }, 120_000)

  test('H-58 an unknown region, or a filter it does not have, is refused before the stream begins', async () => {
    expect(await call('GET', 'cache-regions/nowhere/changes')).toMatchObject({ status: 404, type: problemType, body: { code: 'NOT_FOUND' } })
    expect((await call('GET', 'cache-regions/user_sessions/changes?where=%7B')).body.errors[0]?.loc).toEqual(['query', 'where'])
    expect(await call('GET', `cache-regions/user_sessions/changes?where=${encodeURIComponent('{"usr_id":{"eq":1}}')}`)).toMatchObject({ status: 400, body: { detail: expect.stringContaining('Did you mean "userId"?') } })
    expect((await call('GET', 'cache-regions/user_sessions/changes?after=forged')).status).toBeGreaterThanOrEqual(400)
  })
})

interface StreamEvent {
  readonly event?: string
  readonly id?: string
  readonly data: Record<string, unknown>
}

/** The events of a stream as they come; comments and ids without data are passed over. */
async function events(url: string, headers: Record<string, string> = {}) {
  const leaving = new AbortController()
  const response = await fetch(url, { headers, signal: AbortSignal.any([leaving.signal, AbortSignal.timeout(20_000)]) })
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  return {
    type: response.headers.get('content-type'),
    async next(): Promise<StreamEvent> {
      for (;;) {
        const end = text.indexOf('\n\n')
        if (end < 0) {
          const { value, done } = (await reader?.read()) ?? { value: undefined, done: true }
          if (done || value === undefined) throw new Error('The stream ended.')
          text += value
          continue
        }
        const fields = Object.fromEntries(text.slice(0, end).split('\n').filter(line => !line.startsWith(':')).map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]))
        text = text.slice(end + 2)
        if (fields['data'] !== undefined) return { ...fields, data: JSON.parse(fields['data']) as Record<string, unknown> }
      }
    },
    close: () => leaving.abort(),
  }
}
