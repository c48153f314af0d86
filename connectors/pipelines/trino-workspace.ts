import { HubError } from '../../schema/errors.ts'
import { quoteIdentifier } from '../../schema/quote.ts'
import type { Column, ColumnType, Json, Row } from '../../schema/values.ts'
import type { DuckDatabase } from '../duckdb/database.ts'
import type { DatasetColumn, FileSource, FilesInto, Reading, Workspace, Written } from '../ports/pipeline-engine.ts'
import type { Scope } from '../ports/scope.ts'
import type { MountedTable } from '../ports/sql-engine.ts'
import { parseTrino, sqlError } from '../statements/ast.ts'
import { Mounts } from '../statements/mounts.ts'
import { neverNull } from '../statements/never-null.ts'
import type { TrinoClient, TrinoResult } from '../trino/client.ts'
import { queryResult, resultColumns } from '../trino/result.ts'
import { readable } from '../trino/tokens.ts'
import type { Rewriting } from '../trino/rewrite.ts'
import { storedAs, trinoType } from '../trino/stored.ts'
import { readerOf } from '../trino/types.ts'
import { type Held, Scratch, type ScratchColumn, type ScratchPlace, type TextRow } from './trino-scratch.ts'
import { rowsOf, TrinoStatements } from './trino-statements.ts'
import { openWorkspace } from './workspace.ts'

export interface TrinoWorkspaceParts {
  /** Of this run alone: closed with it. */
  readonly client: TrinoClient
  readonly place: ScratchPlace
  /** A DuckDB with nothing in it. */
  readonly openDuck: () => Promise<DuckDatabase>
}

/** Datasets of one run in Trino. What comes from this machine, and what goes to it, passes through a workspace of DuckDB. */
export async function openTrinoWorkspace(scope: Scope, parts: TrinoWorkspaceParts): Promise<Workspace> {
  const statements = new TrinoStatements(parts.client, scope)
  const { signal } = statements
  // What ends the run ends what is done here for the same reason.
  return new TrinoWorkspace({ ...scope, signal }, parts, statements, await openWorkspace(await parts.openDuck(), { ...scope, signal }))
}

/** A dataset by what is known of its rows. */
type State =
  /** They are to be made when something is computed of them. */
  | { readonly kind: 'waiting'; readonly make: () => Promise<Held> }
  | { readonly kind: 'defined'; readonly select: string }
  | { readonly kind: 'held'; readonly held: Held }

interface Dataset {
  readonly name: string
  readonly columns: readonly DatasetColumn[]
  readonly isFiles: boolean
  state: State
}

/** What a column is called whose values are on their way to Trino. */
const textName = (place: number) => `t${place}`

class TrinoWorkspace implements Workspace {
  readonly #scope: Scope
  readonly #parts: TrinoWorkspaceParts
  readonly #duck: Workspace
  readonly #statements: TrinoStatements
  readonly #scratch: Scratch
  readonly #datasets = new Map<string, Dataset>()
  #writersPeak = 0

  constructor(scope: Scope, parts: TrinoWorkspaceParts, statements: TrinoStatements, duck: Workspace) {
    this.#scope = scope
    this.#parts = parts
    this.#duck = duck
    this.#statements = statements
    this.#scratch = new Scratch(statements, scope, parts.place)
  }

  get peakMemoryBytes() {
    return Math.max(this.#duck.peakMemoryBytes, this.#writersPeak, this.#statements.peakMemoryBytes)
  }

  async files(dataset: string, source: FileSource): Promise<readonly DatasetColumn[]> {
    const columns = await this.#duck.files(dataset, source)
    this.#add({ name: dataset, columns, isFiles: true, state: { kind: 'waiting', make: async () => {
      // Read once: what is left out of a csv is counted while it is.
      if (source.format === 'csv') await this.#duck.keep(dataset)
      return this.#fromDuck(dataset, columns)
    } } })
    return columns
  }

  async rows(dataset: string, columns: readonly Column[], batches: AsyncIterable<readonly Row[]>): Promise<number> {
    const rows = await this.#duck.rows(dataset, columns, batches)
    this.#add({ name: dataset, columns, isFiles: false, state: { kind: 'waiting', make: () => this.#fromDuck(dataset, columns) } })
    return rows
  }

  async describe(select: string): Promise<readonly Column[]> {
    const filled = neverNull(parseTrino(readable(select)).root)
    return resultColumns(await this.#columnsOf(select)).map((column, place) => (filled.has(place) ? { ...column, nullable: false } : column))
  }

  async define(dataset: string, select: string, columns: readonly Column[]): Promise<void> {
    this.#add({ name: dataset, columns, isFiles: false, state: { kind: 'defined', select } })
  }

  async keep(dataset: string): Promise<number> {
    const found = this.#dataset(dataset)
    if (found.state.kind !== 'defined') return (await this.#held(found)).rows
    const select = `SELECT * FROM ${quoteIdentifier(dataset)}`
    await this.#make(select)
    const columns = (await this.#columnsOf(select)).map(({ type }, place): ScratchColumn => ({ name: found.columns[place]?.name ?? '', type }))
    const held = await this.#scratch.keep(columns, async around => {
      const [count] = await rowsOf(await this.#statements.select(select, { ...this.#mounted(), around }))
      return Number(count?.[0] ?? 0)
    })
    found.state = { kind: 'held', held }
    return held.rows
  }

  async change(dataset: string, of: string, columns: readonly string[], change: (text: string) => string): Promise<void> {
    const all = this.#dataset(of).columns.map(column => (columns.includes(column.name) ? { name: column.name, type: 'String' as const, nullable: column.nullable } : column))
    this.#add({ name: dataset, columns: all, isFiles: false, state: { kind: 'waiting', make: () => this.#changed(of, columns, change) } })
  }

  async read(select: string) {
    const { columns, rows } = queryResult({ result: await this.#computed(select), maxRows: undefined, asOfMs: undefined, ended: () => undefined })
    return { columns, batches: rows }
  }

  async write(select: string, into: FilesInto): Promise<Written> {
    const result = await this.#computed(select)
    const columns = resultColumns(result.columns)
    // One of its own, so that it keeps nothing of what was written.
    const writer = await openWorkspace(await this.#parts.openDuck(), this.#scope)
    try {
      // JSON goes as its text, in which numbers have all their digits.
      await writer.rows('rows', columns.map(column => (column.type === 'JSON' ? { ...column, type: 'String' } : column)), writtenRows(result, columns))
      return await writer.write(`SELECT ${columns.map(({ name, type }) => (type === 'JSON' ? `json_parse(${quoteIdentifier(name)}) AS ${quoteIdentifier(name)}` : quoteIdentifier(name))).join(', ')} FROM "rows"`, into)
    } finally {
      this.#writersPeak = Math.max(this.#writersPeak, writer.peakMemoryBytes)
      await writer.close()
      await result.end()
    }
  }

  async reading(dataset: string): Promise<Reading> {
    return this.#dataset(dataset).isFiles ? this.#duck.reading(dataset) : { rejected: 0, samples: [] }
  }

  async close(): Promise<void> {
    await this.#scratch.close()
    this.#statements.end()
    await this.#parts.client.close()
    await this.#duck.close()
  }

  #add(dataset: Dataset): void {
    const key = dataset.name.toLowerCase()
    if (this.#datasets.has(key)) throw new RangeError(`There is a dataset "${dataset.name}" already.`)
    this.#datasets.set(key, dataset)
  }

  #dataset(name: string): Dataset {
    const found = this.#datasets.get(name.toLowerCase())
    if (!found) throw new RangeError(`There is no dataset "${name}".`)
    return found
  }

  /** Runs a statement over rows that are all there. */
  async #computed(select: string): Promise<TrinoResult> {
    await this.#make(select)
    return this.#statements.select(select, this.#mounted())
  }

  /** Columns as Trino tells them. Reads no rows. */
  async #columnsOf(select: string): Promise<TrinoResult['columns']> {
    const result = await this.#statements.select(select, { ...this.#mounted(noRows), around: { before: 'SELECT * FROM (', behind: ') LIMIT 0' } })
    await result.end()
    return result.columns
  }

  /** Datasets as statements find them. One whose rows are still to be made is what `instead` says; without it a statement that reads it fails. */
  #mounted(instead?: (columns: readonly DatasetColumn[]) => string): Pick<Rewriting, 'mounts' | 'locate'> {
    const places = new Map<string, Held>()
    const tables = [...this.#datasets.values()].map(({ name, columns, state }): MountedTable => {
      const view = state.kind === 'defined' ? state.select : state.kind === 'waiting' ? instead?.(columns) : undefined
      if (state.kind === 'held') places.set(name, state.held)
      return { catalog: 'hub', name, columns, from: view === undefined ? { kind: 'relation', relation: quoteIdentifier(name) } : { kind: 'view', sql: view } }
    })
    return { mounts: new Mounts(tables), locate: ({ name }) => places.get(name)?.at }
  }

  /** Makes the rows of what a statement reads, by other datasets too. Names that are none are told of by the statement. */
  async #make(select: string): Promise<void> {
    for (const name of this.#mounted().mounts.named(readable(select))) {
      const found = this.#datasets.get(name.replace(/^hub\./, '').toLowerCase())
      if (found?.state.kind === 'defined') await this.#make(found.state.select)
      else if (found) await this.#held(found)
    }
  }

  async #held(dataset: Dataset): Promise<Held> {
    const { state } = dataset
    if (state.kind === 'held') return state.held
    if (state.kind === 'defined') throw new RangeError(`"${dataset.name}" is only defined.`)
    const held = await state.make()
    dataset.state = { kind: 'held', held }
    return held
  }

  async #fromDuck(dataset: string, columns: readonly DatasetColumn[]): Promise<Held> {
    const scales = await this.#scales(dataset, columns)
    const types = columns.map(({ name, type, precision }): ScratchColumn => ({ name, type: trinoType(type, precision, scales.get(name)) }))
    const { batches } = await this.#duck.read(transferred(dataset, columns))
    return this.#scratch.fill(types, texts(batches, columns))
  }

  /** Digits behind the point of each Decimal, as the schema says, or as its values have them. */
  async #scales(dataset: string, columns: readonly DatasetColumn[]): Promise<ReadonlyMap<string, number>> {
    const told = columns.flatMap(({ name, scale }): [string, number][] => (scale === undefined ? [] : [[name, scale]]))
    const open = columns.filter(({ type, scale }) => type === 'Decimal' && scale === undefined).map(({ name }) => name)
    if (open.length === 0) return new Map(told)
    const digits = open.map((name, place) => {
      const text = `CAST(${quoteIdentifier(name)} AS varchar)`
      return `coalesce(max(CASE WHEN strpos(${text}, '.') = 0 THEN 0 ELSE length(${text}) - strpos(${text}, '.') END), 0) AS ${textName(place)}`
    })
    const { batches } = await this.#duck.read(`SELECT ${digits.join(', ')} FROM ${quoteIdentifier(dataset)}`)
    for await (const [row] of batches) if (row) return new Map([...told, ...open.map((name, place): [string, number] => [name, Number(row[textName(place)])])])
    return new Map(told)
  }

  /** Reads rows from Trino, changes them here and holds them there. */
  async #changed(of: string, columns: readonly string[], change: (text: string) => string): Promise<Held> {
    const select = `SELECT * FROM ${quoteIdentifier(of)}`
    await this.#make(select)
    const names = this.#dataset(of).columns.map(({ name }) => name)
    const found = (await this.#columnsOf(select)).map(({ type }, place): ScratchColumn => ({ name: names[place] ?? '', type }))
    const isChanged = names.map(name => columns.includes(name))
    // A value as Trino writes it, whatever its type is.
    const asTexts = `SELECT ${found.map(({ name, type }, place) => (isChanged[place] ? `CAST(${quoteIdentifier(name)} AS varchar)` : storedAs(type).text(quoteIdentifier(name)))).join(', ')} FROM ${quoteIdentifier(of)}`
    const result = await this.#computed(asTexts)
    const types = found.map(({ name, type }, place) => ({ name, type: isChanged[place] ? 'varchar' : type }))
    try {
      return await this.#scratch.fill(types, changedTexts(result, isChanged, change))
    } finally {
      await result.end()
    }
  }
}

async function* writtenRows(result: TrinoResult, columns: readonly Column[]): AsyncGenerator<readonly Row[], void, void> {
  const readers = result.columns.map(({ typeSignature }, place) => {
    const { type, read } = readerOf(typeSignature)
    const name = columns[place]?.name ?? ''
    return { name, read: type !== 'JSON' ? read : typeSignature.rawType === 'json' ? String : (value: Json) => JSON.stringify(read(value)) }
  })
  for (let page = await result.next(); page !== undefined; page = await result.next()) {
    yield page.map(values => Object.fromEntries(readers.map(({ name, read }, place) => {
      const value = values[place] ?? null
      return [name, value === null ? null : read(value)]
    })))
  }
}

function noRows(columns: readonly DatasetColumn[]): string {
  return `SELECT ${columns.map(({ name, type, precision, scale }) => `CAST(NULL AS ${trinoType(type, precision, scale)}) AS ${quoteIdentifier(name)}`).join(', ')} WHERE 1 = 0`
}

/** A time as the port has it becomes what Trino takes for one; other values are written there as they are here. */
const timeTexts: Readonly<Partial<Record<ColumnType, (read: string) => string>>> = {
  LocalDateTime: read => read.replace('T', ' '),
  DateTime: read => read.replace('T', ' ').replace('Z', ' UTC'),
}

/** Reads a dataset of DuckDB, JSON with every digit of its numbers. */
function transferred(dataset: string, columns: readonly Column[]): string {
  return `SELECT ${columns.map(({ name, type }, place) => `${type === 'JSON' ? `json_format(${quoteIdentifier(name)})` : quoteIdentifier(name)} AS ${textName(place)}`).join(', ')} FROM ${quoteIdentifier(dataset)}`
}

async function* texts(batches: AsyncIterable<readonly Row[]>, columns: readonly Column[]): AsyncGenerator<readonly TextRow[], void, void> {
  const readers = columns.map(({ type }, place) => ({ name: textName(place), text: timeTexts[type] ?? ((read: string) => read) }))
  for await (const rows of batches) {
    yield rows.map(row => readers.map(({ name, text }) => {
      const read = asText(row[name] ?? null)
      return read === null ? null : text(read)
    }))
  }
}

async function* changedTexts(result: TrinoResult, isChanged: readonly boolean[], change: (text: string) => string): AsyncGenerator<readonly TextRow[], void, void> {
  const changed = (text: string) => {
    try {
      return change(text)
    } catch (error) {
      throw sqlError(error instanceof HubError ? error.message : 'A value could not be changed', undefined, error)
    }
  }
  for (let page = await result.next(); page !== undefined; page = await result.next()) {
    yield page.map(row => row.map((value, place) => {
      const text = asText(value)
      return text === null || !isChanged[place] ? text : changed(text)
    }))
  }
}

function asText(value: Row[string] | Json): string | null {
  if (value === null || value === undefined) return null
  return Object.is(value, -0) ? '-0' : String(value)
}
