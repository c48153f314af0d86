import { asHubError } from '../../schema/errors.ts'
import { parseWithBigints } from '../../schema/exact-json.ts'
import type { Json } from '../../schema/values.ts'
import type { StoredEvent } from '../../connectors/ports/event-log.ts'
import type { RegisteredSchema, SchemaLookup } from '../../connectors/ports/schema-lookup.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import { avroReader } from './avro.ts'

export interface Decoded {
  readonly value: Json
  readonly schemaId: number | null
  /** Why the value is the base64 of its bytes. */
  readonly decodeError: string | null
}

export type Decoder = (scope: Scope, event: Pick<StoredEvent, 'value' | 'tombstone'>) => Promise<Decoded>

/**
 * A value with its schema's id, as Confluent's serialisers write it:
 *   magic    : uint8    0
 *   schemaId : int32, big-endian
 *   payload  : the rest, Avro's binary form or JSON text
 */
const magic = 0
const headBytes = 5

/** What values say: by the schema whose id they carry, where a registry knows it; else as JSON, else as text. */
export function valueDecoder(schemas: SchemaLookup | undefined): Decoder {
  const readers = new Map<string, ReturnType<typeof avroReader>>()
  const readerOf = (text: string) => {
    const known = readers.get(text) ?? avroReader(text)
    readers.set(text, known)
    return known
  }

  return async (scope, { value, tombstone }) => {
    if (tombstone) return { value: null, schemaId: null, decodeError: null }
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    const schemaId = bytes.length >= headBytes && bytes[0] === magic ? bytes.readInt32BE(1) : null
    const raw = (decodeError: string): Decoded => ({ value: bytes.toString('base64'), schemaId, decodeError })
    if (schemaId === null) {
      const text = textOf(bytes)
      return text === undefined ? raw('The bytes are neither JSON nor text, and carry no schema.') : { value: jsonOf(text) ?? text, schemaId, decodeError: null }
    }
    if (!schemas) return raw(`The value was written with schema ${schemaId} of a registry, and none is configured: set SCHEMA_REGISTRY_URL.`)
    try {
      return { value: await decoded(await schemas.schema(scope, schemaId), bytes.subarray(headBytes), readerOf), schemaId, decodeError: null }
    } catch (error) {
      scope.signal.throwIfAborted()
      const { code, message, cause } = asHubError(error)
      return raw(code === 'INTERNAL' ? `The value is not what schema ${schemaId} says: ${cause instanceof Error ? cause.message : String(cause)}.` : message)
    }
  }
}

async function decoded({ format, text }: RegisteredSchema, payload: Buffer, readerOf: (text: string) => ReturnType<typeof avroReader>): Promise<Json> {
  if (format === 'AVRO') return (await readerOf(text))(payload)
  if (format !== 'JSON') throw new Error(`values of ${format} schemas are not read here`)
  const json = jsonOf(textOf(payload) ?? '')
  if (json === undefined) throw new Error('it is no JSON')
  return json
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Text people can read: UTF-8 without control characters but the usual white space. */
function textOf(bytes: Buffer): string | undefined {
  try {
    const text = utf8.decode(bytes)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    return /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/.test(text) ? undefined : text
  } catch {
    return undefined
  }
}

/** Whole numbers beyond 2^53 keep all their digits. */
function jsonOf(text: string): Json | undefined {
  try {
    return parseWithBigints(text) as Json
  } catch {
    return undefined
  }
}
