import type { Client } from '@elastic/elasticsearch'
import type { Column, Row } from '../../schema/values.ts'
import { heldAs } from '../conformance/source-connector.ts'

/** `_id` and no other key, no order of fields, names of small letters. A day is a date with such a format; any JSON is an object nobody looks into. */
export const heldByElasticsearch = heldAs({
  table: ({ name, columns, key, rows }) => ({
    name: name.replaceAll(/[^a-z]/g, ''), key: ['_id'],
    columns: [{ name: '_id', type: 'String', nullable: false }, ...columns.map(column => ({ ...column, nullable: true })).sort((a, b) => (a.name < b.name ? -1 : 1))],
    rows: rows.map(row => ({ _id: key.map(column => String(row[column])).join(' '), ...row })),
  }),
  types: { seen: 'DateTime' },
  value: (column, value) => (column === 'seen' && value !== null ? `${String(value)}Z` : value),
})

const mappings: Readonly<Record<string, object>> = {
  String: { type: 'keyword' }, Int: { type: 'integer' }, Long: { type: 'long' }, Float: { type: 'double' }, Boolean: { type: 'boolean' }, Date: { type: 'date', format: 'strict_date' }, DateTime: { type: 'date_nanos' }, JSON: { type: 'object', enabled: false },
}

export const conformanceIndices = [heldByElasticsearch.places.name, heldByElasticsearch.visits.name, heldByElasticsearch.numbers.name] as const

/** The tables of the conformance list. */
export async function storeConformance(client: Client): Promise<void> {
  await client.indices.delete({ index: [...conformanceIndices], ignore_unavailable: true })
  const { places, visits, numbers } = heldByElasticsearch
  for (const { name, columns, rows } of [places, visits, numbers]) {
    const properties = Object.fromEntries(columns.slice(1).map(({ name: column, type }: Column) => [column, mappings[type] ?? {}]))
    await client.indices.create({ index: name, settings: { number_of_shards: 2, number_of_replicas: 0 }, mappings: { properties } })
    const lines = rows.flatMap(({ _id, ...row }: Row) => [JSON.stringify({ index: { _id } }), `{${Object.entries(row).map(([column, value]) => `${JSON.stringify(column)}:${typeof value === 'bigint' ? value : JSON.stringify(value)}`).join(',')}}`])
    const answer = await client.bulk({ index: name, refresh: true, operations: lines })
    if (answer.errors) throw new Error(`Documents of ${name} were refused: ${JSON.stringify(answer.items.filter(item => item.index?.error).slice(0, 3))}`)
  }
}
