/** Bytes with views of them, in the machine's order: an Int32 at offset / 4, a Uint16 at offset / 2. */
export class Chunk {
  readonly bytes: Buffer
  readonly halves: Uint16Array
  readonly words: Int32Array

  /** `size` is a multiple of four. */
  constructor(size: number) {
    const buffer = new ArrayBuffer(size)
    this.bytes = Buffer.from(buffer)
    this.halves = new Uint16Array(buffer)
    this.words = new Int32Array(buffer)
  }
}

/** The unit of addresses: a page has 4,096 of them. */
export const unitBytes = 16
export const pageUnits = 4096
const pageBytes = pageUnits * unitBytes
/** The first chunk; the next ones are four times larger each, up to `chunkPages`. */
const firstPages = 16
const chunkPages = 256
/** Addresses have 31 bits. */
const mostChunks = 2048

/** 64 KiB of a chunk. What is in it, its user says. */
export class Page {
  readonly number: number
  readonly chunk: Chunk
  /** Where it begins in the chunk, in words of four bytes. */
  readonly firstWord: number
  /** -1: it is free. */
  class = -1
  used = 0
  /** The first of the slots that were freed, -1 without any; each names the next in its second word. */
  free = -1
  /** Slots from here on were never used. */
  fresh = 0
  /** Its place among the pages of its class that have a free slot; -1: it has none. */
  place = -1

  constructor(number: number, chunk: Chunk) {
    this.number = number
    this.chunk = chunk
    this.firstWord = ((number & (chunkPages - 1)) * pageBytes) / 4
  }
}

/** Pages taken from the system in chunks of 1, 4 and then 16 MiB, and given back by chunk. */
export class Pages {
  readonly #chunks: (Chunk | undefined)[] = []
  readonly #pages: (Page | undefined)[] = []
  /** Those given back last are at the end, and taken first. */
  #free: Page[] = []
  /** A chunk that is being emptied; its free pages are not taken. */
  #leaving = -1
  #count = 0

  /** Taken from the system. */
  get bytes(): number { return this.#count * pageBytes }

  chunk(address: number): Chunk {
    return this.#chunks[address >>> 20] as Chunk
  }

  at(address: number): Page {
    return this.#pages[address >>> 12] as Page
  }

  take(): Page {
    if (this.#free.length === 0) this.#grow()
    return this.#free.pop() as Page
  }

  giveBack(page: Page): void {
    page.class = -1
    page.used = 0
    page.free = -1
    page.fresh = 0
    if (page.number >>> 8 !== this.#leaving) this.#free.push(page)
  }

  /**
   * A page to be given back as soon as can be, so that its chunk can be let go of; the chunk goes when none is left in it. Undefined while less than a quarter of all pages is
   * free, or less than a chunk and a half.
   */
  next(): Page | undefined {
    if (this.#leaving < 0) {
      if (this.#free.length < Math.max(1.5 * chunkPages, this.#count / 4)) return undefined
      this.#leaving = this.#emptiest()
      this.#free = this.#free.filter(page => page.number >>> 8 !== this.#leaving)
    }
    const pages = this.#pagesOf(this.#leaving)
    const used = pages.find(page => page.class >= 0)
    if (used) return used
    for (const { number } of pages) this.#pages[number] = undefined
    this.#chunks[this.#leaving] = undefined
    this.#count -= pages.length
    this.#leaving = -1
    return undefined
  }

  #grow(): void {
    if (this.#leaving >= 0) {
      this.#free = this.#pagesOf(this.#leaving).filter(page => page.class < 0)
      this.#leaving = -1
      if (this.#free.length > 0) return
    }
    // The number of a chunk that went is free again.
    const gap = this.#chunks.indexOf(undefined)
    const index = gap < 0 ? this.#chunks.length : gap
    if (index >= mostChunks) throw new RangeError(`The records of one region take more than ${(mostChunks * chunkPages * pageBytes) / 2 ** 30} GiB. Lower its maxEntries.`)
    const count = Math.min(chunkPages, firstPages * 4 ** this.#chunks.filter(Boolean).length)
    const chunk = new Chunk(count * pageBytes)
    this.#chunks[index] = chunk
    this.#count += count
    for (let number = index * chunkPages; number < index * chunkPages + count; number++) this.#pages[number] = new Page(number, chunk)
    this.#free.push(...this.#pagesOf(index).reverse())
  }

  #pagesOf(chunk: number): Page[] {
    return this.#pages.slice(chunk * chunkPages, (chunk + 1) * chunkPages).filter(page => page !== undefined)
  }

  /** The chunk with the most free pages. */
  #emptiest(): number {
    const free = new Map<number, number>()
    for (const { number } of this.#free) free.set(number >>> 8, (free.get(number >>> 8) ?? 0) + 1)
    return [...free].reduce((best, one) => (one[1] > best[1] ? one : best))[0]
  }
}
