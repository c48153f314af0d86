import { kindOf, listOf, type Node } from './ast.ts'

/** Aggregates that answer a number for no rows too. */
const counting = new Set(['count', 'count_if', 'approx_distinct'])

/** Positions of a SELECT's answers that no row has null in, as far as the expression alone says: counts and plain constants. None where a star hides positions. */
export function neverNull(root: Node): ReadonlySet<number> {
  const select = root['select'] as Node | undefined
  const expressions = listOf(select?.['expressions'])
  if (expressions.some(expression => kindOf(expression) === 'star')) return new Set()
  return new Set(expressions.flatMap((expression, index) => (isNeverNull(expression) ? [index] : [])))
}

function isNeverNull(expression: Node): boolean {
  const kind = kindOf(expression)
  if (kind === 'alias') return isNeverNull((expression['alias'] as Node)['this'] as Node)
  return counting.has(kind) || kind === 'literal'
}
