import type { Entry } from '../ports/region-store.ts'
import { integers, type Lines } from './lines.ts'

const mostEntries = 131_072
/** Of records; an entry takes about four times as much as its record. */
const mostBytes = 32 * 1024 * 1024
const mostBytesEach = mostBytes / 1024

/**
 * Entries as they are handed out, so that what is asked for again and again is made once: all of them in a small region, in a large one those that are read twice within a short
 * while. An id's line says in `kept` the place of its entry, or, below -1, when one was made of its record last. Who is to make room is found by going round: an entry that was
 * read since the last time stays.
 */
export class Kept {
  readonly #lines: Lines
  readonly #entries: (Entry | undefined)[] = []
  /** By place: whose, of which size, and whether it was read since the hand was there. */
  readonly #ids: number[] = []
  readonly #sizes: number[] = []
  readonly #read: (0 | 1)[] = []
  readonly #empty: number[] = []
  #isPartial = false
  #bytes = 0
  #hand = 0
  #made = 0
  /** One more for each so many entries made. */
  #time = 0

  constructor(lines: Lines) {
    this.#lines = lines
  }

  /** Some entries had to be left out since the last `clear`: the region is a large one. */
  get isPartial(): boolean { return this.#isPartial }

  /** The entry at an id's place, which is not below 0. */
  at(place: number): Entry {
    this.#read[place] = 1
    return this.#entries[place] as Entry
  }

  /** An entry was stored, whose record has so many bytes; it is kept while nobody has to go for it. */
  stored(id: number, entry: Entry, bytes: number): void {
    if (bytes <= mostBytesEach && this.#hasRoom(bytes)) this.#keep(id, entry, bytes)
    else this.#isPartial = true
  }

  /** An entry was made of a record of so many bytes; it is kept if there is room, or one was a short while ago. */
  made(id: number, entry: Entry, bytes: number): void {
    this.#made += 1
    if (this.#made % mostEntries === 0) this.#time += 1
    const last = -2 - this.#lines.integer(id, integers.kept)
    if (bytes > mostBytesEach || (!this.#hasRoom(bytes) && (last < 0 || last < this.#time - 1))) {
      this.#isPartial = true
      this.#lines.setInteger(id, integers.kept, -2 - this.#time)
      return
    }
    while (!this.#hasRoom(bytes)) this.#makeRoom()
    this.#keep(id, entry, bytes)
  }

  /** The id's record is another one now, or gone. */
  forget(id: number): void {
    const place = this.#lines.integer(id, integers.kept)
    if (place < 0) return
    this.#entries[place] = undefined
    this.#bytes -= this.#sizes[place] as number
    this.#empty.push(place)
    this.#lines.setInteger(id, integers.kept, -1)
  }

  clear(): void {
    for (const [place, entry] of this.#entries.entries()) if (entry) this.forget(this.#ids[place] as number)
    this.#isPartial = false
  }

  #hasRoom(bytes: number): boolean {
    return this.#bytes + bytes <= mostBytes && (this.#empty.length > 0 || this.#entries.length < mostEntries)
  }

  #keep(id: number, entry: Entry, bytes: number): void {
    const place = this.#empty.pop() ?? this.#entries.length
    this.#entries[place] = entry
    this.#ids[place] = id
    this.#sizes[place] = bytes
    this.#read[place] = 0
    this.#bytes += bytes
    this.#lines.setInteger(id, integers.kept, place)
  }

  #makeRoom(): void {
    for (;;) {
      this.#hand = (this.#hand + 1) % this.#entries.length
      if (this.#entries[this.#hand] !== undefined && this.#read[this.#hand] === 0) break
      this.#read[this.#hand] = 0
    }
    this.forget(this.#ids[this.#hand] as number)
  }
}
