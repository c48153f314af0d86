import { HubError } from '../../schema/errors.ts'
import type { Clock, Scope } from '../ports/scope.ts'

/** When a statement must end: the scope's signal, its deadline, and a limit of its own, whichever comes first. */
export class Stop {
  readonly #controller = new AbortController()
  readonly #detach: (() => void)[] = []

  constructor(scope: Scope, clock: Clock, timeoutMs: number | undefined) {
    const abort = () => this.#controller.abort(reasonOf(scope.signal.reason))
    if (scope.signal.aborted) abort()
    scope.signal.addEventListener('abort', abort, { once: true })
    this.#detach.push(() => scope.signal.removeEventListener('abort', abort))
    const late = (ms: number) => this.#controller.abort(new HubError('TIMEOUT', `The statement did not end within ${ms} ms and was stopped.`))
    const leftMs = scope.deadlineMs - scope.clock.now()
    if (leftMs <= 0) late(0)
    else this.#detach.push(scope.clock.after(leftMs, () => late(leftMs)))
    if (timeoutMs !== undefined) this.#detach.push(clock.after(timeoutMs, () => late(timeoutMs)))
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Runs work on the connection; when it must end, interrupts it until it does, then fails with the reason. */
  async guard<T>(connection: { interrupt(): void }, work: () => Promise<T>): Promise<T> {
    this.signal.throwIfAborted()
    let settled = false
    // An interrupt is lost on work that has not begun yet, so it is repeated.
    const interrupt = () => {
      if (settled) return
      connection.interrupt()
      setTimeout(interrupt, 10)
    }
    this.signal.addEventListener('abort', interrupt, { once: true })
    try {
      const answer = await work()
      this.signal.throwIfAborted()
      return answer
    } catch (error) {
      this.signal.throwIfAborted()
      throw error
    } finally {
      settled = true
      this.signal.removeEventListener('abort', interrupt)
    }
  }

  /** Lets go of timers and listeners. */
  end(): void {
    for (const detach of this.#detach.splice(0)) detach()
  }
}

function reasonOf(reason: unknown): HubError {
  return reason instanceof HubError ? reason : new HubError('CANCELLED', 'The statement was cancelled.', {}, { cause: reason })
}
