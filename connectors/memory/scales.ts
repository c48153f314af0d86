import { type Column, type Row, scaleOf, type Value } from '../../schema/values.ts'

/** How many rows have how many digits behind the point, in each Decimal column: what the column's type is in SQL, known without a look at the rows. */
export class Scales {
  /** By column: at place `n` the number of rows with `n` digits. The last place is never zero. */
  readonly #counts: ReadonlyMap<string, number[]>

  constructor(columns: readonly Column[]) {
    this.#counts = new Map(columns.filter(column => column.type === 'Decimal').map(column => [column.name, []]))
  }

  /** The most digits behind the point in a column; 0 where it holds no value. */
  largest(column: string): number {
    return Math.max(0, (this.#counts.get(column)?.length ?? 0) - 1)
  }

  add(row: Row): void {
    for (const [column, counts] of this.#counts) count(counts, row[column] ?? null, 1)
  }

  remove(row: Row): void {
    for (const [column, counts] of this.#counts) count(counts, row[column] ?? null, -1)
  }
}

function count(counts: number[], value: Value, change: 1 | -1): void {
  if (value === null) return
  const digits = scaleOf(String(value))
  while (counts.length <= digits) counts.push(0)
  counts[digits] = (counts[digits] ?? 0) + change
  while (counts.at(-1) === 0) counts.pop()
}
