import type { FlattenNodePathSegment, RequiresSelection } from '@graphql-hive/router-query-planner'
import {
  getNamedType, isAbstractType, isInterfaceType, isObjectType, Kind,
  type DocumentNode, type FieldNode, type FragmentDefinitionNode, type GraphQLInterfaceType, type GraphQLObjectType, type GraphQLOutputType, type GraphQLSchema, type SelectionSetNode,
} from 'graphql'
import type { Place, Step } from '../steps.ts'

/** Objects of one type as one answer holds them. */
export interface Layout {
  /** An interface where nothing depends on the objects' own types. */
  readonly type: GraphQLObjectType | GraphQLInterfaceType
  /** In the order they were asked for. */
  readonly fields: readonly LayoutField[]
  /** Of the entities that calls add to such objects; at the root, of the answers of its calls. */
  readonly calls: Layout[]
}

export interface LayoutField {
  /** In the answer. */
  readonly key: string
  readonly name: string
  /** Undefined of a field clients do not see. */
  readonly type: GraphQLOutputType | undefined
  /** Of an object: one for each type it may be of. */
  readonly below: readonly Layout[]
}

/** Where a value of an object lies: in what its own answer held, or in what one of the calls did. */
export interface Source {
  /** -1: its own. */
  readonly call: number
  readonly index: number
  readonly field: LayoutField
}

export interface EntityPlace {
  readonly variable: string
  readonly paths: readonly EntityPath[]
}

export interface EntityPath {
  /** By the layout an object at the step may have; objects of others are passed over. */
  readonly steps: readonly ReadonlyMap<Layout, Source>[]
  readonly ends: ReadonlyMap<Layout, EntityEnd>
}

export interface EntityEnd {
  /** Where the entity is kept. */
  readonly call: number
  readonly entity: Layout
  readonly requires: readonly { readonly key: string; readonly source: Source }[]
}

/** Why a plan is not covered is nobody's to know: it is answered the general way. */
export class NotCovered extends Error {}

const mostFields = 64

/** Layouts of what the calls of one plan answer. */
export class Layouts {
  readonly root: Layout
  readonly #schema: GraphQLSchema

  constructor(schema: GraphQLSchema, rootType: GraphQLObjectType) {
    this.#schema = schema
    this.root = { type: rootType, fields: [], calls: [] }
  }

  /** Where the value under the key lies in objects of the layout: in one place, or it is not covered; undefined where no call asks for it. */
  source(layout: Layout, key: string): Source | undefined {
    const found = [layout, ...layout.calls].flatMap((one, call) => one.fields.flatMap((field, index) => (field.key === key ? [{ call: call - 1, index, field }] : [])))
    if (found.length > 1 && key !== '__typename') throw new NotCovered()
    return found[0]
  }

  /** Number of the call at the root. */
  addRoot({ call }: Extract<Step, { kind: 'root' }>): number {
    const { selections, fragments } = operationOf(call.parsed)
    return this.root.calls.push(this.#layout(this.root.type, [selections], fragments)) - 1
  }

  addEntities(place: Place, document: DocumentNode): EntityPlace {
    if (place.inputs.length > 0 || place.outputs.length > 0) throw new NotCovered()
    const { selections, fragments } = operationOf(document)
    const [entities, ...others] = selections.selections.flatMap(one => (one.kind === Kind.FIELD && (one.alias?.value ?? one.name.value) === place.alias && one.selectionSet ? [one.selectionSet] : []))
    if (!entities || others.length > 0) throw new NotCovered()

    const byType = new Map<string, Layout>()
    const calls = new Map<Layout, number>()
    const wanted = new Map(place.requires.map(one => {
      const type = one.kind === 'InlineFragment' && !one.skipIf && !one.includeIf ? this.#schema.getType(one.typeCondition) : undefined
      if (one.kind !== 'InlineFragment' || !isObjectType(type)) throw new NotCovered()
      byType.set(type.name, this.#layout(type, [entities], fragments))
      return [type.name, one.selections] as const
    }))
    if (wanted.size !== place.requires.length) throw new NotCovered()

    const paths = place.paths.map(path => {
      const steps = this.#steps(path)
      const end = (layout: Layout): EntityEnd | undefined => {
        const entity = byType.get(layout.type.name)
        if (!entity) return undefined
        const call = calls.get(layout) ?? layout.calls.push(entity) - 1
        calls.set(layout, call)
        return { call, entity, requires: this.#required(layout, call, wanted.get(layout.type.name) ?? []) }
      }
      return { steps: steps.cases, ends: new Map([...steps.layouts].flatMap(layout => { const one = end(layout); return one ? [[layout, one] as const] : [] })) }
    })
    return { variable: place.variable, paths }
  }

  #required(layout: Layout, call: number, selections: readonly RequiresSelection[]): EntityEnd['requires'] {
    return selections.flatMap(one => {
      if (one.kind !== 'Field' || one.selections?.length) throw new NotCovered()
      if (one.name === '__typename') return []
      const source = this.source({ ...layout, calls: layout.calls.map((each, index) => (index === call ? { ...each, fields: [] } : each)) }, one.name)
      if (!source || source.field.below.length > 0) throw new NotCovered()
      return [{ key: one.alias ?? one.name, source }]
    })
  }

  #steps(path: readonly FlattenNodePathSegment[]): { readonly cases: readonly ReadonlyMap<Layout, Source>[]; readonly layouts: ReadonlySet<Layout> } {
    const cases: Map<Layout, Source>[] = []
    let layouts = new Set([this.root])
    for (const segment of path) {
      if (segment === '@') continue
      if ('TypeCondition' in segment) {
        layouts = new Set([...layouts].filter(({ type }) => segment.TypeCondition.some(name => this.#isOf(type, name))))
        continue
      }
      const known = new Map([...layouts].flatMap(layout => { const source = this.source(layout, segment.Field); return source ? [[layout, source] as const] : [] }))
      cases.push(known)
      layouts = new Set([...known.values()].flatMap(({ field }) => field.below))
    }
    return { cases, layouts }
  }

  #layout(type: Layout['type'], sets: readonly SelectionSetNode[], fragments: ReadonlyMap<string, FragmentDefinitionNode>): Layout {
    const nodes = new Map<string, FieldNode[]>()
    for (const set of sets) this.#collect(type, set, fragments, nodes)
    if (nodes.size === 0 || nodes.size > mostFields) throw new NotCovered()
    const fields = [...nodes].map(([key, [node, ...others]]): LayoutField => {
      const name = node?.name.value ?? ''
      const declared = type.getFields()[name]
      const selections = [node, ...others].flatMap(one => one?.selectionSet ?? [])
      if (selections.length > 0 && !declared) throw new NotCovered()
      return { key, name, type: declared?.type, below: declared && selections.length > 0 ? this.#below(declared.type, selections, fragments) : [] }
    })
    return { type, fields, calls: [] }
  }

  #below(type: GraphQLOutputType, sets: readonly SelectionSetNode[], fragments: ReadonlyMap<string, FragmentDefinitionNode>): readonly Layout[] {
    const named = getNamedType(type)
    if (isObjectType(named)) return [this.#layout(named, sets, fragments)]
    if (!isAbstractType(named)) throw new NotCovered()
    const layouts = this.#schema.getPossibleTypes(named).map(one => this.#layout(one, sets, fragments))
    // An object that may be of several types has to begin with the name of its own.
    if (layouts.every(({ fields: [first] }) => first?.key === '__typename' && first.name === '__typename')) return layouts
    if (!isInterfaceType(named)) throw new NotCovered()
    return [this.#layout(named, sets, fragments)]
  }

  #collect(type: Layout['type'], set: SelectionSetNode, fragments: ReadonlyMap<string, FragmentDefinitionNode>, into: Map<string, FieldNode[]>): void {
    for (const node of set.selections) {
      if (node.directives?.length) throw new NotCovered()
      if (node.kind === Kind.FIELD) {
        const key = node.alias?.value ?? node.name.value
        into.set(key, [...(into.get(key) ?? []), node])
        continue
      }
      const fragment = node.kind === Kind.FRAGMENT_SPREAD ? fragments.get(node.name.value) : node
      const condition = fragment?.typeCondition?.name.value
      if (fragment && (condition === undefined || this.#isOf(type, condition))) this.#collect(type, fragment.selectionSet, fragments, into)
      else if (isInterfaceType(type)) throw new NotCovered()
    }
  }

  #isOf(type: Layout['type'], name: string): boolean {
    if (type.name === name) return true
    const condition = this.#schema.getType(name)
    if (!condition) throw new NotCovered()
    return isAbstractType(condition) && this.#schema.isSubType(condition, type)
  }
}

function operationOf(document: DocumentNode): { readonly selections: SelectionSetNode; readonly fragments: ReadonlyMap<string, FragmentDefinitionNode> } {
  const operation = document.definitions.find(node => node.kind === Kind.OPERATION_DEFINITION)
  if (!operation) throw new NotCovered()
  return { selections: operation.selectionSet, fragments: new Map(document.definitions.flatMap(node => (node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node] as const] : []))) }
}
