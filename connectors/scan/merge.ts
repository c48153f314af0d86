/** A part of a read. The signal aborts when nobody waits for it any more. */
export type Part<T> = (signal: AbortSignal) => AsyncGenerator<T, void, void>

interface Running<T> {
  readonly items: AsyncGenerator<T, void, void>
  next: Promise<{ readonly from: Running<T>; readonly result: IteratorResult<T, void> }>
}

/**
 * The items of all parts as they come, `width` parts at a time. Each part is at most one item ahead of the reader. When the reader leaves or one part fails, the
 * others are told by their signal and have ended before this ends; what they say then is not heard.
 */
export async function* merged<T>(signal: AbortSignal, parts: Iterable<Part<T>>, width: number): AsyncGenerator<T, void, void> {
  const leaving = new AbortController()
  const either = AbortSignal.any([signal, leaving.signal])
  const waiting = parts[Symbol.iterator]()
  const running = new Set<Running<T>>()

  function step(from: Running<T>): Running<T>['next'] {
    const next = from.items.next().then(result => ({ from, result }))
    next.catch(() => undefined) // whoever races for it is told; after the end nobody is
    return next
  }

  function start(): void {
    const { value: part, done } = waiting.next()
    if (done) return
    const items = part(either)
    const one = { items } as Running<T>
    one.next = step(one)
    running.add(one)
  }

  try {
    signal.throwIfAborted()
    while (running.size < width) {
      const before = running.size
      start()
      if (running.size === before) break
    }
    while (running.size > 0) {
      const { from, result } = await Promise.race([...running].map(({ next }) => next))
      if (result.done) {
        running.delete(from)
        start()
        continue
      }
      yield result.value
      from.next = step(from)
    }
  } finally {
    leaving.abort()
    await Promise.allSettled([...running].map(({ items }) => items.return()))
  }
}

/** The work's end, or the signal's reason as soon as it aborts; the work itself then goes on unheard. */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const left = Promise.withResolvers<never>()
  const leave = () => left.reject(signal.reason)
  signal.addEventListener('abort', leave, { once: true })
  try {
    work.catch(() => undefined) // heard below, unless nobody waits any more
    if (signal.aborted) throw signal.reason
    return await Promise.race([work, left.promise])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}
