import type { estypes } from '@elastic/elasticsearch'
import type { Filter } from '../../schema/filter.ts'
import { choices, type Comparison, conjuncts } from '../scan/conjuncts.ts'
import { type FieldColumn, none, type Present } from './types.ts'

type Query = estypes.QueryDslQueryContainer

/** Values Elasticsearch takes in one list. */
const mostTerms = 65_536

/**
 * A query that every document matches whose row passes the filter, and perhaps others do: rows are compared again. Texts cut into words, orders of texts, and what stands
 * below `or` and `not` are left to that. Undefined: no row can pass.
 */
export function queryFor(filter: Filter, columns: readonly FieldColumn[]): Query | undefined {
  const known = new Map(columns.map(column => [column.name, column]))
  const parts = conjuncts(filter).flatMap(comparison => {
    const column = known.get(comparison.column)
    const query = column && queryOf(column, comparison)
    return query ? [query] : []
  })
  if (parts.some(part => 'match_none' in part)) return undefined
  return parts.length === 0 ? { match_all: {} } : { bool: { filter: parts } }
}

function queryOf(column: FieldColumn, comparison: Comparison): Query | undefined {
  const { field, of, searched, name } = column
  const values = choices(comparison)
  if (values) {
    if (name === '_id') return values.length <= mostTerms ? { ids: { values: values.map(String) } } : undefined
    if (searched === undefined) return undefined
    if (of.term) return termsOf(searched, values.map(of.term), of.type === 'String')
    const [only] = values
    const bound = values.length === 1 && only !== undefined ? of.bound?.(only) : undefined
    return bound === undefined ? undefined : { range: { [field]: { gte: bound, lte: bound, format: of.format } } }
  }
  if (comparison.op === 'isNull') return comparison.value || searched === undefined || searched !== field ? undefined : orIgnored(field, { exists: { field } })
  const sign = comparison.op === 'gt' || comparison.op === 'gte' ? 'gte' : comparison.op === 'lt' || comparison.op === 'lte' ? 'lte' : undefined
  const { value } = comparison
  if (sign === undefined || searched === undefined || value === null) return undefined
  const bound = of.bound?.(value as Present)
  return bound === undefined ? undefined : { range: { [field]: { [sign]: bound, ...(of.format ? { format: of.format } : {}) } } }
}

function termsOf(field: string, terms: readonly (string | number | boolean | undefined | typeof none)[], canBeIgnored: boolean): Query | undefined {
  if (terms.includes(undefined) || terms.length > mostTerms) return undefined
  const possible = terms.filter(term => term !== none && term !== undefined)
  if (possible.length === 0) return { match_none: {} }
  return canBeIgnored ? orIgnored(field, { terms: { [field]: possible } }) : { terms: { [field]: possible } }
}

/** Values too long for the index are in the document and not in the index, which knows of that. */
function orIgnored(field: string, query: Query): Query {
  return { bool: { should: [query, { term: { _ignored: field } }] } }
}
