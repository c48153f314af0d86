import { aggregates, windowFunctions } from './aggregates.ts'
import { type Body, blank, bodyOf, checkMembers, kindOf, listOf, type Node, nameOf, unsupported } from '../../statements/ast.ts'
import { type Call, callOf } from './calls.ts'
import type { Environment } from './environment.ts'
import { child, printAll, printExpression } from './expressions.ts'
import { quoteIdentifier } from '../../../schema/quote.ts'

export function isAggregate(call: Call): boolean {
  return Object.hasOwn(aggregates, call.name)
}

export function isWindowFunction(call: Call): boolean {
  return Object.hasOwn(windowFunctions, call.name)
}

/** `call` with its DISTINCT, ORDER BY, IGNORE NULLS and FILTER; `over` is the printed window. */
export function printAggregateOrWindow(call: Call, over: string | undefined, env: Environment): string {
  checkMembers(call.name, call.body, [...call.known, 'distinct', 'order_by', 'filter', 'ignore_nulls', 'star'])
  const aggregate = Object.hasOwn(aggregates, call.name) ? aggregates[call.name] : undefined
  const rule = aggregate ?? (isWindowFunction(call) ? windowFunctions[call.name] : undefined)
  if (rule === undefined) throw unsupported(`the function ${call.name}`)
  if (call.args.length < rule.least || call.args.length > rule.most) throw unsupported(`${call.name} with ${call.args.length} arguments`)

  const printed = printAll(call.args, env)
  const { name, args, wrap, condition } = aggregate?.print(printed) ?? { name: call.name, args: printed, wrap: undefined, condition: undefined }
  const star = call.name === 'count' && args.length === 0 ? '*' : ''
  const distinct = call.body['distinct'] && !args[0]?.startsWith('DISTINCT ') ? 'DISTINCT ' : ''
  const order = blank(call.body['order_by']) ? '' : ` ORDER BY ${printOrder(listOf(call.body['order_by']), env)}`
  const nulls = call.body['ignore_nulls'] ? ' IGNORE NULLS' : ''
  const filter = [condition, call.body['filter'] ? printExpression(call.body['filter'] as Node, env) : undefined].filter(part => part !== undefined)
  const text = `${name}(${distinct}${star}${args.join(', ')}${order}${nulls})${filter.length > 0 ? ` FILTER (WHERE ${filter.join(' AND ')})` : ''}${over === undefined ? '' : ` OVER ${over}`}`
  return wrap?.(text) ?? text
}

/** The body of a `window_function` node. */
export function printWindow(body: Body, env: Environment): string {
  const inner = child(body)
  const window = body['over'] as Body
  checkMembers('window', window, ['window_name', 'partition_by', 'order_by', 'frame'])
  const name = nameOf(window['window_name'])
  const bare = name !== undefined && blank(window['partition_by']) && blank(window['order_by']) && blank(window['frame'])
  const over = bare ? quoteIdentifier(name) : `(${name === undefined ? '' : `${quoteIdentifier(name)} `}${printWindowSpec(window, env)})`

  const within = kindOf(inner) === 'within_group' ? bodyOf(inner, ['this', 'order_by']) : undefined
  const call = callOf(within ? child(within) : inner)
  if (call === undefined || !(isAggregate(call) || isWindowFunction(call)) || (within && call.name !== 'listagg')) throw unsupported(`${call?.name ?? kindOf(inner)} OVER`)
  return printAggregateOrWindow(within ? { ...call, body: { ...call.body, order_by: within['order_by'] } } : call, over, env)
}

export function printWindowSpec(window: Body, env: Environment): string {
  const parts: string[] = []
  if (!blank(window['partition_by'])) parts.push(`PARTITION BY ${printAll(listOf(window['partition_by']), env).join(', ')}`)
  if (!blank(window['order_by'])) parts.push(`ORDER BY ${printOrder(listOf(window['order_by']), env)}`)
  if (!blank(window['frame'])) parts.push(printFrame(window['frame'] as Body, env))
  return parts.join(' ')
}

const frameKinds: Readonly<Record<string, string>> = { Rows: 'ROWS', Range: 'RANGE', Groups: 'GROUPS' }
const bounds: Readonly<Record<string, string>> = { UnboundedPreceding: 'UNBOUNDED PRECEDING', UnboundedFollowing: 'UNBOUNDED FOLLOWING', CurrentRow: 'CURRENT ROW' }

function printFrame(frame: Body, env: Environment): string {
  checkMembers('window frame', frame, ['kind', 'start', 'end'])
  const kind = frameKinds[String(frame['kind'])]
  if (kind === undefined) throw unsupported(`a window frame of ${String(frame['kind'])}`)
  return `${kind} BETWEEN ${printBound(frame['start'], env)} AND ${blank(frame['end']) ? 'CURRENT ROW' : printBound(frame['end'], env)}`
}

function printBound(bound: unknown, env: Environment): string {
  if (typeof bound === 'string') {
    const known = bounds[bound]
    if (known !== undefined) return known
  } else {
    for (const side of ['Preceding', 'Following']) {
      const distance = (bound as Body)[side]
      if (distance) return `${printExpression(distance as Node, env)} ${side.toUpperCase()}`
    }
  }
  throw unsupported('this bound of a window frame')
}

/** Terms of an ORDER BY; nulls come last, whichever way, unless the statement says otherwise. */
export function printOrder(terms: readonly Node[], env: Environment): string {
  return terms
    .map(term => {
      checkMembers('order by', term, ['this', 'desc', 'nulls_first', 'explicit_asc'])
      return `${printExpression(child(term), env)} ${term['desc'] ? 'DESC' : 'ASC'} NULLS ${term['nulls_first'] ? 'FIRST' : 'LAST'}`
    })
    .join(', ')
}
