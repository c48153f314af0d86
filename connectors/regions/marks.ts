/** Keys removed lately that are remembered: a fill that began before the oldest of them is refused. */
const remembered = 65_536

/** Which entries were removed since a reader went to ask the source. */
export class Marks {
  readonly #removals = new Map<string, number>()
  #position = 0
  #horizon = 0

  get position(): number {
    return this.#position
  }

  gone(id: string): void {
    this.#position += 1
    this.#removals.delete(id)
    this.#removals.set(id, this.#position)
    if (this.#removals.size <= remembered) return
    for (const [oldest, at] of this.#removals) {
      this.#removals.delete(oldest)
      this.#horizon = at
      break
    }
  }

  allGone(): void {
    this.#position += 1
    this.#removals.clear()
    this.#horizon = this.#position
  }

  mayFill(id: string, mark: number): boolean {
    return mark >= this.#horizon && mark >= (this.#removals.get(id) ?? 0)
  }
}
