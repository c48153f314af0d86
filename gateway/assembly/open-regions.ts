import { HubError } from '../../schema/errors.ts'
import { openColumn, type Model } from '../../schema/model.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import type { MountedTable, SqlEngine, Statement } from '../../connectors/ports/sql-engine.ts'

/** The statement with members of open tables in the place of names that are no columns; the same text where there are none. */
export type WithMembers = (sql: string, tables: readonly (Pick<MountedTable, 'catalog' | 'name' | 'columns'> & { readonly open?: string })[], session: Pick<Statement, 'catalog' | 'schema'>) => string

/** Statements remembered, so that the next one like it is not refused first. */
const remembered = 1_000

/**
 * The engine, and where it refuses a statement over regions that keep members beside their columns, the same statement with names it did not know read as members. What is
 * refused then too is refused with the first reason. A statement it takes as it is means what it always did.
 */
export function withOpenRegions(engine: SqlEngine, model: Model, withMembers: WithMembers): SqlEngine {
  const open = new Map(model.entities.flatMap(entity => {
    const column = openColumn(entity)
    return column ? [[entity.name, column.name] as const] : []
  }))
  if (open.size === 0) return engine
  const tables = engine.tables.map(({ catalog, name, columns }) => ({ catalog, name, columns, open: catalog === 'hub' ? open.get(name) : undefined }))
  const read = new Map<string, string>()

  const attempt = async <T>(statement: Statement, run: (statement: Statement) => Promise<T>): Promise<T> => {
    const key = JSON.stringify([statement.sql, statement.catalog, statement.schema])
    const known = read.get(key)
    try {
      return await run(known === undefined ? statement : { ...statement, sql: known })
    } catch (error) {
      if (known !== undefined || !(error instanceof HubError) || error.code !== 'SQL_ERROR' || error.details['table'] !== undefined) throw error
      const sql = rewritten(statement)
      if (sql === undefined || sql === statement.sql) throw error
      const answer = await run({ ...statement, sql }).catch((second: unknown) => Promise.reject(second instanceof HubError && second.code === 'SQL_ERROR' ? error : second))
      for (const oldest of read.keys()) {
        if (read.size < remembered) break
        read.delete(oldest)
      }
      read.set(key, sql)
      return answer
    }
  }
  const rewritten = ({ sql, catalog, schema }: Statement): string | undefined => {
    try {
      return withMembers(sql, tables, { catalog, schema })
    } catch (error) {
      if (error instanceof HubError) return undefined // it does not parse: the engine said so
      throw error
    }
  }
  return {
    get name() {
      return engine.name
    },
    get tables() {
      return engine.tables
    },
    mount: next => engine.mount(next),
    over: next => engine.over(next),
    describe: (scope: Scope, statement) => attempt(statement, own => engine.describe(scope, own)),
    query: (scope: Scope, statement, options) => attempt(statement, own => engine.query(scope, own, options)),
    explain: (scope: Scope, statement) => attempt(statement, own => engine.explain(scope, own)),
    check: scope => engine.check(scope),
    close: () => engine.close(),
  }
}
