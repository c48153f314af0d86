import type { Path } from 'graphql/jsutils/Path.js'
import type { Execution } from './execution.ts'
import type { Position } from './position.ts'

/** What waiting parts belong to. */
export interface Owner {
  /** What it belongs to itself; undefined at the root. */
  readonly box?: Owner
  /** Nobody takes its parts any more: a null stands in its place. */
  readonly isDead: boolean
  put(slot: string | number, part: unknown): void
  /** A part cannot be, and the type takes no null there. */
  fail(error: unknown): void
}

/** A part of the answer that waits for promises. It stands in a box, or alone at the root, and tells it once what it became. */
export class Waiting {
  readonly x: Execution
  box: Owner | undefined
  slot: string | number = 0
  #position: Position | undefined
  #prev: Path | undefined
  #key: string | number = ''

  constructor(x: Execution) {
    this.x = x
  }

  /** Where it stands in the answer: what fails is noted there, or handed up where the type there takes no null. */
  standAt(position: Position, prev: Path | undefined, key: string | number): void {
    this.#position = position
    this.#prev = prev
    this.#key = key
  }

  settle(part: unknown): void {
    this.box?.put(this.slot, part)
  }

  fail(raw: unknown): void {
    if (this.isAbandoned()) return
    let part: unknown
    try {
      if (!this.#position) throw raw
      part = this.#position.refuse(this.x, raw, this.#prev, this.#key)
    } catch (error) {
      this.box?.fail(error)
      return
    }
    this.settle(part)
  }

  /** The promise's value is here. Nothing is made of it where a null has meanwhile taken the place of what it belongs to. */
  resume(complete: (value: unknown) => unknown, value: unknown): void {
    if (this.isAbandoned()) return
    let part: unknown
    try {
      part = complete(value)
    } catch (raw) {
      this.fail(raw)
      return
    }
    if (part instanceof Waiting) part.#replace(this)
    else this.settle(part)
  }

  isAbandoned(): boolean {
    for (let box: Owner | undefined = this.box; box; box = box.box) if (box.isDead) return true
    return false
  }

  #replace(other: Waiting): void {
    this.box = other.box
    this.slot = other.slot
    this.#position = other.#position
    this.#prev = other.#prev
    this.#key = other.#key
  }
}

/** What becomes of a promise. A thenable that calls back at once is heard no sooner than a promise. */
export function later(x: Execution, promise: unknown, complete: (value: unknown) => unknown): Waiting {
  const waiting = new Waiting(x)
  Promise.resolve(promise).then(value => waiting.resume(complete, value), reason => waiting.fail(reason))
  return waiting
}

/** As graphql-js knows them: whatever has a method `then`. */
export function isPromise(value: unknown): boolean {
  return value !== null && value !== undefined && typeof (value as { then?: unknown }).then === 'function'
}

/** An object or a list of which some parts are still waited for. */
export abstract class Box extends Waiting implements Owner {
  isDead = false
  #open = 0
  #failure: { readonly error: unknown } | undefined

  /** Puts a part where `hold` kept a place for it; `isLast`: no other is waited for. */
  protected abstract place(slot: string | number, part: unknown, isLast: boolean): void
  /** The whole, with all its parts. */
  protected abstract whole(): unknown

  protected expect(waiting: Waiting, slot: string | number): void {
    waiting.box = this
    waiting.slot = slot
    this.#open++
  }

  put(slot: string | number, part: unknown): void {
    if (this.isDead) return
    this.place(slot, part, --this.#open === 0)
    if (this.#open > 0) return
    if (this.#failure) this.fail(this.#failure.error)
    else this.settle(this.whole())
  }

  /** What a part could not be: the box cannot be either. Only the first counts. */
  override fail(raw: unknown): void {
    if (this.isDead || this.isAbandoned()) return
    this.isDead = true
    super.fail(this.#failure ? this.#failure.error : raw)
  }

  /** A field failed before those in the box are answered: they are heard first, as graphql-js does it. */
  failing(error: unknown): this {
    this.#failure = { error }
    return this
  }

  /** Nobody waits for its parts any more. */
  abandon(): void {
    this.isDead = true
  }
}
