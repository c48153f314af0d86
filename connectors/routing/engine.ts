import { HubError } from '../../schema/errors.ts'
import { baseTableNames, type SessionNames } from '../statements/tables.ts'
import { Mounts } from '../statements/mounts.ts'
import type { Scope } from '../ports/scope.ts'
import type { MountedTable, Plan, QueryOptions, QueryResult, SqlEngine, Statement } from '../ports/sql-engine.ts'

export interface RoutedEngines {
  /** Asked for every statement whose tables it can all read. */
  readonly first: SqlEngine
  /** Asked for the others: it can read everything mounted. */
  readonly second: SqlEngine
  /** Whether the first can read the rows of a table that is no view, in this scope. */
  readonly reads: (scope: Scope, table: MountedTable) => boolean
}

/** Statements whose tables are kept. */
const keptStatements = 1_000

/**
 * Two engines as one: each statement goes to the one that can read all it names, the distributed one first. An engine that fails is not replaced by the other: its error is the answer.
 * A statement that names nothing but regions, or no table, is the second's, which is nearer.
 */
export function openRoutedEngine(engines: RoutedEngines): SqlEngine {
  return new RoutedEngine(engines, [], true)
}

class RoutedEngine implements SqlEngine {
  readonly name: string
  readonly #engines: RoutedEngines
  readonly #owner: boolean
  #mounts: Mounts
  /** Tables at the bottom of statements met before; undefined where one is unknown. */
  readonly #leaves = new Map<string, readonly MountedTable[] | undefined>()

  constructor(engines: RoutedEngines, tables: readonly MountedTable[], owner: boolean) {
    this.#engines = engines
    this.#mounts = new Mounts(tables)
    this.#owner = owner
    this.name = engines.first.name
  }

  get tables() {
    return this.#mounts.tables
  }

  async mount(tables: readonly MountedTable[]): Promise<void> {
    await Promise.all([this.#engines.first.mount(tables), this.#engines.second.mount(tables)])
    this.#mounts = new Mounts(tables)
    this.#leaves.clear()
  }

  over(tables: readonly MountedTable[]): SqlEngine {
    const { first, second, reads } = this.#engines
    return new RoutedEngine({ first: first.over(tables), second: second.over(tables), reads }, tables, false)
  }

  /** Where the first engine does not answer, the second tells the columns, so that a graph can be made without it. */
  async describe(scope: Scope, statement: Statement) {
    const engine = this.#engineFor(scope, statement)
    try {
      return await engine.describe(scope, statement)
    } catch (error) {
      if (engine === this.#engines.second || !(error instanceof HubError) || error.code !== 'UPSTREAM_UNAVAILABLE') throw error
      scope.log.warn(`${engine.name} does not answer; the columns of a statement are as ${this.#engines.second.name} sees them.`, { reason: error.message })
      return this.#engines.second.describe(scope, statement)
    }
  }

  query(scope: Scope, statement: Statement, options?: QueryOptions): Promise<QueryResult> {
    return this.#engineFor(scope, statement).query(scope, statement, options)
  }

  explain(scope: Scope, statement: Statement): Promise<Plan> {
    return this.#engineFor(scope, statement).explain(scope, statement)
  }

  async check(scope: Scope): Promise<void> {
    await Promise.all([this.#engines.first.check(scope), this.#engines.second.check(scope)])
  }

  async close(): Promise<void> {
    if (!this.#owner) return
    await this.#engines.first.close()
    await this.#engines.second.close()
  }

  #engineFor(scope: Scope, { sql, catalog, schema }: Statement): SqlEngine {
    const key = JSON.stringify([sql, catalog, schema])
    if (!this.#leaves.has(key)) {
      const [oldest] = this.#leaves.keys()
      if (this.#leaves.size >= keptStatements && oldest !== undefined) this.#leaves.delete(oldest)
      this.#leaves.set(key, this.#leavesOf(sql, { catalog, schema }))
    }
    const leaves = this.#leaves.get(key) ?? []
    const { first, second, reads } = this.#engines
    return leaves.some(table => table.catalog !== 'hub') && leaves.every(table => reads(scope, table)) ? first : second
  }

  /** Undefined for a statement that has a mistake: the engine that is asked says which. */
  #leavesOf(sql: string, session: SessionNames, views: readonly MountedTable[] = []): readonly MountedTable[] | undefined {
    try {
      return baseTableNames(sql).flatMap(parts => {
        const table = this.#mounts.resolve(parts, session, undefined)
        if (table.from.kind !== 'view') return [table]
        if (views.includes(table)) throw new HubError('SQL_ERROR', `View "${table.name}" reads itself.`)
        return this.#leavesOf(table.from.sql, {}, [...views, table]) ?? []
      })
    } catch (error) {
      if (error instanceof HubError) return undefined
      throw error
    }
  }
}
