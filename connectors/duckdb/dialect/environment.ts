import { type Body, type Node, type ParsedStatement, walk } from '../../statements/ast.ts'
import { eachTable, pathKey, tableName } from '../../statements/tables.ts'

/** What the printer asks of whoever runs the text. */
export interface Host {
  /** DuckDB's text for a table of FROM that no WITH clause defines, without its alias. */
  table(reference: TableReference): string
  /** The parameter's text, or texts where a list was given. */
  parameter(index: number): string | readonly string[]
  /** The statement's moment, a TIMESTAMPTZ. */
  readonly now: string
}

export interface TableReference {
  /** Catalog, schema and name, as far as written. */
  readonly name: readonly string[]
  readonly node: Node
  /** The name its columns are qualified with. */
  readonly alias: string
  /** The SELECT whose FROM it stands in. */
  readonly select: Body
  readonly env: Environment
}

/** Where in a statement the printer is. */
export interface Environment {
  readonly host: Host
  readonly statement: ParsedStatement
  /** Names that WITH clauses give here, in lower case. */
  readonly ctes: ReadonlySet<string>
  /** Parameters of the lambdas around, in lower case. */
  readonly lambdas: ReadonlySet<string>
  /** Whether this is the statement's own SELECT, not one inside it. */
  readonly outermost: boolean
  /** `catalog.table` of every table named in full, in lower case, joined by zero characters: columns may repeat it. */
  readonly qualified: ReadonlySet<string>
}

export function environment(host: Host, statement: ParsedStatement, outermost: boolean): Environment {
  const qualified = new Set<string>()
  eachTable(statement.root, node => {
    const parts = tableName(node)
    if (parts.length > 1) qualified.add(pathKey(parts))
  })
  return { host, statement, ctes: new Set(), lambdas: new Set(), outermost, qualified }
}


/** Names of all columns the statement mentions anywhere, in lower case; undefined where an asterisk or a natural join asks for all. */
export function mentionedColumns(root: Node): ReadonlySet<string> | undefined {
  const names = new Set<string>()
  let all = false
  walk(root, node => {
    if (node['natural'] || node['kind'] === 'Natural' || 'star' in node && node['star'] !== true && node['star'] !== false) all = true
    for (const member of ['name', 'field', 'table']) {
      const name = (node[member] as { name?: unknown } | null | undefined)?.name
      if (typeof name === 'string') names.add(name.toLowerCase())
    }
    const using = node['using']
    if (Array.isArray(using)) for (const column of using) names.add(String((column as { name: string }).name).toLowerCase())
  })
  return all ? undefined : names
}
