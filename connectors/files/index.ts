import { HubError, type Problem } from '../../schema/errors.ts'
import { asProblem, findings } from '../../schema/findings.ts'
import type { Row } from '../../schema/values.ts'
import type { DuckDatabase } from '../duckdb/database.ts'
import type { Scope } from '../ports/scope.ts'
import type { LookupRequest, ScanRequest, SourceConnector, SourceTable } from '../ports/source-connector.ts'
import { limitClause, noSuchTable, pickColumns } from '../sql-text/columns.ts'
import { type Bind, filterSql, identifier, type SqlColumn } from '../sql-text/filter.ts'
import { castColumn, duckDialect, textOf } from './dialect.ts'
import { type FilesOptions, filesOptions, type ParsedOptions, parsedOptions, type ParsedTable } from './options.ts'
import { realRoot } from './paths.ts'
import { type FilePlace, folder } from './place.ts'
import { readRows } from './rows.ts'
import { discover, type StagedTable, stagedTable } from './stage.ts'

/** A folder of files as a source. */
export interface FilesConnector extends SourceConnector {
  /** Columns of a table without a null and without a value met twice, in the table's order. Counts every column once. */
  uniqueColumns(scope: Scope, table: string): Promise<readonly string[]>
}

/** Sources of one name may stand side by side while the catalog changes; their tables must not meet. */
let opened = 0

/**
 * Files below `root` as tables of the given DuckDB, which outlives the source. Files are read when they are first needed, and again on `tables()` when one
 * has changed on disk. Types are those every row has; rows that cannot be read are counted in `quarantine`. `tables()` of declared files that cannot be read
 * fails with all of them listed; undeclared ones are left out and logged. Files as such: NOT_FOUND when missing, UPSTREAM_REJECTED when unreadable,
 * CATALOG_INVALID when outside the root.
 */
export async function openFiles(given: FilesOptions & { name: string; database: DuckDatabase }): Promise<FilesConnector> {
  const { name, database, ...rest } = given
  const problems: Problem[] = findings(filesOptions, rest, ['sources', name]).map(asProblem)
  if (problems.length > 0) throw new HubError('CATALOG_INVALID', `Source "${name}" is declared with mistakes. ${problems.map(problem => `${problem.path}: ${problem.message}`).join(' ')}`, { problems })
  const options = parsedOptions(rest)
  return openFileTables({ name, type: 'files', database, options, place: folder(name, await realRoot(name, options.root)) })
}

export interface FileTables {
  readonly name: string
  readonly type: string
  readonly database: DuckDatabase
  readonly options: Omit<ParsedOptions, 'root'>
  readonly place: FilePlace
}

/** The files of any place as tables; see `openFiles`. */
export async function openFileTables({ name, type, database, options, place }: FileTables): Promise<FilesConnector> {
  opened += 1
  const context = { database, source: name, place, schema: `${name}#${opened}`, format: options.format, quarantineLimit: options.quarantineLimit }
  let declared = options.tables && new Map(Object.entries(options.tables))
  if (declared) refuseTwins(name, declared)
  const staged = new Map<string, StagedTable>()
  await inConnection(connection => connection.run(`CREATE SCHEMA ${identifier(context.schema)}`))

  async function inConnection<T>(work: (connection: Awaited<ReturnType<DuckDatabase['connect']>>) => Promise<T>): Promise<T> {
    const connection = await database.connect()
    try {
      return await work(connection)
    } finally {
      connection.disconnectSync()
    }
  }

  /** What is declared, else what is there now. */
  async function known(): Promise<Map<string, StagedTable>> {
    const tables: ReadonlyMap<string, ParsedTable> = declared ?? (await discover(place))
    for (const [table, file] of tables) if (!staged.has(table)) staged.set(table, stagedTable(context, table, file))
    for (const table of staged.keys()) if (!tables.has(table)) staged.delete(table)
    return staged
  }

  async function tableFor(scope: Scope, table: string): Promise<SourceTable> {
    const found = staged.get(table) ?? (await known()).get(table)
    if (!found) throw noSuchTable(name, table, staged.keys())
    return unlessAborted(scope, found.current(scope.clock, true))
  }

  async function* read(scope: Scope, table: SourceTable, columns: readonly SqlColumn[], tail: string, values: Record<string, string>): AsyncGenerator<Row[], void, void> {
    scope.signal.throwIfAborted()
    const connection = await database.connect()
    const stop = () => connection.interrupt()
    scope.signal.addEventListener('abort', stop)
    try {
      for await (const rows of readRows(connection, `SELECT ${columns.map(({ expression }) => expression).join(', ') || 'NULL'} FROM ${table.relation} ${tail}`, values, columns)) {
        scope.signal.throwIfAborted()
        yield rows
      }
    } catch (error) {
      scope.signal.throwIfAborted()
      if (error instanceof HubError) throw error
      throw new HubError('UPSTREAM_REJECTED', `Source "${name}" could not read table "${table.name}": ${error instanceof Error ? error.message : String(error)}`, { source: name, table: table.name }, { cause: error })
    } finally {
      scope.signal.removeEventListener('abort', stop)
      connection.disconnectSync()
    }
  }

  return {
    name,
    type,

    async tables(scope) {
      const all = [...(await known()).values()]
      const results: SourceTable[] = []
      const problems: { error: HubError; table: string }[] = []
      for (const table of all) {
        try {
          results.push(await unlessAborted(scope, table.current(scope.clock)))
        } catch (error) {
          scope.signal.throwIfAborted()
          if (!(error instanceof HubError)) throw error
          problems.push({ error, table: table.name })
        }
      }
      if (!declared) for (const { error, table } of problems) scope.log.warn(`File left out: ${error.message}`, { source: name, table })
      const [first] = problems
      if (first && (declared || results.length === 0)) {
        if (problems.length === 1) throw first.error
        const listed: Problem[] = problems.map(({ error, table }) => ({ path: `sources.${name}.tables.${table}`, message: error.message }))
        throw new HubError(first.error.code, problems.map(({ error }) => error.message).join(' '), { source: name, problems: listed }, { cause: first.error })
      }
      return results
    },

    async *scan(scope: Scope, request: ScanRequest) {
      const table = await tableFor(scope, request.table)
      const columns = sqlColumns(table)
      const { values, bind } = parameters()
      const where = request.filter ? `WHERE ${filterSql(request.filter, columns, duckDialect, bind)}` : ''
      yield* read(scope, table, pickColumns(table.name, columns, request.columns), `${where}${limitClause(request.limit)}`, values)
    },

    async lookup(scope: Scope, request: LookupRequest) {
      if (request.keys.length === 0) return []
      const table = await tableFor(scope, request.table)
      const columns = sqlColumns(table)
      const keyColumns = pickColumns(table.name, columns, request.keyColumns)
      const { values, bind } = parameters()
      // Half a character is in no file of UTF-8.
      const wanted = request.keys.filter(key => key.every(value => typeof value !== 'string' || value.isWellFormed()))
      const keys = JSON.stringify(wanted.map(key => key.map(textOf)))
      const casts = keyColumns.map(({ type }, index) => castColumn(type, wanted.map(key => key[index] ?? null), `k[${index + 1}]`))
      const where = `WHERE (${keyColumns.map(({ expression }) => expression).join(', ')}) IN (SELECT ${casts.join(', ')} FROM (SELECT unnest(from_json(${bind(keys)}, '[["VARCHAR"]]')) AS k))`
      const rows: Row[] = []
      for await (const batch of read(scope, table, pickColumns(table.name, columns, request.columns), where, values)) rows.push(...batch)
      return rows
    },

    async look(scope) {
      for (const table of staged.values()) await unlessAborted(scope, table.look(scope.clock))
      const all = [...staged.values()]
      return { tables: all.flatMap(table => table.held ?? []), troubles: all.flatMap(({ name: table, trouble }) => (trouble === undefined ? [] : [{ table, message: trouble }])) }
    },

    async uniqueColumns(scope, tableName) {
      const table = await tableFor(scope, tableName)
      const counts = table.columns.map(({ name: column }) => `count(${identifier(column)}), count(DISTINCT ${identifier(column)})`)
      const [row = []] = await inConnection(async connection => (await connection.runAndReadAll(`SELECT ${counts.join(', ')} FROM ${table.relation}`)).getRowsJson())
      return table.columns.filter((_, index) => Number(row[2 * index]) === table.rowCount && Number(row[2 * index + 1]) === table.rowCount && table.rowCount > 0).map(column => column.name)
    },

    async close() {
      declared = new Map()
      await Promise.all([...staged.values()].map(table => table.idle()))
      staged.clear()
      await inConnection(connection => connection.run(`DROP SCHEMA ${identifier(context.schema)} CASCADE`))
    },
  }
}

function sqlColumns(table: SourceTable): SqlColumn[] {
  return table.columns.map(column => ({ ...column, expression: identifier(column.name) }))
}

function parameters(): { values: Record<string, string>; bind: Bind } {
  const values: Record<string, string> = {}
  const bind: Bind = value => {
    const name = `p${Object.keys(values).length + 1}`
    values[name] = String(value)
    return `$${name}`
  }
  return { values, bind }
}

/** DuckDB does not tell names apart by letter case. */
function refuseTwins(source: string, tables: ReadonlyMap<string, ParsedTable>): void {
  const seen = new Map<string, string>()
  for (const name of tables.keys()) {
    const twin = seen.get(name.toLowerCase())
    if (twin !== undefined) throw new HubError('CATALOG_INVALID', `Source "${source}" declares the tables "${twin}" and "${name}", which differ in letter case only. Rename one.`, { source })
    seen.set(name.toLowerCase(), name)
  }
}

/** What is waited for goes on for others when the one who waits leaves. */
function unlessAborted<T>({ signal }: Scope, work: Promise<T>): Promise<T> {
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason)
    signal.addEventListener('abort', leave, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
  })
}
