import { parse } from '@polyglot-sql/sdk'
import { HubError } from '../../schema/errors.ts'
import { markParameters } from './parameters.ts'

/** A node of the syntax tree: one member, whose name is the node's kind and whose value is its body. */
export type Node = Readonly<Record<string, unknown>>
export type Body = Readonly<Record<string, unknown>>

/** 1-based place in the statement as it was written. */
export interface Position {
  readonly line: number
  readonly column: number
}

export interface ParsedStatement {
  readonly root: Node
  /** How many `?` it has; in the tree they are `parameter` nodes with an `index` from 1, in the order of the text. */
  readonly parameters: number
  /** Where a node or the identifier inside it stands; undefined for nodes without a place of their own. */
  positionOf(node: unknown): Position | undefined
}

/** What may stand at the top of a reading statement. */
const reading = new Set(['select', 'union', 'intersect', 'except', 'subquery', 'values'])
const longestSql = 262_144

/**
 * One reading statement of Trino's dialect as a tree. Several statements → BAD_USER_INPUT; one that would write, or is a command → READ_ONLY_SQL;
 * a mistake in the text → SQL_ERROR with its place. Comments leave no trace.
 */
export function parseTrino(sql: string): ParsedStatement {
  const statement = parseStatement(sql)
  if (!reading.has(kindOf(statement.root))) throw readOnly(statement.root)
  walk(statement.root, node => {
    if (writing.has(kindOf(node))) throw readOnly(node)
  })
  return statement
}

/** One statement of any kind as a tree. Errors are those of `parseTrino`, but READ_ONLY_SQL. */
export function parseStatement(sql: string): ParsedStatement {
  if (sql.length > longestSql) throw new HubError('PAYLOAD_TOO_LARGE', `The statement has ${sql.length} characters; at most ${longestSql} are taken.`)
  const { text, count, original } = markParameters(sql)
  const positionAt = (offset: number) => place(sql, original(offset))

  const result = parse(text, 'trino' as Parameters<typeof parse>[1])
  if (!result.success) {
    const position = positionAt(result.errorStart ?? 0)
    const reason = String(result.error ?? 'it does not parse').replace(/^[A-Za-z]+ error at line \d+, column \d+: /, '').replace(/\$\d+/g, '?')
    // The parser's own bounds, and its stack.
    if (/E_GUARD_|WASM|call stack/.test(reason)) throw sqlError('The statement nests too deeply to be read. Write it flatter: a list with IN, or a WITH for its parts', position)
    throw sqlError(`The statement does not parse: ${reason.replace(/\.$/, '')}.`, position)
  }
  const statements = (result.ast ?? []) as readonly Node[]
  const [root] = statements
  if (root === undefined) throw sqlError('The statement is empty; a SELECT was expected.', { line: 1, column: 1 })
  if (statements.length > 1) throw new HubError('BAD_USER_INPUT', `The text has ${statements.length} statements; exactly one is taken. Send each on its own.`)

  let found = 0
  walk(root, node => {
    if (kindOf(node) === 'parameter') found += 1
  })
  if (found !== count) throw sqlError('The marks "?" in the statement cannot be told from its text and comments; write it without strings of special kinds.')

  return {
    root,
    parameters: count,
    positionOf(node) {
      const start = startOf(node)
      return start === undefined ? undefined : positionAt(start)
    },
  }
}

const writing = new Set(['insert', 'update', 'delete', 'merge', 'create_table', 'create_view', 'drop_table', 'drop_view', 'truncate', 'copy', 'attach', 'pragma', 'command', 'set_statement'])

function readOnly(node: Node): HubError {
  const what = kindOf(node).replace(/_statement$/, '').replaceAll('_', ' ').toUpperCase()
  return new HubError('READ_ONLY_SQL', `The statement is ${/^[AEIOU]/.test(what) ? 'an' : 'a'} ${what}; only one reading statement (SELECT, WITH, VALUES, UNION …) is taken here.`)
}

/** `message` with the place in its details and at its end. */
export function sqlError(message: string, position?: Position, cause?: unknown): HubError {
  const where = position ? ` (line ${position.line}, column ${position.column})` : ''
  return new HubError('SQL_ERROR', `${message.replace(/\.$/, '')}${where}.`.replace(/\?(?=( \(line \d+, column \d+\))?\.$)/, ''), { ...position }, { cause })
}

/** The construct is Trino's, but what DuckDB would answer is not known to be the same. */
export function unsupported(what: string, hint = 'Rewrite it, or set a Trino engine.', position?: Position): HubError {
  return new HubError('SQL_UNSUPPORTED', `The embedded engine does not run ${what}. ${hint}`, { construct: what, ...position })
}

/** What the engine would have to read grows with every level, and nothing stops it there. */
export function tooDeep(): HubError {
  return unsupported('as many divisions, subscripts and functions inside each other as this', 'Reckon the inner ones in a subquery or in WITH.')
}

export function kindOf(node: unknown): string {
  if (typeof node !== 'object' || node === null) return ''
  return Object.keys(node)[0] ?? ''
}

/** What says nothing about the meaning. */
const cosmetic = new Set([
  'span', 'inferred_type', 'trailing_comments', 'leading_comments', 'left_comments', 'operator_comments', 'comments', 'pre_alias_comments', 'post_select_comments',
  'alias_explicit_as', 'alias_keyword', 'original_name', 'kind_text', 'start_side_text', 'end_side_text', 'no_parens', 'integer_spelling', 'real_spelling',
  'position_explicit', 'sql_standard_syntax', 'from_for_syntax', 'use_inner_keyword', 'use_outer_keyword', 'nesting_group', 'alias_first', 'rows', 'nested', 'direction',
])

/** The body of a node. A member that is neither in `known` nor blank is a construct nobody here has thought about: refused by name, never dropped. */
export function bodyOf(node: Node, known: readonly string[]): Body {
  const kind = kindOf(node)
  const body = (node[kind] ?? {}) as Body
  checkMembers(kind, body, known)
  return body
}

export function checkMembers(kind: string, body: Body, known: readonly string[]): void {
  for (const [name, value] of Object.entries(body)) {
    if (blank(value) || cosmetic.has(name) || known.includes(name)) continue
    throw unsupported(`${kind.replaceAll('_', ' ')} with ${name.replaceAll('_', ' ')}`)
  }
}

export function blank(value: unknown): boolean {
  return value === undefined || value === null || value === false || value === '' || (Array.isArray(value) && value.length === 0)
}

/** Nodes in a list member, none when it is absent. */
export function listOf(value: unknown): readonly Node[] {
  return Array.isArray(value) ? value : []
}

/** The text of an identifier member, undefined when it is absent. */
export function nameOf(identifier: unknown): string | undefined {
  if (typeof identifier === 'string') return identifier
  if (typeof identifier !== 'object' || identifier === null) return undefined
  return nameOf((identifier as { name?: unknown }).name)
}

/** Every node below and including this one; `visit` answers false to leave out what is below. */
export function walk(node: unknown, visit: (node: Node) => unknown): void {
  if (Array.isArray(node)) {
    for (const item of node) walk(item, visit)
    return
  }
  if (typeof node !== 'object' || node === null) return
  if (visit(node as Node) === false) return
  for (const [name, value] of Object.entries(node)) {
    if (name !== 'span' && typeof value === 'object') walk(value, visit)
  }
}

function startOf(node: unknown): number | undefined {
  let start: number | undefined
  walk(node, below => {
    const span = below['span'] as { start?: number } | undefined
    if (span?.start !== undefined && (start === undefined || span.start < start)) start = span.start
  })
  return start
}

/** Line and column of a place counted in characters (code points). */
function place(sql: string, offset: number): Position {
  const before = [...sql].slice(0, offset)
  const line = before.filter(char => char === '\n').length + 1
  return { line, column: before.length - before.lastIndexOf('\n') }
}
