import {
  getDirectiveValues, GraphQLIncludeDirective, GraphQLSkipDirective, isAbstractType, Kind, typeFromAST,
  type FieldNode, type FragmentDefinitionNode, type GraphQLCompositeType, type GraphQLSchema, type SelectionNode, type SelectionSetNode,
} from 'graphql'
import { deferOf } from './deferred/directive.ts'

/** A fragment of an object that its answer may come without. */
export interface Deferred {
  readonly label: string | undefined
  readonly type: GraphQLCompositeType
  readonly selections: SelectionSetNode
}

/** Per response key, in the order of the answer, the nodes that ask for it. */
export type Fields = ReadonlyMap<string, readonly FieldNode[]>

/** Collects the fields of selections for a type, as the specification's CollectFields; each result is made once. */
export class Collector {
  readonly #schema: GraphQLSchema
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>
  readonly #variables: Record<string, unknown>
  readonly #made = new WeakMap<readonly FieldNode[], Map<GraphQLCompositeType, Fields>>()
  /** By the fields they stand beside; undefined where nothing is deferred. */
  readonly #deferred: Map<Fields, Deferred[]> | undefined
  readonly #parts = new Map<Deferred, Fields>()

  /** With `defers` what is marked with `@defer` is collected apart. */
  constructor(schema: GraphQLSchema, fragments: ReadonlyMap<string, FragmentDefinitionNode>, variables: Record<string, unknown>, defers = false) {
    this.#schema = schema
    this.#fragments = fragments
    this.#variables = variables
    this.#deferred = defers ? new Map() : undefined
  }

  /** What is deferred of the objects that have these fields. */
  deferredOf(fields: Fields): readonly Deferred[] {
    return this.#deferred?.get(fields) ?? []
  }

  /** The fields of a deferred part. */
  part(deferred: Deferred): Fields {
    const fields = this.#parts.get(deferred) ?? this.root(deferred.type, deferred.selections)
    this.#parts.set(deferred, fields)
    return fields
  }

  root(type: GraphQLCompositeType, selections: SelectionSetNode): Fields {
    const fields = new Map<string, FieldNode[]>()
    this.#collect(type, selections, fields, new Set())
    return fields
  }

  below(type: GraphQLCompositeType, nodes: readonly FieldNode[]): Fields {
    const ofNodes = this.#made.get(nodes) ?? new Map<GraphQLCompositeType, Fields>()
    this.#made.set(nodes, ofNodes)
    const known = ofNodes.get(type)
    if (known) return known
    const fields = new Map<string, FieldNode[]>()
    const seen = new Set<string>()
    for (const node of nodes) if (node.selectionSet) this.#collect(type, node.selectionSet, fields, seen)
    ofNodes.set(type, fields)
    return fields
  }

  #collect(type: GraphQLCompositeType, selections: SelectionSetNode, fields: Map<string, FieldNode[]>, seen: Set<string>): void {
    for (const node of selections.selections) {
      if (!isIncluded(node, this.#variables)) continue
      if (node.kind === Kind.FIELD) {
        const key = node.alias?.value ?? node.name.value
        const list = fields.get(key)
        if (list) list.push(node)
        else fields.set(key, [node])
      } else if (node.kind === Kind.INLINE_FRAGMENT) {
        if (node.typeCondition && !this.#applies(type, node.typeCondition.name.value)) continue
        if (!this.#defer(type, node, node.selectionSet, fields)) this.#collect(type, node.selectionSet, fields, seen)
      } else if (!seen.has(node.name.value)) {
        const fragment = this.#fragments.get(node.name.value)
        const applies = fragment !== undefined && this.#applies(type, fragment.typeCondition.name.value)
        if (applies && this.#defer(type, node, fragment.selectionSet, fields)) continue
        seen.add(node.name.value)
        if (applies) this.#collect(type, fragment.selectionSet, fields, seen)
      }
    }
  }

  #defer(type: GraphQLCompositeType, node: SelectionNode, selections: SelectionSetNode, fields: Fields): boolean {
    const said = this.#deferred && deferOf(node, this.#variables)
    if (!this.#deferred || !said) return false
    this.#deferred.set(fields, [...this.deferredOf(fields), { label: said.label, type, selections }])
    return true
  }

  #applies(type: GraphQLCompositeType, condition: string): boolean {
    if (type.name === condition) return true
    const abstract = typeFromAST(this.#schema, { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: condition } })
    return isAbstractType(abstract) && !('getTypes' in type) && this.#schema.isSubType(abstract, type)
  }
}

/** What `@skip` and `@include` say, with coerced variables. */
export function isIncluded(node: SelectionNode, variables: Record<string, unknown>): boolean {
  if (!node.directives?.length) return true
  if (getDirectiveValues(GraphQLSkipDirective, node, variables)?.['if'] === true) return false
  return getDirectiveValues(GraphQLIncludeDirective, node, variables)?.['if'] !== false
}
