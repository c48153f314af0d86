import type { RegionStats } from '../ports/region-store.ts'

/** What a region's statistics count since the store was opened. */
export class Counters {
  hits = 0
  misses = 0
  puts = 0
  removals = 0
  evictions = 0
  expiries = 0
  txCommits = 0
  txRollbacks = 0
  #gets = new Mean()
  #writes = new Mean()

  tookGet(micros: number): void { this.#gets.add(micros) }
  tookPut(micros: number): void { this.#writes.add(micros) }

  stats(entries: number, sizeBytes: number): RegionStats {
    const { hits, misses, puts, removals, evictions, expiries, txCommits, txRollbacks } = this
    return { entries, sizeBytes, hits, misses, gets: hits + misses, puts, removals, evictions, expiries, txCommits, txRollbacks, avgGetMicros: this.#gets.value, avgPutMicros: this.#writes.value }
  }
}

class Mean {
  #sum = 0
  #count = 0

  get value(): number | null {
    return this.#count === 0 ? null : this.#sum / this.#count
  }

  add(value: number): void {
    this.#sum += value
    this.#count += 1
  }
}
