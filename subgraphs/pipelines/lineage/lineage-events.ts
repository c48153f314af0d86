import type { LineageSink } from '../../../connectors/ports/lineage-sink.ts'
import type { RunStore, StoredRun } from '../../../connectors/ports/run-store.ts'
import { pause, type Scope } from '../../../connectors/ports/scope.ts'
import { asHubError } from '../../../schema/errors.ts'
import type { Json } from '../../../schema/values.ts'
import type { RunHearer } from '../run/kept-run.ts'
import { endEvent, type EventSource, type RunEnded, startEvent } from './open-lineage.ts'

export interface LineageEventsOptions extends EventSource {
  readonly sinks: readonly LineageSink[]
  readonly store: Pick<RunStore, 'run'>
  /** Of the hub; its signal ends what is still to send. */
  readonly scope: Scope
}

/** Events that wait at most; a run beyond that is not told of. */
const mostWaiting = 10_000
const attempts = 5
const firstDelayMs = 1_000

/** Tells of runs as they begin and end, one event after the other. A place that takes none changes nothing of the run: what did not arrive is in the log. */
export class LineageEvents {
  readonly #options: LineageEventsOptions
  #last: Promise<void> = Promise.resolve()
  #waiting = 0

  constructor(options: LineageEventsOptions) {
    this.#options = options
  }

  /** Who hears of one run. */
  of(run: StoredRun): RunHearer {
    return { started: () => this.#tell(run, (atMs, job) => startEvent(this.#options, run, atMs, job)), ended: ending => this.ended(run, ending) }
  }

  ended(run: StoredRun, ending: RunEnded): void {
    this.#tell(run, (atMs, job) => endEvent(this.#options, run, atMs, job, ending))
  }

  /** Ends when everything was sent, or given up. */
  async flush(): Promise<void> {
    await this.#last
  }

  #tell(run: StoredRun, make: (atMs: number, job: StoredRun | undefined) => Json): void {
    const { sinks, store, scope } = this.#options
    if (sinks.length === 0) return
    if (this.#waiting >= mostWaiting) {
      scope.log.warn('A run is not told of: too many events of lineage wait.', { run: run.runId, waiting: this.#waiting })
      return
    }
    this.#waiting += 1
    const atMs = scope.clock.now()
    const send = async () => {
      const job = run.jobRunId === undefined ? undefined : await store.run({ ...scope, tenant: run.tenant }, run.jobRunId)
      const event = make(atMs, job)
      for (const sink of sinks) await this.#send(sink, event, run)
    }
    this.#last = this.#last.then(send).catch((error: unknown) => scope.log.warn('An event of lineage was not sent.', { run: run.runId, reason: asHubError(error).message })).then(() => {
      this.#waiting -= 1
    })
  }

  async #send(sink: LineageSink, event: Json, { runId: run }: StoredRun): Promise<void> {
    const { scope } = this.#options
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await sink.emit(scope, event)
      } catch (error) {
        const { code, message } = asHubError(error)
        if (code !== 'UPSTREAM_UNAVAILABLE' || attempt === attempts || scope.signal.aborted) return scope.log.warn('An event of lineage was not sent.', { run, attempt, reason: message })
        await pause(scope, firstDelayMs * 2 ** (attempt - 1))
      }
    }
  }
}
