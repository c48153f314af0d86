import { identity, type Kept } from './kept.ts'
import { Marks } from './marks.ts'

export interface NearLimits {
  readonly maxEntries: number
  /** Estimated. */
  readonly maxBytes: number
}

interface Near {
  readonly kept: Kept
  readonly bytes: number
  readonly endsAtMs: number
}

/**
 * Entries this process read lately, kept as long as every change of them is heard of: an entry is never given out after a change of it was. Those used longest ago go
 * first. While changes may go by unseen it is off, and empty when it is on again.
 */
export class NearCache {
  readonly #limits: NearLimits
  readonly #entries = new Map<string, Near>()
  /** When entries last changed: what was read before then is not kept. */
  readonly #changes = new Marks()
  #bytes = 0
  #isOn = false

  constructor(limits: NearLimits) {
    this.#limits = limits
  }

  get size(): number { return this.#entries.size }
  get bytes(): number { return this.#bytes }

  /** To be taken before entries are read for `keep`. */
  mark(): number {
    return this.#changes.position
  }

  get(id: string, now: number): Kept | undefined {
    const found = this.#entries.get(id)
    if (!found) return undefined
    if (found.endsAtMs <= now) {
      this.#remove(id)
      return undefined
    }
    this.#entries.delete(id)
    this.#entries.set(id, found)
    return found.kept
  }

  /** Keeps what was read since the mark, unless it changed since. */
  keep(kept: Kept, bytes: number, endsAtMs: number, mark: number): void {
    const id = identity(kept)
    if (!this.#isOn || bytes > this.#limits.maxBytes || !this.#changes.mayFill(id, mark)) return
    this.#remove(id)
    this.#entries.set(id, { kept, bytes, endsAtMs })
    this.#bytes += bytes
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#limits.maxEntries && this.#bytes <= this.#limits.maxBytes) return
      this.#remove(oldest)
    }
  }

  /** The entry changed: what is kept of it is void, and so is what was read of it before. */
  changed(id: string): void {
    this.#changes.gone(id)
    this.#remove(id)
  }

  on(): void {
    this.#isOn = true
  }

  /** Changes may go by unseen from now on. */
  off(): void {
    this.#isOn = false
    this.clear()
  }

  clear(): void {
    this.#changes.allGone()
    this.#entries.clear()
    this.#bytes = 0
  }

  #remove(id: string): void {
    const found = this.#entries.get(id)
    if (!found) return
    this.#entries.delete(id)
    this.#bytes -= found.bytes
  }
}
