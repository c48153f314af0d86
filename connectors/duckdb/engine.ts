import type { DuckDBConnection, DuckDBResult, DuckDBType, DuckDBValue } from '@duckdb/node-api'
import { DuckDBTimestampTZValue, TIMESTAMPTZ } from '@duckdb/node-api'
import { asHubError } from '../../schema/errors.ts'
import type { Clock, Log, Scope } from '../ports/scope.ts'
import { allRows, type MountedTable, type Plan, type QueryOptions, type QueryResult, type ScanStats, type SqlEngine, type Statement } from '../ports/sql-engine.ts'
import { Connections } from './connections.ts'
import type { DuckDatabase } from './database.ts'
import { type ParsedStatement, parseTrino } from '../statements/ast.ts'
import { momentOf } from '../statements/moment.ts'
import { neverNull } from '../statements/never-null.ts'
import { preludeScript } from './dialect/prelude.ts'
import { planText } from './explain.ts'
import { engineWords, failureOf, isInterrupt } from './failures.ts'
import { found, type LiveTable, LiveTables, type Scanned } from './live-tables.ts'
import { type Lookup, lookUp, lookupOf } from './lookup.ts'
import { Mounts } from '../statements/mounts.ts'
import { noteTables } from '../statements/footprint.ts'
import { Parameters } from './parameters.ts'
import { filterOf } from './pushdown.ts'
import { columnsOf, heldResult, queryResult } from './result.ts'
import { dropStage, fillStage, makeStage, scanRequest, settleStage } from './staging.ts'
import { Stop } from '../statements/stop.ts'
import { type Translation, tokenMark, translate } from './translate.ts'
import { readerOf } from './values.ts'

export interface DuckDbEngineOptions {
  readonly clock: Clock
  /** Hears what fails behind an answer: the caller has left, or has its rows. */
  readonly log: Log
  /** Statements at one time. Node runs four pieces of native work at once, so more would only wait there. */
  readonly connections?: number
}

/** Statements whose translation is kept. */
const keptTranslations = 500

/** The embedded SqlEngine: Trino's dialect, parsed and written anew for DuckDB from what is known to mean the same there; the rest is refused by name. */
export async function openDuckDbEngine(database: DuckDatabase, options: DuckDbEngineOptions): Promise<SqlEngine> {
  const live = new LiveTables()
  const first = await database.connect()
  try {
    await first.run(preludeScript)
    live.register(first)
  } finally {
    first.disconnectSync()
  }
  const connections = new Connections(database, options.connections ?? 4)
  return new DuckDbEngine({ connections, live, clock: options.clock, log: options.log, parsed: new Map(), close: () => connections.close() }, [])
}

interface Prepared {
  readonly parsed: ParsedStatement
  readonly translation: Translation & { readonly lookup?: Lookup }
  readonly parameters: Parameters
}

/** One statement on one connection, from its start to its cleaning up. */
interface Run extends Prepared {
  readonly connection: DuckDBConnection
  readonly stop: Stop
  readonly token: string
  readonly sql: string
  readonly scanned: Scanned
  readonly asOfMs: number | undefined
}

/** What engines over different tables have in common. */
interface Shared {
  readonly connections: Connections
  readonly live: LiveTables
  readonly clock: Clock
  readonly log: Log
  readonly parsed: Map<string, ParsedStatement>
  readonly close: () => void
}

class DuckDbEngine implements SqlEngine {
  readonly name = 'duckdb'
  readonly #shared: Shared
  #mounts: Mounts
  #translations = new Map<string, Prepared['translation']>()

  constructor(shared: Shared, tables: readonly MountedTable[]) {
    this.#shared = shared
    this.#mounts = new Mounts(tables)
  }

  get tables() {
    return this.#mounts.tables
  }

  async mount(tables: readonly MountedTable[]): Promise<void> {
    this.#mounts = new Mounts(tables)
    this.#translations = new Map()
  }

  over(tables: readonly MountedTable[]): SqlEngine {
    return new DuckDbEngine({ ...this.#shared, close: () => {} }, tables)
  }

  async describe(scope: Scope, statement: Statement) {
    return this.#withRun(scope, statement, { rows: false }, async run => {
      const prepared = await run.stop.guard(run.connection, () => run.connection.prepare(run.sql))
      try {
        const places = Array.from({ length: prepared.columnCount }, (_, index) => index)
        const columns = columnsOf(places.map(index => prepared.columnName(index)), places.map(index => readerOf(prepared.columnType(index))))
        const filled = neverNull(parseTrino(statement.sql).root)
        return columns.map((column, index) => (filled.has(index) ? { ...column, nullable: false } : column))
      } finally {
        prepared.destroySync()
      }
    })
  }

  async check(scope: Scope): Promise<void> {
    await allRows(await this.query(scope, { sql: 'SELECT 1 AS one' }))
  }

  async explain(scope: Scope, statement: Statement): Promise<Plan> {
    return this.#withRun(scope, statement, { rows: false }, async run => {
      const { values, types } = this.#bound(scope, run)
      const reader = await run.stop.guard(run.connection, () => run.connection.runAndReadAll(`EXPLAIN (FORMAT JSON) ${run.sql}`, values, types))
      const staged = await Promise.all(run.translation.staged.map(async read => {
        const { from } = read.table
        const plan = from.kind === 'source' ? await from.source.scanPlan?.(scope, scanRequest(read, from.table, run.parameters)) : undefined
        return plan ? [{ table: read.table, ...plan }] : []
      }))
      const reads = [...liveTables(run).map(live => ({ table: live.table, by: found(live, scope.tenant)?.by })), ...staged.flat()]
      return { engine: this.name, text: planText(String(reader.getRows()[0]?.[1] ?? '[]'), run.translation, reads), reads }
    })
  }

  async query(scope: Scope, statement: Statement, options: QueryOptions = {}): Promise<QueryResult> {
    const prepared = this.#prepare(statement)
    const found = prepared.translation.lookup && this.#lookUp(scope, prepared, prepared.translation.lookup, options)
    if (found) return found
    const run = await this.#start(scope, statement, { rows: true, ...options })
    try {
      const { values, types } = this.#bound(scope, run)
      const result = await run.stop.guard(run.connection, () => this.#stream(run, values, types))
      return queryResult({
        result,
        maxRows: options.maxRows,
        asOfMs: run.asOfMs,
        stats: () => statsOf(run),
        fetch: () => this.#told(run, () => run.stop.guard(run.connection, () => result.fetchChunk())),
        finish: async ended => {
          if (!ended) await this.#drain(run, result)
          await this.#finish(run)
        },
      })
    } catch (error) {
      await this.#finish(run)
      throw failureOf(error, run.parsed, run.translation)
    }
  }

  /** The rows of this step, if they can be had without DuckDB. */
  #lookUp(scope: Scope, { translation, parameters }: Prepared, lookup: Lookup, options: QueryOptions): QueryResult | undefined {
    scope.signal.throwIfAborted()
    const asOfMs = momentOf(translation.tables, options)
    const found = lookUp(lookup, scope.tenant, index => parameters.given(index), options.maxRows)
    if (!found) return undefined
    noteTables(scope, translation)
    const { columns, rows, scanned } = found
    return heldResult({ columns, rows, maxRows: options.maxRows, asOfMs, stats: { rowsScanned: scanned, bytesScanned: null, splits: null } })
  }

  /** Planning costs more than a small statement's work. One whose text is its own each time, for the rows it stages or reads live, is not worth keeping. */
  async #stream({ connection, sql, translation }: Run, values: Record<string, DuckDBValue>, types: Record<string, DuckDBType>): Promise<DuckDBResult> {
    if (translation.live.length > 0 || translation.staged.length > 0) return connection.stream(sql, values, types)
    const statement = await this.#shared.connections.prepare(connection, sql)
    statement.bind(values, types)
    return statement.stream()
  }

  async close(): Promise<void> {
    this.#shared.close()
  }

  #prepare(statement: Statement): Prepared {
    const parsed = remembered(this.#shared.parsed, statement.sql, () => parseTrino(statement.sql))
    const parameters = new Parameters(statement, parsed.parameters)
    const { sql, catalog, schema } = statement
    const session = catalog === undefined ? '' : JSON.stringify([catalog, schema])
    const translation = remembered(this.#translations, `${sql}\u0000${parameters.shape}\u0000${session}`, () => {
      const made = translate(parsed, { mounts: this.#mounts, session: { catalog, schema }, parameters, liveReference: (token, index) => this.#shared.live.reference(token, index) })
      const lookup = lookupOf(parsed, made)
      return lookup ? { ...made, lookup } : made
    })
    return { parsed, parameters, translation }
  }

  /** Everything the statement reads is in place; without `rows` tables are there but empty. */
  async #start(scope: Scope, statement: Statement, options: QueryOptions & { rows: boolean }): Promise<Run> {
    const prepared = this.#prepare(statement)
    const { translation, parameters } = prepared
    // Asked before anything is read: what comes in meanwhile makes rows younger than said, never older.
    const asOfMs = momentOf(translation.tables, options)
    if (options.rows) noteTables(scope, translation)
    const connection = await this.#shared.connections.take(scope)
    const stop = new Stop(scope, this.#shared.clock, options.timeoutMs)
    const made: Run = { ...prepared, connection, stop, token: '', sql: translation.sql, scanned: { rows: 0 }, asOfMs }
    try {
      for (const read of translation.staged) {
        await makeStage(connection, read)
        if (options.rows) await fillStage({ ...scope, signal: stop.signal }, connection, read, parameters, made.scanned)
        else await settleStage(connection, read)
      }
      stop.signal.throwIfAborted()
      const token = this.#shared.live.open(liveTables(prepared), options.rows ? scope.tenant : undefined, made.scanned)
      const limit = options.maxRows !== undefined && translation.unlimited ? ` LIMIT ${options.maxRows + 1}` : ''
      return { ...made, token, sql: translation.sql.replaceAll(tokenMark, token) + limit }
    } catch (error) {
      await this.#finish(made)
      throw stop.signal.aborted ? stop.signal.reason : failureOf(error, prepared.parsed, translation)
    }
  }

  async #withRun<T>(scope: Scope, statement: Statement, options: { rows: boolean }, work: (run: Run) => Promise<T>): Promise<T> {
    const run = await this.#start(scope, statement, options)
    try {
      return await this.#told(run, () => work(run))
    } finally {
      await this.#finish(run)
    }
  }

  /** Failures in the caller's words. */
  async #told<T>(run: Run, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw failureOf(error, run.parsed, run.translation)
    }
  }

  #bound(scope: Scope, run: Run) {
    const { values, types } = run.parameters.bound(run.sql)
    if (!run.translation.usesNow) return { values, types }
    return { values: { ...values, now: new DuckDBTimestampTZValue(BigInt(scope.clock.now()) * 1000n) }, types: { ...types, now: TIMESTAMPTZ } }
  }

  /**
   * Ends a result that was not read to its end. The rest of its work may wait for this thread (a live table's rows), so it must be over before anything
   * synchronous touches the connection.
   */
  async #drain(run: Run, result: DuckDBResult): Promise<void> {
    const { connection } = run
    connection.interrupt()
    try {
      for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) connection.interrupt()
    } catch (error) {
      if (!isInterrupt(error)) this.#warn('A statement whose reader had left ended with a failure.', run, error)
    }
  }

  #warn(message: string, { parsed, translation }: Run, error: unknown): void {
    const { code } = asHubError(failureOf(error, parsed, translation))
    this.#shared.log.warn(message, { source: this.name, code, reason: engineWords(error) })
  }

  /** The connection goes back clean, or not at all. */
  async #finish(run: Run): Promise<void> {
    const { connection, stop, token, translation } = run
    stop.end()
    this.#shared.live.close(token)
    let clean = true
    try {
      for (const read of translation.staged) await dropStage(connection, read)
    } catch (error) {
      clean = false
      this.#warn('A connection of the SQL engine could not be cleaned and is thrown away.', run, error)
    }
    this.#shared.connections.give(connection, clean)
  }
}

/** What the statement reads of rows the process holds, with its values in place. */
function liveTables({ translation, parameters }: Prepared): readonly LiveTable[] {
  return translation.live.map(({ table, predicates }) => ({ table, filter: filterOf(predicates, index => parameters.given(index)).filter }))
}

/** DuckDB does not say what it read of tables it holds; rows the process hands it are counted as they go. */
function statsOf({ translation, scanned }: Run): ScanStats {
  const isCounted = translation.tables.every(table => table.from.kind !== 'relation')
  return { rowsScanned: isCounted ? scanned.rows : null, bytesScanned: null, splits: null }
}

function remembered<T>(kept: Map<string, T>, key: string, make: () => T): T {
  const known = kept.get(key)
  if (known !== undefined) return known
  const made = make()
  if (kept.size >= keptTranslations) {
    const [oldest] = kept.keys()
    if (oldest !== undefined) kept.delete(oldest)
  }
  kept.set(key, made)
  return made
}
