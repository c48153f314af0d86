import type { Row } from '../../schema/values.ts'
import type { Condition, Leaf } from './condition.ts'

/** Conditions that differ only in their constants: compiled once, and tested with the constants of each. */
export interface Shape {
  /** Columns it reads. */
  readonly columns: readonly string[]
  readonly test: (row: Row, constants: readonly unknown[]) => boolean
}

type Test = Shape['test']

/** Shapes met so far. */
export class Shapes {
  readonly #known = new Map<string, Shape>()

  of(condition: Condition): Shape {
    const text = textOf(condition)
    let shape = this.#known.get(text)
    if (!shape) {
      const leaves = leavesOf(condition)
      shape = { columns: [...new Set(leaves.map(({ column }) => column))], test: compile(condition, { next: 0 }) }
      this.#known.set(text, shape)
    }
    return shape
  }
}

/** The constants of a condition, in the order its shape takes them. */
export function constantsOf(condition: Condition): readonly unknown[] {
  return leavesOf(condition).map(({ constant }) => constant)
}

function leavesOf(condition: Condition): readonly Leaf[] {
  return 'parts' in condition ? condition.parts.flatMap(leavesOf) : [condition]
}

function textOf(condition: Condition): string {
  return 'parts' in condition ? `${condition.kind}(${condition.parts.map(textOf).join()})` : `${condition.kind} ${JSON.stringify(condition.column)}`
}

function compile(condition: Condition, place: { next: number }): Test {
  if (!('parts' in condition)) {
    const at = place.next
    place.next += 1
    return leafTests[condition.kind](condition.column, at)
  }
  const tests = condition.parts.map(part => compile(part, place))
  const [first, second] = tests
  if (tests.length === 1 && first) return first
  if (condition.kind === 'and') {
    if (tests.length === 2 && first && second) return (row, constants) => first(row, constants) && second(row, constants)
    return (row, constants) => tests.every(test => test(row, constants))
  }
  return (row, constants) => tests.some(test => test(row, constants))
}

const leafTests: Record<Leaf['kind'], (column: string, at: number) => Test> = {
  eq: (column, at) => (row, constants) => row[column] === constants[at],
  in: (column, at) => (row, constants) => (constants[at] as ReadonlySet<unknown>).has(row[column]),
  isNull: column => row => (row[column] ?? null) === null,
  lt: (column, at) => ordered(column, at, (value, constant) => value < constant),
  lte: (column, at) => ordered(column, at, (value, constant) => value <= constant),
  gt: (column, at) => ordered(column, at, (value, constant) => value > constant),
  gte: (column, at) => ordered(column, at, (value, constant) => value >= constant),
  startsWith: (column, at) => ordered(column, at, (value, constant) => String(value).startsWith(String(constant))),
  test: (_column, at) => (row, constants) => (constants[at] as (row: Row) => boolean)(row),
}

/** `null < 1` is true in JavaScript, and not in a filter. */
function ordered(column: string, at: number, compare: (value: string | number, constant: string | number) => boolean): Test {
  return (row, constants) => {
    const value = (row[column] ?? null) as string | number | null
    return value !== null && compare(value, constants[at] as string | number)
  }
}
