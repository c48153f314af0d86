import type { TextType } from '../xml/text-types.ts'

const functions = ['count', 'sum', 'avg', 'max', 'min'] as const

/** One value of each group. */
export interface Metric {
  readonly function: (typeof functions)[number]
  /** Absent: rows are counted. */
  readonly column?: string
  /** Name of the column it becomes. */
  readonly alias: string
}

/** `count:customers`, `sum:revenue` or `sum:revenue:total`: behind count stands the name of the result, behind the others their column, and the result's name where it is another. */
export const metrics: TextType<readonly Metric[]> = {
  name: 'metrics', expected: 'metrics such as count:customers,sum:revenue,max:updated_at:latest', xsd: { pattern: '(count|sum|avg|max|min):[^:,]+(:[^:,]+)?(\\s*,\\s*(count|sum|avg|max|min):[^:,]+(:[^:,]+)?)*' },
  read: text => {
    const found = partsOf(text).map(({ part }) => metricOf(part))
    return found.some(one => one === undefined) ? undefined : (found as Metric[])
  },
  why: text => {
    const bad = partsOf(text).find(({ part }) => metricOf(part) === undefined)
    return bad && `At character ${bad.at + 1} of the metrics stands "${bad.part}"; a function (${functions.join(', ')}), ":" and a name are expected, as in count:customers or sum:revenue:total.`
  },
}

function partsOf(text: string): { readonly part: string; readonly at: number }[] {
  let at = 0
  return text.split(',').map(piece => {
    const part = piece.trim()
    const found = { part, at: at + piece.indexOf(part) }
    at += piece.length + 1
    return found
  })
}

function metricOf(part: string): Metric | undefined {
  const [word, first, alias, ...more] = part.split(':').map(piece => piece.trim())
  const known = functions.find(one => one === word)
  if (!known || !first || alias === '' || more.length > 0) return undefined
  if (known !== 'count') return { function: known, column: first, alias: alias ?? first }
  return alias === undefined ? { function: known, alias: first } : { function: known, column: first, alias }
}
