/** Requests by the signal that may end them: one listener a signal, however many requests wait under it. */
export class Signals {
  readonly #abort: (id: number, reason: unknown) => void
  readonly #waiting = new Map<AbortSignal, { readonly ids: Set<number>; readonly listener: () => void }>()

  constructor(abort: (id: number, reason: unknown) => void) {
    this.#abort = abort
  }

  watch(signal: AbortSignal, id: number): void {
    const known = this.#waiting.get(signal)
    if (known) {
      known.ids.add(id)
      return
    }
    const ids = new Set([id])
    const listener = () => {
      for (const one of [...ids]) this.#abort(one, signal.reason)
    }
    this.#waiting.set(signal, { ids, listener })
    signal.addEventListener('abort', listener, { once: true })
  }

  forget(signal: AbortSignal, id: number): void {
    const known = this.#waiting.get(signal)
    if (!known?.ids.delete(id) || known.ids.size > 0) return
    this.#waiting.delete(signal)
    signal.removeEventListener('abort', known.listener)
  }
}
