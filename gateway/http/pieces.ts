import type { WordedDelivery } from './operations.ts'

const over: IteratorReturnResult<void> = { done: true, value: undefined }

/** An answer in parts, one under way at a time. Who stops before the last one ends the work behind them at once, also while the next is waited for, and is given no more. */
export class Pieces implements AsyncGenerator<WordedDelivery, void, void> {
  readonly #deliveries: AsyncIterator<WordedDelivery, void, void>
  readonly #ended: (isWhole: boolean) => void
  #isOver = false

  /** `ended` is called once. */
  constructor(deliveries: AsyncIterator<WordedDelivery, void, void>, ended: (isWhole: boolean) => void) {
    this.#deliveries = deliveries
    this.#ended = ended
  }

  async next(): Promise<IteratorResult<WordedDelivery, void>> {
    if (this.#isOver) return over
    try {
      const step = await this.#deliveries.next()
      if (step.done) this.#end(true)
      return this.#isOver ? over : step
    } catch (error) {
      // Of work that was ended because nobody wants it any more.
      if (this.#isOver) return over
      this.#end(false)
      throw error
    }
  }

  async return(): Promise<IteratorReturnResult<void>> {
    this.#end(false)
    return over
  }

  async throw(error: unknown): Promise<IteratorReturnResult<void>> {
    this.#end(false)
    throw error
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end(false)
  }

  #end(isWhole: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#ended(isWhole)
  }
}
