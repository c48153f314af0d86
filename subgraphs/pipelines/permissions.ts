import type { Scope } from '../../connectors/ports/scope.ts'
import { HubError } from '../../schema/errors.ts'

export type PipelineGrant = 'pipeline:read' | 'pipeline:run' | 'pipeline:write' | 'pipeline:approve' | 'audit:read' | 'export:read' | 'mask:reveal'

/** Sets of grants by a name: a caller with the scope `role:operator` has those of OPERATOR for every application, one with `role:operator@crm` for the application `crm`. */
export const roles = {
  VIEWER: ['pipeline:read'],
  OPERATOR: ['pipeline:read', 'pipeline:run'],
  EDITOR: ['pipeline:read', 'pipeline:write'],
  APPROVER: ['pipeline:read', 'pipeline:approve'],
  ADMIN: ['pipeline:read', 'pipeline:run', 'pipeline:write', 'pipeline:approve', 'audit:read'],
} as const satisfies Record<string, readonly PipelineGrant[]>

/** Whether the caller holds a grant for an application: by the grant or a role that has it, for all applications or behind `@` for this one. */
export function holds(scope: Scope, grant: PipelineGrant, app: string): boolean {
  return ['', `@${app}`].some(suffix => namesOf(grant).some(name => scope.caller.scopes.has(name + suffix))) || scope.caller.scopes.has('*')
}

/** Passes callers who hold the grant for the application; FORBIDDEN, naming both, for the others. */
export function mustHoldIn(scope: Scope, grant: PipelineGrant, app: string): void {
  if (!holds(scope, grant, app)) throw refused(scope, grant, ` for the application "${app.slice(0, 64)}"`, app)
}

/** Passes callers who hold the grant for every application. */
export function mustHoldInAll(scope: Scope, grant: PipelineGrant): void {
  if (applicationsOf(scope, grant) !== 'ALL') throw refused(scope, grant, ' for all applications')
}

/** Passes callers who hold the grant for the application that is named, or for every one where none is. */
export function mustHoldWhere(scope: Scope, grant: PipelineGrant, app: string | null | undefined): void {
  if (app) mustHoldIn(scope, grant, app)
  else mustHoldInAll(scope, grant)
}

/** The applications the caller holds the grant for; FORBIDDEN where there is none. */
export function applicationsOf(scope: Scope, grant: PipelineGrant): 'ALL' | ReadonlySet<string> {
  const names = namesOf(grant)
  const { scopes } = scope.caller
  if (scopes.has('*') || names.some(name => scopes.has(name))) return 'ALL'
  const own = new Set([...scopes].flatMap(held => names.flatMap(name => (held.startsWith(`${name}@`) ? [held.slice(name.length + 1)] : []))))
  if (own.size === 0) throw refused(scope, grant, '')
  return own
}

/** Those of a list that are asked for, of those the caller holds the grant for; undefined: all there are. An application that is asked for and not held → FORBIDDEN. */
export function chosenApplications(scope: Scope, grant: PipelineGrant, app: string | null | undefined): readonly string[] | undefined {
  if (app) {
    mustHoldIn(scope, grant, app)
    return [app]
  }
  const own = applicationsOf(scope, grant)
  return own === 'ALL' ? undefined : [...own].sort()
}

/** Scopes that have the grant among theirs: itself, and those of roles. */
function namesOf(grant: PipelineGrant): readonly string[] {
  return [grant, ...Object.entries(roles).filter(([, grants]) => grants.some(one => one === grant)).map(([role]) => `role:${role.toLowerCase()}`)]
}

function refused({ caller }: Scope, grant: PipelineGrant, where: string, app?: string): HubError {
  return new HubError('FORBIDDEN', `"${caller.subject}" lacks the scope "${grant}"${where}. Ask for a token that carries it, or a role that has it.`, { needs: grant, ...(app !== undefined && { app: app.slice(0, 64) }) })
}
