import type { AuditEntry, AuditFilter, AuditOutcome } from '../../../connectors/ports/audit-log.ts'
import type { Context } from '../../../resolvers/context.ts'
import type { CursorSealer } from '../../../resolvers/cursor.ts'
import type { Subgraph } from '../../../resolvers/subgraph.ts'
import { instant } from '../../../schema/values.ts'
import { chosenApplications, mustHoldInAll } from '../permissions.ts'
import type { Audit } from './audit.ts'
import { placedPage } from '../placed-page.ts'

interface FilterInput {
  readonly app?: string | null
  readonly action?: string | null
  readonly actor?: string | null
  readonly subject?: string | null
  readonly outcome?: AuditOutcome | null
  readonly since?: string | null
  readonly until?: string | null
}

/** What was done to definitions and by whom, and whether that is what was written. */
export function auditFields({ audit, cursors }: { readonly audit: Audit; readonly cursors: CursorSealer }): Subgraph['fields'] {
  return {
    Query: {
      auditLog: (_: unknown, { filter, ...page }: { filter?: FilterInput | null; first?: number | null; after?: string | null }, { scope }: Context) => {
        const { app, action, actor, subject, outcome, since, until } = filter ?? {}
        const applications = chosenApplications(scope, 'audit:read', app)
        const wanted: AuditFilter = {
          ...(applications && { applications }), ...(action && { action }), ...(actor && { actor }), ...(subject && { subject }), ...(outcome && { outcome }), ...(since && { sinceMs: Date.parse(since) }), ...(until && { untilMs: Date.parse(until) }),
        }
        const list = { identity: JSON.stringify(['auditLog', scope.tenant, wanted]), cursors, show: shownEntry, placeOf: ({ sequence }: AuditEntry) => sequence }
        return placedPage(list, page, (limit, before) => audit.entries(scope, wanted, limit, before))
      },
      verifyAudit: async (_: unknown, _args: unknown, { scope }: Context) => {
        mustHoldInAll(scope, 'audit:read')
        const { checked, broken } = await audit.verify(scope)
        return { valid: broken === undefined, checked, brokenAt: broken?.sequence ?? null, reason: broken?.reason ?? null }
      },
    },
  }
}

function shownEntry({ application, atMs, ...entry }: AuditEntry) {
  return { ...entry, app: application, at: instant(atMs) }
}
