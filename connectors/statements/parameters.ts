import { HubError } from '../../schema/errors.ts'

export interface MarkedText {
  /** The statement with `$1`, `$2`, … for its `?`. */
  readonly text: string
  readonly count: number
  /** From a place in `text` to the one in the statement as written, both in characters. */
  original(offset: number): number
}

/** Numbers the `?` of a statement, leaving those in strings, quoted names and comments alone. */
export function markParameters(sql: string): MarkedText {
  const parts: string[] = []
  const growth: { readonly at: number; readonly by: number }[] = []
  let count = 0
  let length = 0
  for (const [piece = ''] of sql.matchAll(/'(?:[^']|'')*'?|"(?:[^"]|"")*"?|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|[\s\S]/gu)) {
    if (piece === '\u0000') throw new HubError('BAD_USER_INPUT', 'The statement holds a zero character.')
    if (piece === '$' || piece === '`') throw new HubError('SQL_ERROR', `The character ${piece} has no meaning in this dialect; parameters are "?", names are quoted with ".`)
    // The parser would take three quotes for the start of another kind of string.
    if (/^(['"])\1\1/.test(piece)) {
      throw new HubError('SQL_UNSUPPORTED', `The statement has a text or name that begins with a quote, which is not taken here: ${piece.slice(0, 40)}. Give the text as a parameter (?).`)
    }
    if (piece === '?') {
      count += 1
      const mark = ` $${count} `
      parts.push(mark)
      growth.push({ at: length, by: mark.length - 1 })
      length += mark.length
    } else {
      parts.push(piece)
      length += [...piece].length
    }
  }
  return {
    text: parts.join(''),
    count,
    original: offset => offset - growth.filter(({ at }) => at < offset).reduce((sum, { by }) => sum + by, 0),
  }
}
