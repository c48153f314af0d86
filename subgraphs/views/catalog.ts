import { HubError } from '../../schema/errors.ts'
import type { EntityModel, Model } from '../../schema/model.ts'
import { didYouMean } from '../../schema/names.ts'
import type { Json } from '../../schema/values.ts'
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
  readonly quarantineOf: (catalog: string, table: string) => Quarantine
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
  readonly materializeEvery?: string | null
}

/** What there is to ask: views, systems, tables; and views declared while the hub runs. */
export function catalogFields(roles: CatalogRoles): Subgraph['fields'] {
  return {
    Query: {
      federatedViews: (_: unknown, args: { first?: number | null; after?: string | null }, { scope }: Context) => {
        mustHold(scope, 'catalog:read')
        const views = roles.model.entities.filter(entity => entity.kind === 'view').toSorted((a, b) => (a.name < b.name ? -1 : 1))
        return simplePage(views, { name: view => view.name, show: view => describedView(roles, view), identity: JSON.stringify(['federatedViews', scope.tenant]), cursors: roles.cursors }, args)
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
        return described(roles, args.name)
      },
      refreshView: async (_: unknown, { name }: { name: string }, context: Context) => {
        mustHold(context.scope, 'catalog:write')
        const view = described(roles, name)
        await roles.refresh(context, name)
        return { ...view, ...described(roles, name) }
      },
      dropView: (_: unknown, { name }: { name: string }, { scope }: Context) => {
        mustHold(scope, 'catalog:write')
        return roles.admin.drop(scope, 'view', name)
      },
    },
  }
}

/** The table of these names, taken literally; NOT_FOUND says which of them is unknown, with the nearest. */
function tableNamed(tables: readonly MountedTable[], catalog: string, schema: string | undefined, table: string): MountedTable {
  const own = tables.filter(one => one.catalog === catalog)
  if (own.length === 0) throw new HubError('NOT_FOUND', `There is no catalog "${catalog}".${didYouMean(catalog, new Set(tables.map(one => one.catalog)))}`, { catalog })
  const within = schema === undefined ? own : own.filter(one => one.name.startsWith(`${schema}.`))
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
const storeRoles: Readonly<Record<string, 'CACHE' | 'LAKE' | 'OPERATIONAL'>> = { hub: 'CACHE', files: 'LAKE', sqlite: 'OPERATIONAL', postgresql: 'OPERATIONAL' }

function definitionOf({ type, key, sql, description, materializeEvery }: ViewArguments): Json {
  return { ...(type ? { type } : {}), key, sql, ...(description ? { description } : {}), ...(materializeEvery ? { materialize: { every: materializeEvery } } : {}) }
}

function described(roles: CatalogRoles, name: string) {
  const views = roles.current().entities.filter(entity => entity.kind === 'view')
  const view = views.find(entity => entity.name === name)
  if (!view) throw new HubError('NOT_FOUND', `There is no view "${name}".${didYouMean(name, views.map(entity => entity.name))}`, { view: name })
  return describedView(roles, view)
}

function describedView(roles: CatalogRoles, view: EntityModel) {
  const materialised = roles.materialised(view.name)
  const at = materialised?.refreshedAtMs
  return {
    name: view.name, type: view.type, description: view.description ?? null, sql: view.sql, columns: view.fields, inputs: () => roles.tablesOf(view.sql ?? ''),
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

function describedTable(roles: CatalogRoles, { catalog, name, columns }: MountedTable) {
  const { count, samples } = roles.quarantineOf(catalog, name)
  return { catalog, name, columns, quarantined: count, quarantineSamples: samples }
}
