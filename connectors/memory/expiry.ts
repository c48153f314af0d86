import type { Expiry } from '../ports/region-store.ts'
import type { Clock } from '../ports/scope.ts'
import { doubles, type Lines } from './lines.ts'

/** Entries swept in one commit; the next follow in a turn of their own. */
const sweptAtOnce = 1_000
/** The bucket of an entry that is in none. */
const nowhere = -1

/** The limits of a region's entries. */
export class Lifetime {
  readonly #lines: Lines
  #createMs = Number.POSITIVE_INFINITY
  #updateMs = Number.POSITIVE_INFINITY
  #accessMs = Number.POSITIVE_INFINITY
  #limited = false

  constructor(expiry: Expiry, lines: Lines) {
    this.#lines = lines
    this.limit(expiry)
  }

  /** From now on. */
  limit({ createMs, updateMs, accessMs }: Expiry): void {
    this.#createMs = createMs ?? Number.POSITIVE_INFINITY
    this.#updateMs = updateMs ?? Number.POSITIVE_INFINITY
    this.#accessMs = accessMs ?? Number.POSITIVE_INFINITY
    this.#limited = createMs !== undefined || updateMs !== undefined || accessMs !== undefined
  }

  /** When an entry goes, by the earliest of its limits; Infinity without any. From that moment on nobody sees it. */
  endMs(id: number): number {
    if (!this.#limited) return Number.POSITIVE_INFINITY
    const lines = this.#lines
    return Math.min(lines.double(id, doubles.createdAtMs) + this.#createMs, lines.double(id, doubles.writtenAtMs) + this.#updateMs, lines.double(id, doubles.usedAtMs) + this.#accessMs)
  }
}

/**
 * A region's entries by the second they expire in. Being read moves an entry's end, not its bucket: the sweep finds it early and puts it where it belongs by then.
 */
export class ExpiryQueue {
  readonly #clock: Clock
  readonly #lines: Lines
  readonly #sweep: (ids: readonly number[]) => boolean
  readonly #buckets = new Map<number, Set<number>>()
  #timer: (() => void) | undefined
  #timerAt = Number.POSITIVE_INFINITY
  #running = false

  readonly #lifetime: Lifetime

  /** `sweep` removes the entries it is given from the region and from here; false: it cannot any more, and is not asked again. Nothing is swept before `start`. */
  constructor(clock: Clock, lines: Lines, lifetime: Lifetime, sweep: (ids: readonly number[]) => boolean) {
    this.#clock = clock
    this.#lines = lines
    this.#lifetime = lifetime
    this.#sweep = sweep
  }

  /** A new entry: it is nowhere yet. */
  add(id: number): void {
    const endMs = this.#lifetime.endMs(id)
    const second = endMs === Number.POSITIVE_INFINITY ? nowhere : Math.ceil(endMs / 1000)
    this.#lines.setDouble(id, doubles.bucket, second)
    if (second === nowhere) return
    const bucket = this.#buckets.get(second)
    if (bucket) bucket.add(id)
    else this.#buckets.set(second, new Set([id]))
    this.#wakeAt(second * 1000)
  }

  /** Puts an entry where its end says, out of where it was. */
  put(id: number): void {
    this.remove(id)
    this.add(id)
  }

  remove(id: number): void {
    const second = this.#lines.double(id, doubles.bucket)
    if (second === nowhere) return
    const bucket = this.#buckets.get(second)
    bucket?.delete(id)
    if (bucket?.size === 0) this.#buckets.delete(second)
    this.#lines.setDouble(id, doubles.bucket, nowhere)
  }

  /** Entries that are expired and not yet swept. */
  *expired(nowMs: number): Generator<number> {
    for (const [second, bucket] of this.#buckets) {
      if (second * 1000 - 1000 > nowMs) continue
      for (const id of bucket) if (this.#lifetime.endMs(id) <= nowMs) yield id
    }
  }

  /** Whether any entry is expired and not yet swept. Before the first bucket is due only that of the second under way can hold one. */
  hasExpired(nowMs: number): boolean {
    const buckets = this.#running && nowMs < this.#timerAt ? [this.#buckets.get(Math.ceil(nowMs / 1000)) ?? []] : this.#buckets.values()
    for (const bucket of buckets) for (const id of bucket) if (this.#lifetime.endMs(id) <= nowMs) return true
    return false
  }

  start(): void {
    this.#running = true
    this.#rest()
  }

  stop(): void {
    this.#running = false
    this.#cancel()
  }

  /** Sleeps until the first bucket is due. */
  #rest(): void {
    let next = Number.POSITIVE_INFINITY
    for (const second of this.#buckets.keys()) next = Math.min(next, second)
    if (next < Number.POSITIVE_INFINITY) this.#wakeAt(next * 1000)
  }

  #cancel(): void {
    this.#timer?.()
    this.#timer = undefined
    this.#timerAt = Number.POSITIVE_INFINITY
  }

  #wakeAt(atMs: number): void {
    if (atMs >= this.#timerAt || !this.#running) return
    this.#timer?.()
    this.#timerAt = atMs
    this.#timer = this.#clock.after(Math.max(0, atMs - this.#clock.now()), () => this.#wake())
  }

  #wake(): void {
    this.#cancel()
    const now = this.#clock.now()
    const due: number[] = []
    const moved: number[] = []
    for (const [second, bucket] of this.#buckets) {
      if (second * 1000 > now) continue
      for (const id of bucket) {
        if (this.#lifetime.endMs(id) > now) moved.push(id)
        else if (due.length < sweptAtOnce) due.push(id)
      }
    }
    for (const id of moved) this.put(id)
    if (due.length > 0 && !this.#sweep(due)) this.stop()
    else this.#rest()
  }
}
