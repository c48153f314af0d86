import type { FragmentDefinitionNode, GraphQLObjectType, GraphQLSchema, OperationDefinitionNode } from 'graphql'
import { collectFields } from 'graphql/execution/collectFields.js'
import type { Form } from './form.ts'
import { fieldsOf, Selection } from './selection.ts'

/** How many fields of one variant are kept compiled, over all types they were met on. A document that reaches more compiles the rest in every run. */
const keptFields = 5_000

/** An operation under one outcome of its conditions. Selections are compiled when a run first reaches them: a document costs what its answers are made of, not what it could ask. */
export class Variant {
  readonly schema: GraphQLSchema
  readonly operation: OperationDefinitionNode
  readonly fragments: Record<string, FragmentDefinitionNode>
  readonly rootType: GraphQLObjectType
  /** What `@skip` and `@include` depend on. */
  readonly conditions: Record<string, unknown>
  #room = keptFields
  readonly #roots = new Map<Form, Selection>()

  constructor(from: Pick<Variant, 'schema' | 'operation' | 'fragments' | 'rootType' | 'conditions'>) {
    this.schema = from.schema
    this.operation = from.operation
    this.fragments = from.fragments
    this.rootType = from.rootType
    this.conditions = from.conditions
  }

  /** The operation's own selection. Throws what graphql-js throws over a condition that says nothing. */
  root(form: Form): Selection {
    const known = this.#roots.get(form)
    if (known) return known
    const collected = collectFields(this.schema, this.fragments, this.conditions, this.rootType, this.operation.selectionSet)
    const selection = new Selection(this.rootType, undefined, fieldsOf(this.schema, this.rootType, collected, form), form)
    this.#roots.set(form, selection)
    return selection
  }

  /** Whether that many more fields may be kept. */
  takes(count: number): boolean {
    if (this.#room < count) return false
    this.#room -= count
    return true
  }
}
