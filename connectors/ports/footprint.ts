/** How somebody who keeps what he made of a region's rows sees whether they are as they were. Synchronous: nothing comes between the look and what follows from it. */
export interface RegionVersions {
  /**
   * The version of the entry at this moment, 0 where there is none; counts as a read of it. Undefined: nothing that follows from it may be said now, as its removal is not
   * durable yet or the region was dropped.
   */
  entry(tenant: string, key: string): number | undefined
  /**
   * Grows with every change that a list, a filter or a count of the tenant's rows could show, the end of an entry's time included. Undefined: there was one just now that is not
   * counted yet, or the region was dropped.
   */
  rows(tenant: string): number | undefined
}

/** What one answer is made from, noted as it is read. Whoever reads something that is neither entries nor rows says so. */
export interface Footprint {
  /** The entry was found with this version; 0: it was not there. */
  entry(versions: RegionVersions, tenant: string, key: string, version: number): void
  /** Rows are about to be read that none of the region's others may join unseen. Said before they are. */
  rows(versions: RegionVersions, tenant: string): void
  /** Something was read of whose changes nobody here is told in time; why, as a sentence. The first reason stays. */
  unknown(reason: string): void
}
