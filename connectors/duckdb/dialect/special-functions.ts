import { type Body, bodyOf, kindOf, listOf, type Node, nameOf, unsupported } from '../../statements/ast.ts'
import { type Call, callOf } from './calls.ts'
import type { Environment } from './environment.ts'
import { child, printExpression } from './expressions.ts'
import { printFunction } from './functions.ts'
import { jsonPath } from './json-path.ts'
import { macros } from './prelude.ts'
import { quoteIdentifier, quoteText } from '../../../schema/quote.ts'
import { fromJodaFormat, fromMysqlFormat } from './time-formats.ts'
import { printCast } from './types.ts'

type Print = (call: Call, env: Environment) => string

const calendarUnits = new Set(['day', 'week', 'month', 'quarter', 'year'])
const units = new Set(['millisecond', 'second', 'minute', 'hour', ...calendarUnits])

const argument = (call: Call, index: number): Node => {
  const node = call.args[index]
  if (node === undefined) throw unsupported(`${call.name} with ${call.args.length} arguments`)
  return node
}
const at = (call: Call, index: number, env: Environment) => printExpression(argument(call, index), env)

/** Text the translation must know; a computed one is refused. */
function text(call: Call, index: number, what: string): string {
  const node = argument(call, index)
  const { literal_type: type, value } = (node['literal'] ?? {}) as { literal_type?: string; value?: string }
  if (type !== 'string' || value === undefined) throw unsupported(`${call.name} with a computed ${what}`, `Write the ${what} as a literal.`)
  return value
}

function unit(call: Call): string {
  const name = text(call, 0, 'unit').toLowerCase()
  if (!units.has(name)) throw unsupported(`${call.name} by ${name}`)
  return name
}

/** A moment whose clock is read: with AT TIME ZONE the clock of that zone. */
const clock = (call: Call, index: number, env: Environment) => {
  const node = argument(call, index)
  return kindOf(node) === 'at_time_zone' ? printZoned(node, 'local', env) : printExpression(node, env)
}

const readsClock: Print = (call, env) => printFunction(call.name, call.args.map((_, index) => clock(call, index, env)))
const matches = (macro: string): Print => (call, env) => `${macros}.${macro}(list_transform(${at(call, 0, env)}, ${lambda(call, 1, 1, env)}))`
const path = (call: Call) => quoteText(jsonPath(text(call, 1, 'path')))
/** What the functions of the SQL standard take: a text, not a JSON. */
const jsonInput = (call: Call, env: Environment) => `${macros}.json_input(${at(call, 0, env)})`
const moment: Print = (_call, env) => env.host.now

const printers: Readonly<Record<string, Print>> = {
  ...Object.fromEntries(['year', 'quarter', 'month', 'week', 'week_of_year', 'day', 'day_of_month', 'day_of_week', 'dow', 'day_of_year', 'doy', 'year_of_week', 'yow', 'hour', 'minute', 'second',
    'millisecond', 'date', 'last_day_of_month'].map(name => [name, readsClock])),
  now: moment,
  current_timestamp: moment,
  current_date: (_call, env) => `CAST(${env.host.now} AS DATE)`,
  localtimestamp: (_call, env) => `CAST(${env.host.now} AS TIMESTAMP)`,
  date_trunc: (call, env) => {
    const node = argument(call, 1)
    const by = quoteText(unit(call))
    if (kindOf(node) !== 'at_time_zone') return `${macros}.truncate_to(${by}, ${printExpression(node, env)})`
    return `(date_trunc(${by}, ${printZoned(node, 'local', env)}) AT TIME ZONE ${zoneOf(node, env)})`
  },
  date_add: (call, env) => `${macros}.add_${unit(call)}(${at(call, 1, env)}, ${at(call, 2, env)})`,
  date_diff: (call, env) => `date_sub(${quoteText(unit(call))}, ${at(call, 1, env)}, ${at(call, 2, env)})`,
  date_format: (call, env) => `strftime(${clock(call, 0, env)}, ${quoteText(fromMysqlFormat(text(call, 1, 'format'), call.name))})`,
  date_parse: (call, env) => `strptime(${at(call, 0, env)}, ${quoteText(fromMysqlFormat(text(call, 1, 'format'), call.name))})`,
  format_datetime: (call, env) => `strftime(${clock(call, 0, env)}, ${quoteText(fromJodaFormat(text(call, 1, 'format'), call.name))})`,
  parse_datetime: (call, env) => `CAST(strptime(${at(call, 0, env)}, ${quoteText(fromJodaFormat(text(call, 1, 'format'), call.name))}) AS TIMESTAMPTZ)`,
  with_timezone: (call, env) => `(CAST(${at(call, 0, env)} AS TIMESTAMP) AT TIME ZONE ${at(call, 1, env)})`,
  json_extract: (call, env) => `${macros}.json_part(${at(call, 0, env)}, ${path(call)})`,
  json_extract_scalar: (call, env) => `${macros}.json_scalar(${at(call, 0, env)}, ${path(call)})`,
  json_value: (call, env) => {
    const value = `${macros}.json_scalar(${jsonInput(call, env)}, ${laxPath(call)})`
    return call.body['returning'] ? printCast(value, call.body['returning'] as Body, true) : value
  },
  json_query: (call, env) => {
    if (call.body['returning']) throw unsupported('json_query with RETURNING')
    return `CAST(${macros}.json_part(${jsonInput(call, env)}, ${laxPath(call)}) AS VARCHAR)`
  },
  json_exists: (call, env) => `${macros}.json_has(${jsonInput(call, env)}, ${laxPath(call)})`,
  regexp_replace: (call, env) => {
    const to = call.args.length > 2 ? text(call, 2, 'replacement') : ''
    if (/\$\{/.test(to)) throw unsupported('regexp_replace with a named group')
    return `regexp_replace(${at(call, 0, env)}, ${at(call, 1, env)}, ${quoteText(to.replace(/\\(.)|\$(\d)|\\/g, (_all, escaped, group) => (group === undefined ? escaped ?? '' : `\\${group}`)))}, 'g')`
  },
  transform: (call, env) => `list_transform(${at(call, 0, env)}, ${lambda(call, 1, 1, env)})`,
  filter: (call, env) => `list_filter(${at(call, 0, env)}, ${lambda(call, 1, 1, env)})`,
  any_match: matches('any_true'),
  all_match: matches('all_true'),
  none_match: (call, env) => `(NOT ${matches('any_true')(call, env)})`,
  reduce: (call, env) => `list_transform([list_reduce(${at(call, 0, env)}, ${lambda(call, 2, 2, env)}, ${at(call, 1, env)})], ${lambda(call, 3, 1, env)})[1]`,
  array_join: (call, env) => {
    const items = at(call, 0, env)
    const list = call.args.length > 2 ? `list_transform(${items}, lambda "~x": coalesce(CAST("~x" AS VARCHAR), ${at(call, 2, env)}))` : items
    return `array_to_string(${list}, ${at(call, 1, env)})`
  },
  repeat: (call, env) => `list_transform(${macros}.numbers(1, ${at(call, 1, env)}), lambda "~x": ${at(call, 0, env)})`,
}

/** Functions whose arguments are more than values: units, formats, paths, lambdas, zones. */
export const special: ReadonlySet<string> = new Set(Object.keys(printers))

export function printSpecial(call: Call, env: Environment): string {
  const print = printers[call.name]
  if (print === undefined) throw unsupported(`the function ${call.name}`)
  return print(call, env)
}

function laxPath(call: Call): string {
  if (!/^\s*lax\b/i.test(text(call, 1, 'path'))) throw unsupported(`${call.name} without a lax path`, "Begin the path with 'lax '.")
  return path(call)
}

function lambda(call: Call, index: number, parameters: number, env: Environment): string {
  const node = argument(call, index)
  if (kindOf(node) !== 'lambda') throw unsupported(`${call.name} without a lambda`)
  const body = bodyOf(node, ['parameters', 'body'])
  const names = listOf(body['parameters']).map(parameter => nameOf(parameter) ?? '')
  if (names.length !== parameters) throw unsupported(`${call.name} with a lambda of ${names.length} parameters`)
  const inner = { ...env, lambdas: new Set([...env.lambdas, ...names.map(name => name.toLowerCase())]) }
  return `lambda ${names.map(quoteIdentifier).join(', ')}: ${printExpression(child(body, 'body'), inner)}`
}

/**
 * `x AT TIME ZONE z`. The values of a result carry no zone, so as an instant it is `x` itself, and only at the outside of a statement: behind a subquery
 * nobody would know the zone any more. As local time it is the clock of the zone.
 */
export function printZoned(node: Node, as: 'instant' | 'local', env: Environment): string {
  const body = bodyOf(node, ['this', 'zone'])
  const instant = `CAST(${printExpression(child(body), env)} AS TIMESTAMPTZ)`
  if (as === 'local') return `(${instant} AT TIME ZONE ${zoneOf(node, env)})`
  if (!env.outermost) throw unsupported('AT TIME ZONE inside a subquery', 'Apply it where the time is read, as in hour(t AT TIME ZONE z).', env.statement.positionOf(node))
  return instant
}

function zoneOf(node: Node, env: Environment): string {
  const zone = printExpression(child(bodyOf(node, ['this', 'zone']), 'zone'), env)
  if (/^'[+-]/.test(zone)) throw unsupported(`the time zone ${zone}`, 'Name a region, as Europe/Paris.')
  return zone
}

/** Whether the expression is an interval by its form. */
export function isInterval(node: Node): boolean {
  const body = (node[kindOf(node)] ?? {}) as Body
  switch (kindOf(node)) {
    case 'interval':
      return true
    case 'paren':
    case 'neg':
      return isInterval(child(body))
    case 'mul':
      return isInterval(child(body, 'left')) || isInterval(child(body, 'right'))
    default:
      return callOf(node)?.name === 'parse_duration'
  }
}

const intervalUnits = new Set(['second', 'minute', 'hour', 'day', 'month', 'year'])

export function printInterval(node: Node): string {
  const body = bodyOf(node, ['this', 'unit'])
  const value = String(((child(body)?.['literal'] ?? {}) as Body)['value'] ?? '')
  const span = body['unit'] as Body
  const name = (unitName: unknown) => String(unitName).toLowerCase()
  if (span['type'] === 'simple' && intervalUnits.has(name(span['unit'])) && /^[+-]?\d+(\.\d+)?$/.test(value)) return `INTERVAL '${value}' ${name(span['unit']).toUpperCase()}`
  const yearMonth = /^(\d+)-(\d+)$/.exec(value)
  if (name(span['this']) === 'year' && name(span['expression']) === 'month' && yearMonth) return `INTERVAL '${Number(yearMonth[1]) * 12 + Number(yearMonth[2])}' MONTH`
  const daySecond = /^(\d+) (\d+):(\d+):(\d+(?:\.\d+)?)$/.exec(value)
  if (name(span['this']) === 'day' && name(span['expression']) === 'second' && daySecond) return `INTERVAL '${daySecond[1]} days ${daySecond[2]} hours ${daySecond[3]} minutes ${daySecond[4]} seconds'`
  throw unsupported(`the interval '${value}'`)
}
