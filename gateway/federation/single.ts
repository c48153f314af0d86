import type { Subgraph } from '../../resolvers/subgraph.ts'
import { versionOf } from './compose.ts'
import { localService } from './local.ts'
import type { Operation, SubgraphRequest, Supergraph } from './supergraph.ts'

/** One subgraph served alone, for a gateway somewhere else: its own schema, with `_service` and `_entities`. */
export function singleSubgraph(subgraph: Subgraph): Supergraph {
  const { sdl, schema, execute, write, subscribe } = localService(subgraph)
  const asked = ({ document: parsed, text: document, ...operation }: Operation): SubgraphRequest => ({ ...operation, document, parsed, at: '' })
  return {
    version: versionOf(sdl), sdl, schema,
    execute: operation => execute(asked(operation)),
    async write(operation) {
      const { json, errors } = await write(asked(operation))
      if (json !== undefined) return { json, errors }
      return errors ? { errors } : execute(asked(operation))
    },
    subscribe: operation => subscribe(asked(operation)),
  }
}
