import { type Derivation, further, type Input } from '../../schema/lineage.ts'

/** The input columns of one value, each once, in the order first met. */
export class Inputs {
  readonly #byColumn = new Map<string, Input<Derivation>>()

  static of(table: string, column: string): Inputs {
    const inputs = new Inputs()
    inputs.#byColumn.set(JSON.stringify([table, column]), { table, column, transformation: 'IDENTITY' })
    return inputs
  }

  /** Takes over another value's inputs, at least as far away as said. A column met twice keeps the greater distance. */
  add(other: Inputs, atLeast: Derivation = 'IDENTITY'): this {
    for (const [key, input] of other.#byColumn) {
      const known = this.#byColumn.get(key)
      const transformation = further(further(input.transformation, atLeast), known?.transformation ?? 'IDENTITY')
      if (known?.transformation !== transformation) this.#byColumn.set(key, { ...input, transformation })
    }
    return this
  }

  get size(): number {
    return this.#byColumn.size
  }

  get list(): readonly Input<Derivation>[] {
    return [...this.#byColumn.values()]
  }
}

/** One column a query or a relation answers, and what it is made from. */
export interface Output {
  readonly name: string
  readonly inputs: Inputs
}
