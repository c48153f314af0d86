import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import {
  CompiledQuery, type DatabaseConnection, type DatabaseIntrospector, type Dialect, type DialectAdapter, type Driver, type Kysely, type QueryCompiler, type QueryResult, SqliteAdapter,
  SqliteIntrospector, SqliteQueryCompiler,
} from 'kysely'
import { HubError } from '../../schema/errors.ts'
import { isBusy } from '../sqlite/errors.ts'

/** How long a statement waits for another process that writes, and how often it looks. */
const busy = { waitMs: 5000, everyMs: 5 }

/**
 * node:sqlite under kysely: one connection, used by one caller at a time. Transactions take the write lock when they begin, as one taken later could be refused
 * halfway. Open the database with `timeout: 0`: it is waited for here, without holding up the process, which may itself be who has the lock.
 */
export class NodeSqliteDialect implements Dialect {
  readonly #database: DatabaseSync

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  createAdapter(): DialectAdapter {
    return new SqliteAdapter()
  }

  createDriver(): Driver {
    return new NodeSqliteDriver(this.#database)
  }

  createQueryCompiler(): QueryCompiler {
    return new SqliteQueryCompiler()
  }

  createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    return new SqliteIntrospector(db)
  }
}

class NodeSqliteDriver implements Driver {
  readonly #database: DatabaseSync
  readonly #connection: NodeSqliteConnection
  /** Ends when the last who asked for the connection has given it back. */
  #queue: Promise<void> = Promise.resolve()
  #giveBack: () => void = () => {}

  constructor(database: DatabaseSync) {
    this.#database = database
    this.#connection = new NodeSqliteConnection(database)
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    const mine = Promise.withResolvers<void>()
    const before = this.#queue
    this.#queue = mine.promise
    await before
    this.#giveBack = mine.resolve
    return this.#connection
  }

  async releaseConnection(): Promise<void> {
    this.#giveBack()
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('BEGIN IMMEDIATE'))
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('COMMIT'))
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('ROLLBACK'))
  }

  async destroy(): Promise<void> {
    await this.#queue
    this.#database.close()
  }
}

class NodeSqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSync

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    for (let waitedMs = 0; ; waitedMs += busy.everyMs) {
      try {
        return this.#run<R>(sql, parameters)
      } catch (error) {
        if (!isBusy(error)) throw error
        if (waitedMs >= busy.waitMs) throw new HubError('UPSTREAM_UNAVAILABLE', `The metadata file is being written by another process, for ${busy.waitMs} ms now.`, {}, { cause: error })
      }
      await new Promise(resolve => setTimeout(resolve, busy.everyMs))
    }
  }

  // biome-ignore lint/correctness/useYield: kysely asks for the method; no query of ours streams.
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new Error('The metadata store reads no streams.')
  }

  #run<R>(sql: string, parameters: readonly unknown[]): QueryResult<R> {
    const statement = this.#database.prepare(sql)
    const given = parameters as readonly SQLInputValue[]
    if (statement.columns().length > 0) return { rows: statement.all(...given) as R[] }
    const { changes } = statement.run(...given)
    return { rows: [], numAffectedRows: BigInt(changes) }
  }
}
