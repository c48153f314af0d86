import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fanOut } from '../../../ops/bench/fan-out.ts'
import { ask, drive, percentiles } from '../../../ops/bench/load.ts'
import { startServer, type Server } from '../../../ops/bench/processes.ts'
import { table } from '../../../ops/bench/report.ts'

const bench = join(import.meta.dirname, '../../../ops/bench')
const options = { connections: 4, scale: 1, progress: () => {} }
const scenario = { name: 'get', document: 'query ($id: ID!) { person(userId: $id) { fullName } }', variables: (n: number) => ({ id: String(n) }), requests: 60, warmUp: 20 }
const crowd = { name: 'fan-out', subscription: 'subscription { changed }', mutation: '', variables: () => ({}), subscribers: 30, mutations: 5, warmUp: 2 }

const onLinux = existsSync('/proc/self/schedstat') ? describe : describe.skip

test('half of the latencies are below the first, ninety-five and ninety-nine of a hundred below the next, and none above the last', () => {
  expect(percentiles(Float64Array.from({ length: 1_000 }, (_, index) => 999 - index))).toEqual({ p50Ms: 500, p95Ms: 950, p99Ms: 990, longestMs: 999 })
})

test('the table gives the ratio of the two servers\' CPU, and none where the hub did not run', () => {
  const bare = { cpuMicros: 20, p50Ms: 1, p99Ms: 2, errors: 0, bytes: 100 }
  const lines = table([{ name: 'get', unit: 'request', hub: { ...bare, cpuMicros: 50, errors: 3 }, bare }, { name: 'fan-out', unit: 'message', bare }]).split('\n')
  expect(lines[2]).toMatch(/^get +2\.5× +50\.0 +20\.0 .* 3 +request$/)
  expect(lines[3]).toMatch(/^fan-out +– +– +20\.0 /)
})

test('a program that ends before it prints a URL fails with what it printed', async () => {
  await expect(startServer(join(bench, 'no-such-file.ts'), [])).rejects.toThrow(/ended with 1 before it was up[\s\S]*no-such-file/)
})

onLinux('against the bare server', () => {
  let server: Server
  beforeAll(async () => {
    server = await startServer(join(bench, 'bare.ts'), [])
  })
  afterAll(() => server.stop())

  const ready = (answer: unknown) => fetch(`${server.url}/ready`, { method: 'PUT', body: JSON.stringify(answer) })

  test('each request costs the server some CPU and the client some time, and errors are counted', async () => {
    await ready({ data: { person: { fullName: 'Ada' } } })
    const figures = await drive(server, scenario, options)
    expect(figures.errors).toBe(0)
    expect(figures.cpuMicros).toBeGreaterThan(0)
    expect(figures.p99Ms).toBeGreaterThanOrEqual(figures.p50Ms)
    expect(figures.bytes).toBe(JSON.stringify({ data: { person: { fullName: 'Ada' } } }).length)

    await ready({ data: null, errors: [{ message: 'no' }] })
    expect((await drive(server, scenario, options)).errors).toBe(60)
    await expect(ask(server.url, '{}')).rejects.toThrow('The server answered 200: {"data":null')
  })

  test('every subscriber hears of every change once', async () => {
    await ready({ data: { changed: true } })
    let published = 0
    const publish = async () => {
      published++
      await (await fetch(`${server.url}/publish`, { method: 'POST', body: '{}' })).arrayBuffer()
    }
    const figures = await fanOut(server, crowd, publish, options)
    expect(figures.errors).toBe(0)
    expect(published).toBeGreaterThanOrEqual(7)
    expect(figures.cpuMicros).toBeGreaterThan(0)
  })
})
