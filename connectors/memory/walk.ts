import { type Order, comparator } from '../../schema/filter.ts'
import { compareValues, type Row } from '../../schema/values.ts'
import { indexed } from '../regions/index-values.ts'
import type { Constraint } from './candidates.ts'
import type { ColumnIndex, Group } from './column-index.ts'
import type { Rows } from './rows.ts'

/** A total order over a region's rows, and which way and from where it is walked. */
export interface Course {
  /** Ends with the key's columns. */
  readonly terms: readonly Order[]
  readonly compare: (a: Row, b: Row) => number
  readonly backwards: boolean
  /** Whether a row lies behind the place to start from, in the direction of the walk. */
  readonly beyond: (row: Row) => boolean
  readonly after: Row | undefined
}

export function courseOf(rows: Rows, order: readonly Order[], after: Row | undefined, backwards: boolean): Course {
  const { key, columns } = rows.definition
  const named = new Set(order.map(term => term.column))
  const terms = [...order, ...key.filter(column => !named.has(column)).map(column => ({ column, descending: false, nullsFirst: false }))]
  const compare = comparator(terms, columns)
  const beyond = after === undefined ? () => true : backwards ? (row: Row) => compare(row, after) < 0 : (row: Row) => compare(row, after) > 0
  return { terms, compare, backwards, beyond, after }
}

/**
 * The entries beyond the start, in the course's direction, where the key's order or an index has them so; undefined where none does.
 * An undefined among them is the end of the walk before more than `maxGroup` entries of one value, which would have to be sorted.
 */
export function walk(rows: Rows, course: Course, constraints: ReadonlyMap<string, Constraint>, maxGroup: number): Iterable<number | undefined> | undefined {
  const byKey = keyDirection(rows, course)
  if (byKey === 'ascending') return rows.byKey.ascending(course.after && (id => course.beyond(rows.glance(id))))
  if (byKey === 'descending') return rows.byKey.descending(course.after && (id => !course.beyond(rows.glance(id))))

  const [term] = course.terms
  for (const index of rows.indexes) {
    if (index.last !== term?.column) continue
    const leading = index.columns.slice(0, -1).map(column => constraints.get(column)?.equal)
    if (leading.some(values => values?.length !== 1)) continue
    // Without leading columns the index holds every row; with them, every row that has these values.
    const group = index.group(leading.map(values => values?.[0] ?? null))
    return group ? walkGroup(rows, index, group, term, course, maxGroup) : []
  }
  return undefined
}

function keyDirection(rows: Rows, { terms, backwards }: Course): 'ascending' | 'descending' | undefined {
  const { key } = rows.definition
  if (!key.every((column, index) => terms[index]?.column === column)) return undefined
  const descending = terms[0]?.descending ?? false
  if (terms.slice(0, key.length).some(term => term.descending !== descending)) return undefined
  return descending === backwards ? 'ascending' : 'descending'
}

function* walkGroup(rows: Rows, index: ColumnIndex, group: Group, term: Order, course: Course, maxGroup: number): Generator<number | undefined> {
  const nullsLead = term.nullsFirst !== course.backwards
  if (group.absent.size > maxGroup) {
    yield undefined
    return
  }
  if (nullsLead) yield* inOrder(rows, group.absent, course)
  const type = index.lastType === 'JSON' ? 'String' : index.lastType
  const start = course.after && indexed(index.lastType, course.after[index.last] ?? null)
  const up = term.descending === course.backwards
  const values =
    start === undefined || start === null
      ? start === null && !nullsLead
        ? []
        : up
          ? group.order.ascending()
          : group.order.descending()
      : up
        ? group.order.ascending(value => compareValues(type, value, start) >= 0)
        : group.order.descending(value => compareValues(type, value, start) > 0)
  for (const value of values) {
    if (group.countAt(value) > maxGroup) {
      yield undefined
      return
    }
    yield* inOrder(rows, group.at(value), course)
  }
  if (!nullsLead) yield* inOrder(rows, group.absent, course)
}

function inOrder(rows: Rows, ids: Iterable<number>, { compare, beyond, backwards }: Course): number[] {
  const found: number[] = []
  for (const id of ids) if (beyond(rows.glance(id))) found.push(id)
  if (found.length < 2) return found
  const pairs = found.map(id => ({ id, row: rows.rowOnce(id) }))
  return pairs.sort(backwards ? (a, b) => compare(b.row, a.row) : (a, b) => compare(a.row, b.row)).map(({ id }) => id)
}
