import type { Catalog, RegionEntry, ViewEntry } from '../../schema/catalog.ts'
import { linksOf, regionEntity, viewEntity, type Derived } from '../../schema/derive.ts'
import { HubError } from '../../schema/errors.ts'
import type { Finding } from '../../schema/findings.ts'
import type { EntityModel, ForeignEntity, Model } from '../../schema/model.ts'
import { didYouMean } from '../../schema/names.ts'
import type { Column } from '../../schema/values.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import type { MountedTable, SqlEngine, TableOrigin } from '../../connectors/ports/sql-engine.ts'
import type { OpenSource } from './sources.ts'

export interface ModelParts {
  readonly engine: SqlEngine
  readonly sources: readonly OpenSource[]
  readonly foreign: readonly ForeignEntity[]
  /** Tables a statement names; throws SQL_ERROR for one that does not parse. */
  readonly tablesOf: (sql: string) => readonly { readonly catalog?: string; readonly name: string }[]
  /** How the engine reads a region or materialised view, once it is there. */
  readonly origin: (name: string) => TableOrigin
  /** When those were last known to be so; undefined where clients write them. */
  readonly asOfMs: (name: string) => number | undefined
  /** Tables of the hub itself. A declared source of the name of their catalog takes their place. */
  readonly own: readonly MountedTable[]
}

/**
 * The model of a catalog, the tables its SQL sees, and an engine over these. Views are described by the engine in the order they build on each other. Every mistake found is in `findings`.
 */
export async function modelOf(scope: Scope, catalog: Catalog, parts: ModelParts): Promise<{ model: Model; mounts: readonly MountedTable[]; engine: SqlEngine; findings: readonly Finding[] }> {
  const findings: Finding[] = []
  const entities: EntityModel[] = []
  const take = (derived: Derived<EntityModel>) => {
    findings.push(...derived.findings)
    if (derived.value) entities.push(derived.value)
    return derived.value
  }

  const hidden = tenantTables(catalog)
  const own = parts.own.filter(table => !catalog.sources.some(({ name }) => name.toLowerCase() === table.catalog))
  const mounts = sourceMounts(parts, hidden)
  for (const entry of catalog.regions.filter(one => !fromView(one))) {
    const columns = entry.load && sourceColumns(entry, parts.sources, findings)
    if (columns === 'unknown') continue
    const entity = take(regionEntity(entry, columns))
    if (entity) mounts.push(...regionMounts(entity, entry, parts))
  }

  let waiting: (ViewEntry | RegionEntry)[] = [...catalog.views, ...catalog.regions.filter(fromView)]
  let engine = parts.engine
  for (;;) {
    engine = parts.engine.over([...mounts, ...own])
    const known = new Set(mounts.filter(mount => mount.catalog === 'hub').map(mount => mount.name.toLowerCase()))
    const open = new Set(waiting.map(entry => entry.name.toLowerCase()).filter(name => !known.has(name)))
    const ready = waiting.filter(entry => !needs(entry, parts).some(name => open.has(name)))
    if (ready.length === 0) break
    for (const entry of ready) {
      const columns = await describe(scope, entry, engine, findings)
      if (!columns) continue
      const entity = take('sql' in entry ? viewEntity(entry, columns) : regionEntity(entry, columns))
      if (entity) mounts.push({ catalog: 'hub', name: entry.name, columns: entity.fields, ...('sql' in entry && !entry.materialize ? { from: { kind: 'view', sql: entry.sql } } : held(entry.name, parts)) })
    }
    waiting = waiting.filter(entry => !ready.includes(entry))
  }
  for (const entry of waiting) findings.push({ path: ['sql' in entry ? 'views' : 'regions', entry.name], message: `"${entry.name}" is built on itself, through ${needs(entry, parts).join(', ')}. Take one of these out.` })
  findings.push(...completenessFindings(catalog), ...twiceLoaded(catalog), ...tenantFindings(catalog, parts))

  const order = new Map([...catalog.regions, ...catalog.views].map((entry, index) => [entry.name, index]))
  entities.sort((a, b) => (order.get(a.name) ?? 0) - (order.get(b.name) ?? 0))
  const links = linksOf(findings.length === 0 ? catalog.relations : [], entities, parts.foreign)
  return { model: { entities, links: links.value ?? [], foreign: parts.foreign }, mounts: [...mounts, ...own], engine, findings: [...findings, ...links.findings] }
}

function fromView(entry: RegionEntry): boolean {
  return entry.load !== undefined && 'view' in entry.load
}

/** Source tables whose rows belong to tenants: SQL sees them through their region alone. */
function tenantTables(catalog: Catalog): ReadonlySet<string> {
  return new Set(catalog.regions.flatMap(entry => (entry.tenantColumn !== undefined && entry.load && 'source' in entry.load ? [`${entry.load.source}.${entry.load.table}`] : [])))
}

function sourceMounts(parts: ModelParts, hidden: ReadonlySet<string>): MountedTable[] {
  return parts.sources.flatMap(({ source, connector, tables }) =>
    tables
      .filter(table => !hidden.has(`${source.name}.${table.name}`))
      .map(({ name, columns, relation, asOfMs }): MountedTable => ({ catalog: source.name, name, columns, asOfMs, from: relation === undefined ? { kind: 'source', source: connector, table: name } : { kind: 'relation', relation } })),
  )
}

function regionMounts(entity: EntityModel, entry: RegionEntry, parts: ModelParts): MountedTable[] {
  const table = { catalog: 'hub', name: entry.name, columns: entity.fields }
  if (!entity.complete && entity.load) {
    const columns = entity.fields.map(field => quoted(field.name)).join(', ')
    return [{ ...table, from: { kind: 'view', sql: `SELECT ${columns} FROM ${quoted(entity.load.source)}.${quoted(entity.load.table)}` } }]
  }
  const live = held(entry.name, parts)
  const ofSource = entry.tenantColumn !== undefined && entity.load ? [{ catalog: entity.load.source, name: entity.load.table, columns: entity.fields, ...live }] : []
  return [{ ...table, ...live }, ...ofSource]
}

function held(name: string, parts: ModelParts): Pick<MountedTable, 'from' | 'asOfMs'> {
  return { from: parts.origin(name), asOfMs: () => parts.asOfMs(name) }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

function sourceColumns(entry: RegionEntry, sources: readonly OpenSource[], findings: Finding[]): readonly Column[] | 'unknown' {
  const load = entry.load
  if (!load || !('source' in load)) return 'unknown'
  const source = sources.find(one => one.source.name === load.source)
  const table = source?.tables.find(one => one.name === load.table)
  if (table) return table.columns
  if (source) findings.push({ path: ['regions', entry.name, 'load', 'table'], message: `Source "${load.source}" has no table "${load.table}".${didYouMean(load.table, source.tables.map(one => one.name))}` })
  return 'unknown'
}

/** Names of other entries of the hub that must be known first. */
function needs(entry: ViewEntry | RegionEntry, parts: ModelParts): string[] {
  if (!('sql' in entry)) return entry.load && 'view' in entry.load ? [entry.load.view.toLowerCase()] : []
  try {
    return parts.tablesOf(entry.sql).filter(table => table.catalog === undefined || table.catalog.toLowerCase() === 'hub').map(table => table.name.toLowerCase())
  } catch (error) {
    if (error instanceof HubError) return [] // said with its place when the view is described
    throw error
  }
}

async function describe(scope: Scope, entry: ViewEntry | RegionEntry, engine: SqlEngine, findings: Finding[]): Promise<readonly Column[] | undefined> {
  const sql = 'sql' in entry ? entry.sql : `SELECT * FROM hub.${quoted(entry.load && 'view' in entry.load ? entry.load.view : '')}`
  try {
    return await engine.describe(scope, { sql })
  } catch (error) {
    if (!(error instanceof HubError)) throw error
    const { line, column } = error.details
    const place = typeof line === 'number' && typeof column === 'number' ? { sqlLine: line, sqlColumn: column } : {}
    findings.push({ path: 'sql' in entry ? ['views', entry.name, 'sql'] : ['regions', entry.name, 'load', 'view'], message: error.message, ...place })
    return undefined
  }
}

/** A region that answers lists from memory must hold every row. */
function completenessFindings(catalog: Catalog): Finding[] {
  return catalog.regions.flatMap(({ name, load, expiry, tenantColumn }): Finding[] => {
    const isEager = load !== undefined && ('view' in load || load.eager)
    const expires = Object.values(expiry).some(ms => ms !== undefined)
    if (isEager && expires) return [{ path: ['regions', name, 'expiry'], message: `All rows of "${name}" are loaded, so that lists are answered from memory; entries that expire would be missing there. Leave expiry out, or load rows as they are asked for (eager: false).` }]
    if (tenantColumn !== undefined && !isEager) return [{ path: ['regions', name, 'tenantColumn'], message: `"${name}" is loaded as rows are asked for, which cannot tell tenants apart in SQL. Add eager: true.` }]
    return []
  })
}

/** Where one region says whose rows a table holds, another may not hand them to everybody. */
function twiceLoaded(catalog: Catalog): Finding[] {
  const tableOf = ({ load }: RegionEntry) => (load && 'source' in load ? `${load.source}.${load.table}` : undefined)
  return catalog.regions.flatMap((entry): Finding[] => {
    const table = tableOf(entry)
    const first = catalog.regions.find(one => one.tenantColumn !== undefined && table !== undefined && tableOf(one) === table)
    if (!first || table === undefined || first.tenantColumn === entry.tenantColumn) return []
    return [{ path: ['regions', entry.name, 'load', 'table'], message: `The rows of "${table}" belong to tenants: region "${first.name}" says so with tenantColumn "${first.tenantColumn}". Give "${entry.name}" the same, with tenancy: TENANT and eager: true, or read the table through "${first.name}".` }]
  })
}

/** What is kept once for everybody cannot be computed from rows that differ by tenant. */
function tenantFindings(catalog: Catalog, parts: ModelParts): Finding[] {
  const perTenant = new Set(catalog.regions.filter(entry => entry.tenancy === 'TENANT').flatMap(entry => [entry.name.toLowerCase(), ...(entry.load && 'source' in entry.load ? [`${entry.load.source}.${entry.load.table}`.toLowerCase()] : [])]))
  const reads = new Map(catalog.views.map(view => [view.name.toLowerCase(), tablesNamed(view, parts)]))
  const tenantTable = (name: string, seen: readonly string[] = []): string | undefined => {
    if (perTenant.has(name)) return name
    if (seen.includes(name)) return undefined
    return reads.get(name)?.map(table => tenantTable(table, [...seen, name])).find(found => found !== undefined)
  }
  const kept = [
    ...catalog.views.filter(view => view.materialize).map(view => ({ path: ['views', view.name, 'materialize'], from: view.name })),
    ...catalog.regions.flatMap(entry => (entry.load && 'view' in entry.load ? [{ path: ['regions', entry.name, 'load', 'view'], from: entry.load.view }] : [])),
  ]
  return kept.flatMap(({ path, from }) => {
    const table = tenantTable(from.toLowerCase())
    return table ? [{ path, message: `The rows of "${from}" come from "${table}", which differs by tenant, so they cannot be kept for everybody. Leave the view unmaterialised: every read is then the tenant's own.` }] : []
  })
}

function tablesNamed(view: ViewEntry, parts: ModelParts): string[] {
  try {
    return parts.tablesOf(view.sql).map(({ catalog, name }) => (catalog === undefined || catalog.toLowerCase() === 'hub' ? name : `${catalog}.${name}`).toLowerCase())
  } catch (error) {
    if (error instanceof HubError) return []
    throw error
  }
}
