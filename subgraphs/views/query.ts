import type { Value } from '../../schema/values.ts'
import type { SqlEngine } from '../../connectors/ports/sql-engine.ts'
import type { Context } from '../../resolvers/context.ts'
import type { CursorSealer } from '../../resolvers/cursor.ts'
import { mustHold } from '../../resolvers/guard.ts'
import { pageSizeWithin, runStatement } from '../../resolvers/statement.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'

interface QueryArguments {
  readonly sql: string
  readonly params?: readonly Value[] | null
  readonly maxRows: number
  readonly after?: string | null
}

/** `unifiedQuery` and `explainQuery`: a client's own statement, read-only, bound, limited and cancelled with its request. */
export function queryFields(roles: { readonly engine: SqlEngine; readonly cursors: CursorSealer; readonly tablesOf: (sql: string) => readonly string[] }): Subgraph['fields'] {
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
        return { engine: roles.engine.name, text: await roles.engine.explain(scope, { sql, params: params ?? [] }) }
      },
    },
  }
}
