import { type Body, kindOf, listOf, type Node, nameOf, parseTrino, walk } from './ast.ts'
import { type BaseTable, candidates, type SessionNames, tableName, withScope } from './tables.ts'

/** What one SELECT reads, and what it demands of every row. Of conditions in OR or NOT nothing is known. */
export interface Select {
  /** In the order of the text, WITH clauses and subqueries left out. */
  readonly tables: readonly SelectedTable[]
  /** What its ON, USING and WHERE demand to be equal. */
  readonly equal: readonly (readonly [Equal, Equal])[]
  /** Columns that must equal a value, or one of a list, told without looking at another row. */
  readonly given: readonly SelectedColumn[]
  /** Which rows it groups and by what, as one text; undefined where it groups none. SELECTs of one text have the same groups. */
  readonly groups: string | undefined
}

export interface SelectedTable {
  /** The tables its name may mean, the best first. */
  readonly mayBe: readonly Required<BaseTable>[]
  /** What qualifies its columns, in lower case. */
  readonly as: string
}

/** In lower case, with what qualifies it. */
export interface SelectedColumn {
  readonly of: string | undefined
  readonly column: string
}

/** A column, or a value written in the statement. */
export type Equal = SelectedColumn | { readonly value: string }

/** The SELECTs of a statement, subqueries among them, each for itself. Errors are those of `parseTrino`. */
export function selects(sql: string, session: SessionNames = {}): readonly Select[] {
  const found: Select[] = []
  const visit = (node: unknown, ctes: ReadonlySet<string>): void => {
    if (Array.isArray(node)) {
      for (const item of node) visit(item, ctes)
      return
    }
    if (typeof node !== 'object' || node === null) return
    const scope = withScope(node as Body, ctes, visit)
    if (kindOf(node) === 'select') {
      const body = (node as Node)['select'] as Body
      found.push(selectOf(body, withScope(body, scope, () => undefined), session))
    }
    for (const [name, value] of Object.entries(node)) if (name !== 'span' && name !== 'with') visit(value, scope)
  }
  visit(parseTrino(sql).root, new Set())
  return found
}

function selectOf(body: Body, ctes: ReadonlySet<string>, session: SessionNames): Select {
  const clauses = listOf(body['joins'])
  const all = [...listOf((body['from'] as Body | undefined)?.['expressions']), ...clauses.map(clause => clause['this'])].map(node => tableOf(node, ctes, session))
  const behind = all.length - clauses.length
  const demanded = [...clauses.map(clause => clause['on']), (body['where_clause'] as Body | undefined)?.['this']].flatMap(demands)
  return {
    tables: all.flatMap(({ table }) => table ?? []),
    equal: [...clauses.flatMap((clause, index) => sharedBy(clause, all.slice(0, behind + index), all[behind + index]?.as)), ...demanded.flatMap(equalOf)],
    given: demanded.flatMap(givenBy),
    groups: groupsOf(body),
  }
}

function groupsOf({ from, joins, where_clause: where, group_by: grouping, expressions }: Body): string | undefined {
  const columns = listOf(expressions)
  const keys = listOf((grouping as Body | undefined)?.['expressions']).map(key => {
    const position = kindOf(key) === 'literal' ? Number((key as Body as { literal: { value: string } }).literal.value) : 0
    const column = columns[position - 1]
    return textOf(kindOf(column) === 'alias' ? (column as Body as { alias: Body }).alias['this'] : (column ?? key))
  })
  return keys.length === 0 ? undefined : [textOf([from, joins, where]), ...keys.sort()].join('\n')
}

/** What a part says, whatever place, comments and letter case it is written with. */
function textOf(part: unknown): string {
  return JSON.stringify(part, (name, value: unknown) => {
    if (value === null || name === 'span' || name.endsWith('comments') || name === 'alias_explicit_as') return undefined
    const { name: text, quoted } = value as { readonly name?: unknown; readonly quoted?: unknown }
    return typeof text === 'string' && quoted === false ? text.toLowerCase() : value
  }) ?? ''
}

function tableOf(node: unknown, ctes: ReadonlySet<string>, session: SessionNames): { readonly as: string; readonly table?: SelectedTable } {
  const alias = nameOf(((node as Node)[kindOf(node)] as Body | undefined)?.['alias'])?.toLowerCase()
  if (kindOf(node) !== 'table') return { as: alias ?? '' }
  const parts = tableName(node as Node)
  const as = alias ?? parts.at(-1)?.toLowerCase() ?? ''
  return parts.length === 1 && ctes.has(parts[0]?.toLowerCase() ?? '') ? { as } : { as, table: { mayBe: candidates(parts, session), as } }
}

function sharedBy(clause: Node, before: readonly { readonly as: string }[], as: string | undefined): (readonly [Equal, Equal])[] {
  const columns = listOf(clause['using']).flatMap(one => nameOf(one)?.toLowerCase() ?? [])
  return columns.flatMap(column => before.map(other => [{ of: as, column }, { of: other.as, column }] as const))
}

/** The conditions that must all hold. */
function demands(condition: unknown): readonly Node[] {
  const kind = kindOf(condition)
  const body = ((condition as Node | undefined)?.[kind] ?? {}) as Body
  if (kind === 'paren') return demands(body['this'])
  if (kind === 'and') return [...demands(body['left']), ...demands(body['right'])]
  return kind === '' ? [] : [condition as Node]
}

function equalOf(condition: Node): (readonly [Equal, Equal])[] {
  if (kindOf(condition) !== 'eq') return []
  const body = condition['eq'] as Body
  const [left, right] = [sideOf(body['left']), sideOf(body['right'])]
  return left && right ? [[left, right]] : []
}

function givenBy(condition: Node): SelectedColumn[] {
  const kind = kindOf(condition)
  const body = (condition[kind] ?? {}) as Body
  if (kind === 'in') return isValue(body['expressions']) && !body['not'] && !body['query'] ? columnOf(body['this']) : []
  if (kind !== 'eq') return []
  return [...(isValue(body['right']) ? columnOf(body['left']) : []), ...(isValue(body['left']) ? columnOf(body['right']) : [])]
}

function isValue(node: unknown): boolean {
  let isOne = true
  walk(node, below => {
    if (['column', 'select', 'subquery'].includes(kindOf(below))) isOne = false
  })
  return isOne
}

function sideOf(node: unknown): Equal | undefined {
  if (kindOf(node) !== 'literal') return columnOf(node)[0]
  const body = (node as Node)['literal'] as Body
  return { value: `${body['literal_type']} ${body['value']}` }
}

function columnOf(node: unknown): SelectedColumn[] {
  if (kindOf(node) !== 'column') return []
  const body = (node as Node)['column'] as Body
  const column = nameOf(body['name'])?.toLowerCase()
  return column === undefined ? [] : [{ of: nameOf(body['table'])?.toLowerCase(), column }]
}
