import { HubError } from '../../../schema/errors.ts'
import { printAggregateOrWindow, isAggregate, isWindowFunction, printWindow } from './aggregate-calls.ts'
import { type Body, bodyOf, checkMembers, kindOf, listOf, type Node, nameOf, sqlError, unsupported, walk } from '../../statements/ast.ts'
import { callOf } from './calls.ts'
import { pathKey } from '../../statements/tables.ts'
import type { Environment } from './environment.ts'
import { printFunction } from './functions.ts'
import { macros } from './prelude.ts'
import { printQuery } from './query.ts'
import { quoteIdentifier, quoteText } from '../../../schema/quote.ts'
import { isInterval, printInterval, printSpecial, printZoned, special } from './special-functions.ts'
import { printCast } from './types.ts'

/** Operators that stand between two operands. */
const infix: Readonly<Record<string, string>> = {
  eq: '=', neq: '<>', lt: '<', lte: '<=', gt: '>', gte: '>=', and: 'AND', or: 'OR', add: '+', sub: '-', mul: '*', concat: '||',
  null_safe_eq: 'IS NOT DISTINCT FROM', null_safe_neq: 'IS DISTINCT FROM',
}
const quantified: Readonly<Record<string, string>> = { Eq: '=', Neq: '<>', Lt: '<', Lte: '<=', Gt: '>', Gte: '>=' }
const trims: Readonly<Record<string, string>> = { Both: 'trim', Leading: 'ltrim', Trailing: 'rtrim' }
const arithmetic = new Set(['add', 'sub', 'mul', 'div', 'mod'])

type Print = (node: Node, env: Environment) => string

/** DuckDB's text of an expression, safe to stand anywhere; what is not known to mean the same is refused. */
export function printExpression(node: Node, env: Environment): string {
  const kind = kindOf(node)
  if (Object.hasOwn(infix, kind)) return printInfix(node, env)
  const print = Object.hasOwn(printers, kind) ? printers[kind] : undefined
  if (print) return print(node, env)

  const call = callOf(node)
  if (call === undefined) throw unsupported(kind.replaceAll('_', ' ') || 'an empty expression', undefined, env.statement.positionOf(node))
  if (isAggregate(call)) return printAggregateOrWindow(call, undefined, env)
  if (isWindowFunction(call)) throw unsupported(`${call.name} without OVER`)
  checkMembers(call.name, call.body, [...call.known, ...(special.has(call.name) ? ['returning'] : [])])
  if (special.has(call.name)) return printSpecial(call, env)
  return printFunction(call.name, printAll(call.args, env))
}

export function printAll(nodes: readonly Node[], env: Environment): string[] {
  return nodes.map(node => printExpression(node, env))
}

const printers: Readonly<Record<string, Print>> = {
  column: printColumn,
  dot: printDot,
  literal: printLiteral,
  boolean: node => (bodyOf(node, ['value'])['value'] ? 'true' : 'false'),
  null: () => 'NULL',
  parameter: (node, env) => single(env.host.parameter(Number(bodyOf(node, ['index', 'style'])['index']))),
  paren: (node, env) => `(${printExpression(child(bodyOf(node, ['this'])), env)})`,
  annotated: (node, env) => printExpression(child(bodyOf(node, ['this'])), env),
  neg: (node, env) => `(- ${printExpression(child(bodyOf(node, ['this'])), env)})`,
  not: (node, env) => `(NOT ${printExpression(child(bodyOf(node, ['this'])), env)})`,
  is_null: (node, env) => {
    const body = bodyOf(node, ['this', 'not'])
    return `(${printExpression(child(body), env)} IS ${body['not'] ? 'NOT ' : ''}NULL)`
  },
  between: (node, env) => {
    const body = bodyOf(node, ['this', 'low', 'high', 'not'])
    return `(${printExpression(child(body), env)} ${body['not'] ? 'NOT ' : ''}BETWEEN ${printExpression(child(body, 'low'), env)} AND ${printExpression(child(body, 'high'), env)})`
  },
  like: (node, env) => {
    const body = bodyOf(node, ['left', 'right', 'escape'])
    const escaped = body['escape'] ? printExpression(child(body, 'escape'), env) : undefined
    const [text, pattern] = [printExpression(child(body, 'left'), env), printExpression(child(body, 'right'), env)]
    return escaped ? `${macros}.is_like_escaped(${text}, ${pattern}, ${escaped})` : `${macros}.is_like(${text}, ${pattern})`
  },
  in: printIn,
  exists: (node, env) => `EXISTS (${printQuery(child(bodyOf(node, ['this'])), inside(env))})`,
  any: (node, env) => printQuantified(node, 'ANY', env),
  all: (node, env) => printQuantified(node, 'ALL', env),
  subquery: (node, env) => `(${printQuery(child(bodyOf(node, ['this'])), inside(env))})`,
  case: printCase,
  cast: (node, env) => printCastOf(node, false, env),
  try_cast: (node, env) => printCastOf(node, true, env),
  div: printDivision,
  mod: (node, env) => printMacro('modulo', node, env),
  subscript: (node, env) => {
    const body = bodyOf(node, ['this', 'index'])
    return `${macros}.item_of(${printExpression(child(body), env)}, ${printExpression(child(body, 'index'), env)})`
  },
  array_func: (node, env) => `[${printAll(listOf(bodyOf(node, ['expressions'])['expressions']), env).join(', ')}]`,
  tuple: (node, env) => `(${printAll(listOf(bodyOf(node, ['expressions'])['expressions']), env).join(', ')})`,
  interval: printInterval,
  at_time_zone: (node, env) => printZoned(node, 'instant', env),
  extract: (node, env) => {
    const body = bodyOf(node, ['this', 'field'])
    const field = typeof body['field'] === 'string' ? body['field'].replace(/(?<=[a-z])(?=[A-Z])/g, '_') : String((body['field'] as Body)['Custom'])
    return printExpression({ function: { name: field.toLowerCase(), args: [body['this']] } }, env)
  },
  trim: (node, env) => {
    const body = bodyOf(node, ['this', 'characters', 'position'])
    const name = trims[String(body['position'])]
    if (name === undefined) throw unsupported(`trim ${String(body['position'])}`)
    const operand = printExpression(child(body), env)
    return body['characters'] ? `${name}(${operand}, ${printExpression(child(body, 'characters'), env)})` : printFunction(name, [operand])
  },
  window_function: (node, env) => printWindow(bodyOf(node, ['this', 'over']), env),
  within_group: (node, env) => {
    const body = bodyOf(node, ['this', 'order_by'])
    const call = callOf(child(body))
    if (call?.name !== 'listagg') throw unsupported(`${call?.name ?? kindOf(body['this'])} WITHIN GROUP`)
    return printAggregateOrWindow({ ...call, body: { ...call.body, order_by: body['order_by'] } }, undefined, env)
  },
}

export function child(body: Body, member = 'this'): Node {
  return body[member] as Node
}

/** The place of a query inside an expression or FROM. */
export function inside(env: Environment): Environment {
  return { ...env, outermost: false }
}

function printInfix(node: Node, env: Environment): string {
  const kind = kindOf(node)
  const body = bodyOf(node, ['left', 'right'])
  const [left, right] = [child(body, 'left'), child(body, 'right')]
  refuseConcat(kind, left, right)
  if ((kind === 'add' || kind === 'sub') && (isInterval(left) || isInterval(right))) {
    const [value, interval] = isInterval(right) ? [left, right] : [right, left]
    return `${macros}.${kind === 'add' ? 'plus' : 'minus'}_interval(${printExpression(value, env)}, ${printExpression(interval, env)})`
  }
  if (comparisons.has(kind)) {
    const types = [writtenType(left), writtenType(right)]
    if (types.includes('varchar') && types.some(type => type !== undefined && type !== 'varchar')) {
      throw sqlError(`Cannot apply operator: ${types[0]} ${infix[kind]} ${types[1]}`, env.statement.positionOf(left) ?? env.statement.positionOf(node))
    }
  }
  if (kind === 'sub' && isDate(left) && isDate(right)) throw unsupported('the difference of two dates', "Use date_diff('day', from, to).", env.statement.positionOf(node))
  return `(${printExpression(left, env)} ${infix[kind]} ${printExpression(right, env)})`
}

/** The parser binds || tighter than Trino does beside arithmetic, so there only parentheses tell what is meant. */
function refuseConcat(kind: string, left: Node, right: Node): void {
  if (arithmetic.has(kind) && (kindOf(left) === 'concat' || kindOf(right) === 'concat')) throw unsupported('|| beside arithmetic', 'Put parentheses around one of them.')
}

const comparisons: ReadonlySet<string> = new Set(['eq', 'neq', 'lt', 'lte', 'gt', 'gte', 'null_safe_eq', 'null_safe_neq'])

/** The type of a value written out; undefined for every other expression. */
function writtenType(node: Node): string | undefined {
  const body = node[kindOf(node)] as Body
  if (kindOf(node) === 'literal') return body['literal_type'] === 'string' ? 'varchar' : String(body['literal_type'])
  if (kindOf(node) === 'boolean') return 'boolean'
  return kindOf(node) === 'paren' || kindOf(node) === 'neg' ? writtenType(child(body)) : undefined
}

function isDate(node: Node): boolean {
  const body = node[kindOf(node)] as Body
  if (kindOf(node) === 'literal') return body['literal_type'] === 'date'
  if (kindOf(node) === 'cast' || kindOf(node) === 'try_cast') return (body['to'] as Body)['data_type'] === 'date'
  return ['current_date', 'date', 'last_day_of_month', 'from_iso8601_date'].includes(callOf(node)?.name ?? '')
}

function printMacro(name: string, node: Node, env: Environment): string {
  const body = bodyOf(node, ['left', 'right'])
  refuseConcat('div', child(body, 'left'), child(body, 'right'))
  return `${macros}.${name}(${printExpression(child(body, 'left'), env)}, ${printExpression(child(body, 'right'), env)})`
}

/** Trino's decimals stay decimals when divided; where the scales can be read from the expression, so it is here. */
function printDivision(node: Node, env: Environment): string {
  const body = bodyOf(node, ['left', 'right'])
  const [left, right] = [child(body, 'left'), child(body, 'right')]
  const scales = [decimalScale(left), decimalScale(right)]
  if (scales.some(one => one === undefined) || !(isDecimal(left) || isDecimal(right))) return printMacro('divide', node, env)
  return `${macros}.divide_decimal(${printExpression(left, env)}, ${printExpression(right, env)}, ${Math.max(...scales.map(Number))})`
}

function isDecimal(node: Node): boolean {
  const body = node[kindOf(node)] as Body
  if (kindOf(node) === 'literal') return body['literal_type'] === 'number' && String(body['value']).includes('.')
  if (kindOf(node) === 'cast') return (body['to'] as Body)['data_type'] === 'decimal'
  return [body['this'], body['left'], body['right']].some(operand => kindOf(operand) !== '' && isDecimal(operand as Node))
}

/** Digits behind the point of a decimal or whole number written out; undefined where the expression does not show them. */
function decimalScale(node: Node): number | undefined {
  const kind = kindOf(node)
  const body = node[kind] as Body
  switch (kind) {
    case 'literal': {
      const digits = body['literal_type'] === 'number' ? /^\d*(?:\.(\d*))?$/.exec(String(body['value'])) : null
      return digits ? (digits[1]?.length ?? 0) : undefined
    }
    case 'paren':
    case 'neg':
      return decimalScale(child(body))
    case 'cast': {
      const to = body['to'] as Body
      return to['data_type'] === 'decimal' ? Number(to['scale'] ?? 0) : undefined
    }
    case 'add':
    case 'sub':
    case 'div':
    case 'mul': {
      const scales = [decimalScale(child(body, 'left')), decimalScale(child(body, 'right'))].map(scale => scale ?? Number.NaN)
      const scale = kind === 'mul' ? scales.reduce((sum, one) => sum + one, 0) : Math.max(...scales)
      return Number.isNaN(scale) ? undefined : scale
    }
    default:
      return undefined
  }
}

function printColumn(node: Node): string {
  const body = bodyOf(node, ['name', 'table'])
  const name = nameOf(body['name']) ?? ''
  const table = nameOf(body['table'])
  if (/^[@#]/.test(name) && !(body['name'] as Body)['quoted']) throw unsupported(`the name ${name}`)
  return table === undefined ? quoteIdentifier(name) : `${quoteIdentifier(table)}.${quoteIdentifier(name)}`
}

/** `catalog.table.column`, or a member of a row value. */
function printDot(node: Node, env: Environment): string {
  const path = dottedPath(node)
  for (let length = (path?.length ?? 0) - 1; path && length > 1; length--) {
    if (!env.qualified.has(pathKey(path.slice(0, length)))) continue
    const [table = '', column = '', ...members] = path.slice(length - 1)
    return members.reduce((value, member) => `struct_extract(${value}, ${quoteText(member)})`, `${quoteIdentifier(table)}.${quoteIdentifier(column)}`)
  }
  const body = bodyOf(node, ['this', 'field'])
  return `struct_extract(${printExpression(child(body), env)}, ${quoteText(nameOf(body['field']) ?? '')})`
}

function dottedPath(node: Node): readonly string[] | undefined {
  const body = node[kindOf(node)] as Body
  if (kindOf(node) === 'column') return [nameOf(body['table']), nameOf(body['name'])].filter(part => part !== undefined)
  if (kindOf(node) !== 'dot') return undefined
  const below = dottedPath(child(body))
  return below && [...below, nameOf(body['field']) ?? '']
}

const zoned = /(?:[+-]\d{1,2}:\d{2}|[A-Za-z][A-Za-z0-9_+/-]*)$/

function printLiteral(node: Node, env: Environment): string {
  const { literal_type: type, value } = bodyOf(node, ['literal_type', 'value']) as { literal_type: string; value: string }
  switch (type) {
    case 'number':
      return value
    case 'string':
      return quoteText(value)
    case 'date':
      return `DATE ${quoteText(value)}`
    case 'time':
      return `TIME ${quoteText(value)}`
    case 'timestamp':
      return zoned.test(value) ? `TIMESTAMPTZ ${quoteText(value.replace(/\s+(?=[+-]\d{1,2}:\d{2}$)/, ''))}` : `TIMESTAMP ${quoteText(value)}`
    case 'hex_string':
      return `unhex(${quoteText(value)})`
    default:
      throw unsupported(`a ${type.replaceAll('_', ' ')}`, undefined, env.statement.positionOf(node))
  }
}

function single(parameter: string | readonly string[]): string {
  if (typeof parameter === 'string') return parameter
  throw new HubError('VALIDATION_ERROR', 'A list was given for a "?" that does not stand in IN (?); give one value there.')
}

/** A list for a parameter stands for its items; nothing is in an empty list. */
function printIn(node: Node, env: Environment): string {
  const body = bodyOf(node, ['this', 'expressions', 'query', 'not'])
  const operand = printExpression(child(body), env)
  const not = body['not'] ? 'NOT ' : ''
  if (body['query']) return `(${operand} ${not}IN (${printQuery(child(body, 'query'), inside(env))}))`

  const items = listOf(body['expressions']).flatMap(item => {
    if (kindOf(item) !== 'parameter') return [kindOf(item) === 'subquery' ? `(${printExpression(item, env)})` : printExpression(item, env)]
    return env.host.parameter(Number(bodyOf(item, ['index', 'style'])['index']))
  })
  return items.length === 0 ? `(${body['not'] ? '1 = 1' : '1 = 0'})` : `(${operand} ${not}IN (${items.join(', ')}))`
}

function printQuantified(node: Node, word: string, env: Environment): string {
  const body = bodyOf(node, ['this', 'subquery', 'op'])
  const operator = quantified[String(body['op'])]
  const query = child(body, 'subquery')
  const inner = kindOf(query) === 'subquery' ? child(bodyOf(query, ['this'])) : query
  if (operator === undefined) throw unsupported(`${word} with ${String(body['op'])}`)
  return `(${printExpression(child(body), env)} ${operator} ${word} (${printQuery(inner, inside(env))}))`
}

function printCase(node: Node, env: Environment): string {
  const body = bodyOf(node, ['operand', 'whens', 'else_'])
  const operand = body['operand'] ? ` ${printExpression(child(body, 'operand'), env)}` : ''
  const whens = (body['whens'] as readonly (readonly [Node, Node])[]).map(([test, value]) => ` WHEN ${printExpression(test, env)} THEN ${printExpression(value, env)}`)
  const otherwise = body['else_'] ? ` ELSE ${printExpression(child(body, 'else_'), env)}` : ''
  return `CASE${operand}${whens.join('')}${otherwise} END`
}

const local = new Set(['date', 'time', 'timestamp'])

function printCastOf(node: Node, tries: boolean, env: Environment): string {
  const body = bodyOf(node, ['this', 'to'])
  const type = body['to'] as Body
  const operand = child(body)
  const value = kindOf(operand) === 'literal' ? (operand['literal'] as Body) : undefined
  if (type['data_type'] === 'decimal' && blankPrecision(type) && value?.['literal_type'] === 'string' && String(value['value']).includes('.')) {
    throw unsupported('a DECIMAL without precision on a text', 'Write the number itself, or give decimal(precision, scale).')
  }
  if (type['data_type'] === 'json' && callOf(operand)?.name === 'row') throw unsupported('a CAST of a row to JSON', 'Give its fields names first: CAST(row(…) AS row(a integer, …)).')
  if (holdsRow(type)) {
    const call = callOf(operand)
    if (call?.name === 'row' && type['data_type'] === 'struct') return printCast(`row(${printAll(call.args, env).join(', ')})`, type, tries)
    walk(operand, node => {
      if (callOf(node)?.name === 'row') throw unsupported('a CAST of rows inside another value', 'Cast each row on its own.')
    })
  }
  const keepsZone = kindOf(operand) === 'at_time_zone' && local.has(String(type['data_type'])) && !type['timezone']
  return printCast(keepsZone ? printZoned(operand, 'local', env) : printExpression(operand, env), type, tries)
}

function holdsRow(type: Body): boolean {
  return type['data_type'] === 'struct' || ['element_type', 'value_type', 'key_type'].some(member => type[member] && holdsRow(type[member] as Body))
}

function blankPrecision(type: Body): boolean {
  return type['precision'] === undefined || type['precision'] === null
}
