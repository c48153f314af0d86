import { createHash } from 'node:crypto'
import { jest } from '@jest/globals'
import { eventually } from '../support/eventually.ts'
import { heldSubgraph } from '../support/held-subgraph.ts'
import { type Asked, type Client, startWorkers, type Workers } from '../support/workers.ts'

jest.setTimeout(120_000)

const hash = (key: string) => createHash('sha256').update(key).digest('hex')
const files = {
  'hub.yaml': `
sources:
  shop: { type: files, root: ./shop }
regions:
  planes: { type: Plane, key: id, load: { source: shop, table: planes } }
  ports: { type: Port, key: code, load: { source: shop, table: ports, eager: true } }
  notes: { type: Note, key: id, fields: { id: ID!, port: String, sum: Long, at: DateTime, more: JSON } }
  owns: { type: Own, key: [year, name], fields: { year: Int!, name: String!, text: String }, tenancy: TENANT }
  shorts: { type: Short, key: id, fields: { id: ID! }, expiry: { create: PT1H } }
views:
  listings: { type: Listed, key: code, sql: "SELECT code, name FROM shop.ports" }
  kept_rows: { type: KeptRow, key: code, materialize: { every: PT24H }, sql: "SELECT code FROM hub.ports" }
relations:
  - { from: Note.port, to: Port.code, as: inPort, inverse: notes }
`,
  'shop/planes.csv': 'id,name\n7,Ada\n8,Grace\n',
  'shop/ports.csv': 'code,name\nBER,Berlin\nOSL,Oslo\n',
  'keys.json': JSON.stringify([
    ...['acme', 'umbrella'].map(tenant => ({ id: tenant, sha256: hash(`key of ${tenant}`), tenant, scopes: ['*'] })),
    { id: 'nothing', sha256: hash('key of nothing'), tenant: 'acme', scopes: ['sql:read'] },
  ]),
}
const as = (who: string) => ({ 'x-api-key': `key of ${who}` })

describe('what a worker answers itself', () => {
  let hub: Workers
  let clients: Client[]
  let asked = 0
  beforeAll(async () => {
    hub = await startWorkers(files, { flags: ['--auth-api-keys-file=keys.json'] })
    clients = Array.from({ length: 8 }, () => hub.client())
    const [client] = clients
    const put = 'mutation { putNotes(input: [{ id: "1", port: "BER", sum: "9223372036854775807", at: "2024-01-31T23:59:59.5Z", more: { a: [1, null, "ü \\" \\n"] } }, { id: "2", port: "none", sum: 5 }, { id: "3" }]) { id } }'
    expect((await client!.ask(put, { headers: as('acme') })).body.errors).toBeUndefined()
    for (const who of ['acme', 'umbrella']) expect((await client!.ask('mutation ($text: String) { putOwn(input: { year: 7, name: "x", text: $text }) { text } }', { variables: { text: who }, headers: as(who) })).body.errors).toBeUndefined()
    await client!.ask('mutation { putShort(input: { id: "1" }) { id } }', { headers: as('acme') })
    await client!.ask('{ planesByKey(keys: ["7", "8"]) { id } }', { headers: as('acme') })
    for (const each of clients) await eventually('its worker has the graph', async () => (await ask(each, '{ note(id: "1") { id } }')).by === 'worker')
  })
  afterAll(async () => {
    for (const client of clients) client.leave()
    await hub.close()
  })

  /** The answer, and who gave it. */
  async function ask(client: Client, query: string, { variables = {}, headers = as('acme'), path = '/graphql' }: { variables?: unknown; headers?: Record<string, string>; path?: string } = {}): Promise<Asked & { by: 'worker' | 'owner' }> {
    asked += 1
    const requestId = `r${String(asked).padStart(6, '0')}.`
    const answer = await client.send(path, { method: 'POST', headers: { 'content-type': 'application/json', 'x-request-id': requestId, ...headers }, body: JSON.stringify({ query, variables }) })
    return { ...answer, by: await hub.answeredBy(requestId) }
  }

  /** What does not differ from one request to the next. */
  const plain = ({ status, text, headers }: Asked) => ({ status, text: text.replaceAll(/r\d+\./g, ''), headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !['date', 'x-request-id', 'x-cache', 'x-session-token'].includes(name))) })

  const cases: readonly [by: 'worker' | 'owner', query: string, variables?: unknown, headers?: Record<string, string>][] = [
    ['worker', '{ note(id: "1") { id port sum at more } }'],
    ['worker', '{ note(id: "absent") { id } }'],
    ['worker', 'query Both($a: ID!, $keys: [ID!]!) { one: note(id: $a) { ...on Note { __typename i: id } } notesByKey(keys: $keys) { ...f } } fragment f on Note { id sum inPort { code name } }', { a: '1', keys: ['1', '2', 'absent', '3', '1'] }],
    ['worker', 'query ($no: Boolean!) { note(id: "1") { id sum @skip(if: $no) inPort @include(if: $no) { name } } }', { no: true }],
    ['worker', '{ port(code: "BER") { name } own(year: 7, name: "x") { text } }'],
    ['worker', '{ notesByKey(keys: ["1", "absent", "3", "1"]) { id p: port } portsByKey(keys: ["OSL", "BER"]) { name code } }'],
    ['worker', '{ notesByKey(keys: ["1", "2"]) { id port sum at more } }'],
    ['worker', '{ notesByKey(keys: ["1", "2"]) { id port sum at more } }', {}, { 'x-consistency': 'EVENTUAL' }],
    ['worker', '{ planesByKey(keys: ["8", "7"]) { name } }'],
    ['worker', '{ keptRow(code: "OSL") { code } short(id: "1") { id } }'],
    ['worker', '{ note(id: "1") { id } }', {}, { accept: 'application/graphql-response+json' }],
    ['worker', '{ note(id: "1") { id } }', {}, { 'x-consistency': 'EVENTUAL' }],
    ['owner', '{ plane(id: "9") { name } }'],
    ['owner', '{ notes { edges { node { id } } } }'],
    ['owner', '{ port(code: "BER") { name notes { totalCount } } }'],
    ['owner', '{ listing(code: "BER") { name } }'],
    ['owner', '{ note(id: "1") { id } cacheRegion(name: "notes") { name } }'],
    ['owner', '{ note(id: "1") { id } __schema { queryType { name } } }'],
    ['owner', '{ note(id: "1") { id nothing } }'],
    ['owner', '{ note { id } }'],
    ['owner', 'query ($id: ID!) { note(id: $id) { id } }', {}],
    ['owner', '{ own(year: 99999999999, name: "x") { text } }'],
    ['owner', 'query @cached { note(id: "1") { id } }'],
    ['owner', '{ note(id: "1") { id } }', {}, { 'x-consistency': 'BOUNDED_STALENESS', 'x-max-staleness-ms': '5' }],
    ['owner', '{ note(id: "1") { id } }', {}, { 'x-consistency': 'WRONG' }],
    ['owner', '{ note(id: "1") { id } }', {}, { 'x-hub-explain': '1' }],
    ['owner', '{ note(id: "1") { id } }', {}, { accept: 'text/event-stream' }],
    ['owner', '{ note(id: "1") { id } }', {}, { 'x-api-key': 'unknown' }],
    ['owner', '{ note(id: "1") { id } }', {}, as('nothing')],
    ['owner', 'mutation { putShort(input: { id: "2" }) { id } }'],
  ]
  for (const [by, query, variables, headers = {}] of cases) test(`by the ${by}: ${query} ${JSON.stringify(headers)}`, async () => {
    const options = { variables, headers: { ...as('acme'), ...headers } }
    // A path with a query is never looked at by a worker.
    const owners = await ask(clients[0]!, query, { ...options, path: '/graphql?hand=on' })
    expect(owners.by).toBe('owner')
    for (const client of clients.slice(0, 4)) {
      const answer = await ask(client, query, options)
      expect(plain(answer)).toEqual(plain(owners))
      expect(answer.by).toBe(by)
    }
  })

  test('what is kept near is not asked of the owner again, but where entries end by themselves', async () => {
    const gets = async (region: string) => (await ask(clients[0]!, 'query ($region: String!) { cacheRegion(name: $region) { stats { gets } } }', { variables: { region } })).body.data.cacheRegion.stats.gets as number
    const asked = async (region: string, query: string, headers: Record<string, string>) => {
      for (const client of clients) await ask(client, query, { headers: { ...as('acme'), ...headers } })
      const before = await gets(region)
      for (const client of clients) for (let round = 0; round < 5; round++) expect((await ask(client, query, { headers: { ...as('acme'), ...headers } })).by).toBe('worker')
      return (await gets(region)) - before
    }
    const eventual = { 'x-consistency': 'EVENTUAL' }
    expect(await asked('notes', '{ note(id: "2") { sum } }', eventual)).toBeLessThan(10)
    expect(await asked('ports', '{ port(code: "OSL") { name } }', eventual)).toBeLessThan(10)
    expect(await asked('notes', '{ note(id: "2") { sum } }', {})).toBe(40)
    expect(await asked('shorts', '{ short(id: "1") { id } }', eventual)).toBe(40)
  })

  test('each tenant reads its own, whoever asked before', async () => {
    for (let round = 0; round < 3; round++) {
      for (const who of ['acme', 'umbrella']) {
        for (const client of clients) {
          const { body, by } = await ask(client, '{ own(year: 7, name: "x") { text } }', { headers: { ...as(who), 'x-consistency': 'EVENTUAL' } })
          expect([body, by]).toEqual([{ data: { own: { text: who } } }, 'worker'])
        }
      }
    }
  })

  test('a session sees what it wrote through any worker, with its token and without; what is kept near shows it soon', async () => {
    const write = async (client: Client, text: string) => (await client.ask('mutation ($text: String) { putNote(input: { id: "s", port: $text }) { id } }', { variables: { text }, headers: as('acme') })).headers['x-session-token'] as string
    const read = async (client: Client, headers: Record<string, string>) => {
      const { body, by } = await ask(client, '{ note(id: "s") { port } }', { headers: { ...as('acme'), ...headers } })
      expect(by).toBe('worker')
      return body.data.note.port as string
    }
    for (const [index, writer] of clients.entries()) {
      for (const client of clients) await read(client, { 'x-consistency': 'EVENTUAL' }).catch(() => undefined)
      const token = await write(writer, `text ${index}`)
      for (const client of clients) {
        expect(await read(client, { 'x-consistency': 'SESSION', 'x-session-token': token })).toBe(`text ${index}`)
        expect(await read(client, { 'x-consistency': 'SESSION' })).toBe(`text ${index}`)
        expect(await read(client, {})).toBe(`text ${index}`)
      }
      for (const client of clients) await eventually('its near cache was told', async () => (await read(client, { 'x-consistency': 'EVENTUAL' })) === `text ${index}`, 2_000)
    }
  })

  test('once a change of the graph was answered, no worker answers from the graph before it', async () => {
    for (let round = 0; round < 5; round++) {
      const input = { name: `things_${round}`, key: ['id'], fields: { id: 'ID!', text: 'String' } }
      const made = await clients[round]!.ask('mutation ($input: CreateCacheRegionInput!) { createCacheRegion(input: $input) { region { type } } }', { variables: { input }, headers: as('acme') })
      const type = made.body.data.createCacheRegion.region.type as string
      const field = `${type[0]!.toLowerCase()}${type.slice(1)}`
      expect((await clients[0]!.ask(`mutation { put${type}(input: { id: "1", text: "a" }) { id } }`, { headers: as('acme') })).body.errors).toBeUndefined()
      const query = `{ ${field}(id: "1") { text } }`
      for (const client of clients) expect((await client.ask(query, { headers: { ...as('acme'), 'x-consistency': 'EVENTUAL' } })).body).toEqual({ data: { [field]: { text: 'a' } } })
      for (const client of clients) await eventually('its worker answers by the new graph', async () => (await ask(client, query, { headers: { ...as('acme'), 'x-consistency': 'EVENTUAL' } })).by === 'worker')
      expect((await clients[round]!.ask(`mutation { deleteCacheRegion(name: "things_${round}") }`, { headers: as('acme') })).body).toEqual({ data: { deleteCacheRegion: true } })
      for (const client of clients) expect((await client.ask(query, { headers: { ...as('acme'), 'x-consistency': 'EVENTUAL' } })).body.errors[0].extensions.code).toBe('GRAPHQL_VALIDATION_FAILED')
    }
  })
})

test('a limit of requests counts those of all workers together, and whoever says he is somebody else is not believed', async () => {
  const hub = await startWorkers('regions:\n  notes: { key: id, fields: { id: ID } }\n', { flags: ['--limits-requests-per-minute=10'] })
  try {
    const statuses: number[] = []
    for (let count = 0; count < 20; count++) {
      const client = hub.client()
      statuses.push((await client.ask('{ note(id: "1") { id } }', { headers: { 'x-hub-client': `10.0.0.${count}` } })).status)
      client.leave()
    }
    expect(statuses.filter(status => status === 200)).toHaveLength(10)
    expect(statuses.slice(10)).toEqual(Array(10).fill(429))
  } finally {
    await hub.close()
  }
})

test('what a subgraph elsewhere answers is the owner\'s to ask for; a client that leaves meanwhile ends its request', async () => {
  const remote = await heldSubgraph(`
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
    type Query { favourite: Note }
    type Note @key(fields: "id", resolvable: false) { id: ID! }
  `)
  const hub = await startWorkers(`regions:\n  notes: { key: id, fields: { id: ID!, text: String } }\nsubgraphs:\n  held: { url: ${remote.url} }\n`)
  try {
    const client = hub.client()
    await client.ask('mutation { putNote(input: { id: "1", text: "a" }) { id } }')
    let tries = 0
    await eventually('its worker has the graph', async () => {
      const requestId = `own${++tries}`
      await client.ask('{ note(id: "1") { text } }', { headers: { 'x-request-id': requestId } })
      return (await hub.answeredBy(requestId)) === 'worker'
    })
    for (let round = 0; round < 3; round++) {
      const answer = client.ask('{ favourite { text } }', { headers: { 'x-request-id': `foreign${round}` } })
      await remote.asked()
      remote.release({ favourite: { __typename: 'Note', id: '1' } })
      expect((await answer).body).toEqual({ data: { favourite: { text: 'a' } } })
      expect(await hub.answeredBy(`foreign${round}`)).toBe('owner')
    }
    const left = new AbortController()
    const leaving = fetch(`${hub.url}/graphql`, { method: 'POST', signal: left.signal, headers: { 'content-type': 'application/json', 'x-request-id': 'leaving' }, body: '{"query":"{ favourite { text } }"}' })
    await remote.asked()
    left.abort()
    await expect(leaving).rejects.toThrow('aborted')
    const [line] = await hub.program.written(/^.*"requestId":"leaving".*"message":"request".*$/m)
    expect(JSON.parse(line)).toMatchObject({ status: 499 })
    client.leave()
  } finally {
    await hub.close()
    await remote.close()
  }
})
