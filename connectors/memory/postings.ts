import { KeyTable } from './key-table.ts'
import { Slab } from './slab.ts'

/** A number for each index, in blocks, so that growing moves none. What was never set is 0. */
class Words {
  readonly #blocks: (Int32Array | undefined)[] = []

  get(index: number): number {
    return this.#blocks[index >>> 12]?.[index & 4095] ?? 0
  }

  set(index: number, value: number): void {
    const block = index >>> 12
    this.#blocks[block] ??= new Int32Array(4096)
    ;(this.#blocks[block] as Int32Array)[index & 4095] = value
  }
}

/** In the slot of a list: whose it is, how many ids, then they. */
const [length, ids] = [1, 2]
/** Lists above this grow by half, others by the slab's next size. */
const growsSlowlyBelow = 8 * 1024

/**
 * Lists of ids, each id in one of them at most, in no order. A list of one id is that id and takes no memory; a longer one lies in one piece. A list is named by a number that changes
 * when it becomes one of one id, or of more.
 */
export class Postings {
  readonly #slab = new Slab((run, address) => this.#addresses.set(run, address))
  readonly #addresses = new Words()
  /** Where in its list each id stands, in lists of more than one. */
  readonly #positions = new Words()
  readonly #free: number[] = []
  #runs = 0

  only(id: number): number {
    return id << 1
  }

  count(list: number): number {
    return (list & 1) === 0 ? 1 : this.#at(list, length)
  }

  first(list: number): number {
    return (list & 1) === 0 ? list >>> 1 : this.#at(list, ids)
  }

  /** Puts the list's ids behind those that are there. */
  collect(list: number, to: number[]): void {
    if ((list & 1) === 0) {
      to.push(list >>> 1)
      return
    }
    const address = this.#addresses.get(list >>> 1)
    const { words } = this.#slab.chunk(address)
    const word = this.#slab.offset(address) >>> 2
    const end = word + ids + (words[word + length] as number)
    for (let at = word + ids; at < end; at++) to.push(words[at] as number)
  }

  /** The list with one id more. */
  add(list: number, id: number): number {
    if ((list & 1) === 0) {
      const run = this.#free.pop() ?? this.#runs++
      this.#addresses.set(run, this.#slab.allocate(bytesOf(2), run))
      const longer = (run << 1) | 1
      this.#put(longer, 0, list >>> 1)
      this.#put(longer, 1, id)
      this.#set(longer, length, 2)
      return longer
    }
    const count = this.#at(list, length)
    if (4 * (ids + count + 1) > this.#slab.room(this.#addresses.get(list >>> 1))) this.#move(list, count, bytesOf(count + 1))
    this.#put(list, count, id)
    this.#set(list, length, count + 1)
    return list
  }

  /** The list without one of its ids; −1: it was the only one. */
  remove(list: number, id: number): number {
    if ((list & 1) === 0) return -1
    const left = this.#at(list, length) - 1
    this.#put(list, this.#positions.get(id), this.#at(list, ids + left))
    this.#set(list, length, left)
    const address = this.#addresses.get(list >>> 1)
    if (left > 1) {
      if (4 * bytesOf(left) < this.#slab.room(address)) this.#move(list, left, bytesOf(left))
      return list
    }
    const only = this.only(this.#at(list, ids))
    this.#slab.free(address)
    this.#slab.compact()
    this.#free.push(list >>> 1)
    return only
  }

  /** Into a slot of so many bytes. */
  #move(list: number, count: number, bytes: number): void {
    const address = this.#addresses.get(list >>> 1)
    const moved: number[] = []
    this.collect(list, moved)
    this.#addresses.set(list >>> 1, this.#slab.allocate(bytes, list >>> 1))
    for (let place = 0; place < count; place++) this.#set(list, ids + place, moved[place] as number)
    this.#set(list, length, count)
    this.#slab.free(address)
    this.#slab.compact()
  }

  #put(list: number, place: number, id: number): void {
    this.#set(list, ids + place, id)
    this.#positions.set(id, place)
  }

  #at(list: number, word: number): number {
    const address = this.#addresses.get(list >>> 1)
    return this.#slab.chunk(address).words[(this.#slab.offset(address) >>> 2) + word] as number
  }

  #set(list: number, word: number, value: number): void {
    const address = this.#addresses.get(list >>> 1)
    this.#slab.chunk(address).words[(this.#slab.offset(address) >>> 2) + word] = value
  }
}

/** Taken for a list of so many. */
function bytesOf(count: number): number {
  const bytes = 4 * (ids + count)
  return bytes <= growsSlowlyBelow ? bytes : 4 * (ids + Math.ceil(count * 1.5))
}

/** Ids by a text that several may have. The texts stand elsewhere: `holds` says whether an id's is this one. */
export class PostingTable {
  readonly #postings: Postings
  readonly #lists: KeyTable

  /** `postings`: of ids that nobody else puts there. `flooded` as of a `KeyTable`. */
  constructor(postings: Postings, hash: (text: string) => number, holds: (id: number, text: string) => boolean, flooded: (probes: number) => void) {
    this.#postings = postings
    this.#lists = new KeyTable(hash, (list, text) => holds(postings.first(list), text), flooded)
  }

  count(text: string): number {
    const list = this.#lists.find(text)
    return list < 0 ? 0 : this.#postings.count(list)
  }

  ids(text: string): readonly number[] {
    const list = this.#lists.find(text)
    const found: number[] = []
    if (list >= 0) this.#postings.collect(list, found)
    return found
  }

  /** Puts the ids of each text behind those that are there, and answers where each text's end. In passes, so that the waits for memory overlap; `approach` is given ids, −1: of none. */
  collect(texts: readonly string[], to: number[], approach: (ids: readonly number[]) => void): number[] {
    const lists = this.#lists.findMany(texts, found => approach(found.map(list => (list < 0 ? -1 : this.#postings.first(list)))))
    return lists.map(list => {
      if (list >= 0) this.#postings.collect(list, to)
      return to.length
    })
  }

  /** Whether it is the first with this text. The id must have it already. */
  add(text: string, id: number): boolean {
    const list = this.#lists.find(text)
    if (list < 0) this.#lists.insert(text, this.#postings.only(id))
    else this.#become(text, list, this.#postings.add(list, id))
    return list < 0
  }

  /** Whether it was the last with this text. The id must have it still. */
  remove(text: string, id: number): boolean {
    const list = this.#lists.find(text)
    if (list < 0) throw new RangeError('An index does not know what it is to forget.')
    const left = this.#postings.remove(list, id)
    if (left < 0) this.#lists.remove(text, list)
    else this.#become(text, list, left)
    return left < 0
  }

  #become(text: string, list: number, other: number): void {
    if (other !== list) this.#lists.exchange(text, list, other)
  }
}
