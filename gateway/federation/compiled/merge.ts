import { mergeValue, type Data, type Shape } from '../shape.ts'
import type { Types } from '../types.ts'
import { functionOf } from './source.ts'

export type Merge = (target: Data, answer: Data) => void

/** `merge` for answers of one shape. What an answer holds besides is left out. */
export function mergerOf(shape: Shape, types: Types): Merge {
  const shapes: Shape[] = []
  const lines = [...shape].map(([key, below]) => {
    const at = JSON.stringify(key)
    if (below) return `if ((value = answer[${at}]) !== undefined) target[${at}] = target[${at}] === undefined ? value : mergeValue(target[${at}], value, shapes[${shapes.push(below) - 1}], isObject)`
    if (key === '__typename') return `if ((value = answer.__typename) !== undefined && !isObject(target.__typename)) target.__typename = value`
    return `if ((value = answer[${at}]) !== undefined && (value !== null || target[${at}] === undefined)) target[${at}] = value`
  })
  return functionOf<Merge>(`return function merge(target, answer) {\n  let value\n  ${lines.join('\n  ')}\n}`, { mergeValue, shapes, isObject: types.isObject })
}
