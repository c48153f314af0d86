import type { Scope } from '../../ports/scope.ts'
import type { Shaped } from '../../regions/shape.ts'
import { identity, type Kept } from '../../regions/kept.ts'
import type { IgniteRegion } from './region.ts'
import type { Decision, Put } from './write.ts'

/** Stores rows where nothing is and nothing was removed since the mark, untold; answers how many. */
export async function fill(scope: Scope, region: IgniteRegion, shaped: ReadonlyMap<string, Shaped>, mark: number): Promise<number> {
  const tenant = region.owner(scope.tenant)
  const decide = (keys: readonly string[]) => (found: readonly (Kept | undefined)[]): Decision => {
    const now = region.home.clock.now()
    const version = region.home.versions.next()
    const free = keys.flatMap((key, index) => (!found[index] && region.marks.mayFill(identity({ tenant, key }), mark) ? (shaped.get(key) ?? []) : []))
    const puts = free.map(({ key, row }): Put => ({ key, row, version, writtenAtMs: now, createdAtMs: now, filled: true }))
    return { removals: [], puts, untold: new Set(puts.map(({ key }) => key)) }
  }
  // Where values must be unique each row stands for itself: one that clashes does not keep the others out.
  const lists = (region.definition.unique ?? []).length > 0 ? [...shaped.keys()].map(key => [key]) : [[...shaped.keys()]]
  let stored = 0
  for (const keys of lists) {
    const { decision, clashes } = await region.write(scope, { tenant, keys, decide: decide(keys) })
    if (clashes.length === 0) stored += decision.puts.length
  }
  return stored
}
