import type { RunStore, StoredRun } from '../../connectors/ports/run-store.ts'
import type { Context } from '../../resolvers/context.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'
import { mustHoldIn } from './permissions.ts'
import { applicationPipelines, type Registry } from './registry.ts'
import type { RunRecord } from './run/record.ts'
import { moment } from './run-fields.ts'

/** What sources had against their schemas, as the last run of each pipeline that has ended saw them. */
export function driftFields({ registry, store }: { readonly registry: Registry; readonly store: RunStore }): Subgraph['fields'] {
  return {
    Query: {
      schemaDrift: async (_: unknown, { app }: { app: string }, { scope }: Context) => {
        mustHoldIn(scope, 'pipeline:read', app)
        const found = []
        for (const { id } of await applicationPipelines(registry, app)) {
          const [last] = await store.runs(scope, { kind: 'pipeline', application: app, subject: id, states: ['SUCCEEDED', 'FAILED'] }, 1)
          if (last) found.push(...driftOf(last))
        }
        return found
      },
    },
  }
}

function driftOf({ runId, subject, record, state, endedAtMs }: StoredRun) {
  const { steps = [] } = (record ?? {}) as Partial<RunRecord>
  return steps.flatMap(step => (step.drift ?? []).map(({ column, change, expected, found }) => ({
    pipelineId: subject, source: step.id, column, change, expected: expected ?? null, found: found ?? null, severity: state === 'FAILED' && step.state === 'FAILED' ? 'ERROR' : 'WARNING', runId, seenAt: moment(endedAtMs),
  })))
}
