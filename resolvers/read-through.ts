import { isDeepStrictEqual } from 'node:util'
import { HubError } from '../schema/errors.ts'
import type { Row } from '../schema/values.ts'
import { keyOf, type Entry, type Region } from '../connectors/ports/region-store.ts'
import type { Scope } from '../connectors/ports/scope.ts'
import { entriesOf, notBefore } from './consistency.ts'
import type { Filled } from './filled.ts'
import { notingEntries } from './footprint.ts'

export interface ReadThrough {
  /** The region's in the catalog. */
  readonly name: string
  readonly region: Region
  /** Who `load` asks: a type of source, or an engine. */
  readonly loader: string
  /** The rows the source has for these keys, in one read, in any order. */
  readonly load: (scope: Scope, keys: readonly string[]) => Promise<readonly Row[]>
  /** Reads under way, by tenant and key; shared by all requests of the process. */
  readonly flights: Map<string, Flight>
  /** When what `load` reads was last known to be so; absent or undefined: at that read. */
  readonly asOfMs?: () => number | undefined
  /** Has a source that keeps rows itself look at them anew, where they are not of that moment or later. */
  readonly look?: (scope: Scope, momentMs: number) => Promise<void>
  readonly filled: Filled
  /** The region is told of the commits of its source: who read something else there leaves its entries to whoever tells. */
  readonly isFollowed?: boolean
}

export interface Flight {
  readonly row: Promise<Row | undefined>
  /** Of what moment the row will be, at the earliest. */
  readonly asOfMs: number
}

export interface ReadResult {
  readonly rows: readonly (Row | undefined)[]
  /** Entries the region had and could answer, with their times. */
  readonly hits: readonly Entry[]
  /** Rows the source gave. */
  readonly loaded: number
  /** Entries the region had that were older than the read allows. */
  readonly outdated: number
  /** When every hit was known to be what the source has, at the latest; undefined without hits. */
  readonly hitsAsOfMs: number | undefined
  /** The same of what the source gave; undefined: just now. */
  readonly loadedAsOfMs: number | undefined
}

/**
 * Asks the region first and the source second: one read of the source for all keys that miss, or whose entries are older than the read allows; one flight per key however many requests want it at once. What was
 * found fills the region behind the answer, unless someone wrote meanwhile, and takes the place of what was too old. STALENESS_EXCEEDED where that cannot be read anew.
 */
export async function readThrough(scope: Scope, from: ReadThrough, keys: readonly string[]): Promise<ReadResult> {
  const limitMs = notBefore(scope)
  const mark = from.region.mark()
  const noteFound = notingEntries(scope, from.name, from.region, keys)
  const entries = await entriesOf(scope, from.name, from.region, keys)
  noteFound(entries)
  const flight = (key: string) => `${scope.tenant}\u0000${key}`
  const isOld = (entry: Entry) => limitMs !== undefined && !from.filled.isOf(flight(entry.key), entry, limitMs)
  const old = new Map(entries.flatMap(entry => (entry && isOld(entry) ? [[entry.key, entry] as const] : [])))
  const hits = entries.filter(entry => entry !== undefined && !old.has(entry.key)) as Entry[]
  const hitsAsOfMs = hits.length > 0 ? Math.min(...hits.map(entry => from.filled.asOfMs(flight(entry.key), entry))) : undefined
  const missing = new Set(keys.filter((key, index) => entries[index] === undefined || old.has(key)))
  const known = { hits, outdated: old.size, hitsAsOfMs }
  if (missing.size === 0) return { ...known, rows: entries.map(entry => entry?.row), loaded: 0, loadedAsOfMs: undefined }

  scope.footprint?.unknown(`The source of region "${from.name}" was asked for what the region did not have.`)
  try {
    if (limitMs !== undefined) await lookedAt(scope, from, limitMs)
    const loadedAsOfMs = from.asOfMs?.()
    const own = [...missing].filter(key => (from.flights.get(flight(key))?.asOfMs ?? Number.NEGATIVE_INFINITY) < (limitMs ?? 0))
    if (own.length > 0) take(scope, from, own, old, mark, flight)
    const waiting = Promise.all([...missing].map(async key => [key, await from.flights.get(flight(key))?.row] as const))
    const found = new Map(await whileWanted(scope.signal, waiting))
    return {
      ...known, loadedAsOfMs,
      rows: keys.map((key, index) => (missing.has(key) ? found.get(key) : entries[index]?.row)),
      loaded: [...found.values()].filter(Boolean).length,
    }
  } catch (error) {
    throw old.size > 0 ? exceeded(scope, from, old, error) : error
  }
}

/** Ends when what the source keeps itself is of that moment or later. */
async function lookedAt(scope: Scope, from: ReadThrough, limitMs: number): Promise<void> {
  const isOld = () => (from.asOfMs?.() ?? limitMs) < limitMs
  if (!isOld()) return
  await from.look?.(scope, limitMs)
  if (isOld()) throw new HubError('STALENESS_EXCEEDED', `What was read of the source of region "${from.name}" is older than the ${scope.consistency?.maxStalenessMs} ms the read allows, and is no younger now.`, { region: from.name })
}

/** The failure of a source whose rows the region has, too old: who cannot be reached cannot say whether they are still so. */
function exceeded(scope: Scope, from: ReadThrough, old: ReadonlyMap<string, Entry>, error: unknown): unknown {
  if (!(error instanceof HubError) || (error.code !== 'UPSTREAM_UNAVAILABLE' && error.code !== 'POOL_EXHAUSTED')) return error
  const ageMs = scope.clock.now() - Math.min(...[...old].map(([key, entry]) => from.filled.asOfMs(`${scope.tenant}\u0000${key}`, entry)))
  const maxStalenessMs = scope.consistency?.maxStalenessMs
  return new HubError('STALENESS_EXCEEDED', `Region "${from.name}" holds rows of ${ageMs} ms ago, the read allows ${maxStalenessMs} ms, and their source does not answer: ${error.message}`, { region: from.name, ageMs, maxStalenessMs, tried: [from.region.engine, from.loader] }, { cause: error })
}

/** Starts one read for these keys. It outlives a caller who leaves, since others may wait for it; it ends with that caller's deadline. Until the region is filled, later requests join it. */
function take(scope: Scope, from: ReadThrough, keys: readonly string[], old: ReadonlyMap<string, Entry>, mark: number, flight: (key: string) => string): void {
  const { clock } = scope
  const controller = new AbortController()
  const cancel = clock.after(Math.max(0, scope.deadlineMs - clock.now()), () => {
    controller.abort(new HubError('TIMEOUT', `Region "${from.region.definition.name}" waited for its source until the deadline.`))
  })
  const beganMs = clock.now()
  const asOfMs = from.asOfMs?.()
  const loading = from.load({ ...scope, signal: controller.signal }, keys).finally(cancel)
  const byKey = loading.then(rows => new Map(rows.map(row => [keyOf(from.region.definition.key, row), row])))
  const own = new Map(keys.map(key => {
    const row = byKey.then(rows => rows.get(key))
    row.catch(() => undefined) // whoever waits sees the failure; the last one may have left
    return [flight(key), { row, asOfMs: asOfMs ?? beganMs }]
  }))
  for (const [id, one] of own) from.flights.set(id, one)
  scope.later(async () => {
    try {
      const rows = await byKey
      const filling = { ...scope, signal: new AbortController().signal }
      from.filled.filling(beganMs, clock.now(), asOfMs)
      const fresh = [...rows].flatMap(([key, row]) => (old.has(key) ? [] : [row]))
      if (fresh.length > 0) await from.region.fill(filling, fresh, mark)
      // Who began after this read, since it was too old for them, knows better.
      const last = keys.filter(key => from.flights.get(flight(key)) === own.get(flight(key)))
      await renew(filling, from, last.flatMap(key => old.get(key) ?? []), rows, asOfMs ?? beganMs, flight)
    } finally {
      for (const [id, one] of own) if (from.flights.get(id) === one) from.flights.delete(id)
    }
  })
}

/** Puts what the source had at that moment where the region's entries were too old. What is the same stays as it is, and is known to be; what differs is a change, and so is what is gone. */
async function renew(scope: Scope, { region, filled, isFollowed }: ReadThrough, seen: readonly Entry[], rows: ReadonlyMap<string, Row>, asOfMs: number, id: (key: string) => string): Promise<void> {
  const others = seen.filter(({ key, row: before, version }) => {
    const row = rows.get(key)
    const isSame = row !== undefined && isDeepStrictEqual({ ...row }, { ...before })
    if (isSame) filled.check(id(key), version, asOfMs)
    return !isSame
  })
  if (isFollowed || others.length === 0) return
  const now = await region.getMany(scope, others.map(({ key }) => key))
  const keys = others.filter(({ version }, index) => now[index]?.version === version).map(({ key }) => key)
  const changed = keys.map(key => rows.get(key)).filter(row => row !== undefined)
  const gone = keys.filter(key => !rows.has(key))
  if (changed.length > 0) for (const { key, version } of await region.putMany(scope, changed)) filled.check(id(key), version, asOfMs)
  if (gone.length > 0) await region.removeMany(scope, gone)
}

/** The promise's answer, or the signal's reason as soon as it aborts. */
function whileWanted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason)
    signal.addEventListener('abort', leave, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
  })
}
