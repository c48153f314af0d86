import type { Filter, Order } from '../../schema/filter.ts'
import type { Column, Row, Value } from '../../schema/values.ts'
import type { ChangeLog } from './change-log.ts'
import type { RegionVersions } from './footprint.ts'
import type { RegionTransaction, TransactionOutcome, TransactOptions, Transacted } from './region-transaction.ts'
import type { Scope } from './scope.ts'
import type { TableOrigin } from './sql-engine.ts'

/** What a region is. Two definitions are equal when every member is. */
export interface RegionDefinition {
  /** `[A-Za-z][A-Za-z0-9_]*`, at most 63 characters. */
  readonly name: string
  readonly columns: readonly Column[]
  /** Columns whose values name an entry, in order. Never null in a row. */
  readonly key: readonly string[]
  /** Column lists with a secondary index (equality on all of them, range on the last). */
  readonly indexes: readonly (readonly string[])[]
  /** Those of the indexes whose values no two entries of a tenant share; a null is like no other, so it repeats freely. Absent: none. */
  readonly unique?: readonly (readonly string[])[]
  readonly atomicity: 'ATOMIC' | 'TRANSACTIONAL'
  readonly expiry: Expiry
  /** Above this count entries go, one commit at a time, in the order of `evictionPolicy`; never an error to the writer. */
  readonly maxEntries: number
  /** LRU: those used longest ago go first. FIFO: those created first, whatever was read or written since. Absent: LRU. A store that cannot tell that order → VALIDATION_ERROR naming the policy, at `define` and `check`. */
  readonly evictionPolicy?: EvictionPolicy
  /** False: the rows come from a source and are loaded again after a restart, so writing them down is not worth it. */
  readonly durable: boolean
  /** SHARED: one set of entries for everybody. TENANT: each tenant reads and writes its own and cannot name another's. */
  readonly tenancy: 'SHARED' | 'TENANT'
  /** How the entries lie on the nodes of a cluster, fixed when the region is made; absent: partitioned, with one copy. Without meaning, and no part of equality, where there is one node. */
  readonly placement?: Placement
}

export const evictionPolicies = ['LRU', 'FIFO'] as const
export type EvictionPolicy = (typeof evictionPolicies)[number]

export interface Placement {
  /** PARTITIONED: each entry on one node and `backups` others. REPLICATED: every entry on every node. */
  readonly mode: 'PARTITIONED' | 'REPLICATED'
  readonly backups: number
  /** The key column whose equal values lie on one node. */
  readonly affinity?: string
}

/** Milliseconds an entry lives after it was created, last written, last read. The earliest limit that is set wins; none set: for ever. */
export interface Expiry {
  readonly createMs?: number
  readonly updateMs?: number
  readonly accessMs?: number
}

export interface Entry {
  readonly key: string
  readonly row: Row
  /** Grows with every write of the key, never reused, so that equal versions are equal rows. */
  readonly version: number
  /** When the row was written or filled, on the store's clock. */
  readonly writtenAtMs: number
  /** Of an answer of `getMany` with `near`: it was kept near. */
  readonly near?: true
}

/** One member of an object in an answer. */
export type Member = ColumnMember | LinkMember

export interface ColumnMember {
  readonly name: string
  readonly column: string
  /** What its value must be: a text, a whole number of 32 bits, a number that has digits, a truth value. Absent: any will do. */
  readonly as?: 'String' | 'Int' | 'Float' | 'Boolean'
  /** Null will not do. */
  readonly required?: true
}

/** Rows of another region of the same store, found by a column of the row; null leads to none. */
export interface LinkMember {
  readonly name: string
  readonly column: string
  readonly link: {
    readonly region: Region
    readonly members: readonly Member[]
    /** Those with the value in the column `by`, the first `limit` in the order of their keys, as an object whose only member, `nodes`, is their list. Absent: the one whose key it is, or null. */
    readonly many?: { readonly by: string; readonly limit: number; readonly nodes: string }
  }
}

/** Which rows, in which order, how many. */
export interface Criteria {
  readonly filter?: Filter
  /** Ties end with the key, ascending, so that every order is total. */
  readonly order?: readonly Order[]
  /** The rows strictly behind this place: one value per term of the order and of the key, as in a row seen before. The row itself need not exist any more. */
  readonly after?: Row
  /** Walk the order from its end; `after` is then the place strictly before which rows are wanted. Rows are still answered in the order asked for. */
  readonly backwards?: boolean
  readonly limit?: number
  /** `limit` then counts for each of these values of a column by itself: of the rows with each the first so many, or backwards the last, one value's behind another's. */
  readonly per?: { readonly column: string; readonly values: readonly Value[] }
}

export interface RegionStats {
  readonly entries: number
  readonly sizeBytes: number
  readonly hits: number
  readonly misses: number
  readonly gets: number
  readonly puts: number
  readonly removals: number
  readonly evictions: number
  readonly expiries: number
  /** Transactions that read or wrote here and committed. */
  readonly txCommits: number
  /** Those that were rolled back; one that is run again counts each time. */
  readonly txRollbacks: number
  /** Means since the store was opened; null before the first call. */
  readonly avgGetMicros: number | null
  readonly avgPutMicros: number | null
}

export interface ClusterState {
  readonly nodes: readonly ClusterNode[]
  /** Grows with every node that joins or leaves; null where nodes do neither. */
  readonly topologyVersion: number | null
  /** Connections of this process to the nodes; null where the entries are in the process itself. */
  readonly pool: { readonly size: number; readonly idle: number; readonly waiting: number } | null
}

export interface ClusterNode {
  /** Never another's; the same for as long as the node keeps what it holds. */
  readonly id: string
  /** `host:port` it is reached at; null for this process. */
  readonly address: string | null
  /** UP: it takes reads and writes. */
  readonly state: 'UP' | 'DOWN'
  /** Partitions, over all regions, whose entries the node holds first or as a copy; null where entries are not spread over partitions, or it cannot be known. */
  readonly partitionsPrimary: number | null
  readonly partitionsBackup: number | null
}

/**
 * Named regions of entries held in memory. Reads see every commit made before them; what a write answered survives a crash of the process
 * (regions that are not durable: until the process ends). Expired entries are invisible from the moment they expire, whenever they are swept.
 * Every method fails with the signal's reason once the scope's signal is aborted, and with NOT_FOUND for a region that was dropped.
 */
export interface RegionStore {
  /** The regions' commits in order. */
  readonly changes: ChangeLog
  /**
   * The region of this definition, made if there is none. An equal definition answers the one there is. A definition that differs only in indexes, expiry,
   * maxEntries, evictionPolicy or in nullable columns added at the end is taken over with the entries kept; any other difference → CONFLICT, naming it. So is a unique index over
   * values that entries share already: with the values and keys of a SHARED region, with their count of a TENANT one.
   */
  define(definition: RegionDefinition): Promise<Region>
  /** Fails as `define` would, and changes nothing. */
  check(definition: RegionDefinition): Promise<void>
  /** The region as defined; NOT_FOUND with the nearest name. */
  region(name: string): Region
  readonly names: readonly string[]
  /** Tells the readers of its changes, by a reset in the log, that another region took its place. Its entries stay, for who still reads them. False: there was none. */
  retire(name: string): Promise<boolean>
  /** Removes the region and its entries. False: there was none. */
  drop(name: string): Promise<boolean>
  /**
   * Runs the work and commits what it wrote, in all regions together: one entry of the log, there whole or not at all after a crash, durable when answered. Work that fails is
   * rolled back, and its failure passed on. Else, with everything rolled back:
   *   TX_CONFLICT   another transaction was first with one of the same entries, or the two waited for each other, of whom one goes on; after as many attempts as may be made
   *   TX_TIMEOUT    the time ran out before the commit began; `waitedOn` in the details lists the entries it was waiting for just then
   *   CONFLICT      rows would share a value of a unique index; details as of `Region.putMany`, with the `keys` the problems are about
   * The work may be begun several times, and may go on after the answer; what it then does has no effect. Each call of it costs a round trip at most, and so does the commit.
   */
  transact<T>(scope: Scope, options: TransactOptions, work: (tx: RegionTransaction) => Promise<T>): Promise<Transacted<T>>
  /** What became of a transaction that the scope's tenant ran in this process; undefined where there was none of this id, or it is long ago. */
  transaction(scope: Scope, id: string): Promise<TransactionOutcome | undefined>
  /** How the SQL engine reads the region that is the one by the time a statement reads it; undefined then: there are no rows. Costs nothing by itself. */
  origin(region: () => Region | undefined): TableOrigin
  /** The nodes that hold the entries, as far as they are known now. One that cannot be reached is DOWN, which is an answer and no error. */
  cluster(scope: Scope): Promise<ClusterState>
  /** Waits until everything is durable, then lets go of files. */
  close(): Promise<void>
}

export interface Region {
  readonly definition: RegionDefinition
  /** Who answers: `memory`, `ignite`. */
  readonly engine: string
  /** Absent: it is not known in time when rows change or end. */
  readonly versions?: RegionVersions
  /**
   * One entry per key, in the order asked; undefined marks an absent key. Counts as a read of the entry. One call, however many keys. With `near`, entries that a process keeps
   * of those it read lately may answer: never older than the last change it was told of, nor than what its own writes answered.
   */
  getMany(scope: Scope, keys: readonly string[], options?: { readonly near?: boolean }): Promise<readonly (Entry | undefined)[]>
  /**
   * Of what `getMany` would answer these members of each row, as a JSON list in UTF-8: a read of the entries like that, with `null` for an absent key. Values are as
   * `JSON.stringify` writes them, but a bigint is the text of its digits. Undefined where a value is not what its member asks for: the rows have to be read. Absent: the store
   * has no faster way than to make it of the rows. A column the region lacks, or no member at all → BAD_USER_INPUT. The same list of members is prepared once.
   * Undefined, too, where what is linked cannot be followed: into another store, or to many rows without an index.
   */
  getJson?(scope: Scope, keys: readonly string[], members: readonly Member[]): Promise<Buffer | undefined>
  /** The same of what `select` would answer to these criteria, in the order of the keys. Undefined, too, where that means to look at many rows. */
  selectJson?(scope: Scope, criteria: Pick<Criteria, 'filter' | 'limit'>, members: readonly Member[]): Promise<Buffer | undefined>
  /**
   * Writes all rows in one commit, all or none, and answers when it is durable: the stored entries in the order given. Of two rows with one key the later wins.
   * A row that lacks a key column, has a null in a column that is not nullable, or names an unknown column → VALIDATION_ERROR listing every problem. Rows that would
   * leave two entries with one value in a unique index → CONFLICT naming index, value and the key that holds it; what counts is the state behind the whole commit.
   */
  putMany(scope: Scope, rows: readonly Row[]): Promise<readonly Entry[]>
  /** Removes in one commit, durable when answered. Per key: whether there was an entry. */
  removeMany(scope: Scope, keys: readonly string[]): Promise<readonly boolean[]>
  /** Removes every entry the scope's tenant has; answers how many. */
  clear(scope: Scope): Promise<number>
  /** A mark for `fill`: take it before asking the source. */
  mark(): number
  /**
   * Stores what a reader saw in the source, each row only if its key is still empty and was neither written nor removed since `mark`. Not a change: nobody is
   * told and nothing is logged. Answers how many were stored; fewer than given is ordinary: someone newer was first, or an entry here has its value in a unique
   * index already, in which case the row is left to its source.
   */
  fill(scope: Scope, rows: readonly Row[], mark: number): Promise<number>
  /**
   * Swaps all entries for those given: readers see the old set or the new one, never a part. Rows that stay equal keep their version; the others become changes,
   * or, with `silent`, one reset of the region in the log (a load after a restart). A failing iterable leaves the old set, and so do rows that share a value in a
   * unique index → CONFLICT as of `putMany`.
   */
  replaceAll(scope: Scope, rows: AsyncIterable<readonly Row[]>, options?: { silent?: boolean }): Promise<ReplaceResult>
  /** Rows that meet the criteria, from a consistent moment. Equality and ranges on key and indexed columns do not scan. Does not count as a read of the entries. */
  select(scope: Scope, criteria: Criteria): Promise<readonly Row[]>
  /** How many rows pass; all without a filter. */
  count(scope: Scope, filter?: Filter): Promise<number>
  /**
   * All entries with the log's end of the same moment, for a subscription's start: an entry of the log below `offset` is in the rows, one from it on is not.
   * The rows may only be shown once the log is durable up to `offset`.
   */
  snapshot(scope: Scope, filter?: Filter): Promise<Snapshot>
  stats(scope: Scope): Promise<RegionStats>
}

export interface Snapshot {
  readonly entries: readonly Entry[]
  readonly offset: number
}

export interface ReplaceResult {
  readonly entries: number
  readonly created: number
  readonly updated: number
  readonly removed: number
}

/**
 * The name of an entry as text, from its row: one column's value as text, or of several the JSON array of their texts. Regions of another tenant never meet,
 * so the tenant is no part of it.
 */
export function keyOf(key: readonly string[], row: Row): string {
  const [only] = key
  if (key.length === 1 && only !== undefined) return String(row[only])
  return keyOfValues(key.map(column => row[column] as Value))
}

/** The same of the values of its key's columns, in their order. */
export function keyOfValues(values: readonly Value[]): string {
  return values.length === 1 ? String(values[0]) : JSON.stringify(values.map(String))
}
