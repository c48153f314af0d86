import type { RunStore, StoredRun } from '../../../connectors/ports/run-store.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import { asHubError, HubError } from '../../../schema/errors.ts'
import type { Definition, Registry } from '../registry.ts'
import { leaseMs } from './kept.ts'
import { keptRun } from './kept-run.ts'
import type { ConfigVersion, RunRecord } from './record.ts'

export interface WorkerOptions {
  readonly store: RunStore
  readonly registry: Registry
  /** The commit that has a definition as it was read. */
  readonly configVersionOf?: (scope: Scope, definition: Definition) => Promise<ConfigVersion | undefined>
  /** Whose runs are under way, as people are told. */
  readonly name: string
  /** Runs at a time. */
  readonly slots: number
  readonly environment: string
  /** Of a run: its tenant is the caller's; it lasts as long as it has to. */
  readonly scopeOf: (runId: string, tenant: string, signal: AbortSignal) => Scope
  /** Hears of every run that ended here. */
  readonly ended: (run: StoredRun, record: Pick<RunRecord, 'state' | 'startedAtMs' | 'endedAtMs'>) => void
}

/** How often is asked for what others put into the queue, and for runs whose workers are gone. */
const askMs = 1_000

/** Runs what waits in the store, on this node. What is under way when it is closed stays this worker's until its lease is over, and is then begun again by who finds it. */
export class Worker {
  readonly #options: WorkerOptions
  readonly #stopped = new AbortController()
  readonly #scope: Scope
  readonly #running = new Set<Promise<void>>()
  #asking: Promise<void> = Promise.resolve()
  #cancelTimer = () => {}

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
    const { store, name, slots } = this.#options
    if (this.#stopped.signal.aborted) return
    for (const { runId, state, message } of await store.reclaim(this.#scope)) this.#scope.log.warn('The worker of a run did not come back.', { run: runId, state, reason: message })
    while (this.#running.size < slots) {
      const run = await store.claim(this.#scope, { worker: name, leaseMs })
      if (!run) return
      const work = this.#work(run).catch((error: unknown) => this.#scope.log.error('A run could not be ended.', { run: run.runId, reason: asHubError(error).message })).then(() => {
        this.#running.delete(work)
        this.wake()
      })
      this.#running.add(work)
    }
  }

  async #work(run: StoredRun): Promise<void> {
    const { store, registry, environment, scopeOf, ended } = this.#options
    const scope = scopeOf(run.runId, run.tenant, this.#stopped.signal)
    const startedAtMs = scope.clock.now()
    const definition = (await registry.pipelines()).find(({ application, id }) => application === run.application && id === run.subject)
    if (!definition?.document) {
      const message = definition ? `The document of "${run.subject}" has mistakes by now.` : `There is no pipeline "${run.subject}" in "${run.application}" any more.`
      await store.finish(scope, run, { state: 'FAILED', category: 'CONFIG', message, rowsRead: 0, rowsWritten: 0, rowsRejected: 0, record: null })
      return ended(run, { state: 'FAILED', startedAtMs, endedAtMs: scope.clock.now() })
    }
    const { document } = definition
    const configVersion = await this.#configVersion(scope, definition)
    const order = { document, ...(configVersion && { configVersion }), runId: run.runId, application: run.application, environment, parameters: run.parameters as Readonly<Record<string, string>> }
    const record = await keptRun(scope, run, order, await registry.partsOf(definition), store)
    if (!this.#stopped.signal.aborted) ended(run, record)
  }
  /** A repository that cannot be read keeps no run from its work. */
  async #configVersion(scope: Scope, definition: Definition): Promise<ConfigVersion | undefined> {
    try {
      return await this.#options.configVersionOf?.(scope, definition)
    } catch (error) {
      scope.log.warn('Of which commit the definition of a run is could not be told.', { run: scope.requestId, reason: asHubError(error).message })
      return undefined
    }
  }
}
