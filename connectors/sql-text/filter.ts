import { HubError } from '../../schema/errors.ts'
import type { Filter } from '../../schema/filter.ts'
import { didYouMean } from '../../schema/names.ts'
import type { Column, ColumnType, Value } from '../../schema/values.ts'

/** A column with the SQL that reads it: a quoted name, or an expression whose values compare as the canonical ones do. */
export interface SqlColumn extends Column {
  readonly expression: string
}

/** What a driver binds. */
export type Bound = null | boolean | number | bigint | string | Uint8Array | readonly (string | null)[]

/** Takes a value, answers its placeholder. */
export type Bind = (value: Bound) => string

export type Present = Exclude<Value, null>

/** Where the engines differ. Every answer is SQL text in which values appear as placeholders only. */
export interface FilterDialect {
  /** A value to compare the column with. */
  operand(column: SqlColumn, value: Present, bind: Bind): string
  /** The column, made to order by code point where the engine would order otherwise. */
  ordered(column: SqlColumn): string
  /** `IN` over a list that is not empty; null in it makes a miss unknown. */
  among(column: SqlColumn, values: readonly Value[], bind: Bind): string
  /** `%` any run, `_` one character, no escape, letter case matters. */
  like(text: string, pattern: string, bind: Bind): string
  startsWith(text: string, prefix: string, bind: Bind): string
  /** The column as text. */
  text(column: SqlColumn): string
}

/**
 * The filter as a condition for WHERE, three-valued as in schema/filter.ts. Texts order by code point, which is the product's order for all text without
 * characters beyond U+FFFF. Unknown column, a value the column's type does not have, or a comparison the type has no order for → BAD_USER_INPUT.
 */
export function filterSql(filter: Filter, columns: readonly SqlColumn[], dialect: FilterDialect, bind: Bind): string {
  const known = new Map(columns.map(column => [column.name, column]))
  return condition(filter)

  function condition(part: Filter): string {
    if ('and' in part) return part.and.length === 0 ? '(1 = 1)' : `(${part.and.map(condition).join(' AND ')})`
    if ('or' in part) return part.or.length === 0 ? '(1 = 0)' : `(${part.or.map(condition).join(' OR ')})`
    if ('not' in part) return `(NOT ${condition(part.not)})`
    return comparison(comparable(known, part), part)
  }

  function comparison(column: SqlColumn, part: Comparison): string {
    const { expression } = column
    if (part.op === 'isNull') return `(${expression} IS ${part.value ? '' : 'NOT '}NULL)`
    if (part.op === 'in') return part.value.length === 0 ? '(1 = 0)' : `(${dialect.among(column, part.value, bind)})`
    if (part.value === null) return unknown
    if (part.op === 'like') return `(${dialect.like(dialect.text(column), String(part.value), bind)})`
    if (part.op === 'startsWith') return `(${dialect.startsWith(dialect.text(column), String(part.value), bind)})`
    const value: Present = part.value
    switch (part.op) {
      case 'eq':
      case 'ne':
        return `(${expression} ${signs[part.op]} ${dialect.operand(column, value, bind)})`
      default:
        return `(${dialect.ordered(column)} ${signs[part.op]} ${dialect.operand(column, value, bind)})`
    }
  }
}

/** Refuses what `filterSql` refuses, for a source that compares rows itself. */
export function checkFilter(filter: Filter, columns: readonly Column[]): void {
  const known = new Map(columns.map(column => [column.name, column]))
  const check = (part: Filter): void => {
    if ('and' in part) part.and.forEach(check)
    else if ('or' in part) part.or.forEach(check)
    else if ('not' in part) check(part.not)
    else comparable(known, part)
  }
  check(filter)
}

type Comparison = Extract<Filter, { column: string }>

/** The column compared, when it is there and can hold the values. */
function comparable<C extends Column>(known: ReadonlyMap<string, C>, part: Comparison): C {
  const column = known.get(part.column)
  if (!column) throw new HubError('BAD_USER_INPUT', `There is no column "${part.column}" to filter by.${didYouMean(part.column, known.keys())}`, { column: part.column })
  if (part.op === 'isNull') return column
  if (!comparisons[column.type].has(part.op)) throw new HubError('BAD_USER_INPUT', `Column "${column.name}" is ${column.type}, which "${part.op}" does not compare in this source.`, { column: column.name })
  const values: readonly Value[] = part.op === 'in' ? part.value : part.op === 'like' || part.op === 'startsWith' ? [] : [part.value]
  for (const value of values) if (value !== null) checked(column, value)
  return column
}

/** Neither true nor false, in every dialect. */
const unknown = '(1 = NULL)'

const signs = { eq: '=', ne: '<>', lt: '<', lte: '<=', gt: '>', gte: '>=' } as const

const equality = ['eq', 'ne', 'in'] as const
const ordered = [...equality, 'lt', 'lte', 'gt', 'gte'] as const
const textual = [...ordered, 'like', 'startsWith'] as const

const comparisons: Record<ColumnType, ReadonlySet<string>> = {
  String: new Set(textual), UUID: new Set(textual),
  Int: new Set(ordered), Long: new Set(ordered), Float: new Set(ordered), Decimal: new Set(ordered), Boolean: new Set(ordered),
  Date: new Set(ordered), Time: new Set(ordered), DateTime: new Set(ordered), LocalDateTime: new Set(ordered),
  Bytes: new Set(equality), JSON: new Set(),
}

const number = /^-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/
const shapes: Record<ColumnType, RegExp> = {
  String: /^/, JSON: /^/,
  Int: number, Long: number, Float: number,
  Decimal: /^[+-]?\d+(\.\d*)?$/,
  Boolean: /^(true|false)$/,
  Date: /^\d{4}-\d\d-\d\d$/,
  Time: /^\d\d:\d\d:\d\d(\.\d+)?$/,
  DateTime: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/,
  LocalDateTime: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?$/,
  UUID: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
  Bytes: /^[A-Za-z0-9+/]*={0,2}$/,
}

function checked(column: Column, value: Present): void {
  if (shapes[column.type].test(String(value))) return
  throw new HubError('BAD_USER_INPUT', `"${String(value).slice(0, 100)}" is not a ${column.type}; column "${column.name}" compares with nothing else.`, { column: column.name })
}

/** Whether a column of the type can hold the value at all; one it cannot hold has no row. */
export function isPossible(type: ColumnType, value: Value): boolean {
  return value !== null && type !== 'JSON' && shapes[type].test(String(value)) && !String(value).includes('\0')
}

/** A name in double quotes, which is how all three engines quote. A NUL has no place in a name. */
export function identifier(name: string): string {
  if (name === '' || name.includes('\0')) throw new HubError('BAD_USER_INPUT', `"${name.replaceAll('\0', '\\0')}" cannot be the name of a table or column.`)
  return `"${name.replaceAll('"', '""')}"`
}

/** Type of an integral or fractional number as the narrowest of three: fits 64 bit, integer beyond, has a fraction. */
export function numberKind(value: Present): 'integer' | 'huge' | 'fraction' {
  const text = String(value)
  if (!/^-?\d+$/.test(text)) return 'fraction'
  const exact = BigInt(text)
  return BigInt.asIntN(64, exact) === exact ? 'integer' : 'huge'
}
