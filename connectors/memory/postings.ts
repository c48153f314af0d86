import { KeyTable } from './key-table.ts'

const blockIds = 1024
/** Where in an id's four words these are; one is left, so that none lies across two lines of the processor's cache. */
const [next, previous, count] = [0, 1, 2]

/**
 * Lists of ids, each id in one of them at most, in 16 bytes an id. A list is named by its first id, which knows how many they are and, as the one before itself, the last: so one
 * more at the end, and one less, costs a few writes.
 */
export class Postings {
  readonly #blocks: (Int32Array | undefined)[] = []

  /** The id behind this one; −1: it is the last. */
  next(id: number): number {
    return this.#word(id, next)
  }

  count(first: number): number {
    return this.#word(first, count)
  }

  /** Begins a list. */
  begin(id: number): void {
    this.#take(id, id)
    this.#set(id, count, 1)
  }

  append(first: number, id: number): void {
    const last = this.#word(first, previous)
    this.#take(id, last)
    this.#set(last, next, id)
    this.#set(first, previous, id)
    this.#set(first, count, this.#word(first, count) + 1)
  }

  /** Takes an id out; answers who is the first now, −1: nobody is left. */
  remove(first: number, id: number): number {
    const [behind, before] = [this.#word(id, next), this.#word(id, previous)]
    const left = this.#word(first, count) - 1
    if (left === 0) return -1
    const begin = id === first ? behind : first
    if (id !== first) this.#set(before, next, behind)
    if (behind < 0) this.#set(first, previous, before)
    else this.#set(behind, previous, before)
    this.#set(begin, count, left)
    return begin
  }

  /** The last of a list, behind that one. */
  #take(id: number, before: number): void {
    this.#blocks[id >>> 10] ??= new Int32Array(4 * blockIds)
    this.#set(id, next, -1)
    this.#set(id, previous, before)
  }

  #word(id: number, word: number): number {
    return (this.#blocks[id >>> 10] as Int32Array)[((id & (blockIds - 1)) << 2) + word] as number
  }

  #set(id: number, word: number, value: number): void {
    ;(this.#blocks[id >>> 10] as Int32Array)[((id & (blockIds - 1)) << 2) + word] = value
  }
}

/** Ids by a text that several may have. The texts stand elsewhere: `holds` says whether an id's is this one. */
export class PostingTable {
  readonly #postings: Postings
  readonly #firsts: KeyTable

  /** `postings`: of ids that nobody else puts there. `flooded` as of a `KeyTable`. */
  constructor(postings: Postings, hash: (text: string) => number, holds: (id: number, text: string) => boolean, flooded: (probes: number) => void) {
    this.#postings = postings
    this.#firsts = new KeyTable(hash, holds, flooded)
  }

  count(text: string): number {
    const first = this.#firsts.find(text)
    return first < 0 ? 0 : this.#postings.count(first)
  }

  /** In the order in which they came. None may go meanwhile. */
  *ids(text: string): Generator<number> {
    for (let id = this.#firsts.find(text); id >= 0; id = this.#postings.next(id)) yield id
  }

  /** Puts the ids of each text behind those that are there, and answers where each text's end. In passes, so that the waits for memory overlap; `approach` as of `findMany`. */
  collect(texts: readonly string[], ids: number[], approach: (ids: readonly number[]) => void): number[] {
    const firsts = this.#firsts.findMany(texts, approach)
    let sum = 0
    for (const first of firsts) if (first >= 0) sum += this.#postings.next(first)
    if (Number.isNaN(sum)) throw new RangeError('One of the ids is in no list.')
    return firsts.map(first => {
      for (let id = first; id >= 0; id = this.#postings.next(id)) ids.push(id)
      return ids.length
    })
  }

  /** Whether it is the first with this text. The id must have it already. */
  add(text: string, id: number): boolean {
    const first = this.#firsts.find(text)
    if (first >= 0) this.#postings.append(first, id)
    else {
      this.#postings.begin(id)
      this.#firsts.insert(text, id)
    }
    return first < 0
  }

  /** Whether it was the last with this text. The id must have it still. */
  remove(text: string, id: number): boolean {
    const first = this.#firsts.find(text)
    const begin = this.#postings.remove(first, id)
    if (begin < 0) this.#firsts.remove(text, id)
    else if (begin !== first) this.#firsts.exchange(text, first, begin)
    return begin < 0
  }
}
