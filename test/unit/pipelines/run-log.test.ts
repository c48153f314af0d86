import type { RunStore } from '../../../connectors/ports/run-store.ts'
import { openSqliteRunStore } from '../../../connectors/run-store/index.ts'
import { keptRun } from '../../../subgraphs/pipelines/run/kept-run.ts'
import { RunLog } from '../../../subgraphs/pipelines/run/run-log.ts'
import { eventually } from '../../support/eventually.ts'
import { maskKey, RunWorld } from '../../support/pipeline-runs.ts'
import { pipelineIn } from '../../support/pipelines.ts'
import { testScope } from '../../support/scope.ts'

let store: RunStore
let scope: ReturnType<typeof testScope>
beforeEach(async () => {
  store = await openSqliteRunStore({ file: ':memory:' })
  scope = testScope()
})
afterEach(() => store.close())

const begin = () => store.enqueue(scope, { runId: 'r', kind: 'pipeline', application: 'shop', subject: 'p', version: '1.0.0', trigger: 'MANUAL', parameters: {} }, { worker: 'w', leaseMs: 15_000 })
const lines = async () => (await store.logged(scope, 'r', 100)).map(({ atMs, level, message, fields }) => [atMs, level, message, fields])

test('D-23 lines from info on are kept with the run, a second later at most, and go where they went as well', async () => {
  const log = new RunLog(scope, await begin(), store, { masks: false })
  const startedAtMs = scope.clock.now()
  log.debug('nothing')
  log.info('one', { n: 1 })
  scope.clock.advance(400)
  log.warn('two')
  expect(await lines()).toEqual([])
  scope.clock.advance(600)
  await eventually('the lines are kept', async () => (await lines()).length > 0)
  log.error('three', { error: new Error('why') })
  await log.flush()
  expect(await lines()).toEqual([[startedAtMs, 'info', 'one', { n: 1 }], [startedAtMs + 400, 'warn', 'two', {}], [startedAtMs + 1_000, 'error', 'three', { error: 'why' }]])
  expect(scope.entries.map(({ level, message }) => `${level} ${message}`)).toEqual(['debug nothing', 'info one', 'warn two', 'error three'])
})

test('D-23 a secret that was read is in no line that is kept, whole or in parts, and neither is what stands under the name of one', async () => {
  const log = new RunLog(scope, await begin(), store, { masks: false })
  const hidden = log.hiding({ read: async (_, name) => (name === 'db' ? 'ann:correct horse\n' : '{"k1":"c29tZSBrZXk="}') })
  expect([await hidden.read(scope, 'db'), await hidden.read(scope, 'ring')]).toEqual(['ann:correct horse\n', '{"k1":"c29tZSBrZXk="}'])
  log.warn('No login as ann:correct horse', { reason: ['key c29tZSBrZXk=', { url: 'postgres://ann:other@db/x' }], password: 'p', nested: { token: 't' } })
  await log.flush()
  expect((await lines())[0]?.slice(2)).toEqual(['No login as [secret]', { reason: ['key [secret]', { url: 'postgres://***@db/x' }], password: '[secret]', nested: { token: '[secret]' } }])
})

test('D-23 a line is as long as it may be, and no longer', async () => {
  const log = new RunLog(scope, await begin(), store, { masks: false })
  log.info('x'.repeat(5_000))
  await log.flush()
  expect(String((await lines())[0]?.[2])).toHaveLength(2_001)
})

test('D-23 a store that does not answer keeps no lines, and the run goes on', async () => {
  const held = await begin()
  const log = new RunLog(scope, held, { ...store, log: () => Promise.reject(new Error('down')) }, { masks: false })
  log.info('one')
  await log.flush()
  expect(scope.entries.at(-1)).toMatchObject({ level: 'warn', message: 'Lines of a run could not be kept.', fields: { run: 'r', lines: 1 } })
  expect(await lines()).toEqual([])
})

test('D-23 D-63 what a run that masks columns logs has no value of them, nor its key', async () => {
  const world = await RunWorld.open()
  try {
    world.schemas.set('s.avsc', '{"type":"record","name":"r","fields":[{"name":"email","type":"string"},{"name":"n","type":"int"}]}')
    await world.file('in.csv', 'email,n\nann@example.org,1\nbob@example.org,bob@example.org\n')
    const document = pipelineIn('<pipeline id="p" version="1.0" layer="service"><metadata><owner>o</owner></metadata><sources><csv id="c" path="in.csv" schemaRef="s.avsc"/></sources><transformations><mask source="c" columns="email" strategy="tokenize"/></transformations><targets><csv path="out" mode="overwrite"/></targets></pipeline>')
    const record = await keptRun(scope, await begin(), { document, runId: 'r', application: 'shop', environment: 'TEST', parameters: {} }, world.parts, store)
    expect(record.state).toBe('FAILED')
    const text = JSON.stringify(await lines())
    expect(text).toContain('cannot be read, more than the share of 0.05')
    expect([text.includes('@example.org'), text.includes(maskKey)]).toEqual([false, false])
  } finally {
    await world.close()
  }
})

test('D-23 a run whose parameters do not fit says so', async () => {
  const world = await RunWorld.open()
  try {
    const document = pipelineIn('<pipeline id="p" version="1.0" layer="service"><metadata><owner>o</owner></metadata><sources><csv id="c" path="in.csv"/></sources><targets><csv path="out" mode="overwrite"/></targets></pipeline>')
    await expect(keptRun(scope, await begin(), { document, runId: 'r', application: 'shop', environment: 'TEST', parameters: { day: '1' } }, world.parts, store)).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
    expect((await lines()).map(([, level, message]) => `${String(level)} ${String(message)}`)).toEqual(['info The run begins.', 'error The run does not begin.'])
  } finally {
    await world.close()
  }
})
