import type { Entry } from '../../connectors/ports/region-store.ts'
import type { Column, Row } from '../../schema/values.ts'
import type { Audience, Place } from './place.ts'
import type { Told } from './told.ts'

/** What a subscriber is sent, in order. `place` is where it may go on once it has taken the frame; a frame without one is no place to go on from. */
export type Frame =
  /** What the subscriber holds is void; a snapshot follows. */
  | { readonly type: 'reset' }
  | { readonly type: 'snapshot'; readonly entries: readonly Entry[]; readonly place: Place | undefined }
  | { readonly type: 'changes'; readonly changes: readonly Told[]; readonly place: Place }
  /** Nothing for this subscriber up to here: keeps an idle one's place inside the retained log. */
  | { readonly type: 'progress'; readonly place: Place }
  /** The end. `place` is that of the last frame taken. */
  | { readonly type: 'close'; readonly code: 'GONE' | 'SLOW_CONSUMER'; readonly place: Place | undefined }

export interface Subscription extends Audience {
  /** Whose changes it sees: the audience's tenant, or the empty text for a region all tenants share. */
  readonly owner: string
  /** Of the region's rows. */
  readonly columns: readonly Column[]
  /** The filter as a function of a row. */
  readonly test: (row: Row) => boolean
  /** Whether a replaced region is told by a reset and a new snapshot; else the session ends with GONE. */
  readonly restart: boolean
  /** Called when there may be something to take. Must not call back into the session. */
  readonly wake: () => void
  /** Called when the log has gone so far that a subscriber who only waits should hear its place; see `Session.progress`. */
  readonly remind?: () => void
  /** Changes that may wait for the subscriber; one more, and it becomes a reader of the log. */
  readonly maxQueue: number
  /** Entries of the log it may be behind, once it has fallen behind, before it is closed with SLOW_CONSUMER. */
  readonly maxLag: number
  /** Rows of a snapshot in one frame. */
  readonly snapshotPage: number
  /** Entries of the log read at once. */
  readonly logPage: number
}
