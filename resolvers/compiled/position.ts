import { isNonNullType, locatedError, type GraphQLOutputType } from 'graphql'
import { pathToArray, type Path } from 'graphql/jsutils/Path.js'
import { completer } from './complete.ts'
import type { Execution } from './execution.ts'
import type { Field } from './field.ts'
import { isPromise, later, Waiting } from './waiting.ts'

/**
 * Makes a part of the answer from a resolved value, for the place `key` below `prev`. The part is what the form makes of it, or a Waiting. Throws where the value
 * cannot be what the type says.
 */
export type Complete = (x: Execution, value: unknown, prev: Path | undefined, key: string | number) => unknown

/** A place in the answer where an error may end: a field, or the items of a list. */
export class Position {
  readonly #field: Field
  readonly #isNullable: boolean
  readonly #complete: Complete

  constructor(type: GraphQLOutputType, field: Field) {
    this.#field = field
    this.#isNullable = !isNonNullType(type)
    this.#complete = completer(type, field)
  }

  /** The part for a value or a promise of one. Throws a located error where there is none and the type takes no null. */
  part(x: Execution, value: unknown, prev: Path | undefined, key: string | number): unknown {
    try {
      const part = isPromise(value) ? later(x, value, resolved => this.#complete(x, resolved, prev, key)) : this.#complete(x, value, prev, key)
      if (part instanceof Waiting) part.standAt(this, prev, key)
      return part
    } catch (raw) {
      return this.refuse(x, raw, prev, key)
    }
  }

  /** Notes the error and answers null, or throws it, located, to whoever takes a null further up. */
  refuse(x: Execution, raw: unknown, prev: Path | undefined, key: string | number): unknown {
    const error = locatedError(raw, this.#field.nodes, pathToArray({ prev, key, typename: undefined }))
    if (!this.#isNullable) throw error
    x.errors.push(error)
    return this.#field.form.nothing
  }
}
