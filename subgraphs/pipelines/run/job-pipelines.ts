import type { RunStore, StoredRun } from '../../../connectors/ports/run-store.ts'
import { pause, type Scope } from '../../../connectors/ports/scope.ts'
import { HubError } from '../../../schema/errors.ts'
import type { PipelineDocument } from '../document/pipeline.ts'
import { versionText } from '../registry.ts'
import type { JobParts, PipelineEnding, PipelineOrder } from './job-order.ts'
import { leaseMs } from './kept.ts'
import type { FailureCategory, RunRecord } from './record.ts'
import type { RunOrder } from './run.ts'

export interface JobPipelinesOptions {
  readonly store: RunStore
  /** Who has the job, and with it the runs of its pipelines. */
  readonly worker: string
  readonly application: string
  readonly environment: string
  /** By their ids. */
  readonly pipelines: ReadonlyMap<string, PipelineDocument>
  /** Does the work of one, which is under way in the store already. */
  readonly run: (scope: Scope, held: StoredRun, order: RunOrder) => Promise<RunRecord>
}

/** How often is asked for the end of a run that another worker had. */
const askMs = 1_000

/**
 * The pipelines of a job as runs of the store. Each is the worker's from the beginning and waits in no queue: it needs no slot beside the job's, and nobody takes it over but the job. A run that was there before is waited for until it has
 * ended, which it does at the latest when the lease of its worker is over.
 */
export function jobPipelines(options: JobPipelinesOptions): JobParts {
  const { store, application, environment, pipelines, run } = options
  return {
    pipelines,
    async runPipeline(scope, order) {
      const { pipelineId, parameters, runId, writeId } = order
      const document = pipelines.get(pipelineId)
      if (!document) throw new HubError('NOT_FOUND', `There is no pipeline "${pipelineId}" in "${application}".`)
      const before = await endedBefore(scope, store, runId)
      if (before) return before
      return run(scope, await begin(scope, order, document, options), { document, runId, writeId, application, environment, parameters })
    },
  }
}

async function endedBefore(scope: Scope, store: RunStore, runId: string): Promise<PipelineEnding | 'LOST' | undefined> {
  for (;;) {
    const found = await store.run(scope, runId)
    if (!found) return undefined
    if (found.state !== 'QUEUED' && found.state !== 'RUNNING') return endingOf(found, found.state)
    await pause(scope, askMs)
    scope.signal.throwIfAborted()
  }
}

/** A run that was cancelled without anybody having asked for it stopped with its worker, as one that was lost. */
function endingOf({ isAskedToStop, category, message = '', rowsRead, rowsWritten, rowsRejected }: StoredRun, state: PipelineEnding['state']): PipelineEnding | 'LOST' {
  if (state === 'CANCELLED' ? !isAskedToStop : state === 'FAILED' && category === 'SYSTEM' && message.startsWith('LOST')) return 'LOST'
  return { state, rowsRead, rowsWritten, rowsRejected, ...((state === 'FAILED' || state === 'CANCELLED') && { error: { category: (category ?? 'SYSTEM') as FailureCategory, message } }) }
}

/** Of two runs of one job at the same time, which somebody allowed, the pipelines may be so, too; else another run of a pipeline → CONFLICT. */
async function begin(scope: Scope, { runId, jobRunId, parameters }: PipelineOrder, document: PipelineDocument, { store, worker, application }: JobPipelinesOptions): Promise<StoredRun> {
  const { id, layer, slaMs } = document
  const enqueue = (allowConcurrent: boolean) => store.enqueue(scope, {
    runId, kind: 'pipeline', application, subject: id, version: versionText(document), layer, trigger: 'JOB', jobRunId, parameters, allowConcurrent, mostAttempts: 1, ...(slaMs !== undefined && { slaAtMs: scope.clock.now() + slaMs }),
  }, { worker, leaseMs })
  try {
    return await enqueue(false)
  } catch (error) {
    if (!(error instanceof HubError && error.code === 'CONFLICT')) throw error
    const other = await store.run(scope, String(error.details['runId']))
    const [own, others] = await Promise.all([jobRunId, other?.jobRunId].map(async jobRun => jobRun === undefined ? undefined : store.run(scope, jobRun)))
    if (!own || own.application !== others?.application || own.subject !== others.subject || own.runId === others.runId) throw error
    return enqueue(true)
  }
}
