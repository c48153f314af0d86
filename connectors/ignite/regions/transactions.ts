import { randomUUID } from 'node:crypto'
import { HubError } from '../../../schema/errors.ts'
import type { RegionTransaction, Transacted, TransactionOutcome, TransactOptions, WaitedOn } from '../../ports/region-transaction.ts'
import type { Scope } from '../../ports/scope.ts'
import { Outcomes } from '../../transactions/outcomes.ts'
import { KeyLines, type Lock, type Place } from '../../regions/key-lines.ts'
import { begin } from '../transaction.ts'
import { Attempt } from './attempt.ts'
import type { Home } from './home.ts'
import type { IgniteRegion } from './region.ts'

/** First pause after a lost attempt, doubled up to the last, shortened by chance so that those who lost together do not meet again. */
const pausesMs = [1, 16] as const

/**
 * Transactions over regions of the cluster. They are the cluster's own, OPTIMISTIC and SERIALIZABLE, whatever was asked for: nobody waits for a lock while the work goes on,
 * and what was read is looked at once more at the commit. So two that read what the other writes never wait for each other; one of them learns it at its commit. Who lost
 * stands in line, before he begins again, for the entries he touched: those of this process that want the same no longer lose to each other, but to other processes only.
 */
export class IgniteTransactions {
  readonly #home: Home
  readonly #region: (name: string) => IgniteRegion
  readonly #outcomes = new Outcomes()
  readonly #lines = new KeyLines()

  constructor(home: Home, region: (name: string) => IgniteRegion) {
    this.#home = home
    this.#region = region
  }

  find(tenant: string, id: string): TransactionOutcome | undefined {
    return this.#outcomes.find(tenant, id)
  }

  async run<T>(scope: Scope, { timeoutMs, maxAttempts = 1, label }: TransactOptions, work: (tx: RegionTransaction) => Promise<T>): Promise<Transacted<T>> {
    const id = randomUUID()
    const outcome = this.#outcomes.begin(scope.tenant, id)
    const limit = new Limit(scope, timeoutMs, id)
    const touched = new Map<string, Lock>()
    try {
      for (let number = 1; ; number++) {
        const place = touched.size > 0 ? this.#lines.enter(touched.values()) : undefined
        try {
          if (place) await limit.line(place)
          const result = await this.#home.gate.through(scope, () => this.#attempt(scope, outcome, limit, label, touched, work))
          return { id, result, effectiveIsolation: 'SERIALIZABLE', attempts: number }
        } catch (error) {
          if (!(error instanceof HubError) || error.code !== 'TX_CONFLICT' || number >= maxAttempts) throw error
        } finally {
          place?.leave()
        }
        await limit.pause(Math.min(pausesMs[1], pausesMs[0] * 2 ** number) * Math.random())
      }
    } finally {
      limit.end()
    }
  }

  async #attempt<T>(scope: Scope, outcome: TransactionOutcome, limit: Limit, label: string | undefined, touched: Map<string, Lock>, work: (tx: RegionTransaction) => Promise<T>): Promise<T> {
    scope.signal.throwIfAborted()
    limit.mustGoOn()
    const transaction = await begin(scope, this.#home.client, { concurrency: 'OPTIMISTIC', isolation: 'SERIALIZABLE', timeoutMs: limit.leftMs + graceMs, ...(label !== undefined && { label }) })
    const attempt = new Attempt(outcome.id, scope, this.#home, this.#region, transaction)
    limit.waitsFor = () => attempt.waitsFor
    const note = () => Object.assign(outcome, attempt.outcome())
    note()
    try {
      const result = await limit.whichever(work(attempt))
      await limit.whichever(attempt.prepare())
      note()
      await attempt.commit()
      return result
    } catch (error) {
      await attempt.rollback(error)
      throw error
    } finally {
      note()
      for (const lock of attempt.locks) touched.set(lock.id, lock)
    }
  }
}

/** The cluster ends what this process forgot; it is not to do so before. */
const graceMs = 5_000

/** Until when a transaction may go on. */
class Limit {
  readonly #scope: Scope
  readonly #timeoutMs: number
  readonly #id: string
  readonly #untilMs: number
  readonly #over: Promise<never>
  readonly #stop: () => void
  waitsFor: () => readonly WaitedOn[] = () => []

  constructor(scope: Scope, timeoutMs: number, id: string) {
    this.#scope = scope
    this.#timeoutMs = timeoutMs
    this.#id = id
    this.#untilMs = scope.clock.now() + timeoutMs
    const over = Promise.withResolvers<never>()
    this.#over = over.promise
    // Nobody may be listening just then.
    this.#over.catch(() => undefined)
    const cancel = scope.clock.after(timeoutMs, () => over.reject(timedOut(timeoutMs, id, this.waitsFor())))
    const abort = () => over.reject(scope.signal.reason)
    scope.signal.addEventListener('abort', abort, { once: true })
    this.#stop = () => {
      cancel()
      scope.signal.removeEventListener('abort', abort)
    }
  }

  get leftMs(): number {
    return Math.max(1, this.#untilMs - this.#scope.clock.now())
  }

  /** Fails once the time is over. */
  mustGoOn(): void {
    if (this.leftMs <= 1) throw timedOut(this.#timeoutMs, this.#id, [])
  }

  whichever<T>(work: Promise<T>): Promise<T> {
    return Promise.race([this.#over, work])
  }

  async line(place: Place): Promise<void> {
    this.waitsFor = () => place.waitsFor
    await this.whichever(place.turn)
    this.waitsFor = () => []
  }

  async pause(ms: number): Promise<void> {
    const over = Promise.withResolvers<void>()
    const cancel = this.#scope.clock.after(ms, () => over.resolve())
    await this.whichever(over.promise).finally(cancel)
  }

  end(): void {
    this.#stop()
  }
}

function timedOut(timeoutMs: number, id: string, entries: readonly WaitedOn[]): HubError {
  const waitedOn = entries.slice(0, 100)
  const names = waitedOn.slice(0, 5).map(({ region, key }) => `"${key}" of "${region}"`).join(', ')
  const said = waitedOn.length === 0 ? 'it was working then, and waited for no entry' : `it waited for ${names}${entries.length > 5 ? ` and ${entries.length - 5} more` : ''}`
  return new HubError('TX_TIMEOUT', `The transaction did not end within ${timeoutMs} ms and was rolled back; ${said}.`, { transaction: id, timeoutMs, waitedOn })
}

