import { keyOf } from '../../ports/region-store.ts'
import type { Scope } from '../../ports/scope.ts'
import { identity } from '../../regions/kept.ts'
import type { IgniteRegion } from './region.ts'
import { oldestStatement } from './statement.ts'
import { versionAt } from './versions.ts'

const evictedAtOnce = 5_000
const sparedAtMost = 100

/**
 * Sends away entries until the limit is met: those written longest ago, but for those this process read lately, which count as written then. Reads by other processes
 * are not known here. Costs nothing while the region is known to be small enough.
 */
export async function evict(scope: Scope, region: IgniteRegion): Promise<void> {
  const { maxEntries: limit } = region.definition
  while (region.size > limit) {
    region.size = await region.total(scope)
    const excess = Math.min(region.size - limit, evictedAtOnce)
    if (excess <= 0) return
    // Some more, so that those read lately can be spared.
    const oldest = await region.table.query(scope, oldestStatement(region.table.layout, excess * 2 + sparedAtMost))
    const candidates = oldest.map(([tenant, row, version]) => {
      const key = keyOf(region.definition.key, row)
      return { tenant, key, version, age: Math.max(version, versionAt(region.recent.get(identity({ tenant, key })) ?? 0)) }
    })
    const victims = candidates.sort((a, b) => a.age - b.age).slice(0, excess)
    let gone = 0
    for (const [tenant, own] of Map.groupBy(victims, victim => victim.tenant)) {
      const versions = new Map(own.map(({ key, version }) => [key, version]))
      const { decision } = await region.write(scope, {
        tenant, keys: [...versions.keys()],
        decide: found => {
          const removals = found.flatMap(kept => (kept && kept.version === versions.get(kept.key) ? [kept] : []))
          return { puts: [], removals, untold: new Set(removals.filter(({ filled }) => filled).map(({ key }) => key)) }
        },
      })
      gone += decision.removals.length
    }
    region.counters.evictions += gone
    if (gone === 0) return
  }
}
