import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { reachOwner } from '../../../gateway/workers/reach.ts'

const folder = mkdtempSync(join(tmpdir(), 'reach-'))
const path = join(folder, 'owner')
afterAll(() => rmSync(folder, { recursive: true }))

test('an owner whose line is full is asked again, until everybody is through', async () => {
  const server = createServer()
  await new Promise<void>(done => server.listen({ path, backlog: 1 }, done))
  // In one step of the process in which nobody is let in.
  const plain = Array.from({ length: 20 }, () => new Promise<string>(done => connect(path).once('error', ({ code }: NodeJS.ErrnoException) => done(code ?? '')).once('connect', function connected(this: Socket) {
    this.destroy()
    done('connected')
  })))
  expect(await Promise.all(plain)).toContain('EAGAIN')
  const reached = Array.from({ length: 20 }, () => new Promise<Socket>((done, failed) => reachOwner(path, (error, socket) => (error ? failed(error) : done(socket)))))
  for (const socket of await Promise.all(reached)) socket.destroy()
  await new Promise(done => server.close(done))
})

test('where nobody listens that is said at once', async () => {
  const error = await new Promise<NodeJS.ErrnoException | null>(done => reachOwner(join(folder, 'nobody'), (...[failure]) => done(failure)))
  expect(error?.code).toBe('ENOENT')
})
