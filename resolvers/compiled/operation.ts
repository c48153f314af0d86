import {
  assertValidSchema, execute, getVariableValues, Kind, type DocumentNode, type ExecutionResult, type FragmentDefinitionNode, type GraphQLError, type GraphQLObjectType, type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql'
import { dataForm } from './data-form.ts'
import { Execution, type Request } from './execution.ts'
import { runRoot } from './root.ts'
import { survey } from './survey.ts'
import { flat, textForm } from './text-form.ts'
import { acceptVariables } from './variables.ts'
import { Variant } from './variant.ts'

/** An answer written: `json` is the text of `data`, in one piece; absent when execution never began. */
export interface Text {
  readonly json?: string
  readonly errors?: readonly GraphQLError[]
}

export interface Operation {
  /** What graphql-js' `execute` answers. A promise only if a resolver or a value was one. */
  run(request: Request): ExecutionResult | Promise<ExecutionResult>
  /** The same with `data` as JSON text. A serialised value that JSON.stringify refuses is that field's error; one it leaves out is null. */
  text(request: Request): Text | Promise<Text>
}

/** Outcomes of the conditions that are compiled; further ones are left to graphql-js. */
const keptVariants = 16

/** Levels that are compiled: at each the stack grows more than graphql-js lets it. */
const deepest = 500

/**
 * One operation of a document over a schema, prepared to be run many times. Undefined for what graphql-js refuses before it looks at variables, and for what is nested
 * deeper than anybody asks: the caller hands it to graphql-js.
 * The schema is taken as it is now: its resolvers must not change afterwards. The document is trusted to be valid.
 */
export function compile(schema: GraphQLSchema, document: DocumentNode, operationName?: string | null): Operation | undefined {
  assertValidSchema(schema)
  const operation = operationOf(document, operationName)
  const rootType = operation && schema.getRootType(operation.operation)
  const { conditions, depth } = survey(document)
  if (!operation || !rootType || depth > deepest) return undefined
  const compiled = new Compiled(schema, document, operation, rootType, conditions)
  const general = ({ variables, context, rootValue }: Request) => execute({ schema, document, operationName, variableValues: variables, contextValue: context, rootValue })

  return {
    run(request) {
      const x = compiled.begin(request)
      if (!x) return general(request)
      if (!(x instanceof Execution)) return { errors: x }
      return runRoot(x, dataForm, data => answer(x.errors, { data: data as ExecutionResult['data'] }))
    },
    text(request) {
      const x = compiled.begin(request)
      if (!x) return written(general(request))
      if (!(x instanceof Execution)) return { errors: x }
      return runRoot(x, textForm, json => answer(x.errors, { json: flat(json as string) }))
    },
  }
}

class Compiled {
  readonly #operation: OperationDefinitionNode
  readonly #from: Omit<Variant, 'conditions' | 'root' | 'takes'>
  readonly #conditions: readonly string[]
  readonly #accept: ReturnType<typeof acceptVariables>
  readonly #variants = new Map<string, Variant>()

  constructor(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, rootType: GraphQLObjectType, conditions: readonly string[]) {
    this.#operation = operation
    this.#from = { schema, operation, rootType, fragments: fragmentsOf(document) }
    this.#conditions = conditions
    this.#accept = acceptVariables(schema, operation.variableDefinitions ?? [])
  }

  /** A run with its variables; their errors; or undefined if the run is none for us. */
  begin(request: Request): Execution | readonly GraphQLError[] | undefined {
    const given = request.variables ?? {}
    let coerced = this.#accept(given)
    if (!coerced) {
      // As many errors as graphql-js tells.
      const judged = getVariableValues(this.#from.schema, this.#operation.variableDefinitions ?? [], given, { maxErrors: 50 })
      if (judged.errors) return judged.errors
      coerced = judged.coerced
    }
    const variant = this.#variantFor(coerced)
    return variant && new Execution(variant, coerced, request)
  }

  #variantFor(variables: Record<string, unknown>): Variant | undefined {
    let outcome = ''
    for (const name of this.#conditions) {
      if (typeof variables[name] !== 'boolean') return undefined
      outcome += variables[name] ? '1' : '0'
    }
    const known = this.#variants.get(outcome)
    if (known || this.#variants.size >= keptVariants) return known
    const variant = new Variant({ ...this.#from, conditions: Object.fromEntries(this.#conditions.map(name => [name, variables[name]])) })
    this.#variants.set(outcome, variant)
    return variant
  }
}

function answer<T extends object>(errors: readonly GraphQLError[], made: T): T & { errors?: readonly GraphQLError[] } {
  return errors.length === 0 ? made : { errors, ...made }
}

function written(result: ExecutionResult | Promise<ExecutionResult>): Text | Promise<Text> {
  if ('then' in result) return result.then(written)
  const { data, errors } = result
  return { ...(errors && { errors }), ...(data !== undefined && { json: JSON.stringify(data) }) }
}

/** The operation of that name, or the only one. */
function operationOf(document: DocumentNode, name: string | null | undefined): OperationDefinitionNode | undefined {
  const operations = document.definitions.filter(node => node.kind === Kind.OPERATION_DEFINITION)
  if (name === null || name === undefined) return operations.length === 1 ? operations[0] : undefined
  return operations.findLast(node => node.name?.value === name)
}

function fragmentsOf(document: DocumentNode): Record<string, FragmentDefinitionNode> {
  const fragments: Record<string, FragmentDefinitionNode> = Object.create(null)
  for (const node of document.definitions) if (node.kind === Kind.FRAGMENT_DEFINITION) fragments[node.name.value] = node
  return fragments
}
