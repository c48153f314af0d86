import type { Slot } from './slot.ts'

/** A region's slots in the order in which they are to go: by their last use, or by their creation where nobody calls `use`. */
export class Recency {
  #newest: Slot | undefined
  #oldest: Slot | undefined

  get oldest(): Slot | undefined {
    return this.#oldest
  }

  add(slot: Slot): void {
    slot.older = this.#newest
    slot.newer = undefined
    if (this.#newest) this.#newest.newer = slot
    else this.#oldest = slot
    this.#newest = slot
  }

  remove(slot: Slot): void {
    if (slot.newer) slot.newer.older = slot.older
    else this.#newest = slot.older
    if (slot.older) slot.older.newer = slot.newer
    else this.#oldest = slot.newer
    slot.newer = undefined
    slot.older = undefined
  }

  use(slot: Slot): void {
    if (slot === this.#newest) return
    this.remove(slot)
    this.add(slot)
  }

  /** Puts them in the order of their moments, the earliest first; equals stay as they were. */
  reorder(momentOf: (slot: Slot) => number): void {
    const slots: Slot[] = []
    for (let slot = this.#oldest; slot; slot = slot.newer) slots.push(slot)
    for (const slot of slots) this.remove(slot)
    for (const slot of slots.sort((a, b) => momentOf(a) - momentOf(b))) this.add(slot)
  }
}
