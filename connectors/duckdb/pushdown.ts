import type { Filter } from '../../schema/filter.ts'
import { type Column, type ColumnType, toLong, type Value } from '../../schema/values.ts'
import { type Body, blank, kindOf, listOf, type Node, nameOf } from './dialect/ast.ts'

type Comparison = 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte'

/** A condition the source may apply: its operands are constants, or parameters by their index from 1. */
export type Predicate =
  | { readonly column: Column; readonly op: Comparison; readonly operand: Operand }
  | { readonly column: Column; readonly op: 'in'; readonly operands: readonly Operand[] }
  | { readonly column: Column; readonly op: 'isNull'; readonly value: boolean }

export type Operand = { readonly constant: Value } | { readonly parameter: number }

export interface Pushdown {
  readonly predicates: readonly Predicate[]
  /** No other row is needed, should every predicate be applied; absent where that cannot be said. */
  readonly limit?: number
}

/**
 * What of a SELECT can be asked of the source of one of its tables without losing a row that the SELECT needs. Everything is applied again by the engine, so
 * only conditions of the WHERE's outermost AND count, and no test for null where an outer join could bring the null.
 */
export function pushdownOf(select: Body, alias: string, columns: readonly Column[]): Pushdown {
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
  const predicates = conditions.map(condition => predicateOf(condition, columnOf)).filter(one => one !== undefined && (inner || one.op !== 'isNull')).filter(one => one !== undefined)
  const limit = sole && predicates.length === conditions.length ? limitOf(select) : undefined
  return { predicates, ...(limit === undefined ? {} : { limit }) }
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

function predicateOf(node: Node, columnOf: (node: unknown) => Column | undefined): Predicate | undefined {
  const kind = kindOf(node)
  const body = node[kind] as Body
  const both = Object.hasOwn(comparisons, kind) ? comparisons[kind] : undefined
  if (both) {
    const leftColumn = columnOf(body['left'])
    const column = leftColumn ?? columnOf(body['right'])
    const operand = operandOf(leftColumn ? body['right'] : body['left'])
    const op = leftColumn ? both[0] : both[1]
    // Sources may collate text in their own way, so its order is left to the engine.
    if (!column || !operand || (column.type === 'String' && op !== 'eq' && op !== 'ne')) return undefined
    return { column, op, operand }
  }
  const column = columnOf(body?.['this'])
  if (!column) return undefined
  if (kind === 'is_null') return { column, op: 'isNull', value: !body['not'] }
  if (kind !== 'in' || body['not'] || body['query']) return undefined
  const operands = listOf(body['expressions']).map(operandOf)
  return operands.every(operand => operand !== undefined) ? { column, op: 'in', operands } : undefined
}

function operandOf(node: unknown): Operand | undefined {
  const body = ((node as Node | undefined)?.[kindOf(node)] ?? {}) as Body
  switch (kindOf(node)) {
    case 'parameter':
      return { parameter: Number(body['index']) }
    case 'boolean':
      return { constant: Boolean(body['value']) }
    case 'neg': {
      const positive = operandOf(body['this'])
      return positive && 'constant' in positive && typeof positive.constant === 'number' ? { constant: -positive.constant } : undefined
    }
    case 'literal': {
      const text = String(body['value'])
      if (body['literal_type'] === 'number') return Number.isSafeInteger(Number(text)) || /[.eE]/.test(text) ? { constant: Number(text) } : { constant: BigInt(text) }
      if (body['literal_type'] === 'string' || body['literal_type'] === 'date') return { constant: text }
      return undefined
    }
    default:
      return undefined
  }
}

/** LIMIT and OFFSET together, where the SELECT hands on the rows one by one. */
function limitOf(select: Body): number | undefined {
  const plain = listOf(select['expressions']).every(item => ['column', 'star'].includes(kindOf(item)) || (kindOf(item) === 'alias' && kindOf((item['alias'] as Body)['this']) === 'column'))
  if (!plain || ['group_by', 'having', 'distinct', 'order_by', 'windows', 'fetch'].some(member => !blank(select[member]))) return undefined
  const limit = numberOf(select['limit'])
  const offset = blank(select['offset']) ? 0 : numberOf(select['offset'])
  return limit === undefined || offset === undefined ? undefined : limit + offset
}

function numberOf(clause: unknown): number | undefined {
  const operand = operandOf((clause as Body | null)?.['this'])
  return operand && 'constant' in operand && typeof operand.constant === 'number' ? operand.constant : undefined
}

/** The predicates as a filter of canonical values; `complete` is false when one could not be said in the column's type and was left out. */
export function filterOf(predicates: readonly Predicate[], given: (parameter: number) => Value | readonly Value[]): { readonly filter?: Filter; readonly complete: boolean } {
  const value = (operand: Operand) => ('constant' in operand ? operand.constant : given(operand.parameter))
  const parts: Filter[] = []
  for (const predicate of predicates) {
    const { column } = predicate
    if (predicate.op === 'isNull') parts.push({ column: column.name, op: 'isNull', value: predicate.value })
    else if (predicate.op === 'in') {
      const values = predicate.operands.flatMap(operand => listed(value(operand))).map(one => canonical(column.type, one))
      if (values.every(one => one !== undefined)) parts.push({ column: column.name, op: 'in', value: values })
    } else {
      const one = canonical(column.type, value(predicate.operand))
      if (one !== undefined) parts.push({ column: column.name, op: predicate.op, value: one })
    }
  }
  const filter = parts.length === 0 ? {} : { filter: parts.length === 1 && parts[0] ? parts[0] : { and: parts } }
  return { ...filter, complete: parts.length === predicates.length }
}

function listed(value: Value | readonly Value[]): readonly Value[] {
  return Array.isArray(value) ? value : [value as Value]
}

/** The value in the column's canonical form, undefined where it is not certain what the engine would compare. */
function canonical(type: ColumnType, value: Value | readonly Value[]): Value | undefined {
  if (value === null || Array.isArray(value)) return undefined
  switch (type) {
    case 'String':
      return typeof value === 'string' ? value : undefined
    case 'Boolean':
      return typeof value === 'boolean' ? value : undefined
    case 'Int':
    case 'Long':
      return typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value)) ? toLong(value) : undefined
    case 'Float':
      return typeof value === 'number' ? value : undefined
    case 'Decimal':
      return typeof value === 'number' && /^-?\d+(\.\d+)?$/.test(String(value)) ? String(value) : typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? value : undefined
    case 'Date':
      return typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value) ? value : undefined
    case 'UUID':
      return typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value) ? value.toLowerCase() : undefined
    default:
      return undefined
  }
}
