import { HubError } from '../schema/errors.ts'
import type { Scope } from '../connectors/ports/scope.ts'

/** What a caller may be granted: `area:verb`. `*` grants all, as the open hub on loopback does. `cache:read` is for rows of regions and views alike, `query:run` for statements of the caller's own. */
export type Grant = 'cache:read' | 'cache:write' | 'catalog:read' | 'catalog:write' | 'query:run' | 'topic:read' | 'topic:write'

/** Passes callers who hold the grant; FORBIDDEN, naming it, for the others. */
export function mustHold(scope: Scope, grant: Grant): void {
  if (scope.caller.scopes.has(grant) || scope.caller.scopes.has('*')) return
  throw new HubError('FORBIDDEN', `"${scope.caller.subject}" lacks the scope "${grant}". Ask for a token that carries it.`, { needs: grant })
}
