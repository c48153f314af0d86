import { catalogFolder } from '../support/catalog-folder.ts'
import { startHub, type RunningHub } from '../support/hub.ts'
import { presets } from '../../subgraphs/regions/endpoints/presets/index.ts'

const files = { 'hub.yaml': 'regions:\n  notes: { key: id, fields: { id: ID!, note: String } }\n' }
const install = 'mutation ($name: ApiPresetName!) { installPreset(name: $name) { changed preset { name region path sampleRows installed } endpoint { path cacheRegions { name } } } }'

describe('API presets', () => {
  const folder = catalogFolder(files)
  let hub: RunningHub
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog })
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  const call = async (path: string, params: unknown) => {
    const response = await fetch(`${hub.url}/api/v1/dih/query/${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(params) })
    return { status: response.status, ...((await response.json()) as { rows: readonly Record<string, unknown>[]; row_count: number }) }
  }
  const installed = async () => {
    const { data } = await hub.query<{ apiPresets: readonly { name: string; installed: boolean }[] }>('{ apiPresets { name installed } }')
    return data?.apiPresets.filter(preset => preset.installed).map(preset => preset.name)
  }
  const failure = async (name: string) => {
    const { errors = [] } = await hub.query(install, { name })
    expect(errors).toHaveLength(1)
    return { code: errors[0]?.extensions?.['code'], message: errors[0]?.message }
  }

  test('H-03 there are four, none of them installed', async () => {
    const { data } = await hub.query<{ apiPresets: readonly { name: string; path: string }[] }>('{ apiPresets { name title description region path sampleRows example installed } }')
    expect(data?.apiPresets.map(({ name, path }) => [name, path])).toEqual([['SESSION_LOOKUP', 'session/validate'], ['ASSET_METADATA', 'asset/metadata'], ['METRICS_REALTIME', 'metrics/realtime'], ['FEATURE_STORE', 'features/online']])
    expect(await installed()).toEqual([])
    expect((await call('session/validate', { token: 'abc123' })).status).toBe(404)
  })

  test('H-03 a region of the user\'s own with another definition is named by CONFLICT, and nothing is half installed', async () => {
    await hub.query('mutation { createCacheRegion(input: { name: "user_sessions", indexes: [{ columns: ["user_id"] }] }) { changed } }')
    await hub.query('mutation { cachePut(region: "user_sessions", value: { key: "mine" }) { key } }')
    expect(await failure('SESSION_LOOKUP')).toEqual({ code: 'CONFLICT', message: expect.stringContaining('"user_sessions"') })
    expect(await hub.query('{ apiEndpoints { totalCount } cacheRegion(name: "user_sessions") { key stats { entries } } }')).toEqual({ data: { apiEndpoints: { totalCount: 0 }, cacheRegion: { key: ['key'], stats: { entries: 1 } } } })
    await hub.query('mutation { deleteCacheRegion(name: "user_sessions") }')
  })

  test('H-03 an endpoint of the user\'s own at the path is a CONFLICT too, and the region is not made', async () => {
    await hub.query('mutation ($input: ApiEndpointInput!) { registerApiEndpoint(input: $input) { endpoint { path } } }', { input: { path: 'asset/metadata', cacheRegions: ['notes'], query: 'SELECT * FROM notes', cacheKeyPattern: 'x', ttlSeconds: 0 } })
    expect(await failure('ASSET_METADATA')).toEqual({ code: 'CONFLICT', message: expect.stringContaining('"asset/metadata"') })
    expect(await hub.query('{ cacheRegion(name: "asset_metadata") { name } }')).toEqual({ data: { cacheRegion: null } })
    await hub.query('mutation { deleteApiEndpoint(path: "asset/metadata") }')
  })

  test.each(presets)('H-03 $name is installed once and answers its example by REST and by its field', async ({ name, region, endpoint, rows, example }) => {
    const first = await hub.query<{ installPreset: Record<string, unknown> }>(install, { name })
    expect(first).toEqual({ data: { installPreset: { changed: true, preset: { name, region: region.name, path: endpoint.path, sampleRows: rows.length, installed: true }, endpoint: { path: endpoint.path, cacheRegions: [{ name: region.name }] } } } })
    expect((await hub.query<{ installPreset: Record<string, unknown> }>(install, { name })).data?.installPreset).toMatchObject({ changed: false })
    const answer = await call(endpoint.path, example)
    expect(answer.status).toBe(200)
    expect(answer.row_count).toBeGreaterThan(0)
    for (const row of answer.rows) expect(rows).toContainEqual(row)
    expect(await hub.query(`{ cacheRegion(name: "${region.name}") { stats { entries } } }`)).toEqual({ data: { cacheRegion: { stats: { entries: rows.length } } } })
  }, 120_000)

  test('H-03 H-52 H-54 what the source asks of these regions by SQL is answered', async () => {
    const assets = await hub.query<{ sqlQuery: { rows: readonly unknown[] } }>('{ sqlQuery(query: "SELECT * FROM asset_metadata WHERE asset_type = ? AND created_at > ?", params: ["model", "2024-01-01"], pageSize: 1000) { rows } }')
    expect(assets.data?.sqlQuery.rows).toHaveLength(5)
    const features = await hub.query<{ sqlQuery: { rows: readonly unknown[] } }>('query ($params: [JSON]) { sqlQuery(query: "SELECT entity_id, feature_name, feature_value FROM ml_features_online WHERE entity_id IN (?) AND version = ?", params: $params) { rows } }', { params: [['user_1', 'user_2'], 'v1'] })
    expect(features.data?.sqlQuery.rows).toHaveLength(8)
  })

  test('H-03 rows of the user\'s own are left as they are; where there are none the sample comes back', async () => {
    await hub.query('mutation { clearCacheRegion(name: "asset_metadata") cachePut(region: "asset_metadata", value: { assetId: "mine", assetType: "model", name: "Mine", createdAt: "2025-01-01" }) { key } }')
    const again = async () => (await hub.query<{ installPreset: { changed: boolean } }>(install, { name: 'ASSET_METADATA' })).data?.installPreset.changed
    expect(await again()).toBe(false)
    expect((await call('asset/metadata', { asset_id: 'mine' })).row_count).toBe(1)
    await hub.query('mutation { clearCacheRegion(name: "asset_metadata") }')
    expect(await again()).toBe(true)
    expect((await call('asset/metadata', { asset_id: 'asset-0001' })).row_count).toBe(1)
  })

  test('H-03 what is installed is there after a restart', async () => {
    hub = await hub.restart()
    expect(await installed()).toEqual(presets.map(preset => preset.name))
    expect((await call('features/online', { entity_ids: ['user_1'], version: 'v2' })).row_count).toBe(4)
    expect((await hub.query<{ installPreset: { changed: boolean } }>(install, { name: 'FEATURE_STORE' })).data?.installPreset.changed).toBe(false)
  }, 120_000)
})

test('H-03 sample rows are a few dozen, each under a key of its own', () => {
  for (const { name, rows, region } of presets) {
    const key = [region.definition.key].flat()
    expect([name, rows.length >= 24, new Set(rows.map(row => JSON.stringify(key.map(column => row[column])))).size]).toEqual([name, true, rows.length])
  }
})
