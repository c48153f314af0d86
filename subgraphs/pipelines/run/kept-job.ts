import type { HeldRun, RunStore } from '../../../connectors/ports/run-store.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import { runJob } from './job.ts'
import type { JobOrder, JobParts } from './job-order.ts'
import type { JobRecord } from './job-record.ts'
import { kept } from './kept.ts'
import { RunLog } from './run-log.ts'

/** Runs a job as a run of the store, with what it logs. One that was asked to stop, and one that is another worker's by now, cancels what runs and starts nothing further. */
export async function keptJob(scope: Scope, held: HeldRun, order: JobOrder, parts: JobParts, store: RunStore): Promise<JobRecord> {
  const log = new RunLog(scope, held, store, { masks: false })
  const { document: { id: job }, application: app } = order
  log.keep('info', 'The run begins.', { app, job, attempt: held.attempt })
  try {
    return await kept({ ...scope, log }, held, store, async (own, lease) => {
      const record = await runJob(own, {
        ...order,
        listener(steps) {
          lease.tell({ steps })
          order.listener?.(steps)
        },
      }, parts)
      log.keep(record.state === 'FAILED' ? 'error' : 'info', 'The run ends.', { state: record.state })
      await log.flush()
      return record
    })
  } finally {
    await log.flush()
  }
}
