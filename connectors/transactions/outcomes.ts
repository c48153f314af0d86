import type { TransactionOutcome } from '../ports/region-transaction.ts'

/** So many are remembered at least, and twice as many at most. */
const kept = 10_000

/** What is known of a transaction; whoever runs it keeps it up to date. */
type OutcomeRecord = { -readonly [Member in keyof TransactionOutcome]: TransactionOutcome[Member] }
type Generation = Map<string, { readonly tenant: string; readonly record: OutcomeRecord }>

/** What became of the latest transactions of one process. */
export class Outcomes {
  #young: Generation = new Map()
  #old: Generation = new Map()

  /** A record of a transaction that begins. */
  begin(tenant: string, id: string): OutcomeRecord {
    // A generation goes at once: taking out the oldest one by one costs a Map more than all it is for.
    if (this.#young.size >= kept) {
      this.#old = this.#young
      this.#young = new Map()
    }
    const record: OutcomeRecord = { id, state: 'PREPARING', participants: [] }
    this.#young.set(id, { tenant, record })
    return record
  }

  /** As it is now; undefined where the tenant ran none of this id, or it is long ago. */
  find(tenant: string, id: string): TransactionOutcome | undefined {
    const found = this.#young.get(id) ?? this.#old.get(id)
    return found?.tenant === tenant ? { ...found.record } : undefined
  }
}
