import type { FunctionRule } from './functions.ts'
import { macros } from './prelude.ts'

/** How an aggregate is printed: its name and arguments, and a condition of its own rows. */
export interface AggregateRule {
  readonly least: number
  readonly most: number
  readonly print: (args: readonly string[]) => { readonly name: string; readonly args: readonly string[]; readonly wrap?: (text: string) => string; readonly condition?: string }
}

const as = (name: string, least = 1, most = least): AggregateRule => ({ least, most, print: args => ({ name, args }) })

/** Aggregates by Trino's name; they also stand before OVER. */
export const aggregates: Readonly<Record<string, AggregateRule>> = {
  count: as('count', 0, 1), sum: as('sum'), avg: as('avg'), min: as('min'), max: as('max'), count_if: as('count_if'), bool_and: as('bool_and'), every: as('bool_and'), bool_or: as('bool_or'),
  any_value: as('any_value'), arbitrary: as('any_value'), max_by: as('arg_max_null', 2), min_by: as('arg_min_null', 2),
  stddev: as('stddev_samp'), stddev_samp: as('stddev_samp'), stddev_pop: as('stddev_pop'), variance: as('var_samp'), var_samp: as('var_samp'), var_pop: as('var_pop'),
  covar_pop: as('covar_pop', 2), covar_samp: as('covar_samp', 2), corr: as('corr', 2), regr_slope: as('regr_slope', 2), regr_intercept: as('regr_intercept', 2), geometric_mean: as('geomean'),
  // An exact answer is within every error a caller may have allowed.
  approx_distinct: { least: 1, most: 2, print: ([x = '']) => ({ name: 'count', args: [`DISTINCT ${x}`] }) },
  approx_percentile: { least: 2, most: 2, print: ([x = '', p = '']) => ({ name: 'list', args: [`${x} + CAST(0 AS BIGINT)`], wrap: list => `${macros}.percentile_of(${list}, ${p})`, condition: `(${x}) IS NOT NULL` }) }, histogram: as('histogram'), array_agg: as('list'), bitwise_and_agg: as('bit_and'), bitwise_or_agg: as('bit_or'),
  listagg: { least: 1, most: 2, print: ([x = '', separator = "''"]) => ({ name: 'string_agg', args: [x, separator] }) },
  map_agg: { least: 2, most: 2, print: ([k = '', v = '']) => ({ name: 'list', args: [`{'k': ${k}, 'v': ${v}}`], wrap: list => `map_from_entries(${list})`, condition: `(${k}) IS NOT NULL` }) },
}

/** Functions that only stand before OVER, by Trino's name, which is DuckDB's too. */
export const windowFunctions: Readonly<Record<string, Pick<FunctionRule, 'least' | 'most'>>> = {
  row_number: { least: 0, most: 0 }, rank: { least: 0, most: 0 }, dense_rank: { least: 0, most: 0 }, percent_rank: { least: 0, most: 0 }, cume_dist: { least: 0, most: 0 },
  ntile: { least: 1, most: 1 }, lag: { least: 1, most: 3 }, lead: { least: 1, most: 3 }, first_value: { least: 1, most: 1 }, last_value: { least: 1, most: 1 }, nth_value: { least: 2, most: 2 },
}
