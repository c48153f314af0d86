import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Site } from '../../../ops/engines/engine.ts'
import { alone, forget, read, readAll, type Running, write } from '../../../ops/engines/state.ts'

let site: Site & { readonly said: string[] }

beforeEach(async () => {
  const said: string[] = []
  site = { home: await mkdtemp(join(tmpdir(), 'tributary-state-')), portOffset: 0, signal: AbortSignal.timeout(20_000), say: (_, line) => { said.push(line) }, said }
})
afterEach(() => rm(site.home, { recursive: true }))

const record: Running = {
  pid: 4_711, startTicks: '99', node: 'ignite-1', number: 1, engine: 'ignite', version: '2.17.0', ports: { client: 10_800, discovery: 47_500 },
  startedAtMs: 1_790_000_000_000, log: '/log', data: '/data', reach: { IGNITE_HOST_1: '127.0.0.1:10800' },
}

test('what was written is read, by name or all of it in order, until it is forgotten', async () => {
  expect(await readAll(site)).toEqual([])
  await write(site, { ...record, node: 'ignite-2', number: 2 })
  await write(site, record)
  expect(await read(site, 'ignite-1')).toEqual(record)
  expect((await readAll(site)).map(({ node }) => node)).toEqual(['ignite-1', 'ignite-2'])
  await forget(site, 'ignite-1')
  expect(await read(site, 'ignite-1')).toBeUndefined()
})

test('only its owner may read a record: it may hold a password', async () => {
  await write(site, record)
  expect((await stat(join(site.home, 'state', 'ignite-1.json'))).mode & 0o777).toBe(0o600)
})

test('a file that is no record is refused by its name, with every mistake', async () => {
  await mkdir(join(site.home, 'state'))
  await writeFile(join(site.home, 'state', 'trino.json'), JSON.stringify({ ...record, pid: -1, version: 476 }))
  const refused = readAll(site)
  for (const part of [/trino\.json is no record of an engine/, /at pid/, /at version/]) await expect(refused).rejects.toThrow(part)
})

test('two that work on one engine do so one after the other', async () => {
  const order: string[] = []
  const inside = Promise.withResolvers<void>()
  const leave = Promise.withResolvers<void>()
  const first = alone(site, 'trino', async () => {
    order.push('first in')
    inside.resolve()
    await leave.promise
    order.push('first out')
  })
  await inside.promise
  const waiting = Promise.withResolvers<void>()
  const second = alone({ ...site, say: () => waiting.resolve() }, 'trino', async () => { order.push('second in') })
  await waiting.promise
  leave.resolve()
  await Promise.all([first, second])
  expect(order).toEqual(['first in', 'first out', 'second in'])
})

test('a command that was killed holds nothing', async () => {
  const file = JSON.stringify(join(import.meta.dirname, '../../../ops/engines/state.ts'))
  const program = `import { alone } from ${file}; await alone({ home: ${JSON.stringify(site.home)} }, 'trino', () => { console.log('held'); return new Promise(resolve => setTimeout(resolve, 60_000)) })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    await once(child.stdout, 'data')
    const work = alone({ ...site, say: () => child.kill('SIGKILL') }, 'trino', async () => child.killed)
    expect(await work).toBe(true)
  } finally {
    child.kill('SIGKILL')
  }
})

test('a wait ends when it is interrupted', async () => {
  const interrupt = new AbortController()
  await alone(site, 'trino', async () => {
    const waiting = alone({ ...site, signal: interrupt.signal, say: () => interrupt.abort() }, 'trino', async () => 'done')
    await expect(waiting).rejects.toThrow(/abort/)
  })
})

test('work that fails leaves the engine free', async () => {
  await expect(alone(site, 'trino', () => Promise.reject(new Error('no disk')))).rejects.toThrow('no disk')
  expect(await alone(site, 'trino', async () => 'done')).toBe('done')
})
