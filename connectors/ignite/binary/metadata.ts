import type { Reader } from '../wire/reader.ts'
import type { Writer } from '../wire/writer.ts'
import type { BinaryType, Schema } from './type.ts'

/** A type as the cluster has it registered. */
export interface RegisteredType {
  readonly name: string
  readonly affinityField: string | null
  readonly fields: readonly { readonly name: string; readonly metadataCode: number; readonly id: number }[]
  readonly schemas: readonly Schema[]
}

/**
 * OP_BINARY_TYPE_PUT request; OP_BINARY_TYPE_GET answers the same behind one byte, 0 when the type is unknown:
 *   typeId        int32
 *   name          string
 *   affinityField string | null
 *   fields        int32 count × (name string, metadata code int32, id int32)
 *   isEnum        bool, if true int32 count × (name string, ordinal int32)
 *   schemas       int32 count × (id int32, int32 count × field id int32)
 * The server adds fields and schemas to those it has and removes none.
 */
export function writeType(writer: Writer, type: BinaryType): void {
  writer.i32(type.id)
  writer.string(type.name)
  writer.string(type.affinityField ?? null)
  writer.i32(type.fields.length)
  for (const { name, value, id } of type.fields) {
    writer.string(name)
    writer.i32(value.metadataCode)
    writer.i32(id)
  }
  writer.bool(false)
  writer.i32(1)
  writer.i32(type.schema.id)
  writer.i32(type.schema.fieldIds.length)
  for (const id of type.schema.fieldIds) writer.i32(id)
}

export function readType(reader: Reader): RegisteredType | undefined {
  if (!reader.bool()) return undefined
  reader.i32()
  const name = reader.text()
  const affinityField = reader.string()
  const fields = list(reader, () => ({ name: reader.text(), metadataCode: reader.i32(), id: reader.i32() }))
  if (reader.bool()) list(reader, () => [reader.text(), reader.i32()])
  const schemas = list(reader, () => ({ id: reader.i32(), fieldIds: list(reader, () => reader.i32()) }))
  return { name, affinityField, fields, schemas }
}

/** int32 count, then as many items. */
export function list<T>(reader: Reader, item: () => T): T[] {
  return Array.from({ length: reader.i32() }, item)
}
