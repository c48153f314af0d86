import {
  executeSync, isAbstractType, isLeafType, isListType, isNonNullType, isObjectType, Kind,
  type FieldNode, type GraphQLCompositeType, type GraphQLField, type GraphQLInterfaceType, type GraphQLLeafType, type GraphQLObjectType, type GraphQLOutputType, type GraphQLSchema,
} from 'graphql'
import { HubError } from '../../schema/errors.ts'
import { isIntrospection, type Canonical } from './canonical.ts'
import type { Collector, Fields } from './collect.ts'
import type { ErrorList } from './error-list.ts'
import type { Failures, Path } from './failures.ts'
import { leaf } from './leaf.ts'
import { isObject, type Data } from './shape.ts'

export interface Projection {
  readonly schema: GraphQLSchema
  readonly form: Canonical
  readonly collector: Collector
  readonly failures: Failures
  readonly errors: ErrorList
  /** As the client sent them: introspection is executed with them. */
  readonly variables: Readonly<Record<string, unknown>>
  /** Told of each object that is in the answer so far. */
  readonly onObject?: (type: GraphQLObjectType | GraphQLInterfaceType, fields: Fields, data: Data, path: Path) => void
}

/** Stands for a value that may not be null and is: its parent decides. */
const bubbled = Symbol('bubbled')

/** Makes the client's answer of the data, or the part of it at the path: its fields, order and aliases, nulls carried up to where they may stand, errors with their paths. Null when the root itself is. */
export function project(projection: Projection, type: GraphQLObjectType | GraphQLInterfaceType, fields: Fields, data: Data, path: Path = []): Data | null {
  const answer = new Projector(projection).object(type, fields, data, path)
  return answer === bubbled ? null : answer
}

class Projector {
  readonly #of: Projection

  constructor(projection: Projection) {
    this.#of = projection
  }

  object(type: GraphQLObjectType | GraphQLInterfaceType, fields: Fields, data: Data, path: Path): Data | typeof bubbled {
    const reported = this.#of.failures.reportedAt(data)
    for (const { path: below, error } of reported) this.#report(type, fields, below, error, path, [])
    if (reported.length > 0 && this.#isLost(type, fields, data, path)) {
      this.#of.errors.isCut = true
      return bubbled
    }
    const answer: Data = {}
    for (const [key, nodes] of fields) {
      const value = this.#field(type, nodes, data, [...path, key])
      if (value === bubbled) return bubbled
      // An alias of the client's may be the name that sets an object's prototype.
      if (key === '__proto__') Object.defineProperty(answer, key, { value, enumerable: true, configurable: true, writable: true })
      else answer[key] = value
    }
    this.#of.onObject?.(type, fields, data, path)
    return answer
  }

  /** Whether what may not be null is, for a reason told: nothing else needs to be said of an object that is none. */
  #isLost(type: GraphQLObjectType | GraphQLInterfaceType, fields: Fields, data: Data, path: Path): boolean {
    return [...fields].some(([key, [node]]) => {
      const field = node && type.getFields()[node.name.value]
      return field && isNonNullType(field.type) && (data[this.#keyOf(node)] ?? null) === null && this.#of.errors.covers([...path, key])
    })
  }

  #field(type: GraphQLObjectType | GraphQLInterfaceType, nodes: readonly FieldNode[], data: Data, path: Path): unknown {
    const [node] = nodes
    if (!node) return null
    if (node.name.value === '__typename') return this.#typename(type, nodes, path)
    if (isIntrospection(node)) return this.#introspect(nodes, String(path.at(-1)))
    const field = type.getFields()[node.name.value]
    if (!field) return null
    const key = this.#keyOf(node)
    const value = data[key]
    if (value === undefined && !this.#of.errors.covers(path)) {
      const reason = this.#of.failures.reasonFor(data, key)
      if (reason !== undefined) this.#of.errors.tell(reason, path, nodes)
    }
    return this.#complete(field.type, `${type.name}.${field.name}`, field, nodes, value, path)
  }

  #complete(type: GraphQLOutputType, name: string, field: GraphQLField<unknown, unknown>, nodes: readonly FieldNode[], value: unknown, path: Path): unknown {
    if (isNonNullType(type)) {
      const inner = this.#complete(type.ofType, name, field, nodes, value, path)
      if (inner === bubbled) return bubbled
      if (inner !== null) return inner
      if (!this.#of.errors.covers(path)) this.#of.errors.tell(new HubError('INTERNAL', `Cannot return null for non-nullable field ${name}.`), path, nodes)
      this.#of.errors.isCut = true
      return bubbled
    }
    const nullable = value === null || value === undefined ? null : this.#present(type, name, field, nodes, value, path)
    return nullable === bubbled ? null : nullable
  }

  /** A value of a type without its non-null mark; `bubbled` becomes null at the caller. */
  #present(type: GraphQLOutputType, name: string, field: GraphQLField<unknown, unknown>, nodes: readonly FieldNode[], value: unknown, path: Path): unknown {
    if (isListType(type)) {
      if (!Array.isArray(value)) return this.#refuse(`a list for "${name}"`, value, path, nodes)
      const items: unknown[] = []
      for (const [index, item] of value.entries()) {
        const completed = this.#complete(type.ofType, name, field, nodes, item, [...path, index])
        if (completed === bubbled) return bubbled
        items.push(completed)
      }
      return items
    }
    if (isLeafType(type)) {
      const result = leaf(type as GraphQLLeafType, value)
      return result === undefined ? this.#refuse(`a value of type ${type.name} for "${name}"`, value, path, nodes) : result
    }
    if (!isObject(value)) return this.#refuse(`an object for "${name}"`, value, path, nodes)
    const runtime = this.#runtimeType(type as GraphQLCompositeType, value)
    if (!runtime) return this.#refuse(`an object of type ${String(type)} for "${name}"`, value['__typename'] ?? value, path, nodes)
    // The fetch that was to say of which type the object is has failed: what the client asks of its types is not known either.
    const unknown = isObjectType(runtime) ? undefined : this.#of.failures.reasonFor(value, '__typename')
    if (unknown !== undefined) {
      this.#of.errors.tell(unknown, path, nodes)
      return null
    }
    return this.object(runtime, this.#of.collector.below(runtime, nodes), value, path)
  }

  /** Interface objects are of no known concrete type as long as nobody had to find it out: then only fields of the interface were asked for. */
  #runtimeType(type: GraphQLCompositeType, value: Data): GraphQLObjectType | GraphQLInterfaceType | undefined {
    if (isObjectType(type)) return type
    const named = this.#of.schema.getType(String(value['__typename']))
    if (isObjectType(named)) return isAbstractType(type) && this.#of.schema.isSubType(type, named) ? named : undefined
    return (named === type || value['__typename'] === undefined) && 'getFields' in type ? type : undefined
  }

  #typename(type: GraphQLObjectType | GraphQLInterfaceType, nodes: readonly FieldNode[], path: Path): unknown {
    if (isObjectType(type)) return type.name
    this.#of.errors.tell(new HubError('INTERNAL', `No subgraph says of which type this ${type.name} is.`), path, nodes)
    return bubbled
  }

  #introspect(nodes: readonly FieldNode[], key: string): unknown {
    const { schema, form, variables } = this.#of
    const { operation: { variableDefinitions }, fragments } = form
    const operation = { kind: Kind.OPERATION_DEFINITION, operation: 'query', variableDefinitions, selectionSet: { kind: Kind.SELECTION_SET, selections: nodes } } as const
    const result = executeSync({ schema, document: { kind: Kind.DOCUMENT, definitions: [operation as never, ...fragments.values()] }, variableValues: variables })
    return result.data?.[key] ?? null
  }

  #refuse(expected: string, found: unknown, path: Path, nodes: readonly FieldNode[]): null {
    const text = JSON.stringify(found) ?? String(found)
    const quoted = text.length > 80 ? `${text.slice(0, 80)}…` : text
    this.#of.errors.tell(new HubError('UPSTREAM_REJECTED', `A subgraph was asked for ${expected} and answered ${quoted}.`), path, nodes)
    return null
  }

  /** Tells a subgraph's error at every place the client sees it; `below` has the data's keys. */
  #report(type: GraphQLCompositeType, fields: Fields, below: Path, error: unknown, path: Path, nodes: readonly FieldNode[]): void {
    const [key] = below
    const matching = [...fields].filter(([, [node]]) => node && this.#keyOf(node) === key)
    if (matching.length === 0) this.#of.errors.hide(error, path, nodes)
    for (const [responseKey, own] of matching) {
      const positions = takeNumbers(below, 1)
      const at = [...path, responseKey, ...positions]
      const rest = below.slice(1 + positions.length)
      const field = 'getFields' in type ? type.getFields()[own[0]?.name.value ?? ''] : undefined
      if (rest.length === 0 || !field) this.#of.errors.tell(error, at, own)
      else this.#reportBelow(field, own, rest, error, at)
    }
  }

  /** Of what type an object was that an error removed is not known: the first that has the field. */
  #reportBelow(field: GraphQLField<unknown, unknown>, nodes: readonly FieldNode[], below: Path, error: unknown, path: Path): void {
    let type: GraphQLOutputType = field.type
    while (isNonNullType(type) || isListType(type)) type = type.ofType
    if (isLeafType(type)) {
      this.#of.errors.tell(error, path, nodes)
      return
    }
    const candidates: readonly GraphQLObjectType[] = isAbstractType(type) ? this.#of.schema.getPossibleTypes(type) : [type as GraphQLObjectType]
    const has = (candidate: GraphQLObjectType) => [...this.#of.collector.below(candidate, nodes).values()].some(([node]) => node && this.#keyOf(node) === below[0])
    const chosen = candidates.find(has)
    if (chosen) this.#report(chosen, this.#of.collector.below(chosen, nodes), below, error, path, nodes)
    else this.#of.errors.hide(error, path, nodes)
  }

  #keyOf(node: FieldNode): string {
    return this.#of.form.keyOf.get(node) ?? node.alias?.value ?? node.name.value
  }
}

function takeNumbers(path: Path, from: number): number[] {
  const numbers: number[] = []
  for (let index = from; index < path.length; index++) {
    const part = path[index]
    if (typeof part !== 'number') break
    numbers.push(part)
  }
  return numbers
}
