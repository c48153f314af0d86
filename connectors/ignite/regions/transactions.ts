import { randomUUID } from 'node:crypto'
import { HubError } from '../../../schema/errors.ts'
import type { RegionTransaction, Transacted, TransactionOutcome, TransactOptions, WaitedOn } from '../../ports/region-transaction.ts'
import type { Scope } from '../../ports/scope.ts'
import { Outcomes } from '../../transactions/outcomes.ts'
import { KeyLines, type Lock, type Place } from '../../regions/key-lines.ts'
import { Attempt } from './attempt.ts'
import type { Home } from './home.ts'
import type { IgniteRegion } from './region.ts'

/** First pause after a lost attempt, doubled up to the last, shortened by chance so that those who lost together do not meet again. */
const pausesMs = [1, 16] as const

/**
 * Transactions over regions of the cluster, all SERIALIZABLE, whatever was asked for: an attempt reads without locks, and its commit locks for as long as it takes to look once more
 * and to write. Nobody waits for a lock while the work goes on, and all lock in one order, so there is no deadlock to find. Those of this process stand in line for the entries
 * they lock; who had to wait there, or lost, begins again in his turn, and is not overtaken for ever.
 *
 * The cluster's own OPTIMISTIC SERIALIZABLE transactions would do the same, but each that loses leaves a hole in the counts of the partitions it would have written, and
 * continuous queries then hold back what changes there, for ever.
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
    let place: Place | undefined
    const leave = () => {
      place?.leave()
      place = undefined
    }
    try {
      for (let number = 1; ; number++) {
        scope.signal.throwIfAborted()
        const attempt = new Attempt(id, scope, this.#home, this.#region, label)
        limit.mustGoOn()
        try {
          if (!place && touched.size > 0) {
            place = this.#lines.enter(touched.values())
            await limit.line(place)
          }
          limit.waitsFor = () => attempt.waitsFor
          const result = await limit.whichever(work(attempt))
          if (!place) {
            place = this.#lines.enter(attempt.locks)
            const isOvertaken = place.waitsFor.length > 0
            await limit.line(place)
            // Those ahead have written what it read, or some of it: it begins again in its turn.
            if (isOvertaken && number < maxAttempts) {
              await attempt.rollback(overtaken(id))
              continue
            }
          }
          limit.waitsFor = () => attempt.waitsFor
          const told = await this.#home.gate.through(scope, () => this.#commit(attempt, outcome, limit))
          leave()
          await told()
          return { id, result, effectiveIsolation: 'SERIALIZABLE', attempts: number }
        } catch (error) {
          await attempt.rollback(error)
          leave()
          if (!(error instanceof HubError) || error.code !== 'TX_CONFLICT' || number >= maxAttempts) throw error
          for (const lock of attempt.locks) touched.set(lock.id, lock)
        } finally {
          Object.assign(outcome, attempt.outcome())
        }
        await limit.pause(Math.min(pausesMs[1], pausesMs[0] * 2 ** number) * Math.random())
      }
    } finally {
      leave()
      limit.end()
    }
  }

  async #commit(attempt: Attempt, outcome: TransactionOutcome, limit: Limit): Promise<() => Promise<void>> {
    await limit.whichever(attempt.prepare(() => limit.leftMs))
    Object.assign(outcome, attempt.outcome())
    return attempt.commit()
  }
}

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

function overtaken(id: string): HubError {
  return new HubError('TX_CONFLICT', 'Somebody else was ahead at the entries the transaction read; it was begun again.', { transaction: id })
}

function timedOut(timeoutMs: number, id: string, entries: readonly WaitedOn[]): HubError {
  const waitedOn = entries.slice(0, 100)
  const names = waitedOn.slice(0, 5).map(({ region, key }) => `"${key}" of "${region}"`).join(', ')
  const said = waitedOn.length === 0 ? 'it was working then, and waited for no entry' : `it waited for ${names}${entries.length > 5 ? ` and ${entries.length - 5} more` : ''}`
  return new HubError('TX_TIMEOUT', `The transaction did not end within ${timeoutMs} ms and was rolled back; ${said}.`, { transaction: id, timeoutMs, waitedOn })
}

