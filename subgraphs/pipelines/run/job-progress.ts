import type { Clock } from '../../../connectors/ports/scope.ts'
import type { PipelineRef } from '../document/job.ts'
import type { JobOrder } from './job-order.ts'
import type { JobStepRecord, JobStepState } from './job-record.ts'

/** Whether a step has ended for good in a state. */
const isEnd: Readonly<Record<JobStepState, boolean>> = { PENDING: false, RUNNING: false, RETRYING: false, SUCCEEDED: true, FAILED: true, SKIPPED: true, CANCELLED: true, FELL_BACK: true }

/** States a step keeps: in a run that is repeated, and in another. */
const stands: Readonly<Record<'same' | 'other', readonly JobStepState[]>> = { same: ['SUCCEEDED', 'FELL_BACK', 'FAILED'], other: ['SUCCEEDED', 'FELL_BACK'] }

/** The steps of a job as they stand. */
export class JobProgress {
  readonly startedAtMs: number
  readonly #clock: Clock
  readonly #listener: JobOrder['listener']
  readonly #steps: Map<string, JobStepRecord>

  constructor(clock: Clock, { document: { refs }, runId, earlier, fromStep, listener }: JobOrder) {
    this.#clock = clock
    this.#listener = listener
    this.startedAtMs = clock.now()
    const isSame = earlier?.runId === runId
    const before = new Map(earlier?.steps.map(step => [step.pipelineId, step]))
    const kept = keptOf(refs, id => stands[isSame ? 'same' : 'other'].some(state => state === before.get(id)?.state), fromStep)
    this.#steps = new Map(refs.map(({ id }): [string, JobStepRecord] => {
      const step = before.get(id)
      if (step && kept.has(id)) return [id, step]
      return [id, { pipelineId: id, state: 'PENDING', attempts: 0, runIds: [], ...(step && isSame && id !== fromStep && attemptsOf(step)) }]
    }))
  }

  get steps(): readonly JobStepRecord[] {
    return [...this.#steps.values()]
  }

  step(id: string): JobStepRecord {
    const step = this.#steps.get(id)
    if (!step) throw new RangeError(`"${id}" is no step of the job.`)
    return step
  }

  /** Changes a step. When it begins and ends is noted with its state. */
  set(id: string, change: Partial<Omit<JobStepRecord, 'pipelineId'>>): void {
    const step = this.step(id)
    const now = this.#clock.now()
    const { state = step.state } = change
    const times = isEnd[state] ? { endedAtMs: now } : state === 'RUNNING' ? { startedAtMs: step.startedAtMs ?? now } : {}
    this.#steps.set(id, { ...step, ...change, ...times })
    this.#listener?.(this.steps)
  }
}

/** Those that keep their state, with all they depend on. */
function keptOf(refs: readonly PipelineRef[], mayKeep: (id: string) => boolean, fromStep: string | undefined): ReadonlySet<string> {
  const byId = new Map(refs.map(ref => [ref.id, ref]))
  const known = new Map<string, boolean>()
  const keeps = (id: string): boolean => {
    const found = known.get(id)
    if (found !== undefined) return found
    const kept = id !== fromStep && mayKeep(id) && (byId.get(id)?.dependsOn ?? []).every(keeps)
    known.set(id, kept)
    return kept
  }
  return new Set(refs.map(({ id }) => id).filter(keeps))
}

/** A step that was under way begins with the attempt it was in, whose run may have written. */
function attemptsOf({ state, attempts, runIds }: JobStepRecord): Partial<JobStepRecord> {
  return { attempts: state === 'RUNNING' ? Math.max(0, attempts - 1) : attempts, runIds }
}
