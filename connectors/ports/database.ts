import type { Column, Row, Value } from '../../schema/values.ts'
import type { Scope } from './scope.ts'

/**
 * A database that pipelines read by queries of its own dialect and write whole tables of. Connections are made when needed. One that does not answer → UPSTREAM_UNAVAILABLE; what it
 * refuses → UPSTREAM_REJECTED with its own words, unless another transaction was first → TX_CONFLICT; none has the password. A signal that aborts stops the statement at the database.
 */
export interface Database {
  /** `postgresql`, `sqlite`, `mysql`: as behind `jdbc:`; MariaDB is `mysql`. */
  readonly driver: string
  /** Runs one reading statement, in a transaction that cannot write. The iteration must be ended or closed. A statement that would write → UPSTREAM_REJECTED; nothing is written. */
  read(scope: Scope, query: Query): Promise<Rows>
  /**
   * Writes rows into a table there is, in one transaction that is not committed yet: whoever reads the table sees nothing of it. Columns are found by name, those the table has beside them
   * get their defaults. A table or a column there is not → NOT_FOUND with the nearest name. When it fails, or the signal aborts, nothing is written.
   */
  write(scope: Scope, into: TableWrite, rows: AsyncIterable<readonly Row[]>): Promise<PreparedWrite>
  close(): Promise<void>
}

export interface Query {
  /** The statement in the database's dialect, cut where values stand: one text more than there are values. Values are bound, never part of the text. */
  readonly texts: readonly string[]
  readonly values: readonly Value[]
  /** Rows held at a time. */
  readonly fetchSize: number
  readonly isolation?: Isolation
}

export type Isolation = 'READ_COMMITTED' | 'READ_UNCOMMITTED' | 'REPEATABLE_READ' | 'SERIALIZABLE'

export interface Rows {
  /** As the statement orders and calls them. Two of one name → VALIDATION_ERROR that asks for aliases. */
  readonly columns: readonly Column[]
  /** Canonical values, as many rows at a time as `fetchSize` says. */
  readonly batches: AsyncIterable<readonly Row[]>
}

export interface TableWrite {
  /** As the database names it, `schema.table` or a name alone. Taken literally, never as a piece of a statement. */
  readonly table: string
  readonly columns: readonly Column[]
  readonly mode: WriteMode
  /** For merge: what a row is known by. Two rows with one key among those written → VALIDATION_ERROR. */
  readonly keys?: readonly string[]
  /** Rows of one statement. */
  readonly batchSize: number
  readonly isolation?: Isolation
  /**
   * Marks the write: it is remembered in the same transaction, in a table `tributary_write` beside the one that is written, made where it is not there. A write whose mark is there already is not done again.
   */
  readonly mark: string
}

/**
 * append: rows are added; merge: rows are put in the place of those with the same key, and added where there is none; overwrite and truncateInsert: all rows go, these come.
 * truncateInsert empties the table the fast way where the database has one that can be rolled back.
 */
export type WriteMode = 'append' | 'overwrite' | 'merge' | 'truncateInsert'

export interface PreparedWrite {
  readonly rowsWritten: number
  /** Whether the mark was there: the rows were written by an earlier attempt, and nothing is to commit. */
  readonly wasWritten: boolean
  /** Makes it visible and durable, all of it. */
  commit(): Promise<void>
  /** Undoes it. After a commit, or twice, it does nothing. */
  rollback(): Promise<void>
}
