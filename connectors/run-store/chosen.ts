import { type Kysely, type SelectQueryBuilder, sql } from 'kysely'
import type { RunFilter } from '../ports/run-store.ts'
import type { Scope } from '../ports/scope.ts'
import { isKept } from './rows.ts'
import type { Database } from './schema.ts'

/** The runs of the caller's tenant that a filter lets through. */
export function chosenRuns(db: Kysely<Database>, { tenant }: Scope, { application, applications, subject, kind, states, jobRunId, sinceMs, untilMs }: RunFilter): SelectQueryBuilder<Database, 'run', object> {
  let query = db.selectFrom('run').where('tenant', '=', tenant)
  if (states?.length === 0 || applications?.some(isKept) === false || [application, subject, jobRunId].some(text => text !== undefined && !isKept(text))) return query.where(sql<boolean>`1 = 0`)
  if (applications) query = query.where('application', 'in', applications.filter(isKept))
  if (application !== undefined) query = query.where('application', '=', application)
  if (subject !== undefined) query = query.where('subject', '=', subject)
  if (kind !== undefined) query = query.where('kind', '=', kind)
  if (states) query = query.where('state', 'in', states)
  if (jobRunId !== undefined) query = query.where('job_run_id', '=', jobRunId)
  if (sinceMs !== undefined) query = query.where('queued_at_ms', '>=', sinceMs)
  if (untilMs !== undefined) query = query.where('queued_at_ms', '<', untilMs)
  return query
}
