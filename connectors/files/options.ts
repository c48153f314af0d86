import type { z } from 'zod'
import { type FileFormat, filesSource, type FilesTable } from '../../schema/catalog-input.ts'

/** The options of a source of type `files` in the catalog, beside its type. */
export const filesOptions = filesSource.omit({ type: true, description: true })
export type FilesOptions = z.input<typeof filesOptions>

/** How a file is written, nothing left open but what another part of it says: a delimiter by the name's ending, an escape by the quote. */
export type ParsedFormat = Exclude<FileFormat, { type: 'csv' }> | CsvFormat
export type CsvFormat = Required<Pick<CsvOptions, 'header' | 'quote' | 'null'>> & CsvOptions
type CsvOptions = Extract<FileFormat, { type: 'csv' }>

export interface ParsedTable extends Omit<FilesTable, 'format' | 'key'> {
  readonly format?: ParsedFormat
  readonly key?: readonly string[]
}

export interface ParsedOptions extends Omit<FilesOptions, 'format' | 'tables'> {
  readonly format?: ParsedFormat
  readonly tables?: Readonly<Record<string, ParsedTable>>
}

/** Options that have the form, with what they leave out filled in. */
export function parsedOptions({ format, tables, ...rest }: FilesOptions): ParsedOptions {
  return { ...rest, format: format && parsedFormat(format), tables: tables && Object.fromEntries(Object.entries(tables).map(([name, table]) => [name, parsedTable(table)])) }
}

function parsedTable(table: string | FilesTable): ParsedTable {
  if (typeof table === 'string') return { file: table }
  const { format, key, ...rest } = table
  return { ...rest, format: format && parsedFormat(format), key: typeof key === 'string' ? [key] : key }
}

function parsedFormat(format: FileFormat): ParsedFormat {
  if (format.type !== 'csv') return format
  const { header = true, quote = '"', null: missing = '', ...rest } = format
  return { ...rest, header, quote, null: missing }
}

const endings: Record<string, ParsedFormat['type']> = {
  csv: 'csv', tsv: 'csv', tab: 'csv', json: 'json', ndjson: 'ndjson', jsonl: 'ndjson', parquet: 'parquet', pq: 'parquet',
}

export const knownEndings = Object.keys(endings)

/** The format a file's name promises; undefined for an ending nobody knows. */
export function formatOf(file: string): ParsedFormat | undefined {
  const type = endings[/\.([A-Za-z0-9]+)$/.exec(file)?.[1]?.toLowerCase() ?? '']
  return type && parsedFormat({ type })
}
