import { setTimeout as wait } from 'node:timers/promises'
import type { RegionStore } from '../../../connectors/ports/region-store.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import { HubError } from '../../../schema/errors.ts'
import { anyTransfer, perform, readSum, regions } from './bank.ts'

export interface Stress {
  readonly transfers: number
  /** Goes on beyond them for as long as this says so. */
  readonly more?: () => boolean
  readonly clients: number
  /** How long the time is of those that dawdle beyond it. */
  readonly shortMs?: number
  /** How long each of the two readers rests between two looks. */
  readonly restMs?: number
  /** What the transfers' ids begin with. */
  readonly prefix?: string
}

export interface StressReport {
  /** Ids of the transfers that were answered. */
  readonly committed: readonly string[]
  /** How many of them were begun more than once. */
  readonly again: number
  /** How many attempts there were of those that were answered. */
  readonly attempts: number
  /** Codes of the others; those of readers with the word in front. */
  readonly outcomes: ReadonlyMap<string, number>
  /** What transactional readers found all accounts to hold. */
  readonly sums: ReadonlySet<number>
  /** Entries of the log that are no whole transfer, by what they moved. */
  readonly uneven: readonly number[]
}

/** Transfers by many clients at once: every third may not begin again, and every five hundredth dawdles beyond its time. Two readers add up all accounts meanwhile. */
export async function stress(store: RegionStore, scope: Scope, { transfers, more = () => false, clients, shortMs = 2, restMs = 1, prefix = 't' }: Stress): Promise<StressReport> {
  const uneven: number[] = []
  const stop = store.changes.onCommit(({ changes }) => {
    const money = changes.filter(({ region }) => regions.some(name => name === region))
    const moved = money.reduce((sum, { before, after }) => sum + Number(after?.['balance'] ?? 0) - Number(before?.['balance'] ?? 0), 0)
    if (moved !== 0 || money.length !== 2 || changes.length !== 3) uneven.push(moved)
  })
  const committed: string[] = []
  const outcomes = new Map<string, number>()
  let again = 0
  let attempts = 0
  let next = 0
  const goesOn = () => next < transfers || more()
  const noted = (who: string, error: unknown) => {
    if (!(error instanceof HubError)) throw error
    outcomes.set(`${who}${error.code}`, (outcomes.get(`${who}${error.code}`) ?? 0) + 1)
  }
  const serve = async () => {
    while (goesOn()) {
      const number = next++
      const transfer = anyTransfer(`${prefix}${number}`)
      const dawdles = number % 500 === 0
      const options = { isolation: 'SERIALIZABLE', timeoutMs: dawdles ? shortMs : 60_000, ...(number % 3 > 0 && { maxAttempts: 1_000 }) } as const
      try {
        const { attempts: begun } = await store.transact(scope, options, tx => perform(tx, transfer, dawdles ? () => wait(5 * shortMs) : undefined))
        if (begun > 1) again += 1
        attempts += begun
        committed.push(transfer.id)
      } catch (error) {
        noted('', error)
      }
    }
  }
  const sums = new Set<number>()
  const look = async () => {
    while (goesOn()) {
      await readSum(store, scope).then(({ result }) => sums.add(result), error => noted('reader ', error))
      await wait(restMs)
    }
  }
  await Promise.all([...Array.from({ length: clients }, serve), look(), look()])
  stop()
  return { committed, again, attempts, outcomes, sums, uneven }
}
