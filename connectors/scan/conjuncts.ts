import type { Filter } from '../../schema/filter.ts'
import type { Value } from '../../schema/values.ts'

export type Comparison = Extract<Filter, { column: string }>

/** Comparisons of which every row that passes satisfies each. What stands below `or` and `not` is none of them. */
export function conjuncts(filter: Filter): readonly Comparison[] {
  if ('and' in filter) return filter.and.flatMap(conjuncts)
  if ('or' in filter) return filter.or.length === 1 && filter.or[0] ? conjuncts(filter.or[0]) : []
  return 'not' in filter ? [] : [filter]
}

/** The values one of which a row must have to pass a comparison: none where no row can. Undefined: the comparison is no equality. */
export function choices(comparison: Comparison): readonly Exclude<Value, null>[] | undefined {
  if (comparison.op !== 'eq' && comparison.op !== 'in') return undefined
  const values: readonly Value[] = comparison.op === 'in' ? comparison.value : [comparison.value]
  return [...new Set(values)].filter(value => value !== null)
}
