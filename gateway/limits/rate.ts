import type { Clock } from '../../connectors/ports/scope.ts'
import { HubError } from '../../schema/errors.ts'

interface Bucket {
  tokens: number
  filledAtMs: number
}

const maxBuckets = 100_000

/** A bucket of tokens per caller: a minute's worth at most, filled evenly. A caller whose bucket is full again is forgotten. */
export class RateLimit {
  readonly #perMinute: number
  readonly #clock: Clock
  readonly #buckets = new Map<string, Bucket>()

  /** `perMinute` 0 limits nothing. */
  constructor(perMinute: number, clock: Clock) {
    this.#perMinute = perMinute
    this.#clock = clock
  }

  /** Takes one token. Fails with RATE_LIMITED, whose `retryAfterSeconds` says when there will be one. */
  take(caller: string): void {
    if (this.#perMinute === 0) return
    const nowMs = this.#clock.now()
    const perMs = this.#perMinute / 60_000
    const bucket = this.#buckets.get(caller) ?? { tokens: this.#perMinute, filledAtMs: nowMs }
    bucket.tokens = Math.min(this.#perMinute, bucket.tokens + Math.max(0, nowMs - bucket.filledAtMs) * perMs)
    bucket.filledAtMs = nowMs
    // Callers stand in the order of their last request, so the first ones are those whose buckets are full.
    this.#buckets.delete(caller)
    this.#buckets.set(caller, bucket)
    this.#forget(nowMs)
    if (bucket.tokens < 1) {
      const retryAfterSeconds = Math.max(1, Math.ceil((1 - bucket.tokens) / perMs / 1000))
      throw new HubError('RATE_LIMITED', `This caller may ask ${this.#perMinute} times a minute and has. Come back in ${retryAfterSeconds} s.`, { retryAfterSeconds, limits: { requestsPerMinute: this.#perMinute } })
    }
    bucket.tokens -= 1
  }

  get callers(): number {
    return this.#buckets.size
  }

  #forget(nowMs: number): void {
    for (const [caller, { filledAtMs }] of this.#buckets) {
      if (nowMs - filledAtMs < 60_000 && this.#buckets.size <= maxBuckets) return
      this.#buckets.delete(caller)
    }
  }
}
