import type { Entry } from '../connectors/ports/region-store.ts'

/** Entries of one region that were compared with their source and remembered. */
const mostChecked = 10_000

/** When the entries of one region that is read through were those of its source, as far as their times do not tell. Lives as long as they do. */
export class Filled {
  /** How much older than its filling the oldest was, by what the source says of itself. */
  #olderMs = 0
  /** How long the slowest read that filled it took. */
  #slowestMs = 0
  #inStepMs = Number.NEGATIVE_INFINITY
  readonly #checked = new Map<string, { readonly version: number; readonly asOfMs: number }>()

  /** A read of the source fills the region; of what moment its rows are, where the source says it. */
  filling(beganMs: number, now: number, asOfMs: number | undefined): void {
    this.#slowestMs = Math.max(this.#slowestMs, now - beganMs)
    if (asOfMs !== undefined) this.#olderMs = Math.max(this.#olderMs, now - asOfMs)
  }

  /** Every entry was what the source had at that moment. */
  inStep(asOfMs: number): void {
    this.#inStepMs = asOfMs
  }

  /** The source had this version of the entry at that moment. */
  check(id: string, version: number, asOfMs: number): void {
    this.#checked.delete(id)
    this.#checked.set(id, { version, asOfMs })
    if (this.#checked.size > mostChecked) for (const oldest of this.#checked.keys()) {
      this.#checked.delete(oldest)
      break
    }
  }

  /** When the entry was known to be what the source has. */
  asOfMs(id: string, entry: Entry): number {
    return Math.max(this.#inStepMs, this.#checkedAt(id, entry) ?? entry.writtenAtMs - this.#olderMs)
  }

  /** Whether it surely was so at that moment or later: an entry that was written down late, after a slow read, is not younger for it. */
  isOf(id: string, entry: Entry, momentMs: number): boolean {
    return Math.max(this.#inStepMs, this.#checkedAt(id, entry) ?? entry.writtenAtMs - Math.max(this.#olderMs, this.#slowestMs)) >= momentMs
  }

  #checkedAt(id: string, { version }: Entry): number | undefined {
    const known = this.#checked.get(id)
    return known?.version === version ? known.asOfMs : undefined
  }
}
