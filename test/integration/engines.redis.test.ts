import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { identityOf } from '../../ops/engines/process.ts'

const basePort = 16_379
const main = join(import.meta.dirname, '../../ops/engines/main.ts')
const suite = existsSync('/usr/bin/redis-server') || process.env['REQUIRE_ENGINES'] === '1' ? describe : describe.skip

const shown = z.array(z.object({ node: z.string(), pid: z.int(), ports: z.object({ client: z.int() }), version: z.string(), alive: z.boolean().optional(), silentBecause: z.string().optional(), rssBytes: z.int().optional(), log: z.string(), data: z.string() }))

suite('the engines command, with redis', () => {
  let home: string
  let port: number

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'tributary-engines-'))
    port = await freePort()
  })
  afterEach(async () => {
    await command('down')
    await rm(home, { recursive: true })
  })

  /** The command as a person runs it, on a port of our own. */
  async function command(...args: string[]): Promise<{ readonly code: number | null; readonly out: string; readonly said: string }> {
    const child = spawn(process.execPath, [main, ...args, '--port-offset', String(port - basePort)], { env: { ...process.env, TRIBUTARY_ENGINES: home }, stdio: ['ignore', 'pipe', 'pipe'] })
    let [out, said] = ['', '']
    child.stdout.setEncoding('utf8').on('data', text => { out += text })
    child.stderr.setEncoding('utf8').on('data', text => { said += text })
    const [code] = await once(child, 'close')
    return { code, out, said }
  }
  const rows = (out: string) => shown.parse(JSON.parse(out))

  test('up, again up, status, env and down: it outlives the command, is started once, and is gone afterwards', async () => {
    const first = await command('up', 'redis', '--json')
    expect([first.code, first.said]).toEqual([0, expect.stringContaining(`redis answers on port ${port}`)])
    const [started] = rows(first.out)
    expect(started?.ports.client).toBe(port)

    const second = await command('up', 'redis', '--json')
    expect([second.code, second.said]).toEqual([0, expect.stringContaining(`redis is running already: process ${started?.pid}`)])
    expect(rows(second.out)).toEqual(rows(first.out))

    const asked = await command('status', '--json')
    expect(asked.code).toBe(0)
    expect(rows(asked.out)).toMatchObject([{ node: 'redis', pid: started?.pid, alive: true }])
    expect(rows(asked.out)[0]?.silentBecause).toBeUndefined()
    expect(rows(asked.out)[0]?.rssBytes).toBeGreaterThan(1 << 20)
    expect((await command('env')).out).toBe(`export REDIS_URL='redis://127.0.0.1:${port}'\n`)

    const ended = await command('down', 'redis')
    expect([ended.code, ended.said]).toEqual([0, expect.stringContaining(`process ${started?.pid}, has ended`)])
    expect(identityOf(started?.pid ?? 0)).toBeUndefined()
    expect(await command('status', 'redis')).toMatchObject({ code: 1, said: expect.stringContaining('is not started') })
  })

  test('one that was killed is told by status, and started anew by up', async () => {
    const [before] = rows((await command('up', 'redis', '--json')).out)
    process.kill(before?.pid ?? 0, 'SIGKILL')
    const asked = await command('status', '--json')
    expect(asked.code).toBe(1)
    expect(rows(asked.out)).toMatchObject([{ alive: false, silentBecause: 'it ended' }])

    const again = await command('up', 'redis', '--json')
    expect([again.code, again.said]).toEqual([0, expect.stringContaining(`process ${before?.pid}, has ended by itself`)])
    expect(rows(again.out)[0]?.pid).not.toBe(before?.pid)
  })

  test('a process that stands in the record but is another one is neither asked nor stopped', async () => {
    const [started] = rows((await command('up', 'redis', '--json')).out)
    const file = join(home, 'state', 'redis.json')
    const record = JSON.parse(await readFile(file, 'utf8'))
    await writeFile(file, JSON.stringify({ ...record, pid: process.pid }))
    expect(await command('down')).toMatchObject({ code: 0, said: expect.stringContaining(`process ${process.pid}, had ended by itself`) })
    process.kill(started?.pid ?? 0, 'SIGKILL')
  })

  test('a port that somebody else holds is refused with his name', async () => {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
    const refused = await command('up', 'redis')
    await new Promise(resolve => server.close(resolve))
    expect(refused).toMatchObject({ code: 1, out: '', said: expect.stringContaining(`port ${port} (client) is held by process ${process.pid}`) })
  })

  test('a start that fails shows the end of the log and leaves nothing', async () => {
    await mkdir(join(home, 'data', 'redis'), { recursive: true })
    await writeFile(join(home, 'data', 'redis', 'dump.rdb'), 'not what a server wrote')
    const failed = await command('up', 'redis')
    expect(failed.code).toBe(1)
    expect(failed.said).toMatch(/redis \S+ did not start: it ended with 1\. The end of .*Wrong signature/s)
    expect((await command('status', '--json')).out.trim()).toBe('[]')
  })

  test('two commands at once start one server', async () => {
    const both = await Promise.all([command('up', 'redis', '--json'), command('up', 'redis', '--json')])
    expect(both.map(({ code }) => code)).toEqual([0, 0])
    const [one, other] = both.map(({ out }) => rows(out)[0]?.pid)
    expect(one).toBe(other)
  })

  test('what cannot be meant is refused with the usage, all of it at once', async () => {
    const misuse = await command('up', 'redys', 'redis:2', 'ignite:9')
    expect([misuse.code, misuse.out]).toEqual([2, ''])
    for (const sentence of ['There is no engine "redys".', '"redis:2": redis has 1 node.', '"ignite:9": ignite has 1 to 2 nodes.']) expect(misuse.said).toContain(sentence)
    expect((await command('sing')).code).toBe(2)
    expect((await command('up')).code).toBe(2)
    expect((await command('status', '--loud')).code).toBe(2)
  })
})

/** A port that was free a moment ago, above the engine's own. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}
