import { Counter, Gauge, Histogram } from 'prom-client'
import { loadCatalog, type LoadedCatalog } from './catalog/load.ts'
import { watchCatalog } from './catalog/watch.ts'
import { asHubError, HubError } from '../schema/errors.ts'
import type { Clock, Log } from '../connectors/ports/scope.ts'
import { createAuthenticator } from './auth/authenticator.ts'
import { placedProblems } from './check.ts'
import { environment, type Config } from './config.ts'
import { singleSubgraph } from './federation/single.ts'
import { openFront, urlOf } from './http/front.ts'
import { whenReached } from './http/waiting.ts'
import type { Hub } from './hub.ts'
import type { LiveHub } from './assembly/live-hub.ts'
import { Lifecycle } from './lifecycle.ts'
import { SupergraphHub } from './assembly/supergraph-hub.ts'
import { restRoutes } from './rest/table.ts'
import { createMetrics, type Metrics } from './telemetry/metrics.ts'
import { type HubOptions, openHub, type OpenHub } from './wiring.ts'
import type { Team } from './workers/team.ts'

export interface Server {
  readonly url: string
  readonly hub: LiveHub
  readonly open: boolean
  /** Lets what is under way end, then closes everything. Calling it again waits for the same end. */
  close(): Promise<void>
}

export interface ServeOptions {
  readonly clock: Clock
  readonly log: Log
  readonly progress?: (region: string, rows: number) => void
  readonly onFatal: (error: Error) => void
  /** Those that take the requests; absent: the hub takes them itself. */
  readonly team?: Team
  /** Ends when the process is asked to stop, which ends a start that waits for what does not answer. */
  readonly stopping?: Promise<unknown>
}

/** The hub of a configuration behind its door: catalog composed and loaded, edits of it followed. */
export function serve(config: Config & { readonly catalog: string }, options: ServeOptions): Promise<Server> {
  return serveGraph(config, options, hub => hub)
}

/** One of its subgraphs alone, for a gateway somewhere else. An unknown name → NOT_FOUND with those there are. */
export function serveSubgraph(name: string, config: Config & { readonly catalog: string }, options: ServeOptions): Promise<Server> {
  return serveGraph(config, options, hub => onlySubgraph(hub, name))
}

async function serveGraph(config: Config & { readonly catalog: string }, { clock, log, progress, onFatal, stopping, team }: ServeOptions, facing: (hub: LiveHub) => Hub): Promise<Server> {
  const auth = createAuthenticator(config.auth, { host: config.host, clock, log })
  const lifecycle = new Lifecycle(clock)
  const metrics = createMetrics()
  const ended = runMetrics(metrics)
  const raised = alertMetrics(metrics)
  const files = new CatalogFiles(config)
  const opened = await placed(files, whenReached({ host: config.host, port: config.port, clock, log, mends: isUnreached, stopping }, () => openHub({
    data: config.data, readsAt: team?.readsAt, clock, log, maxEntries: config.defaults.evictionSize, backups: config.defaults.backups, consistency: config.defaults.consistency, progress, onFatal,
    later: work => lifecycle.later(work, log), metrics: metrics.subgraphs,
    pipelines: { settings: config.pipelines, env: environment, ended, raised },
    files: () => files.load(),
    reach: { api: config.api, env: name => environment[name] },
    ignite: igniteOf(config), kafkaBrokers: config.engines.kafkaBrokers, regionChangesRetentionMs: config.engines.regionChangesRetentionMs, cursorSecret: config.cursorSecret, schemaRegistryUrl: config.engines.schemaRegistryUrl, postgresUrl: config.engines.postgresUrl, trino: config.engines.trinoUrl === undefined ? undefined : { url: config.engines.trinoUrl, user: config.engines.trinoUser, password: config.engines.trinoPassword },
  })))
  let watcher: ReturnType<typeof watchCatalog> | undefined
  try {
    const shown = facing(opened.hub)
    watcher = watchCatalog(config.catalog, () => lifecycle.later(() => followed('catalog', opened.hub, () => placed(files, opened.hub.reload()), log), log), { clock, onError: error => log.warn('The catalog is no longer watched.', { reason: error.message }) })
    regionMetrics(metrics, opened, log)
    queueMetrics(metrics, opened, { clock, log })
    team?.joinMetrics(metrics)
    const front = await openFront({
      hub: team ? withTeam(shown, team) : shown, settings: config, consistency: config.defaults.consistency, clock, log, auth, metrics, routes: shown === opened.hub ? restRoutes(shown) : [], at: team?.at,
    })
    const url = team ? urlOf(config, await team.start().catch((error: unknown) => front.drain().then(() => Promise.reject(error)))) : front.url
    let closing: Promise<void> | undefined
    const close = async () => {
      watcher?.close()
      await front.drain(team?.drain())
      await team?.end(config.drainTimeoutMs)
      await lifecycle.idle(config.drainTimeoutMs)
      await opened.close()
    }
    return { url, hub: opened.hub, open: auth.open, close: () => (closing ??= close()) }
  } catch (error) {
    watcher?.close()
    await opened.close()
    throw error
  }
}

/** A composed supergraph behind the same door, its subgraphs somewhere else: edits of the file are followed, a wrong one is refused and the graph before it serves on. */
export async function serveGateway(supergraph: string, config: Config, { clock, log }: Pick<ServeOptions, 'clock' | 'log'>): Promise<Pick<Server, 'url' | 'close'>> {
  const auth = createAuthenticator(config.auth, { host: config.host, clock, log })
  const lifecycle = new Lifecycle(clock)
  const metrics = createMetrics()
  const hub = await SupergraphHub.open(supergraph, { clock, log, later: work => lifecycle.later(work, log), metrics: metrics.subgraphs })
  const reload = () => lifecycle.later(() => followed('supergraph', hub, () => hub.reload(), log), log)
  const watcher = watchCatalog(supergraph, reload, { clock, onError: error => log.warn('The supergraph is no longer watched.', { reason: error.message }) })
  try {
    const settings = { ...config, limits: { ...config.limits, defaultRows: config.limits.defaultRows ?? 1 } }
    const front = await openFront({ hub, settings, clock, log, auth, metrics })
    let closing: Promise<void> | undefined
    const close = async () => {
      watcher.close()
      await front.drain()
      await lifecycle.idle(config.drainTimeoutMs)
      await hub.close()
    }
    return { url: front.url, close: () => (closing ??= close()) }
  } catch (error) {
    watcher.close()
    await hub.close()
    throw error
  }
}

/** The hub, of whose health its workers are a part. */
function withTeam(hub: Hub, team: Team): Hub {
  return {
    get supergraph() {
      return hub.supergraph
    },
    onSupergraph: listener => hub.onSupergraph(listener),
    health: async () => [...(await hub.health()), team.health()],
  }
}

/** The cluster that keeps the regions, or the one that keeps their changes, does not answer: it is waited for, never done without. */
function isUnreached(error: unknown): error is HubError {
  return error instanceof HubError && error.code === 'UPSTREAM_UNAVAILABLE' && (error.details['engine'] === 'ignite' || error.details['engine'] === 'kafka')
}

function igniteOf({ engines: { igniteHosts: hosts, igniteUser: user, ignitePassword: password, igniteTls, igniteNamespace: namespace } }: Config) {
  return hosts && { hosts, user, password, namespace, ...(igniteTls && { tls: {} }) }
}

/** The hub as one of its subgraphs shows it. */
function onlySubgraph(hub: LiveHub, name: string): Hub {
  const single = () => {
    const { subgraphs } = hub.assembly
    const found = subgraphs.find(one => one.name === name)
    if (!found) throw new HubError('NOT_FOUND', `The hub has no subgraph "${name}". There are: ${subgraphs.map(one => one.name).join(', ')}.`, { subgraph: name })
    return singleSubgraph(found)
  }
  let supergraph = single()
  return {
    get supergraph() {
      return supergraph
    },
    onSupergraph: listener =>
      hub.onSupergraph(() => {
        supergraph = single()
        listener(supergraph)
      }),
    health: () => hub.health(),
  }
}

/** The catalog's files, and where in them each member stands. */
class CatalogFiles {
  readonly #config: Config & { readonly catalog: string }
  #loaded: LoadedCatalog | undefined

  constructor(config: Config & { readonly catalog: string }) {
    this.#config = config
  }

  async load(): Promise<{ catalog: LoadedCatalog['catalog']; written: Readonly<Record<string, unknown>> }> {
    this.#loaded = await loadCatalog(this.#config.catalog, { env: name => environment[name], defaults: { maxEntries: this.#config.defaults.evictionSize, backups: this.#config.defaults.backups } })
    return { catalog: this.#loaded.catalog, written: this.#loaded.written }
  }

  /** The failure with the places of its problems in the files. */
  placed(error: unknown): unknown {
    if (!this.#loaded || !(error instanceof HubError) || error.code !== 'CATALOG_INVALID') return error
    return new HubError('CATALOG_INVALID', error.message, { ...error.details, problems: placedProblems(this.#loaded, error) }, { cause: error.cause })
  }
}

/** Failures with problems in the catalog say where in the files each stands. */
async function placed<T>(files: CatalogFiles, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw files.placed(error)
  }
}

/** Takes over what was edited, and says in the log what came of it. */
async function followed(what: string, hub: Hub, reload: () => Promise<unknown>, log: Log): Promise<void> {
  try {
    const before = hub.supergraph.version
    await reload()
    log.info(hub.supergraph.version === before ? `The ${what} was read again; the graph is the same.` : `The edited ${what} serves.`, { version: hub.supergraph.version })
  } catch (error) {
    const failure = asHubError(error)
    if (failure.code === 'INTERNAL') throw error
    log.error(`The edited ${what} is refused; the graph before it goes on serving.`, { code: failure.code, reason: failure.message, problems: failure.details['problems'] })
  }
}

/** What is counted of runs of pipelines, by application, pipeline and layer. */
function runMetrics({ registry }: Metrics): HubOptions['pipelines']['ended'] {
  const common = { registers: [registry], labelNames: ['app', 'pipeline', 'layer'] }
  const total = new Counter({ ...common, name: 'pipeline_runs_total', help: 'Runs of pipelines that ended here, however they ended.' })
  const failures = new Counter({ ...common, name: 'pipeline_failures_total', help: 'Those that failed.' })
  const seconds = new Histogram({ ...common, name: 'pipeline_duration_seconds', help: 'How long they took, without the time they waited.', buckets: [0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 1800, 3600, 7200, 14_400] })
  const sla = new Counter({ registers: [registry], labelNames: [...common.labelNames, 'sla'], name: 'pipeline_sla_total', help: 'Those that had an SLA, by whether they ended in time: met, breached.' })
  return ({ application: app, subject: pipeline, layer = '', slaAtMs }, { state, startedAtMs, endedAtMs }) => {
    const labels = { app, pipeline, layer }
    total.inc(labels)
    if (state === 'FAILED') failures.inc(labels)
    if (slaAtMs !== undefined) sla.inc({ ...labels, sla: endedAtMs < slaAtMs ? 'met' : 'breached' })
    seconds.observe(labels, (endedAtMs - startedAtMs) / 1000)
  }
}

/** Alerts that were raised here, by kind and application. */
function alertMetrics({ registry }: Metrics): HubOptions['pipelines']['raised'] {
  const total = new Counter({ registers: [registry], labelNames: ['kind', 'app'], name: 'dhub_alerts_total', help: 'Alerts that were raised here; what is one more of an alert is not counted.' })
  return ({ kind, application: app }) => total.inc({ kind, app })
}

/** Runs that wait for a worker, asked for once a scrape. A store that does not answer has no figures. */
function queueMetrics({ registry }: Metrics, { runQueue }: OpenHub, { clock, log }: Pick<ServeOptions, 'clock' | 'log'>): void {
  type Found = Awaited<ReturnType<OpenHub['runQueue']>>
  let asking: Promise<Found | undefined> | undefined
  const ask = () => {
    asking ??= runQueue(AbortSignal.timeout(5_000))
      .catch((error: unknown) => {
        log.warn('The figures of the queue of runs are missing from the metrics.', { reason: asHubError(error).message })
        return undefined
      })
      .finally(() => { asking = undefined })
    return asking
  }
  const figure = (name: string, help: string, read: (found: Found) => number) => new Gauge({
    registers: [registry], name, help,
    async collect() {
      const found = await ask()
      if (found) this.set(read(found))
      else this.remove()
    },
  })
  figure('dhub_queue_depth', 'Runs that wait for a worker.', ({ depth }) => depth)
  figure('dhub_queue_oldest_seconds', 'How long the one has waited that has waited longest.', ({ oldestAtMs }) => (oldestAtMs === undefined ? 0 : Math.max(0, clock.now() - oldestAtMs) / 1000))
}

/** Figures per region, asked for once a scrape. A store that does not answer has none. */
function regionMetrics({ registry }: Metrics, { regionStats }: OpenHub, log: Log): void {
  type Found = Awaited<ReturnType<OpenHub['regionStats']>>
  let asking: Promise<Found> | undefined
  const ask = () => {
    asking ??= regionStats(AbortSignal.timeout(5_000))
      .catch((error: unknown): Found => {
        log.warn('The figures of the regions are missing from the metrics.', { reason: asHubError(error).message })
        return []
      })
      .finally(() => { asking = undefined })
    return asking
  }
  const figure = (name: string, help: string, read: (stats: Found[number]['stats']) => number | null): void => {
    const collect = async (metric: Gauge | Counter) => {
      const found = await ask()
      metric.reset()
      for (const { region, stats } of found) {
        const value = read(stats)
        if (value !== null) metric.inc({ region }, value)
      }
    }
    const common = { registers: [registry], name, help, labelNames: ['region'] }
    if (name.endsWith('_total')) new Counter({ ...common, collect() { return collect(this) } })
    else new Gauge({ ...common, collect() { return collect(this) } })
  }
  figure('dih_cache_hits_total', 'Reads answered from the region.', stats => stats.hits)
  figure('dih_cache_misses_total', 'Reads of keys the region did not hold.', stats => stats.misses)
  figure('dih_evictions_total', 'Entries that went because the region was full.', stats => stats.evictions)
  figure('dih_expiries_total', 'Entries whose time ran out.', stats => stats.expiries)
  figure('dih_region_entries', 'Entries held.', stats => stats.entries)
  figure('dih_region_bytes', 'Bytes the entries take, about.', stats => stats.sizeBytes)
  figure('dih_backend_offload_ratio', 'Share of reads answered without asking the source.', stats => (stats.hits + stats.misses === 0 ? null : stats.hits / (stats.hits + stats.misses)))
}
