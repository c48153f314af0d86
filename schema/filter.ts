import { HubError } from './errors.ts'
import { compareValues, type Column, type ColumnType, type Row, type Value } from './values.ts'

/** Comparisons a `where` may make, in the order the SDL lists them. */
export const operators = ['eq', 'ne', 'in', 'lt', 'lte', 'gt', 'gte', 'like', 'startsWith', 'isNull'] as const
export type Operator = (typeof operators)[number]

/** Comparisons a declared argument of a list may stand for. */
export const argumentOperators = ['eq', 'ne', 'lt', 'lte', 'gt', 'gte'] as const satisfies readonly Operator[]
export type ArgumentOperator = (typeof argumentOperators)[number]

/** Whether a column of the type may be compared so. */
export function compares(type: ColumnType, op: Operator): boolean {
  if (type === 'JSON') return op === 'isNull'
  if (op === 'like' || op === 'startsWith') return type === 'String'
  return type !== 'Boolean' || ['eq', 'ne', 'isNull'].includes(op)
}

/**
 * A condition over the columns of one row, with SQL's three-valued meaning: a comparison with null is unknown, NOT unknown is unknown, and a row
 * passes only when the whole is true. `eq: null` is unknown too; `isNull` asks for absence.
 * `like` is SQL's: `%` any run, `_` one character, no escape. `startsWith` takes its text literally.
 * An empty `and` is true, an empty `or` is false, an empty `in` is false.
 */
export type Filter =
  | { readonly and: readonly Filter[] }
  | { readonly or: readonly Filter[] }
  | { readonly not: Filter }
  | { readonly column: string; readonly op: Exclude<Operator, 'in' | 'isNull'>; readonly value: Value }
  | { readonly column: string; readonly op: 'in'; readonly value: readonly Value[] }
  | { readonly column: string; readonly op: 'isNull'; readonly value: boolean }

/** One term of an order. Unless the caller says otherwise nulls count as larger than every value: last ascending, first descending. */
export interface Order {
  readonly column: string
  readonly descending: boolean
  readonly nullsFirst: boolean
}

/** True, false, or unknown. */
type Ternary = boolean | null
type Test = (row: Row) => Ternary

/** The filter as a function of a row: true only when the condition is true, not when it is unknown. A column the row type lacks → BAD_USER_INPUT. */
export function matcher(filter: Filter, columns: readonly Column[]): (row: Row) => boolean {
  const types = new Map(columns.map(column => [column.name, column.type]))
  const test = compile(filter, types)
  return row => test(row) === true
}

function compile(filter: Filter, types: ReadonlyMap<string, ColumnType>): Test {
  if ('and' in filter) return conjunction(filter.and.map(part => compile(part, types)))
  if ('or' in filter) return disjunction(filter.or.map(part => compile(part, types)))
  if ('not' in filter) return negation(compile(filter.not, types))

  const { column } = filter
  const type = types.get(column)
  if (!type) throw new HubError('BAD_USER_INPUT', `There is no column "${column}" to filter by.`, { column })
  return comparison(filter, type)
}

function conjunction(tests: readonly Test[]): Test {
  return row => {
    let result: Ternary = true
    for (const test of tests) {
      const one = test(row)
      if (one === false) return false
      if (one === null) result = null
    }
    return result
  }
}

function disjunction(tests: readonly Test[]): Test {
  return row => {
    let result: Ternary = false
    for (const test of tests) {
      const one = test(row)
      if (one === true) return true
      if (one === null) result = null
    }
    return result
  }
}

function negation(test: Test): Test {
  return row => {
    const one = test(row)
    return one === null ? null : !one
  }
}

function comparison(filter: Extract<Filter, { column: string }>, type: ColumnType): Test {
  const { column } = filter
  if (filter.op === 'isNull') {
    const wanted = filter.value
    return row => ((row[column] ?? null) === null) === wanted
  }
  if (filter.op === 'in') return membership(column, filter.value, type)

  const operand = filter.value
  if (operand === null) return () => null
  const whenPresent = present[filter.op](type, operand)
  return row => {
    const value = row[column] ?? null
    return value === null ? null : whenPresent(value)
  }
}

const present: Record<Exclude<Operator, 'in' | 'isNull'>, (type: ColumnType, operand: Value) => (value: Value) => boolean> = {
  eq: (type, operand) => value => compareValues(type, value, operand) === 0,
  ne: (type, operand) => value => compareValues(type, value, operand) !== 0,
  lt: (type, operand) => value => compareValues(type, value, operand) < 0,
  lte: (type, operand) => value => compareValues(type, value, operand) <= 0,
  gt: (type, operand) => value => compareValues(type, value, operand) > 0,
  gte: (type, operand) => value => compareValues(type, value, operand) >= 0,
  like: (_type, operand) => {
    const test = likeTest(String(operand))
    return value => test(String(value))
  },
  startsWith: (_type, operand) => value => String(value).startsWith(String(operand)),
}

function membership(column: string, list: readonly Value[], type: ColumnType): Test {
  const operands = list.filter(value => value !== null)
  const otherwise: Ternary = operands.length < list.length ? null : false
  const exact = type === 'Decimal' || type === 'JSON' ? undefined : new Set(operands)
  return row => {
    const value = row[column] ?? null
    if (list.length === 0) return false
    if (value === null) return null
    const found = exact ? exact.has(value) : operands.some(operand => compareValues(type, value, operand) === 0)
    return found || otherwise
  }
}

/**
 * SQL's LIKE without going back: the pieces between `%` are looked for one behind the other, each as early as it can be, which finds a match wherever there is one.
 * One regular expression for the whole would try every way to share the text among the `%`: minutes for a pattern of twenty.
 */
function likeTest(like: string): (text: string) => boolean {
  const pieces = like.split('%').map(piece => [...piece].map(char => (char === '_' ? '[\\s\\S]' : char.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))).join(''))
  const [first = '', ...rest] = pieces
  const last = rest.pop()
  if (last === undefined) {
    const whole = new RegExp(`^${first}$`, 'u')
    return text => whole.test(text)
  }
  const inTurn = [new RegExp(first, 'uy'), ...rest.filter(Boolean).map(piece => new RegExp(piece, 'gu')), new RegExp(`${last}$`, 'gu')]
  return text => {
    let at = 0
    for (const piece of inTurn) {
      piece.lastIndex = at
      if (!piece.test(text)) return false
      at = piece.lastIndex
    }
    return true
  }
}

/** The order as a comparison of two rows: the terms in turn. Append the key to make it total. */
export function comparator(order: readonly Order[], columns: readonly Column[]): (a: Row, b: Row) => number {
  const types = new Map(columns.map(column => [column.name, column.type]))
  const terms = order.map(term => {
    const type = types.get(term.column)
    if (!type) throw new HubError('BAD_USER_INPUT', `There is no column "${term.column}" to order by.`, { column: term.column })
    return { ...term, type }
  })
  return (a, b) => {
    for (const { column, type, descending, nullsFirst } of terms) {
      const left = a[column] ?? null
      const right = b[column] ?? null
      if (left === null || right === null) {
        if (left === right) continue
        return (left === null) === nullsFirst ? -1 : 1
      }
      const result = compareValues(type, left, right)
      if (result !== 0) return descending ? -result : result
    }
    return 0
  }
}
