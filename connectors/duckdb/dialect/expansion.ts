import { tooDeep } from '../../statements/ast.ts'
import { macros, prelude } from './prelude.ts'

/** Copies of arguments a statement may grow to: DuckDB puts an argument's text wherever the macro names it, those of macros inside macros again and again, and nothing stops it. */
const mostCopies = 20_000

/** How often a macro names the argument it names most, in the one of its forms that does so most. */
const copiesOf: ReadonlyMap<string, number> = new Map(prelude.map(macro => {
  const [name = ''] = macro.split('(')
  const counts = macro.slice(name.length).split(/, (?=\([\w, ]+\) AS )/).flatMap(form => {
    const end = form.indexOf(') AS ')
    const [parameters, body] = [form.slice(1, end), form.slice(end)]
    return parameters.split(',').map(parameter => body.match(new RegExp(`\\b${parameter.trim().split(' ')[0]}\\b`, 'g'))?.length ?? 0)
  })
  return [name, Math.max(1, ...counts)]
}))

const pieces = new RegExp(`'(?:[^']|'')*'|"(?:[^"]|"")*"|\\b${macros}\\.(\\w+)\\(|[(),]`, 'g')

/** Refuses a text of DuckDB's in which macros stand so deep inside each other that it would take minutes to read. */
export function checkExpansion(sql: string): void {
  const open: number[] = []
  let copies = 0
  let factor = 1
  for (const [piece, macro] of sql.matchAll(pieces)) {
    if (macro !== undefined || piece === '(') {
      const own = macro === undefined ? 1 : (copiesOf.get(macro) ?? 1)
      open.push(own)
      factor *= own
      if (macro !== undefined) copies += factor
    } else if (piece === ')') factor /= open.pop() ?? 1
    if (copies > mostCopies) throw tooDeep()
  }
}
