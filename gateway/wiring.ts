import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEntry, type Source } from '../schema/catalog.ts'
import { HubError } from '../schema/errors.ts'
import { didYouMean } from '../schema/names.ts'
import type { ConsistencyLevel } from '../schema/consistency.ts'
import { proposeCatalog, type ProposedCatalog } from '../schema/propose.ts'
import { openCassandra } from '../connectors/cassandra/index.ts'
import { fromUrl as cassandraAt } from '../connectors/cassandra/options.ts'
import { openDuckDb, type DuckDatabase } from '../connectors/duckdb/database.ts'
import { baseTables, isLimited, parameterPlaces, selects, withMembers, writeStatement } from '../connectors/statements/index.ts'
import { openDuckDbEngine } from '../connectors/duckdb/engine.ts'
import { Mounts } from '../connectors/statements/mounts.ts'
import { openEventLog } from '../connectors/events/index.ts'
import { openElasticsearch } from '../connectors/elasticsearch/index.ts'
import { openIndexWriter } from '../connectors/elasticsearch/write.ts'
import { type FilesConnector, openFiles } from '../connectors/files/index.ts'
import { openIgnite } from '../connectors/ignite/index.ts'
import { openIgniteRegions } from '../connectors/ignite/regions/index.ts'
import { openKafkaEvents } from '../connectors/kafka/index.ts'
import { openMemoryRegions } from '../connectors/memory/index.ts'
import { openOwner } from '../connectors/owner/owner.ts'
import { openPostgresMetadata } from '../connectors/metadata/postgres.ts'
import { openSqliteMetadata } from '../connectors/metadata/sqlite.ts'
import { openPostgres } from '../connectors/postgres/index.ts'
import { openSchemaRegistry } from '../connectors/schema-registry/index.ts'
import { openSharedLog } from '../connectors/regions/shared-log/index.ts'
import { openRoutedEngine } from '../connectors/routing/engine.ts'
import { openS3 } from '../connectors/s3/index.ts'
import { openSqlite } from '../connectors/sqlite/index.ts'
import { TrinoCatalogs } from '../connectors/trino/catalogs.ts'
import { storedName } from '../connectors/topics/names.ts'
import { openTrino } from '../connectors/trino/client.ts'
import { openTrinoEngine } from '../connectors/trino/engine.ts'
import { TrinoRegions } from '../connectors/trino/regions.ts'
import { TrinoSources } from '../connectors/trino/sources.ts'
import type { EventLog } from '../connectors/ports/event-log.ts'
import type { IndexWriter } from '../connectors/ports/index-writer.ts'
import type { RegionStats, RegionStore } from '../connectors/ports/region-store.ts'
import type { RunStore } from '../connectors/ports/run-store.ts'
import { systemClock, type Clock, type Log, type Scope } from '../connectors/ports/scope.ts'
import type { SourceConnector } from '../connectors/ports/source-connector.ts'
import type { MountedTable } from '../connectors/ports/sql-engine.ts'
import { sealer } from '../resolvers/cursor.ts'
import { Dispatcher } from '../resolvers/live/dispatcher.ts'
import type { Subgraph } from '../resolvers/subgraph.ts'
import { lineageSubgraph } from '../subgraphs/lineage/index.ts'
import { ResultCache } from '../subgraphs/regions/endpoints/result-cache.ts'
import type { Answer } from '../subgraphs/regions/endpoints/run.ts'
import { pipelinesSubgraph } from '../subgraphs/pipelines/index.ts'
import { holds } from '../subgraphs/pipelines/permissions.ts'
import type { Regions, Topics } from '../subgraphs/pipelines/run/parts.ts'
import { runsTable } from '../connectors/run-store/table.ts'
import { catalogTable } from './pipelines/places.ts'
import { type HubPipelinesOptions, openHubPipelines } from './pipelines/wiring/index.ts'
import { regionsSubgraph } from '../subgraphs/regions/index.ts'
import { streamsSubgraph } from '../subgraphs/streams/index.ts'
import { viewsSubgraph } from '../subgraphs/views/index.ts'
import type { Assembled } from './assembly/assemble.ts'
import type { FileCatalog } from './assembly/declared.ts'
import { LiveHub } from './assembly/live-hub.ts'
import type { Reach } from './assembly/reach.ts'
import { hubScope } from './assembly/scope.ts'
import { sourceAt } from './commands/source-at.ts'
import { remoteService } from './federation/remote.ts'
import { openLog } from './telemetry/log.ts'
import type { SubgraphMetrics } from './telemetry/metrics.ts'
import { describe } from './workers/description.ts'


export interface HubOptions {
  /** Folder for what outlives the process; absent: nothing does. */
  readonly data?: string
  readonly clock: Clock
  readonly log: Log
  readonly later: (work: () => Promise<void>) => void
  readonly metrics?: SubgraphMetrics
  readonly maxEntries: number
  /** Of regions declared without. */
  readonly backups: number
  /** Of reads that ask for none; absent: STRONG. */
  readonly consistency?: ConsistencyLevel
  readonly files: () => Promise<FileCatalog>
  /** Whether regions are kept in step with tables they follow; absent: they are. */
  readonly follow?: boolean
  /** What entries given through the API may reach. */
  readonly reach: Reach
  /** Client ports of the Apache Ignite nodes that keep the regions; absent: the hub keeps them itself. */
  readonly ignite?: { readonly hosts: readonly string[]; readonly user?: string; readonly password?: string; readonly tls?: { readonly ca?: string }; readonly namespace?: string }
  /** Brokers of the Kafka cluster that keeps topics, `host:port` each; absent or empty: the hub keeps them itself. */
  readonly kafkaBrokers?: readonly string[]
  /** How long a change of a region can be read, where regions are on a cluster and topics in Kafka: then every hub of the namespace takes the cursors of every other. Default: a day. */
  readonly regionChangesRetentionMs?: number
  /** Signs cursors; absent: what was made for that once is kept with what is declared through the API. */
  readonly cursorSecret?: string
  /** PostgreSQL that keeps what is declared through the API; absent: a file in the data folder. */
  readonly postgresUrl?: string
  /** Runs the statements whose tables it can all read; absent: all of them run embedded. */
  readonly trino?: { readonly url: string; readonly user: string; readonly password?: string }
  /** Where schemas of values in topics are registered. */
  readonly schemaRegistryUrl?: string
  /** Of pipelines and their runs. */
  readonly pipelines: Pick<HubPipelinesOptions, 'settings' | 'env' | 'ended' | 'raised'>
  readonly progress?: (region: string, rows: number) => void
  /** Path of the socket at which workers read regions; absent: there are none. */
  readonly readsAt?: string
  /** The commit log cannot be written: memory is ahead of it, and the process must end. */
  readonly onFatal: (error: Error) => void
}

/** Of a shared change log, in this process. */
const keptChangesBytes = 64 * 1024 * 1024
/** Results of endpoints that may be answered again, of all tenants together. */
const keptResults = { maxEntries: 10_000, maxBytes: 64 * 1024 * 1024 }

export interface OpenHub {
  readonly hub: LiveHub
  /** Figures of every region, for metrics. */
  readonly regionStats: (signal: AbortSignal) => Promise<readonly { readonly region: string; readonly stats: RegionStats }[]>
  /** Runs that wait, of all tenants, for metrics. */
  readonly runQueue: (signal: AbortSignal) => ReturnType<RunStore['queue']>
  close(): Promise<void>
}

/** The hub on its embedded engines. Everything opened is closed again when a part refuses to open. */
export async function openHub(options: HubOptions): Promise<OpenHub> {
  const { clock, log, later } = options
  const closers: (() => Promise<void>)[] = []
  const opened = <T extends { close(): Promise<void> }>(part: T): T => {
    closers.unshift(() => part.close())
    return part
  }
  const close = async () => {
    for (const closer of closers.splice(0)) await closer()
  }
  const opening = Promise.withResolvers<LiveHub>()
  opening.promise.catch(() => {})
  try {
    if (options.data !== undefined) mkdirSync(options.data, { recursive: true })
    const inData = (name: string) => (options.data === undefined ? undefined : join(options.data, name))
    const metadata = opened(options.postgresUrl === undefined ? await openSqliteMetadata({ file: inData('metadata.sqlite') ?? ':memory:', clock }) : await openPostgresMetadata({ url: options.postgresUrl, clock, log }))
    const events = opened(await openEvents(options, inData('events')))
    const store = opened(await (options.ignite ? openOnIgnite(options.ignite, options, events) : openMemoryRegions({ directory: inData('regions'), clock, log, onFatal: options.onFatal })))
    const database = opened(await openDuckDb({ directory: inData('engine') }))
    const duckdb = await openDuckDbEngine(database, { clock, log })
    const trino = options.trino && openTrinoSide(options.trino, options, store)
    const engine = opened(trino ? openRoutedEngine({ first: trino.engine, second: duckdb, reads: trino.reads }) : duckdb)
    const pipelines = opened(await openHubPipelines({ ...options.pipelines, spill: inData('spill'), file: inData('metadata.sqlite') ?? ':memory:', postgresUrl: options.postgresUrl, trino: options.trino, clock, log, later, regions: regionsOf(opening.promise), indices: indicesOf(opening.promise), topics: topicsOf(events, options.kafkaBrokers), buckets: async () => (await opening.promise).assembly.catalog.sources.filter(one => one.type === 's3') }))
    const schemas = options.schemaRegistryUrl === undefined ? undefined : openSchemaRegistry({ url: options.schemaRegistryUrl })
    const kept = { kid: '1', secret: await metadata.setting('cursor-secret', () => randomBytes(32).toString('base64url')) }
    const cursors = sealer(options.cursorSecret === undefined ? [kept] : [{ kid: 'given', secret: options.cursorSecret }, kept])
    const dispatcher = new Dispatcher(store.changes)
    closers.unshift(async () => dispatcher.close())
    const results = new ResultCache<Answer>(store.changes, keptResults)
    closers.unshift(async () => results.close())

    const subgraphs = (assembled: Assembled, hub: LiveHub): Subgraph[] => {
      const { model, rowsOf, held, catalog, engine } = assembled
      const current = () => hub.assembly
      const mounts = new Mounts(assembled.mounts)
      const tableNames = mounts.named.bind(mounts)
      const region = (name: string) => heldRegion(held, name)
      const sourceOf = (name: string) => assembled.sources.find(one => one.source.name === name)
      return [
        regionsSubgraph({
          model, rowsOf, region, engine, cursors, admin: hub, defaultBackups: options.backups, defaultConsistency: options.consistency ?? 'STRONG', reload: (scope, name) => hub.refresh(scope, name),
          endpoints: assembled.endpoints, results, selectsOf: selects, writeOf: writeStatement,
          changes: { log: store.changes, dispatcher },
          cluster: scope => store.cluster(scope),
          transact: (scope, transaction, work) => store.transact(scope, transaction, work),
          transaction: (scope, id) => store.transaction(scope, id),
          current: () => {
            const { model: now, catalog: declared, held: regions, endpoints } = current()
            return { model: now, catalog: declared, endpoints, region: name => heldRegion(regions, name), loadedAtMs: name => regions.get(name)?.loadedAtMs }
          },
        }),
        viewsSubgraph({
          model, rowsOf, region, engine, cursors, admin: hub, tablesOf: tableNames, isLimited, selectsOf: selects,
          changes: { log: store.changes, dispatcher },
          current: () => current().model,
          tables: () => current().mounts,
          connectorOf: name => sourceOf(name)?.source.type ?? 'hub',
          quarantineOf: (name, table) => hub.sourceTable(name, table)?.quarantine ?? { count: 0, samples: [] },
          partitionOf: (name, table) => hub.sourceTable(name, table)?.partition,
          rowCountOf: (name, table) => hub.sourceTable(name, table)?.rowCount,
          regionEntry: name => current().catalog.regions.find(one => one.name === name),
          held: name => current().held.get(name)?.region,
          materialised: name => {
            const view = current().catalog.views.find(one => one.name === name) ?? catalog.views.find(one => one.name === name)
            return view?.materialize && { everyMs: view.materialize.everyMs, refreshedAtMs: current().held.get(name)?.loadedAtMs }
          },
          refresh: (context, name) => hub.refresh(context.scope, name),
          trouble: async name => (await hub.sourceHealth(name))?.message,
        }),
        lineageSubgraph({
          model: () => model,
          tables: (of, name) => assembled.mounts.find(mount => same(mount.catalog, of) && same(mount.name, name))?.columns,
          runs: async scope => (await pipelines.store.lineages(scope)).filter(({ application }) => holds(scope, 'pipeline:read', application)),
          tableOf: dataset => catalogTable(catalog.sources, options.pipelines.settings, dataset),
        }),
        streamsSubgraph({ events, cursors, schemas }),
        pipelinesSubgraph({ ...pipelines, cursors }),
      ]
    }
    const hub = opened(
      await LiveHub.open({
        store, engine, metadata, events, clock, log, later, subgraphs, metrics: options.metrics,
        // Who has the rows: regions on a cluster are those of all hubs of its namespace, and one of these follows for them all.
        follow: options.follow ?? true,
        consumer: { name: options.ignite ? `regions of ${options.ignite.namespace ?? ''} at ${options.ignite.hosts.join()}` : store.changes.id, lasting: options.data !== undefined || options.ignite !== undefined },
        defaults: { maxEntries: options.maxEntries, backups: options.backups },
        files: options.files,
        reach: options.reach,
        progress: options.progress,
        openSource: async source => {
          const connector = await openSource(source, database, log)
          return trino ? trino.sources.adopt(source, connector) : connector
        },
        openSubgraph: ({ name, url, headers }, scope) => remoteService({ name, url, headers, took: (outcome, seconds) => options.metrics?.took(name, outcome, seconds) }, scope),
        tablesOf: baseTables,
        ownTables: [runsTable(pipelines.store)],
        placesOf: parameterPlaces,
        withMembers,
      }),
    )
    opening.resolve(hub)
    if (options.readsAt !== undefined) {
      const owner = opened(await openOwner({ at: options.readsAt, store, clock, log }))
      hub.onSupergraph(() => owner.publish(describe(hub.assembly)))
      await owner.publish(describe(hub.assembly))
    }
    const scraped = (signal: AbortSignal) => hubScope({ clock, log, later, signal }, 'metrics', 5_000)
    return {
      hub, close,
      regionStats(signal) {
        const scope = scraped(signal)
        return Promise.all(store.names.map(async name => ({ region: name, stats: await store.region(name).stats(scope) })))
      },
      runQueue: signal => pipelines.store.queue(scraped(signal)),
    }
  } catch (error) {
    opening.reject(error)
    await close()
    throw error
  }
}

/** Regions of a hub that may be about to open. */
function regionsOf(opening: Promise<LiveHub>): Regions {
  return {
    names: async () => [...(await opening).assembly.held.keys()],
    async find(name) {
      const { held, model } = (await opening).assembly
      const entity = model.entities.find(one => one.kind === 'region' && one.name === name)
      if (!entity) return undefined
      return { region: heldRegion(held, name), ...(!entity.writable && { filledFrom: `${entity.load?.source}.${entity.load?.table}` }) }
    },
  }
}

/** Clusters of the catalog's sources that have indices. */
function indicesOf(opening: Promise<LiveHub>): (connection: string) => Promise<IndexWriter> {
  return async connection => {
    const sources = (await opening).assembly.catalog.sources.filter(one => one.type === 'elasticsearch')
    const found = sources.find(({ name }) => name === connection)
    if (!found) throw new HubError('VALIDATION_ERROR', `There is no source "${connection}" of type elasticsearch in the catalog.${didYouMean(connection, sources.map(({ name }) => name)) || (sources.length > 0 ? ` There are ${sources.map(({ name }) => name).join(', ')}.` : '')}`)
    const { name, urls, user, password, apiKey } = found
    return openIndexWriter({ name, urls, user, password, apiKey })
  }
}

/** Topics as runs write them; those in Kafka are called as every program calls them. */
function topicsOf(events: EventLog, [broker]: readonly string[] = []): Topics {
  return { events, ...(broker !== undefined && { datasetOf: (tenant: string, topic: string) => ({ namespace: `kafka://${broker}`, name: storedName(tenant, topic) }) }) }
}

/** Trino's part: the engine, and which tables it reads. Sources are told to it as they are opened, regions where they are on a cluster that it reaches without certificates of its own. */
function openTrinoSide({ url, user, password }: NonNullable<HubOptions['trino']>, { clock, ignite }: HubOptions, store: RegionStore) {
  const secrets: Record<string, string> = {}
  const client = openTrino({ url, user, credentials: () => secrets, ...(password === undefined ? {} : { auth: { kind: 'basic', password } }) })
  const catalogs = new TrinoCatalogs(client, secrets)
  const sources = new TrinoSources(catalogs)
  const regions = ignite && !ignite.tls ? new TrinoRegions(catalogs, ignite, store) : undefined
  const engine = openTrinoEngine(client, {
    clock,
    locate: (table, tenant) => sources.locate(table) ?? regions?.locate(table, tenant),
    lost: catalog => {
      sources.forget(catalog)
      regions?.forget(catalog)
    },
  })
  return { engine, sources, reads: (scope: Scope, table: MountedTable) => sources.reads(scope, table) || (regions?.reads(scope, table) ?? false) }
}

/** Regions on the nodes of a cluster. Where topics are in Kafka, so are their changes, one topic a namespace. */
async function openOnIgnite({ namespace = 'tributary', ...reach }: NonNullable<HubOptions['ignite']>, options: HubOptions, events: EventLog): Promise<RegionStore> {
  const { clock, log, later, kafkaBrokers = [], regionChangesRetentionMs: retentionMs = 86_400_000, onFatal } = options
  const shared = { events, topic: `region-changes.${namespace}`, retentionMs, retainBytes: keptChangesBytes, clock, log, onFatal }
  const changes = kafkaBrokers.length > 0 ? await openSharedLog(shared).catch((error: unknown) => { throw named(error, 'kafka') }) : undefined
  return openIgniteRegions({ client: openIgnite({ ...reach, clock, log }), clock, log, later, namespace, changes })
}

/** The error with the engine that is not there, by which a start knows that it is to be waited for. */
function named(error: unknown, engine: string): unknown {
  return error instanceof HubError && error.code === 'UPSTREAM_UNAVAILABLE' ? new HubError(error.code, error.message, { ...error.details, engine }, { cause: error }) : error
}

/** Topics in Kafka where its brokers are named, else in the hub's own folder, or in one that goes with the process. */
async function openEvents({ kafkaBrokers = [], clock, log }: HubOptions, folder: string | undefined): Promise<EventLog> {
  if (kafkaBrokers.length > 0) return openKafkaEvents({ brokers: kafkaBrokers, clock, log })
  if (folder !== undefined) {
    mkdirSync(folder, { recursive: true })
    return openEventLog({ directory: folder, clock, log })
  }
  const passing = mkdtempSync(join(tmpdir(), 'tributary-events-'))
  const events = await openEventLog({ directory: passing, clock, log })
  const close = events.close.bind(events)
  return Object.assign(events, {
    async close() {
      await close()
      rmSync(passing, { recursive: true, force: true })
    },
  })
}

function heldRegion(held: Assembled['held'], name: string) {
  const found = held.get(name)
  if (!found) throw new RangeError(`Region ${name} is not held.`)
  return found.region
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}

/** One system rows are read from: a type here, a line below, and its adapter. */
export function openSource(source: Source, database: DuckDatabase, log: Log): Promise<SourceConnector> {
  switch (source.type) {
    case 'files':
      return openFiles({ name: source.name, root: source.root, format: source.format, tables: source.tables, quarantineLimit: source.quarantineLimit, database })
    case 'sqlite':
      return openSqlite(source)
    case 'postgresql':
      return openPostgres({ name: source.name, log, schema: source.schema, ...source.connection })
    case 'cassandra':
      return openCassandra({ name: source.name, ...('url' in source.connection ? cassandraAt(source.name, source.connection.url) : source.connection) })
    case 'elasticsearch':
      return openElasticsearch({ name: source.name, urls: source.urls, indices: source.indices, user: source.user, password: source.password, apiKey: source.apiKey })
    case 's3':
      return openS3({ ...source, database })
  }
}

/** A catalog for what a folder of files, a SQLite file or the system of a URL holds, and what of it the catalog does not show. */
export async function proposeFrom(from: string): Promise<ProposedCatalog> {
  const { name, input } = sourceAt(from)
  const database = await openDuckDb({})
  const scope = hubScope({ clock: systemClock, log: openLog({ level: 'silent' }), later: work => void work(), signal: new AbortController().signal }, 'init', 600_000)
  try {
    const connector = await openSource(parseEntry('source', name, input), database, scope.log)
    const files = connector.type === 'files' || connector.type === 's3' ? (connector as FilesConnector) : undefined
    try {
      const tables = await connector.tables(scope)
      const found = await Promise.all(tables.map(async table => ({ ...table, unique: files && table.key.length === 0 ? await files.uniqueColumns(scope, table.name) : [] })))
      return proposeCatalog(found, name, input)
    } finally {
      await connector.close()
    }
  } finally {
    await database.close()
  }
}
