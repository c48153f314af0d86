import { HubError } from '../../schema/errors.ts'
import type { DuckDatabase } from '../duckdb/database.ts'
import type { Clock } from '../ports/scope.ts'
import type { SourceTable } from '../ports/source-connector.ts'
import { identifier } from '../sql-text/filter.ts'
import { type LoadRequest, load as loadFile } from './load.ts'
import { formatOf, knownEndings, type ParsedFormat, type ParsedTable } from './options.ts'
import type { FilePlace, FoundFile } from './place.ts'

/** One file as a table of the shared DuckDB, loaded when first needed and again when the file is another. */
export interface StagedTable {
  readonly name: string
  /** Loads unless the table holds the file as it is on disk; with `trusting`, the file as it was when last looked at. One load at a time. */
  current(clock: Clock, trusting?: boolean): Promise<SourceTable>
  /** Loads if the file is another than the table holds, the same as at the look before, and none that was refused. Never fails; see `trouble`. */
  look(clock: Clock): Promise<void>
  /** What it holds; undefined before it is first needed. */
  readonly held: SourceTable | undefined
  /** Why it does not hold the file as it is. */
  readonly trouble: string | undefined
  /** Ends when no load runs; never fails. */
  idle(): Promise<void>
}

export interface StageContext {
  readonly database: DuckDatabase
  readonly source: string
  readonly place: FilePlace
  /** Name of the schema the tables stand in, unquoted. */
  readonly schema: string
  readonly format?: ParsedFormat
  readonly quarantineLimit?: number
}

export function stagedTable(context: StageContext, name: string, table: ParsedTable): StagedTable {
  const relation = `${identifier(context.schema)}.${identifier(name)}`
  let loaded: { readonly as: string; readonly table: SourceTable } | undefined
  let running: Promise<SourceTable> | undefined
  /** When the file was last seen to be the one the table holds. */
  let seenAtMs: number | undefined
  /** The file as at the last look, or why it was not there. */
  let lookedAt: string | undefined
  let refused: { readonly as: string; readonly message: string } | undefined

  const find = () => context.place.find(name, table.file)

  async function refresh(clock: Clock): Promise<SourceTable> {
    const startedMs = clock.now()
    const found = await find()
    const { as } = found
    try {
      if (loaded?.as !== as) loaded = { as, table: await load(found) }
    } catch (error) {
      refused = { as, message: said(error) }
      throw error
    }
    refused = undefined
    seenAtMs = startedMs
    return loaded.table
  }

  /** Never fails. */
  async function look(clock: Clock): Promise<void> {
    const startedMs = clock.now()
    const found = await find().then(({ as }) => ({ as, message: undefined }), (error: unknown) => ({ as: said(error), message: said(error) }))
    const rests = lookedAt === found.as
    lookedAt = found.as
    if (found.as === loaded?.as) {
      refused = undefined
      seenAtMs = startedMs
    } else if (rests && found.as !== refused?.as) {
      if (found.message !== undefined) refused = found
      else await current(clock).catch((error: unknown) => error) // it is in `refused`
    }
  }

  async function load(found: FoundFile): Promise<SourceTable> {
    const format = formatFor(context, name, table)
    const { path, done } = await found.open()
    try {
      return await read({ relation, path, format, columns: table.columns, key: table.key, quarantineLimit: context.quarantineLimit })
    } finally {
      await done()
    }
  }

  async function read(request: LoadRequest): Promise<SourceTable> {
    const connection = await context.database.connect()
    try {
      const result = await loadFile(connection, request)
      return { name, columns: result.columns, key: request.key ?? [], foreignKeys: [], rowCount: result.rowCount, quarantine: result.quarantine, relation, asOfMs: () => seenAtMs }
    } catch (error) {
      const own = error instanceof HubError
      const why = own ? error.message : engineWords(error).replaceAll(request.path, table.file)
      throw new HubError('UPSTREAM_REJECTED', `Table "${name}" cannot be read from "${table.file}": ${why}`, { source: context.source, table: name, file: table.file }, { cause: own ? error.cause : error })
    } finally {
      connection.disconnectSync()
    }
  }

  function current(clock: Clock, trusting = false): Promise<SourceTable> {
    if (trusting && loaded) return Promise.resolve(loaded.table)
    running ??= refresh(clock).finally(() => {
      running = undefined
    })
    return running
  }

  return {
    name,
    current,
    async look(clock) {
      if (loaded && !running) await look(clock)
    },
    get held() {
      return loaded?.table
    },
    get trouble() {
      return refused?.message
    },
    async idle() {
      await running?.catch(() => undefined) // whoever asked for it was told
    },
  }
}

/** The tables of a source that declares none: each file of a known ending, called after its path below the root. */
export async function discover(place: FilePlace): Promise<Map<string, ParsedTable>> {
  const files = (await place.list()).filter(file => formatOf(file))
  if (files.length === 0) throw new HubError('NOT_FOUND', `${place.name} has no file that ends in ${knownEndings.map(ending => `.${ending}`).join(', ')}. Name the files under "tables", with their format.`)
  const plain = (file: string) => file.replace(/\.[^.]+$/, '').replaceAll('/', '_')
  const count = new Map<string, number>()
  for (const file of files) count.set(plain(file).toLowerCase(), (count.get(plain(file).toLowerCase()) ?? 0) + 1)
  return new Map(files.map(file => [count.get(plain(file).toLowerCase()) === 1 ? plain(file) : file.replaceAll('/', '_').replaceAll('.', '_'), { file }]))
}

function formatFor(context: StageContext, name: string, table: ParsedTable): ParsedFormat {
  const format = table.format ?? context.format ?? formatOf(table.file)
  if (format) return format
  throw new HubError('CATALOG_INVALID', `Table "${name}" does not say how "${table.file}" is written, and its ending does not tell. Add format: { type: csv }, json, ndjson or parquet.`, { source: context.source, table: name })
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function engineWords(error: unknown): string {
  return said(error).split('\n')[0] ?? ''
}
