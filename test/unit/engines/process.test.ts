import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { identityOf, isAlive, isTaken, listenerOn, listeningSockets, rssBytes, stop } from '../../../ops/engines/process.ts'

const children: ChildProcess[] = []
afterEach(() => { for (const child of children.splice(0)) child.kill('SIGKILL') })

/** A program that has said `begun()`, and goes on. */
async function started(program = 'begun()'): Promise<number> {
  const child = spawn(process.execPath, ['-e', `const begun = () => console.log('begun'); setInterval(() => {}, 1000); ${program}`], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  await once(child.stdout, 'data')
  return child.pid ?? 0
}

test('a process is itself until it ends', async () => {
  const identity = identityOf(await started())
  if (!identity) throw new Error('It has no identity.')
  expect(isAlive(identity)).toBe(true)
  expect(await stop(identity, 10_000)).toBe(true)
  expect(isAlive(identity)).toBe(false)
})

test('a later process of the same number is another one, and is not stopped', async () => {
  const pid = await started()
  const earlier = { pid, startTicks: '1' }
  expect(isAlive(earlier)).toBe(false)
  expect(await stop(earlier, 10_000)).toBe(true)
  expect(identityOf(pid)).toBeDefined()
})

test('one that will not end is killed', async () => {
  const identity = identityOf(await started('process.on("SIGTERM", () => {}); begun()'))
  if (!identity) throw new Error('It has no identity.')
  expect(await stop(identity, 100)).toBe(false)
  expect(isAlive(identity)).toBe(false)
})

test('a name with brackets and spaces does not shift the fields', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-process-'))
  const program = join(folder, 'a) Z 1 (b')
  await copyFile('/bin/sleep', program)
  const child = spawn(program, ['60'])
  children.push(child)
  await once(child, 'spawn')
  const [own, its] = [identityOf(process.pid), identityOf(child.pid ?? 0)]
  expect(Number(its?.startTicks)).toBeGreaterThanOrEqual(Number(own?.startTicks))
  await rm(folder, { recursive: true })
})

test('there is no identity where there is no process', () => {
  expect(identityOf(2 ** 22 + 1)).toBeUndefined()
})

test('memory counts descendants', async () => {
  const child = 'process.once("disconnect", () => process.exit()); process.send("begun")'
  const pid = await started(`require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] }).once('message', begun)`)
  const own = Number(/^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
  expect(own).toBeGreaterThan(10 << 20)
  expect(rssBytes(pid)).toBeGreaterThan(own * 1.5)
})

test('a listener is found by its port', async () => {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  expect(await isTaken(port)).toBe(true)
  expect(listenerOn(port)).toMatchObject({ pid: process.pid })
  await new Promise(resolve => server.close(resolve))
  expect(await isTaken(port)).toBe(false)
  expect(listenerOn(port)).toBeUndefined()
})

test('only sockets that listen on that very port count', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2384 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 41001 1 0000000000000000 100 0 0 10 0
   1: 0100007F:2384 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 41002 1 0000000000000000 20 4 30 10 -1
   2: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 41003 1 0000000000000000 100 0 0 10 0`
  expect(listeningSockets(table, 9_092)).toEqual(['socket:[41001]'])
  expect(listeningSockets(table, 80)).toEqual(['socket:[41003]'])
})
