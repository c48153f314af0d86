import type { Column, Row } from '../../schema/values.ts'
import type { Scope } from './scope.ts'

/** Writes rows as documents of search indices. A cluster that does not answer → UPSTREAM_UNAVAILABLE, one that refuses → UPSTREAM_REJECTED, with the first documents it did not take. */
export interface IndexWriter {
  /** Puts documents, each in the place of that with its id: the same rows again change nothing. The index is made where there is none. Not all at once: what fails says how many are there. They can be found when this ends. */
  merge(scope: Scope, into: IndexWrite, rows: AsyncIterable<readonly Row[]>): Promise<void>
  /** Fills an index beside the one of the name, which nobody sees before it is committed. */
  replace(scope: Scope, into: IndexWrite & { readonly mark: string }, rows: AsyncIterable<readonly Row[]>): Promise<PreparedIndex>
  close(): Promise<void>
}

export interface IndexWrite {
  /** Of the index or its alias. */
  readonly index: string
  readonly columns: readonly Column[]
  /** What a document is known by. Empty: ids are the cluster's. */
  readonly keys: readonly string[]
}

export interface PreparedIndex {
  readonly rows: number
  /** Whether the index of this mark has the name already: nothing is to commit. */
  readonly wasCommitted: boolean
  /** Gives it the name in one step, and removes what had it before. */
  commit(): Promise<void>
  /** Removes it. After a commit it does nothing. */
  rollback(): Promise<void>
}
