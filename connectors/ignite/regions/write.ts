import { HubError } from '../../../schema/errors.ts'
import type { Row, Value } from '../../../schema/values.ts'
import type { Expiry } from '../../ports/region-store.ts'
import type { Scope } from '../../ports/scope.ts'
import type { Clash } from '../../regions/unique.ts'
import { begin, type Transaction } from '../transaction.ts'
import { whenTold } from './feed.ts'
import type { Hidden, Kept } from '../../regions/kept.ts'
import type { Home } from './home.ts'
import type { Entries, Table } from './table.ts'
import type { Awaited, Expected } from './told.ts'

/** What becomes of one entry, once it is known what it is. */
export interface Put extends Hidden {
  readonly key: string
  readonly row: Row
}

export interface Decision {
  readonly puts: readonly Put[]
  /** Entries that go. */
  readonly removals: readonly Kept[]
  /** Keys whose change no reader is told. */
  readonly untold?: ReadonlySet<string>
}

/** A decision about entries of one tenant in one table. */
export interface Decided extends Decision {
  readonly table: Table
  readonly tenant: string
  /** Per put what it takes the place of. */
  readonly before: ReadonlyMap<string, Kept>
}

export interface Written {
  readonly decision: Decision
  /** Not empty: nothing was written. */
  readonly clashes: readonly Clash[]
}

export interface Writing {
  readonly tenant: string
  readonly keys: readonly string[]
  /** Per key the entry that is there, locked where the region is TRANSACTIONAL. Called again where a node was lost before the commit. */
  decide(found: readonly (Kept | undefined)[]): Decision
}

/**
 * How long one write may hold its locks, and a millisecond more for each entry: when a node is lost, one that it left half done keeps all others waiting until its time is
 * over.
 */
export const longestLockMs = (entries: number): number => 5_000 + entries
const maxAttempts = 3
/** The cluster sweeps twice a second. */
const sweepMs = 1_500

/**
 * Reads the entries, decides, and writes in one commit; answers when it was told. A TRANSACTIONAL region holds the entries' locks meanwhile; in an ATOMIC one each entry
 * changes by itself, and who writes last wins.
 */
export async function write(scope: Scope, home: Home, table: Table, writing: Writing): Promise<Written> {
  if (table.layout.configuration.atomicity === 'ATOMIC') return writeOnce(scope, home, table, writing)
  return beforeCommit(() => home.gate.through(scope, () => writeOnce(scope, home, table, writing)))
}

/** Runs the work, and again where it lost a node before its commit: nothing is written then, and others have its entries. */
export async function beforeCommit<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      const isSafe = error instanceof HubError && error.code === 'UPSTREAM_UNAVAILABLE' && error.details['outcome'] === undefined
      if (!isSafe || attempt === maxAttempts) throw error
    }
  }
}

async function writeOnce(scope: Scope, home: Home, table: Table, { tenant, keys, decide }: Writing): Promise<Written> {
  if (table.layout.configuration.atomicity === 'ATOMIC') {
    const decision = decide(await table.keptOf(scope, tenant, keys))
    await writeEach(scope, home, { ...decision, table, tenant, before: new Map() })
    return { decision, clashes: [] }
  }
  const timeoutMs = Math.max(1, Math.min(longestLockMs(keys.length), scope.deadlineMs - scope.clock.now()))
  const transaction = await begin(scope, home.client, { concurrency: 'PESSIMISTIC', isolation: 'REPEATABLE_READ', timeoutMs })
  try {
    const found = await table.keptOf(scope, tenant, keys, table.entries.within(transaction))
    const decision = decide(found)
    const decided: Decided = { ...decision, table, tenant, before: new Map(keys.flatMap((key, index) => (found[index] ? [[key, found[index]] as const] : []))) }
    const clashes = decision.puts.length + decision.removals.length === 0 ? [] : await stage(scope, transaction, decided)
    if (clashes.length > 0 || decision.puts.length + decision.removals.length === 0) await transaction.rollback()
    else await (await commit(scope, home, transaction, [decided]))()
    return { decision, clashes }
  } catch (error) {
    await transaction.rollback().catch(failure => scope.log.warn('Ignite: a failed write was not rolled back at once.', { reason: String(failure) }))
    throw error
  }
}

/** Writes in the transaction, unless unique indexes speak against it. */
export async function stage(scope: Scope, transaction: Transaction, { table, tenant, puts, removals, before }: Decided): Promise<readonly Clash[]> {
  const { holders, layout, feed } = table
  const entries = table.entries.within(transaction)
  if (holders) {
    const written = puts.map(put => ({ ...put, before: before.get(put.key), untilMs: endOf(layout.definition.expiry, put) }))
    const { clashes, expired } = await holders.claim(scope, transaction, tenant, table, written, removals)
    if (clashes.length > 0) return clashes
    // That they ended is told before what takes their value.
    await Promise.all(expired.map(key => feed.whenGone(scope, { tenant, key }, sweepMs)))
  }
  if (removals.length > 0) await entries.removeAll(scope, removals.map(({ row }) => layout.keyOfRow(tenant, row)))
  await putAll(scope, table, entries, tenant, puts)
  return []
}

/** Commits what was staged, as one entry of the log. The answer waits until it is told. */
export async function commit(scope: Scope, home: Home, transaction: Transaction, decided: readonly Decided[]): Promise<() => Promise<void>> {
  const awaited = home.telling.expect(expectedOf(decided))
  try {
    await transaction.commit(scope)
  } catch (error) {
    awaited.giveUp()
    throw error
  }
  return () => whenTold(scope, home, decided.map(({ table }) => table.feed), awaited)
}

async function writeEach(scope: Scope, home: Home, decided: Decided): Promise<void> {
  const { table: { entries, feed, layout }, table, tenant, puts, removals } = decided
  const awaited: Awaited = home.telling.expect(expectedOf([decided]))
  try {
    await putAll(scope, table, entries, tenant, puts)
    await Promise.all(removals.map(async kept => {
      const removed = await entries.getAndRemove(scope, layout.keyOfRow(tenant, kept.row))
      if (!removed || Number(removed['_version']) !== kept.version) awaited.without([feed.idOf(kept)])
    }))
  } catch (error) {
    awaited.giveUp()
    throw error
  }
  await whenTold(scope, home, [feed], awaited)
}

/** Puts entries with the time each has left, and nothing else: no locks, nobody is waited for. */
export async function putAll(scope: Scope, { layout }: Pick<Table, 'layout'>, entries: Entries, tenant: string, puts: readonly Put[]): Promise<void> {
  const { expiry } = layout.definition
  for (const [limit, list] of Map.groupBy(puts, put => leftMs(expiry, put, put.writtenAtMs))) {
    const limited = limit === undefined ? entries : entries.withExpiry({ createMs: limit, updateMs: limit })
    await limited.putAll(scope, list.map(put => [layout.keyOfRow(tenant, put.row) as Row | Value, layout.valueOf(put.row, put)] as const))
  }
}

/** Milliseconds until the entry ends, if it is read now or never; undefined: nothing ends it. At least 1: 0 would end it before it was. */
export function leftMs({ createMs = Number.POSITIVE_INFINITY, updateMs = Number.POSITIVE_INFINITY, accessMs = Number.POSITIVE_INFINITY }: Expiry, { createdAtMs, writtenAtMs }: Pick<Hidden, 'createdAtMs' | 'writtenAtMs'>, now: number): number | undefined {
  const left = Math.min(createdAtMs + createMs - now, writtenAtMs + updateMs - now, accessMs)
  return left === Number.POSITIVE_INFINITY ? undefined : Math.max(1, left)
}

/** Whether the time of an entry is over, by when it was made and written: its copies end at moments of their own. */
export function isOver({ createMs = Number.POSITIVE_INFINITY, updateMs = Number.POSITIVE_INFINITY }: Expiry, { createdAtMs, writtenAtMs }: Pick<Hidden, 'createdAtMs' | 'writtenAtMs'>, now: number): boolean {
  return Math.min(createdAtMs + createMs, writtenAtMs + updateMs) <= now
}

/** When the entry ends, if it is not written again; undefined: never, or when nobody reads it. */
function endOf({ accessMs: _, ...expiry }: Expiry, put: Put): number | undefined {
  const left = leftMs(expiry, put, put.writtenAtMs)
  return left === undefined ? undefined : put.writtenAtMs + left
}

function expectedOf(decided: readonly Decided[]): Expected {
  const entries = new Map<string, { readonly puts: number } | { readonly removes: number }>()
  const left = new Set<string>()
  for (const { table: { feed }, tenant, puts, removals, untold } of decided) {
    for (const kept of removals) entries.set(feed.idOf(kept), { removes: kept.version })
    for (const { key, version } of puts) entries.set(feed.idOf({ tenant, key }), { puts: version })
    for (const key of untold ?? []) left.add(feed.idOf({ tenant, key }))
  }
  return { entries, untold: left }
}

export function dropped(name: string): HubError {
  return new HubError('NOT_FOUND', `Region "${name}" was dropped.`, { region: name })
}
