import {
  getNamedType, isLeafType, isListType, isNonNullType, isUnionType, Kind, print, separateOperations, TypeInfo, visit, visitWithTypeInfo,
  type DirectiveNode, type DocumentNode, type FieldNode, type FragmentDefinitionNode, type FragmentSpreadNode, type InlineFragmentNode, type GraphQLOutputType, type GraphQLSchema, type OperationDefinitionNode,
} from 'graphql'
import { isIncluded } from './collect.ts'

/**
 * One operation as it is planned: no field stands under an alias that is also the name of another field. Clients' aliases are put back when the answer is
 * projected, so none can collide with a field the plan adds (keys, `@requires`), and a value asked for under two aliases is fetched once.
 */
export interface Canonical {
  /** The client's own nodes: errors point into them. */
  readonly operation: OperationDefinitionNode
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>
  /** Where the value of each of the client's fields stands in the data. */
  readonly keyOf: ReadonlyMap<FieldNode, string>
  /** Name of each variable in the planned text whose own name the plan needs for itself. */
  readonly renamed: ReadonlyMap<string, string>
  /** Variables that decide what is asked for. */
  readonly conditions: readonly string[]
  /** Introspection is not planned: it is answered from the public schema. */
  readonly text: string
}

/** With `given` variables the conditions (`@skip`, `@include`) are decided instead of planned: the text holds for requests that decide them alike. */
export function canonical(schema: GraphQLSchema, operation: OperationDefinitionNode, known: Iterable<FragmentDefinitionNode>, given?: Record<string, unknown>): Canonical {
  const document: DocumentNode = { kind: Kind.DOCUMENT, definitions: [operation, ...known] }
  const own = separateOperations(document)[operation.name?.value ?? ''] ?? document
  const typeInfo = new TypeInfo(schema)
  const keys = new Keys()
  const keyOf = new Map<FieldNode, string>()
  const renamed = new Map<string, string>()
  const open: string[] = []
  const conditions = new Set<string>()
  // Undefined leaves a node as it is, null removes it, a node replaces it.
  const decided = <Node extends FieldNode | FragmentSpreadNode | InlineFragmentNode>(node: Node): Node | null | undefined => {
    const own = (node.directives ?? []).filter(isCondition)
    for (const argument of own.flatMap(one => one.arguments ?? [])) if (argument.value.kind === Kind.VARIABLE) conditions.add(argument.value.name.value)
    if (!given || own.length === 0) return undefined
    return isIncluded(node, given) ? { ...node, directives: node.directives?.filter(one => !isCondition(one)) } : null
  }

  const planned = visit(own, visitWithTypeInfo(typeInfo, {
    Variable(node) {
      const name = node.name.value
      if (!isReserved(name)) return undefined
      renamed.set(name, `client_${name}`)
      return { ...node, name: { ...node.name, value: `client_${name}` } }
    },
    Field: {
      enter(node) {
        const key = keys.of(node, typeInfo.getType())
        keyOf.set(node, key)
        const kept = decided(node)
        if (kept === null) return null
        open.push(isIntrospection(node) ? '__typename' : key)
        // A selection must not become empty, and a type costs nothing; the planner fails over conditions on it.
        return isIntrospection(node) || node.name.value === '__typename' ? typename : kept
      },
      leave(node) {
        const key = open.pop()
        return { ...node, alias: key === undefined || key === node.name.value ? undefined : { kind: Kind.NAME, value: key } }
      },
    },
    InlineFragment: decided,
    FragmentSpread: decided,
    SelectionSet: {
      // Of a member of a union everything else may be left out by its conditions.
      leave: node => (node.selections.length === 0 || isUnionType(typeInfo.getParentType()) ? { ...node, selections: [typename, ...node.selections] } : undefined),
    },
  }))
  const fragments = new Map(own.definitions.flatMap(node => (node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node] as const] : [])))
  return { operation, fragments, keyOf, renamed, conditions: [...conditions], text: print(planned) }
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
    const key = isPlain && (alias === '' || alias === name) && ![...ofName.values()].includes(name) ? name : `k${++this.#count}_${name}`
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
