import { Serializer } from '@elastic/elasticsearch'

/** The client's serializer, but integers beyond 2^53 are read as bigints. Texts without a long number cost one search more than `JSON.parse`. */
export class ExactSerializer extends Serializer {
  override deserialize<T = unknown>(text: string): T {
    return JSON.parse(text, /\d{16}/.test(text) ? exact : undefined) as T
  }
}

/** `source`: the number as it is written. */
function exact(_name: string, value: unknown, context?: { readonly source: string }): unknown {
  return typeof value === 'number' && context && !Number.isSafeInteger(value) && /^-?\d+$/.test(context.source) ? BigInt(context.source) : value
}
