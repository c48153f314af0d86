import type { Entry, Region } from '../connectors/ports/region-store.ts'
import type { Scope } from '../connectors/ports/scope.ts'

/** Notes entries read by their keys, and those that were not there. `name` is the region's in the catalog. */
export function noteEntries(scope: Scope, name: string, region: Region, keys: readonly string[], found: readonly (Entry | undefined)[]): void {
  const { footprint, tenant } = scope
  if (!footprint) return
  const { versions } = region
  if (!versions) return void footprint.unknown(elsewhere(name, region))
  for (const [index, key] of keys.entries()) footprint.entry(versions, tenant, key, found[index]?.version ?? 0)
}

/** Notes that rows of the region are about to be read by what they hold. */
export function noteRows({ footprint, tenant }: Scope, name: string, region: Region): void {
  if (!footprint) return
  if (region.versions) footprint.rows(region.versions, tenant)
  else footprint.unknown(elsewhere(name, region))
}

function elsewhere(name: string, { engine }: Region): string {
  return `Region "${name}" is kept in ${engine}, where other processes write, and the hub hears of it later than a read would show it.`
}

/** Resolvers, and finders of entities, that read nothing but what they note in the footprint, and whose answers are made of that, their parent and their arguments alone. */
const noting = new WeakSet<object>()

/** Marks them as such, all of them. */
export function areNoting<T extends Readonly<Record<string, unknown>>>(resolvers: T): T {
  for (const one of Object.values(resolvers)) if (typeof one === 'function') noting.add(one)
  return resolvers
}

export function isNoting(resolver: object): boolean {
  return noting.has(resolver)
}
