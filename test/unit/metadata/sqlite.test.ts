import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openSqliteMetadata } from '../../../connectors/metadata/sqlite.ts'
import { MovedClock, testScope } from '../../support/scope.ts'

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-metadata-'))
  file = join(folder, 'metadata.db')
})
afterEach(() => rm(folder, { recursive: true }))

test('a version is not stored when its audit event cannot be', async () => {
  const store = await openSqliteMetadata({ file, clock: new MovedClock() })
  const other = new DatabaseSync(file)
  other.exec("CREATE TRIGGER refuse BEFORE INSERT ON audit_event BEGIN SELECT RAISE(ABORT, 'no more paper'); END")
  await expect(store.putEntry(testScope(), { kind: 'view', name: 'v', definition: {} })).rejects.toThrow('no more paper')
  expect(await store.entries(testScope())).toEqual([])
  expect(await store.history(testScope(), 'view', 'v')).toEqual([])
  other.exec('DROP TRIGGER refuse')
  expect(await store.putEntry(testScope(), { kind: 'view', name: 'v', definition: {} })).toMatchObject({ version: 1 })
  other.close()
  await store.close()
})

test('a writer waits for another process that writes, and the process goes on meanwhile', async () => {
  const store = await openSqliteMetadata({ file, clock: new MovedClock() })
  const other = new DatabaseSync(file)
  other.exec('BEGIN IMMEDIATE')
  let stored = false
  const writing = store.putEntry(testScope(), { kind: 'view', name: 'v', definition: {} }).then(() => {
    stored = true
  })
  await new Promise(resolve => setImmediate(resolve))
  expect(stored).toBe(false)
  other.exec('COMMIT')
  await writing
  expect(stored).toBe(true)
  other.close()
  await store.close()
})

test('closing waits for what is being written', async () => {
  const store = await openSqliteMetadata({ file, clock: new MovedClock() })
  const writing = store.putEntry(testScope(), { kind: 'view', name: 'v', definition: {} })
  await store.close()
  await writing
  const again = await openSqliteMetadata({ file, clock: new MovedClock() })
  expect(await again.entries(testScope())).toHaveLength(1)
  await again.close()
})

test('what was answered survives a process that is killed', async () => {
  const root = resolve(import.meta.dirname, '../../..')
  const program = `
    import { openSqliteMetadata } from '${root}/connectors/metadata/sqlite.ts'
    import { testScope } from '${root}/test/support/scope.ts'
    const store = await openSqliteMetadata({ file: process.argv[1], clock: { now: () => 0, after: () => () => {} } })
    for (let n = 1; ; n++) {
      await store.putEntry(testScope(), { kind: 'view', name: 'v' + n, definition: { n } })
      console.log(n)
    }`
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '-e', program, file], { stdio: ['ignore', 'pipe', 'inherit'] })
  const gone = once(child, 'exit')
  let answered = 0
  for await (const text of child.stdout.setEncoding('utf8')) {
    answered = Number(String(text).trim().split('\n').at(-1))
    if (answered >= 20) child.kill('SIGKILL')
  }
  await gone
  const store = await openSqliteMetadata({ file, clock: new MovedClock() })
  const entries = await store.entries(testScope())
  expect(entries.length).toBeGreaterThanOrEqual(answered)
  expect((await store.auditTrail(testScope(), 10_000))).toHaveLength(entries.length)
  await store.close()
})
