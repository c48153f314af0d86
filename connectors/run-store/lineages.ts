import { createHash } from 'node:crypto'
import type { Kysely, Transaction } from 'kysely'
import type { RunLineage } from '../../schema/lineage.ts'
import type { PipelineLineage } from '../ports/run-store.ts'
import type { Scope } from '../ports/scope.ts'
import type { RunRow } from './rows.ts'
import type { Database } from './schema.ts'

/** Keeps what a run has, under an id that tells it from every other of any pipeline. */
export async function keepLineage(tx: Transaction<Database>, { tenant, application, subject, run_id }: RunRow, endedAtMs: number, lineage: RunLineage): Promise<void> {
  const text = JSON.stringify(lineage)
  const lineage_id = createHash('sha256').update(JSON.stringify([application, subject, text])).digest('hex')
  const last = { run_id, ended_at_ms: endedAtMs }
  await tx.insertInto('run_lineage').values({ tenant, lineage_id, application, subject, ...last, lineage: text }).onConflict(conflict => conflict.columns(['tenant', 'lineage_id']).doUpdateSet(last)).execute()
  await tx.updateTable('run').set({ lineage_id }).where('tenant', '=', tenant).where('run_id', '=', run_id).execute()
}

export async function lineageOf(db: Kysely<Database>, { tenant }: Scope, runId: string): Promise<RunLineage | undefined> {
  const row = await db.selectFrom('run').innerJoin('run_lineage', join => join.onRef('run_lineage.tenant', '=', 'run.tenant').onRef('run_lineage.lineage_id', '=', 'run.lineage_id'))
    .select('lineage').where('run.tenant', '=', tenant).where('run.run_id', '=', runId).executeTakeFirst()
  return row && (JSON.parse(row.lineage) as RunLineage)
}

export async function newestLineages(db: Kysely<Database>, { tenant }: Scope): Promise<readonly PipelineLineage[]> {
  const rows = await db.selectFrom('run_lineage as own').selectAll().where('tenant', '=', tenant)
    .where(eb => eb.not(eb.exists(eb.selectFrom('run_lineage as other').select('other.run_id').whereRef('other.tenant', '=', 'own.tenant').whereRef('other.application', '=', 'own.application').whereRef('other.subject', '=', 'own.subject')
      .where(later => later(later.refTuple('other.ended_at_ms', 'other.lineage_id'), '>', later.refTuple('own.ended_at_ms', 'own.lineage_id'))))))
    .orderBy('application').orderBy('subject').execute()
  return rows.map(row => ({ id: row.lineage_id, application: row.application, subject: row.subject, runId: row.run_id, endedAtMs: Number(row.ended_at_ms), lineage: JSON.parse(row.lineage) as RunLineage }))
}
