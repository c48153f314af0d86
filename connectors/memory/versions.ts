import type { RegionVersions } from '../ports/footprint.ts'
import type { Clock } from '../ports/scope.ts'
import type { CommitLog } from '../regions/commit-log.ts'
import type { Counters } from '../regions/counters.ts'
import type { Entries } from './entries.ts'

export interface VersionsParts {
  readonly entries: Entries
  readonly counters: Counters
  readonly clock: Clock
  readonly log: Pick<CommitLog, 'durable'>
  /** Under which name the rows stand that a tenant sees; undefined: the region was dropped. */
  readonly owner: (tenant: string) => string | undefined
}

/** What stands in a region now, as numbers. */
export function versionsOf({ entries, counters, clock, log, owner }: VersionsParts): RegionVersions {
  return {
    entry(tenant, key) {
      const name = owner(tenant)
      if (name === undefined) return undefined
      const rows = entries.tenants.get(name)
      const id = rows?.find(key)
      const now = clock.now()
      if (!rows || id === undefined || !rows.isLive(id, now)) {
        counters.misses += 1
        return rows && rows.commitEnd > log.durable ? undefined : 0
      }
      counters.hits += 1
      entries.use(id, now)
      return entries.version(id)
    },
    rows(tenant) {
      const name = owner(tenant)
      if (name === undefined || entries.queue.hasExpired(clock.now())) return undefined
      return entries.tenants.get(name)?.changes ?? 0
    },
  }
}
