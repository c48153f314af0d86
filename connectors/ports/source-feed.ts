import type { Row } from '../../schema/values.ts'
import type { Scope } from './scope.ts'

/**
 * How a source tells of its commits. What it keeps for those who follow, and how far they are, is its own affair; positions are its text, with meaning for nobody else.
 * Errors are those of a source: UPSTREAM_UNAVAILABLE where it does not answer, UPSTREAM_REJECTED where it refuses, never a secret in either.
 */
export interface SourceFeed {
  /** What stands in the way of following these tables, all at once, each with what mends it; empty: nothing. One look at the source. */
  check(scope: Scope, request: Pick<FollowRequest, 'consumer' | 'tables'>): Promise<readonly FeedTrouble[]>
  /**
   * What happened to these tables behind `from`, in the order the source committed, without end: asking for the next says that the one before was taken over, and that the source may forget it. A
   * follower who comes back with the position of what he took over last misses nothing and sees nothing twice; where the source cannot go on from there, or he has none, the first
   * told is a reset. Ending the iteration, or aborting the signal, ends it in the source; it fails with whatever ends it otherwise. One at a time follows by a name: whoever comes
   * meanwhile is told how far that one is, and begins with a reset once he is gone.
   */
  follow(scope: Scope, request: FollowRequest): AsyncIterable<Told>
  /** Whether somebody follows by that name now. */
  isFollowed(scope: Scope, consumer: string): Promise<boolean>
  /** Lets go of what the source keeps for a consumer who follows no more. Where it keeps nothing that is no error; IN_USE while somebody follows by that name. */
  forget(scope: Scope, consumer: string): Promise<void>
}

export interface FeedTrouble {
  /** Absent: it is the source's as a whole. */
  readonly table?: string
  readonly message: string
}

export interface FollowRequest {
  /** Who follows: `[a-z0-9_]`, at most 63 characters. */
  readonly consumer: string
  /** Whether the source is to keep what he has not taken over while he is away; false: only as long as the connection lasts. */
  readonly lasting: boolean
  /** A table may stand here several times, for several who take it. */
  readonly tables: readonly FollowedTable[]
  readonly from?: string
}

export interface FollowedTable {
  readonly table: string
  readonly columns: readonly string[]
  /** Columns that name a row to the follower, among the columns. */
  readonly key: readonly string[]
}

export type Told = Reset | SourceCommit | Current

/** The rows as they were at one moment, whatever was told before: everything told later happened after it. */
export interface Reset {
  readonly kind: 'reset'
  /** Why it is no continuation, as a sentence. */
  readonly reason: string
  /** On the scope's clock: commits before it are in the rows. */
  readonly asOfMs: number
  /** All rows of a table, in batches, in no promised order; until the next is asked for. One table at a time. */
  rows(table: string, columns: readonly string[]): AsyncIterable<readonly Row[]>
  readonly position: string
}

/** One transaction of the source, with what it did to the tables, in the order it did it. Never empty. */
export interface SourceCommit {
  readonly kind: 'commit'
  /** On the source's clock. */
  readonly committedAtMs: number
  readonly changes: readonly SourceChange[]
  readonly position: string
}

/** Every commit the source made before this moment, on the scope's clock, was told. Told about once a second while that is so. */
export interface Current {
  readonly kind: 'current'
  readonly asOfMs: number
  /** Absent: somebody else follows by the name, and he has taken them over. */
  readonly position?: string
}

export type SourceChange =
  /** A row is there. `before` has the columns that named it before, where those changed. A column absent from `row` is as it was. */
  | { readonly kind: 'put'; readonly table: string; readonly row: Row; readonly before?: Row }
  /** A row went. `before` has the columns of the keys at least. */
  | { readonly kind: 'remove'; readonly table: string; readonly before: Row }
  /** Every row went. */
  | { readonly kind: 'truncate'; readonly table: string }
