import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeDemo } from '../../gateway/demo/write.ts'
import { catalogFolder, type CatalogFolder } from '../support/catalog-folder.ts'
import { keeper, startHub, type RunningHub } from '../support/hub.ts'

interface Page<Node> {
  readonly totalCount: number
  readonly nodes: readonly Node[]
  readonly pageInfo: { readonly endCursor: string; readonly hasNextPage: boolean }
}

interface Change {
  readonly type: string
  readonly key: string
  readonly before: Readonly<Record<string, unknown>> | null
  readonly after: Readonly<Record<string, unknown>> | null
  readonly cursor: string
}

type Events = ReturnType<RunningHub['subscribe']>

/** The subscription's next events. */
async function next(events: Events, count: number): Promise<Change[]> {
  const seen: Change[] = []
  while (seen.length < count) {
    const { value, done } = await events.next()
    const [change] = Object.values((value?.data ?? {}) as Record<string, Change>)
    if (done || !change) throw new Error(`The subscription ended: ${JSON.stringify(value)}`)
    seen.push(change)
  }
  return seen
}

describe('the views of the demo over HTTP', () => {
  let folder: string
  let hub: RunningHub
  const read = async (file: string) => readFile(join(folder, file), 'utf8')
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'demo-'))
    const { catalog } = await writeDemo(folder, () => {})
    hub = await startHub({ catalog })
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    await rm(folder, { recursive: true, force: true })
  })

  const ask = async <Node>(field: string, text: string, variables: Readonly<Record<string, unknown>> = {}): Promise<Page<Node>> => {
    const { data, errors } = await hub.query<Record<string, Page<Node>>>(text, variables)
    expect(errors).toBeUndefined()
    const page = data?.[field]
    if (!page) throw new Error(`${field} answered nothing.`)
    return page
  }

  test('M-25 every view is listed with its statement, columns, inputs, and how fresh its rows are', async () => {
    const { nodes, totalCount } = await ask<Record<string, unknown>>('federatedViews', '{ federatedViews(first: 20) { totalCount nodes { name description sql columns { name type } inputs refreshPolicy freshness } } }')
    expect([totalCount, nodes.map(view => view['name'])]).toEqual([5, ['data_quality_dashboard', 'departments', 'trusted_assets', 'unified_assets', 'unified_user_activity']])
    expect(nodes[0]).toMatchObject({ inputs: ['lake.data_quality_latest', 'platform.digital_assets'], refreshPolicy: 'SCHEDULED', freshness: expect.stringMatching(/^PT\d+(\.\d+)?S$/), columns: expect.arrayContaining([{ name: 'mean_quality', type: 'Float' }]) })
    expect(nodes[2]).toMatchObject({ inputs: ['hub.unified_assets'], refreshPolicy: 'ON_READ', freshness: 'PT0S', description: expect.stringMatching(/\w/), sql: expect.stringContaining('SELECT') })
  })

  test('M-26 assets of all stores in one list, with nulls and presentIn for those of one store, as entities by their id', async () => {
    const assets = (await read('platform/digital_assets.ndjson')).trim().split('\n').map(line => JSON.parse(line) as { asset_id: string; asset_name: string; tags: string[]; updated_at: string | null; created_at: string })
    const checked = new Set((await read('lake/data_quality_latest.csv')).trim().split('\n').slice(1).map(line => line.split(',')[0]))
    const unchecked = assets.filter(asset => !checked.has(asset.asset_id))
    const alone = await ask<Record<string, unknown>>('unifiedAssets', '{ unifiedAssets(first: 3, where: { qualityScore: { isNull: true } }, orderBy: [{ assetId: ASC }]) { totalCount nodes { assetId assetName assetType ownerId tags engagementScore qualityScore failingRule checkedAt cachedUpdatedAt presentIn } } }')
    expect(alone.totalCount).toBe(unchecked.length)
    expect(alone.nodes).toEqual(unchecked.slice(0, 3).map(({ asset_id, asset_name, tags, updated_at, created_at }) => ({
      assetId: asset_id, assetName: asset_name, assetType: expect.any(String), ownerId: expect.any(Number), tags, engagementScore: expect.any(Number), qualityScore: null, failingRule: null, checkedAt: null, cachedUpdatedAt: updated_at ?? created_at, presentIn: ['platform', 'cache'],
    })))
    const [known] = checked
    const one = await hub.query('query ($id: ID!) { unifiedAsset(assetId: $id) { presentIn qualityScore asset { owner { userId } } } }', { id: known })
    expect(one.data).toEqual({ unifiedAsset: { presentIn: ['platform', 'lake', 'cache'], qualityScore: expect.any(Number), asset: { owner: { userId: expect.any(Number) } } } })

    // The lake goes on knowing an asset that the platform has no more.
    await writeFile(join(folder, 'lake/data_quality_latest.csv'), `${(await read('lake/data_quality_latest.csv')).trimEnd()}\nasset-gone,silver,0.5,1,,2026-01-01T00:00:00Z\n`)
    expect((await hub.query('mutation { refreshView(name: "data_quality_dashboard") { name } }')).errors).toBeUndefined()
    const gone = await hub.query('{ unifiedAsset(assetId: "asset-gone") { assetName ownerId engagementScore qualityScore cachedUpdatedAt presentIn asset { assetId } } }')
    expect(gone.data).toEqual({ unifiedAsset: { assetName: null, ownerId: null, engagementScore: null, qualityScore: 0.5, cachedUpdatedAt: null, presentIn: ['lake'], asset: null } })
  })

  describe('M-27 the activity of people', () => {
    interface Activity { readonly user_id: number; readonly engagement_score: number; readonly last_active_at: string | null }
    const activity = async () => JSON.parse(await read('lake/user_activity_summary.json')) as Activity[]
    const list = 'query ($userId: Int, $from: DateTime, $to: DateTime, $first: Int, $after: String) { unifiedUserActivity(userId: $userId, from: $from, to: $to, first: $first, after: $after) { totalCount nodes { userId engagementScore lastActiveAt } pageInfo { endCursor hasNextPage } } }'
    interface Node { readonly userId: number; readonly engagementScore: number; readonly lastActiveAt: string }
    const from = '2025-12-10T00:00:00Z'
    const to = '2025-12-11T00:00:00Z'

    test('M-27 is found by person and by time, each argument narrowing the list', async () => {
      const all = await activity()
      const within = all.filter(one => one.last_active_at !== null && one.last_active_at >= from && one.last_active_at < to)
      expect(within.length).toBeGreaterThan(100)
      const found = await ask<Node>('unifiedUserActivity', list, { from, to, first: 1_000 })
      expect(found.totalCount).toBe(within.length)
      expect(found.nodes).toEqual(within.toSorted((a, b) => a.user_id - b.user_id).map(one => ({ userId: one.user_id, engagementScore: one.engagement_score, lastActiveAt: one.last_active_at })))

      const [first] = within
      expect((await ask<Node>('unifiedUserActivity', list, { userId: first?.user_id, from, to })).nodes).toEqual([found.nodes.find(node => node.userId === first?.user_id)])
      expect((await ask<Node>('unifiedUserActivity', list, { userId: first?.user_id, from: to })).nodes).toEqual([])
      expect((await ask<Node>('unifiedUserActivity', list, { userId: null, from: null })).totalCount).toBe(all.length)
      const zoned = await ask<Node>('unifiedUserActivity', list, { from: '2025-12-10T02:00:00+02:00', to })
      expect(zoned.totalCount).toBe(within.length)
    })

    test('M-27 the arguments hold beside where, order and page', async () => {
      const within = (await activity()).filter(one => one.last_active_at !== null && one.last_active_at >= from && one.engagement_score > 99)
      const text = `query ($after: String) { unifiedUserActivity(from: "${from}", where: { engagementScore: { gt: 99 } }, orderBy: [{ lastActiveAt: DESC }], first: 20, after: $after) { totalCount nodes { userId } pageInfo { endCursor hasNextPage } } }`
      const seen: number[] = []
      for (let after: string | undefined; ; ) {
        const { nodes, pageInfo, totalCount } = await ask<Node>('unifiedUserActivity', text, { after })
        expect(totalCount).toBe(within.length)
        seen.push(...nodes.map(node => node.userId))
        if (!pageInfo.hasNextPage) break
        after = pageInfo.endCursor
      }
      expect(seen).toHaveLength(within.length)
      expect(seen.toSorted((a, b) => a - b)).toEqual(within.map(one => one.user_id).toSorted((a, b) => a - b))
    })

    test('M-27 a "from" after "to" is refused with both, a value of another type with what is taken', async () => {
      const crossed = await hub.query(list, { from: to, to: from })
      expect(crossed.errors).toMatchObject([{ message: expect.stringMatching(/from is "2025-12-11T00:00:00Z" and to is "2025-12-10T00:00:00Z"/), path: ['unifiedUserActivity'], extensions: { code: 'VALIDATION_ERROR', http: { status: 422 }, field: 'from' } }])
      const literal = await hub.query(`{ unifiedUserActivity(from: "${to}", to: "${from}") { totalCount } }`)
      expect(literal.errors).toMatchObject([{ extensions: { code: 'VALIDATION_ERROR' } }])
      expect((await hub.query(list, { from: 'yesterday' })).errors).toMatchObject([{ message: expect.stringContaining('RFC 3339'), extensions: { code: 'BAD_USER_INPUT', http: { status: 400 } } }])
      expect((await hub.query('{ unifiedUserActivity(from: "yesterday") { totalCount } }')).errors).toMatchObject([{ message: expect.stringContaining('"from" has invalid value "yesterday"'), extensions: { code: 'BAD_USER_INPUT' } }])
      expect((await hub.query('{ unifiedUserActivity(user: 7) { totalCount } }')).errors).toMatchObject([{ message: expect.stringContaining('"userId"') }])
    })
  })

  test('M-28 the quality board is asked by layer and data set, and tells its changes as they are computed', async () => {
    const board = await ask<Record<string, unknown>>('dataQualityDashboard', '{ dataQualityDashboard(layer: "gold", dataset: "cad_model") { totalCount nodes { layer assetType checkedAssets failingAssets worstQuality } } }')
    expect(board).toMatchObject({ totalCount: 1, nodes: [{ layer: 'gold', assetType: 'cad_model' }] })
    expect((await ask('dataQualityDashboard', '{ dataQualityDashboard(layer: "gold") { totalCount } }')).totalCount).toBe(6)

    const text = 'subscription ($after: String) { dataQualityChanged(where: { layer: { eq: "gold" } }, after: $after) { type key before { checkedAssets } after { layer assetType checkedAssets } cursor } }'
    const events = hub.subscribe(text)
    const snapshot = await next(events, 6)
    expect(snapshot.map(({ type, after }) => [type, after?.['layer']])).toEqual(Array.from({ length: 6 }, () => ['SNAPSHOT', 'gold']))

    // One checked CAD model of the gold layer is checked no more.
    const models = new Set((await read('platform/digital_assets.ndjson')).trim().split('\n').map(line => JSON.parse(line) as { asset_id: string; asset_type: string }).filter(one => one.asset_type === 'cad_model').map(one => one.asset_id))
    const lines = (await read('lake/data_quality_latest.csv')).split('\n')
    const gone = lines.findIndex(line => models.has(line.split(',')[0] ?? '') && line.split(',')[1] === 'gold')
    await writeFile(join(folder, 'lake/data_quality_latest.csv'), lines.toSpliced(gone, 1).join('\n'))
    expect((await hub.query('mutation { refreshView(name: "data_quality_dashboard") { name freshness } }')).errors).toBeUndefined()

    const before = Number(board.nodes[0]?.['checkedAssets'])
    const [changed] = await next(events, 1)
    expect(changed).toMatchObject({ type: 'UPDATED', before: { checkedAssets: before }, after: { layer: 'gold', assetType: 'cad_model', checkedAssets: before - 1 } })
    await events.return()

    const resumed = hub.subscribe(text, { after: snapshot.at(-1)?.cursor })
    expect(await next(resumed, 1)).toEqual([changed])
    await resumed.return()
  })
})

describe('a view kept over a region clients fill', () => {
  let files: CatalogFolder
  let hub: RunningHub
  beforeAll(async () => {
    files = catalogFolder({
      'hub.yaml': `
regions:
  checks: { type: Check, key: id, tenancy: SHARED, fields: { id: ID!, layer: String!, score: Float! }, arguments: { layer: layer, least: { column: score, is: gte }, most: { column: score, is: lte } } }
views:
  data_quality: { type: Quality, key: layer, materialize: { every: PT1H }, sql: 'SELECT layer, count(*) AS n, avg(score) AS mean FROM checks GROUP BY layer' }
  unkept: { type: Plain, key: layer, sql: 'SELECT layer, count(*) AS n FROM checks GROUP BY layer' }
`,
    })
    hub = await startHub({ catalog: files.catalog })
  })
  afterAll(async () => {
    await hub.close()
    files.remove()
  })

  const put = (id: string, layer: string, score: number) => hub.query('mutation ($input: CheckInput!) { putCheck(input: $input) { id } }', { input: { id, layer, score } })
  const refresh = async () => expect((await hub.query('mutation { refreshView(name: "data_quality") { name } }')).errors).toBeUndefined()
  const text = 'subscription ($where: QualityFilter, $initial: Boolean, $after: String) { qualityChanged(where: $where, initial: $initial, after: $after) { type key before { n mean } after { n mean } cursor } }'

  test('M-28 its subscribers are told what a refresh changed: rows that came, differ and went, and nothing of those that stayed', async () => {
    for (const [id, layer, score] of [['a', 'gold', 1], ['b', 'silver', 0.5], ['c', 'bronze', 0.25]] as const) await put(id, layer, score)
    await refresh()
    const events = hub.subscribe(text)
    expect((await next(events, 3)).map(({ type, key, before, after }) => [type, key, before, after?.['n']]).toSorted()).toEqual([['SNAPSHOT', 'bronze', null, 1], ['SNAPSHOT', 'gold', null, 1], ['SNAPSHOT', 'silver', null, 1]])

    await put('d', 'gold', 0.5)
    await put('e', 'platinum', 1)
    await hub.query('mutation { removeCheck(id: "b") }')
    await refresh()
    const told = await next(events, 3)
    expect(told.map(({ cursor: _cursor, ...change }) => change).toSorted((a, b) => (a.key < b.key ? -1 : 1))).toEqual([
      { type: 'UPDATED', key: 'gold', before: { n: 1, mean: 1 }, after: { n: 2, mean: 0.75 } },
      { type: 'CREATED', key: 'platinum', before: null, after: { n: 1, mean: 1 } },
      { type: 'REMOVED', key: 'silver', before: { n: 1, mean: 0.5 }, after: null },
    ])

    // Behind each event the rest follows, and through a filter only what passes.
    for (const [index, { cursor }] of told.slice(0, 2).entries()) {
      const resumed = hub.subscribe(text, { after: cursor })
      expect(await next(resumed, 2 - index)).toEqual(told.slice(index + 1))
      await resumed.return()
    }
    const rich = hub.subscribe(text, { where: { n: { gt: 1 } } })
    expect(await next(rich, 1)).toMatchObject([{ type: 'SNAPSHOT', key: 'gold' }])
    await put('f', 'platinum', 1)
    await refresh()
    expect(await next(rich, 1)).toMatchObject([{ type: 'CREATED', key: 'platinum', before: null, after: { n: 2 } }])
    await Promise.all([events.return(), rich.return()])
  })

  test('M-28 a view computed at each read has no change field, and a cursor of another filter is refused', async () => {
    const fields = Object.keys(hub.schema().getSubscriptionType()?.getFields() ?? {}).filter(name => name.endsWith('Changed'))
    expect(fields.toSorted()).toEqual(['checkChanged', 'jobRunChanged', 'pipelineRunChanged', 'qualityChanged'])
    const events = hub.subscribe(text)
    const [first] = await next(events, 1)
    await events.return()
    await expect(hub.subscribe(text, { where: { n: { gt: 1 } }, after: first?.cursor }).next()).rejects.toMatchObject([{ extensions: { code: 'BAD_CURSOR' } }])
  })

  test('M-28 its rows are computed anew after a restart: an earlier cursor is GONE, and a snapshot follows without it', async () => {
    const events = hub.subscribe(text)
    const cursor = (await next(events, 3)).at(-1)?.cursor
    await events.return()
    hub = await hub.restart()
    await expect(hub.subscribe(text, { after: cursor }).next()).rejects.toMatchObject([{ extensions: { code: 'GONE' } }])
    const anew = hub.subscribe(text)
    expect((await next(anew, 3)).every(({ type }) => type === 'SNAPSHOT')).toBe(true)
    await anew.return()
  })

  test('M-27 a region\'s list takes declared arguments too, from memory', async () => {
    const { data, extensions } = await hub.query<{ checks: { nodes: { id: string }[] } }>('{ checks(layer: "gold", least: 0.5, most: 0.75) { nodes { id } } }', {}, { 'x-hub-explain': '1' })
    expect(data?.checks.nodes).toEqual([{ id: 'd' }])
    expect(extensions?.['hub']).toMatchObject({ reads: [{ from: 'region', engine: keeper }] })
    expect((await hub.query('{ checks(least: 0.75, most: 0.5) { nodes { id } } }')).errors).toMatchObject([{ extensions: { code: 'VALIDATION_ERROR', http: { status: 422 } } }])
  })

  test('M-27 an argument of a column the view does not answer is a mistake of the catalog, with its place', async () => {
    const mistaken = catalogFolder({ 'hub.yaml': (await readFile(files.catalog, 'utf8')).replace('key: layer, sql:', 'key: layer, arguments: { most: nn }, sql:') })
    await expect(startHub({ catalog: mistaken.catalog })).rejects.toMatchObject({ code: 'CATALOG_INVALID', details: { problems: [{ path: 'views.unkept.arguments.most', message: expect.stringContaining('"unkept" has no column "nn". Did you mean "n"?'), line: 6, column: 57 }] } })
    mistaken.remove()
  })
})
