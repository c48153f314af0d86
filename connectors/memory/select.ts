import { matcher } from '../../schema/filter.ts'
import type { Row } from '../../schema/values.ts'
import type { Criteria } from '../ports/region-store.ts'
import { candidates, type Candidates, constraintsOf } from './candidates.ts'
import type { Rows } from './rows.ts'
import type { Slot } from './slot.ts'
import { type Course, courseOf, walk } from './walk.ts'

type Test = (slot: Slot) => boolean

/** Rows that meet the criteria among those not expired at `nowMs`, in order. */
export function select(rows: Rows, criteria: Criteria, nowMs: number): Row[] {
  const { filter, order = [], after, backwards = false, limit = Number.POSITIVE_INFINITY } = criteria
  const constraints = constraintsOf(filter)
  const course = courseOf(rows, order, after, backwards)
  const passes = testOf(rows, criteria, nowMs)
  if (limit <= 0) return []

  const from = candidates(rows, constraints)
  const few = from.count <= limit * 4 + 64
  const path = few ? undefined : walk(rows, course, constraints, limit * 16 + 1024)
  const found = (path && firstOf(path, passes, limit, from.count)) ?? best(from, passes, course, limit)
  return backwards ? found.reverse() : found
}

/** How many rows not expired at `nowMs` pass. */
export function count(rows: Rows, criteria: Criteria, nowMs: number): number {
  const passes = testOf(rows, criteria, nowMs)
  let sum = 0
  for (const slot of candidates(rows, constraintsOf(criteria.filter)).slots()) if (passes(slot)) sum += 1
  return sum
}

function testOf(rows: Rows, { filter }: Criteria, nowMs: number): Test {
  if (!filter) return slot => slot.expiresAtMs > nowMs
  const matches = matcher(filter, rows.definition.columns)
  return slot => slot.expiresAtMs > nowMs && matches(slot.entry.row)
}

/** The first that pass along a path that has them in order; undefined when looking at the candidates instead would have been less work. */
function firstOf(path: Iterable<Slot | undefined>, passes: Test, limit: number, budget: number): Row[] | undefined {
  const found: Row[] = []
  let seen = 0
  for (const slot of path) {
    if (!slot) return undefined
    if (passes(slot)) found.push(slot.entry.row)
    if (found.length >= limit) return found
    seen += 1
    if (seen > budget) return undefined
  }
  return found
}

/** The first in the order among candidates in none: at most twice the limit are held, however many pass. */
function best(from: Candidates, passes: Test, { compare, beyond, backwards }: Course, limit: number): Row[] {
  const order = backwards ? (a: Row, b: Row) => compare(b, a) : compare
  let found: Row[] = []
  let worst: Row | undefined
  for (const slot of from.slots()) {
    const { row } = slot.entry
    if (worst !== undefined && order(row, worst) >= 0) continue
    if (!passes(slot) || !beyond(row)) continue
    found.push(row)
    if (found.length < limit * 2 + 64) continue
    found = found.sort(order).slice(0, limit)
    worst = found[limit - 1]
  }
  return found.sort(order).slice(0, limit)
}
