import type { Clock } from '../../ports/scope.ts'

const perMs = 1_000

/** Numbers that grow, here and, as far as clocks agree or each hears of the other, over all processes: the time, or one more than the last where that is more. */
export class Versions {
  readonly #clock: Clock
  #last = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Above every version seen, and above `than`. */
  next(than = 0): number {
    this.#last = Math.max(this.#last + 1, than + 1, this.#clock.now() * perMs)
    return this.#last
  }

  seen(version: number): void {
    if (version > this.#last) this.#last = version
  }
}

/** The least version of that moment. */
export function versionAt(ms: number): number {
  return ms * perMs
}
