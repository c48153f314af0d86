import { getDirectiveValues, Kind, type DirectiveNode, type FieldNode, type FragmentDefinitionNode, type GraphQLDirective, type GraphQLSchema, type OperationDefinitionNode, type SelectionSetNode } from 'graphql'
import { nearerConsistency, type Consistency, type ConsistencyLevel } from '../../schema/consistency.ts'
import { HubError } from '../../schema/errors.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import type { Fields } from './collect.ts'
import type { Prepared } from './prepare.ts'
import type { Operation } from './supergraph.ts'

const name = 'consistency'

/** What clients may write; it is for the hub, and no subgraph sees it. Added to graphs that have the levels. */
export const consistencySdl = `
"What the reads of an operation, or of one of its root fields and all below that, may be answered from. The nearest word counts: an argument, the field's directive, the operation's, the header X-Consistency, the hub's default."
directive @${name}(level: ConsistencyLevel, "How old the data may be, in milliseconds above 0; asks for BOUNDED_STALENESS by itself." maxStalenessMs: Int) on QUERY | MUTATION | FIELD
`

/** Whether any of the text may say it; most do not, and nobody looks further. */
export const saysConsistency = /\bconsistency\b/

export function isConsistency(directive: DirectiveNode): boolean {
  return directive.name.value === name
}

/** A part of an operation whose root fields are read alike. */
export interface Reads {
  readonly scope: Scope
  readonly fields: Fields
  readonly explain: Operation['explain']
}

/** The root fields by what they may be answered from, each part with its scope. A directive that stands where it means nothing → VALIDATION_ERROR. */
export function readsOf(schema: GraphQLSchema, { scope, explain }: Operation, { node, fragments, fields, variables }: Prepared): readonly Reads[] {
  const directive = schema.getDirective(name)
  if (!directive) return [{ scope, fields, explain }]
  refuseElsewhere(node, fragments)
  const around = said(directive, [node], variables, scope.consistency ?? { level: 'STRONG', from: 'default' }, 'operation')
  const parts = new Map<string, { consistency: Consistency; fields: Map<string, readonly FieldNode[]> }>()
  for (const [key, nodes] of fields) {
    const consistency = said(directive, nodes, variables, around, 'field')
    const id = JSON.stringify(consistency)
    const part = parts.get(id) ?? { consistency, fields: new Map() }
    parts.set(id, part)
    part.fields.set(key, nodes)
  }
  return [...parts.values()].map(({ consistency, fields: own }) => ({
    scope: { ...scope, consistency }, fields: own,
    explain: explain && (consistency === around ? explain : read => explain({ consistency, ...read })),
  }))
}

/** What an operation's reads may be answered from where their fields say nothing; the same as the scope says where it does not either. */
export function consistencyOf(schema: GraphQLSchema, node: OperationDefinitionNode, variables: Record<string, unknown>, around: Consistency): Consistency {
  const directive = schema.getDirective(name)
  return directive ? said(directive, [node], variables, around, 'operation') : around
}

function said(directive: GraphQLDirective, nodes: readonly (FieldNode | OperationDefinitionNode)[], variables: Record<string, unknown>, around: Consistency, from: Consistency['from']): Consistency {
  const found = nodes.flatMap(node => {
    const values = getDirectiveValues(directive, node, variables) as { readonly level?: ConsistencyLevel; readonly maxStalenessMs?: number } | undefined
    return values ? [nearerConsistency(around, values, from, { level: '@consistency(level:)', window: '@consistency(maxStalenessMs:)' })] : []
  })
  const [first = around] = found
  const other = found.find(one => one.level !== first.level || one.maxStalenessMs !== first.maxStalenessMs)
  if (other) throw new HubError('VALIDATION_ERROR', `One field is asked for twice, with @consistency of ${first.level} and of ${other.level}${other.level === first.level ? ' with another window' : ''}. Give one of them an alias.`, { field: '@consistency' })
  return first
}

/** Operations whose directives were looked at. */
const placed = new WeakSet<OperationDefinitionNode>()

/** Below a root field reads share one fetch, and a subscription's events are none: the directive cannot be kept there, and is not passed over in silence. */
export function refuseElsewhere(node: OperationDefinitionNode, fragments: readonly FragmentDefinitionNode[]): void {
  if (placed.has(node)) return
  const seen = new Set<string>()
  const walk = (set: SelectionSetNode, mayStand: boolean): void => {
    for (const one of set.selections) {
      if (one.kind === Kind.FIELD) {
        if (!mayStand && one.directives?.some(isConsistency)) {
          throw new HubError('VALIDATION_ERROR', `@consistency stands at "${one.alias?.value ?? one.name.value}". It is for a query or mutation and its root fields, and holds for all below those.`, { field: '@consistency' })
        }
        if (one.selectionSet) walk(one.selectionSet, false)
      } else if (one.kind === Kind.INLINE_FRAGMENT) walk(one.selectionSet, mayStand)
      else if (!seen.has(`${mayStand} ${one.name.value}`)) {
        seen.add(`${mayStand} ${one.name.value}`)
        for (const fragment of fragments) if (fragment.name.value === one.name.value) walk(fragment.selectionSet, mayStand)
      }
    }
  }
  walk(node.selectionSet, node.operation !== 'subscription')
  placed.add(node)
}
