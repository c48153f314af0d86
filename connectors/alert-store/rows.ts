import type { Selectable } from 'kysely'
import { HubError } from '../../schema/errors.ts'
import type { Alert, AlertKind, AlertRule, DeadNotice, NewAlertRule } from '../ports/alert-store.ts'
import type { Notice } from '../ports/notifier.ts'
import { isKept } from '../run-store/rows.ts'
import type { Database } from './schema.ts'

/** A rule as it was declared. */
export function ruleOf({ application, name, rule, changed_by: changedBy, changed_at_ms: changedAtMs }: Selectable<Database['alert_rule']>): AlertRule {
  return { ...(JSON.parse(rule) as Omit<NewAlertRule, 'application' | 'name'>), application, name, changedBy, changedAtMs: Number(changedAtMs) }
}

/** An alert as it stands. PostgreSQL answers long integers as texts. */
export function alertOf(row: Selectable<Database['alert']>): Alert {
  const { acknowledged_by: by, acknowledged_at_ms: atMs, comment } = row
  return {
    id: row.alert_id, application: row.application, rule: row.rule, kind: row.kind as AlertKind, subject: { kind: row.subject_kind as Alert['subject']['kind'], id: row.subject }, runId: row.run_id, message: row.message, count: row.count,
    firstAtMs: Number(row.first_at_ms), lastAtMs: Number(row.last_at_ms), raisedAtMs: Number(row.raised_at_ms),
    ...(by !== null && { acknowledged: { by, atMs: Number(atMs), ...(comment !== null && { comment }) } }),
  }
}

export function deadNoticeOf({ application, notice, attempts, code, message, died_at_ms: diedAtMs }: Selectable<Database['dead_notice']>): DeadNotice {
  return { application, notice: JSON.parse(notice) as Notice, attempts, failure: { code, message }, diedAtMs: Number(diedAtMs) }
}

/** The most characters of a text of an index. */
const longest = 255

/** Refuses what could not be found again as it was given. */
export function checkRule({ application, name, subject, targets }: NewAlertRule): void {
  const texts = [['application', application], ['name', name], ['subject', subject?.id ?? ''], ...targets.map(({ target }) => ['target', target] as const)] as const
  for (const [field, text] of texts) {
    const found = `The ${field} of an alert rule begins with ${JSON.stringify(text.slice(0, 20))}`
    if (field !== 'target' && text.length > longest) throw new HubError('VALIDATION_ERROR', `${found} and has ${text.length} characters; it may have ${longest}. Choose a shorter one.`, { field })
    if (!isKept(text)) throw new HubError('VALIDATION_ERROR', `${found} and has a NUL or half of a character in it, which cannot be stored. Leave it out.`, { field })
  }
}
