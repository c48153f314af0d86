import { type Filter, matcher } from '../../schema/filter.ts'
import type { Column, ColumnType, Row, Value } from '../../schema/values.ts'
import type { LookupRequest, ScanRequest } from '../ports/source-connector.ts'
import { checkedLimit, pickColumns } from '../sql-text/columns.ts'
import { checkFilter } from '../sql-text/filter.ts'

/** One read of a system that answers more rows and columns than are wanted: the rest is done here, row by row. */
export interface Reading<C extends Column> {
  /** Those of the answer and those its conditions look at. */
  readonly columns: readonly C[]
  /** What the rows must satisfy; the system may be asked for any part of it. */
  readonly filter: Filter
  /** What of a batch is answered. Empty once the limit is reached; see `done`. */
  answer(rows: readonly Row[]): readonly Row[]
  /** Whether further rows change nothing. */
  readonly done: boolean
}

/** Unknown columns, values a column cannot have, a limit that is none → BAD_USER_INPUT. */
export function scanReading<C extends Column>(table: string, columns: readonly C[], { columns: names, filter = { and: [] }, limit }: ScanRequest): Reading<C> {
  const wanted = pickColumns(table, columns, names)
  checkFilter(filter, columns)
  return reading(columns, wanted, filter, namesIn(filter), matcher(filter, columns), limit === undefined ? Number.POSITIVE_INFINITY : checkedLimit(limit))
}

/** The keys must not be empty. Their filter lets rows pass whose columns each have a value of some key; the answer has only those of whole keys. */
export function lookupReading<C extends Column>(table: string, columns: readonly C[], { columns: names, keyColumns: keyNames, keys }: LookupRequest): Reading<C> {
  const keyColumns = pickColumns(table, columns, keyNames)
  const wanted = new Set(keys.map(key => keyText(keyColumns, index => key[index] ?? null)))
  const filter: Filter = { and: keyColumns.map(({ name }, index) => ({ column: name, op: 'in', value: keys.map(key => key[index] ?? null) })) }
  return reading(columns, pickColumns(table, columns, names), filter, new Set(keyNames), row => wanted.has(keyText(keyColumns, (_, { name }) => row[name] ?? null)), Number.POSITIVE_INFINITY)
}

function reading<C extends Column>(all: readonly C[], wanted: readonly C[], filter: Filter, looked: ReadonlySet<string>, passes: (row: Row) => boolean, limit: number): Reading<C> {
  const columns = [...wanted, ...all.filter(column => looked.has(column.name) && !wanted.includes(column))]
  let left = limit
  return {
    columns, filter,
    answer(rows) {
      const passed = rows.filter(passes).slice(0, left)
      left -= passed.length
      return columns.length === wanted.length ? passed : passed.map(row => Object.fromEntries(wanted.map(({ name }) => [name, row[name] ?? null])))
    },
    get done() {
      return left === 0
    },
  }
}

/** One text for equal keys, whatever way their values are written. */
function keyText(columns: readonly Column[], valueAt: (index: number, column: Column) => Value): string {
  return JSON.stringify(columns.map((column, index) => sameText(column.type, valueAt(index, column))))
}

function sameText(type: ColumnType, value: Value): string | null {
  if (value === null) return null
  const text = String(value)
  if (type === 'UUID') return text.toLowerCase()
  if (type === 'Float') return String(Number(text))
  return type === 'Decimal' && text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

function namesIn(filter: Filter, found = new Set<string>()): Set<string> {
  if ('column' in filter) found.add(filter.column)
  else if ('not' in filter) namesIn(filter.not, found)
  else for (const part of 'and' in filter ? filter.and : filter.or) namesIn(part, found)
  return found
}
