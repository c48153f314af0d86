import type { Model } from '../../schema/model.ts'
import type { Value } from '../../schema/values.ts'
import type { SqlEngine } from '../../connectors/ports/sql-engine.ts'
import type { Context } from '../../resolvers/context.ts'
import type { CursorSealer } from '../../resolvers/cursor.ts'
import { mustHold } from '../../resolvers/guard.ts'
import { pageSizeWithin, paramsWithin, runStatement } from '../../resolvers/statement.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'

export interface QueryRoles {
  readonly model: Model
  readonly engine: SqlEngine
  readonly cursors: CursorSealer
  /** Tables a statement names, as `catalog.name`. */
  readonly tablesOf: (sql: string) => readonly string[]
  /** Whether the statement itself says how many rows it answers at most. */
  readonly isLimited: (sql: string) => boolean
}

interface QueryArguments {
  readonly sql: string
  readonly params?: readonly Value[] | null
  readonly maxRows: number
  readonly after?: string | null
}

/** `unifiedQuery` and `explainQuery`: a client's own statement, read-only, bound, limited and cancelled with its request. */
export function queryFields(roles: QueryRoles): Subgraph['fields'] {
  return {
    Query: {
      unifiedQuery: async (_: unknown, { sql, params, maxRows, after }: QueryArguments, context: Context) => {
        mustHold(context.scope, 'query:run')
        const pageSize = pageSizeWithin('maxRows', maxRows, 10_000)
        const page = await runStatement(context, roles.engine, roles.cursors, { sql, params, pageSize, after })
        return {
          queryId: page.queryId,
          columns: page.columns,
          rows: page.rows,
          stats: { elapsedMs: page.tookMs, engine: page.engine },
          lineage: { inputs: () => roles.tablesOf(sql) },
          pageInfo: { endCursor: page.endCursor, hasNextPage: page.hasNextPage },
        }
      },
      explainQuery: async (_: unknown, { sql, params }: Pick<QueryArguments, 'sql' | 'params'>, { scope }: Context) => {
        mustHold(scope, 'query:run')
        return { engine: roles.engine.name, text: await roles.engine.explain(scope, { sql, params: paramsWithin(params) }), advice: advice(roles, sql) }
      },
    },
  }
}

function advice({ model, tablesOf, isLimited }: QueryRoles, sql: string): string[] {
  const named = new Set(tablesOf(sql).map(name => name.toLowerCase()))
  const isNamed = (name: string) => named.has(name.toLowerCase())
  const loaded = model.entities.filter(entity => entity.kind === 'region' && entity.complete && entity.load && isNamed(`${entity.load.source}.${entity.load.table}`) && !isNamed(`hub.${entity.name}`))
  const computed = model.entities.filter(entity => entity.kind === 'view' && !entity.complete && isNamed(`hub.${entity.name}`))
  return [
    ...(isLimited(sql) ? [] : ['The statement has no LIMIT: every row is computed, though a page shows the first.']),
    ...loaded.map(entity => `"${entity.load?.source}.${entity.load?.table}" is read from its source; region "${entity.name}" holds the same rows in memory.`),
    ...computed.map(entity => `View "${entity.name}" is computed by every statement; materializeEvery would keep its rows.`),
  ]
}
