import type { Kysely, Selectable, Transaction } from 'kysely'
import { type ColumnType, compareValues } from '../../schema/values.ts'
import { readText } from '../../schema/value-texts.ts'
import type { Span, Watermark } from '../ports/run-store.ts'
import type { Scope } from '../ports/scope.ts'
import type { RunRow } from './rows.ts'
import type { Database } from './schema.ts'

export async function watermarksOf(db: Kysely<Database>, { tenant }: Scope, application: string, subject: string): Promise<readonly Watermark[]> {
  const rows = await db.selectFrom('run_watermark').selectAll().where('tenant', '=', tenant).where('application', '=', application).where('subject', '=', subject).orderBy('source').execute()
  return rows.map(({ source, column_name: column, type, value, run_id: runId, moved_at_ms }) => ({ source, column, type: type as ColumnType, value, runId, movedAtMs: Number(moved_at_ms) }))
}

export async function spansOf(db: Kysely<Database>, { tenant }: Pick<Scope, 'tenant'>, mark: string): Promise<readonly Span[]> {
  const rows = await db.selectFrom('run_span').selectAll().where('tenant', '=', tenant).where('mark', '=', mark).orderBy('source').execute()
  return rows.map(({ source, column_name: column, type, after, up_to: upTo }) => ({ source, column, type: type as ColumnType, after, ...(upTo !== null && { upTo }) }))
}

export async function fixSpans(tx: Transaction<Database>, { tenant }: Scope, mark: string, spans: readonly Span[]): Promise<void> {
  if (spans.length === 0) return
  const rows = spans.map(({ source, column, type, after, upTo }) => ({ tenant, mark, source, column_name: column, type, after, up_to: upTo ?? null }))
  await tx.insertInto('run_span').values(rows).onConflict(conflict => conflict.columns(['tenant', 'mark', 'source']).doNothing()).execute()
}

/** Moves the watermarks of a pipeline to where the spans of a run end, and lets go of these. A run that began before another and ended behind it moves none back. */
export async function moveWatermarks(tx: Transaction<Database>, { tenant, application, subject, run_id }: RunRow, nowMs: number, mark: string): Promise<void> {
  for (const { source, column, type, upTo } of await spansOf(tx, { tenant }, mark)) {
    if (upTo === undefined) continue
    const own = { tenant, application, subject, source }
    const before = await tx.selectFrom('run_watermark').selectAll().where('tenant', '=', tenant).where('application', '=', application).where('subject', '=', subject).where('source', '=', source).executeTakeFirst()
    if (before && isBehind(before, { column, type, upTo })) continue
    const moved = { column_name: column, type, value: upTo, run_id, moved_at_ms: nowMs }
    await tx.insertInto('run_watermark').values({ ...own, ...moved }).onConflict(conflict => conflict.columns(['tenant', 'application', 'subject', 'source']).doUpdateSet(moved)).execute()
  }
  await tx.deleteFrom('run_span').where('tenant', '=', tenant).where('mark', '=', mark).execute()
}

/** Whether the end of a span is not behind the watermark. Values of another column, or of another type, have nothing to do with each other. */
function isBehind({ column_name, type, value }: Pick<Selectable<Database['run_watermark']>, 'column_name' | 'type' | 'value'>, span: { readonly column: string; readonly type: ColumnType; readonly upTo: string }): boolean {
  return column_name === span.column && type === span.type && compareValues(span.type, readText(span.type, span.upTo), readText(span.type, value)) <= 0
}
