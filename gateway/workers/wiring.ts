import { openReader } from '../../connectors/owner/reader.ts'
import type { Clock, Log } from '../../connectors/ports/scope.ts'
import { asHubError } from '../../schema/errors.ts'
import type { Description } from './description.ts'
import type { Local } from './local.ts'
import { openReadsGraph } from './reads-graph.ts'

/** Gives the worker the owner's graph, and each that follows it, with its regions read over the owner's socket. The answer lets go of the socket. */
export function readFromOwner(local: Local, { at, clock, log }: { readonly at: string; readonly clock: Clock; readonly log: Log }): () => void {
  let latest = 0
  const reader = openReader({
    at, clock, log,
    onGraph(graph) {
      local.serve(undefined)
      latest = graph?.number ?? 0
      // Made once the owner was told: he waits for that, and it takes a while.
      if (graph) setImmediate(() => graph.number === latest && make(graph.number, graph.description as Description))
    },
  })
  const make = (graph: number, description: Description) => {
    try {
      local.serve(openReadsGraph(description, ({ name, isLasting, writesJson }, { tenancy }) => reader.region({ graph, name, tenancy, isKept: isLasting, writesJson })))
    } catch (error) {
      log.error('The worker cannot read under the graph; the owner answers everything.', { error: asHubError(error).cause ?? error })
    }
  }
  return () => reader.close()
}
