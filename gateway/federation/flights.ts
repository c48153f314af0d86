/** Work that several callers wait for at once. It is done once while anybody waits, and cancelled when the last one has left. */
export class Flights<T> {
  readonly #open = new Map<string, { readonly work: Promise<T>; readonly controller: AbortController; waiting: number }>()

  /** The result of the work under this key; fails with the signal's reason as soon as it aborts, which the others do not notice. */
  async join(key: string, signal: AbortSignal, begin: (signal: AbortSignal) => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    const flight = this.#open.get(key) ?? this.#begin(key, begin)
    flight.waiting += 1
    const { promise: aborted, reject } = Promise.withResolvers<never>()
    const leave = () => reject(signal.reason)
    signal.addEventListener('abort', leave, { once: true })
    try {
      return await Promise.race([flight.work, aborted])
    } finally {
      signal.removeEventListener('abort', leave)
      flight.waiting -= 1
      if (flight.waiting === 0) {
        if (this.#open.get(key) === flight) this.#open.delete(key)
        flight.controller.abort(signal.reason)
      }
    }
  }

  #begin(key: string, begin: (signal: AbortSignal) => Promise<T>) {
    const controller = new AbortController()
    const flight = { work: begin(controller.signal), controller, waiting: 0 }
    this.#open.set(key, flight)
    const land = () => {
      if (this.#open.get(key) === flight) this.#open.delete(key)
    }
    flight.work.then(land, land)
    return flight
  }
}
