import type { integers, Lines } from './lines.ts'

type Link = (typeof integers)[keyof typeof integers]

/** Ids one behind the other, linked in their lines: one more or less, and one moved to the end, costs a few writes. */
export class Chain {
  readonly #lines: Lines
  readonly #next: Link
  readonly #previous: Link
  #first = -1
  #last = -1

  /** Where in a line the neighbours are. */
  constructor(lines: Lines, next: Link, previous: Link) {
    this.#lines = lines
    this.#next = next
    this.#previous = previous
  }

  /** In their order. None may go meanwhile. */
  *ids(): Generator<number> {
    for (let id = this.#first; id >= 0; id = this.#lines.integer(id, this.#next)) yield id
  }

  add(id: number): void {
    this.#join(this.#last, id)
    this.#join(id, -1)
  }

  remove(id: number): void {
    this.#join(this.#lines.integer(id, this.#previous), this.#lines.integer(id, this.#next))
  }

  toEnd(id: number): void {
    if (id === this.#last) return
    this.remove(id)
    this.add(id)
  }

  /** Puts them in the order of their moments, the earliest first; equals stay as they were. */
  reorder(momentOf: (id: number) => number): void {
    const ids = [...this.ids()].sort((a, b) => momentOf(a) - momentOf(b))
    this.#first = -1
    this.#last = -1
    for (const id of ids) this.add(id)
  }

  /** Makes two neighbours, either of whom may be nobody: the end. */
  #join(id: number, next: number): void {
    if (id >= 0) this.#lines.setInteger(id, this.#next, next)
    else this.#first = next
    if (next >= 0) this.#lines.setInteger(next, this.#previous, id)
    else this.#last = id
  }
}
