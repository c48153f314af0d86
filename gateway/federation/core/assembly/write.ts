import { ensure, odd, top } from './memory'
import { fieldOf, FIRST, holderOf, ITEMS, NEXT } from './tables'

/**
 * Writes the answer.
 *
 * Program of an object: number of its fields, of each address and length of `{"key":` or `,"key":`, how it is written, the call whose entity has it or -1, the field,
 * whether null is none of its values, and what is below. Below an object: number of shapes, of each the shape and the program.
 */

/** How a field is written. */
const LEAF: u32 = 0
/** An ID, which may have come as a number. */
const ID: u32 = 1
/** All of it stands in the key's text. */
const WRITTEN: u32 = 2

let out: usize = 0

/** The answer of the data at `root` begins where `top` was, and ends here. */
export function write(program: usize, root: usize): usize {
  out = top
  object(program, root)
  return out
}

/** Copies, perhaps 16 bytes more than asked. The end of those asked. */
@inline
export function copied(from: usize, to: usize, length: u32): usize {
  if (length <= 16) v128.store(to, v128.load(from))
  else if (length <= 32) {
    v128.store(to, v128.load(from))
    v128.store(to, v128.load(from, 16), 16)
  } else memory.copy(to, from, length)
  return to + length
}

@inline
function put(from: usize, length: u32): void {
  ensure(out + length)
  out = copied(from, out, length)
}

@inline
function putByte(byte: u8): void {
  ensure(out + 1)
  store<u8>(out++, byte)
}

@inline
function putNull(): void {
  ensure(out + 4)
  store<u32>(out, 0x6c6c756e)
  out += 4
}

function object(program: usize, record: usize): void {
  const fields = load<u32>(program)
  let field = program + 4
  for (let i: u32 = 0; i < fields; i++, field += 28) {
    put(load<u32>(field), load<u32>(field + 4))
    const how = load<u32>(field + 8)
    if (how == WRITTEN) continue
    const holder = holderOf(record, load<i32>(field + 12))
    if (!holder) {
      if (load<u32>(field + 20)) odd()
      putNull()
      continue
    }
    const words = fieldOf(holder, load<u32>(field + 16))
    const begin = load<u32>(words)
    if (how == LEAF) put(begin, load<u32>(words + 4) - begin)
    else if (how == ID) id(begin, load<u32>(words + 4) - begin)
    else node(load<u32>(field + 24), begin)
  }
  if (!fields) putByte(0x7b)
  putByte(0x7d)
}

function id(begin: usize, length: u32): void {
  const first = load<u8>(begin)
  if (first == 0x22 || first == 0x6e) {
    put(begin, length)
    return
  }
  putByte(0x22)
  put(begin, length)
  putByte(0x22)
}

function node(below: usize, at: usize): void {
  const tag = at ? load<u32>(at) : 0
  if (!tag) {
    putNull()
    return
  }
  if (tag == ITEMS) {
    putByte(0x5b)
    for (let item = <usize>load<u32>(at + FIRST), isFirst = true; item; item = load<u32>(item + NEXT), isFirst = false) {
      if (!isFirst) putByte(0x2c)
      node(below, item)
    }
    putByte(0x5d)
    return
  }
  const known = load<u32>(below)
  for (let i: u32 = 0; i < known; i++) {
    const one = below + 4 + 8 * i
    if (load<u32>(one) != tag) continue
    object(load<u32>(one + 4), at)
    return
  }
  odd()
}
