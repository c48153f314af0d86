import type { ParameterPlace } from '../../schema/endpoint.ts'
import { type Body, kindOf, listOf, type Node, nameOf, parseTrino, walk } from './ast.ts'
import { type BaseTable, eachTable, splitName, tableName } from './tables.ts'

const comparisons: ReadonlySet<string> = new Set(['eq', 'neq', 'lt', 'lte', 'gt', 'gte', 'like', 'null_safe_eq', 'null_safe_neq'])

/** The place of each `?`, in the order of the text. Errors are those of `parseTrino`. */
export function parameterPlaces(sql: string): readonly ParameterPlace[] {
  const statement = parseTrino(sql)
  const tables = namedTables(statement.root)
  const places: ParameterPlace[] = Array.from({ length: statement.parameters }, () => ({ use: 'value' }))
  const put = (node: unknown, use: ParameterPlace['use'], beside?: unknown) => {
    const index = indexOf(node)
    if (index === undefined) return
    places[index] = { use, column: comparedColumn(beside, tables) }
  }

  walk(statement.root, node => {
    const kind = kindOf(node)
    const body = (node[kind] ?? {}) as Body
    if (comparisons.has(kind)) {
      const { left, right } = body
      // Two values compared with each other: neither is a column.
      const use = indexOf(left) !== undefined && indexOf(right) !== undefined ? 'name' : 'value'
      put(left, use, right)
      put(right, use, left)
    }
    if (kind === 'between') for (const end of ['low', 'high']) put(body[end], 'value', body['this'])
    if (kind === 'in') for (const item of listOf(body['expressions'])) put(item, 'list', body['this'])
    if (kind === 'select') {
      for (const item of listOf(body['expressions'])) put(kindOf(item) === 'alias' ? (item['alias'] as Body)['this'] : item, 'name')
      for (const item of listOf((body['group_by'] as Body | undefined)?.['expressions'])) put(item, 'name')
    }
    for (const member of ['limit', 'offset', 'fetch']) put(countOf(node[member]), 'count')
    for (const member of ['order_by', 'partition_by']) for (const term of termsOf(node[member])) put(term, 'name')
  })
  return places
}

/** Number of a parameter node, from 0; undefined for any other. */
function indexOf(node: unknown): number | undefined {
  return kindOf(node) === 'parameter' ? Number(((node as Node)['parameter'] as Body)['index']) - 1 : undefined
}

function countOf(node: unknown): unknown {
  const body = node as Body | null | undefined
  return body?.['this'] ?? body?.['count']
}

/** Terms of an ORDER BY, which a window holds as a list, or of a PARTITION BY. */
function termsOf(member: unknown): readonly unknown[] {
  const list = Array.isArray(member) ? member : listOf((member as Body | null | undefined)?.['expressions'])
  return list.map(term => (kindOf(term) === 'this' ? (term as Body)['this'] : term))
}

interface NamedTable extends BaseTable {
  /** What qualifies its columns, in lower case. */
  readonly as: string
}

function namedTables(root: Node): readonly NamedTable[] {
  const tables: NamedTable[] = []
  eachTable(root, (node, ctes) => {
    const parts = tableName(node)
    if (parts.length === 1 && ctes.has(parts[0]?.toLowerCase() ?? '')) return
    const table = splitName(parts)
    tables.push({ ...table, as: (nameOf((node['table'] as Body)['alias']) ?? table.name).toLowerCase() })
  })
  return tables
}

function comparedColumn(node: unknown, tables: readonly NamedTable[]): ParameterPlace['column'] {
  if (kindOf(node) !== 'column') return undefined
  const column = (node as Node)['column'] as Body
  const name = nameOf(column['name'])
  if (name === undefined) return undefined
  const qualifier = nameOf(column['table'])?.toLowerCase()
  return { name, tables: tables.filter(table => qualifier === undefined || table.as === qualifier).map(({ catalog, name: table }) => ({ catalog, name: table })) }
}
