import type { HeldRun, RunStore } from '../../../connectors/ports/run-store.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import { runJob } from './job.ts'
import type { JobOrder, JobParts } from './job-order.ts'
import type { JobRecord } from './job-record.ts'
import { kept } from './kept.ts'

/** Runs a job as a run of the store. One that was asked to stop, and one that is another worker's by now, cancels what runs and starts nothing further. */
export async function keptJob(scope: Scope, held: HeldRun, order: JobOrder, parts: JobParts, store: RunStore): Promise<JobRecord> {
  return kept(scope, held, store, (own, lease) => runJob(own, {
    ...order,
    listener(steps) {
      lease.tell({ steps })
      order.listener?.(steps)
    },
  }, parts))
}
