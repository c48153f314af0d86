import type { Json } from './values.ts'

const longInteger = /(?:^|[[,:])\s*-?\d{16,}\s*(?:[\],}]|$)/
const stringOrLongInteger = /"(?:[^"\\]|\\.)*"|(?<=(?:^|[[,:])\s*)-?\d{16,}(?=\s*(?:[\],}]|$))/g

/**
 * JSON as `JSON.parse` gives it, but integers that are not safe in a number as their text. Texts without integers of sixteen digits cost one search more than
 * `JSON.parse`; the others twice to three times as much, where a reviver would cost ten times.
 */
export function parseWithTexts(text: string): Json {
  if (!longInteger.test(text)) return JSON.parse(text) as Json
  return JSON.parse(text.replace(stringOrLongInteger, piece => (piece.startsWith('"') || Number.isSafeInteger(Number(piece)) ? piece : `"${piece}"`))) as Json
}

/** JSON as `JSON.parse` gives it, but integers that are not safe in a number as bigints. Texts without sixteen digits in a row cost one search more than `JSON.parse`. */
export function parseWithBigints(text: string): unknown {
  return JSON.parse(text, /\d{16}/.test(text) ? exact : undefined)
}

/** `source`: the number as it is written. */
function exact(_name: string, value: unknown, context?: { readonly source: string }): unknown {
  return typeof value === 'number' && context && !Number.isSafeInteger(value) && /^-?\d+$/.test(context.source) ? BigInt(context.source) : value
}
