import { HubError } from '../../schema/errors.ts'
import type { Model } from '../../schema/model.ts'
import type { Value } from '../../schema/values.ts'
import type { SqlEngine, Statement } from '../../connectors/ports/sql-engine.ts'
import type { Context } from '../../resolvers/context.ts'
import type { CursorSealer } from '../../resolvers/cursor.ts'
import { mustHold } from '../../resolvers/guard.ts'
import { pageSizeWithin, paramsWithin, runStatement, sessionWithin, type ClientSession } from '../../resolvers/statement.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'

export interface QueryRoles {
  readonly model: Model
  readonly engine: SqlEngine
  readonly cursors: CursorSealer
  /** Tables a statement names, as `catalog.name`; `session` has catalog and schema of names with fewer parts. */
  readonly tablesOf: (sql: string, session?: Session) => readonly string[]
  /** Whether the statement itself says how many rows it answers at most. */
  readonly isLimited: (sql: string) => boolean
  /** The SELECTs of a statement: the tables each reads, by what their names may mean, the best first, and the columns, in lower case, that it demands a value of, and its groups. */
  readonly selectsOf: (sql: string, session?: Session) => readonly {
    readonly tables: readonly { readonly mayBe: readonly { readonly catalog: string; readonly name: string }[]; readonly as: string }[]
    readonly given: readonly { readonly of: string | undefined; readonly column: string }[]
    /** Equal for SELECTs that group the same rows by the same; undefined where it groups none. */
    readonly groups: string | undefined
  }[]
  /** Columns whose values say where in a source a table's row lies; undefined where there is nothing of the kind. */
  readonly partitionOf: (catalog: string, table: string) => readonly string[] | undefined
}

type Session = Pick<Statement, 'catalog' | 'schema'>

interface QueryArguments extends ClientSession {
  readonly sql: string
  readonly params?: readonly Value[] | null
  readonly maxRows: number
  readonly after?: string | null
}

/** `unifiedQuery` and `explainQuery`: a client's own statement, read-only, bound, limited and cancelled with its request. */
export function queryFields(roles: QueryRoles): Subgraph['fields'] {
  return {
    Query: {
      unifiedQuery: async (_: unknown, { sql, params, catalog, schema, maxRows, after }: QueryArguments, context: Context) => {
        mustHold(context.scope, 'query:run')
        const pageSize = pageSizeWithin('maxRows', maxRows, 10_000)
        const page = await tablesFound(() => runStatement(context, roles.engine, roles.cursors, { sql, params, catalog, schema, pageSize, after }))
        return {
          queryId: page.queryId,
          columns: page.columns,
          rows: page.rows,
          stats: { elapsedMs: page.tookMs, engine: page.engine, ...page.stats },
          lineage: { inputs: () => roles.tablesOf(sql, sessionWithin(roles.engine, { catalog, schema })) },
          pageInfo: { endCursor: page.endCursor, hasNextPage: page.hasNextPage },
        }
      },
      explainQuery: async (_: unknown, { sql, params, catalog, schema }: Omit<QueryArguments, 'maxRows' | 'after'>, { scope }: Context) => {
        mustHold(scope, 'query:run')
        const session = sessionWithin(roles.engine, { catalog, schema })
        const { engine, text } = await tablesFound(() => roles.engine.explain(scope, { sql, params: paramsWithin(params), ...session }))
        return { engine, text, advice: advice(roles, sql, session) }
      },
    },
  }
}

/** To who asks for tables by name an unknown one is NOT_FOUND, its place in the statement kept. One that a view names is the view's mistake. */
async function tablesFound<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof HubError) || error.code !== 'SQL_ERROR' || error.details['table'] === undefined) throw error
    throw new HubError('NOT_FOUND', error.message, error.details, { cause: error })
  }
}

function advice(roles: QueryRoles, sql: string, session: Session): string[] {
  const { model, tablesOf, isLimited } = roles
  const named = new Set(tablesOf(sql, session).map(name => name.toLowerCase()))
  const isNamed = (name: string) => named.has(name.toLowerCase())
  const loaded = model.entities.filter(entity => entity.kind === 'region' && entity.complete && entity.load && isNamed(`${entity.load.source}.${entity.load.table}`) && !isNamed(`hub.${entity.name}`))
  const computed = model.entities.filter(entity => entity.kind === 'view' && !entity.complete && isNamed(`hub.${entity.name}`))
  return [
    ...(isLimited(sql) ? [] : ['The statement has no LIMIT: every row is computed, though a page shows the first.']),
    ...unpartitioned(roles, sql, session),
    ...regrouped(roles, sql, session).map(entity => `View "${entity.name}" has these rows grouped so already${entity.complete ? ', in memory' : ''}: ask it where its columns are enough.`),
    ...loaded.map(entity => `"${entity.load?.source}.${entity.load?.table}" is read from its source; region "${entity.name}" holds the same rows in memory.`),
    ...computed.map(entity => `View "${entity.name}" is computed by every statement; materializeEvery would keep its rows.`),
  ]
}

/** Views that are nothing but a grouping the statement makes, too. */
function regrouped({ model, selectsOf }: QueryRoles, sql: string, session: Session) {
  const wanted = new Set(selectsOf(sql, session).flatMap(({ groups }) => groups ?? []))
  return model.entities.filter(({ kind, sql: own }) => {
    if (kind !== 'view' || own === undefined || wanted.size === 0) return false
    const [select, ...others] = selectsOf(own)
    return others.length === 0 && select?.groups !== undefined && wanted.has(select.groups)
  })
}

/** Tables that lie in partitions and of which the statement does not say which. */
function unpartitioned({ engine, selectsOf, partitionOf }: QueryRoles, sql: string, session: Session): string[] {
  const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase()
  return selectsOf(sql, session).flatMap(({ tables, given }) => tables.flatMap(({ mayBe, as }) => {
    const table = mayBe.map(({ catalog, name }) => engine.tables.find(one => same(one.catalog, catalog) && same(one.name, name))).find(one => one !== undefined)
    const partition = (table && partitionOf(table.catalog, table.name)) ?? []
    const missing = partition.filter(column => !given.some(one => (one.of ?? as) === as && same(one.column, column)))
    return table && missing.length > 0 ? [`"${table.catalog}.${table.name}" is read whole: the WHERE demands no value of ${missing.join(', ')}. With = or IN on its whole partition key, (${partition.join(', ')}), only those partitions are read.`] : []
  }))
}
