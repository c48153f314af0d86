import { readdir, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { type DuckDBConnection, DuckDBScalarFunction, VARCHAR } from '@duckdb/node-api'
import { HubError } from '../../schema/errors.ts'
import { quoteIdentifier, quoteText } from '../../schema/quote.ts'
import type { Column, Row } from '../../schema/values.ts'
import type { DuckDatabase } from '../duckdb/database.ts'
import { openDuckDbEngine } from '../duckdb/engine.ts'
import { engineWords, failureOf } from '../duckdb/failures.ts'
import { fillTable, makeTable } from '../duckdb/fill.ts'
import { Parameters } from '../duckdb/parameters.ts'
import { nowText, translate } from '../duckdb/translate.ts'
import type { DatasetColumn, FileSource, FilesInto, Reading, Workspace, Written } from '../ports/pipeline-engine.ts'
import type { Scope } from '../ports/scope.ts'
import type { MountedTable, SqlEngine } from '../ports/sql-engine.ts'
import { parseTrino } from '../statements/ast.ts'
import { Mounts } from '../statements/mounts.ts'
import { Stop } from '../statements/stop.ts'
import { csvDataset } from './csv.ts'
import type { FileDataset } from './file-dataset.ts'
import { jsonDataset } from './json.ts'
import { writeJsonLines } from './json-lines.ts'
import { parquetDataset } from './parquet.ts'
import { type CsvRows, profileOf } from './profile.ts'

/** How often memory is looked at. */
const lookMs = 200

/** Datasets of one run in a DuckDB of its own, which is closed with it. */
export async function openWorkspace(database: DuckDatabase, scope: Scope): Promise<Workspace> {
  return new DuckDbWorkspace(database, await database.connect(), await openDuckDbEngine(database, scope), scope)
}

interface Dataset {
  readonly mounted: MountedTable
  readonly files?: FileDataset
}

class DuckDbWorkspace implements Workspace {
  readonly #database: DuckDatabase
  /** All statements run on it: what a reader of csv leaves out is seen by its own connection alone. */
  readonly #connection: DuckDBConnection
  readonly #engine: SqlEngine
  readonly #scope: Scope
  readonly #momentMs: number
  readonly #datasets = new Map<string, Dataset>()
  /** Of the last statement with each read of a csv. */
  readonly #csvRows = new Map<string, CsvRows>()
  #made = 0
  #peak = 0
  #looking: Promise<void> | undefined
  #lookedAtMs = Number.NEGATIVE_INFINITY

  constructor(database: DuckDatabase, connection: DuckDBConnection, engine: SqlEngine, scope: Scope) {
    this.#database = database
    this.#connection = connection
    this.#engine = engine
    this.#scope = scope
    this.#momentMs = scope.clock.now()
  }

  get peakMemoryBytes() {
    return this.#peak
  }

  async files(dataset: string, source: FileSource): Promise<readonly DatasetColumn[]> {
    const id = this.#next()
    const files = await this.#guarded(() => datasetOf(this.#connection, id, source), `The files of "${dataset}" cannot be read`)
    await this.#run(`CREATE VIEW ${id} AS ${files.select}`)
    await this.#mount(dataset, id, files.columns, files)
    return files.columns
  }

  async rows(dataset: string, columns: readonly Column[], batches: AsyncIterable<readonly Row[]>): Promise<number> {
    const name = this.#next()
    const connection = await this.#database.connect()
    let count = 0
    try {
      const table = { catalog: 'memory', name, columns } as const
      await makeTable(connection, table)
      await fillTable(connection, table, batches, rows => {
        this.#scope.signal.throwIfAborted()
        count += rows
      })
    } finally {
      connection.disconnectSync()
    }
    await this.#mount(dataset, name, columns)
    return count
  }

  async describe(select: string): Promise<readonly Column[]> {
    return this.#engine.describe(this.#atMoment(), { sql: select })
  }

  async define(dataset: string, select: string, columns: readonly Column[]): Promise<void> {
    const id = this.#next()
    await this.#run(`CREATE VIEW ${id} AS ${this.#translated(select)}`, select)
    await this.#mount(dataset, id, columns)
  }

  async keep(dataset: string): Promise<number> {
    const id = this.#relation(dataset)
    const rows = await this.#profiled(`CREATE TABLE ${id}_kept AS FROM ${id}`, `SELECT * FROM ${quoteIdentifier(dataset)}`)
    await this.#run(`CREATE OR REPLACE VIEW ${id} AS FROM ${id}_kept`)
    return rows
  }

  async change(dataset: string, of: string, columns: readonly string[], change: (text: string) => string): Promise<void> {
    const { mounted } = this.#dataset(of)
    const all = mounted.columns.map(column => (columns.includes(column.name) ? { ...column, type: 'String' as const } : column))
    const id = this.#next()
    const called = `${id}_change`
    this.#connection.registerScalarFunction(DuckDBScalarFunction.create({
      name: called, parameterTypes: [VARCHAR], returnType: VARCHAR,
      mainFunction: (info, chunk, output) => {
        try {
          const input = chunk.getColumnVector(0)
          for (let row = 0; row < chunk.rowCount; row++) {
            const value = input.getItem(row)
            output.setItem(row, value === null ? null : change(String(value)))
          }
          output.flush()
        } catch (error) {
          info.setError(error instanceof HubError ? error.message : 'A value could not be changed.')
        }
      },
    }))
    const texts = this.#translated(`SELECT ${mounted.columns.map(({ name }) => (columns.includes(name) ? `CAST(${quoteIdentifier(name)} AS varchar) AS ${quoteIdentifier(name)}` : quoteIdentifier(name))).join(', ')} FROM ${quoteIdentifier(of)}`)
    await this.#run(`CREATE VIEW ${id} AS SELECT ${all.map(({ name }) => (columns.includes(name) ? `${called}(${quoteIdentifier(name)}) AS ${quoteIdentifier(name)}` : quoteIdentifier(name))).join(', ')} FROM (${texts})`)
    await this.#mount(dataset, id, all)
  }

  async read(select: string) {
    const { columns, rows } = await this.#engine.query(this.#atMoment(), { sql: select })
    return { columns, batches: rows }
  }

  async write(select: string, into: FilesInto): Promise<Written> {
    if (into.format === 'json') {
      const { batches } = await this.read(select)
      return { rows: await writeJsonLines(join(into.folder, `${into.name}.ndjson`), batches), files: await filesIn(into.folder) }
    }
    const translated = this.#translated(select)
    const rows = await this.#profiled(`COPY (${into.format === 'parquet' ? await this.#narrowed(translated) : translated}) TO ${copyTarget(into)}`, select)
    return { rows, files: await filesIn(into.folder) }
  }

  async reading(dataset: string): Promise<Reading> {
    const { files } = this.#dataset(dataset)
    if (!files) return { rejected: 0, samples: [] }
    const { unfit, ...rejects } = await this.#guarded(() => files.rejects(mark => {
      const read = this.#csvRows.get(mark)
      return read === undefined || read.left < read.made
    }), `What was left out of "${dataset}" cannot be told`)
    const counted = files.marks.map(mark => this.#csvRows.get(mark)?.made)
    const rows = files.rows ?? (counted.every(count => count !== undefined) && counted.length > 0 ? counted.reduce((sum, count) => sum + count, -unfit) : undefined)
    const { leftOut = [] } = files
    return { ...rejects, ...(rows !== undefined && { rows }), ...(leftOut.length > 0 && { leftOut }) }
  }

  async close(): Promise<void> {
    await this.#looking
    this.#connection.disconnectSync()
    await this.#engine.close()
    await this.#database.close()
  }

  /** The scope, with its clock at the run's moment and as much time left. */
  #atMoment(): Scope {
    const { clock, deadlineMs } = this.#scope
    const momentMs = this.#momentMs
    return { ...this.#scope, clock: { now: () => momentMs, after: (delayMs, work) => clock.after(delayMs, work) }, deadlineMs: deadlineMs - (clock.now() - momentMs) }
  }

  #next(): string {
    this.#made += 1
    return `d${this.#made}`
  }

  async #mount(dataset: string, id: string, columns: readonly Column[], files?: FileDataset): Promise<void> {
    const key = dataset.toLowerCase()
    if (this.#datasets.has(key)) throw new RangeError(`There is a dataset "${dataset}" already.`)
    this.#datasets.set(key, { mounted: { catalog: 'hub', name: dataset, columns, from: { kind: 'relation', relation: id } }, ...(files && { files }) })
    await this.#engine.mount([...this.#datasets.values()].map(({ mounted }) => mounted))
  }

  #dataset(dataset: string): Dataset {
    const found = this.#datasets.get(dataset.toLowerCase())
    if (!found) throw new RangeError(`There is no dataset "${dataset}".`)
    return found
  }

  #relation(dataset: string): string {
    const { from } = this.#dataset(dataset).mounted
    return from.kind === 'relation' ? from.relation : ''
  }

  #translation(select: string) {
    const parsed = parseTrino(select)
    const mounts = new Mounts([...this.#datasets.values()].map(({ mounted }) => mounted))
    const translation = translate(parsed, { mounts, session: {}, parameters: new Parameters({ sql: select }, parsed.parameters), liveReference: () => { throw new RangeError('No dataset is live.') } })
    return { parsed, translation }
  }

  #translated(select: string): string {
    return this.#translation(select).translation.sql.replaceAll(nowText, `TIMESTAMPTZ '${new Date(this.#momentMs).toISOString()}'`)
  }

  /** Sums of whole numbers are wider here than in Trino; parquet has nothing as wide, and would get doubles. */
  async #narrowed(sql: string): Promise<string> {
    const described = (await this.#run(`SELECT column_name FROM (DESCRIBE ${sql}) WHERE column_type = 'HUGEINT'`)).getRowsJson()
    const casts = described.map(([name]) => quoteIdentifier(String(name))).map(name => `CAST(${name} AS BIGINT) AS ${name}`)
    return casts.length === 0 ? sql : `SELECT * REPLACE (${casts.join(', ')}) FROM (${sql})`
  }

  /** Runs a statement and answers how many rows it wrote or stored. */
  async #profiled(sql: string, of?: string): Promise<number> {
    const result = await this.#run(`EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`, of)
    const profile = profileOf(String(result.getRows()[0]?.[1] ?? '{}'))
    for (const [mark, rows] of profile.csvRows) this.#csvRows.set(mark, rows)
    return profile.rows
  }

  async #run(sql: string, of?: string) {
    const stopLooking = this.#watchMemory()
    try {
      return await this.#guarded(() => this.#connection.runAndReadAll(sql))
    } catch (error) {
      if (error instanceof HubError) throw error
      if (of === undefined) throw failed(error)
      const { parsed, translation } = this.#translation(of)
      throw failureOf(error, parsed, translation)
    } finally {
      stopLooking()
    }
  }

  async #guarded<T>(work: () => Promise<T>, what?: string): Promise<T> {
    const stop = new Stop(this.#scope, this.#scope.clock, undefined)
    try {
      return await stop.guard(this.#connection, work)
    } catch (error) {
      if (error instanceof HubError && (what === undefined || error.code !== 'UPSTREAM_REJECTED')) throw error
      throw what === undefined ? error : new HubError('UPSTREAM_REJECTED', `${what}: ${error instanceof HubError ? error.message : withoutPaths(engineWords(error))}`, error instanceof HubError ? error.details : {}, { cause: error })
    } finally {
      stop.end()
    }
  }

  #watchMemory(): () => void {
    const look = () => {
      this.#looking ??= this.#lookAtMemory().finally(() => {
        this.#looking = undefined
      })
    }
    look()
    const timer = setInterval(look, lookMs)
    timer.unref()
    return () => clearInterval(timer)
  }

  async #lookAtMemory(): Promise<void> {
    if (performance.now() - this.#lookedAtMs < lookMs) return
    this.#lookedAtMs = performance.now()
    const connection = await this.#database.connect()
    try {
      const [row] = (await connection.runAndReadAll('SELECT sum(memory_usage_bytes) FROM duckdb_memory()')).getRowsJson()
      this.#peak = Math.max(this.#peak, Number(row?.[0] ?? 0))
    } finally {
      connection.disconnectSync()
    }
  }
}

function datasetOf(connection: DuckDBConnection, id: string, source: FileSource): Promise<FileDataset> {
  switch (source.format) {
    case 'csv':
      return csvDataset(connection, id, source)
    case 'json':
      return jsonDataset(connection, id, source)
    case 'parquet':
      return parquetDataset(connection, source)
  }
}

function copyTarget(into: Exclude<FilesInto, { format: 'json' }>): string {
  const { folder, name } = into
  if (into.format === 'csv') {
    const { header, delimiter, compression } = into
    const file = join(folder, `${name}.csv${compression === 'gzip' ? '.gz' : ''}`)
    // Values are as they are read again: what is not there is nothing, what is empty is in quotes.
    return `${quoteText(file)} (FORMAT csv, HEADER ${header}, DELIMITER ${quoteText(delimiter)}, NULLSTR '', COMPRESSION ${compression})`
  }
  if (!into.partitionBy) return `${quoteText(join(folder, `${name}.parquet`))} (FORMAT parquet, COMPRESSION zstd)`
  return `${quoteText(folder)} (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (${into.partitionBy.map(quoteIdentifier).join(', ')}), FILENAME_PATTERN ${quoteText(`${name}-{i}`)}, OVERWRITE_OR_IGNORE)`
}

async function filesIn(folder: string): Promise<Written['files']> {
  const found = (await readdir(folder, { recursive: true, withFileTypes: true })).filter(one => one.isFile()).map(one => join(one.parentPath, one.name)).sort()
  return Promise.all(found.map(async file => ({ path: relative(folder, file).split(sep).join('/'), bytes: (await stat(file)).size })))
}

/** A statement of the workspace itself failed. */
function failed(error: unknown): HubError {
  const words = engineWords(error)
  if (words.startsWith('Out of Memory')) return new HubError('RESULT_TOO_LARGE', 'The run needs more memory or temporary space than it may use. Raise the limits, or do less at once.', {}, { cause: error })
  return new HubError('UPSTREAM_REJECTED', `The engine stopped: ${withoutPaths(words)}`, {}, { cause: error })
}

/** Names of files without the folders they lie in. */
function withoutPaths(words: string): string {
  return words.replace(/(?:[A-Za-z]:)?(?:[\\/][\w.@ -]+)*[\\/](?=[\w.@-]+)/g, '')
}
