/**
 * Each event of the source as `answer` makes it, one at a time and in order. Closing closes the source at once, also while an event is awaited, and ends that wait;
 * what the source or `answer` throws is thrown to the reader after the source was closed.
 */
export function mapEvents<Event, Answer>(source: AsyncIterable<Event>, answer: (event: Event) => Promise<Answer> | Answer): AsyncGenerator<Answer, void, void> {
  const iterator = source[Symbol.asyncIterator]()
  const done: IteratorReturnResult<void> = { done: true, value: undefined }
  let isClosed = false
  let endWait = () => {}
  const closed = new Promise<typeof done>(resolve => {
    endWait = () => resolve(done)
  })

  const close = async () => {
    if (isClosed) return
    isClosed = true
    endWait()
    await iterator.return?.()
  }
  const read = async (): Promise<IteratorResult<Answer, void>> => {
    if (isClosed) return done
    try {
      const event = await iterator.next()
      if (isClosed) return done
      if (event.done) {
        isClosed = true
        return done
      }
      return { done: false, value: await answer(event.value) }
    } catch (error) {
      // Nobody waits any more: the reader closed, and a source may well fail for being closed.
      if (isClosed) return done
      isClosed = true
      await iterator.return?.()
      throw error
    }
  }

  return {
    next: () => Promise.race([read(), closed]),
    async return() {
      // An async generator parked at an await takes note of its closing only with the next event, so nobody waits for it here.
      void close().catch(() => {})
      return done
    },
    async throw(error) {
      void close().catch(() => {})
      throw error
    },
    [Symbol.asyncIterator]() {
      return this
    },
    async [Symbol.asyncDispose]() {
      await this.return()
    },
  }
}
