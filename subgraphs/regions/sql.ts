import type { Model } from '../../schema/model.ts'
import type { Value } from '../../schema/values.ts'
import type { SqlEngine } from '../../connectors/ports/sql-engine.ts'
import type { Context } from '../../resolvers/context.ts'
import type { CursorSealer } from '../../resolvers/cursor.ts'
import { mustHold } from '../../resolvers/guard.ts'
import { pageSizeWithin, paramsWithin, runStatement } from '../../resolvers/statement.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'

export interface SqlRoles {
  readonly model: Model
  readonly engine: SqlEngine
  readonly cursors: CursorSealer
  /** Tables a statement names, as `catalog.name`. */
  readonly tablesOf: (sql: string) => readonly string[]
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
        return { columns: page.columns, rows: page.rows, tookMs: page.tookMs, engine: page.engine, pageInfo: { endCursor: page.endCursor, hasNextPage: page.hasNextPage } }
      },
      sqlExplain: async (_: unknown, { query, params }: Pick<Arguments, 'query' | 'params'>, { scope }: Context) => {
        mustHold(scope, 'query:run')
        const text = await roles.engine.explain(scope, { sql: query, params: paramsWithin(params) })
        const named = new Set(roles.tablesOf(query).map(name => name.toLowerCase()))
        const fullScan = roles.model.entities.filter(entity => entity.kind === 'region' && named.has(`hub.${entity.name}`.toLowerCase()))
        const advice = fullScan.map(entity => `"${entity.name}" is read whole. Where a key or an indexed column names the rows, the field ${entity.listField} finds them without that.`)
        return { engine: roles.engine.name, text, fullScan: fullScan.map(entity => entity.name), advice }
      },
    },
  }
}
