import type { Json } from '../../schema/values.ts'
import type { Scope } from './scope.ts'

/**
 * What the hub is told while it runs: catalog entries with their versions, the audit trail, settings of its own. Durable when answered.
 * Reads see every write answered before.
 */
export interface MetadataStore {
  /** The newest version of each entry that was not dropped, by kind and name. */
  entries(scope: Scope): Promise<readonly CatalogEntry[]>
  /** Every version of one entry, newest first; empty where there never was one. */
  history(scope: Scope, kind: EntryKind, name: string): Promise<readonly CatalogEntry[]>
  /**
   * Writes the next version and its audit event in one transaction. `expectVersion` guards: 0 = there is none (or it was dropped), absent = whatever there is;
   * not met → CONFLICT. Storing an equal definition again answers the version there is and writes nothing.
   */
  putEntry(scope: Scope, entry: NewEntry, expectVersion?: number): Promise<CatalogEntry>
  /** Drops with an audit event, in one transaction. False: there was none. */
  dropEntry(scope: Scope, kind: EntryKind, name: string): Promise<boolean>
  /** Adds an audit event; answers it with its number. */
  audit(scope: Scope, event: NewAuditEvent): Promise<AuditEvent>
  /** Newest first, at most `limit`, those with a number below `before`. */
  auditTrail(scope: Scope, limit: number, before?: number): Promise<readonly AuditEvent[]>
  /** A setting of the hub itself, as the key that signs cursors: the stored text, or `initial()` stored and answered, once whoever asks at the same time. */
  setting(name: string, initial: () => string): Promise<string>
  /** What a mutation of this tenant answered under the client's key less than a day ago; undefined where nothing was. */
  keptAnswer(scope: Scope, key: string): Promise<KeptAnswer | undefined>
  /** Keeps an answer for a day. Under a key that has one already the first stays. */
  keepAnswer(scope: Scope, key: string, kept: KeptAnswer): Promise<void>
  close(): Promise<void>
}

export interface KeptAnswer {
  /** Tells what was asked; another one under the same key is another request. */
  readonly request: string
  readonly answer: Json
}

export type EntryKind = 'source' | 'region' | 'view' | 'relation' | 'subgraph' | 'endpoint'

export interface NewEntry {
  readonly kind: EntryKind
  readonly name: string
  /** As in a catalog file. Secrets stay references. */
  readonly definition: Json
}

export interface CatalogEntry extends NewEntry {
  /** 1 for the first, then by one; goes on after a drop. */
  readonly version: number
  readonly createdAtMs: number
  readonly createdBy: string
}

export interface NewAuditEvent {
  /** `region.create`, `view.drop`, … */
  readonly action: string
  readonly subject: string
  readonly detail: Json
}

export interface AuditEvent extends NewAuditEvent {
  readonly number: number
  readonly atMs: number
  readonly actor: string
  readonly tenant: string
  readonly requestId: string
}
