import type { TransactionOutcome } from '../ports/region-transaction.ts'

/** How many transactions are remembered. */
const kept = 10_000

/** What became of the latest transactions of one process, by tenant and id. */
export class Outcomes {
  readonly #outcomes = new Map<string, TransactionOutcome>()

  find(tenant: string, id: string): TransactionOutcome | undefined {
    return this.#outcomes.get(nameOf(tenant, id))
  }

  note(tenant: string, outcome: TransactionOutcome): void {
    this.#outcomes.set(nameOf(tenant, outcome.id), outcome)
    if (this.#outcomes.size <= kept) return
    for (const oldest of this.#outcomes.keys()) {
      this.#outcomes.delete(oldest)
      break
    }
  }
}

function nameOf(tenant: string, id: string): string {
  return JSON.stringify([tenant, id])
}
