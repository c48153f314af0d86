import { Chunk, type Page, Pages, pageUnits, unitBytes } from './pages.ts'

/** Records above this have memory of their own, so a page holds eight slots at least. */
const largestSlot = 8 * 1024
/** Slots of 16, 32, … 512 bytes, and from there eight sizes to each doubling: no slot is larger than its record by more than an eighth and 15 bytes. */
const evenClasses = 32
const classCount = evenClasses + 32
/** Pages looked at for the emptiest. */
const pagesCompared = 16

/** Slots of one size. */
interface Class {
  readonly units: number
  /** In a page. */
  readonly slots: number
  /** Pages with a free slot. */
  readonly open: Page[]
  pages: number
  /** Slots, in all pages. */
  free: number
}

/**
 * Memory for records, outside of the JavaScript heap. A record lies in a slot whose first word is its owner, not negative; the rest is the owner's. A page has slots of one size;
 * records over 8 KiB have a chunk each, and a negative address. Invariants:
 *   - an address is good until the next `allocate`, `free` or `compact`: whoever keeps one learns from `moved` where its record is now;
 *   - a slot is in use exactly while its first word is not negative, and no two owners have one;
 *   - `compact` moves the records of one page at most, and each arrives with the same bytes.
 */
export class Slab {
  readonly #moved: (owner: number, address: number) => void
  readonly #pages = new Pages()
  readonly #large: (Chunk | undefined)[] = []
  readonly #largeFree: number[] = []
  readonly #classes: readonly Class[] = Array.from({ length: classCount }, (_, index) => {
    const units = unitsOf(index)
    return { units, slots: Math.floor(pageUnits / units), open: [], pages: 0, free: 0 }
  })
  /** The class of the slot that was freed last. */
  #freed: Class | undefined
  #largeBytes = 0
  /** Bytes of the slots in use. */
  live = 0

  /** `moved` is told of each record that `compact` put elsewhere. */
  constructor(moved: (owner: number, address: number) => void) {
    this.#moved = moved
  }

  /** Bytes taken from the system. */
  get allocated(): number { return this.#pages.bytes + this.#largeBytes }

  chunk(address: number): Chunk {
    return address < 0 ? (this.#large[-1 - address] as Chunk) : this.#pages.chunk(address)
  }

  /** Where in its chunk an address is, in bytes. */
  offset(address: number): number {
    return address < 0 ? 0 : (address & 0xfffff) << 4
  }

  /** Bytes the slot has. */
  room(address: number): number {
    return address < 0 ? this.chunk(address).bytes.length : this.#classOf(this.#pages.at(address)).units * unitBytes
  }

  /** Whether so many bytes would get a slot of the size this one has. */
  fits(address: number, bytes: number): boolean {
    if (bytes > largestSlot) return address < 0 && this.room(address) === unitsFor(bytes) * unitBytes
    return address >= 0 && this.#pages.at(address).class === classFor(bytes)
  }

  /** A slot of at least so many bytes, in which all but the owner is whatever stood there. */
  allocate(bytes: number, owner: number): number {
    const address = bytes > largestSlot ? this.#takeLarge(bytes) : this.#take(classFor(bytes))
    this.live += this.room(address)
    this.chunk(address).words[this.offset(address) >>> 2] = owner
    return address
  }

  free(address: number): void {
    this.live -= this.room(address)
    if (address >= 0) {
      this.#release(address)
      return
    }
    this.#largeBytes -= this.room(address)
    this.#large[-1 - address] = undefined
    this.#largeFree.push(-1 - address)
  }

  /**
   * One step towards less memory, after a `free`: where more than a quarter of the slots of the size, or of all pages, lie free, the records of a page go into others. Costs the
   * copying of 64 KiB at most; next to nothing where there is nothing to do.
   */
  compact(): void {
    const one = this.#freed
    this.#freed = undefined
    const page = one && isSparse(one) ? emptiest(one) : this.#pages.next()
    if (page) this.#vacate(page)
  }

  #takeLarge(bytes: number): number {
    const chunk = new Chunk(unitsFor(bytes) * unitBytes)
    this.#largeBytes += chunk.bytes.length
    const index = this.#largeFree.pop() ?? this.#large.length
    this.#large[index] = chunk
    return -1 - index
  }

  #take(index: number): number {
    const one = this.#classes[index] as Class
    const page = one.open[one.open.length - 1] ?? this.#addPage(one, index)
    let slot = page.free
    if (slot >= 0) page.free = page.chunk.words[wordOf(page, slot, one) + 1] as number
    else slot = page.fresh++
    page.used += 1
    one.free -= 1
    if (page.used === one.slots) close(one, page)
    return page.number * pageUnits + slot * one.units
  }

  #release(address: number): void {
    const page = this.#pages.at(address)
    const one = this.#classOf(page)
    const slot = (address & (pageUnits - 1)) / one.units
    const word = wordOf(page, slot, one)
    page.chunk.words[word] = -1
    page.chunk.words[word + 1] = page.free
    page.free = slot
    page.used -= 1
    one.free += 1
    this.#freed = one
    if (page.place < 0) open(one, page)
    if (page.used > 0) return
    close(one, page)
    this.#removePage(one, page)
  }

  #addPage(one: Class, index: number): Page {
    const page = this.#pages.take()
    page.class = index
    one.pages += 1
    one.free += one.slots
    open(one, page)
    return page
  }

  #removePage(one: Class, page: Page): void {
    one.pages -= 1
    one.free -= one.slots
    this.#pages.giveBack(page)
  }

  /** Moves the records of a page into others of its class. */
  #vacate(page: Page): void {
    const one = this.#classOf(page)
    if (page.place >= 0) close(one, page)
    for (const slot of slotsInUse(page, one)) {
      const to = this.#take(page.class)
      const word = wordOf(page, slot, one)
      copyWords(page.chunk.words, word, this.chunk(to).words, this.offset(to) >>> 2, (one.units * unitBytes) / 4)
      this.#moved(page.chunk.words[word] as number, to)
      one.free += 1
    }
    this.#removePage(one, page)
  }

  #classOf(page: Page): Class {
    return this.#classes[page.class] as Class
  }
}

export function copyWords(from: Int32Array, at: number, to: Int32Array, toAt: number, count: number): void {
  for (let index = 0; index < count; index++) to[toAt + index] = from[at + index] as number
}

function slotsInUse(page: Page, one: Class): number[] {
  const found: number[] = []
  for (let slot = 0; slot < page.fresh; slot++) if ((page.chunk.words[wordOf(page, slot, one)] as number) >= 0) found.push(slot)
  return found
}

function wordOf(page: Page, slot: number, { units }: Class): number {
  return page.firstWord + (slot * units * unitBytes) / 4
}

function open(one: Class, page: Page): void {
  page.place = one.open.length
  one.open.push(page)
}

function close(one: Class, page: Page): void {
  const last = one.open.pop() as Page
  if (last !== page) {
    one.open[page.place] = last
    last.place = page.place
  }
  page.place = -1
}

function isSparse({ free, slots, pages }: Class): boolean {
  return free > slots * Math.max(2, pages / 4)
}

function emptiest({ open }: Class): Page {
  return open.slice(0, pagesCompared).reduce((best, page) => (page.used < best.used ? page : best))
}

function unitsFor(bytes: number): number {
  return Math.ceil(bytes / unitBytes)
}

function classFor(bytes: number): number {
  const above = unitsFor(bytes) - 1
  if (above < evenClasses) return Math.max(0, above)
  const doubling = 31 - Math.clz32(above)
  return evenClasses + (doubling - 5) * 8 + (above >>> (doubling - 3)) - 8
}

function unitsOf(index: number): number {
  if (index < evenClasses) return index + 1
  const above = index - evenClasses
  return (9 + (above & 7)) << ((above >>> 3) + 2)
}
