import { OperationTypeNode, type GraphQLError } from 'graphql'
import type { Execution } from './execution.ts'
import type { Form } from './form.ts'
import type { Selection } from './selection.ts'
import { Waiting, type Owner } from './waiting.ts'

/** Runs the operation in the form and hands what it became to `answer`: at once, or behind a promise. */
export function runRoot<Answer>(x: Execution, form: Form, answer: (made: unknown) => Answer): Answer | Promise<Answer> {
  let made: unknown
  try {
    const selection = x.variant.root(form)
    made = x.variant.operation.operation === OperationTypeNode.MUTATION ? new Series(x, selection).next() : selection.write(x, x.rootValue, undefined, '')
  } catch (error) {
    x.errors.push(error as GraphQLError)
    made = form.nothing
  }
  if (!(made instanceof Waiting)) return answer(made)

  const { promise, resolve } = Promise.withResolvers<unknown>()
  made.box = new Root(x, form.nothing, resolve)
  return promise.then(answer)
}

/** The answer itself. */
class Root implements Owner {
  isDead = false
  readonly #x: Execution
  readonly #nothing: unknown
  readonly #done: (made: unknown) => void

  constructor(x: Execution, nothing: unknown, done: (made: unknown) => void) {
    this.#x = x
    this.#nothing = nothing
    this.#done = done
  }

  put(_slot: string | number, part: unknown): void {
    this.#done(part)
  }

  fail(error: unknown): void {
    this.isDead = true
    this.#x.errors.push(error as GraphQLError)
    this.#done(this.#nothing)
  }
}

/** Fields of a mutation: each begins when the one before it is answered. */
class Series extends Waiting implements Owner {
  isDead = false
  readonly #selection: Selection
  readonly #parts: unknown[] = []

  constructor(x: Execution, selection: Selection) {
    super(x)
    this.#selection = selection
  }

  /** The answer, or itself if a field is waited for. */
  next(): unknown {
    const { fields, form } = this.#selection
    while (this.#parts.length < fields.length) {
      const part = fields[this.#parts.length]!.part(this.x, this.x.rootValue, undefined)
      if (part instanceof Waiting) {
        part.box = this
        return this
      }
      this.#parts.push(part)
    }
    return form.whole(fields, this.#parts)
  }

  put(_slot: string | number, part: unknown): void {
    this.#parts.push(part)
    try {
      const made = this.next()
      if (made !== this) this.settle(made)
    } catch (error) {
      this.fail(error)
    }
  }

  override fail(error: unknown): void {
    this.isDead = true
    this.box?.fail(error)
  }
}
