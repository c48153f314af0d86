import { getVariableValues } from 'graphql'
import type { Scope } from '../../connectors/ports/scope.ts'
import type { Prepared } from './operations.ts'

/**
 * What subscriptions of one supergraph must have in common to be executed once: the text, the operation in it, its variables once coerced, and all of the scope that an event may depend on, which is
 * the tenant, the caller's scopes and what reads may be answered from, with the caller's own writes.
 *
 * The subject is not among them: nothing that is read for an event looks at it. Whatever comes to depend on it, or on more of the caller, as a policy may, has to be named here.
 * The request's id, log, deadline and signal make no difference to an event.
 */
export function groupKey({ supergraph, text, node, params }: Pick<Prepared, 'supergraph' | 'text' | 'node' | 'params'>, { tenant, caller, consistency, session }: Pick<Scope, 'tenant' | 'caller' | 'consistency' | 'session'>): string {
  const { coerced } = getVariableValues(supergraph.schema, node.variableDefinitions ?? [], params.variables)
  const parts = [text, node.name?.value, coerced, tenant, [...caller.scopes].sort(), consistency, session?.token]
  return JSON.stringify(parts, (_key, value: unknown) => (typeof value === 'bigint' ? { bigint: String(value) } : value))
}
