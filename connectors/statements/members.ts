import { type Body, kindOf, listOf, type Node, nameOf, parseTrino } from './ast.ts'
import { markParameters } from './parameters.ts'
import { candidates, type SessionNames, tableName, withScope } from './tables.ts'

/** A table statements may name, and where it keeps what its rows have beside their columns. */
export interface OpenTable {
  readonly catalog: string
  readonly name: string
  readonly columns: readonly { readonly name: string }[]
  /** Its column of JSON objects with further members; absent: it has its columns alone. */
  readonly open?: string
}

interface Scoped {
  /** What qualifies its columns. */
  readonly as: string
  readonly table: OpenTable | undefined
}

interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/**
 * The statement with `json_extract_scalar` in the place of each name that is no column of any table there, but may be a member of the one open table it is read from. The
 * same text where there is none: where two tables are open a name must say its table, and what stands beside a subquery in FROM is left alone. Errors are those of `parseTrino`.
 */
export function withMembers(sql: string, tables: readonly OpenTable[], session: SessionNames = {}): string {
  const edits: Edit[] = []
  const { original } = markParameters(sql)
  const tableOf = (node: Node) => {
    const named = candidates(tableName(node), session)
    return named.map(({ catalog, name }) => tables.find(table => same(table.catalog, catalog) && same(table.name, name))).find(table => table !== undefined)
  }

  const visit = (node: unknown, scope: readonly Scoped[], select: Select | undefined, ctes: ReadonlySet<string>): void => {
    if (Array.isArray(node)) {
      for (const item of node) visit(item, scope, select, ctes)
      return
    }
    if (typeof node !== 'object' || node === null || kindOf(node) === 'lambda') return
    if (kindOf(node) === 'column') {
      const edit = select && editOf(node as Node, select, scope, original)
      if (edit) edits.push(edit)
      return
    }
    if (kindOf(node) === 'select') {
      const body = (node as Node)['select'] as Body
      const inner = withScope(body, ctes, (definition, names) => visit(definition, scope, select, names))
      const own = sourcesOf(body, inner, tableOf)
      const items = listOf(body['expressions'])
      const next = { own, items: new Set(items), aliases: new Set(items.flatMap(item => (kindOf(item) === 'alias' ? nameOf((item['alias'] as Body)['alias'])?.toLowerCase() ?? [] : []))) }
      for (const [name, value] of Object.entries(body)) if (name !== 'with') visit(value, [...own, ...scope], next, inner)
      return
    }
    for (const [name, value] of Object.entries(node)) if (name !== 'span') visit(value, scope, select, ctes)
  }
  visit(parseTrino(sql).root, [], undefined, new Set())

  const characters = [...sql]
  for (const { start, end, text } of edits.sort((a, b) => b.start - a.start)) characters.splice(start, end - start, text)
  return characters.join('')
}

interface Select {
  /** What it reads; undefined tables are subqueries and the like. */
  readonly own: readonly Scoped[]
  readonly items: ReadonlySet<unknown>
  /** Names it gives to what it answers, in lower case. */
  readonly aliases: ReadonlySet<string>
}

function sourcesOf(body: Body, ctes: ReadonlySet<string>, tableOf: (node: Node) => OpenTable | undefined): Scoped[] {
  const from = listOf((body['from'] as Body | undefined)?.['expressions'])
  return [...from, ...listOf(body['joins']).map(join => join['this'] as Node)].map(node => {
    if (kindOf(node) !== 'table') return { as: '', table: undefined }
    const parts = tableName(node)
    const isOwn = parts.length === 1 && ctes.has(parts[0]?.toLowerCase() ?? '')
    return { as: nameOf((node['table'] as Body)['alias']) ?? parts.at(-1) ?? '', table: isOwn ? undefined : tableOf(node) }
  })
}

function editOf(node: Node, { own, items, aliases }: Select, scope: readonly Scoped[], original: (offset: number) => number): Edit | undefined {
  const column = node['column'] as Body
  const name = nameOf(column['name']) ?? ''
  const qualifier = nameOf(column['table'])
  const { start, end } = (column['span'] ?? {}) as { readonly start?: number; readonly end?: number }
  if (start === undefined || end === undefined || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return undefined
  if (qualifier === undefined && (aliases.has(name.toLowerCase()) || own.some(one => !one.table) || scope.some(one => hasColumn(one, name)))) return undefined
  const found = qualifier === undefined ? own.filter(one => one.table?.open !== undefined) : scope.filter(one => same(one.as, qualifier)).slice(0, 1)
  const [only] = found
  if (found.length !== 1 || !only?.table?.open || hasColumn(only, name)) return undefined
  const member = `json_extract_scalar(${quoted(only.as)}.${quoted(only.table.open)}, '$.${name}')`
  return { start: original(start), end: original(end), text: items.has(node) ? `${member} AS ${quoted(name)}` : member }
}

function hasColumn({ table }: Scoped, name: string): boolean {
  return table?.columns.some(column => same(column.name, name)) ?? false
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}
