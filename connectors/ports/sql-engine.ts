import type { Column, Row, Value } from '../../schema/values.ts'
import type { Scope } from './scope.ts'
import type { SourceConnector } from './source-connector.ts'

/**
 * Runs one reading statement in Trino's dialect over everything mounted. What an engine cannot run it refuses by name (SQL_UNSUPPORTED), it never answers something else.
 * Mistakes in a statement → SQL_ERROR with `line` and `column` (1-based) in the details and the nearest known name in the message; a statement that
 * is not a single reading one → READ_ONLY_SQL (or BAD_USER_INPUT for several). Not in time → TIMEOUT; the signal aborted → CANCELLED; in both cases the
 * statement is stopped in the engine within a second.
 */
export interface SqlEngine {
  /** `duckdb` or `trino`. */
  readonly name: string
  /** Makes exactly these tables readable, as one step; statements that run keep what they began with. */
  mount(tables: readonly MountedTable[]): Promise<void>
  readonly tables: readonly MountedTable[]
  /** The same engine over exactly these tables, beside this one: neither sees what the other mounts. It needs no closing of its own. Costs nothing. */
  over(tables: readonly MountedTable[]): SqlEngine
  /** The columns the statement would answer, without running it. */
  describe(scope: Scope, statement: Statement): Promise<readonly Column[]>
  /** Runs it. The iteration must be ended or closed; rows come in batches, in the statement's order, as canonical values by column name. */
  query(scope: Scope, statement: Statement, options?: QueryOptions): Promise<QueryResult>
  /** The engine's plan as text, for people. */
  explain(scope: Scope, statement: Statement): Promise<string>
  close(): Promise<void>
}

export interface Statement {
  /** Trino's dialect; `?` marks a parameter, in order. */
  readonly sql: string
  /** One per `?`; a list expands inside `IN (?)`, an empty one matches nothing. A wrong count → VALIDATION_ERROR naming both numbers. */
  readonly params?: readonly (Value | readonly Value[])[]
}

export interface QueryOptions {
  /** One row more than this is read at most; the result then says `truncated`. */
  readonly maxRows?: number
  /** Beside the scope's deadline. */
  readonly timeoutMs?: number
}

export interface QueryResult {
  readonly columns: readonly Column[]
  readonly rows: AsyncIterable<readonly Row[]>
  /** Whether rows were cut off by `maxRows`; known once the rows are read to their end. */
  readonly truncated: () => boolean
}

/** A table statements may name as `<catalog>.<name>`; `hub.<name>` also stands without its catalog. */
export interface MountedTable {
  /** `hub` for regions and views, else the source's name. */
  readonly catalog: string
  readonly name: string
  readonly columns: readonly Column[]
  readonly from: TableOrigin
}

export type TableOrigin =
  /** Rows the process holds. Read synchronously, per tenant, at the moment the statement reads them. */
  | { readonly kind: 'live'; readonly rows: (tenant: string) => Iterable<Row> }
  /** A source read by scan, with columns and simple predicates pushed down. */
  | { readonly kind: 'source'; readonly source: SourceConnector; readonly table: string }
  /** Held by the engine itself under this quoted name. */
  | { readonly kind: 'relation'; readonly relation: string }
  /** A named statement over other mounted tables, in Trino's dialect, without parameters. */
  | { readonly kind: 'view'; readonly sql: string }

/** All rows of a result, for answers that are small by construction. */
export async function allRows(result: QueryResult): Promise<Row[]> {
  const rows: Row[] = []
  for await (const batch of result.rows) for (const row of batch) rows.push(row)
  return rows
}
