import type { BinaryField } from './binary/type.ts'
import { list } from './binary/metadata.ts'
import { code } from './wire/codes.ts'
import type { Reader } from './wire/reader.ts'
import { readValue, valueTypes } from './wire/values.ts'
import type { Writer } from './wire/writer.ts'

export interface CacheField extends BinaryField {
  readonly notNull?: boolean
  /** Digits in all of a decimal, characters of a text. Enforced on every put. */
  readonly precision?: number
  /** Most digits behind the point. */
  readonly scale?: number
}

export interface CacheIndex {
  /** Unique in its SQL schema. */
  readonly name: string
  /** Fields by name, in order. */
  readonly fields: readonly string[]
}

/** A cache that is one SQL table. Its key is a single value, or a composite object of `keyType`. */
export interface CacheConfiguration {
  readonly name: string
  /** Upper case, as SQL spells it. */
  readonly table: string
  readonly mode: 'PARTITIONED' | 'REPLICATED'
  readonly atomicity: 'TRANSACTIONAL' | 'ATOMIC'
  /** Copies beside the first; without meaning for REPLICATED. */
  readonly backups: number
  readonly key: readonly CacheField[]
  /** Binary type of composite keys. */
  readonly keyType?: string
  /** Key field whose value alone picks the partition. */
  readonly affinityField?: string
  /** Binary type of the values. */
  readonly valueType: string
  /** In the order they are written; new ones come last. */
  readonly fields: readonly CacheField[]
  readonly indexes: readonly CacheIndex[]
}

/** A cache as the cluster has it. */
export interface FoundConfiguration {
  readonly name: string
  readonly mode: CacheConfiguration['mode']
  readonly atomicity: CacheConfiguration['atomicity']
  readonly backups: number
  readonly schema: string | null
  readonly entities: readonly FoundEntity[]
}

export interface FoundEntity {
  readonly keyType: string | null
  readonly valueType: string | null
  readonly table: string | null
  readonly fields: readonly FoundField[]
  readonly indexes: readonly CacheIndex[]
}

export interface FoundField {
  readonly name: string
  /** Java class. */
  readonly type: string
  readonly notNull: boolean
  readonly precision: number
  readonly scale: number
}

const modes = { REPLICATED: 1, PARTITIONED: 2 } as const
const atomicities = { TRANSACTIONAL: 0, ATOMIC: 1 } as const
const property = { name: 0, mode: 1, atomicity: 2, backups: 3, writeSynchronization: 4, queryEntities: 200, sqlSchema: 203, keyConfiguration: 401 } as const
const fullSync = 0

/** The Java class or binary type of the cache's keys. */
export function keyTypeOf({ key, keyType }: CacheConfiguration): string {
  const [only] = key
  return keyType ?? (only ? valueTypes[only.type].java : '')
}

/**
 * OP_CACHE_CREATE_WITH_CONFIGURATION and OP_CACHE_GET_OR_CREATE_WITH_CONFIGURATION request:
 *   length      int32 of all that follows
 *   count       int16
 *   properties  count × (code int16, value as the code says)
 */
export function writeConfiguration(writer: Writer, configuration: CacheConfiguration): void {
  const { name, mode, atomicity, backups, affinityField } = configuration
  const start = writer.at
  writer.i32(0)
  writer.i16(affinityField === undefined ? 7 : 8)
  writer.i16(property.name)
  writer.string(name)
  writer.i16(property.mode)
  writer.i32(modes[mode])
  writer.i16(property.atomicity)
  writer.i32(atomicities[atomicity])
  writer.i16(property.backups)
  writer.i32(backups)
  writer.i16(property.writeSynchronization)
  writer.i32(fullSync)
  writer.i16(property.sqlSchema)
  writer.string('PUBLIC')
  if (affinityField !== undefined) {
    writer.i16(property.keyConfiguration)
    writer.i32(1)
    writer.string(keyTypeOf(configuration))
    writer.string(affinityField)
  }
  writer.i16(property.queryEntities)
  writer.i32(1)
  writeEntity(writer, configuration)
  writer.buffer.writeInt32LE(writer.at - start - 4, start)
}

/**
 * Query entity: key type string, value type string, table string, key field string | null, value field string | null,
 *   fields   int32 count × (name string, Java class string, in the key object bool, not null bool, default value object, precision int32, scale int32; -1 none)
 *   aliases  int32 count × (field string, column string)
 *   indexes  int32 count × (name string, kind int8 = 0 sorted, inline size int32, int32 count × (field string, descending bool))
 */
function writeEntity(writer: Writer, configuration: CacheConfiguration): void {
  const { key, keyType, valueType, table, fields, indexes } = configuration
  const composite = keyType !== undefined
  writer.string(keyTypeOf(configuration))
  writer.string(valueType)
  writer.string(table)
  writer.string(composite ? null : (key[0]?.name ?? null))
  writer.string(null)
  writer.i32(key.length + fields.length)
  for (const [position, field] of [...key, ...fields].entries()) {
    const inKey = position < key.length
    writer.string(field.name)
    writer.string(valueTypes[field.type].java)
    writer.bool(composite && inKey)
    writer.bool(!inKey && (field.notNull ?? false))
    writer.u8(code.null)
    writer.i32(field.precision ?? -1)
    writer.i32(field.scale ?? -1)
  }
  writer.i32(0)
  writer.i32(indexes.length)
  for (const index of indexes) {
    writer.string(index.name)
    writer.u8(0)
    writer.i32(-1)
    writer.i32(index.fields.length)
    for (const field of index.fields) {
      writer.string(field)
      writer.bool(false)
    }
  }
}

/**
 * OP_CACHE_GET_CONFIGURATION answer: length int32, then without codes, in this order:
 *   atomicity int32, backups int32, mode int32, copy on read bool, data region string, eager ttl bool, statistics bool, group string, lock timeout int64,
 *   concurrent operations int32, query iterators int32, name string, on heap bool, partition loss policy int32, detail metrics int32, parallelism int32,
 *   read from backup bool, rebalance batch int32, prefetch int64, delay int64, mode int32, order int32, throttle int64, timeout int64, escape all bool,
 *   inline size int32, SQL schema string, write synchronization int32, key configurations int32 count × (type string, affinity field string),
 *   query entities int32 count × as above, expiry policy
 */
export function readConfiguration(reader: Reader): FoundConfiguration {
  const end = reader.i32() + reader.at
  const atomicity = reader.i32() === atomicities.ATOMIC ? 'ATOMIC' : 'TRANSACTIONAL'
  const backups = reader.i32()
  const mode = reader.i32() === modes.REPLICATED ? 'REPLICATED' : 'PARTITIONED'
  reader.bool()
  reader.string()
  reader.bool()
  reader.bool()
  reader.string()
  reader.i64()
  reader.i32()
  reader.i32()
  const name = reader.text()
  reader.bool()
  for (let numbers = 0; numbers < 3; numbers++) reader.i32()
  reader.bool()
  reader.i32()
  reader.i64()
  reader.i64()
  reader.i32()
  reader.i32()
  reader.i64()
  reader.i64()
  reader.bool()
  reader.i32()
  const schema = reader.string()
  reader.i32()
  list(reader, () => [reader.string(), reader.string()])
  const entities = list(reader, () => readEntity(reader))
  reader.at = end
  return { name, mode, atomicity, backups, schema, entities }
}

function readEntity(reader: Reader): FoundEntity {
  const keyType = reader.string()
  const valueType = reader.string()
  const table = reader.string()
  reader.string()
  reader.string()
  const fields = list(reader, () => {
    const name = reader.text()
    const type = reader.text()
    reader.bool()
    const notNull = reader.bool()
    readValue(reader)
    return { name, type, notNull, precision: reader.i32(), scale: reader.i32() }
  })
  list(reader, () => [reader.string(), reader.string()])
  const indexes = list(reader, () => {
    const name = reader.string() ?? ''
    reader.u8()
    reader.i32()
    return { name, fields: list(reader, () => {
      const field = reader.text()
      reader.bool()
      return field
    }) }
  })
  return { keyType, valueType, table, fields, indexes }
}
