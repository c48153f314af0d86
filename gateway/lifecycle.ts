import type { Clock, Log } from '../connectors/ports/scope.ts'
import { asHubError } from '../schema/errors.ts'

/** What is under way in this process, so that a drain can wait for it. */
export class Lifecycle {
  readonly #clock: Clock
  #draining = false
  #pending = 0
  #waiting: (() => void)[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether `drain` was called: new requests are refused. */
  get draining(): boolean {
    return this.#draining
  }

  /** Requests and later work under way. */
  get pending(): number {
    return this.#pending
  }

  drain(): void {
    this.#draining = true
  }

  /** One more thing is under way until the answer is called; calling it twice counts once. */
  begin(): () => void {
    this.#pending += 1
    let ended = false
    return () => {
      if (ended) return
      ended = true
      this.#pending -= 1
      if (this.#pending === 0) for (const wake of this.#waiting.splice(0)) wake()
    }
  }

  /** Work that outlives an answer. Its failure is logged, with the code and the cause. */
  later(work: () => Promise<void>, log: Log): void {
    const end = this.begin()
    const run = async () => {
      try {
        await work()
      } catch (error) {
        const failure = asHubError(error)
        log.error('Work behind an answer failed.', { code: failure.code, error: failure.cause ?? failure })
      } finally {
        end()
      }
    }
    void run()
  }

  /** Waits until nothing is under way. Answers false when `limitMs` passed first. */
  idle(limitMs: number): Promise<boolean> {
    if (this.#pending === 0) return Promise.resolve(true)
    return new Promise(resolve => {
      const cancel = this.#clock.after(limitMs, () => resolve(false))
      this.#waiting.push(() => {
        cancel()
        resolve(true)
      })
    })
  }
}
