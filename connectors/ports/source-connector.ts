import type { Filter } from '../../schema/filter.ts'
import type { Column, Row, Value } from '../../schema/values.ts'
import type { Scope } from './scope.ts'
import type { SourceFeed } from './source-feed.ts'

/**
 * A system rows are read from. Names of tables and columns are taken literally, never as a piece of a statement.
 * A source that does not answer → UPSTREAM_UNAVAILABLE; one that refuses → UPSTREAM_REJECTED with its own words; never a secret in either.
 */
export interface SourceConnector {
  readonly name: string
  /** As in the catalog: `files`, `sqlite`, `postgresql`, `cassandra`, `elasticsearch`, `s3`. */
  readonly type: string
  /** Every table with its columns, key and references, found in the source itself. Costs a look at each; callers keep it. */
  tables(scope: Scope): Promise<readonly SourceTable[]>
  /**
   * The rows of one table, in batches, in no promised order. Columns, filter and limit are applied in the source, not here. Back-pressure: the next batch is read when
   * asked for. Ending the iteration or aborting the signal stops the read in the source. Unknown table → NOT_FOUND.
   */
  scan(scope: Scope, request: ScanRequest): AsyncIterable<readonly Row[]>
  /** How such a scan would find its rows at this moment: by which columns an index or the key finds them; `by` is undefined where the table would be read whole. Reads no rows. Absent: the source does not tell. */
  scanPlan?(scope: Scope, request: ScanRequest): Promise<{ readonly by: readonly string[] | undefined }>
  /** The rows whose key columns equal one of the keys, in one read, in no promised order; no row where the source has none. */
  lookup(scope: Scope, request: LookupRequest): Promise<readonly Row[]>
  /**
   * Of a connector that keeps rows itself: reads those tables anew that differ in the system and did not move between this look and the one before. Asked again and
   * again; costs little where nothing differs. Absent: nothing is kept.
   */
  look?(scope: Scope): Promise<Looked>
  /** Of a system that tells of its commits. Absent: whoever wants to know looks again. */
  readonly feed?: SourceFeed
  close(): Promise<void>
}

export interface Looked {
  /** Tables held; one that was read anew is another object. */
  readonly tables: readonly SourceTable[]
  /** Tables whose rows are not those of the system, and why, at every look until it is over. */
  readonly troubles: readonly { readonly table: string; readonly message: string }[]
}

export interface ScanRequest {
  readonly table: string
  /** Absent: all. */
  readonly columns?: readonly string[]
  readonly filter?: Filter
  readonly limit?: number
}

export interface LookupRequest {
  readonly table: string
  readonly columns?: readonly string[]
  /** Any columns; those of the table's key are the fast ones. */
  readonly keyColumns: readonly string[]
  /** Per key one value per key column, none null. */
  readonly keys: readonly (readonly Value[])[]
}

export interface SourceTable {
  readonly name: string
  readonly columns: readonly Column[]
  /** Primary key; empty where the source knows none. */
  readonly key: readonly string[]
  /** Those of the key whose values say where a row lies: a read that demands values of them all is answered from there, any other reads the table whole. Absent: the source has nothing of the kind, or does not tell. */
  readonly partition?: readonly string[]
  readonly foreignKeys: readonly ForeignKey[]
  /** Absent where counting would cost a scan. */
  readonly rowCount?: number
  /** Rows that could not be read and are left out. */
  readonly quarantine: Quarantine
  /** A quoted name under which the embedded SQL engine holds the table itself; absent: it reads by `scan`. */
  readonly relation?: string
  /** When the rows were last known to be those of the system, on the clock of the scope that asked; absent: each read asks the system itself. */
  readonly asOfMs?: () => number | undefined
  readonly description?: string
}

export interface ForeignKey {
  readonly columns: readonly string[]
  readonly table: string
  readonly references: readonly string[]
}

export interface Quarantine {
  readonly count: number
  /** The first hundred. */
  readonly samples: readonly { readonly line: number; readonly reason: string }[]
}
