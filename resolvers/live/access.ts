import type { Value } from '../../schema/values.ts'
import type { Condition } from './condition.ts'

/** A column and a value in it; null stands for the column's absence. */
export interface AccessKey {
  readonly column: string
  readonly value: Value
}

/** Longer IN lists are not filed value by value. */
const maxKeys = 1_000

/**
 * Keys of which every passing row has at least one: what a group of subscribers is filed under. Of an AND the cheapest part speaks for the whole, of an OR every
 * part is needed. Undefined where the condition gives no such keys; empty where no row can pass.
 * `cost` is the price of filing under one key, Infinity for a column that must not be used.
 */
export function accessKeys(condition: Condition, cost: (key: AccessKey) => number): readonly AccessKey[] | undefined {
  const best = choose(condition, cost)
  return best && best.keys.length <= maxKeys && best.cost < Infinity ? best.keys : undefined
}

interface Choice {
  readonly keys: readonly AccessKey[]
  readonly cost: number
}

function choose(condition: Condition, cost: (key: AccessKey) => number): Choice | undefined {
  switch (condition.kind) {
    case 'and':
      return cheapest(condition.parts.map(part => choose(part, cost)))
    case 'or':
      return all(condition.parts.map(part => choose(part, cost)))
    case 'eq':
    case 'isNull':
      return priced([{ column: condition.column, value: condition.constant }], cost)
    case 'in':
      return priced([...condition.constant].map(value => ({ column: condition.column, value })), cost)
    default:
      return undefined
  }
}

function cheapest(choices: readonly (Choice | undefined)[]): Choice | undefined {
  let best: Choice | undefined
  for (const choice of choices) if (choice && (!best || choice.cost < best.cost)) best = choice
  return best
}

function all(choices: readonly (Choice | undefined)[]): Choice | undefined {
  const keys: AccessKey[] = []
  let cost = 0
  for (const choice of choices) {
    if (!choice) return undefined
    keys.push(...choice.keys)
    cost += choice.cost
  }
  return { keys, cost }
}

function priced(keys: readonly AccessKey[], cost: (key: AccessKey) => number): Choice {
  return { keys, cost: keys.reduce((sum, key) => sum + cost(key), 0) }
}
