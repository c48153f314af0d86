import type { EntityModel, Model } from '../../schema/model.ts'
import type { Value } from '../../schema/values.ts'
import type { Region } from '../../connectors/ports/region-store.ts'
import type { MountedTable, SqlEngine } from '../../connectors/ports/sql-engine.ts'
import type { Context } from '../../resolvers/context.ts'
import type { CursorSealer } from '../../resolvers/cursor.ts'
import { mustHold } from '../../resolvers/guard.ts'
import { pageSizeWithin, paramsWithin, runStatement } from '../../resolvers/statement.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'
import { affinityWarnings, hasAffinity, type Join } from './affinity.ts'
import type { ServedRegions } from './catalog.ts'

export interface SqlRoles {
  readonly model: Model
  readonly engine: SqlEngine
  readonly cursors: CursorSealer
  readonly region: (name: string) => Region
  readonly current: () => ServedRegions
  /** The SELECTs of a statement, each for itself. */
  readonly selectsOf: (sql: string) => readonly Join[]
}

interface Arguments {
  readonly query: string
  readonly params?: readonly Value[] | null
  readonly pageSize: number
  readonly after?: string | null
}

/** SQL over the regions: one reading statement, bound parameters, pages. */
export function sqlFields(roles: SqlRoles): Subgraph['fields'] {
  return {
    Query: {
      sqlQuery: async (_: unknown, { query, params, pageSize, after }: Arguments, context: Context) => {
        mustHold(context.scope, 'query:run')
        const page = await runStatement(context, roles.engine, roles.cursors, { sql: query, params, pageSize: pageSizeWithin('pageSize', pageSize, 10_000), after })
        const warnings = () => (hasAffinity(roles.current()) ? affinityWarnings(roles.current(), roles.selectsOf(query)) : [])
        return { columns: page.columns, rows: page.rows, tookMs: page.tookMs, engine: page.engine, warnings, pageInfo: { endCursor: page.endCursor, hasNextPage: page.hasNextPage } }
      },
      sqlExplain: async (_: unknown, { query, params }: Pick<Arguments, 'query' | 'params'>, { scope }: Context) => {
        mustHold(scope, 'query:run')
        const { engine, text, reads } = await roles.engine.explain(scope, { sql: query, params: paramsWithin(params) })
        const regions = (indexed: boolean) => roles.model.entities.filter(entity => reads.some(({ table, by }) => (by !== undefined) === indexed && isOf(entity, table)))
        const fullScan = regions(false)
        return { engine, text, usesIndex: regions(true).map(entity => entity.name), fullScan: fullScan.map(entity => entity.name), advice: fullScan.map(entity => advice(roles, entity)) }
      },
    },
  }
}

/** Whether the table shows the region's rows: under its own name, or under that of the table they were loaded from and belong to tenants. */
function isOf({ kind, name, load }: EntityModel, table: MountedTable): boolean {
  return kind === 'region' && (table.catalog === 'hub' ? table.name === name : load !== undefined && table.catalog === load.source && table.name === load.table)
}

function advice({ region }: SqlRoles, { name, key }: EntityModel): string {
  const known = [key, ...region(name).definition.indexes].map(columns => `(${columns.join(', ')})`)
  return `"${name}" is read whole. Its rows are found without that where the WHERE demands values, with =, IN or a range, of columns it is indexed by: ${[...new Set(known)].join(', ')}.`
}
