import { HubError } from '../../schema/errors.ts'
import type { Column } from '../../schema/values.ts'
import type { MountedTable } from '../ports/sql-engine.ts'
import { blank, type Body, kindOf, type ParsedStatement, parseTrino, sqlError } from '../statements/ast.ts'
import { environment, type Host, mentionedColumns, type TableReference } from './dialect/environment.ts'
import { checkExpansion } from './dialect/expansion.ts'
import { printQuery } from './dialect/query.ts'
import type { SessionNames } from '../statements/tables.ts'
import type { Mounts } from '../statements/mounts.ts'
import type { Parameters } from './parameters.ts'
import { type Predicate, type Pushdown, pushdownOf, renamesColumns } from './pushdown.ts'

/** Stands for the statement's token until it runs; no statement may hold this character. */
export const tokenMark = '\u0000'
/** The statement's moment. */
export const nowText = 'CAST($now AS TIMESTAMPTZ)'

/** How this engine is asked for what is drawn at random. In a text it means nothing, and is taken for it all the same. */
const chance = /\b(random|uuid)\(| TABLESAMPLE /i

/** A statement in DuckDB's words, with what must be there when it runs. */
export interface Translation {
  readonly sql: string
  /** Whether a LIMIT may be put behind it. */
  readonly unlimited: boolean
  /** Reads of tables the process holds, by their number in the text. */
  readonly live: readonly LiveRead[]
  readonly staged: readonly StagedRead[]
  /** Whether the statement's moment is a parameter of it. */
  readonly usesNow: boolean
  /** Whether it may answer differently over the same rows: by its moment, or by chance. */
  readonly isVolatile: boolean
  /** Every table it reads, those inside views too, for hints. */
  readonly tables: readonly MountedTable[]
}

/** One read of rows the process holds. The predicates need not hold for the rows read: the engine applies them again. */
export interface LiveRead {
  readonly table: MountedTable
  /** None where the rows have no indexes. */
  readonly predicates: readonly Predicate[]
  /** They are all that the statement's SELECT asks of a row, should it be the only one. */
  readonly isWhole: boolean
}

/** One read of a source, into the temporary table `name`. */
export interface StagedRead extends Pushdown {
  readonly name: string
  readonly table: MountedTable
  readonly columns: readonly Column[]
}

export interface Translating {
  readonly mounts: Mounts
  /** Catalog and schema of names with fewer parts. */
  readonly session: SessionNames
  readonly parameters: Parameters
  /** Text of live table number `index`. */
  readonly liveReference: (token: string, index: number) => string
}

/** The statement in DuckDB's words. Unknown tables → SQL_ERROR with place and nearest name; what is not known to mean the same there → SQL_UNSUPPORTED. */
export function translate(statement: ParsedStatement, { mounts, session, parameters, liveReference }: Translating): Translation {
  const live = new Map<string, LiveRead>()
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
      // A view says the same whoever reads it.
      const table = mounts.resolve(reference.name, views.length > 0 ? {} : session, reference.env.statement.positionOf(reference.node))
      tables.add(table)
      switch (table.from.kind) {
        case 'relation':
          return table.from.relation
        case 'live':
          return liveReference(tokenMark, readLive(table, reference, table.from.indexes !== undefined))
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

  /** The number of the read; the same table by the same predicates is read once. */
  function readLive(table: MountedTable, reference: TableReference, indexed: boolean): number {
    const { predicates, isWhole } = indexed ? pushdownOf(reference, table.columns) : { predicates: [], isWhole: false }
    const key = keyOf(table, predicates)
    if (!live.has(key)) live.set(key, { table, predicates, isWhole })
    return [...live.keys()].indexOf(key)
  }

  function stage(table: MountedTable, reference: TableReference): string {
    const mentioned = renamesColumns(reference.node) ? undefined : mentionedColumns(reference.env.statement.root)
    const needed = table.columns.filter(column => mentioned?.has(column.name.toLowerCase()) ?? true)
    const columns = needed.length > 0 ? needed : table.columns.slice(0, 1)
    const pushdown = pushdownOf(reference, table.columns)
    const key = keyOf(table, [columns.map(column => column.name), pushdown])
    const read = staged.get(key) ?? { name: `stage_${staged.size}`, table, columns, ...pushdown }
    staged.set(key, read)
    return `temp."${read.name}"`
  }

  const sql = printQuery(statement.root, environment(host, statement, true))
  checkExpansion(sql)
  const top = statement.root[kindOf(statement.root)] as Body
  return { sql, unlimited: kindOf(statement.root) !== 'values' && blank(top['limit']) && blank(top['fetch']), live: [...live.values()], staged: [...staged.values()], usesNow, isVolatile: usesNow || chance.test(sql), tables: [...tables] }
}

function keyOf({ catalog, name }: MountedTable, asked: unknown): string {
  return JSON.stringify([catalog, name, asked], (_name, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))
}
