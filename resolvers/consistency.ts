import type { Entry, Region } from '../connectors/ports/region-store.ts'
import type { Scope } from '../connectors/ports/scope.ts'
import { nearerConsistency, type ConsistencyLevel } from '../schema/consistency.ts'
import type { Context } from './context.ts'

/** The moment data behind an answer must be of, at the earliest; undefined where any will do. */
export function notBefore({ consistency, clock, footprint }: Scope): number | undefined {
  if (consistency?.maxStalenessMs === undefined) return undefined
  footprint?.unknown('A read is bound by the age of what it reads, which grows by itself.')
  return clock.now() - consistency.maxStalenessMs
}

/** Of a field that takes them. */
export interface ConsistencyArguments {
  readonly consistency?: ConsistencyLevel | null
  readonly maxStalenessMs?: number | null
}

/** The context for what is read under a field's own arguments. */
export function withConsistency(context: Context, { consistency: level, maxStalenessMs }: ConsistencyArguments): Context {
  const consistency = nearerConsistency(context.scope.consistency ?? { level: 'STRONG', from: 'default' }, { level, maxStalenessMs }, 'argument')
  if (consistency.from !== 'argument') return context
  const { explain } = context
  return { ...context, scope: { ...context.scope, consistency }, ...(explain && { explain: read => explain({ ...read, consistency }) }) }
}

/**
 * `region.getMany` as the scope's consistency has it: entries kept near may answer at EVENTUAL, and at SESSION those that no write of the caller is newer than; else the
 * store itself is asked. `name` is the region's in the catalog.
 */
export async function entriesOf(scope: Scope, name: string, region: Pick<Region, 'getMany'>, keys: readonly string[]): Promise<readonly (Entry | undefined)[]> {
  const level = scope.consistency?.level
  if (level !== 'EVENTUAL' && level !== 'SESSION') return region.getMany(scope, keys)
  const entries = await region.getMany(scope, keys, { near: true })
  const since = level === 'SESSION' ? scope.session?.since(name) : undefined
  if (since === undefined) return entries
  const isOld = (entry: Entry | undefined) => entry?.near === true && entry.version < since
  const old = keys.filter((_, index) => isOld(entries[index]))
  if (old.length === 0) return entries
  const again = await region.getMany(scope, old)
  let next = 0
  return entries.map(entry => (isOld(entry) ? again[next++] : entry))
}
