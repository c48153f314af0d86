import { createSourceEventStream, execute } from 'graphql'
import type { Context } from '../../resolvers/context.ts'
import { executable } from '../../resolvers/executable.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'
import { versionOf } from './compose.ts'
import { mapEvents } from './events.ts'
import type { Operation, Supergraph } from './supergraph.ts'

/** One subgraph served alone, for a gateway somewhere else: its own schema, with `_service` and `_entities`. */
export function singleSubgraph(subgraph: Subgraph): Supergraph {
  const schema = executable(subgraph)
  const args = ({ document, operationName, variables, scope, explain, live }: Operation) => {
    const contextValue: Context = { scope, at: '', live, perFetch: new Map(), ...(explain && { explain }) }
    return { schema, document, operationName, variableValues: variables, contextValue }
  }
  return {
    version: versionOf(subgraph.sdl),
    sdl: subgraph.sdl,
    schema,
    async execute(operation) {
      return execute(args(operation))
    },
    async subscribe(operation) {
      const events = await createSourceEventStream(args(operation))
      if (!(Symbol.asyncIterator in events)) return events
      return mapEvents(events, event => execute({ ...args(operation), rootValue: event }))
    },
  }
}
