import type { DocumentNode, OperationDefinitionNode } from 'graphql'
import { asksForSchema, isCached, withoutCached } from '../../federation/cached.ts'

/** An operation whose answers may be kept, as far as its document says. */
export interface CachedOperation {
  /** No other operation of the process has it. */
  readonly id: number
  /** As it is executed. */
  readonly document: DocumentNode
  /** Why no answer of it is kept; absent: nothing in the document is against it. */
  readonly reason?: string
  /** What of a request its answer depends on, as text no other values have. */
  readonly given: (variables: Readonly<Record<string, unknown>>) => string
}

let operations = 0

/** Undefined where the client did not ask for it. */
export function cachedOperation(document: DocumentNode, node: OperationDefinitionNode): CachedOperation | undefined {
  if (!isCached(node)) return undefined
  const names = (node.variableDefinitions ?? []).map(({ variable }) => variable.name.value)
  return {
    id: ++operations,
    document: withoutCached(document),
    ...(asksForSchema(document) && { reason: 'The operation asks about the schema.' }),
    // A variable that is left out is not one that is null, and JSON has no line break.
    given: variables => names.map(name => (Object.hasOwn(variables, name) ? JSON.stringify(variables[name]) : '')).join('\n'),
  }
}
