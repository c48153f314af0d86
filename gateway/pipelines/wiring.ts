import { mkdir } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { openPostgresAlertStore, openSqliteAlertStore } from '../../connectors/alert-store/index.ts'
import { openPostgresAuditLog, openSqliteAuditLog } from '../../connectors/audit-log/index.ts'
import { openGitDefinitions } from '../../connectors/definitions/index.ts'
import { openPostgresDraftStore, openSqliteDraftStore } from '../../connectors/draft-store/index.ts'
import { openDuckDb } from '../../connectors/duckdb/database.ts'
import { openDuckDbEngine } from '../../connectors/duckdb/engine.ts'
import { openDatabase } from '../../connectors/jdbc/index.ts'
import { openLake } from '../../connectors/lake/index.ts'
import { type NotifyOptions, openNotifier } from '../../connectors/notify/index.ts'
import { openFolder } from '../../connectors/objects/folder.ts'
import { duckDbPipelines } from '../../connectors/pipelines/duckdb.ts'
import { openSpill } from '../../connectors/pipelines/spill.ts'
import { trinoPipelines } from '../../connectors/pipelines/trino.ts'
import { fileLineage, httpLineage } from '../../connectors/openlineage/index.ts'
import type { AlertStore } from '../../connectors/ports/alert-store.ts'
import type { NoticePlaces } from '../../connectors/ports/notifier.ts'
import type { ObjectStore, RunObjects } from '../../connectors/ports/object-store.ts'
import type { PipelineEngine } from '../../connectors/ports/pipeline-engine.ts'
import type { NewRun, RunStore } from '../../connectors/ports/run-store.ts'
import { type Clock, type Log, type Scope, systemClock } from '../../connectors/ports/scope.ts'
import type { TokenVault } from '../../connectors/ports/token-vault.ts'
import { openS3Objects } from '../../connectors/s3/object-store.ts'
import { openPostgresRunStore, openSqliteRunStore } from '../../connectors/run-store/index.ts'
import { environmentSecrets, fileSecrets, openSecrets, vaultSecrets } from '../../connectors/secrets/index.ts'
import { openPostgresTokenVault, openSqliteTokenVault } from '../../connectors/token-vault/index.ts'
import type { S3Source } from '../../schema/catalog.ts'
import { HubError } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'
import { analyse } from '../../subgraphs/lineage/analyse.ts'
import { LineageEvents } from '../../subgraphs/pipelines/lineage/lineage-events.ts'
import { Audit } from '../../subgraphs/pipelines/definitions/audit.ts'
import { Promotions } from '../../subgraphs/pipelines/environments/promotions.ts'
import { environmentRegistry } from '../../subgraphs/pipelines/environments/registry.ts'
import { Definitions } from '../../subgraphs/pipelines/definitions/definitions.ts'
import { Drafts } from '../../subgraphs/pipelines/definitions/drafts.ts'
import type { EnvironmentFiles } from '../../subgraphs/pipelines/environments/environment.ts'
import type { ChangeRoles } from '../../subgraphs/pipelines/index.ts'
import { type AlertWatchOptions, watchAlerts } from '../../subgraphs/pipelines/alerts/watch.ts'
import type { DeadNoticeRoles } from '../../subgraphs/pipelines/alerts/dead-notice-fields.ts'
import type { AlertRoles } from '../../subgraphs/pipelines/alerts/rule-fields.ts'
import type { PipelineDocument } from '../../subgraphs/pipelines/document/pipeline.ts'
import type { Finding } from '../../subgraphs/pipelines/finding.ts'
import { Teller, type TellerOptions } from '../../subgraphs/pipelines/notify/teller.ts'
import { checkData, type DataParts } from '../../subgraphs/pipelines/plan/data-check.ts'
import { type Definition, type Registry, versionText } from '../../subgraphs/pipelines/registry.ts'
import { type JobOrder, pipelineParameters } from '../../subgraphs/pipelines/run/job-order.ts'
import { jobPipelines } from '../../subgraphs/pipelines/run/job-pipelines.ts'
import type { JobRecord } from '../../subgraphs/pipelines/run/job-record.ts'
import type { Buckets, Regions, RunParts, Topics } from '../../subgraphs/pipelines/run/parts.ts'
import { leaseMs } from '../../subgraphs/pipelines/run/kept.ts'
import { keptJob } from '../../subgraphs/pipelines/run/kept-job.ts'
import { keptRun } from '../../subgraphs/pipelines/run/kept-run.ts'
import type { RunRecord } from '../../subgraphs/pipelines/run/record.ts'
import type { RunOrder } from '../../subgraphs/pipelines/run/run.ts'
import { schedule } from '../../subgraphs/pipelines/run/scheduler.ts'
import { Worker, type WorkerOptions } from '../../subgraphs/pipelines/run/worker.ts'
import type { RevealRoles } from '../../subgraphs/pipelines/reveal-fields.ts'
import type { RunRoles } from '../../subgraphs/pipelines/run-fields.ts'
import { lastingScope } from '../assembly/scope.ts'
import type { Config, Environment } from '../config.ts'
import { bytesOf, grantedBucket, keyPrefix } from './buckets.ts'
import { environmentFiles } from './environments.ts'
import { documentFiles } from './files.ts'
import { folderLayout } from './layout.ts'
import { LazyVault } from './lazy-vault.ts'
import { folderRegistry } from './registry.ts'

export { type Layer, layers } from '../../subgraphs/pipelines/document/pipeline.ts'
export type { ApplicationLayout, LayerLayout, Layout } from '../../subgraphs/pipelines/definitions/layout.ts'
export type { PipelineDocument } from '../../subgraphs/pipelines/document/pipeline.ts'
export { type DocumentRead, readDocument } from '../../subgraphs/pipelines/document/read.ts'
export { folderFindings } from '../../subgraphs/pipelines/folder.ts'
export { type Environment, type EnvironmentFiles, environments, type Overlay, type OverlayEntry, overlayFile, type OverlayProblem, type Promoted, promotedFile } from '../../subgraphs/pipelines/environments/environment.ts'
export { entriesOf, overlaid, unknownPlaces } from '../../subgraphs/pipelines/environments/overlaid.ts'
export type { FoundSchema } from '../../subgraphs/pipelines/plan/data-check.ts'
export type { Definition, JobDefinition, Registry } from '../../subgraphs/pipelines/registry.ts'
export type { BucketPath } from '../../subgraphs/pipelines/bucket-path.ts'
export type { BucketUse, LookupFile, Lookups, RunParts } from '../../subgraphs/pipelines/run/parts.ts'

/** Looks into what pipelines say of columns, with an engine of its own that holds no data. */
export interface PipelineChecks {
  check(document: PipelineDocument, schemaText: DataParts['schemaText']): Promise<readonly Finding[]>
  close(): Promise<void>
}

/** Its engine has a folder of its own in `freshIn`; absent: in the system's temporary one. */
export async function openPipelineChecks(scope: Scope, freshIn?: string): Promise<PipelineChecks> {
  const database = await openDuckDb({ ...(freshIn !== undefined && { freshIn }) })
  const engine = await openDuckDbEngine(database, scope)
  return {
    check: (document, schemaText) => checkData(document, { analyse, schemaText, describe: sql => engine.describe(scope, { sql }) }),
    async close() {
      await engine.close()
      await database.close()
    },
  }
}

/** The same, opened by the first who asks. */
class LazyChecks implements PipelineChecks {
  readonly #scope: Scope
  readonly #freshIn: string | undefined
  #opened: Promise<PipelineChecks> | undefined

  constructor(scope: Scope, freshIn: string | undefined) {
    this.#scope = scope
    this.#freshIn = freshIn
  }

  async check(...given: Parameters<PipelineChecks['check']>): ReturnType<PipelineChecks['check']> {
    this.#opened ??= openPipelineChecks(this.#scope, this.#freshIn)
    return (await this.#opened).check(...given)
  }

  async close(): Promise<void> {
    await (await this.#opened?.catch(() => undefined))?.close()
  }
}

export interface PipelineRunOptions {
  readonly config: Pick<Config, 'data' | 'pipelines' | 'engines'>
  readonly env: Environment
  readonly log: Log
  /** The folder of the application's data, made where it is not there. */
  readonly files: string
}

/** What a document names, where it lies. */
export type NamedParts = Pick<RunParts, 'schemaText' | 'queryText' | 'lookups'>

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

interface PartsOptions {
  readonly settings: Config['pipelines']
  readonly env: Environment
  readonly log: Log
  readonly vault: TokenVault
  readonly engine: PipelineEngine
}

/** Where Trino is, and who asks it. */
interface TrinoAddress {
  readonly url: string
  readonly user: string
  readonly password?: string
}

function pipelineEngine({ memoryLimit, tempLimit, threads, trinoCatalog }: Config['pipelines'], trino: TrinoAddress | undefined, freshIn: string | undefined): PipelineEngine {
  const duck = { memoryLimit, tempLimit, ...(freshIn !== undefined && { freshIn }), ...(threads !== undefined && { threads }) }
  if (trinoCatalog === undefined) return duckDbPipelines(duck)
  if (!trino) throw new HubError('VALIDATION_ERROR', `Runs are to hold their rows in the catalog "${trinoCatalog}" of Trino, and no Trino is named. Set engines.trinoUrl, or take pipelines.trinoCatalog out.`)
  const { password, ...reach } = trino
  return trinoPipelines({ trino: { ...reach, ...(password !== undefined && { auth: { kind: 'basic', password } }) }, catalog: trinoCatalog, duck })
}

/** What runs over the data in a folder have to do with, beside what documents name. */
async function partsOver(files: string, { settings, env, log, vault, engine }: PartsOptions): Promise<Omit<RunParts, keyof NamedParts>> {
  const { secretsFolder, vaultUrl, vaultMount, vaultToken, vaultNamespace } = settings
  const objects = await openFolder(files)
  const secrets = openSecrets([
    environmentSecrets(env), ...(secretsFolder === undefined ? [] : [fileSecrets({ folder: secretsFolder })]),
    ...(vaultUrl !== undefined && vaultToken !== undefined ? [vaultSecrets({ url: vaultUrl, mount: vaultMount, token: vaultToken, ...(vaultNamespace !== undefined && { namespace: vaultNamespace }) })] : []),
  ])
  return {
    objects, secrets, vault, lake: openLake(objects), engine, analyse,
    openDatabase: (jdbcUrl, credentials) => openDatabase({ jdbcUrl, ...(credentials && { credentials }), root: files, log }),
  }
}

interface BucketParts {
  readonly sources: () => Promise<readonly S3Source[]>
  /** For objects that a run reads. */
  readonly folder: string
  readonly mostBytes: number
}

/** What pipelines of an application may use of the catalog's buckets. */
function bucketsOf(application: string, { sources, ...here }: BucketParts): Buckets {
  return {
    async find(path, use) {
      const found = grantedBucket(await sources(), application, path, use)
      const prefix = keyPrefix(found)
      return { source: found.name, prefix, open: () => openObjects(found, prefix, here) }
    },
  }
}

/** The data of an application in a bucket, and its lake with it, for one run. */
async function dataIn(name: string, application: string, { sources, ...here }: BucketParts): Promise<Pick<RunParts, 'objects' | 'lake' | 'release'>> {
  const all = await sources()
  const found = all.find(source => source.name === name)
  if (!found) {
    // A run has to begin to be able to end with that.
    const objects = refusing(new HubError('VALIDATION_ERROR', `pipelines.dataSource is "${name}", and there is no source of type s3 of that name in the catalog.${didYouMean(name, all.map(source => source.name))}`))
    return { objects, lake: openLake(objects) }
  }
  const objects = openObjects(found, `${keyPrefix(found)}${application}/`, here)
  return { objects, lake: openLake(objects), release: () => objects.close() }
}

function refusing(error: HubError): ObjectStore {
  const refuse = async () => { throw error }
  return { find: refuse, read: refuse, slice: refuse, local: refuse, scratch: refuse, put: refuse, create: refuse, remove: refuse }
}

function openObjects({ name: source, bucket, endpoint, region, accessKeyId, secretAccessKey, sessionToken }: S3Source, prefix: string, here: Omit<BucketParts, 'sources'>): RunObjects {
  return openS3Objects({ source, bucket, endpoint, region, accessKeyId, secretAccessKey, sessionToken, prefix, ...here })
}

/** Where the hub's own tables are: in PostgreSQL, else in a file, which may be `:memory:`. */
interface KeptIn {
  readonly file: string
  readonly postgresUrl: string | undefined
  readonly log: Log
}

function openRunStore({ file, postgresUrl, log }: KeptIn): Promise<RunStore> {
  return postgresUrl === undefined ? openSqliteRunStore({ file }) : openPostgresRunStore({ url: postgresUrl, log })
}

function openAlertStore({ file, postgresUrl, log }: KeptIn): Promise<AlertStore> {
  return postgresUrl === undefined ? openSqliteAlertStore({ file }) : openPostgresAlertStore({ url: postgresUrl, log })
}

function lazyVault({ file, postgresUrl, log }: KeptIn): LazyVault {
  return new LazyVault(() => (postgresUrl === undefined ? openSqliteTokenVault({ file }) : openPostgresTokenVault({ url: postgresUrl, log })))
}

function trinoOf({ engines: { trinoUrl: url, trinoUser: user, trinoPassword: password } }: Pick<Config, 'engines'>): TrinoAddress | undefined {
  return url === undefined ? undefined : { url, user, ...(password !== undefined && { password }) }
}

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

/** How long what is still to tell keeps a process that ends. */
const lineageMs = 10_000

function openLineageEvents({ openLineageUrl: url, openLineageApiKey: apiKey, openLineageFile: file, openLineageNamespace: namespace }: Config['pipelines'], store: RunStore, parts: Omit<Parameters<typeof lastingScope>[0], 'signal'>) {
  const stopped = new AbortController()
  const sinks = [...(url === undefined ? [] : [httpLineage({ url, ...(apiKey !== undefined && { apiKey }) })]), ...(file === undefined ? [] : [fileLineage(file)])]
  const events = new LineageEvents({ sinks, store, namespace, producer: 'urn:tributary', scope: lastingScope({ ...parts, signal: stopped.signal }, 'lineage') })
  return {
    events,
    async close(): Promise<void> {
      const cancelTimer = parts.clock.after(lineageMs, () => stopped.abort(new HubError('SHUTTING_DOWN', `Events of lineage did not arrive within ${lineageMs / 1000} s after the last run.`)))
      await events.flush()
      cancelTimer()
    },
  }
}

/** Of each notice. */
const delivery = { attempts: 5, firstDelayMs: 1_000 }

/** Tells of runs by the ways that are set up, and where it may. */
function openTeller(settings: Config['pipelines'], kept: AlertStore): { readonly teller: Teller; readonly places: NoticePlaces } {
  const { notify, missing } = notifying(settings)
  const notifier = openNotifier(notify)
  return { teller: new Teller({ notifier, missing, delivery, kept, ...(settings.consoleUrl !== undefined && { consoleUrl: settings.consoleUrl }) }), places: notifier }
}

/** Ways for notices, of those that are set up, and the settings that the others lack. */
function notifying({ smtpUrl, smtpFrom, smtpRequireTls, webhookSecret, webhookAllow }: Config['pipelines']): { readonly notify: NotifyOptions; readonly missing: TellerOptions['missing'] } {
  const email = smtpUrl !== undefined && smtpFrom !== undefined ? { url: smtpUrl, from: smtpFrom, ...(smtpRequireTls !== undefined && { requireTls: smtpRequireTls }) } : undefined
  const webhook = webhookSecret === undefined ? undefined : { secret: webhookSecret, allow: webhookAllow }
  const unset = (settings: Readonly<Record<string, string | undefined>>) => Object.keys(settings).filter(name => settings[name] === undefined).map(name => `pipelines.${name}`)
  return { notify: { ...(email && { email }), ...(webhook && { webhook }) }, missing: { email: unset({ smtpUrl, smtpFrom }), webhook: unset({ webhookSecret }) } }
}
