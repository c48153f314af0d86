/** False where the process was started with code generation from strings forbidden: everything then goes the general way. */
export { canGenerate } from '../../../resolvers/compiled/generated.ts'

/**
 * A function made of its source, which sees what is given under the names it is given. Only names of GraphQL and texts that JSON.stringify wrote may be put into the source.
 */
export function functionOf<Made>(source: string, given: Readonly<Record<string, unknown>>): Made {
  return new Function(...Object.keys(given), `'use strict'\n${source}`)(...Object.values(given)) as Made
}

/** A value made at the second time it is asked for: most documents of a client that builds its own come once. Undefined the first time, and for ever where there is none to be made. */
export class Second<T> {
  readonly #make: () => T | undefined
  #asked = 0
  #value: T | undefined

  constructor(make: () => T | undefined) {
    this.#make = make
  }

  get value(): T | undefined {
    if (this.#asked < 2 && ++this.#asked === 2) this.#value = this.#make()
    return this.#value
  }
}
