import type { Filter } from '../../schema/filter.ts'
import type { Column, Row, Value } from '../../schema/values.ts'
import type { RegionVersions } from './footprint.ts'
import type { Scope } from './scope.ts'
import type { SourceConnector } from './source-connector.ts'

/**
 * Runs one reading statement in Trino's dialect over everything mounted. What an engine cannot run it refuses by name (SQL_UNSUPPORTED), it never answers something else.
 * Mistakes in a statement → SQL_ERROR with `line` and `column` (1-based) in the details and the nearest known name in the message, for an unknown table with `table`,
 * its name as written, in the details too; a statement that is not a single reading one → READ_ONLY_SQL (or BAD_USER_INPUT for several). Not in time → TIMEOUT; the signal aborted → CANCELLED; in both cases the
 * statement is stopped in the engine within a second.
 */
export interface SqlEngine {
  /** `duckdb` or `trino`; of several as one the name of the one asked first. */
  readonly name: string
  /** Makes exactly these tables readable, as one step; statements that run keep what they began with. */
  mount(tables: readonly MountedTable[]): Promise<void>
  readonly tables: readonly MountedTable[]
  /** The same engine over exactly these tables, beside this one: neither sees what the other mounts. It needs no closing of its own. Costs nothing. */
  over(tables: readonly MountedTable[]): SqlEngine
  /** The columns the statement would answer, without running it. */
  describe(scope: Scope, statement: Statement): Promise<readonly Column[]>
  /** Runs it, and notes in the scope's footprint what it reads. The iteration must be ended or closed; rows come in batches, in the statement's order, as canonical values by column name. */
  query(scope: Scope, statement: Statement, options?: QueryOptions): Promise<QueryResult>
  /** How it would be run at this moment, for this tenant. Nothing is run. */
  explain(scope: Scope, statement: Statement): Promise<Plan>
  /** Ends when the engine takes statements; fails as `query` does when it does not. */
  check(scope: Scope): Promise<void>
  close(): Promise<void>
}

export interface Statement {
  /** Trino's dialect; `?` marks a parameter, in order. */
  readonly sql: string
  /** One per `?`; a list expands inside `IN (?)`, an empty one matches nothing. A wrong count → VALIDATION_ERROR naming both numbers. */
  readonly params?: readonly (Value | readonly Value[])[]
  /**
   * The catalog of tables the statement names without one, as of a session: `flights` is `<catalog>.flights`, or with a schema `<catalog>.<schema>.flights`, and `gold.flights` is
   * `<catalog>.gold.flights`. A name that says all its parts is never changed by it, and one that leads nowhere with it is read as without it. Inside of views it does not hold.
   */
  readonly catalog?: string
  /** Only with a catalog. */
  readonly schema?: string
}

export interface QueryOptions {
  /** One row more than this is read at most; the result then says `truncated`. */
  readonly maxRows?: number
  /** A table behind the statement whose `asOfMs` is earlier → STALENESS_EXCEEDED with `asOfMs`, before a row is read. */
  readonly notBeforeMs?: number
  /** Beside the scope's deadline. */
  readonly timeoutMs?: number
}

export interface QueryResult {
  /** Who answers: `duckdb`, `trino`. */
  readonly engine: string
  readonly columns: readonly Column[]
  readonly rows: AsyncIterable<readonly Row[]>
  /** Whether rows were cut off by `maxRows`; known once the rows are read to their end. */
  readonly truncated: () => boolean
  /** The earliest moment for which a table behind the statement, views looked into, says `asOfMs`; absent: all was read for this statement. */
  readonly asOfMs?: number
  /** What it took, so far; whole once the rows are read or let go of. */
  readonly stats: () => ScanStats
}

/** What an engine read to answer a statement. Null: it cannot tell, or only for a part. */
export interface ScanStats {
  /** Rows that tables and sources handed over, each as often as it was read. */
  readonly rowsScanned: number | null
  readonly bytesScanned: number | null
  /** Pieces of work it was split into. */
  readonly splits: number | null
}

export interface Plan {
  /** Who would run it. */
  readonly engine: string
  /** The engine's own plan, for people. */
  readonly text: string
  /** Each read of rows the process holds, or of a source that tells: through the columns `by` of their key or of an index, or whole. None where the engine reads its own copies. */
  readonly reads: readonly { readonly table: MountedTable; readonly by?: readonly string[] }[]
}

/** A table statements may name as `<catalog>.<name>`; `hub.<name>` also stands without its catalog. */
export interface MountedTable {
  /** `hub` for regions and views, else the source's name. */
  readonly catalog: string
  readonly name: string
  readonly columns: readonly Column[]
  readonly from: TableOrigin
  /** When its rows were last known to be those of where they come from, on the hub's clock; absent or undefined: they are those of the moment they are read. */
  readonly asOfMs?: () => number | undefined
}

export type TableOrigin =
  /** Rows the process holds. Read synchronously, per tenant, at the moment the statement reads them. */
  | { readonly kind: 'live'; readonly rows: (tenant: string) => Iterable<Row>; readonly indexes?: RowIndexes; readonly versions?: () => RegionVersions | undefined }
  /** A source read by scan, with columns and simple predicates pushed down. */
  | { readonly kind: 'source'; readonly source: SourceConnector; readonly table: string }
  /** Held by the engine itself under this quoted name. */
  | { readonly kind: 'relation'; readonly relation: string }
  /** A named statement over other mounted tables, in Trino's dialect, without parameters. */
  | { readonly kind: 'view'; readonly sql: string }

/** The key and the indexes of rows the process holds: a way to some of them past the others. Read synchronously, as the rows are. */
export interface RowIndexes {
  /**
   * Rows of the tenant among which are all that pass the filter, and the columns of the key or index they were found by; undefined where reading all rows is no more work.
   * Nothing is read before the rows are iterated.
   */
  among(tenant: string, filter: Filter): { readonly rows: Iterable<Row>; readonly by: readonly string[] } | undefined
  /** The most digits behind the point in a Decimal column, over all rows of the tenant: the column's type must not depend on which of them are read. */
  scale(tenant: string, column: string): number
}

/** All rows of a result, for answers that are small by construction. */
export async function allRows(result: QueryResult): Promise<Row[]> {
  const rows: Row[] = []
  for await (const batch of result.rows) for (const row of batch) rows.push(row)
  return rows
}
