import type { Change } from '../../../schema/change.ts'
import { HubError } from '../../../schema/errors.ts'
import type { Row } from '../../../schema/values.ts'
import type { ReplaceResult } from '../../ports/region-store.ts'
import type { Scope } from '../../ports/scope.ts'
import { IndexValues } from '../../regions/index-values.ts'
import { sameRow, type Shaped } from '../../regions/shape.ts'
import { refuseClashes, within } from '../../regions/unique.ts'
import { scan } from '../sql.ts'
import type { Kept } from '../../regions/kept.ts'
import type { IgniteRegion } from './region.ts'
import type { Table } from './table.ts'
import { type Put, putAll } from './write.ts'

interface Options {
  readonly silent?: boolean
}

type Rows = AsyncIterable<readonly Row[]>

/** Swaps the entries of the scope's tenant, in one commit with locks on all of them. */
export async function replaceOwn(scope: Scope, region: IgniteRegion, rows: Rows, { silent = false }: Options): Promise<ReplaceResult> {
  const wanted = new Map<string, Shaped>()
  for await (const batch of rows) for (const shaped of region.shape.accept(batch)) wanted.set(shaped.key, shaped)
  const keys = [...new Set([...wanted.keys(), ...(await region.keys(scope))])]
  const result = { entries: wanted.size, created: 0, updated: 0, removed: 0 }
  const { clashes } = await region.write(scope, {
    tenant: region.owner(scope.tenant), keys,
    decide: found => {
      const now = region.home.clock.now()
      const version = region.home.versions.next(Math.max(0, ...found.map(kept => kept?.version ?? 0)))
      const removals = found.flatMap(kept => (kept && !wanted.has(kept.key) ? [kept] : []))
      Object.assign(result, { created: 0, updated: 0 })
      const puts = keys.flatMap((key, index): Put[] => {
        const shaped = wanted.get(key)
        const kept = found[index]
        if (!shaped || (kept && sameRow(kept.row, shaped.row))) return []
        if (kept) result.updated += 1
        else result.created += 1
        return [{ key, row: shaped.row, version, writtenAtMs: now, createdAtMs: now, filled: false }]
      })
      result.removed = removals.length
      return { removals, puts, untold: silent ? new Set(keys) : new Set() }
    },
  })
  refuseClashes(region.definition.name, clashes, key => `rows[${JSON.stringify(key)}]`)
  region.marks.allGone()
  if (silent) await region.reset()
  return result
}

/** Loads the rows into a cache of their own beside the old one, then takes its place. What others write to the old one meanwhile is replaced with it. */
export async function replaceTable(scope: Scope, region: IgniteRegion, rows: Rows, { silent = false }: Options): Promise<ReplaceResult> {
  const { home } = region
  const old = region.table
  const result = await old.using(async () => {
    const next = await region.open(scope, region.definition, home.freshPlace(region.definition))
    try {
      const loaded = await load(scope, region, old, next, rows, silent)
      await next.feed.open(next.entries)
      const told: Change[] = silent ? [] : [...loaded.changes.values(), ...loaded.gone]
      if (!(await home.move(region, next.place))) throw new HubError('CONFLICT', `Region "${region.definition.name}" was replaced or dropped by somebody else while its rows were loaded. Load them again.`, { region: region.definition.name })
      region.switchTo(next, 'REPLACES')
      region.size = loaded.wanted.size
      region.marks.allGone()
      if (silent) await region.reset()
      else if (told.length > 0) await home.log.commit(region.id, { changes: told.map(change => ({ ...change, createdAtMs: 0 })) })
      return { entries: loaded.wanted.size, created: loaded.created, updated: loaded.updated, removed: loaded.removed }
    } catch (error) {
      await region.discard(home.scope(), next)
      throw error
    }
  })
  // Processes that have not heard of it yet find the old entries gone, and look where the new ones are.
  await old.destroy(home.scope())
  return result
}

async function load(scope: Scope, region: IgniteRegion, old: Table, next: Table, rows: Rows, silent: boolean) {
  const { home, definition } = region
  const { name } = definition
  const wanted = new Set<string>()
  const changes = new Map<string, Change>()
  const equal = new Set<string>()
  const created = new Set<string>()
  const claims: { key: string; row: Row }[] = []
  for await (const batch of rows) {
    const latest = new Map(region.shape.accept(batch).map(shaped => [shaped.key, shaped]))
    const before = await old.keptAll(scope, [...latest.values()].map(({ row }) => old.layout.keyOfRow('', row)))
    const now = home.clock.now()
    const puts = [...latest.values()].map(({ key, row }, index): Put => {
      const kept = before[index]
      const same = kept !== undefined && sameRow(kept.row, row)
      const version = same ? kept.version : home.versions.next(kept?.version ?? 0)
      wanted.add(key)
      changes.delete(key)
      equal[same ? 'add' : 'delete'](key)
      if (!kept) created.add(key)
      if (!silent && !same) changes.set(key, { region: name, tenant: '', key, type: kept ? 'UPDATED' : 'CREATED', before: kept?.row ?? null, after: row, version })
      return { key, row, version, writtenAtMs: now, createdAtMs: now, filled: false }
    })
    if (next.holders) claims.push(...puts.map(({ key, row }) => ({ key, row })))
    for (let from = 0; from < puts.length; from += 1_000) await putAll(scope, next, next.entries, '', puts.slice(from, from + 1_000))
  }
  if (next.holders) {
    const latest = [...new Map(claims.map(claim => [claim.key, claim])).values()]
    const indexes = (definition.unique ?? []).map(columns => new IndexValues(columns, definition.columns))
    refuseClashes(name, within(indexes, latest), key => `rows[${JSON.stringify(key)}]`)
    await next.holders.fill(scope, latest.map(claim => ({ ...claim, tenant: '' })))
  }
  const gone: Change[] = []
  let removed = 0
  for await (const { key, row, version } of entriesOf(scope, region, old)) {
    if (wanted.has(key)) continue
    removed += 1
    if (!silent) gone.push({ region: name, tenant: '', key, type: 'REMOVED', before: row, after: null, version: home.versions.next(version) })
  }
  return { wanted, changes, gone, removed, created: created.size, updated: wanted.size - created.size - equal.size }
}

/** Every entry of a table, whoever's it is. */
export async function* entriesOf(scope: Scope, { home }: IgniteRegion, { entries, layout }: Table): AsyncGenerator<Kept, void, void> {
  for await (const page of await scan(scope, home.client, entries)) {
    for (const { key, value } of page) if (key !== undefined && value) yield layout.kept(key, value)
  }
}
