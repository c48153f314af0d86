import { type Filter, matcher } from '../../schema/filter.ts'
import type { Row, Value } from '../../schema/values.ts'
import type { Criteria, Entry } from '../ports/region-store.ts'
import { indexed } from '../regions/index-values.ts'
import { fewPer, ofAnyValue } from '../regions/per.ts'
import { candidates, type Candidates, constraintsOf, isJust } from './candidates.ts'
import type { Rows } from './rows.ts'
import { type Course, courseOf, walk } from './walk.ts'

type Test = (id: number) => boolean

/** Rows that meet the criteria among those not expired at `nowMs`, in order. */
export function select(rows: Rows, criteria: Criteria, nowMs: number): Row[] {
  if (criteria.per) return selectPer(rows, criteria, criteria.per, nowMs)
  const { filter, order = [], after, backwards = false, limit = Number.POSITIVE_INFINITY } = criteria
  const constraints = constraintsOf(filter)
  const course = courseOf(rows, order, after, backwards)
  const passes = testOf(rows, criteria, nowMs)
  if (limit <= 0) return []

  const from = candidates(rows, constraints)
  const path = isFew(from, limit) ? undefined : walk(rows, course, constraints, limit * 16 + 1024)
  const found = (path && firstOf(rows, path, passes, limit, from.count)) ?? best(rows, from.ids(), passes, course, limit)
  return backwards ? found.reverse() : found
}

/** Led by the index of that column alone, if there is one, to the rows of each value; without it all rows are looked at once for all values. */
function selectPer(rows: Rows, criteria: Criteria, per: NonNullable<Criteria['per']>, nowMs: number): Row[] {
  const { order = [], after, backwards = false, limit = Number.POSITIVE_INFINITY } = criteria
  const index = rows.indexes.find(({ columns }) => columns.length === 1 && columns[0] === per.column)
  if (!index) {
    const type = rows.definition.columns.find(({ name }) => name === per.column)?.type ?? 'String'
    return fewPer(select(rows, ofAnyValue(criteria, per), nowMs), per, type, criteria)
  }
  const course = courseOf(rows, order, after, backwards)
  const passes = testOf(rows, criteria, nowMs)
  if (limit <= 0) return []
  const { ids, ends } = index.collect([...new Map(per.values.map(one => [indexed(index.lastType, one), one])).values()])
  rows.approachRows(ids)
  const found: Row[] = []
  let from = 0
  for (const end of ends) {
    const few = best(rows, ids.slice(from, end), passes, course, limit)
    from = end
    for (const row of backwards ? few.reverse() : few) found.push(row)
  }
  return found
}

/** Rows that may be looked at for a list of ids. */
const mostLookedAt = 2_000

/** Ids of the first in the order of their keys that pass the filter; undefined where that means to look at many rows. */
export function idsOf(rows: Rows, filter: Filter | undefined, limit: number, nowMs: number): readonly number[] | undefined {
  const from = candidates(rows, constraintsOf(filter))
  const passes = testOf(rows, { filter: left(filter, from) }, nowMs)
  if (limit <= 0) return []
  if (!isFew(from, limit)) {
    const first = firstInOrder(rows, testOf(rows, { filter }, nowMs), limit, Math.min(from.count, mostLookedAt))
    if (first) return first
  }
  if (from.count > mostLookedAt) return undefined
  const ids = [...from.ids()]
  rows.approach(ids)
  return rows.firstByKey(ids.filter(passes), limit)
}

/** Whether looking at all of them is less work than walking along an order. */
function isFew({ count }: Candidates, limit: number): boolean {
  return count <= limit * 4 + 64
}

/** Found on a walk along the keys; undefined where it would be longer than `budget`. */
function firstInOrder(rows: Rows, passes: Test, limit: number, budget: number): readonly number[] | undefined {
  const found: number[] = []
  let seen = 0
  for (const id of rows.byKey.ascending()) {
    if (passes(id) && found.push(id) >= limit) return found
    seen += 1
    if (seen > budget) return undefined
  }
  return found
}

/** Ids of the first of each value's rows, in the order of their keys, one value behind the other: of the n-th from `starts[n]` on. A value null has none. Undefined without an index of the column alone. */
export function idsPer(rows: Rows, column: string, values: readonly Value[], limit: number, nowMs: number): { readonly ids: readonly number[]; readonly starts: readonly number[] } | undefined {
  const index = rows.indexes.find(({ columns }) => columns.length === 1 && columns[0] === column)
  if (!index) return undefined
  const { ids: all, ends } = index.collect(values)
  rows.approach(all)
  const ids: number[] = []
  const starts = [0]
  let from = 0
  for (const end of ends) {
    for (const id of rows.firstByKey(all.slice(from, end).filter(one => rows.isLive(one, nowMs)), limit)) ids.push(id)
    starts.push(ids.length)
    from = end
  }
  return { ids, starts }
}

/** Entries not expired at `nowMs` whose rows pass, in no order. */
export function* entriesOf(rows: Rows, filter: Filter | undefined, nowMs: number): Generator<Entry> {
  const from = candidates(rows, constraintsOf(filter))
  const passes = testOf(rows, { filter: left(filter, from) }, nowMs)
  for (const id of from.ids()) if (passes(id)) yield rows.entryOnce(id)
}

/** How many rows not expired at `nowMs` pass. */
export function count(rows: Rows, { filter }: Criteria, nowMs: number): number {
  const from = candidates(rows, constraintsOf(filter))
  const passes = testOf(rows, { filter: left(filter, from) }, nowMs)
  let sum = 0
  for (const id of from.ids()) if (passes(id)) sum += 1
  return sum
}

/** What is left to look at in rows that were found so. */
function left(filter: Filter | undefined, { by }: Candidates): Filter | undefined {
  return filter && by && isJust(filter, by) ? undefined : filter
}

function testOf(rows: Rows, { filter }: Criteria, nowMs: number): Test {
  if (!filter) return id => rows.isLive(id, nowMs)
  const matches = matcher(filter, rows.definition.columns)
  return id => rows.isLive(id, nowMs) && matches(rows.glance(id))
}

/** The first that pass along a path that has them in order; undefined when looking at the candidates instead would have been less work. */
function firstOf(rows: Rows, path: Iterable<number | undefined>, passes: Test, limit: number, budget: number): Row[] | undefined {
  const found: Row[] = []
  let seen = 0
  for (const id of path) {
    if (id === undefined) return undefined
    if (passes(id)) found.push(rows.row(id))
    if (found.length >= limit) return found
    seen += 1
    if (seen > budget) return undefined
  }
  return found
}

/** The first in the order among candidates in none: at most twice the limit are held, however many pass. */
function best(rows: Rows, ids: Iterable<number>, passes: Test, { compare, beyond, backwards }: Course, limit: number): Row[] {
  const order = backwards ? (a: Row, b: Row) => compare(b, a) : compare
  let found: Row[] = []
  let worst: Row | undefined
  for (const id of ids) {
    const row = rows.glance(id)
    if (worst !== undefined && order(row, worst) >= 0) continue
    if (!passes(id) || !beyond(row)) continue
    found.push(rows.row(id))
    if (found.length < limit * 2 + 64) continue
    found = found.sort(order).slice(0, limit)
    worst = found[limit - 1]
  }
  return found.sort(order).slice(0, limit)
}
