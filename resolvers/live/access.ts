import type { Value } from '../../schema/values.ts'
import type { Condition } from './condition.ts'
import type { Bound } from './range-list.ts'

/** A column and a value in it; null stands for the column's absence. */
export interface AccessKey {
  readonly column: string
  readonly value: Value
}

/** A column and bounds of a value in it, both included. */
export interface AccessRange {
  readonly column: string
  readonly low: Bound | undefined
  readonly high: Bound | undefined
}

export type Access = AccessKey | AccessRange

/** Longer IN lists are not filed value by value. */
const maxFilings = 1_000

/** Any key is better than a range. */
const rangeCost = 1e6

/**
 * Keys and ranges of which every passing row meets at least one: what a group of subscribers is filed under. Of an AND the cheapest part speaks for the whole, of
 * an OR every part is needed. Undefined where the condition gives none; empty where no row can pass.
 * `cost` is the price of filing under one key, Infinity for a column whose keys must not be used.
 */
export function accessTo(condition: Condition, cost: (key: AccessKey) => number): readonly Access[] | undefined {
  const best = choose(condition, cost)
  return best && best.filings.length <= maxFilings && best.cost < Infinity ? best.filings : undefined
}

interface Choice {
  readonly filings: readonly Access[]
  readonly cost: number
}

function choose(condition: Condition, cost: (key: AccessKey) => number): Choice | undefined {
  switch (condition.kind) {
    case 'and':
      return cheapest([...condition.parts.map(part => choose(part, cost)), ...bands(condition.parts)])
    case 'or':
      return all(condition.parts.map(part => choose(part, cost)))
    case 'eq':
    case 'isNull':
      return priced([{ column: condition.column, value: condition.constant }], cost)
    case 'in':
      return priced([...condition.constant].map(value => ({ column: condition.column, value })), cost)
    case 'startsWith':
      return ranged(condition.column, condition.constant, afterPrefix(condition.constant))
    case 'gt':
    case 'gte':
      return ranged(condition.column, condition.constant, undefined)
    case 'lt':
    case 'lte':
      return ranged(condition.column, undefined, condition.constant)
    case 'test':
      return undefined
  }
}

/** A low and a high bound of one column, side by side in an AND, make a narrower range than either. */
function bands(parts: readonly Condition[]): readonly Choice[] {
  const lows = parts.flatMap(part => (part.kind === 'gt' || part.kind === 'gte' ? [part] : []))
  const highs = parts.flatMap(part => (part.kind === 'lt' || part.kind === 'lte' ? [part] : []))
  return lows.flatMap(low => highs.filter(high => high.column === low.column).map(high => ({ ...ranged(low.column, low.constant, high.constant), cost: rangeCost / 2 })))
}

/** The least text, by code units, that is greater than all with the prefix; undefined where there is none. */
function afterPrefix(prefix: string): string | undefined {
  for (let end = prefix.length; end > 0; end--) {
    const unit = prefix.charCodeAt(end - 1)
    if (unit < 0xffff) return prefix.slice(0, end - 1) + String.fromCharCode(unit + 1)
  }
  return undefined
}

function ranged(column: string, low: Bound | undefined, high: Bound | undefined): Choice {
  return { filings: [{ column, low, high }], cost: rangeCost }
}

function cheapest(choices: readonly (Choice | undefined)[]): Choice | undefined {
  let best: Choice | undefined
  for (const choice of choices) if (choice && (!best || choice.cost < best.cost)) best = choice
  return best
}

function all(choices: readonly (Choice | undefined)[]): Choice | undefined {
  const filings: Access[] = []
  let cost = 0
  for (const choice of choices) {
    if (!choice) return undefined
    filings.push(...choice.filings)
    cost += choice.cost
  }
  return { filings, cost }
}

function priced(keys: readonly AccessKey[], cost: (key: AccessKey) => number): Choice {
  return { filings: keys, cost: keys.reduce((sum, key) => sum + cost(key), 0) }
}
