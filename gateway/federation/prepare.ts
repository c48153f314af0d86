import { getOperationAST, getVariableValues, Kind, type DocumentNode, type ExecutionResult, type FragmentDefinitionNode, type GraphQLError, type GraphQLObjectType, type GraphQLSchema, type OperationDefinitionNode } from 'graphql'
import { acceptVariables } from '../../resolvers/compiled/variables.ts'
import { HubError } from '../../schema/errors.ts'
import { conditionsOf } from './canonical.ts'
import { Collector, type Fields } from './collect.ts'
import { badInput, graphqlError } from './errors.ts'
import type { Flights } from './flights.ts'
import type { Plan } from './plan.ts'
import type { Data } from './shape.ts'
import type { Operation, Whole, Written } from './supergraph.ts'

/** One operation of a document, its variables coerced and its root fields collected. */
export interface Prepared {
  readonly node: OperationDefinitionNode
  readonly fragments: readonly FragmentDefinitionNode[]
  readonly rootType: GraphQLObjectType
  readonly fields: Fields
  readonly variables: Data
  /** Of every request with the operation, once one was planned. */
  readonly known: Known
}

/** What is the same whoever asks for the operation. */
interface Known {
  plan?: Plan
  /** Requests with the operation under way, where those of one asker may share an answer. */
  flights?: Flights<Written | Whole | ExecutionResult>
}

interface Prepare extends Pick<Prepared, 'node' | 'fragments' | 'rootType' | 'known'> {
  readonly accept: (given: Readonly<Data>) => Data | undefined
  /** Undefined where variables decide about them. */
  readonly fields: Fields | undefined
}

/** Prepares operations over one schema; what depends on the document alone is done once. */
export class Preparer {
  readonly #schema: GraphQLSchema
  readonly #known = new WeakMap<DocumentNode, Map<string, Prepare>>()

  constructor(schema: GraphQLSchema) {
    this.#schema = schema
  }

  /** Errors say what stops the operation before it begins. */
  prepare({ document, operationName, variables: given }: Operation): Prepared | { readonly errors: readonly GraphQLError[] } {
    const ofDocument = this.#known.get(document) ?? new Map<string, Prepare>()
    this.#known.set(document, ofDocument)
    const name = operationName ?? ''
    const prepare = ofDocument.get(name) ?? this.#operation(document, operationName)
    if ('errors' in prepare) return prepare
    ofDocument.set(name, prepare)

    const { node, fragments, rootType, accept, known } = prepare
    let variables = accept(given)
    if (!variables) {
      const judged = getVariableValues(this.#schema, node.variableDefinitions ?? [], given, { maxErrors: 50 })
      if (judged.errors) return { errors: judged.errors.map(badInput) }
      variables = judged.coerced
    }
    return { node, fragments, rootType, known, variables, fields: prepare.fields ?? this.#fields(prepare, variables) }
  }

  #operation(document: DocumentNode, operationName: string | undefined): Prepare | { readonly errors: readonly GraphQLError[] } {
    const node = getOperationAST(document, operationName)
    if (!node) {
      const found = operationName ? `The document has no operation "${operationName}".` : 'The document has several operations: name one in operationName.'
      return { errors: [graphqlError(new HubError('BAD_USER_INPUT', found))] }
    }
    const rootType = this.#schema.getRootType(node.operation)
    if (!rootType) return { errors: [graphqlError(new HubError('BAD_USER_INPUT', `The graph has no ${node.operation}s.`))] }
    const fragments = document.definitions.filter((one): one is FragmentDefinitionNode => one.kind === Kind.FRAGMENT_DEFINITION)
    const prepare = { node, fragments, rootType, known: {}, accept: acceptVariables(this.#schema, node.variableDefinitions ?? []) }
    return { ...prepare, fields: conditionsOf(node, fragments).length === 0 ? this.#fields(prepare, {}) : undefined }
  }

  #fields({ node, fragments, rootType }: Pick<Prepare, 'node' | 'fragments' | 'rootType'>, variables: Data): Fields {
    return new Collector(this.#schema, new Map(fragments.map(one => [one.name.value, one])), variables).root(rootType, node.selectionSet)
  }
}
