import type { Expiry } from '../ports/region-store.ts'
import type { Clock } from '../ports/scope.ts'
import type { Slot } from './slot.ts'

/** Slots swept in one commit; the next follow in a turn of their own. */
const sweptAtOnce = 1_000
/** A timer's longest delay that is one on every machine. */
const longestDelayMs = 2 ** 31 - 1

/** When an entry goes, by the earliest of its limits; Infinity without any. */
export function expiresAtMs(expiry: Expiry, slot: Pick<Slot, 'createdAtMs' | 'usedAtMs' | 'entry'>): number {
  const { createMs = Number.POSITIVE_INFINITY, updateMs = Number.POSITIVE_INFINITY, accessMs = Number.POSITIVE_INFINITY } = expiry
  return Math.min(slot.createdAtMs + createMs, slot.entry.writtenAtMs + updateMs, slot.usedAtMs + accessMs)
}

/**
 * A region's slots by the second they expire in. Being read moves a slot's expiry, not its bucket: the sweep finds it early and puts it where it belongs by then.
 */
export class ExpiryQueue {
  readonly #clock: Clock
  readonly #sweep: (slots: readonly Slot[]) => boolean
  readonly #buckets = new Map<number, Set<Slot>>()
  #timer: (() => void) | undefined
  #timerAt = Number.POSITIVE_INFINITY
  #running = false

  /** `sweep` removes the slots it is given from the region and from here; false: it cannot any more, and is not asked again. Nothing is swept before `start`. */
  constructor(clock: Clock, sweep: (slots: readonly Slot[]) => boolean) {
    this.#clock = clock
    this.#sweep = sweep
  }

  /** Puts a slot where its `expiresAtMs` says, out of where it was. */
  put(slot: Slot): void {
    this.remove(slot)
    if (slot.expiresAtMs === Number.POSITIVE_INFINITY) return
    slot.bucket = Math.ceil(slot.expiresAtMs / 1000)
    const bucket = this.#buckets.get(slot.bucket)
    if (bucket) bucket.add(slot)
    else this.#buckets.set(slot.bucket, new Set([slot]))
    this.#wakeAt(slot.bucket * 1000)
  }

  remove(slot: Slot): void {
    if (slot.bucket < 0) return
    const bucket = this.#buckets.get(slot.bucket)
    bucket?.delete(slot)
    if (bucket?.size === 0) this.#buckets.delete(slot.bucket)
    slot.bucket = -1
  }

  /** Slots that are expired and not yet swept. */
  *expired(nowMs: number): Generator<Slot> {
    for (const [second, bucket] of this.#buckets) {
      if (second * 1000 - 1000 > nowMs) continue
      for (const slot of bucket) if (slot.expiresAtMs <= nowMs) yield slot
    }
  }

  /** Whether any slot is expired and not yet swept. Before the first bucket is due only that of the second under way can hold one. */
  hasExpired(nowMs: number): boolean {
    const buckets = this.#running && nowMs < this.#timerAt ? [this.#buckets.get(Math.ceil(nowMs / 1000)) ?? []] : this.#buckets.values()
    for (const bucket of buckets) for (const slot of bucket) if (slot.expiresAtMs <= nowMs) return true
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
    this.#timer = this.#clock.after(Math.min(Math.max(0, atMs - this.#clock.now()), longestDelayMs), () => this.#wake())
  }

  #wake(): void {
    this.#cancel()
    const now = this.#clock.now()
    const due: Slot[] = []
    const moved: Slot[] = []
    for (const [second, bucket] of this.#buckets) {
      if (second * 1000 > now) continue
      for (const slot of bucket) {
        if (slot.expiresAtMs > now) moved.push(slot)
        else if (due.length < sweptAtOnce) due.push(slot)
      }
    }
    for (const slot of moved) this.put(slot)
    if (due.length > 0 && !this.#sweep(due)) this.stop()
    else this.#rest()
  }
}
