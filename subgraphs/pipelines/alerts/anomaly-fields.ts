import type { RunStore } from '../../../connectors/ports/run-store.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import type { Context } from '../../../resolvers/context.ts'
import type { Subgraph } from '../../../resolvers/subgraph.ts'
import type { Registry } from '../registry.ts'
import { mustHoldIn } from '../permissions.ts'
import { anomaliesOf, history } from './anomalies.ts'

/** Last runs of pipelines that are unlike those before. */
export function anomalyFields({ store, registry }: { readonly store: RunStore; readonly registry: Registry }): Subgraph['fields'] {
  const looked = async (scope: Scope, application: string, id: string) => {
    const runs = await store.runs(scope, { kind: 'pipeline', application, subject: id, states: ['SUCCEEDED'] }, history.most + 1)
    const of = { app: application, pipelineId: id, runs: Math.max(0, runs.length - 1) }
    const found = anomaliesOf(runs)
    return found ? found.map(anomaly => ({ ...of, ...anomaly, verdict: 'OUTSIDE' })) : [{ ...of, runId: runs[0]?.runId, verdict: 'NOT_ENOUGH_HISTORY' }]
  }
  return {
    Query: {
      anomalies: async (_: unknown, { app }: { app: string }, { scope }: Context) => {
        mustHoldIn(scope, 'pipeline:read', app)
        const own = (await registry.pipelines()).filter(({ application }) => application === app)
        return (await Promise.all(own.map(({ id }) => looked(scope, app, id)))).flat()
      },
    },
  }
}
