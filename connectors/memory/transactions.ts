import { randomUUID } from 'node:crypto'
import { HubError } from '../../schema/errors.ts'
import type { RegionTransaction, Transacted, TransactionOutcome, TransactOptions } from '../ports/region-transaction.ts'
import type { Scope } from '../ports/scope.ts'
import { Outcomes } from '../transactions/outcomes.ts'
import { KeyLines, type Lock, type Place } from '../regions/key-lines.ts'
import { Attempt } from './attempt.ts'
import type { Home } from './commits.ts'
import type { OpenRegion } from './region.ts'

/**
 * Transactions over the regions of one store. They are optimistic: an attempt reads what is there and keeps its writes to itself; its commit looks once more at what it read
 * and writes, in one synchronous step. An attempt after one that lost stands in line, before it begins, for the entries the lost ones touched; a first one that would write
 * such an entry waits behind it. So every isolation asked for is SERIALIZABLE here, nobody waits while others wait for him, and who lost once is not overtaken for ever.
 */
export class Transactions {
  readonly #home: Home
  readonly #region: (name: string) => OpenRegion
  readonly #lines = new KeyLines()
  readonly outcomes = new Outcomes()

  constructor(home: Home, region: (name: string) => OpenRegion) {
    this.#home = home
    this.#region = region
  }

  async run<T>(scope: Scope, { timeoutMs, durable = true, maxAttempts = 1 }: TransactOptions, work: (tx: RegionTransaction) => Promise<T>): Promise<Transacted<T>> {
    scope.signal.throwIfAborted()
    this.#home.log.check()
    const id = randomUUID()
    const touched = new Map<string, Lock>()
    const limit = new Limit(scope, timeoutMs, id)
    const outcome = this.outcomes.begin(scope.tenant, id)
    try {
      for (let number = 1; ; number++) {
        const attempt = new Attempt(id, scope, this.#home, this.#region)
        try {
          const result = await this.#attempt(attempt, outcome, [...touched.values()], limit, durable, work)
          return { id, result, effectiveIsolation: 'SERIALIZABLE', attempts: number }
        } catch (error) {
          // Once it is committed only the log can fail, and nobody knows what of it a start will find.
          attempt.rollback(error)
          Object.assign(outcome, attempt.outcome())
          await this.#home.log.whenDurable(attempt.shownAt)
          if (!(error instanceof HubError) || error.code !== 'TX_CONFLICT' || number >= maxAttempts) throw error
          for (const lock of attempt.locks('all')) touched.set(lock.id, lock)
        }
      }
    } finally {
      limit.end()
    }
  }

  async #attempt<T>(attempt: Attempt, outcome: TransactionOutcome, contended: readonly Lock[], limit: Limit, durable: boolean, work: (tx: RegionTransaction) => Promise<T>): Promise<T> {
    let place: Place | undefined
    try {
      if (contended.length > 0) {
        place = this.#lines.enter(contended)
        await limit.line(place)
      }
      const result = await limit.whichever(work(attempt))
      attempt.mustStand()
      const written = attempt.locks('written')
      if (!place && this.#lines.isBusy(written)) {
        place = this.#lines.enter(written)
        await limit.line(place)
      }
      attempt.commit()
      place?.leave()
      place = undefined
      Object.assign(outcome, attempt.outcome())
      if (durable) await this.#home.log.whenDurable(attempt.shownAt)
      attempt.durable()
      Object.assign(outcome, attempt.outcome())
      return result
    } finally {
      place?.leave()
    }
  }
}

/** Until when a transaction may go on. */
class Limit {
  readonly #over: Promise<never>
  readonly #stop: () => void
  #place: Place | undefined

  constructor(scope: Scope, timeoutMs: number, id: string) {
    let fail: (reason: unknown) => void = () => undefined
    this.#over = new Promise((_, reject) => {
      fail = reject
    })
    // Nobody may be listening just then.
    this.#over.catch(() => undefined)
    const cancel = scope.clock.after(timeoutMs, () => fail(timeout(timeoutMs, id, this.#place?.waitsFor ?? [])))
    const abort = () => fail(scope.signal.reason)
    scope.signal.addEventListener('abort', abort, { once: true })
    this.#stop = () => {
      cancel()
      scope.signal.removeEventListener('abort', abort)
    }
  }

  whichever<T>(work: Promise<T>): Promise<T> {
    return Promise.race([this.#over, work])
  }

  async line(place: Place): Promise<void> {
    this.#place = place
    await this.whichever(place.turn)
    this.#place = undefined
  }

  end(): void {
    this.#stop()
  }
}

function timeout(timeoutMs: number, id: string, locks: readonly Lock[]): HubError {
  const waitedOn = locks.slice(0, 100).map(({ region, key }) => ({ region, key }))
  const names = waitedOn.slice(0, 5).map(({ region, key }) => `"${key}" of "${region}"`).join(', ')
  const said = waitedOn.length === 0 ? 'it was working then, and waited for no entry' : `it waited for ${names}${locks.length > 5 ? ` and ${locks.length - 5} more` : ''}`
  return new HubError('TX_TIMEOUT', `The transaction did not end within ${timeoutMs} ms and was rolled back; ${said}.`, { transaction: id, timeoutMs, waitedOn })
}
