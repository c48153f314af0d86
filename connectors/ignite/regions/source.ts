import type { Row } from '../../../schema/values.ts'
import { keyOf } from '../../ports/region-store.ts'
import type { Scope } from '../../ports/scope.ts'
import type { LookupRequest, ScanRequest, SourceConnector, SourceTable } from '../../ports/source-connector.ts'
import { sql } from '../sql.ts'
import { foundBy } from './plan.ts'
import type { IgniteRegion } from './region.ts'
import { scanOf, selectStatement } from './statement.ts'

/** The entries of a region as rows of a source, for the engine that runs SQL over them: those the scope's tenant sees. No rows where there is no region yet. */
export class RegionSource implements SourceConnector {
  readonly name = 'hub'
  readonly type = 'ignite'
  readonly #region: () => IgniteRegion | undefined

  constructor(region: () => IgniteRegion | undefined) {
    this.#region = region
  }

  async tables(): Promise<readonly SourceTable[]> {
    const region = this.#region()
    if (!region) return []
    const { name, columns, key } = region.definition
    return [{ name, columns, key, foreignKeys: [], quarantine: { count: 0, samples: [] } }]
  }

  async *scan(scope: Scope, { columns, filter, limit }: ScanRequest): AsyncGenerator<readonly Row[], void, void> {
    const region = this.#region()
    if (!region) return
    const { pages, read } = await region.read(scope, async ({ layout }) => {
      const statement = scanOf(layout, region.owner(scope.tenant), { filter, limit }, columns)
      return { ...(await sql(scope, region.home.client, statement.sql, statement.args)), read: statement.read }
    })
    for await (const page of pages) yield page.map(read)
  }

  async scanPlan(scope: Scope, { columns, filter, limit }: ScanRequest) {
    const region = this.#region()
    return { by: region && (await foundBy(scope, region, layout => scanOf(layout, region.owner(scope.tenant), { filter, limit }, columns))) }
  }

  async lookup(scope: Scope, { columns, keyColumns, keys }: LookupRequest): Promise<readonly Row[]> {
    const region = this.#region()
    if (!region || keys.length === 0) return []
    const { definition } = region
    const rows = keys.map(values => Object.fromEntries(keyColumns.map((name, index) => [name, values[index] ?? null])))
    const isKey = keyColumns.length === definition.key.length && definition.key.every(name => keyColumns.includes(name))
    const named = (row: Row) => (columns ? Object.fromEntries(columns.map(name => [name, row[name] ?? null])) : row)
    if (isKey) return (await region.getMany(scope, [...new Set(rows.map(row => keyOf(definition.key, row)))])).flatMap(entry => (entry ? [named(entry.row)] : []))
    const filter = { or: rows.map(row => ({ and: keyColumns.map(column => ({ column, op: 'eq' as const, value: row[column] ?? null })) })) }
    return region.read(scope, table => table.query(scope, selectStatement(table.layout, region.owner(scope.tenant), { filter }, columns)))
  }

  async close(): Promise<void> {}
}
