import { zstdCompressSync } from 'node:zlib'
import type { Column, Value } from '../../schema/values.ts'
import { type ParsedStatement, parseTrino } from '../statements/ast.ts'
import { momentOf } from '../statements/moment.ts'
import { neverNull } from '../statements/never-null.ts'
import { quoteText } from '../../schema/quote.ts'
import { Mounts } from '../statements/mounts.ts'
import { Stop } from '../statements/stop.ts'
import type { Clock, Scope } from '../ports/scope.ts'
import type { MountedTable, Plan, QueryOptions, QueryResult, SqlEngine, Statement } from '../ports/sql-engine.ts'
import { type TrinoClient, TrinoFailure, type TrinoResult } from './client.ts'
import { failureOf, type Sent } from './failures.ts'
import { literal, needsType } from './literals.ts'
import { checkCount, flatParameters } from './parameters.ts'
import { queryResult, resultColumns } from './result.ts'
import { type Rewriting, type Rewritten, rewrite, type TrinoName } from './rewrite.ts'
import { readable } from './tokens.ts'

export interface TrinoEngineOptions {
  readonly clock: Clock
  /** Where Trino finds a table's rows of a tenant, under the columns' own names; undefined where it does not. A view needs none: it is expanded. */
  readonly locate: (table: MountedTable, tenant: string) => TrinoName | undefined
  /** Told of every catalog a table was located in and that Trino says it does not have. */
  readonly lost?: (catalog: string) => void
}

/** Statements whose parameters' types are kept. */
const keptTypes = 500

/** The SqlEngine on Trino. The statement's text goes there as it is, with the names of tables in Trino's words; closing the engine closes the client. */
export function openTrinoEngine(client: TrinoClient, options: TrinoEngineOptions): SqlEngine {
  return new TrinoEngine({ client, ...options, types: new Map(), close: () => client.close() }, [])
}

/** What engines over different tables have in common. */
interface Shared extends TrinoEngineOptions {
  readonly client: TrinoClient
  /** Types of parameters by the statement they stand in. */
  readonly types: Map<string, readonly string[]>
  readonly close: () => Promise<void>
}

/** One statement from its text to its end. */
interface Run {
  readonly scope: Scope
  readonly stop: Stop
  readonly parsed: ParsedStatement
  readonly rewritten: Rewritten
  /** For each mark of the rewritten text. */
  readonly values: readonly Value[]
}

class TrinoEngine implements SqlEngine {
  readonly name = 'trino'
  readonly #shared: Shared
  #mounts: Mounts

  constructor(shared: Shared, tables: readonly MountedTable[]) {
    this.#shared = shared
    this.#mounts = new Mounts(tables)
  }

  get tables() {
    return this.#mounts.tables
  }

  async mount(tables: readonly MountedTable[]): Promise<void> {
    this.#mounts = new Mounts(tables)
  }

  over(tables: readonly MountedTable[]): SqlEngine {
    return new TrinoEngine({ ...this.#shared, close: async () => {} }, tables)
  }

  async close(): Promise<void> {
    await this.#shared.close()
  }

  /** A query without rows tells the columns; Trino reads no table for it. */
  async describe(scope: Scope, statement: Statement): Promise<readonly Column[]> {
    return this.#within(scope, statement, { before: 'SELECT * FROM (', behind: ') LIMIT 0' }, async run => {
      const result = await this.#start(run)
      const columns = resultColumns(result.columns)
      await result.end()
      const filled = neverNull(run.parsed.root)
      return columns.map((column, index) => (filled.has(index) ? { ...column, nullable: false } : column))
    })
  }

  check(scope: Scope): Promise<void> {
    return this.#shared.client.check(scope.signal)
  }

  async explain(scope: Scope, statement: Statement): Promise<Plan> {
    return this.#within(scope, statement, {}, async run => {
      const result = await this.#start(run, 'EXPLAIN ')
      const lines: string[] = []
      for (let page = await result.next(); page !== undefined; page = await result.next()) lines.push(...page.map(([line]) => String(line)))
      const named = [...run.rewritten.tables].map(([{ catalog, name, from }, at]) => `reads ${catalog}.${name} (${at ? `${at.catalog}.${at.schema}.${at.table}` : from.kind})`)
      return { engine: this.name, text: [...named, ...lines].join('\n'), reads: [] }
    })
  }

  async query(scope: Scope, statement: Statement, options: QueryOptions = {}): Promise<QueryResult> {
    const stop = new Stop(scope, this.#shared.clock, options.timeoutMs)
    scope.footprint?.unknown('Trino read what does not tell the hub of its changes.')
    try {
      const run = this.#prepare(scope, stop, statement, undefined, options.maxRows)
      const asOfMs = momentOf([...run.rewritten.tables.keys()], options)
      const result = await this.#start(run)
      return queryResult({
        result,
        asOfMs,
        maxRows: options.maxRows,
        ended: () => stop.end(),
      })
    } catch (error) {
      stop.end()
      throw error
    }
  }

  #prepare(scope: Scope, stop: Stop, statement: Statement, around: Rewriting['around'], maxRows?: number): Run {
    stop.signal.throwIfAborted()
    const parsed = parseTrino(readable(statement.sql))
    checkCount(statement, parsed)
    const locate = (table: MountedTable) => this.#shared.locate(table, scope.tenant)
    const limit = maxRows === undefined ? {} : { limit: maxRows + 1 }
    const rewritten = rewrite(statement, parsed, { mounts: this.#mounts, locate, around, ...limit })
    return { scope, stop, parsed, rewritten, values: flatParameters(statement) }
  }

  async #within<T>(scope: Scope, statement: Statement, around: Rewriting['around'], work: (run: Run) => Promise<T>): Promise<T> {
    const stop = new Stop(scope, this.#shared.clock, undefined)
    try {
      const run = this.#prepare(scope, stop, statement, around)
      return await work(run)
    } finally {
      stop.end()
    }
  }

  /** The statement's first page, its parameters sent along as literals. */
  async #start(run: Run, command = ''): Promise<TrinoResult> {
    const { rewritten, values } = run
    const types = values.some(needsType) ? await this.#typesOf(run) : []
    const { text } = rewritten.edited
    if (values.length === 0) return this.#run(run, command + text, { text: rewritten.edited, ahead: command.length, immediate: false })
    const literals = values.map((value, index) => literal(value, types[index] ?? '', index + 1))
    const before = `${command}EXECUTE IMMEDIATE `
    return this.#run(run, `${before}${quoteText(text)} USING ${literals.join(', ')}`, { text: rewritten.edited, ahead: before.length + 1, immediate: true })
  }

  /** The type Trino expects at each mark, asked once for a text. */
  async #typesOf(run: Run): Promise<readonly string[]> {
    const { text } = run.rewritten.bare
    const { types } = this.#shared
    const known = types.get(text)
    if (known !== undefined) return known
    const found: string[] = []
    const result = await this.#run(run, 'DESCRIBE INPUT statement', { text: run.rewritten.bare, ahead: 0, immediate: false }, { statement: compressed(text) })
    for (let page = await result.next(); page !== undefined; page = await result.next()) for (const [position, type] of page) found[Number(position)] = String(type)
    const [oldestText] = types.keys()
    if (types.size >= keptTypes && oldestText !== undefined) types.delete(oldestText)
    types.set(text, found)
    return found
  }

  /** Runs a text in Trino; failures, those of its pages too, are in the caller's words. */
  async #run({ scope, stop, rewritten: { tables } }: Run, sql: string, sent: Sent, prepared?: Readonly<Record<string, string>>): Promise<TrinoResult> {
    const told = async <T>(work: Promise<T>): Promise<T> => {
      try {
        return await work
      } catch (error) {
        stop.signal.throwIfAborted()
        if (error instanceof TrinoFailure && error.error.errorName === 'CATALOG_NOT_FOUND') for (const name of tables.values()) if (name && error.error.message.includes(`'${name.catalog}'`)) this.#shared.lost?.(name.catalog)
        throw failureOf(error, tables, sent)
      }
    }
    const result = await told(this.#shared.client.run({ sql, prepared, signal: stop.signal, later: work => scope.later(work) }))
    return { id: result.id, columns: result.columns, get stats() { return result.stats }, next: () => told(result.next()), end: () => result.end() }
  }
}

/** Headers hold little; longer statements go as Trino's own clients send them. */
function compressed(sql: string): string {
  return sql.length <= 2048 ? sql : `$zstd:${zstdCompressSync(sql).toString('base64url')}`
}
