import type { HeldRun, RunEnding, RunStore } from '../../../connectors/ports/run-store.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import { HubError } from '../../../schema/errors.ts'
import { kept } from './kept.ts'
import type { RunParts } from './parts.ts'
import type { RunRecord } from './record.ts'
import { type RunOrder, runPipeline } from './run.ts'

/** Hears of one run. */
export interface RunHearer {
  started(): void
  /** Of the end that was stored; not where the run goes on elsewhere. */
  ended(ending: RunEnding): void
}

/** Runs a pipeline as a run of the store. One that was asked to stop is cancelled; one that is another worker's by now stops before anything of it is in place, or says that it came too late. */
export async function keptRun(scope: Scope, held: HeldRun, order: RunOrder, parts: RunParts, store: RunStore, hearer?: RunHearer): Promise<RunRecord> {
  hearer?.started()
  return kept(scope, held, store, (own, lease) => runPipeline(own, {
    ...order,
    listener(steps) {
      lease.tell({ steps })
      order.listener?.(steps)
    },
    async beforeCommit() {
      await lease.check()
    },
    watermarks: {
      async stored() {
        const { application, document: { id } } = order
        return { watermarks: await store.watermarks(own, application, id), spans: await store.spans(own, markOf(order)) }
      },
      async fix(spans) {
        if (!(await store.fix(own, held, markOf(order), spans))) throw new HubError('CANCELLED', `The run "${held.runId}" is not this worker's any more, and nothing of it was put in place.`)
        lease.mark(markOf(order))
      },
    },
  }, parts), ending => hearer?.ended(ending))
}

/** What all attempts of a run have in common. */
function markOf({ runId, writeId = runId }: RunOrder): string {
  return writeId
}
