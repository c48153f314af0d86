import { HubError } from '../../schema/errors.ts'
import { type Body, bodyOf, checkMembers, kindOf, listOf, type Node, nameOf, parseStatement, sqlError } from './ast.ts'
import { type BaseTable, splitName, tableName } from './tables.ts'

/** A part of a statement as it was written, and which of its `?` stand there, from 0. */
export interface Piece {
  readonly text: string
  readonly parameters: readonly number[]
}

/** What a column is given: a parameter by its number from 0, a value as it was written, or what an engine must reckon. */
export type Cell = { readonly parameter: number } | { readonly value: string | boolean | null; readonly isNumber?: boolean } | { readonly expression: Piece }

export type WriteStatement =
  /** Without `columns` they are all of the table's, in its order. */
  | { readonly kind: 'INSERT'; readonly table: BaseTable; readonly parameters: number; readonly columns?: readonly string[]; readonly rows: readonly (readonly Cell[])[] }
  | { readonly kind: 'UPDATE'; readonly table: BaseTable; readonly parameters: number; readonly as?: string; readonly set: readonly { readonly column: string; readonly cell: Cell }[]; readonly where: Piece }
  | { readonly kind: 'DELETE'; readonly table: BaseTable; readonly parameters: number; readonly as?: string; readonly where: Piece }

const forms = 'INSERT INTO … VALUES, UPDATE … SET … WHERE and DELETE FROM … WHERE'
const common = ['table', 'where_clause', 'alias']
const known = { insert: ['table', 'columns', 'values'], update: [...common, 'set'], delete: common }

/**
 * One statement that writes rows of one table. Several statements, another kind → BAD_USER_INPUT; UPDATE and DELETE without a WHERE → VALIDATION_ERROR; a part that is not
 * taken here → SQL_UNSUPPORTED by name; a mistake in the text → SQL_ERROR with its place.
 */
export function writeStatement(sql: string): WriteStatement {
  const { root, parameters } = parseStatement(sql)
  const kind = kindOf(root)
  if (kind !== 'insert' && kind !== 'update' && kind !== 'delete') throw new HubError('BAD_USER_INPUT', `The statement is ${kind.replaceAll('_', ' ').toUpperCase()}; ${forms} are taken here.`)
  const body = bodyOf(root, known[kind])
  const node = body['table'] as Node
  // A table stands in a DELETE and an INSERT as the body of its node.
  const table = 'table' in node ? node : { table: node }
  checkMembers('table', table['table'] as Body, ['name', 'schema', 'catalog', 'alias'])
  const parts = tableName(table)
  if (parts.length === 0) throw sqlError(`The statement names no table; ${forms} are taken here`)
  if (kind === 'insert') return { kind: 'INSERT', table: splitName(parts), parameters, ...rowsOf(body) }

  const as = nameOf(body['alias'] ?? (table['table'] as Body)['alias'])
  if (body['where_clause'] === null || body['where_clause'] === undefined) throw new HubError('VALIDATION_ERROR', `The ${kind.toUpperCase()} has no WHERE, and would be of every row. Say which are meant, or WHERE TRUE.`)
  const { set, where } = piecesOf(sql)
  if (kind === 'delete') return { kind: 'DELETE', table: splitName(parts), parameters, as, where }
  const assigned = listOf(body['set']) as unknown as readonly (readonly [Node, Node])[]
  if (set.length !== assigned.length) throw sqlError('The SET of the statement cannot be told from its text; write it as column = value, one after the other')
  return {
    kind: 'UPDATE', table: splitName(parts), parameters, as, where,
    set: assigned.map(([column, value], index) => ({ column: nameOf(column) ?? '', cell: plainCell(value) ?? { expression: set[index] as Piece } })),
  }
}

function rowsOf(body: Body): { readonly columns?: readonly string[]; readonly rows: readonly (readonly Cell[])[] } {
  const columns = listOf(body['columns']).map(column => nameOf(column) ?? '')
  const lists = listOf(body['values']) as unknown as readonly (readonly Node[])[]
  if (lists.length === 0) throw new HubError('SQL_UNSUPPORTED', 'The INSERT has no VALUES. Give rows of values or parameters.', { construct: 'insert' })
  const rows = lists.map((list, row) => list.map((value, at) => {
    const cell = plainCell(value)
    if (!cell) throw new HubError('SQL_UNSUPPORTED', `Value ${at + 1} of row ${row + 1} is ${kindOf(value).replaceAll('_', ' ')}; INSERT takes values as they are written, NULL and parameters (?).`, { construct: kindOf(value) })
    return cell
  }))
  const width = columns.length === 0 ? rows[0]?.length : columns.length
  for (const [index, row] of rows.entries()) if (row.length !== width) throw sqlError(`Row ${index + 1} has ${row.length} values, and ${width} were expected`)
  return { ...(columns.length > 0 && { columns }), rows }
}

const texts = new Set(['string', 'date', 'time', 'timestamp'])

function plainCell(node: Node): Cell | undefined {
  const kind = kindOf(node)
  const body = (node[kind] ?? {}) as Body
  if (kind === 'parameter') return { parameter: Number(body['index']) - 1 }
  if (kind === 'null') return { value: null }
  if (kind === 'boolean') return { value: body['value'] === true }
  if (kind === 'literal' && body['literal_type'] === 'number') return { value: String(body['value']), isNumber: true }
  if (kind === 'literal' && texts.has(String(body['literal_type']))) return { value: String(body['value']) }
  const inner = kind === 'neg' ? plainCell(body['this'] as Node) : undefined
  return inner && 'isNumber' in inner && !String(inner.value).startsWith('-') ? { value: `-${inner.value}`, isNumber: true } : undefined
}

/** What stands behind each `=` of SET and behind WHERE, comments left out. The statement has parsed: outside of brackets these words stand once. */
function piecesOf(sql: string): { readonly set: readonly Piece[]; readonly where: Piece } {
  interface Open { text: string; readonly parameters: number[] }
  const set: Open[] = []
  const where: Open = { text: '', parameters: [] }
  let open: Open | undefined
  let clause: 'none' | 'set' | 'where' = 'none'
  let depth = 0
  let parameters = 0
  for (const [token = ''] of sql.matchAll(/'(?:[^']|'')*'?|"(?:[^"]|"")*"?|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|[A-Za-z_][A-Za-z0-9_]*|[\s\S]/gu)) {
    if (token.startsWith('--') || token.startsWith('/*')) {
      if (open) open.text += ' '
      continue
    }
    const word = depth === 0 ? token.toLowerCase() : ''
    if (token === '(' || token === '[') depth += 1
    if (token === ')' || token === ']') depth -= 1
    if (word === 'set' && clause === 'none') clause = 'set'
    else if (word === 'where' && clause !== 'where') {
      clause = 'where'
      open = where
    } else if (word === ',' && clause === 'set') open = undefined
    else if (word === '=' && clause === 'set' && !open) {
      open = { text: '', parameters: [] }
      set.push(open)
    } else if (open && word !== ';') {
      open.text += token
      if (token === '?') open.parameters.push(parameters)
    }
    if (token === '?') parameters += 1
  }
  return { set, where }
}
