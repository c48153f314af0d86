import type { Slot } from './slot.ts'

/** A region's slots in the order they were last used. */
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
}
