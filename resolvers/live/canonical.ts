import type { Filter } from '../../schema/filter.ts'
import type { Value } from '../../schema/values.ts'

/**
 * One text for filters that mean the same and differ only in the order, nesting or repetition of their parts. Filters with one text pass the same rows;
 * filters with two texts may. No filter at all is the empty `and`.
 */
export function canonical(filter: Filter | undefined): string {
  return filter ? text(filter) : 'and()'
}

function text(filter: Filter): string {
  if ('and' in filter) return joined('and', parts('and', filter.and))
  if ('or' in filter) return joined('or', parts('or', filter.or))
  if ('not' in filter) return 'not' in filter.not ? text(filter.not.not) : `not(${text(filter.not)})`
  const column = JSON.stringify(filter.column)
  if (filter.op === 'in') return `${column} in [${[...new Set(filter.value.map(valueText))].sort().join()}]`
  return `${column} ${filter.op} ${valueText(filter.value)}`
}

function parts(kind: 'and' | 'or', filters: readonly Filter[]): string[] {
  return filters.flatMap(filter => {
    if (kind === 'and' && 'and' in filter) return parts(kind, filter.and)
    if (kind === 'or' && 'or' in filter) return parts(kind, filter.or)
    return [text(filter)]
  })
}

function joined(kind: string, found: readonly string[]): string {
  const unique = [...new Set(found)].sort()
  return unique.length === 1 && unique[0] !== undefined ? unique[0] : `${kind}(${unique.join()})`
}

/** Long values beyond JSON's numbers are marked, so that no string reads like one. */
function valueText(value: Value): string {
  return typeof value === 'bigint' ? `${value}n` : JSON.stringify(value)
}
