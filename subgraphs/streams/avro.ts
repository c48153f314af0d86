import type { Schema } from 'avsc'
import type { Json } from '../../schema/values.ts'

/** avsc refuses longs beyond 2^53; these are what they are. */
const exactLong = {
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer(value: bigint) {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(value)
    return bytes
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a < b ? -1 : Number(a > b)),
}

/**
 * Reads values of one Avro schema from their binary form. Text that is no schema, bytes that are no such value, or more than one, throw. avsc generates code as soon as it is
 * loaded, which not every process allows: it is loaded for the first schema.
 */
export async function avroReader(schemaText: string): Promise<(bytes: Buffer) => Json> {
  const { default: avro } = await import('avsc')
  const registry = { long: avro.types.LongType.__with(exactLong) }
  const type = avro.Type.forSchema(JSON.parse(schemaText) as Schema, { registry, wrapUnions: false })
  return bytes => plain(type.fromBuffer(bytes))
}

/** Records as plain objects, bytes as base64, longs as numbers while these are exact. */
function plain(value: unknown): Json {
  if (typeof value === 'bigint') return (Number.isSafeInteger(Number(value)) ? Number(value) : value) as Json
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]))
  return value as Json
}
