import { HubError } from '../../schema/errors.ts'
import type { Column, ColumnType, Row, Value } from '../../schema/values.ts'
import { keyOf } from '../ports/region-store.ts'

/** How a column is mapped. Digits of a decimal stay in the document as they are; it is found as a double. */
const mapping: Readonly<Record<ColumnType, object>> = {
  String: { type: 'keyword', ignore_above: 8191 }, Int: { type: 'integer' }, Long: { type: 'long' }, Float: { type: 'double' }, Decimal: { type: 'double' }, Boolean: { type: 'boolean' }, Date: { type: 'date', format: 'strict_date' },
  Time: { type: 'keyword' }, DateTime: { type: 'date_nanos' }, LocalDateTime: { type: 'date_nanos', format: 'strict_date_optional_time_nanos' }, UUID: { type: 'keyword' }, Bytes: { type: 'binary' }, JSON: { type: 'object', enabled: false },
}

/** In bytes, as Elasticsearch has it. */
const longestId = 512

export function mappingOf(columns: readonly Column[]): { readonly properties: Readonly<Record<string, object>> } {
  return { properties: Object.fromEntries(columns.map(({ name, type }) => [name, mapping[type]])) }
}

/** Two lines of a bulk request: what becomes of the document, and the document. */
export function linesOf(row: Row, { columns, keys }: { readonly columns: readonly Column[]; readonly keys: readonly string[] }): readonly [string, string] {
  const members = columns.map(({ name, type }) => `${JSON.stringify(name)}:${written(row[name] ?? null, type)}`)
  return [JSON.stringify({ index: keys.length > 0 ? { _id: idOf(row, keys) } : {} }), `{${members.join(',')}}`]
}

function idOf(row: Row, keys: readonly string[]): string {
  const id = keyOf(keys, row)
  if (id === '' || Buffer.byteLength(id) > longestId) throw new HubError('VALIDATION_ERROR', `A document's id is made of ${keys.join(', ')} and begins with ${JSON.stringify(id.slice(0, 40))}; it may have 1 to ${longestId} bytes, and has ${Buffer.byteLength(id)}.`)
  return id
}

function written(value: Value, type: ColumnType): string {
  if (typeof value === 'bigint' || (type === 'Decimal' && value !== null)) return String(value)
  return JSON.stringify(value)
}
