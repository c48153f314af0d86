import { IgniteRegion } from '../ignite/regions/region.ts'
import { RegionSource } from '../ignite/regions/source.ts'
import type { RegionStore } from '../ports/region-store.ts'
import type { Scope } from '../ports/scope.ts'
import type { MountedTable } from '../ports/sql-engine.ts'
import { quoteText } from '../../schema/quote.ts'
import type { TrinoCatalogs } from './catalogs.ts'
import { type Conversions, readings } from './readings.ts'
import type { TrinoName } from './rewrite.ts'
import { hindered, pauseMs } from './sources.ts'
import type { CatalogDefinition } from './ways.ts'

/** How the nodes that keep the regions are reached, as the hub reaches them. */
export interface RegionNodes {
  readonly hosts: readonly string[]
  readonly user?: string
  readonly password?: string
}

/** What Ignite has as text, since Trino does not show its types for them: ops/decisions/0007-ignite-columns.md. */
const conversions: Conversions = {
  Date: column => `CAST(${column} AS date)`,
  Time: column => `CAST(${column} AS time(9))`,
  DateTime: column => `with_timezone(CAST(${column} AS timestamp(9)), 'UTC')`,
  LocalDateTime: column => `CAST(${column} AS timestamp(9))`,
  UUID: column => `CAST(${column} AS uuid)`,
}

/** Types of the columns as Trino shows them. Decimals come with ten digits behind the point, whatever was written, and JSON as a text whose members have an order: neither is what the hub has. */
const shown: Readonly<Partial<Record<string, string>>> = { String: 'varchar', Int: 'integer', Long: 'bigint', Float: 'double', Boolean: 'boolean', Bytes: 'varbinary', Date: 'varchar', Time: 'varchar', DateTime: 'varchar', LocalDateTime: 'varchar', UUID: 'varchar' }

/** The regions of an Ignite cluster as tables of Trino, each tenant's rows for itself. */
export class TrinoRegions {
  readonly #catalogs: TrinoCatalogs
  readonly #store: Pick<RegionStore, 'names' | 'region'>
  readonly #definition: CatalogDefinition
  readonly #catalog: string
  #isMade = false
  #askedAtMs = 0

  constructor(catalogs: TrinoCatalogs, { hosts, user, password }: RegionNodes, store: Pick<RegionStore, 'names' | 'region'>) {
    this.#catalogs = catalogs
    this.#store = store
    this.#definition = {
      connector: 'ignite', schema: 'public',
      properties: { 'connection-url': `jdbc:ignite:thin://${hosts.join(',')}/`, ...(user === undefined ? {} : { 'connection-user': user }) },
      ...(password === undefined ? {} : { secret: { property: 'password-credential-name', value: password } }),
    }
    this.#catalog = catalogs.name('regions', this.#definition)
  }

  /** Where Trino has the entries of a tenant that have not expired; undefined where it has not, or not exactly. */
  locate({ catalog, name, columns, from }: MountedTable, tenant: string): TrinoName | undefined {
    if (!this.#isMade || catalog !== 'hub' || from.kind !== 'source' || !(from.source instanceof RegionSource) || !this.#store.names.includes(name)) return undefined
    const region = this.#store.region(name)
    if (!(region instanceof IgniteRegion)) return undefined
    const types = new Map(region.definition.columns.flatMap(column => {
      const type = shown[column.type]
      return type !== undefined && columns.some(one => one.name === column.name && one.type === column.type) ? [[column.name.toLowerCase(), type] as const] : []
    }))
    const read = readings(columns, types, conversions)
    if (!read) return undefined
    const { layout, place } = region.table
    // The first condition is for the count: without one Ignite counts its index, with entries that have expired.
    const where = ['"_version" >= 0', ...(layout.tenanted ? [`"_tenant" = ${quoteText(region.owner(tenant))}`] : [])].join(' AND ')
    return { catalog: this.#catalog, schema: this.#definition.schema, table: place.table, columns: read, where }
  }

  /** Whether Trino has the region. Where its catalog is not made yet, that is done behind the answer. */
  reads(scope: Scope, table: MountedTable): boolean {
    const isAsked = table.from.kind === 'source' && table.from.source instanceof RegionSource
    if (isAsked && !this.#isMade && scope.clock.now() - this.#askedAtMs >= pauseMs) scope.later(() => this.#make({ ...scope, signal: new AbortController().signal }))
    return this.locate(table, scope.tenant) !== undefined
  }

  /** Trino has lost the catalog: it is made again when a statement wants it. */
  forget(catalog: string): void {
    if (catalog === this.#catalog) this.#isMade = false
  }

  async #make(scope: Scope): Promise<void> {
    this.#askedAtMs = scope.clock.now()
    const reason = await hindered(scope, limited => this.#catalogs.make(limited, this.#catalog, this.#definition))
    if (reason === undefined) this.#isMade = true
    else scope.log.warn('Trino does not know the regions; statements over them run embedded.', { reason })
  }
}
