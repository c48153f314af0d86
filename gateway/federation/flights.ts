/** Something under way. */
export interface Work<T> {
  readonly result: Promise<T>
  /** Gives it up: the result fails with the reason. Nothing once it has ended. */
  cancel(reason: unknown): void
}

/** Work that ends with a signal. */
export function cancellable<T>(begin: (signal: AbortSignal) => Promise<T>): Work<T> {
  const controller = new AbortController()
  return { result: begin(controller.signal), cancel: reason => controller.abort(reason) }
}

/** The result of work that is for one alone: it ends with his signal, and is not begun behind it. */
export function endingWith<T>(signal: AbortSignal, begin: () => Work<T>): Promise<T> {
  if (signal.aborted) return Promise.reject(signal.reason)
  const work = begin()
  const leave = () => work.cancel(signal.reason)
  signal.addEventListener('abort', leave, { once: true })
  return work.result.finally(() => signal.removeEventListener('abort', leave))
}

/** Work that several callers wait for at once. It is done once while anybody waits, and cancelled when the last one has left. */
export class Flights<T> {
  /** By key and length of the text: long texts are cheaper to compare than to hash. */
  readonly #open = new Map<string, Flight<T>[]>()
  readonly #shared: (result: T, seats: number) => void

  /** `shared` is told of each result, before those who waited for it get it, and how many these are. */
  constructor(shared: (result: T, seats: number) => void = () => {}) {
    this.#shared = shared
  }

  /** The result of the work under this key and text; fails with the signal's reason as soon as it aborts, which the others do not notice. */
  join(key: string, text: string, signal: AbortSignal, begin: () => Work<T>): Promise<T> {
    if (signal.aborted) return Promise.reject(signal.reason)
    const place = `${text.length} ${key}`
    const alike = this.#open.get(place) ?? []
    if (alike.length === 0) this.#open.set(place, alike)
    let flight = alike.find(one => one.text === text)
    if (!flight) {
      flight = new Flight(text, begin, ended => this.#end(place, ended), this.#shared)
      alike.push(flight)
    }
    return flight.join(signal)
  }

  #end(place: string, flight: Flight<T>): void {
    const alike = this.#open.get(place)
    if (!alike) return
    if (alike.length === 1) this.#open.delete(place)
    else alike.splice(alike.indexOf(flight), 1)
  }
}

interface Seat<T> {
  readonly resolve: (result: T) => void
  readonly reject: (error: unknown) => void
  readonly signal: AbortSignal
  readonly leave: () => void
}

class Flight<T> {
  readonly text: string
  readonly #seats = new Set<Seat<T>>()
  readonly #work: Work<T>
  readonly #over: (flight: Flight<T>) => void

  /** `over` is called once, when the work has ended or nobody waits for it any more. */
  constructor(text: string, begin: () => Work<T>, over: (flight: Flight<T>) => void, shared: (result: T, seats: number) => void) {
    this.text = text
    this.#over = over
    this.#work = begin()
    this.#work.result.then(
      result => {
        if (this.#seats.size > 0) shared(result, this.#seats.size)
        this.#land(seat => seat.resolve(result))
      },
      (error: unknown) => this.#land(seat => seat.reject(error)),
    )
  }

  join(signal: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const leave = () => this.#leave(seat)
      const seat: Seat<T> = { resolve, reject, signal, leave }
      this.#seats.add(seat)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  #leave(seat: Seat<T>): void {
    this.#seats.delete(seat)
    seat.reject(seat.signal.reason)
    if (this.#seats.size > 0) return
    this.#over(this)
    this.#work.cancel(seat.signal.reason)
  }

  #land(tell: (seat: Seat<T>) => void): void {
    // The last one who left has said so already.
    if (this.#seats.size === 0) return
    this.#over(this)
    for (const seat of this.#seats) {
      seat.signal.removeEventListener('abort', seat.leave)
      tell(seat)
    }
    this.#seats.clear()
  }
}
