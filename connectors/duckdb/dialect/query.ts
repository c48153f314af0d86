import { HubError } from '../../../schema/errors.ts'
import { printOrder, printWindowSpec } from './aggregate-calls.ts'
import { type Body, blank, bodyOf, checkMembers, kindOf, listOf, type Node, nameOf, unsupported } from '../../statements/ast.ts'
import { callOf } from './calls.ts'
import type { Environment } from './environment.ts'
import { child, inside, printAll, printExpression } from './expressions.ts'
import { printFrom } from './from.ts'
import { quoteIdentifier } from '../../../schema/quote.ts'
import { withScope } from '../../statements/tables.ts'

const setOperations: Readonly<Record<string, string>> = { union: 'UNION', intersect: 'INTERSECT', except: 'EXCEPT' }
const tail = ['order_by', 'limit', 'offset', 'fetch'] as const

/** DuckDB's text of a query: SELECT, set operation, VALUES, with its WITH clause. */
export function printQuery(node: Node, env: Environment): string {
  const kind = kindOf(node)
  if (kind === 'select') return printSelect(node, env)
  if (kind in setOperations) return printSetOperation(node, env)
  if (kind === 'values') return printValues(bodyOf(node, ['expressions', 'alias']), env)
  if (kind === 'subquery') {
    const body = bodyOf(node, ['this', ...tail])
    return `(${printQuery(child(body), env)})${printTail(body, env)}`
  }
  throw unsupported(kind.replaceAll('_', ' '), 'A query was expected.', env.statement.positionOf(node))
}

function printSelect(node: Node, outer: Environment): string {
  const select = node['select'] as Body
  if (!blank(select['into']) || !blank(select['locks'])) throw new HubError('READ_ONLY_SQL', 'The statement is a SELECT that writes or locks; only reading is possible here.')
  const body = bodyOf(node, ['expressions', 'from', 'joins', 'where_clause', 'group_by', 'having', 'distinct', 'with', 'windows', ...tail])
  const { text: withText, env } = printWith(body, outer)

  const items = listOf(body['expressions']).map((item, index) => printItem(item, index, env))
  const parts = [`${withText}SELECT ${body['distinct'] ? 'DISTINCT ' : ''}${items.join(', ')}`]
  if (body['from']) parts.push(`FROM ${printFrom(body, env)}`)
  if (body['where_clause']) parts.push(`WHERE ${printExpression(child(body['where_clause'] as Body), env)}`)
  if (body['group_by']) parts.push(`GROUP BY ${printGroups(body['group_by'] as Body, env)}`)
  if (body['having']) parts.push(`HAVING ${printExpression(child(body['having'] as Body), env)}`)
  if (!blank(body['windows'])) parts.push(`WINDOW ${listOf(body['windows']).map(window => printNamedWindow(window, env)).join(', ')}`)
  return `${parts.join(' ')}${printTail(body, env)}`
}

/** A result column; what has no name of its own gets Trino's `_col0`, counted from the left. */
function printItem(item: Node, index: number, env: Environment): string {
  const kind = kindOf(item)
  if (kind === 'annotated') return printItem(child(item[kind] as Body), index, env)
  if (kind === 'star') {
    const table = nameOf(bodyOf(item, ['table'])['table'])
    return table === undefined ? '*' : `${quoteIdentifier(table)}.*`
  }
  if (kind === 'alias') {
    const body = bodyOf(item, ['this', 'alias'])
    return `${printExpression(child(body), env)} AS ${quoteIdentifier(nameOf(body['alias']) ?? '')}`
  }
  const text = printExpression(item, env)
  if (kind === 'column') return text
  return `${text} AS ${quoteIdentifier(kind === 'dot' ? (nameOf((item['dot'] as Body)['field']) ?? '') : `_col${index}`)}`
}

/** A name of a WITH clause, spelled so that no table of the engine has it. */
export function cteName(name: string): string {
  return quoteIdentifier(`~${name.toLowerCase()}`)
}

function printWith(body: Body, env: Environment): { readonly text: string; readonly env: Environment } {
  const clause = body['with'] as Body | null | undefined
  if (!clause) return { text: '', env }
  checkMembers('with', clause, ['ctes', 'recursive'])
  const ctes = listOf(clause['ctes'])
  for (const cte of ctes) checkMembers('with', cte, ['alias', 'this', 'columns'])

  const definitions: string[] = []
  const scope = withScope(body, env.ctes, (definition, ctesThere) => {
    definitions.push(printQuery(definition as Node, inside({ ...env, ctes: ctesThere })))
  })
  const printed = ctes.map((cte, index) => {
    const columns = blank(cte['columns']) ? '' : `(${listOf(cte['columns']).map(column => quoteIdentifier(nameOf(column) ?? '')).join(', ')})`
    return `${cteName(nameOf(cte['alias']) ?? '')}${columns} AS (${definitions[index]})`
  })
  return { text: `WITH ${clause['recursive'] ? 'RECURSIVE ' : ''}${printed.join(', ')} `, env: { ...env, ctes: scope } }
}

function printSetOperation(node: Node, outer: Environment): string {
  const rightly = withPrecedence(node)
  const kind = kindOf(rightly)
  const body = bodyOf(rightly, ['left', 'right', 'all', 'distinct', 'with', ...tail])
  const { text, env } = printWith(body, outer)
  const sides = ['left', 'right'].map(side => `(${printQuery(child(body, side), env)})`)
  return `${text}${sides.join(` ${setOperations[kind]}${body['all'] ? ' ALL' : ''} `)}${printTail(body, env)}`
}

/** The parser reads set operations from left to right; INTERSECT binds tighter, so `a UNION b INTERSECT c` becomes `a UNION (b INTERSECT c)`. */
function withPrecedence(node: Node): Node {
  const body = node[kindOf(node)] as Body
  const left = child(body, 'left')
  const leftKind = kindOf(left)
  if (kindOf(node) !== 'intersect' || (leftKind !== 'union' && leftKind !== 'except')) return node
  const leftBody = left[leftKind] as Body
  const inner = withPrecedence({ intersect: { ...body, left: leftBody['right'], with: null, order_by: null, limit: null, offset: null, fetch: null } })
  return { [leftKind]: { ...leftBody, right: inner, with: body['with'] ?? leftBody['with'], order_by: body['order_by'], limit: body['limit'], offset: body['offset'], fetch: body['fetch'] } }
}

export function printValues(body: Body, env: Environment): string {
  return `VALUES ${listOf(body['expressions']).map(row => `(${printAll(listOf(row['expressions']), env).join(', ')})`).join(', ')}`
}

const groupings = new Set(['grouping sets', 'rollup', 'cube'])

function printGroups(body: Body, env: Environment): string {
  checkMembers('group by', body, ['expressions'])
  return listOf(body['expressions']).map(term => {
    const call = callOf(term)
    if (call && groupings.has(call.name)) return `${call.name.toUpperCase()} (${printAll(call.args, env).join(', ')})`
    return printExpression(term, env)
  }).join(', ')
}

function printNamedWindow(window: Node, env: Environment): string {
  checkMembers('window', window, ['name', 'spec'])
  const spec = window['spec'] as Body
  checkMembers('window', spec, ['partition_by', 'order_by', 'frame'])
  return `${quoteIdentifier(nameOf(window['name']) ?? '')} AS (${printWindowSpec(spec, env)})`
}

/** ORDER BY, OFFSET and LIMIT or FETCH FIRST. */
function printTail(body: Body, env: Environment): string {
  const parts: string[] = []
  const order = body['order_by'] as Body | null | undefined
  if (order) {
    checkMembers('order by', order, ['expressions'])
    parts.push(` ORDER BY ${printOrder(listOf(order['expressions']), env)}`)
  }
  const limit = rowCount(body['limit'], env)
  if (limit !== undefined) parts.push(` LIMIT ${limit}`)
  if (body['fetch']) {
    const fetch = body['fetch'] as Body
    checkMembers('fetch first', fetch, ['count'])
    parts.push(` LIMIT ${fetch['count'] ? rowCount(fetch['count'], env) : 1}`)
  }
  const offset = rowCount(body['offset'], env)
  if (offset !== undefined) parts.push(` OFFSET ${offset}`)
  return parts.join('')
}

/** A count written as a number or a parameter; undefined for none and for ALL. */
function rowCount(clause: unknown, env: Environment): string | undefined {
  if (blank(clause)) return undefined
  const node = ('this' in (clause as Body) ? (clause as Body)['this'] : clause) as Node
  if (kindOf(node) === 'column' && nameOf((node['column'] as Body)['name'])?.toLowerCase() === 'all') return undefined
  if (kindOf(node) !== 'literal' && kindOf(node) !== 'parameter') throw unsupported('a computed LIMIT or OFFSET')
  return printExpression(node, env)
}
