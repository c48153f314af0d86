import { isDeepStrictEqual } from 'node:util'
import type { RegionEntry } from '../../schema/catalog.ts'
import { HubError } from '../../schema/errors.ts'
import type { EntityModel } from '../../schema/model.ts'
import type { Row } from '../../schema/values.ts'
import { keyOf, type RegionStore } from '../../connectors/ports/region-store.ts'
import type { RegionTransaction } from '../../connectors/ports/region-transaction.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import type { SourceConnector } from '../../connectors/ports/source-connector.ts'
import type { SourceChange } from '../../connectors/ports/source-feed.ts'
import { keyFromText } from '../../resolvers/rows.ts'
import type { HeldRegion } from './regions.ts'

/** A region that follows a table. */
export interface FollowedRegion {
  readonly entity: EntityModel
  readonly entry: RegionEntry
  readonly held: HeldRegion
  readonly table: string
}

export interface TakeParts {
  /** Whether to wait until the commit survives a crash. Rows that follow are loaded anew behind one, so that now and then is enough: it keeps the disk from falling far behind. */
  readonly durable: boolean
  readonly store: RegionStore
  readonly connector: SourceConnector
}

/** How an entry is to be after a commit. Columns the row lacks are those of the entry that had this key before. */
interface Draft {
  readonly row: Row
  readonly before: string
}

/** What one commit does to one region: the last draft of each key, null where it goes; with `emptied`, every other key goes, too. */
interface Drafts {
  readonly region: FollowedRegion
  readonly keys: Map<string, Draft | null>
  emptied: boolean
}

type Writer = Pick<RegionTransaction, 'getMany' | 'putMany' | 'removeMany'>

/** How often a commit may be begun before it counts as failed. Only those who fill a region behind a read can be in its way. */
const maxAttempts = 20
/** A commit may be of a million rows. */
const transactionMs = 15 * 60_000

/**
 * Does to the regions what one transaction of the source did to their tables: in one commit of the store for all regions that take part in transactions, one commit each for others, and for
 * those that a TRUNCATE emptied. Rows that stay equal are no change. RESULT_TOO_LARGE where a region that holds all rows would hold more than it may.
 */
export async function takeCommit(scope: Scope, changes: readonly SourceChange[], regions: readonly FollowedRegion[], parts: TakeParts): Promise<void> {
  const drafts = regions.map(region => draftsOf(region, changes)).filter(one => one.keys.size > 0 || one.emptied)
  for (const one of drafts.filter(({ emptied }) => emptied)) await replace(scope, one)
  const rest = drafts.filter(({ emptied }) => !emptied)
  for (const [tenant, own] of byTenant(scope, rest)) {
    const tenantScope = { ...scope, tenant }
    const isAtomic = ({ region }: Drafts) => region.held.region.definition.atomicity === 'ATOMIC'
    const together = own.filter(one => !isAtomic(one))
    if (together.length > 0) {
      await parts.store.transact(tenantScope, { isolation: 'READ_COMMITTED', timeoutMs: transactionMs, durable: parts.durable, maxAttempts, label: 'follow' }, async tx => {
        for (const one of together) await write(tenantScope, tx, one, parts)
      })
    }
    for (const one of own.filter(isAtomic)) await write(tenantScope, outside(tenantScope, one.region), one, parts)
  }
}

/** What the changes of the region's table come to, in their order. Rows without a key are left out, as a load leaves them out. */
function draftsOf(region: FollowedRegion, changes: readonly SourceChange[]): Drafts {
  const { entity, table } = region
  const columns = new Set(entity.fields.map(({ name }) => name))
  const drafts: Drafts = { region, keys: new Map(), emptied: false }
  const { keys } = drafts
  const nameOf = (row: Row) => (entity.key.some(column => (row[column] ?? null) === null) ? undefined : keyOf(entity.key, row))
  for (const change of changes) {
    if (change.table !== table) continue
    if (change.kind === 'truncate') {
      keys.clear()
      drafts.emptied = true
      continue
    }
    const old = change.before && nameOf(change.before)
    if (change.kind === 'remove') {
      if (old !== undefined) keys.set(old, null)
      continue
    }
    const name = nameOf(change.row)
    const earlier = keys.get(old ?? name ?? '')
    if (old !== undefined && old !== name) keys.set(old, null)
    if (name === undefined) continue
    const own = Object.fromEntries(Object.entries(change.row).filter(([column]) => columns.has(column)))
    keys.set(name, { row: { ...earlier?.row, ...own }, before: earlier?.before ?? old ?? name })
  }
  return drafts
}

/** The drafts as each tenant's part of them: an entry that is another's goes from everybody else. */
function byTenant(scope: Scope, all: readonly Drafts[]): ReadonlyMap<string, readonly Drafts[]> {
  const parts = new Map<string, Drafts[]>()
  const add = (tenant: string, one: Drafts) => parts.set(tenant, [...(parts.get(tenant) ?? []), one])
  for (const one of all) {
    const { tenantColumn } = one.region.entry
    if (tenantColumn === undefined) add(scope.tenant, one)
    else for (const [tenant, keys] of ownedDrafts(one, tenantColumn)) add(tenant, { ...one, keys })
  }
  return parts
}

function ownedDrafts({ region: { held }, keys }: Drafts, tenantColumn: string): ReadonlyMap<string, Map<string, Draft | null>> {
  const ownerOf = (draft: Draft | null) => (draft === null ? undefined : (draft.row[tenantColumn] ?? undefined))
  for (const draft of keys.values()) {
    const owner = ownerOf(draft)
    if (owner !== undefined) held.tenants.add(String(owner))
  }
  return new Map([...held.tenants].map(tenant => [tenant, new Map([...keys].map(([key, draft]) => [key, String(ownerOf(draft)) === tenant ? draft : null]))]))
}

/** What a table holds that was emptied by the same transaction. */
async function replace(scope: Scope, drafts: Drafts): Promise<void> {
  const { entry, held } = drafts.region
  const rows = (keys: Drafts['keys']) => [...keys.values()].flatMap(draft => (draft ? [draft.row] : []))
  if (entry.tenantColumn === undefined) await held.region.replaceAll(scope, batch(rows(drafts.keys)))
  else for (const [tenant, keys] of ownedDrafts(drafts, entry.tenantColumn)) await held.region.replaceAll({ ...scope, tenant }, batch(rows(keys)))
}

async function* batch(rows: readonly Row[]): AsyncGenerator<readonly Row[]> {
  yield rows
}

async function write(scope: Scope, writer: Writer, { region, keys }: Drafts, parts: TakeParts): Promise<void> {
  const { name } = region.held.region.definition
  const wanted = [...new Set([...keys].flatMap(([key, draft]) => (draft ? [key, draft.before] : [key])))]
  const found = await writer.getMany(name, wanted)
  const present = new Map(found.flatMap((entry, index) => (entry ? [[wanted[index] ?? '', entry.row] as const] : [])))
  const puts = await whole(scope, region, [...keys].flatMap(([key, draft]) => (draft ? [[key, draft] as const] : [])), present, parts)
  // Also those that are not there: whoever just read such a row in the source must not fill it in any more.
  const removals = [...keys].flatMap(([key]) => (puts.has(key) ? [] : [key]))
  const differing = [...puts].filter(([key, row]) => !isDeepStrictEqual({ ...present.get(key) }, row))
  await refuseTooMany(scope, region, differing.filter(([key]) => !present.has(key)).length - removals.filter(key => present.has(key)).length)
  if (removals.length > 0) await writer.removeMany(name, removals)
  if (differing.length > 0) await writer.putMany(name, differing.map(([, row]) => row))
}

/** Rows with every column: what the source did not send is as the entry had it, or, where there is none, as the source has it now. A row that is gone by now is left out. */
async function whole(scope: Scope, { entity, table }: FollowedRegion, drafts: readonly (readonly [string, Draft])[], present: ReadonlyMap<string, Row>, { connector }: TakeParts): Promise<Map<string, Row>> {
  const columns = entity.fields.map(({ name }) => name)
  const lacks = ({ row }: Draft) => columns.some(column => row[column] === undefined)
  const unknown = drafts.filter(([, draft]) => lacks(draft) && !present.has(draft.before)).map(([key]) => keyFromText(entity, key))
  const looked = unknown.length > 0 ? await connector.lookup(scope, { table, columns, keyColumns: entity.key, keys: unknown }) : []
  const now = new Map(looked.map(row => [keyOf(entity.key, row), row]))
  return new Map(drafts.flatMap(([key, draft]): [string, Row][] => {
    if (!lacks(draft)) return [[key, draft.row]]
    const base = present.get(draft.before)
    const row = base ? { ...base, ...draft.row } : now.get(key)
    return row ? [[key, row]] : []
  }))
}

async function refuseTooMany(scope: Scope, { entity, entry, held }: FollowedRegion, more: number): Promise<void> {
  if (!entity.complete || more <= 0) return
  const { entries } = await held.region.stats(scope)
  if (entries + more <= entry.maxEntries) return
  throw new HubError('RESULT_TOO_LARGE', `Region "${entity.name}" holds ${entries} rows, and its table has ${more} more now than the ${entry.maxEntries} it keeps at most. Raise maxEntries, or load rows as they are asked for (eager: false).`, { region: entity.name })
}

/** A region that takes no part in transactions: two commits where entries go and others come. */
function outside(scope: Scope, { held: { region } }: FollowedRegion): Writer {
  return {
    getMany: (_, keys) => region.getMany(scope, keys),
    putMany: async (_, rows) => void (await region.putMany(scope, rows)),
    removeMany: (_, keys) => region.removeMany(scope, keys),
  }
}
