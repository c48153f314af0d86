import { ensure, normal, odd, same, setTop, take, top } from './memory'
import {
  ANY, BOOLEAN, ENTITIES, ENUM, FIELDS, FIRST, FLOAT, ID, INT, ITEMS, LEAVES, LIST, NEXT, NOTHING, OBJECT, ROW, ROW_BELOW, ROW_KEY, ROW_KEY_LENGTH, ROW_KIND, ROW_NON_NULL,
  SHAPE_CALLS, SHAPE_FIELDS, SHAPE_ROWS, TEXT, VARIANTS,
} from './tables'

/** What was read last: a node, or begin and end of a leaf's text. */
let node: usize = 0
let begins: usize = 0
let ends: usize = 0
/** Whether the value read last is not written as JSON.stringify writes it. */
let isOther: bool = false
/** Whether what is read was written as JSON.stringify does. */
let isSure: bool = false

/** Reads the answer of `length` bytes at `from`: an object with `data`, perhaps `extensions`, and nothing else. The record of its data, which has the shape. */
export function scan(shape: usize, from: usize, length: usize): usize {
  isSure = false
  let data: usize = 0
  let at = blank(expected(blank(from), 0x7b))
  while (true) {
    if (isData(at)) {
      if (data) odd()
      at = object(shape, valueAt(at + 6))
      data = node
    } else if (isExtensions(at)) {
      const begin = valueAt(at + 12)
      at = any(begin)
      ensure(top + 6 * (at - begin))
      normal(begin, at, top)
    } else odd()
    at = blank(at)
    if (load<u8>(at) == 0x7d) break
    at = blank(expected(at, 0x2c))
  }
  if (!data || blank(at + 1) != from + length) odd()
  return data
}

/** `"data"` */
@inline
function isData(at: usize): bool {
  return load<u32>(at) == 0x74616422 && load<u16>(at + 4) == 0x2261
}

/** `"extensions"` */
@inline
function isExtensions(at: usize): bool {
  return load<u64>(at) == 0x69736e6574786522 && load<u32>(at + 8) == 0x22736e6f
}

/** The value whose key ends at `at`. */
function valueAt(at: usize): usize {
  return blank(expected(blank(at), 0x3a))
}

@inline
function blank(at: usize): usize {
  while (isBlank(load<u8>(at))) at++
  return at
}

@inline
function isBlank(byte: u8): bool {
  return byte <= 0x20 && (byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09)
}

@inline
function expected(at: usize, byte: u8): usize {
  if (load<u8>(at) != byte) odd()
  return at + 1
}

/** Reads an object that begins at `at`; null is 0. */
function object(shape: usize, at: usize): usize {
  if (load<u8>(at) != 0x7b) odd()
  const fields = load<u32>(shape + SHAPE_FIELDS)
  const calls = load<u32>(shape + SHAPE_CALLS)
  const record = take(FIELDS + 8 * (fields + calls))
  store<u32>(record, <u32>shape)
  store<u32>(record + NEXT, 0)
  let slot = record + FIELDS
  let row = shape + SHAPE_ROWS
  let isInOrder = true
  for (let i: u32 = 0; i < fields; i++) {
    const length = load<u32>(row + ROW_KEY_LENGTH)
    if (!same(at, load<u32>(row + ROW_KEY), length)) {
      at = inAnyOrder(shape, record, i, at)
      isInOrder = false
      break
    }
    at = value(row, slot, at + length)
    slot += 8
    row += ROW
  }
  if (isInOrder) {
    if (load<u8>(at) == 0x7d) at++
    else at = inAnyOrder(shape, record, fields, at)
  }
  memory.fill(record + FIELDS + 8 * fields, 0, 8 * calls)
  node = record
  return at
}

/** The rest of an object with white space, or with its fields in another order. At most 64 fields are in a shape. */
function inAnyOrder(shape: usize, record: usize, done: u32, at: usize): usize {
  const fields = load<u32>(shape + SHAPE_FIELDS)
  const all: u64 = fields == 64 ? -1 : (<u64>1 << fields) - 1
  let found: u64 = done == 64 ? -1 : (<u64>1 << done) - 1
  let following = done
  if (done == 0) at++
  let isFirst = done == 0
  while (true) {
    at = blank(at)
    if (load<u8>(at) == 0x7d) break
    if (!isFirst) at = blank(expected(at, 0x2c))
    isFirst = false
    const name = at
    if (load<u8>(name) != 0x22) odd()
    at = text(name)
    const length = <u32>(at - name)
    at = valueAt(at)
    let index = following
    let row: usize = 0
    for (let tried: u32 = 0; tried < fields; tried++, index++) {
      if (index >= fields) index = 0
      const one = shape + SHAPE_ROWS + ROW * index
      // The key's text has a brace or a comma before it, and a colon behind.
      if (load<u32>(one + ROW_KEY_LENGTH) == length + 2 && same(name, load<u32>(one + ROW_KEY) + 1, length)) {
        row = one
        break
      }
    }
    if (row == 0 || found & (<u64>1 << index)) odd()
    found |= <u64>1 << index
    at = value(row, record + FIELDS + 8 * index, at)
    following = index + 1
  }
  if (found != all) odd()
  return at + 1
}

/** Reads a value into the two words at `slot`. */
function value(row: usize, slot: usize, at: usize): usize {
  at = blank(at)
  if (load<u32>(row + ROW_KIND) < OBJECT) {
    at = normalised(row, at)
    store<u32>(slot, <u32>begins)
    store<u32>(slot + 4, <u32>ends)
    return at
  }
  at = composite(row, at)
  store<u32>(slot, <u32>node)
  store<u32>(slot + 4, 0)
  return at
}

/** Reads an object, or a list of objects, into `node`. */
function composite(row: usize, at: usize): usize {
  const below = load<u32>(row + ROW_BELOW)
  const kind = load<u32>(row + ROW_KIND)
  const first = load<u8>(at)
  if (first == 0x6e) {
    node = 0
    return nothing(row, at)
  }
  if (kind == OBJECT) return object(below, at)
  if (kind == VARIANTS) return object(variantOf(below, at), at)
  if (first != 0x5b) odd()
  if (kind == LIST) return list(below, at)
  if (kind == ENTITIES) return entities(below, at)
  odd()
  return 0
}

function nothing(row: usize, at: usize): usize {
  if (load<u32>(at) != 0x6c6c756e || load<u32>(row + ROW_NON_NULL)) odd()
  return at + 4
}

function newList(): usize {
  const items = take(16)
  store<u32>(items, ITEMS)
  store<u32>(items + NEXT, 0)
  store<u32>(items + FIRST, 0)
  return items
}

/** A null in a list. */
function newNull(): usize {
  const item = take(8)
  store<u32>(item, NOTHING)
  store<u32>(item + NEXT, 0)
  return item
}

function list(row: usize, at: usize): usize {
  const items = newList()
  let last = items + FIRST
  at = blank(at + 1)
  if (load<u8>(at) == 0x5d) {
    node = items
    return at + 1
  }
  while (true) {
    at = composite(row, at)
    const item = node || newNull()
    store<u32>(last, <u32>item)
    last = item + NEXT
    if (isBlank(load<u8>(at))) at = blank(at)
    const byte = load<u8>(at)
    if (byte == 0x5d) break
    if (byte != 0x2c) odd()
    at++
    if (isBlank(load<u8>(at))) at = blank(at)
  }
  node = items
  return at + 1
}

/** One entity for each that was asked for, each an object of its shape or null. */
function entities(expected: usize, at: usize): usize {
  const items = newList()
  let last = items + FIRST
  const count = load<u32>(expected)
  at = blank(at + 1)
  for (let i: u32 = 0; i < count; i++) {
    if (i) {
      if (load<u8>(at) != 0x2c) odd()
      at = blank(at + 1)
    }
    let item: usize
    if (load<u8>(at) == 0x6e) {
      if (load<u32>(at) != 0x6c6c756e) odd()
      at += 4
      item = newNull()
    } else {
      at = object(load<u32>(expected + 4 + 4 * i), at)
      item = node
    }
    store<u32>(last, <u32>item)
    last = item + NEXT
    at = blank(at)
  }
  node = items
  if (load<u8>(at) != 0x5d) odd()
  return at + 1
}

/** The shape of the object at `at`, which has to begin with its type's name. */
function variantOf(variants: usize, at: usize): usize {
  if (load<u8>(at) != 0x7b) odd()
  at = blank(at + 1)
  // `"__typename"`
  if (load<u64>(at) != 0x6e657079745f5f22 || load<u32>(at + 8) != 0x22656d61) odd()
  at = valueAt(at + 12)
  const types = load<u32>(variants)
  for (let i: u32 = 0; i < types; i++) {
    const one = variants + 4 + 12 * i
    if (same(at, load<u32>(one), load<u32>(one + 4))) return load<u32>(one + 8)
  }
  odd()
  return 0
}

/** Reads a leaf's text, as JSON.stringify writes it, into `begins` and `ends`. */
function normalised(row: usize, at: usize): usize {
  isOther = false
  const after = leaf(row, at)
  begins = at
  ends = after
  if (!isOther) return after
  // JSON.stringify writes at most six bytes for one.
  const bytes: usize = (after - at) * 6
  ensure(top + bytes)
  begins = top
  ends = normal(at, after, begins)
  setTop((ends + 7) & ~7)
  // What was a number may be none of the type, once its exponent is gone.
  isSure = true
  isOther = false
  if (load<u8>(begins) == 0x6e || leaf(row, begins) != ends) odd()
  isSure = false
  return after
}

/** The end of a leaf that begins at `at`. A list with white space, or with a value not as JSON.stringify writes it, `isOther`. */
function leaf(row: usize, at: usize): usize {
  const first = load<u8>(at)
  if (first == 0x6e) return nothing(row, at)
  switch (load<u32>(row + ROW_KIND)) {
    case TEXT:
      return text(at)
    case ID:
      return first == 0x22 ? text(at) : integer(at)
    case INT: {
      const end = integer(at)
      if (!isOther && !isSmall(at, end)) odd()
      return end
    }
    case FLOAT:
      return number(at)
    case BOOLEAN:
      return boolean(at)
    case ENUM:
      return member(load<u32>(row + ROW_BELOW), at)
    case ANY:
      return any(at)
    case LEAVES:
      return leaves(load<u32>(row + ROW_BELOW), at)
  }
  odd()
  return 0
}

function leaves(row: usize, at: usize): usize {
  const isIds = load<u32>(row + ROW_KIND) == ID
  at = tight(expected(at, 0x5b))
  if (load<u8>(at) == 0x5d) return at + 1
  while (true) {
    // Numbers become texts where the answer is written, which lists are not looked into for.
    if (isIds && load<u8>(at) != 0x22 && load<u8>(at) != 0x6e) odd()
    at = tight(leaf(row, at))
    const byte = load<u8>(at)
    if (byte == 0x5d) return at + 1
    at = tight(expected(at, 0x2c))
  }
}

/** White space that JSON.stringify would not write. */
@inline
function tight(at: usize): usize {
  if (!isBlank(load<u8>(at))) return at
  isOther = true
  return blank(at)
}

/** The end of a text that begins with its quotes. */
function text(at: usize): usize {
  if (load<u8>(at) != 0x22) odd()
  at++
  const quotes = i8x16.splat(0x22)
  const backslashes = i8x16.splat(0x5c)
  const controls = i8x16.splat(0x20)
  while (true) {
    const bytes = v128.load(at)
    const found = i8x16.bitmask(v128.or(v128.or(i8x16.eq(bytes, quotes), i8x16.eq(bytes, backslashes)), i8x16.lt_u(bytes, controls)))
    if (!found) {
      at += 16
      continue
    }
    at += <usize>ctz(found)
    const byte = load<u8>(at)
    if (byte == 0x22) return at + 1
    if (byte != 0x5c) odd()
    switch (load<u8>(at + 1)) {
      case 0x22: case 0x5c: case 0x62: case 0x66: case 0x6e: case 0x72: case 0x74:
        break
      case 0x2f: case 0x75:
        isOther = true
        break
      default:
        odd()
    }
    at += 2
  }
}

@inline
function isDigit(byte: u8): bool {
  return byte - 0x30 < 10
}

/** The end of a number. `isOther` where JavaScript might write it otherwise. */
function number(at: usize): usize {
  const isNegative = load<u8>(at) == 0x2d
  if (isNegative) at++
  const whole = at
  if (load<u8>(at) == 0x30) at++
  else {
    if (!isDigit(load<u8>(at))) odd()
    while (isDigit(load<u8>(at))) at++
  }
  let digits = at - whole
  const isZero = load<u8>(whole) == 0x30
  if (load<u8>(at) == 0x2e) {
    const point = at++
    if (!isDigit(load<u8>(at))) odd()
    while (isDigit(load<u8>(at))) at++
    digits += at - point - 1
    // From 0.000001 on digits stand as they are.
    if (load<u8>(at - 1) == 0x30 || (isZero && load<u32>(point + 1) == 0x30303030 && load<u16>(point + 5) == 0x3030)) isOther = true
  } else if (isNegative && isZero) isOther = true
  if (digits > 15) isOther = true
  // Of so many digits and an exponent of two no number is infinite.
  if (digits > 200) odd()
  if ((load<u8>(at) | 0x20) != 0x65) return at
  isOther = true
  at++
  const sign = load<u8>(at)
  if (sign == 0x2b || sign == 0x2d) at++
  const exponent = at
  while (isDigit(load<u8>(at))) at++
  if (at == exponent || at - exponent > 2) odd()
  return at
}

/** A number that is whole once it is written as JSON.stringify does. */
function integer(at: usize): usize {
  const wasOther = isOther
  isOther = false
  const end = number(at)
  if (isOther) {
    if (isSure) odd()
    return end
  }
  isOther = wasOther
  for (let i = at; i < end; i++) if (load<u8>(i) == 0x2e) odd()
  return end
}

/** Whether the whole number between is one of 32 bits. */
function isSmall(at: usize, end: usize): bool {
  const isNegative = load<u8>(at) == 0x2d
  if (isNegative) at++
  if (end - at > 10) return false
  let size: i64 = 0
  for (; at < end; at++) size = size * 10 + (load<u8>(at) - 0x30)
  return isNegative ? size <= 0x80000000 : size <= 0x7fffffff
}

function boolean(at: usize): usize {
  if (load<u32>(at) == 0x65757274) return at + 4
  if (load<u32>(at) == 0x736c6166 && load<u8>(at + 4) == 0x65) return at + 5
  odd()
  return 0
}

function member(texts: usize, at: usize): usize {
  const count = load<u32>(texts)
  for (let i: u32 = 0; i < count; i++) {
    const one = texts + 4 + 8 * i
    const length = load<u32>(one + 4)
    if (same(at, load<u32>(one), length)) return at + length
  }
  odd()
  return 0
}

/** The end of a scalar of whatever form. What is inside lists and objects is not looked at: `normal` does. */
function any(at: usize): usize {
  const first = load<u8>(at)
  if (first == 0x22) return text(at)
  if (first == 0x74 || first == 0x66) return boolean(at)
  if (first != 0x7b && first != 0x5b) return number(at)
  let depth = 0
  isOther = true
  while (true) {
    const byte = load<u8>(at)
    if (byte == 0x22) {
      at = text(at)
      continue
    }
    if (byte == 0) odd()
    at++
    if (byte == 0x7b || byte == 0x5b) depth++
    else if ((byte == 0x7d || byte == 0x5d) && --depth == 0) return at
  }
}
