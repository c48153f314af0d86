import { ensure, same, seed, setTop, take, top } from './memory'
import { callOf, fieldOf, FIRST, holderOf, ITEMS, NEXT, ROW, ROW_BELOW, SHAPE_ROWS } from './tables'
import { copied } from './write'

/**
 * Entities a call asks for: found at the end of paths, each representation once.
 *
 * Program: number of paths, of each address and number of its steps, and its ends. Step: number of shapes, of each the shape, the call whose entity has the field
 * or -1, the field. Ends: number of shapes, of each the shape, the slot of the call, the shape of the entity, address and number of the pieces of its
 * representation. Piece: address and length of a text, then the call and the field of the value behind it; the last has field -1.
 *
 * While it is asked for, the slot of an object holds twice the number of its representation and one, and the object the call asked for before.
 */

/** The objects that were found last, linked by their slots; records of what they are. */
export let chain: usize = 0
/** Number of representations. */
export let count: u32 = 0
/** Shape of the entity each representation names, behind their number. */
export let shapes: usize = 0

let out: usize = 0
let steps: usize = 0
let stepCount: u32 = 0
let ends: usize = 0
let isCounting: bool = false
let found: u32 = 0
let table: usize = 0
let mask: u32 = 0

/** Writes the representations in the data at `root`, with commas between, to where `top` is. Their end. */
export function represent(program: usize, root: usize): usize {
  chain = 0
  count = 0
  found = 0
  isCounting = true
  walkAll(program, root)
  isCounting = false
  let size: u32 = 16
  while (size < 2 * found) size *= 2
  mask = size - 1
  shapes = take(4 + 4 * found)
  // The table and the texts are needed no longer than until they are read.
  const at = top
  table = take(16 * size)
  memory.fill(table, 0, 16 * size)
  out = top
  texts = out
  setTop(at)
  walkAll(program, root)
  store<u32>(shapes, count)
  return out
}

/** Where the representations begin that were written last. */
export let texts: usize = 0

export function chainOf(): usize {
  return chain
}

export function countOf(): u32 {
  return count
}

export function shapesOf(): usize {
  return shapes
}

export function textsOf(): usize {
  return texts
}

function walkAll(program: usize, root: usize): void {
  const paths = load<u32>(program)
  for (let i: u32 = 0; i < paths; i++) {
    const path = program + 4 + 12 * i
    steps = load<u32>(path)
    stepCount = load<u32>(path + 4)
    ends = load<u32>(path + 8)
    walk(root, 0, steps)
  }
}

function walk(node: usize, passed: u32, step: usize): void {
  const tag = load<u32>(node)
  if (tag == 0) return
  if (tag == ITEMS) {
    for (let item = <usize>load<u32>(node + FIRST); item; item = load<u32>(item + NEXT)) walk(item, passed, step)
    return
  }
  if (passed == stepCount) {
    arrived(node, tag)
    return
  }
  const known = load<u32>(step)
  for (let i: u32 = 0; i < known; i++) {
    const one = step + 4 + 12 * i
    if (load<u32>(one) != tag) continue
    const holder = holderOf(node, load<i32>(one + 4))
    if (!holder) return
    const below = <usize>load<u32>(fieldOf(holder, load<u32>(one + 8)))
    if (below) walk(below, passed + 1, step + 4 + 12 * known)
    return
  }
}

function arrived(record: usize, shape: u32): void {
  const known = load<u32>(ends)
  for (let i: u32 = 0; i < known; i++) {
    const end = ends + 4 + 20 * i
    if (load<u32>(end) != shape) continue
    if (isCounting) found++
    else name(record, end)
    return
  }
}

/** Writes what stands for the object. Of one with nothing but nulls nothing does. */
function name(record: usize, end: usize): void {
  const slot = callOf(record, load<u32>(end + 4))
  if (load<u32>(slot)) return
  const from = out
  if (count) {
    ensure(out + 1)
    store<u8>(out++, 0x2c)
  }
  const text = out
  let isNamed = false
  let piece = <usize>load<u32>(end + 12)
  while (true) {
    copy(load<u32>(piece), load<u32>(piece + 4))
    const field = load<i32>(piece + 12)
    if (field < 0) break
    const holder = holderOf(record, load<i32>(piece + 8))
    if (!holder) {
      out = from
      return
    }
    const words = fieldOf(holder, field)
    const begin = load<u32>(words)
    if (load<u8>(begin) != 0x6e) isNamed = true
    copy(begin, load<u32>(words + 4) - begin)
    piece += 16
  }
  if (!isNamed) {
    out = from
    return
  }
  const at = placeOf(text, <u32>(out - text), load<u32>(end + 8))
  if (at != count - 1 || isKnown) out = from
  store<u32>(slot, (at << 1) | 1)
  store<u32>(slot + 4, <u32>chain)
  chain = slot
}

@inline
function copy(from: usize, length: u32): void {
  ensure(out + length)
  out = copied(from, out, length)
}

let isKnown: bool = false

/** Number of the representation, which may be known. */
function placeOf(text: usize, length: u32, shape: u32): u32 {
  const hash = hashOf(text, length)
  let index = <u32>hash & mask
  while (true) {
    const entry = table + 16 * index
    const known = load<u32>(entry)
    if (!known) {
      store<u32>(entry, <u32>text)
      store<u32>(entry + 4, length)
      store<u32>(entry + 8, <u32>(hash >> 32))
      store<u32>(entry + 12, count)
      store<u32>(shapes + 4 + 4 * count, shape)
      isKnown = false
      return count++
    }
    if (load<u32>(entry + 8) == <u32>(hash >> 32) && load<u32>(entry + 4) == length && same(known, text, length)) {
      isKnown = true
      return load<u32>(entry + 12)
    }
    index = (index + 1) & mask
  }
}

/** Behind a text lie 32 bytes that may be read, whatever they are: they are cut off. */
function hashOf(text: usize, length: u32): u64 {
  let hash = seed ^ length
  let left = length
  while (left >= 8) {
    hash = mixed(hash ^ load<u64>(text))
    text += 8
    left -= 8
  }
  if (left) hash = mixed(hash ^ (load<u64>(text) & ((<u64>1 << (8 * left)) - 1)))
  return mixed(hash)
}

@inline
function mixed(hash: u64): u64 {
  hash *= 0x9fb21c651e98df25
  return hash ^ (hash >> 32)
}

/** Says what the answer of a call holds under one of its names: an entity of each of the shapes. */
export function expect(shape: usize, field: u32, shapes: usize): void {
  store<u32>(shape + SHAPE_ROWS + ROW * <usize>field + ROW_BELOW, <u32>shapes)
}

/** Hands the entities, in the order of their representations, to the objects of the chain: 0 to those whose entity is null. With no list all are. */
export function join(entities: usize, chained: usize, known: u32): void {
  const before = top
  const records = take(4 * known)
  if (!entities) memory.fill(records, 0, 4 * known)
  else {
    let at = records
    for (let item = <usize>load<u32>(entities + FIRST); item; item = load<u32>(item + NEXT)) {
      store<u32>(at, load<u32>(item) ? <u32>item : 0)
      at += 4
    }
  }
  for (let slot = chained; slot; ) {
    const next = load<u32>(slot + 4)
    store<u32>(slot, load<u32>(records + 4 * (load<u32>(slot) >>> 1)))
    store<u32>(slot + 4, 0)
    slot = next
  }
  setTop(before)
}
