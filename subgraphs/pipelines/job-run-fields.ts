import type { RunFilter, RunState, RunStore, StoredRun } from '../../connectors/ports/run-store.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import type { Context } from '../../resolvers/context.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'
import type { Json } from '../../schema/values.ts'
import { beginJob, textsOf } from './begin-run.ts'
import { chosenApplications, mustHoldIn } from './permissions.ts'
import type { JobRecord, JobStepRecord } from './run/job-record.ts'
import { moment, type RunRoles, shownRun } from './run-fields.ts'
import { noRun, readableRun } from './run-access.ts'
import { runPage } from './run-page.ts'
import { watchRuns } from './watch-runs.ts'

interface FilterInput {
  readonly app?: string | null
  readonly jobId?: string | null
  readonly states?: readonly RunState[] | null
  readonly since?: string | null
  readonly until?: string | null
}

/** Pipelines of one run of a job that are shown. */
const mostRuns = 1_000

/** Runs of jobs: listed, looked at and begun. */
export function jobRunFields(roles: RunRoles): Subgraph['fields'] {
  const { store, cursors } = roles
  const show = (run: StoredRun) => shownJobRun(run, store)
  return {
    Query: {
      jobRuns: async (_: unknown, { filter, ...page }: { filter?: FilterInput | null; first?: number | null; after?: string | null }, { scope }: Context) => {
        return runPage(scope, { store, cursors, name: 'jobRuns', show }, filterOf(scope, filter ?? {}), page)
      },
      jobRun: async (_: unknown, { runId }: { runId: string }, { scope }: Context) => {
        const found = await readableRun(scope, store, runId)
        return found?.kind === 'job' ? show(found) : null
      },
    },
    Mutation: {
      runJob: async (_: unknown, { app, id, params, allowConcurrent, idempotencyKey }: { app: string; id: string; params?: Json; allowConcurrent: boolean; idempotencyKey?: string | null }, { scope }: Context) => {
        mustHoldIn(scope, 'pipeline:run', app)
        return show(await beginJob(scope, roles, { app, id, parameters: textsOf(params ?? {}), trigger: 'MANUAL', allowConcurrent, idempotencyKey }))
      },
    },
    Subscription: {
      jobRunChanged: {
        subscribe: async (_: unknown, { app, jobId, runId }: { app?: string | null; jobId?: string | null; runId?: string | null }, { scope }: Context) => {
          const wanted = filterOf(scope, { app, jobId })
          if (runId && !(await readableRun(scope, store, runId))) throw noRun(runId)
          return watchRuns(scope, store, wanted, runId ?? undefined)
        },
        resolve: show,
      },
    },
  }
}

/** Of applications the caller may read. */
function filterOf(scope: Scope, { app, jobId, states, since, until }: FilterInput): RunFilter {
  const applications = chosenApplications(scope, 'pipeline:read', app)
  return { kind: 'job', ...(applications && { applications }), ...(jobId && { subject: jobId }), ...(states && { states }), ...(since && { sinceMs: Date.parse(since) }), ...(until && { untilMs: Date.parse(until) }) }
}

/** A job's run as the graph shows it. */
export function shownJobRun(run: StoredRun, store: RunStore) {
  const { steps = [] } = (run.record ?? {}) as Partial<JobRecord>
  return {
    ...run, __typename: 'JobRun', app: run.application, jobId: run.subject, params: run.parameters, queuedAt: moment(run.queuedAtMs), startedAt: moment(run.startedAtMs), endedAt: moment(run.endedAtMs),
    error: run.state === 'FAILED' ? { category: run.category ?? 'SYSTEM', message: run.message ?? '' } : null,
    steps: steps.map((step: JobStepRecord) => ({ ...step, startedAt: moment(step.startedAtMs), endedAt: moment(step.endedAtMs) })),
    runs: async (_: unknown, { scope }: Context) => (await store.runs(scope, { kind: 'pipeline', jobRunId: run.runId }, mostRuns)).map(shownRun),
  }
}
