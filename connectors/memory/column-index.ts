import { type ColumnType, compareValues, type Column, type Row, type Value } from '../../schema/values.ts'
import { indexed, IndexValues } from '../regions/index-values.ts'
import { SortedList } from './sorted-list.ts'

/** Ids of entries that share the values of an index's leading columns, by the value of its last column. */
export class Group {
  readonly values = new Map<Value, number | Set<number>>()
  readonly order: SortedList<Value>
  readonly absent = new Set<number>()
  size = 0

  constructor(type: ColumnType) {
    this.order = new SortedList<Value>((a, b) => compareValues(type, a, b))
  }

  /** The entries with this value in the last column. */
  *at(value: Value): Generator<number> {
    const found = this.values.get(value)
    if (found instanceof Set) yield* found
    else if (found !== undefined) yield found
  }

  /** The same ids, put behind those that are there. */
  collect(value: Value, ids: number[]): void {
    const found = this.values.get(value)
    if (found instanceof Set) for (const id of found) ids.push(id)
    else if (found !== undefined) ids.push(found)
  }

  countAt(value: Value): number {
    const found = this.values.get(value)
    return found instanceof Set ? found.size : found === undefined ? 0 : 1
  }
}

/** A secondary index: equality on all its columns, range and order on the last. Rows with a null before the last column are not in it. */
export class ColumnIndex extends IndexValues {
  readonly last: string
  readonly lastType: ColumnType
  readonly #groups = new Map<string, Group>()

  constructor(columns: readonly string[], definitions: readonly Column[]) {
    super(columns, definitions)
    this.last = columns[columns.length - 1] as string
    this.lastType = this.types[this.types.length - 1] as ColumnType
  }

  /** The group of these values of the leading columns; undefined: no row has them. */
  group(leading: readonly Value[]): Group | undefined {
    return this.#groups.get(this.#name(leading))
  }

  add(id: number, row: Row): void {
    const leading = this.#leading(row)
    if (!leading) return
    const name = this.#name(leading)
    let group = this.#groups.get(name)
    if (!group) {
      group = new Group(this.lastType === 'JSON' ? 'String' : this.lastType)
      this.#groups.set(name, group)
    }
    group.size += 1
    const value = indexed(this.lastType, row[this.last] ?? null)
    if (value === null) {
      group.absent.add(id)
      return
    }
    const found = group.values.get(value)
    if (found instanceof Set) found.add(id)
    else if (found !== undefined) group.values.set(value, new Set([found, id]))
    else {
      group.values.set(value, id)
      group.order.insert(value)
    }
  }

  remove(id: number, row: Row): void {
    const leading = this.#leading(row)
    if (!leading) return
    const name = this.#name(leading)
    const group = this.#groups.get(name)
    if (!group) return
    group.size -= 1
    if (group.size === 0) this.#groups.delete(name)
    const value = indexed(this.lastType, row[this.last] ?? null)
    if (value === null) {
      group.absent.delete(id)
      return
    }
    const found = group.values.get(value)
    if (found instanceof Set) {
      found.delete(id)
      if (found.size > 0) return
    }
    group.values.delete(value)
    group.order.remove(value)
  }

  /** The entries with a row's values in all columns; none where one of the values is null. */
  *holders(row: Row): Generator<number> {
    const leading = this.#leading(row)
    const value = indexed(this.lastType, row[this.last] ?? null)
    const group = leading && value !== null ? this.group(leading) : undefined
    if (group) yield* group.at(value)
  }

  /** Whether a row changed from one to the other stays where it is. */
  same(before: Row, after: Row): boolean {
    return this.columns.every(column => before[column] === after[column])
  }

  #leading(row: Row): Value[] | undefined {
    const values: Value[] = []
    for (let index = 0; index < this.columns.length - 1; index++) {
      const value = row[this.columns[index] as string] ?? null
      if (value === null) return undefined
      values.push(value)
    }
    return values
  }

  #name(leading: readonly Value[]): string {
    if (leading.length === 0) return ''
    return JSON.stringify(leading.map((value, index) => String(indexed(this.types[index] as ColumnType, value))))
  }
}
