import { jest } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { catalogFolder, type CatalogFolder } from '../support/catalog-folder.ts'
import { engineAt, withEngine } from '../support/engines.ts'
import { startHub, type RunningHub } from '../support/hub.ts'
import { dropNamespace } from '../support/ignite.ts'
import { postgresBin, startPostgres, type PostgresServer } from '../support/postgres.ts'
import { trinoClient, trinoRows } from '../support/trino.ts'

jest.setTimeout(240_000)

withEngine('TRINO_URL', 'regions on Ignite whose source Trino reads', url => {
  const ignite = engineAt('IGNITE_HOST_1')
  const own = ignite ? test : test.skip
  const namespace = `t${randomBytes(6).toString('hex')}`
  // Its catalogs in Trino carry its name, and only those are dropped.
  const source = `s${namespace}`
  let postgres: PostgresServer
  let files: CatalogFolder
  let hub: RunningHub

  beforeAll(async () => {
    if (!ignite) return
    if (!postgresBin) throw new Error('There is no PostgreSQL. Run: npm run engines -- fetch postgres')
    postgres = await startPostgres()
    await postgres.exec(`
      CREATE TABLE flights (id integer PRIMARY KEY, origin text, price numeric(10, 2), at timestamptz);
      INSERT INTO flights SELECT n, CASE n % 3 WHEN 0 THEN 'FRA' WHEN 1 THEN 'CDG' END, n + 0.25, timestamptz '2026-01-01 00:00:00Z' + n * interval '1 hour' FROM generate_series(1, 300) AS n`)
    files = catalogFolder({ 'hub.yaml': `
sources: { ${source}: { type: postgresql, url: "${postgres.url}" } }
regions: { flights: { type: Flight, key: id, load: { source: ${source}, table: flights, eager: true } } }
` })
    hub = await startHub({ catalog: files.catalog, env: { TRINO_URL: url, IGNITE_HOST_1: ignite, IGNITE_NAMESPACE: namespace } })
  })
  afterAll(async () => {
    if (!ignite) return
    await hub?.close()
    files?.remove()
    await postgres?.stop()
    await dropNamespace([ignite], namespace)
    const client = trinoClient(url)
    for (const [name] of await trinoRows(client, 'SHOW CATALOGS')) if (String(name).startsWith(`hub_${source}_`)) await trinoRows(client, `DROP CATALOG "${String(name)}"`)
    await client.close()
  })

  own('M-20 H-26 what Ignite holds answers while it is young enough, and Trino when it is not: the same rows for the same data, and the new ones for other', async () => {
    const queries = [
      '{ flightsByKey(keys: [7, 8, 9, 301]) { id origin price at } }', '{ flight(id: 33) { origin price at } }',
      '{ flights(where: { or: [{ origin: { isNull: true } }, { price: { gt: "250.5" } }] }, orderBy: [{ origin: ASC }, { at: DESC }], first: 40) { totalCount nodes { id origin price at } pageInfo { hasNextPage } } }',
    ]
    const ask = async (query: string, headers: Record<string, string> = {}) => {
      const { data, errors, extensions } = await hub.query<Record<string, unknown>>(query, {}, { 'x-hub-explain': '1', ...headers })
      const { plan: { steps } = { steps: [] } } = (extensions?.['hub'] ?? {}) as { readonly plan?: { readonly steps: readonly { readonly engine: string; readonly reason: string }[] } }
      return { data, errors, engines: steps.map(step => step.engine), reasons: steps.map(step => step.reason) }
    }
    const young = { 'x-consistency': 'BOUNDED_STALENESS', 'x-max-staleness-ms': '1' }
    const some = { 'x-consistency': 'BOUNDED_STALENESS', 'x-max-staleness-ms': '3600000' }
    for (const query of queries) {
      const held = await ask(query, some)
      const read = await ask(query, young)
      expect(held).toMatchObject({ errors: undefined, engines: ['ignite'] })
      expect(read).toMatchObject({ errors: undefined, engines: ['trino'], reasons: [expect.stringContaining('older than the read allows')] })
      expect(read.data).toEqual(held.data)
    }
    await postgres.exec('UPDATE flights SET price = 1.5 WHERE id = 33')
    expect([(await ask(queries[1]!, some)).data, (await ask(queries[1]!, young)).data]).toMatchObject([{ flight: { price: '33.25' } }, { flight: { price: '1.50' } }])
    const response = await fetch(`${hub.url}/api/v1/dih/cache-regions/flights/entries/33`, { headers: young })
    expect([response.headers.get('x-query-engine'), response.headers.get('x-cache'), response.headers.get('x-max-staleness-ms')]).toEqual(['trino', 'MISS', '1'])
  })
})
