import { createHash } from 'node:crypto'
import type { Scope } from '../../../connectors/ports/scope.ts'
import { asHubError, HubError } from '../../../schema/errors.ts'
import type { PipelineRef } from '../document/job.ts'
import { type JobOrder, type JobParts, pipelineParameters } from './job-order.ts'
import { JobProgress } from './job-progress.ts'
import type { JobRecord, JobStepState } from './job-record.ts'
import type { RunFailure } from './record.ts'

/** Pipelines of a job that run at a time. */
export const usualSideBySide = 2
const usualFirstDelayMs = 5_000
const longestDelayMs = 300_000

/** What may become of a step that depends on another. */
type Fate = 'WAITS' | 'MAY_RUN' | 'IS_SKIPPED' | 'NEVER_STARTS'

/** By how the other failed, when nothing made up for it. */
const fateAfterFailure: Readonly<Record<PipelineRef['onFailure'], Fate>> = { retry: 'NEVER_STARTS', halt: 'NEVER_STARTS', fallback: 'NEVER_STARTS', skip: 'IS_SKIPPED', continue: 'MAY_RUN' }

/** By the other's state. */
const fates: Readonly<Record<JobStepState, Fate | 'BY_STRATEGY'>> = {
  PENDING: 'WAITS', RUNNING: 'WAITS', RETRYING: 'WAITS', SUCCEEDED: 'MAY_RUN', FELL_BACK: 'MAY_RUN', SKIPPED: 'IS_SKIPPED', FAILED: 'BY_STRATEGY', CANCELLED: 'BY_STRATEGY',
}

/**
 * Runs the pipelines of a job, each after those it depends on. What is wrong with the order → VALIDATION_ERROR before anything runs; everything else that goes wrong is in the record. When a pipeline fails:
 *   retry      it runs again after a while, at most `maxRetries` times; then as halt
 *   halt       nothing further starts, not even another attempt; what runs ends, what waits is CANCELLED
 *   skip       what depends on it, and what depends on that, is SKIPPED; all else runs
 *   continue   what depends on it runs all the same
 *   fallback   the pipeline named runs in its place, once: the step FELL_BACK when that succeeds, else as halt
 * The job FAILED when one of its pipelines did without another that made up for it, also where the others went on: whoever is to mend it has to hear of it. When the scope's signal aborts, what runs is cancelled and what waits is
 * CANCELLED, as the job is unless a pipeline failed before. A pipeline whose run alone was cancelled is not tried again, and counts as one that failed.
 * Each attempt has an id made of the job's run, the pipeline and its number, so that a job that is repeated finds how it ended and what was written; one that came to nothing with its worker is the same attempt by another id.
 */
export async function runJob(scope: Scope, order: JobOrder, parts: JobParts): Promise<JobRecord> {
  const job = new Job(scope, order, parts)
  await job.all()
  return job.record()
}

class Job {
  readonly #scope: Scope
  readonly #order: JobOrder
  readonly #parts: JobParts
  readonly #parameters: ReadonlyMap<string, Readonly<Record<string, string>>>
  readonly #progress: JobProgress
  readonly #refs: ReadonlyMap<string, PipelineRef>
  /** What to call when a step that waits for its next attempt does so no more. */
  readonly #timers = new Map<string, () => void>()
  #running = 0
  #isHalted = false
  #failure: RunFailure | undefined
  #changed = Promise.withResolvers<void>()

  constructor(scope: Scope, order: JobOrder, parts: JobParts) {
    this.#scope = scope
    this.#order = order
    this.#parts = parts
    this.#parameters = pipelineParameters(scope, order, parts.pipelines)
    this.#progress = new JobProgress(scope.clock, order)
    this.#refs = new Map(order.document.refs.map(ref => [ref.id, ref]))
    for (const { pipelineId, state, error } of this.#progress.steps) if (state === 'FAILED') this.#failed(pipelineId, error)
  }

  async all(): Promise<void> {
    const { signal } = this.#scope
    const wake = () => this.#changed.resolve()
    signal.addEventListener('abort', wake)
    for (;;) {
      this.#changed = Promise.withResolvers()
      if (this.#isStopped) this.#endWhatWaits()
      else this.#startWhatMay()
      if (this.#running === 0 && this.#timers.size === 0) break
      await this.#changed.promise
    }
    signal.removeEventListener('abort', wake)
  }

  record(): JobRecord {
    const { document: { id, version: { major, minor, patch } }, runId, application } = this.#order
    const { steps, startedAtMs } = this.#progress
    const sum = (of: 'rowsRead' | 'rowsWritten' | 'rowsRejected') => steps.reduce((total, step) => total + (step[of] ?? 0), 0)
    return {
      runId, jobId: id, version: `${major}.${minor}.${patch}`, application, state: this.#state(), startedAtMs, endedAtMs: this.#scope.clock.now(),
      rowsRead: sum('rowsRead'), rowsWritten: sum('rowsWritten'), rowsRejected: sum('rowsRejected'), steps, ...(this.#failure && { error: this.#failure }),
    }
  }

  #state(): JobRecord['state'] {
    const is = (wanted: JobStepState) => this.#progress.steps.some(({ state }) => state === wanted)
    if (is('FAILED')) return 'FAILED'
    if (is('CANCELLED')) return this.#scope.signal.aborted && !this.#isHalted ? 'CANCELLED' : 'FAILED'
    return 'SUCCEEDED'
  }

  get #isStopped(): boolean {
    return this.#isHalted || this.#scope.signal.aborted
  }

  /** Begins steps in the order of the document, as many as there is room for. */
  #startWhatMay(): void {
    this.#skip()
    const { sideBySide = usualSideBySide } = this.#order
    for (const { pipelineId: id, state } of this.#progress.steps) {
      if (this.#running >= sideBySide) return
      const ref = this.#refs.get(id)
      if (ref && ((state === 'RETRYING' && !this.#timers.has(id)) || (state === 'PENDING' && this.#fateOf(ref) === 'MAY_RUN'))) this.#start(ref)
    }
  }

  #skip(): void {
    for (let before = -1, skipped = 0; before !== skipped;) {
      before = skipped
      for (const ref of this.#refs.values()) {
        if (this.#progress.step(ref.id).state !== 'PENDING' || this.#fateOf(ref) !== 'IS_SKIPPED') continue
        this.#progress.set(ref.id, { state: 'SKIPPED' })
        skipped += 1
      }
    }
  }

  #fateOf({ dependsOn }: PipelineRef): Fate {
    const all = dependsOn.map(id => {
      const fate = fates[this.#progress.step(id).state]
      return fate === 'BY_STRATEGY' ? fateAfterFailure[this.#refs.get(id)?.onFailure ?? 'halt'] : fate
    })
    return (['IS_SKIPPED', 'NEVER_STARTS', 'WAITS'] as const).find(fate => all.includes(fate)) ?? 'MAY_RUN'
  }

  /** What waits for others, or for its next attempt, does so in vain. */
  #endWhatWaits(): void {
    for (const [id, cancel] of this.#timers) {
      cancel()
      this.#timers.delete(id)
    }
    for (const { pipelineId: id, state, error } of this.#progress.steps) {
      if (state === 'PENDING') this.#progress.set(id, { state: 'CANCELLED' })
      if (state !== 'RETRYING') continue
      this.#progress.set(id, { state: this.#isHalted ? 'FAILED' : 'CANCELLED' })
      if (this.#isHalted) this.#failed(id, error)
    }
  }

  #start(ref: PipelineRef): void {
    this.#running += 1
    const attempt = this.#progress.step(ref.id).attempts + 1
    this.#progress.set(ref.id, { state: 'RUNNING', attempts: attempt })
    this.#attempt(ref, attempt).finally(() => {
      this.#running -= 1
    }).then(() => this.#changed.resolve(), (error: unknown) => this.#changed.reject(error))
  }

  async #attempt(ref: PipelineRef, attempt: number): Promise<void> {
    const { id, onFailure, maxRetries, fallback } = ref
    const ended = await this.#run(id, id, `attempt ${attempt}`)
    if (ended === 'SUCCEEDED') return this.#progress.set(id, { state: 'SUCCEEDED' })
    if (ended === 'CANCELLED') return this.#end(ref, 'CANCELLED')
    if (this.#isStopped) return this.#end(ref, 'FAILED')
    if (onFailure === 'retry' && attempt <= maxRetries) return this.#retryLater(id, attempt)
    if (onFailure !== 'fallback' || fallback === undefined) return this.#end(ref, 'FAILED')

    this.#progress.set(id, { fallback })
    const instead = await this.#run(id, fallback, 'fallback')
    if (instead === 'SUCCEEDED') this.#progress.set(id, { state: 'FELL_BACK' })
    else this.#end(ref, instead)
  }

  /** Runs a pipeline for a step, and notes what came of it. One that had nothing to do succeeded. */
  async #run(id: string, pipelineId: string, which: string): Promise<JobRecord['state']> {
    const jobRunId = this.#order.runId
    let runId = runIdOf(jobRunId, id, which)
    const run = () => {
      const { runIds } = this.#progress.step(id)
      if (!runIds.includes(runId)) this.#progress.set(id, { runIds: [...runIds, runId] })
      return this.#parts.runPipeline(this.#scope, { pipelineId, parameters: this.#parameters.get(pipelineId) ?? {}, runId, writeId: runIdOf(jobRunId, id, pipelineId), jobRunId })
    }
    try {
      let ending = await run()
      for (let time = 2; ending === 'LOST'; time++) {
        runId = runIdOf(jobRunId, id, `${which}, time ${time}`)
        ending = await run()
      }
      const { state, error, rowsRead, rowsWritten, rowsRejected } = ending
      this.#progress.set(id, { rowsRead, rowsWritten, rowsRejected, ...(error && { error }) })
      return state === 'SKIPPED_NO_DATA' ? 'SUCCEEDED' : state
    } catch (error) {
      if (!(error instanceof HubError)) this.#scope.log.error('A pipeline of a job could not be run.', { job: this.#order.document.id, pipeline: pipelineId, run: runId, error })
      const { code, message } = asHubError(error)
      this.#progress.set(id, { error: { category: code === 'VALIDATION_ERROR' ? 'CONFIG' : code === 'TIMEOUT' ? 'TIMEOUT' : 'SYSTEM', message } })
      return this.#scope.signal.aborted ? 'CANCELLED' : 'FAILED'
    }
  }

  #retryLater(id: string, attempt: number): void {
    const { clock, log } = this.#scope
    const delayMs = Math.min(longestDelayMs, (this.#order.firstDelayMs ?? usualFirstDelayMs) * 2 ** (attempt - 1))
    log.info('A pipeline of a job failed and will run again.', { job: this.#order.document.id, run: this.#order.runId, pipeline: id, attempt, delayMs })
    this.#timers.set(id, clock.after(delayMs, () => {
      this.#timers.delete(id)
      this.#changed.resolve()
    }))
    this.#progress.set(id, { state: 'RETRYING' })
  }

  #end({ id }: PipelineRef, state: 'FAILED' | 'CANCELLED'): void {
    this.#progress.set(id, { state })
    if (state === 'FAILED' || !this.#scope.signal.aborted) this.#failed(id, this.#progress.step(id).error)
  }

  #failed(id: string, { category = 'SYSTEM', message }: Partial<RunFailure> = {}): void {
    this.#failure ??= { category, message: `Pipeline "${id}" failed: ${message ?? 'it was cancelled.'}`, step: id }
    if (fateAfterFailure[this.#refs.get(id)?.onFailure ?? 'halt'] === 'NEVER_STARTS') this.#isHalted = true
  }
}

/** As long as the run store takes, whatever the pipeline is called. */
function runIdOf(jobRunId: string, id: string, which: string): string {
  return createHash('sha256').update(JSON.stringify([jobRunId, id, which])).digest('hex').slice(0, 32)
}
