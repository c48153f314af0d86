import { createHash } from 'node:crypto'
import { type ExecutionResult, execute, GraphQLError, type GraphQLSchema, printSchema, subscribe } from 'graphql'
import type { Operation, Supergraph } from '../../gateway/federation/supergraph.ts'
import type { ComponentHealth, Hub } from '../../gateway/hub.ts'
import type { Context } from '../../resolvers/context.ts'

/** A supergraph of one plain schema, run by graphql-js; resolvers get the `Context` they get everywhere. */
export function plainSupergraph(schema: GraphQLSchema): Supergraph {
  const sdl = printSchema(schema)
  const args = ({ document, operationName, variables, scope, explain, live }: Operation) => {
    const contextValue: Context = { scope, at: '', perFetch: new Map(), live, ...(explain ? { explain } : {}) }
    return { schema, document, operationName, variableValues: variables, contextValue }
  }
  return {
    version: createHash('sha256').update(sdl).digest('hex'),
    sdl,
    schema,
    execute: async operation => execute(args(operation)),
    write: async operation => execute(args(operation)),
    async subscribe(operation) {
      const result = await subscribe(args(operation))
      return Symbol.asyncIterator in result ? (result as AsyncGenerator<ExecutionResult, void, void>) : raised(result)
    },
  }
}

/** graphql-js answers what a source's resolver threw as an error of its field. */
function raised(result: ExecutionResult): ExecutionResult {
  return { errors: result.errors?.map(error => (error instanceof GraphQLError ? error : new GraphQLError(String(error)))) }
}

/** A hub whose graph and health the test sets. */
export class TestHub implements Hub {
  components: readonly ComponentHealth[] = []
  #supergraph: Supergraph
  readonly #listeners = new Set<(next: Supergraph) => void>()

  constructor(schema: GraphQLSchema) {
    this.#supergraph = plainSupergraph(schema)
  }

  get supergraph(): Supergraph {
    return this.#supergraph
  }

  onSupergraph(listener: (next: Supergraph) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async health(): Promise<readonly ComponentHealth[]> {
    return this.components
  }

  replace(schema: GraphQLSchema): void {
    this.#supergraph = plainSupergraph(schema)
    for (const listener of this.#listeners) listener(this.#supergraph)
  }
}
