import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { lockDirectory } from '../../../connectors/segments/directory-lock.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lock-'))
})
afterEach(() => rm(directory, { recursive: true }))

test('one process cannot take a directory twice, and can when it gave it back', () => {
  const unlock = lockDirectory(directory)
  expect(() => lockDirectory(directory)).toThrow(expect.objectContaining({ code: 'CONFLICT', details: { holder: `this process (${process.pid})` } }))
  unlock()
  lockDirectory(directory)()
})

test('a directory another process holds is refused, naming that process, until it ends, however it ends and whether or not it kept the answer', async () => {
  const module = resolve(import.meta.dirname, '../../../connectors/segments/directory-lock.ts')
  const code = `const { lockDirectory } = await import(${JSON.stringify(module)}); lockDirectory(${JSON.stringify(directory)}); await new Promise(setImmediate); gc(); console.log('held'); setInterval(() => {}, 1000)`
  const holder = spawn(process.execPath, ['--expose-gc', '--disable-warning=ExperimentalWarning', '--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(holder, 'close')
  try {
    await once(holder.stdout, 'data')
    expect(() => lockDirectory(directory)).toThrow(`is in use by process ${holder.pid}.`)
  } finally {
    holder.kill('SIGKILL')
    await ended
  }
  lockDirectory(directory)()
})
