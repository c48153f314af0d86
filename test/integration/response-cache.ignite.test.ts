import { jest } from '@jest/globals'
import { setTimeout as pause } from 'node:timers/promises'
import { catalogFolder, type CatalogFolder } from '../support/catalog-folder.ts'
import { airport, airports } from '../conformance/region-store.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { gate } from '../support/gate.ts'
import { startHub, type RunningHub } from '../support/hub.ts'
import { dropNamespace, igniteHosts } from '../support/ignite.ts'
import { freshNamespace, openStore, realScope } from '../support/ignite-regions.ts'
import { startProgram, type Running } from '../support/program.ts'

jest.setTimeout(180_000)

const namespace = freshNamespace()
const environment = (hosts: readonly string[]) => ({ ...Object.fromEntries(hosts.map((host, index) => [`IGNITE_HOST_${index + 1}`, host])), IGNITE_NAMESPACE: namespace })
const one = 'query ($id: ID!) @cached { note(id: $id) { n } }'
const list = 'query ($id: ID!) @cached { notes(where: { id: { eq: $id } }) { nodes { n } } }'

interface Answered {
  readonly cache: string | null
  /** Of the note; undefined: there is none. */
  readonly n: number | undefined
  readonly codes: readonly string[]
  readonly reason: string | undefined
}

withEngine('IGNITE_HOST_1', 'kept answers over two hubs of one cluster', () => {
  let files: CatalogFolder
  let gates: Awaited<ReturnType<typeof gate>>[]
  let here: RunningHub
  let other: Running
  let otherUrl: string

  beforeAll(async () => {
    files = catalogFolder({ 'hub.yaml': 'regions:\n  notes: { type: Note, key: id, fields: { id: ID!, n: Int } }\n  guests: { type: Guest, key: id, fields: { id: ID!, n: Int }, expiry: { create: PT1H } }\n' })
    gates = await Promise.all(igniteHosts().map(host => gate(host)))
    here = await startHub({ catalog: files.catalog, env: environment(gates.map(({ port }) => `127.0.0.1:${port}`)) })
    other = startProgram(['start', '--catalog', files.catalog, '--port', '0', '--data', `${files.folder}/other`, '--log-level', 'error', '--limits-requests-per-minute=1000000'], { cwd: files.folder, env: environment(igniteHosts()) })
    otherUrl = new URL((await other.written(/http:\S+/))[0]).origin
  })
  afterAll(async () => {
    await other?.stop()
    await here?.close()
    for (const { close } of gates ?? []) await close()
    await dropNamespace(igniteHosts(), namespace)
    files?.remove()
  })

  const ask = async (query: string, id: string, headers: Record<string, string> = { 'x-consistency': 'EVENTUAL' }): Promise<Answered> => {
    const response = await fetch(`${here.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ query, variables: { id } }) })
    const { data, errors = [], extensions } = (await response.json()) as {
      data?: Record<string, { n?: number; nodes?: readonly { n: number }[] } | null>; errors?: readonly { extensions: { code: string } }[]; extensions?: { hub: { cache: { reason?: string } } }
    }
    const [found] = Object.values(data ?? {})
    return { cache: response.headers.get('x-cache'), n: found?.nodes ? found.nodes[0]?.n : found?.n, codes: errors.map(error => error.extensions.code), reason: extensions?.hub.cache.reason }
  }
  /** Writes through the other hub. */
  const put = async (id: string, n: number) => {
    const response = await fetch(`${otherUrl}/api/v1/dih/cache-regions/notes/entries/${id}`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ n }) })
    expect(response.status).toBe(200)
    await response.text()
  }
  const seen = (id: string, n: number) => eventually(`${n} is told`, async () => (await ask(one, id)).n === n && (await ask(list, id)).n === n)

  test.each([['an entry', one], ['a list', list]])('%s that is read at EVENTUAL is kept, and at no other level given or kept', async (what, query) => {
    const id = `levels of ${what}`
    await put(id, 1)
    await seen(id, 1)
    const fresh = query.replace('{ n }', '{ n id }')
    expect([await ask(fresh, id), await ask(fresh, id)]).toMatchObject([{ cache: 'MISS', n: 1 }, { cache: 'HIT', n: 1 }])
    const said = query.replace('@cached', '@cached @consistency(level: EVENTUAL)')
    expect([await ask(said, id, {}), await ask(said, id, {})]).toMatchObject([{ cache: 'MISS', n: 1 }, { cache: 'HIT', n: 1 }])
    for (const headers of [{} as Record<string, string>, { 'x-consistency': 'STRONG' }, { 'x-consistency': 'SESSION' }, { 'x-consistency': 'BOUNDED_STALENESS' }]) {
      expect([headers, await ask(fresh, id, headers), await ask(fresh, id, headers)]).toMatchObject([headers, { cache: 'BYPASS', n: 1 }, { cache: 'BYPASS', n: 1 }])
    }
    expect((await ask(fresh, id, { 'x-consistency': 'STRONG', 'x-hub-explain': '1' })).reason).toBe('Region "notes" is kept in ignite, where other processes write, and the hub hears of it later than this read, at STRONG, would show it.')
    for (let n = 2; n < 50; n++) {
      await put(id, n)
      expect((await ask(fresh, id, { 'x-consistency': 'STRONG' })).n).toBe(n)
    }
  })

  test('what this hub has told of shows in every answer from then on, kept ones too', async () => {
    await put('b', 1)
    await seen('b', 1)
    let told = 1
    let running = true
    const cached: Record<string, number> = {}
    const read = async () => {
      for (const query of [one, list]) {
        const low = told
        const { cache, n = 0 } = await ask(query, 'b')
        if (n < low) throw new Error(`${n} was answered (${cache}), and ${low} was told.`)
        cached[cache ?? ''] = (cached[cache ?? ''] ?? 0) + 1
      }
    }
    const reader = async () => {
      while (running) await read()
    }
    const changes = here.subscribe<{ noteChanged: { after: { id: string; n: number } | null } }>('subscription { noteChanged { after { id n } } }')
    const listening = (async () => {
      for await (const { data } of changes) {
        const { id, n } = data?.noteChanged.after ?? { id: '', n: 0 }
        if (id !== 'b') continue
        told = n
        await read()
      }
    })()
    const readers = [reader(), reader()]
    for (let n = 2; n <= 300; n++) await put('b', n)
    await eventually('the last one is told', async () => told === 300)
    running = false
    await Promise.all(readers)
    await changes.return()
    await listening
    expect([(cached['HIT'] ?? 0) > 50, (cached['MISS'] ?? 0) > 50]).toEqual([true, true])
  })

  test('of entries that another hub wrote together, once that is told, no answer that is kept lacks any', async () => {
    const ids = Array.from({ length: 12 }, (_, index) => `together${index}`)
    const putAll = async (values: readonly object[]) => {
      const query = 'mutation ($values: [JSON!]!) { cachePutAll(region: "notes", values: $values) { key } }'
      const response = await fetch(`${otherUrl}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query, variables: { values } }) })
      expect(await response.json()).toMatchObject({ data: { cachePutAll: values.map(() => ({})) } })
    }
    // Asked as soon as it is told, when copies may be behind.
    const changes = here.subscribe<{ noteChanged: { after: { id: string } | null } }>('subscription { noteChanged { after { id } } }')
    const listening = (async () => {
      for await (const { data } of changes) for (const query of [one, list]) await ask(query, data?.noteChanged.after?.id ?? '')
    })()
    let hits = 0
    for (let n = 1; n <= 20; n++) {
      for (let from = 0; from < ids.length; from += 4) await putAll(ids.slice(from, from + 4).map(id => ({ id, n })))
      await eventually(`${n} is told`, async () => (await ask(one, ids.at(-1)!)).n === n)
      await pause(300)
      for (const query of [one, list]) for (const id of ids) {
        const answer = await ask(query, id)
        expect([id, answer.n]).toEqual([id, n])
        if (answer.cache === 'HIT') hits += 1
      }
    }
    await changes.return()
    await listening
    expect(hits).toBeGreaterThan(200)
  })

  test('what this hub wrote itself shows in every answer from then on', async () => {
    for (let n = 1; n <= 50; n++) {
      await here.query('mutation ($n: Int!) { putNote(input: { id: "own", n: $n }) { id } }', { n })
      for (const query of [one, list]) expect([(await ask(query, 'own')).n, (await ask(query, 'own')).n]).toEqual([n, n])
    }
    await here.query('mutation { removeNote(id: "own") }')
    for (const query of [one, list]) expect((await ask(query, 'own')).n).toBeUndefined()
  })

  test('entries whose time ends are not kept: the cluster tells of it later', async () => {
    const guest = 'query ($id: ID!) @cached { guest(id: $id) { n } }'
    expect([await ask(guest, 'g'), await ask(guest, 'g', { 'x-consistency': 'EVENTUAL', 'x-hub-explain': '1' })])
      .toMatchObject([{ cache: 'BYPASS' }, { cache: 'BYPASS', reason: 'Region "guests" is kept in ignite, and the hub hears later than a read would show it that its entries change or end.' }])
  })

  test('while changes go by unheard nothing is answered from what was kept, nor afterwards', async () => {
    await put('lost', 1)
    await seen('lost', 1)
    for (const query of [one, list]) await eventually('it is kept', async () => (await ask(query, 'lost')).cache === 'HIT')
    const ports = gates.map(({ port }) => port)
    await Promise.all(gates.map(({ close }) => close()))
    await eventually('the loss is noticed', async () => (await ask(one, 'lost')).codes.length > 0)
    for (const query of [one, list]) expect(await ask(query, 'lost')).toMatchObject({ cache: 'BYPASS', n: undefined, codes: ['UPSTREAM_UNAVAILABLE'] })
    await put('lost', 2)
    gates = await Promise.all(igniteHosts().map((host, index) => gate(host, ports[index])))
    for (const query of [one, list]) {
      await eventually('it is answered again', async () => {
        const { codes, n } = await ask(query, 'lost')
        if (codes.length === 0) expect(n).toBe(2)
        return codes.length === 0
      }, 120_000)
      await eventually('it is kept again', async () => (await ask(query, 'lost')).cache === 'HIT', 60_000)
      expect((await ask(query, 'lost')).n).toBe(2)
    }
  })

  test('a region whose entries another process replaced as a whole says other numbers once that is told', async () => {
    const own = freshNamespace()
    const stores = await Promise.all([openStore(own), openStore(own)])
    try {
      const [mine, theirs] = [await stores[0]!.define(airports), await stores[1]!.define(airports)]
      const scope = realScope()
      await mine.putMany(scope, [airport('CDG', 'France')])
      const before = [mine.versions?.rows(scope.tenant), mine.versions?.entry(scope.tenant, 'CDG')]
      expect(before).toEqual([expect.any(Number), expect.any(Number)])
      const rows = async function* () {
        yield [airport('CDG', 'Italy')]
      }
      await theirs.replaceAll(scope, rows())
      await eventually('the numbers are others', async () => mine.versions?.rows(scope.tenant) !== before[0] && mine.versions?.entry(scope.tenant, 'CDG') !== before[1])
      await eventually('they are said again', async () => mine.versions?.rows(scope.tenant) !== undefined)
      expect((await mine.getMany(scope, ['CDG'], { near: true }))[0]?.row['country']).toBe('Italy')
    } finally {
      await Promise.all(stores.map(store => store.close()))
      await dropNamespace(igniteHosts(), own)
    }
  })
})
