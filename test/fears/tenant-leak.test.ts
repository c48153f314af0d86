import fc from 'fast-check'
import { startHub, type RunningHub } from '../support/hub.ts'
import { Attack, actions, type Step } from './tenant-leak/attack.ts'
import { accountsOf, headersOf, other, secretOf, tenants, worldFiles, worldFolder, type Tenant } from './tenant-leak/world.ts'

const ask = async (hub: RunningHub, tenant: Tenant, document: string, variables: Readonly<Record<string, unknown>> = {}) => {
  const answer = await hub.query<Record<string, never>>(document, variables, headersOf(tenant))
  expect(JSON.stringify(answer)).not.toContain(secretOf[other(tenant)])
  return answer
}

describe('two tenants of one hub', () => {
  const folder = worldFolder()
  let hub: RunningHub
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog, flags: folder.flags, headers: headersOf('acme') })
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  test('H-59 see each its own rows and nothing of the other\'s, whatever either does at any door', async () => {
    const attack = await Attack.begin(hub)
    const step = fc.record<Step>({ tenant: fc.constantFrom(...tenants), action: fc.nat(actions.length - 1), a: fc.nat(1_000), b: fc.nat(1_000) })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 40 }), async steps => {
        await attack.clear()
        for (const one of steps) await attack.run(one)
        await attack.settled()
      }),
      { seed: 20260101, numRuns: 40, interruptAfterTimeLimit: 60_000, endOnFailure: true },
    )
    expect(attack.missing()).toEqual([])
    await attack.end()
  }, 180_000)

  test('both may have rows of one key, in a table of rows that know their tenant', async () => {
    for (const tenant of tenants) {
      const { data } = await ask(hub, tenant, '{ accounts { totalCount nodes { id owner } } accountsByKey(keys: ["a1", "a3", "a7", "a9"]) { owner } }')
      const owner = (id: string) => accountsOf[tenant].filter(one => one.id === id).map(one => ({ owner: one.owner }))[0] ?? null
      expect(data).toEqual({
        accounts: { totalCount: accountsOf[tenant].length, nodes: accountsOf[tenant].map(({ id, owner: of }) => ({ id, owner: of })) },
        accountsByKey: [owner('a1'), owner('a3'), null, null],
      })
    }
  })

  test('a row without tenant is nobody\'s, not that of a tenant called "null"', async () => {
    const { data } = await hub.query('{ accounts { totalCount } }', {}, { 'x-api-key': 'key of null' })
    expect(data).toEqual({ accounts: { totalCount: 0 } })
  })

  test('what is kept for everybody may not be computed from rows that differ by tenant, nor may the table be declared again', async () => {
    const refused: readonly (readonly [string, string])[] = [
      ['createFederatedView(name: "spy", key: ["id"], sql: "SELECT id, owner FROM shop.accounts", materializeEvery: "PT1H") { name }', 'VALIDATION_ERROR'],
      ['createFederatedView(name: "spy", key: ["city"], sql: "WITH heavy AS (SELECT 1 AS x) SELECT city, top FROM hub.city_notes", materializeEvery: "PT1H") { name }', 'VALIDATION_ERROR'],
      [`registerDataSource(name: "spy", definition: { type: "files", root: ${JSON.stringify(`${folder.folder}/shop`)} })`, 'FORBIDDEN'],
    ]
    for (const [field, code] of refused) {
      const { errors = [] } = await ask(hub, 'acme', `mutation { ${field} }`)
      expect([field, errors.map(error => error.extensions?.['code'])]).toEqual([field, [code]])
    }
  })

  test('a caller without scopes reads nothing at any door', async () => {
    const doors = [
      '{ note(id: "n1") { id } }', '{ notes { totalCount } }', '{ notesByKey(keys: ["n1"]) { id } }', '{ cities { nodes { notes { totalCount } } } }', '{ cityLoad(city: "BER") { top } }', '{ cityNotes { nodes { top } } }',
      '{ cacheGet(region: "notes", key: "n1") { key } }', '{ cacheGetAll(region: "notes", keys: ["n1"]) { key } }', '{ sqlQuery(query: "SELECT 1") { rows } }', '{ unifiedQuery(sql: "SELECT 1") { rows } }',
      '{ sqlExplain(query: "SELECT 1") { text } }', '{ explainQuery(sql: "SELECT 1") { text } }', '{ cacheRegions { totalCount } }', '{ cacheRegion(name: "notes") { name } }', '{ federatedViews { totalCount } }',
      '{ queryDataSources { name } }', '{ tableSchema(catalog: "hub", table: "notes") { name } }', '{ lineage(of: "Note") { nodes { id } } }', '{ queryLineage(sql: "SELECT 1") { outputs } }',
      'mutation { putNote(input: { id: "n1", weight: 1 }) { id } }', 'mutation { removeNote(id: "n1") }', 'mutation { clearCacheRegion(name: "notes") }', 'mutation { cacheRemove(region: "notes", key: "n1") }', 'mutation { sqlExecute(statement: "DELETE FROM notes WHERE TRUE") { affectedRows } }',
    ]
    for (const door of doors) {
      const { errors = [] } = await hub.query(door, {}, { 'x-api-key': 'key of nobody' })
      expect([door, errors.map(error => error.extensions?.['code'])]).toEqual([door, ['FORBIDDEN']])
    }
    const stranger = await hub.query('{ notes { totalCount } }', {}, { 'x-api-key': 'key of mallory' })
    expect(stranger.errors?.map(error => error.extensions?.['code'])).toEqual(['UNAUTHENTICATED'])
  })
})

test('references to one subgraph alone are answered from the caller\'s rows', async () => {
  const folder = worldFolder()
  const hub = await startHub({ catalog: folder.catalog, flags: folder.flags, headers: headersOf('acme'), subgraph: 'regions' })
  try {
    for (const tenant of tenants) await ask(hub, tenant, 'mutation ($input: NoteInput!) { putNote(input: $input) { id } }', { input: { id: 'n1', city: 'BER', account: 'a1', body: `${secretOf[tenant]} of n1`, weight: 1 } })
    await ask(hub, 'acme', 'mutation ($input: NoteInput!) { putNote(input: $input) { id } }', { input: { id: 'n2', city: 'OSL', account: 'a3', body: secretOf.acme, weight: 2 } })
    const representations = [{ __typename: 'Note', id: 'n1' }, { __typename: 'Note', id: 'n2' }, { __typename: 'Account', id: 'a3' }, { __typename: 'City', code: 'OSL' }, { __typename: 'CityLoad', city: 'OSL' }]
    const document = 'query ($all: [_Any!]!) { _entities(representations: $all) { ... on Note { body payer { owner } } ... on Account { owner notes { totalCount } } ... on City { notes { nodes { id } } accounts { nodes { id } } } ... on CityLoad { place { notes { totalCount } } } } }'
    const owner = (tenant: Tenant, id: string) => accountsOf[tenant].find(one => one.id === id)?.owner
    expect((await ask(hub, 'acme', document, { all: representations })).data).toEqual({ _entities: [
      { body: `${secretOf.acme} of n1`, payer: { owner: owner('acme', 'a1') } }, { body: secretOf.acme, payer: { owner: owner('acme', 'a3') } },
      { owner: owner('acme', 'a3'), notes: { totalCount: 1 } }, { notes: { nodes: [{ id: 'n2' }] }, accounts: { nodes: [{ id: 'a2' }, { id: 'a3' }] } }, { place: { notes: { totalCount: 1 } } },
    ] })
    expect((await ask(hub, 'globex', document, { all: representations })).data).toEqual({ _entities: [
      { body: `${secretOf.globex} of n1`, payer: { owner: owner('globex', 'a1') } }, null, null, { notes: { nodes: [] }, accounts: { nodes: [{ id: 'a1' }] } }, { place: { notes: { totalCount: 0 } } },
    ] })
  } finally {
    await hub.close()
    folder.remove()
  }
}, 120_000)

test('a tenant whose rows all left the source has none after the catalog is read again', async () => {
  const folder = worldFolder()
  const hub = await startHub({ catalog: folder.catalog, flags: folder.flags, headers: headersOf('acme') })
  try {
    expect((await ask(hub, 'globex', '{ accounts { totalCount } }')).data).toEqual({ accounts: { totalCount: 2 } })
    folder.write({ 'hub.yaml': worldFiles['hub.yaml']?.replace('accounts.csv', 'fewer.csv') ?? '', 'shop/fewer.csv': `tenant,id,city,owner,balance\nacme,a5,BER,${secretOf.acme},1\n` })
    await hub.hub.reload()
    for (const [tenant, ids] of [['acme', [{ id: 'a5' }]], ['globex', []]] as const) {
      const { data } = await ask(hub, tenant, '{ accounts { totalCount nodes { id } } unifiedQuery(sql: "SELECT id FROM shop.accounts") { rows } }')
      expect(data).toEqual({ accounts: { totalCount: ids.length, nodes: ids }, unifiedQuery: { rows: ids.map(({ id }) => [id]) } })
    }
  } finally {
    await hub.close()
    folder.remove()
  }
}, 120_000)

test('a table whose rows belong to tenants cannot be loaded for everybody beside', async () => {
  const folder = worldFolder({ 'hub.yaml': worldFiles['hub.yaml']?.replace('\nviews:', '\n  everyone: { key: [tenant, id], load: { source: shop, table: accounts } }\nviews:') ?? '' })
  try {
    await expect(startHub({ catalog: folder.catalog, flags: folder.flags, headers: headersOf('acme') })).rejects.toMatchObject({ code: 'CATALOG_INVALID', details: { problems: [{ path: 'regions.everyone.load.table', message: expect.stringContaining('tenantColumn'), line: expect.any(Number) }] } })
  } finally {
    folder.remove()
  }
}, 120_000)
