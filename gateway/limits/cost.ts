import {
  type DirectiveNode, type DocumentNode, type FieldNode, type FragmentDefinitionNode, type GraphQLField, type GraphQLNamedType, type GraphQLSchema, getNamedType, getNullableType,
  isAbstractType, isCompositeType, isListType, isObjectType, Kind, type OperationDefinitionNode, type SelectionNode, type ValueNode,
} from 'graphql'
import { HubError } from '../../schema/errors.ts'
import type { LimitsSettings } from './settings.ts'

type Variables = Readonly<Record<string, unknown>>

/**
 * The cost of an operation is the number of rows it can return:
 *   connection field     n × (1 + cost of what is selected below), n = `first` or `last`, from a literal, a variable or a default; `defaultRows` without one.
 *                        `edges`, `nodes` and `node` inside a connection are the same rows and count no more of their own.
 *   batch field          the same with n = the length of its argument `keys` or `input`.
 *   other list           the same with n = `defaultRows`, where it lists objects.
 *   object               1 + cost of what is selected below.
 *   leaf, introspection  0.
 * Fields of one response name are merged first, as in execution; what `@skip` and `@include` leave out costs nothing. Alternatives of a union add up,
 * so the figure is an upper bound. Walks the selection once; call it with a document that validated.
 */
export function costOf(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: Variables, defaultRows: number): number {
  const root = schema.getRootType(operation.operation)
  if (!root) return 0
  const fragments = new Map(document.definitions.filter(definition => definition.kind === Kind.FRAGMENT_DEFINITION).map(definition => [definition.name.value, definition]))
  const defaults = new Map(operation.variableDefinitions?.map(definition => [definition.variable.name.value, definition.defaultValue]))
  const walk: Walk = {
    schema, fragments, defaultRows,
    variable: name => (name in variables ? variables[name] : literal(defaults.get(name), () => undefined)),
  }
  return selectionCost(walk, root, [operation.selectionSet.selections], false)
}

/** Fails with QUERY_TOO_COMPLEX, with the figure and the limit. */
export function checkCost(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: Variables, limits: LimitsSettings): void {
  const cost = costOf(schema, document, operation, variables, limits.defaultRows)
  if (cost <= limits.maxCost) return
  throw new HubError('QUERY_TOO_COMPLEX', `The operation may return ${cost} rows (limit ${limits.maxCost}). Ask for fewer with "first", or nest fewer lists.`, { found: { cost }, limits: { cost: limits.maxCost } })
}

interface Walk {
  readonly schema: GraphQLSchema
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>
  readonly defaultRows: number
  readonly variable: (name: string) => unknown
}

interface Collected {
  readonly field: GraphQLField<unknown, unknown>
  readonly nodes: FieldNode[]
}

function selectionCost(walk: Walk, type: GraphQLNamedType, sets: readonly (readonly SelectionNode[])[], inConnection: boolean): number {
  const fields = new Map<string, Collected>()
  for (const set of sets) collect(walk, type, set, fields, new Set())
  let cost = 0
  for (const { field, nodes } of fields.values()) cost += fieldCost(walk, field, nodes, inConnection)
  return cost
}

function fieldCost(walk: Walk, field: GraphQLField<unknown, unknown>, nodes: readonly FieldNode[], inConnection: boolean): number {
  const type = getNamedType(field.type)
  const [node] = nodes
  if (!node || !isCompositeType(type)) return 0
  const connection = isConnection(type)
  const below = selectionCost(walk, type, nodes.map(each => each.selectionSet?.selections ?? []), connection || (inConnection && field.name === 'edges'))
  if (inConnection && rowsOfConnection.has(field.name)) return below
  if (inConnection && field.name === 'pageInfo') return 0
  if (connection) return pageSize(walk, field, node) * (1 + below)
  if (isListType(getNullableType(field.type))) return (batchSize(walk, node) ?? walk.defaultRows) * (1 + below)
  return 1 + below
}

const rowsOfConnection = new Set(['edges', 'nodes', 'node'])

function isConnection(type: GraphQLNamedType): boolean {
  return isObjectType(type) && type.name.endsWith('Connection') && ('edges' in type.getFields() || 'nodes' in type.getFields())
}

function pageSize(walk: Walk, field: GraphQLField<unknown, unknown>, node: FieldNode): number {
  for (const name of ['first', 'last']) {
    const found = argument(walk, node, name) ?? field.args.find(arg => arg.name === name)?.defaultValue
    if (typeof found === 'number' && Number.isFinite(found)) return Math.max(0, found)
  }
  return walk.defaultRows
}

/** Length of the list the rows are named by; one value stands for a list of one. */
function batchSize(walk: Walk, node: FieldNode): number | undefined {
  for (const name of ['keys', 'input']) {
    const found = argument(walk, node, name)
    if (found !== undefined && found !== null) return Array.isArray(found) ? found.length : 1
  }
  return undefined
}

function argument(walk: Walk, node: FieldNode, name: string): unknown {
  const given = node.arguments?.find(arg => arg.name.value === name)
  return given ? literal(given.value, walk.variable) : undefined
}

/** Numbers and the lengths of lists are what is asked of it: other literals answer as their kind. */
function literal(node: ValueNode | undefined, variable: (name: string) => unknown): unknown {
  if (!node) return undefined
  switch (node.kind) {
    case Kind.VARIABLE: return variable(node.name.value)
    case Kind.INT: return Number(node.value)
    case Kind.LIST: return node.values
    case Kind.NULL: return null
    case Kind.BOOLEAN: return node.value
    default: return node.kind
  }
}

function collect(walk: Walk, type: GraphQLNamedType, selections: readonly SelectionNode[], into: Map<string, Collected>, seen: Set<string>): void {
  for (const selection of selections) {
    if (leftOut(walk, selection.directives)) continue
    if (selection.kind === Kind.FIELD) {
      const field = fieldOf(type, selection.name.value)
      if (!field) continue
      // Types of an interface may give one response name to different fields: each counts.
      const name = `${type.name}.${selection.alias?.value ?? selection.name.value}`
      const known = into.get(name)
      if (known) known.nodes.push(selection)
      else into.set(name, { field, nodes: [selection] })
      continue
    }
    const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : seen.has(selection.name.value) ? undefined : walk.fragments.get(selection.name.value)
    if (!fragment) continue
    if (fragment.kind === Kind.FRAGMENT_DEFINITION) seen.add(fragment.name.value)
    const narrowed = fragment.typeCondition ? walk.schema.getType(fragment.typeCondition.name.value) : type
    // A wider condition on a concrete type selects the same fields: they merge under the concrete type.
    if (narrowed) collect(walk, isObjectType(type) && isAbstractType(narrowed) ? type : narrowed, fragment.selectionSet.selections, into, seen)
  }
}

function fieldOf(type: GraphQLNamedType, name: string): GraphQLField<unknown, unknown> | undefined {
  return 'getFields' in type && isCompositeType(type) ? type.getFields()[name] : undefined
}

function leftOut(walk: Walk, directives: readonly DirectiveNode[] | undefined): boolean {
  return (directives ?? []).some(directive => {
    const condition = literal(directive.arguments?.find(arg => arg.name.value === 'if')?.value, walk.variable)
    return (directive.name.value === 'skip' && condition === true) || (directive.name.value === 'include' && condition === false)
  })
}
