import type { Kysely } from 'kysely'
import type { AlertStore } from '../ports/alert-store.ts'
import { isKept, keptText } from '../run-store/rows.ts'
import { deadNoticeOf } from './rows.ts'
import type { Database } from './schema.ts'

/** Notices that did not arrive, each once. */
export function deadNotices(db: Kysely<Database>): Pick<AlertStore, 'keepDead' | 'deadNotices' | 'deadNotice' | 'dropDead'> {
  return {
    async keepDead(scope, { application, notice, attempts, failure }) {
      scope.signal.throwIfAborted()
      const said = { application, notice: JSON.stringify(notice), attempts, code: failure.code, message: keptText(failure.message), died_at_ms: scope.clock.now() }
      const row = await db.insertInto('dead_notice').values({ tenant: scope.tenant, notice_id: notice.id, ...said }).onConflict(conflict => conflict.columns(['tenant', 'notice_id']).doUpdateSet(said)).returningAll().executeTakeFirstOrThrow()
      return deadNoticeOf(row)
    },

    async deadNotices(scope, { application }, limit, after) {
      scope.signal.throwIfAborted()
      if (application !== undefined && !isKept(application)) return []
      let query = db.selectFrom('dead_notice').selectAll().where('tenant', '=', scope.tenant)
      if (application !== undefined) query = query.where('application', '=', application)
      if (after) query = query.where(eb => eb(eb.refTuple('died_at_ms', 'notice_id'), '<', eb.tuple(after.diedAtMs, after.id)))
      return (await query.orderBy('died_at_ms', 'desc').orderBy('notice_id', 'desc').limit(limit).execute()).map(deadNoticeOf)
    },

    async deadNotice(scope, id) {
      scope.signal.throwIfAborted()
      const row = isKept(id) ? await db.selectFrom('dead_notice').selectAll().where('tenant', '=', scope.tenant).where('notice_id', '=', id).executeTakeFirst() : undefined
      return row && deadNoticeOf(row)
    },

    async dropDead(scope, id) {
      scope.signal.throwIfAborted()
      const row = isKept(id) ? await db.deleteFrom('dead_notice').where('tenant', '=', scope.tenant).where('notice_id', '=', id).returningAll().executeTakeFirst() : undefined
      return row && deadNoticeOf(row)
    },
  }
}
