import type { Filter } from '../../schema/filter.ts'
import type { Value } from '../../schema/values.ts'
import { choices, type Comparison, conjuncts } from '../scan/conjuncts.ts'
import type { CqlColumn } from './types.ts'

/** What one statement restricts a column to. */
export interface Restriction {
  readonly column: string
  readonly sign: '=' | '>=' | '<='
  /** As the driver takes it. */
  readonly value: unknown
}

export interface Keys {
  readonly partition: readonly CqlColumn[]
  readonly clustering: readonly CqlColumn[]
}

/** Statements one filter may become, at most; beyond these the whole table is read. */
const mostReads = 1000

/**
 * The statements Cassandra answers without filtering that together find every row the filter passes, and perhaps others: one a partition, of equality on the whole
 * partition key, then on a beginning of the clustering columns, then a range. None: no row can pass. Undefined: the filter does not name the partitions.
 */
export function readsFor(filter: Filter, keys: Keys): readonly (readonly Restriction[])[] | undefined {
  const all = conjuncts(filter)
  let reads: Restriction[][] = [[]]
  for (const column of keys.partition) {
    const values = valuesOf(column, all)
    if (!values || values.length * reads.length > mostReads) return undefined
    reads = times(reads, column, storable(keys, values))
  }
  for (const column of keys.clustering) {
    const values = valuesOf(column, all)
    if (values && values.length * reads.length <= mostReads) reads = times(reads, column, values)
    else {
      const range = column.cql.ordered ? all.filter(({ column: name }) => name === column.name).flatMap(comparison => boundOf(column, comparison)) : []
      return reads.map(read => [...read, ...firstOfEach(range)])
    }
  }
  return reads
}

/** One statement for each key that can have a row, each once; undefined where the columns do not hold the whole partition key. */
export function readsForKeys(columns: readonly CqlColumn[], rows: readonly (readonly Value[])[], keys: Keys): readonly (readonly Restriction[])[] | undefined {
  if (!keys.partition.every(({ name, cql }) => cql.bind && columns.some(column => column.name === name))) return undefined
  const missing = keys.clustering.findIndex(({ name, cql }) => !cql.bind || !columns.some(column => column.name === name))
  const restricted = [...keys.partition, ...(missing < 0 ? keys.clustering : keys.clustering.slice(0, missing))].map(column => ({ column, at: columns.findIndex(({ name }) => name === column.name) }))
  const reads = new Map<string, readonly Restriction[]>()
  for (const row of rows) {
    const read = restricted.flatMap(({ column, at }) => restriction(column, row[at] ?? null, keys))
    if (read.length === restricted.length) reads.set(JSON.stringify(restricted.map(({ at }) => String(row[at]))), read)
  }
  return [...reads.values()]
}

function restriction(column: CqlColumn, value: Value, keys: Keys): Restriction[] {
  const bound = value === null ? undefined : column.cql.bind?.(value)
  return bound === undefined || (keys.partition.includes(column) && storable(keys, [bound]).length === 0) ? [] : [{ column: column.name, sign: '=', value: bound }]
}

/** The values, bound, one of which the column must have; undefined: the filter does not say. */
function valuesOf(column: CqlColumn, all: readonly Comparison[]): unknown[] | undefined {
  const { bind } = column.cql
  const equality = all.find(comparison => comparison.column === column.name && choices(comparison) !== undefined)
  return bind && equality && choices(equality)?.map(bind).filter(value => value !== undefined)
}

/** A partition key of one column is never empty. */
function storable({ partition }: Keys, values: readonly unknown[]): unknown[] {
  return values.filter(value => partition.length > 1 || !((typeof value === 'string' || Buffer.isBuffer(value)) && value.length === 0))
}

function times(reads: readonly Restriction[][], { name }: CqlColumn, values: readonly unknown[]): Restriction[][] {
  return reads.flatMap(read => values.map(value => [...read, { column: name, sign: '=' as const, value }]))
}

/** Bounds are taken with their ends: rows at the end are looked at again. */
function boundOf({ name, cql }: CqlColumn, { op, value }: Comparison): Restriction[] {
  if (typeof value === 'boolean' || value === null || Array.isArray(value)) return []
  const sign = op === 'gt' || op === 'gte' ? '>=' : op === 'lt' || op === 'lte' ? '<=' : undefined
  const bound = sign && cql.bind?.(value as Exclude<Value, null>)
  return sign === undefined || bound === undefined ? [] : [{ column: name, sign, value: bound }]
}

function firstOfEach(bounds: readonly Restriction[]): Restriction[] {
  return bounds.filter((bound, index) => bounds.findIndex(({ sign }) => sign === bound.sign) === index)
}
