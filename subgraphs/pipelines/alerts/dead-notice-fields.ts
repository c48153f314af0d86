import type { AlertStore, DeadNotice } from '../../../connectors/ports/alert-store.ts'
import type { Notice } from '../../../connectors/ports/notifier.ts'
import type { Context } from '../../../resolvers/context.ts'
import type { CursorSealer } from '../../../resolvers/cursor.ts'
import type { Subgraph } from '../../../resolvers/subgraph.ts'
import { instant, type Json } from '../../../schema/values.ts'
import { noSuchDeadNotice, type Teller } from '../notify/teller.ts'
import { mustHoldInAll, mustHoldWhere } from '../permissions.ts'
import { placedPage } from '../placed-page.ts'
import { shownTarget } from './rule-fields.ts'

export interface DeadNoticeRoles {
  readonly alerts: AlertStore
  readonly cursors: CursorSealer
  readonly teller: Pick<Teller, 'retry'>
}

/** Notices that did not arrive: listed, sent again and discarded. */
export function deadNoticeFields({ alerts, cursors, teller }: DeadNoticeRoles): Subgraph['fields'] {
  return {
    Query: {
      deadNotices: async (_: unknown, { app, ...page }: { app?: string | null; first?: number | null; after?: string | null }, { scope }: Context) => {
        mustHoldWhere(scope, 'pipeline:read', app)
        const filter = app ? { application: app } : {}
        const list = { identity: JSON.stringify(['deadNotices', scope.tenant, filter]), cursors, show: shownDead, placeOf: ({ diedAtMs, notice }: DeadNotice) => ({ diedAtMs, id: notice.id }) }
        return placedPage(list, page, (limit, after) => alerts.deadNotices(scope, filter, limit, after))
      },
    },
    Mutation: {
      retryDeadNotice: async (_: unknown, { id }: { id: string }, { scope }: Context) => {
        mustHoldInAll(scope, 'pipeline:run')
        return shownDead(await teller.retry(scope, id))
      },
      discardDeadNotice: async (_: unknown, { id }: { id: string }, { scope }: Context) => {
        mustHoldInAll(scope, 'pipeline:run')
        const dropped = await alerts.dropDead(scope, id)
        if (!dropped) throw noSuchDeadNotice(id)
        return shownDead(dropped)
      },
    },
  }
}

function shownDead({ application, notice, attempts, failure, diedAtMs }: DeadNotice) {
  const target = notice.kind === 'email' ? notice.to.join(', ') : notice.url
  return { id: notice.id, app: application, kind: notice.kind.toUpperCase(), target: shownTarget(notice.kind, target), about: aboutOf(notice), attempts, failure, diedAt: instant(diedAtMs) }
}

function aboutOf(notice: Notice): string {
  if (notice.kind === 'email') return notice.subject
  const { event, job, pipeline, run_id: runId } = notice.body as Readonly<Record<string, Json>>
  return `${String(event)} of ${String(job ?? pipeline)}, run ${String(runId)}`
}
