import { type ColumnType, toLong, type Value } from './values.ts'

/** The value of a type whose values have an order, from its text. What is no number of a type of numbers stays a text. */
export function readText(type: ColumnType, text: string): Value {
  return (type === 'Int' || type === 'Long') && /^-?\d{1,19}$/.test(text) ? toLong(BigInt(text)) : text
}
