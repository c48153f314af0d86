import { type Kysely, sql } from 'kysely'
import type { CountFilter, RunTotals } from '../ports/run-store.ts'
import type { Scope } from '../ports/scope.ts'
import { chosenRuns } from './chosen.ts'
import { isBreached, isMet, number } from './counts.ts'
import type { Database } from './schema.ts'

/** Adds up in the engine, in one statement. */
export async function totalRuns(db: Kysely<Database>, scope: Scope, filter: CountFilter): Promise<readonly RunTotals[]> {
  const tookMs = sql<number | string | null>`ended_at_ms - started_at_ms`
  const rows = await chosenRuns(db, scope, filter)
    .select(['kind', 'application', 'subject'])
    .select(({ fn }) => [
      fn.countAll().as('runs'), number(sql`state = 'SUCCEEDED'`).as('succeeded'), number(sql`state = 'FAILED'`).as('failed'), fn.sum('rows_read').as('rows_read'), fn.sum('rows_written').as('rows_written'),
      fn.count(tookMs).as('timed'), fn.sum(tookMs).as('work_ms'), fn.max(tookMs).as('longest_ms'), number(isMet).as('met'), number(isBreached(scope)).as('breached'),
    ])
    .groupBy(['kind', 'application', 'subject']).orderBy('application').orderBy('subject').orderBy('kind')
    .execute()
  return rows.map(row => ({
    kind: row.kind as RunTotals['kind'], application: row.application, subject: row.subject, runs: Number(row.runs), succeeded: Number(row.succeeded), failed: Number(row.failed), rowsRead: Number(row.rows_read), rowsWritten: Number(row.rows_written),
    timed: Number(row.timed), workMs: Number(row.work_ms), ...(row.longest_ms !== null && { longestMs: Number(row.longest_ms) }), slaMet: Number(row.met), slaBreached: Number(row.breached),
  }))
}
