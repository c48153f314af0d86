import { HubError } from '../../../schema/errors.ts'
import type { Row } from '../../../schema/values.ts'
import { code, objectFlag } from '../wire/codes.ts'
import type { Reader } from '../wire/reader.ts'
import { type ValueType, valueTypes, type ValueTypeName, writeValue } from '../wire/values.ts'
import type { Writer } from '../wire/writer.ts'
import { nameId, schemaIdOf } from './names.ts'

export interface BinaryField {
  /** As SQL spells the column: upper case with `_`, so that ALTER TABLE and this client name a field alike. */
  readonly name: string
  /** Member of the row that holds the value. */
  readonly property: string
  readonly type: ValueTypeName
}

/** One field as the codecs use it. */
export interface CompiledField extends BinaryField {
  readonly id: number
  readonly value: ValueType
}

/** A schema as the server lists it: its id and the ids of its fields in the order they are written. */
export interface Schema {
  readonly id: number
  readonly fieldIds: readonly number[]
}

/** An object was written with a schema this process has not learned yet. Ask the server for the type and read again. */
export class UnknownSchema extends Error {
  readonly type: BinaryType
  readonly schemaId: number

  constructor(type: BinaryType, schemaId: number) {
    super(`Type "${type.name}" has schema ${schemaId} on the server, unknown here.`)
    this.type = type
    this.schemaId = schemaId
  }
}

const headerBytes = 24

/**
 * Binary object:
 *   0   uint8   103
 *   1   uint8   1, version of the layout
 *   2   uint16  flags, see `objectFlag`
 *   4   int32   type id
 *   8   int32   hash of the bytes from 24 to the footer, as java.util.Arrays.hashCode; names the entry when the object is a key
 *   12  int32   length of all
 *   16  int32   schema id
 *   20  int32   where the footer begins
 *   24  fields  each with its type byte, in the order of the schema
 *       footer  where each field begins, in 1, 2 or 4 bytes as the last field's place needs
 * Places count from byte 0. The server takes hash and schema as written.
 *
 * One type has one order of fields to write with, and reads every schema it has learned. A type's name carries a generation: a field's type can
 * never change under one name, not even after its cache was destroyed.
 */
export class BinaryType {
  readonly name: string
  readonly id: number
  readonly fields: readonly CompiledField[]
  /** The field of a composite key whose hash alone picks the partition. */
  readonly affinityField: string | undefined
  readonly schema: Schema
  /** Per schema: for each field on the wire its index in `fields`, -1 for one that is not ours. */
  readonly #orders = new Map<number, Int32Array>()

  constructor(name: string, fields: readonly BinaryField[], affinityField?: string) {
    this.name = name
    this.id = nameId(name)
    this.fields = fields.map(field => ({ ...field, id: nameId(field.name), value: valueTypes[field.type] }))
    this.affinityField = affinityField
    const fieldIds = this.fields.map(field => field.id)
    const twin = this.fields.find((field, index) => fieldIds.indexOf(field.id) !== index)
    if (twin) throw new HubError('VALIDATION_ERROR', `Type "${name}" has two fields that Ignite cannot tell apart; one is "${twin.name}". Case makes no difference.`)
    this.schema = { id: schemaIdOf(fieldIds), fieldIds }
    this.learn(this.schema)
  }

  learn(schema: Schema): void {
    this.#orders.set(schema.id, Int32Array.from(schema.fieldIds, id => this.fields.findIndex(field => field.id === id)))
  }

  knows(schemaId: number): boolean {
    return this.#orders.has(schemaId)
  }

  /** Appends the row as a binary object; answers its hash. Members that are missing are written as null. */
  write(writer: Writer, row: Row): number {
    const { fields } = this
    const start = writer.at
    writer.room(headerBytes + fields.length * 16)
    writer.at = start + headerBytes
    const offsets = new Int32Array(fields.length)
    for (let index = 0; index < fields.length; index++) {
      const field = fields[index]!
      offsets[index] = writer.at - start
      try {
        writeValue(writer, field.value, row[field.property])
      } catch (error) {
        if (error instanceof HubError) throw new HubError(error.code, `Column "${field.property}": ${error.message}`, error.details)
        throw error
      }
    }
    const footer = writer.at
    const offsetFlag = writeFooter(writer, offsets)
    const { buffer } = writer
    let hash = 1
    for (let at = start + headerBytes; at < footer; at++) hash = (Math.imul(31, hash) + ((buffer[at]! << 24) >> 24)) | 0
    buffer[start] = code.binaryObject
    buffer[start + 1] = 1
    buffer.writeUInt16LE(objectFlag.userType | objectFlag.compactFooter | (fields.length > 0 ? objectFlag.hasSchema : 0) | offsetFlag, start + 2)
    buffer.writeInt32LE(this.id, start + 4)
    buffer.writeInt32LE(hash, start + 8)
    buffer.writeInt32LE(writer.at - start, start + 12)
    buffer.writeInt32LE(this.schema.id, start + 16)
    buffer.writeInt32LE(footer - start, start + 20)
    return hash
  }

  /**
   * Enters the object that comes next: the reader stands at its first field, and the answer says which field is where and where the object ends for the reader.
   * Undefined: null came.
   */
  enter(reader: Reader): { readonly order: Int32Array; readonly end: number } | undefined {
    const first = reader.u8()
    if (first === code.null) return undefined
    let start = reader.at - 1
    let end = 0
    if (first === code.binaryObjectWrapped) {
      // int32 size, the bytes that hold the object, int32 where in them it begins: so come `_KEY`, `_VAL` and values of some nodes.
      const size = reader.i32()
      start = reader.at + reader.buffer.readInt32LE(reader.at + size)
      end = reader.at + size + 4
    } else if (first !== code.binaryObject) throw this.#foreign(`a value of type code ${first}`)
    const { buffer } = reader
    const typeId = buffer.readInt32LE(start + 4)
    if (typeId !== this.id) throw this.#foreign(`an object of type ${typeId}`)
    const schemaId = buffer.readInt32LE(start + 16)
    const order = this.#orders.get(schemaId)
    if (!order) throw new UnknownSchema(this, schemaId)
    reader.at = start + headerBytes
    return { order, end: end === 0 ? start + buffer.readInt32LE(start + 12) : end }
  }

  #foreign(found: string): HubError {
    return new HubError('UPSTREAM_REJECTED', `The cache holds ${found} where "${this.name}" (${this.id}) was expected. Another program writes into it, and SQL does not show those entries; remove them.`)
  }
}

/** Answers the flag for the width of the offsets, which the last field decides. */
function writeFooter(writer: Writer, offsets: Int32Array): number {
  const last = offsets.at(-1) ?? 0
  if (last < 0x100) {
    for (const offset of offsets) writer.u8(offset)
    return objectFlag.offsetOneByte
  }
  if (last < 0x10000) {
    for (const offset of offsets) writer.i16((offset << 16) >> 16)
    return objectFlag.offsetTwoBytes
  }
  for (const offset of offsets) writer.i32(offset)
  return 0
}
