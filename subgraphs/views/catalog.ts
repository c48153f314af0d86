import type { RegionEntry } from '../../schema/catalog.ts'
import { durationText } from '../../schema/duration.ts'
import { HubError } from '../../schema/errors.ts'
import type { EntityModel, Model } from '../../schema/model.ts'
import { didYouMean } from '../../schema/names.ts'
import type { Column, Json } from '../../schema/values.ts'
import type { Region } from '../../connectors/ports/region-store.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import type { MountedTable } from '../../connectors/ports/sql-engine.ts'
import type { Quarantine } from '../../connectors/ports/source-connector.ts'
import type { CatalogAdmin } from '../../resolvers/catalog-admin.ts'
import { simplePage } from '../../resolvers/connection.ts'
import type { Context } from '../../resolvers/context.ts'
import type { CursorSealer } from '../../resolvers/cursor.ts'
import { mustHold } from '../../resolvers/guard.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'

export interface CatalogRoles {
  readonly model: Model
  readonly admin: CatalogAdmin
  /** The model that serves after a change. */
  readonly current: () => Model
  /** Every table statements can name. */
  readonly tables: () => readonly MountedTable[]
  readonly connectorOf: (catalog: string) => string
  /** Columns whose values say where in a source a table's row lies; undefined where there is nothing of the kind. */
  readonly partitionOf: (catalog: string, table: string) => readonly string[] | undefined
  readonly quarantineOf: (catalog: string, table: string) => Quarantine
  /** Rows of a source's table; undefined where counting would cost a scan. */
  readonly rowCountOf: (catalog: string, table: string) => number | undefined
  /** A region as it is declared in the catalog that serves. */
  readonly regionEntry: (name: string) => RegionEntry | undefined
  /** What keeps the rows of a region or view, of the model that serves; undefined where nothing does. */
  readonly held: (name: string) => Region | undefined
  /** A materialised view's schedule and last time; undefined where every read asks the engine. */
  readonly materialised: (view: string) => { readonly everyMs: number; readonly refreshedAtMs: number | undefined } | undefined
  readonly refresh: (context: Context, view: string) => Promise<void>
  /** What is wrong with a catalog's system, asked now; undefined when nothing is. */
  readonly trouble: (catalog: string) => Promise<string | undefined>
  readonly tablesOf: (sql: string) => readonly string[]
  readonly cursors: CursorSealer
}

interface ViewArguments {
  readonly name: string
  readonly type?: string | null
  readonly key: readonly string[]
  readonly sql: string
  readonly description?: string | null
  readonly materialize?: { readonly every: string } | null
  readonly materializeEvery?: string | null
  readonly arguments?: Json
}

/** What there is to ask: views, systems, tables; and views declared while the hub runs. */
export function catalogFields(roles: CatalogRoles): Subgraph['fields'] {
  return {
    Query: {
      federatedViews: (_: unknown, args: { first?: number | null; after?: string | null }, { scope }: Context) => {
        mustHold(scope, 'catalog:read')
        const views = roles.model.entities.filter(entity => entity.kind === 'view').toSorted((a, b) => (a.name < b.name ? -1 : 1))
        return simplePage(views, { name: view => view.name, show: view => describedView(roles, view, scope), identity: JSON.stringify(['federatedViews', scope.tenant]), cursors: roles.cursors }, args)
      },
      queryDataSources: (_: unknown, _args: unknown, { scope }: Context) => {
        mustHold(scope, 'catalog:read')
        const catalogs = Map.groupBy(roles.tables(), table => table.catalog)
        return Promise.all([...catalogs].map(([catalog, tables]) => describedCatalog(roles, scope, catalog, tables)))
      },
      tableSchema: (_: unknown, { catalog, schema, table }: { catalog: string; schema?: string | null; table: string }, { scope }: Context) => {
        mustHold(scope, 'catalog:read')
        return describedTable(roles, tableNamed(roles.tables(), catalog, schema ?? undefined, table))
      },
    },
    Mutation: {
      createFederatedView: async (_: unknown, args: ViewArguments, { scope }: Context) => {
        mustHold(scope, 'catalog:write')
        await roles.admin.declare(scope, 'view', args.name, definitionOf(args))
        return described(roles, args.name, scope)
      },
      refreshView: async (_: unknown, { name }: { name: string }, context: Context) => {
        mustHold(context.scope, 'catalog:write')
        const view = described(roles, name, context.scope)
        await roles.refresh(context, name)
        return { ...view, ...described(roles, name, context.scope) }
      },
      dropView: (_: unknown, { name }: { name: string }, { scope }: Context) => {
        mustHold(scope, 'catalog:write')
        return roles.admin.drop(scope, 'view', name)
      },
    },
  }
}

/** How the schema of tables that have none is written where one must be. */
const unnamed = 'default'

/** The table of these names, taken literally; NOT_FOUND says which of them is unknown, with the nearest. */
function tableNamed(tables: readonly MountedTable[], catalog: string, schema: string | undefined, table: string): MountedTable {
  const own = tables.filter(one => one.catalog === catalog)
  if (own.length === 0) throw new HubError('NOT_FOUND', `There is no catalog "${catalog}".${didYouMean(catalog, new Set(tables.map(one => one.catalog)))}`, { catalog })
  const within = own.filter(one => schema === undefined || schemaOf(one) === schema)
  if (within.length === 0 && schema === unnamed) return tableNamed(tables.filter(one => schemaOf(one) === undefined), catalog, undefined, table)
  if (within.length === 0) throw new HubError('NOT_FOUND', `Catalog "${catalog}" has no schema "${schema}".${didYouMean(schema ?? '', new Set(own.flatMap(one => schemaOf(one) ?? [])))}`, { catalog, schema })
  const name = schema === undefined ? table : `${schema}.${table}`
  const found = within.find(one => one.name === name)
  if (!found) throw new HubError('NOT_FOUND', `There is no table "${table}" in ${[catalog, schema].filter(Boolean).join('.')}.${didYouMean(name, within.map(one => one.name))}`, { catalog, schema, table })
  return found
}

function schemaOf({ name }: MountedTable): string | undefined {
  return name.includes('.') ? name.slice(0, name.lastIndexOf('.')) : undefined
}

/** What each kind of system is to the platform. */
const storeRoles: Readonly<Record<string, 'CACHE' | 'LAKE' | 'SEARCH' | 'OPERATIONAL'>> = { hub: 'CACHE', files: 'LAKE', s3: 'LAKE', sqlite: 'OPERATIONAL', postgresql: 'OPERATIONAL', cassandra: 'OPERATIONAL', elasticsearch: 'SEARCH' }

function definitionOf({ type, key, sql, description, materialize, materializeEvery, arguments: given }: ViewArguments): Json {
  const every = materialize?.every ?? materializeEvery ?? undefined
  if (materialize && materializeEvery && materialize.every !== materializeEvery) throw new HubError('VALIDATION_ERROR', `materialize.every is "${materialize.every}" and materializeEvery "${materializeEvery}". Give one of them.`, { field: 'materializeEvery' })
  return { ...(type ? { type } : {}), key, sql, ...(description ? { description } : {}), ...(every === undefined ? {} : { materialize: { every } }), ...(given ? { arguments: given } : {}) }
}

function described(roles: CatalogRoles, name: string, scope: Scope) {
  const views = roles.current().entities.filter(entity => entity.kind === 'view')
  const view = views.find(entity => entity.name === name)
  if (!view) throw new HubError('NOT_FOUND', `There is no view "${name}".${didYouMean(name, views.map(entity => entity.name))}`, { view: name })
  return describedView(roles, view, scope)
}

function describedView(roles: CatalogRoles, view: EntityModel, { clock }: Scope) {
  const materialised = roles.materialised(view.name)
  const at = materialised?.refreshedAtMs
  return {
    name: view.name, type: view.type, description: view.description ?? null, sql: view.sql, columns: view.fields.map(describedColumn), inputs: () => roles.tablesOf(view.sql ?? ''),
    refreshPolicy: materialised ? 'SCHEDULED' : 'ON_READ',
    freshness: durationText(at === undefined ? 0 : Math.max(0, clock.now() - at)),
    refreshEveryMs: materialised?.everyMs ?? null,
    refreshedAt: at === undefined ? null : new Date(at).toISOString(),
  }
}

async function describedCatalog(roles: CatalogRoles, { clock }: Scope, catalog: string, tables: readonly MountedTable[]) {
  const askedMs = clock.now()
  const reason = await roles.trouble(catalog)
  const schemas = new Set(tables.flatMap(table => schemaOf(table) ?? []))
  const connector = roles.connectorOf(catalog)
  return {
    name: catalog, catalog, connector, role: storeRoles[connector] ?? 'OPERATIONAL', status: reason === undefined ? 'UP' : 'DOWN', reason: reason ?? null, latencyMs: clock.now() - askedMs,
    schemas: [...schemas].sort(), tables: tables.map(table => describedTable(roles, table)),
  }
}

function describedTable(roles: CatalogRoles, table: MountedTable) {
  const { catalog, name, columns } = table
  const { count, samples } = roles.quarantineOf(catalog, name)
  return {
    catalog, schema: schemaOf(table) ?? null, name, columns: columns.map(describedColumn), partitionKeys: partitionKeys(roles, table), quarantined: count, quarantineSamples: samples,
    stats: { rowCount: (_args: unknown, { scope }: Context) => rowCount(roles, scope, table) },
  }
}

function describedColumn(column: Column) {
  return { ...column, comment: column.description ?? null }
}

function partitionKeys(roles: CatalogRoles, table: MountedTable): readonly string[] | null {
  const region = table.catalog === 'hub' ? roles.regionEntry(table.name) : undefined
  if (!region) return roles.partitionOf(table.catalog, table.name) ?? null
  if (region.mode === 'REPLICATED') return []
  return region.affinityKey === undefined ? region.key : [region.affinityKey]
}

async function rowCount(roles: CatalogRoles, scope: Scope, { catalog, name, from }: MountedTable): Promise<number | null> {
  if (catalog === 'hub') return from.kind === 'view' ? null : ((await roles.held(name)?.count(scope)) ?? null)
  // The source counts the rows of all tenants.
  const isOfTenants = roles.current().entities.some(({ tenancy, load }) => tenancy === 'TENANT' && load?.source === catalog && load.table === name)
  return isOfTenants ? null : (roles.rowCountOf(catalog, name) ?? null)
}
