import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'undici'
import { make, type Line } from '../clients.ts'
import { apiKey, type ApiKey } from '../gateway/api-key.ts'
import { plainEnv } from '../gateway/contender.ts'
import { hub } from '../gateway/hub.ts'
import { folderId, folders, userId } from '../gateway/hub-world.ts'
import { askOver, bodyOf, percentiles, scaled } from '../load.ts'
import { freePort, type Server } from '../processes.ts'
import type { Findings } from '../report.ts'
import { spread } from '../scenarios.ts'
import { heldBy, type Held } from './heap.ts'
import type { GrowthOptions } from './index.ts'

/** What documents cost that come for the first time, and what a hub holds of them. */
export interface DocumentsFigures {
  /** How many different ones there were. */
  readonly documents: number
  /** Latency in ms and CPU µs of the server of their first, second and third request. */
  readonly passes: readonly Pass[]
  /** How much longer the first and second took than the third, both together, of each document. */
  readonly cost: Omit<Pass, 'cpuMicros'>
  /** Before the first document, and after each tenth of them. */
  readonly held: readonly (Held & { readonly after: number })[]
  /** Requests for all of them, by tenths, and what was held after each. */
  readonly tenths: readonly (Line & Held)[]
}

interface Pass extends ReturnType<typeof percentiles> {
  readonly meanMs: number
  readonly cpuMicros: number
}

/** Users of the hub; the size of its regions is no matter here. */
const users = 10_000
/** Sent three times each before the next so many come: fewer than any cache of documents keeps. */
const mostAtOnce = 100
/** Documents that nine of ten requests are for. */
const usual = 1_000

/** Which of the documents the nth request is for. */
export function documentOf(n: number, documents: number): number {
  const tens = Math.floor(n / 10)
  return n % 10 < 9 ? spread(n - tens, Math.min(usual, documents)) : spread(tens, documents)
}

/** The nth document, with variables of the nth request: four shapes, each with names of its own, so that none shares what was made of another. */
export function requestAt(n: number, request: number): { readonly document: string; readonly variables: unknown } {
  const id = userId(spread(request, users))
  const shapes = [
    { document: `query D${n}($id: ID!) { user(id: $id) { id f${n}: name email } }`, variables: { id } },
    { document: `query D${n}($id: ID!) { user(id: $id) { name f${n}: sessions(first: 2) { nodes { token } } } }`, variables: { id } },
    { document: `query D${n}($keys: [ID!]!) { usersByKey(keys: $keys) { id f${n}: email } }`, variables: { keys: Array.from({ length: 10 }, (_, index) => userId(spread(request * 10 + index, users))) } },
    {
      document: `query D${n}($folder: String!) { assets(where: { folder: { eq: $folder } }, first: 5) { nodes { id f${n}: name owner { name sessions(first: 2) { nodes { token } } } quality { score } } } }`,
      variables: { folder: folderId(spread(request, folders)) },
    },
  ] as const
  return shapes[n % shapes.length] ?? shapes[0]
}

export async function growthOfDocuments(options: GrowthOptions): Promise<DocumentsFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-bench-'))
  try {
    const key = apiKey(['cache:read'])
    const inspectorPort = await freePort()
    const server = await hub(users, key, folder, options.progress, { ...plainEnv, NODE_OPTIONS: `--inspect=127.0.0.1:${inspectorPort}` }).start()
    const pool = new Pool(server.url, { connections: options.connections, pipelining: 1 })
    try {
      return await measureDocuments({ server, pool, key, held: () => heldBy(server, inspectorPort), ...options })
    } finally {
      await pool.close()
      await server.stop()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface Measuring extends GrowthOptions {
  readonly server: Server
  readonly pool: Pool
  readonly key: ApiKey
  readonly held: () => Promise<Held>
}

async function measureDocuments(measuring: Measuring): Promise<DocumentsFigures> {
  const { server, pool, key, scale, connections, progress } = measuring
  const documents = scaled(10_000, scale)
  const send = async (n: number, request: number) => {
    const { document, variables } = requestAt(n, request)
    const text = await askOver(pool, bodyOf(document, variables), key.headers)
    return { bytes: text.length }
  }
  // One of each shape, so that what is measured is documents and not the hub's own start.
  progress('documents: warming up')
  await make({ name: 'warm-up', clients: connections, call: n => send(documents + (n % 4), n) }, 0, begun => begun < scaled(20_000, scale))

  const { passes, cost, held } = await firstRequests(documents, send, measuring)
  const requests = scaled(measuring.requests, scale)
  const tenths: (Line & Held)[] = []
  for (let tenth = 1; tenth <= 10; tenth++) {
    const count = Math.ceil(requests / 10)
    const before = await server.cpuMicros()
    const line = await make({ name: `${count * tenth} requests`, clients: connections, call: n => send(documentOf(n, documents), n) }, count * (tenth - 1), begun => {
      if (begun % 1_000 === 0) progress(`documents: ${count * (tenth - 1) + begun} of ${requests} requests`)
      return begun < count
    })
    const cpuMicros = ((await server.cpuMicros()) - before) / count
    tenths.push({ ...line, cpuMicros, ...(await measuring.held()) })
  }
  return { documents, passes, cost, held, tenths }
}

/** Each document three times, one request at a time, some documents before the next. */
async function firstRequests(documents: number, send: (n: number, request: number) => Promise<unknown>, { server, held: look, progress }: Measuring): Promise<Pick<DocumentsFigures, 'passes' | 'cost' | 'held'>> {
  const latencies = [new Float64Array(documents), new Float64Array(documents), new Float64Array(documents)]
  const cpuMicros = latencies.map(() => 0)
  const held = [{ after: 0, ...(await look()) }]
  const chunk = Math.min(mostAtOnce, Math.ceil(documents / 10))
  for (let from = 0; from < documents; from += chunk) {
    progress(`documents: ${from} of ${documents}, each for the first three times`)
    const to = Math.min(documents, from + chunk)
    for (const [pass, taken] of latencies.entries()) {
      const before = await server.cpuMicros()
      for (let n = from; n < to; n++) {
        const startedMs = performance.now()
        await send(n, n)
        taken[n] = performance.now() - startedMs
      }
      cpuMicros[pass] = (cpuMicros[pass] ?? 0) + (await server.cpuMicros()) - before
    }
    if (Math.floor((to * 10) / documents) > Math.floor((from * 10) / documents)) held.push({ after: to, ...(await look()) })
  }
  const [first = new Float64Array(), second = first, third = first] = latencies
  const { cpuMicros: _, ...cost } = passOf(first.map((ms, n) => ms + (second[n] ?? 0) - 2 * (third[n] ?? 0)), 0)
  return { passes: latencies.map((taken, pass) => passOf(taken, (cpuMicros[pass] ?? 0) / documents)), cost, held }
}

function passOf(latencies: Float64Array, cpuMicros: number): Pass {
  return { ...percentiles(latencies), meanMs: latencies.reduce((sum, ms) => sum + ms, 0) / latencies.length, cpuMicros }
}

const heldHeader = ['heap MB', 'buffers MB', 'resident MB']
const heldCells = ({ heapMb, externalMb, residentMb }: Held): readonly string[] => [heapMb, externalMb, residentMb].map(mb => mb.toFixed(1))

export function documentsTables({ documents, passes, cost, held, tenths }: DocumentsFigures): Findings['tables'] {
  const [first = NaN, second = NaN, third = NaN] = passes.map(pass => pass.cpuMicros)
  const timed = ({ meanMs, p50Ms, p95Ms, p99Ms, longestMs }: DocumentsFigures['cost']) => [meanMs, p50Ms, p95Ms, p99Ms, longestMs].map(ms => ms.toFixed(2))
  return [
    {
      title: `${documents} different documents, each for the first three times`,
      header: ['request', 'CPU µs', 'mean ms', 'p50 ms', 'p95 ms', 'p99 ms', 'longest ms'],
      rows: [...passes.map((pass, index) => [['first', 'second', 'third'][index] ?? '', pass.cpuMicros.toFixed(0), ...timed(pass)]), ['plan + compile: first + second − 2 × third', (first + second - 2 * third).toFixed(0), ...timed(cost)]],
    },
    { title: 'Memory with these documents', header: ['documents so far', ...heldHeader], rows: held.map(one => [String(one.after), ...heldCells(one)]) },
    {
      title: 'Memory with requests over all of them', header: ['so far', ...heldHeader, 'CPU µs', 'req/s', 'p50 ms', 'p99 ms', 'errors'],
      rows: tenths.map(one => [one.name, ...heldCells(one), one.cpuMicros.toFixed(0), one.perSecond.toFixed(0), one.p50Ms.toFixed(1), one.p99Ms.toFixed(1), String(one.errors)]),
    },
  ]
}

/** Memory a document takes while it is kept, and what requests added to it; sentences. */
export function documentsNotes({ held, tenths }: DocumentsFigures): readonly string[] {
  const [before, afterTenth] = held
  const [second, last] = [tenths[1], tenths.at(-1)]
  if (!before || !afterTenth || !second || !last) return []
  return [
    `the first ${afterTenth.after} documents took ${(((afterTenth.heapMb - before.heapMb) * 2 ** 10) / afterTenth.after).toFixed(1)} kB of heap each`,
    `from the second to the last tenth of the requests the heap grew by ${(last.heapMb - second.heapMb).toFixed(1)} MB, what is resident by ${(last.residentMb - second.residentMb).toFixed(1)} MB`,
  ]
}
