import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { openPostgresAuditLog, openSqliteAuditLog } from '../../../connectors/audit-log/index.ts'
import { openGitDefinitions } from '../../../connectors/definitions/index.ts'
import { openPostgresDraftStore, openSqliteDraftStore } from '../../../connectors/draft-store/index.ts'
import { openSpill } from '../../../connectors/pipelines/spill.ts'
import type { Clock, Scope } from '../../../connectors/ports/scope.ts'
import type { S3Source } from '../../../schema/catalog.ts'
import { HubError } from '../../../schema/errors.ts'
import type { DeadNoticeRoles } from '../../../subgraphs/pipelines/alerts/dead-notice-fields.ts'
import type { AlertRoles } from '../../../subgraphs/pipelines/alerts/rule-fields.ts'
import { type AlertWatchOptions, watchAlerts } from '../../../subgraphs/pipelines/alerts/watch.ts'
import { Audit } from '../../../subgraphs/pipelines/definitions/audit.ts'
import { Definitions } from '../../../subgraphs/pipelines/definitions/definitions.ts'
import { Drafts } from '../../../subgraphs/pipelines/definitions/drafts.ts'
import type { EnvironmentFiles } from '../../../subgraphs/pipelines/environments/environment.ts'
import { Promotions } from '../../../subgraphs/pipelines/environments/promotions.ts'
import { environmentRegistry } from '../../../subgraphs/pipelines/environments/registry.ts'
import type { ChangeRoles } from '../../../subgraphs/pipelines/index.ts'
import type { Definition, Registry } from '../../../subgraphs/pipelines/registry.ts'
import type { RevealRoles } from '../../../subgraphs/pipelines/reveal-fields.ts'
import type { RunRoles } from '../../../subgraphs/pipelines/run-fields.ts'
import type { Regions, RunParts, Topics } from '../../../subgraphs/pipelines/run/parts.ts'
import { schedule } from '../../../subgraphs/pipelines/run/scheduler.ts'
import { Worker, type WorkerOptions } from '../../../subgraphs/pipelines/run/worker.ts'
import { lastingScope } from '../../assembly/scope.ts'
import type { Config, Environment } from '../../config.ts'
import { bytesOf } from '../buckets.ts'
import { environmentFiles } from '../environments.ts'
import { documentFiles } from '../files.ts'
import { folderLayout } from '../layout.ts'
import { folderRegistry } from '../registry.ts'
import { type BucketParts, bucketsOf, dataIn } from './bucket-parts.ts'
import { LazyChecks } from './checks.ts'
import { partsOver, pipelineEngine, type TrinoAddress } from './parts.ts'
import { type KeptIn, lazyVault, openAlertStore, openRunStore } from './stores.ts'
import { openLineageEvents, openTeller } from './telling.ts'

export interface HubPipelinesOptions extends KeptIn {
  readonly trino: TrinoAddress | undefined
  /** Where runs write what does not fit in memory; absent: below the system's temporary folder. */
  readonly spill: string | undefined
  readonly settings: Config['pipelines']
  readonly env: Environment
  readonly clock: Clock
  readonly later: Scope['later']
  readonly regions: Regions
  readonly indices: NonNullable<RunParts['indices']>
  readonly topics: Topics
  /** Of the catalog, as it is now. */
  readonly buckets: () => Promise<readonly S3Source[]>
  /** Hears of every run that ended here. */
  readonly ended: WorkerOptions['ended']
  /** Hears of every alert that was raised here. */
  readonly raised: AlertWatchOptions['raised']
}

/** The pipelines of a hub and their runs. A worker takes those that wait, in this process, unless there are no slots. */
export async function openHubPipelines({ settings, env, clock, later, ended, raised, trino, regions, indices, topics, buckets, spill: below, ...kept }: HubPipelinesOptions): Promise<Omit<RunRoles & ChangeRoles & AlertRoles & DeadNoticeRoles, 'cursors'> & RevealRoles & { close(): Promise<void> }> {
  const { log } = kept
  const spill = below === undefined ? undefined : await openSpill(below)
  const engine = pipelineEngine(settings, trino, spill?.folder)
  const vault = lazyVault(kept)
  const store = await openRunStore(kept).catch(async (error: unknown) => {
    await spill?.close()
    throw error
  })
  const alerts = await openAlertStore(kept)
  const bucketParts: BucketParts = { sources: buckets, folder: spill?.folder ?? tmpdir(), mostBytes: bytesOf(settings.tempLimit) }
  const lying = folderRegistry(settings.folder, async ({ application, data, schemaText, queryText, lookups }) => {
    const parts = await partsOver(data, { settings, env, log, vault, engine })
    return { ...parts, ...(settings.dataSource !== undefined && (await dataIn(settings.dataSource, application, bucketParts))), schemaText, queryText, lookups, regions, indices, topics, buckets: bucketsOf(application, bucketParts) }
  })
  const stopped = new AbortController()
  const ownScope = (what: string) => lastingScope({ clock, log, later, signal: stopped.signal }, what)
  const { environment } = settings
  const files = environmentFiles(settings.folder)
  const changing = await openChanges(kept, settings, lying, files)
  const registry = environmentRegistry({ folder: lying, environment, files, textOf: (app, id, version) => changing.promotions.textOf(ownScope('environments'), app, id, version) })
  const checks = new LazyChecks(lastingScope({ clock, log, later, signal: stopped.signal }, 'checks'), spill?.folder)
  const { teller, places } = openTeller(settings, alerts)
  const lineage = openLineageEvents(settings, store, { clock, log, later })
  const check = async ({ file, document }: Pick<Definition, 'file' | 'document'>) => (document && settings.folder !== undefined ? checks.check(document, documentFiles(join(settings.folder, file)).schemaText) : [])
  const worker = settings.folder === undefined || settings.slots === 0 ? undefined : new Worker({
    store, registry, check, configVersionOf: changing.configVersionOf, name: `${hostname()} ${process.pid}`, slots: settings.slots, environment, ended, lineage: lineage.events,
    told(scope, order, run) {
      const warning = teller.warning(order.document)
      if (warning !== undefined) log.warn(warning, { app: order.application, job: order.document.id, run: order.runId })
      return teller.told(scope, order, run)
    },
    scopeOf: (runId, tenant, signal) => ({ ...lastingScope({ clock, log, later, signal }, runId), requestId: runId, tenant }),
  })
  const scheduling = settings.folder === undefined || !settings.schedules ? undefined : schedule({ store, registry, wake: () => worker?.wake(), scope: { ...ownScope('schedules'), tenant: settings.tenant } })
  const watching = settings.folder === undefined ? undefined : watchAlerts({ store, alerts, registry, teller, raised, scope: ownScope('alerts') })
  return {
    registry, store, alerts, places, teller, reveals: vault, wake: () => worker?.wake(),
    definitions: changing.definitions, drafts: changing.drafts, audit: changing.audit, environment, promotions: changing.promotions, layout: folderLayout(settings.folder),
    check,
    async close() {
      stopped.abort(new HubError('SHUTTING_DOWN', 'The hub is stopping.'))
      await scheduling
      await watching
      await worker?.close()
      await teller.idle()
      await lineage.close()
      await checks.close()
      await changing.close()
      await vault.close()
      await alerts.close()
      await store.close()
      await spill?.close()
    },
  }
}

/** What changes the pipelines of a folder, with drafts and the audit log. */
async function openChanges({ file, postgresUrl: url, log }: KeptIn, { folder, environment }: Pick<Config['pipelines'], 'folder' | 'environment'>, registry: Registry, files: EnvironmentFiles): Promise<Pick<ChangeRoles, 'definitions' | 'drafts' | 'audit' | 'promotions'> & Pick<WorkerOptions, 'configVersionOf'> & { close(): Promise<void> }> {
  const git = folder === undefined ? undefined : openGitDefinitions(folder)
  const [draftStore, auditLog] = url === undefined ? [await openSqliteDraftStore({ file }), await openSqliteAuditLog({ file })] : [await openPostgresDraftStore({ url, log }), await openPostgresAuditLog({ url, log })]
  const definitions = new Definitions({ registry, store: git })
  const audit = new Audit(auditLog, git)
  return {
    definitions, audit, promotions: new Promotions({ folder: registry, definitions, store: git, drafts: draftStore, audit, files }),
    async configVersionOf(scope, { file, xml, commit }) {
      const placed = commit === undefined ? await git?.placed(scope, file, xml) : { commit }
      return placed && { ...placed, environment }
    },
    drafts: new Drafts({ drafts: draftStore, definitions, audit }),
    async close() {
      await draftStore.close()
      await auditLog.close()
    },
  }
}
