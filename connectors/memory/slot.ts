import type { Entry } from '../ports/region-store.ts'
import type { Rows } from './rows.ts'

/** Where an entry lives: the entry as readers get it, and what the region keeps about it. */
export interface Slot {
  entry: Entry
  readonly rows: Rows
  bytes: number
  createdAtMs: number
  /** When it was last read, written or filled. */
  usedAtMs: number
  /** Infinity where nothing limits it. From this moment on nobody sees it. */
  expiresAtMs: number
  /** Came by `fill`: the log never heard of it, so it leaves without a word. */
  filled: boolean
  /** The log must be durable up to here before the entry is shown. */
  commitEnd: number
  /** The region's position when it was last written, for `fill`. */
  position: number
  /** The expiry queue's bucket; -1: in none. */
  bucket: number
  newer: Slot | undefined
  older: Slot | undefined
}
