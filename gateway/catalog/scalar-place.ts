import { Scalar } from 'yaml'

/**
 * Offset in the file of a place inside a text written there, in any of YAML's styles: the text's characters are found one by one in the file, runs of white space for each
 * other, since folding and indentation change nothing else. Places in white space answer what follows it. Undefined where an escape hides the way.
 */
export function scalarOffset(source: string, scalar: Scalar, line: number, column: number): number | undefined {
  const value = String(scalar.value)
  const lines = value.split('\n')
  if (line < 1 || line > lines.length) return undefined
  const target = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0) + Math.min(column - 1, lines[line - 1]?.length ?? 0)

  let at = contentStart(source, scalar)
  for (let index = 0; index < target; ) {
    if (isSpace(value[index])) {
      while (isSpace(value[index])) index++
      at = skipSpace(source, at, scalar)
      continue
    }
    at = skipSpace(source, at, scalar)
    if (source[at] !== value[index]) return undefined
    at += scalar.type === Scalar.QUOTE_SINGLE && source[at] === "'" ? 2 : 1
    index++
  }
  return value.slice(target).trim() === '' ? at : skipSpace(source, at, scalar)
}

function contentStart(source: string, { type, range }: Scalar): number {
  const start = range?.[0] ?? 0
  if (type === Scalar.BLOCK_LITERAL || type === Scalar.BLOCK_FOLDED) return source.indexOf('\n', start) + 1
  return type === Scalar.QUOTE_SINGLE || type === Scalar.QUOTE_DOUBLE ? start + 1 : start
}

function skipSpace(source: string, from: number, { type }: Scalar): number {
  let at = from
  for (;;) {
    if (isSpace(source[at])) at++
    else if (type === Scalar.QUOTE_DOUBLE && source[at] === '\\' && /[nrt \n]/.test(source[at + 1] ?? '')) at += 2
    else return at
  }
}

function isSpace(character: string | undefined): boolean {
  return character === ' ' || character === '\n' || character === '\t' || character === '\r'
}
