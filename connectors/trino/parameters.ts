import { HubError } from '../../schema/errors.ts'
import type { Value } from '../../schema/values.ts'
import { type Body, kindOf, listOf, type Node, type ParsedStatement, walk } from '../statements/ast.ts'
import type { Statement } from '../ports/sql-engine.ts'
import type { Edit } from './edits.ts'
import type { Token } from './tokens.ts'

/** A wrong count of parameters → VALIDATION_ERROR with both numbers. */
export function checkCount({ params = [] }: Statement, { parameters: expected }: ParsedStatement): void {
  const found = params.length
  if (found === expected) return
  throw new HubError('VALIDATION_ERROR', `The statement has ${expected} parameter${expected === 1 ? '' : 's'} (?), but ${found} ${found === 1 ? 'value was' : 'values were'} given.`, { expected, found })
}

/** The values that stand for the marks of the statement once its lists are expanded, in order. */
export function flatParameters({ params = [] }: Statement): readonly Value[] {
  return params.flatMap(value => (Array.isArray(value) ? (value as readonly Value[]) : [value as Value]))
}

/** A mark for each value of a list in `IN (?)`; an IN of nothing but empty lists reads a query without rows. A list elsewhere → VALIDATION_ERROR. */
export function expandLists({ params = [] }: Statement, { root }: ParsedStatement, tokens: readonly Token[]): Edit[] {
  const marks = tokens.filter(token => token.text === '?')
  const sizeOf = (index: number) => {
    const value = params[index]
    return Array.isArray(value) ? value.length : undefined
  }

  const listed = new Set<number>()
  const edits: Edit[] = []
  walk(root, node => {
    if (kindOf(node) !== 'in') return
    const items = listOf((node['in'] as Body)['expressions']).map(item => ({ index: parameterIndex(item) }))
    for (const { index } of items) if (index !== undefined) listed.add(index)
    const isNothing = ({ index }: { index: number | undefined }) => index !== undefined && sizeOf(index) === 0
    const nothing = items.length > 0 && items.every(isNothing)
    items.forEach(({ index }, place) => {
      const mark = index === undefined ? undefined : marks[index]
      const size = index === undefined ? undefined : sizeOf(index)
      if (mark === undefined || size === undefined) return
      if (size > 0) edits.push({ start: mark.start, end: mark.end, text: Array.from({ length: size }, () => '?').join(', ') })
      else if (nothing) edits.push({ start: mark.start, end: mark.end, text: place === 0 ? 'SELECT NULL WHERE false' : '' }, ...(place < items.length - 1 ? commaBeside(tokens, mark, true) : []))
      else edits.push({ start: mark.start, end: mark.end, text: '' }, ...commaBeside(tokens, mark, !items.slice(place + 1).every(isNothing)))
    })
  })
  if (params.some((value, index) => Array.isArray(value) && !listed.has(index))) {
    throw new HubError('VALIDATION_ERROR', 'A list was given for a "?" that does not stand in IN (?); give one value there.')
  }
  return edits
}

/** Takes away the comma behind a mark, or the one before it where nothing follows. */
function commaBeside(tokens: readonly Token[], mark: Token, behind: boolean): readonly Edit[] {
  const comma = tokens[tokens.indexOf(mark) + (behind ? 1 : -1)]
  return comma?.text === ',' ? [{ start: comma.start, end: comma.end, text: '' }] : []
}

/** Number of a parameter node, from 0; undefined for any other. */
function parameterIndex(node: Node): number | undefined {
  return kindOf(node) === 'parameter' ? Number((node['parameter'] as Body)['index']) - 1 : undefined
}
