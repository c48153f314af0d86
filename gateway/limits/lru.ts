/** Texts by name, bounded in number and in size; the longest unused goes first. */
export class TextCache {
  readonly #maxEntries: number
  readonly #maxBytes: number
  readonly #texts = new Map<string, string>()
  #bytes = 0

  constructor(maxEntries: number, maxBytes: number) {
    this.#maxEntries = maxEntries
    this.#maxBytes = maxBytes
  }

  get size(): number {
    return this.#texts.size
  }

  get(name: string): string | undefined {
    const text = this.#texts.get(name)
    if (text === undefined) return undefined
    this.#texts.delete(name)
    this.#texts.set(name, text)
    return text
  }

  /** A text larger than all the room there is, is not kept. */
  set(name: string, text: string): void {
    this.delete(name)
    const bytes = sizeBytes(name, text)
    if (bytes > this.#maxBytes) return
    this.#texts.set(name, text)
    this.#bytes += bytes
    for (const oldest of this.#texts.keys()) {
      if (this.#texts.size <= this.#maxEntries && this.#bytes <= this.#maxBytes) break
      this.delete(oldest)
    }
  }

  delete(name: string): boolean {
    const text = this.#texts.get(name)
    if (text === undefined) return false
    this.#bytes -= sizeBytes(name, text)
    return this.#texts.delete(name)
  }
}

/** V8 keeps at most two bytes a character. */
function sizeBytes(name: string, text: string): number {
  return 2 * (name.length + text.length)
}
