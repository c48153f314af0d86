import type { RunFilter, RunState, StoredRun } from '../../connectors/ports/run-store.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import type { Context } from '../../resolvers/context.ts'
import type { CursorSealer } from '../../resolvers/cursor.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'
import { instant, type Json } from '../../schema/values.ts'
import { type BeginRoles, beginPipeline, textsOf } from './begin-run.ts'
import { shownLineage } from './lineage/shown.ts'
import { chosenApplications, mustHoldIn } from './permissions.ts'
import type { RunRecord, StepRecord } from './run/record.ts'
import { noRun, readableRun } from './run-access.ts'
import { runPage } from './run-page.ts'
import { watchRuns } from './watch-runs.ts'

export interface RunRoles extends BeginRoles {
  readonly cursors: CursorSealer
}

interface FilterInput {
  readonly app?: string | null
  readonly pipelineId?: string | null
  readonly states?: readonly RunState[] | null
  readonly since?: string | null
  readonly until?: string | null
}

/** Runs of pipelines: listed, looked at and begun. */
export function runFields(roles: RunRoles): Subgraph['fields'] {
  const { store, cursors } = roles
  return {
    Query: {
      runs: async (_: unknown, { filter, ...page }: { filter?: FilterInput | null; first?: number | null; after?: string | null }, { scope }: Context) => {
        const wanted = filterOf(scope, filter ?? {})
        return runPage(scope, { store, cursors, name: 'runs', show: shownRun }, wanted, page)
      },
      run: async (_: unknown, { runId }: { runId: string }, { scope }: Context) => {
        const found = await readableRun(scope, store, runId)
        return found?.kind === 'pipeline' ? shownRun(found) : null
      },
    },
    Mutation: {
      runPipeline: async (_: unknown, { app, id, params, allowConcurrent, idempotencyKey }: { app: string; id: string; params?: Json; allowConcurrent: boolean; idempotencyKey?: string | null }, { scope }: Context) => {
        mustHoldIn(scope, 'pipeline:run', app)
        return shownRun(await beginPipeline(scope, roles, { app, id, parameters: textsOf(params ?? {}), trigger: 'MANUAL', allowConcurrent, idempotencyKey }))
      },
    },
    PipelineRun: {
      lineage: async ({ runId }: { runId: string }, _: unknown, { scope }: Context) => {
        const found = await store.lineage(scope, runId)
        return found ? shownLineage(found) : null
      },
    },
    Subscription: {
      pipelineRunChanged: {
        subscribe: async (_: unknown, { app, pipelineId, runId }: { app?: string | null; pipelineId?: string | null; runId?: string | null }, { scope }: Context) => {
          const wanted = filterOf(scope, { app, pipelineId })
          if (runId && !(await readableRun(scope, store, runId))) throw noRun(runId)
          return watchRuns(scope, store, wanted, runId ?? undefined)
        },
        resolve: (run: StoredRun) => shownRun(run),
      },
    },
  }
}

/** Of applications the caller may read. */
function filterOf(scope: Scope, { app, pipelineId, states, since, until }: FilterInput): RunFilter {
  const applications = chosenApplications(scope, 'pipeline:read', app)
  return {
    kind: 'pipeline', ...(applications && { applications }), ...(pipelineId && { subject: pipelineId }), ...(states && { states }), ...(since && { sinceMs: Date.parse(since) }), ...(until && { untilMs: Date.parse(until) }),
  }
}

/** A run as the graph shows it. */
export function shownRun(run: StoredRun) {
  const record = (run.record ?? {}) as Partial<RunRecord>
  return {
    ...run, __typename: 'PipelineRun', app: run.application, pipelineId: run.subject, layer: run.layer?.toUpperCase() ?? null, params: run.parameters, engine: record.engine ?? null, configVersion: record.configVersion ?? null, peakMemoryBytes: record.peakMemoryBytes ?? null,
    queuedAt: moment(run.queuedAtMs), startedAt: moment(run.startedAtMs), endedAt: moment(run.endedAtMs), slaStatus: run.sla,
    error: run.state === 'FAILED' ? { category: run.category ?? 'SYSTEM', message: run.message ?? '' } : null,
    steps: (record.steps ?? []).map((step: StepRecord) => ({ ...step, kind: step.kind.toUpperCase(), startedAt: moment(step.startedAtMs), endedAt: moment(step.endedAtMs) })),
  }
}

/** Null where there is none. */
export function moment(atMs: number | undefined): string | null {
  return atMs === undefined ? null : instant(atMs)
}

