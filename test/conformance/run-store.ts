import fc from 'fast-check'
import type { CountedBy, NewRun, RunCount, RunEnding, RunFilter, RunPlace, RunState, RunStore, RunTotals, Span, StoredRun } from '../../connectors/ports/run-store.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import type { RunLineage } from '../../schema/lineage.ts'
import { must } from '../support/conformance.ts'
import { MovedClock, testScope } from '../support/scope.ts'

/** A run store under test. Two handles on the same data stand for two nodes. */
export interface RunStoreSubject {
  readonly store: RunStore
  readonly other: RunStore
  /** Of all scopes. */
  readonly clock: MovedClock
  scope(tenant?: string): Scope
  /** The same data in a new handle, as after a restart. */
  reopen(): Promise<RunStore>
  close(): Promise<void>
}

const newRun = (runId: string, more: Partial<NewRun> = {}): NewRun => ({ runId, kind: 'pipeline', application: 'sales', subject: `of ${runId}`, version: '1.0', trigger: 'MANUAL', parameters: {}, ...more })
const worker = (name = 'w1') => ({ worker: name, leaseMs: 1_000 })
const ended = (state: RunEnding['state'] = 'SUCCEEDED', more: Partial<RunEnding> = {}): RunEnding => ({ state, rowsRead: 0, rowsWritten: 0, rowsRejected: 0, record: null, ...more })
const idsOf = (runs: readonly (StoredRun | undefined)[]) => runs.map(run => run?.runId)
const range = (count: number) => Array.from({ length: count }, (_, nth) => nth)

const span = (upTo: string): Span => ({ source: 'a', column: 'id', type: 'Long', after: '0', upTo })
const mark = (value: string, runId: string) => ({ source: 'a', column: 'id', type: 'Long', value, runId })

/** A worker that takes runs until there are none. */
async function takeAll(store: RunStore, scope: Scope, name: string, mostOfApplication?: number): Promise<StoredRun[]> {
  const taken: StoredRun[] = []
  for (;;) {
    const run = await store.claim(scope, { ...worker(name), mostOfApplication })
    if (!run) return taken
    taken.push(run)
  }
}

/** A run that is under way; no other may wait. */
async function begin({ store, scope }: Pick<RunStoreSubject, 'store' | 'scope'>, run: NewRun): Promise<StoredRun> {
  await store.enqueue(scope(), run)
  const held = await store.claim(scope(), worker())
  expect(held?.runId).toBe(run.runId)
  return held!
}

export const runStoreChecks = [
  must<RunStoreSubject>('RU01', 'D-10 a run that is put in waits, and is kept as it was given', async ({ store, other, scope, clock }) => {
    const parameters = { day: '2026-01-31', nested: [{ '10': 1, '9': null }, 'a\0b', '\ud800'], much: 'x'.repeat(100_000) }
    const run = newRun('r1', { kind: 'job', application: 'Vertrieb – Süd', subject: "orders'; DROP TABLE run; --", layer: 'silver', trigger: 'SCHEDULE', parameters, jobRunId: 'j1', rerunOf: 'r0', slaAtMs: clock.now() + 5_000 })
    const stored = await store.enqueue(scope(), run)
    expect(stored).toEqual({
      ...run, tenant: 'test', state: 'QUEUED', attempt: 1, startedBy: 'tester', queuedAtMs: clock.now(), isAskedToStop: false, sla: 'PENDING', rowsRead: 0, rowsWritten: 0, rowsRejected: 0, record: null,
    })
    expect(await other.run(scope(), 'r1')).toEqual(stored)
    expect(await other.run(scope(), 'r2')).toBeUndefined()
  }),

  must<RunStoreSubject>('RU02', 'D-10 a run is claimed, tells how far it is, and ends with its counts', async ({ store, scope, clock }) => {
    await store.enqueue(scope(), newRun('r1'))
    clock.advance(100)
    const run = (await store.claim(scope(), worker()))!
    expect(run).toMatchObject({ state: 'RUNNING', attempt: 1, worker: 'w1', queuedAtMs: clock.now() - 100, startedAtMs: clock.now() })
    clock.advance(100)
    expect(await store.renew(scope(), run, 1_000, { record: { steps: 1 } })).toBe('GO_ON')
    expect(await store.run(scope(), 'r1')).toEqual({ ...run, record: { steps: 1 } })
    clock.advance(100)
    const large = Number.MAX_SAFE_INTEGER
    expect(await store.finish(scope(), run, ended('FAILED', { category: 'SOURCE', message: 'No file.', rowsRead: large, rowsWritten: 7, rowsRejected: 1, record: ['all'] }))).toBe(true)
    expect(await store.run(scope(), 'r1')).toEqual({ ...run, state: 'FAILED', endedAtMs: clock.now(), category: 'SOURCE', message: 'No file.', rowsRead: large, rowsWritten: 7, rowsRejected: 1, record: ['all'] })
    expect(await store.claim(scope(), worker())).toBeUndefined()
    expect(await store.finish(scope(), run, ended())).toBe(false)
    expect(await store.renew(scope(), run, 1_000, { record: null })).toBe('LOST')
  }),

  must<RunStoreSubject>('RU03', 'the longest waiting is first, of those of one moment the one with the least id, whosever it is', async ({ store, other, scope, clock }) => {
    for (const [runId, tenant] of [['b', 'red'], ['c', 'blue'], ['a', 'blue']] as const) await store.enqueue(scope(tenant), newRun(runId))
    clock.advance(1)
    await other.enqueue(scope('red'), newRun('0'))
    expect((await takeAll(store, scope(), 'w1')).map(({ tenant, runId }) => `${tenant} ${runId}`)).toEqual(['blue a', 'red b', 'blue c', 'red 0'])
  }),

  must<RunStoreSubject>('RU04', 'a run is not begun before its moment, and waits in no queue until then', async ({ store, scope, clock }) => {
    await store.enqueue(scope(), newRun('later', { notBeforeMs: clock.now() + 500 }))
    clock.advance(1)
    await store.enqueue(scope(), newRun('now', { notBeforeMs: clock.now() - 10_000 }))
    expect(await store.queue(scope('another'))).toEqual({ depth: 1, oldestAtMs: clock.now() })
    expect(idsOf(await takeAll(store, scope(), 'w1'))).toEqual(['now'])
    expect(await store.queue(scope())).toEqual({ depth: 0 })
    clock.advance(498)
    expect(await store.claim(scope(), worker())).toBeUndefined()
    clock.advance(1)
    expect(await store.queue(scope())).toEqual({ depth: 1, oldestAtMs: clock.now() })
    expect(idsOf(await takeAll(store, scope(), 'w1'))).toEqual(['later'])
  }),

  must<RunStoreSubject>('RU05', 'D-95 of many workers on two nodes each run is one\'s', async ({ store, other, scope }) => {
    for (const nth of range(60)) await store.enqueue(scope(nth % 2 ? 'red' : 'blue'), newRun(`r${nth}`))
    const taken = await Promise.all(range(20).map(nth => takeAll(nth % 2 ? store : other, scope(), `w${nth}`)))
    expect(taken.flat().map(({ runId }) => runId).sort()).toEqual(range(60).map(nth => `r${nth}`).sort())
    for (const run of taken.flat()) expect(await store.run(scope(run.tenant), run.runId)).toEqual(run)
  }),

  must<RunStoreSubject>('RU06', 'D-95 of one application of a tenant no more runs are under way than it may have, however many ask', async ({ store, other, scope }) => {
    for (const tenant of ['red', 'blue']) for (const application of ['a', 'b']) for (const nth of range(8)) await store.enqueue(scope(tenant), newRun(`${application}${nth}`, { application }))
    const takeAtOnce = () => Promise.all(range(16).map(nth => takeAll(nth % 2 ? store : other, scope(), `w${nth}`, 3)))
    const taken = (await takeAtOnce()).flat()
    const groups = Object.groupBy(taken, ({ tenant, application }) => `${tenant} ${application}`)
    expect(Object.fromEntries(Object.entries(groups).map(([name, runs]) => [name, runs?.length]))).toEqual({ 'red a': 3, 'red b': 3, 'blue a': 3, 'blue b': 3 })
    await store.finish(scope('red'), taken.find(({ tenant, application }) => tenant === 'red' && application === 'a')!, ended())
    expect((await takeAtOnce()).flat().map(({ tenant, runId }) => `${tenant} ${runId}`)).toEqual(['red a3'])
  }),

  must<RunStoreSubject>('RU07', 'D-10 a second run of what waits or goes on is refused by name, unless it may be at the same time', async ({ store, other, scope }) => {
    const orders = { application: 'sales', subject: 'orders' }
    await store.enqueue(scope(), newRun('r1', orders))
    const refused = { code: 'CONFLICT', message: expect.stringContaining('"r1"'), details: { runId: 'r1' } }
    await expect(other.enqueue(scope(), newRun('r2', orders))).rejects.toMatchObject(refused)
    const run = (await store.claim(scope(), worker()))!
    await expect(other.enqueue(scope(), newRun('r2', orders))).rejects.toMatchObject(refused)
    expect(await store.run(scope(), 'r2')).toBeUndefined()
    await other.enqueue(scope(), newRun('r3', { ...orders, allowConcurrent: true }))
    await other.enqueue(scope(), newRun('r4', { ...orders, kind: 'job' }))
    await other.enqueue(scope(), newRun('r5', { ...orders, application: 'stock' }))
    await other.enqueue(scope('another'), newRun('r6', orders))
    await store.finish(scope(), run, ended())
    await store.cancel(scope(), 'r3')
    await other.enqueue(scope(), newRun('r2', orders))
  }),

  must<RunStoreSubject>('RU08', 'D-10 of many who start the same at the same time one does', async ({ store, other, scope }) => {
    const asked = await Promise.allSettled(range(20).map(nth => (nth % 2 ? store : other).enqueue(scope(), newRun(`r${nth}`, { subject: 'orders' }))))
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const one of asked) if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'CONFLICT' })
    expect(await store.runs(scope(), {}, 100)).toHaveLength(1)
  }),

  must<RunStoreSubject>('RU09', 'D-10 runs with one key are one, also long after it ended', async ({ store, other, scope, clock }) => {
    const key = 'schedule orders 2026-01-31T10:00'
    const asked = await Promise.all(range(20).map(nth => (nth % 2 ? store : other).enqueue(scope(), newRun(`r${nth}`, { subject: 'orders', key }))))
    const [first] = asked
    expect(asked).toEqual(asked.map(() => first))
    expect(await store.runs(scope(), {}, 100)).toEqual([first])
    await store.finish(scope(), (await store.claim(scope(), worker()))!, ended())
    clock.advance(1_000_000)
    expect(await other.enqueue(scope(), newRun('again', { subject: 'orders', key }))).toMatchObject({ runId: first?.runId, state: 'SUCCEEDED' })
    expect(await other.enqueue(scope('another'), newRun('theirs', { key }))).toMatchObject({ runId: 'theirs' })
    expect(await other.enqueue(scope(), newRun('next', { key: `${key}:01` }))).toMatchObject({ runId: 'next' })
  }),

  must<RunStoreSubject>('RU10', 'an id is given once, by each tenant', async ({ store, scope }) => {
    await store.enqueue(scope(), newRun('r1', { subject: 'a' }))
    await expect(store.enqueue(scope(), newRun('r1', { subject: 'b' }))).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('"r1"') })
    expect(await store.run(scope(), 'r1')).toMatchObject({ subject: 'a' })
    await store.enqueue(scope('another'), newRun('r1', { subject: 'b' }))
  }),

  must<RunStoreSubject>('RU11', 'D-10 a run that waits is cancelled at once, and nobody is given it', async ({ store, other, scope, clock }) => {
    await store.enqueue(scope(), newRun('r1'))
    clock.advance(5)
    const cancelled = await other.cancel(scope(), 'r1')
    expect(cancelled).toMatchObject({ state: 'CANCELLED', isAskedToStop: true, endedAtMs: clock.now() })
    expect(cancelled.startedAtMs).toBeUndefined()
    expect(await store.claim(scope(), worker())).toBeUndefined()
    expect(await store.queue(scope())).toEqual({ depth: 0 })
  }),

  must<RunStoreSubject>('RU12', 'D-10 a run under way is told to stop when it is renewed, and ends as its worker says', async ({ store, other, scope }) => {
    for (const state of ['CANCELLED', 'SUCCEEDED'] as const) {
      const run = await begin({ store, scope }, newRun(state))
      expect(await other.cancel(scope(), state)).toEqual({ ...run, isAskedToStop: true })
      expect(await other.cancel(scope(), state)).toEqual({ ...run, isAskedToStop: true })
      expect(await store.renew(scope(), run, 1_000, { record: 'stopping' })).toBe('CANCEL')
      expect(await store.run(scope(), state)).toMatchObject({ state: 'RUNNING', record: 'stopping' })
      expect(await store.finish(scope(), run, ended(state))).toBe(true)
      expect(await store.run(scope(), state)).toMatchObject({ state })
    }
  }),

  must<RunStoreSubject>('RU13', 'D-10 a run that has ended, however, is not cancelled; one that is not there is not found', async ({ store, scope }) => {
    for (const state of ['SUCCEEDED', 'FAILED', 'CANCELLED'] as const) {
      const run = await begin({ store, scope }, newRun(state))
      await store.finish(scope(), run, ended(state))
      await expect(store.cancel(scope(), state)).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining(state) })
      expect(await store.run(scope(), state)).toMatchObject({ state, isAskedToStop: false })
    }
    await expect(store.cancel(scope(), 'none')).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('"none"') })
    await expect(store.cancel(scope('another'), 'FAILED')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  }),

  must<RunStoreSubject>('RU14', 'of runs that are cancelled while workers ask for them, none is both cancelled and begun', async ({ store, other, scope }) => {
    for (const nth of range(20)) await store.enqueue(scope(), newRun(`r${nth}`))
    const [taken, cancelled] = await Promise.all([
      Promise.all(range(4).map(nth => takeAll(nth % 2 ? store : other, scope(), `w${nth}`))),
      Promise.all(range(20).map(nth => (nth % 2 ? store : other).cancel(scope(), `r${19 - nth}`))),
    ])
    const begun = new Set(idsOf(taken.flat()))
    for (const run of await store.runs(scope(), {}, 100)) expect([run.runId, run.state, run.isAskedToStop]).toEqual([run.runId, begun.has(run.runId) ? 'RUNNING' : 'CANCELLED', true])
    expect(cancelled).toHaveLength(20)
  }),

  must<RunStoreSubject>('RU15', 'D-95 a run whose worker did not come back goes back to its place, and is begun again once', async ({ store, other, scope, clock }) => {
    await store.enqueue(scope('another'), newRun('old'))
    clock.advance(1)
    await store.enqueue(scope(), newRun('young'))
    const lost = (await store.claim(scope(), worker('w1')))!
    await store.renew(scope('another'), lost, 1_000, { record: 'half' })
    clock.advance(999)
    expect(await other.reclaim(scope())).toEqual([])
    clock.advance(1)
    const back = { ...lost, state: 'QUEUED', attempt: 2, startedAtMs: undefined, worker: undefined, record: 'half' }
    expect(await other.reclaim(scope())).toEqual([back])
    expect(await other.reclaim(scope())).toEqual([])
    expect(await store.claim(scope(), worker('w2'))).toMatchObject({ runId: 'old', attempt: 2, worker: 'w2', startedAtMs: clock.now() })
    expect(await store.claim(scope(), worker('w2'))).toMatchObject({ runId: 'young', attempt: 1 })
  }),

  must<RunStoreSubject>('RU16', 'D-95 who lost a run stores nothing any more, also where the same worker has it again', async ({ store, scope, clock }) => {
    const lost = await begin({ store, scope }, newRun('r1'))
    clock.advance(1_000)
    await store.reclaim(scope())
    const late = async () => {
      expect(await store.renew(scope(), lost, 60_000, { record: 'late' })).toBe('LOST')
      expect(await store.finish(scope(), lost, ended('FAILED', { message: 'late' }))).toBe(false)
    }
    await late()
    const again = (await store.claim(scope(), worker()))!
    await late()
    expect(await store.run(scope(), 'r1')).toEqual(again)
    expect(await store.renew(scope('another'), again, 60_000, { record: 'theirs' })).toBe('LOST')
    expect(await store.finish(scope('another'), again, ended())).toBe(false)
    expect(await store.finish(scope(), again, ended())).toBe(true)
    await late()
    expect(await store.run(scope(), 'r1')).toMatchObject({ state: 'SUCCEEDED', attempt: 2 })
  }),

  must<RunStoreSubject>('RU17', 'a worker that renews keeps its run, and one that comes late may, while nobody has reclaimed it', async ({ store, scope, clock }) => {
    const run = await begin({ store, scope }, newRun('r1'))
    for (const _ of range(5)) {
      clock.advance(900)
      expect(await store.renew(scope(), run, 1_000, { record: null })).toBe('GO_ON')
      expect(await store.reclaim(scope())).toEqual([])
    }
    clock.advance(50_000)
    expect(await store.renew(scope(), run, 1_000, { record: null })).toBe('GO_ON')
    expect(await store.reclaim(scope())).toEqual([])
    clock.advance(50_000)
    expect(await store.finish(scope(), run, ended())).toBe(true)
    expect(await store.reclaim(scope())).toEqual([])
  }),

  must<RunStoreSubject>('RU18', 'D-101 a run that was lost too often, or once where once is enough, is closed as FAILED and LOST', async ({ store, scope, clock }) => {
    await store.enqueue(scope(), newRun('r1', { mostAttempts: 3 }))
    for (const attempt of [1, 2]) {
      expect(await store.claim(scope(), worker('w9'))).toMatchObject({ attempt })
      clock.advance(1_000)
      expect(await store.reclaim(scope())).toMatchObject([{ state: 'QUEUED', attempt: attempt + 1 }])
    }
    await store.claim(scope(), worker('w9'))
    clock.advance(1_000)
    const closed = { state: 'FAILED', attempt: 3, worker: 'w9', startedAtMs: clock.now() - 1_000, endedAtMs: clock.now(), category: 'SYSTEM', message: expect.stringMatching(/^LOST: .*"w9".* 3 of 3/) }
    expect(await store.reclaim(scope())).toMatchObject([closed])
    expect(await store.run(scope(), 'r1')).toMatchObject(closed)
    expect(await store.claim(scope(), worker())).toBeUndefined()

    await begin({ store, scope }, newRun('r2', { mostAttempts: 1 }))
    clock.advance(1_000)
    expect(await store.reclaim(scope())).toMatchObject([{ runId: 'r2', state: 'FAILED' }])
  }),

  must<RunStoreSubject>('RU34', 'D-108 the lineage of a run is found by it, and of each pipeline that of the run which ended last', async ({ store, other, scope, clock }) => {
    const lineage = (name: string): RunLineage => ({ inputs: [{ kind: 'FILE', namespace: 'file', name, columns: [{ name: 'id', type: 'String' }] }], outputs: [] })
    const run = async (runId: string, subject: string, told: RunLineage | undefined, own = scope()) => {
      const held = await store.enqueue(own, newRun(runId, { subject, allowConcurrent: true }), worker('w1'))
      clock.advance(1)
      await store.finish(own, held, ended('SUCCEEDED', told && { lineage: told }))
    }
    await run('r1', 'b', lineage('first'))
    await run('r2', 'b', lineage('second'))
    await run('r3', 'a', lineage('first'))
    await run('r4', 'b', undefined)
    await run('r5', 'b', lineage('other'), scope('other'))
    expect([await other.lineage(scope(), 'r1'), await other.lineage(scope(), 'r2'), await other.lineage(scope(), 'r4'), await other.lineage(scope(), 'none'), await other.lineage(scope(), 'r5')]).toEqual([lineage('first'), lineage('second'), undefined, undefined, undefined])
    const newest = async () => (await other.lineages(scope())).map(({ id: _, ...one }) => one)
    const at = clock.now()
    expect(await newest()).toEqual([{ application: 'sales', subject: 'a', runId: 'r3', endedAtMs: at - 2, lineage: lineage('first') }, { application: 'sales', subject: 'b', runId: 'r2', endedAtMs: at - 3, lineage: lineage('second') }])
    await run('r6', 'b', lineage('first'))
    expect((await newest())[1]).toMatchObject({ runId: 'r6', lineage: lineage('first') })
    expect(new Set((await other.lineages(scope())).map(({ id }) => id)).size).toBe(2)
  }),
  must<RunStoreSubject>('RU35', 'D-108 a run that is not this worker\'s any more leaves no lineage', async ({ store, scope, clock }) => {
    const held = await begin({ store, scope }, newRun('r1'))
    clock.advance(60_000)
    await store.reclaim(scope())
    expect(await store.finish(scope(), held, ended('SUCCEEDED', { lineage: { inputs: [], outputs: [] } }))).toBe(false)
    expect([await store.lineage(scope(), 'r1'), await store.lineages(scope())]).toEqual([undefined, []])
  }),
  must<RunStoreSubject>('RU32', 'D-101 a run may be its worker\'s from the beginning, and is nobody else\'s to begin', async ({ store, other, scope, clock }) => {
    const held = await store.enqueue(scope(), newRun('r1', { mostAttempts: 1 }), worker('w1'))
    expect(held).toMatchObject({ state: 'RUNNING', attempt: 1, worker: 'w1', startedAtMs: clock.now() })
    expect(await other.claim(scope(), worker('w2'))).toBeUndefined()
    expect(await store.renew(scope(), held, 1_000, { record: 1 })).toBe('GO_ON')
    clock.advance(1_000)
    expect(await other.reclaim(scope())).toMatchObject([{ runId: 'r1', state: 'FAILED', message: expect.stringContaining('LOST') }])
  }),

  must<RunStoreSubject>('RU33', 'D-101 a run has the version that ran, where its end names one, else the one it was put in with', async ({ store, other, scope }) => {
    await store.finish(scope(), await begin({ store, scope }, newRun('r1')), ended('SUCCEEDED', { version: '9.1.0' }))
    const before = await store.enqueue(scope(), newRun('r2'), worker('w1'))
    await store.finish(scope(), before, ended())
    expect([(await other.run(scope(), 'r1'))?.version, (await other.run(scope(), 'r2'))?.version]).toEqual(['9.1.0', before.version])
  }),

  must<RunStoreSubject>('RU36', 'D-10 what a run takes over of an earlier one is there from the beginning, until its worker tells more', async ({ store, other, scope }) => {
    const record = { steps: [{ pipelineId: 'a', state: 'SUCCEEDED' }] }
    expect(await store.enqueue(scope(), newRun('r1', { kind: 'job', trigger: 'RERUN', rerunOf: 'r0', record }))).toMatchObject({ rerunOf: 'r0', record })
    const held = (await store.claim(scope(), worker()))!
    expect(held.record).toEqual(record)
    await store.renew(scope(), held, 1_000, { record: 'more' })
    expect(await other.run(scope(), 'r1')).toMatchObject({ record: 'more' })
  }),

  must<RunStoreSubject>('RU19', 'a run that was asked to stop and lost its worker is CANCELLED, and not begun again', async ({ store, scope, clock }) => {
    await begin({ store, scope }, newRun('r1'))
    await store.cancel(scope(), 'r1')
    clock.advance(1_000)
    expect(await store.reclaim(scope())).toMatchObject([{ runId: 'r1', state: 'CANCELLED', attempt: 1, endedAtMs: clock.now() }])
    expect(await store.claim(scope(), worker())).toBeUndefined()
  }),

  must<RunStoreSubject>('RU20', 'D-95 of many who reclaim at the same time each run is handled by one', async ({ store, other, scope, clock }) => {
    for (const nth of range(20)) await begin({ store, scope: () => scope(nth % 2 ? 'red' : 'blue') }, newRun(`r${nth}`))
    clock.advance(1_000)
    const handled = await Promise.all(range(8).map(nth => (nth % 2 ? store : other).reclaim(scope())))
    expect(idsOf(handled.flat()).sort()).toEqual(range(20).map(nth => `r${nth}`).sort())
    expect(handled.flat().every(({ attempt, state }) => attempt === 2 && state === 'QUEUED')).toBe(true)
    expect(await store.queue(scope())).toMatchObject({ depth: 20 })
  }),

  must<RunStoreSubject>('RU21', 'of a worker that renews while others reclaim either has the run', async ({ store, other, scope, clock }) => {
    const runs = await Promise.all(range(20).map(nth => store.enqueue(scope(), newRun(`r${nth}`)))).then(() => takeAll(store, scope(), 'w1'))
    clock.advance(1_000)
    const [said, handled] = await Promise.all([
      Promise.all(runs.map(run => store.renew(scope(), run, 1_000, { record: 'kept' }))),
      Promise.all(range(4).map(() => other.reclaim(scope()))),
    ])
    const reclaimed = new Set(idsOf(handled.flat()))
    expect(handled.flat()).toHaveLength(reclaimed.size)
    expect(said).toEqual(runs.map(({ runId }) => (reclaimed.has(runId) ? 'LOST' : 'GO_ON')))
    for (const run of await store.runs(scope(), {}, 100)) expect([run.state, run.record]).toEqual(reclaimed.has(run.runId) ? ['QUEUED', null] : ['RUNNING', 'kept'])
  }),

  must<RunStoreSubject>('RU22', 'D-101 the SLA is breached as soon as its time is over, whether the run waits or goes on, and met by what ended before', async ({ store, scope, clock }) => {
    const sla = async (runId: string) => (await store.run(scope(), runId))?.sla
    const slaAtMs = clock.now() + 1_000
    const ends = await begin({ store, scope }, newRun('ends', { slaAtMs }))
    const late = await begin({ store, scope }, newRun('late', { slaAtMs }))
    await store.enqueue(scope(), newRun('waits', { slaAtMs }))
    await store.enqueue(scope(), newRun('none'))
    expect(await sla('none')).toBe('NONE')
    for (const runId of ['ends', 'late', 'waits']) expect([runId, await sla(runId)]).toEqual([runId, 'PENDING'])
    clock.advance(999)
    await store.finish(scope(), ends, ended('FAILED'))
    for (const [runId, is] of [['ends', 'MET'], ['late', 'PENDING'], ['waits', 'PENDING']] as const) expect([runId, await sla(runId)]).toEqual([runId, is])
    clock.advance(1)
    for (const [runId, is] of [['ends', 'MET'], ['late', 'BREACHED'], ['waits', 'BREACHED']] as const) expect([runId, await sla(runId)]).toEqual([runId, is])
    await store.finish(scope(), late, ended())
    expect((await store.runs(scope(), {}, 10)).map(run => `${run.runId} ${run.sla}`)).toEqual(['waits BREACHED', 'none NONE', 'late BREACHED', 'ends MET'])
  }),

  must<RunStoreSubject>('RU43', 'D-107 runs whose time was over in a span while they waited or went on are found, of all tenants, by when it was over', async ({ store, other, scope, clock }) => {
    const atMs = clock.now()
    const due = { late: 50, waits: 40, early: 60, cancelled: 70, other: 45, before: 9, behind: 90 }
    for (const [runId, ms] of Object.entries(due)) await store.enqueue(scope(runId === 'other' ? 'blue' : 'red'), newRun(runId, { slaAtMs: atMs + ms }))
    await store.enqueue(scope('red'), newRun('endless'))
    const held = new Map((await takeAll(store, scope(), 'w1')).map(run => [run.runId, run]))
    const finish = async (runId: string) => expect(await store.finish(scope('red'), held.get(runId)!, ended('FAILED'))).toBe(true)
    clock.advance(59)
    await finish('early')
    await store.enqueue(scope('red'), newRun('queued', { slaAtMs: atMs + 60 }))
    clock.advance(1)
    await finish('late')
    await store.enqueue(scope('red'), newRun('gone', { slaAtMs: atMs + 80 }))
    await store.cancel(scope('red'), 'gone')
    clock.advance(100)
    await finish('behind')
    const found = async (fromMs: number, untilMs: number) => (await other.breaches(scope(), { fromMs: atMs + fromMs, untilMs: atMs + untilMs })).map(({ tenant, runId, sla }) => `${tenant} ${runId} ${sla}`)
    expect(await found(10, 90)).toEqual(['red waits BREACHED', 'blue other BREACHED', 'red late BREACHED', 'red queued BREACHED', 'red cancelled BREACHED'])
    expect(await found(50, 51)).toEqual(['red late BREACHED'])
    expect([await found(51, 60), await found(90, 91)]).toEqual([[], ['red behind BREACHED']])
  }),

  must<RunStoreSubject>('RU44', 'D-107 failures of a span are found, of all tenants, and how many of a subject there were in a row since one that succeeded or had no data', async ({ store, other, scope, clock }) => {
    const atMs = clock.now()
    const end = async (runId: string, state: RunEnding['state'], tenant = 'red', more: Partial<NewRun> = {}) => {
      const run = await store.enqueue(scope(tenant), newRun(runId, { subject: 'orders', ...more }), worker())
      clock.advance(10)
      expect(await store.finish(scope(tenant), run, ended(state))).toBe(true)
    }
    const found = async (fromMs: number, untilMs: number) => (await other.failures(scope(), { fromMs: atMs + fromMs, untilMs: atMs + untilMs })).map(({ tenant, runId }) => `${tenant} ${runId}`)
    const streak = async (toMs: number, more: Partial<NewRun> = {}) => {
      const { failures, sinceMs } = await other.streak(scope('red'), { ...newRun('x', { subject: 'orders' }), ...more }, atMs + toMs)
      return [failures, sinceMs === 0 ? 0 : sinceMs - atMs]
    }
    await end('f1', 'FAILED')
    await end('f2', 'FAILED')
    await end('blue', 'FAILED', 'blue')
    await end('cancelled', 'CANCELLED')
    await end('job', 'FAILED', 'red', { kind: 'job' })
    await end('bank', 'FAILED', 'red', { application: 'bank' })
    await end('f3', 'FAILED')
    await end('none', 'SKIPPED_NO_DATA')
    await end('f4', 'FAILED')
    await end('good', 'SUCCEEDED')
    expect(await found(0, 1_000)).toEqual(['red f1', 'red f2', 'blue blue', 'red job', 'red bank', 'red f3', 'red f4'])
    expect([await found(20, 30), await found(21, 30)]).toEqual([['red f2'], []])
    expect([await streak(9), await streak(10), await streak(29), await streak(70), await streak(80), await streak(95), await streak(100)]).toEqual([[0, 0], [1, 0], [2, 0], [3, 0], [0, 80], [1, 80], [0, 100]])
    expect([await streak(1_000, { kind: 'job' }), await streak(1_000, { application: 'bank' }), await streak(1_000, { subject: 'else' })]).toEqual([[1, 0], [1, 0], [0, 0]])
  }),

  must<RunStoreSubject>('RU23', 'runs are their tenant\'s: no other finds, lists, counts or cancels them', async ({ store, other, scope, clock }) => {
    await store.enqueue(scope('red'), newRun('r1', { jobRunId: 'j1' }))
    const theirs = scope('blue')
    expect(await other.run(theirs, 'r1')).toBeUndefined()
    expect(await other.runs(theirs, {}, 10)).toEqual([])
    expect(await other.runs(theirs, { application: 'sales', jobRunId: 'j1', states: ['QUEUED'] }, 10)).toEqual([])
    expect(await other.counts(theirs, { sinceMs: 0, untilMs: clock.now() + 1 }, 'DAY')).toEqual([])
    await expect(other.cancel(theirs, 'r1')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(await other.claim(theirs, worker())).toMatchObject({ tenant: 'red', runId: 'r1' })
  }),

  must<RunStoreSubject>('RU24', 'D-104 runs are listed newest first, by any filter, and pages of any size hold each once', async ({ store, other, scope, clock }) => {
    const states: readonly RunState[] = ['QUEUED', 'RUNNING', 'SUCCEEDED', 'SKIPPED_NO_DATA', 'FAILED', 'CANCELLED']
    const start = clock.now()
    for (const nth of range(60)) {
      if (nth % 7 === 0) clock.advance(1)
      const state = states[nth % 6]!
      const run = newRun(`r${(nth * 37) % 60}`, { application: 'ab'[nth % 2]!, subject: 'xyz'[nth % 3]!, kind: nth % 4 ? 'pipeline' : 'job', jobRunId: nth % 6 ? undefined : 'j1', allowConcurrent: true })
      await store.enqueue(scope(), state === 'QUEUED' ? { ...run, notBeforeMs: start + 1_000_000 } : run)
      if (state === 'QUEUED') continue
      const held = (await store.claim(scope(), { ...worker(), leaseMs: 1_000_000 }))!
      if (state !== 'RUNNING') await store.finish(scope(), held, ended(state))
    }
    const all = await store.runs(scope(), {}, 1_000)
    expect(all).toHaveLength(60)
    expect(all).toEqual(all.toSorted((a, b) => b.queuedAtMs - a.queuedAtMs || (a.runId < b.runId ? 1 : -1)))

    const maybe = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined })
    const moment = fc.integer({ min: start - 1, max: start + 12 })
    const anyFilter: fc.Arbitrary<RunFilter> = fc.record({
      application: maybe(fc.constantFrom('a', 'b', 'c')), subject: maybe(fc.constantFrom('x', 'y')), kind: maybe(fc.constantFrom('pipeline' as const, 'job' as const)),
      states: maybe(fc.uniqueArray(fc.constantFrom(...states))), jobRunId: maybe(fc.constantFrom('j1', 'j2')), sinceMs: maybe(moment), untilMs: maybe(moment),
    })
    await fc.assert(fc.asyncProperty(anyFilter, fc.integer({ min: 1, max: 20 }), async (filter, limit) => {
      const { application, subject, kind, jobRunId, sinceMs = 0, untilMs = Number.MAX_SAFE_INTEGER } = filter
      const wanted = all.filter(run =>
        (application ?? run.application) === run.application && (subject ?? run.subject) === run.subject && (kind ?? run.kind) === run.kind && (jobRunId ?? run.jobRunId) === run.jobRunId &&
        (filter.states ?? states).includes(run.state) && run.queuedAtMs >= sinceMs && run.queuedAtMs < untilMs)
      const found: StoredRun[] = []
      for (let after: RunPlace | undefined; ; after = found.at(-1)) {
        const page = await other.runs(scope(), filter, limit, after)
        found.push(...page)
        expect(page.length).toBeLessThanOrEqual(limit)
        if (page.length < limit) break
      }
      expect(found).toEqual(wanted)
    }), { numRuns: 60 })
  }),

  must<RunStoreSubject>('RU25', 'D-103 D-104 D-105 D-106 counts by day, week and category are those of the runs one by one', async ({ store, other, clock }) => {
    const hourMs = 3_600_000
    const start = clock.now()
    const one = fc.record({
      kind: fc.constantFrom('pipeline' as const, 'pipeline' as const, 'job' as const), application: fc.constantFrom('a', 'b'), subject: fc.constantFrom('x', 'y'), atMs: fc.nat(500).map(hours => start + hours * hourMs),
      tookMs: fc.nat(3).map(hours => hours * hourMs), slaMs: fc.option(fc.nat(3).map(hours => hours * hourMs), { nil: undefined }), state: fc.constantFrom<RunState>('QUEUED', 'RUNNING', 'SUCCEEDED', 'SKIPPED_NO_DATA', 'FAILED', 'FAILED', 'CANCELLED'),
      category: fc.constantFrom(undefined, 'SOURCE', 'TARGET'), message: fc.constantFrom(undefined, 'No file.', 'Full.'),
    })
    const bound = fc.nat(500).map(hours => start + hours * hourMs)
    let tenants = 0
    await fc.assert(fc.asyncProperty(fc.array(one, { maxLength: 16 }), fc.option(fc.constantFrom('a', 'b'), { nil: undefined }), fc.option(fc.constantFrom('x', 'y'), { nil: undefined }), bound, bound, async (given, application, subject, sinceMs, untilMs) => {
      const tenant = `t${++tenants}`
      const at = (nowMs: number) => testScope({ tenant, clock: new MovedClock(nowMs) })
      for (const [nth, { atMs, tookMs, slaMs, state, category, message, ...of }] of given.entries()) {
        const run = newRun(`r${nth}`, { ...of, slaAtMs: slaMs === undefined ? undefined : atMs + slaMs, allowConcurrent: true })
        await store.enqueue(at(atMs), state === 'QUEUED' ? { ...run, notBeforeMs: start * 2 } : run)
        if (state === 'QUEUED') continue
        const held = (await store.claim(at(atMs), worker()))!
        if (state !== 'RUNNING') await store.finish(at(atMs + tookMs), held, ended(state, state === 'FAILED' ? { category, message } : {}))
      }
      const now = at(start + 250 * hourMs)
      const filter = { application, subject, sinceMs, untilMs }
      const runs = await store.runs(now, filter, 100)
      for (const by of ['DAY', 'WEEK', 'CATEGORY'] as const) {
        const counts = await other.counts(now, filter, by)
        expect(sorted(counts)).toEqual(sorted(counted(runs, by)))
        expect(counts.map(({ periodAtMs }) => periodAtMs)).toEqual(counts.map(({ periodAtMs }) => periodAtMs).toSorted())
      }
    }), { numRuns: 25 })
  }),

  must<RunStoreSubject>('RU26', 'D-103 a week begins on Monday and a day at midnight, in UTC', async ({ store, scope, clock }) => {
    const moments = ['2025-12-28T23:59:59.999Z', '2025-12-29T00:00:00.000Z', '2026-01-01T12:00:00.000Z', '2026-01-04T23:59:59.999Z', '2026-01-05T00:00:00.000Z']
    for (const moment of moments) await store.enqueue(testScope({ clock: new MovedClock(Date.parse(moment)) }), newRun(moment, { subject: 'orders', allowConcurrent: true }))
    const periods = async (by: CountedBy) => (await store.counts(scope(), { kind: 'pipeline', sinceMs: 0, untilMs: clock.now() * 2 }, by)).map(({ periodAtMs, queued }) => `${new Date(periodAtMs!).toISOString()} ${queued}`)
    expect(await periods('WEEK')).toEqual(['2025-12-22T00:00:00.000Z 1', '2025-12-29T00:00:00.000Z 3', '2026-01-05T00:00:00.000Z 1'])
    expect(await periods('DAY')).toEqual(['2025-12-28', '2025-12-29', '2026-01-01', '2026-01-04', '2026-01-05'].map(day => `${day}T00:00:00.000Z 1`))
  }),

  must<RunStoreSubject>('RU27', 'D-106 reasons of failure come with the run that failed last of them', async ({ store, scope, clock }) => {
    for (const [runId, state, category, message] of [
      ['r1', 'FAILED', 'SOURCE', 'No file.'], ['r2', 'FAILED', 'SOURCE', 'No server.'], ['r3', 'FAILED', 'TARGET', 'Full.'], ['r4', 'FAILED', undefined, undefined], ['r5', 'SUCCEEDED', undefined, undefined],
    ] as const) {
      const held = await begin({ store, scope }, newRun(runId, { subject: 'orders' }))
      clock.advance(10)
      await store.finish(scope(), held, ended(state, { category, message }))
    }
    const reasons = await store.counts(scope(), { sinceMs: 0, untilMs: clock.now() }, 'CATEGORY')
    expect(reasons.map(({ category, failed, succeeded, lastFailure }) => ({ category, failed, succeeded, ...lastFailure })).sort((a, b) => (a.runId! < b.runId! ? -1 : 1))).toEqual([
      { category: 'SOURCE', failed: 2, succeeded: 0, runId: 'r2', endedAtMs: clock.now() - 30, message: 'No server.' },
      { category: 'TARGET', failed: 1, succeeded: 0, runId: 'r3', endedAtMs: clock.now() - 20, message: 'Full.' },
      { category: undefined, failed: 1, succeeded: 0, runId: 'r4', endedAtMs: clock.now() - 10, message: undefined },
    ])
  }),

  must<RunStoreSubject>('RU28', 'what could not be found again is refused where it is put in, and found nowhere', async ({ store, scope }) => {
    for (const [more, said] of [
      [{ runId: 'r'.repeat(65) }, 'runId'], [{ application: 'a\0' }, 'application'], [{ subject: '\ud800' }, 'subject'], [{ key: 'k'.repeat(513) }, 'key'], [{ layer: '\0' }, 'layer'], [{ version: 'v'.repeat(256) }, 'version'],
      [{ jobRunId: 'j\0' }, 'jobRunId'], [{ rerunOf: '\udc00' }, 'rerunOf'],
    ] as const) await expect(store.enqueue(scope(), { ...newRun('r1'), ...more })).rejects.toMatchObject({ code: 'VALIDATION_ERROR', message: expect.stringContaining(said), details: { field: said } })
    expect(await store.runs(scope(), {}, 10)).toEqual([])
    for (const text of ['\0', 'a\0', '\ud800']) {
      expect(await store.run(scope(), text)).toBeUndefined()
      for (const filter of [{ application: text }, { subject: text }, { jobRunId: text }]) expect([await store.runs(scope(), filter, 10), await store.counts(scope(), { ...filter, sinceMs: 0, untilMs: 1 }, 'DAY')]).toEqual([[], []])
      await expect(store.cancel(scope(), text)).rejects.toMatchObject({ code: 'NOT_FOUND' })
      expect(await store.renew(scope(), { runId: text, attempt: 1 }, 1, { record: null })).toBe('LOST')
      expect(await store.finish(scope(), { runId: text, attempt: 1 }, ended())).toBe(false)
    }
  }),

  must<RunStoreSubject>('RU29', 'the longest texts of any script are kept, and a failure is stored whatever its message holds', async ({ store, scope }) => {
    const long = (length: number, seed: number) => Array.from({ length }, (_, nth) => String.fromCharCode(0x4e00 + ((nth * nth * 31 + nth * seed) % 20_000))).join('')
    const run = newRun(long(64, 1), { application: long(255, 2), subject: long(255, 3), version: long(255, 4), layer: long(255, 5), key: long(512, 6), jobRunId: long(64, 7), rerunOf: long(64, 8) })
    const held = await begin({ store, scope }, run)
    await store.finish(scope(), held, ended('FAILED', { category: 'SOURCE', message: `a\0b\ud800c${'x'.repeat(1_000_000)}`, record: { at: 'a\0b' } }))
    const { key: _, ...kept } = run
    const [found] = await store.runs(scope(), { application: run.application, subject: run.subject, jobRunId: run.jobRunId }, 10)
    expect(found).toMatchObject({ ...kept, state: 'FAILED', message: `a\ufffdb\ufffdc${'x'.repeat(1_000_000)}`, record: { at: 'a\0b' } })
  }),

  must<RunStoreSubject>('RU30', 'D-20 what was answered is there after the store was opened again', async ({ store, scope, reopen }) => {
    const held = await begin({ store, scope }, newRun('r1'))
    await store.enqueue(scope(), newRun('r2'))
    const again = await reopen()
    expect(await again.finish(scope(), held, ended('SUCCEEDED', { rowsRead: 3 }))).toBe(true)
    expect(await again.run(scope(), 'r1')).toMatchObject({ state: 'SUCCEEDED', rowsRead: 3 })
    expect(await again.claim(scope(), worker())).toMatchObject({ runId: 'r2' })
  }),

  must<RunStoreSubject>('RU31', 'a caller who has left is told so, and changes nothing', async ({ store, scope }) => {
    const held = await begin({ store, scope }, newRun('r1'))
    await store.enqueue(scope(), newRun('r2'))
    const before = await store.runs(scope(), {}, 10)
    const left = { ...scope(), signal: AbortSignal.abort(new Error('the client left')) }
    for (const work of [
      () => store.enqueue(left, newRun('r3')), () => store.claim(left, worker()), () => store.renew(left, held, 1, { record: 1 }), () => store.finish(left, held, ended()), () => store.cancel(left, 'r1'), () => store.reclaim(left),
      () => store.run(left, 'r1'), () => store.runs(left, {}, 1), () => store.counts(left, { sinceMs: 0, untilMs: 1 }, 'DAY'), () => store.queue(left), () => store.watermarks(left, 'sales', 'of r1'), () => store.spans(left, 'r1'), () => store.fix(left, held, 'r1', [span('5')]), () => store.breaches(left, { fromMs: 0, untilMs: 1 }), () => store.failures(left, { fromMs: 0, untilMs: 1 }), () => store.streak(left, newRun('r1'), 1), () => store.log(left, held, []), () => store.logged(left, 'r1', 1), () => store.totals(left, { sinceMs: 0, untilMs: 1 }), () => store.seen(left, 'w1'), () => store.workers(left),
    ]) await expect(work()).rejects.toThrow('the client left')
    expect(await store.runs(scope(), {}, 10)).toEqual(before)
  }),

  must<RunStoreSubject>('RU42', 'runs of some applications are listed and counted, and of no application none', async ({ store, scope }) => {
    const own = scope()
    for (const [nth, application] of ['crm', 'shop', 'hr', 'crm'].entries()) await store.enqueue(own, newRun(`r${nth}`, { application }))
    const found = async (applications: readonly string[], more = {}) => (await store.runs(own, { applications, ...more }, 10)).map(({ runId }) => runId).sort()
    expect([await found(['crm', 'hr']), await found(['crm', 'none', 'a\0']), await found(['crm'], { application: 'shop' }), await found([]), await found(['\0'])]).toEqual([['r0', 'r2', 'r3'], ['r0', 'r3'], [], [], []])
    const counts = await store.counts(own, { applications: ['crm', 'shop'], sinceMs: 0, untilMs: own.clock.now() + 1 }, 'DAY')
    expect(counts.map(({ application }) => application).sort()).toEqual(['crm', 'crm', 'shop'])
  }),

  must<RunStoreSubject>('RU37', 'D-13 a watermark moves to the end of what was fixed when the run succeeds, and in no other case', async ({ store, other, scope, clock }) => {
    expect(await store.watermarks(scope(), 'sales', 'orders')).toEqual([])
    const first = await begin({ store, scope }, newRun('r1', { subject: 'orders' }))
    expect(await store.fix(scope(), first, 'r1', [span('5'), { ...span('9'), source: 'b' }])).toBe(true)
    expect(await other.spans(scope(), 'r1')).toEqual([span('5'), { ...span('9'), source: 'b' }])
    expect(await store.watermarks(scope(), 'sales', 'orders')).toEqual([])
    clock.advance(10)
    expect(await store.finish(scope(), first, ended('SUCCEEDED', { mark: 'r1' }))).toBe(true)
    const moved = [{ ...mark('5', 'r1'), movedAtMs: clock.now() }, { ...mark('9', 'r1'), source: 'b', movedAtMs: clock.now() }]
    expect(await other.watermarks(scope(), 'sales', 'orders')).toEqual(moved)
    expect(await store.spans(scope(), 'r1')).toEqual([])
    for (const state of ['FAILED', 'CANCELLED', 'SKIPPED_NO_DATA'] as const) {
      const held = await begin({ store, scope }, newRun(state, { subject: 'orders' }))
      await store.fix(scope(), held, state, [span('7')])
      await store.finish(scope(), held, ended(state, { mark: state }))
      expect(await store.spans(scope(), state)).toEqual([span('7')])
    }
    expect(await store.watermarks(scope(), 'sales', 'orders')).toEqual(moved)
  }),

  must<RunStoreSubject>('RU38', 'D-13 what is fixed stays for whoever repeats it, and a worker that lost the run fixes nothing and moves nothing', async ({ store, other, scope, clock }) => {
    const lost = await begin({ store, scope }, newRun('r1', { subject: 'orders' }))
    await store.fix(scope(), lost, 'w', [span('5')])
    clock.advance(2_000)
    await store.reclaim(scope())
    const held = (await other.claim(scope(), worker('w2')))!
    expect(held).toMatchObject({ runId: 'r1', attempt: 2 })
    expect(await store.fix(scope(), lost, 'w', [span('6'), { ...span('6'), source: 'b' }])).toBe(false)
    expect(await store.finish(scope(), lost, ended('SUCCEEDED', { mark: 'w' }))).toBe(false)
    expect(await store.watermarks(scope(), 'sales', 'orders')).toEqual([])
    expect(await store.fix(scope(), held, 'w', [span('7')])).toBe(true)
    expect(await store.spans(scope(), 'w')).toEqual([span('5')])
    expect(await store.finish(scope(), held, ended('SUCCEEDED', { mark: 'w' }))).toBe(true)
    expect(await store.watermarks(scope(), 'sales', 'orders')).toEqual([{ ...mark('5', 'r1'), movedAtMs: clock.now() }])
    expect(await store.fix(scope(), held, 'w', [span('9')])).toBe(false)
  }),

  must<RunStoreSubject>('RU39', 'D-13 no run moves a watermark back, whatever its type, and one of another column begins anew', async ({ store, scope }) => {
    const run = async (runId: string, spans: Parameters<RunStore['fix']>[3]) => {
      const held = await begin({ store, scope }, newRun(runId, { subject: 'orders' }))
      await store.fix(scope(), held, runId, spans)
      await store.finish(scope(), held, ended('SUCCEEDED', { mark: runId }))
      return (await store.watermarks(scope(), 'sales', 'orders')).map(({ column, value, runId: by }) => [column, value, by])
    }
    expect(await run('r1', [span('9')])).toEqual([['id', '9', 'r1']])
    expect(await run('r2', [span('10')])).toEqual([['id', '10', 'r2']])
    expect(await run('r3', [span('9')])).toEqual([['id', '10', 'r2']])
    expect(await run('r4', [{ source: 'a', column: 'id', type: 'Long', after: '10' }])).toEqual([['id', '10', 'r2']])
    expect(await run('r5', [span('9223372036854775807')])).toEqual([['id', '9223372036854775807', 'r5']])
    expect(await run('r6', [span('9223372036854775806')])).toEqual([['id', '9223372036854775807', 'r5']])
    const at = (value: string) => [{ source: 'a', column: 'at', type: 'DateTime' as const, after: '1970-01-01', upTo: value }]
    expect(await run('r7', at('2026-01-31T10:00:00.5Z'))).toEqual([['at', '2026-01-31T10:00:00.5Z', 'r7']])
    expect(await run('r8', at('2026-01-31T10:00:00Z'))).toEqual([['at', '2026-01-31T10:00:00.5Z', 'r7']])
    expect(await run('r9', at('2026-01-31T10:00:00.51Z'))).toEqual([['at', '2026-01-31T10:00:00.51Z', 'r9']])
  }),

  must<RunStoreSubject>('RU40', 'D-13 of runs that end at the same time the one that came furthest says where the next begins', async ({ store, other, scope }) => {
    const held = await Promise.all(range(8).map(nth => store.enqueue(scope(), newRun(`r${nth}`, { subject: 'orders', allowConcurrent: true }), worker())))
    await Promise.all(held.map(async (run, nth) => {
      const own = nth % 2 === 0 ? store : other
      await own.fix(scope(), run, run.runId, [span(String(90 + nth * 3))])
      await own.finish(scope(), run, ended('SUCCEEDED', { mark: run.runId }))
    }))
    expect(await store.watermarks(scope(), 'sales', 'orders')).toEqual([expect.objectContaining({ value: '111', runId: 'r7' })])
  }),

  must<RunStoreSubject>('RU41', 'D-13 watermarks and spans are those of a tenant, an application and a pipeline, and are there after the store was opened again', async ({ store, scope, reopen }) => {
    const succeed = async (tenant: string | undefined, more: Partial<NewRun>, upTo: string) => {
      const held = await store.enqueue(scope(tenant), newRun('r', { subject: 'orders', ...more }), worker())
      await store.fix(scope(tenant), held, 'same', [span(upTo)])
      await store.finish(scope(tenant), held, ended('SUCCEEDED', { mark: 'same' }))
    }
    await succeed(undefined, {}, '1')
    await succeed('another', {}, '2')
    await succeed(undefined, { runId: 'r2', application: 'crm' }, '3')
    await succeed(undefined, { runId: 'r3', subject: "o'; DROP TABLE run; --" }, '4')
    const held = await store.enqueue(scope(), newRun('r4'), worker())
    await store.fix(scope(), held, 'open', [span('5')])
    const again = await reopen()
    const valuesOf = async (tenant: string | undefined, application: string, subject: string) => (await again.watermarks(scope(tenant), application, subject)).map(({ value }) => value)
    expect(await valuesOf(undefined, 'sales', 'orders')).toEqual(['1'])
    expect(await valuesOf('another', 'sales', 'orders')).toEqual(['2'])
    expect(await valuesOf(undefined, 'crm', 'orders')).toEqual(['3'])
    expect(await valuesOf(undefined, 'sales', "o'; DROP TABLE run; --")).toEqual(['4'])
    expect([await valuesOf('another', 'crm', 'orders'), await again.spans(scope('another'), 'open'), await again.watermarks(scope(), 'a\0', 'b'), await again.spans(scope(), '\0')]).toEqual([[], [], [], []])
    expect(await again.spans(scope(), 'open')).toEqual([span('5')])
  }),

  must<RunStoreSubject>('RU50', 'D-95 workers are there from when they tell so, with what is under way with them, of other tenants only how much', async ({ store, other, scope, clock }) => {
    expect(await store.workers(scope())).toEqual([])
    await store.seen(scope(), 'w2')
    clock.advance(10)
    await Promise.all([store.seen(scope(), 'w1'), other.seen(scope(), 'w1')])
    for (const [tenant, runId] of [['test', 'b'], ['test', 'a'], ['another', 'c'], ['test', 'd']] as const) await store.enqueue(scope(tenant), newRun(runId), worker(runId === 'd' ? 'unseen' : 'w1'))
    const idle = { worker: 'w2', seenAtMs: clock.now() - 10, running: 0, runIds: [] }
    expect(await other.workers(scope())).toEqual([{ worker: 'w1', seenAtMs: clock.now(), running: 3, runIds: ['a', 'b'] }, idle])
    expect(await other.workers(scope('another'))).toEqual([{ worker: 'w1', seenAtMs: clock.now(), running: 3, runIds: ['c'] }, idle])
    await store.finish(scope(), { runId: 'a', attempt: 1 }, ended())
    expect((await other.workers(scope()))[0]).toMatchObject({ running: 2, runIds: ['b'] })
  }),

  must<RunStoreSubject>('RU51', 'D-95 a worker that was not seen for a day is forgotten, whoever tells', async ({ store, other, scope, clock }) => {
    const names = async () => (await other.workers(scope())).map(({ worker: name }) => name)
    await store.seen(scope(), 'w1')
    clock.advance(86_399_999)
    expect(await names()).toEqual(['w1'])
    clock.advance(1)
    expect(await names()).toEqual([])
    await other.seen(scope(), 'w2')
    clock.advance(-1)
    expect(await names()).toEqual(['w2'])
  }),

  must<RunStoreSubject>('RU53', 'D-23 what a run logged is kept by attempt and in its order, for its tenant, and found page by page', async ({ store, other, scope, clock }) => {
    const line = (nth: number, more = {}) => ({ atMs: clock.now() + nth, level: 'info' as const, message: `line ${nth}`, fields: { nth }, ...more })
    const lost = await begin({ store, scope }, newRun('r1'))
    await store.log(scope(), lost, [line(1), line(2, { level: 'warn', message: 'a\0b\ud800', fields: { at: 'a\0b', nested: [null, { x: 1 }] } })])
    await other.log(scope(), lost, [line(3)])
    clock.advance(1_000)
    await store.reclaim(scope())
    await store.log(scope(), lost, [line(9)])
    const held = (await store.claim(scope(), worker()))!
    await store.log(scope(), held, [line(4, { level: 'error' })])
    await store.finish(scope(), held, ended())
    await store.log(scope(), held, [line(5)])
    const found = await other.logged(scope(), 'r1', 10)
    expect(found.map(({ attempt, line: nth, level, message }) => [attempt, nth, level, message])).toEqual([[1, 1, 'info', 'line 1'], [1, 2, 'warn', 'a\ufffdb\ufffd'], [1, 3, 'info', 'line 3'], [2, 1, 'error', 'line 4'], [2, 2, 'info', 'line 5']])
    expect(found[1]).toMatchObject({ atMs: clock.now() - 998, fields: { at: 'a\0b', nested: [null, { x: 1 }] } })
    expect(await other.logged(scope(), 'r1', 2)).toEqual(found.slice(0, 2))
    expect(await other.logged(scope(), 'r1', 2, found[1])).toEqual(found.slice(2, 4))
    expect([await other.logged(scope('another'), 'r1', 10), await other.logged(scope(), 'none', 10), await other.logged(scope(), '\0', 10)]).toEqual([[], [], []])
    await store.log(scope('another'), held, [line(6)])
    await store.log(scope(), { runId: 'none', attempt: 1 }, [line(6)])
    expect(await other.logged(scope(), 'r1', 10)).toEqual(found)
  }),

  must<RunStoreSubject>('RU54', 'D-23 of an attempt a thousand lines are kept, and 256 KiB, then one that says so', async ({ store, scope, clock }) => {
    const line = (message: string) => ({ atMs: clock.now(), level: 'info' as const, message, fields: {} })
    const many = await begin({ store, scope }, newRun('many'))
    for (const _ of range(3)) await store.log(scope(), many, range(400).map(nth => line(String(nth))))
    await store.log(scope(), many, [line('late')])
    const lines = await store.logged(scope(), 'many', 2_000)
    expect([lines.length, lines[999]?.message, lines[1_000]]).toEqual([1_001, '199', { attempt: 1, line: 1_001, atMs: clock.now(), level: 'warn', fields: {}, message: 'More was logged and is left out: an attempt keeps 1000 lines and 256 KiB.' }])
    await store.finish(scope(), many, ended())

    const long = await begin({ store, scope }, newRun('long'))
    await store.log(scope(), long, [line('ä'.repeat(100_000)), line('x'.repeat(60_000)), line('y'.repeat(10_000)), line('short')])
    await store.log(scope(), long, [line('short')])
    expect((await store.logged(scope(), 'long', 10)).map(({ message }) => message.slice(0, 4))).toEqual(['ääää', 'xxxx', 'More'])
  }),

  must<RunStoreSubject>('RU55', 'D-22 an export is taken once like any run, begun again where its worker is gone, and found by its kind', async ({ store, other, scope, clock }) => {
    const order = newRun('e1', { kind: 'export', subject: 'service.orders', parameters: { format: 'CSV', filter: '{}' }, allowConcurrent: true })
    await store.enqueue(scope(), order)
    await store.enqueue(scope(), { ...order, runId: 'e2' })
    await store.enqueue(scope(), newRun('p1', { subject: 'service.orders' }))
    const taken = await Promise.all([store.claim(scope(), worker('w1')), other.claim(scope(), worker('w2'))])
    expect(taken.map(run => [run?.kind, run?.runId]).sort()).toEqual([['export', 'e1'], ['export', 'e2']])
    clock.advance(1_000)
    expect((await other.reclaim(scope())).map(({ runId, state, attempt }) => [runId, state, attempt])).toEqual([['e1', 'QUEUED', 2], ['e2', 'QUEUED', 2]])
    expect((await other.runs(scope(), { kind: 'export' }, 10)).map(({ runId }) => runId)).toEqual(['e2', 'e1'])
    expect((await other.runs(scope(), { kind: 'pipeline' }, 10)).map(({ runId }) => runId)).toEqual(['p1'])
  }),

  must<RunStoreSubject>('RU52', 'D-24 what the runs of each subject add up to is what they do one by one', async ({ store, other, clock }) => {
    const start = clock.now()
    const one = fc.record({
      kind: fc.constantFrom('pipeline' as const, 'pipeline' as const, 'job' as const), application: fc.constantFrom('a', 'b', 'c'), subject: fc.constantFrom('x', 'y'), atMs: fc.nat(500).map(ms => start + ms), waitedMs: fc.nat(50), tookMs: fc.nat(3_000),
      slaMs: fc.option(fc.nat(3_000), { nil: undefined }), state: fc.constantFrom<RunState>('QUEUED', 'RUNNING', 'SUCCEEDED', 'SUCCEEDED', 'SKIPPED_NO_DATA', 'FAILED', 'CANCELLED'),
      rowsRead: fc.oneof(fc.nat(9), fc.constant(10 ** 12)), rowsWritten: fc.nat(9), isCancelledBefore: fc.boolean(),
    })
    const bound = fc.nat(500).map(ms => start + ms)
    let tenants = 0
    await fc.assert(fc.asyncProperty(fc.array(one, { maxLength: 16 }), fc.option(fc.subarray(['a', 'b']), { nil: undefined }), fc.constantFrom(undefined, 'pipeline' as const), bound, bound, async (given, applications, kind, sinceMs, untilMs) => {
      const tenant = `t${++tenants}`
      const at = (nowMs: number) => testScope({ tenant, clock: new MovedClock(nowMs) })
      for (const [nth, { atMs, waitedMs, tookMs, slaMs, state, rowsRead, rowsWritten, isCancelledBefore, ...of }] of given.entries()) {
        const run = newRun(`r${nth}`, { ...of, slaAtMs: slaMs === undefined ? undefined : atMs + slaMs, allowConcurrent: true })
        await store.enqueue(at(atMs), state === 'QUEUED' ? { ...run, notBeforeMs: start * 2 } : run)
        if (state === 'QUEUED' && isCancelledBefore) await store.cancel(at(atMs + waitedMs), run.runId)
        if (state === 'QUEUED') continue
        const held = (await store.claim(at(atMs + waitedMs), worker()))!
        if (state !== 'RUNNING') await store.finish(at(atMs + waitedMs + tookMs), held, ended(state, { rowsRead, rowsWritten }))
      }
      const now = at(start + 1_000)
      const filter = { applications, kind, sinceMs, untilMs }
      expect(await other.totals(now, filter)).toEqual(totalled(await store.runs(now, filter, 100)))
      expect(await other.totals(testScope({ tenant: 'nobody', clock }), filter)).toEqual([])
    }), { numRuns: 25 })
  }),
]

/** What the store must count, run by run. */
function counted(runs: readonly StoredRun[], by: CountedBy): RunCount[] {
  const told = by === 'CATEGORY' ? runs.filter(({ state }) => state === 'FAILED') : runs
  const groups = Map.groupBy(told, run => JSON.stringify([run.kind, run.application, run.subject, by === 'CATEGORY' ? run.category : periodOf(run.queuedAtMs, by)]))
  return [...groups.values()].map((group): RunCount => {
    const [first] = group as [StoredRun]
    const of = (state: RunState) => group.filter(run => run.state === state)
    const last = of('FAILED').toSorted((a, b) => b.endedAtMs! - a.endedAtMs! || (a.runId < b.runId ? 1 : -1))[0]
    return {
      kind: first.kind, application: first.application, subject: first.subject, ...(by === 'CATEGORY' ? { category: first.category } : { periodAtMs: periodOf(first.queuedAtMs, by) }),
      queued: of('QUEUED').length, running: of('RUNNING').length, succeeded: of('SUCCEEDED').length, skipped: of('SKIPPED_NO_DATA').length, failed: of('FAILED').length, cancelled: of('CANCELLED').length,
      slaMet: group.filter(({ sla }) => sla === 'MET').length, slaBreached: group.filter(({ sla }) => sla === 'BREACHED').length,
      ...(last && { lastFailure: { runId: last.runId, endedAtMs: last.endedAtMs!, message: last.message } }),
    }
  })
}

/** What the store must add up, run by run. */
function totalled(runs: readonly StoredRun[]): RunTotals[] {
  const nameOf = ({ application, subject, kind }: Pick<StoredRun, 'application' | 'subject' | 'kind'>) => JSON.stringify([application, subject, kind])
  const groups = Map.groupBy(runs, nameOf)
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  return [...groups.values()].map((group): RunTotals => {
    const [{ kind, application, subject }] = group as [StoredRun]
    const took = group.flatMap(({ startedAtMs, endedAtMs }) => (startedAtMs === undefined || endedAtMs === undefined ? [] : [endedAtMs - startedAtMs]))
    return {
      kind, application, subject, runs: group.length, succeeded: group.filter(({ state }) => state === 'SUCCEEDED').length, failed: group.filter(({ state }) => state === 'FAILED').length,
      rowsRead: sum(group.map(run => run.rowsRead)), rowsWritten: sum(group.map(run => run.rowsWritten)), timed: took.length, workMs: sum(took), ...(took.length > 0 && { longestMs: Math.max(...took) }),
      slaMet: group.filter(({ sla }) => sla === 'MET').length, slaBreached: group.filter(({ sla }) => sla === 'BREACHED').length,
    }
  }).sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
}

function periodOf(atMs: number, by: 'DAY' | 'WEEK'): number {
  const day = new Date(atMs)
  day.setUTCHours(0, 0, 0, 0)
  if (by === 'WEEK') day.setUTCDate(day.getUTCDate() - ((day.getUTCDay() + 6) % 7))
  return day.getTime()
}

function sorted(counts: readonly RunCount[]): RunCount[] {
  const nameOf = ({ kind, application, subject, periodAtMs, category }: RunCount) => JSON.stringify([kind, application, subject, periodAtMs, category])
  return counts.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
}
