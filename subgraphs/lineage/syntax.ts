import { Dialect, parse } from '@polyglot-sql/sdk'
import { HubError } from '../../schema/errors.ts'
import type { StatementDialect } from '../../schema/lineage.ts'

/** A node of the parsed statement, or any object inside one: an expression is an object with its kind as the only key, `{ column: { name, table } }`. */
export type Node = Readonly<Record<string, unknown>>

/** Longest statement looked at, in characters. */
export const maxStatementLength = 100_000

const queryKinds = new Set(['select', 'union', 'intersect', 'except', 'subquery', 'values', 'paren'])

const dialects: Record<StatementDialect, Dialect> = { trino: Dialect.Trino, mysql: Dialect.MySQL }

/**
 * The one reading statement of the text, parsed in its dialect. No parse, no statement → SQL_ERROR with `line` and `column` (1-based);
 * several → BAD_USER_INPUT; anything but a query → READ_ONLY_SQL; longer or deeper than is looked at → PAYLOAD_TOO_LARGE, QUERY_TOO_COMPLEX.
 */
export function parseQuery(sql: string, dialect: StatementDialect = 'trino'): Node {
  if (sql.length > maxStatementLength) {
    throw new HubError('PAYLOAD_TOO_LARGE', `The statement has ${sql.length} characters; at most ${maxStatementLength} are analysed. Split it.`, { limit: maxStatementLength })
  }
  const result = parse(sql, dialects[dialect])
  if (!result.success) throw refusal(sql, result)

  const statements: readonly unknown[] = result.ast
  const [statement] = statements
  if (!isNode(statement)) throw new HubError('SQL_ERROR', 'The text holds no statement; one SELECT was expected at line 1, column 1.', { line: 1, column: 1 })
  if (statements.length > 1) throw new HubError('BAD_USER_INPUT', `The text holds ${statements.length} statements; send them one by one.`, { statements: statements.length })

  const kind = kindOf(statement)
  if (!queryKinds.has(kind)) throw new HubError('READ_ONLY_SQL', `Lineage is found for a query (SELECT, VALUES, UNION …); this statement is "${kind.replaceAll('_', ' ')}".`, { statement: kind })
  return statement
}

function refusal(sql: string, failure: { error: string; errorLine?: number; errorColumn?: number; errorStart?: number }): HubError {
  const { line, column } = place(sql, failure)
  const reason = failure.error.replace(/^\w+ error at line \d+, column \d+: /, '').replace(/\.$/, '')
  if (/E_GUARD|stack size/.test(reason)) return new HubError('QUERY_TOO_COMPLEX', `The statement nests too deeply at line ${line}, column ${column}. Name its inner queries with WITH.`, { line, column }, { cause: failure })
  return new HubError('SQL_ERROR', `The statement does not parse at line ${line}, column ${column}: ${reason}.`, { line, column })
}

/** The parser's own column is behind the token it names; the range's start is at it. */
function place(sql: string, { errorLine, errorColumn, errorStart }: { errorLine?: number; errorColumn?: number; errorStart?: number }): { line: number; column: number } {
  if (errorStart === undefined) return { line: errorLine ?? 1, column: errorColumn ?? 1 }
  const lines = [...sql].slice(0, errorStart).join('').split('\n')
  return { line: lines.length, column: [...(lines.at(-1) ?? '')].length + 1 }
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The kind of an expression or relation: its only key. */
export function kindOf(node: Node): string {
  return Object.keys(node)[0] ?? ''
}

/** What stands under the kind; an empty object where there is nothing. */
export function bodyOf(node: Node): Node {
  const [body] = Object.values(node)
  return isNode(body) ? body : {}
}

/** The member as an object; undefined where it is absent or null. */
export function child(node: Node, name: string): Node | undefined {
  const value = node[name]
  return isNode(value) ? value : undefined
}

/** The member as a list of objects; empty where it is absent or null. */
export function children(node: Node, name: string): readonly Node[] {
  const value = node[name]
  return Array.isArray(value) ? value.filter(isNode) : []
}

/** The text of an identifier, `{ name: 'iata', quoted: false }`; undefined where there is none. */
export function identifier(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (!isNode(value)) return undefined
  return typeof value.name === 'string' ? value.name : undefined
}

/** The identifiers of a list such as `column_aliases`. */
export function identifiers(node: Node, name: string): readonly string[] {
  const value = node[name]
  return Array.isArray(value) ? value.map(identifier).filter(text => text !== undefined) : []
}
