import type { Alert, AlertFilter, AlertKind, AlertStore } from '../../../connectors/ports/alert-store.ts'
import { pause, type Scope } from '../../../connectors/ports/scope.ts'
import type { Context } from '../../../resolvers/context.ts'
import type { CursorSealer } from '../../../resolvers/cursor.ts'
import type { Subgraph } from '../../../resolvers/subgraph.ts'
import { HubError } from '../../../schema/errors.ts'
import { instant } from '../../../schema/values.ts'
import { untilLeft } from '../until-left.ts'
import { mustHoldInAll, mustHoldWhere } from '../permissions.ts'
import { placedPage } from '../placed-page.ts'
import { idsOf } from './rule-fields.ts'

interface FilterInput {
  readonly app?: string | null
  readonly kind?: AlertKind | null
  readonly pipelineId?: string | null
  readonly jobId?: string | null
  readonly acknowledged?: boolean | null
  readonly since?: string | null
  readonly until?: string | null
}

/** How often the store is looked at: alerts are those of all hubs, and nobody tells of them. */
const lookMs = 500
/** How far back each look goes: hubs' clocks differ, and what is stored at a moment may be seen later. */
const overlapMs = 60_000
/** Alerts of that time that are looked at; of more the newest. */
const mostAlerts = 1_000

/** Alerts: listed, seen to, and followed live. */
export function alertFields({ alerts, cursors }: { readonly alerts: AlertStore; readonly cursors: CursorSealer }): Subgraph['fields'] {
  return {
    Query: {
      alerts: async (_: unknown, { filter, ...page }: { filter?: FilterInput | null; first?: number | null; after?: string | null }, { scope }: Context) => {
        mustHoldWhere(scope, 'pipeline:read', filter?.app)
        const wanted = filterOf(filter ?? {})
        const list = { identity: JSON.stringify(['alerts', scope.tenant, wanted]), cursors, show: shownAlert, placeOf: ({ raisedAtMs, id }: Alert) => ({ raisedAtMs, id }) }
        return placedPage(list, page, (limit, after) => alerts.alerts(scope, wanted, limit, after))
      },
    },
    Mutation: {
      acknowledgeAlert: async (_: unknown, { id, comment }: { id: string; comment?: string | null }, { scope }: Context) => {
        mustHoldInAll(scope, 'pipeline:run')
        return shownAlert(await alerts.acknowledge(scope, id, comment ?? undefined))
      },
    },
    Subscription: {
      alertRaised: {
        subscribe: (_: unknown, { app }: { app?: string | null }, { scope }: Context) => {
          mustHoldWhere(scope, 'pipeline:read', app)
          return untilLeft(scope, lasting => raisedSince(lasting, alerts, app ?? undefined))
        },
        resolve: (alert: Alert) => shownAlert(alert),
      },
    },
  }
}

/** Alerts that were not there at the first look. */
async function* raisedSince(scope: Scope, alerts: AlertStore, application: string | undefined): AsyncGenerator<Alert, void> {
  const look = () => alerts.alerts(scope, { ...(application !== undefined && { application }), sinceMs: scope.clock.now() - overlapMs }, mostAlerts)
  let known = new Set((await look()).map(({ id }) => id))
  while (!scope.signal.aborted) {
    await pause(scope, lookMs)
    if (scope.signal.aborted) return
    const found = await look()
    for (const alert of found.toReversed()) if (!known.has(alert.id)) yield alert
    known = new Set(found.map(({ id }) => id))
  }
}

function filterOf({ app, kind, pipelineId, jobId, acknowledged, since, until }: FilterInput): AlertFilter {
  if (pipelineId && jobId) throw new HubError('BAD_USER_INPUT', `The filter names the pipeline "${pipelineId}" and the job "${jobId}", and an alert is of one of them. Leave one out.`, { field: 'filter' })
  const id = pipelineId || jobId
  return {
    ...(app && { application: app }), ...(kind && { kind }), ...(id && { subject: { kind: pipelineId ? 'pipeline' : 'job', id } }), ...(typeof acknowledged === 'boolean' && { isAcknowledged: acknowledged }),
    ...(since && { sinceMs: Date.parse(since) }), ...(until && { untilMs: Date.parse(until) }),
  }
}

function shownAlert({ application, subject, firstAtMs, lastAtMs, raisedAtMs, acknowledged, ...alert }: Alert) {
  return {
    ...alert, app: application, ...idsOf(subject), firstAt: instant(firstAtMs), lastAt: instant(lastAtMs), raisedAt: instant(raisedAtMs),
    acknowledgedBy: acknowledged?.by ?? null, acknowledgedAt: acknowledged ? instant(acknowledged.atMs) : null, comment: acknowledged?.comment ?? null,
  }
}
