import type { Insertable, Selectable } from 'kysely'
import { HubError } from '../../schema/errors.ts'
import type { Json } from '../../schema/values.ts'
import type { Claim, NewRun, RunEnding, StoredRun } from '../ports/run-store.ts'
import type { Scope } from '../ports/scope.ts'
import type { Database } from './schema.ts'

export type RunRow = Selectable<Database['run']>

/** How often workers may begin a run that says nothing of it. */
const usualAttempts = 2

/** A run as it goes into the queue, or to its worker. */
export function queuedRow({ tenant, caller, clock }: Scope, run: NewRun, held?: Pick<Claim, 'worker' | 'leaseMs'>): Insertable<Database['run']> {
  const nowMs = clock.now()
  return {
    tenant, run_id: run.runId, kind: run.kind, application: run.application, subject: run.subject, version: run.version, layer: run.layer ?? null, trigger: run.trigger,
    parameters: JSON.stringify(run.parameters), run_key: run.key ?? null, job_run_id: run.jobRunId ?? null, rerun_of: run.rerunOf ?? null, started_by: keptText(caller.subject),
    state: held ? 'RUNNING' : 'QUEUED', attempt: 1, most_attempts: run.mostAttempts ?? usualAttempts, queued_at_ms: nowMs, not_before_ms: run.notBeforeMs !== undefined && run.notBeforeMs > nowMs ? run.notBeforeMs : null, started_at_ms: held ? nowMs : null, ended_at_ms: null,
    sla_at_ms: run.slaAtMs ?? null, worker: held ? keptText(held.worker) : null, lease_until_ms: held ? nowMs + held.leaseMs : null, asked_to_stop: 0, category: null, message: null, rows_read: 0, rows_written: 0, rows_rejected: 0, record: JSON.stringify(run.record ?? null), lineage_id: null,
  }
}

/** What a run's end changes. */
export function endedRow(nowMs: number, ending: RunEnding): Partial<RunRow> {
  return {
    state: ending.state, ended_at_ms: nowMs, lease_until_ms: null, category: ending.category === undefined ? null : keptText(ending.category), message: ending.message === undefined ? null : keptText(ending.message),
    ...(ending.version !== undefined && { version: ending.version }), rows_read: ending.rowsRead, rows_written: ending.rowsWritten, rows_rejected: ending.rowsRejected, record: JSON.stringify(ending.record),
  }
}

/** What changes with a run whose worker did not come back. */
export function lostRow(nowMs: number, { asked_to_stop, attempt, most_attempts: mostAttempts, worker }: RunRow): Partial<RunRow> {
  if (asked_to_stop === 1) return { state: 'CANCELLED', ended_at_ms: nowMs, lease_until_ms: null }
  if (attempt < mostAttempts) return { state: 'QUEUED', attempt: attempt + 1, started_at_ms: null, worker: null, lease_until_ms: null }
  const message = `LOST: the worker "${worker}" did not come back in time, in attempt ${attempt} of ${mostAttempts}. See in its log why it ended, and run this again.`
  return { state: 'FAILED', ended_at_ms: nowMs, lease_until_ms: null, category: 'SYSTEM', message }
}

/** A row as it is at a moment. PostgreSQL answers long integers as texts. */
export function storedRun(nowMs: number, row: RunRow): StoredRun {
  const endedAtMs = numberOf(row.ended_at_ms)
  const slaAtMs = numberOf(row.sla_at_ms)
  return {
    tenant: row.tenant, runId: row.run_id, kind: row.kind as StoredRun['kind'], application: row.application, subject: row.subject, version: row.version, layer: row.layer ?? undefined,
    trigger: row.trigger as StoredRun['trigger'], parameters: JSON.parse(row.parameters) as Json, jobRunId: row.job_run_id ?? undefined, rerunOf: row.rerun_of ?? undefined, startedBy: row.started_by,
    state: row.state as StoredRun['state'], attempt: row.attempt, queuedAtMs: Number(row.queued_at_ms), startedAtMs: numberOf(row.started_at_ms), endedAtMs, worker: row.worker ?? undefined,
    isAskedToStop: row.asked_to_stop === 1, slaAtMs, sla: slaOf(slaAtMs, endedAtMs, nowMs), category: row.category ?? undefined, message: row.message ?? undefined,
    rowsRead: Number(row.rows_read), rowsWritten: Number(row.rows_written), rowsRejected: Number(row.rows_rejected), record: JSON.parse(row.record) as Json,
  }
}

function slaOf(slaAtMs: number | undefined, endedAtMs: number | undefined, nowMs: number): StoredRun['sla'] {
  if (slaAtMs === undefined) return 'NONE'
  if ((endedAtMs ?? nowMs) >= slaAtMs) return 'BREACHED'
  return endedAtMs === undefined ? 'PENDING' : 'MET'
}

function numberOf(value: number | null): number | undefined {
  return value === null ? undefined : Number(value)
}

/** The most characters of the texts that tell runs apart. PostgreSQL has no longer ones in an index. */
const longest = { runId: 64, application: 255, subject: 255, version: 255, layer: 255, key: 512, jobRunId: 64, rerunOf: 64 } as const satisfies Partial<Record<keyof NewRun, number>>

/** Refuses what could not be found again as it was given. */
export function checkTexts(run: NewRun): void {
  for (const [name, most] of Object.entries(longest) as [keyof typeof longest, number][]) {
    const text = run[name]
    if (text === undefined) continue
    const found = `The ${name} of a run begins with ${JSON.stringify(text.slice(0, 40))}`
    if (text.length > most) throw new HubError('VALIDATION_ERROR', `${found} and has ${text.length} characters; it may have ${most}. Choose a shorter one.`, { field: name })
    if (!isKept(text)) throw new HubError('VALIDATION_ERROR', `${found} and has a NUL or half of a character in it, which cannot be stored. Leave it out.`, { field: name })
  }
}

/** Whether a text can be stored as it is. PostgreSQL has none with a NUL, and refuses to look for one; half of a surrogate pair becomes another character in any engine. */
export function isKept(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

/** A text for people, with a sign in the place of what cannot be stored. */
export function keptText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd')
}
