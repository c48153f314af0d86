import type { RegionVersions } from '../connectors/ports/footprint.ts'
import type { Entry, Region } from '../connectors/ports/region-store.ts'
import type { Scope } from '../connectors/ports/scope.ts'

type Found = (entries: readonly (Entry | undefined)[]) => void
const nothing: Found = () => {}

/** To be called before entries are read by their keys; the answer notes what was found, and what was not there. `name` is the region's in the catalog. */
export function notingEntries(scope: Scope, name: string, region: Region, keys: readonly string[]): Found {
  const { footprint, tenant } = scope
  const versions = footprint && versionsFor(scope, name, region)
  if (!versions) return nothing
  if (!versions.isBehind) return found => {
    for (const [index, key] of keys.entries()) footprint.entry(versions, tenant, key, found[index]?.version ?? 0)
  }
  for (const key of keys) {
    const number = versions.entry(tenant, key)
    if (number === undefined) footprint.unknown(`Changes of region "${name}" may go by unheard just now.`)
    else footprint.entry(versions, tenant, key, number)
  }
  return found => {
    if (keys.some((key, index) => versions.isBehind?.(tenant, key, found[index]?.version ?? 0))) footprint.unknown(`A copy of an entry of region "${name}" was read that is behind what was heard of it.`)
  }
}

/** Notes that rows of the region are about to be read by what they hold. */
export function noteRows(scope: Scope, name: string, region: Region): void {
  const versions = scope.footprint && versionsFor(scope, name, region)
  if (versions) scope.footprint.rows(versions, scope.tenant)
}

/** The region's, if what is made of such a read may be answered as long as they say that nothing changed. */
function versionsFor({ footprint, consistency }: Scope, name: string, { engine, versions }: Region): RegionVersions | undefined {
  const level = consistency?.level ?? 'STRONG'
  if (!versions) footprint?.unknown(`Region "${name}" is kept in ${engine}, and the hub hears later than a read would show it that its entries change or end.`)
  else if (versions.isBehind && level !== 'EVENTUAL') {
    footprint?.unknown(`Region "${name}" is kept in ${engine}, where other processes write, and the hub hears of it later than this read, at ${level}, would show it.`)
  } else return versions
  return undefined
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
