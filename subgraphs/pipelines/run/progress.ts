import type { Clock } from '../../../connectors/ports/scope.ts'
import type { Step } from '../document/datasets.ts'
import type { RunRecord, StepRecord } from './record.ts'

/** Hears of every step that changes. */
export type RunListener = (steps: readonly StepRecord[]) => void

type Change = { readonly [Name in keyof Omit<StepRecord, 'id' | 'kind' | 'type'>]?: StepRecord[Name] | undefined }

/** The steps of a run as they stand. */
export class Progress {
  readonly #clock: Clock
  readonly #listener: RunListener | undefined
  readonly #steps: Map<string, StepRecord>
  readonly #startedAtMs: number

  constructor(steps: readonly Step[], clock: Clock, listener?: RunListener) {
    this.#clock = clock
    this.#listener = listener
    this.#startedAtMs = clock.now()
    this.#steps = new Map(steps.map(({ id, kind, checked }) => [id, { id, kind, type: checked.shape.name, state: 'PENDING' }]))
  }

  /** Changes a step. When it begins and ends is noted with its state. */
  set(id: string, change: Change): void {
    const step = this.#steps.get(id)
    if (!step) return
    const now = this.#clock.now()
    const { state } = change
    const times = state === 'RUNNING' ? { startedAtMs: step.startedAtMs ?? now } : state === undefined || state === 'PENDING' ? {} : { startedAtMs: step.startedAtMs ?? now, endedAtMs: now }
    const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
    this.#steps.set(id, { ...step, ...given, ...times })
    this.#listener?.([...this.#steps.values()])
  }

  skipAll(): void {
    for (const { id } of this.#steps.values()) this.set(id, { state: 'SKIPPED' })
  }

  /** The step that failed, if one did. */
  get failedStep(): string | undefined {
    return [...this.#steps.values()].find(({ state }) => state === 'FAILED')?.id
  }

  /** How it ended. Of a run that failed, steps that did not end were cancelled, and what targets would have got is nothing. */
  end(failed: boolean): Pick<RunRecord, 'startedAtMs' | 'endedAtMs' | 'rowsRead' | 'rowsWritten' | 'rowsRejected' | 'steps'> {
    if (failed) for (const { id, state } of this.#steps.values()) if (state === 'PENDING' || state === 'RUNNING') this.set(id, { state: 'CANCELLED' })
    const steps = [...this.#steps.values()]
    const sum = (of: (step: StepRecord) => number | undefined) => steps.reduce((total, step) => total + (of(step) ?? 0), 0)
    return {
      startedAtMs: this.#startedAtMs, endedAtMs: this.#clock.now(), steps,
      rowsRead: sum(({ kind, rows }) => (kind === 'source' ? rows : 0)), rowsWritten: sum(({ kind, state, rows }) => (kind === 'target' && state === 'SUCCEEDED' ? rows : 0)), rowsRejected: sum(({ rejected }) => rejected),
    }
  }
}
