import type { StoredRun } from '../../connectors/ports/run-store.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import type { Context } from '../../resolvers/context.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'
import { HubError } from '../../schema/errors.ts'
import { beginJob, beginPipeline } from './begin-run.ts'
import { shownJobRun } from './job-run-fields.ts'
import type { JobRecord } from './run/job-record.ts'
import { ownRun } from './run-access.ts'
import { type RunRoles, shownRun } from './run-fields.ts'

/** What is done to runs of pipelines and of jobs alike: they are cancelled and run again. */
export function anyRunFields(roles: RunRoles): Subgraph['fields'] {
  const { store } = roles
  const shown = (run: StoredRun) => (run.kind === 'job' ? shownJobRun(run, store) : shownRun(run))
  return {
    Mutation: {
      cancelRun: async (_: unknown, { runId }: { runId: string }, { scope }: Context) => {
        await ownRun(scope, store, runId)
        return shown(await store.cancel(scope, runId))
      },
      rerun: async (_: unknown, { runId, fromStep }: { runId: string; fromStep?: string | null }, { scope }: Context) => {
        const earlier = await ownRun(scope, store, runId)
        if (earlier.state === 'QUEUED' || earlier.state === 'RUNNING') throw new HubError('CONFLICT', `The run "${runId}" has not ended: it is ${earlier.state}. Wait until it ends, or cancel it, and run it again then.`, { runId, state: earlier.state })
        return shown(await again(scope, roles, earlier, fromStep ?? undefined))
      },
    },
  }
}

function again(scope: Scope, roles: RunRoles, { kind, runId, application: app, subject: id, parameters, record }: StoredRun, fromStep: string | undefined): Promise<StoredRun> {
  const wanted = { app, id, parameters: parameters as Readonly<Record<string, string>>, trigger: 'RERUN', rerunOf: runId } as const
  if (kind === 'job') return beginJob(scope, roles, { ...wanted, earlier: { runId, steps: ((record ?? {}) as Partial<JobRecord>).steps ?? [] }, ...(fromStep !== undefined && { fromStep }) })
  if (fromStep !== undefined) throw new HubError('VALIDATION_ERROR', `The run "${runId}" is one of the pipeline "${id}", which runs as a whole: there is no step "${fromStep}" to begin with. Leave fromStep out, or name the run of a job.`, { field: 'fromStep' })
  return beginPipeline(scope, roles, wanted)
}
