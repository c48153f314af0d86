import type { HeldRun, RunStore } from '../../../connectors/ports/run-store.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import { HubError } from '../../../schema/errors.ts'
import type { Json } from '../../../schema/values.ts'
import type { RunParts } from './parts.ts'
import type { RunRecord, StepRecord } from './record.ts'
import { type RunOrder, runPipeline } from './run.ts'

/** How long a worker that says nothing keeps its run. */
export const leaseMs = 15_000
const renewMs = leaseMs / 3
/** How often steps that change are told, at most. */
const tellMs = 500

/**
 * Runs a pipeline as a run of the store: kept while it goes on, ended there as it ended here. One that was asked to stop is cancelled; one that is another worker's by now stops before anything of it is in place, or says that it
 * came too late. A store that does not answer is asked again until the lease is over.
 */
export async function keptRun(scope: Scope, held: HeldRun, order: RunOrder, parts: RunParts, store: RunStore): Promise<RunRecord> {
  const stopped = new AbortController()
  let steps: readonly StepRecord[] = []
  let cancelTimer = () => {}
  let renewing = Promise.resolve()
  let keptAtMs = scope.clock.now()
  let askedAtMs = keptAtMs

  const renew = async () => {
    askedAtMs = scope.clock.now()
    const atMs = askedAtMs
    const answer = await store.renew(scope, held, leaseMs, { record: json({ steps }) })
    if (answer === 'CANCEL') stopped.abort(new HubError('CANCELLED', 'The run was asked to stop.'))
    else if (answer === 'LOST') stopped.abort(lost(held))
    else keptAtMs = atMs
  }
  /** Renews it, and again later. */
  const renewed = () => renew().catch((error: unknown) => {
    scope.log.warn('A run could not be renewed.', { run: held.runId, reason: error instanceof Error ? error.message : String(error) })
    if (scope.clock.now() - keptAtMs >= leaseMs) stopped.abort(lost(held))
  }).then(keep)
  const keep = () => {
    cancelTimer()
    cancelTimer = scope.clock.after(renewMs, () => {
      renewing = renewing.then(() => renewed())
    })
  }

  keep()
  const record = await runPipeline({ ...scope, signal: AbortSignal.any([scope.signal, stopped.signal]) }, {
    ...order,
    listener(changed) {
      steps = changed
      order.listener?.(changed)
      if (scope.clock.now() - askedAtMs < tellMs) return
      askedAtMs = scope.clock.now()
      cancelTimer()
      renewing = renewing.then(() => renewed())
    },
    async beforeCommit() {
      await renew()
      stopped.signal.throwIfAborted()
    },
  }, parts).finally(() => cancelTimer())
  await renewing
  cancelTimer()
  const { state, error, rowsRead, rowsWritten, rowsRejected } = record
  const isStored = await store.finish({ ...scope, signal: new AbortController().signal }, held, { state, record: json(record), rowsRead, rowsWritten, rowsRejected, ...(error && { category: error.category, message: error.message }) })
  if (!isStored) scope.log.warn('A run ended that is not this worker\'s any more.', { run: held.runId, state })
  return record
}

function lost({ runId }: HeldRun): HubError {
  return new HubError('CANCELLED', `The run "${runId}" is not this worker's any more: it was not renewed in time, and another may have begun it again.`)
}

function json(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json
}
