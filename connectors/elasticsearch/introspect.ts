import type { estypes } from '@elastic/elasticsearch'
import { anything, fieldType, type FieldColumn, isAnalysed } from './types.ts'

export interface ElasticsearchTable {
  /** Of an index, an alias or a data stream. */
  readonly name: string
  /** `_id`, then the fields by name: Elasticsearch keeps no other order. */
  readonly columns: readonly FieldColumn[]
}

/** What of a cluster's answers the tables are made from. */
export interface Found {
  readonly resolved: estypes.IndicesResolveIndexResponse
  /** By name of the index. */
  readonly mappings: Readonly<Record<string, { readonly mappings: estypes.MappingTypeMapping }>>
}

interface Property {
  readonly type?: string
  readonly format?: string
  readonly index?: boolean
  readonly doc_values?: boolean
  readonly normalizer?: string
  readonly path?: string
  readonly fields?: Readonly<Record<string, Property>>
  readonly properties?: Readonly<Record<string, Property>>
}

const idColumn: FieldColumn = { name: '_id', type: 'String', nullable: false, field: '_id', of: { type: 'String', read: String }, holds: 'one' }

/** Indices, aliases and data streams that are not hidden, each with the columns of all its indices; a field two of them declare differently is read as it was written. */
export function tablesFrom({ resolved, mappings }: Found): ElasticsearchTable[] {
  const named = [
    ...resolved.indices.map(({ name }) => ({ name, indices: [name] })),
    ...resolved.aliases.map(({ name, indices }) => ({ name, indices: [indices].flat() })),
    ...resolved.data_streams.map(({ name, backing_indices }) => ({ name, indices: [backing_indices].flat() })),
  ]
  return named.filter(({ name }) => !name.startsWith('.')).sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ name, indices }) => {
    const columns = new Map<string, FieldColumn>()
    for (const index of indices) {
      for (const column of columnsOf((mappings[index]?.mappings.properties ?? {}) as Readonly<Record<string, Property>>)) {
        const other = columns.get(column.name)
        columns.set(column.name, other && !isSame(other, column) ? written(column.name) : column)
      }
    }
    return { name, columns: [idColumn, ...[...columns.values()].sort((a, b) => (a.name < b.name ? -1 : 1))] }
  })
}

function isSame(a: FieldColumn, b: FieldColumn): boolean {
  return a.of === b.of && a.searched === b.searched && a.holds === b.holds
}

function columnsOf(properties: Readonly<Record<string, Property>>): FieldColumn[] {
  return Object.entries(properties).map(([name, property]): FieldColumn => {
    const target = property.type === 'alias' ? at(properties, property.path ?? '') : property
    const of = target && fieldType(target.type ?? 'object', target.format)
    if (!target || !of) return written(name)
    const analysed = isAnalysed(target.type ?? '')
    const exact = analysed ? Object.entries(target.fields ?? {}).find(([, field]) => isExact(field))?.[0] : undefined
    const base = { name, type: of.type, nullable: true, field: name, of }
    if (analysed) return exact === undefined ? { ...base, holds: 'text' } : { ...base, of: { ...of, term: fieldType('keyword', undefined)?.term }, searched: `${property.type === 'alias' ? property.path : name}.${exact}`, holds: 'text' }
    const isSearchable = target.index !== false || target.doc_values !== false
    return { ...base, holds: 'one', ...(isSearchable && target.normalizer === undefined && target.type !== 'binary' ? { searched: name } : {}) }
  })
}

/** A field that keeps each text whole. */
function isExact({ type, normalizer, index, doc_values }: Property): boolean {
  return type === 'keyword' && normalizer === undefined && index !== false && doc_values !== false
}

function at(properties: Readonly<Record<string, Property>>, path: string): Property | undefined {
  const [first = '', ...rest] = path.split('.')
  const found = properties[first]
  if (rest.length === 0) return found
  return at(found?.properties ?? {}, rest.join('.'))
}

function written(name: string): FieldColumn {
  return { name, type: 'JSON', nullable: true, field: name, of: anything, holds: 'whole' }
}

/** Asks of every column that can tell how many values and how many documents with one there are. Undefined: of none. */
export function countsOf({ columns }: ElasticsearchTable): Readonly<Record<string, estypes.AggregationsAggregationContainer>> | undefined {
  const counted = columns.flatMap(({ searched }, index): (readonly [string, estypes.AggregationsAggregationContainer])[] =>
    searched === undefined ? [] : [[`values${index}`, { value_count: { field: searched } }], [`documents${index}`, { filter: { exists: { field: searched } } }]])
  return counted.length === 0 ? undefined : Object.fromEntries(counted)
}

/** The table with the columns as lists of which a document holds several values. */
export function withLists(table: ElasticsearchTable, counts: Readonly<Record<string, { readonly value?: number | null; readonly doc_count?: number } | undefined>>): ElasticsearchTable {
  const columns = table.columns.map((column, index): FieldColumn => {
    const values = counts[`values${index}`]?.value ?? 0
    const documents = counts[`documents${index}`]?.doc_count ?? 0
    return values > documents ? { ...column, type: 'JSON', searched: undefined, holds: 'several' } : column
  })
  return { ...table, columns }
}
