import { HubError } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'
import { type Body, kindOf, nameOf, type ParsedStatement, type Position, sqlError, walk } from '../statements/ast.ts'
import type { Translation } from './translate.ts'

/** What DuckDB said, as the caller of the statement may hear it: its first line, the statement's own place, never a path or a name from inside. */
export function failureOf(error: unknown, statement: ParsedStatement, translation: Translation): unknown {
  if (error instanceof HubError) return error
  // DuckDB's errors may come from another realm, where `instanceof Error` does not hold.
  const message = (error as { message?: unknown } | null)?.message
  if (typeof message !== 'string') return error
  const [line = ''] = message.split('\n')
  const [, kind = '', said = line] = /^([A-Za-z_ -]+?) Error: (.*)$/.exec(line) ?? []
  const refused = /unsupported: ([^']+)/.exec(said)
  if (refused?.[1]) return new HubError('SQL_UNSUPPORTED', `The embedded engine does not run ${refused[1]}.`, { construct: refused[1] }, { cause: error })

  if (/invalid perl operator|invalid escape sequence|Cannot concatenate types/.test(said)) return new HubError('SQL_UNSUPPORTED', `The embedded engine does not run this: ${clean(said)}`, {}, { cause: error })

  switch (kind) {
    case 'Binder':
    case 'Catalog':
      return unknownName(said, statement, translation, error) ?? sqlError(clean(said), undefined, error)
    case 'Conversion': {
      const own = /Could not convert string '([A-Z][^'"]*)' to /.exec(said)
      return sqlError(own?.[1] ?? clean(said), undefined, error)
    }
    case 'Out of Range':
    case 'Invalid Input':
    case 'Constraint':
      return sqlError(clean(said), undefined, error)
    case 'Not implemented':
      return new HubError('SQL_UNSUPPORTED', `The embedded engine does not run this: ${clean(said)}`, {}, { cause: error })
    case 'Parser':
      return new HubError('SQL_UNSUPPORTED', 'The embedded engine does not run this form of the statement. Rewrite it, or set a Trino engine.', {}, { cause: error })
    case 'Out of Memory':
      return new HubError('RESULT_TOO_LARGE', 'The statement needs more memory or temporary space than the embedded engine may use. Filter or aggregate more, or raise the limits.', {}, { cause: error })
    case 'IO':
      return new HubError('UPSTREAM_UNAVAILABLE', 'A file the statement reads could not be read.', {}, { cause: error })
    default:
      return new HubError('INTERNAL', 'The SQL engine failed. The request id finds the detail in the log.', {}, { cause: error })
  }
}

/** Whether DuckDB stopped because it was asked to. */
export function isInterrupt(error: unknown): boolean {
  return engineWords(error).startsWith('INTERRUPT Error')
}

/** The first line of what was said, for the log: what a client hears is `failureOf`. */
export function engineWords(error: unknown): string {
  // DuckDB's errors may come from another realm, where `instanceof Error` does not hold.
  return String((error as { message?: unknown } | null)?.message ?? error).split('\n')[0] ?? ''
}

/** Without names the statement does not know and without anything that looks like a path. */
function clean(said: string): string {
  return said
    .replace(/\b(?:trino|main|system)\.(?=\w)/g, '')
    .replace(/\s*(?:LINE \d+:|Candidate (?:bindings|functions|macros):|Did you mean).*$/, '')
    .replace(/"?live_[0-9a-f]{16}"?|temp\."?stage_\d+"?/g, 'the table')
    .replace(/"~([^"]+)"/g, '"$1"')
    .replace(/(?:[A-Za-z]:)?(?:\/[\w.@-]+){2,}/g, '…')
    .replace(/!+$/, '')
}

const patterns = [
  /Referenced column "([^"]+)" (?:was )?not found/, /does not have a column named "([^"]+)"/, /column "([^"]+)" must appear in the GROUP BY/i, /Ambiguous reference to column name "([^"]+)"/,
  /Referenced table "([^"]+)" not found/, /Could not find key "([^"]+)" in struct/, /column named "([^"]+)"/,
]

function unknownName(said: string, statement: ParsedStatement, { tables }: Translation, cause: unknown): HubError | undefined {
  const name = patterns.map(pattern => pattern.exec(said)?.[1]).find(found => found !== undefined)
  if (name === undefined) return undefined
  const position = mentionOf(name, statement)
  if (/GROUP BY/.test(said)) return sqlError(`Column "${name}" must be in GROUP BY or inside an aggregate`, position, cause)
  if (/Ambiguous/.test(said)) return sqlError(`Column "${name}" is ambiguous: put its table before it`, position, cause)
  if (/Referenced table/.test(said)) return sqlError(`There is no table "${name}" in FROM`, position, cause)
  const hint = didYouMean(name, new Set(tables.flatMap(table => table.columns.map(column => column.name))))
  return sqlError(`There is no column "${name}".${hint}`, position, cause)
}

/** Where the statement first mentions the name. */
function mentionOf(name: string, statement: ParsedStatement): Position | undefined {
  let found: Position | undefined
  walk(statement.root, node => {
    if (found || kindOf(node) !== 'column') return
    const body = node['column'] as Body
    if ([nameOf(body['name']), nameOf(body['table'])].some(part => part?.toLowerCase() === name.toLowerCase())) found = statement.positionOf(node)
  })
  return found
}
