import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { catalogFolder } from '../support/catalog-folder.ts'
import { keeper, keeperNodes, startHub, type RunningHub } from '../support/hub.ts'

const files = {
  'hub.yaml': `
sources:
  shop: { type: files, root: ./shop }
regions:
  customers: { type: Customer, key: id, load: { source: shop, table: customers, eager: true } }
views:
  spending: { key: customer, sql: 'SELECT customer, sum(amount) AS amount FROM shop.orders GROUP BY 1' }
relations:
  - { from: SpendingRow.customer, to: Customer.id, as: who }
`,
  'shop/customers.csv': 'id,name\n1,Ada\n2,Grace\n',
  'shop/orders.csv': 'id,customer,amount\n10,1,5\n11,1,7\n12,2,1\n',
  'shop/secret.txt': 'not a table',
}

const created = 'region { name type cacheMode backups atomicityMode cacheStrategies expiryPolicy { createSeconds accessSeconds updateSeconds } indexes evictionMaxSize evictionPolicy key columns { name type nullable indexed } } changed warnings'
const create = `mutation ($input: CreateCacheRegionInput!) { createCacheRegion(input: $input) { ${created} } }`
const update = `mutation ($name: String!, $input: UpdateCacheRegionInput!) { updateCacheRegion(name: $name, input: $input) { ${created} } }`

/** H-07's sample, in the names of the graph. */
const userSessions = {
  name: 'user_sessions', cacheMode: 'REPLICATED', backups: 1, atomicityMode: 'TRANSACTIONAL', cacheStrategies: ['WRITE_THROUGH'], expiryPolicy: { createSeconds: 3600, accessSeconds: 3600 },
  indexes: [{ columns: ['user_id'], type: 'STRING' }, { columns: ['tenant_id'], type: 'STRING' }],
}

interface Created {
  readonly createCacheRegion: { readonly region: Record<string, unknown>; readonly changed: boolean; readonly warnings: readonly string[] }
}

describe('regions declared, filled and dropped through the API', () => {
  const folder = catalogFolder(files)
  let hub: RunningHub
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog })
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  const make = (input: Record<string, unknown>) => hub.query<Created>(create, { input })
  /** The one error of an answer: its code, its sentence, and where each of its problems is. */
  const failure = async (asked: ReturnType<RunningHub['query']>) => {
    const { errors = [] } = await asked
    expect(errors).toHaveLength(1)
    const { message = '', extensions = {} } = errors[0] ?? {}
    return { code: extensions['code'], message, places: ((extensions['problems'] ?? []) as { path: string }[]).map(problem => problem.path), extensions }
  }

  test('H-07 the sample region is created with every default filled in, warned of what has no effect, and created once', async () => {
    const first = await make(userSessions)
    expect(first.errors).toBeUndefined()
    expect(first.data?.createCacheRegion).toEqual({
      region: {
        name: 'user_sessions', type: 'UserSession', cacheMode: 'REPLICATED', backups: 1, atomicityMode: 'TRANSACTIONAL', cacheStrategies: ['WRITE_THROUGH'],
        expiryPolicy: { createSeconds: 3600, accessSeconds: 3600, updateSeconds: null }, indexes: [['user_id'], ['tenant_id']], evictionMaxSize: 10_000_000, evictionPolicy: 'LRU', key: ['key'],
        columns: [
          { name: 'key', type: 'String', nullable: false, indexed: true }, { name: 'user_id', type: 'String', nullable: true, indexed: true },
          { name: 'tenant_id', type: 'String', nullable: true, indexed: true }, { name: 'value', type: 'JSON', nullable: true, indexed: false },
        ],
      },
      changed: true,
      warnings: [expect.stringContaining('REPLICATED'), expect.stringContaining('WRITE_THROUGH')],
    })
    const again = await make(userSessions)
    expect(again.data?.createCacheRegion).toEqual({ ...first.data?.createCacheRegion, changed: false })
  })

  test('H-04 the nodes that keep the entries stay the same: this process alone, without address, partitions and connections, or those of the cluster with all three', async () => {
    const ask = async () => (await hub.query<{ cacheCluster: { nodes: { id: string }[] } }>('{ cacheCluster { nodes { id address state partitionsPrimary partitionsBackup } topologyVersion pool { size idle waiting } } }'))
    const first = await ask()
    const node = { id: expect.stringMatching(/./), state: 'UP' }
    const alone = { nodes: [{ ...node, address: null, partitionsPrimary: null, partitionsBackup: null }], topologyVersion: null, pool: null }
    const several = {
      nodes: Array.from({ length: keeperNodes }, () => ({ ...node, address: expect.stringMatching(/:\d+$/), partitionsPrimary: expect.any(Number), partitionsBackup: expect.any(Number) })),
      topologyVersion: expect.any(Number), pool: { size: keeperNodes, idle: expect.any(Number), waiting: 0 },
    }
    expect(first).toEqual({ data: { cacheCluster: keeper === 'memory' ? alone : several } })
    const ids = (answer: typeof first) => answer.data?.cacheCluster.nodes.map(({ id }) => id)
    expect(ids(await ask())).toEqual(ids(first))
  })

  test('H-10 more copies than there are other nodes are kept for a larger cluster, and the answer says so', async () => {
    const warnings = async (name: string, backups: number) => {
      const made = (await make({ name, backups })).data?.createCacheRegion.warnings
      await hub.query(`mutation { deleteCacheRegion(name: "${name}") }`)
      return made
    }
    for (let backups = 0; backups < keeperNodes; backups++) expect(await warnings(`copied_${backups}`, backups)).toEqual([])
    const nodes = keeperNodes === 1 ? 'the one node' : `the ${keeperNodes} nodes`
    expect(await warnings('copied_often', keeperNodes)).toEqual([`backups: ${keeperNodes} is kept for a larger cluster; of ${nodes} there is now, ${keeperNodes - 1} can hold a copy.`])
  })

  test('H-07 the same name with another definition is refused, and so is the name of a view or of a region in a file', async () => {
    expect(await failure(make({ ...userSessions, backups: 2 }))).toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('user_sessions') })
    for (const name of ['spending', 'customers', 'Customers']) expect(await failure(make({ name }))).toMatchObject({ code: 'CONFLICT', message: expect.stringContaining(name) })
  })

  test('H-09 H-11 H-12 values outside the enums are refused by the graph with what it takes', async () => {
    const wrong = [{ cacheMode: 'LOCAL' }, { atomicityMode: 'NONE' }, { cacheStrategies: ['WRITE_AROUND'] }, { indexes: [{ columns: ['a'], type: 'TEXT' }] }]
    for (const input of wrong) {
      const { errors } = await make({ name: 'never', ...input })
      expect(errors?.[0]?.message).toMatch(/does not exist in "(CacheMode|AtomicityMode|CacheStrategy|SqlType)" enum/)
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT' })
    }
  })

  test('H-08 H-10 H-12 H-13 H-14 H-15 every mistake is said with its place in the definition', async () => {
    const cases: [Record<string, unknown>, string][] = [
      [{ name: '' }, 'name'], [{ name: 'x'.repeat(64) }, 'name'], [{ name: '1st' }, 'name'], [{ name: 'a-b' }, 'name'], [{ name: 'select' }, 'name'],
      [{ name: 'never', backups: -1 }, 'backups'],
      [{ name: 'never', cacheStrategies: ['WRITE_THROUGH', 'WRITE_BEHIND'] }, 'strategies[1]'],
      [{ name: 'never', expiryPolicy: { createSeconds: 0 } }, 'expiry.create'], [{ name: 'never', expiryPolicy: { accessSeconds: -5 } }, 'expiry.access'],
      [{ name: 'never', indexes: [{ columns: ['a'] }, { columns: ['b', 'b'] }] }, 'indexes[1][1]'], [{ name: 'never', indexes: [{ columns: ['a'] }, { columns: ['a'] }] }, 'indexes[1]'],
      [{ name: 'never', indexes: [{ columns: ['a'] }, { columns: ['b', 'b'], unique: true }] }, 'indexes[1].columns[1]'], [{ name: 'never', indexes: [{ columns: ['a'] }, { columns: ['a'], unique: true }] }, 'indexes[1]'],
      [{ name: 'never', fields: { key: 'ID!' }, indexes: [{ columns: ['nope'] }] }, 'indexes[0]'], [{ name: 'never', fields: { key: 'Strin' } }, 'fields.key'],
      [{ name: 'never', evictionMaxSize: 0 }, 'maxEntries'], [{ name: 'never', affinityKey: 'nope' }, 'affinityKey'], [{ name: 'never', type: 'String' }, 'type'],
    ]
    for (const [input, place] of cases) expect([input, await failure(make(input))]).toEqual([input, expect.objectContaining({ code: 'VALIDATION_ERROR', places: [place] })])
    expect(await failure(make({ name: 'never', backups: -1, evictionMaxSize: 0, expiryPolicy: { createSeconds: 0 } }))).toMatchObject({ places: expect.arrayContaining(['backups', 'maxEntries', 'expiry.create']) })
    const { errors } = await make({ name: 'never', backups: 1.5 })
    expect(errors?.[0]?.message).toMatch(/Int cannot represent non-integer value: 1.5/)
    expect(await hub.query('{ cacheRegion(name: "never") { name } }')).toEqual({ data: { cacheRegion: null } })
  })

  test('H-14 a unique index refuses the write that would give two entries one value, whole, and is refused over entries that share one', async () => {
    const made = await hub.query<Created>('mutation ($input: CreateCacheRegionInput!) { createCacheRegion(input: $input) { region { indexes uniqueIndexes } changed } }', {
      input: { name: 'accounts', fields: { key: 'ID!', email: 'String', country: 'String', number: 'Int' }, indexes: [{ columns: ['email'], unique: true }, { columns: ['country'] }, { columns: ['country', 'number'], unique: true }] },
    })
    expect(made).toEqual({ data: { createCacheRegion: { region: { indexes: [['email'], ['country'], ['country', 'number']], uniqueIndexes: [['email'], ['country', 'number']] }, changed: true } } })

    const all = 'mutation ($values: [JSON!]!) { cachePutAll(region: "accounts", values: $values) { key } }'
    const first = [{ key: '1', email: 'ada@example.org', country: 'UK', number: 1 }, { key: '2', country: 'UK', number: 2 }, { key: '3', country: 'UK' }, { key: '4', country: 'UK' }]
    expect((await hub.query(all, { values: first })).errors).toBeUndefined()
    const clash = await failure(hub.query(all, { values: [{ key: '5', email: 'alan@example.org' }, { key: '6', email: 'ada@example.org' }, { key: '7', country: 'UK', number: 2 }] }))
    expect(clash).toMatchObject({ code: 'CONFLICT', places: ['rows[1].email', 'rows[2]'], message: expect.stringContaining('Entry "1" has email "ada@example.org" already, and the index (email) is unique.') })
    expect(await failure(hub.query('mutation { putAccounts(input: [{ key: "8", email: "x" }, { key: "9", email: "x" }]) { key } }'))).toMatchObject({ code: 'CONFLICT', places: ['rows[1].email'] })
    expect(await hub.query('mutation { putAccount(input: { key: "1", email: "ada@example.org", number: 9 }) { key } } ')).toEqual({ data: { putAccount: { key: '1' } } })
    expect(await hub.query('{ accounts { nodes { key email number } } }')).toEqual({ data: { accounts: { nodes: [{ key: '1', email: 'ada@example.org', number: 9 }, { key: '2', email: null, number: 2 }, { key: '3', email: null, number: null }, { key: '4', email: null, number: null }] } } })

    const shared = await failure(hub.query(update, { name: 'accounts', input: { indexes: [{ columns: ['country'], unique: true }] } }))
    expect(shared).toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('the index (country) cannot be unique: 2 entries have the values of another entry of the same tenant') })
    expect((await hub.query(update, { name: 'accounts', input: { indexes: [{ columns: ['country'] }] } })).errors).toBeUndefined()
    expect(await hub.query('{ cacheRegion(name: "accounts") { indexes uniqueIndexes } }')).toEqual({ data: { cacheRegion: { indexes: [['country']], uniqueIndexes: [] } } })
    expect((await hub.query(all, { values: [{ key: '6', email: 'ada@example.org' }] })).errors).toBeUndefined()
    expect(await hub.query('mutation { deleteCacheRegion(name: "accounts") }')).toEqual({ data: { deleteCacheRegion: true } })
  })

  test('H-17 H-20 a region with a name alone takes any JSON value by key, in the graph, by its name, and in SQL', async () => {
    const { data } = await make({ name: 'asset_metadata' })
    expect(data?.createCacheRegion.region).toMatchObject({ type: 'AssetMetadataEntry', key: ['key'], atomicityMode: 'TRANSACTIONAL', cacheMode: 'PARTITIONED', backups: 1, columns: [{ name: 'key' }, { name: 'value', type: 'JSON' }] })
    const put = await hub.query('mutation { cachePut(region: "asset_metadata", value: { key: "a", value: { size: 3 } }) { key value version writtenAt } }')
    expect(put).toEqual({ data: { cachePut: { key: 'a', value: { key: 'a', value: { size: 3 } }, version: expect.any(Number), writtenAt: expect.stringMatching(/Z$/) } } })
    expect(await hub.query('mutation { putAssetMetadataEntry(input: { key: "b", value: [1, 2] }) { key } }')).toEqual({ data: { putAssetMetadataEntry: { key: 'b' } } })
    const read = await hub.query('{ cacheGet(region: "asset_metadata", key: "b") { value } assetMetadata { totalCount nodes { key } } sqlQuery(query: "SELECT key FROM asset_metadata ORDER BY key DESC") { rows } }')
    expect(read).toEqual({ data: { cacheGet: { value: { key: 'b', value: [1, 2] } }, assetMetadata: { totalCount: 2, nodes: [{ key: 'a' }, { key: 'b' }] }, sqlQuery: { rows: [['b'], ['a']] } } })
  })

  test('of many who declare one name at the same time one is first, equals agree with it and others are refused', async () => {
    const answers = await Promise.all([1, 2, 1, 2, 1].map(backups => make({ name: 'contested', backups })))
    const winner = answers.find(answer => answer.data)?.data?.createCacheRegion
    const agreed = answers.flatMap(answer => (answer.data ? [answer.data.createCacheRegion] : []))
    expect(agreed.map(({ changed }) => changed).filter(Boolean)).toHaveLength(1)
    expect(new Set(agreed.map(({ region }) => region['backups']))).toEqual(new Set([winner?.region['backups']]))
    expect(answers.flatMap(answer => answer.errors ?? []).map(error => error.extensions?.['code'])).toEqual(Array.from({ length: 5 - agreed.length }, () => 'CONFLICT'))
    const many = await Promise.all(['one', 'two', 'three'].map(name => make({ name: `side_${name}` })))
    expect(many.map(answer => answer.data?.createCacheRegion.changed)).toEqual([true, true, true])
    expect(await hub.query('mutation { a: deleteCacheRegion(name: "contested") b: deleteCacheRegion(name: "side_one") c: deleteCacheRegion(name: "side_two") d: deleteCacheRegion(name: "side_three") }')).toEqual({ data: { a: true, b: true, c: true, d: true } })
  })

  test('H-05 regions are listed in pages by name, and an unknown one is null', async () => {
    const walk = '($after: String) { cacheRegions(first: 2, after: $after) { totalCount nodes { name } edges { cursor } pageInfo { hasNextPage endCursor } } }'
    type Page = { cacheRegions: { totalCount: number; nodes: { name: string }[]; pageInfo: { hasNextPage: boolean; endCursor: string } } }
    const first = await hub.query<Page>(`query ${walk}`)
    const second = await hub.query<Page>(`query ${walk}`, { after: first.data?.cacheRegions.pageInfo.endCursor })
    const pages = [first, second].map(page => page.data?.cacheRegions)
    expect(pages.flatMap(page => page?.nodes.map(node => node.name))).toEqual(['asset_metadata', 'customers', 'user_sessions'])
    expect(pages.map(page => page?.pageInfo.hasNextPage)).toEqual([true, false])
    expect(await failure(hub.query(`query ${walk}`, { after: 'forged' }))).toMatchObject({ code: 'BAD_CURSOR' })
    expect(await failure(hub.query('{ cacheRegions(first: 1001) { totalCount } }'))).toMatchObject({ code: 'BAD_USER_INPUT' })
    expect(await hub.query('{ cacheRegion(name: "nowhere") { name } }')).toEqual({ data: { cacheRegion: null } })
  })

  test('H-05 the list of regions is narrowed by name, type, modes and whether there is a source, all of them together', async () => {
    await make({ name: 'narrowed', cacheMode: 'REPLICATED', atomicityMode: 'ATOMIC' })
    type Page = { cacheRegions: { totalCount: number; nodes: { name: string }[] } }
    const named = async (filter: Record<string, unknown>) => {
      const { data } = await hub.query<Page>('query ($filter: CacheRegionFilter) { cacheRegions(filter: $filter) { totalCount nodes { name } } }', { filter })
      const names = data?.cacheRegions.nodes.map(node => node.name)
      expect(data?.cacheRegions.totalCount).toBe(names?.length)
      return names
    }
    const all = ['asset_metadata', 'customers', 'narrowed', 'user_sessions']
    for (const everything of [{}, { name: '' }, { name: null, hasSource: null }]) expect(await named(everything)).toEqual(all)
    expect(await named({ name: 'USER' })).toEqual(['user_sessions'])
    expect(await named({ type: 'Customer' })).toEqual(['customers'])
    expect(await named({ type: 'customer' })).toEqual([])
    expect(await named({ cacheMode: 'REPLICATED' })).toEqual(['narrowed', 'user_sessions'])
    expect(await named({ atomicityMode: 'ATOMIC' })).toEqual(['narrowed'])
    expect(await named({ hasSource: true })).toEqual(['customers'])
    expect(await named({ hasSource: false, atomicityMode: 'TRANSACTIONAL' })).toEqual(['asset_metadata', 'user_sessions'])
    expect(await failure(hub.query('{ cacheRegions(filter: { cacheMode: LOCAL }) { totalCount } }'))).toMatchObject({ message: expect.stringContaining('LOCAL') })
    expect(await hub.query('mutation { deleteCacheRegion(name: "narrowed") }')).toEqual({ data: { deleteCacheRegion: true } })
  })

  test('H-15 what is beyond the limit goes by the policy declared, which may be changed, and another one is refused', async () => {
    type Declared = { [name: string]: { region: { evictionPolicy: string }; changed: boolean } }
    const kept = async () => (await hub.query<{ turns: { nodes: { key: string }[] } }>('{ turns { nodes { key } } }')).data?.turns.nodes.map(node => node.key)
    const put = (key: string) => hub.query('mutation ($value: JSON!) { cachePut(region: "turns", value: $value) { key } }', { value: { key, value: 1 } })
    if (keeper === 'ignite') {
      expect(await failure(make({ name: 'turns', evictionPolicy: 'FIFO' }))).toMatchObject({ message: expect.stringMatching(/FIFO/) })
      return
    }
    expect((await make({ name: 'turns', evictionMaxSize: 2, evictionPolicy: 'FIFO' })).data?.createCacheRegion).toMatchObject({ region: { evictionPolicy: 'FIFO', evictionMaxSize: 2 }, changed: true })
    for (const key of ['a', 'b', 'a', 'c']) await put(key)
    expect(await kept()).toEqual(['b', 'c'])
    const changed = await hub.query<Declared>(update, { name: 'turns', input: { evictionPolicy: 'LRU' } })
    expect(changed.data?.['updateCacheRegion']).toMatchObject({ region: { evictionPolicy: 'LRU', evictionMaxSize: 2 }, changed: true })
    await hub.query('{ turn(key: "b") { key } }')
    await put('d')
    expect(await kept()).toEqual(['b', 'd'])
    expect((await hub.query<Declared>(update, { name: 'turns', input: { evictionPolicy: 'FIFO' } })).data?.['updateCacheRegion']).toMatchObject({ region: { evictionPolicy: 'FIFO' } })
    await put('e')
    expect(await kept()).toEqual(['d', 'e'])
    expect((await make({ name: 'dice', evictionPolicy: 'RANDOM_2_LRU' })).errors).toMatchObject([{ message: expect.stringMatching(/"RANDOM_2_LRU".*"EvictionPolicy"/) }])
    expect(await hub.query('mutation { deleteCacheRegion(name: "turns") }')).toEqual({ data: { deleteCacheRegion: true } })
  })

  test('H-18 figures of a region never used are zeros and null ratios; used, they count', async () => {
    await make({ name: 'realtime_metrics' })
    const figures = '{ cacheRegion(name: "realtime_metrics") { stats { entries hits misses hitRatio gets puts removals evictions expiries avgGetMicros avgPutMicros offloadRatio lastSyncAt } } }'
    const unused = { entries: 0, hits: 0, misses: 0, hitRatio: null, gets: 0, puts: 0, removals: 0, evictions: 0, expiries: 0, avgGetMicros: null, avgPutMicros: null, offloadRatio: null, lastSyncAt: null }
    expect(await hub.query(figures)).toEqual({ data: { cacheRegion: { stats: unused } } })
    await hub.query('mutation { cachePut(region: "realtime_metrics", value: { key: "cpu", value: 0.5 }) { key } }')
    await hub.query('{ there: realtimeMetric(key: "cpu") { value } not: realtimeMetric(key: "ram") { value } }')
    const used = await hub.query<{ cacheRegion: { stats: Record<string, number> } }>(figures)
    expect(used.data?.cacheRegion.stats).toMatchObject({ entries: 1, hits: 1, misses: 1, hitRatio: 0.5, puts: 1, offloadRatio: null, avgPutMicros: expect.any(Number) })
  })

  test('H-19 an update changes times, size and indexes, keeps the entries and the rest of the definition', async () => {
    await make({ name: 'carts', type: 'Cart', description: 'What somebody wants.', key: ['cart_id'], fields: { cart_id: 'ID!', total: { type: 'Decimal', description: 'In euros.' }, owner: 'String' } })
    await hub.query('mutation { putCart(input: { cartId: "1", total: "9.50", owner: "ada" }) { cartId } }')
    const changed = await hub.query<{ updateCacheRegion: unknown }>(update, { name: 'carts', input: { expiryPolicy: { updateSeconds: 90_000 }, evictionMaxSize: 500, indexes: [{ columns: ['owner'] }] } })
    expect(changed.data?.updateCacheRegion).toMatchObject({ changed: true, region: { evictionMaxSize: 500, indexes: [['owner']], expiryPolicy: { createSeconds: null, accessSeconds: null, updateSeconds: 90_000 }, type: 'Cart' } })
    const after = await hub.query('{ carts(where: { owner: { eq: "ada" } }) { nodes { cartId total } } __type(name: "Cart") { description fields { name description } } }')
    expect(after.data).toEqual({
      carts: { nodes: [{ cartId: '1', total: '9.50' }] },
      __type: { description: 'What somebody wants.', fields: [{ name: 'cartId', description: expect.any(String) }, { name: 'total', description: 'In euros.' }, { name: 'owner', description: expect.any(String) }] },
    })
    expect((await hub.query<{ updateCacheRegion: unknown }>(update, { name: 'carts', input: { evictionMaxSize: 500 } })).data?.updateCacheRegion).toMatchObject({ changed: false })
    expect(await failure(hub.query(update, { name: 'carts', input: { evictionMaxSize: 0 } }))).toMatchObject({ code: 'VALIDATION_ERROR', places: ['maxEntries'] })
    expect(await failure(hub.query(update, { name: 'cart', input: {} }))).toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('"carts"') })
    expect(await failure(hub.query(update, { name: 'customers', input: { evictionMaxSize: 5 } }))).toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('file') })
  })

  test('H-19 clearing removes the entries and says how many; a region filled from a source is not cleared', async () => {
    expect(await hub.query('mutation { clearCacheRegion(name: "carts") }')).toEqual({ data: { clearCacheRegion: 1 } })
    expect(await hub.query('{ carts { totalCount } }')).toEqual({ data: { carts: { totalCount: 0 } } })
    expect(await failure(hub.query('mutation { clearCacheRegion(name: "customers") }'))).toMatchObject({ code: 'FORBIDDEN' })
    expect(await failure(hub.query('mutation { clearCacheRegion(name: "nowhere") }'))).toMatchObject({ code: 'NOT_FOUND' })
  })

  test('H-19 M-29 what others use is dropped only with them, and its entries go with it', async () => {
    await hub.query('mutation { putCart(input: { cartId: "2", total: "1.00" }) { cartId } }')
    const view = await hub.query('mutation { createFederatedView(name: "cart_totals", key: ["cart_id"], sql: "SELECT cart_id, total FROM carts") { name type columns { name type } } }')
    expect(view).toEqual({ data: { createFederatedView: { name: 'cart_totals', type: 'CartTotal', columns: [{ name: 'cart_id', type: 'String' }, { name: 'total', type: 'Decimal' }] } } })
    expect(await hub.query('{ cartTotals { nodes { cartId total } } }')).toEqual({ data: { cartTotals: { nodes: [{ cartId: '2', total: expect.stringMatching(/^1\.0/) }] } } })
    const used = await failure(hub.query('mutation { deleteCacheRegion(name: "carts") }'))
    expect(used).toMatchObject({ code: 'IN_USE', extensions: { users: [expect.stringContaining('cart_totals')] } })
    expect(await hub.query('{ carts { totalCount } }')).toEqual({ data: { carts: { totalCount: 1 } } })

    expect(await hub.query('mutation { deleteCacheRegion(name: "carts", force: true) }')).toEqual({ data: { deleteCacheRegion: true } })
    expect(await hub.query('{ cacheRegion(name: "carts") { name } }')).toEqual({ data: { cacheRegion: null } })
    const gone = await hub.query('{ cartTotals { totalCount } }')
    expect(gone.errors?.[0]?.message).toContain('cartTotals')
    expect(await hub.query('mutation { deleteCacheRegion(name: "carts") }')).toEqual({ data: { deleteCacheRegion: false } })

    await make({ name: 'carts', key: ['number'], fields: { number: 'Int!' } })
    expect(await hub.query('{ carts { totalCount } }')).toEqual({ data: { carts: { totalCount: 0 } } })
  })

  test('H-20 bulk calls keep the order, mark what is missing, take 10,000 at once and not one more', async () => {
    const keys = Array.from({ length: 10_001 }, (_, index) => `k${index}`)
    const values = keys.map(key => ({ key, value: key.length }))
    const put = 'mutation ($values: [JSON!]!) { cachePutAll(region: "realtime_metrics", values: $values) { key } }'
    const all = await hub.query<{ cachePutAll: { key: string }[] }>(put, { values: values.slice(1) })
    expect(all.data?.cachePutAll.map(entry => entry.key)).toEqual(keys.slice(1))
    expect(await failure(hub.query(put, { values }))).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
    const get = 'query ($keys: [ID!]!) { cacheGetAll(region: "realtime_metrics", keys: $keys) { key } }'
    expect(await hub.query(get, { keys: ['k7', 'nope', 'k3', 'k7'] })).toEqual({ data: { cacheGetAll: [{ key: 'k7' }, null, { key: 'k3' }, { key: 'k7' }] } })
    expect(await failure(hub.query(get, { keys }))).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
    expect(await hub.query('mutation { a: cacheRemove(region: "realtime_metrics", key: "k7") b: cacheRemove(region: "realtime_metrics", key: "k7") }')).toEqual({ data: { a: true, b: false } })
    const wrong = 'mutation { cachePutAll(region: "realtime_metrics", values: [{ key: "ok" }, { value: 1 }, { key: "x", value: 1, nope: 1 }, 5]) { key } }'
    expect(await failure(hub.query(wrong))).toMatchObject({ code: 'VALIDATION_ERROR', places: ['values[1].key', 'values[2].nope', 'values[3]'] })
    expect(await hub.query('{ cacheGet(region: "realtime_metrics", key: "ok") { key } }')).toEqual({ data: { cacheGet: null } })
  })

  test('M-29 a view that does not plan is refused with the engine\'s words and place, a taken name with CONFLICT', async () => {
    const declare = 'mutation ($name: String!, $sql: String!, $every: String) { createFederatedView(name: $name, key: ["id"], sql: $sql, materializeEvery: $every) { name refreshEveryMs refreshedAt } }'
    const wrong = await failure(hub.query(declare, { name: 'broken', sql: 'SELECT id\nFROM shop.custmers' }))
    expect(wrong).toMatchObject({ code: 'VALIDATION_ERROR', places: ['sql'], message: expect.stringMatching(/shop\.custmers.*shop\.customers/) })
    expect(await failure(hub.query(declare, { name: 'broken', sql: 'DELETE FROM shop.customers' }))).toMatchObject({ code: 'VALIDATION_ERROR' })
    expect(await failure(hub.query(declare, { name: 'broken', sql: 'SELECT name FROM shop.customers' }))).toMatchObject({ code: 'VALIDATION_ERROR', places: ['key'] })
    expect(await failure(hub.query(declare, { name: 'customers', sql: 'SELECT 1 AS id' }))).toMatchObject({ code: 'CONFLICT' })
    expect(await failure(hub.query(declare, { name: 'broken', sql: 'SELECT 1 AS id', every: 'hourly' }))).toMatchObject({ code: 'VALIDATION_ERROR', places: ['materialize.every'] })
    expect((await hub.query(declare, { name: 'customer_names', sql: 'SELECT id, name FROM shop.customers' })).errors).toBeUndefined()
    expect(await failure(hub.query(declare, { name: 'customer_names', sql: 'SELECT id FROM shop.customers' }))).toMatchObject({ code: 'CONFLICT' })
    expect(await hub.query('mutation { dropView(name: "customer_names") }')).toEqual({ data: { dropView: true } })
    expect(await hub.query('mutation { dropView(name: "customer_names") }')).toEqual({ data: { dropView: false } })
    expect(await failure(hub.query('mutation { dropView(name: "spending") }'))).toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('file') })
  })

  test('M-25 M-29 a materialised view keeps its rows until they are computed anew', async () => {
    await make({ name: 'scores', fields: { key: 'ID!', points: 'Int!' }, type: 'Score' })
    await hub.query('mutation { putScore(input: { key: "a", points: 1 }) { key } }')
    const tenants = await failure(hub.query('mutation { createFederatedView(name: "totals", key: ["n"], sql: "SELECT count(*) AS n FROM scores", materializeEvery: "PT1H") { name } }'))
    expect(tenants).toMatchObject({ code: 'VALIDATION_ERROR', places: ['materialize'] })
    const made = await hub.query<{ createFederatedView: { refreshedAt: string } }>('mutation { createFederatedView(name: "kept", key: ["one"], sql: "SELECT 1 AS one, random() AS drawn", materializeEvery: "PT1H") { refreshEveryMs refreshedAt } }')
    expect(made.data?.createFederatedView).toEqual({ refreshEveryMs: 3_600_000, refreshedAt: expect.stringMatching(/Z$/) })
    const drawn = async () => (await hub.query<{ keptRow: { drawn: number } }>('{ keptRow(one: 1) { drawn } }')).data?.keptRow.drawn
    const before = await drawn()
    expect(await drawn()).toBe(before)
    expect((await hub.query('mutation { refreshView(name: "kept") { name } }')).errors).toBeUndefined()
    expect(await drawn()).not.toBe(before)
    expect(await failure(hub.query('mutation { refreshView(name: "spending") { name } }'))).toMatchObject({ code: 'BAD_USER_INPUT' })
    const list = await hub.query<{ federatedViews: { nodes: { name: string; sql: string }[] } }>('{ federatedViews { totalCount nodes { name sql refreshEveryMs columns { name } inputs } } }')
    expect(list.data?.federatedViews).toMatchObject({ totalCount: 2, nodes: [{ name: 'kept', refreshEveryMs: 3_600_000, inputs: [] }, { name: 'spending', refreshEveryMs: null, columns: [{ name: 'customer' }, { name: 'amount' }], inputs: ['shop.orders'] }] })
  })

  test('H-21 regions spread by columns of one type are on the same nodes; a column the region lacks is refused', async () => {
    const create = (name: string, affinityKey: string) => hub.query(`mutation { createCacheRegion(input: { name: "${name}", fields: { key: "ID!", tenant: "String!", size: "Int" }, affinityKey: "${affinityKey}" }) { changed } }`)
    for (const name of ['carts_by_tenant', 'visits_by_tenant']) expect((await create(name, 'tenant')).errors).toBeUndefined()
    expect((await create('sizes', 'size')).errors).toBeUndefined()
    expect((await create('lost', 'nowhere')).errors).toMatchObject([{ extensions: { code: 'VALIDATION_ERROR' } }])
    const { data } = await hub.query('{ carts: cacheRegion(name: "carts_by_tenant") { affinityKey colocatedWith { name } } sizes: cacheRegion(name: "sizes") { colocatedWith { name } } }')
    expect(data).toEqual({ carts: { affinityKey: 'tenant', colocatedWith: [{ name: 'visits_by_tenant' }] }, sizes: { colocatedWith: [] } })
    for (const name of ['carts_by_tenant', 'visits_by_tenant', 'sizes']) expect(await hub.query(`mutation { deleteCacheRegion(name: "${name}") }`)).toEqual({ data: { deleteCacheRegion: true } })
  })

  test('M-22 M-23 M-24 every catalog is listed with its state and tables, and one table is described', async () => {
    const { data } = await hub.query<{ queryDataSources: { catalog: string; connector: string; status: string; tables: { name: string }[] }[] }>('{ queryDataSources { name catalog connector role status reason latencyMs schemas tables { name } } }')
    expect(data?.queryDataSources.find(one => one.catalog === 'shop')).toEqual({ name: 'shop', catalog: 'shop', connector: 'files', role: 'LAKE', status: 'UP', reason: null, latencyMs: expect.any(Number), schemas: [], tables: [{ name: 'customers' }, { name: 'orders' }] })
    expect(data?.queryDataSources.find(one => one.catalog === 'hub')?.tables.map(table => table.name)).toEqual(expect.arrayContaining(['customers', 'spending', 'user_sessions']))
    const schema = 'query ($catalog: String!, $table: String!) { tableSchema(catalog: $catalog, table: $table) { columns { name type nullable } } }'
    expect(await hub.query(schema, { catalog: 'shop', table: 'orders' })).toEqual({ data: { tableSchema: { columns: [{ name: 'id', type: 'Int', nullable: true }, { name: 'customer', type: 'Int', nullable: true }, { name: 'amount', type: 'Int', nullable: true }] } } })
    for (const table of ['order', '../secret', 'orders"; DROP TABLE x', '%2e%2e%2fsecret']) {
      expect(await hub.query(schema, { catalog: 'shop', table })).toMatchObject({ data: { tableSchema: null }, errors: [{ message: expect.stringContaining(`There is no table "${table}" in shop.`), extensions: { code: 'NOT_FOUND' } }] })
    }
    expect((await hub.query(schema, { catalog: 'shops', table: 'orders' })).errors?.[0]?.message).toBe('There is no catalog "shops". Did you mean "shop"?')
  })

  test('everything declared is there after a restart, with its version and who declared it', async () => {
    const node = await hub.query('{ cacheCluster { nodes { id } } }')
    hub = await hub.restart()
    expect(await hub.query('{ cacheCluster { nodes { id } } }')).toEqual(node)
    const after = await hub.query('{ cacheRegions { nodes { name evictionMaxSize } } assetMetadata { nodes { key value } } federatedViews { nodes { name } } scores { nodes { key points } } carts { totalCount } }')
    expect(after.data).toMatchObject({
      cacheRegions: { nodes: [{ name: 'asset_metadata' }, { name: 'carts' }, { name: 'customers' }, { name: 'realtime_metrics' }, { name: 'scores' }, { name: 'user_sessions' }] },
      assetMetadata: { nodes: [{ key: 'a', value: { size: 3 } }, { key: 'b', value: [1, 2] }] },
      federatedViews: { nodes: [{ name: 'kept' }, { name: 'spending' }] }, scores: { nodes: [{ key: 'a', points: 1 }] }, carts: { totalCount: 0 },
    })
    expect((await make(userSessions)).data?.createCacheRegion.changed).toBe(false)
    const audit = await hub.metadata("SELECT action, subject, actor FROM audit_event WHERE subject = 'carts' ORDER BY number")
    const versions = await hub.metadata("SELECT version, created_by FROM catalog_version WHERE name = 'carts' ORDER BY version")
    const by = 'anonymous'
    expect(audit).toEqual(['region.create', 'region.update', 'region.drop', 'region.create'].map(action => ({ action, subject: 'carts', actor: by })))
    expect(versions).toEqual([1, 2, 3].map(version => ({ version, created_by: by })))
  }, 120_000)
})

describe('sources declared through the API reach what the operator lists and nothing else', () => {
  const folder = catalogFolder({ ...files, 'open/animals.csv': 'id,name\n1,owl\n', 'open/deep/plants.csv': 'id,name\n1,fern\n', 'private/keys.csv': 'id,value\n1,hunter2\n' })
  const at = (...parts: string[]) => join(folder.folder, ...parts)
  let hub: RunningHub
  let closed: RunningHub
  beforeAll(async () => {
    mkdirSync(at('open-but-not'))
    writeFileSync(at('open-but-not', 'x.csv'), 'id\n1\n')
    symlinkSync(at('private'), at('open', 'door'))
    symlinkSync(at('private', 'keys.csv'), at('open', 'deep', 'keys.csv'))
    const database = new DatabaseSync(at('open', 'birds.sqlite'))
    database.exec('CREATE TABLE birds (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO birds VALUES (1, \'owl\')')
    database.close()
    hub = await startHub({ catalog: folder.catalog, flags: [`--api-source-folders=${at('open')}`, '--api-secrets=env:PATH', '--api-hosts=127.0.0.1:1,db.example'] })
    closed = await startHub({ catalog: folder.catalog })
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    await closed.close()
    folder.remove()
  })

  const register = 'mutation ($name: String!, $definition: JSON!) { registerDataSource(name: $name, definition: $definition) }'
  const refusal = async (definition: unknown, where = hub) => {
    const { errors } = await where.query(register, { name: 'mine', definition })
    return { code: errors?.[0]?.extensions?.['code'], message: errors?.[0]?.message ?? '', text: JSON.stringify(errors) }
  }

  const rename = (from: string, to: string) => {
    const database = new DatabaseSync(at('open', 'birds.sqlite'))
    database.exec(`ALTER TABLE ${from} RENAME TO ${to}`)
    database.close()
  }
  /** A start on a copy of what was declared, as an operator who took the setting away would try it. */
  const startWithout = () => {
    for (const file of readdirSync(hub.data).filter(name => name.startsWith('metadata'))) cpSync(join(hub.data, file), at('copy', file))
    return startHub({ catalog: folder.catalog, data: at('copy'), env: hub.env })
  }

  test('H-36 M-23 a folder the operator lists becomes a source at once, with its tables in SQL, and goes again', async () => {
    expect(await hub.query(register, { name: 'zoo', definition: { type: 'files', root: at('open'), tables: { animals: 'animals.csv' } } })).toEqual({ data: { registerDataSource: true } })
    expect(await hub.query(register, { name: 'zoo', definition: { type: 'files', root: at('open'), tables: { animals: 'animals.csv' } } })).toEqual({ data: { registerDataSource: false } })
    expect(await hub.query('{ unifiedQuery(sql: "SELECT name FROM zoo.animals") { rows } }')).toEqual({ data: { unifiedQuery: { rows: [['owl']] } } })
    expect(await hub.query(register, { name: 'aviary', definition: { type: 'sqlite', file: 'birds.sqlite' } })).toEqual({ data: { registerDataSource: true } })
    expect(await hub.query('{ unifiedQuery(sql: "SELECT b.name FROM aviary.birds b JOIN zoo.animals a ON a.name = b.name") { rows } }')).toEqual({ data: { unifiedQuery: { rows: [['owl']] } } })
    const states = async () => Object.fromEntries((await hub.query<{ queryDataSources: { catalog: string; status: string; reason: string | null }[] }>('{ queryDataSources { catalog status reason } }')).data?.queryDataSources.map(({ catalog, ...state }) => [catalog, state]) ?? [])
    expect(await states()).toMatchObject({ zoo: { status: 'UP', reason: null }, aviary: { status: 'UP', reason: null } })
    rename('birds', 'gone')
    expect(await states()).toMatchObject({ zoo: { status: 'UP', reason: null }, aviary: { status: 'DOWN', reason: expect.stringContaining('birds') } })
    rename('gone', 'birds')

    await expect(startWithout()).rejects.toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('api.sourceFolders') })
    hub = await hub.restart()
    expect(await hub.query('{ unifiedQuery(sql: "SELECT name FROM zoo.animals") { rows } }')).toEqual({ data: { unifiedQuery: { rows: [['owl']] } } })
    expect(await hub.query('mutation { a: deleteDataSource(name: "zoo") b: deleteDataSource(name: "aviary") c: deleteDataSource(name: "zoo") }')).toEqual({ data: { a: true, b: true, c: false } })
    expect((await hub.query('{ unifiedQuery(sql: "SELECT name FROM zoo.animals") { rows } }')).errors?.[0]?.extensions).toMatchObject({ code: 'NOT_FOUND' })
  }, 120_000)

  test('without the settings no path, no host and no reference is taken, and the answer names the setting', async () => {
    expect(await refusal({ type: 'files', root: at('open') }, closed)).toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('api.sourceFolders') })
    expect(await refusal({ type: 'sqlite', file: at('open', 'birds.sqlite') }, closed)).toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('api.sourceFolders') })
    expect(await refusal({ type: 'postgresql', host: '127.0.0.1', port: 1, database: 'x' }, closed)).toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('api.hosts') })
    expect(await refusal({ type: 'postgresql', host: 'x', database: 'x', password: '${env:PATH}' }, closed)).toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('api.secrets') })
  })

  test('no way leads out of the folders: neither above, nor beside, nor through a link, nor to a file that may or may not be there', async () => {
    const roots = ['/', '/etc', at('private'), at('open-but-not'), at('open', '..', 'private'), '../private', at('open', 'door'), 'door', at('private', 'none'), '/no/such/place', 'deep\0', '${env:PATH}', '${file:/etc/passwd}']
    for (const root of roots) {
      const { code, text } = await refusal({ type: 'files', root })
      expect([root, code]).toEqual([root, 'FORBIDDEN'])
      expect(text).not.toContain(process.env['PATH'])
    }
    expect(await refusal({ type: 'files', root: 'nowhere' })).toMatchObject({ code: 'NOT_FOUND' })
    for (const file of ['../private/keys.csv', at('private', 'keys.csv'), 'deep/keys.csv', 'door/keys.csv']) {
      const refused = await refusal({ type: 'files', root: at('open'), tables: { keys: file } })
      expect([file, refused.code]).toEqual([file, 'VALIDATION_ERROR'])
      expect(refused.text).not.toContain('hunter2')
    }
    expect(await refusal({ type: 'sqlite', file: at('private', 'keys.csv') })).toMatchObject({ code: 'FORBIDDEN' })
  })

  test('hosts that are not listed are never connected to, however the URL spells them', async () => {
    let connections = 0
    const server = createServer(socket => {
      connections += 1
      socket.destroy()
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const urls = [`postgresql://127.0.0.1:${port}/x`, `postgresql://db.example/x?host=127.0.0.1&port=${port}`, `postgresql://db.example/x?sslrootcert=/etc/passwd`, `postgresql://db.example@127.0.0.1:${port}/x`, 'postgresql:///x', 'postgresql://%2Ftmp/x', `postgresql://db.example,127.0.0.1:${port}/x`, `http://127.0.0.1:${port}/`]
    for (const url of urls) expect([url, (await refusal({ type: 'postgresql', url })).code]).toEqual([url, expect.stringMatching(/FORBIDDEN|VALIDATION_ERROR/)])
    for (const host of ['127.0.0.1', 'localhost', '127.1', '0', '/tmp', '::1']) expect([host, (await refusal({ type: 'postgresql', host, port, database: 'x' })).code]).toEqual([host, 'FORBIDDEN'])
    expect(connections).toBe(0)
    await new Promise(resolve => server.close(resolve))
  })

  test('H-37 a listed host is tried; the secret a definition refers to is in no answer', async () => {
    const refused = await refusal({ type: 'postgresql', host: '127.0.0.1', port: 1, database: 'x', user: 'me', password: '${env:PATH}' })
    expect(refused.code).not.toBe('FORBIDDEN')
    expect(refused.message).toContain('mine')
    expect(refused.text).not.toContain(process.env['PATH'])
    expect(await refusal({ type: 'postgresql', host: '127.0.0.1', port: 1, database: 'x', password: '${env:HOME}' })).toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('api.secrets') })
    expect(await refusal({ type: 'postgresql', host: '127.0.0.1', port: 70_000, database: 'x' })).toMatchObject({ code: 'VALIDATION_ERROR', message: expect.stringContaining('65535') })
    expect(await refusal({ type: 'cassandr', host: 'x' })).toMatchObject({ code: 'VALIDATION_ERROR' })
  })
})
