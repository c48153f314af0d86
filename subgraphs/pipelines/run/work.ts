import type { RunStore, StoredRun } from '../../../connectors/ports/run-store.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import { asHubError, HubError } from '../../../schema/errors.ts'
import type { JobDocument } from '../document/job.ts'
import type { LineageEvents } from '../lineage/lineage-events.ts'
import type { ToldOrder } from '../notify/told-run.ts'
import { workOnExport } from '../exports/on-demand.ts'
import type { PublishedRoles } from '../exports/published.ts'
import { type Definition, type Registry, versionText } from '../registry.ts'
import { pipelineParameters } from './job-order.ts'
import { jobPipelines } from './job-pipelines.ts'
import type { JobRecord } from './job-record.ts'
import { isStopping } from './kept.ts'
import { keptJob } from './kept-job.ts'
import { keptRun } from './kept-run.ts'
import { neededPipelines } from './needed.ts'
import type { ConfigVersion, RunRecord } from './record.ts'
import type { RunOrder } from './run.ts'

export interface WorkOptions {
  readonly store: RunStore
  readonly registry: Registry
  readonly check: PublishedRoles['check']
  /** The commit that has a definition as it was read. */
  readonly configVersionOf?: (scope: Scope, definition: Definition) => Promise<ConfigVersion | undefined>
  /** Whose runs are under way, as people are told. */
  readonly name: string
  readonly environment: string
  /** Hears of every run of a pipeline that ended here, those of jobs among them. */
  readonly ended: (run: StoredRun, record: Pick<RunRecord, 'state' | 'startedAtMs' | 'endedAtMs'>) => void
  /** Hears of runs of pipelines, where they come from and went. */
  readonly lineage?: LineageEvents
  /** Runs a job, and tells whom its document names how that goes. */
  readonly told: (scope: Scope, order: ToldOrder, run: () => Promise<JobRecord>) => Promise<JobRecord>
}

type Texts = Readonly<Record<string, string>>

/** Does the work of a run of the store, as its document stands now. What keeps it from beginning is its failure; what throws is not this worker's run any more. */
export async function work(scope: Scope, run: StoredRun, options: WorkOptions): Promise<void> {
  if (run.kind === 'job') await workOnJob(scope, run, options)
  else if (run.kind === 'export') await workOnExport(scope, run, options)
  else await workOnPipeline(scope, run, options)
}

async function workOnPipeline(scope: Scope, run: StoredRun, options: WorkOptions): Promise<void> {
  const startedAtMs = scope.clock.now()
  const definition = (await options.registry.pipelines()).find(({ application, id }) => application === run.application && id === run.subject)
  if (!definition?.document) {
    await refuse(scope, run, options.store, goneMessage(run, definition !== undefined))
    return options.ended(run, { state: 'FAILED', startedAtMs, endedAtMs: scope.clock.now() })
  }
  await runOne(scope, run, { document: definition.document, runId: run.runId, application: run.application, environment: options.environment, parameters: run.parameters as Texts }, definition, options)
}

async function runOne(scope: Scope, held: StoredRun, order: RunOrder, definition: Definition, options: WorkOptions): Promise<RunRecord> {
  const { store, registry, ended, lineage } = options
  const configVersion = await configVersionOf(scope, definition, options)
  const record = await keptRun(scope, held, { ...order, ...(configVersion && { configVersion }) }, await registry.partsOf(definition), store, lineage?.of(held))
  if (!isStopping(scope)) ended(held, record)
  return record
}

/** A repository that cannot be read keeps no run from its work. */
async function configVersionOf(scope: Scope, definition: Definition, options: WorkOptions): Promise<ConfigVersion | undefined> {
  try {
    return await options.configVersionOf?.(scope, definition)
  } catch (error) {
    scope.log.warn('Of which commit the definition of a run is could not be told.', { run: scope.requestId, reason: asHubError(error).message })
    return undefined
  }
}

async function workOnJob(scope: Scope, run: StoredRun, options: WorkOptions): Promise<void> {
  const { store, registry, told } = options
  const { runId, application, subject, attempt } = run
  const definition = (await registry.jobs()).find(one => one.application === application && one.id === subject)
  if (!definition?.document) return refuse(scope, run, store, goneMessage(run, definition !== undefined))
  const { document } = definition
  const startedAtMs = scope.clock.now()
  await told(scope, { document, runId, application, isBegun: attempt > 1 }, async () => {
    try {
      return await jobRun(scope, run, document, options)
    } catch (error) {
      if (!(error instanceof HubError && error.code === 'VALIDATION_ERROR')) throw error
      const { message } = error
      await refuse(scope, run, store, message)
      return { runId, jobId: subject, version: versionText(document), application, state: 'FAILED', startedAtMs, endedAtMs: scope.clock.now(), rowsRead: 0, rowsWritten: 0, rowsRejected: 0, steps: [], error: { category: 'CONFIG', message } }
    }
  })
}

/** What a run whose worker is gone had told, or one takes over of an earlier run, it begins with. What did not end here throws. */
async function jobRun(scope: Scope, run: StoredRun, document: JobDocument, options: WorkOptions): Promise<JobRecord> {
  const { store, registry, name, environment } = options
  const { runId, application } = run
  const definitions = await neededPipelines(registry, application, document)
  const { steps } = (run.record ?? {}) as Partial<Pick<JobRecord, 'steps'>>
  const order = { document, runId, application, environment, parameters: run.parameters as Texts, ...(steps && { earlier: { runId, steps } }) }
  const parts = jobPipelines({
    store, worker: name, application, environment, pipelines: new Map([...definitions].map(([id, one]) => [id, one.document])),
    async run(own, held, given) {
      const definition = definitions.get(held.subject)
      if (!definition) throw new HubError('NOT_FOUND', `There is no pipeline "${held.subject}" in "${application}".`)
      return runOne(own, held, given, definition, options)
    },
  })
  pipelineParameters(scope, order, parts.pipelines)
  const record = await keptJob(scope, run, order, parts, store)
  const stored = await store.run(scope, runId)
  if (stored?.attempt !== run.attempt || stored.endedAtMs === undefined) throw new HubError('CANCELLED', `The run "${runId}" of the job "${run.subject}" is not this worker's any more; whoever has it now tells how it ends.`)
  return record
}

function goneMessage({ kind, subject, application }: StoredRun, isThere: boolean): string {
  return isThere ? `The document of "${subject}" has mistakes by now.` : `There is no ${kind} "${subject}" in "${application}" any more.`
}

async function refuse(scope: Scope, run: StoredRun, store: RunStore, message: string): Promise<void> {
  await store.finish(scope, run, { state: 'FAILED', category: 'CONFIG', message, rowsRead: 0, rowsWritten: 0, rowsRejected: 0, record: run.record })
}
