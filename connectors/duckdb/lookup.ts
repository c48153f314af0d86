import { comparator, matcher, type Order } from '../../schema/filter.ts'
import type { Column, ColumnType, Row, Value } from '../../schema/values.ts'
import type { MountedTable } from '../ports/sql-engine.ts'
import { type Body, blank, kindOf, listOf, type Node, nameOf, type ParsedStatement } from '../statements/ast.ts'
import { countOperand, filterOf, type Operand, type Predicate } from './pushdown.ts'
import { columnsOf } from './result.ts'
import type { Translation } from './translate.ts'

/**
 * A SELECT of columns of one table whose rows the process holds, with a WHERE that its key or an index can lead to, and nothing that makes more of the rows than they are:
 * it is answered without DuckDB, whose planning costs a thousand times what finding a row does.
 */
export interface Lookup {
  readonly table: MountedTable
  /** All that the WHERE says. */
  readonly predicates: readonly Predicate[]
  readonly selected: readonly { readonly name: string; readonly column: Column }[]
  /** Of the answer: those selected, under names of their own. */
  readonly answered: readonly Column[]
  readonly order: readonly Order[]
  readonly limit: Operand | undefined
}

export interface LookedUp {
  readonly columns: readonly Column[]
  readonly rows: readonly Row[]
  /** Rows that were looked at. */
  readonly scanned: number
}

/** Above this DuckDB is no slower, and leaves the process to its other work: of rows that were found, and of a table that has to be read whole. */
const mostFound = 10_000
const mostWhole = 256

const clauses = new Set(['expressions', 'from', 'where_clause', 'order_by', 'limit', 'leading_comments', 'span'])

/** Undefined where DuckDB has to answer. */
export function lookupOf({ root }: ParsedStatement, { live, staged, tables, isVolatile }: Translation): Lookup | undefined {
  const [read] = live
  if (!read?.isWhole || read.predicates.length === 0 || live.length > 1 || staged.length > 0 || tables.length > 1 || isVolatile || kindOf(root) !== 'select') return undefined
  const select = root['select'] as Body
  if (Object.entries(select).some(([name, clause]) => !clauses.has(name) && !blank(clause))) return undefined
  const from = listOf((select['from'] as Body | null)?.['expressions'])
  if (from.length !== 1 || kindOf(from[0]) !== 'table') return undefined
  const { columns } = read.table
  const columnOf = (node: unknown) => (kindOf(node) === 'column' ? columns.find(({ name }) => name === nameOf(((node as Node)['column'] as Body)['name'])) : undefined)

  const selected = listOf(select['expressions']).map(item => selectedBy(item, columns, columnOf))
  const all = selected.flatMap(some => some ?? [])
  const { expressions: terms, ...ordering } = (select['order_by'] ?? {}) as Body
  if (Object.values(ordering).some(member => !blank(member))) return undefined
  const order = listOf(terms).map(term => orderOf(term, columnOf, all))
  const limit = blank(select['limit']) ? undefined : countOperand(select['limit'])
  if (selected.includes(undefined) || all.some(({ column }) => !Object.hasOwn(shown, column.type)) || order.includes(undefined) || (limit === undefined && !blank(select['limit']))) return undefined
  const answered = columnsOf(all.map(({ name }) => name), all.map(({ column: { type } }) => ({ type, read: asIs })))
  return { table: read.table, predicates: read.predicates, selected: all, answered, order: order.filter(term => term !== undefined), limit }
}

/** The rows as DuckDB would answer them, at most `maxRows` and one more; undefined where that cannot be said, or they are too many to be looked at here. */
export function lookUp({ table: { columns, from }, predicates, selected, answered, order, limit }: Lookup, tenant: string, given: (parameter: number) => Value | readonly Value[], maxRows = Number.POSITIVE_INFINITY): LookedUp | undefined {
  const { filter, complete } = filterOf(predicates, given)
  const most = limit === undefined ? Number.POSITIVE_INFINITY : 'constant' in limit ? limit.constant : given(limit.parameter)
  if (from.kind !== 'live' || !filter || !complete || typeof most !== 'number' || most < 0 || (limit && !Number.isSafeInteger(most))) return undefined

  const found = from.indexes?.among(tenant, filter)
  const mostScanned = found ? mostFound : mostWhole
  const wanted = Math.min(most, maxRows + 1)
  const passes = matcher(filter, columns)
  const passing: Row[] = []
  let scanned = 0
  for (const row of found?.rows ?? from.rows(tenant)) {
    if (order.length === 0 && passing.length >= wanted) break
    scanned += 1
    if (scanned > mostScanned) return undefined
    if (passes(row)) passing.push(row)
  }
  if (order.length > 0) passing.sort(comparator(order, columns))

  const rows: Row[] = []
  for (const row of passing.slice(0, wanted)) {
    const made: Record<string, Value> = {}
    for (let index = 0; index < selected.length; index++) {
      const { name, type } = (selected[index] as Lookup['selected'][number]).column
      const value = row[name] ?? null
      const said = value === null ? null : shown[type]?.(value)
      if (said === undefined) return undefined
      made[(answered[index] as Column).name] = said
    }
    rows.push(made)
  }
  return { columns: answered, rows, scanned }
}

const asIs = (): never => {
  throw new RangeError('These rows did not come from DuckDB.')
}

function selectedBy(item: Node, columns: readonly Column[], columnOf: (node: unknown) => Column | undefined): Lookup['selected'] | undefined {
  if (kindOf(item) === 'star') {
    const { table: _table, ...more } = item['star'] as Body
    return Object.entries(more).every(([name, member]) => name === 'span' || blank(member)) ? columns.map(column => ({ name: column.name, column })) : undefined
  }
  const alias = kindOf(item) === 'alias' ? (item['alias'] as Body) : undefined
  const column = columnOf(alias ? alias['this'] : item)
  return column && [{ name: alias ? (nameOf(alias['alias']) ?? '') : column.name, column }]
}

/** Types that are ordered alike here and there. */
const ordered: ReadonlySet<ColumnType> = new Set(['Int', 'Long', 'Boolean', 'Date'])

/** Undefined for what is no column of such a type, and where the name may mean something else that is selected. */
function orderOf(term: Node, columnOf: (node: unknown) => Column | undefined, selected: Lookup['selected']): Order | undefined {
  const { this: by, desc, nulls_first: nullsFirst, span: _span, explicit_asc: _asc, ...more } = term as Body
  const column = columnOf(by)
  if (!column || !ordered.has(column.type) || Object.values(more).some(member => !blank(member))) return undefined
  if (selected.some(one => one.name.toLowerCase() === column.name.toLowerCase() && one.column !== column)) return undefined
  return { column: column.name, descending: desc === true, nullsFirst: nullsFirst === true }
}

const written = (pattern: RegExp) => (value: Value) => (typeof value === 'string' && pattern.test(value) ? value : undefined)

/** By type of column: the value as DuckDB gives it back, undefined where it may give back another. Decimals take the digits of all their column's, and what is not here is written anew. */
const shown: Readonly<Partial<Record<ColumnType, (value: Value) => Value | undefined>>> = {
  Int: value => (typeof value === 'number' && value === (value | 0) ? value : undefined),
  Long: value => (typeof value === 'bigint' || Number.isSafeInteger(value) ? value : undefined),
  Float: value => (typeof value !== 'number' ? undefined : Number.isFinite(value) ? value : null),
  Boolean: value => (typeof value === 'boolean' ? value : undefined),
  String: value => (typeof value === 'string' && value.isWellFormed() && !value.includes('\0') ? value : undefined),
  UUID: written(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
  Date: written(/^\d{4}-\d\d-\d\d$/),
  DateTime: written(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,5}[1-9])?Z$/),
  LocalDateTime: written(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,5}[1-9])?$/),
}
