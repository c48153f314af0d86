/** Entries from which on a table is 256 tables, each of which grows alone. */
const splitAt = 16_384
const leastSlots = 8
/** Slots looked at for one key: more than this is no chance with a keyed hash. */
const floodProbes = 512

/** A hash table of ids: linear probing, a slot is a hash and an id + 1, a removal moves up those behind it. */
class Table {
  slots = new Int32Array(2 * leastSlots)
  mask = leastSlots - 1
  size = 0
}

/**
 * The ids of keys. The keys stand elsewhere: `holds` says whether an id's is this one. Invariants:
 *   - an id that is found has the key asked for, whatever the hashes are;
 *   - no key has two ids;
 *   - a growing table is doubled alone: of 16,384 entries and more each of 256 tables has those whose hashes begin with the same byte.
 */
export class KeyTable {
  readonly #hash: (key: string) => number
  readonly #holds: (id: number, key: string) => boolean
  readonly #flooded: (probes: number) => void
  #tables: Table[] = [new Table()]
  size = 0

  /** `flooded` is told of a key for which so many slots had to be looked at that somebody chose the keys to meet, or the hash is none. */
  constructor(hash: (key: string) => number, holds: (id: number, key: string) => boolean, flooded: (probes: number) => void) {
    this.#hash = hash
    this.#holds = holds
    this.#flooded = flooded
  }

  /** −1: there is none. */
  find(key: string): number {
    const hash = this.#hash(key)
    const { slots, mask } = this.#table(hash)
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const id = (slots[2 * at + 1] as number) - 1
      if (id < 0) return -1
      if (slots[2 * at] === hash && this.#holds(id, key)) return id
    }
  }

  /** As `find` of each, in passes, so that the waits for memory overlap. `approach` is given what may be their ids, before the first of them is compared. */
  findMany(keys: readonly string[], approach: (ids: readonly number[]) => void): number[] {
    const hashes = keys.map(this.#hash)
    const ids = hashes.map(hash => this.#first(hash))
    approach(ids)
    for (let index = 0; index < keys.length; index++) {
      const id = ids[index] as number
      const key = keys[index] as string
      if (id >= 0 && !this.#holds(id, key)) ids[index] = this.find(key)
    }
    return ids
  }

  /** The key must not be there. */
  insert(key: string, id: number): void {
    const hash = this.#hash(key)
    const probes = add(this.#table(hash), hash, id + 1)
    if (probes > floodProbes) this.#flooded(probes)
    this.size += 1
    if (this.#tables.length === 1 && this.size >= splitAt) this.#split()
  }

  /** The key must be this id's. */
  remove(key: string, id: number): void {
    const hash = this.#hash(key)
    const table = this.#table(hash)
    const { slots, mask } = table
    let hole = slotOf(table, hash, id)
    for (let at = (hole + 1) & mask; slots[2 * at + 1] !== 0; at = (at + 1) & mask) {
      // One may move up as far as the place its hash names.
      if (((at - ((slots[2 * at] as number) & mask)) & mask) < ((at - hole) & mask)) continue
      slots[2 * hole] = slots[2 * at] as number
      slots[2 * hole + 1] = slots[2 * at + 1] as number
      hole = at
    }
    slots[2 * hole + 1] = 0
    table.size -= 1
    this.size -= 1
    if (table.size < 0.1 * mask && mask >= 2 * leastSlots) resize(table, (mask + 1) / 2)
  }

  /** Another id for the key, which must be this id's. */
  exchange(key: string, id: number, other: number): void {
    const hash = this.#hash(key)
    const table = this.#table(hash)
    table.slots[2 * slotOf(table, hash, id) + 1] = other + 1
  }

  /** The first id of a key with this hash; −1: there is none. */
  #first(hash: number): number {
    const { slots, mask } = this.#table(hash)
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const id = (slots[2 * at + 1] as number) - 1
      if (id < 0 || slots[2 * at] === hash) return id
    }
  }

  #table(hash: number): Table {
    return this.#tables[this.#tables.length === 1 ? 0 : hash >>> 24] as Table
  }

  #split(): void {
    const [whole] = this.#tables
    this.#tables = Array.from({ length: 256 }, () => new Table())
    if (whole) eachEntry(whole.slots, (hash, entry) => add(this.#table(hash), hash, entry))
  }
}

/** Where an id is, which must be there. */
function slotOf({ slots, mask }: Table, hash: number, id: number): number {
  let at = hash & mask
  while (slots[2 * at + 1] !== id + 1) at = (at + 1) & mask
  return at
}

/** Puts an entry into the first empty slot from its own on; answers how many were looked at. */
function place({ slots, mask }: Table, hash: number, entry: number): number {
  let probes = 1
  let at = hash & mask
  while (slots[2 * at + 1] !== 0) {
    at = (at + 1) & mask
    probes += 1
  }
  slots[2 * at] = hash
  slots[2 * at + 1] = entry
  return probes
}

/** As `place`, in a table that grows with it. */
function add(table: Table, hash: number, entry: number): number {
  const probes = place(table, hash, entry)
  table.size += 1
  if (table.size > 0.6 * (table.mask + 1)) resize(table, 2 * (table.mask + 1))
  return probes
}

function resize(table: Table, size: number): void {
  const before = table.slots
  table.slots = new Int32Array(2 * size)
  table.mask = size - 1
  eachEntry(before, (hash, entry) => place(table, hash, entry))
}

function eachEntry(slots: Int32Array, visit: (hash: number, entry: number) => void): void {
  for (let at = 0; at < slots.length; at += 2) if (slots[at + 1] !== 0) visit(slots[at] as number, slots[at + 1] as number)
}
