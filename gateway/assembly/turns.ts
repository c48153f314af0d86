/** Work under names, one at a time for each. */
export class Turns {
  /** The last of each name, under way or waiting. */
  readonly #last = new Map<string, Promise<void>>()
  readonly #waiting = new Map<string, Promise<void>>()

  /** Ends with a run of the work that begins after this call: what is under way may have read already what has changed since. Who asks for the same `kind` before it begins gets the same run. */
  run(name: string, kind: string, work: () => Promise<void>): Promise<void> {
    const own = JSON.stringify([name, kind])
    const joined = this.#waiting.get(own)
    if (joined) return joined
    const begin = () => {
      this.#waiting.delete(own)
      return work()
    }
    // How the one before ends is for those who asked for it.
    const run = (this.#last.get(name) ?? Promise.resolve()).then(begin, begin)
    this.#waiting.set(own, run)
    this.#last.set(name, run)
    const ended = () => {
      if (this.#last.get(name) === run) this.#last.delete(name)
    }
    run.then(ended, ended)
    return run
  }
}
