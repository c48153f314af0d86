import type { WaitedOn } from '../ports/region-transaction.ts'

/** An entry as one waits for it; equal ids are one entry. */
export interface Lock extends WaitedOn {
  readonly id: string
}

/** Who may go on with which entries, in the order they came: a line per entry. Who stands in several entered all of them in one step, so nobody ever waits for somebody who waits for him. */
export class KeyLines {
  readonly #lines = new Map<string, Set<Place>>()

  /** Whether anybody stands in a line for one of these. */
  isBusy(locks: Iterable<Lock>): boolean {
    for (const { id } of locks) if (this.#lines.has(id)) return true
    return false
  }

  /** Joins the line of each; whoever does so leaves again. */
  enter(locks: Iterable<Lock>): Place {
    const place = new Place([...locks], this.#lines)
    place.enter()
    return place
  }
}

export class Place {
  /** Ends when nobody is ahead in any of the lines. */
  readonly turn: Promise<void>
  readonly #locks: readonly Lock[]
  readonly #lines: Map<string, Set<Place>>
  #ahead = 0
  #arrive: () => void = () => undefined

  constructor(locks: readonly Lock[], lines: Map<string, Set<Place>>) {
    this.#locks = locks
    this.#lines = lines
    this.turn = new Promise(resolve => {
      this.#arrive = resolve
    })
  }

  /** What somebody else has now. */
  get waitsFor(): readonly Lock[] {
    return this.#locks.filter(({ id }) => first(this.#lines.get(id)) !== this)
  }

  enter(): void {
    for (const { id } of this.#locks) {
      const line = this.#lines.get(id)
      if (line) this.#ahead += 1
      if (line) line.add(this)
      else this.#lines.set(id, new Set([this]))
    }
    if (this.#ahead === 0) this.#arrive()
  }

  leave(): void {
    for (const { id } of this.#locks) {
      const line = this.#lines.get(id)
      if (!line) continue
      const was = first(line)
      line.delete(this)
      if (line.size === 0) this.#lines.delete(id)
      else if (was === this) first(line)?.moveUp()
    }
  }

  /** Whoever was ahead in one of the lines has left. */
  moveUp(): void {
    this.#ahead -= 1
    if (this.#ahead === 0) this.#arrive()
  }
}

function first(line: Set<Place> | undefined): Place | undefined {
  return line?.values().next().value
}
