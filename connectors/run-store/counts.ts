import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { CountedBy, CountFilter, RunCount } from '../ports/run-store.ts'
import type { Scope } from '../ports/scope.ts'
import { chosenRuns } from './chosen.ts'
import type { Database } from './schema.ts'

/** What runs of one subject have in common, computed by whole numbers, which every engine does alike. 1970 began on a Thursday, three days after its week. */
const parts: Record<CountedBy, RawBuilder<number | string | null>> = {
  DAY: sql`queued_at_ms - queued_at_ms % 86400000`,
  WEEK: sql`queued_at_ms - (queued_at_ms + 259200000) % 604800000`,
  CATEGORY: sql`category`,
}

/** Groups and counts in the engine, in one statement. */
export async function countRuns(db: Kysely<Database>, scope: Scope, filter: CountFilter, by: CountedBy): Promise<readonly RunCount[]> {
  const part = parts[by]
  const lastFirst = sql<number>`row_number() over (partition by kind, application, subject, ${part}, state order by ended_at_ms desc, run_id desc)`
  const runs = chosenRuns(db, scope, by === 'CATEGORY' ? { ...filter, states: ['FAILED'] } : filter)
    .select(['kind', 'application', 'subject', 'state', 'sla_at_ms', 'ended_at_ms', 'run_id', 'message', part.as('part'), lastFirst.as('nth')])

  const rows = await db.selectFrom(runs.as('runs'))
    .select(['kind', 'application', 'subject', 'part'])
    .select([
      number(sql`state = 'QUEUED'`).as('queued'), number(sql`state = 'RUNNING'`).as('running'),
      number(sql`state = 'SUCCEEDED'`).as('succeeded'), number(sql`state = 'SKIPPED_NO_DATA'`).as('skipped'), number(sql`state = 'FAILED'`).as('failed'), number(sql`state = 'CANCELLED'`).as('cancelled'),
      number(isMet).as('met'), number(isBreached(scope)).as('breached'),
      ofLastFailure<string>('run_id').as('failed_run_id'), ofLastFailure<number>('ended_at_ms').as('failed_at_ms'), ofLastFailure<string>('message').as('failed_message'),
    ])
    .groupBy(['kind', 'application', 'subject', 'part']).orderBy('part').orderBy('application').orderBy('subject').orderBy('kind')
    .execute()

  return rows.map(row => ({
    kind: row.kind as RunCount['kind'], application: row.application, subject: row.subject,
    ...(by === 'CATEGORY' ? row.part !== null && { category: String(row.part) } : { periodAtMs: Number(row.part) }),
    queued: Number(row.queued), running: Number(row.running), succeeded: Number(row.succeeded), skipped: Number(row.skipped), failed: Number(row.failed), cancelled: Number(row.cancelled),
    slaMet: Number(row.met), slaBreached: Number(row.breached),
    ...(row.failed_run_id !== null && { lastFailure: { runId: row.failed_run_id, endedAtMs: Number(row.failed_at_ms), message: row.failed_message ?? undefined } }),
  }))
}

export const isMet = sql`ended_at_ms < sla_at_ms`
export const isBreached = ({ clock }: Pick<Scope, 'clock'>): RawBuilder<unknown> => sql`coalesce(ended_at_ms, ${clock.now()}) >= sla_at_ms`

/** How many rows a condition holds for. */
export function number(isSo: RawBuilder<unknown>): RawBuilder<number | string> {
  return sql`count(case when ${isSo} then 1 end)`
}

function ofLastFailure<T>(column: 'run_id' | 'ended_at_ms' | 'message'): RawBuilder<T | null> {
  return sql`max(case when state = 'FAILED' and nth = 1 then ${sql.ref(column)} end)`
}
