const leafSize = 256

/** Distinct items in ascending order, in leaves, so that one more or less moves few of them. Searches take a test that is false, then true, along the order. */
export class SortedList<T> {
  readonly #compare: (a: T, b: T) => number
  #leaves: T[][]

  /** Items given here may come in any order. */
  constructor(compare: (a: T, b: T) => number, items: Iterable<T> = []) {
    this.#compare = compare
    const sorted = [...items].sort(compare)
    this.#leaves = []
    for (let index = 0; index < sorted.length; index += leafSize) this.#leaves.push(sorted.slice(index, index + leafSize))
  }

  insert(item: T): void {
    const [leafIndex, index] = this.#find(other => this.#compare(other, item) >= 0)
    if (this.#leaves.length === 0) this.#leaves.push([])
    const behindAll = leafIndex >= this.#leaves.length
    const at = behindAll ? this.#leaves.length - 1 : leafIndex
    const leaf = this.#leaves[at] as T[]
    leaf.splice(behindAll ? leaf.length : index, 0, item)
    if (leaf.length > leafSize * 2) this.#leaves.splice(at, 1, leaf.slice(0, leafSize), leaf.slice(leafSize))
  }

  remove(item: T): void {
    const [leafIndex, index] = this.#find(other => this.#compare(other, item) >= 0)
    const leaf = this.#leaves[leafIndex]
    if (leaf?.[index] === undefined || this.#compare(leaf[index], item) !== 0) return
    leaf.splice(index, 1)
    if (leaf.length === 0) this.#leaves.splice(leafIndex, 1)
  }

  /** How many items lie from the first that passes one test to before the first that passes the other. Costs a step per leaf between. */
  countBetween(from: (item: T) => boolean, before: (item: T) => boolean): number {
    const [firstLeaf, first] = this.#find(from)
    const [endLeaf, end] = this.#find(before)
    if (endLeaf < firstLeaf) return 0
    let count = end - first
    for (let leaf = firstLeaf; leaf < endLeaf; leaf++) count += this.#leaves[leaf]?.length ?? 0
    return Math.max(0, count)
  }

  /** From the first item that passes on, upwards; all without a test. */
  *ascending(from?: (item: T) => boolean): Generator<T> {
    let [leafIndex, index] = from ? this.#find(from) : [0, 0]
    for (; leafIndex < this.#leaves.length; leafIndex++, index = 0) {
      const leaf = this.#leaves[leafIndex] ?? []
      for (; index < leaf.length; index++) yield leaf[index] as T
    }
  }

  /** From the last item that does not pass, downwards; all without a test. */
  *descending(before?: (item: T) => boolean): Generator<T> {
    let [leafIndex, index] = before ? this.#find(before) : [this.#leaves.length, 0]
    for (;;) {
      const leaf = this.#leaves[leafIndex] ?? []
      while (index > 0) {
        index -= 1
        yield leaf[index] as T
      }
      leafIndex -= 1
      if (leafIndex < 0) return
      index = this.#leaves[leafIndex]?.length ?? 0
    }
  }

  /** Leaf and index of the first item that passes; the place behind the last leaf when none does. */
  #find(test: (item: T) => boolean): [number, number] {
    let low = 0
    let high = this.#leaves.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const leaf = this.#leaves[middle] as T[]
      if (test(leaf[leaf.length - 1] as T)) high = middle
      else low = middle + 1
    }
    const leaf = this.#leaves[low]
    if (!leaf) return [low, 0]
    let from = 0
    let to = leaf.length - 1
    while (from < to) {
      const middle = (from + to) >>> 1
      if (test(leaf[middle] as T)) to = middle
      else from = middle + 1
    }
    return [low, from]
  }
}
