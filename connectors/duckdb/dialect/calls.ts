import { type Body, kindOf, listOf, type Node, nameOf } from '../../statements/ast.ts'

/** A call as Trino writes it: name in lower case and arguments in Trino's order. */
export interface Call {
  readonly name: string
  readonly args: readonly Node[]
  readonly body: Body
  /** Members of the body that were understood so far. */
  readonly known: readonly string[]
}

const one = ['this'] as const
const two = ['this', 'expression'] as const

/** Kinds the parser has for single functions: the function's name and the members that hold its arguments, in Trino's order. */
const kinds: Readonly<Record<string, { readonly name?: string; readonly args: readonly string[]; readonly list?: string }>> = {
  abs: { args: one }, ceil: { args: one }, floor: { args: one }, sqrt: { args: one }, cbrt: { args: one }, exp: { args: one }, ln: { args: one }, log: { args: ['base', 'this'] }, power: { args: two },
  mod_func: { name: 'mod', args: two }, sin: { args: one }, cos: { args: one }, tan: { args: one }, asin: { args: one }, acos: { args: one }, atan: { args: one }, atan2: { args: two },
  degrees: { args: one }, radians: { args: one }, pi: { args: [] }, rand: { args: [] }, random: { args: [] }, coalesce: { args: [], list: 'expressions' },
  if_func: { name: 'if', args: ['condition', 'true_value', 'false_value'] }, upper: { args: one }, lower: { args: one }, length: { args: one }, reverse: { args: one },
  substring: { name: 'substr', args: ['this', 'start', 'length'] }, str_position: { name: 'strpos', args: ['this', 'substr'] }, starts_with: { args: two }, ends_with: { args: two },
  year: { args: one }, quarter: { args: one }, month: { args: one }, day: { args: one }, day_of_month: { args: one }, day_of_week: { args: one }, day_of_year: { args: one },
  week_of_year: { args: one }, hour: { args: one }, minute: { args: one }, second: { args: one }, json_extract_scalar: { args: ['this', 'path'] }, json_extract: { args: ['this', 'path'] },
  json_array_length: { args: one }, cardinality: { args: one }, element_at: { args: two }, contains: { args: two }, array_distinct: { args: one }, array_position: { args: two },
  array_remove: { args: two }, map_keys: { args: one }, map_values: { args: one }, map_from_entries: { args: one }, row_number: { args: [] }, rank: { args: [] }, dense_rank: { args: [] },
  percent_rank: { args: [] }, cume_dist: { args: [] }, n_tile: { name: 'ntile', args: ['num_buckets'] }, lag: { args: ['this', 'offset', 'default'] }, lead: { args: ['this', 'offset', 'default'] },
  first_value: { args: one }, last_value: { args: one }, nth_value: { args: ['this', 'offset'] }, count: { args: one }, sum: { args: one }, avg: { args: one }, min: { args: one }, max: { args: one },
  count_if: { args: one }, logical_and: { name: 'bool_and', args: one }, logical_or: { name: 'bool_or', args: one }, any_value: { args: one }, stddev: { args: one }, stddev_pop: { args: one },
  stddev_samp: { args: one }, variance: { args: one }, var_pop: { args: one }, var_samp: { args: one }, approx_distinct: { args: one }, array_agg: { args: one }, list_agg: { name: 'listagg', args: ['this', 'separator'] },
  json_value: { args: ['this', 'path'] }, json_query: { args: ['this', 'path'] },
}

/** The node as a call, undefined when it is none. */
export function callOf(node: Node): Call | undefined {
  const kind = kindOf(node)
  const body = (node[kind] ?? {}) as Body
  if (kind === 'function' || kind === 'aggregate_function') return { name: (nameOf(body['name']) ?? '').toLowerCase(), args: listOf(body['args']), body, known: ['name', 'args'] }
  const known = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined
  if (known === undefined) return undefined
  const args = known.list ? listOf(body[known.list]) : known.args.map(member => body[member] as Node | null | undefined).filter(arg => arg !== undefined && arg !== null)
  return { name: known.name ?? kind, args, body, known: [...known.args, ...(known.list ? [known.list] : []), 'name'] }
}
