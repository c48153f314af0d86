import type { Row, Value } from '../../../schema/values.ts'
import type { Reader } from '../wire/reader.ts'
import { readValue } from '../wire/values.ts'
import type { BinaryType } from './type.ts'

/**
 * Reads objects of a type as rows: a member for every field, null where the object's schema lacks it; fields that are not the type's are skipped.
 * The answered function reads undefined for null, and throws UnknownSchema with the reader anywhere.
 */
export function rowReader(type: BinaryType): (reader: Reader) => Row | undefined {
  // Every row begins as a copy of this one, so that all have one shape.
  const empty: Row = Object.fromEntries(type.fields.map(field => [field.property, null]))
  const properties = type.fields.map(field => field.property)
  const fromText = type.fields.map(({ value }) => value.fromText)

  return reader => {
    const object = type.enter(reader)
    if (!object) return undefined
    const { order, end } = object
    const row: Record<string, Value> = { ...empty }
    for (let at = 0; at < order.length; at++) {
      const index = order[at]!
      const value = readValue(reader)
      if (index < 0 || value === null) continue
      const convert = fromText[index]
      row[properties[index]!] = convert !== undefined && typeof value === 'string' ? convert(value) : value
    }
    reader.at = end
    return row
  }
}
