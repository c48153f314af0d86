import { matcher, type Filter } from '../../schema/filter.ts'
import { toLong, type Column, type ColumnType, type Row, type Value } from '../../schema/values.ts'

/**
 * A filter without NOT, of which only "true" or "not true" is asked: AND and OR over leaves. A leaf is a comparison the index knows to use,
 * or `test`, a condition on one column that schema/filter.ts decides.
 */
export type Condition =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Condition[] }
  | Leaf

export type Leaf =
  | { readonly kind: 'eq'; readonly column: string; readonly constant: Value }
  | { readonly kind: 'in'; readonly column: string; readonly constant: ReadonlySet<Value> }
  | { readonly kind: 'isNull'; readonly column: string; readonly constant: null }
  | { readonly kind: 'lt' | 'lte' | 'gt' | 'gte'; readonly column: string; readonly constant: string | number }
  | { readonly kind: 'startsWith'; readonly column: string; readonly constant: string }
  | { readonly kind: 'test'; readonly column: string; readonly constant: (row: Row) => boolean }

const always: Condition = { kind: 'and', parts: [] }
const never: Condition = { kind: 'or', parts: [] }

/** The rows that pass are the filter's. A column the rows lack → BAD_USER_INPUT. */
export function conditionOf(filter: Filter, columns: readonly Column[]): Condition {
  const types = new Map(columns.map(column => [column.name, column.type]))
  return convert(filter, false, columns, types)
}

/** De Morgan's laws hold with three values, so NOT only turns AND into OR and each comparison into its opposite. */
function convert(filter: Filter, negated: boolean, columns: readonly Column[], types: ReadonlyMap<string, ColumnType>): Condition {
  if ('not' in filter) return convert(filter.not, !negated, columns, types)
  if ('and' in filter) return { kind: negated ? 'or' : 'and', parts: filter.and.map(part => convert(part, negated, columns, types)) }
  if ('or' in filter) return { kind: negated ? 'and' : 'or', parts: filter.or.map(part => convert(part, negated, columns, types)) }
  // Compiled in any case: it refuses unknown columns.
  const constant = matcher(negated ? { not: filter } : filter, columns)
  return known(filter, negated, types) ?? { kind: 'test', column: filter.column, constant }
}

type Comparison = Extract<Filter, { column: string }>

const opposite: Partial<Record<Comparison['op'], Comparison['op']>> = { eq: 'ne', ne: 'eq', lt: 'gte', lte: 'gt', gt: 'lte', gte: 'lt' }

/** The comparison as a leaf whose meaning `===`, `<`, a Set or a prefix gives exactly; undefined for the others. */
function known(filter: Comparison, negated: boolean, types: ReadonlyMap<string, ColumnType>): Condition | undefined {
  const { column } = filter
  const type = types.get(column) ?? 'JSON'
  if (filter.op === 'isNull') return filter.value !== negated ? { kind: 'isNull', column, constant: null } : undefined
  if (filter.op === 'in') return membership(column, type, filter.value, negated)
  if (filter.value === null) return never

  const op = negated ? opposite[filter.op] : filter.op
  const constant = identity[type](filter.value)
  if (op === 'eq') return constant === undefined ? undefined : { kind: 'eq', column, constant }
  if (op === 'startsWith') return type === 'String' && typeof constant === 'string' ? { kind: op, column, constant } : undefined
  if (op === 'lt' || op === 'lte' || op === 'gt' || op === 'gte') {
    return type !== 'DateTime' && (typeof constant === 'string' || (typeof constant === 'number' && type !== 'Long')) ? { kind: op, column, constant } : undefined
  }
  return undefined
}

function membership(column: string, type: ColumnType, list: readonly Value[], negated: boolean): Condition | undefined {
  if (list.length === 0) return negated ? always : never
  if (negated) return list.includes(null) ? never : undefined
  const constants = new Set<Value>()
  for (const value of list) {
    if (value === null) continue
    const constant = identity[type](value)
    if (constant === undefined) return undefined
    constants.add(constant)
  }
  return constants.size === 0 ? never : { kind: 'in', column, constant: constants }
}

type Identity = (value: Value) => Value | undefined
const text: Identity = value => (typeof value === 'string' ? value : undefined)
const number: Identity = value => (typeof value === 'number' && !Number.isNaN(value) ? value : undefined)
/** Equal in more than one spelling. */
const none: Identity = () => undefined

/** The value to which equal values of a row are identical; undefined where identity does not decide. */
const identity: Record<ColumnType, Identity> = {
  String: text, UUID: text, Bytes: text, Date: text, Time: text, DateTime: text, LocalDateTime: text,
  Int: number, Float: number,
  Long: value => (typeof value === 'bigint' ? toLong(value) : number(value)),
  Boolean: value => (typeof value === 'boolean' ? value : undefined),
  Decimal: none, JSON: none,
}
