import type { Scope } from './scope.ts'

/** Drafts of pipelines, those of the scope's tenant. Every method is one transaction, durable when answered. Moments are on the scope's clock, in milliseconds. */
export interface DraftStore {
  /** Puts a draft in, as DRAFT and of revision 1, with the caller as its author. A text that cannot be kept, as it is too long or has a NUL → VALIDATION_ERROR; an id that is there → CONFLICT. */
  add(scope: Scope, draft: NewDraft): Promise<Draft>
  /** Changes a draft of this revision, which is one more then; what the change does not name stays. Of another revision, as somebody was first, → CONFLICT; none → NOT_FOUND. */
  change(scope: Scope, at: Pick<Draft, 'id' | 'revision'>, change: DraftChange): Promise<Draft>
  draft(scope: Scope, id: string): Promise<Draft | undefined>
  /** The newest first, by when they were put in and then by id; at most `limit`, those behind `after`. */
  drafts(scope: Scope, filter: DraftFilter, limit: number, after?: DraftPlace): Promise<readonly Draft[]>
  close(): Promise<void>
}

/** COMMITTED: it is the definition now, or was. APPROVED: it may be committed, and could not be yet. */
export type DraftState = 'DRAFT' | 'SUBMITTED' | 'APPROVED' | 'REJECTED' | 'COMMITTED'

/** What a draft says, and of what it says so. */
export interface DraftContent {
  readonly pipelineId: string
  readonly version: string
  readonly xml: string
  readonly comment: string
  /** The newest commit when it was written; absent: there was none. */
  readonly baseCommit?: string
  /** Tells what the definition said then; absent: there was none. */
  readonly baseContent?: string
}

/** At most 64 characters of an id, 255 of application, pipeline and version. */
export interface NewDraft extends DraftContent {
  readonly id: string
  readonly application: string
}

export interface DraftChange {
  readonly state: DraftState
  /** All of it anew. */
  readonly content?: DraftContent
  /** Is put behind those there are. */
  readonly approval?: Approval
  /** The commit it became. */
  readonly commit?: string
  /** Why it could not be committed; absent: there is no reason any more. */
  readonly failure?: string
}

export interface Approval {
  readonly reviewer: string
  readonly decision: 'APPROVED' | 'REJECTED'
  readonly comment: string
  readonly atMs: number
}

export interface Draft extends NewDraft {
  readonly tenant: string
  readonly state: DraftState
  readonly revision: number
  readonly author: string
  readonly createdAtMs: number
  readonly changedAtMs: number
  /** In the order they were given. */
  readonly approvals: readonly Approval[]
  readonly commit?: string
  readonly failure?: string
}

export interface DraftFilter {
  /** Absent: of all. */
  readonly applications?: readonly string[]
  readonly state?: DraftState
}

export interface DraftPlace {
  readonly createdAtMs: number
  readonly id: string
}
