/** The tables of an image. All entries are words of 4 bytes. */

/** Shape: number of fields, of entity calls, of the type, then a row for each field. */
export const SHAPE_FIELDS: usize = 0
export const SHAPE_CALLS: usize = 4
export const SHAPE_ROWS: usize = 8

/** Row of a field or of a list's items: `{"key":` or `,"key":` and its length (of items neither), kind, whether null is none of its values, what is below. */
export const ROW_KEY: usize = 0
export const ROW_KEY_LENGTH: usize = 4
export const ROW_KIND: usize = 8
export const ROW_NON_NULL: usize = 12
export const ROW_BELOW: usize = 16
export const ROW: usize = 20

/** Kinds of rows; what is below. */
export const TEXT: u32 = 0
export const ID: u32 = 1
export const INT: u32 = 2
export const FLOAT: u32 = 3
export const BOOLEAN: u32 = 4
/** A table of texts: their number, then address and length of each. */
export const ENUM: u32 = 5
/** A scalar of whatever form. */
export const ANY: u32 = 6
/** Row of the items, which are leaves. */
export const LEAVES: u32 = 7
/** A shape. */
export const OBJECT: u32 = 8
/** Number of types, then of each address and length of its name with quotes, and its shape. */
export const VARIANTS: u32 = 9
/** Row of the items, which are objects. */
export const LIST: u32 = 10
/** While the entities are asked for: their number, then the shape of each. */
export const ENTITIES: u32 = 11

/** Record. */
export const NEXT: usize = 4
export const FIELDS: usize = 8

/** Tags of nodes that are no records; shapes have higher addresses. */
export const NOTHING: u32 = 0
export const ITEMS: u32 = 1
export const FIRST: usize = 8

/** Address of the field's words in a record. */
@inline
export function fieldOf(record: usize, field: u32): usize {
  return record + FIELDS + 8 * field
}

/** Address of the words of an entity call in a record. */
@inline
export function callOf(record: usize, call: u32): usize {
  return record + FIELDS + 8 * <usize>(load<u32>(<usize>load<u32>(record) + SHAPE_FIELDS) + call)
}

/** The record that holds what is wanted of an object: its own, or the entity an earlier call answered; 0 where there is none. */
@inline
export function holderOf(record: usize, call: i32): usize {
  if (call < 0) return record
  const entity = load<u32>(callOf(record, call))
  return entity & 1 ? 0 : entity
}
