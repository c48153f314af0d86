import { createSourceEventStream, execute, type DocumentNode, type ExecutionArgs, type ExecutionResult, type GraphQLSchema } from 'graphql'
import { compile, type Operation } from '../../resolvers/compiled/operation.ts'
import type { Context, Read } from '../../resolvers/context.ts'
import { executable } from '../../resolvers/executable.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'
import { mapEvents } from './events.ts'
import { withExpectations } from './literals.ts'
import { beyondNotes } from './noting.ts'
import type { SubgraphRequest, SubgraphService, Written } from './supergraph.ts'

/** A subgraph in this process. */
export interface LocalService extends SubgraphService {
  readonly schema: GraphQLSchema
  write(request: SubgraphRequest): Promise<Partial<Written>>
  subscribe(request: SubgraphRequest): Promise<AsyncGenerator<ExecutionResult, void, void> | ExecutionResult>
}

/** Each fetch, and each event of a subscription, has a context of its own. */
export function localService(subgraph: Subgraph): LocalService {
  const schema = executable(subgraph)
  const contextOf = (request: SubgraphRequest): Context => {
    const { footprint } = request.scope
    const beyond = footprint && beyondNotes(schema, subgraph, request.parsed)
    if (beyond !== undefined) footprint?.unknown(beyond)
    return contextFor(request)
  }
  const args = (request: SubgraphRequest): ExecutionArgs => ({
    schema, document: request.parsed, operationName: request.operationName, variableValues: request.variables, contextValue: contextOf(request),
  })
  const run = (request: SubgraphRequest, rootValue?: unknown): ExecutionResult | Promise<ExecutionResult> => {
    const operation = operationOf(request)
    return operation ? operation.run({ variables: request.variables, context: contextOf(request), rootValue }) : execute({ ...args(request), rootValue })
  }

  // A document lives as long as the plan it belongs to, and what was compiled for it as long as the document.
  const compiled = new WeakMap<DocumentNode, { readonly name: string | undefined; readonly operation: Operation | undefined }>()
  const operationOf = ({ parsed, operationName: name }: SubgraphRequest): Operation | undefined => {
    const known = compiled.get(parsed)
    if (known && known.name === name) return known.operation
    const operation = compile(schema, parsed, name)
    compiled.set(parsed, { name, operation })
    return operation
  }

  return {
    name: subgraph.name,
    sdl: subgraph.sdl,
    schema,
    async execute(request) {
      return withExpectations(schema, request.parsed, await run(request))
    },
    async write(request) {
      const operation = operationOf(request)
      return operation ? withExpectations(schema, request.parsed, await operation.text({ variables: request.variables, context: contextOf(request) })) : {}
    },
    async subscribe(request) {
      const events = await createSourceEventStream(args(request))
      if (!(Symbol.asyncIterator in events)) return withExpectations(schema, request.parsed, events)
      return mapEvents(events, event => run(request, event))
    },
  }
}

function contextFor({ scope, explain, at, live }: SubgraphRequest): Context {
  return { scope, at, live, perFetch: new Map(), ...(explain && { explain: read => explain(located(read, at)) }) }
}

/** The read with its path from the root of the client's answer, whether or not the resolver put the entities' place before its own path. */
function located(read: Read, at: string): Read {
  const path = read.path.replace(/(^|\.)_entities(?=\.|$)/, '').replace(/^\./, '')
  if (at === '' || path === at || path.startsWith(`${at}.`)) return { ...read, path }
  return { ...read, path: path === '' ? at : `${at}.${path}` }
}
