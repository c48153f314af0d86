import { HubError } from '../schema/errors.ts'
import type { Row } from '../schema/values.ts'
import { keyOf, type Entry, type Region } from '../connectors/ports/region-store.ts'
import type { Scope } from '../connectors/ports/scope.ts'

export interface ReadThrough {
  readonly region: Region
  /** Who `load` asks: a type of source, or an engine. */
  readonly loader: string
  /** The rows the source has for these keys, in one read, in any order. */
  readonly load: (scope: Scope, keys: readonly string[]) => Promise<readonly Row[]>
  /** Reads under way, by tenant and key; shared by all requests of the process. */
  readonly flights: Map<string, Promise<Row | undefined>>
  /** When what `load` reads was last known to be so; absent or undefined: at that read. */
  readonly asOfMs?: () => number | undefined
  /** How much older than its filling the region's oldest filling was; kept as long as the region's entries. */
  readonly filled: { olderMs: number }
}

export interface ReadResult {
  readonly rows: readonly (Row | undefined)[]
  /** Entries the region had, with their times. */
  readonly hits: readonly Entry[]
  /** Rows the source gave. */
  readonly loaded: number
  /** When every hit was known to be what the source has, at the latest; undefined without hits. */
  readonly hitsAsOfMs: number | undefined
  /** The same of what the source gave; undefined: just now. */
  readonly loadedAsOfMs: number | undefined
}

/**
 * Asks the region first and the source second: one read of the source for all keys that miss, one flight per key however many requests want it at once. What was
 * found fills the region behind the answer, unless someone wrote meanwhile.
 */
export async function readThrough(scope: Scope, from: ReadThrough, keys: readonly string[]): Promise<ReadResult> {
  const mark = from.region.mark()
  const loadedAsOfMs = from.asOfMs?.()
  const entries = await from.region.getMany(scope, keys)
  const missing = new Set(keys.filter((_, index) => entries[index] === undefined))
  const hits = entries.filter(entry => entry !== undefined)
  const hitsAsOfMs = hits.length > 0 ? Math.min(...hits.map(entry => entry.writtenAtMs)) - from.filled.olderMs : undefined
  if (missing.size === 0) return { rows: entries.map(entry => entry?.row), hits, loaded: 0, hitsAsOfMs, loadedAsOfMs }

  const flight = (key: string) => `${scope.tenant}\u0000${key}`
  const own = [...missing].filter(key => !from.flights.has(flight(key)))
  if (own.length > 0) take(scope, from, own, mark, flight)
  const waiting = Promise.all([...missing].map(async key => [key, await from.flights.get(flight(key))] as const))
  const found = new Map(await whileWanted(scope.signal, waiting))
  return {
    rows: keys.map((key, index) => entries[index]?.row ?? found.get(key)),
    hits,
    loaded: [...found.values()].filter(Boolean).length,
    hitsAsOfMs,
    loadedAsOfMs,
  }
}

/** Starts one read for these keys. It outlives a caller who leaves, since others may wait for it; it ends with that caller's deadline. Until the region is filled, later requests join it. */
function take(scope: Scope, from: ReadThrough, keys: readonly string[], mark: number, flight: (key: string) => string): void {
  const controller = new AbortController()
  const cancel = scope.clock.after(Math.max(0, scope.deadlineMs - scope.clock.now()), () => {
    controller.abort(new HubError('TIMEOUT', `Region "${from.region.definition.name}" waited for its source until the deadline.`))
  })
  const asOfMs = from.asOfMs?.()
  const loading = from.load({ ...scope, signal: controller.signal }, keys).finally(cancel)
  const byKey = loading.then(rows => new Map(rows.map(row => [keyOf(from.region.definition.key, row), row])))
  for (const key of keys) {
    const one = byKey.then(rows => rows.get(key))
    one.catch(() => undefined) // whoever waits sees the failure; the last one may have left
    from.flights.set(flight(key), one)
  }
  scope.later(async () => {
    try {
      const rows = await loading
      if (asOfMs !== undefined) from.filled.olderMs = Math.max(from.filled.olderMs, scope.clock.now() - asOfMs)
      if (rows.length > 0) await from.region.fill({ ...scope, signal: new AbortController().signal }, rows, mark)
    } finally {
      for (const key of keys) from.flights.delete(flight(key))
    }
  })
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
