import fc from 'fast-check'
import type { Scope } from '../../../connectors/ports/scope.ts'
import type { PipelineDocument } from '../../../subgraphs/pipelines/document/pipeline.ts'
import { runJob } from '../../../subgraphs/pipelines/run/job.ts'
import type { JobOrder, JobParts, PipelineOrder } from '../../../subgraphs/pipelines/run/job-order.ts'
import type { JobRecord, JobStepRecord } from '../../../subgraphs/pipelines/run/job-record.ts'
import { HubError } from '../../../schema/errors.ts'
import { runPipeline } from '../../../subgraphs/pipelines/run/run.ts'
import { RunWorld } from '../../support/pipeline-runs.ts'
import { customerMaster, jobIn, pipelineIn } from '../../support/pipelines.ts'
import { HastyClock, testScope } from '../../support/scope.ts'

type End = 'SUCCEEDED' | 'SKIPPED_NO_DATA' | 'FAILED' | 'CANCELLED' | 'throws'
const rows = { rowsRead: 2, rowsWritten: 1, rowsRejected: 0 }
const nothing = { rowsRead: 0, rowsWritten: 0, rowsRejected: 0 }

/** Pipelines whose runs end as listed, and those behind with success; those that are held end when they are told to. */
class Pipelines implements JobParts {
  readonly pipelines: ReadonlyMap<string, Pick<PipelineDocument, 'parameters'>>
  readonly orders: PipelineOrder[] = []
  readonly #ends: Readonly<Record<string, readonly End[]>>
  readonly #held: Readonly<Record<string, PromiseWithResolvers<End>>>
  #awaited = () => {}

  constructor(names: string, ends: Readonly<Record<string, readonly End[]>> = {}, held = '') {
    this.pipelines = new Map(names.split(' ').map(name => [name, { parameters: [] }]))
    this.#ends = ends
    this.#held = Object.fromEntries(held.split(' ').map(name => [name, Promise.withResolvers<End>()]))
  }

  get started(): string {
    return this.orders.map(({ pipelineId }) => pipelineId).join(' ')
  }

  end(name: string, end: End = 'SUCCEEDED'): void {
    this.#held[name]?.resolve(end)
  }

  /** Ends when these have begun. */
  begun(started: string): Promise<void> {
    const begun = Promise.withResolvers<void>()
    this.#awaited = () => {
      if (this.started === started) begun.resolve()
    }
    this.#awaited()
    return begun.promise
  }

  async runPipeline({ signal }: Scope, order: PipelineOrder) {
    const nth = this.orders.filter(({ pipelineId }) => pipelineId === order.pipelineId).length
    this.orders.push(order)
    this.#awaited()
    const cancelled = new Promise<End>(end => signal.addEventListener('abort', () => end('CANCELLED')))
    const state = await Promise.race([this.#held[order.pipelineId]?.promise ?? this.#ends[order.pipelineId]?.[nth] ?? 'SUCCEEDED', ...(this.#held[order.pipelineId] ? [cancelled] : [])])
    if (state === 'throws') throw new Error('The store is gone.')
    if (state === 'SKIPPED_NO_DATA') return { state, ...nothing }
    return state === 'SUCCEEDED' ? { state, ...rows } : { state, ...nothing, error: { category: 'SOURCE' as const, message: 'No file matches.' } }
  }
}

const job = (refs: string) => jobIn(`<jobPipeline id="nightly" version="1.0"><pipelines>${refs}</pipelines></jobPipeline>`)
const ref = (id: string, dependsOn = '', more = '') => `<pipelineRef id="${id}" ${dependsOn && `dependsOn="${dependsOn}"`} ${more}/>`
const order = (refs: string, more: Partial<JobOrder> = {}): JobOrder => ({ document: job(refs), runId: 'job-1', application: 'shop', environment: 'TEST', parameters: {}, ...more })
const statesOf = ({ state, steps }: Pick<JobRecord, 'state' | 'steps'>) => [state, Object.fromEntries(steps.map(step => [step.pipelineId, step.state]))]
/** A listener, and what ends when a step is in a state. */
function reaching(id: string, wanted: JobStepRecord['state']) {
  const reached = Promise.withResolvers<void>()
  const listener = (steps: readonly JobStepRecord[]) => {
    if (steps.some(({ pipelineId, state }) => pipelineId === id && state === wanted)) reached.resolve()
  }
  return { listener, reached: reached.promise }
}
const hasty = () => testScope({ clock: new HastyClock() })

async function ran(refs: string, ends: Readonly<Record<string, readonly End[]>> = {}, more: Partial<JobOrder> = {}) {
  const parts = new Pipelines('a b c d e', ends)
  const clock = new HastyClock()
  const record = await runJob(testScope({ clock }), order(refs, more), parts)
  return { record, states: statesOf(record), started: parts.started, orders: parts.orders, waitsMs: clock.waitsMs }
}

describe('D-82 when a pipeline fails,', () => {
  const chain = (strategy: string) => `${ref('a', '', `onFailure="${strategy}"`)}${ref('b', 'a')}${ref('c', 'b')}${ref('d')}${ref('e', 'd')}`

  test('retry: it runs again up to maxRetries times, each time after twice as long, and all is well when one succeeds', async () => {
    const { states, started, waitsMs, record } = await ran(ref('a', '', 'onFailure="retry" maxRetries="2"') + ref('b', 'a'), { a: ['FAILED', 'throws'] })
    expect([states, started, waitsMs]).toEqual([['SUCCEEDED', { a: 'SUCCEEDED', b: 'SUCCEEDED' }], 'a a a b', [5_000, 10_000]])
    expect([record.steps[0]?.attempts, new Set(record.steps[0]?.runIds).size, record.error, record.rowsRead]).toEqual([3, 3, undefined, 4])
  })

  test('D-33 a pipeline that had no data is no failure: what waits for it runs', async () => {
    const { states, started } = await ran(ref('a', '', 'onFailure="retry" maxRetries="2"') + ref('b', 'a'), { a: ['SKIPPED_NO_DATA'] })
    expect([states, started]).toEqual([['SUCCEEDED', { a: 'SUCCEEDED', b: 'SUCCEEDED' }], 'a b'])
  })

  test('D-83 retry: after maxRetries + 1 attempts the job halts', async () => {
    const { states, started, record } = await ran(`${ref('a', '', 'onFailure="retry" maxRetries="2"')}${ref('b', 'a')}`, { a: ['FAILED', 'FAILED', 'FAILED'] })
    expect([states, started]).toEqual([['FAILED', { a: 'FAILED', b: 'CANCELLED' }], 'a a a'])
    expect(record.error).toEqual({ category: 'SOURCE', message: 'Pipeline "a" failed: No file matches.', step: 'a' })
    expect((await ran(ref('a', '', 'onFailure="retry" maxRetries="0"'), { a: ['FAILED'] })).started).toBe('a')
  })

  test('halt: nothing further starts, and what runs ends', async () => {
    const parts = new Pipelines('a b c d e', {}, 'a d')
    const running = runJob(testScope(), order(chain('halt')), parts)
    await parts.begun('a d')
    parts.end('a', 'FAILED')
    await new Promise(setImmediate)
    parts.end('d')
    expect(statesOf(await running)).toEqual(['FAILED', { a: 'FAILED', b: 'CANCELLED', c: 'CANCELLED', d: 'SUCCEEDED', e: 'CANCELLED' }])
    expect(parts.started).toBe('a d')
  })

  test('halt: what waits for its next attempt is not tried again, and nothing runs in the place of another', async () => {
    const parts = new Pipelines('a b c d', { a: ['FAILED'] }, 'b c')
    const { listener, reached } = reaching('a', 'RETRYING')
    const running = runJob(testScope(), order(`${ref('a', '', 'onFailure="retry" maxRetries="5"')}${ref('b')}${ref('c', '', 'onFailure="fallback" fallback="d"')}`, { sideBySide: 3, listener }), parts)
    await reached
    parts.end('b', 'FAILED')
    await new Promise(setImmediate)
    parts.end('c', 'FAILED')
    expect(statesOf(await running)).toEqual(['FAILED', { a: 'FAILED', b: 'FAILED', c: 'FAILED' }])
    expect(parts.started).toBe('a b c')
  })

  test('skip: those that depend on it are skipped, and theirs; others run', async () => {
    const { states, started } = await ran(chain('skip'), { a: ['FAILED'] })
    expect([states, started]).toEqual([['FAILED', { a: 'FAILED', b: 'SKIPPED', c: 'SKIPPED', d: 'SUCCEEDED', e: 'SUCCEEDED' }], 'a d e'])
  })

  test('continue: those that depend on it run all the same, and the job tells of it', async () => {
    const { states, record } = await ran(chain('continue'), { a: ['FAILED'] })
    expect(states).toEqual(['FAILED', { a: 'FAILED', b: 'SUCCEEDED', c: 'SUCCEEDED', d: 'SUCCEEDED', e: 'SUCCEEDED' }])
    expect(record.error?.step).toBe('a')
  })

  test('fallback: the named pipeline runs in its place, and its success stands for it', async () => {
    const { states, started, record, orders } = await ran(ref('a', '', 'onFailure="fallback" fallback="e"') + ref('b', 'a'), { a: ['FAILED'] })
    expect([states, started]).toEqual([['SUCCEEDED', { a: 'FELL_BACK', b: 'SUCCEEDED' }], 'a e b'])
    expect(record.steps[0]).toMatchObject({ fallback: 'e', attempts: 1, runIds: orders.slice(0, 2).map(({ runId }) => runId), error: { message: 'No file matches.' }, rowsWritten: 1 })
  })

  test('fallback: when that fails as well the job halts', async () => {
    const { states, started } = await ran(ref('a', '', 'onFailure="fallback" fallback="e"') + ref('b', 'a'), { a: ['FAILED'], e: ['FAILED'] })
    expect([states, started]).toEqual([['FAILED', { a: 'FAILED', b: 'CANCELLED' }], 'a e'])
  })
})

test('D-80 D-88 each pipeline runs after all it depends on, whatever order they stand in', async () => {
  const { states, started } = await ran(`${ref('d', 'b,c')}${ref('c', 'a')}${ref('b', 'a')}${ref('a')}${ref('e', 'd')}`)
  expect([states[0], started]).toEqual(['SUCCEEDED', 'a c b d e'])
})

test('D-78 the sample of a job runs its three pipelines one after the other, the first of them at most three times', async () => {
  const parts = new Pipelines('customer_staging_load customer_standardization customer_service_export', { customer_staging_load: ['FAILED', 'FAILED'] })
  const record = await runJob(hasty(), { ...order(ref('a')), document: jobIn(customerMaster) }, parts)
  expect([record.state, record.version, parts.started]).toEqual(['SUCCEEDED', '2.0.0', 'customer_staging_load customer_staging_load customer_staging_load customer_standardization customer_service_export'])
})

test('pipelines that do not depend on each other run side by side, two at a time unless the order says otherwise', async () => {
  const all = ['a', 'b', 'c', 'd']
  const parts = new Pipelines(all.join(' '), {}, all.join(' '))
  const running = runJob(testScope(), order(all.map(id => ref(id)).join('')), parts)
  await parts.begun('a b')
  parts.end('b')
  await parts.begun('a b c')
  for (const id of all) parts.end(id)
  expect((await running).state).toBe('SUCCEEDED')

  const three = new Pipelines(all.join(' '), {}, all.join(' '))
  const others = runJob(testScope(), order(all.map(id => ref(id)).join(''), { sideBySide: 3 }), three)
  await three.begun('a b c')
  for (const id of all) three.end(id)
  await others
})

test('what waits for its next attempt leaves its place to others', async () => {
  const scope = testScope()
  const parts = new Pipelines('a b', { a: ['FAILED'] })
  const running = runJob(scope, order(ref('a', '', 'onFailure="retry" maxRetries="1"') + ref('b'), { sideBySide: 1, firstDelayMs: 60_000 }), parts)
  await parts.begun('a b')
  scope.clock.advance(59_999)
  await new Promise(setImmediate)
  expect(parts.started).toBe('a b')
  scope.clock.advance(1)
  expect((await running).state).toBe('SUCCEEDED')
  expect(parts.started).toBe('a b a')
})

test('no attempt waits longer than five minutes', async () => {
  const { waitsMs } = await ran(ref('a', '', 'onFailure="retry" maxRetries="8"'), { a: Array.from({ length: 8 }, () => 'FAILED' as const) })
  expect(waitsMs).toEqual([5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000])
})

test('D-10 a job that is cancelled cancels what runs, and starts nothing further', async () => {
  const scope = testScope()
  const parts = new Pipelines('a b c d', { d: ['FAILED'] }, 'a')
  const { listener, reached } = reaching('d', 'RETRYING')
  const running = runJob(scope, order(`${ref('d', '', 'onFailure="retry" maxRetries="3"')}${ref('a')}${ref('b', 'a')}${ref('c', 'b', 'onFailure="continue"')}`, { listener }), parts)
  await reached
  scope.abort()
  const record = await running
  expect([statesOf(record), parts.started, record.error]).toEqual([['CANCELLED', { a: 'CANCELLED', b: 'CANCELLED', c: 'CANCELLED', d: 'CANCELLED' }], 'd a', undefined])
})

test('a pipeline whose own run was cancelled is not tried again', async () => {
  const { states, started } = await ran(ref('a', '', 'onFailure="retry" maxRetries="2"') + ref('b', 'a'), { a: ['CANCELLED'] })
  expect([states, started]).toEqual([['FAILED', { a: 'CANCELLED', b: 'CANCELLED' }], 'a'])
  expect((await ran(ref('a', '', 'onFailure="skip"') + ref('b', 'a'), { a: ['CANCELLED'] })).states).toEqual(['FAILED', { a: 'CANCELLED', b: 'SKIPPED' }])
})

test('whoever listens hears of every state a step is in', async () => {
  const heard: string[] = []
  const listener = (steps: readonly JobStepRecord[]) => void heard.push(steps.map(({ state }) => state).join(' '))
  await ran(ref('a', '', 'onFailure="retry" maxRetries="1"') + ref('b', 'a'), { a: ['FAILED'] }, { listener })
  expect(heard.filter((state, at) => state !== heard[at - 1])).toEqual(['RUNNING PENDING', 'RETRYING PENDING', 'RUNNING PENDING', 'SUCCEEDED PENDING', 'SUCCEEDED RUNNING', 'SUCCEEDED SUCCEEDED'])
})

describe('D-87 parameters of a job', () => {
  const declared = (xml: string) => jobIn(`<jobPipeline id="nightly" version="1.0"><parameters>${xml}</parameters><pipelines>${ref('a', '', 'onFailure="fallback" fallback="b"')}</pipelines></jobPipeline>`)
  const parts = () => {
    const made = new Pipelines('b', { a: ['FAILED'] })
    return Object.assign(made, { pipelines: new Map([['a', { parameters: [{ name: 'day', type: 'date' as const }, { name: 'n', type: 'int' as const, fallback: '1' }] }], ['b', { parameters: [] }]]) })
  }

  test('reach the pipelines that declare them by the same name, and the date of the run reaches all', async () => {
    const made = parts()
    const document = declared('<parameter name="day" type="date"/><parameter name="region" default="eu"/>')
    await runJob(hasty(), { ...order(ref('a')), document, parameters: { day: '2026-01-30', runDate: '2026-01-31' } }, made)
    expect(made.orders.map(({ parameters }) => parameters)).toEqual([{ runDate: '2026-01-31', day: '2026-01-30' }, { runDate: '2026-01-31' }])
  })

  test('that are not declared, or do not fit, are refused before anything runs, all at once', async () => {
    const made = parts()
    const running = runJob(hasty(), { ...order(ref('a')), document: declared('<parameter name="day" default="soon"/>'), parameters: { dya: '1' }, fromStep: 'c' }, made)
    await expect(running).rejects.toMatchObject({ code: 'VALIDATION_ERROR', details: { problems: [{ path: 'fromStep', message: '"c" is no pipeline of job "nightly". Did you mean "a"?' }, { path: 'dya', message: 'There is no parameter "dya". Did you mean "day"?' }] } })
    await expect(runJob(hasty(), { ...order(ref('a')), document: declared('<parameter name="day" default="soon"/>') }, made)).rejects.toMatchObject({ message: 'Pipeline "a": "soon" is no value of parameter "day", which is of type date.' })
    await expect(runJob(hasty(), { ...order(ref('a')), document: declared('') }, made)).rejects.toMatchObject({ message: 'Pipeline "a": Parameter "day" has no value, and no default.' })
    expect(made.orders).toEqual([])
  })
})

test('D-79 pipelines that there are not are all named before anything runs, those that stand in for others too', async () => {
  const parts = new Pipelines('orders_load export')
  await expect(runJob(hasty(), order(`${ref('export')}${ref('order_load', '', 'onFailure="fallback" fallback="xyz"')}`), parts)).rejects.toMatchObject({
    code: 'VALIDATION_ERROR', message: 'There is no pipeline "order_load" in "shop". Did you mean "orders_load"? There is no pipeline "xyz" in "shop".',
  })
  expect(parts.orders).toEqual([])
})

describe('D-10 a job that is run again', () => {
  const diamond = `${ref('a')}${ref('b', 'a')}${ref('c', 'a')}${ref('d', 'b,c')}`

  test('leaves out what succeeded, as long as what it depends on is left out too', async () => {
    const failed = await ran(diamond, { c: ['FAILED'] })
    expect(failed.states).toEqual(['FAILED', { a: 'SUCCEEDED', b: 'SUCCEEDED', c: 'FAILED', d: 'CANCELLED' }])
    const again = await ran(diamond, {}, { runId: 'job-2', earlier: failed.record })
    expect([again.states, again.started]).toEqual([['SUCCEEDED', { a: 'SUCCEEDED', b: 'SUCCEEDED', c: 'SUCCEEDED', d: 'SUCCEEDED' }], 'c d'])
    expect([again.record.error, again.record.steps[0]]).toEqual([undefined, failed.record.steps[0]])
  })

  test('from a step runs that and all that depend on it', async () => {
    const { record } = await ran(diamond)
    expect((await ran(diamond, {}, { runId: 'job-2', earlier: record, fromStep: 'b' })).started).toBe('b d')
    expect((await ran(diamond, {}, { runId: 'job-2', earlier: record })).started).toBe('')
  })

  test('under its own id, as whoever ran it is gone, goes on with the attempt that was under way, by the same id', async () => {
    const retried = `${ref('a', '', 'onFailure="retry" maxRetries="2"')}${ref('b', 'a')}`
    let left: readonly JobStepRecord[] = []
    const first = await ran(retried, { a: ['FAILED'] }, { listener: steps => { if (steps[0]?.state === 'RUNNING' && steps[0].attempts === 2) left = steps } })
    const again = await ran(retried, { a: ['FAILED'] }, { earlier: { runId: 'job-1', steps: left } })
    expect([again.started, again.record.steps[0]?.attempts]).toEqual(['a a b', 3])
    expect(again.orders[0]?.runId).toBe(first.orders[1]?.runId)
    expect((await ran(retried, {}, { earlier: first.record })).started).toBe('')
  })

  test('under its own id does not try again what failed for good', async () => {
    const failed = await ran(diamond, { c: ['FAILED'] })
    const again = await ran(diamond, {}, { earlier: failed.record })
    expect([again.states, again.started, again.record.error]).toEqual([failed.states, '', failed.record.error])
  })
})

test('D-10 pipelines of a job read what those before them wrote, and a job that is repeated adds nothing twice', async () => {
  const world = await RunWorld.open()
  const pipeline = (id: string, sources: string, targets: string) => pipelineIn(`<pipeline id="${id}" version="1.0" layer="standardization"><metadata><owner>o</owner></metadata><sources>${sources}</sources><targets>${targets}</targets></pipeline>`)
  const pipelines = new Map([
    pipeline('load', '<csv id="c" path="in.csv"/>', '<hive table="standardization.t" mode="append"/>'), pipeline('export', '<hive id="t" table="standardization.t"/>', '<csv path="out" mode="overwrite"/>'),
  ].map(document => [document.id, document]))
  const parts: JobParts = {
    pipelines,
    async runPipeline(scope, { pipelineId, runId, writeId, parameters }) {
      const document = pipelines.get(pipelineId)
      if (!document) throw new RangeError(pipelineId)
      return runPipeline(scope, { document, runId, writeId, parameters, application: 'shop', environment: 'TEST' }, world.parts)
    },
  }
  try {
    await world.file('in.csv', 'n\n1\n2\n')
    for (const _ of [1, 2]) {
      const record = await runJob(testScope(), order(`${ref('export', 'load')}${ref('load')}`), parts)
      expect([record.state, record.error, await world.lines('out/export.csv')]).toEqual(['SUCCEEDED', undefined, ['n', '1', '2']])
    }
  } finally {
    await world.close()
  }
})

test('D-71 D-82 an attempt that failed between two targets is tried again without writing the first of them twice', async () => {
  const world = await RunWorld.open()
  const document = pipelineIn('<pipeline id="load" version="1.0" layer="service"><metadata><owner>o</owner></metadata><sources><csv id="c" path="in.csv"/></sources><targets><hive table="service.t" mode="append"/><csv path="added" mode="append"/><csv path="out" mode="overwrite"/></targets></pipeline>')
  let broken = 1
  const objects = { ...world.parts.objects, async put(...given: Parameters<typeof world.parts.objects.put>) {
    if (given[1].startsWith('out/') && broken-- > 0) throw new HubError('UPSTREAM_UNAVAILABLE', 'The disk is gone for a moment.')
    await world.parts.objects.put(...given)
  } }
  const ended: string[] = []
  const parts: JobParts = {
    pipelines: new Map([['load', document]]),
    async runPipeline(scope, { pipelineId: _, jobRunId: __, ...given }) {
      const record = await runPipeline(scope, { ...given, document, application: 'shop', environment: 'TEST' }, { ...world.parts, objects })
      ended.push(`${record.state} ${record.steps.filter(({ kind }) => kind === 'target').map(({ state }) => state).join(' ')}`)
      return record
    },
  }
  try {
    await world.file('in.csv', 'n\n1\n2\n')
    const scope = testScope({ deadlineMs: Number.MAX_SAFE_INTEGER })
    const retried = (steps: readonly JobStepRecord[]) => {
      if (steps.some(({ state }) => state === 'RETRYING')) setImmediate(() => scope.clock.advance(10))
    }
    const record = await runJob(scope, order(ref('load', '', 'onFailure="retry" maxRetries="1"'), { firstDelayMs: 10, listener: retried }), parts)
    expect([record.state, ended]).toEqual(['SUCCEEDED', ['FAILED SUCCEEDED SUCCEEDED FAILED', 'SUCCEEDED SKIPPED SUCCEEDED SUCCEEDED']])
    expect([(await world.parts.lake.table(testScope(), 'service.t'))?.files.length, (await world.paths('added/*')).length, await world.lines('out/load.csv')]).toEqual([1, 1, ['n', '1', '2']])
  } finally {
    await world.close()
  }
})

const strategies = ['retry', 'halt', 'skip', 'continue', 'fallback'] as const
const steps = fc.array(fc.record({
  needs: fc.array(fc.nat(9), { maxLength: 3 }), onFailure: fc.constantFrom(...strategies), maxRetries: fc.nat(2), ends: fc.array(fc.constantFrom<End>('SUCCEEDED', 'FAILED', 'throws'), { minLength: 4, maxLength: 4 }),
  instead: fc.boolean(), ticks: fc.nat(12),
}), { minLength: 1, maxLength: 8 })

test('D-80 D-82 whatever depends on what, and whatever fails, a pipeline runs only when all it depends on ended as their strategies allow, every step ends, and nothing runs twice unless it is retried', async () => {
  await fc.assert(fc.asyncProperty(steps, fc.integer({ min: 1, max: 3 }), async (made, sideBySide) => {
    const needs = made.map(({ needs }, at) => (at === 0 ? [] : [...new Set(needs.map(one => one % at))]))
    const refs = made.map(({ onFailure, maxRetries }, at) => ref(`p${at}`, (needs[at] ?? []).map(one => `p${one}`).join(','), `onFailure="${onFailure}" ${onFailure === 'retry' ? `maxRetries="${maxRetries}"` : ''} ${onFailure === 'fallback' ? `fallback="f${at}"` : ''}`))
    const begun = new Map<string, number>()
    const ended = new Map<number, 'well' | 'badly'>()
    let [running, isHalted] = [0, false]
    const runIds: string[] = []
    const wrong: string[] = []
    const parts: JobParts = {
      pipelines: new Map(made.flatMap((_, at) => [`p${at}`, `f${at}`]).map(id => [id, { parameters: [] }])),
      async runPipeline(_scope, { pipelineId, runId }) {
        const at = Number(pipelineId.slice(1))
        const { onFailure, maxRetries, ends, instead, ticks } = made[at]!
        const nth = begun.get(pipelineId) ?? 0
        const isInstead = pipelineId.startsWith('f')
        if (isHalted || ended.has(at)) wrong.push(`${pipelineId} began after the end`)
        if (nth > 0 && (onFailure !== 'retry' || isInstead || nth > maxRetries)) wrong.push(`${pipelineId} began ${nth + 1} times`)
        for (const one of needs[at] ?? []) if (ended.get(one) !== 'well' && (ended.get(one) !== 'badly' || made[one]?.onFailure !== 'continue')) wrong.push(`${pipelineId} began before p${one}`)
        begun.set(pipelineId, nth + 1)
        runIds.push(runId)
        running += 1
        if (running > sideBySide) wrong.push(`${running} ran at a time`)
        for (let tick = 0; tick < ticks; tick++) await undefined
        running -= 1
        const end = isInstead ? (instead ? 'SUCCEEDED' : 'FAILED') : ends[nth]!
        if (end === 'SUCCEEDED') ended.set(at, 'well')
        if (end === 'throws') throw new Error('The store is gone.')
        return { state: end as 'SUCCEEDED' | 'FAILED', ...nothing }
      },
    }
    const listener: JobOrder['listener'] = heard => {
      for (const { pipelineId, state } of heard) {
        const at = Number(pipelineId.slice(1))
        if (state !== 'FAILED' || ended.has(at)) continue
        ended.set(at, 'badly')
        if (!['skip', 'continue'].includes(made[at]!.onFailure)) isHalted = true
      }
    }
    const record = await runJob(hasty(), order(refs.join(''), { sideBySide, listener }), parts)
    expect(wrong).toEqual([])
    const states = new Map(record.steps.map(({ pipelineId, state }) => [pipelineId, state]))
    for (const state of states.values()) expect(['SUCCEEDED', 'FAILED', 'SKIPPED', 'CANCELLED', 'FELL_BACK']).toContain(state)
    for (const [at, how] of ended) expect([how === 'well', how]).toEqual([['SUCCEEDED', 'FELL_BACK'].includes(states.get(`p${at}`) ?? ''), how])
    expect(record.state).toBe([...states.values()].includes('FAILED') ? 'FAILED' : 'SUCCEEDED')
    if (!isHalted) expect([...states.values()]).not.toContain('CANCELLED')
    expect(new Set(runIds).size).toBe(runIds.length)
  }), { numRuns: 300 })
})
