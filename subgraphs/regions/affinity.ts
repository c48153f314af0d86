import type { EntityModel } from '../../schema/model.ts'
import type { ServedRegions } from './catalog.ts'

/** What a SELECT reads, each by the tables the name may mean, the best first; and what it demands to be equal: columns, in lower case, with what qualifies them, or values. */
export interface Join {
  readonly tables: readonly { readonly mayBe: readonly { readonly catalog: string; readonly name: string }[]; readonly as: string }[]
  readonly equal: readonly (readonly [Equal, Equal])[]
}

type Equal = { readonly of: string | undefined; readonly column: string } | { readonly value: string }

interface Member {
  readonly as: string
  readonly entity: EntityModel
  readonly columns: ReadonlySet<string>
  /** The column whose equal values lie on one node; absent: the whole key, of several columns, decides. */
  readonly spread?: string
  readonly isDeclared: boolean
}

/**
 * A sentence for each join in which rows of one node do not meet: it has a region with an affinity key, and does not demand that what spreads its regions over the nodes is
 * equal. REPLICATED regions are on every node.
 */
export function affinityWarnings(served: ServedRegions, joins: readonly Join[]): string[] {
  return joins.flatMap(join => {
    const members = join.tables.flatMap(table => memberOf(served, table) ?? [])
    const classes = equalSides(join, members)
    const together = new Set(members.map((member, index) => (member.spread === undefined ? index : `${classes.of(sideKey(member.as, member.spread))} ${typeOf(member)}`)))
    if (together.size < 2 || !members.some(member => member.isDeclared)) return []
    const regions = [...new Set(members.map(({ entity, spread }) => `"${entity.name}" (spread by ${spread ?? `its key, ${entity.key.join(' and ')}`})`))]
    return [`The statement joins ${regions.length === 1 ? `${regions[0]} with itself` : regions.join(' with ')} without demanding that what they are spread by is equal. The result is right, but on a cluster rows of other nodes are fetched for it.`]
  })
}

/** Whether there is anything to warn of, before a statement is read. */
export function hasAffinity({ catalog }: ServedRegions): boolean {
  return catalog.regions.some(region => region.affinityKey !== undefined)
}

function memberOf({ model, catalog }: ServedRegions, { mayBe: [table], as }: Join['tables'][number]): Member | undefined {
  if (!table) return undefined
  const entity = model.entities.find(({ kind, name, load }) => kind === 'region' && (same(table.catalog, 'hub') ? same(table.name, name) : load !== undefined && same(load.source, table.catalog) && same(load.table, table.name)))
  const entry = catalog.regions.find(region => region.name === entity?.name)
  if (!entity || !entry || entry.mode === 'REPLICATED') return undefined
  return { as, entity, columns: new Set(entity.fields.map(field => field.name.toLowerCase())), spread: entry.affinityKey ?? (entity.key.length === 1 ? entity.key[0] : undefined), isDeclared: entry.affinityKey !== undefined }
}

function typeOf({ entity, spread }: Member): string | undefined {
  return entity.fields.find(field => field.name === spread)?.type
}

/** Sides that are equal, directly or through others, have one representative. */
function equalSides({ equal }: Join, members: readonly Member[]): { readonly of: (side: string) => string } {
  const above = new Map<string, string>()
  const of = (side: string): string => {
    const next = above.get(side)
    return next === undefined ? side : of(next)
  }
  const keyOf = (side: Equal) => ('value' in side ? `= ${side.value}` : sideKey(side.of ?? members.find(member => member.columns.has(side.column))?.as ?? '', side.column))
  for (const [left, right] of equal) {
    const [a, b] = [of(keyOf(left)), of(keyOf(right))]
    if (a !== b) above.set(a, b)
  }
  return { of }
}

function sideKey(as: string, column: string): string {
  return `${as}.${column.toLowerCase()}`
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}
