import { createSourceEventStream, execute, type ExecutionArgs } from 'graphql'
import type { Context, Read } from '../../resolvers/context.ts'
import { executable } from '../../resolvers/executable.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'
import { mapEvents } from './events.ts'
import { withExpectations } from './literals.ts'
import type { SubgraphRequest, SubgraphService } from './supergraph.ts'

/** A subgraph in this process. Each fetch, and each event of a subscription, has a context of its own. */
export function localService(subgraph: Subgraph): SubgraphService {
  const schema = executable(subgraph)
  const args = (request: SubgraphRequest): ExecutionArgs => ({
    schema, document: request.parsed, operationName: request.operationName, variableValues: request.variables, contextValue: contextOf(request),
  })
  return {
    name: subgraph.name,
    sdl: subgraph.sdl,
    schema,
    async execute(request) {
      return withExpectations(schema, request.parsed, await execute(args(request)))
    },
    async subscribe(request) {
      const events = await createSourceEventStream(args(request))
      if (!(Symbol.asyncIterator in events)) return withExpectations(schema, request.parsed, events)
      return mapEvents(events, event => execute({ ...args(request), rootValue: event }))
    },
  }
}

function contextOf({ scope, explain, at, live }: SubgraphRequest): Context {
  return { scope, at, live, perFetch: new Map(), ...(explain && { explain: read => explain(located(read, at)) }) }
}

/** The read with its path from the root of the client's answer, whether or not the resolver put the entities' place before its own path. */
function located(read: Read, at: string): Read {
  const path = read.path.replace(/(^|\.)_entities(?=\.|$)/, '').replace(/^\./, '')
  if (at === '' || path === at || path.startsWith(`${at}.`)) return { ...read, path }
  return { ...read, path: path === '' ? at : `${at}.${path}` }
}
