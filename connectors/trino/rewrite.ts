import { HubError } from '../../schema/errors.ts'
import { type Body, blank, kindOf, type ParsedStatement, type Position, parseTrino, sqlError, walk } from '../statements/ast.ts'
import { quoteIdentifier } from '../../schema/quote.ts'
import { eachTable, pathKey, type SessionNames, tableName } from '../statements/tables.ts'
import type { Mounts } from '../statements/mounts.ts'
import type { MountedTable, Statement } from '../ports/sql-engine.ts'
import { type Edit, EditedText, offsetOf } from './edits.ts'
import { momentEdits } from './moment.ts'
import { expandLists } from './parameters.ts'
import { type Chain, chainsOf, readable, type Token, tokensOf } from './tokens.ts'

/** A table as Trino names it. */
export interface TrinoName {
  readonly catalog: string
  readonly schema: string
  readonly table: string
  /** Columns that are not read as they are: by name the expression that has their values. */
  readonly columns?: ReadonlyMap<string, string>
  /** Holds for the rows that are the table's, where Trino's has others: a condition with its values in it. */
  readonly where?: string
}

/** A statement in Trino's own names: the text as it was, but for the names of tables, lists of parameters and a limit. */
export interface Rewritten {
  readonly edited: EditedText
  /** The same without what was put around it. */
  readonly bare: EditedText
  /** Every table it reads, those inside of views too, with Trino's name where it is Trino's. */
  readonly tables: ReadonlyMap<MountedTable, TrinoName | undefined>
}

export interface Rewriting {
  readonly mounts: Mounts
  readonly locate: (table: MountedTable) => TrinoName | undefined
  /** Texts around the whole statement. */
  readonly around?: { readonly before?: string; readonly behind?: string }
  /** Put behind a statement that does not limit its rows itself. */
  readonly limit?: number
  /** What the statement takes for the present, views in it too; absent: Trino's own clock. */
  readonly momentMs?: number
}

/**
 * The statement for Trino. Tables become subqueries over exactly the columns mounted, views their statements. Nothing Trino would find by itself is left: a name of three parts and more
 * that is neither a table nor a column here, a table function or TABLE → SQL_UNSUPPORTED; a table that is not in Trino → SQL_UNSUPPORTED too; unknown tables → SQL_ERROR.
 */
export function rewrite(statement: Statement, parsed: ParsedStatement, { mounts, locate, around = {}, limit, momentMs }: Rewriting): Rewritten {
  const tables = new Map<MountedTable, TrinoName | undefined>()
  const views: MountedTable[] = []

  function textOf(table: MountedTable, position: Position | undefined): string {
    const name = locate(table)
    tables.set(table, name)
    if (name) return `(SELECT ${table.columns.map(column => read(column.name, name)).join(', ')} FROM ${fullName(name)}${name.where === undefined ? '' : ` WHERE ${name.where}`})`
    if (table.from.kind === 'view') return `(${expand(table, table.from.sql)}\n)`
    const where = `${table.catalog}.${table.name}`
    throw new HubError('SQL_UNSUPPORTED', `Trino cannot read table "${where}": its rows are not in a store that Trino reaches.`, { table: where, ...position })
  }

  function expand(view: MountedTable, sql: string): string {
    if (views.includes(view)) throw sqlError(`View "${view.name}" reads itself: ${[...views.slice(views.indexOf(view)), view].map(one => one.name).join(' → ')}`)
    views.push(view)
    try {
      const parsedView = parseTrino(readable(sql))
      if (parsedView.parameters > 0) throw sqlError('A view has no parameters (?)')
      return new EditedText(sql, editsOf(sql, parsedView, tokensOf(sql), {})).text
    } catch (error) {
      if (!(error instanceof HubError) || views.length > 1) throw error
      throw new HubError(error.code, `In view "${view.name}": ${error.message}`, { view: view.name }, { cause: error })
    } finally {
      views.pop()
    }
  }

  function editsOf(sql: string, { root, positionOf }: ParsedStatement, tokens: readonly Token[], session: SessionNames): Edit[] {
    const chains = chainsOf(tokens)
    const byStart = new Map(chains.map(chain => [chain.start, chain]))
    const startOf = (node: unknown) => {
      const position = positionOf(node)
      return position && offsetOf(sql, position)
    }

    const edits: Edit[] = []
    const qualified = new Map<string, string>()
    const known = new Set<number>()
    eachTable(root, (node, ctes) => {
      const parts = tableName(node)
      const [only] = parts
      if (parts.length === 1 && only !== undefined && ctes.has(only.toLowerCase())) return
      const position = positionOf(node)
      const chain = byStart.get(startOf(node) ?? -1)
      if (chain === undefined || chain.names.length !== parts.length) throw unread(`the table name "${parts.join('.')}"`, position)
      const body = node['table'] as Body
      const alias = parts[parts.length - 1] ?? ''
      const table = mounts.resolve(parts, session, position)
      const travels = !blank(body['version']) || !blank(body['when'])
      const at = travels ? locate(table) : undefined
      if (travels && (at === undefined || at.where !== undefined || (at.columns?.size ?? 0) > 0)) throw unread(`time travel over "${parts.join('.')}"`, position)
      if (at) tables.set(table, at)
      const text = at ? fullName(at) : `${textOf(table, position)}${blank(body['alias']) ? ` AS ${quoteIdentifier(alias)}` : ''}`
      edits.push({ start: chain.start, end: chain.ends[chain.ends.length - 1] ?? chain.start, text })
      known.add(chain.start)
      if (parts.length > 1) qualified.set(pathKey(parts), alias)
    })
    walk(root, node => {
      if (kindOf(node) === 'column' || kindOf(node) === 'dot') known.add(startOf(node) ?? -1)
    })
    for (const chain of chains) {
      if (edits.some(edit => edit.start === chain.start)) continue
      const column = columnEdit(chain, qualified)
      if (column) edits.push(column)
      else if (chain.names.length > 2 && (!known.has(chain.start) || chain.next?.text === '(')) throw unread(`the name "${chain.names.join('.')}" here`, undefined)
    }
    if (momentMs !== undefined) edits.push(...momentEdits(tokens, momentMs))
    for (const token of tokens) {
      if (token.text === ';') edits.push({ start: token.start, end: token.end, text: ' ' })
      if (token.kind === 'name' && token.text.toUpperCase() === 'TABLE') throw unread('TABLE and table functions', undefined)
    }
    return edits
  }

  const { sql, catalog, schema } = statement
  const tokens = tokensOf(sql)
  const edits = [...editsOf(sql, parsed, tokens, { catalog, schema }), ...expandLists(statement, parsed, tokens)]
  const last = tokens.findLast(token => token.text !== ';')?.end ?? 0
  const put = (at: number, text: string | undefined) => (text === undefined ? [] : [{ start: at, end: at, text }])
  const limited = limit === undefined || isLimited(parsed)
  const outer = [...put(0, around.before), ...edits, ...put(last, limited ? undefined : `\nLIMIT ${limit}`), ...put(last, around.behind && `\n${around.behind}`)]
  return { edited: new EditedText(sql, outer), bare: new EditedText(sql, edits), tables }
}

function isLimited({ root }: ParsedStatement): boolean {
  const top = root[kindOf(root)] as Body
  return kindOf(root) === 'values' || !blank(top['limit']) || !blank(top['fetch'])
}

/** `lake.flights.origin`, where the statement reads `lake.flights`, is `"flights".origin` of its subquery. */
function columnEdit({ names, ends, start, next }: Chain, qualified: ReadonlyMap<string, string>): Edit | undefined {
  const longest = next?.text === '.' ? names.length : names.length - 1
  for (let length = longest; length > 1; length--) {
    const alias = qualified.get(pathKey(names.slice(0, length)))
    if (alias !== undefined) return { start, end: ends[length - 1] ?? start, text: quoteIdentifier(alias) }
  }
  return undefined
}

function read(column: string, { columns }: TrinoName): string {
  const expression = columns?.get(column)
  return expression === undefined ? quoteIdentifier(column) : `${expression} AS ${quoteIdentifier(column)}`
}

function fullName({ catalog, schema, table }: TrinoName): string {
  return [catalog, schema, table].map(quoteIdentifier).join('.')
}

function unread(what: string, position: Position | undefined): HubError {
  return new HubError('SQL_UNSUPPORTED', `Statements of the hub cannot have ${what}: what it would read is not known.`, { construct: what, ...position })
}
