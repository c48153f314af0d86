import { mkdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { openSpill } from '../../../connectors/pipelines/spill.ts'
import type { NewRun } from '../../../connectors/ports/run-store.ts'
import { type Log, type Scope, systemClock } from '../../../connectors/ports/scope.ts'
import { HubError } from '../../../schema/errors.ts'
import type { PipelineDocument } from '../../../subgraphs/pipelines/document/pipeline.ts'
import { versionText } from '../../../subgraphs/pipelines/registry.ts'
import { type JobOrder, pipelineParameters } from '../../../subgraphs/pipelines/run/job-order.ts'
import { jobPipelines } from '../../../subgraphs/pipelines/run/job-pipelines.ts'
import type { JobRecord } from '../../../subgraphs/pipelines/run/job-record.ts'
import { keptJob } from '../../../subgraphs/pipelines/run/kept-job.ts'
import { keptRun } from '../../../subgraphs/pipelines/run/kept-run.ts'
import { leaseMs } from '../../../subgraphs/pipelines/run/kept.ts'
import type { RunRecord } from '../../../subgraphs/pipelines/run/record.ts'
import type { RunOrder } from '../../../subgraphs/pipelines/run/run.ts'
import type { Config, Environment } from '../../config.ts'
import { type NamedParts, partsOver, pipelineEngine, trinoOf } from './parts.ts'
import { type KeptIn, lazyVault, openAlertStore, openRunStore } from './stores.ts'
import { openLineageEvents, openTeller } from './telling.ts'

export interface PipelineRunOptions {
  readonly config: Pick<Config, 'data' | 'pipelines' | 'engines'>
  readonly env: Environment
  readonly log: Log
  /** The folder of the application's data, made where it is not there. */
  readonly files: string
}

export interface PipelineRuns {
  /** Runs it here and now, as a run of the store: CONFLICT where the pipeline has one under way. Runs whose worker is gone are closed before. */
  run(scope: Scope, order: RunOrder, named: NamedParts): Promise<RunRecord>
  /** The same for a job, whose pipelines are runs of the store too. Notices go out by the other scope, which is to outlive the run; a kind of them that is not set up is not sent, and the warning says why. */
  runJob(scope: Scope, order: JobOrder, pipelines: JobPipelines, noticeScope: Scope): Promise<{ readonly record: JobRecord; readonly warning?: string }>
  close(): Promise<void>
}

/** By their ids. */
export type JobPipelines = ReadonlyMap<string, { readonly document: PipelineDocument; readonly files: NamedParts }>

/** Runs of the pipelines of one application, in this process. */
export async function openPipelineRuns({ config, env, log, files }: PipelineRunOptions): Promise<PipelineRuns> {
  await mkdir(config.data, { recursive: true })
  const kept: KeptIn = { file: join(config.data, 'metadata.sqlite'), postgresUrl: config.engines.postgresUrl, log }
  const vault = lazyVault(kept)
  const spill = await openSpill(join(config.data, 'spill'))
  const parts = await partsOver(files, { settings: config.pipelines, env, log, vault, engine: pipelineEngine(config.pipelines, trinoOf(config), spill.folder) })
  const store = await openRunStore(kept)
  const lineage = openLineageEvents(config.pipelines, store, { clock: systemClock, log, later: work => void work() })
  const alerts = await openAlertStore(kept)
  const worker = `${hostname()} ${process.pid}`
  const begin = (scope: Scope, run: Omit<NewRun, 'trigger' | 'mostAttempts'>) => store.enqueue(scope, { ...run, trigger: 'MANUAL', mostAttempts: 1 }, { worker, leaseMs })
  return {
    async run(scope, order, named) {
      const { document, runId, application, parameters } = order
      const { id, layer, slaMs } = document
      await store.reclaim(scope)
      const held = await begin(scope, { runId, kind: 'pipeline', application, subject: id, version: versionText(document), layer, parameters, ...(slaMs !== undefined && { slaAtMs: scope.clock.now() + slaMs }) })
      return keptRun(scope, held, order, { ...parts, ...named }, store, lineage.events.of(held))
    },
    async runJob(scope, order, pipelines, noticeScope) {
      const { document, runId, application, environment, parameters } = order
      const jobParts = jobPipelines({
        store, worker, application, environment, pipelines: new Map([...pipelines].map(([id, pipeline]) => [id, pipeline.document])),
        async run(own, held, given) {
          const pipeline = pipelines.get(held.subject)
          if (!pipeline) throw new HubError('NOT_FOUND', `There is no pipeline "${held.subject}" in "${application}".`)
          return keptRun(own, held, given, { ...parts, ...pipeline.files }, store, lineage.events.of(held))
        },
      })
      pipelineParameters(scope, order, jobParts.pipelines)
      const { teller } = openTeller(config.pipelines, alerts)
      await store.reclaim(scope)
      const held = await begin(scope, { runId, kind: 'job', application, subject: document.id, version: versionText(document), parameters })
      const record = await teller.told(noticeScope, { document, runId, application }, () => keptJob(scope, held, order, jobParts, store))
      const unsent = teller.warning(document)
      return { record, ...(unsent !== undefined && { warning: unsent }) }
    },
    async close() {
      await lineage.close()
      await vault.close()
      await alerts.close()
      await store.close()
      await spill.close()
    },
  }
}
