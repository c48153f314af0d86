/** Values by name, bounded in number and in size; the longest unused goes first. */
export class SizedCache<T> {
  readonly #maxEntries: number
  readonly #maxBytes: number
  readonly #sizeBytes: (name: string, value: T) => number
  readonly #values = new Map<string, T>()
  #bytes = 0

  constructor(maxEntries: number, maxBytes: number, sizeBytes: (name: string, value: T) => number) {
    this.#maxEntries = maxEntries
    this.#maxBytes = maxBytes
    this.#sizeBytes = sizeBytes
  }

  get size(): number {
    return this.#values.size
  }

  get sizeBytes(): number {
    return this.#bytes
  }

  get(name: string): T | undefined {
    const value = this.#values.get(name)
    if (value === undefined) return undefined
    this.#values.delete(name)
    this.#values.set(name, value)
    return value
  }

  /** A value larger than all the room there is, is not kept. */
  set(name: string, value: T): void {
    this.delete(name)
    const bytes = this.#sizeBytes(name, value)
    if (bytes > this.#maxBytes) return
    this.#values.set(name, value)
    this.#bytes += bytes
    if (!this.#isTooFull) return
    for (const oldest of this.#values.keys()) {
      this.delete(oldest)
      if (!this.#isTooFull) break
    }
  }

  get #isTooFull(): boolean {
    return this.#values.size > this.#maxEntries || this.#bytes > this.#maxBytes
  }

  delete(name: string): boolean {
    const value = this.#values.get(name)
    if (value === undefined) return false
    this.#bytes -= this.#sizeBytes(name, value)
    return this.#values.delete(name)
  }

  clear(): void {
    this.#values.clear()
    this.#bytes = 0
  }
}

/** Texts by name. */
export class TextCache extends SizedCache<string> {
  constructor(maxEntries: number, maxBytes: number) {
    // V8 keeps at most two bytes a character.
    super(maxEntries, maxBytes, (name, text) => 2 * (name.length + text.length))
  }
}
