import { createHash, randomUUID } from 'node:crypto'
import { type Kysely, Migrator, type Transaction } from 'kysely'
import { HubError } from '../../schema/errors.ts'
import type { AlertStore } from '../ports/alert-store.ts'
import type { Scope } from '../ports/scope.ts'
import { isKept, keptText } from '../run-store/rows.ts'
import { deadNotices } from './dead-notices.ts'
import { alertOf, checkRule, ruleOf } from './rows.ts'
import { type Database, migrations, migrationTables } from './schema.ts'

/** The rules, alerts and dead notices over any engine kysely speaks to, their tables brought up to date first. Closing it closes `db`. */
export async function openAlerts(db: Kysely<Database>): Promise<AlertStore> {
  const { error } = await new Migrator({ db, provider: { getMigrations: async () => migrations }, ...migrationTables }).migrateToLatest()
  if (error) throw error

  const alone = <T>({ signal }: Scope, work: (tx: Transaction<Database>) => Promise<T>): Promise<T> =>
    db.transaction().execute(async tx => {
      await tx.updateTable('alert_writer').set(eb => ({ turns: eb('turns', '+', 1) })).execute()
      signal.throwIfAborted()
      return work(tx)
    })
  const isFirst = async (tx: Transaction<Database>, { tenant, clock }: Scope, event: readonly string[]): Promise<boolean> => {
    const row = { tenant, event_key: digest(event), at_ms: clock.now() }
    return (await tx.insertInto('alert_event').values(row).onConflict(conflict => conflict.columns(['tenant', 'event_key']).doNothing()).returning('event_key').executeTakeFirst()) !== undefined
  }

  return {
    async putRule(scope, given) {
      scope.signal.throwIfAborted()
      checkRule(given)
      const { application, name, ...rule } = given
      const said = { rule: JSON.stringify(rule), changed_by: keptText(scope.caller.subject), changed_at_ms: scope.clock.now() }
      const row = await db.insertInto('alert_rule').values({ tenant: scope.tenant, application, name, ...said }).onConflict(conflict => conflict.columns(['tenant', 'application', 'name']).doUpdateSet(said)).returningAll().executeTakeFirstOrThrow()
      return ruleOf(row)
    },

    async removeRule(scope, application, name) {
      scope.signal.throwIfAborted()
      if (!isKept(application) || !isKept(name)) return undefined
      const row = await db.deleteFrom('alert_rule').where('tenant', '=', scope.tenant).where('application', '=', application).where('name', '=', name).returningAll().executeTakeFirst()
      return row && ruleOf(row)
    },

    async rules(scope, application) {
      scope.signal.throwIfAborted()
      if (application !== undefined && !isKept(application)) return []
      let query = db.selectFrom('alert_rule').selectAll().where('tenant', '=', scope.tenant)
      if (application !== undefined) query = query.where('application', '=', application)
      const rows = await query.execute()
      return rows.map(ruleOf).sort((a, b) => compare(a.application, b.application) || compare(a.name, b.name))
    },

    async raise(scope, { rule, event, group, subject, runId, atMs, message: text }) {
      scope.signal.throwIfAborted()
      const { tenant, clock } = scope
      const { application, name, kind, quietMs } = rule
      return alone(scope, async tx => {
        if (!(await isFirst(tx, scope, ['rule', application, name, event]))) return undefined
        const group_key = digest([application, name, kind, group])
        const message = keptText(text)
        const last = await tx.selectFrom('alert').selectAll().where('tenant', '=', tenant).where('group_key', '=', group_key).orderBy('first_at_ms', 'desc').limit(1).executeTakeFirst()
        if (last && atMs < Number(last.first_at_ms) + quietMs) {
          const isLater = atMs >= Number(last.last_at_ms)
          const more = { count: last.count + 1, first_at_ms: Math.min(Number(last.first_at_ms), atMs), ...(isLater && { last_at_ms: atMs, run_id: runId, message }) }
          const row = await tx.updateTable('alert').set(more).where('tenant', '=', tenant).where('alert_id', '=', last.alert_id).returningAll().executeTakeFirstOrThrow()
          return { alert: alertOf(row), isNew: false }
        }
        const row = await tx.insertInto('alert').values({
          tenant, alert_id: randomUUID(), application, rule: name, kind, subject_kind: subject.kind, subject: subject.id, group_key, run_id: runId, message, count: 1,
          first_at_ms: atMs, last_at_ms: atMs, raised_at_ms: clock.now(), acknowledged_by: null, acknowledged_at_ms: null, comment: null,
        }).returningAll().executeTakeFirstOrThrow()
        return { alert: alertOf(row), isNew: true }
      })
    },

    async once(scope, event) {
      scope.signal.throwIfAborted()
      return alone(scope, tx => isFirst(tx, scope, ['once', event]))
    },

    async alerts(scope, { application, kind, subject, isAcknowledged, sinceMs, untilMs }, limit, after) {
      scope.signal.throwIfAborted()
      if ([application, subject?.id].some(text => text !== undefined && !isKept(text))) return []
      let query = db.selectFrom('alert').selectAll().where('tenant', '=', scope.tenant)
      if (application !== undefined) query = query.where('application', '=', application)
      if (kind !== undefined) query = query.where('kind', '=', kind)
      if (subject !== undefined) query = query.where('subject_kind', '=', subject.kind).where('subject', '=', subject.id)
      if (isAcknowledged !== undefined) query = query.where('acknowledged_at_ms', isAcknowledged ? 'is not' : 'is', null)
      if (sinceMs !== undefined) query = query.where('raised_at_ms', '>=', sinceMs)
      if (untilMs !== undefined) query = query.where('raised_at_ms', '<', untilMs)
      if (after) query = query.where(eb => eb(eb.refTuple('raised_at_ms', 'alert_id'), '<', eb.tuple(after.raisedAtMs, after.id)))
      const rows = await query.orderBy('raised_at_ms', 'desc').orderBy('alert_id', 'desc').limit(limit).execute()
      return rows.map(alertOf)
    },

    async acknowledge(scope, id, comment) {
      scope.signal.throwIfAborted()
      const noted = { acknowledged_by: keptText(scope.caller.subject), acknowledged_at_ms: scope.clock.now(), comment: comment === undefined ? null : keptText(comment) }
      const row = isKept(id) ? await db.updateTable('alert').set(noted).where('tenant', '=', scope.tenant).where('alert_id', '=', id).returningAll().executeTakeFirst() : undefined
      if (!row) throw new HubError('NOT_FOUND', `There is no alert "${id}". The list "alerts" has those there are.`, { id })
      return alertOf(row)
    },

    ...deadNotices(db),
    close: () => db.destroy(),
  }
}

function digest(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

/** By characters, as every engine's own order is another. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
