import type { RunStore, SeenWorker } from '../../connectors/ports/run-store.ts'
import type { Context } from '../../resolvers/context.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'
import { instant } from '../../schema/values.ts'
import { mustHoldInAll } from './permissions.ts'
import { goneMs } from './run/worker.ts'

/** What waits, and who takes it. Both are of all tenants, and for callers who may read all applications. */
export function queueFields({ store }: { readonly store: RunStore }): Subgraph['fields'] {
  return {
    Query: {
      queue: async (_: unknown, _args: unknown, { scope }: Context) => {
        mustHoldInAll(scope, 'pipeline:read')
        const { depth, oldestAtMs } = await store.queue(scope)
        return { depth, oldestSeconds: oldestAtMs === undefined ? null : Math.max(0, scope.clock.now() - oldestAtMs) / 1000 }
      },
      workers: async (_: unknown, _args: unknown, { scope }: Context) => {
        mustHoldInAll(scope, 'pipeline:read')
        const nowMs = scope.clock.now()
        return (await store.workers(scope)).map(seen => ({ id: seen.worker, state: stateOf(seen, nowMs), currentRuns: seen.runIds, seenAt: instant(seen.seenAtMs) }))
      },
    },
  }
}

function stateOf({ seenAtMs, running }: SeenWorker, nowMs: number): 'IDLE' | 'BUSY' | 'GONE' {
  if (nowMs - seenAtMs >= goneMs) return 'GONE'
  return running > 0 ? 'BUSY' : 'IDLE'
}
