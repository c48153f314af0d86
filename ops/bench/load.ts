import { Pool } from 'undici'
import type { RequestScenario } from './scenarios.ts'
import type { Server } from './processes.ts'

/** What one scenario cost one server. */
export interface Figures {
  /** Server's CPU time per request or message. */
  readonly cpuMicros: number
  /** As the client saw it, in milliseconds. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** Requests answered with errors or without data, or messages that never came. A run counts only with none. */
  readonly errors: number
  /** Bytes of one answer. */
  readonly bytes: number
}

/** What `drive` measures beside. */
export interface Driven extends Figures {
  readonly p95Ms: number
  readonly longestMs: number
  readonly requestsPerSecond: number
  /** How much each counter given grew, per request. */
  readonly grown: readonly number[]
}

/** Something that grows while a server is driven, such as another process's CPU time. */
export type Counter = () => Promise<number>

export interface LoadOptions {
  readonly connections: number
  /** Factor on every scenario's counts. */
  readonly scale: number
  readonly progress: (text: string) => void
}

/** Sends the scenario's requests, one at a time on each connection, first those that warm up, then those that count. */
export async function drive(server: Server, scenario: RequestScenario, options: LoadOptions, counters: readonly Counter[] = []): Promise<Driven> {
  const pool = new Pool(server.url, { connections: options.connections, pipelining: 1 })
  try {
    const warmUp = scaled(scenario.warmUp, options.scale)
    const requests = scaled(scenario.requests, options.scale)
    await send(pool, scenario, 0, warmUp, options)

    const counted = () => Promise.all([server.cpuMicros, ...counters].map(read => read()))
    const [began, before] = [performance.now(), await counted()]
    const { latencies, errors, bytes } = await send(pool, scenario, warmUp, requests, options)
    const requestsPerSecond = requests / ((performance.now() - began) / 1_000)
    const [cpuMicros = Number.NaN, ...grown] = (await counted()).map((value, index) => (value - (before[index] ?? 0)) / requests)
    return { cpuMicros, ...percentiles(latencies), errors, bytes, requestsPerSecond, grown }
  } finally {
    await pool.close()
  }
}

export const scaled = (count: number, scale: number): number => Math.max(1, Math.round(count * scale))

/** Body of the nth request, and of one that asks for the answer to compare with. */
export const bodyOf = (document: string, variables: unknown): string => JSON.stringify({ query: document, variables })

/** One answer as parsed JSON; anything but data without errors fails with what came. */
export async function ask(url: string, body: string, own: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const response = await fetch(`${url}/graphql`, { method: 'POST', headers: { ...headers, ...own }, body })
  return JSON.parse(dataIn(response.status, await response.text()))
}

/** The text of one answer over a pool of connections; anything but data without errors fails with what came. */
export async function askOver(pool: Pool, body: string, own: Readonly<Record<string, string>>): Promise<string> {
  const response = await pool.request({ path: '/graphql', method: 'POST', headers: { ...headers, ...own }, body })
  return dataIn(response.statusCode, await response.body.text())
}

function dataIn(status: number, text: string): string {
  if (status === 200 && isData(text)) return text
  throw new Error(`The server answered ${status}: ${text.slice(0, 1_000)}`)
}

/** Tells the bare server what to answer from now on. */
export async function setReady(bare: Server, sample: unknown): Promise<void> {
  await post(`${bare.url}/ready`, 'PUT', sample)
}

export async function post(url: string, method: string, body: unknown): Promise<void> {
  const response = await fetch(url, { method, body: JSON.stringify(body) })
  await response.arrayBuffer()
}

const headers = { 'content-type': 'application/json', accept: 'application/graphql-response+json' }

/** Data comes without the member `errors`, and the root is not null. Looks at the text, so that the client does not take the server's CPU. */
const isData = (text: string): boolean => text.includes('"data":{') && !text.includes('"errors":[')

async function send(pool: Pool, scenario: RequestScenario, from: number, count: number, { connections, progress }: LoadOptions): Promise<{ latencies: Float64Array; errors: number; bytes: number }> {
  const latencies = new Float64Array(count)
  let next = 0
  let errors = 0
  let bytes = 0

  async function worker(): Promise<void> {
    while (next < count) {
      const index = next++
      const body = bodyOf(scenario.document, scenario.variables(from + index))
      const started = performance.now()
      const response = await pool.request({ path: '/graphql', method: 'POST', headers: { ...headers, ...scenario.headers }, body })
      const text = await response.body.text()
      latencies[index] = performance.now() - started
      if (response.statusCode !== 200 || !isData(text)) errors++
      bytes += text.length
      if (index % 500 === 0) progress(`${scenario.name}: ${index} of ${count}`)
    }
  }
  await Promise.all(Array.from({ length: connections }, worker))
  return { latencies, errors, bytes: Math.round(bytes / count) }
}

/** The values below which half, ninety-five and ninety-nine of a hundred are, and the longest. */
export function percentiles(latencies: Float64Array): Pick<Driven, 'p50Ms' | 'p95Ms' | 'p99Ms' | 'longestMs'> {
  const sorted = latencies.toSorted()
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return { p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), longestMs: at(1) }
}
