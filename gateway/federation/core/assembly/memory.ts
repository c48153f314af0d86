/**
 * What lies in the memory of one run, in words of 4 bytes, addresses from the memory's beginning:
 *
 * - the image: tables made of the plan, and the texts they point to (`image.ts` writes them)
 * - answers of subgraphs as they came, each followed by 32 zero bytes, on which every search ends
 * - records, one for each object of an answer: `shape, next`, two words for each field of the shape (begin and end of a leaf's text, or a node and nothing),
 *   two for each entity call that adds to such objects (the entity's record, or what `entities.ts` notes while it is asked for)
 * - lists of objects: `1, next, first`; a null in a list: `0, next`
 *
 * A node is the address of a record or a list; 0 is null. `next` links the items of a list.
 */

/** Throws: the answer is to be made the general way. */
@external('env', 'odd')
export declare function odd(): void

/** Writes the JSON value between `from` and `to` as JSON.stringify does, at `at`, where there is room; answers its end. Throws for what is no JSON, and where there is no room. */
@external('env', 'normal')
export declare function normal(from: usize, to: usize, at: usize): usize

/** Bytes a memory may grow to. */
const MOST: usize = 1 << 28

/** First free byte. */
export let top: usize = 0
/** End of what was ever written to: all behind it is zero. */
export let high: usize = 0
let limit: usize = 0
export let seed: u64 = 0

export function setTop(to: usize): void {
  top = to
}

/** A run begins: the image is in place and ends at `from`. */
export function begin(from: usize, hashSeed: u64): void {
  top = (from + 7) & ~7
  high = top
  limit = <usize>memory.size() << 16
  seed = hashSeed
}

/** Makes sure that bytes up to `end`, and 32 more, may be written. */
export function ensure(end: usize): void {
  end += 32
  if (end > high) high = end
  if (end <= limit) return
  if (end > MOST) odd()
  const pages = <i32>((end - limit + 0xffff) >>> 16)
  const spare = <i32>(limit >>> 17)
  if (memory.grow(max(pages, spare)) < 0 && memory.grow(pages) < 0) odd()
  limit = <usize>memory.size() << 16
}

/** Address of so many bytes, not cleared; on a border of 8. */
export function take(bytes: usize): usize {
  const at = top
  const end = at + ((bytes + 7) & ~7)
  if (end < at) odd()
  ensure(end)
  top = end
  return at
}

/** Room for an answer of so many bytes. */
export function reserve(bytes: usize): usize {
  const at = take(bytes + 32)
  memory.fill(at + bytes, 0, 32)
  return at
}

export function topOf(): usize {
  return top
}

export function used(): usize {
  return high
}

/** Whether `length` bytes at both addresses are the same. */
@inline
export function same(a: usize, b: usize, length: u32): bool {
  let n = length
  while (n >= 8) {
    if (load<u64>(a) != load<u64>(b)) return false
    a += 8
    b += 8
    n -= 8
  }
  if (n & 4) {
    if (load<u32>(a) != load<u32>(b)) return false
    a += 4
    b += 4
  }
  if (n & 2) {
    if (load<u16>(a) != load<u16>(b)) return false
    a += 2
    b += 2
  }
  return !(n & 1) || load<u8>(a) == load<u8>(b)
}
