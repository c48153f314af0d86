import type { Scope } from '../../ports/scope.ts'
import type { IgniteRegion } from './region.ts'

const longestMs = 1_500
const stepMs = 50

/** Ends when entries that have expired are swept, and so told; at the latest after the time in which the cluster sweeps. */
export async function settled(scope: Scope, region: IgniteRegion): Promise<void> {
  const { createMs, updateMs, accessMs } = region.definition.expiry
  if (createMs === undefined && updateMs === undefined && accessMs === undefined) return
  const { clock } = region.home
  const untilMs = clock.now() + longestMs
  // Entries that have expired count in the cache until they are swept, here until that was told, and in no statement.
  for (;;) {
    const held = await region.table.entries.size(scope)
    const visible = await region.total(scope)
    if (held <= visible && region.size <= visible) return
    if (clock.now() > untilMs) {
      if (held <= visible) region.size = visible
      return
    }
    const over = Promise.withResolvers<void>()
    clock.after(stepMs, () => over.resolve())
    await over.promise
  }
}
