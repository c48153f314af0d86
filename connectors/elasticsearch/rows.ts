import type { estypes } from '@elastic/elasticsearch'
import type { HubError } from '../../schema/errors.ts'
import type { Row, Value } from '../../schema/values.ts'
import { type FieldColumn, jsonOf } from './types.ts'

/** What a search must answer of each document, and no more. */
export function requestOf(columns: readonly FieldColumn[]): Pick<estypes.SearchRequest, 'fields' | '_source'> {
  const fields = columns.filter(({ holds, name }) => holds !== 'whole' && name !== '_id').map(({ field, of: { format } }) => (format === undefined ? { field } : { field, format }))
  const whole = columns.filter(({ holds }) => holds === 'whole').map(({ field }) => field)
  return { fields, _source: whole.length > 0 ? { includes: whole } : false }
}

type Hit = Pick<estypes.SearchHit, '_id' | '_source' | 'fields' | 'ignored_field_values'>

/** Values come as the mapping understands them, in lists. `several`: the failure of a column that holds more than it was known to. */
export function rowOf(columns: readonly FieldColumn[], hit: Hit, several: (field: string) => HubError): Row {
  const row: Record<string, Value> = {}
  for (const column of columns) row[column.name] = column.name === '_id' ? (hit._id ?? null) : column.holds === 'whole' ? wholeOf(hit._source, column.field) : fieldValue(column, hit, several)
  return row
}

function fieldValue({ field, of, holds }: FieldColumn, { fields, ignored_field_values: ignored }: Hit, several: (field: string) => HubError): Value {
  const found: readonly unknown[] = fields?.[field] ?? (of.type === 'String' ? ignored?.[field] : undefined) ?? []
  if (found.length === 0) return null
  if (holds === 'several') return found.map(value => jsonOf(of.read(value)))
  const [first, ...others] = found
  if (others.every(other => other === first)) return of.read(first)
  if (holds === 'text') return JSON.stringify(found)
  throw several(field)
}

/** Of a document as it was written; `{ "a.b": 1 }` is another way to write `{ "a": { "b": 1 } }`. */
function wholeOf(source: unknown, field: string): Value {
  const document = (source ?? {}) as Readonly<Record<string, unknown>>
  const dotted = Object.entries(document).filter(([name]) => name.startsWith(`${field}.`)).map(([name, value]) => [name.slice(field.length + 1), value] as const)
  return jsonOf(dotted.length === 0 ? document[field] : { ...(document[field] as object | undefined), ...Object.fromEntries(dotted) })
}
