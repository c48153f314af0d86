import type { Catalog, RegionEntry, ViewEntry } from '../../schema/catalog.ts'
import type { ModelParts } from './model.ts'

/**
 * Regions and views whose rows come from these tables (`source.table`), through whatever views and regions, each behind those it reads: loaded in this order, none is
 * made from another's old rows.
 */
export function dependents(catalog: Pick<Catalog, 'regions' | 'views'>, tables: readonly string[], tablesOf: ModelParts['tablesOf']): readonly string[] {
  const entries = [...catalog.regions, ...catalog.views].map(entry => ({ name: entry.name, reads: readsOf(entry, tablesOf) }))
  const touched = new Set(tables.map(name => name.toLowerCase()))
  const concerns = ({ reads }: Entry) => reads.some(read => [...touched].some(table => table === read || (read.startsWith('.') && table.endsWith(read))))
  for (let before = -1; before < touched.size; ) {
    before = touched.size
    for (const entry of entries) if (concerns(entry)) touched.add(own(entry))
  }
  const waiting = entries.filter(entry => touched.has(own(entry)))
  const order: string[] = []
  while (waiting.length > 0) {
    const open = new Set(waiting.map(own))
    // No entry is built on itself: the model refuses it.
    const next = waiting.findIndex(({ reads }) => !reads.some(read => open.has(read.startsWith('.') ? `hub${read}` : read)))
    order.push(...waiting.splice(Math.max(0, next), 1).map(({ name }) => name))
  }
  return order
}

interface Entry {
  readonly name: string
  /** `catalog.table`, or `.table` where the statement names no catalog. */
  readonly reads: readonly string[]
}

const own = ({ name }: Entry) => `hub.${name}`.toLowerCase()

function readsOf(entry: RegionEntry | ViewEntry, tablesOf: ModelParts['tablesOf']): readonly string[] {
  if ('sql' in entry) return tablesOf(entry.sql).map(({ catalog = '', name }) => `${catalog}.${name}`.toLowerCase())
  if (!entry.load) return []
  return ['view' in entry.load ? `hub.${entry.load.view}`.toLowerCase() : `${entry.load.source}.${entry.load.table}`.toLowerCase()]
}
