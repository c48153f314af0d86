import { HubError } from '../../schema/errors.ts'
import type { Column } from '../../schema/values.ts'
import type { MountedTable } from '../ports/sql-engine.ts'
import { blank, type Body, kindOf, type ParsedStatement, parseTrino, sqlError } from './dialect/ast.ts'
import { environment, type Host, mentionedColumns, type TableReference } from './dialect/environment.ts'
import { printQuery } from './dialect/query.ts'
import type { Mounts } from './mounts.ts'
import type { Parameters } from './parameters.ts'
import { type Pushdown, pushdownOf } from './pushdown.ts'

/** Stands for the statement's token until it runs; no statement may hold this character. */
export const tokenMark = '\u0000'
/** The statement's moment. */
export const nowText = 'CAST($now AS TIMESTAMPTZ)'

/** A statement in DuckDB's words, with what must be there when it runs. */
export interface Translation {
  readonly sql: string
  /** Whether a LIMIT may be put behind it. */
  readonly unlimited: boolean
  /** Tables the process holds, by their number in the text. */
  readonly live: readonly MountedTable[]
  readonly staged: readonly StagedRead[]
  /** Whether the statement's moment is a parameter of it. */
  readonly usesNow: boolean
  /** Every table it reads, those inside views too, for hints. */
  readonly tables: readonly MountedTable[]
}

/** One read of a source, into the temporary table `name`. */
export interface StagedRead extends Pushdown {
  readonly name: string
  readonly table: MountedTable
  readonly columns: readonly Column[]
}

export interface Translating {
  readonly mounts: Mounts
  readonly parameters: Parameters
  /** Text of live table number `index`. */
  readonly liveReference: (token: string, index: number) => string
}

/** The statement in DuckDB's words. Unknown tables → SQL_ERROR with place and nearest name; what is not known to mean the same there → SQL_UNSUPPORTED. */
export function translate(statement: ParsedStatement, { mounts, parameters, liveReference }: Translating): Translation {
  const live: MountedTable[] = []
  const staged = new Map<string, StagedRead>()
  const tables = new Set<MountedTable>()
  const views: MountedTable[] = []

  let usesNow = false
  const host: Host = {
    get now() {
      usesNow = true
      return nowText
    },
    parameter: parameters.print,
    table(reference) {
      const table = mounts.resolve(reference.name, reference.env.statement.positionOf(reference.node))
      tables.add(table)
      switch (table.from.kind) {
        case 'relation':
          return table.from.relation
        case 'live': {
          if (!live.includes(table)) live.push(table)
          return liveReference(tokenMark, live.indexOf(table))
        }
        case 'view':
          return `(${expandView(table, table.from.sql)})`
        case 'source':
          return stage(table, reference)
      }
    },
  }

  function expandView(view: MountedTable, sql: string): string {
    if (views.includes(view)) throw sqlError(`View "${view.name}" reads itself: ${[...views.slice(views.indexOf(view)), view].map(one => one.name).join(' → ')}`)
    views.push(view)
    try {
      const parsed = parseTrino(sql)
      if (parsed.parameters > 0) throw sqlError('A view has no parameters (?)')
      return printQuery(parsed.root, environment(host, parsed, false))
    } catch (error) {
      if (!(error instanceof HubError) || views.length > 1) throw error
      throw new HubError(error.code, `In view "${view.name}": ${error.message}`, { view: view.name }, { cause: error })
    } finally {
      views.pop()
    }
  }

  function stage(table: MountedTable, { env, select, alias }: TableReference): string {
    const mentioned = mentionedColumns(env.statement.root)
    const needed = table.columns.filter(column => mentioned?.has(column.name.toLowerCase()) ?? true)
    const columns = needed.length > 0 ? needed : table.columns.slice(0, 1)
    const pushdown = pushdownOf(select, alias, table.columns)
    const key = `${table.catalog}.${table.name} ${columns.map(column => column.name).join()} ${JSON.stringify(pushdown, (_name, value) => (typeof value === 'bigint' ? `${value}n` : value))}`
    const read = staged.get(key) ?? { name: `stage_${staged.size}`, table, columns, ...pushdown }
    staged.set(key, read)
    return `temp."${read.name}"`
  }

  const sql = printQuery(statement.root, environment(host, statement, true))
  const top = statement.root[kindOf(statement.root)] as Body
  return { sql, unlimited: kindOf(statement.root) !== 'values' && blank(top['limit']) && blank(top['fetch']), live, staged: [...staged.values()], usesNow, tables: [...tables] }
}
