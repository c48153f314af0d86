import type { Json } from '../../schema/values.ts'
import type { Scope } from './scope.ts'

/**
 * What was done, or tried, to definitions of pipelines: entries of the scope's tenant, each with the hash of the one before it. Nothing here changes or removes an entry. Every method is one transaction, durable when answered.
 */
export interface AuditLog {
  /** Puts an entry behind the newest, with the caller as its actor and the scope's moment. Many who do so at once stand one behind the other. */
  append(scope: Scope, entry: NewAuditEntry): Promise<AuditEntry>
  /** The newest first, at most `limit`, those with a sequence below `before`. */
  entries(scope: Scope, filter: AuditFilter, limit: number, before?: number): Promise<readonly AuditEntry[]>
  /** Computes every hash again, and compares the log with where it is known to end and with the anchors, which are entries as somewhere else remembers them. */
  verify(scope: Scope, anchors: readonly AuditAnchor[]): Promise<AuditVerdict>
  close(): Promise<void>
}

/** ALLOWED: it was let through, and done unless a FAILED entry of the same request says otherwise. REFUSED: the caller may not do it. */
export type AuditOutcome = 'ALLOWED' | 'REFUSED' | 'FAILED'

export interface NewAuditEntry {
  /** `pipeline.create`, `draft.approve`, … At most 64 characters. */
  readonly action: string
  readonly application: string
  /** Of the pipeline or the draft. */
  readonly subject: string
  readonly outcome: AuditOutcome
  /** Never a document, nor anything else that may hold a secret. */
  readonly detail: Json
}

export interface AuditEntry extends NewAuditEntry {
  /** 1 for the first of a tenant, then by one. */
  readonly sequence: number
  readonly atMs: number
  readonly actor: string
  readonly requestId: string
  /** Of the entry before; of the first 64 zeros. */
  readonly previousHash: string
  /** SHA-256, in hexadecimal digits, of the hash before, a line feed, and the JSON of the other members with the tenant, names in the order of their characters and without white space. */
  readonly hash: string
}

export type AuditAnchor = Pick<AuditEntry, 'sequence' | 'hash'>

/** `checked` entries, from the first on, are as they were written. With `broken` the entry of that sequence is the first that is not, and `reason` says what is wrong with it. */
export interface AuditVerdict {
  readonly checked: number
  readonly broken?: { readonly sequence: number; readonly reason: string }
}

export interface AuditFilter {
  /** Absent: of all. */
  readonly applications?: readonly string[]
  readonly action?: string
  readonly actor?: string
  readonly subject?: string
  readonly outcome?: AuditOutcome
  /** At this moment or later. */
  readonly sinceMs?: number
  /** Before this. */
  readonly untilMs?: number
}
