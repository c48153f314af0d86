/**
 * How somebody who keeps what he made of a region's rows sees whether they are as they were: where a number is what it was, so are they. Synchronous: nothing comes between the look and what follows
 * from it.
 */
export interface RegionVersions {
  /**
   * Present: other processes write here too, and a number grows when this one hears of it, which is later than a read may show it. It holds for what may be answered as it was last heard of, and is to be
   * taken before the rows are read. Says whether an entry that was then found in this version, 0: not at all, is older than what was heard of it. Absent: a number is that of the moment.
   */
  isBehind?(tenant: string, key: string, version: number): boolean
  /**
   * The version of the entry at this moment, 0 where there is none; of those that are heard of, a number that grows with its changes. Counts as a read of it. Undefined: nothing that follows from it may
   * be said now, as its removal is not durable yet, changes may go by unheard, or the region was dropped.
   */
  entry(tenant: string, key: string): number | undefined
  /**
   * Grows with every change that a list, a filter or a count of the tenant's rows could show, the end of an entry's time included. Undefined: there was one just now that is not
   * counted yet, changes may go by unheard, or the region was dropped.
   */
  rows(tenant: string): number | undefined
}

/** What one answer is made from, noted as it is read. Whoever reads something that is neither entries nor rows says so. */
export interface Footprint {
  /** The entry was found with this version, 0: it was not there; or the region said this number of it before it was read. */
  entry(versions: RegionVersions, tenant: string, key: string, version: number): void
  /** Rows are about to be read that none of the region's others may join unseen. Said before they are. */
  rows(versions: RegionVersions, tenant: string): void
  /** Something was read of whose changes nobody here is told in time; why, as a sentence. The first reason stays. */
  unknown(reason: string): void
}
