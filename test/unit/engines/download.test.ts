import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { download, type DownloadOptions } from '../../../ops/engines/download.ts'

const content = randomBytes(300_000)
const sha256 = createHash('sha256').update(content).digest('hex')

type Answer = (request: IncomingMessage, response: ServerResponse) => void

const whole: Answer = (_, response) => response.writeHead(200, { 'content-length': content.length }).end(content)
const ranged: Answer = (request, response) => {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? 'bytes=0-')?.[1])
  response.writeHead(206, { 'content-length': content.length - from, 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` }).end(content.subarray(from))
}
/** Promises everything, and sends so many bytes of it. */
const only = (bytes: number): Answer => (_, response) => {
  response.writeHead(200, { 'content-length': content.length })
  response.write(content.subarray(0, bytes))
}
const silent: Answer = (_, response) => { response.writeHead(200, { 'content-length': content.length }).flushHeaders() }
const status = (code: number): Answer => (_, response) => response.writeHead(code).end('no')

let folder: string
let to: string
let closers: (() => Promise<void>)[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-download-'))
  to = join(folder, 'lib', 'a.jar')
  closers = []
})
afterEach(async () => {
  for (const close of closers) await close()
  await rm(folder, { recursive: true })
})

/** A registry that gives these answers one after the other, the last one for ever; `ranges` are what it was asked for. */
async function registry(...answers: Answer[]) {
  const ranges: (string | undefined)[] = []
  const server = createServer((request, response) => {
    ranges.push(request.headers.range)
    answers[Math.min(ranges.length, answers.length) - 1]?.(request, response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => new Promise(resolve => { server.close(() => resolve()); server.closeAllConnections() }))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.jar`
  const fetchIt = (options: Partial<DownloadOptions> = {}) => download({ url, to, sha256, size: content.length }, { signal: AbortSignal.timeout(20_000), backOffMs: [1, 1], ...options })
  return { url, ranges, fetchIt, disconnect: () => server.closeAllConnections() }
}

async function leaveBehind(bytes: Buffer) {
  await mkdir(join(folder, 'lib'))
  await writeFile(`${to}.part`, bytes)
}

test('a connection that broke off is gone on from where it ended, and every byte counted once', async () => {
  const { ranges, fetchIt, disconnect } = await registry(only(100_000), ranged)
  let counted = 0
  await fetchIt({ onBytes: count => {
    counted += count
    if (counted === 100_000) disconnect()
  } })
  expect(ranges).toEqual([undefined, 'bytes=100000-'])
  expect(counted).toBe(content.length)
  expect((await readFile(to)).equals(content)).toBe(true)
  expect(existsSync(`${to}.part`)).toBe(false)
})

test('what an earlier command left is not fetched again', async () => {
  const { ranges, fetchIt } = await registry(ranged)
  await leaveBehind(content.subarray(0, 299_000))
  let counted = 0
  await fetchIt({ onBytes: count => { counted += count } })
  expect([ranges, counted]).toEqual([['bytes=299000-'], 1_000])
  expect((await readFile(to)).equals(content)).toBe(true)
})

test('a registry that knows no ranges sends everything, which replaces what was left', async () => {
  const { ranges, fetchIt } = await registry(whole)
  await leaveBehind(content.subarray(0, 5_000))
  await fetchIt()
  expect(ranges).toEqual(['bytes=5000-'])
  expect((await readFile(to)).equals(content)).toBe(true)
})

test('a rest that is longer than the file is thrown away', async () => {
  const { ranges, fetchIt } = await registry(ranged)
  await leaveBehind(Buffer.concat([content, Buffer.from('more')]))
  await fetchIt()
  expect(ranges).toEqual([undefined])
})

test('a file that is there is not asked for', async () => {
  const { ranges, fetchIt } = await registry(whole)
  await fetchIt()
  await fetchIt()
  expect(ranges).toHaveLength(1)
})

test('other bytes than the pinned ones are refused with both sums, and removed', async () => {
  const other = Buffer.alloc(content.length)
  const { url, fetchIt } = await registry((_, response) => response.end(other))
  const found = createHash('sha256').update(other).digest('hex')
  await expect(fetchIt()).rejects.toThrow(`${url} is not the pinned file: its SHA-256 is ${found}, expected ${sha256}.`)
  expect([existsSync(to), existsSync(`${to}.part`)]).toEqual([false, false])
})

test('a rest of other bytes is refused when the file is complete', async () => {
  const { fetchIt } = await registry(ranged)
  await leaveBehind(Buffer.alloc(1_000))
  await expect(fetchIt()).rejects.toThrow('is not the pinned file')
  await fetchIt()
  expect((await readFile(to)).equals(content)).toBe(true)
})

test('more bytes than the pin says end the attempt', async () => {
  const { fetchIt } = await registry((_, response) => response.end(Buffer.concat([content, content])))
  await expect(fetchIt()).rejects.toThrow(`more than the pinned ${content.length} bytes came`)
})

test('a file the registry does not have is said at once', async () => {
  const { url, ranges, fetchIt } = await registry(status(404))
  await expect(fetchIt()).rejects.toThrow(`${url} did not come: the registry answered 404.`)
  expect(ranges).toHaveLength(1)
})

test('a registry that is tired is asked again, so often and no oftener', async () => {
  const tired = await registry(status(503), whole)
  await tired.fetchIt()
  expect(tired.ranges).toHaveLength(2)

  await rm(to)
  const dead = await registry(status(503))
  await expect(dead.fetchIt()).rejects.toThrow('the registry answered 503')
  expect(dead.ranges).toHaveLength(3)
})

test('a connection that brings nothing is given up and made anew', async () => {
  const { ranges, fetchIt } = await registry(silent, whole)
  await fetchIt({ stallMs: 1_000 })
  expect(ranges).toHaveLength(2)
})

test('no registry at that address is said with the reason', async () => {
  const { url } = await registry(whole)
  await closers.pop()?.()
  await expect(download({ url, to, sha256, size: content.length }, { signal: AbortSignal.timeout(20_000), backOffMs: [1] })).rejects.toThrow(/did not come: .*ECONNREFUSED/)
})

test('an interrupted download ends at once and leaves what came', async () => {
  const interrupt = new AbortController()
  const { fetchIt } = await registry(only(10_000))
  await expect(fetchIt({ signal: interrupt.signal, onBytes: () => interrupt.abort(new Error('enough')) })).rejects.toThrow('enough')
  expect((await readFile(`${to}.part`)).length).toBe(10_000)
})
