import type { Filter } from '../../schema/filter.ts'
import { type ColumnType, compareValues, type Value } from '../../schema/values.ts'
import { keyOf } from '../ports/region-store.ts'
import { indexed } from '../regions/index-values.ts'
import type { ColumnIndex, Group } from './column-index.ts'
import type { Rows } from './rows.ts'

/** Ids of entries among which are all that pass a filter, and about how many they are. */
export interface Candidates {
  readonly count: number
  readonly ids: () => Iterable<number>
  /** Columns of the key or index that offers them; absent: they are all entries. */
  readonly by?: readonly string[]
}

/** What every passing row must have in one column. */
export interface Constraint {
  /** One of these; empty: nothing passes. */
  equal?: readonly Value[]
  from?: Value
  to?: Value
  absent?: true
}

/** Combinations of key or leading values beyond which looking each one up is no gain. */
const combinationsTried = 10_000

/** The smallest set the key and the indexes offer; all entries when none applies. */
export function candidates(rows: Rows, constraints: ReadonlyMap<string, Constraint>): Candidates {
  let best: Candidates = { count: rows.size, ids: () => rows.ids() }
  const byKey = keyCandidates(rows, constraints)
  if (byKey && byKey.count <= best.count) best = byKey
  for (const index of rows.indexes) {
    const found = indexCandidates(index, constraints)
    if (found && found.count < best.count) best = found
  }
  return best
}

/** What a filter demands of single columns, read from the conditions that all must hold. */
export function constraintsOf(filter: Filter | undefined): ReadonlyMap<string, Constraint> {
  const constraints = new Map<string, Constraint>()
  if (filter) collect(filter, constraints)
  return constraints
}

/** Whether rows pass if they have, in columns among these, one of the values that are asked for there, and nothing else is asked. */
export function isJust(filter: Filter, columns: readonly string[]): boolean {
  const parts = 'and' in filter ? filter.and : [filter]
  const named = parts.map(part => ('column' in part && (part.op === 'eq' || part.op === 'in') ? part.column : undefined))
  return new Set(named).size === parts.length && named.every(column => column !== undefined && columns.includes(column))
}

function collect(filter: Filter, constraints: Map<string, Constraint>): void {
  if ('and' in filter) {
    for (const part of filter.and) collect(part, constraints)
    return
  }
  if (!('column' in filter)) return
  const constraint = constraints.get(filter.column) ?? {}
  constraints.set(filter.column, constraint)
  if (filter.op === 'isNull') {
    if (filter.value) constraint.absent = true
  } else if (filter.op === 'in') {
    demand(constraint, filter.value.filter(value => value !== null))
  } else if (filter.value === null) {
    demand(constraint, [])
  } else if (filter.op === 'eq') {
    demand(constraint, [filter.value])
  } else if (filter.op === 'gt' || filter.op === 'gte') {
    constraint.from ??= filter.value
  } else if (filter.op === 'lt' || filter.op === 'lte') {
    constraint.to ??= filter.value
  }
}

function demand(constraint: Constraint, values: readonly Value[]): void {
  if (!constraint.equal || values.length < constraint.equal.length) constraint.equal = values
}

function keyCandidates(rows: Rows, constraints: ReadonlyMap<string, Constraint>): Candidates | undefined {
  const { key, columns } = rows.definition
  const exact = key.every(name => columns.some(column => column.name === name && column.type !== 'Decimal'))
  const lists = exact ? combinations(key.map(name => constraints.get(name)?.equal)) : undefined
  if (!lists) return undefined
  const keys = new Set(lists.map(values => keyOf(key, Object.fromEntries(key.map((name, index) => [name, values[index] ?? null])))))
  const found = rows.findMany([...keys]).filter(id => id >= 0)
  return { count: found.length, ids: () => found, by: key }
}

function indexCandidates(index: ColumnIndex, constraints: ReadonlyMap<string, Constraint>): Candidates | undefined {
  const leading = combinations(index.columns.slice(0, -1).map(column => constraints.get(column)?.equal))
  if (!leading) return undefined
  const groups = leading.length === 1 && leading[0] ? [index.group(leading[0])] : [...new Set(leading.map(values => index.group(values)))]
  const parts = groups.filter(group => group !== undefined).map(group => groupCandidates(index, group, constraints.get(index.last)))
  if (parts.some(part => part === undefined)) return undefined
  const known = parts.filter(part => part !== undefined)
  const [only] = known
  if (only && known.length === 1) return { count: only.count, by: index.columns, ids: only.ids }
  return { count: known.reduce((sum, part) => sum + part.count, 0), by: index.columns, ids: () => idsOf(known) }
}

// A generator within a function is a function of its own each time, for which the engine makes a prototype and a map when it is called: these outlive small collections, and with them all they hold.

function* idsOf(parts: readonly Candidates[]): Generator<number> {
  for (const part of parts) yield* part.ids()
}

function* idsAt(group: Group, values: Iterable<Value>): Generator<number> {
  for (const value of values) yield* group.at(value)
}

function* idsIn(group: Group): Generator<number> {
  yield* group.absent
  yield* idsAt(group, group.order.ascending())
}

/** Those of the group, in order, from one to another; undefined: without that bound. */
function* valuesBetween(group: Group, type: ColumnType, low: Value | undefined, high: Value | undefined): Generator<Value> {
  for (const value of group.order.ascending(low === undefined ? undefined : item => compareValues(type, item, low) >= 0)) {
    if (high !== undefined && compareValues(type, value, high) > 0) return
    yield value
  }
}

function groupCandidates(index: ColumnIndex, group: Group, constraint: Constraint | undefined): Candidates | undefined {
  const leads = index.columns.length > 1
  if (constraint?.equal) {
    const values = [...new Set(constraint.equal.map(value => indexed(index.lastType, value)))]
    const [value] = values
    if (values.length === 1 && value !== undefined) return { count: group.countAt(value), ids: () => group.at(value) }
    return { count: values.reduce<number>((sum, one) => sum + group.countAt(one), 0), ids: () => idsAt(group, values) }
  }
  if (constraint?.absent) return { count: group.absent.size, ids: () => group.absent }
  if (constraint && (constraint.from !== undefined || constraint.to !== undefined)) return rangeCandidates(index, group, constraint)
  if (!leads) return undefined
  return { count: group.size, ids: () => idsIn(group) }
}

function rangeCandidates(index: ColumnIndex, group: Group, { from, to }: Constraint): Candidates {
  const type = index.lastType === 'JSON' ? 'String' : index.lastType
  const low = from === undefined ? undefined : indexed(index.lastType, from)
  const high = to === undefined ? undefined : indexed(index.lastType, to)
  const distinct = group.order.countBetween(
    item => low === undefined || compareValues(type, item, low) >= 0,
    item => high !== undefined && compareValues(type, item, high) > 0,
  )
  // As if all values were equally frequent: counting each would cost as much as reading them.
  const count = Math.ceil((distinct * (group.size - group.absent.size)) / Math.max(1, group.distinct))
  return { count, ids: () => idsAt(group, valuesBetween(group, type, low, high)) }
}

/** One value from each list, every way; undefined when a list is missing or the ways are too many. No lists: one way, empty. */
function combinations(lists: readonly (readonly Value[] | undefined)[]): Value[][] | undefined {
  let ways: Value[][] = [[]]
  for (const list of lists) {
    if (!list || ways.length * list.length > combinationsTried) return undefined
    ways = ways.flatMap(way => list.map(value => [...way, value]))
  }
  return ways
}
