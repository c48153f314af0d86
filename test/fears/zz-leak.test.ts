import { startHub } from '../support/hub.ts'
import { headersOf, worldFolder } from './tenant-leak/world.ts'
test('x', async () => {
  const f = worldFolder()
  const hub = await startHub({ catalog: f.catalog, flags: f.flags, headers: headersOf('acme') })
  const show = async (q: string, h = headersOf('acme'), v = {}) => console.log(q, JSON.stringify(await hub.query(q, v, h), null, 0))
  await show('{ accounts { totalCount nodes { id tenant owner } } }')
  await show('{ accounts { totalCount nodes { id tenant owner } } }', headersOf('globex'))
  await show('{ accounts { totalCount nodes { id tenant owner } } }', { 'x-api-key': 'key of nobody' })
  await show('{ tableSchema(catalog: "shop", table: "accounts") { quarantined quarantineSamples { line reason } columns { name } } queryDataSources { catalog name tables { name quarantined } } }', headersOf('acme'))
  await show('{ lineage(of: "Note") { nodes { id } } }', { 'x-api-key': 'key of nobody' })
  for (const sql of ['SELECT * FROM shop.accounts', 'SELECT * FROM "shop#1".accounts', 'SELECT * FROM hub.accounts', 'SELECT * FROM accounts', 'WITH accounts AS (SELECT * FROM shop.accounts) SELECT * FROM accounts', 'TABLE hub.accounts', 'SELECT CAST(owner AS integer) FROM hub.accounts', 'SELECT * FROM balances'])
    await show('query($s:String!){ unifiedQuery(sql: $s) { rows } }', headersOf('globex'), { s: sql })
  await show('mutation { registerDataSource(name: "spy", definition: {type: "files", root: "' + f.folder + '/shop"}) }')
  await show('mutation { createFederatedView(name: "spy", key: ["id"], sql: "SELECT id, owner FROM shop.accounts", materializeEvery: "PT1H") { name } }')
  await show('{ sqlExplain(query: "SELECT * FROM hub.accounts WHERE owner > \'a\'") { text } }', headersOf('globex'))
  await show('{ cacheGet(region: "far_cities", key: "BER") { key } cities(where: {load: {weight: {gt: 1}}}) { totalCount } farCities { nodes { firstNote { id } } } }')
  await hub.close()
}, 60000)
