import { type Body, blank, kindOf, listOf, type Node, nameOf, parseTrino } from './ast.ts'

export interface BaseTable {
  /** Absent where the statement names the table alone. */
  readonly catalog?: string
  readonly name: string
}

/**
 * The tables a statement reads, each once, in the order of the text: names of its own WITH clauses are none. Errors are those of `parseTrino`.
 * `a.b.c` is table `b.c` of catalog `a`.
 */
export function baseTables(sql: string): readonly BaseTable[] {
  return baseTableNames(sql).map(splitName)
}

/** The same, as the parts of each name. */
export function baseTableNames(sql: string): readonly (readonly string[])[] {
  const found = new Map<string, readonly string[]>()
  eachTable(parseTrino(sql).root, (node, ctes) => {
    const parts = tableName(node)
    const [only] = parts
    if (parts.length === 1 && only !== undefined && ctes.has(only.toLowerCase())) return
    found.set(parts.join('\u0000').toLowerCase(), parts)
  })
  return [...found.values()]
}

/** Catalog, schema and name of a table node, those that are there. */
export function tableName(node: Node): readonly string[] {
  const body = node['table'] as Body
  return [nameOf(body['catalog']), nameOf(body['schema']), nameOf(body['name'])].filter(part => part !== undefined)
}

export function splitName(parts: readonly string[]): BaseTable {
  const [catalog, ...rest] = parts
  return rest.length === 0 ? { name: catalog ?? '' } : { catalog, name: rest.join('.') }
}

/** Catalog and schema of a statement's session. */
export interface SessionNames {
  readonly catalog?: string
  readonly schema?: string
}

/**
 * The tables a written name may mean, the best first. One part: the session's, then one of `hub`. Two: a catalog without schemas and its table, then a schema of the session's catalog.
 * More: the table alone that is named.
 */
export function candidates(parts: readonly string[], { catalog, schema }: SessionNames): readonly Required<BaseTable>[] {
  const [first = '', ...rest] = parts
  if (rest.length === 0) return [...(catalog === undefined ? [] : [{ catalog, name: schema === undefined ? first : `${schema}.${first}` }]), { catalog: 'hub', name: first }]
  const full = { catalog: first, name: rest.join('.') }
  return rest.length === 1 && catalog !== undefined ? [full, { catalog, name: parts.join('.') }] : [full]
}

/** Visits every table node with the names, in lower case, that WITH clauses give there. */
export function eachTable(node: unknown, visit: (table: Node, ctes: ReadonlySet<string>) => void, ctes: ReadonlySet<string> = new Set()): void {
  if (Array.isArray(node)) {
    for (const item of node) eachTable(item, visit, ctes)
    return
  }
  if (typeof node !== 'object' || node === null) return
  // The table of `t.*` is an alias.
  if (kindOf(node) === 'star') return
  const body = (node as Node)[kindOf(node)] as Body | undefined
  if (kindOf(node) === 'table' && body?.['name'] !== undefined) {
    visit(node as Node, ctes)
    return
  }

  const scope = withScope(node as Body, ctes, (definition, inner) => eachTable(definition, visit, inner))
  for (const [name, value] of Object.entries(node)) {
    if (name !== 'span' && name !== 'with' && typeof value === 'object') eachTable(value, visit, scope)
  }
}

/** The scope behind the body's WITH clause; each definition is handed over with the scope it stands in. */
export function withScope(body: Body, ctes: ReadonlySet<string>, each: (definition: unknown, scope: ReadonlySet<string>) => void): ReadonlySet<string> {
  const clause = body['with'] as { ctes?: readonly Body[]; recursive?: boolean } | null | undefined
  if (!clause?.ctes) return ctes
  const scope = new Set(ctes)
  for (const cte of clause.ctes) {
    const name = nameOf(cte['alias'])?.toLowerCase() ?? ''
    const inner = new Set(scope)
    if (clause.recursive) inner.add(name)
    each(cte['this'], inner)
    scope.add(name)
  }
  return scope
}

/** Whether the list holds a plain asterisk for every column. */
export function hasStar(expressions: unknown): boolean {
  return listOf(expressions).some(item => kindOf(item) === 'star')
}

/** Whether the statement itself says how many rows it answers at most. Errors are those of `parseTrino`. */
export function isLimited(sql: string): boolean {
  const { root } = parseTrino(sql)
  const top = root[kindOf(root)] as Body
  return kindOf(root) === 'values' || !blank(top['limit']) || !blank(top['fetch'])
}

/** The parts of a name as one text, for look-ups: letter case does not matter. */
export function pathKey(parts: readonly string[]): string {
  return parts.join('\u0000').toLowerCase()
}
