import { take } from './memory'
import { callOf, FIELDS, fieldOf, SHAPE_CALLS } from './tables'

/** The object at the root: it has no fields of its own, and keeps the answers of the root's calls. */
export function root(shape: usize): usize {
  const bytes = FIELDS + 8 * <usize>load<u32>(shape + SHAPE_CALLS)
  const record = take(bytes)
  memory.fill(record, 0, bytes)
  store<u32>(record, <u32>shape)
  return record
}

export function keep(record: usize, call: u32, data: usize): void {
  store<u32>(callOf(record, call), <u32>data)
}

export function fieldAt(record: usize, field: u32): usize {
  return load<u32>(fieldOf(record, field))
}
