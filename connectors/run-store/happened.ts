import type { Kysely } from 'kysely'
import type { EndedState, RunSpan, RunSubject } from '../ports/run-store.ts'
import type { Scope } from '../ports/scope.ts'
import type { RunRow } from './rows.ts'
import { type Database, hasFailed } from './schema.ts'

/** Those whose time was over in the span before they ended. */
export async function breachedRuns(db: Kysely<Database>, { fromMs, untilMs }: RunSpan): Promise<readonly RunRow[]> {
  return db.selectFrom('run').selectAll().where('sla_at_ms', '>=', fromMs).where('sla_at_ms', '<', untilMs).where(eb => eb.or([eb('ended_at_ms', 'is', null), eb('ended_at_ms', '>=', eb.ref('sla_at_ms'))]))
    .orderBy('sla_at_ms').orderBy('tenant').orderBy('run_id').execute()
}

export async function failedRuns(db: Kysely<Database>, { fromMs, untilMs }: RunSpan): Promise<readonly RunRow[]> {
  return db.selectFrom('run').selectAll().where(hasFailed).where('ended_at_ms', '>=', fromMs).where('ended_at_ms', '<', untilMs).orderBy('ended_at_ms').orderBy('tenant').orderBy('run_id').execute()
}

const went: readonly EndedState[] = ['SUCCEEDED', 'SKIPPED_NO_DATA']

export async function failedInRow(db: Kysely<Database>, { tenant }: Scope, { kind, application, subject }: RunSubject, toMs: number): Promise<{ readonly failures: number; readonly sinceMs: number }> {
  const own = db.selectFrom('run').where('tenant', '=', tenant).where('application', '=', application).where('subject', '=', subject).where('kind', '=', kind).where('ended_at_ms', '<=', toMs)
  const { last } = await own.where('state', 'in', went).select(eb => eb.fn.max('ended_at_ms').as('last')).executeTakeFirstOrThrow()
  const sinceMs = Number(last ?? 0)
  const { failures } = await own.where('state', '=', 'FAILED').where('ended_at_ms', '>', sinceMs).select(eb => eb.fn.countAll().as('failures')).executeTakeFirstOrThrow()
  return { failures: Number(failures), sinceMs }
}
