import type { StoredRun } from '../../../connectors/ports/run-store.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import { asHubError, HubError } from '../../../schema/errors.ts'
import { leaseMs } from './kept.ts'
import { work, type WorkOptions } from './work.ts'

export interface WorkerOptions extends WorkOptions {
  /** Runs at a time. A job is one, with the pipelines that it runs. */
  readonly slots: number
  /** Of a run: its tenant is the caller's; it lasts as long as it has to. */
  readonly scopeOf: (runId: string, tenant: string, signal: AbortSignal) => Scope
}

/** How often is asked for what others put into the queue, and for runs whose workers are gone. */
const askMs = 1_000
/** How often it tells that it is there. */
const seenMs = 5_000
/** A worker that was not seen for so long is gone: what it had under way is begun again by then. */
export const goneMs = leaseMs

/** Runs what waits in the store, on this node. What is under way when it is closed stays this worker's until its lease is over, and is then begun again by who finds it. */
export class Worker {
  readonly #options: WorkerOptions
  readonly #stopped = new AbortController()
  readonly #scope: Scope
  readonly #running = new Set<Promise<void>>()
  #asking: Promise<void> = Promise.resolve()
  #cancelTimer = () => {}
  #seenAtMs = Number.NEGATIVE_INFINITY

  constructor(options: WorkerOptions) {
    this.#options = options
    this.#scope = options.scopeOf('worker', '$hub', this.#stopped.signal)
    this.#wait()
  }

  /** Looks into the queue now. */
  wake(): void {
    this.#cancelTimer()
    this.#asking = this.#asking.then(() => this.#ask()).catch((error: unknown) => {
      if (!this.#stopped.signal.aborted) this.#scope.log.warn('The queue of runs could not be read.', { reason: asHubError(error).message })
    }).then(() => this.#wait())
  }

  async close(): Promise<void> {
    this.#stopped.abort(new HubError('SHUTTING_DOWN', 'The hub is stopping; the run is begun again by the next worker.'))
    this.#cancelTimer()
    await this.#asking
    await Promise.all(this.#running)
  }

  #wait(): void {
    if (!this.#stopped.signal.aborted) this.#cancelTimer = this.#scope.clock.after(askMs, () => this.wake())
  }

  async #ask(): Promise<void> {
    const { store, name, slots, lineage } = this.#options
    if (this.#stopped.signal.aborted) return
    const nowMs = this.#scope.clock.now()
    if (nowMs - this.#seenAtMs >= seenMs) {
      await store.seen(this.#scope, name)
      this.#seenAtMs = nowMs
    }
    for (const run of await store.reclaim(this.#scope)) {
      const { runId, kind, state, message, record } = run
      this.#scope.log.warn('The worker of a run did not come back.', { run: runId, state, reason: message })
      if (kind === 'pipeline' && state !== 'QUEUED' && state !== 'RUNNING') lineage?.ended(run, { state, record, ...(message !== undefined && { message }) })
    }
    while (this.#running.size < slots) {
      const run = await store.claim(this.#scope, { worker: name, leaseMs })
      if (!run) return
      const ended = this.#work(run).then(() => {
        this.#running.delete(ended)
        this.wake()
      })
      this.#running.add(ended)
    }
  }

  async #work(run: StoredRun): Promise<void> {
    try {
      await work(this.#options.scopeOf(run.runId, run.tenant, this.#stopped.signal), run, this.#options)
    } catch (error) {
      if (!this.#stopped.signal.aborted) this.#scope.log.error('A run could not be ended.', { run: run.runId, reason: asHubError(error).message })
    }
  }
}
