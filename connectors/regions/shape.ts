import { HubError, type Problem } from '../../schema/errors.ts'
import type { Row, Value } from '../../schema/values.ts'
import { didYouMean } from '../../schema/names.ts'
import { keyOf, type RegionDefinition } from '../ports/region-store.ts'

/** A row as the region keeps it: every column, in the definition's order, frozen. */
export interface Shaped {
  readonly key: string
  readonly row: Row
  /** An estimate of what it takes in memory. */
  readonly bytes: number
}

/** What a slot, its entry and its place in the key's map take beside the row. */
const bytesPerEntry = 240
const listed = 20

/** Turns rows as callers write them into rows as the region keeps them. */
export class Shape {
  readonly #definition: RegionDefinition
  readonly #names: ReadonlySet<string>
  readonly #key: ReadonlySet<string>

  constructor(definition: RegionDefinition) {
    this.#definition = definition
    this.#names = new Set(definition.columns.map(column => column.name))
    this.#key = new Set(definition.key)
  }

  /** All rows shaped, JSON values in them frozen, or VALIDATION_ERROR with every problem of every row; `path` in a problem is `rows[2].iata`. */
  accept(rows: readonly Row[]): Shaped[] {
    const problems: Problem[] = []
    const shaped = rows.map((row, index) => this.#shape(row, index, problems))
    if (problems.length === 0) return shaped

    const said = problems.slice(0, listed).map(problem => `${problem.path}: ${problem.message}`)
    const more = problems.length > listed ? ` And ${problems.length - listed} more.` : ''
    throw new HubError('VALIDATION_ERROR', `Region "${this.#definition.name}" does not take these rows. ${said.join(' ')}${more}`, { problems: problems.slice(0, 100) })
  }

  /** A row as the region kept it before, read back. */
  restore(key: string, row: Row): Shaped {
    let bytes = bytesPerEntry + 2 * key.length
    for (const { name } of this.#definition.columns) {
      const value = row[name] ?? null
      if (value !== null) bytes += 8 + weigh(value)
      if (typeof value === 'object' && value !== null) frozen(value)
    }
    return { key, row: Object.freeze(row), bytes }
  }

  #shape(given: Row, index: number, problems: Problem[]): Shaped {
    const row: Record<string, Value> = {}
    let bytes = bytesPerEntry
    let found = 0
    for (const { name, nullable } of this.#definition.columns) {
      const value = Object.hasOwn(given, name) ? given[name] : undefined
      if (value !== undefined) found += 1
      if (value === undefined || value === null) {
        row[name] = null
        if (this.#key.has(name)) problems.push({ path: `rows[${index}].${name}`, message: 'A column of the key needs a value.' })
        else if (!nullable) problems.push({ path: `rows[${index}].${name}`, message: 'The column needs a value: it is not nullable.' })
        continue
      }
      row[name] = typeof value === 'object' ? frozen(value) : value
      bytes += 8 + weigh(value)
    }
    // A property that is undefined counts as absent, so the names are looked at only when the numbers differ.
    if (found !== Object.keys(given).length) this.#unknown(given, index, problems)
    const key = keyOf(this.#definition.key, row)
    return { key, row: Object.freeze(row), bytes: bytes + 2 * key.length }
  }

  #unknown(given: Row, index: number, problems: Problem[]): void {
    for (const name of Object.keys(given)) {
      if (!this.#names.has(name)) problems.push({ path: `rows[${index}].${name}`, message: `There is no such column.${didYouMean(name, this.#names)}` })
    }
  }
}

/** Whether two rows of one shape hold the same values. */
export function sameRow(a: Row, b: Row): boolean {
  if (a === b) return true
  for (const name in a) {
    const left = a[name] ?? null
    const right = b[name] ?? null
    if (left === right) continue
    if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false
    if (JSON.stringify(left) !== JSON.stringify(right)) return false
  }
  return true
}

/** A JSON value nobody can change any more. */
export function frozen<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) frozen(part)
  return Object.freeze(value)
}

function weigh(value: Value): number {
  if (typeof value === 'string') return 16 + value.length
  if (typeof value === 'object' && value !== null) return 2 * JSON.stringify(value).length
  return 8
}
