import type { Row } from './values.ts'

export type ChangeType = 'CREATED' | 'UPDATED' | 'REMOVED' | 'EXPIRED'

/** One entry of one region came, changed or went. `before` is absent for CREATED, `after` for REMOVED and EXPIRED. */
export interface Change {
  readonly region: string
  /** Whose entry it is; the empty text for data all tenants share. */
  readonly tenant: string
  /** The entry's key as text, see `keyOf` in model.ts. */
  readonly key: string
  readonly type: ChangeType
  readonly before: Row | null
  readonly after: Row | null
  /** Grows with every change of the key, never reused. */
  readonly version: number
}

/** One committed transaction: its changes become visible together. */
export interface LogEntry {
  /** Place in the log; the next entry has the next number. */
  readonly offset: number
  readonly committedAtMs: number
  readonly changes: readonly Change[]
  /** Regions whose rows were replaced without naming each change (a restart's reload): what a reader held of them before this place is void. */
  readonly resets: readonly string[]
}
