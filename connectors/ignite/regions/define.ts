import { HubError } from '../../../schema/errors.ts'
import type { Row } from '../../../schema/values.ts'
import type { RegionDefinition } from '../../ports/region-store.ts'
import type { Scope } from '../../ports/scope.ts'
import { checkDefinition, checkSuccession, equalDefinitions } from '../../regions/definition.ts'
import { refuseShared } from '../../regions/unique.ts'
import { sqlRows } from '../sql.ts'
import { evict } from './evict.ts'
import type { Kept } from '../../regions/kept.ts'
import { checkColumns, indexName } from './layout.ts'
import type { IgniteRegion } from './region.ts'
import { entriesOf } from './replace.ts'
import { settled } from './settled.ts'
import type { Table } from './table.ts'
import { leftMs } from './write.ts'

/** Fails with every mistake of a definition by itself. */
export function checkAlone(definition: RegionDefinition): void {
  checkDefinition(definition)
  if (definition.evictionPolicy === 'FIFO') {
    const message = `evictionPolicy: "FIFO" is not one a cluster keeps: it does not know in which order its entries came. Leave it out, or say LRU.`
    throw new HubError('VALIDATION_ERROR', `Region "${definition.name}" cannot be defined so. ${message}`, { region: definition.name, problems: [{ path: 'evictionPolicy', message }] })
  }
  checkColumns(definition)
}

/** Whether nothing is to be done for a region of the one definition to be one of the other. */
export function sameDefinition(there: RegionDefinition, wanted: RegionDefinition): boolean {
  return equalDefinitions(there, wanted) && isPlacedSo(there, wanted)
}

/** Entries that are loaded lie where they lie until they are loaded into a region of another shape. */
function isPlacedSo({ placement }: RegionDefinition, wanted: RegionDefinition): boolean {
  return !wanted.durable || wanted.placement === undefined || JSON.stringify(placement) === JSON.stringify(wanted.placement)
}

/** Fails unless the region's entries can go on under the definition. */
export async function checkSuccessor(scope: Scope, region: IgniteRegion, definition: RegionDefinition): Promise<void> {
  const { placement } = region.definition
  checkSuccession(region.definition, definition)
  if (!isPlacedSo(region.definition, definition)) {
    const [is, wanted] = [JSON.stringify(placement ?? 'the default'), JSON.stringify(definition.placement)]
    throw new HubError('CONFLICT', `Region "${definition.name}" exists with another definition: placement is ${is}, not ${wanted}. Drop it first, or define it as it is.`, { region: definition.name, differences: [`placement is ${is}, not ${wanted}`] })
  }
  const isKnown = (columns: readonly string[]) => (region.definition.unique ?? []).some(known => JSON.stringify(known) === JSON.stringify(columns))
  if ((definition.unique ?? []).every(isKnown)) return
  const tenants = new Map<string, Kept[]>()
  for await (const kept of entriesOf(scope, region, region.table)) {
    const own = tenants.get(kept.tenant)
    if (own) own.push(kept)
    else tenants.set(kept.tenant, [kept])
  }
  // The cluster has no order; who was there first is named first.
  const inOrder = (own: readonly Kept[]) => own.toSorted((a, b) => a.version - b.version || (a.key < b.key ? -1 : 1))
  const read = new Map([...tenants].map(([tenant, own]) => [tenant, { entriesAt: (): Iterable<{ key: string; row: Row }> => inOrder(own) }]))
  refuseShared({ definition: region.definition, tenants: read }, definition, region.home.clock.now())
}

/** Takes over a definition that may succeed the region's. `table` is open under it, over the same entries. */
export async function succeed(scope: Scope, region: IgniteRegion, table: Table): Promise<void> {
  const { definition } = table.layout
  const { definition: before } = region
  const isRetimed = JSON.stringify(before.expiry) !== JSON.stringify(definition.expiry)
  // What has expired by now is not to live longer.
  if (isRetimed) await settled(scope, region)
  await table.feed.open(table.entries)
  region.size = await table.entries.size(scope)
  const old = region.switchTo(table, 'FOUND', definition)
  // Events on their way to the old feed are told by neither.
  if (old?.feed.live) {
    region.home.log.lost(table.place.cache)
    region.home.log.restored(table.place.cache)
  }
  await old?.feed.close()
  if (isRetimed) await retime(scope, region)
  for (const columns of before.indexes) {
    if (definition.indexes.some(list => JSON.stringify(list) === JSON.stringify(columns))) continue
    await sqlRows(scope, region.home.client, `DROP INDEX IF EXISTS "${indexName(table.place.table, columns.map(name => name.toUpperCase()))}"`)
  }
  await evict(scope, region)
}

/** Gives every entry the time it has left under the region's definition. */
async function retime(scope: Scope, region: IgniteRegion): Promise<void> {
  const { table, home } = region
  const byLimit = new Map<number, Kept[]>()
  for await (const kept of entriesOf(scope, region, table)) {
    const limit = leftMs(table.layout.definition.expiry, kept, home.clock.now()) ?? Number.POSITIVE_INFINITY
    const list = byLimit.get(limit)
    if (list) list.push(kept)
    else byLimit.set(limit, [kept])
  }
  for (const [accessMs, list] of byLimit) {
    await table.entries.withExpiry({ accessMs }).getAll(scope, list.map(({ tenant, row }) => table.layout.keyOfRow(tenant, row)))
  }
}
