import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseEntry, type Source, type SourceInput } from '../schema/catalog.ts'
import { nameProblem, reservedSources } from '../schema/catalog-names.ts'
import { HubError } from '../schema/errors.ts'
import { proposeCatalog, type ProposedCatalog } from '../schema/propose.ts'
import { openDuckDb, type DuckDatabase } from '../connectors/duckdb/database.ts'
import { baseTables, isLimited } from '../connectors/duckdb/dialect/index.ts'
import { openDuckDbEngine } from '../connectors/duckdb/engine.ts'
import { openFiles } from '../connectors/files/index.ts'
import { openMemoryRegions } from '../connectors/memory/index.ts'
import { openSqliteMetadata } from '../connectors/metadata/sqlite.ts'
import { openPostgres } from '../connectors/postgres/index.ts'
import { openSqlite } from '../connectors/sqlite/index.ts'
import type { RegionStats } from '../connectors/ports/region-store.ts'
import { systemClock, type Clock, type Log } from '../connectors/ports/scope.ts'
import type { SourceConnector } from '../connectors/ports/source-connector.ts'
import { sealer } from '../resolvers/cursor.ts'
import { Dispatcher } from '../resolvers/live/dispatcher.ts'
import type { Subgraph } from '../resolvers/subgraph.ts'
import { lineageSubgraph } from '../subgraphs/lineage/index.ts'
import { regionsSubgraph } from '../subgraphs/regions/index.ts'
import { viewsSubgraph } from '../subgraphs/views/index.ts'
import type { Assembled } from './assembly/assemble.ts'
import type { FileCatalog } from './assembly/declared.ts'
import { LiveHub } from './assembly/live-hub.ts'
import type { Reach } from './assembly/reach.ts'
import { hubScope } from './assembly/scope.ts'
import { remoteService } from './federation/remote.ts'
import { openLog } from './telemetry/log.ts'

export interface HubOptions {
  /** Folder for what outlives the process; absent: nothing does. */
  readonly data?: string
  readonly clock: Clock
  readonly log: Log
  readonly later: (work: () => Promise<void>) => void
  readonly maxEntries: number
  /** Of regions declared without. */
  readonly backups: number
  readonly files: () => Promise<FileCatalog>
  /** What entries given through the API may reach. */
  readonly reach: Reach
  readonly progress?: (region: string, rows: number) => void
  /** The commit log cannot be written: memory is ahead of it, and the process must end. */
  readonly onFatal: (error: Error) => void
}

export interface OpenHub {
  readonly hub: LiveHub
  /** Figures of every region, for metrics. */
  readonly regionStats: () => readonly { readonly region: string; readonly stats: RegionStats }[]
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
  try {
    if (options.data !== undefined) mkdirSync(options.data, { recursive: true })
    const inData = (name: string) => (options.data === undefined ? undefined : join(options.data, name))
    const metadata = opened(await openSqliteMetadata({ file: inData('metadata.sqlite') ?? ':memory:', clock }))
    const store = opened(await openMemoryRegions({ directory: inData('regions'), clock, log, onFatal: options.onFatal }))
    const database = opened(await openDuckDb({ directory: inData('engine') }))
    const duckdb = opened(await openDuckDbEngine(database, { clock }))
    const cursors = sealer([{ kid: '1', secret: await metadata.setting('cursor-secret', () => randomBytes(32).toString('base64url')) }])
    const dispatcher = new Dispatcher(store.changes)
    closers.unshift(async () => dispatcher.close())

    const subgraphs = (assembled: Assembled, hub: LiveHub): Subgraph[] => {
      const { model, rowsOf, held, catalog, engine } = assembled
      const current = () => hub.assembly
      const tableNames = (sql: string) => baseTables(sql).map(({ catalog: of = 'hub', name }) => `${of}.${name}`)
      const region = (name: string) => heldRegion(held, name)
      const sourceOf = (name: string) => assembled.sources.find(one => one.source.name === name)
      return [
        regionsSubgraph({
          model, rowsOf, region, engine, cursors, admin: hub, tablesOf: tableNames, defaultBackups: options.backups, reload: (scope, name) => hub.refresh(scope, name),
          changes: { log: store.changes, dispatcher },
          current: () => {
            const { model: now, catalog: declared, held: regions } = current()
            return { model: now, catalog: declared, region: name => heldRegion(regions, name), loadedAtMs: name => regions.get(name)?.loadedAtMs }
          },
        }),
        viewsSubgraph({
          model, rowsOf, engine, cursors, admin: hub, tablesOf: tableNames, isLimited,
          current: () => current().model,
          tables: () => current().mounts,
          connectorOf: name => sourceOf(name)?.source.type ?? 'hub',
          quarantineOf: (name, table) => sourceOf(name)?.tables.find(one => one.name === table)?.quarantine ?? { count: 0, samples: [] },
          materialised: name => {
            const view = current().catalog.views.find(one => one.name === name) ?? catalog.views.find(one => one.name === name)
            return view?.materialize && { everyMs: view.materialize.everyMs, refreshedAtMs: current().held.get(name)?.loadedAtMs }
          },
          refresh: (context, name) => hub.refresh(context.scope, name),
          trouble: async name => (await hub.sourceHealth(name))?.message,
        }),
        lineageSubgraph({ model: () => model, tables: (of, name) => assembled.mounts.find(mount => same(mount.catalog, of) && same(mount.name, name))?.columns }),
      ]
    }
    const hub = opened(
      await LiveHub.open({
        store, engine: duckdb, metadata, clock, log, later, subgraphs,
        defaults: { maxEntries: options.maxEntries, backups: options.backups },
        files: options.files,
        reach: options.reach,
        progress: options.progress,
        openSource: source => openSource(source, database),
        openSubgraph: ({ name, url, headers }, scope) => remoteService({ name, url, headers }, scope),
        tablesOf: baseTables,
        rowsNow: (held, tenant) => store.region(held.definition.name).rowsNow(tenant),
      }),
    )
    const regionStats = () => store.names.map(name => ({ region: name, stats: store.region(name).stats() }))
    return { hub, regionStats, close }
  } catch (error) {
    await close()
    throw error
  }
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
export function openSource(source: Source, database: DuckDatabase): Promise<SourceConnector> {
  switch (source.type) {
    case 'files':
      return openFiles({ name: source.name, root: source.root, format: source.format, tables: source.tables, quarantineLimit: source.quarantineLimit, database })
    case 'sqlite':
      return openSqlite(source)
    case 'postgresql':
      return openPostgres({ name: source.name, schema: source.schema, ...source.connection })
  }
}

/** A catalog for what a folder of files, a SQLite file or a PostgreSQL URL holds, and what of it the catalog does not show. */
export async function proposeFrom(from: string): Promise<ProposedCatalog> {
  const { name, input } = sourceAt(from)
  const database = await openDuckDb({})
  const scope = hubScope({ clock: systemClock, log: openLog({ level: 'silent' }), later: work => void work(), signal: new AbortController().signal }, 'init', 600_000)
  try {
    const files = input.type === 'files' ? await openFiles({ name, root: input.root, database }) : undefined
    const connector = files ?? (await openSource(parseEntry('source', name, input), database))
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

function sourceAt(from: string): { name: string; input: SourceInput } {
  // Nothing of an address is repeated: it may hold a password.
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(from) ?? []
  if (scheme !== undefined) {
    if (!/^postgres(ql)?$/.test(scheme)) throw new HubError('VALIDATION_ERROR', `A source at ${scheme}:// cannot be looked into. Name a folder of files, a SQLite file, or a postgresql:// URL.`)
    const url = URL.parse(from)
    if (!url) throw new HubError('VALIDATION_ERROR', `The ${scheme}:// URL is malformed. It has the form postgresql://user:password@host:port/database, with other characters than letters and digits percent-encoded.`)
    return { name: nameFrom(url.pathname.slice(1)), input: { type: 'postgresql', url: from } }
  }
  if (!existsSync(from)) throw new HubError('NOT_FOUND', `There is no folder or file "${from}". Name a folder of files, a SQLite file, or a postgresql:// URL.`, { from })
  const name = nameFrom(basename(from).replace(/\.[^.]*$/, ''))
  return { name, input: statSync(from).isDirectory() ? { type: 'files', root: from } : { type: 'sqlite', file: from } }
}

/** A name a source may have. */
function nameFrom(text: string): string {
  const plain = text.replace(/[^A-Za-z0-9_]+/g, '_').replace(/^[^A-Za-z]+|_+$/g, '').toLowerCase()
  return plain === '' || nameProblem(plain) !== undefined || reservedSources.has(plain) ? `${plain || 'my'}_source` : plain
}
