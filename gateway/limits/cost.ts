import {
  type DirectiveNode, type DocumentNode, type FieldNode, type FragmentDefinitionNode, type GraphQLField, type GraphQLNamedType, type GraphQLSchema, getNamedType, getNullableType,
  isAbstractType, isCompositeType, isListType, isObjectType, Kind, type OperationDefinitionNode, type SelectionNode, type ValueNode, visit,
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
 * so the figure is an upper bound.
 *
 * Answers the cost for given variables, of a document that validated. The selection is walked once for each outcome of its conditions, of which a few are kept; after that
 * only sizes are read.
 */
export function costOf(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, defaultRows: number): (variables: Variables) => number {
  const root = schema.getRootType(operation.operation)
  if (!root) return () => 0
  const fragments = new Map(document.definitions.filter(definition => definition.kind === Kind.FRAGMENT_DEFINITION).map(definition => [definition.name.value, definition]))
  const defaults = new Map(operation.variableDefinitions?.map(definition => [definition.variable.name.value, definition.defaultValue]))
  const conditions = conditionsIn(document)
  const known = new Map<string, Cost>()
  return variables => {
    const read: Read = name => (name in variables ? variables[name] : literal(defaults.get(name), () => undefined))
    const outcome = conditions.map(name => outcomeOf(read(name))).join('')
    let cost = known.get(outcome)
    if (cost === undefined) {
      cost = selectionCost({ schema, fragments, defaultRows, condition: read }, root, [operation.selectionSet.selections], false)
      if (known.size >= outcomesKept) known.clear()
      known.set(outcome, cost)
    }
    return figure(cost, read)
  }
}

/** Fails with QUERY_TOO_COMPLEX, with the figure and the limit. */
export function refuseAbove(limits: LimitsSettings, cost: number): void {
  if (cost <= limits.maxCost) return
  throw new HubError('QUERY_TOO_COMPLEX', `The operation may return ${cost} rows (limit ${limits.maxCost}). Ask for fewer with "first", or nest fewer lists.`, { found: { cost }, limits: { cost: limits.maxCost } })
}

type Read = (variable: string) => unknown

/** A figure, or how it follows from the variables. */
type Cost = number | ((read: Read) => number)

const figure = (cost: Cost, read: Read): number => (typeof cost === 'number' ? cost : cost(read))

/** Outcomes of its conditions of which an operation's cost is kept. */
const outcomesKept = 16

interface Walk {
  readonly schema: GraphQLSchema
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>
  readonly defaultRows: number
  /** Values of the variables that decide what is left out. */
  readonly condition: Read
}

interface Collected {
  readonly field: GraphQLField<unknown, unknown>
  readonly nodes: FieldNode[]
}

function selectionCost(walk: Walk, type: GraphQLNamedType, sets: readonly (readonly SelectionNode[])[], inConnection: boolean): Cost {
  const fields = new Map<string, Collected>()
  for (const set of sets) collect(walk, type, set, fields, new Set())
  const costs = [...fields.values()].map(({ field, nodes }) => fieldCost(walk, field, nodes, inConnection))
  const fixed = costs.reduce<number>((sum, cost) => sum + (typeof cost === 'number' ? cost : 0), 0)
  const others = costs.filter(cost => typeof cost !== 'number')
  return others.length === 0 ? fixed : read => others.reduce((sum, cost) => sum + cost(read), fixed)
}

function fieldCost(walk: Walk, field: GraphQLField<unknown, unknown>, nodes: readonly FieldNode[], inConnection: boolean): Cost {
  const type = getNamedType(field.type)
  const [node] = nodes
  if (!node || !isCompositeType(type)) return 0
  const connection = isConnection(type)
  const below = selectionCost(walk, type, nodes.map(each => each.selectionSet?.selections ?? []), connection || (inConnection && field.name === 'edges'))
  if (inConnection && rowsOfConnection.has(field.name)) return below
  if (inConnection && field.name === 'pageInfo') return 0
  if (connection) return times(pageSize(walk, field, node), below)
  if (isListType(getNullableType(field.type))) return times(batchSize(walk, node), below)
  return times(1, below)
}

/** So many rows, each with what is below it. */
function times(rows: Cost, below: Cost): Cost {
  if (typeof rows === 'number' && typeof below === 'number') return rows * (1 + below)
  return read => figure(rows, read) * (1 + figure(below, read))
}

const rowsOfConnection = new Set(['edges', 'nodes', 'node'])

function isConnection(type: GraphQLNamedType): boolean {
  return isObjectType(type) && type.name.endsWith('Connection') && ('edges' in type.getFields() || 'nodes' in type.getFields())
}

function pageSize(walk: Walk, field: GraphQLField<unknown, unknown>, node: FieldNode): Cost {
  const sizes = ['first', 'last'].flatMap(name => [argument(node, name), field.args.find(arg => arg.name === name)?.defaultValue])
  return sized(sizes, found => (typeof found === 'number' && Number.isFinite(found) ? Math.max(0, found) : undefined), walk.defaultRows)
}

/** Length of the list the rows are named by; one value stands for a list of one. */
function batchSize(walk: Walk, node: FieldNode): Cost {
  return sized([argument(node, 'keys'), argument(node, 'input')], found => (found === undefined || found === null ? undefined : Array.isArray(found) ? found.length : 1), walk.defaultRows)
}

/** The size of the first value that has one. */
function sized([value, ...rest]: readonly unknown[], sizeOf: (value: unknown) => number | undefined, otherwise: number): Cost {
  const next = rest.length > 0 ? sized(rest, sizeOf, otherwise) : otherwise
  if (!(value instanceof Variable)) return sizeOf(value) ?? next
  return read => sizeOf(read(value.name)) ?? figure(next, read)
}

/** The argument's value as far as the document says it. */
function argument(node: FieldNode, name: string): unknown {
  const given = node.arguments?.find(arg => arg.name.value === name)
  return given ? literal(given.value, variable => new Variable(variable)) : undefined
}

class Variable {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
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

/** Other values than these two leave nothing out. */
function outcomeOf(value: unknown): string {
  return value === true ? '1' : value === false ? '0' : '-'
}

/** Names of the variables that decide what is left out. */
function conditionsIn(document: DocumentNode): readonly string[] {
  const names = new Set<string>()
  visit(document, {
    Directive(node) {
      if (node.name.value === 'skip' || node.name.value === 'include') for (const { value } of node.arguments ?? []) if (value.kind === Kind.VARIABLE) names.add(value.name.value)
    },
  })
  return [...names]
}

function fieldOf(type: GraphQLNamedType, name: string): GraphQLField<unknown, unknown> | undefined {
  return 'getFields' in type && isCompositeType(type) ? type.getFields()[name] : undefined
}

function leftOut(walk: Walk, directives: readonly DirectiveNode[] | undefined): boolean {
  return (directives ?? []).some(directive => {
    const condition = literal(directive.arguments?.find(arg => arg.name.value === 'if')?.value, walk.condition)
    return (directive.name.value === 'skip' && condition === true) || (directive.name.value === 'include' && condition === false)
  })
}
