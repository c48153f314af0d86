import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import type { Log } from '../../connectors/ports/scope.ts'
import { catalogFolder } from '../support/catalog-folder.ts'
import { isEmbedded, startHub, type RunningHub } from '../support/hub.ts'

const files = {
  'hub.yaml': `
sources:
  shop: { type: files, root: ./shop }
regions:
  planes: { type: Plane, key: id, load: { source: shop, table: planes } }
  ports: { type: Port, key: code, load: { source: shop, table: ports, eager: true } }
  things: { type: Thing, key: id, fields: { id: ID!, name: String! } }
`,
  'shop/planes.csv': 'id,name\n7,Ada\n8,Grace\n9,Alan\n',
  'shop/ports.csv': 'code,name\nBER,Berlin\nOSL,Oslo\n',
}

interface Told {
  readonly thingChanged: { readonly type: string; readonly key: string; readonly cursor: string }
}

const watchThings = 'subscription ($after: String) { thingChanged(after: $after) { type key cursor } }'
const putThing = (hub: Pick<RunningHub, 'query'>, id: string) => hub.query('mutation ($id: ID!) { putThing(input: { id: $id, name: "x" }) { id } }', { id })

/** The next `count` events, as `CREATED a`, and the cursor of the last. */
async function take(events: AsyncIterator<{ data?: Told | null }, unknown>, count: number): Promise<{ told: string[]; cursor: string }> {
  const told: string[] = []
  let cursor = ''
  while (told.length < count) {
    const { value } = (await events.next()) as { value: { data: Told } }
    const { type, key } = value.data.thingChanged
    cursor = value.data.thingChanged.cursor
    told.push(`${type} ${key}`)
  }
  return { told, cursor }
}

/** The failure a subscription ends with. */
async function ending(events: AsyncIterator<unknown, unknown>): Promise<{ code: unknown; cursor: unknown }> {
  const errors = await events.next().then(step => (step.value as { errors?: unknown } | undefined)?.errors, (failed: unknown) => failed)
  const [error] = errors as { extensions: Record<string, unknown> }[]
  return { code: error?.extensions['code'], cursor: error?.extensions['cursor'] }
}

describe('a hub in operation', () => {
  const folder = catalogFolder(files)
  const lines: { message: string; fields: Readonly<Record<string, unknown>> }[] = []
  const write = (message: string, fields: Readonly<Record<string, unknown>> = {}) => void lines.push({ message, fields })
  const log: Log = { debug: write, info: write, warn: write, error: write }
  let hub: RunningHub
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog, log })
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  const metric = async (name: string, region: string) => {
    const text = await (await fetch(`${hub.url}/metrics`)).text()
    const line = text.split('\n').find(one => one.startsWith(`${name}{region="${region}"}`))
    return line === undefined ? undefined : Number(line.split(' ')[1])
  }
  const stats = async (region: string) => {
    const { data } = await hub.query<{ cacheRegion: { stats: Record<string, unknown> } }>('query ($region: String!) { cacheRegion(name: $region) { stats { hits misses entries hitRatio offloadRatio } } }', { region })
    return data?.cacheRegion.stats
  }

  test('says that it lives and that it is ready, and what it is made of', async () => {
    expect(await (await fetch(`${hub.url}/livez`)).json()).toEqual({ status: 'live' })
    const ready = await fetch(`${hub.url}/readyz?verbose=1`)
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready', components: expect.arrayContaining([expect.objectContaining({ name: 'graph', state: 'up' }), expect.objectContaining({ name: 'source:shop', state: 'up' })]) }])
  })

  test('H-02 the share answered from memory is null before the first read, and then what the reads make it', async () => {
    expect(await stats('planes')).toEqual({ hits: 0, misses: 0, entries: 0, hitRatio: null, offloadRatio: null })
    expect(await metric('dih_backend_offload_ratio', 'planes')).toBeUndefined()
    const read = () => hub.query('{ plane(id: 7) { name } }')
    const figures: unknown[] = []
    for (let round = 0; round < 4; round += 1) {
      expect(await read()).toEqual({ data: { plane: { name: 'Ada' } } })
      await hub.kept('planes', 1)
      figures.push([await metric('dih_cache_hits_total', 'planes'), await metric('dih_cache_misses_total', 'planes'), await metric('dih_region_entries', 'planes'), await metric('dih_backend_offload_ratio', 'planes')])
    }
    expect(figures).toEqual([[0, 1, 1, 0], [1, 1, 1, 0.5], [2, 1, 1, 2 / 3], [3, 1, 1, 0.75]])
    expect(await stats('planes')).toEqual({ hits: 3, misses: 1, entries: 1, hitRatio: 0.75, offloadRatio: 0.75 })
    await hub.query('{ planesByKey(keys: [7, 8, 9, 10]) { name } }')
    await hub.kept('planes', 3)
    expect([await metric('dih_cache_hits_total', 'planes'), await metric('dih_cache_misses_total', 'planes'), await metric('dih_region_entries', 'planes')]).toEqual([4, 4, 3])
    expect([await metric('dih_region_entries', 'ports'), await metric('dih_region_entries', 'things')]).toEqual([2, 0])
  })

  test('names a request in its answer, its errors and its line of the log by the id the client gave', async () => {
    const response = await fetch(`${hub.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', 'x-request-id': 'client-1' }, body: '{"query":"query Q { cacheGet(region: \\"nope\\", key: \\"1\\") { key } }"}' })
    expect([response.headers.get('x-request-id'), await response.json()]).toEqual(['client-1', { data: { cacheGet: null }, errors: [expect.objectContaining({ extensions: expect.objectContaining({ requestId: 'client-1', code: 'NOT_FOUND' }) })] }])
    expect(lines.filter(line => line.message === 'request' && line.fields['requestId'] === 'client-1').map(line => line.fields)).toEqual([expect.objectContaining({ method: 'POST', route: '/graphql', status: 200, tenant: 'public', operationName: 'Q', codes: ['NOT_FOUND'], durationMs: expect.any(Number) })])
  })

  const whereEmbedded = isEmbedded ? test : test.skip
  whereEmbedded('a second hub on its data is refused with the process that has them', async () => {
    await expect(startHub({ catalog: folder.catalog, data: hub.data })).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining(String(process.pid)) })
    expect(await hub.query('{ ports { totalCount } }')).toEqual({ data: { ports: { totalCount: 2 } } })
  })

  test('a stop lets the request under way end and ends a subscription with its cursor, behind which it goes on after the restart, without loss or double', async () => {
    await putThing(hub, 'a')
    const events = hub.subscribe<Told>(watchThings)
    expect((await take(events, 1)).told).toEqual(['SNAPSHOT a'])
    await putThing(hub, 'b')
    await putThing(hub, 'c')
    const seen = await take(events, 2)
    expect(seen.told).toEqual(['CREATED b', 'CREATED c'])

    const outgoing = request(`${hub.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', expect: '100-continue' } })
    outgoing.flushHeaders()
    await once(outgoing, 'continue')
    const restarting = hub.restart()
    const end = await ending(events)
    expect(end.code).toBe('SHUTTING_DOWN')
    outgoing.end('{"query":"{ thing(id: \\"c\\") { id } }"}')
    const [response] = await once(outgoing, 'response')
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk as Buffer)
    expect([response.statusCode, JSON.parse(String(Buffer.concat(chunks)))]).toEqual([200, { data: { thing: { id: 'c' } } }])
    hub = await restarting

    await putThing(hub, 'd')
    await hub.query('mutation { removeThing(id: "a") }')
    const resumed = hub.subscribe<Told>(watchThings, { after: end.cursor })
    expect((await take(resumed, 2)).told).toEqual(['CREATED d', 'REMOVED a'])
    await putThing(hub, 'e')
    expect((await take(resumed, 1)).told).toEqual(['CREATED e'])
    await resumed.return()
    const again = hub.subscribe<Told>(watchThings, { after: seen.cursor })
    expect((await take(again, 3)).told).toEqual(['CREATED d', 'REMOVED a', 'CREATED e'])
    await again.return()
  }, 120_000)
})

describe('the program', () => {
  const cli = resolve(import.meta.dirname, '../../gateway/cli.ts')
  const folder = catalogFolder(files)
  const running: ChildProcess[] = []
  afterAll(async () => {
    for (const child of running.filter(one => one.exitCode === null && one.signalCode === null)) {
      child.kill('SIGKILL')
      await once(child, 'close')
    }
    folder.remove()
  })

  function start(...flags: readonly string[]) {
    const child = spawn(process.execPath, [cli, 'start', folder.catalog, ...flags], { cwd: folder.folder, env: { PATH: process.env['PATH'] } })
    running.push(child)
    let out = ''
    let err = ''
    let look = () => {}
    child.stdout.on('data', chunk => {
      out += chunk
      look()
    })
    child.stderr.on('data', chunk => { err += chunk })
    const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, out, err }))
    const said = (pattern: RegExp) => new Promise<RegExpExecArray>((found, failed) => {
      look = () => {
        const match = pattern.exec(out)
        if (match) found(match)
      }
      look()
      void ended.then(({ code }) => failed(new Error(`It ended with ${code}: ${err}${out}`)))
    })
    return { child, ended, said }
  }

  test('is told to stop by SIGTERM: it drains, ends subscriptions with their cursor, and ends with 0; one line of JSON a request', async () => {
    const { child, ended, said } = start('--port=0', `--data=${join(folder.folder, 'data')}`)
    const [, url = ''] = await said(/GraphQL\s+(http:\S+)\/graphql/)
    const headers = { 'content-type': 'application/json', 'x-request-id': 'from-outside' }
    const put = await fetch(`${url}/graphql`, { method: 'POST', headers, body: '{"query":"mutation { putThing(input: { id: \\"a\\", name: \\"x\\" }) { id } }"}' })
    expect(await put.json()).toEqual({ data: { putThing: { id: 'a' } } })
    const client = createClient({ url: `${url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket, retryAttempts: 0 })
    const events = client.iterate<Told>({ query: watchThings })
    expect((await take(events, 1)).told).toEqual(['SNAPSHOT a'])

    const second = await start('--port=0', `--data=${join(folder.folder, 'data')}`).ended
    expect([second.code, second.err]).toEqual([1, expect.stringContaining(`process ${child.pid}`)])

    child.kill('SIGTERM')
    expect(await ending(events)).toEqual({ code: 'SHUTTING_DOWN', cursor: expect.any(String) })
    const { code, out, err } = await ended
    expect([code, err]).toEqual([0, ''])
    const logged = out.split('\n').filter(line => line.startsWith('{')).map(line => JSON.parse(line) as Record<string, unknown>)
    expect(logged).toContainEqual(expect.objectContaining({ level: 'info', message: 'request', requestId: 'from-outside', route: '/graphql', status: 200, time: expect.stringMatching(/^\d{4}-.*Z$/) }))
  }, 120_000)

  test('whose port another program has says so and ends with 2', async () => {
    const taken = createServer()
    await new Promise<void>(listening => taken.listen(0, '127.0.0.1', listening))
    const { port } = taken.address() as AddressInfo
    const { code, err } = await start(`--port=${port}`, `--data=${join(folder.folder, 'other')}`).ended
    await new Promise(closed => taken.close(closed))
    expect([code, err]).toEqual([2, expect.stringContaining(`Port ${port} on "127.0.0.1" is taken`)])
    expect(err.trim().split('\n')).toHaveLength(1)
  }, 120_000)
})
