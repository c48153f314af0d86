import type { Notifier } from '../../../connectors/ports/notifier.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import type { JobRecord } from '../run/job-record.ts'
import { deliver, type DeliverOptions } from './deliver.ts'
import { type Happened, type JobEvent, type NoticeOrder, noticesOf } from './notices.ts'

export interface ToldOrder extends NoticeOrder {
  /** When the run's time is over, on the scope's clock; absent: never. */
  readonly slaAtMs?: number
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
 * Runs a job and tells those whom its document names: that it starts, that its time is over while it goes on, and how it ended. Notices go out behind the run, by `scope.later`, and change nothing of it; the scope outlives a run that is
 * cancelled. What throws in place of a record tells nobody.
 */
export async function toldRun(scope: Scope, order: ToldOrder, { notifier, delivery }: NoticeParts, run: () => Promise<JobRecord>): Promise<JobRecord> {
  const { clock } = scope
  const startedAtMs = clock.now()
  const tell = (happened: Happened) => {
    for (const notice of noticesOf(order, happened)) {
      scope.later(async () => {
        await deliver(scope, notifier, notice, delivery)
      })
    }
  }
  if (!order.isBegun) tell({ event: 'start', state: 'RUNNING' })
  const breach = () => tell({ event: 'sla_breach', state: 'RUNNING', durationMs: clock.now() - startedAtMs })
  const cancelTimer = order.slaAtMs === undefined ? () => {} : clock.after(Math.max(0, order.slaAtMs - startedAtMs), breach)
  const record = await run().finally(cancelTimer)
  for (const event of eventsOf[record.state]) tell({ event, state: record.state, durationMs: record.endedAtMs - record.startedAtMs, ...(record.error && { error: record.error }) })
  return record
}
