import type { Row } from '../../schema/values.ts'
import type { Entry } from './region-store.ts'

/** How little of other transactions one notices, from the weakest to the strongest. */
export const isolations = ['READ_UNCOMMITTED', 'READ_COMMITTED', 'REPEATABLE_READ', 'SERIALIZABLE'] as const
export type Isolation = (typeof isolations)[number]

export interface TransactOptions {
  /** At least so strong; what the store gave is in the answer. */
  readonly isolation: Isolation
  /** For all attempts together, until the commit begins; above 0. */
  readonly timeoutMs: number
  /** False: what it wrote need not survive a crash of the process, as whoever runs it would write it again; it may be answered before it does. Absent: true. */
  readonly durable?: boolean
  /** How often the work may be begun before TX_CONFLICT is answered; absent: once. */
  readonly maxAttempts?: number
  /** Who runs it, for the engine's list of transactions, where it has one. */
  readonly label?: string
}

/**
 * One attempt, seen by its work alone until it commits: reads see what the transaction wrote before. Regions are named as in the store. Every call fails with NOT_FOUND for an
 * unknown region, with REGION_NOT_TRANSACTIONAL for one that is ATOMIC, and once the attempt has ended with what ended it.
 */
export interface RegionTransaction {
  /** Of the transaction, the same in every attempt. */
  readonly id: string
  /** As `Region.getMany`. Where something read before has changed meanwhile, this may fail with TX_CONFLICT; if it does not, the commit does: what an attempt saw is of one moment once it has committed. */
  getMany(region: string, keys: readonly string[]): Promise<readonly (Pick<Entry, 'key' | 'row'> | undefined)[]>
  /** Writes whole rows: VALIDATION_ERROR as of `Region.putMany`. What the unique indexes have against them is said at the commit. */
  putMany(region: string, rows: readonly Row[]): Promise<void>
  /** Per key: whether there was an entry. */
  removeMany(region: string, keys: readonly string[]): Promise<readonly boolean[]>
}

export interface Transacted<T> {
  /** Names the transaction, among all there ever were. */
  readonly id: string
  readonly result: T
  /** Never weaker than what was asked for. Of transactions among each other: whether other readers see a commit whole is the store's to say. */
  readonly effectiveIsolation: Isolation
  /** Which attempt it was that committed, from 1 on. */
  readonly attempts: number
}

/** An entry some transaction waited for. `key` is that of the caller's tenant. */
export interface WaitedOn {
  readonly region: string
  readonly key: string
}

export interface TransactionOutcome {
  readonly id: string
  /**
   * PREPARING: its work goes on. PREPARED: it can no longer be rolled back, and a crash may still decide. UNKNOWN: whoever keeps the entries was lost before it answered, so that
   * all of it is there or nothing.
   */
  readonly state: 'PREPARING' | 'PREPARED' | 'COMMITTED' | 'ROLLED_BACK' | 'UNKNOWN'
  /** Each region it read or wrote in, with the node that answered for it where one does; the vote is null where it was not asked for, or not answered. */
  readonly participants: readonly { readonly region: string; readonly node: string | null; readonly vote: 'COMMIT' | 'ROLLBACK' | null }[]
}
