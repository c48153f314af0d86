import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunStore } from '../../../connectors/ports/run-store.ts'
import { openSqliteRunStore } from '../../../connectors/run-store/index.ts'
import { matcher } from '../../../schema/filter.ts'
import type { Column, Json, Row } from '../../../schema/values.ts'
import { condition, readFilter } from '../../../subgraphs/pipelines/exports/filter.ts'
import { type ExportRecord, fileOf, isExported, keptMs } from '../../../subgraphs/pipelines/exports/on-demand.ts'
import type { Finding } from '../../../subgraphs/pipelines/finding.ts'
import type { Registry } from '../../../subgraphs/pipelines/registry.ts'
import { leaseMs } from '../../../subgraphs/pipelines/run/kept.ts'
import type { RunParts } from '../../../subgraphs/pipelines/run/parts.ts'
import { Worker } from '../../../subgraphs/pipelines/run/worker.ts'
import { eventually } from '../../support/eventually.ts'
import { RunWorld } from '../../support/pipeline-runs.ts'
import { pipelineIn } from '../../support/pipelines.ts'
import { MovedClock, testScope } from '../../support/scope.ts'

let world: RunWorld
let store: RunStore
let clock: MovedClock
let scope: ReturnType<typeof testScope>

const xml = '<pipeline id="p" version="1.0" layer="service"><metadata><owner>o</owner></metadata><sources><csv id="c" path="in.csv" inferSchema="true"/></sources><targets><hive table="service.t" mode="overwrite"/></targets></pipeline>'
const order = { runId: '11111111-2222-4333-8444-555555555555', kind: 'export', application: 'shop', subject: 'service.t', version: '1', trigger: 'MANUAL', parameters: { format: 'CSV', filter: '{"n":{"gt":1}}' }, allowConcurrent: true } as const

beforeEach(async () => {
  world = await RunWorld.open()
  store = await openSqliteRunStore({ file: ':memory:' })
  clock = new MovedClock(Date.now())
  scope = testScope({ clock, deadlineMs: Number.MAX_SAFE_INTEGER })
  await world.file('in.csv', 'n\n1\n2\n3\n')
  expect((await world.runText(xml)).state).toBe('SUCCEEDED')
})
afterEach(async () => {
  await store.close()
  await world.close()
})

function worker({ parts = world.parts, own = scope, findings = [] as readonly Finding[] } = {}): Worker {
  const registry: Registry = { pipelines: async () => [{ application: 'shop', id: 'p', file: 'p.xml', xml, document: pipelineIn(xml), findings: [] }], jobs: async () => [], partsOf: async () => parts }
  return new Worker({
    store, registry, check: async () => findings, name: 'w', slots: 1, environment: 'TEST', ended: () => { throw new Error('An export is no run of a pipeline.') },
    told: async (_scope, _order, run) => run(), scopeOf: (_, tenant, signal) => ({ ...own, tenant, signal }),
  })
}

const files = async () => world.paths('service/_on-demand/*')
const ended = (runId: string = order.runId) => eventually('the export ends', async () => (await store.run(scope, runId))?.endedAtMs !== undefined)
const record = async (runId: string = order.runId) => (await store.run(scope, runId))?.record as ExportRecord | null

test.each(['before its file is in place', 'behind that'])('D-22: the export of a worker that died %s is made by another, once, and nobody sees what the first left', async when => {
  const begun = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  const objects: RunParts['objects'] = { ...world.parts.objects, async put(...given) {
    if (when === 'behind that') await world.parts.objects.put(...given)
    begun.resolve()
    await held.promise
    if (when !== 'behind that') await world.parts.objects.put(...given)
  } }
  const dead = worker({ parts: { ...world.parts, objects }, own: testScope({ clock: new MovedClock(clock.now()), deadlineMs: Number.MAX_SAFE_INTEGER }) })
  await store.enqueue(scope, order)
  dead.wake()
  await begun.promise
  expect([await files(), await isExported(scope, store, 'shop', `_on-demand/${order.runId}-1-service.t.csv`)]).toEqual([when === 'behind that' ? [expect.stringContaining('-1-')] : [], false])

  clock.advance(leaseMs)
  const next = worker()
  next.wake()
  await ended()
  const name = `_on-demand/${order.runId}-2-service.t.csv`
  expect(await store.run(scope, order.runId)).toMatchObject({ state: 'SUCCEEDED', attempt: 2, rowsWritten: 2, version: '1', record: { name } })
  held.resolve()
  await dead.close()
  await next.close()
  expect([await record(), await isExported(scope, store, 'shop', name), await isExported(scope, store, 'shop', name.replace('-2-', '-1-'))]).toMatchObject([{ name, bytes: 6 }, true, false])
  expect((await readFile(join(world.home, 'service', name), 'utf8')).split('\n').sort()).toEqual(['', '2', '3', 'n'])
})

test('D-22: the file of an export can be had for a day by its own tenant and application, and the next export takes old ones away', async () => {
  await store.enqueue(scope, order)
  const own = worker()
  own.wake()
  await ended()
  const name = (await record())?.name ?? ''
  const run = await store.run(scope, order.runId)
  if (!run?.endedAtMs) throw new Error('It has not ended.')
  expect([fileOf(run, run.endedAtMs + keptMs - 1)?.name, fileOf(run, run.endedAtMs + keptMs)]).toEqual([name, undefined])
  expect([await isExported({ ...scope, tenant: 'other' }, store, 'shop', name), await isExported(scope, store, 'crm', name), await isExported(scope, store, 'shop', name)]).toEqual([false, false, true])

  clock.advance(3 * keptMs)
  const other = '99999999-2222-4333-8444-555555555555'
  await store.enqueue(scope, { ...order, runId: other })
  own.wake()
  await ended(other)
  expect([await isExported(scope, store, 'shop', name), await files()]).toEqual([false, [`service/_on-demand/${other}-1-service.t.csv`]])
  await own.close()
})

test('D-22 D-110: an export that may not be made any more fails, and says why', async () => {
  await store.enqueue(scope, order)
  const finding: Finding = { severity: 'ERROR', code: 'UNMASKED_SENSITIVE', message: 'Column "n" is sensitive.', line: 1, column: 1, path: '/' }
  const own = worker({ findings: [finding] })
  own.wake()
  await ended()
  expect(await store.run(scope, order.runId)).toMatchObject({ state: 'FAILED', category: 'CONFIG', message: expect.stringMatching(/^UNMASKED_SENSITIVE: .*Column "n" is sensitive\./) })
  await store.enqueue(scope, { ...order, runId: 'gone', subject: 'service.gone' })
  own.wake()
  await ended('gone')
  expect(await store.run(scope, 'gone')).toMatchObject({ state: 'FAILED', category: 'CONFIG', message: expect.stringContaining('There is no dataset "service.gone"') })
  await own.close()
  expect(await files()).toEqual([])
})

test('D-22: the engine lets through what the filter means, for every type and comparison, and nothing for nulls', async () => {
  const column = (name: string, type: Column['type']): Column => ({ name, type, nullable: true })
  const columns = [column('i', 'Int'), column('l', 'Long'), column('f', 'Float'), column('d', 'Decimal'), column('s', 'String'), column('b', 'Boolean'), column('day', 'Date'), column('at', 'DateTime'), column('local', 'LocalDateTime'), column('u', 'UUID'), column('x y"', 'String')]
  const rows: Row[] = [
    { i: 1, l: 9_007_199_254_740_993n, f: 1.5, d: '12.50', s: "O'Neil", b: true, day: '2026-01-31', at: '2026-01-31T10:00:00Z', local: '2026-01-31T10:00:00', u: '11111111-2222-4333-8444-555555555555', 'x y"': 'q' },
    { i: 2, l: 7, f: -2, d: '12.49', s: '50%_', b: false, day: '2026-02-01', at: '2026-01-31T10:00:00.5Z', local: '2026-01-31T10:00:01', u: '21111111-2222-4333-8444-555555555555', 'x y"': '' },
    { i: null, l: null, f: null, d: null, s: null, b: null, day: null, at: null, local: null, u: null, 'x y"': null },
  ]
  const first = rows[0] as Record<string, Json>
  const filters: Json[] = [
    ...Object.entries({ ...first, l: '9007199254740993' }).flatMap(([name, value]) => [{ [name]: { eq: value } }, { [name]: { ne: value } }, { not: { [name]: { eq: value } } }, { [name]: { isNull: true } }]),
    ...['i', 'f', 'd', 's', 'day', 'at', 'local'].flatMap(name => ['lt', 'lte', 'gt', 'gte'].map(op => ({ [name]: { [op]: first[name] ?? null } }))),
    { i: { in: [1, 3] } }, { d: { in: ['12.5'] } }, { d: { in: ['12.500', '1'] } }, { d: { eq: '12.5' } }, { d: { lt: '12.5' } }, { d: { gte: '12.4951' } }, { not: { d: { in: ['12.5'] } } }, { not: { i: { in: [1, null] } } }, { not: { s: { in: ["O'Neil", 'x'] } } }, { s: { like: '%\'%' } }, { s: { like: '50%' } }, { s: { startsWith: '50%_' } }, { s: { startsWith: '50_' } }, { or: [] }, { and: [] }, { i: { isNull: false }, or: [{ f: { lt: 0 } }, { b: { eq: true } }] }, { not: { not: { s: { eq: "'; DROP TABLE rows; --" } } } },
  ]
  const workspace = await world.parts.engine.begin(scope)
  async function* once() { yield rows }
  await workspace.rows('rows', columns, once())
  const expected: unknown[] = []
  const found: unknown[] = []
  for (const [nth, input] of filters.entries()) {
    const filter = readFilter('t', columns, input)
    const prefixed = { rows: (name: string, ...given: [readonly Column[], AsyncIterable<readonly Row[]>]) => workspace.rows(`${nth} ${name}`, ...given) }
    const sql = (await condition(filter, columns, prefixed)).replaceAll('"values ', `"${nth} values `)
    const ids: unknown[] = []
    for await (const batch of (await workspace.read(`SELECT i FROM "rows" AS t WHERE ${sql}`)).batches) ids.push(...batch.map(({ i }) => i))
    found.push([input, ids.sort()])
    expected.push([input, rows.filter(matcher(filter, columns)).map(({ i }) => i).sort()])
  }
  await workspace.close()
  expect(found).toEqual(expected)
  expect(filters.length).toBeGreaterThan(80)
})
