import type { Code } from '../../schema/errors.ts'
import { HubError } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'
import { type Position, sqlError } from '../statements/ast.ts'
import { TrinoFailure } from './client.ts'
import type { EditedText } from './edits.ts'
import type { TrinoError } from './protocol.ts'
import type { Rewritten } from './rewrite.ts'

/** How a statement's text went to Trino. */
export interface Sent {
  readonly text: EditedText
  /** Characters before it. */
  readonly ahead: number
  /** Whether as a text within EXECUTE IMMEDIATE. */
  readonly immediate: boolean
}

/** Trino's names of errors that say more than their type. */
const byName: Readonly<Record<string, Code>> = {
  NOT_SUPPORTED: 'SQL_UNSUPPORTED',
  PERMISSION_DENIED: 'FORBIDDEN',
  READ_ONLY_VIOLATION: 'READ_ONLY_SQL',
  USER_CANCELED: 'CANCELLED',
  ADMINISTRATIVELY_KILLED: 'CANCELLED',
  ADMINISTRATIVELY_PREEMPTED: 'CANCELLED',
  EXCEEDED_TIME_LIMIT: 'TIMEOUT',
  EXCEEDED_CPU_LIMIT: 'TIMEOUT',
  ABANDONED_QUERY: 'TIMEOUT',
  CATALOG_NOT_FOUND: 'UPSTREAM_UNAVAILABLE',
  CATALOG_UNAVAILABLE: 'UPSTREAM_UNAVAILABLE',
  SCHEMA_NOT_FOUND: 'UPSTREAM_REJECTED',
  TABLE_NOT_FOUND: 'UPSTREAM_REJECTED',
  EXCEEDED_GLOBAL_MEMORY_LIMIT: 'RESULT_TOO_LARGE',
  EXCEEDED_LOCAL_MEMORY_LIMIT: 'RESULT_TOO_LARGE',
  EXCEEDED_SPILL_LIMIT: 'RESULT_TOO_LARGE',
  EXCEEDED_SCAN_LIMIT: 'RESULT_TOO_LARGE',
  EXCEEDED_WRITE_LIMIT: 'RESULT_TOO_LARGE',
  MEMORY_LIMIT_EXCEEDED: 'RESULT_TOO_LARGE',
  SERVER_SHUTTING_DOWN: 'UPSTREAM_UNAVAILABLE',
  SERVER_STARTING_UP: 'UPSTREAM_UNAVAILABLE',
  REMOTE_TASK_ERROR: 'UPSTREAM_UNAVAILABLE',
  REMOTE_TASK_MISMATCH: 'UPSTREAM_UNAVAILABLE',
  REMOTE_HOST_GONE: 'UPSTREAM_UNAVAILABLE',
  PAGE_TRANSPORT_ERROR: 'UPSTREAM_UNAVAILABLE',
  PAGE_TRANSPORT_TIMEOUT: 'UPSTREAM_UNAVAILABLE',
}

const byType: Readonly<Record<TrinoError['errorType'], Code>> = {
  USER_ERROR: 'SQL_ERROR', INSUFFICIENT_RESOURCES: 'UPSTREAM_UNAVAILABLE', EXTERNAL: 'UPSTREAM_UNAVAILABLE', INTERNAL_ERROR: 'UPSTREAM_REJECTED',
}

/** What Trino said, as the caller of the statement may hear it: the place in the statement as written; of errors inside of Trino and behind it only the name. */
export function failureOf(failure: unknown, tables: Rewritten['tables'], sent: Sent): unknown {
  if (!(failure instanceof TrinoFailure)) return failure
  const { error } = failure
  const code = (Object.hasOwn(byName, error.errorName) ? byName[error.errorName] : undefined) ?? byType[error.errorType] ?? 'UPSTREAM_REJECTED'
  const said = error.message.replace(/^line \d+:\d+: /, '')
  const position = positionOf(error, sent)
  const told = (message: string, details: Readonly<Record<string, unknown>> = {}) => new HubError(code, message, { trino: error.errorName, ...details, ...position }, { cause: failure })

  switch (code) {
    case 'SQL_ERROR':
      return sqlError(userMessage(error.errorName, said, tables), position, failure)
    case 'SQL_UNSUPPORTED':
    case 'FORBIDDEN':
    case 'READ_ONLY_SQL':
      return told(`Trino refused the statement: ${sentence(said)}`)
    case 'CANCELLED':
      return told('The statement was ended in Trino.')
    case 'TIMEOUT':
      return told("The statement ran longer than Trino's own limit and was stopped.")
    case 'RESULT_TOO_LARGE':
      return told(`The statement needs more of Trino's resources than it may use (${error.errorName}). Filter or aggregate more, or raise its limits.`)
    case 'UPSTREAM_UNAVAILABLE': {
      const catalogs = missingCatalog(error, said) ?? (error.errorType === 'EXTERNAL' ? catalogsOf(tables) : [])
      const where = catalogs.map(name => `"${name}"`).join(' or ')
      if (error.errorType === 'INSUFFICIENT_RESOURCES') return told(`Trino has no room for the statement now (${error.errorName}). Ask again later.`)
      return told(`${catalogs.length === 0 ? 'Trino' : `Catalog ${where} of Trino`} could not be read (${error.errorName}).`, catalogs.length === 0 ? {} : { catalogs })
    }
    default:
      if (/_NOT_FOUND$/.test(error.errorName)) return told(`Trino does not have what the catalog declares: ${sentence(said)}`)
      return told(`Trino failed on the statement (${error.errorName}). The request id finds the detail in the log.`)
  }
}

function userMessage(name: string, said: string, tables: Rewritten['tables']): string {
  const column = /^Column '(?:[^']*\.)?([^'.]+)' cannot be resolved/.exec(said)?.[1]
  if (name === 'COLUMN_NOT_FOUND' && column !== undefined) return `There is no column "${column}".${didYouMean(column, new Set([...tables.keys()].flatMap(table => table.columns.map(one => one.name))))}`
  const ambiguous = /^Column '([^']+)' is ambiguous/.exec(said)?.[1]
  if (ambiguous !== undefined) return `Column "${ambiguous}" is ambiguous: put its table before it`
  return said
}

/** Where in the statement as written. In EXECUTE IMMEDIATE Trino counts the columns of the first line from the word EXECUTE on; for mistakes in the text those of every line. */
function positionOf({ errorLocation, errorName }: TrinoError, { text, ahead, immediate }: Sent): Position | undefined {
  if (errorLocation === undefined) return undefined
  const { lineNumber: line, columnNumber: column } = errorLocation
  const isShifted = line === 1 || (immediate && errorName === 'SYNTAX_ERROR')
  return text.original({ line, column: Math.max(1, isShifted ? column - ahead : column) })
}

function missingCatalog({ errorName }: TrinoError, said: string): readonly string[] | undefined {
  const name = /^CATALOG_/.test(errorName) ? /[Cc]atalog '([^']+)'/.exec(said)?.[1] : undefined
  return name === undefined ? undefined : [name]
}

function catalogsOf(tables: Rewritten['tables']): readonly string[] {
  return [...new Set([...tables.values()].flatMap(name => (name ? [name.catalog] : [])))]
}

function sentence(said: string): string {
  return `${said.replace(/\.$/, '')}.`
}
