import type { Scope } from '../../ports/scope.ts'
import type { Kept } from '../../regions/kept.ts'
import type { Table } from './table.ts'
import { leftMs } from './write.ts'

/** Entries of a tenant by key, those there are. Reading moves the end of entries that live on by being read. */
export async function readKept(scope: Scope, table: Table, tenant: string, keys: readonly string[], now: number): Promise<readonly Kept[]> {
  const { accessMs, createMs, updateMs } = table.layout.definition.expiry
  const alone = accessMs !== undefined && createMs === undefined && updateMs === undefined
  const found = await table.keptOf(scope, tenant, keys, alone ? table.entries.withExpiry({ accessMs }) : table.entries)
  const kept = found.filter(one => one !== undefined)
  if (accessMs !== undefined && !alone) await touch(scope, table, kept, now)
  return kept
}

/** Moves the end of entries that were read: not behind the end their creation or last write sets. */
async function touch(scope: Scope, { layout, entries }: Table, kept: readonly Kept[], now: number): Promise<void> {
  const byLimit = Map.groupBy(kept, one => leftMs(layout.definition.expiry, one, now) ?? Number.POSITIVE_INFINITY)
  await Promise.all([...byLimit].map(([accessMs, list]) => entries.withExpiry({ accessMs }).getAll(scope, list.map(({ tenant, row }) => layout.keyOfRow(tenant, row)))))
}
