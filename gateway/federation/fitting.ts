import type { PlanNode } from '@graphql-hive/router-query-planner'
import { Kind, parse, print, stripIgnoredCharacters, visit, type ConstDirectiveNode, type DefinitionNode, type DocumentNode, type SelectionNode, type SelectionSetNode } from 'graphql'

/** Types as one subgraph has them. */
interface Own {
  /** Object types an object of this type can be of. */
  readonly possible: Map<string, Set<string>>
  /** By `Type.field` the name of the field's type, where it is another than the graph's. */
  readonly narrower: Map<string, string>
}

/**
 * Makes fetches fit the types of their subgraphs: a field that is an interface in the graph may be one of its types in a subgraph, or an interface of fewer types.
 * The planner asks there for fragments on the other types too, which a server refuses.
 */
export function fitting(supergraphSdl: string): (node: PlanNode) => PlanNode {
  if (!/@join__field\([^)]*\btype: /.test(supergraphSdl)) return node => node
  const { definitions } = parse(supergraphSdl, { noLocation: true })
  const fields = fieldTypes(definitions)
  const graphs = ownTypes(definitions, fields)
  if ([...graphs.values()].every(({ narrower }) => narrower.size === 0)) return node => node
  return node => {
    // Plans are data as JSON has it; a node with an operation is a fetch.
    const adjusted = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(adjusted)
      if (typeof value !== 'object' || value === null) return value
      const parts = Object.fromEntries(Object.entries(value).map(([key, part]) => [key, adjusted(part)]))
      const own = graphs.get(String(parts['serviceName']))
      return own && typeof parts['operation'] === 'string' ? { ...parts, operation: fitted(parts['operation'], own, fields) } : parts
    }
    return adjusted(node) as PlanNode
  }
}

function fitted(text: string, own: Own, fields: ReadonlyMap<string, string>): string {
  let isFitted = false
  const typeOf = (parent: string | undefined, field: string) => own.narrower.get(`${parent}.${field}`) ?? fields.get(`${parent}.${field}`)
  const mayBe = (type: string | undefined, condition: string) => {
    const [here, there] = [own.possible.get(type ?? ''), own.possible.get(condition)]
    return !here || !there || [...here].some(name => there.has(name))
  }
  const within = (set: SelectionSetNode, type: string | undefined): SelectionSetNode => {
    const selections = set.selections.flatMap((node): SelectionNode[] => {
      if (node.kind === Kind.FIELD) return [node.selectionSet ? { ...node, selectionSet: within(node.selectionSet, typeOf(type, node.name.value)) } : node]
      if (node.kind !== Kind.INLINE_FRAGMENT) return [node]
      const condition = node.typeCondition?.name.value ?? type
      if (condition === undefined || mayBe(type, condition)) return [{ ...node, selectionSet: within(node.selectionSet, condition) }]
      isFitted = true
      return []
    })
    return { ...set, selections: selections.length > 0 ? selections : [typename] }
  }
  const document = parse(text, { noLocation: true })
  const roots = { query: 'Query', mutation: 'Mutation', subscription: 'Subscription' }
  const definitions = document.definitions.map(node => (node.kind === Kind.OPERATION_DEFINITION ? { ...node, selectionSet: within(node.selectionSet, roots[node.operation]) } : node))
  return isFitted ? stripIgnoredCharacters(print(withoutUnused({ ...document, definitions }))) : text
}

const typename = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } } as const

/** A server refuses variables that no field uses. */
function withoutUnused(document: DocumentNode): DocumentNode {
  const used = new Set<string>()
  visit(document, { VariableDefinition: () => false, Variable: node => void used.add(node.name.value) })
  return visit(document, { VariableDefinition: node => (used.has(node.variable.name.value) ? undefined : null) })
}

/** By `Type.field` the name of the field's type in the graph. */
function fieldTypes(definitions: readonly DefinitionNode[]): ReadonlyMap<string, string> {
  return new Map(definitions.flatMap(node => (isFielded(node) ? (node.fields ?? []).map(field => [`${node.name.value}.${field.name.value}`, bare(print(field.type))] as const) : [])))
}

/** By the name of each subgraph. */
function ownTypes(definitions: readonly DefinitionNode[], fields: ReadonlyMap<string, string>): ReadonlyMap<string, Own> {
  const values = definitions.flatMap(node => (node.kind === Kind.ENUM_TYPE_DEFINITION && node.name.value === 'join__Graph' ? node.values ?? [] : []))
  const byValue = new Map(values.map(value => [value.name.value, { possible: new Map<string, Set<string>>(), narrower: new Map<string, string>() }]))
  const add = (graph: string | undefined, type: string | undefined, object: string) => {
    const possible = byValue.get(graph ?? '')?.possible
    if (type !== undefined) possible?.set(type, (possible.get(type) ?? new Set()).add(object))
  }
  for (const node of definitions) {
    if (node.kind === Kind.UNION_TYPE_DEFINITION) for (const one of joins(node.directives, 'join__unionMember')) add(argument(one, 'graph'), node.name.value, argument(one, 'member') ?? '')
    if (!isFielded(node)) continue
    const type = node.name.value
    for (const one of joins(node.directives, 'join__type')) if (node.kind === Kind.OBJECT_TYPE_DEFINITION || argument(one, 'isInterfaceObject') === 'true') add(argument(one, 'graph'), type, type)
    if (node.kind === Kind.OBJECT_TYPE_DEFINITION) for (const one of joins(node.directives, 'join__implements')) add(argument(one, 'graph'), argument(one, 'interface'), type)
    for (const field of node.fields ?? []) {
      for (const one of joins(field.directives, 'join__field')) {
        const [place, own] = [`${type}.${field.name.value}`, bare(argument(one, 'type') ?? '')]
        if (own !== '' && own !== fields.get(place)) byValue.get(argument(one, 'graph') ?? '')?.narrower.set(place, own)
      }
    }
  }
  return new Map(values.map(value => [argument(joins(value.directives, 'join__graph')[0], 'name') ?? value.name.value, byValue.get(value.name.value)!]))
}

function isFielded(node: DefinitionNode) {
  return node.kind === Kind.OBJECT_TYPE_DEFINITION || node.kind === Kind.INTERFACE_TYPE_DEFINITION
}

function joins(directives: readonly ConstDirectiveNode[] = [], name: string): readonly ConstDirectiveNode[] {
  return directives.filter(one => one.name.value === name)
}

function argument(directive: ConstDirectiveNode | undefined, name: string): string | undefined {
  const value = directive?.arguments?.find(one => one.name.value === name)?.value
  return value && 'value' in value ? String(value.value) : undefined
}

/** `[Thing!]!` → `Thing`. */
function bare(type: string): string {
  return type.replace(/[^\w]/g, '')
}
