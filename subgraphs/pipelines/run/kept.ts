import type { HeldRun, RunEnding, RunStore } from '../../../connectors/ports/run-store.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import { asHubError, HubError } from '../../../schema/errors.ts'
import type { RunLineage } from '../../../schema/lineage.ts'
import type { Json } from '../../../schema/values.ts'
import type { RunFailure } from './record.ts'

/** How long a worker that says nothing keeps its run. */
export const leaseMs = 15_000
const renewMs = leaseMs / 3
/** How often what is told is stored, at most. */
const tellMs = 500

/** What a worker has of the run it does. */
export interface Lease {
  /** How far it is, for whoever looks at it: stored at once, or half a second later where that was done just before. */
  tell(progress: object): void
  /** Renews it now. Throws where the run is to go no further. */
  check(): Promise<void>
  /** What it has read is fixed under this: where it succeeds, the next run reads on from there. */
  mark(mark: string): void
}

type Ended = Pick<RunEnding, 'state' | 'version' | 'rowsRead' | 'rowsWritten' | 'rowsRejected'> & { readonly error?: RunFailure; readonly lineage?: RunLineage }

/**
 * Does the work of a run of the store: the run is kept while the work goes on, and ended there as it ended here. The work's scope aborts when the run was asked to stop, and when it is another worker's by now. A store that does not answer
 * is asked again until the lease is over. Work that throws ends the run as FAILED. When the scope aborts because the hub stops, what has not succeeded stays as it is until its lease is over, for the next worker; the run of a job's pipeline
 * ends, as it is begun by nobody but its job. `ended` hears of the end that was stored.
 */
export async function kept<T extends Ended>(scope: Scope, held: HeldRun, store: RunStore, work: (scope: Scope, lease: Lease) => Promise<T>, ended: (ending: RunEnding) => void = () => {}): Promise<T> {
  const stopped = new AbortController()
  let progress: object = {}
  let mark: string | undefined
  let stored = progress
  let cancelTimer = () => {}
  let renewing = Promise.resolve()
  let keptAtMs = scope.clock.now()
  let askedAtMs = keptAtMs

  const renew = async () => {
    askedAtMs = scope.clock.now()
    const atMs = askedAtMs
    stored = progress
    const answer = await store.renew(scope, held, leaseMs, { record: json(progress) })
    if (answer === 'CANCEL') stopped.abort(new HubError('CANCELLED', 'The run was asked to stop.'))
    else if (answer === 'LOST') stopped.abort(lost(held))
    else keptAtMs = atMs
  }
  const renewed = () => renew().catch((error: unknown) => {
    scope.log.warn('A run could not be renewed.', { run: held.runId, reason: error instanceof Error ? error.message : String(error) })
    if (scope.clock.now() - keptAtMs >= leaseMs) stopped.abort(lost(held))
  }).then(keep)
  const keep = () => {
    cancelTimer()
    cancelTimer = scope.clock.after(stored === progress ? renewMs : tellMs, () => {
      renewing = renewing.then(renewed)
    })
  }
  const end = async (ending: RunEnding) => {
    cancelTimer()
    await renewing
    cancelTimer()
    if (isStopping(scope) && held.jobRunId === undefined && (ending.state === 'CANCELLED' || ending.state === 'FAILED')) return
    const isStored = await store.finish({ ...scope, signal: new AbortController().signal }, held, ending)
    if (isStored) ended(ending)
    else scope.log.warn('A run ended that is not this worker\'s any more.', { run: held.runId, state: ending.state })
  }
  const lease: Lease = {
    tell(told) {
      progress = told
      if (scope.signal.aborted) return
      if (scope.clock.now() - askedAtMs < tellMs) return keep()
      askedAtMs = scope.clock.now()
      renewing = renewing.then(renewed)
    },
    async check() {
      await renew()
      stopped.signal.throwIfAborted()
    },
    mark(given) {
      mark = given
    },
  }

  keep()
  let record: T
  try {
    record = await work({ ...scope, signal: AbortSignal.any([scope.signal, stopped.signal]) }, lease)
  } catch (error) {
    const { code, message } = asHubError(error)
    await end({ state: 'FAILED', record: json(progress), rowsRead: 0, rowsWritten: 0, rowsRejected: 0, category: code === 'VALIDATION_ERROR' ? 'CONFIG' : 'SYSTEM', message })
    throw error
  }
  const { lineage, ...told } = record
  const { state, version, error, rowsRead, rowsWritten, rowsRejected } = record
  await end({ state, ...(version !== undefined && { version }), record: json(told), rowsRead, rowsWritten, rowsRejected, ...(error && { category: error.category, message: error.message }), ...(lineage && { lineage }), ...(mark !== undefined && { mark }) })
  return record
}

/** Whether the hub stops that the work is done in. */
export function isStopping({ signal }: Pick<Scope, 'signal'>): boolean {
  const reason: unknown = signal.reason
  return reason instanceof HubError && reason.code === 'SHUTTING_DOWN'
}

function lost({ runId }: HeldRun): HubError {
  return new HubError('CANCELLED', `The run "${runId}" is not this worker's any more: it was not renewed in time, and another may have begun it again.`)
}

function json(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json
}
