import { HubError } from '../../../schema/errors.ts'
import type { Row, Value } from '../../../schema/values.ts'
import type { Reader } from '../wire/reader.ts'
import { readValue, valueTypes, type ValueTypeName, writeValue } from '../wire/values.ts'
import { Writer } from '../wire/writer.ts'
import { jsonReader } from './json.ts'
import { javaHash } from './names.ts'
import { rowReader } from './rows.ts'
import type { BinaryType } from './type.ts'

/** How the values of a cache stand on the wire. */
export interface Codec<T> {
  /** What has to be registered with the cluster before the first write. */
  readonly types: readonly BinaryType[]
  /** With its type byte. */
  write(writer: Writer, value: T): void
  /** Undefined: null came. */
  read(reader: Reader): T | undefined
}

/** How the keys of a cache stand on the wire, and which of them are one. */
export interface KeyCodec<K> extends Codec<K> {
  /** Java's hash of the key, which picks its partition; undefined: not known here, any node will find it. */
  hash(key: K): number | undefined
  /** Equal keys, and no others, have one identity. */
  identity(key: K): string
}

const halves = new DataView(new ArrayBuffer(8))

const hashes: Partial<Record<ValueTypeName, (key: Value) => number>> = {
  byte: key => Number(key),
  short: key => Number(key),
  int: key => Number(key),
  long: key => {
    const bits = BigInt.asUintN(64, BigInt(key as number | bigint))
    return Number(bits & 0xffffffffn) ^ Number(bits >> 32n)
  },
  double: key => {
    halves.setFloat64(0, Number(key))
    return halves.getInt32(0) ^ halves.getInt32(4)
  },
  boolean: key => (key === true ? 1231 : 1237),
  string: key => javaHash(String(key)),
  uuid: key => String(key).replaceAll('-', '').match(/.{8}/g)?.reduce((hash, word) => hash ^ Number.parseInt(word, 16), 0) ?? 0,
}

/** Java's hash of a single value; undefined for types whose hash is not known here. */
export function hashOf(type: ValueTypeName, value: Value): number | undefined {
  return value === null ? undefined : hashes[type]?.(value)
}

/** Single values of one declared type, in canonical form. */
export function valuesOf(name: ValueTypeName): KeyCodec<Value> {
  const type = valueTypes[name]
  return {
    types: [],
    write: (writer, value) => writeValue(writer, type, value),
    read: reader => readValue(reader) ?? undefined,
    hash: key => hashOf(name, key),
    identity: String,
  }
}

/** Rows of one binary type. */
export function rowsOf(type: BinaryType): Codec<Row> {
  return { types: [type], write: (writer, row) => type.write(writer, row), read: rowReader(type) }
}

/** Composite keys: rows of a key type, named by their members in the type's order. */
export function keysOf(type: BinaryType): KeyCodec<Row> {
  const scratch = new Writer(256)
  const affinity = type.fields.find(field => field.name === type.affinityField)
  return {
    ...rowsOf(type),
    hash(key) {
      if (affinity) return hashOf(affinity.type, key[affinity.property] ?? null)
      scratch.at = 0
      return type.write(scratch, key)
    },
    identity: key => JSON.stringify(type.fields.map(field => String(key[field.property]))),
  }
}

const jsonSlabBytes = 64 * 1024
/** A slab with less room than this is given up. */
const jsonRestBytes = 4 * 1024

/** The JSON text of objects of one binary type, in UTF-8, for reading only. What was read stays as it is. */
export function jsonOf(type: BinaryType): Codec<Buffer> {
  const read = jsonReader(type)
  let slab = new Writer(jsonSlabBytes)
  return {
    types: [type],
    write() {
      throw new HubError('INTERNAL', `JSON of type "${type.name}" is read, never written.`)
    },
    read(reader) {
      // Texts lie one behind the other in a slab that is never rewritten, so that none has to be copied out of it.
      if (slab.at > jsonSlabBytes - jsonRestBytes) slab = new Writer(jsonSlabBytes)
      const start = slab.at
      try {
        return read(reader, slab) ? slab.buffer.subarray(start, slab.at) : undefined
      } catch (error) {
        slab.at = start
        throw error
      }
    },
  }
}
