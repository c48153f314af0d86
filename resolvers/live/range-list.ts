/** A bound of a range; bounds of one list are all numbers or all strings. */
export type Bound = string | number

interface Item<T> {
  /** Absent: from the lowest. */
  readonly low: Bound | undefined
  /** Absent: to the highest. */
  readonly high: Bound | undefined
  readonly value: T
}

const blockSize = 64

/**
 * Values under ranges, bounds included, found by a point in them: sorted by the low bound, in blocks that know their greatest high bound.
 * A look-up reads the items that begin before the point, leaving out the blocks that end before it. Adding and removing are linear.
 */
export class RangeList<T> {
  #items: Item<T>[] = []
  /** Per block of `#items`; undefined where one of its ranges is open. Empty: to be made again. */
  #highs: (Bound | undefined)[] = []

  get size(): number {
    return this.#items.length
  }

  add(low: Bound | undefined, high: Bound | undefined, value: T): void {
    this.#items.splice(this.#beginningBy(low), 0, { low, high, value })
    this.#highs = []
  }

  remove(value: T): void {
    this.#items = this.#items.filter(item => item.value !== value)
    this.#highs = []
  }

  /** Visits every value whose range holds the point. */
  visit(point: Bound, visit: (value: T) => void): void {
    const end = this.#beginningBy(point)
    const highs = this.#blocks()
    for (let block = 0; block * blockSize < end; block++) {
      const highest = highs[block]
      if (highest !== undefined && highest < point) continue
      const stop = Math.min(end, (block + 1) * blockSize)
      for (let at = block * blockSize; at < stop; at++) {
        const item = this.#items[at]
        if (item && (item.high === undefined || item.high >= point)) visit(item.value)
      }
    }
  }

  /** How many items begin at or before the point; those without low bound always do. */
  #beginningBy(point: Bound | undefined): number {
    let from = 0
    let to = this.#items.length
    while (from < to) {
      const middle = (from + to) >> 1
      const low = this.#items[middle]?.low
      if (low === undefined || (point !== undefined && low <= point)) from = middle + 1
      else to = middle
    }
    return from
  }

  #blocks(): readonly (Bound | undefined)[] {
    if (this.#highs.length > 0) return this.#highs
    for (let from = 0; from < this.#items.length; from += blockSize) {
      let highest: Bound | undefined = this.#items[from]?.high
      for (const { high } of this.#items.slice(from, from + blockSize)) {
        if (high === undefined || highest === undefined) highest = undefined
        else if (high > highest) highest = high
      }
      this.#highs.push(highest)
    }
    return this.#highs
  }
}
