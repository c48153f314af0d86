import type { Kysely, Transaction } from 'kysely'
import type { Json } from '../../schema/values.ts'
import type { HeldRun, LogPlace, RunLogLine, StoredLogLine } from '../ports/run-store.ts'
import type { Scope } from '../ports/scope.ts'
import { isKept, keptText } from './rows.ts'
import type { Database } from './schema.ts'

const mostLines = 1_000
const mostBytes = 256 * 1024

export async function keepLines(db: Kysely<Database>, { tenant, clock }: Scope, { runId, attempt }: HeldRun, lines: readonly RunLogLine[]): Promise<void> {
  if (!isKept(runId) || lines.length === 0) return
  await db.transaction().execute(async tx => {
    // Written first, so that no engine has to turn a transaction that reads into one that writes.
    const held = await tx.updateTable('run').set({ attempt }).where('tenant', '=', tenant).where('run_id', '=', runId).where('attempt', '=', attempt).returning('run_id').executeTakeFirst()
    if (held) await addLines(tx, { tenant, run_id: runId, attempt }, lines, clock.now())
  })
}

/** The first that fit; then one that says that there were more, and counts for as many bytes as there may be. */
async function addLines(tx: Transaction<Database>, of: { readonly tenant: string; readonly run_id: string; readonly attempt: number }, lines: readonly RunLogLine[], nowMs: number): Promise<void> {
  const found = await tx.selectFrom('run_log').select(({ fn }) => [fn.countAll().as('lines'), fn.sum('bytes').as('bytes')]).where('tenant', '=', of.tenant).where('run_id', '=', of.run_id).where('attempt', '=', of.attempt).executeTakeFirstOrThrow()
  let line = Number(found.lines)
  let size = Number(found.bytes)
  const rows = []
  for (const { atMs, level, message, fields } of lines) {
    if (size >= mostBytes) break
    const texts = { message: keptText(message), fields: JSON.stringify(fields) }
    const bytes = Buffer.byteLength(texts.message) + Buffer.byteLength(texts.fields)
    const fits = line < mostLines && size + bytes < mostBytes
    line += 1
    size += fits ? bytes : mostBytes
    rows.push(fits ? { ...of, line, at_ms: atMs, level, ...texts, bytes } : { ...of, line, at_ms: nowMs, level: 'warn', message: `More was logged and is left out: an attempt keeps ${mostLines} lines and ${mostBytes / 1024} KiB.`, fields: '{}', bytes: mostBytes })
  }
  if (rows.length > 0) await tx.insertInto('run_log').values(rows).execute()
}

export async function linesOf(db: Kysely<Database>, { tenant }: Scope, runId: string, limit: number, after?: LogPlace): Promise<readonly StoredLogLine[]> {
  if (!isKept(runId)) return []
  let query = db.selectFrom('run_log').selectAll().where('tenant', '=', tenant).where('run_id', '=', runId)
  if (after) query = query.where(eb => eb(eb.refTuple('attempt', 'line'), '>', eb.tuple(after.attempt, after.line)))
  const rows = await query.orderBy('attempt').orderBy('line').limit(limit).execute()
  return rows.map(({ attempt, line, at_ms, level, message, fields }) => ({ attempt, line, atMs: Number(at_ms), level: level as StoredLogLine['level'], message, fields: JSON.parse(fields) as Json }))
}
