import type { Derivation } from '../../schema/lineage.ts'
import { Inputs } from './inputs.ts'
import { resolve, type Findings, type Scope } from './scope.ts'
import { bodyOf, child, identifier, identifiers, isNode, kindOf, type Node } from './syntax.ts'

/** Trino's aggregate functions, under their own names and under those the parser gives their nodes. */
const aggregates = new Set([
  'aggregate_function', 'any_value', 'approx_distinct', 'approx_most_frequent', 'approx_percentile', 'approx_set', 'arbitrary', 'array_agg', 'avg',
  'bitwise_and_agg', 'bitwise_or_agg', 'bitwise_xor_agg', 'bool_and', 'bool_or', 'checksum', 'convex_hull_agg', 'corr', 'count', 'count_if', 'covar_pop',
  'covar_samp', 'entropy', 'every', 'geometric_mean', 'geometry_union_agg', 'histogram', 'json_arrayagg', 'json_objectagg', 'kurtosis', 'list_agg', 'listagg',
  'logical_and', 'logical_or', 'make_set_digest', 'map_agg', 'map_union', 'max', 'max_by', 'merge', 'min', 'min_by', 'multimap_agg', 'numeric_histogram',
  'qdigest_agg', 'reduce_agg', 'regr_intercept', 'regr_slope', 'set_agg', 'set_union', 'skewness', 'stddev', 'stddev_pop', 'stddev_samp', 'sum', 'tdigest_agg',
  'var_pop', 'var_samp', 'variance',
])

const queries = new Set(['select', 'union', 'intersect', 'except', 'subquery'])
/** Wrappers that leave a value as it is. */
const transparent = new Set(['alias', 'paren'])
/** Members that hold no values: types, places, names. */
const skipped = new Set(['to', 'span', 'inferred_type', 'leading_comments', 'trailing_comments', 'column_aliases', 'alias', 'original_name'])

interface Step {
  readonly value: unknown
  readonly derivation: Derivation
  /** Parameters of the lambdas around it, in lower case. */
  readonly params: ReadonlySet<string>
}

/**
 * The columns an expression's value is made from. A bare column is IDENTITY; what stands inside an aggregate is AGGREGATION; the rest is EXPRESSION.
 * Walks without recursion, so that a long chain of operators cannot exhaust the stack; only queries inside the expression recurse.
 */
export function inputsOf(expression: Node, scope: Scope, findings: Findings): Inputs {
  const inputs = new Inputs()
  const steps: Step[] = [{ value: expression, derivation: 'IDENTITY', params: new Set() }]

  for (let step = steps.pop(); step; step = steps.pop()) {
    const { value, derivation, params } = step
    const push = (next: unknown, change: Partial<Step> = {}) => steps.push({ value: next, derivation, params, ...change })

    if (Array.isArray(value)) {
      for (const item of value.toReversed()) push(item)
      continue
    }
    if (!isNode(value)) continue

    for (const [key, member] of Object.entries(value).toReversed()) {
      if (!isNode(member) && !Array.isArray(member)) continue
      const body = isNode(member) ? member : {}
      const parts = key === 'column' || key === 'dot' ? partsOf({ [key]: member }) : undefined

      if (key === 'alias' && isNode(body.this)) push(body.this)
      else if (parts) addColumn(parts, derivation, params)
      else if (transparent.has(key) && body.this !== undefined) push(body.this)
      else if (skipped.has(key)) continue
      else if (queries.has(key)) for (const output of findings.query({ [key]: member }, scope).outputs) inputs.add(output.inputs, derivation)
      else if (key === 'lambda') push(body.body, { params: new Set([...params, ...identifiers(body, 'parameters').map(name => name.toLowerCase())]) })
      else {
        if (key === 'over') push(namedWindow(body, scope), { derivation: further(derivation, 'EXPRESSION') })
        push(member, { derivation: further(derivation, isAggregate(key, body) ? 'AGGREGATION' : 'EXPRESSION') })
      }
    }
  }
  return inputs

  function addColumn(parts: readonly string[], derivation: Derivation, params: ReadonlySet<string>): void {
    if (params.has(parts[0]?.toLowerCase() ?? '')) return
    const found = resolve(parts, scope, findings)
    inputs.add(found.inputs, found.whole ? derivation : further(derivation, 'EXPRESSION'))
  }
}

/** The dotted parts of a column: `pg.public.customer.name`; undefined for anything else, as the field of a computed row. */
export function partsOf(node: Node): readonly string[] | undefined {
  const kind = kindOf(node)
  const body = bodyOf(node)
  if (kind === 'column') {
    const name = identifier(body.name)
    if (name === undefined) return undefined
    const table = identifier(body.table)
    return table === undefined ? [name] : [table, name]
  }
  if (kind !== 'dot') return undefined
  const before = child(body, 'this')
  const field = identifier(body.field)
  const parts = before && partsOf(before)
  return parts && field !== undefined ? [...parts, field] : undefined
}

/** The name an output of the select list goes by: its alias, its column's name, else Trino's `_col` with the position from 0. */
export function outputName(expression: Node, position: number): string {
  if (kindOf(expression) === 'alias') return identifier(bodyOf(expression).alias) ?? `_col${position}`
  return partsOf(expression)?.at(-1) ?? `_col${position}`
}

function isAggregate(key: string, body: Node): boolean {
  return aggregates.has(key) || (key === 'function' && aggregates.has(identifier(body.name)?.toLowerCase() ?? ''))
}

function namedWindow(over: Node, scope: Scope): Node | undefined {
  const name = identifier(over.window_name)
  return name === undefined ? undefined : scope.windows.get(name.toLowerCase())
}

function further(a: Derivation, b: Derivation): Derivation {
  return a === 'AGGREGATION' || b === 'AGGREGATION' ? 'AGGREGATION' : a === 'EXPRESSION' || b === 'EXPRESSION' ? 'EXPRESSION' : 'IDENTITY'
}
