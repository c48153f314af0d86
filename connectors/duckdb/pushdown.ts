import type { Filter } from '../../schema/filter.ts'
import { type Column, type ColumnType, scaleOf, toLong, type Value } from '../../schema/values.ts'
import { type Body, blank, kindOf, listOf, type Node, nameOf } from '../statements/ast.ts'
import type { TableReference } from './dialect/environment.ts'

type Comparison = 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte'

/** A condition a table's holder may apply. */
export type Predicate =
  | { readonly column: Column; readonly op: Comparison; readonly operand: Operand }
  | { readonly column: Column; readonly op: 'in'; readonly operands: readonly Operand[] }
  | { readonly column: Column; readonly op: 'isNull'; readonly value: boolean }

/** A constant, or a parameter by its index from 1, and what it is cast to: a number with a point is a decimal, one with an exponent a double. */
export type Operand = ({ readonly constant: Value } | { readonly parameter: number }) & { readonly cast?: Cast }

interface Cast {
  readonly type: string
  /** Of a decimal. */
  readonly scale?: number
}

export interface Pushdown {
  readonly predicates: readonly Predicate[]
  /** They are all that the SELECT, which reads nothing beside, asks of a row. */
  readonly isWhole: boolean
  /** No other row is needed, should every predicate be applied; absent where that cannot be said. */
  readonly limit?: number
}

/**
 * What of a SELECT can be asked of the holder of one of its tables without losing a row that the SELECT needs. Everything is applied again by the engine, so
 * only conditions of the WHERE's outermost AND count, and no test for null where an outer join could bring the null.
 */
export function pushdownOf({ node, select, alias }: TableReference, columns: readonly Column[]): Pushdown {
  // A sample is drawn from all rows, and renamed columns are others than the table's.
  if (renamesColumns(node) || !blank((node['table'] as Body)['table_sample'])) return { predicates: [], isWhole: false }
  const from = listOf((select['from'] as Body | null)?.['expressions'])
  const joins = listOf(select['joins'])
  const sole = from.length === 1 && joins.length === 0 && kindOf(from[0]) === 'table'
  const inner = joins.every(join => ['Inner', 'Cross', 'Implicit'].includes(String(join['kind']))) && from.every(item => kindOf(item) !== 'joined_table')
  const byName = new Map(columns.map(column => [column.name.toLowerCase(), column]))
  const columnOf = (node: unknown): Column | undefined => {
    if (kindOf(node) !== 'column') return undefined
    const body = (node as Node)['column'] as Body
    const table = nameOf(body['table'])?.toLowerCase()
    if (table === undefined ? !sole : table !== alias.toLowerCase()) return undefined
    return byName.get(nameOf(body['name'])?.toLowerCase() ?? '')
  }

  const conditions = conjuncts((select['where_clause'] as Body | null)?.['this'] as Node | undefined)
  const found = conditions.map(condition => predicatesOf(condition, columnOf).filter(one => inner || one.op !== 'isNull'))
  const predicates = found.flat()
  const isWhole = sole && found.every(parts => parts.length > 0)
  const limit = isWhole ? limitOf(select) : undefined
  return { predicates, isWhole, ...(limit === undefined ? {} : { limit }) }
}

/** Whether the statement gives the table's columns, in their order, other names. */
export function renamesColumns(node: Node): boolean {
  return !blank((node['table'] as Body)['column_aliases'])
}

function conjuncts(node: Node | undefined): readonly Node[] {
  if (node === undefined) return []
  const body = node[kindOf(node)] as Body
  if (kindOf(node) === 'and') return [...conjuncts(body['left'] as Node), ...conjuncts(body['right'] as Node)]
  if (kindOf(node) === 'paren' || kindOf(node) === 'annotated') return conjuncts(body['this'] as Node)
  return [node]
}

const comparisons: Readonly<Record<string, readonly [Comparison, Comparison]>> = {
  eq: ['eq', 'eq'], neq: ['ne', 'ne'], lt: ['lt', 'gt'], lte: ['lte', 'gte'], gt: ['gt', 'lt'], gte: ['gte', 'lte'],
}

/** Types whose order is the same everywhere. Sources may collate text in their own way. */
const ordered: ReadonlySet<ColumnType> = new Set(['Int', 'Long', 'Float', 'Decimal', 'Boolean', 'Date'])

/** What a condition says of one column: nothing, one thing, or the two of a BETWEEN. */
function predicatesOf(node: Node, columnOf: (node: unknown) => Column | undefined): readonly Predicate[] {
  const kind = kindOf(node)
  const body = node[kind] as Body
  const both = Object.hasOwn(comparisons, kind) ? comparisons[kind] : undefined
  if (both) {
    const leftColumn = columnOf(body['left'])
    const op = leftColumn ? both[0] : both[1]
    return comparison(leftColumn ?? columnOf(body['right']), op, operandOf(leftColumn ? body['right'] : body['left']))
  }
  const column = columnOf(body?.['this'])
  if (!column) return []
  if (kind === 'is_null') return [{ column, op: 'isNull', value: !body['not'] }]
  if (body['not'] || body['query']) return []
  if (kind === 'between') {
    const ends = [...comparison(column, 'gte', operandOf(body['low'])), ...comparison(column, 'lte', operandOf(body['high']))]
    return ends.length === 2 && !body['symmetric'] ? ends : []
  }
  if (kind !== 'in') return []
  const operands = listOf(body['expressions']).map(operandOf)
  return operands.every(operand => operand !== undefined) ? [{ column, op: 'in', operands }] : []
}

function comparison(column: Column | undefined, op: Comparison, operand: Operand | undefined): readonly Predicate[] {
  if (!column || !operand || (op !== 'eq' && op !== 'ne' && !ordered.has(column.type))) return []
  return [{ column, op, operand }]
}

function operandOf(node: unknown): Operand | undefined {
  const body = ((node as Node | undefined)?.[kindOf(node)] ?? {}) as Body
  switch (kindOf(node)) {
    case 'parameter':
      return { parameter: Number(body['index']) }
    case 'boolean':
      return { constant: Boolean(body['value']) }
    case 'neg':
      return negative(operandOf(body['this']))
    case 'cast': {
      const { data_type: type, scale, length } = body['to'] as { data_type?: string; scale?: number; length?: number }
      const operand = operandOf(body['this'])
      if (!operand || operand.cast || type === undefined || !blank(length)) return undefined
      return { ...operand, cast: { type, ...(scale === undefined ? {} : { scale }) } }
    }
    case 'literal': {
      const text = String(body['value'])
      if (body['literal_type'] === 'number') return numberOf(text)
      if (body['literal_type'] === 'string' || body['literal_type'] === 'date') return { constant: text }
      return undefined
    }
    default:
      return undefined
  }
}

function numberOf(text: string): Operand {
  if (/[eE]/.test(text)) return { constant: Number(text), cast: { type: 'double' } }
  if (text.includes('.')) return { constant: text.replace(/^\./, '0.').replace(/\.$/, ''), cast: { type: 'decimal', scale: scaleOf(text) } }
  return { constant: Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text) }
}

function negative(operand: Operand | undefined): Operand | undefined {
  if (!operand || !('constant' in operand)) return undefined
  const { constant, cast } = operand
  if (typeof constant === 'number' || typeof constant === 'bigint') return { ...operand, constant: -constant }
  return cast?.type === 'decimal' && !String(constant).startsWith('-') ? { ...operand, constant: `-${String(constant)}` } : undefined
}

/** LIMIT and OFFSET together, where the SELECT hands on the rows one by one. */
function limitOf(select: Body): number | undefined {
  const plain = listOf(select['expressions']).every(item => ['column', 'star'].includes(kindOf(item)) || (kindOf(item) === 'alias' && kindOf((item['alias'] as Body)['this']) === 'column'))
  if (!plain || ['group_by', 'having', 'distinct', 'order_by', 'windows', 'fetch'].some(member => !blank(select[member]))) return undefined
  const limit = countOf(select['limit'])
  const offset = blank(select['offset']) ? 0 : countOf(select['offset'])
  return limit === undefined || offset === undefined ? undefined : limit + offset
}

/** Of a LIMIT or OFFSET: how many, or the parameter that says so. */
export function countOperand(clause: unknown): Operand | undefined {
  const operand = operandOf((clause as Body | null)?.['this'])
  return operand?.cast ? undefined : operand
}

function countOf(clause: unknown): number | undefined {
  const operand = operandOf((clause as Body | null)?.['this'])
  return operand && 'constant' in operand && typeof operand.constant === 'number' ? operand.constant : undefined
}

/** The predicates as a filter of canonical values; `complete` is false when one could not be said in the column's type and was left out. */
export function filterOf(predicates: readonly Predicate[], given: (parameter: number) => Value | readonly Value[]): { readonly filter?: Filter; readonly complete: boolean } {
  const value = (operand: Operand) => ('constant' in operand ? operand.constant : given(operand.parameter))
  const said = (column: Column, operand: Operand, one: Value | readonly Value[]) => canonical(column.type, one, operand.cast)
  const parts: Filter[] = []
  for (const predicate of predicates) {
    const { column } = predicate
    if (predicate.op === 'isNull') parts.push({ column: column.name, op: 'isNull', value: predicate.value })
    else if (predicate.op === 'in') {
      const values = predicate.operands.flatMap(operand => listed(value(operand)).map(one => said(column, operand, one)))
      if (values.every(one => one !== undefined)) parts.push({ column: column.name, op: 'in', value: values })
    } else {
      const one = said(column, predicate.operand, value(predicate.operand))
      if (one !== undefined) parts.push({ column: column.name, op: predicate.op, value: one })
    }
  }
  const filter = parts.length === 0 ? {} : { filter: parts.length === 1 && parts[0] ? parts[0] : { and: parts } }
  return { ...filter, complete: parts.length === predicates.length }
}

function listed(value: Value | readonly Value[]): readonly Value[] {
  return Array.isArray(value) ? value : [value as Value]
}

/** Columns a cast value may be compared with, where the cast leaves it what it is. */
const casts: Readonly<Record<string, readonly ColumnType[]>> = {
  var_char: ['String'], boolean: ['Boolean'], int: ['Int', 'Long', 'Decimal'], big_int: ['Int', 'Long', 'Decimal'], double: ['Int', 'Long', 'Float'], decimal: ['Int', 'Long', 'Float', 'Decimal'],
  date: ['Date'], uuid: ['UUID'],
}
/** Digits a decimal may have and be the same number as a double. */
const digitsOfDouble = 15

/** The value in the column's canonical form, undefined where it is not certain that the engine compares just that. */
function canonical(type: ColumnType, given: Value | readonly Value[], cast: Cast | undefined): Value | undefined {
  if (given === null || typeof given === 'object' || (cast && !(Object.hasOwn(casts, cast.type) && casts[cast.type]?.includes(type)))) return undefined
  const decimal = cast?.type === 'decimal' ? decimalOf(given, cast.scale) : undefined
  if (cast?.type === 'decimal' && decimal === undefined) return undefined
  const number = decimal === undefined ? given : Number(decimal)
  switch (type) {
    case 'String':
      // Half a character is the replacement character in the engine, and so are all the others.
      return typeof given === 'string' && given.isWellFormed() && !given.includes('\ufffd') ? given : undefined
    case 'Boolean':
      return typeof given === 'boolean' ? given : undefined
    case 'Int':
    case 'Long':
      if (decimal?.replace(/\.0*$/, '').includes('.')) return undefined
      return typeof number === 'bigint' || (typeof number === 'number' && Number.isSafeInteger(number)) ? toLong(number) : undefined
    case 'Float':
      return typeof number === 'number' && Number.isFinite(number) && (decimal === undefined || decimal.replace(/\D/g, '').length <= digitsOfDouble) ? number : undefined
    case 'Decimal':
      return decimal ?? (typeof given === 'number' && Number.isSafeInteger(given) ? String(given) : undefined)
    case 'Date':
      return typeof given === 'string' && isDate(given) ? given : undefined
    case 'UUID':
      return typeof given === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(given) ? given.toLowerCase() : undefined
    default:
      return undefined
  }
}

/** The text of a decimal that has room for all its digits. */
function decimalOf(given: string | number | bigint | boolean, scale: number | undefined): string | undefined {
  const text = typeof given === 'number' && Number.isSafeInteger(given) ? String(given) : given
  return typeof text === 'string' && /^-?\d+(\.\d+)?$/.test(text) && scale !== undefined && scaleOf(text) <= scale ? text : undefined
}

function isDate(text: string): boolean {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text)
}
