import type { ColumnType, Row } from '../../schema/values.ts'
import type { Criteria } from '../ports/region-store.ts'
import { indexed } from './index-values.ts'

type Per = NonNullable<Criteria['per']>

/** The rows with any of the values, however many each has. */
export function ofAnyValue({ per: _per, limit: _limit, ...criteria }: Criteria, { column, values }: Per): Criteria {
  const any = { column, op: 'in' as const, value: values }
  return { ...criteria, filter: criteria.filter ? { and: [any, criteria.filter] } : any }
}

/** Of each value's rows the first `limit`, or backwards the last, in the order given. `type`: the column's. */
export function fewPer(rows: readonly Row[], { column }: Per, type: ColumnType, { limit = Number.POSITIVE_INFINITY, backwards = false }: Criteria): Row[] {
  const groups = Map.groupBy(rows, row => indexed(type, row[column] ?? null))
  return [...groups.values()].flatMap(group => (backwards ? group.slice(Math.max(0, group.length - limit)) : group.slice(0, limit)))
}
