import {
  getNamedType, isLeafType, isListType, isNonNullType, isUnionType, Kind, print, separateOperations, TypeInfo, visit, visitWithTypeInfo,
  type DirectiveNode, type DocumentNode, type FieldNode, type FragmentDefinitionNode, type FragmentSpreadNode, type InlineFragmentNode, type GraphQLOutputType, type GraphQLSchema, type OperationDefinitionNode,
} from 'graphql'
import { isIncluded } from './collect.ts'
import { isConsistency } from './consistency.ts'

/**
 * One operation as it is planned: no field stands under an alias that is also the name of another field. Clients' aliases are put back when the answer is
 * projected, so none can collide with a field the plan adds (keys, `@requires`), and a value asked for under two aliases is fetched once.
 * `@consistency` and `@defer` are the hub's own and left out. `@skip` and `@include` are decided: the planner fails over some of them, and fetches some of what they leave out.
 */
export interface Canonical {
  /** The client's own nodes: errors point into them. */
  readonly operation: OperationDefinitionNode
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>
  /** Where the value of each of the client's fields stands in the data. */
  readonly keyOf: ReadonlyMap<FieldNode, string>
  /** Name of each variable in the planned text whose own name the plan needs for itself. */
  readonly renamed: ReadonlyMap<string, string>
  /** Introspection is not planned: it is answered from the public schema. */
  readonly text: string
}

/** The form for coerced variables. It holds for all that give the variables of `conditionsOf` the same values. Objects of the interfaces `ofHidden` may be none that clients see. */
export function canonical(
  schema: GraphQLSchema, operation: OperationDefinitionNode, known: Iterable<FragmentDefinitionNode>, variables: Record<string, unknown>, ofHidden: ReadonlySet<string> = new Set(),
): Canonical {
  const own = alone(operation, known)
  const typeInfo = new TypeInfo(schema)
  const keys = new Keys()
  const keyOf = new Map<FieldNode, string>()
  const renamed = new Map<string, string>()
  const open: string[] = []
  // For the visitor null removes a node, another one replaces it.
  const decided = <Node extends FieldNode | FragmentSpreadNode | InlineFragmentNode>(node: Node): Node | null =>
    isIncluded(node, variables) ? { ...node, directives: node.directives?.filter(directive => !isCondition(directive) && !isConsistency(directive) && directive.name.value !== 'defer') } : null

  const planned = visit(own, visitWithTypeInfo(typeInfo, {
    OperationDefinition: node => (node.directives?.some(isConsistency) ? { ...node, directives: node.directives.filter(directive => !isConsistency(directive)) } : undefined),
    Variable(node) {
      const name = node.name.value
      if (!isReserved(name)) return undefined
      renamed.set(name, `client_${name}`)
      return { ...node, name: { ...node.name, value: `client_${name}` } }
    },
    Field: {
      enter(node) {
        const kept = decided(node)
        if (!kept) return null
        const key = keys.of(node, typeInfo.getType())
        keyOf.set(node, key)
        open.push(isIntrospection(node) ? '__typename' : key)
        return isIntrospection(node) || node.name.value === '__typename' ? typename : kept
      },
      leave(node) {
        const key = open.pop()
        return { ...node, alias: key === undefined || key === node.name.value ? undefined : { kind: Kind.NAME, value: key } }
      },
    },
    InlineFragment: { enter: decided },
    FragmentSpread: { enter: decided },
    SelectionSet: {
      // What conditions leave of a selection may be empty, and of a member of a union nothing: its type is asked for all the same, as is that of what may be hidden.
      leave: node => (node.selections.length === 0 || isUnionType(typeInfo.getParentType()) || ofHidden.has(typeInfo.getParentType()?.name ?? '') ? { ...node, selections: [typename, ...node.selections] } : undefined),
    },
  }))
  const fragments = new Map(own.definitions.flatMap(node => (node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node] as const] : [])))
  return { operation, fragments, keyOf, renamed, text: print(used(planned)) }
}

/** Names of the variables that decide what the operation asks for. */
export function conditionsOf(operation: OperationDefinitionNode, known: Iterable<FragmentDefinitionNode>): readonly string[] {
  const names = new Set<string>()
  visit(alone(operation, known), {
    Directive(node) {
      if (isCondition(node)) for (const { value } of node.arguments ?? []) if (value.kind === Kind.VARIABLE) names.add(value.name.value)
    },
  })
  return [...names]
}

/** The operation with the fragments it uses. */
function alone(operation: OperationDefinitionNode, known: Iterable<FragmentDefinitionNode>): DocumentNode {
  return used({ kind: Kind.DOCUMENT, definitions: [operation, ...known] })
}

function used(document: DocumentNode): DocumentNode {
  return Object.values(separateOperations(document))[0] ?? document
}

function isCondition(directive: DirectiveNode): boolean {
  return directive.name.value === 'skip' || directive.name.value === 'include'
}

export function isIntrospection(node: FieldNode): boolean {
  return node.name.value === '__schema' || node.name.value === '__type'
}

const typename: FieldNode = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } }

/** Names the planner gives to variables of its own. */
function isReserved(variable: string): boolean {
  return variable === 'representations' || variable.startsWith('__batch_reps_')
}

class Keys {
  readonly #byName = new Map<string, Map<string, string>>()
  #count = 0

  of(node: FieldNode, type: GraphQLOutputType | null | undefined): string {
    const name = node.name.value
    const isPlain = !node.arguments?.length
    // Of objects asked for under two aliases one may be null for what is asked below it, and the other not.
    const alias = node.selectionSet ? node.alias?.value ?? name : ''
    const signature = [alias, ...(node.arguments ?? []).map(print).sort(), type ? shape(type) : ''].join('\n')
    const ofName = this.#byName.get(name) ?? new Map<string, string>()
    this.#byName.set(name, ofName)
    const known = ofName.get(signature)
    if (known !== undefined) return known
    // A name that every object has would be found where a fetch brought nothing.
    const key = isPlain && (alias === '' || alias === name) && !(name in Object.prototype) && ![...ofName.values()].includes(name) ? name : `k${++this.#count}_${name}`
    ofName.set(signature, key)
    return key
  }
}

/** Fields of one shape may share a response key wherever they stand (GraphQL, Field Selection Merging). */
function shape(type: GraphQLOutputType): string {
  if (isNonNullType(type)) return `${shape(type.ofType)}!`
  if (isListType(type)) return `[${shape(type.ofType)}]`
  return isLeafType(type) ? getNamedType(type).name : ''
}
