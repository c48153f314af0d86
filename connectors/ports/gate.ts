import { HubError } from '../../schema/errors.ts'
import type { Scope } from './scope.ts'

/** How long work waits for others' to end before it begins. */
const longestWaitMs = 5_000

/** Lets so many in at once; the others wait in line. */
export class Gate {
  readonly #most: number
  readonly #busy: string
  readonly #line: (() => void)[] = []
  #inside = 0

  /** `busy` says what so many of are under way, as `transactions run on the cluster`. */
  constructor(most: number, busy: string) {
    this.#most = most
    this.#busy = busy
  }

  get waiting(): number { return this.#line.length }

  /** Runs the work when there is room; POOL_EXHAUSTED when there is none for long. */
  async through<T>(scope: Scope, work: () => Promise<T>): Promise<T> {
    if (this.#inside < this.#most) this.#inside += 1
    else await this.#turn(scope)
    try {
      return await work()
    } finally {
      this.#leave()
    }
  }

  /** Whoever is next takes the place that becomes free. */
  #leave(): void {
    const next = this.#line.shift()
    if (next) next()
    else this.#inside -= 1
  }

  async #turn(scope: Scope): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#line.push(resolve)
    const cancel = scope.clock.after(longestWaitMs, () => {
      reject(new HubError('POOL_EXHAUSTED', `${this.#most} ${this.#busy}, and none ended within ${longestWaitMs} ms. Try again later.`))
    })
    const left = () => reject(scope.signal.reason)
    scope.signal.addEventListener('abort', left)
    try {
      scope.signal.throwIfAborted()
      await promise
    } catch (error) {
      const at = this.#line.indexOf(resolve)
      // Its turn may have come in the same step.
      if (at >= 0) this.#line.splice(at, 1)
      else this.#leave()
      throw error
    } finally {
      cancel()
      scope.signal.removeEventListener('abort', left)
    }
  }
}
