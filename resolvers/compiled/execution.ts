import type { GraphQLError, GraphQLResolveInfo } from 'graphql'
import type { Path } from 'graphql/jsutils/Path.js'
import type { Field } from './field.ts'
import type { Selection } from './selection.ts'
import type { Variant } from './variant.ts'
import { noteMembers } from './verbatim.ts'

export interface Request {
  /** As they were sent, not yet coerced. */
  readonly variables?: Readonly<Record<string, unknown>> | null
  readonly context?: unknown
  readonly rootValue?: unknown
}

/** One run of an operation. */
export class Execution {
  readonly variant: Variant
  readonly variables: Record<string, unknown>
  readonly context: unknown
  readonly rootValue: unknown
  readonly errors: GraphQLError[] = []
  /** Arguments that follow from variables, by field. */
  #args: Map<Field, Record<string, unknown>> | undefined
  /** Selections of a document too large to be kept whole. */
  #selections: Map<object, Map<unknown, Selection>> | undefined
  /** Values found before they were asked for, by field and parent. */
  #columns: Map<Field, Map<unknown, unknown>> | undefined
  #info: GraphQLResolveInfo | undefined
  #infoField: Field | undefined
  #infoPrev: Path | undefined

  constructor(variant: Variant, variables: Record<string, unknown>, { context, rootValue }: Request) {
    this.variant = variant
    this.variables = variables
    this.context = context
    this.rootValue = rootValue
  }

  get args(): Map<Field, Record<string, unknown>> {
    this.#args ??= new Map()
    return this.#args
  }

  get selections(): Map<object, Map<unknown, Selection>> {
    this.#selections ??= new Map()
    return this.#selections
  }

  /** What was found ahead of the field's values, by parent, to be added to. */
  columnOf(field: Field): Map<unknown, unknown> {
    this.#columns ??= new Map()
    const known = this.#columns.get(field)
    if (known) return known
    const column = new Map<unknown, unknown>()
    this.#columns.set(field, column)
    return column
  }

  /** Undefined: nobody looked for it. Null where there is none, a `Failed` where it could not be found. */
  foundAhead(field: Field, parent: unknown): unknown {
    return this.#columns?.get(field)?.get(parent)
  }

  /** What resolvers are told about the field at this place; a place in a list counts as the list's. Made only for those who ask. */
  info(field: Field, prev: Path | undefined, key: string | number): GraphQLResolveInfo {
    let at = prev
    for (let name = key; typeof name === 'number' && at; at = at.prev) name = at.key
    if (this.#info && this.#infoField === field && this.#infoPrev === at) return this.#info
    const { schema, fragments, operation } = this.variant
    this.#infoField = field
    this.#infoPrev = at
    this.#info = {
      fieldName: field.name, fieldNodes: field.nodes, returnType: field.type, parentType: field.parent, path: { prev: at, key: field.key, typename: field.parent.name },
      schema, fragments, rootValue: this.rootValue, operation, variableValues: this.variables,
    }
    const list = field.list(this.variant)
    if (list) noteMembers(this.#info, list)
    return this.#info
  }
}
