import type { Notifier } from '../../../connectors/ports/notifier.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import type { JobRecord } from '../run/job-record.ts'
import { deliver, type DeliverOptions } from './deliver.ts'
import { type Happened, type JobEvent, type NoticeOrder, noticesOf } from './notices.ts'

export interface ToldOrder extends NoticeOrder {
  /** Whether it goes on where another worker left it: that it starts has been told. */
  readonly isBegun?: boolean
}

export interface NoticeParts {
  readonly notifier: Notifier
  readonly delivery: DeliverOptions
}

/** What is told of a job that ended so. Whoever cancelled it needs no alarm. */
const eventsOf: Readonly<Record<JobRecord['state'], readonly JobEvent[]>> = { SUCCEEDED: ['success', 'completion'], FAILED: ['failure', 'completion'], CANCELLED: ['completion'] }

/**
 * Runs a job and tells those whom its document names: that it starts and how it ended; that its time is over is told by `watchAlerts`. Notices go out behind the run, by `scope.later`, and change nothing of it; the scope outlives a run that is
 * cancelled. What throws in place of a record tells nobody.
 */
export async function toldRun(scope: Scope, order: ToldOrder, { notifier, delivery }: NoticeParts, run: () => Promise<JobRecord>): Promise<JobRecord> {
  const tell = (happened: Happened) => {
    for (const notice of noticesOf(order, happened)) {
      scope.later(async () => {
        await deliver(scope, notifier, notice, delivery)
      })
    }
  }
  if (!order.isBegun) tell({ event: 'start', state: 'RUNNING' })
  const record = await run()
  for (const event of eventsOf[record.state]) tell({ event, state: record.state, durationMs: record.endedAtMs - record.startedAtMs, ...(record.error && { error: record.error }) })
  return record
}
